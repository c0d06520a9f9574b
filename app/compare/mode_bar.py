"""What may differ between the two sides, as tabs, and the button that turns the sides round."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QTabBar, QToolButton, QWidget

from app.compare.choice import MODES
from app.theme import ThemeSource, icon


class ModeBar(QWidget):
    chosen = Signal(str)
    swap_asked = Signal()

    def __init__(self, themes: ThemeSource) -> None:
        super().__init__()
        self._themes = themes
        self.bar = QTabBar()
        self.bar.setExpanding(False)
        self.bar.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)  # it needs no arrows to turn pages
        self.bar.setAccessibleName(self.tr("What differs between the sides"))
        names = (
            self.tr("Two runs"),
            self.tr("Two epochs"),
            self.tr("Two shoppers"),
            self.tr("Two products"),
            self.tr("Two methods"),
        )
        hints = (
            self.tr("The same shopper and product in two runs"),
            self.tr("The same shopper and product after two epochs of one training"),
            self.tr("One product for two shoppers"),
            self.tr("Two products for one shopper"),
            self.tr("One score explained by two methods"),
        )
        for number, (mode, name, hint) in enumerate(zip(MODES, names, hints, strict=True), start=1):
            self.bar.addTab(name)
            self.bar.setTabData(number - 1, mode)
            self.bar.setTabToolTip(number - 1, f"{hint} (Alt+{number})")
        self.bar.currentChanged.connect(lambda place: self.chosen.emit(str(self.bar.tabData(place))))
        self.swap = QToolButton()
        self.swap.setAccessibleName(self.tr("Swap sides"))
        self.swap.setToolTip(self.tr("Swap sides (Alt+S)"))
        self.swap.clicked.connect(self.swap_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.bar)
        row.addWidget(self.swap)
        themes.changed.connect(self._dress)
        self._dress()

    def show_mode(self, mode: str, lacks: bool = False) -> None:
        """lacks: there are not two to swap."""
        self.swap.setVisible(not lacks)
        if mode != self.bar.tabData(self.bar.currentIndex()):
            self.bar.blockSignals(True)
            self.bar.setCurrentIndex(MODES.index(mode))
            self.bar.blockSignals(False)

    def _dress(self, *_: object) -> None:
        self.swap.setIcon(icon("swap", self._themes.theme.muted))
