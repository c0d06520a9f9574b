"""Rules: left the business rules of the shop, right the chosen one in fields and what they do to a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.actions import Action, first
from app.fault_text import fault_text
from app.questions import Questions
from app.read_only import enable
from app.reasons import no_run
from app.rule_words import kind_help, kind_name
from app.rules_view.effects import EffectsView
from app.rules_view.form import RuleForm, new_rule
from app.rules_view.rows import RulesList, RulesModel
from app.session import Session
from app.tables import KEY_ROLE, AnyIndex
from app.theme import ThemeSource, icon, set_role
from app.thumbnails import Thumbnails
from app.views.panel import Empty, Panel, follow
from app.views.view import Numbers, View
from app.views.working import Working
from engine.answers import RunSummary
from engine.errors import HeedmapError
from engine.rule_book import RuleBook, RuleField, RuleReach
from engine.rules import KINDS, Rule


class RulesView(View):
    """Every change is a step of the window's undo list, kept in the workspace, and in force at once."""

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._themes, self._rules = session, themes, session.rules
        self._questions = Questions(session.engine, "rules", self)
        self._chosen = ""  # the name of the rule in the form
        self._asked_of = ""  # the run whose fields are known or on their way
        self._reached: tuple[str, tuple[Rule, ...]] | None = None  # of which run and rules the reach is asked
        self.thumbnails = Thumbnails(themes, self)
        self.model = RulesModel(self)
        self.list = RulesList(self.model, themes)
        self.form = RuleForm(themes)
        self.effects = EffectsView(session, themes, self.thumbnails)
        self._lay_out()
        self._connect()
        self._run_changed(session.run)

    # --- how it is built --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        right = QSplitter(Qt.Orientation.Vertical)
        self.stacked = right
        right.setHandleWidth(12)
        right.setChildrenCollapsible(False)
        self.form.setMinimumHeight(210)
        self.effects.setMinimumHeight(150)
        right.addWidget(self.form)
        right.addWidget(self.effects)
        right.setSizes([316, 384])
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(12)
        self.splitter.setChildrenCollapsible(False)
        left = self._left()
        self.splitter.addWidget(left)
        self.splitter.addWidget(right)
        self.setTabOrder(self.list, self.master)  # the keyboard begins with the list
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([420, 760])
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 14, 14, 14)
        column.addWidget(self.splitter)

    def _left(self) -> QWidget:
        panel = Panel(self._themes)
        panel.setMinimumWidth(320)
        panel.heading.say(self.tr("Business rules"))
        self.note = panel.note
        self.master = QCheckBox(self.tr("In force"))
        self.master.setToolTip(self.tr("Switch all rules on or off at once (Ctrl+Shift+B)"))
        self.master.setAccessibleName(self.tr("All rules in force"))
        self.master.clicked.connect(lambda _=False: self.switch_all())
        panel.top.addWidget(self.master)
        self.empty = Empty()
        self.empty.setText(
            self.tr(
                "No rule yet: every list is as the model ranks it. Add a rule, or import a file of rules, to change"
                " what is shown without training anything."
            )
        )
        self.fault = QLabel()
        set_role(self.fault, "error")
        self.fault.setWordWrap(True)
        self.fault.setTextFormat(Qt.TextFormat.PlainText)
        self.fault.hide()
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        for kind in KINDS:
            action = self.menu.addAction(kind_name(kind))
            action.setToolTip(kind_help(kind))
            action.triggered.connect(lambda _=False, kind=kind: self.begin(kind))
        self.add = QPushButton(self.tr("Add a rule…"))
        set_role(self.add, "primary")
        self.add.setToolTip(self.tr("Choose what the new rule shall do (Ctrl+N)"))
        self.add.clicked.connect(lambda _=False: self.ask_kind())
        self.up = self._tool("raise", self.tr("Act earlier among its kind (Alt+Up)"), lambda: self.shift(-1))
        self.down = self._tool("lower", self.tr("Act later among its kind (Alt+Down)"), lambda: self.shift(1))
        self.undo = self._tool("undo", self.tr("Undo (Ctrl+Z)"), self._session.undo.undo)
        self.redo = self._tool("redo", self.tr("Redo (Ctrl+Shift+Z)"), self._session.undo.redo)
        self.delete = QPushButton(self.tr("Delete"))
        self.delete.setToolTip(self.tr("Take the chosen rule away; Undo brings it back (Delete)"))
        self.delete.clicked.connect(lambda _=False: self.remove())
        self.imported = QPushButton(self.tr("Import…"))
        self.imported.setToolTip(self.tr("Take the rules of a file in place of these (Ctrl+Shift+I)"))
        self.imported.clicked.connect(lambda _=False: self.ask_import())
        self.export = QPushButton(self.tr("Export…"))
        self.export.setToolTip(self.tr("Write these rules to a file, as heedmap recommend --rules reads it"))
        self.export.clicked.connect(lambda _=False: self.ask_export())
        self.working = Working(self._questions)
        panel.body.addWidget(self.list, 1)
        panel.body.addWidget(self.empty, 1)
        panel.body.addWidget(self.fault)
        panel.body.addWidget(self.working)
        panel.body.addLayout(_row(self.add, self.delete, self.up, self.down, None, self.undo, self.redo))
        panel.body.addLayout(_row(self.imported, self.export, None))
        return panel

    def _tool(self, drawn: str, tip: str, act: Callable[[], None]) -> QToolButton:
        button = QToolButton()
        set_role(button, "tool")
        button.setObjectName(drawn)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda _=False: act())
        return button

    def _connect(self) -> None:
        session = self._session
        session.run_changed.connect(self._run_changed)
        session.ranking_changed.connect(self.form.say_scale)
        self._rules.changed.connect(self._rules_changed)
        for signal in (session.undo.canUndoChanged, session.undo.canRedoChanged):
            signal.connect(self._say)
        session.failed.connect(self._failed)
        self._questions.failed.connect(self._failed)
        self.list.selectionModel().currentChanged.connect(self._picked)
        self.list.switched.connect(self.switch)
        self.list.shifted.connect(self.shift)
        self.form.edited.connect(self._edited)
        self.form.discarded.connect(lambda: self.show_rule(self._chosen))
        self.form.wanted.connect(self.begin)
        follow(self._themes, self.list)
        self._themes.changed.connect(self._dress)
        self._dress()

    def _dress(self, *_: object) -> None:
        for button in (self.up, self.down, self.undo, self.redo):
            button.setIcon(icon(button.objectName(), self._themes.theme.text, 16))

    # --- what happens -----------------------------------------------------------------------------------------------

    def _run_changed(self, run: RunSummary | None) -> None:
        if run is not None:
            self.thumbnails.open(run.dataset.folder)
            self.model.titles = dict(zip(run.items.item, run.items.title, strict=True))
        self.form.open(run)
        self.form.say_scale(self._session.ranking)
        self._reached = None
        self._rules_changed()
        self._ask_fields()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask_fields()
        self._ask_reach()

    def _ask_fields(self) -> None:
        """The fields of the dataset are read once somebody looks."""
        run = self._session.run
        if run is not None and self.isVisible() and run.folder != self._asked_of:
            self._asked_of = run.folder
            self._questions.ask("rule_fields", self._fields_read, run=run.folder)

    def _fields_read(self, fields: tuple[RuleField, ...]) -> None:
        self.form.offer(fields)

    def _ask_reach(self) -> None:
        run, rules = self._session.run, self._rules.book.rules
        if run is None or not rules or not self.isVisible() or self._reached == (run.folder, rules):
            return
        self._reached = (run.folder, rules)
        book = self._rules.book

        def take(reach: RuleReach) -> None:
            self.model.tell(book, reach)
            self._say_reach()

        self._questions.ask("rule_reach", take, run=run.folder, rules=rules)

    def _rules_changed(self) -> None:
        book = self._rules.book
        self.fault.hide()
        chooser = self.list.selectionModel()
        blocked = chooser.blockSignals(True)
        place = self.model.row_of(self._chosen)
        self.model.put(book)
        chooser.blockSignals(blocked)
        if book.named(self._chosen) is None:  # renamed or taken away, here or by undo
            near = min(max(place, 0), len(book.rules) - 1)
            self._chosen = book.rules[near].name if book.rules else ""
        if self.form.rule is None or self.form.rule.name:  # an unfinished one stays
            self.show_rule(self._chosen)
        self.list.show_row(self.model.row_of(self._chosen))
        self._ask_reach()
        self._say()

    def show_rule(self, name: str) -> None:
        """Show a rule of the book in the form; none of that name empties it."""
        self.form.commit()
        self._chosen = name
        book = self._rules.book
        self.form.show_rule(book.named(name), book)
        self.list.show_row(self.model.row_of(name))
        self._say_reach()
        self._say()

    def _say(self, *_: object) -> None:
        book = self._rules.book
        some, row = bool(book.rules), self.model.row_of(self._chosen)
        self.list.setVisible(some)
        self.empty.setVisible(not some)
        self.master.setVisible(some)
        self.master.setChecked(book.on)
        self.note.setText(
            self.tr("{on} of {all} on").format(on=sum(one.on for one in book.rules), all=len(book.rules))
            if some
            else ""
        )
        for control, allowed in (
            (self.add, self._session.run is not None),
            (self.master, True),
            (self.form, True),
            (self.imported, True),
            (self.delete, row >= 0),
            (self.up, book.may_move(self._chosen, -1)),
            (self.down, book.may_move(self._chosen, 1)),
        ):
            enable(control, allowed, self._rules.place)
        self.undo.setEnabled(self._session.undo.canUndo())
        self.redo.setEnabled(self._session.undo.canRedo())
        self.export.setEnabled(some)

    def _say_reach(self) -> None:
        row = self.model.row_of(self._chosen)
        if row < 0 or self.form.rule is None or not self.form.rule.name:
            return
        count, fault = self.model.count(row), self.model.fault(row)
        if fault or count is None:
            self.form.say_reach(fault, bool(fault))
            return
        whole = len(self._session.run.items) if self._session.run is not None else 0
        text = self.tr("{n} of {all} products meet the condition.").format(n=f"{count:,}", all=f"{whole:,}")
        self.form.say_reach(text, count == 0)

    def _failed(self, message: str, hint: str) -> None:
        if self._rules.active or self._questions.busy:
            self.fault.setText(f"{message} {hint}".strip())
            self.fault.show()

    def _picked(self, current: AnyIndex, _previous: AnyIndex) -> None:
        if current.isValid():
            self.show_rule(str(current.data(KEY_ROLE)))

    # --- what can be done -------------------------------------------------------------------------------------------

    def ask_kind(self) -> None:
        """Ask what a new rule shall do."""
        if self.add.isEnabled():
            self.menu.popup(self.add.mapToGlobal(self.add.rect().bottomLeft()))

    def begin(self, kind: str) -> None:
        """Start a rule; it is in force as soon as it is complete."""
        self.form.commit()
        if self._session.run is None:
            return
        self.form.show_rule(new_rule(kind, self._rules.book), self._rules.book)
        self.list.show_row(-1)
        if kind == "diversity":  # it lacks nothing
            self.form._changed("lambda")
            return
        first = {"exclude": self.form.products.field, "pin": self.form.product.field}
        first.get(kind, self.form.condition.field).setFocus()

    def _edited(self, rule: Rule, what: str, before: str) -> None:
        book = self._rules.book
        try:
            after = book.with_rule(rule, before)
        except HeedmapError as error:
            self._failed(error.message, error.hint)
            return
        self._chosen = rule.name
        text = self.tr("Change rule {0}") if before else self.tr("Add rule {0}")
        if not before:
            self.form.rule = rule  # no longer unfinished
        self._rules.change(after, text.format(rule.name), f"{rule.name} {what}" if before == rule.name else "")
        self.show_rule(rule.name)

    def switch(self, name: str) -> None:
        """Switch one rule on or off."""
        rule = self._rules.book.named(name)
        if rule is not None and self.master.isEnabled():
            text = self.tr("Switch rule {0} off") if rule.on else self.tr("Switch rule {0} on")
            self._chosen = name
            self._rules.change(self._rules.book.with_rule(replace(rule, on=not rule.on), name), text.format(name))
            self.show_rule(name)

    def switch_all(self) -> None:
        """Switch all rules on or off at once; each keeps its own switch."""
        self._rules.switch()

    def shift(self, step: int) -> None:
        """Let the chosen rule act earlier (-1) or later (1) among its kind."""
        self._rules.change(self._rules.book.moved(self._chosen, step), self.tr("Move rule {0}").format(self._chosen))

    def remove(self) -> None:
        """Take the chosen rule away; undo brings it back."""
        name = self._chosen
        if self._rules.book.named(name) is not None and (self.form.rule is None or self.form.rule.name):
            self._rules.change(self._rules.book.without(name), self.tr("Delete rule {0}").format(name))

    def ask_import(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, self.tr("Import rules"), str(Path.home()), self.tr("Rules (*.json)")
        )
        if chosen:
            self.import_from(Path(chosen))

    def import_from(self, file: Path) -> None:
        """Take the rules of a file; undo brings back those that were."""
        try:
            book: RuleBook = self._rules.read_from(file)
        except HeedmapError as error:
            self.fault.setText(f"{fault_text(error.message)} {fault_text(error.hint)}".strip())
            self.fault.show()
            return
        self.form.show_rule(None, book)
        self._rules.change(book, self.tr("Import rules from {0}").format(file.name))

    def ask_export(self) -> None:
        if not self._rules.book.rules:
            return
        start = str(Path.home() / "rules.json")
        chosen, _ = QFileDialog.getSaveFileName(self, self.tr("Export rules"), start, self.tr("Rules (*.json)"))
        if chosen:
            self._rules.write_to(Path(chosen) if Path(chosen).suffix else Path(f"{chosen}.json"))

    # --- what the window asks of a view -----------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return self._questions.busy or self.form.typing

    def offers(self) -> list[Action]:
        closed = no_run(self._session)

        def begin(kind: str) -> Callable[[], None]:
            return lambda: self.begin(kind)

        def add(kind: str) -> Action:
            text = self.tr("New rule: {0}").format(kind_name(kind))
            return Action(f"rules-add-{kind}", text, begin(kind), "", "plus", "rules-add", why_not=closed)

        def focus_name() -> None:
            self.form.name.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.form.name.selectAll()

        def none_in_form() -> str:
            return closed() or ("" if self.form.name.isVisible() else self.tr("Choose a rule first."))

        def none_chosen() -> str:
            return closed() or ("" if self.delete.isEnabled() else self.tr("Choose a rule first."))

        def unfinished() -> str:
            rule = self.form.rule
            made = rule is None or rule.name
            return "" if made else self.tr("The new rule is not in force yet: there is nothing to delete.")

        def is_first() -> str:
            return "" if self.up.isEnabled() else self.tr("It acts first among the rules of its kind.")

        def is_last() -> str:
            return "" if self.down.isEnabled() else self.tr("It acts last among the rules of its kind.")

        def nothing_to_export() -> str:
            return "" if self._session.rules.book.rules else self.tr("There is no rule to export.")

        return [
            Action("rules-new", self.tr("Add a rule…"), self.ask_kind, "Ctrl+N", "plus", "rules-add", why_not=closed),
            *(add(kind) for kind in KINDS),
            Action("rules-name", self.tr("Rename the rule"), focus_name, "F2", "rules", "rules", why_not=none_in_form),
            Action(
                "rules-delete", self.tr("Delete the rule"), self.remove, "Delete", "minus", "rules",
                why_not=first(none_chosen, unfinished),
            ),
            Action(
                "rules-up", self.tr("Let the rule act earlier"), lambda: self.shift(-1), "Alt+Up", "raise", "rules",
                why_not=first(none_chosen, is_first),
            ),
            Action(
                "rules-down", self.tr("Let the rule act later"), lambda: self.shift(1), "Alt+Down", "lower", "rules",
                why_not=first(none_chosen, is_last),
            ),
            Action(
                "rules-import", self.tr("Import rules…"), self.ask_import, "Ctrl+Shift+I", "import", "rules-file",
                why_not=closed,
            ),
            Action(
                "rules-export", self.tr("Export rules…"), self.ask_export, "", "export", "rules-file",
                why_not=nothing_to_export,
            ),
        ]  # fmt: skip

    def state(self) -> dict[str, Any]:
        return {"rule": self._chosen, "sizes": self.splitter.sizes(), "stacked": self.stacked.sizes()}

    def restore(self, state: Mapping[str, Any]) -> None:
        for name, splitter in (("sizes", self.splitter), ("stacked", self.stacked)):
            sizes = state.get(name)
            if isinstance(sizes, list) and len(sizes) == splitter.count() and all(type(one) is int for one in sizes):
                splitter.setSizes(sizes)
        if self._rules.book.named(str(state.get("rule", ""))) is not None:
            self.show_rule(str(state["rule"]))

    def numbers(self) -> Numbers:
        book, model = self._rules.book, self.model
        rows = range(len(book.rules))
        return {
            "rules": {
                "rule": [one.name for one in book.rules],
                "kind": [one.kind for one in book.rules],
                "in force": [model.works(row) for row in rows],
                "what it does": [model.says(row) for row in rows],
                "products": [model.count(row) for row in rows],
            },
            "moved": {
                "rank": [one.rank for one in self.effects.model.items],
                "model rank": [one.model_rank for one in self.effects.model.items],
                "item": [one.item for one in self.effects.model.items],
                "title": [one.title for one in self.effects.model.items],
                "by": [self.effects.model.said(row) for row in range(len(self.effects.model.items))],
            },
        }


def _row(*widgets: QWidget | None) -> QHBoxLayout:
    """A row of controls; None is a gap that grows."""
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        if widget is None:
            row.addStretch(1)
        else:
            row.addWidget(widget)
    return row
