"""The ranked list: each product with its score and the parts that make it up, on one scale."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.session import NOTHING, Pointed, Session
from app.tables import KEY_ROLE, NO_INDEX, AnyIndex, Thumbnails
from app.theme import Theme, ThemeSource, faded, modality_color, set_role, ui_font
from app.views.panel import Empty, FocusRing, Panel, Tip, follow, paint_ground
from app.views.shown import PARTS, Shown, digits, number, part_name, percent
from engine.answers import RankedItem, Ranking

ROW = 54
_THUMB = 44
_LEFT = 92  # where titles and bars begin
_BAR = 6
_LEGEND = 20
_FIRST = 12  # rows whose bars decide the scale to the left of zero


class RankedModel(QAbstractListModel):
    """The products of one ranking, and the scale that their bars share."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.items: tuple[RankedItem, ...] = ()
        self.most = 1.0  # the longest bar to the right of zero
        self.least = 0.0  # the longest bar to its left
        self.places = 2

    def fill(self, ranking: Ranking | None) -> None:
        self.beginResetModel()
        self.items = ranking.items if ranking else ()
        self.most = max((sum(v for v in item.parts.values() if v > 0) for item in self.items), default=1.0)
        # Far down the list parts may pull down so much that the first bars would have no room: those are cut.
        pulled = [sum(-v for v in item.parts.values() if v < 0) for item in self.items]
        self.least = max(pulled[:_FIRST], default=0.0)
        if max(pulled, default=0.0) > self.least:
            self.least = max(self.least, 0.08 * self.most)
        self.places = digits(self.items[0].score) if self.items else 2
        self.endResetModel()

    def row_of(self, item: str) -> int:
        return next((row for row, ranked in enumerate(self.items) if ranked.item == item), -1)

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        ranked = self.items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return ranked.title
        if role == KEY_ROLE:
            return ranked.item
        if role == Qt.ItemDataRole.AccessibleTextRole:
            score = number(ranked.score, self.places)
            return self.tr("{rank}. {title}, score {score}").format(rank=ranked.rank, title=ranked.title, score=score)
        return None


