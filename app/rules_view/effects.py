"""What the rules in force do to the list that is looked at: each product that moved, from where, and by what."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.i18n import joined
from app.rule_words import effect_sentence, note_text
from app.session import Session
from app.tables import KEY_ROLE, NO_INDEX, AnyIndex
from app.theme import ThemeSource, set_role, sign_color, ui_font
from app.thumbnails import Thumbnails
from app.views.panel import Empty, FocusRing, Panel, follow, paint_ground
from engine.answers import RankedItem, Ranking

_ROW, _THUMB, _LEFT = 50, 40, 146


class MovedModel(QAbstractListModel):
    """The products of a list that rules touched."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.items: tuple[RankedItem, ...] = ()

    def fill(self, ranking: Ranking | None) -> None:
        self.beginResetModel()
        self.items = tuple(one for one in ranking.items if one.effects) if ranking is not None else ()
        self.endResetModel()

    def row_of(self, item: str) -> int:
        return next((row for row, one in enumerate(self.items) if one.item == item), -1)

    def said(self, row: int) -> str:
        """What each rule did, one after the other."""
        return " ".join(effect_sentence(one) for one in self.items[row].effects)

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        one = self.items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return one.title
        if role == KEY_ROLE:
            return one.item
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{one.title}\n{self.said(index.row())}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            text = self.tr("{title}: rank {rank}, the model's own {model}")
            start = text.format(title=one.title, rank=one.rank, model=one.model_rank)
            return f"{start}. {self.said(index.row())}"
        return None


class MovedDelegate(QStyledItemDelegate):
    """Draws the two ranks with an arrow, the photo, the title, and what each rule did."""

    def __init__(self, model: MovedModel, themes: ThemeSource, thumbnails: Thumbnails, view: QListView) -> None:
        super().__init__(view)
        self._model, self._themes, self._thumbnails, self._view = model, themes, thumbnails, view
        self._ring = FocusRing(view)
        self._font, self._small = ui_font(13), ui_font(11)
        self._bold = ui_font(13, QFont.Weight.DemiBold)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(240, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        theme, row = self._themes.theme, index.row()
        one = self._model.items[row]
        box = QRectF(option.rect)
        state = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        current = self._ring.on and self._view.currentIndex() == index
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_ground(painter, box, theme, chosen, bool(state & QStyle.StateFlag.State_MouseOver), current)
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        painter.setFont(self._font)
        painter.setPen(theme.muted)
        painter.drawText(QRectF(box.left() + 4, box.top(), 34, _ROW), right | middle, f"{one.model_rank:,}")
        up = one.model_rank - one.rank
        painter.setPen(sign_color(theme, up) if up else theme.muted)
        arrow = "↑" if up > 0 else "↓" if up < 0 else "="
        painter.drawText(QRectF(box.left() + 42, box.top(), 14, _ROW), Qt.AlignmentFlag.AlignCenter, arrow)
        painter.setFont(self._bold)
        painter.setPen(theme.text)
        painter.drawText(QRectF(box.left() + 58, box.top(), 30, _ROW), middle, f"{one.rank:,}")
        ratio = painter.device().devicePixelRatioF()
        tile = self._thumbnails.tile(one.image, one.title, QSize(_THUMB, _THUMB), ratio)
        painter.drawPixmap(QPointF(box.left() + 94, box.top() + (_ROW - _THUMB) / 2), tile)
        wide = box.width() - _LEFT - 12
        for font, text, top, color in (
            (self._font, one.title, 7, theme.text),
            (self._small, self._model.said(row), 26, theme.muted),
        ):
            painter.setFont(font)
            painter.setPen(color)
            cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(wide))
            painter.drawText(QRectF(box.left() + _LEFT, box.top() + top, wide, 18), middle, cut)
        painter.restore()


class EffectsView(Panel):
    """Follows the session's ranking; choosing a row chooses the product in every view."""

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(themes, parent)
        self._session = session
        self.model = MovedModel(self)
        self.list = QListView()
        set_role(self.list, "plain")
        self.list.setAccessibleName(self.tr("Products that rules moved"))
        self.list.setModel(self.model)
        self.list.setItemDelegate(MovedDelegate(self.model, themes, thumbnails, self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.empty = Empty()
        self.notes = QLabel()
        set_role(self.notes, "small")
        self.notes.setWordWrap(True)
        self.notes.setTextFormat(Qt.TextFormat.PlainText)
        for widget, stretch in ((self.list, 1), (self.empty, 1), (self.notes, 0)):
            self.body.addWidget(widget, stretch)
        follow(themes, self.list)
        thumbnails.arrived.connect(lambda _: self.list.viewport().update())
        self.list.selectionModel().currentChanged.connect(self._picked)
        session.ranking_changed.connect(self._ranked)
        session.run_changed.connect(self._empty_list)
        session.item_changed.connect(self._mark)
        session.rules.changed.connect(self._say)
        self.show_ranking(session.ranking)

    def _empty_list(self, _run: object) -> None:
        self.show_ranking(None)

    def _ranked(self, ranking: Ranking | None) -> None:
        if ranking is not None:  # until it is here the old list stays
            self.show_ranking(ranking)

    def show_ranking(self, ranking: Ranking | None) -> None:
        blocked = self.list.selectionModel().blockSignals(True)
        self.model.fill(ranking)
        self.list.selectionModel().blockSignals(blocked)
        self.notes.setText("\n".join(map(note_text, ranking.rule_notes)) if ranking is not None else "")
        self.notes.setVisible(bool(self.notes.text()))
        self._mark()
        self._say()

    def _say(self) -> None:
        user, ranking = self._session.user, self._session.ranking
        some = bool(self.model.items)
        self.heading.say(
            self.tr("What they do to the list of shopper {0}").format(user)
            if user
            else self.tr("What they do to a list")
        )
        self.list.setVisible(some)
        self.empty.setVisible(not some)
        moved = sum(one.rank != one.model_rank for one in self.model.items)
        listed = len(ranking.items) if ranking is not None else 0
        self.note.setText(
            joined([self.tr("%n product(s) moved", "", moved), self.tr("of the first {n}").format(n=listed)])
            if some
            else ""
        )
        self.empty.setText(
            self.tr("Open a run to see what rules do.")
            if self._session.run is None
            else self.tr("No rule is in force: the list is as the model ranks it.")
            if not self._session.rules.active
            else self.tr("No rule moves a product of this list.")
        )

    def _mark(self, _: object = None) -> None:
        row = self.model.row_of(self._session.item)
        chooser = self.list.selectionModel()
        blocked = chooser.blockSignals(True)
        if row >= 0:
            self.list.setCurrentIndex(self.model.index(row, 0))
        else:
            self.list.clearSelection()
        chooser.blockSignals(blocked)
        self.list.viewport().update()

    def _picked(self, current: AnyIndex, _previous: AnyIndex) -> None:
        if current.isValid():
            self._session.choose_item(str(current.data(KEY_ROLE)))
