"""What the window asks of each of its views, beside showing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtWidgets import QWidget

from app.actions import Action

Numbers = Mapping[str, Mapping[str, Sequence[Any]]]  # name of a table -> its columns, all of one length


@dataclass(frozen=True)
class Whole:
    """A table of which the window holds a part. asks: the arguments of the job "write_rows", but for where to."""

    name: str
    rows: int
    asks: Mapping[str, Any]


class View(QWidget):
    """A page of the window. What a view does not have, it leaves as here."""

    def offers(self) -> list[Action]:
        """What can be done in this view: the palette and help list it while the view is in front, and its shortcuts
        work there. Asked when the view is made, for the shortcuts, and again for each list: it must be cheap."""
        return []

    def state(self) -> dict[str, Any]:
        """How the user arranged the view, in plain JSON values, so that it comes back after a restart."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Arrange the view as `state` had it; what is missing, unknown or does not fit is left as it is."""

    @property
    def busy(self) -> bool:
        """Whether an answer is still on its way; a picture waits for it."""
        return False

    def numbers(self) -> Numbers:
        """The figures behind what is shown, for an export as a table."""
        return {}

    def whole(self) -> Mapping[str, Whole]:
        """Of the tables of `numbers` those that the engine writes whole, by their names there."""
        return {}