class RankedDelegate(QStyledItemDelegate):
    """Draws rank, photo, title, the bar of parts and the score."""

    def __init__(self, model: RankedModel, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._themes = themes
        self._thumbnails = thumbnails
        self._font = ui_font(13)
        self._small = ui_font(11)
        self._score = ui_font(13, QFont.Weight.DemiBold)
        self.lit: frozenset[str] = frozenset()  # parts that the pointer lights
        self.outlined = ""  # the product whose lit parts are outlined; "" dims the other parts of every product

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(240, ROW)

    def segments(self, row: int, box: QRectF) -> list[tuple[str, QRectF]]:
        """Where each part of a row's score is drawn: from zero to the right, or to the left where it pulls down."""
        model = self._model
        width = self._bar_width(box)
        span = model.most + model.least
        if span <= 0 or width <= 0:
            return []
        scale = width / span
        right = left = box.left() + _LEFT + model.least * scale
        top = box.top() + 32
        found = []
        for part in PARTS:
            value = model.items[row].parts.get(part, 0.0)
            length = abs(value) * scale
            if value > 0:
                found.append((part, QRectF(right, top, length, _BAR)))
                right += length
            elif value < 0:
                left -= length
                found.append((part, QRectF(left, top, length, _BAR)))
        room = QRectF(box.left() + _LEFT, top, width, _BAR)
        cut = [(part, rect.intersected(room)) for part, rect in found]
        return [(part, rect) for part, rect in cut if rect.width() > 0]

    def _bar_width(self, box: QRectF) -> float:
        return box.width() - _LEFT - self._score_width() - 16

    def _score_width(self) -> float:
        return 46.0

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        theme = self._themes.theme
        ranked = self._model.items[index.row()]
        box = QRectF(option.rect)
        state = option.state
        view = self.parent()
        current = isinstance(view, RankedList) and view.ring.on and view.currentIndex() == index
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        paint_ground(painter, box, theme, selected, bool(state & QStyle.StateFlag.State_MouseOver), current)
        painter.setFont(self._small)
        painter.setPen(theme.muted)
        painter.drawText(QRectF(box.left(), box.top(), 32, ROW), Qt.AlignmentFlag.AlignCenter, str(ranked.rank))
        ratio = painter.device().devicePixelRatioF()
        tile = self._thumbnails.tile(ranked.image, ranked.title, QSize(_THUMB, _THUMB), ratio)
        painter.drawPixmap(QPointF(box.left() + 36, box.top() + (ROW - _THUMB) / 2), tile)
        painter.setFont(self._score)
        painter.setPen(theme.text)
        score = number(ranked.score, self._model.places)
        place = QRectF(box.right() - 8 - self._score_width(), box.top(), self._score_width(), ROW)
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, score)
        painter.setFont(self._font)
        room = QRectF(box.left() + _LEFT, box.top() + 8, self._bar_width(box), 20)
        metrics = painter.fontMetrics()
        title = metrics.elidedText(ranked.title, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        self._paint_bar(painter, theme, index.row(), box)
        painter.restore()

    def _paint_bar(self, painter: QPainter, theme: Theme, row: int, box: QRectF) -> None:
        segments = self.segments(row, box)
        chosen = self._model.items[row].item == self.outlined
        whole = QPainterPath()
        for _, rect in segments:
            side = QPainterPath()
            side.addRect(rect)
            whole = whole.united(side)
        bounds = whole.boundingRect()
        clip = QPainterPath()
        clip.addRoundedRect(bounds, 2, 2)
        painter.save()
        painter.setClipPath(clip)
        for part, rect in segments:
            dimmed = bool(self.lit) and part not in self.lit and (chosen or not self.outlined)
            color = modality_color(theme, part)
            gap = 1.0 if rect.width() > 3 else 0.0
            painter.fillRect(rect.adjusted(0, 0, -gap, 0), faded(color, 0.25) if dimmed else color)
        painter.restore()
        pulled = sum(-value for value in self._model.items[row].parts.values() if value < 0)
        if pulled > self._model.least + 1e-9:  # the bar goes on beyond its room
            painter.setPen(QPen(theme.muted, 1, Qt.PenStyle.DotLine))
            edge = box.left() + _LEFT - 2.5
            painter.drawLine(QPointF(edge, bounds.top() - 1), QPointF(edge, bounds.bottom() + 2))
        if self._model.least > 0.01 * self._model.most:
            zero = (
                box.left() + _LEFT + self._model.least * self._bar_width(box) / (self._model.most + self._model.least)
            )
            painter.setPen(QPen(theme.muted, 1))
            painter.drawLine(QPointF(zero - 0.5, bounds.top() - 2), QPointF(zero - 0.5, bounds.bottom() + 2))


class RankedList(QListView):
    """The list itself: arrows choose, the pointer on a bar lights that part everywhere."""

    def __init__(self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self.ring = FocusRing(self)
        set_role(self, "plain")
        self._session = session
        self._themes = themes
        self.rows = RankedModel(self)
        self.painter = RankedDelegate(self.rows, themes, thumbnails, self)
        self.setModel(self.rows)
        self.setItemDelegate(self.painter)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAccessibleName(self.tr("Products ranked for the shopper"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, ROW * 2)

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        super().currentChanged(current, previous)
        if current.isValid() and not self.signalsBlocked():
            self._session.choose_item(str(current.data(KEY_ROLE)))

    def show_item(self, item: str) -> None:
        """Select the row of the chosen product, if it is listed, without choosing it again."""
        row = self.rows.row_of(item)
        blocked = self.blockSignals(True)
        if row >= 0:
            self.setCurrentIndex(self.rows.index(row))
        else:
            self.setCurrentIndex(QModelIndex())
            self.clearSelection()
        self.blockSignals(blocked)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            box = QRectF(self.visualRect(index))
            for part, rect in self.painter.segments(index.row(), box):
                if rect.adjusted(0, -5, 0, 5).contains(event.position()):
                    self._point(index.row(), part, rect)
                    return
        self._forget()

    def _point(self, row: int, part: str, rect: QRectF) -> None:
        ranked = self.rows.items[row]
        value = ranked.parts[part]
        places = self.rows.places
        text = self.tr("{value} of {score}").format(value=number(value, places), score=number(ranked.score, places))
        if abs(ranked.score) > 1e-9:
            text += " · " + percent(value / abs(ranked.score))
        near = rect.toAlignedRect()
        Tip.of(self).say(self._themes, near, self.viewport(), part_name(part), [text, ranked.title])
        self._session.point(Pointed(part=part))

    def _forget(self) -> None:
        if self._session.pointed != NOTHING:
            self._session.point(NOTHING)
        Tip.of(self).hide()

    def leaveEvent(self, event: object) -> None:
        self._forget()
        super().leaveEvent(event)  # type: ignore[arg-type]


class Legend(QWidget):
    """Which colour is which part; pointing at one lights it everywhere."""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._themes = themes
        self._font = ui_font(12)
        self._parts: tuple[str, ...] = ()
        self._lit: str | None = None
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Colours of the parts of a score"))
        session.pointed_changed.connect(self._repaint)
        follow(themes, self)

    def fill(self, parts: tuple[str, ...]) -> None:
        self._parts = parts
        self._fit()
        self.update()

    def _repaint(self, pointed: Pointed) -> None:
        if pointed.part != self._lit:
            self._lit = pointed.part
            self.update()

    def _places(self) -> list[tuple[str, QRectF]]:
        """Where each name stands; a narrow panel breaks them over lines."""
        found = []
        x, y = 8.0, 0.0
        self.setFont(self._font)
        for part in self._parts:
            width = 16.0 + self.fontMetrics().horizontalAdvance(part_name(part))
            if x + width > self.width() and x > 8:
                x, y = 8.0, y + _LEGEND
            found.append((part, QRectF(x, y, width, _LEGEND)))
            x += width + 12
        return found

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        places = self._places()
        self.setFixedHeight(round(places[-1][1].bottom()) if places else _LEGEND)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._themes.theme
        painter.setFont(self._font)
        lit = self._session.pointed.part
        for part, box in self._places():
            dimmed = bool(lit) and part != lit
            painter.setPen(Qt.PenStyle.NoPen)
            color = modality_color(theme, part)
            painter.setBrush(faded(color, 0.25) if dimmed else color)
            painter.drawRoundedRect(QRectF(box.left(), box.center().y() - 4.5, 9, 9), 2, 2)
            painter.setPen(faded(theme.muted, 0.4) if dimmed else theme.muted)
            painter.drawText(box.adjusted(15, 0, 4, 0), Qt.AlignmentFlag.AlignVCenter, part_name(part))
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = next((part for part, box in self._places() if box.contains(event.position())), None)
        self._session.point(Pointed(part=over) if over else NOTHING)

    def leaveEvent(self, event: object) -> None:
        self._session.point(NOTHING)
        super().leaveEvent(event)  # type: ignore[arg-type]


class RankedView(Panel):
    """The panel of the ranked list, with its legend."""

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(themes, parent)
        self._session = session
        self.heading.say(self.tr("Ranked for this shopper"))
        self.list = RankedList(session, themes, thumbnails, self)
        self.legend = Legend(session, themes)
        self.empty = Empty()
        self.body.addWidget(self.list, 1)
        self.body.addWidget(self.empty, 1)
        self.body.addWidget(self.legend)
        session.run_changed.connect(self._run_changed)
        session.ranking_changed.connect(self._ranking_changed)
        session.item_changed.connect(self.list.show_item)
        session.pointed_changed.connect(self._pointed_changed)
        thumbnails.arrived.connect(self._arrived)
        follow(themes, self.list)
        self._fill(session.ranking)

    def _run_changed(self, _run: object) -> None:
        self._fill(None)

    def _ranking_changed(self, ranking: Ranking | None) -> None:
        if ranking is not None:  # until it is here the old list stays
            self._fill(ranking)

    def _fill(self, ranking: Ranking | None) -> None:
        blocked = self.list.blockSignals(True)
        self.list.rows.fill(ranking)
        self.list.scrollToTop()
        self.list.blockSignals(blocked)
        self.list.show_item(self._session.item)
        self.note.setText(self.tr("of {n}").format(n=f"{ranking.catalogue:,}") if ranking else "")
        here = {part for item in (ranking.items if ranking else ()) for part, v in item.parts.items() if v != 0}
        self.legend.fill(tuple(part for part in PARTS if part in here))
        filled = bool(ranking and ranking.items)
        self.list.setVisible(filled)
        self.legend.setVisible(filled)
        self.empty.setVisible(not filled)
        if ranking is not None and not filled:
            self.empty.setText(self.tr("This shopper has had every product of the catalogue."))
        else:
            self.empty.setText(self.tr("No shopper chosen yet.") if self._session.run else self.tr("No run is open."))

    def _pointed_changed(self, pointed: Pointed) -> None:
        painter = self.list.painter
        found = self._session.explanation
        before = (painter.lit, painter.outlined)
        painter.lit = frozenset()
        painter.outlined = ""
        if pointed.part:
            painter.lit = frozenset((pointed.part,))
        elif pointed.tokens and found is not None:
            painter.lit = Shown(found).lit_parts(pointed)
            painter.outlined = found.item
        if (painter.lit, painter.outlined) == before:
            return
        self.list.viewport().update()

    def _arrived(self, _path: str) -> None:
        self.list.viewport().update()
