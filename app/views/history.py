"""The history strip: what the shopper had, newest first, each with the part of the score it brought."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QAbstractListModel, QDate, QLocale, QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QWheelEvent
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
from app.theme import ThemeSource, faded, set_role, sign_color, ui_font
from app.views.panel import Empty, FocusRing, Panel, Tip, follow
from app.views.shown import digits, number, percent, signed, tr
from engine.answers import Ranking
from engine.explain.types import Explanation, HistoryEvent

_PHOTO = QSize(86, 75)
_STEP = 96
_HEIGHT = 105


class HistoryModel(QAbstractListModel):
    """Past events, newest first; `number_of` gives an event's place in the explanation's own order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.events: tuple[HistoryEvent, ...] = ()
        self._order: list[int] = []
        self.scale = 0.0

    def fill(self, history: tuple[HistoryEvent, ...]) -> None:
        order = sorted(range(len(history)), key=lambda row: history[row].time)[::-1]
        events = tuple(history[row] for row in order)
        same = [event.item for event in events] == [event.item for event in self.events]
        if not same:
            self.beginResetModel()
        self._order, self.events = order, events
        self.scale = max((abs(event.contribution or 0.0) for event in events), default=0.0)
        if not same:
            self.endResetModel()
        elif events:
            self.dataChanged.emit(self.index(0), self.index(len(events) - 1))

    def number_of(self, row: int) -> int:
        return self._order[row]

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.events)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        event = self.events[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return event.title
        if role == KEY_ROLE:
            return event.item
        if role == Qt.ItemDataRole.AccessibleTextRole:
            part = "" if event.contribution is None else signed(event.contribution, digits(self.scale))
            return f"{event.title}, {day(event.time)}, {part}"
        return None


def day(time: str) -> str:
    """An ISO time as the user's locale writes a date."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return time
    return QLocale().toString(QDate(moment.year, moment.month, moment.day), QLocale.FormatType.ShortFormat)


class HistoryDelegate(QStyledItemDelegate):
    """Draws a photo, its bar left or right of zero, and the number."""

    def __init__(self, model: HistoryModel, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._themes = themes
        self._thumbnails = thumbnails
        self._font = ui_font(12)
        self.lit: int | None = None  # the row that the pointer lights
        self.chosen = ""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(_STEP, _HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        theme = self._themes.theme
        event = self._model.events[index.row()]
        box = QRectF(option.rect)
        state = option.state
        view = self.parent()
        focused = isinstance(view, HistoryStrip) and view.ring.on and view.currentIndex() == index
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ratio = painter.device().devicePixelRatioF()
        tile = self._thumbnails.tile(event.image, event.title, _PHOTO, ratio)
        corner = QPointF(box.left() + 1, box.top() + 1)
        painter.drawPixmap(corner, tile)
        over = bool(state & QStyle.StateFlag.State_MouseOver)
        if focused or over or self.lit == index.row() or event.item == self.chosen:
            painter.setPen(theme.accent if (focused or event.item == self.chosen) else faded(theme.accent, 0.7))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            frame = QRectF(corner.x(), corner.y(), _PHOTO.width(), _PHOTO.height())
            painter.drawRoundedRect(frame.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        track = QRectF(corner.x(), box.top() + _PHOTO.height() + 7, _PHOTO.width(), 6)
        if event.contribution is None:
            place = QRectF(track.left(), track.top() - 1, track.width(), 16)
            self._write(painter, place, day(event.time))
        else:
            self._paint_bar(painter, track, event.contribution)
            place = QRectF(track.left(), track.bottom() + 1, track.width(), 16)
            self._write(painter, place, signed(event.contribution, digits(self._model.scale)))
        painter.restore()

    def _write(self, painter: QPainter, place: QRectF, text: str) -> None:
        painter.setFont(self._font)
        painter.setPen(self._themes.theme.muted)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_bar(self, painter: QPainter, track: QRectF, part: float) -> None:
        theme = self._themes.theme
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.chip)
        painter.drawRoundedRect(track, 3, 3)
        if self._model.scale > 0:
            length = max(1.0, abs(part) / self._model.scale * track.width() / 2)
            start = track.center().x() if part >= 0 else track.center().x() - length
            painter.setBrush(sign_color(theme, part))
            radius = 2.5 if length > 5 else 0.5
            painter.drawRoundedRect(QRectF(start, track.top(), length, track.height()), radius, radius)


class HistoryStrip(QListView):
    """The strip itself: the wheel and the arrows move along it, a click or Enter opens that product."""

    def __init__(self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self.ring = FocusRing(self)
        set_role(self, "plain")
        self._session = session
        self._themes = themes
        self.rows = HistoryModel(self)
        self.painter = HistoryDelegate(self.rows, themes, thumbnails, self)
        self.setModel(self.rows)
        self.setItemDelegate(self.painter)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Past choices of the shopper"))
        self.setFixedHeight(_HEIGHT)
        self.horizontalScrollBar().rangeChanged.connect(self._fit)
        self.horizontalScrollBar().setSingleStep(_STEP // 2)
        self.clicked.connect(self._open)

    def _fit(self, least: int, most: int) -> None:
        self.setFixedHeight(_HEIGHT + (12 if most > least else 0))

    def _open(self, index: AnyIndex) -> None:
        if index.isValid():
            self._session.choose_item(str(index.data(KEY_ROLE)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._open(self.currentIndex())
            return
        super().keyPressEvent(event)
        if self.currentIndex().isValid():
            self._point(self.currentIndex())

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta()
        bar = self.horizontalScrollBar()
        moved = event.pixelDelta().y() or event.pixelDelta().x() or (turned.y() or turned.x())
        bar.setValue(bar.value() - moved)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            self._point(index)
        else:
            self._forget()

    def _point(self, index: AnyIndex) -> None:
        past = self.rows.events[index.row()]
        found = self._session.explanation
        lines = []
        if past.contribution is not None and found is not None and found.sums_to_score:
            places = max(digits(found.score), min(4, digits(past.contribution)))
            text = self.tr("{value} of {score}").format(
                value=signed(past.contribution, places), score=number(found.score, digits(found.score))
            )
            lines.append(f"{text} · {percent(past.contribution / (abs(found.score) or 1.0))}")
        elif past.contribution is not None:
            lines.append(signed(past.contribution, digits(past.contribution)))
        else:
            lines.append(self.tr("part not measured"))
        lines.append(f"{day(past.time)} · {kind_name(past.kind)}")
        lines.append(self.tr("Click to open it"))
        near = self.visualRect(index).adjusted(0, 0, -_STEP + _PHOTO.width(), 0)
        Tip.of(self).say(self._themes, near, self.viewport(), past.title, lines)
        self._session.point(Pointed(history=self.rows.number_of(index.row())))

    def _forget(self) -> None:
        if self._session.pointed != NOTHING:
            self._session.point(NOTHING)
        Tip.of(self).hide()

    def leaveEvent(self, event: object) -> None:
        self._forget()
        super().leaveEvent(event)  # type: ignore[arg-type]


def kind_name(kind: str) -> str:
    names = {
        "view": tr("viewed"),
        "cart": tr("put in the cart"),
        "purchase": tr("bought"),
        "rating": tr("rated"),
        "like": tr("liked"),
    }
    return names.get(kind, kind)


class HistoryView(Panel):
    """The panel of the history strip."""

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(themes, parent)
        self._session = session
        self.body.setSpacing(8)
        self.strip = HistoryStrip(session, themes, thumbnails, self)
        self.empty = Empty()
        self.empty.setFixedHeight(36)  # a line of words needs no more
        self.body.addWidget(self.strip)
        self.body.addWidget(self.empty)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        session.run_changed.connect(self._show)
        session.ranking_changed.connect(self._ranking_changed)
        session.explanation_changed.connect(self._show)
        session.item_changed.connect(self._item_changed)
        session.pointed_changed.connect(self._pointed_changed)
        thumbnails.arrived.connect(self._arrived)
        follow(themes, self.strip)
        self._show()

    def _ranking_changed(self, ranking: Ranking | None) -> None:
        if ranking is not None:
            self._show()

    def _show(self, *_: object) -> None:
        found: Explanation | None = self._session.explanation
        ranking = self._session.ranking
        user = self._session.user
        history: tuple[HistoryEvent, ...] = ()
        if found is not None and found.user == user:
            history = found.history
        elif ranking is not None and ranking.user == user:
            history = ranking.history
        elif user:
            return  # on its way: the old strip stays
        self.strip.rows.fill(history)
        self.strip.setVisible(bool(history))
        self.empty.setVisible(not history)
        if self._session.run is None:
            self.empty.setText(self.tr("Open a run to see what its shoppers heeded."))
        elif not user:
            self.empty.setText(self.tr("Choose a shopper on the left."))
        else:
            self.empty.setText(self.tr("No past purchases: ranked by profile alone."))
        self._say(history, user, found)

    def _say(self, history: tuple[HistoryEvent, ...], user: str, found: Explanation | None) -> None:
        self.heading.say(self.tr("What shopper {user} heeded").format(user=user) if user else self.tr("History"))
        if not history:
            self.note.setText("")
            return
        bought = all(event.kind == "purchase" for event in history)
        if len(history) == 1:
            count = self.tr("1 past purchase") if bought else self.tr("1 past choice")
        else:
            count = self.tr("{n} past purchases") if bought else self.tr("{n} past choices")
        run = self._session.run
        had = run.shoppers.events[run.shoppers.user.index(user)] if run and user in run.shoppers.user else 0
        if had > len(history):  # a model looks back only so far
            count = self.tr("the latest {n} of {all} past choices").replace("{all}", f"{had:,}")
        words = [count.format(n=len(history)), self.tr("newest first")]
        if found is not None and any(event.contribution is not None for event in history):
            words.append(self.tr("bars: part of the score") if found.sums_to_score else self.tr("bars: measured part"))
        self.note.setText(" · ".join(words))

    def _item_changed(self, item: str) -> None:
        self.strip.painter.chosen = item
        self.strip.viewport().update()

    def _pointed_changed(self, pointed: Pointed) -> None:
        rows = self.strip.rows
        numbers = {rows.number_of(row): row for row in range(len(rows.events))} if pointed.history is not None else {}
        lit = numbers.get(pointed.history) if pointed.history is not None else None
        if lit == self.strip.painter.lit:
            return
        self.strip.painter.lit = lit
        self.strip.viewport().update()

    def _arrived(self, _path: str) -> None:
        self.strip.viewport().update()
