"""How the panels of What-if share their room: beside each other, or in a narrow window the steps below the others; a
window too low for all of it scrolls."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSplitter, QVBoxLayout, QWidget

from app.theme import set_role

GAP = 12
_LEAST = (420, 380, 190)  # pixels of width that each panel needs
_SHARES = (0.36, 0.44, 0.20)
_STEPS_BELOW = 260  # pixels of height


class Room(QScrollArea):
    """Past choices on top; below them the editor, the result and the steps."""

    def __init__(self, past: QWidget, editor: QWidget, result: QWidget, steps: QWidget) -> None:
        super().__init__()
        self._steps = steps
        self.main = QSplitter(Qt.Orientation.Horizontal)
        self.main.setHandleWidth(GAP)
        self.main.setChildrenCollapsible(False)
        for place, panel in enumerate((editor, result, steps)):
            panel.setMinimumWidth(_LEAST[place])
            self.main.addWidget(panel)
            self.main.setStretchFactor(place, round(100 * _SHARES[place]))
        content = QWidget()
        set_role(content, "content")
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GAP)
        self._column.addWidget(past)
        self._column.addWidget(self.main, 1)
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    @property
    def narrow(self) -> bool:
        """Whether the steps lie below."""
        return self.main.indexOf(self._steps) < 0

    def arrange(self) -> None:
        """Give every panel its share of the width."""
        self.main.setSizes([round(self.width() * share) for share in _SHARES[: self.main.count()]])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < sum(_LEAST) + 2 * GAP
        if narrow == self.narrow:
            return
        if narrow:
            self._steps.setMinimumHeight(_STEPS_BELOW)
            self._column.addWidget(self._steps)
        else:
            self._steps.setMinimumHeight(0)
            self.main.addWidget(self._steps)
        self.arrange()
