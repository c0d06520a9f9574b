"""What the engine says of a fault, in the user's language: it speaks English itself, as its command line does.

`resources/translations/<language>/faults` maps each sentence of the engine, with numbered gaps for what it names, to
its translation. A sentence that is told is found again by the words between its gaps.
"""

from __future__ import annotations

import re
from functools import lru_cache

from PySide6.QtCore import QLocale

from app.i18n import TRANSLATIONS
from engine.errors import HeedmapError
from engine.files import read_json

_GAP = re.compile(r"\{(\d+)\}")
_BETWEEN = re.compile(r"(?<=[.!?]) (?=[A-Z])")  # two sentences


def fault_text(said: str) -> str:
    """A message or hint of the engine in the language of the window; what is in none of its words stays as it is."""
    sentences = _sentences(QLocale().name())
    if not sentences or not said:
        return said
    whole, runs_on = _translated(said, sentences)
    parts = _BETWEEN.split(said)
    if len(parts) > 1 and (whole is None or runs_on):
        told = [_translated(part, sentences)[0] for part in parts]
        if all(told) or (whole is None and any(told)):
            return _joined([one or part for one, part in zip(told, parts, strict=True)])
    return said if whole is None else whole


def _translated(said: str, sentences: tuple[_Sentence, ...]) -> tuple[str | None, bool]:
    """A text that is one of the sentences in its translation, else None; and whether the end of one sentence and the
    beginning of the next would stand in a gap of it."""
    for sentence in sentences:
        named = sentence.gaps(said)
        if named is not None:
            told = sentence.told.format(*(fault_text(one) if " " in one else one for one in named))
            return told, any(_BETWEEN.search(one) for one in named)
    return None, False


def _joined(parts: list[str]) -> str:
    """Sentences one after another: no space behind a full stop of Chinese, which has its own."""
    said = parts[0]
    for part in parts[1:]:
        said += part if said.endswith(("。", "！", "？")) else f" {part}"
    return said


class _Sentence:
    """A sentence with gaps: "There is no job called {0}.", and its translation."""

    def __init__(self, source: str, told: str) -> None:
        self._words = [part.replace("{{", "{").replace("}}", "}") for part in _GAP.split(source)[::2]]
        self._pattern: re.Pattern[str] | None = None
        self.told = told
        self.known = sum(len(part) for part in self._words)  # letters that are not in gaps

    def gaps(self, said: str) -> tuple[str, ...] | None:
        """What stands in the gaps of a text, where it is this sentence."""
        if not (said.startswith(self._words[0]) and said.endswith(self._words[-1])):
            return None
        if self._pattern is None:
            self._pattern = re.compile("(.+?)".join(re.escape(part) for part in self._words), re.DOTALL)
        found = self._pattern.fullmatch(said)
        return None if found is None else found.groups()


@lru_cache(maxsize=2)
def _sentences(language: str) -> tuple[_Sentence, ...]:
    """Those of a language, the longest first: a shorter one may have a gap where a longer has words."""
    found: list[_Sentence] = []
    for file in sorted((TRANSLATIONS / language / "faults").glob("*.json")):
        texts = read_json(file)
        if not isinstance(texts, dict):
            raise HeedmapError(f"{file} is not a table of texts.", "Install Heedmap again.")
        found += [_Sentence(source, told) for source, told in texts.items()]
    return tuple(sorted(found, key=lambda one: -one.known))
