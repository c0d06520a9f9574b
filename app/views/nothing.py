"""In place of a view that has nothing to show: why, what would make it possible, and where to go meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme import set_role


class Nothing(QWidget):
    """A title, a few words and buttons, a little above the middle; the first button is the one to press."""

    def __init__(self, buttons: Sequence[QPushButton], wide: int = 520) -> None:
        """wide: pixels of the words."""
        super().__init__()
        self.title, self.text = QLabel(), QLabel()
        set_role(self.title, "figure")
        set_role(self.text, "muted")
        for label in (self.title, self.text):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setFixedWidth(wide)
        set_role(buttons[0], "primary")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addStretch(2)
        column.addWidget(self.title, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.text, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        column.addLayout(row)
        column.addStretch(3)

    def tell(self, title: str, text: str) -> None:
        self.title.setText(title)
        self.text.setText(text)
        for label in (self.title, self.text):
            label.setFixedHeight(label.heightForWidth(label.width()))
