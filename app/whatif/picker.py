"""A small window under a button, in which a product or a shopper is found and chosen."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.tables import KEY_ROLE, AnyIndex
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.panel import follow
from app.views.shoppers import CatalogueModel, Finder, FoundList, ProductsModel, RowDelegate, ShoppersModel
from engine.answers import RunSummary

_SIZE = (340, 380)


class Picker(QFrame):
    """Opens under a widget; `picked` tells the key of what was chosen, and it is closed."""

    picked = Signal(str)

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails | None, parent: QWidget) -> None:
        """thumbnails: of products; without them shoppers are chosen from."""
        super().__init__(parent, Qt.WindowType.Popup)
        set_role(self, "popup")
        model: CatalogueModel = ShoppersModel(self) if thumbnails is None else ProductsModel(self)
        name = self.tr("Shoppers") if thumbnails is None else self.tr("Products")
        hint = self.tr("Find a shopper…") if thumbnails is None else self.tr("Find a product…")
        counted = self.tr("{n} shoppers") if thumbnails is None else self.tr("{n} products")
        self.setAccessibleName(hint)
        listed = FoundList(name)
        model.open(None)
        listed.setModel(model)
        listed.setItemDelegate(RowDelegate(model, themes, thumbnails, listed))
        self.finder = Finder(model, listed, hint, counted)
        self._extra = QHBoxLayout()
        self._extra.setSpacing(4)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 8)
        column.setSpacing(8)
        column.addLayout(self._extra)
        column.addWidget(self.finder)
        follow(themes, listed)
        if thumbnails is not None:
            thumbnails.arrived.connect(lambda _: listed.viewport().update())
        self.finder.search.installEventFilter(self)
        listed.clicked.connect(self._picked)
        listed.activated.connect(self._picked)
        self.finder.search.entered.connect(self._first)
        self.resize(*_SIZE)

    def open_under(self, widget: QWidget, run: RunSummary | None, extra: tuple[str, ...] = ()) -> None:
        """Show the catalogue of `run`, `extra` keys above it."""
        self.finder.search.clear()
        self.finder.model.open(run)
        while (item := self._extra.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        for key in extra:
            button = QPushButton(key)
            button.clicked.connect(lambda _=False, key=key: self._take(key))
            self._extra.addWidget(button)
        if extra:
            self._extra.addStretch(1)
        corner = widget.mapToGlobal(QPoint(0, widget.height() + 4))
        room = widget.screen().availableGeometry()
        x = min(corner.x(), room.right() - self.width() - 8)
        y = corner.y()
        if y + self.height() > room.bottom():
            y = max(room.top() + 4, widget.mapToGlobal(QPoint(0, 0)).y() - self.height() - 4)
        self.move(max(room.left() + 4, x), y)
        self.show()
        self.finder.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def _picked(self, index: AnyIndex) -> None:
        if index.isValid():
            self._take(str(index.data(KEY_ROLE)))

    def _first(self) -> None:
        """Enter in the search takes what stands first."""
        self._picked(self.finder.list.model().index(0, 0))

    def _take(self, key: str) -> None:
        if self.isVisible():
            self.hide()
            self.picked.emit(key)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter after typing takes the first of what was found: there is nothing else to do here."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            search, model = self.finder.search, self.finder.model
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and watched is search and search.text():
                self.finder.find_now()
                self._picked(model.index(0, 0))
                return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            return
        super().keyPressEvent(event)
