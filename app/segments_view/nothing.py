"""In place of segments while there are none: what a segment is for, and the ways to make one."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QPushButton

from app.views.nothing import Nothing


def tr(text: str) -> str:
    return QCoreApplication.translate("NothingPage", text)


class NothingPage(Nothing):
    new_asked = Signal()
    map_asked = Signal()
    undo_asked = Signal()

    def __init__(self) -> None:
        self.new = QPushButton(tr("New segment…"))
        self.new.setToolTip(tr("Make a segment by conditions (Ctrl+N)"))
        self.map = QPushButton(tr("Draw one on the Map"))
        self.map.setToolTip(tr("Go to the Map: what is drawn around there can be kept as a segment"))
        self.undo = QPushButton(tr("Undo"))
        self.undo.setToolTip(tr("Take back the last change of the segments (Ctrl+Z)"))
        super().__init__((self.new, self.map, self.undo))
        self.new.clicked.connect(self.new_asked)
        self.map.clicked.connect(self.map_asked)
        self.undo.clicked.connect(self.undo_asked)

    def say(self, run: bool, undo: bool) -> None:
        """run: one is open; undo: a change of the segments can be taken back."""
        self.tell(
            self.tr("No segment yet") if run else self.tr("No run is open"),
            self.tr(
                "A segment is a group of shoppers or products. Every view can be narrowed to it, and here it is told "
                "what sells to it. Make one by conditions, draw around points on the Map, or keep the rows that you "
                "found in Data."
            )
            if run
            else self.tr("Choose one above, or train one."),
        )
        self.map.setVisible(run)
        self.new.setVisible(run)
        self.undo.setVisible(undo)
