"""All attention heads side by side: over the shown product, and over the shopper's past choices."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app.questions import Questions
from app.session import Session
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.panel import Empty, scrolling
from app.views.past_heads import PastHeads
from app.views.product_heads import ProductHeads
from app.views.shown import Shown, digits, number, percent
from app.views.tile_grid import BY_FOCUS, BY_SHARE, IN_ORDER, TileGrid
from app.views.working import Working
from engine.answers import PastAttention

PRODUCT, PAST = 0, 1


class HeadGrid(QDialog):
    """Stays open beside the window and follows the session; what is chosen in it is chosen everywhere."""

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._questions = Questions(session.engine, "heads", self)
        self._past: PastAttention | None = None
        self._fault = ""
        self.setWindowTitle(self.tr("All heads"))
        self.resize(1000, 600)
        self.tabs = QTabBar()
        self.order = QComboBox()
        self.note = QLabel()
        self.product = ProductHeads(session, themes, thumbnails)
        self.past = PastHeads(session, themes, thumbnails)
        self.empty = Empty()
        self.working = Working(self._questions)
        self.pages = QStackedWidget()
        self._scrolls = [_scrolling(grid) for grid in (self.product, self.past)]
        self._lay_out()
        self._questions.failed.connect(self._failed)
        for signal in (session.explanation_changed, themes.changed):
            signal.connect(self._show)
        session.run_changed.connect(self._forget)
        self.tabs.currentChanged.connect(self._show)
        self.order.currentIndexChanged.connect(self._show)
        self.product.moved.connect(lambda: self._reveal(self.product))
        self.past.moved.connect(lambda: self._reveal(self.past))

    def _lay_out(self) -> None:
        self.tabs.addTab(self.tr("Over this product"))
        self.tabs.addTab(self.tr("Over past choices"))
        self.tabs.setAccessibleName(self.tr("What the heads look at"))
        for text, order in (
            (self.tr("In order"), IN_ORDER),
            (self.tr("Largest first"), BY_SHARE),
            (self.tr("Most focused first"), BY_FOCUS),
        ):
            self.order.addItem(text, order)
        self.order.setAccessibleName(self.tr("Order of the heads"))
        self.order.setToolTip(
            self.tr("Largest: of the score, or of one past choice. Focused: attention on the fewest parts.")
        )
        self.note.setWordWrap(True)
        set_role(self.note, "muted")
        top = QHBoxLayout()
        top.addWidget(self.tabs)
        top.addStretch(1)
        top.addWidget(self.order)
        for page in (*self._scrolls, self.empty):
            self.pages.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.note)
        column.addWidget(self.pages, 1)
        column.addWidget(self.working)
        gives = self.working.sizePolicy()
        gives.setRetainSizeWhenHidden(False)
        self.working.setSizePolicy(gives)

    @property
    def busy(self) -> bool:
        """Whether an answer is still on its way."""
        return self._questions.busy

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show()
        self.grid().setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.grid().ring.kept = True  # the window comes in front only now

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        for scroll, grid in zip(self._scrolls, (self.product, self.past), strict=True):
            grid.set_room(scroll.viewport().height())

    def grid(self) -> TileGrid:
        """The tiles in front."""
        return self.product if self.tabs.currentIndex() == PRODUCT else self.past

    def _forget(self, *_: object) -> None:
        self._past, self._fault = None, ""
        self._show()

    def _failed(self, message: str, hint: str) -> None:
        self._fault = f"{message} {hint}".strip()
        self._show()

    def _show(self, *_: object) -> None:
        if not self.isVisible():
            return
        found = self._session.explanation
        shown = Shown(found, self._session.head) if found is not None else None
        order = str(self.order.currentData())
        if self.tabs.currentIndex() == PRODUCT:
            self.product.fill(shown, order)
        else:
            self._fill_past(shown, order)
        lack = self._lack(shown)
        self.empty.setText(lack)
        self.note.setText("" if lack else self._say(shown))
        self.note.setVisible(not lack)
        self.order.setEnabled(not lack)
        self.pages.setCurrentWidget(self.empty if lack else self._scrolls[self.tabs.currentIndex()])
        QTimer.singleShot(0, self, self._make_room)  # once the note above has its height

    def _fill_past(self, shown: Shown | None, order: str) -> None:
        events = shown.explanation.history if shown is not None else ()
        fits = self._past is not None and self._past.items == tuple(event.item for event in events)
        self.past.fill(self._past if fits else None, events, order)
        run = self._session.run
        if events and not fits and not self._fault and not self._questions.busy and run is not None:
            assert shown is not None
            self._questions.ask(
                "attention_of_past",
                self._take,
                run=run.folder,
                user=shown.explanation.user,
                item=shown.explanation.item,
                scenario=self._session.scenario,
            )

    def _take(self, found: PastAttention) -> None:
        shown = self._session.explanation
        self._past = found
        if shown is None or found.items == tuple(event.item for event in shown.history):  # else asked again later
            self._show()

    def _lack(self, shown: Shown | None) -> str:
        """Why there is nothing to show, or ""."""
        if shown is None:
            return self.tr("Choose a shopper and a product to see its heads.")
        if self.tabs.currentIndex() == PRODUCT:
            if shown.heads > 1:
                return ""
            if self._session.run is not None and self._session.run.heads < 2:
                return self.tr("This model has one head: what it looks at is what the product panel shows.")
            return self.tr("Heads are known one by one under Contribution and Attention. Choose one of these methods.")
        if self._fault:
            return self._fault
        if not shown.explanation.history:
            return self.tr("No past choices: no head has anything to read.")
        return "" if self.past.count() else self.tr("Reading the shopper's sequence…")

    def _say(self, shown: Shown | None) -> str:
        """What the tiles show and on what scale."""
        if shown is None:
            return ""
        if self.tabs.currentIndex() == PAST:
            scale = percent(self.past.scale())
            return self.tr(
                "How much of each past choice the shopper's newest place reads: newest on the left, grey the shopper's "
                "own token; a full bar is {scale} in every tile. A later layer reads what the one before made of it. "
                "It is the same for every product."
            ).format(scale=scale)
        photo = self.product.scale("image")
        scale = percent(photo) if shown.attention else "±" + number(photo, digits(photo))
        parts = [self.tr("A click, or the arrow keys, shows a head in every view.")]
        if not shown.attention:
            parts.append(self.tr("Numbers: what the head adds to the score through the page."))
        if photo:
            parts.append(self.tr("Full heat is {scale} for every head; all together has its own.").format(scale=scale))
        return " ".join(parts)

    def _reveal(self, grid: TileGrid) -> None:
        box = grid.tile_rect(grid.cursor_at()).toAlignedRect()
        scroll = self._scrolls[PRODUCT if grid is self.product else PAST]
        scroll.ensureVisible(box.center().x(), box.center().y(), box.width() // 2, box.height() // 2 + 8)


def _scrolling(grid: TileGrid) -> QScrollArea:
    scroll = scrolling(grid)
    scroll.viewport().setAutoFillBackground(False)
    grid.setAutoFillBackground(False)
    return scroll
