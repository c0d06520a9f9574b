"""The list on the left: shoppers, or any product of the catalogue, found as you type."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QSizePolicy,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app.segments import Kind, Segment
from app.session import Session
from app.tables import KEY_ROLE, AnyIndex, FoundModel
from app.theme import ThemeSource, set_role, ui_font
from app.thumbnails import Thumbnails
from app.views.panel import LEFT, Empty, FocusRing, follow, paint_ground
from engine.answers import RunSummary

_ROW = 48


class CatalogueModel(FoundModel):
    """Shoppers or products, of which a segment may be shown alone. What each row is drawn with, by its number in the
    whole catalogue."""

    kind: Kind

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._run: RunSummary | None = None
        self._among: frozenset[str] | None = None

    def open(self, run: RunSummary | None) -> None:
        """Show the rows of a run."""
        raise NotImplementedError

    def name(self, row: int) -> str:
        raise NotImplementedError

    def detail(self, row: int) -> str:
        raise NotImplementedError

    def image(self, row: int) -> str | None:
        return None

    def spoken(self, row: int) -> str:
        return f"{self.name(row)}, {self.detail(row)}"

    @property
    def narrowed(self) -> bool:
        """Whether a segment is shown alone."""
        return self._among is not None

    def narrow(self, keys: frozenset[str] | None) -> None:
        """Show only these rows; None for all. The text that is looked for stays."""
        text, self._among = self._text, keys
        self.fill(self._keys, self._columns)
        self.find(text)
        self._cut()

    def find(self, text: str) -> None:
        super().find(text)
        self._cut()

    def _cut(self) -> None:
        if self._among is not None:
            self._show([row for row in self._rows if self._keys[row] in self._among])


class ShoppersModel(CatalogueModel):
    """Shoppers by name, with how much they had and what of."""

    kind = "users"

    def open(self, run: RunSummary | None) -> None:
        self._run = run
        if run is None:
            self.fill((), ((),))
        else:
            self.fill(run.shoppers.user, (run.shoppers.user, run.shoppers.taste))

    def name(self, row: int) -> str:
        return self.tr("Shopper {name}").format(name=self._columns[0][row])

    def detail(self, row: int) -> str:
        if self._run is None:
            return ""
        shoppers = self._run.shoppers
        n = shoppers.events[row]
        # Views and ratings count among them: "purchases" would say too much.
        count = self.tr("1 choice") if n == 1 else self.tr("{n} choices")
        if n == 0:
            count = self.tr("no history")
        return " · ".join(part for part in (count.format(n=f"{n:,}"), shoppers.taste[row]) if part)


class ProductsModel(CatalogueModel):
    """The whole catalogue by title."""

    kind = "items"

    def open(self, run: RunSummary | None) -> None:
        self._run = run
        if run is None:
            self.fill((), ((),))
        else:
            self.fill(run.items.item, (run.items.title, run.items.category, run.items.item))

    def name(self, row: int) -> str:
        return self._columns[0][row]

    def detail(self, row: int) -> str:
        if self._run is None:
            return ""
        items = self._run.items
        n = items.popularity[row]
        sold = self.tr("chosen once") if n == 1 else self.tr("chosen {n} times") if n else self.tr("never chosen")
        return " · ".join(part for part in (items.category[row], sold.format(n=f"{n:,}")) if part)

    def image(self, row: int) -> str | None:
        return self._run.items.image[row] if self._run else None


class RowDelegate(QStyledItemDelegate):
    """A name and a muted line below it; products have their photo in front."""

    def __init__(self, model: CatalogueModel, themes: ThemeSource, thumbnails: Thumbnails | None, parent: QWidget):
        super().__init__(parent)
        self._model = model
        self._themes = themes
        self._thumbnails = thumbnails
        self._font = ui_font(13)
        self._small = ui_font(11)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(120, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        theme = self._themes.theme
        row = self._model.source(index.row())
        box = QRectF(option.rect)
        view = self.parent()
        focused = isinstance(view, FoundList) and view.ring.on and view.currentIndex() == index
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        paint_ground(painter, box, theme, selected, bool(option.state & QStyle.StateFlag.State_MouseOver), focused)
        left = box.left() + 8
        name = self._model.name(row)
        if self._thumbnails is not None:
            tile = self._thumbnails.tile(
                self._model.image(row), name, QSize(36, 36), painter.device().devicePixelRatioF()
            )
            painter.drawPixmap(QPointF(left - 2, box.top() + (_ROW - 36) / 2), tile)
            left += 44
        room = box.right() - 8 - left
        for text, font, color, top, height in (
            (name, self._font, theme.text, 5.0, 20.0),
            (self._model.detail(row), self._small, theme.muted, 25.0, 17.0),
        ):
            painter.setFont(font)
            painter.setPen(color)
            cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room))
            place = QRectF(left, box.top() + top, room, height)
            painter.drawText(place, LEFT, cut)
        painter.restore()


class FoundList(QListView):
    """A list of rows of one height, of which only the visible are ever touched."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ring = FocusRing(self)
        set_role(self, "plain")
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAccessibleName(name)

    def show_row(self, row: int) -> None:
        """Make a row current without announcing it; -1 for none."""
        chooser = self.selectionModel()
        blocked = chooser.blockSignals(True)
        before, index = self.currentIndex(), self.model().index(row, 0) if row >= 0 else QModelIndex()
        self.setCurrentIndex(index)
        if row < 0:
            self.clearSelection()
        chooser.blockSignals(blocked)
        for one in (before, index):  # nobody else tells the view which rows look otherwise now
            self.update(one)


