"""Pieces of a view that are painted one after another, so that none of them keeps the window from the user for long."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget


class Turns(QObject):
    """Holds back what changes in some pieces until `hold` is over, then paints each in a turn of the event loop of its
    own: keys, the pointer and the answers of the engine come in between."""

    def __init__(self, *pieces: QWidget, parent: QObject) -> None:
        super().__init__(parent)
        self._pieces = pieces
        self._held: list[QWidget] = []
        self._timer = QTimer(self, singleShot=True, interval=0)  # after what is posted: the painting of the one before
        self._timer.timeout.connect(self._next)

    @property
    def running(self) -> bool:
        return bool(self._held)

    def hold(self) -> None:
        """Paint nothing of the pieces before the next turn."""
        self._held = list(self._pieces)
        for piece in self._pieces:
            piece.setUpdatesEnabled(False)
        self._timer.start()

    def _next(self) -> None:
        self._held.pop(0).setUpdatesEnabled(True)
        if self._held:
            self._timer.start()
