"""What-if: the product's page and the shopper's past as editors, and beside them what becomes of rank and map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app.actions import Action
from app.session import Session
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.changes import what_changed
from app.views.panel import Heading, Panel, Tip
from app.views.view import Numbers, View
from app.views.working import Working
from app.whatif import report
from app.whatif.attributes import AttributesEditor
from app.whatif.background import Background
from app.whatif.before import Before
from app.whatif.commands import ATTRIBUTES, PHOTO, TEXTS, offers
from app.whatif.edits import invented
from app.whatif.page import Page, PageSource
from app.whatif.past import PastEditor
from app.whatif.photo_editor import PhotoEditor
from app.whatif.picker import Picker
from app.whatif.result import ResultPanel
from app.whatif.room import GAP, Room
from app.whatif.saved import Scenarios
from app.whatif.steps import SCENARIOS, STEPS, StepsPanel
from app.whatif.texts import TextsEditor
from app.whatif.warming import Warming
from app.workspace import Workspace
from engine.answers import Ranking, RunSummary
from engine.scenario import Scenario
from engine.scenario_files import photo_folder

_PATIENCE = 150  # milliseconds an old answer stays bright while a new one is on its way


class WhatIfView(View):
    """Lays out the studio; every edit goes through `Session.change`."""

    def __init__(
        self, session: Session, workspace: Workspace, themes: ThemeSource, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._workspace = workspace
        self._arranged = False
        self._invented = invented(session.scenario)
        self._doing = ""  # what the engine is busy with
        self._kept_item = ""  # the product that stays while the shopper changes
        self._user_before = ""  # whom to go back to when an invented shopper is undone
        self.thumbnails = Thumbnails(themes, self)
        session.run_changed.connect(self._run_changed)  # before the pieces ask for photos
        if session.run is not None:
            self.thumbnails.open(session.run.dataset.folder)
        self.before = Before(session, self)
        self.pages = PageSource(session, self)
        self._warming = Warming(session, (self.before.questions, self.pages.questions), self)
        self.scenarios = Scenarios(lambda: workspace.folder, self)
        self.background = Background(self)
        self.photo = PhotoEditor(session, themes, self.thumbnails, lambda: photo_folder(workspace.folder))
        self.texts = TextsEditor(session)
        self.attributes = AttributesEditor(session, themes, lambda: self.pages.values)
        self.past = PastEditor(session, themes, self.thumbnails)
        self.result = ResultPanel(session, self.before, themes, self.thumbnails)
        self.steps = StepsPanel(session, self.scenarios, themes)
        self.editor = Panel(themes)
        self.tabs = QTabBar()
        self.stack = QStackedWidget()
        self.product = QPushButton()
        self.shopper = QPushButton()
        self.report = QPushButton(self.tr("Export report…"))
        self._products = Picker(themes, self.thumbnails, self)
        self._shoppers = Picker(themes, None, self)
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE)
        self._lay_out()
        self._connect()
        self.scenarios.refresh()
        self._show_page()
        self._name()

    # --- how it is built --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._fill_editor()
        self.room = Room(self.past, self.editor, self.result, self.steps)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 14)
        column.setSpacing(GAP)
        column.addLayout(self._top())
        column.addWidget(self.room, 1)

    def _top(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        joint = QLabel(self.tr("for"))
        set_role(joint, "muted")
        for button, tip in (
            (self.product, self.tr("Choose the product whose page is edited (Ctrl+P)")),
            (self.shopper, self.tr("Choose the shopper that it is ranked for (Ctrl+U)")),
        ):
            button.setToolTip(tip)
            button.setMaximumWidth(360)
            button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.working = Working(self.before.questions)
        self.changes = Heading("muted")
        self.changes.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.changes.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.report.setToolTip(self.tr("A page with photos, ranks, parts and words before and after (Ctrl+Shift+E)"))
        self.report.setAccessibleName(self.report.text())
        row.addWidget(self.product)
        row.addWidget(joint)
        row.addWidget(self.shopper)
        row.addWidget(self.working)
        row.addWidget(self.changes, 1)
        row.addWidget(self.report)
        return row

    def _fill_editor(self) -> None:
        self.editor.heading.hide()
        self.editor.note.hide()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName(self.tr("What of the page to edit"))
        for text, page in (
            (self.tr("Photo"), self.photo),
            (self.tr("Texts"), self.texts),
            (self.tr("Attributes"), self.attributes),
        ):
            self.tabs.addTab(text)
            self.stack.addWidget(page)
        self.tabs.currentChanged.connect(self.stack.setCurrentIndex)
        self.taken = QWidget()
        row = QHBoxLayout(self.taken)
        row.setContentsMargins(0, 0, 0, 0)
        self._taken_text = QLabel()
        set_role(self._taken_text, "muted")
        self._put_back = QPushButton(self.tr("Put back"))
        self._put_back.setAccessibleName(self.tr("Put back what was taken away"))
        set_role(self._put_back, "link")
        self._put_back.clicked.connect(self._restore_parts)
        row.addWidget(self._taken_text, 1)
        row.addWidget(self._put_back)
        self.error = QLabel()
        set_role(self.error, "error")
        self.error.setWordWrap(True)
        self.error.hide()
        self.elsewhere = QLabel(
            self.tr("This run was made elsewhere and does not read the pages of products. Change the past instead.")
        )
        set_role(self.elsewhere, "muted")
        self.elsewhere.setWordWrap(True)
        self.elsewhere.hide()
        self.editor.body.addWidget(self.tabs)
        self.editor.body.addWidget(self.elsewhere)
        self.editor.body.addWidget(self.error)
        self.editor.body.addWidget(self.stack, 1)
        self.editor.body.addWidget(self.taken)

    def _connect(self) -> None:
        session = self._session
        session.item_changed.connect(self._moved_on)
        session.user_changed.connect(self._name)
        session.scenario_changed.connect(self._scenario_changed)
        session.ranking_changed.connect(self._ranked)
        session.waiting_changed.connect(self._waiting)
        self._patience.timeout.connect(lambda: self._dim(True))
        self.pages.changed.connect(self._show_page)
        self._workspace.changed.connect(self.scenarios.refresh)
        self.product.clicked.connect(self.ask_product)
        self.shopper.clicked.connect(self.ask_shopper)
        self._products.picked.connect(session.choose_item)
        self._shoppers.picked.connect(session.choose_user)
        self.steps.commit_asked.connect(self.texts.commit)
        self.report.clicked.connect(self.ask_report)
        for failed in (
            self.photo.failed, self.scenarios.failed, self.background.failed, self.pages.questions.failed,
        ):  # fmt: skip
            failed.connect(self._say_fault)

    # --- what is shown ----------------------------------------------------------------------------------------------

    def _run_changed(self, run: RunSummary | None) -> None:
        if run is not None:
            self.thumbnails.open(run.dataset.folder)
        self._invented = invented(self._session.scenario)
        self._name()

    def _moved_on(self, *_: object) -> None:
        """Another product: what was being typed belongs to the one before."""
        self.error.hide()
        Tip.of(self).hide()
        self._name()
        self._show_page()

    def _scenario_changed(self, scenario: Scenario) -> None:
        self.error.hide()
        self._follow_invented(scenario)
        self._show_page()
        self._name()

    def _follow_invented(self, scenario: Scenario) -> None:
        """Go to a shopper who has just been made up, and away from one who is no more."""
        session = self._session
        before, self._invented = self._invented, invented(scenario)
        new = [name for name in self._invented if name not in before]
        run = session.run
        if run is None:
            return
        if new:
            if session.user not in self._invented:
                self._user_before = session.user
            self._kept_item = session.item
            QTimer.singleShot(0, self, lambda: session.choose_user(new[-1]))
        elif session.user in before and session.user not in self._invented:
            known = self._user_before if self._user_before in run.shoppers.user else run.shoppers.user[0]
            session.choose_user(known)

    def _ranked(self, ranking: Ranking | None) -> None:
        """A new shopper begins with the first of the list; the product that is being edited is wanted here."""
        item = self._kept_item
        if ranking is not None and item and self._session.user in self._invented:
            self._kept_item = ""
            QTimer.singleShot(0, self, lambda: self._session.choose_item(item))

    @property
    def page(self) -> Page:
        """The chosen product's page as the dataset has it; an empty one while it is not known."""
        return self.pages.page if self.pages.page.item == self._session.item else Page()

    def _show_page(self) -> None:
        page, session = self.page, self._session
        self.photo.show_page(page.item, page.photo)
        self.texts.show_page(page.item, page.texts)
        self.attributes.show_page(page.item, page.attributes)
        for editor in (self.photo, self.texts, self.attributes):
            editor.setEnabled(bool(page.item) and page.editable)
        self.elsewhere.setVisible(not page.editable)
        edit = session.scenario.edit_of(page.item)
        self._taken_text.setText(self.tr("%n part(s) taken away from the page", "", len(edit.dropped)))
        self.taken.setVisible(bool(edit.dropped))
        changed = (edit.photo is not None, bool(edit.texts), edit.attributes is not None)
        names = (self.tr("Photo"), self.tr("Texts"), self.tr("Attributes"))
        for place, (name, one) in enumerate(zip(names, changed, strict=True)):
            self.tabs.setTabText(place, f"{name} •" if one else name)
            self.tabs.setTabToolTip(place, self.tr("edited") if one else "")

    def _name(self, *_: object) -> None:
        session, run = self._session, self._session.run
        title = self.tr("Choose a product")
        if run is not None and session.item in run.items.item:
            title = run.items.title[run.items.item.index(session.item)]
        shown = self.product.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, 320)
        self.product.setText(shown.replace("&", "&&"))
        self.product.setAccessibleName(self.tr("Product: {title}").format(title=title))
        user = session.user
        named = user if user in self._invented else self.tr("shopper {user}").format(user=user)
        none = self.tr("Choose a shopper")
        self.shopper.setText(named.replace("&", "&&") if user else none)
        self.shopper.setAccessibleName(self.tr("Shopper: {user}").format(user=user or none))
        for button in (self.product, self.shopper):
            button.setEnabled(run is not None)
        changes = session.scenario.changes
        self.changes.say("" if run is None else what_changed(session.scenario) or self.tr("nothing is changed"))
        self.report.setEnabled(run is not None and bool(changes))

    def _waiting(self, what: str) -> None:
        self._doing = what
        if what:
            if not self._patience.isActive():
                self._patience.start()
        else:
            self._patience.stop()
            self._dim(False)
            self._name()

    def _dim(self, on: bool) -> None:
        for panel in (self.result, self.past):
            panel.dim(on)
        if on and self._doing:
            self.changes.say(self._doing + "…")

    def _say_fault(self, message: str, hint: str) -> None:
        self.error.setText(f"{message} {hint}".strip())
        self.error.show()

    # --- what can be done -------------------------------------------------------------------------------------------

    def offers(self) -> list[Action]:
        return offers(self, self._session)

    def go(self, place: int) -> None:
        self.tabs.setCurrentIndex(place)
        first = next(iter(self.texts.rows.values())).field if self.texts.rows else self.texts.add
        (self.photo.canvas, first, self.attributes.table)[place].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def work_with(self, tool: str) -> None:
        self.photo.choose_tool(tool)
        self.go(PHOTO)

    def swap_for_product(self) -> None:
        self.tabs.setCurrentIndex(PHOTO)
        self.photo.ask_product()

    def add_attribute(self) -> None:
        self.tabs.setCurrentIndex(ATTRIBUTES)
        self.attributes.begin()

    def compare(self, place: int) -> None:
        self.result.tabs.setCurrentIndex(place)
        self.result.tabs.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def go_to_steps(self) -> None:
        self.steps.tabs.setCurrentIndex(STEPS)
        self.steps.steps.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def go_to_scenarios(self) -> None:
        self.steps.tabs.setCurrentIndex(SCENARIOS)
        saved = self.steps.saved
        (saved if saved.count() else self.steps.tabs).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def add_review(self) -> None:
        self.tabs.setCurrentIndex(TEXTS)
        self.texts.add_review()

    def reset(self) -> None:
        self.texts.commit()
        self.steps.ask_reset()

    def _restore_parts(self) -> None:
        scenario, item = self._session.scenario, self._session.item
        edit = scenario.edit_of(item)
        kept = type(edit)(item, (), edit.texts, edit.photo, edit.attributes)
        self._session.change(scenario.with_edit(kept), self.tr("Parts put back"))

    def ask_product(self) -> None:
        """Open the finder of products."""
        self.texts.commit()
        self._products.open_under(self.product, self._session.run)

    def ask_shopper(self) -> None:
        """Open the finder of shoppers; those who are made up stand first."""
        self._shoppers.open_under(self.shopper, self._session.run, invented(self._session.scenario))

    def ask_report(self) -> None:
        """Choose a file, write the report."""
        self.texts.commit()
        if self.result.after is None or not self._session.scenario.changes:
            return
        start = str(Path.home() / f"{self._session.item}-what-if.html")
        name, _ = QFileDialog.getSaveFileName(self, self.tr("Export the report"), start, "HTML (*.html)")
        if name:
            self.write_report(Path(name))

    def write_report(self, file: Path) -> None:
        """Write the report of the chosen product under the scenario."""
        session, new = self._session, self.result.after
        if new is None or session.run is None:
            return
        told = report.Told(
            run=session.run,
            scenario=session.scenario,
            old=self.result.compared,
            new=new,
            lists=(self.before.ranking, session.ranking),
            page=self.page,
        )
        self.background.do(lambda: report.write(told, file), lambda _: self._said(file))

    def _said(self, file: Path) -> None:
        self.changes.say(self.tr("Written: {file}").format(file=str(file)))

    # --- what comes back --------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {
            "editor": self.tabs.currentIndex(),
            "result": self.result.tabs.currentIndex(),
            "side": self.steps.tabs.currentIndex(),
            "sizes": self.room.main.sizes(),
            "tool": self.photo.tool,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        for name, bar in (("editor", self.tabs), ("result", self.result.tabs), ("side", self.steps.tabs)):
            place = state.get(name)
            if isinstance(place, int) and 0 <= place < bar.count():
                bar.setCurrentIndex(place)
        sizes = state.get("sizes")
        whole = isinstance(sizes, list) and len(sizes) == 3 and all(isinstance(one, int) and one > 0 for one in sizes)
        if isinstance(sizes, list) and whole:
            self._arranged = True
            self.room.main.setSizes(sizes)
        tool = state.get("tool")
        if isinstance(tool, str) and tool in self.photo.tools:
            self.photo.choose_tool(tool)

    @property
    def busy(self) -> bool:
        return (
            self.before.questions.busy
            or self.pages.questions.busy
            or self.photo.busy
            or self.scenarios.background.busy
            or self.background.busy
        )

    def numbers(self) -> Numbers:
        return self.result.numbers()

    def sizeHint(self) -> QSize:
        return QSize(1216, 724)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._warming.show(True)
        if not self._arranged:
            self._arranged = True
            self.room.arrange()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._warming.show(False)
