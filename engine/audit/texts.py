"""The words of the audit, in English and Chinese: what each check is, where it comes from, and what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.audit.check import Note
from engine.errors import HeedmapError

LANGUAGES = ("en", "zh_CN")
TEXTS = Path(__file__).resolve().parents[2] / "resources" / "audit"


@lru_cache(maxsize=len(LANGUAGES))
def texts(language: str) -> Mapping[str, Any]:
    """Check name -> {"title", "short", "method": {part: text}, "source", "figures": {name: label}, "notes": {key:
    sentence}}; "common" holds what is of no one check. HeedmapError names an unknown language."""
    if language not in LANGUAGES:
        raise HeedmapError(f"There is no report in {language!r}.", f"Use {' or '.join(LANGUAGES)}.")
    found: dict[str, Any] = {}
    for file in sorted((TEXTS / language).glob("*.json")):
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def title(check: str, language: str) -> str:
    return str(texts(language)[check]["title"])


def sentence(check: str, note: Note, language: str) -> str:
    """A note in words: from the check's texts, or from those that all share."""
    own = texts(language).get(check, {}).get("notes", {})
    template = own.get(note.key) or texts(language)["common"]["notes"][note.key]
    return str(template).format(**note.values)
