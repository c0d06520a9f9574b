"""The line that tells how business rules moved the product that is explained."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.theme import set_role
from engine.explain.types import Explanation


class RuledLine(QLabel):
    """Hidden where no rule touched the product."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "ruled")
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.hide()

    def fill(self, found: Explanation | None) -> None:
        said: list[str] = []
        if found is not None and found.effects:
            from app.rule_words import ruled_sentences  # few shops have rules

            said = ruled_sentences(found)
        text = " ".join(said)
        self.setText(text)
        self.setAccessibleName(text)
        self.setVisible(bool(text))
