"""Past choices as rows of the history strip: what they are, and how each is drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from PySide6.QtCore import QAbstractListModel, QDate, QLocale, QObject, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen, QRegion
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.tables import KEY_ROLE, NO_INDEX, AnyIndex
from app.theme import Theme, ThemeSource, faded, sign_color, ui_font
from app.thumbnails import Thumbnails
from app.views.panel import LEFT, FocusRing
from app.views.shown import digits, signed, tr
from engine.explain.types import HistoryEvent
from engine.scenario import PastEdit

PHOTO = QSize(86, 75)
STEP = 96
HEIGHT = 105


class HistoryModel(QAbstractListModel):
    """Past events, newest first; `number_of` gives an event's place in the explanation's own order, or None for one
    that a scenario took away."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.events: tuple[HistoryEvent, ...] = ()
        self.added: frozenset[str] = frozenset()  # products that a scenario put in
        self.moved: frozenset[str] = frozenset()  # and those that it put at another time
        self._order: list[int | None] = []
        self.scale = 0.0

    def fill(
        self,
        history: tuple[HistoryEvent, ...],
        added: frozenset[str] = frozenset(),
        removed: tuple[HistoryEvent, ...] = (),
        moved: frozenset[str] = frozenset(),
    ) -> None:
        """Show a past, and what a scenario took away from it."""
        numbered: list[tuple[HistoryEvent, int | None]] = [(event, row) for row, event in enumerate(history)]
        numbered += [(replace(event, contribution=None), None) for event in removed]
        numbered.sort(key=lambda one: one[0].time)
        numbered.reverse()
        events, order = tuple(event for event, _ in numbered), [row for _, row in numbered]
        same = [event.item for event in events] == [event.item for event in self.events]
        if not same:
            self.beginResetModel()
        self._order, self.events, self.added, self.moved = order, events, added, moved
        self.scale = max((abs(event.contribution or 0.0) for event in events), default=0.0)
        if not same:
            self.endResetModel()
        elif events:
            self.dataChanged.emit(self.index(0), self.index(len(events) - 1))

    def number_of(self, row: int) -> int | None:
        return self._order[row]

    def row_of(self, number: int) -> int | None:
        """Where an event of the explanation stands."""
        return self._order.index(number) if number in self._order else None

    def removed(self, row: int) -> bool:
        return self._order[row] is None

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
            return ", ".join(word for word in (event.title, day(event.time), part, self.state(index.row())) if word)
        return None

    def state(self, row: int) -> str:
        """What a scenario did to an event; "" where it let it be."""
        item = self.events[row].item
        if self.removed(row):
            return tr("taken away")
        return tr("added") if item in self.added else tr("moved") if item in self.moved else ""


def day(time: str) -> str:
    """An ISO time as the user's locale writes a date."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return time
    return QLocale().toString(QDate(moment.year, moment.month, moment.day), QLocale.FormatType.ShortFormat)


class HistoryDelegate(QStyledItemDelegate):
    """Draws a photo, its bar left or right of zero, and the number."""

    def __init__(self, model: HistoryModel, themes: ThemeSource, thumbnails: Thumbnails, parent: QListView) -> None:
        super().__init__(parent)
        self._view = parent
        self._ring = FocusRing(parent)
        self._model = model
        self._themes = themes
        self._thumbnails = thumbnails
        self._font = ui_font(12)
        self.lit: int | None = None  # the row that the pointer lights
        self.alike: frozenset[int] = frozenset()  # rows that say what it is on
        self.chosen = ""
        self.dirty: QRegion | None = None  # what is being painted of the viewport; None: all

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(STEP, HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        if self.dirty is not None and not self.dirty.intersects(option.rect):
            return
        theme = self._themes.theme
        event = self._model.events[index.row()]
        box = QRectF(option.rect)
        state = option.state
        focused = self._ring.on and self._view.currentIndex() == index
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ratio = painter.device().devicePixelRatioF()
        tile = self._thumbnails.tile(event.image, event.title, PHOTO, ratio)
        corner = QPointF(box.left() + 1, box.top() + 1)
        removed = self._model.removed(index.row())
        painter.setOpacity(0.25 if removed else 1.0)
        painter.drawPixmap(corner, tile)
        painter.setOpacity(1.0)
        over = bool(state & QStyle.StateFlag.State_MouseOver)
        row = index.row()
        alike = row in self.alike
        if focused or over or alike or self.lit == row or event.item == self.chosen:
            clear = focused or alike or event.item == self.chosen
            painter.setPen(QPen(theme.accent if clear else faded(theme.accent, 0.7), 2 if alike else 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            frame = QRectF(corner.x(), corner.y(), PHOTO.width(), PHOTO.height())
            painter.drawRoundedRect(frame.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        changed = self._model.state(index.row())
        if changed:
            paint_change(painter, QRectF(corner, PHOTO.toSizeF()), theme, changed, faint=removed)
        photo = QRect(option.rect.topLeft(), PHOTO + QSize(2, 2))
        if self.dirty is not None and self.dirty.intersected(option.rect).subtracted(photo).isEmpty():
            painter.restore()  # a photo that has arrived changes nothing below it
            return
        track = QRectF(corner.x(), box.top() + PHOTO.height() + 7, PHOTO.width(), 6)
        if removed:
            place = QRectF(track.left(), track.top() - 1, track.width(), 16)
            self._write(painter, place, tr("bring back"), link=True)
        elif event.contribution is None:
            place = QRectF(track.left(), track.top() - 1, track.width(), 16)
            self._write(painter, place, day(event.time))
        else:
            self._paint_bar(painter, track, event.contribution)
            place = QRectF(track.left(), track.bottom() + 1, track.width(), 16)
            self._write(painter, place, signed(event.contribution, digits(self._model.scale)))
        painter.restore()

    def _write(self, painter: QPainter, place: QRectF, text: str, link: bool = False) -> None:
        painter.setFont(self._font)
        painter.setPen(self._themes.theme.accent if link else self._themes.theme.muted)
        painter.drawText(place, LEFT, text)

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


def paint_change(painter: QPainter, frame: QRectF, theme: Theme, text: str, *, faint: bool = False) -> None:
    """A dashed outline and a word on the photo: a scenario put it in, moved it, or took it away."""
    painter.setPen(QPen(theme.muted if faint else theme.accent, 1.5, Qt.PenStyle.DashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(frame.adjusted(1, 1, -1, -1), 4, 4)
    painter.setFont(ui_font(11))
    chip = QRectF(frame.left() + 5, frame.top() + 5, painter.fontMetrics().horizontalAdvance(text) + 10, 16)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(faded(theme.tip, 0.9))
    painter.drawRoundedRect(chip, 4, 4)
    painter.setPen(Qt.GlobalColor.white)
    painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, text)


def moved_in(past: PastEdit) -> frozenset[str]:
    """The products that a scenario only put at another time: taken out there and put in here."""
    return frozenset(event.item for event in past.added) & frozenset(past.removed)


def changes_in(past: PastEdit) -> list[str]:
    """How many choices a scenario put in, took away and moved, in words."""
    moved = len(moved_in(past))
    counts = (
        (tr("{n} added"), len(past.added) - moved),
        (tr("{n} taken away"), len(past.removed) - moved),
        (tr("{n} moved"), moved),
    )
    return [text.format(n=count) for text, count in counts if count]
