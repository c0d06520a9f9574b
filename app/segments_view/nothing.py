"""In place of segments while there are none: what a segment is for, and the ways to make one."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton

from app.theme import ThemeSource, set_role
from app.views.panel import Panel

_WIDE = 460


class NothingPage(Panel):
    new_asked = Signal()
    map_asked = Signal()
    undo_asked = Signal()

    def __init__(self, themes: ThemeSource) -> None:
        super().__init__(themes)
        self.title, self.text = QLabel(), QLabel()
        set_role(self.title, "figure")
        set_role(self.text, "muted")
        for label in (self.title, self.text):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setFixedWidth(_WIDE)
        self.new = QPushButton(self.tr("New segment…"))
        set_role(self.new, "primary")
        self.new.setToolTip(self.tr("Make a segment by conditions (Ctrl+N)"))
        self.new.clicked.connect(self.new_asked)
        self.map = QPushButton(self.tr("Draw one on the Map"))
        self.map.setToolTip(self.tr("Go to the Map: what is drawn around there can be kept as a segment"))
        self.map.clicked.connect(self.map_asked)
        self.undo = QPushButton(self.tr("Undo"))
        self.undo.setToolTip(self.tr("Take back the last change of the segments (Ctrl+Z)"))
        self.undo.clicked.connect(self.undo_asked)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for button in (self.new, self.map, self.undo):
            row.addWidget(button)
        row.addStretch(1)
        self.heading.hide()
        self.note.hide()
        self.body.setSpacing(12)
        self.body.addStretch(2)
        self.body.addWidget(self.title, 0, Qt.AlignmentFlag.AlignHCenter)
        self.body.addWidget(self.text, 0, Qt.AlignmentFlag.AlignHCenter)
        self.body.addSpacing(8)
        self.body.addLayout(row)
        self.body.addStretch(3)

    def say(self, run: bool, undo: bool) -> None:
        """run: one is open; undo: a change of the segments can be taken back."""
        self.title.setText(self.tr("No segment yet") if run else self.tr("No run is open"))
        self.text.setText(
            self.tr(
                "A segment is a group of shoppers or products. Every view can be narrowed to it, and here it is told "
                "what sells to it. Make one by conditions, draw around points on the Map, or keep the rows that you "
                "found in Data."
            )
            if run
            else self.tr("Choose one above, or train one.")
        )
        for label in (self.title, self.text):
            label.setFixedHeight(label.heightForWidth(_WIDE))
        self.map.setVisible(run)
        self.new.setVisible(run)
        self.undo.setVisible(undo)
