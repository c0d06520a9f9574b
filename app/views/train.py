"""Train: choose data and settings, watch the curves, pause, cancel, resume, open what came out."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.batch import Batch, Task
from app.chrome import task_facts
from app.session import Session
from app.theme import ThemeSource, icon, set_role
from app.views.curves import Curves
from app.views.panel import Heading
from app.views.run_table import RunTable
from app.views.train_form import TrainForm
from app.views.view import View
from app.workspace import Workspace
from engine.desk import RunLog
from engine.jobs import Progress

FRAME = 100  # milliseconds between two drawings of the live curve


class TrainView(View):
    """Follows the batch's training task; asks the window to start, go on and open."""

    open_asked = Signal(str)  # run folder
    train_asked = Signal(str, str, object, bool)  # dataset folder, run folder, settings or None, resume

    def __init__(
        self,
        session: Session,
        workspace: Workspace,
        batch: Batch,
        themes: ThemeSource,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._workspace = workspace
        self._batch = batch
        self._themes = themes
        self._shown = ""  # folder of the run whose curves are shown
        self._resuming = ""  # folder of the run that goes on as soon as its log is here
        self.form = TrainForm(workspace)
        self.curves = Curves(themes)
        self.table = RunTable(workspace, batch, session, themes)
        self._title = QLabel()
        set_role(self._title, "strong")
        self._facts = Heading("muted")
        self.pause = QPushButton()
        self.cancel = QPushButton()
        self._lay_out()
        self.form.start_asked.connect(self._start)
        self.pause.clicked.connect(self._pause_or_resume)
        self.cancel.clicked.connect(self._cancel)
        self.table.open_asked.connect(self.open_asked)
        self.table.resume_asked.connect(self._resume)
        self.table.chosen.connect(self._show_log)
        session.log_read.connect(self._log_read)
        batch.changed.connect(self._refresh)
        batch.advanced.connect(self._advanced)
        themes.changed.connect(lambda _: self._refresh())
        self._frame = QTimer(self, singleShot=True, interval=FRAME)
        self._frame.timeout.connect(self.curves.draw_steps)
        self._refresh()
        task = self.task
        first = task.folder if task is not None else self.table.current.folder if self.table.current is not None else ""
        if first:
            session.ask_log(first)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._title)
        head.addWidget(self._facts, 1)
        head.addWidget(self.pause)
        head.addWidget(self.cancel)
        live = self._panel()
        column = QVBoxLayout(live)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(10)
        column.addLayout(head)
        column.addWidget(self.curves, 1)
        runs = self._panel()
        below = QVBoxLayout(runs)
        below.setContentsMargins(16, 12, 16, 12)
        below.setSpacing(8)
        name = QLabel(self.tr("Runs of this workspace"))
        set_role(name, "heading")
        below.addWidget(name)
        below.addWidget(self.table, 1)
        right = QVBoxLayout()
        right.setSpacing(12)
        right.addWidget(live, 3)
        right.addWidget(runs, 2)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(14, 14, 14, 14)
        whole.setSpacing(12)
        whole.addWidget(self.form)
        whole.addLayout(right, 1)

    def _panel(self) -> QFrame:
        panel = QFrame()
        set_role(panel, "panel")
        return panel

    def choose_dataset(self, folder: str) -> None:
        self.form.choose_dataset(folder)

    @property
    def task(self) -> Task | None:
        """The training that is under way or waiting, if there is one."""
        return next((task for task in self._batch.tasks.values() if task.kind == "train"), None)

    def _start(self, dataset: str, settings: dict[str, Any]) -> None:
        name = self._workspace.new_run_name(str(settings["fusion"]))
        self.train_asked.emit(dataset, str(self._workspace.folder / "runs" / name), settings, False)

    def _resume(self, folder: str) -> None:
        self._resuming = folder
        self._session.ask_log(folder)

    def _show_log(self, folder: str) -> None:
        if self.task is None:
            self._session.ask_log(folder)

    def _log_read(self, log: RunLog) -> None:
        if log.run == self._resuming:
            self._resuming = ""
            self.train_asked.emit(log.dataset, log.run, None, True)
        if self.task is None or self.task.folder == log.run:
            self._shown = log.run
            self.curves.show_rows(log.rows)
            self._refresh()

    def _pause_or_resume(self) -> None:
        task = self.task
        if task is not None and task.state == "paused":
            self._batch.resume(task.job)
        elif task is not None:
            self._batch.pause(task.job)

    def _cancel(self) -> None:
        if self.task is not None:
            self._batch.cancel(self.task.job)

    def _advanced(self, task: Task, progress: Progress) -> None:
        if task.kind != "train" or "epoch" not in progress.data:
            return
        self._follow(task)
        if "ndcg@10" in progress.data:
            self.curves.epoch(progress.data)
        elif progress.total:
            self.curves.step(progress.data["epoch"], progress.done / progress.total, progress.data["loss"])
            if not self._frame.isActive():
                self._frame.start()

    def _follow(self, task: Task) -> None:
        """Show the running task's curves; of one that goes on, its earlier epochs too."""
        if self._shown != task.folder:
            self._shown = task.folder
            self.curves.show_rows([])
            if task.arguments.get("resume"):
                self._session.ask_log(task.folder)

    def _refresh(self) -> None:
        task = self.task
        theme = self._themes.theme
        running = task is not None and task.state in ("running", "paused")
        for button in (self.pause, self.cancel):
            button.setVisible(task is not None)
        self.pause.setEnabled(running)
        self.cancel.setEnabled(task is not None and task.state != "stopping")
        held = task is not None and task.state == "paused"
        self.pause.setText(self.tr("Resume") if held else self.tr("Pause"))
        self.pause.setIcon(icon("play" if held else "pause", theme.text, 14))
        self.pause.setToolTip(self.tr("Hold the training after this step, or let it go on"))
        self.cancel.setText(self.tr("Stop"))
        self.cancel.setIcon(icon("stop", theme.text, 14))
        self.cancel.setToolTip(self.tr("End it now; it can go on later from its last finished epoch"))
        if task is not None:
            self._title.setText(task.title)
            self._facts.say(task_facts(task))
            return
        shown = self._workspace.run(self._shown) if self._shown else None
        self._title.setText(shown.name if shown is not None else self.tr("Nothing is training"))
        count = len(self.curves.rows)
        self._facts.say(
            self.tr("%n epoch(s)", "", count) if shown is not None else self.tr("Choose data and press Start.")
        )
