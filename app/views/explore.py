"""Explore: shoppers, history, ranked list, product and sum, side by side and linked through the session."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from app.session import Session
from app.tables import Thumbnails
from app.theme import ThemeSource
from app.views.history import HistoryView
from app.views.panel import Panel, Tip
from app.views.product import ProductView
from app.views.ranked import RankedView
from app.views.shoppers import ShoppersView
from app.views.sum_line import SumView
from app.views.view import View
from engine.answers import RunSummary

_GAP = 12
_PATIENCE = 150  # milliseconds an old answer stays bright while a new one is on its way


class ExploreView(View):
    """Lays out the explorer's pieces; every one of them follows the session on its own."""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._arranged = False
        self.thumbnails = Thumbnails(themes, self)
        if session.run is not None:
            self.thumbnails.open(session.run.dataset.folder)
        session.run_changed.connect(self._run_changed)  # before the pieces ask for photos
        self.shoppers = ShoppersView(session, themes, self.thumbnails)
        self.history = HistoryView(session, themes, self.thumbnails)
        self.ranked = RankedView(session, themes, self.thumbnails)
        self.product = ProductView(session, themes, self.thumbnails)
        self.sum = SumView(session, themes)
        self._lay_out()
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE)
        self._patience.timeout.connect(self._dim)
        session.waiting_changed.connect(self._waiting)
        session.user_changed.connect(self._quiet)
        session.item_changed.connect(self._quiet)
        for keys, act in (
            ("Ctrl+F", self.shoppers.focus_search),
            ("[", lambda: self.product.change_head(-1)),
            ("]", lambda: self.product.change_head(1)),
            (",", lambda: self.product.change_heat(-10)),
            (".", lambda: self.product.change_heat(10)),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    def _lay_out(self) -> None:
        self.middle = self._splitter(Qt.Orientation.Horizontal, self.ranked, self.product)
        self.middle.setStretchFactor(0, 35)
        self.middle.setStretchFactor(1, 65)
        self.middle.setMinimumHeight(250)
        self.stacked = self._splitter(Qt.Orientation.Vertical, self.middle, self.sum)
        self.stacked.setStretchFactor(0, 1)
        self.stacked.setStretchFactor(1, 0)
        self.stacked.setSizes([550, 176])
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(14, 14, 14, 14)
        column.setSpacing(_GAP)
        column.addWidget(self.history)
        column.addWidget(self.stacked, 1)
        self.outer = self._splitter(Qt.Orientation.Horizontal, self.shoppers, right)
        self.outer.setHandleWidth(1)
        self.outer.setStretchFactor(0, 0)
        self.outer.setStretchFactor(1, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.outer)

    def _splitter(self, orientation: Qt.Orientation, *views: QWidget) -> QSplitter:
        splitter = QSplitter(orientation)
        splitter.setHandleWidth(_GAP)
        splitter.setChildrenCollapsible(False)
        splitter.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        for view in views:
            splitter.addWidget(view)
        return splitter

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._arranged and self.isVisible():
            self._arranged = True
            self.arrange()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._arranged:
            self._arranged = True
            self.arrange()

    def arrange(self) -> None:
        """Give every piece its share of the room; from then on the user's hand decides."""
        left = min(max(round(self.width() * 0.176), 200), 280)
        self.outer.setSizes([left, self.width() - left])
        inner = self.width() - left - 28 - _GAP
        self.middle.setSizes([round(inner * 0.352), round(inner * 0.648)])

    def sizeHint(self) -> QSize:
        return QSize(1536, 924)

    def _run_changed(self, run: RunSummary | None) -> None:
        if run is not None:
            self.thumbnails.open(run.dataset.folder)

    def _panels(self) -> tuple[Panel, ...]:
        return (self.history, self.ranked, self.product, self.sum)

    def _waiting(self, what: str) -> None:
        if what:
            if not self._patience.isActive():
                self._patience.start()
        else:
            self._patience.stop()
            for panel in self._panels():
                panel.dim(False)

    def _dim(self) -> None:
        for panel in self._panels():
            panel.dim(True)

    def _quiet(self, _key: str) -> None:
        Tip.of(self).hide()
