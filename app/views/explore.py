"""Explore: shoppers, history, ranked list, product and sum, side by side and linked through the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from app.actions import Action, Reason, always, first
from app.reasons import no_change, no_explanation, no_product
from app.session import Session
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.bars import BarsView
from app.views.brush import NOBODY, BrushBar
from app.views.changes import ChangesBar
from app.views.history import HistoryView
from app.views.lines import Lines
from app.views.panel import Panel, Tip, scrolling
from app.views.photo import HeatPhoto
from app.views.product import ProductView
from app.views.ranked import RankedView
from app.views.shoppers import ShoppersView
from app.views.shown import Shown
from app.views.sum_line import SumView
from app.views.turns import Turns
from app.views.view import Numbers, View
from app.views.words import WordsView
from engine.answers import Ranking, RunSummary
from engine.explain.types import Explanation

_GAP = 12
_DEPTH = 4  # layouts within layouts that a change works through, each after the one before
_PATIENCE = 150  # milliseconds an old answer stays bright while a new one is on its way


class ExploreView(View):
    """Lays out the explorer's pieces; every one of them follows the session on its own."""

    rules_asked = Signal()  # to see the business rules in force

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._arranged = False
        self.thumbnails = Thumbnails(themes, self)
        if session.run is not None:
            self.thumbnails.open(session.run.dataset.folder)
        session.run_changed.connect(self._run_changed)  # before the pieces ask for photos
        session.explanation_changed.connect(self._in_turns)  # before the pieces fill
        self.shoppers = ShoppersView(session, themes, self.thumbnails)
        self.history = HistoryView(session, themes, self.thumbnails)
        self.ranked = RankedView(session, themes, self.thumbnails)
        self.ranked.rules_asked.connect(self.rules_asked)
        self.product = ProductView(session, themes, self.thumbnails)
        self.sum = SumView(session, themes)
        self.changes = ChangesBar(session, themes)
        self._lay_out()
        self._turns = Turns(self.product, self.sum, self.history, parent=self)
        self.lines = Lines(session, themes, self.history, self.product, self.sum, self)
        self.brush = BrushBar(session, themes, self.brushed_areas, self.product, self)
        product = self.product
        for strokes in (product.photo, product.words, product.reviews):
            strokes.stroked.connect(self.brush.be_quiet)
        product.photo.moved.connect(self.brush.place)
        product.photo.moved.connect(self.lines.refresh)
        product.texts.verticalScrollBar().valueChanged.connect(self.brush.place)
        self.column.verticalScrollBar().valueChanged.connect(self.brush.place)
        self.column.verticalScrollBar().valueChanged.connect(self.lines.refresh)
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE)
        self._patience.timeout.connect(self._dim)
        session.waiting_changed.connect(self._waiting)
        session.ranking_changed.connect(self._ranked)
        for other in (session.user_changed, session.item_changed, session.explanation_changed, session.head_changed):
            other.connect(self._quiet)
        for changed in (session.ranking_changed, session.explanation_changed):
            changed.connect(self._settle)  # after all the pieces

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
        set_role(right, "content")
        column = QVBoxLayout(right)
        column.setContentsMargins(14, 14, 14, 14)
        column.setSpacing(_GAP)
        column.addWidget(self.changes)
        column.addWidget(self.history)
        column.addWidget(self.stacked, 1)
        self.column = scrolling(right)  # in a window too low for all of it
        self.outer = self._splitter(Qt.Orientation.Horizontal, self.shoppers, self.column)
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

    def offers(self) -> list[Action]:
        product, session = self.product, self._session

        def act(
            name: str, text: str, run: Callable[[], None], keys: str, drawn: str, why_not: Reason = always
        ) -> Action:
            return Action(name, text, run, keys, drawn, drawn, why_not=why_not)

        def no_past() -> str:
            return "" if strip.currentIndex().isValid() else self.tr("Choose a past choice in the strip first.")

        def taken_away() -> str:
            gone = strip.rows.removed(strip.currentIndex().row())
            return self.tr("This past choice is taken away: bring it back first.") if gone else ""

        unexplained, no_brush, strip = no_explanation(session), self.brush.why_not, self.history.strip
        return [
            act("find-here", self.tr("Search shoppers or products"), self.shoppers.focus_search, "Ctrl+F", "search"),
            act(
                "brush-remove",
                self.tr("Remove what is brushed"),
                self.brush.remove_brushed,
                "Del",
                "brush",
                first(unexplained, no_brush),
            ),
            act(
                "brush-keep",
                self.tr("Keep only what is brushed"),
                self.brush.keep_brushed,
                "Shift+K",
                "brush",
                first(unexplained, no_brush, self.brush.why_not_keep),
            ),
            act(
                "brush-clear",
                self.tr("Put the brush away"),
                lambda: session.brush_over(NOBODY),
                "Esc",
                "brush",
                no_brush,
            ),
            act(
                "what-if-reset",
                self.tr("Take every change back"),
                self.changes.reset_all,
                "",
                "undo",
                no_change(session),
            ),
            act(
                "rules-first",
                self.tr("Fix this product at the first place"),
                self._put_first,
                "",
                "pin",
                first(no_product(session), self._is_first),
            ),
            act(
                "rules-never",
                self.tr("Never show this product"),
                self._never_show,
                "",
                "rules",
                first(no_product(session), self._is_never),
            ),
            act(
                "past-remove",
                self.tr("Remove the chosen past choice, or bring it back"),
                lambda: strip.change(strip.currentIndex()),
                "",
                "shopper",
                first(unexplained, no_past),
            ),
            act(
                "past-split",
                self.tr("Split the share of the chosen past choice"),
                lambda: strip.split(strip.currentIndex()),
                "",
                "shopper",
                first(unexplained, no_past, taken_away),
            ),
            *product.offers(),
            *self.sum.offers(),
            *self.lines.offers(),
        ]

    def _is_first(self) -> str:
        pins = [one for one in self._session.rules.book.rules if one.kind == "pin"]
        fixed = any(self._session.item in one.items for one in pins)
        return self.tr("A rule fixes the place of this product already.") if fixed else ""

    def _is_never(self) -> str:
        out = [one for one in self._session.rules.book.active if one.kind == "exclude"]
        gone = any(self._session.item in one.items for one in out)
        return self.tr("A rule keeps this product out already.") if gone else ""

    def _never_show(self) -> None:
        from app.rules_view.quick import never_show  # few shops have rules

        never_show(self._session)

    def _put_first(self) -> None:
        from app.rules_view.quick import put_first

        put_first(self._session)

    def event(self, event: QEvent) -> bool:
        """Without a brush, Delete and Escape are left to the piece that has the keyboard."""
        key = event.key() if isinstance(event, QKeyEvent) else None
        bare = event.type() == QEvent.Type.ShortcutOverride and not self._session.brush
        if bare and key in (Qt.Key.Key_Delete, Qt.Key.Key_Escape):
            event.accept()
            return True
        return super().event(event)

    def brushed_areas(self) -> list[QRect]:
        """Where the brush lies in each piece of this view that shows some of it, the one with the keyboard first."""
        product = self.product
        pieces: list[HeatPhoto | WordsView | BarsView]
        pieces = [product.photo, product.words, product.bars, product.reviews]
        areas = []
        for piece in sorted(pieces, key=lambda piece: not piece.hasFocus()):
            area = piece.brushed_area() if piece.isVisible() else QRect()
            if not area.isEmpty():
                areas.append(QRect(piece.mapTo(self, area.topLeft()), area.size()))
        return areas

    def state(self) -> dict[str, Any]:
        photo = self.product.photo
        return {
            "outer": self.outer.sizes(),
            "middle": self.middle.sizes(),
            "stacked": self.stacked.sizes(),
            "heat": self.product.slider.value(),
            "original": photo.original,
            "zoom": photo.zoom,
            "lines": self.lines.on,
            "without_past": self.sum.zoom.isChecked(),
            "middle_of_photo": [photo.middle.x(), photo.middle.y()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        for name, splitter in (("outer", self.outer), ("middle", self.middle), ("stacked", self.stacked)):
            sizes = state.get(name)
            if isinstance(sizes, list) and len(sizes) == splitter.count() and all(_whole(size) for size in sizes):
                splitter.setSizes(sizes)
                self._arranged = True
        if _whole(state.get("heat")):
            self.product.slider.setValue(state["heat"])
        if isinstance(state.get("original"), bool):
            self.product.photo.show_original(state["original"])
        if isinstance(state.get("lines"), bool):
            self.lines.show_lines(state["lines"])
        if isinstance(state.get("without_past"), bool):
            self.sum.zoom.setChecked(state["without_past"])
        zoom, middle = state.get("zoom"), state.get("middle_of_photo")
        if isinstance(zoom, float) and isinstance(middle, list) and len(middle) == 2:
            self.product.photo.look_again(zoom, *(float(one) for one in middle))

    @property
    def busy(self) -> bool:
        return self._turns.running or self.ranked.list.glide.running or self.lines.busy

    def numbers(self) -> Numbers:
        found, ranking = self._session.explanation, self._session.ranking
        tables: dict[str, Mapping[str, list[Any]]] = {}
        if found is not None:
            shown = Shown(found, self._session.head)
            tables["sum"] = {
                "part": [*shown.parts, "total"],
                "value": [*shown.parts.values(), shown.total],
            }
            tables["parts"] = {
                "part": [token.modality for token in found.tokens],
                "name": [shown.name(row) for row in range(len(found.tokens))],
                "field": [token.field for token in found.tokens],
                "value": [float(value) for value in shown.values],
                "attention": [float(value) for value in shown.heeded],
                "brushed": [row in self._session.brush for row in range(len(found.tokens))],
            }
            tables["past"] = {
                "item": [event.item for event in found.history],
                "title": [event.title for event in found.history],
                "time": [event.time for event in found.history],
                "value": [event.contribution for event in found.history],
            }
        if ranking is not None:
            parts = {part: None for one in ranking.items for part in one.parts}
            tables["ranking"] = {
                "rank": [one.rank for one in ranking.items],
                "item": [one.item for one in ranking.items],
                "title": [one.title for one in ranking.items],
                "score": [one.score for one in ranking.items],
                **_ruled(ranking),
                **{part: [one.parts.get(part, 0.0) for one in ranking.items] for part in parts},
            }
        return {**tables, **self.lines.numbers()}

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

    def _ranked(self, ranking: Ranking | None) -> None:
        if ranking is not None:  # the explanation may still be on its way
            self.ranked.dim(False)

    def _in_turns(self, found: Explanation | None) -> None:
        if found is not None and self.isVisible():
            self._turns.hold()

    def _settle(self, _answer: object) -> None:
        """Lay everything out now. Qt would paint between one layout and the one that follows from it, and then paint
        once more what has moved."""
        for _ in range(_DEPTH):
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)

    def _dim(self) -> None:
        for panel in self._panels():
            panel.dim(panel is not self.ranked or self._session.waits_for("rank"))

    def _quiet(self, _: object) -> None:
        """What the note beside the pointer told was of another answer."""
        if self.isVisible():
            Tip.of(self).hide()


def _ruled(ranking: Ranking) -> dict[str, list[Any]]:
    """Where the model itself has each product, and which business rules moved it, while some do."""
    if not any(one.effects for one in ranking.items):
        return {}
    return {
        "model rank": [one.model_rank for one in ranking.items],
        "rules": [", ".join(effect.rule for effect in one.effects) for one in ranking.items],
    }


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
