"""Audit: left the audits of the workspace, in the middle the checks of the chosen one, right one check in full."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.actions import Action
from app.audit.begin import BeginAudit
from app.audit.checks import ChecksModel, checks_table
from app.audit.detail import DetailView
from app.audit.words import counted, language, when
from app.batch import Batch, Task
from app.i18n import joined
from app.questions import Questions
from app.read_only import enable
from app.session import Session
from app.theme import ThemeSource, set_role
from app.views.panel import Empty, Panel, follow
from app.views.rules_chip import WithoutRules
from app.views.view import Numbers, View
from app.views.working import Working
from app.workspace import Workspace
from engine.audit.bundle import open_bundle
from engine.audit.difference import Difference, difference_text
from engine.audit.figures import rows_of
from engine.audit.listing import AuditEntry
from engine.audit.opened import OpenedBundle
from engine.audit.summary import verified_text
from engine.errors import HeedmapError
from engine.given_path import BUNDLE

_FAULTS = 8  # of a bundle that does not hold, named


class AuditView(View):
    """A bundle is verified each time it is opened, so what is shown is what was signed, or says that it is not."""

    explore_asked = Signal(str, str)  # shopper, product

    def __init__(
        self, session: Session, workspace: Workspace, batch: Batch, themes: ThemeSource, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._workspace, self._batch = session, workspace, batch
        self._questions = Questions(session.study, "audit", self)
        self.entries: tuple[AuditEntry, ...] = ()
        self.bundle: OpenedBundle | None = None
        self._elsewhere: list[str] = []  # bundles opened from outside the workspace
        self._wanted = ""  # the bundle that is shown or on its way
        self._check = ""
        self.list = QListWidget()
        self.model = ChecksModel(themes, self)
        self.table = checks_table(self.model)
        self.detail = DetailView(themes)
        self._lay_out(themes)
        self._connect(themes)
        self._say()

    # --- how it is built --------------------------------------------------------------------------------------------

    def _lay_out(self, themes: ThemeSource) -> None:
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(12)
        self.splitter.setChildrenCollapsible(False)
        for place, widget in enumerate((self._left(themes), self._middle(themes), self.detail)):
            widget.setMinimumWidth(200)
            self.splitter.addWidget(widget)
            self.splitter.setStretchFactor(place, (0, 3, 2)[place])
        self.splitter.setSizes([230, 560, 410])
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 14, 14, 14)
        column.addWidget(self.splitter)

    def _left(self, themes: ThemeSource) -> QWidget:
        panel = Panel(themes)
        panel.heading.say(self.tr("Audits"))
        set_role(self.list, "plain")
        self.list.setAccessibleName(self.tr("Audits of this workspace"))
        self.none = Empty()
        self.none.setText(
            self.tr("No audit yet. An audit measures a run: is it fair, stable and private, are its heatmaps true?")
        )
        self.start = QPushButton(self.tr("Audit a run…"))
        set_role(self.start, "primary")
        self.start.setToolTip(self.tr("Measure a run by a plan; the result is a signed bundle (Ctrl+N)"))
        self.open = QPushButton(self.tr("Open a bundle…"))
        self.open.setToolTip(self.tr("A bundle from elsewhere, a folder or a file"))
        menu = QMenu(self)
        menu.addAction(self.tr("A file…")).triggered.connect(self._ask_zip)
        menu.addAction(self.tr("A folder…")).triggered.connect(self._ask_folder)
        self.open.setMenu(menu)
        panel.body.addWidget(self.list, 1)
        panel.body.addWidget(self.none, 1)
        panel.body.addWidget(self.start)
        panel.body.addWidget(self.open)
        return panel

    def _middle(self, themes: ThemeSource) -> QWidget:
        self.panel = panel = Panel(themes)
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.fault = QLabel()
        set_role(self.fault, "error")
        self.fault.setWordWrap(True)
        self.fault.setTextFormat(Qt.TextFormat.PlainText)
        self.fault.hide()
        self.working = Working(self._questions)
        self.empty = Empty()
        self.go_on = self._button(self.tr("Go on"), self.tr("Measure what is missing of this audit"))
        self.report = self._button(self.tr("Report"), self.tr("Open the report in your browser or reader"))
        self.reports = QMenu(self)
        self.report.setMenu(self.reports)
        self.verify = self._button(
            self.tr("Verify…"), self.tr("Hash every file again, and compare the signer with a key that you know")
        )
        self.again = self._button(
            self.tr("Measure again…"), self.tr("Measure a share of the checks again, on the run that is open")
        )
        self.compare = self._button(self.tr("Compare…"), self.tr("What became better or worse since another audit"))
        self.zip = self._button(self.tr("One file…"), self.tr("The whole bundle as one file"))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.go_on, self.report, self.verify, self.again, self.compare, self.zip):
            buttons.addWidget(button)
        buttons.addStretch(1)
        panel.body.addWidget(self.said)
        panel.body.addWidget(WithoutRules(self._session))
        panel.body.addWidget(self.fault)
        panel.body.addWidget(self.table, 1)
        panel.body.addWidget(self.empty, 1)
        panel.body.addWidget(self.working)
        panel.body.addLayout(buttons)
        return panel

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        return button

    def _connect(self, themes: ThemeSource) -> None:
        self.start.clicked.connect(self.ask_begin)
        self.go_on.clicked.connect(self.resume)
        self.verify.clicked.connect(self.ask_signer)
        self.again.clicked.connect(self.ask_again)
        self.compare.clicked.connect(self.ask_compare)
        self.zip.clicked.connect(self.ask_zip_file)
        self.list.currentRowChanged.connect(self._picked)
        self.table.selectionModel().currentRowChanged.connect(self._row_changed)
        self.table.activated.connect(self._row_changed)
        self.detail.opened.connect(self.explore_asked)
        self._questions.failed.connect(self._failed)
        self._questions.changed.connect(self._say)
        self._workspace.changed.connect(self._listed)
        self._batch.changed.connect(self._say)
        self._batch.done.connect(self._ended)
        self._batch.cancelled.connect(self._ended)
        follow(themes, self.table)

    # --- the list ---------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        self._questions.ask("list_audits", self._fill, workspace=str(self._workspace.folder))

    def _listed(self, _: object) -> None:
        if self.isVisible():
            self.refresh()

    def _ended(self, task: Task, _: object = None) -> None:
        if task.kind == "audit":
            if self._wanted in ("", task.folder):
                self._wanted = ""
                self._check = ""
                self.show_bundle(task.folder)
            self.refresh()

    def _fill(self, entries: tuple[AuditEntry, ...]) -> None:
        self.entries = entries
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for entry in entries:
            state = when(entry.made) if entry.made else self.tr("unfinished, {0} checks done").format(entry.done)
            self._row(joined([entry.name, entry.run]), joined([state, counted(entry.counts)]), entry.folder)
        for path in self._elsewhere:
            self._row(Path(path).name, self.tr("from elsewhere"), path)
        paths = [self.list.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.list.count())]
        self.list.setCurrentRow(paths.index(self._wanted) if self._wanted in paths else -1)
        self.list.blockSignals(blocked)
        if not self._wanted and paths:
            self.list.setCurrentRow(0)
        self._say()

    def _row(self, first: str, second: str, path: str) -> None:
        item = QListWidgetItem(f"{first}\n{second}", self.list)
        item.setData(Qt.ItemDataRole.UserRole, path)
        item.setToolTip(path)
        item.setSizeHint(QSize(0, 46))

    def _picked(self, row: int) -> None:
        if row >= 0:
            self.show_bundle(str(self.list.item(row).data(Qt.ItemDataRole.UserRole)))

    @property
    def entry(self) -> AuditEntry | None:
        return next((one for one in self.entries if one.folder == self._wanted), None)

    # --- one bundle -------------------------------------------------------------------------------------------------

    def show_bundle(self, path: str, signer: str = "") -> None:
        """Verify a bundle and show it; an unfinished audit says what it lacks."""
        self._wanted = path
        self.fault.hide()
        known = next((one for one in self.entries if one.folder == path), None)
        if known is not None and not known.made:
            self._take(None)
        else:
            self._questions.ask("bundle", self._take, path=path, signer=signer)
        self._say()

    def _take(self, bundle: OpenedBundle | None) -> None:
        self.bundle = bundle
        self.model.put(bundle.results if bundle is not None else ())
        self.reports.clear()
        for name in bundle.reports if bundle is not None else ():
            self.reports.addAction(name).triggered.connect(partial(self.open_report, name))
        row = self.model.row_of(self._check)
        if self.model.results:
            self.table.setCurrentIndex(self.model.index(max(row, 0), 0))
        else:
            self.detail.show_result(None)
        self._say()

    def _row_changed(self, index: Any, *_: object) -> None:
        if index.isValid():
            result = self.model.results[index.row()]
            self._check = result.check
            self.detail.show_result(result)

    def _say(self) -> None:
        bundle, entry = self.bundle, self.entry
        busy = any(task.kind == "audit" and task.folder == self._wanted for task in self._batch.tasks.values())
        some = bool(self.entries or self._elsewhere)
        self.list.setVisible(some)
        self.none.setVisible(not some)
        enable(self.start, bool(self._workspace.openable), self._workspace.folder)
        self.table.setVisible(bundle is not None)
        self.empty.setVisible(bundle is None)
        self.go_on.setVisible(entry is not None and not entry.made and not busy)
        for button in (self.report, self.verify, self.again, self.compare, self.zip):
            button.setVisible(bundle is not None)
        self.zip.setEnabled(bundle is not None and Path(bundle.path).is_dir())
        self.report.setEnabled(bundle is not None and bool(bundle.reports))
        self.again.setEnabled(self._session.run is not None)
        if bundle is None:
            self.panel.heading.say(entry.name if entry is not None else self.tr("Checks"))
            self.said.hide()
            if busy:
                self.empty.setText(self.tr("This audit is being measured. Its checks appear here when it is done."))
            elif entry is not None and not entry.made:
                text = self.tr("This audit was interrupted after {0} checks. Go on, and only the rest is measured.")
                self.empty.setText(text.format(entry.done))
            else:
                self.empty.setText(self.tr("Choose an audit, or start one."))
            return
        self.panel.heading.say(joined([bundle.title, Path(bundle.path).name, bundle.run, bundle.dataset]))
        counts = dict.fromkeys(("fail", "unsure", "pass", "told", "not run"), 0)
        for result in bundle.results:
            counts[result.verdict] += 1
        lines = [counted(counts)]  # type: ignore[arg-type]  # the same keys
        if bundle.verified.good:
            held = self.tr("All {0} files are as they were signed on {1}. Key: {2}")
            lines.append(held.format(bundle.verified.files, when(bundle.verified.made), bundle.verified.signer))
        self.said.setText("\n".join(lines))
        self.said.show()
        if not bundle.verified.good:
            self._tell(
                self.tr("This bundle is not as it was signed."), verified_text(bundle.verified, _FAULTS, language())
            )

    def _tell(self, message: str, hint: str) -> None:
        self.fault.setText(f"{message}\n{hint}" if hint else message)
        self.fault.show()

    def _failed(self, message: str, hint: str) -> None:
        self._tell(message, hint)
        self._say()

    # --- what can be done -------------------------------------------------------------------------------------------

    def ask_begin(self) -> None:
        run = self._session.run.folder if self._session.run is not None else ""
        form = BeginAudit(self._workspace.openable, run, self._workspace.folder, self)
        if form.exec():
            self.begin(**form.arguments)
        form.deleteLater()

    def begin(self, **arguments: Any) -> None:
        """Queue an audit on the lane of long work."""
        folder = str(arguments["out"])
        self._batch.submit("audit", self.tr("Audit {0}").format(Path(folder).name), folder, **arguments)
        self._wanted, self.bundle = folder, None
        self._take(None)

    def resume(self) -> None:
        entry = self.entry
        run = next((one for one in self._workspace.runs if entry is not None and one.name == entry.run), None)
        if entry is None or run is None:
            self._tell(self.tr("The run of this audit is not in this workspace."), "")
            return
        plan = Path(entry.folder) / "plan.json"
        self.begin(run=run.folder, out=entry.folder, plan=str(plan))

    def _ask_zip(self) -> None:
        file, _ = QFileDialog.getOpenFileName(
            self, self.tr("Open a bundle"), "", self.tr("Bundles (*.heedaudit *.zip)")
        )
        if file:
            self.open_elsewhere(file)

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self.tr("Open a bundle"))
        if folder:
            self.open_elsewhere(folder)

    def open_elsewhere(self, path: str) -> None:
        if path not in self._elsewhere and all(path != one.folder for one in self.entries):
            self._elsewhere.append(path)
        self.show_bundle(path)
        self._fill(self.entries)

    def open_report(self, name: str, _: bool = False) -> None:
        """Hand a report to the system; of a zip, a copy in a folder of its own."""
        if self.bundle is None:
            return
        path = Path(self.bundle.path) / name
        if not path.is_file():
            path = Path(tempfile.mkdtemp(prefix="heedmap-report-")) / name
            path.write_bytes(open_bundle(Path(self.bundle.path)).read(name))
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def ask_signer(self) -> None:
        text, ok = QInputDialog.getText(
            self, self.tr("Verify"), self.tr("The key that must have signed, or its fingerprint; empty for any:")
        )
        if ok:
            self.verify_with(text)

    def verify_with(self, key: str) -> None:
        from engine.audit.verify import known_key

        try:
            self.show_bundle(self._wanted, known_key(key) if key.strip() else "")
        except HeedmapError as error:
            self._tell(error.message, error.hint)

    def ask_again(self) -> None:
        share, ok = QInputDialog.getInt(
            self, self.tr("Measure again"), self.tr("Share of the audit's time to spend, in percent:"), 10, 1, 100
        )
        if ok:
            self.measure_again(share / 100)

    def measure_again(self, share: float) -> None:
        from dataclasses import replace
        from random import SystemRandom

        bundle, run = self.bundle, self._session.run
        if bundle is None or run is None:
            return
        seed = SystemRandom().randrange(2**31)

        def take(answer: Any) -> None:
            again, notes = answer
            found = replace(bundle.verified, again=again, notes=notes, seed=seed)
            self._show_text(self.tr("Measured again"), verified_text(found, _FAULTS, language()))

        self._questions.ask("recompute", take, path=bundle.path, run=run.folder, share=share, seed=seed)

    def ask_compare(self) -> None:
        names = {joined([one.name, one.run]): one.folder for one in self.entries if one.made}
        names |= {Path(path).name: path for path in self._elsewhere}
        others = [name for name, path in names.items() if self.bundle is None or path != self.bundle.path]
        if not others:
            self._tell(self.tr("There is no other audit here to compare with."), self.tr("Open one, or start one."))
            return
        name, ok = QInputDialog.getItem(
            self, self.tr("Compare"), self.tr("What became better or worse since:"), others, 0, False
        )
        if ok:
            self.compare_with(names[name])

    def compare_with(self, before: str) -> None:
        if self.bundle is not None:
            self._questions.ask("compare_audits", self._compared, before=before, after=self.bundle.path)

    def _compared(self, found: Difference) -> None:
        self._show_text(self.tr("Since the other audit"), difference_text(found, language()))

    def _show_text(self, title: str, text: str) -> None:
        from app.audit.told import TextDialog

        dialog = TextDialog(title, text, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def ask_zip_file(self) -> None:
        if self.bundle is None:
            return
        wanted = f"{self.bundle.path}{BUNDLE}"
        kinds = self.tr("Bundles (*.heedaudit *.zip)")
        file, _ = QFileDialog.getSaveFileName(self, self.tr("Save as one file"), wanted, kinds)
        if file:
            self.save_zip(Path(file))

    def save_zip(self, file: Path) -> None:
        if self.bundle is not None:
            self._questions.ask("zip_bundle", self._zipped, path=self.bundle.path, out=str(file))

    def _zipped(self, _: object) -> None:
        self.fault.hide()

    # --- what the window asks of a view -----------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return self._questions.busy

    def offers(self) -> list[Action]:
        group = self.tr("Audit")
        return [
            Action("audit.begin", self.tr("Audit a run…"), self.ask_begin, group=group, shortcut="Ctrl+N"),
            Action("audit.open", self.tr("Open a bundle (file)…"), self._ask_zip, group=group),
            Action("audit.open_folder", self.tr("Open a bundle (folder)…"), self._ask_folder, group=group),
            Action("audit.verify", self.tr("Verify the bundle…"), self.ask_signer, group=group),
            Action("audit.compare", self.tr("Compare with another audit…"), self.ask_compare, group=group),
        ]

    def state(self) -> dict[str, Any]:
        return {
            "bundle": self._wanted,
            "check": self._check,
            "elsewhere": list(self._elsewhere),
            "sizes": self.splitter.sizes(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        elsewhere = state.get("elsewhere")
        if isinstance(elsewhere, list):
            self._elsewhere = [str(one) for one in elsewhere if Path(str(one)).exists()]
        if isinstance(state.get("check"), str):
            self._check = state["check"]
        wanted = state.get("bundle")
        if isinstance(wanted, str) and wanted and Path(wanted).exists():
            self.show_bundle(wanted)
        sizes = state.get("sizes")
        if isinstance(sizes, list) and len(sizes) == 3 and all(isinstance(one, int) for one in sizes):
            self.splitter.setSizes(sizes)

    def numbers(self) -> Numbers:
        rows = rows_of(self.bundle.results) if self.bundle is not None else []
        return {"figures": {name: [row[name] for row in rows] for name in rows[0]}} if rows else {}
