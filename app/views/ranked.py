"""The ranked list: each product with its score and the parts that make it up, on one scale; under a what-if also how
far it moved."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QListView,
    QSizePolicy,
    QStyle,
    QStyleOptionViewItem,
    QWidget,
)

from app.session import NOTHING, Pointed, Session
from app.tables import KEY_ROLE, AnyIndex
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.glide import Glide, wants_motion
from app.views.legend import Legend
from app.views.panel import PAD, Empty, FocusRing, Panel, Tip, follow, paint_whole
from app.views.ranked_rows import ROW, RankedDelegate, RankedModel
from app.views.rules_chip import RulesChip
from app.views.shown import PARTS, Shown, number, part_name, percent
from engine.answers import Ranking
from engine.explain.types import Explanation

_ROOMY = 300  # pixels of height from which there is room for the legend
_RAGGED = 70  # pixels that a line may leave free where the next word does not fit


class RankedList(QListView):
    """The list itself: arrows choose, the pointer on a bar lights that part everywhere."""

    def __init__(self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self.ring = FocusRing(self)
        set_role(self, "plain")
        self._session = session
        self._themes = themes
        self.rows = RankedModel(self)
        self.painter = RankedDelegate(self.rows, themes, thumbnails, self.ring, self)
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
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.glide = Glide(self)
        self.glide.stepped.connect(self.viewport().update)
        self.glide.ended.connect(self.viewport().update)
        self.verticalScrollBar().sliderPressed.connect(self.glide.stop)

    def heights(self) -> dict[str, float]:
        """Where each row is now, in the viewport."""
        if self.glide.running:
            return {ranked.item: self.glide.height_of(ranked.item) for ranked in self.rows.items}
        above = self.verticalScrollBar().value()
        return {ranked.item: float(row * ROW - above) for row, ranked in enumerate(self.rows.items)}

    def rows_in_sight(self) -> range:
        above = self.verticalScrollBar().value()
        last = (above + self.viewport().height()) // ROW + 1
        return range(min(above // ROW, len(self.rows.items)), min(last, len(self.rows.items)))

    def move_to(self, ranking: Ranking, chosen: str) -> None:
        """Show a new answer to the same question: rows glide to their new places, the chosen one stays in sight."""
        before, above = self.heights(), self.verticalScrollBar().value()
        self.glide.stop()
        self.rows.fill(ranking)
        self.doItemsLayout()
        self.verticalScrollBar().setValue(above)
        self.show_item(chosen)
        if self.rows.row_of(chosen) >= 0:
            self.scrollTo(self.currentIndex())
        after = self.heights()
        seen = range(-ROW, self.viewport().height())
        moving = any(
            before[item] != y and (round(y) in seen or round(before[item]) in seen)
            for item, y in after.items()
            if item in before
        )
        if moving and self.isVisible() and wants_motion(self):
            self.glide.begin(before, after)

    def paintEvent(self, event: QPaintEvent) -> None:
        self.painter.dirty = event.region()  # Qt itself asks for every row between the first and the last of them
        paint_whole(self.viewport(), event, self._themes.theme)
        if not self.glide.running:
            super().paintEvent(event)
            return
        painter = QPainter(self.viewport())
        heights = self.heights()
        chosen = self.currentIndex().row()
        for row in sorted(range(len(self.rows.items)), key=lambda row: row == chosen):
            ranked = self.rows.items[row]
            y = heights[ranked.item]
            if -ROW < y < self.viewport().height():
                option = QStyleOptionViewItem()
                self.initViewItemOption(option)
                option.rect = QRect(0, round(y), self.viewport().width(), ROW)
                if row == chosen:
                    option.state |= QStyle.StateFlag.State_Selected
                painter.setOpacity(self.glide.part if self.glide.is_new(ranked.item) else 1.0)
                painter.fillRect(option.rect, self._themes.theme.panel)
                self.painter.paint(painter, option, self.rows.index(row))
        painter.end()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.Wheel):
            self.glide.stop()  # what is under the pointer is where it will stay
        return super().viewportEvent(event)

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
            place = self.painter.mark_place(index.row(), box)
            if self.rows.marks[index.row()] and place.contains(event.position()):
                self._say_rules(index.row(), place)
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

    def _say_rules(self, row: int, place: QRectF) -> None:
        """Tell step by step how rules moved a product."""
        from app.rule_words import effect_sentence

        if self._session.pointed != NOTHING:
            self._session.point(NOTHING)
        ranked = self.rows.items[row]
        lines = [effect_sentence(one) for one in ranked.effects]
        Tip.of(self).say(self._themes, place.toAlignedRect(), self.viewport(), "", [ranked.title, *lines])

    def _forget(self) -> None:
        if self._session.pointed != NOTHING:
            self._session.point(NOTHING)
        Tip.of(self).hide()

    def leaveEvent(self, event: object) -> None:
        self._forget()
        super().leaveEvent(event)  # type: ignore[arg-type]


class RankedView(Panel):
    """The panel of the ranked list, with its legend; a chip says so while business rules are in force."""

    rules_asked = Signal()

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(themes, parent)
        self._session = session
        self._ranking: Ranking | None = None  # as it is shown
        self.rules = RulesChip(session)
        self.rules.clicked.connect(self.rules_asked)
        self.top.insertWidget(1, self.rules)
        self.list = RankedList(session, themes, thumbnails, self)
        self.legend = Legend(session, themes)
        self.empty = Empty()
        self.outside = QLabel()  # where the chosen product stands that is not in the list
        self.outside.setWordWrap(True)
        self.outside.setTextFormat(Qt.TextFormat.PlainText)
        set_role(self.outside, "muted")
        self.body.addWidget(self.list, 1)
        self.body.addWidget(self.empty, 1)
        self.body.addWidget(self.outside)
        self.body.addWidget(self.legend)
        session.run_changed.connect(self._run_changed)
        session.ranking_changed.connect(self._ranking_changed)
        session.unchanged_changed.connect(self._compare)
        session.rules.changed.connect(self._say_rules)
        session.item_changed.connect(self.list.show_item)
        session.explanation_changed.connect(self._say_outside)
        session.pointed_changed.connect(self._pointed_changed)
        thumbnails.arrived.connect(self._arrived)
        follow(themes, self.list)
        self._fill(session.ranking)
        self._say_rules()

    def _run_changed(self, _run: object) -> None:
        self._fill(None)
        self._say_rules()

    def _say_rules(self) -> None:
        ruled = self.rules.count > 0
        self.heading.say(self.tr("Shown to this shopper") if ruled else self.tr("Ranked for this shopper"))

    def _ranking_changed(self, ranking: Ranking | None) -> None:
        if ranking is not None:  # until it is here the old list stays
            self._fill(ranking)

    def _fill(self, ranking: Ranking | None) -> None:
        before, self._ranking = self._ranking, ranking
        same = ranking is not None and before is not None and (before.run, before.user) == (ranking.run, ranking.user)
        blocked = self.list.blockSignals(True)
        if same and ranking is not None:
            self.list.move_to(ranking, self._session.item)
        else:
            self.list.glide.stop()
            self.list.rows.fill(ranking)
            self.list.scrollToTop()
        self.list.blockSignals(blocked)
        self.list.show_item(self._session.item)
        self._compare()
        self.note.setText(self.tr("of {n}").format(n=f"{ranking.catalogue:,}") if ranking else "")
        here = {part for item in (ranking.items if ranking else ()) for part, v in item.parts.items() if v != 0}
        self.legend.fill(tuple(part for part in PARTS if part in here))
        filled = bool(ranking and ranking.items)
        self.list.setVisible(filled)
        self._fit()
        self.empty.setVisible(not filled)
        if ranking is not None and not filled:
            self.empty.setText(
                self.tr("The business rules leave nothing to show to this shopper.")
                if self._session.rules.active
                else self.tr("This shopper has had every product of the catalogue.")
            )
        else:
            self.empty.setText(self.tr("No shopper chosen yet.") if self._session.run else self.tr("No run is open."))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
        self._say_outside(self._session.explanation)

    def _fit(self) -> None:
        """Where there is little room the rows come first: what a colour means, pointing at a bar tells too."""
        self.legend.setVisible(bool(self._ranking and self._ranking.items) and self.height() >= _ROOMY)

    def _compare(self, *_: object) -> None:
        """Mark how far each product moved under the what-if, once the list without it is here."""
        unchanged = self._session.unchanged
        found = self._session.scenario.changes and unchanged is not None and unchanged is not self._ranking
        ranks = {one.item: one.rank for one in unchanged.items} if found and unchanged is not None else None
        if ranks != self.list.rows.before:
            self.list.rows.before = ranks
            self.list.viewport().update()
        self._say_outside(self._session.explanation)

    def _say_outside(self, found: Explanation | None) -> None:
        """Say the rank of the chosen product where the list does not show it."""
        item = self._session.item
        known = found is not None and found.item == item and found.user == self._session.user
        self.outside.setVisible(known and bool(self.list.rows.items) and self.list.rows.row_of(item) < 0)
        if found is None or self.outside.isHidden():
            return
        rank = found.rank if found.shown_rank is None else found.shown_rank
        before = (self.list.rows.before or {}).get(item)
        if rank == 0:
            text = self.tr("{title}: taken out of the list by a rule")
        elif before is not None:
            text = self.tr("{title}: now rank {rank} (was {before})")
        elif self.list.rows.before is not None:
            text = self.tr("{title}: now rank {rank}")
        else:
            text = self.tr("{title}: rank {rank}")
        said = {"rank": f"{rank:,}", "before": before}
        metrics = self.outside.fontMetrics()
        line = self.width() - 2 * PAD
        room = 2 * line - _RAGGED - metrics.horizontalAdvance(text.format(title="", **said))
        title = metrics.elidedText(found.title, Qt.TextElideMode.ElideRight, max(room, _RAGGED))
        self.outside.setText(text.format(title=title, **said))
        self.outside.setToolTip(text.format(title=found.title, **said) if title != found.title else "")

    def _pointed_changed(self, pointed: Pointed) -> None:
        painter = self.list.painter
        found = self._session.explanation
        before = (painter.lit, painter.outlined)
        painter.lit = frozenset()
        painter.outlined = ""
        if pointed.part:
            painter.lit = frozenset((pointed.part,))
        elif found is not None and (pointed.tokens or pointed.history is not None):
            painter.lit = Shown(found).lit_parts(pointed)
            painter.outlined = found.item if painter.lit else ""
        if (painter.lit, painter.outlined) == before:
            return
        rows, (lit, outlined) = self.list.rows, before
        if self.list.glide.running or (lit and not outlined) or (painter.lit and not painter.outlined):
            self.list.viewport().update()
            return
        for item in {outlined, painter.outlined} - {""}:  # only their bars look otherwise than before
            self.list.update(rows.index(rows.row_of(item)))

    def _arrived(self, path: str) -> None:
        view = self.list
        if view.glide.running:
            view.viewport().update()
            return
        for row in view.rows_in_sight():
            if view.rows.items[row].image == path:
                view.viewport().update(view.painter.photo_place(view.visualRect(view.rows.index(row))))
