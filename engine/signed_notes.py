"""An auditor's notes on a workspace that is open read-only: one JSON file outside of it, and its signature beside it.

NOTES.json holds the notes, NOTES.json.signature the signature of its bytes by the auditor's key, as in a bundle.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine import versions
from engine.audit.signing import Signature, auditor_key, sign
from engine.errors import HeedmapError
from engine.files import write_bytes, write_json
from engine.notes import Note


def signature_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.signature")


def read_signed_notes(file: Path) -> tuple[Note, ...]:
    """The notes of a file; none where there is no file yet.

    HeedmapError where it was changed since it was signed: then it is left as it is.
    """
    if not file.is_file():
        return ()
    content, beside = file.read_bytes(), signature_file(file)
    signature = Signature.from_bytes(beside.read_bytes()) if beside.is_file() else None
    if signature is None or not signature.holds(content):
        raise HeedmapError(
            f"The notes in {file} are not as they were signed.", "Move the file away, or restore it from a copy."
        )
    try:
        read: dict[str, Any] = json.loads(content)
        versions.refuse_newer("signed notes", read, file)
        return tuple(Note(**one) for one in read["notes"])
    except (ValueError, KeyError, TypeError) as error:
        raise HeedmapError(f"{file} holds no notes ({error}).", "Choose another file with --notes.") from error


def write_signed_notes(file: Path, workspace: str, notes: Sequence[Note]) -> None:
    """Keep all notes, sorted, and sign them. workspace: its name, for the reader.

    The signature is written after the notes: between the two the file shows as changed, never as good.
    """
    rows = [asdict(one) for one in sorted(notes, key=lambda one: (one.dataset, one.kind, one.key))]
    write_json(file, {"version": versions.current("signed notes"), "workspace": workspace, "notes": rows})
    write_bytes(signature_file(file), sign(file.read_bytes(), auditor_key()).to_bytes())
