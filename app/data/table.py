"""The table itself: draws only what is in sight, sorts by its header, copies what is selected."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QLine, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QStaticText,
    QTransform,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableView,
    QWidget,
)

from app.data.asked import Asked
from app.data.model import TableModel
from app.theme import ThemeSource, mix, set_role, ui_font
from app.thumbnails import Thumbnails
from app.views.panel import FocusRing, follow
from engine.dataset.tables import Column

ROW = 40
SLIM = 30  # a row without photos
_TILE = 32
_PAD = 8
LONGEST = 200  # characters of a cell that are drawn
_NARROW = 2  # pixels: no letter is narrower
_PHOTOS_MS = 30  # photos that come within so many milliseconds are painted together
_KEPT_TEXTS = 4000
COPIED = 50_000  # cells at most
_WIDTHS = {"photo": 60, "product": 240, "number": 90, "time": 138, "key": 112, "list": 150, "text": 140}
_FLEXIBLE = ("text", "reason", "product", "title", "tail", "user")  # what fills the room that is left
_WIDE = {"title": 240, "text": 360, "description": 320, "reason": 360, "head": 220, "tail": 220, "value": 110}


class CellPainter:
    """Paints cells: text, or a photo and a title. Placeholders stand where a page is on its way.

    Not a delegate: Qt would make an option and an index for every cell of every frame, which takes longer than to draw.
    """

    def __init__(self, model: TableModel, themes: ThemeSource, thumbnails: Thumbnails, view: QTableView) -> None:
        self._model = model
        self._themes = themes
        self._thumbnails = thumbnails
        self._view = view
        self._font = ui_font(13)
        self._metrics = QFontMetrics(self._font)
        self._texts: dict[tuple[str, int], tuple[QStaticText, int, int]] = {}
        self.ring = FocusRing(view)

    def paint(self, painter: QPainter, rows: range, columns: list[tuple[int, int, int]], top: int, high: int) -> None:
        """Cells of some rows, the first of them at `top` and each `high`; columns: place, left edge and width."""
        theme = self._themes.theme
        chosen = self._view.currentIndex()
        current = (chosen.row(), chosen.column())
        areas = list(self._view.selectionModel().selection())  # type: ignore[call-overload]  # it is a list
        selected = [range(one.top(), one.bottom() + 1) for one in areas]
        tint = mix(theme.text, theme.panel, 0.035)
        painter.setFont(self._font)
        for place, left, wide in columns:
            mine = [among for among, one in zip(selected, areas, strict=True) if one.left() <= place <= one.right()]
            for row in rows:
                box = QRect(left, top + (row - rows.start) * high, wide, high)
                if mine and any(row in among for among in mine):
                    painter.fillRect(box, theme.selected)
                elif row == current[0]:
                    painter.fillRect(box, tint)
                text = self._model.text(row, place)
                if text is None:
                    width = min(wide - 2 * _PAD, 40 + 37 * ((row * 7 + place * 3) % 4))
                    painter.fillRect(QRect(left + _PAD, box.center().y() - 4, max(width, 8), 8), theme.chip)
                else:
                    self._draw(painter, box, row, place, text)
        if self.ring.on and current[0] in rows and any(place == current[1] for place, _, _ in columns):
            painter.setPen(QPen(theme.accent, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self._view.visualRect(chosen)).adjusted(1, 1, -2, -2))

    def _draw(self, painter: QPainter, box: QRect, row: int, place: int, text: str) -> None:
        theme = self._themes.theme
        column = self._model.columns[place]
        left = box.left() + _PAD
        if column.kind == "photo":
            title = "" if text else str(self._model.value(row, "title") or "")
            self._tile(painter, QPointF(left, box.top() + 4), text or None, title)
            return
        product = self._model.product(row, place) if self._model.has_photos(place) else None
        if product is not None:
            self._tile(painter, QPointF(left, box.top() + 4), product[1], product[0])
            left += _TILE + 8
            text = product[0]
        painter.setPen(theme.text if column.kind != "key" else theme.muted)
        if not text:
            painter.setPen(mix(theme.muted, theme.panel, 0.7))
            text = "–"
        room = box.right() - _PAD + 1 - left
        words, wide, high = self._laid_out(text, room)
        if column.kind == "number":
            left += max(room - wide, 0)
        painter.drawStaticText(left, box.top() + (box.height() - high) // 2, words)

    def _laid_out(self, text: str, room: int) -> tuple[QStaticText, int, int]:
        """A text cut to its room, laid out once, its width and height: a table that is scrolled draws the same texts
        again and again."""
        found = self._texts.get((text, room))
        if found is None:
            fits = min(max(room, 0) // _NARROW + 2, LONGEST)  # to measure a whole review takes longer than to draw it
            cut = self._metrics.elidedText(text[:fits], Qt.TextElideMode.ElideRight, room)
            words = QStaticText(cut)
            words.setTextFormat(Qt.TextFormat.PlainText)
            words.prepare(QTransform(), self._font)
            size = words.size()
            found = self._texts[text, room] = words, round(size.width()), round(size.height())
            if len(self._texts) > _KEPT_TEXTS:
                del self._texts[next(iter(self._texts))]
        return found

    def _tile(self, painter: QPainter, where: QPointF, path: str | None, title: str) -> None:
        ratio = self._view.devicePixelRatioF()
        painter.drawPixmap(where, self._thumbnails.tile(path, title, QSize(_TILE, _TILE), ratio))


class Header(QHeaderView):
    """Sorts by a click, moves by a drag; by keys: left and right choose a column, Enter sorts, the menu key asks."""

    sort_asked = Signal(int)
    menu_asked = Signal(int, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSectionsClickable(True)
        self.setSectionsMovable(True)
        self.setHighlightSections(False)
        self.setSortIndicatorShown(True)
        self.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setFixedHeight(32)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(
            lambda point: self.menu_asked.emit(self.logicalIndexAt(point), self.mapToGlobal(point))
        )
        self.sectionClicked.connect(self.sort_asked)
        self.sectionPressed.connect(self.choose)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.current = 0  # the column that keys are for
        self.ring = FocusRing(self)
        self._name()

    def choose(self, place: int) -> None:
        """Make a column the one that keys are for, and bring it in sight."""
        self.current = place
        left, wide = self.sectionViewportPosition(place), self.sectionSize(place)
        hidden = left if left < 0 else max(left + wide - self.viewport().width(), 0)
        table = self.parent()
        if hidden and isinstance(table, QTableView):
            bar = table.horizontalScrollBar()
            bar.setValue(bar.value() + hidden)
        self._name()
        self.viewport().update()

    def _name(self) -> None:
        model = self.model()
        name = str(model.headerData(self.current, Qt.Orientation.Horizontal) or "") if model is not None else ""
        self.setAccessibleName(self.tr("Column headings: {0}").format(name) if name else self.tr("Column headings"))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self.count():
            self.choose(min(self.current, self.count() - 1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, last = event.key(), self.count() - 1
        if last < 0:
            super().keyPressEvent(event)
            return
        at = self.visualIndex(min(self.current, last))
        steps = {Qt.Key.Key_Left: at - 1, Qt.Key.Key_Right: at + 1, Qt.Key.Key_Home: 0, Qt.Key.Key_End: last}
        if key in steps:
            self.choose(self.logicalIndex(min(max(steps[Qt.Key(key)], 0), last)))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.sort_asked.emit(self.current)
        elif key == Qt.Key.Key_Menu:
            below = QPoint(self.sectionViewportPosition(self.current), self.height())
            self.menu_asked.emit(self.current, self.mapToGlobal(below))
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Escape) and (table := self.parentWidget()) is not None:
            table.setFocus(Qt.FocusReason.TabFocusReason)
        else:
            super().keyPressEvent(event)

    def paintSection(self, painter: QPainter, box: QRect, place: int) -> None:
        painter.save()
        super().paintSection(painter, box, place)
        painter.restore()
        if self.ring.on and place == self.current:
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(box).adjusted(1.5, 1.5, -1.5, -1.5), 4, 4)


class DataTable(QTableView):
    """Shows a TableModel. It asks; the view around it answers."""

    opened = Signal(int)  # a row was double-clicked or Enter pressed
    menu_asked = Signal(QPoint)
    copied = Signal(int)  # cells

    def __init__(self, model: TableModel, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None):
        super().__init__(parent)
        self._rows, self._themes = model, themes
        self._slim = False
        self._widths: dict[str, int] = {}  # by the user
        self.header = Header(self)
        self.setHorizontalHeader(self.header)
        self.setModel(model)
        self._cells = CellPainter(model, themes, thumbnails, self)
        set_role(self, "plain")
        self.setAccessibleName(self.tr("Rows"))
        self.setCornerWidget(QWidget())
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        side = self.verticalHeader()
        side.hide()
        side.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        side.setDefaultSectionSize(ROW)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(lambda point: self.menu_asked.emit(self.viewport().mapToGlobal(point)))
        self.doubleClicked.connect(lambda index: self.opened.emit(index.row()))
        # The row of the chosen cell is tinted: all of it is painted anew when the choice moves.
        self.selectionModel().currentRowChanged.connect(lambda *_: self.viewport().update())
        self._repaint = QTimer(self, singleShot=True, interval=_PHOTOS_MS)
        self._repaint.timeout.connect(self._paint_photos)
        thumbnails.arrived.connect(lambda _: self._repaint.start() if not self._repaint.isActive() else None)
        follow(themes, self)

    def paintEvent(self, event: QPaintEvent) -> None:
        area = event.rect()
        first, last = self.rowAt(area.top()), self.rowAt(area.bottom())
        if first < 0:
            return
        rows = range(first, (last if last >= 0 else self._rows.total - 1) + 1)
        high, top = self.rowHeight(first), self.rowViewportPosition(first)
        places = (place for place in range(len(self._rows.columns)) if not self.isColumnHidden(place))
        columns = [(place, self.columnViewportPosition(place), self.columnWidth(place)) for place in places]
        dirty = event.region()
        columns = [one for one in columns if dirty.intersects(QRect(one[1], area.top(), one[2], area.height()))]
        painter = QPainter(self.viewport())
        self._cells.paint(painter, rows, columns, top, high)
        right = min(self.header.length() - self.header.offset(), self.viewport().width()) - 1
        painter.setPen(self._themes.theme.line)
        painter.drawLines([QLine(0, top + n * high - 1, right, top + n * high - 1) for n in range(1, len(rows) + 1)])
        painter.end()

    def _paint_photos(self) -> None:
        """Photos came: paint the columns anew that show some, not the texts beside them."""
        high = self.viewport().height()
        for place in range(len(self._rows.columns)):
            if self._rows.has_photos(place):
                wide = min(self.columnWidth(place), 2 * _PAD + _TILE)
                self.viewport().update(QRect(self.columnViewportPosition(place), 0, wide, high))

    def set_slim(self, slim: bool) -> None:
        """Lower rows, for tables without photos."""
        if slim != self._slim:
            self._slim = slim
            self.verticalHeader().setDefaultSectionSize(SLIM if slim else ROW)

    def arrange(self, columns: tuple[Column, ...], asked: Asked) -> None:
        """Put the columns in their order, show which one sorts, and give each its width: the user's, or one that suits
        its kind."""
        header = self.header
        blocked = header.blockSignals(True)
        self._give_widths(columns, asked.widths)
        for place in range(header.count()):
            header.moveSection(header.visualIndex(place), place)
        names = [column.name for column in columns]
        at = names.index(asked.sort) if asked.sort in names else -1
        order = Qt.SortOrder.DescendingOrder if asked.descending else Qt.SortOrder.AscendingOrder
        header.setSortIndicator(at, order)
        header.blockSignals(blocked)
        self.viewport().update()

    def _give_widths(self, columns: tuple[Column, ...], widths: dict[str, int]) -> None:
        self._widths = widths
        for place, column in enumerate(columns):
            usual = _WIDTHS["number"] + 20 if column.attribute else _WIDE.get(column.name, _WIDTHS[column.kind])
            name = str(self.model().headerData(place, Qt.Orientation.Horizontal))
            heading = self.header.fontMetrics().horizontalAdvance(name)
            self.setColumnWidth(place, widths.get(column.name, max(usual, min(heading + 44, 200))))
        self._fill()

    def _fill(self) -> None:
        """Where the columns leave room, the one with the longest texts takes it, unless the user gave it a width."""
        columns = self._rows.columns
        names = [column.name for column in columns]
        flexible = next((name for name in _FLEXIBLE if name in names and name not in self._widths), None)
        if flexible is None:
            return
        place = names.index(flexible)
        others = sum(self.columnWidth(other) for other in range(len(columns)) if other != place)
        usual = _WIDE.get(flexible, _WIDTHS[columns[place].kind])
        blocked = self.header.blockSignals(True)
        self.setColumnWidth(place, max(usual, self.viewport().width() - others))
        self.header.blockSignals(blocked)
        self.updateGeometries()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fill()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().row())
        elif event.key() == Qt.Key.Key_Menu and self.currentIndex().isValid():
            box = self.visualRect(self.currentIndex())
            self.menu_asked.emit(self.viewport().mapToGlobal(box.center()))
        else:
            super().keyPressEvent(event)

    def copy(self) -> None:
        """Put what is selected on the clipboard: rows by line, cells by tab, with the names of the columns above where
        more than one cell is selected."""
        chooser: QItemSelectionModel = self.selectionModel()
        places: set[tuple[int, int]] = set()
        for area in chooser.selection():  # type: ignore[attr-defined]  # a list, which its annotations do not say
            for row in range(area.top(), area.bottom() + 1):
                if len(places) > COPIED:
                    break
                places |= {(row, column) for column in range(area.left(), area.right() + 1)}
        if not places and self.currentIndex().isValid():
            places = {(self.currentIndex().row(), self.currentIndex().column())}
        if not places:
            return
        order = [self.header.logicalIndex(n) for n in range(self.header.count())]
        columns = [column for column in order if any(place[1] == column for place in places)]
        lines = []
        if len(places) > 1:
            lines.append([str(self.model().headerData(column, Qt.Orientation.Horizontal)) for column in columns])
        for row in sorted({row for row, _ in places}):
            lines.append([(self._rows.text(row, c) or "") if (row, c) in places else "" for c in columns])
        plain = "\n".join("\t".join(cell.replace("\t", " ") for cell in line) for line in lines)
        QGuiApplication.clipboard().setText(plain)
        self.copied.emit(len(places))