class SearchField(QLineEdit):
    """Typing narrows the list; the down arrow and Enter go to it, Escape clears."""

    left = Signal()  # for the list, which has to be that of the whole text now
    entered = Signal()  # Enter has found something

    def __init__(self, target: FoundList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._target = target
        self.setClearButtonEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
            model = self._target.model()
            if model.rowCount():
                self._target.setFocus(Qt.FocusReason.ShortcutFocusReason)
                if not self._target.currentIndex().isValid() or event.key() != Qt.Key.Key_Down:
                    self._target.setCurrentIndex(model.index(0, 0))
                if event.key() != Qt.Key.Key_Down:
                    self.entered.emit()
        else:
            super().keyPressEvent(event)


class Finder(QWidget):
    """A search field over a list of the rows found, and how many they are."""

    segment_chosen = Signal(object)  # Segment | None

    def __init__(
        self, model: CatalogueModel, listed: FoundList, hint: str, counted: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._counted = counted
        self.segment = QComboBox()
        self.segment.setAccessibleName(self.tr("Segment"))
        self.segment.setToolTip(self.tr("Show only the members of a segment, here and in every view"))
        self.segment.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.segment.activated.connect(lambda row: self.segment_chosen.emit(self.segment.itemData(row)))
        self.segment.hide()
        self.model = model
        self.list = listed
        self._kept = ""
        self.search = SearchField(listed)
        self.search.setPlaceholderText(hint)
        self.search.setAccessibleName(hint.rstrip("…"))
        self.search.setToolTip(self.tr("Type to narrow the list; Down goes to it, Escape clears (Ctrl+F)"))
        self.count = QLabel()
        set_role(self.count, "small")
        self.none = Empty()
        self.shown = QStackedWidget()
        self.shown.addWidget(listed)
        self.shown.addWidget(self.none)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.segment)
        layout.addWidget(self.search)
        layout.addWidget(self.shown, 1)
        layout.addWidget(self.count)
        self._pause = QTimer(self, singleShot=True, interval=60)
        self._pause.timeout.connect(self._find)
        self.search.textChanged.connect(self._typed)
        self.search.left.connect(self.find_now)
        model.modelReset.connect(self._count)
        self._count()

    def offer(self, segments: tuple[Segment, ...], chosen: Segment | None) -> None:
        """Offer these segments to narrow the list to; one of another kind than the list's is not `chosen` here."""
        mine = [one for one in segments if one.kind == self.model.kind]
        picked = chosen if chosen in mine else None
        self.segment.clear()
        self.segment.addItem(self.tr("All"), None)
        for one in mine:
            self.segment.addItem(f"{one.name} ({len(one.members):,})", one)
        self.segment.setCurrentIndex(0 if picked is None else 1 + mine.index(picked))
        self.segment.setVisible(bool(mine))
        keys = picked.keys if picked is not None else None
        if keys is not None or self.model.narrowed:
            self._note_kept()
            self.model.narrow(keys)
            self.list.show_row(self.model.row_of(self._kept))

    def _typed(self, _text: str) -> None:
        self._pause.start()

    def _note_kept(self) -> None:
        current = self.list.currentIndex()
        if current.isValid():
            self._kept = str(current.data(KEY_ROLE))

    def find_now(self) -> None:
        """Find what was typed: Enter may come sooner than the pause after typing ends."""
        if self._pause.isActive():
            self._pause.stop()
            self._find()

    def _find(self) -> None:
        self._note_kept()
        self.model.find(self.search.text())
        self.list.show_row(self.model.row_of(self._kept))  # what was chosen stays marked while it is among the found

    def keep(self, key: str) -> None:
        """Mark the row of `key` as the chosen one."""
        self._kept = key
        current = self.list.currentIndex()
        if not current.isValid() or current.data(KEY_ROLE) != key:
            self.list.show_row(self.model.row_of(key))

    def look_for(self, text: str) -> None:
        """Look for a text at once."""
        self.search.setText(text)
        self._pause.stop()
        self._find()

    def _count(self) -> None:
        found, whole = self.model.rowCount(), self.model.whole()
        some = self.tr("{n} of {all}").format(n=f"{found:,}", all=f"{whole:,}") if found != whole else f"{whole:,}"
        self.count.setText(self._counted.format(n=some))
        self.count.setVisible(whole > 0)
        self.shown.setCurrentIndex(0 if found else 1)
        text = self.search.text()
        missing = self.tr("Nothing is called “{text}”.").format(text=text)
        if self.model.narrowed:
            missing = self.tr("Nothing of this segment is here. Choose All above the list.")
        self.none.setText(missing if whole else self.tr("Empty"))


class ShoppersView(QFrame):
    """The side list with its tabs. A shopper or a product chosen here is chosen in the session."""

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        set_role(self, "side")
        self.setMinimumWidth(190)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.tabs = QTabBar()
        self.tabs.setFont(ui_font(13, QFont.Weight.DemiBold))
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.tabs.addTab(self.tr("Shoppers"))
        self.tabs.addTab(self.tr("Products"))
        self.tabs.setAccessibleName(self.tr("What to choose from"))
        shoppers, products = ShoppersModel(self), ProductsModel(self)
        self.shoppers = self._finder(shoppers, themes, None, self.tr("Shoppers"), self.tr("Find a shopper…"))
        self.products = self._finder(products, themes, thumbnails, self.tr("Products"), self.tr("Find a product…"))
        self._pages = QStackedWidget()
        self._pages.addWidget(self.shoppers)
        self._pages.addWidget(self.products)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 10)
        layout.setSpacing(10)
        layout.addWidget(self.tabs)
        layout.addWidget(self._pages, 1)
        self.tabs.currentChanged.connect(self._pages.setCurrentIndex)
        session.run_changed.connect(self._open)
        session.user_changed.connect(self.shoppers.keep)
        session.item_changed.connect(self.products.keep)
        session.segment_changed.connect(self._offer)
        session.segments.changed.connect(self._offer)
        for finder in (self.shoppers, self.products):
            finder.segment_chosen.connect(session.choose_segment)
        thumbnails.arrived.connect(self._arrived)
        self._open(session.run)

    def _finder(
        self, model: CatalogueModel, themes: ThemeSource, thumbnails: Thumbnails | None, name: str, hint: str
    ) -> Finder:
        listed = FoundList(name)
        model.open(None)
        listed.setModel(model)
        listed.setItemDelegate(RowDelegate(model, themes, thumbnails, listed))
        follow(themes, listed)
        chosen = self._user_chosen if isinstance(model, ShoppersModel) else self._item_chosen
        listed.selectionModel().currentChanged.connect(chosen)
        counted = self.tr("{n} shoppers") if isinstance(model, ShoppersModel) else self.tr("{n} products")
        return Finder(model, listed, hint, counted)

    def _open(self, run: RunSummary | None) -> None:
        for finder in (self.shoppers, self.products):
            chooser = finder.list.selectionModel()
            blocked = chooser.blockSignals(True)
            finder.model.open(run)
            chooser.blockSignals(blocked)
            finder.search.clear()
        self._offer()
        self.shoppers.keep(self._session.user)
        self.products.keep(self._session.item)

    def _offer(self, _: object = None) -> None:
        for finder in (self.shoppers, self.products):
            finder.offer(self._session.segments.all, self._session.segment)

    def _user_chosen(self, current: AnyIndex, _previous: AnyIndex) -> None:
        if current.isValid():
            self._session.choose_user(str(current.data(KEY_ROLE)))

    def _item_chosen(self, current: AnyIndex, _previous: AnyIndex) -> None:
        if current.isValid():
            self._session.choose_item(str(current.data(KEY_ROLE)))

    def _arrived(self, _path: str) -> None:
        if self.tabs.currentIndex() == 1:
            self.products.list.viewport().update()

    def focus_search(self) -> None:
        """Go to the search field of the open tab."""
        finder = self.products if self.tabs.currentIndex() else self.shoppers
        finder.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        finder.search.selectAll()
