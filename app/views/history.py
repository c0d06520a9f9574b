"""The history strip: what the shopper had, newest first, each with the part of the score it brought.

A what-if shows here too: a past choice that was taken away stays in its place, pale, until it is brought back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QMenu,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from app.session import NOTHING, Pointed, Session
from app.tables import KEY_ROLE, AnyIndex
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.history_rows import HEIGHT, PHOTO, STEP, HistoryDelegate, HistoryModel, changes_in, day, moved_in
from app.views.panel import Empty, FocusRing, Panel, Tip, follow, paint_whole
from app.views.past_split import PastSplitPopup
from app.views.shown import Shown, digits, number, percent, signed, tr
from engine.answers import Ranking
from engine.explain.types import Explanation, HistoryEvent
from engine.scenario import PastEdit

_BAR = 12  # pixels of the scroll bar

__all__ = ["HistoryStrip", "HistoryView", "day", "kind_name"]


class HistoryStrip(QListView):
    """The strip itself: the wheel and the arrows move along it; a click opens that product, one on the bar below splits
    its part (Enter); Delete takes a past choice away, or brings it back."""

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
        self.setAccessibleDescription(
            self.tr("Enter splits a part of the score, Space opens the product, Delete takes the choice away.")
        )
        self._thumbnails = thumbnails
        self.popup: PastSplitPopup | None = None  # made when it is first asked for
        self._pressed = QPoint()
        self.setFixedHeight(HEIGHT + _BAR)  # also where all fits without one: what lies below keeps still
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.horizontalScrollBar().setSingleStep(STEP // 2)
        self.clicked.connect(self._clicked)

    def _clicked(self, index: AnyIndex) -> None:
        """On the photo it opens the product; below it, it splits its part or brings it back."""
        if self._pressed.y() <= self.visualRect(index).top() + PHOTO.height() + 2:
            self._open(index)
        elif self.rows.removed(index.row()):
            self.change(index)
        else:
            self.split(index)

    def _open(self, index: AnyIndex) -> None:
        if index.isValid():
            self._session.choose_item(str(index.data(KEY_ROLE)))

    def split(self, index: AnyIndex) -> None:
        """Show which of its own parts a past choice's share comes from."""
        if not index.isValid() or self.rows.removed(index.row()):
            return
        Tip.of(self).hide()
        if self.popup is None:
            self.popup = PastSplitPopup(self._session, self._themes, self._thumbnails, self)
            self.popup.open_asked.connect(self._session.choose_item)
            self.popup.remove_asked.connect(self._remove)
        self.popup.ask(self.rows.events[index.row()], self.photo_rect(index), self.viewport())

    def change(self, index: AnyIndex) -> None:
        """Take a past choice away in the model, or bring one back: a step that can be undone."""
        if not index.isValid():
            return
        event = self.rows.events[index.row()]
        if self.rows.removed(index.row()):
            past = self._past()
            left = tuple(item for item in past.removed if item != event.item)
            text = self.tr("Bring back “{name}”").format(name=event.title)
            self._session.change(self._session.scenario.with_past(replace(past, removed=left)), text)
        else:
            self._remove(event.item)

    def _remove(self, item: str) -> None:
        past = self._past()
        title = next((event.title for event in self.rows.events if event.item == item), item)
        if item in {event.item for event in past.added}:
            changed = replace(past, added=tuple(event for event in past.added if event.item != item))
        else:
            changed = replace(past, removed=(*past.removed, item))
        text = self.tr("Past without “{title}”").format(title=title)
        self._session.change(self._session.scenario.with_past(changed), text)

    def _past(self) -> PastEdit:
        return self._session.scenario.past_of(self._session.user)

    def photo_rect(self, index: AnyIndex) -> QRect:
        """Where an event's photo is drawn, in the viewport."""
        return QRect(self.visualRect(index).topLeft() + QPoint(1, 1), PHOTO)

    def paintEvent(self, event: QPaintEvent) -> None:
        self.painter.dirty = event.region()  # Qt itself asks for every event between the first and the last of them
        paint_whole(self.viewport(), event, self._themes.theme)
        super().paintEvent(event)

    def repaint_events(self, meant: Callable[[HistoryEvent], bool]) -> None:
        """Paint only those events anew."""
        for row, event in enumerate(self.rows.events):
            if meant(event):
                self.update(self.rows.index(row))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.position().toPoint()
        super().mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        keyed = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if keyed else self.indexAt(event.pos())
        if not index.isValid():
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.tr("Open this product"), lambda: self._open(index))
        if self.rows.removed(index.row()):
            menu.addAction(self.tr("Bring it back"), lambda: self.change(index))
        else:
            menu.addAction(self.tr("Split this share"), lambda: self.split(index))
            menu.addAction(self.tr("Remove from the past"), lambda: self.change(index))
        where = self.viewport().mapToGlobal(self.photo_rect(index).center()) if keyed else event.globalPos()
        menu.popup(where)

    def event(self, event: QEvent) -> bool:
        """Delete means the past choice here, whatever it means in the rest of the view."""
        key = event.key() if isinstance(event, QKeyEvent) else None
        early = event.type() == QEvent.Type.ShortcutOverride and self.currentIndex().isValid()
        if early and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and index.isValid():
            if self.rows.removed(index.row()):
                self.change(index)
            else:
                self.split(index)
            return
        if event.key() == Qt.Key.Key_Space:
            self._open(index)
            return
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.change(index)
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
        if self.rows.removed(index.row()):
            lines.append(self.tr("taken away: the model no longer reads it"))
        elif past.contribution is not None and found is not None and found.sums_to_score:
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
        if self.rows.removed(index.row()):
            lines.append(self.tr("Delete, or a click on “bring back”, undoes it"))
        else:
            lines.append(self.tr("Click: open it · on the bar: split its share · Delete: take it away"))
        near = self.visualRect(index).adjusted(0, 0, -STEP + PHOTO.width(), 0)
        Tip.of(self).say(self._themes, near, self.viewport(), past.title, lines)
        place = self.rows.number_of(index.row())
        if place is None or found is None:
            self._session.point(NOTHING if place is None else Pointed(history=place))
        else:
            self._session.point(Pointed(Shown(found).saying(past.title), place))

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
        self._said, self._of_lines = "", ""  # what the note says of the strip, and of the lines drawn from it
        self.lines = QPushButton(self.tr("Lines"))
        self._make_button()
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
        session.unchanged_changed.connect(self._unchanged_changed)
        session.item_changed.connect(self._item_changed)
        session.pointed_changed.connect(self._pointed_changed)
        thumbnails.arrived.connect(self._arrived)
        follow(themes, self.strip)
        self._show()

    def _make_button(self) -> None:
        set_role(self.lines, "small-link")
        self.lines.setCheckable(True)
        self.lines.setCursor(Qt.CursorShape.PointingHandCursor)
        self.lines.setAccessibleName(self.tr("Lines from past choices to the product"))
        self.lines.setToolTip(
            self.tr(
                "Lines from a past choice to the parts of the product it speaks for: by how much less each part would "
                "count without it. Solid raises, dashed lowers, thicker is more (L)"
            )
        )
        self.top.insertWidget(1, self.lines)

    def say_lines(self, text: str) -> None:
        """Say what the lines show, in place of the note; "" for the note itself."""
        if text != self._of_lines:
            self._of_lines = text
            self.note.setText(text or self._said)

    def _note(self, text: str) -> None:
        self._said = text
        self.note.setText(self._of_lines or text)

    def _ranking_changed(self, ranking: Ranking | None) -> None:
        if ranking is not None:
            self._show()

    def _unchanged_changed(self, _ranking: Ranking | None) -> None:
        if self._session.scenario.changes:  # otherwise there is nothing that it tells of
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
        at = self.strip.currentIndex().row()
        self.strip.rows.fill(history, *self._changes(user, history))
        self.strip.executeDelayedItemsLayout()  # else Qt does it while it paints, and paints once more
        if not self.strip.currentIndex().isValid() and 0 <= at < len(self.strip.rows.events):
            self.strip.setCurrentIndex(self.strip.rows.index(at))  # the keyboard goes on where it was
        self.strip.setVisible(bool(self.strip.rows.events))
        self.lines.setVisible(bool(self.strip.rows.events))
        self.empty.setVisible(not self.strip.rows.events)
        if self._session.run is None:
            self.empty.setText(self.tr("Open a run to see what its shoppers heeded."))
        elif not user:
            self.empty.setText(self.tr("Choose a shopper on the left."))
        elif self._session.scenario.past_of(user).invented:
            self.empty.setText(self.tr("{user} has no past yet: add products in What-if.").format(user=user))
        else:
            self.empty.setText(self.tr("No past purchases: ranked by profile alone."))
        self._say(history, user, found)

    def _changes(
        self, user: str, history: tuple[HistoryEvent, ...]
    ) -> tuple[frozenset[str], tuple[HistoryEvent, ...], frozenset[str]]:
        """What a scenario put into this shopper's past, what it took away, and what it moved."""
        past = self._session.scenario.past_of(user)
        there = {event.item for event in history}
        before = self._session.unchanged.history if self._session.unchanged is not None else ()
        gone = tuple(event for event in before if event.item in past.removed and event.item not in there)
        moved = moved_in(past)
        return frozenset(event.item for event in past.added) - moved, gone, moved

    def _say(self, history: tuple[HistoryEvent, ...], user: str, found: Explanation | None) -> None:
        made_up = self._session.scenario.past_of(user).invented  # named "new shopper 1" already
        heeded = self.tr("What {user} heeded") if made_up else self.tr("What shopper {user} heeded")
        self.heading.say(heeded.format(user=user) if user else self.tr("History"))
        if not history:
            self._note("")
            return
        bought = all(event.kind == "purchase" for event in history)
        if len(history) == 1:
            count = self.tr("1 past purchase") if bought else self.tr("1 past choice")
        else:
            count = self.tr("{n} past purchases") if bought else self.tr("{n} past choices")
        run = self._session.run
        had = run.shoppers.events[run.shoppers.user.index(user)] if run and user in run.shoppers.user else 0
        past = self._session.scenario.past_of(user)
        if had > len(history) and past.empty:  # a model looks back only so far
            count = self.tr("the latest {n} of {all} past choices").replace("{all}", f"{had:,}")
        words = [count.format(n=len(history)), self.tr("newest first")]
        words[1:1] = changes_in(past)
        if found is not None and any(event.contribution is not None for event in history):
            words.append(self.tr("bars: part of the score") if found.sums_to_score else self.tr("bars: measured part"))
        self._note(" · ".join(words))

    def _item_changed(self, item: str) -> None:
        before, self.strip.painter.chosen = self.strip.painter.chosen, item
        self.strip.repaint_events(lambda event: event.item in (before, item))

    def _pointed_changed(self, pointed: Pointed) -> None:
        lit = self.strip.rows.row_of(pointed.history) if pointed.history is not None else None
        painter, found = self.strip.painter, self._session.explanation
        alike: frozenset[int] = frozenset()
        if found is not None and pointed.history is None and pointed.tokens:
            rows = (self.strip.rows.row_of(one) for one in Shown(found).titled_alike(pointed.tokens))
            alike = frozenset(row for row in rows if row is not None)
        changed = (alike ^ painter.alike) | ({painter.lit, lit} if painter.lit != lit else set())
        painter.lit, painter.alike = lit, alike
        for row in changed:
            if row is not None:
                self.strip.update(self.strip.rows.index(row))

    def _arrived(self, path: str) -> None:
        for row, event in enumerate(self.strip.rows.events):
            if event.image == path:
                self.strip.viewport().update(self.strip.photo_rect(self.strip.rows.index(row)))
