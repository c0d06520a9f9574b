"""What a step of the self-test found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Found:
    """A sentence with places for its values, so that it can be said in another language: `said` is of `str.format`."""

    said: str
    values: dict[str, Any]

    def text(self, said: str = "") -> str:
        """The sentence; said: its translation."""
        try:
            return (said or self.said).format(**self.values)
        except (KeyError, ValueError, IndexError):  # a translation that lost a place
            return self.said.format(**self.values)
