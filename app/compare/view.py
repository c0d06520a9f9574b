"""Compare: two runs, epochs, shoppers, products or methods side by side, and what differs between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.actions import Action, Reason, first
from app.compare.choice import EPOCHS, LEFT, METHODS, MODES, PRODUCTS, RIGHT, RUNS, SHOPPERS, Choice
from app.compare.details import ABOVE, DetailsPanel, scrolled
from app.compare.head import SideHead
from app.compare.mode_bar import ModeBar
from app.compare.nothing import NothingPage
from app.compare.opening import open_side
from app.compare.pictures import PicturesPanel
from app.compare.slope import SlopeChart
from app.compare.tables import tables
from app.compare.told import Linked, Maps
from app.compare.why import Why
from app.method_names import method_name
from app.questions import Questions
from app.reasons import no_run
from app.session import Session
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.panel import Panel
from app.views.rules_chip import RulesChip
from app.views.shown import number, percent
from app.views.view import Numbers, View
from app.views.working import Working
from app.workspace import Workspace
from engine.compare.types import Comparison, Side
from engine.desk import RunLog
from engine.rules import Rule

Asked = tuple[tuple[Side, Side], tuple[Rule, ...]]  # the sides, and the business rules that both lists are under

_PATIENCE = 150  # milliseconds an old answer stays bright while a new one is on its way


class CompareView(View):
    """Asks again whenever a side changes while it is in sight."""

    opened = Signal()  # a side was opened in the session: Explore shows it
    rules_asked = Signal()  # to see the business rules in force
    train_asked = Signal()

    def __init__(self, session: Session, workspace: Workspace, themes: ThemeSource) -> None:
        super().__init__()
        self._session, self._themes = session, themes
        self.choice = Choice(session, workspace, self)
        self.questions = Questions(session.study, "compare", self)
        self.linked = Linked(session, self)
        self.thumbnails = Thumbnails(themes, self)
        self.found: Comparison | None = None
        self._asked: Asked | None = None  # what is shown or on its way
        self._shown: Asked | None = None  # what is shown
        self._figures_of = ""  # the run whose epochs' figures are known
        self._make(themes)
        self._lay_out()
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._renew)
        self._dim = QTimer(self, singleShot=True, interval=_PATIENCE)
        self._dim.timeout.connect(lambda: self._veil(True))
        self._connect()
        self._renew()

    def _make(self, themes: ThemeSource) -> None:
        self.modes = ModeBar(themes)
        self.working = Working(self.questions)
        self.working.stop.clicked.connect(self._stopped)
        names = (self.tr("Left"), self.tr("Right"))
        self.heads = tuple(
            SideHead(place, names[place], self.choice, self._session, themes, self.thumbnails)
            for place in (LEFT, RIGHT)
        )
        self.fault = QLabel()
        set_role(self.fault, "error")
        self.fault.setWordWrap(True)
        self.again = QPushButton(self.tr("Try again"))
        self.again.clicked.connect(self._try_again)
        self.trouble = QFrame()
        set_role(self.trouble, "notice")
        row = QHBoxLayout(self.trouble)
        row.setContentsMargins(14, 8, 8, 8)
        row.addWidget(self.fault, 1)
        row.addWidget(self.again)
        self.trouble.hide()
        self.pictures = PicturesPanel(self.linked, themes, self.thumbnails)
        self.details = DetailsPanel(self.linked, themes, self.thumbnails)
        self.lists = Panel(themes)
        self.lists.setMinimumWidth(320)
        self.rules = RulesChip(self._session)
        self.rules.setToolTip(self.tr("Both lists are under the business rules. See and change them"))
        self.rules.clicked.connect(self.rules_asked)
        self.lists.top.insertWidget(1, self.rules)
        self.slope = SlopeChart(themes)
        self.scrolling: QScrollArea = scrolled(self.slope)
        self.slope.keep_in_sight = lambda box: self.scrolling.ensureVisible(0, int(box.center().y()), 0, 40)
        self.agreement = QLabel()
        set_role(self.agreement, "small")
        self.agreement.setWordWrap(True)
        self.lists.body.addWidget(self.agreement)
        self.lists.body.addWidget(self.scrolling, 1)
        self.nothing = NothingPage()
        self.why = Why(self._session, self.questions, self.slope, self.details, self)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.modes)
        top.addStretch(1)
        top.addWidget(self.working)
        heads = QHBoxLayout()
        heads.setSpacing(12)
        for head in self.heads:
            heads.addWidget(head, 1)
        self.rows = self._splitter(Qt.Orientation.Vertical, self.pictures, self.details)
        self.columns = self._splitter(Qt.Orientation.Horizontal, self.rows, self.lists)
        self.rows.setSizes([310, 250])
        self.columns.setSizes([710, 470])
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addLayout(heads)
        column.addWidget(self.trouble)
        column.addWidget(self.columns, 1)
        self.stack = QStackedWidget()
        self.stack.addWidget(content)
        self.stack.addWidget(self.nothing)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 10, 14, 14)
        whole.setSpacing(10)
        whole.addLayout(top)
        whole.addWidget(self.stack, 1)

    @staticmethod
    def _splitter(orientation: Qt.Orientation, *views: QWidget) -> QSplitter:
        splitter = QSplitter(orientation)
        splitter.setHandleWidth(12)
        splitter.setChildrenCollapsible(False)
        for place, view in enumerate(views):
            splitter.addWidget(view)
            splitter.setStretchFactor(place, 2 - place if orientation == Qt.Orientation.Horizontal else 1)
        return splitter

    def _soon(self, *_: object) -> None:
        self._later.start()

    def _connect(self) -> None:
        session = self._session
        for signal in (
            session.run_changed,
            session.user_changed,
            session.item_changed,
            session.method_changed,
            session.scenario_changed,
            session.ranking_changed,
        ):
            signal.connect(self._soon)
        session.rules.changed.connect(self._soon)
        self.choice.changed.connect(self._renew)
        self.modes.chosen.connect(self.choice.choose_mode)
        self.modes.swap_asked.connect(self.choice.swap)
        self.questions.changed.connect(self._busy_changed)
        self.questions.failed.connect(self._failed)
        self.slope.shown_asked.connect(self._look_at)
        self.nothing.mode_asked.connect(self.choice.choose_mode)
        self.nothing.train_asked.connect(self.train_asked)
        for head in self.heads:
            head.open_asked.connect(self._open)

    # --- asking -----------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return self.questions.busy or self._later.isActive()

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._renew()

    def _renew(self) -> None:
        """Show the choice; ask when the sides are others than those shown, and this view is in sight."""
        run = self._session.run
        if run is not None:
            self.thumbnails.open(run.dataset.folder)
        lack = self._lack()
        self.modes.show_mode(self.choice.mode, bool(lack))
        for head in self.heads:
            head.show_choice()
        self.nothing.say(lack, run, self.choice.mode)
        self.stack.setCurrentIndex(1 if lack else 0)
        sides = self.choice.sides()
        if lack or sides is None or not self.isVisible():
            return
        if self.choice.mode == EPOCHS and run is not None and self._figures_of != run.folder:
            self.questions.ask("history", self._take_figures, run=run.folder)
        asked = (sides, self._session.rules.active)
        if asked != self._asked:
            self._asked = asked
            self.trouble.hide()
            under = self._session.under_rules()
            self.questions.ask("compare", self._answered, left=sides[0], right=sides[1], **under)

    def _lack(self) -> str:
        """Why nothing can be compared in this mode, in a word; "" when it can."""
        run = self._session.run
        if run is None:
            return "run"
        pinned = self.choice.pinned(LEFT) or self.choice.pinned(RIGHT)
        if not pinned and self.choice.mode == EPOCHS and not run.epochs:
            return EPOCHS
        few = {
            RUNS: len(self.choice.runs()),
            SHOPPERS: len(run.shoppers),
            PRODUCTS: len(run.items),
            METHODS: len(run.methods),
        }
        return self.choice.mode if not pinned and few.get(self.choice.mode, 2) < 2 else ""

    def _take_figures(self, log: RunLog) -> None:
        self._figures_of = log.run
        figures = {int(row["epoch"]): float(row["ndcg@10"]) for row in log.rows if "ndcg@10" in row}
        for head in self.heads:
            head.scrubber.show_figures(figures)

    def _answered(self, found: Comparison) -> None:
        self.found, self._shown = found, self._asked
        maps = Maps(found)
        self.linked.take(found, maps)
        ends = (self.tr("L"), self.tr("R"))
        self.pictures.fill(found, maps, self._names(found))
        self.details.fill(found, maps, ends)
        figures = (found.left_figures, found.right_figures)
        for place, one in enumerate((found.left, found.right)):
            self.heads[place].show_found(found.sides[place], one, figures[place])
        self._fill_lists(found)
        self.why.take(found)

    def _names(self, found: Comparison) -> tuple[str, str]:
        """What stands over each photo: the side, and what differs in it."""
        names = []
        for side, one, word in zip(
            found.sides, (found.left, found.right), (self.tr("Left"), self.tr("Right")), strict=True
        ):
            epoch = self.tr("finished run") if side.epoch is None else self.tr("epoch {n}").format(n=side.epoch)
            told = {
                RUNS: one.run,
                EPOCHS: epoch,
                SHOPPERS: side.user,
                PRODUCTS: one.title,
                METHODS: method_name(side.method),
            }
            names.append(f"{word} · {told[self.choice.mode]}")
        return names[0], names[1]

    def _fill_lists(self, found: Comparison) -> None:
        agreed = found.agreement
        self.lists.heading.say(self.tr("Both ranked lists"))
        self.lists.note.setText(self.tr("{n} of {all} in both").format(n=agreed.shared, all=agreed.depth))
        tau = "–" if agreed.tau is None else number(agreed.tau, 2)
        text = self.tr("Kendall's tau {tau} · rank-biased overlap {rbo} · a ring: in this list only")
        told = [text.format(tau=tau, rbo=percent(agreed.rbo))]
        left, right = found.ruled
        if left != right:  # one side's what-if has rules of its own
            told.append(self.tr("business rules: left {left}, right {right}").format(left=left, right=right))
        self.agreement.setText(" · ".join(told))
        self.agreement.setToolTip(
            self.tr(
                "Tau compares the order of the products that both lists hold: 1 is the same order, −1 the reverse. "
                "Rank-biased overlap (persistence 0.9) counts products in both, the first ten places most."
            )
        )
        self.slope.fill(found.left_list, found.right_list, (found.left.item, found.right.item))

    # --- what else happens ------------------------------------------------------------------------------------------

    def _busy_changed(self) -> None:
        busy = self.questions.busy
        for head in self.heads:
            head.scrubber.ready = not busy
        if not busy:
            self._dim.stop()
            self._veil(False)
        elif not self._dim.isActive():
            self._dim.start()

    def _veil(self, on: bool) -> None:
        for panel in (self.pictures, self.lists):
            panel.dim(on)

    def _failed(self, message: str, hint: str) -> None:
        self._asked = None
        self.why.forget()
        for head in self.heads:
            head.scrubber.stop()
        self.fault.setText(f"{message} {hint}".strip())
        self.trouble.show()

    def _stopped(self) -> None:
        """The user stopped the work: what is shown is of another choice, and stays."""
        self.why.forget()
        if self._shown is None or self._shown != (self.choice.sides(), self._session.rules.active):
            self._asked = None
            self.fault.setText(self.tr("Stopped. What is shown, if anything, is of an earlier choice."))
            self.trouble.show()

    def _try_again(self) -> None:
        self.trouble.hide()
        self._renew()
        self.why.ask()

    def _look_at(self, item: str) -> None:
        """Show a product of a list in both pictures."""
        if self.choice.mode == PRODUCTS:
            self.choice.choose(LEFT, item)
        else:
            self._session.choose_item(item)

    def _open(self, place: int) -> None:
        side = self.choice.side(place)
        if side is not None:
            open_side(self._session, side)
            self.opened.emit()

    # --- what the window asks ---------------------------------------------------------------------------------------

    def offers(self) -> list[Action]:
        texts = {
            RUNS: self.tr("Compare two runs"),
            EPOCHS: self.tr("Compare two epochs"),
            SHOPPERS: self.tr("Compare two shoppers"),
            PRODUCTS: self.tr("Compare two products"),
            METHODS: self.tr("Compare two methods"),
        }

        def go(mode: str) -> Callable[[], None]:
            return lambda: self.choice.choose_mode(mode)

        def at(mode: str) -> Callable[[], bool]:
            return lambda: self.choice.mode == mode

        def pin(place: int) -> Callable[[], None]:
            return lambda: self.choice.pin(place, not self.choice.pinned(place))

        def no_side(place: int) -> Reason:
            empty = self.tr("This side is empty: choose something for it.")
            return lambda: "" if self.choice.side(place) is not None else empty

        def no_sides() -> str:
            return "" if self.choice.sides() is not None else self.tr("There are no two sides yet: choose both.")

        def nothing() -> str:
            return "" if self.found is not None else self.tr("Nothing is compared yet.")

        return [
            *(
                Action(f"compare-{mode}", texts[mode], go(mode), f"Alt+{n}", "compare", "compare", at(mode))
                for n, mode in enumerate(MODES, start=1)
            ),
            Action(
                "compare-swap", self.tr("Swap sides"), self.choice.swap, "Alt+S", "swap", "compare", why_not=no_sides
            ),
            Action(
                "compare-pin-left", self.tr("Pin the left side"), pin(LEFT), "Alt+L", "pin", "compare",
                why_not=no_side(LEFT),
            ),
            Action(
                "compare-pin-right", self.tr("Pin the right side"), pin(RIGHT), "Alt+R", "pin", "compare",
                why_not=no_side(RIGHT),
            ),
            Action(
                "compare-above", self.tr("Why A above B"), lambda: self.details.show_tab(ABOVE), "Alt+A", "compare",
                "compare", why_not=first(no_run(self._session), nothing),
            ),
            Action(
                "compare-open-left", self.tr("Open the left side in Explore"), lambda: self._open(LEFT),
                why_not=no_side(LEFT),
            ),
            Action(
                "compare-open-right", self.tr("Open the right side in Explore"), lambda: self._open(RIGHT),
                why_not=no_side(RIGHT),
            ),
        ]  # fmt: skip

    def state(self) -> dict[str, Any]:
        return {
            "choice": self.choice.state(),
            "tab": self.details.tab,
            "why": self.why.state(),
            "rows": self.rows.sizes(),
            "columns": self.columns.sizes(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        why = state.get("why")
        if isinstance(why, Mapping):
            self.why.restore(why)
        for splitter, name in ((self.rows, "rows"), (self.columns, "columns")):
            sizes = state.get(name)
            if isinstance(sizes, list) and len(sizes) == 2 and all(isinstance(one, int) and one > 0 for one in sizes):
                splitter.setSizes(sizes)
        self.details.show_tab(str(state.get("tab", "")))
        choice = state.get("choice")
        if isinstance(choice, Mapping):
            self.choice.restore(choice)

    def numbers(self) -> Numbers:
        return {} if self.found is None else tables(self.found, self.why.answer)
