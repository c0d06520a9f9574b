"""Train: choose data and settings, watch the curves, pause, cancel, resume, compare and measure what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app.actions import Action
from app.batch import TRAININGS, Batch, Task
from app.chrome import gigabytes, task_facts
from app.i18n import joined
from app.questions import Questions
from app.session import Session
from app.theme import Theme, ThemeSource, icon, set_role
from app.views.curves import MOST_RUNS, Curves
from app.views.evaluation import EvaluationView
from app.views.panel import Heading
from app.views.run_card import RunCardView
from app.views.run_table import RunTable
from app.views.train_form import TrainForm
from app.views.train_queue import TrainQueue
from app.views.view import Numbers, View
from app.workspace import Workspace
from engine.answers import RunSummary
from engine.desk import RunLog
from engine.jobs import Progress
from engine.run_card import RunCard
from engine.runner import Beat

if TYPE_CHECKING:
    from app.views.train_update import UpdateDialog

RUNS, CARD, EVALUATION, QUEUE = range(4)  # tabs
UPDATE_EPOCHS = 3  # of an update, where nothing else is said; as `engine.training.update` has it
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
        self._drawn: tuple[bool, Theme] | None = None  # what the icons of the buttons were drawn for
        self._new = ""  # folder of a run that was updated, until it is listed
        self.form = TrainForm(workspace)
        self.curves = Curves(themes)
        self.table = RunTable(workspace, batch, session, themes)
        self.card = RunCardView()
        self.evaluation = EvaluationView(session)
        self.queue = TrainQueue(batch)
        self._cards = Questions(session.engine, "train-card", self)
        self._after: dict[int, Callable[[str], None]] = {}  # import -> what follows, given the dataset's folder
        self.updating: UpdateDialog | None = None
        self._laid_over: dict[str, list[dict[str, float]]] = {}  # folder of a selected run -> its course
        self._machine = QLabel()
        set_role(self._machine, "muted")
        self.tabs = QTabBar()
        self._pages = QStackedWidget()
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
        self.table.update_asked.connect(self.ask_update)
        self.table.chosen.connect(self._choose_run)
        self.table.compared.connect(self._compare)
        self.card.settings_asked.connect(self._take_settings)
        self.evaluation.evaluated.connect(self._evaluated)
        self.tabs.currentChanged.connect(self._pages.setCurrentIndex)
        batch.beat.connect(self._beat)
        session.log_read.connect(self._log_read)
        session.run_changed.connect(self._run_opened)
        workspace.changed.connect(self._listed)
        batch.changed.connect(self._refresh)
        batch.advanced.connect(self._advanced)
        batch.done.connect(self._done)
        batch.failed.connect(self._ended)
        batch.cancelled.connect(self._ended)
        themes.changed.connect(self._refresh)
        self._frame = QTimer(self, singleShot=True, interval=FRAME)
        self._frame.timeout.connect(self.curves.draw_steps)
        self._refresh()
        self._run_opened(session.run)
        task = self.task
        first = task.folder if task is not None else self.table.current.folder if self.table.current is not None else ""
        if first:
            session.ask_log(first)
            self._read_card(first)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._title)
        head.addWidget(self._facts, 1)
        head.addWidget(self._machine)
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
        below.addWidget(self.tabs)
        below.addWidget(self._pages, 1)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName(self.tr("Runs of this workspace"))
        for name, page in (
            (self.tr("Runs"), self.table),
            (self.tr("Run card"), self.card),
            (self.tr("Evaluation"), self.evaluation),
            (self.tr("Queue"), self.queue),
        ):
            self.tabs.addTab(name)
            self._pages.addWidget(page)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.setHandleWidth(12)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(live)
        self.split.addWidget(runs)
        self.split.setStretchFactor(0, 3)
        self.split.setStretchFactor(1, 2)
        self.split.setSizes([360, 300])
        whole = QHBoxLayout(self)
        whole.setContentsMargins(14, 14, 14, 14)
        whole.setSpacing(12)
        whole.addWidget(self.form)
        whole.addWidget(self.split, 1)

    def _panel(self) -> QFrame:
        panel = QFrame()
        set_role(panel, "panel")
        return panel

    def choose_dataset(self, folder: str) -> None:
        self.form.choose_dataset(folder)

    def _run_opened(self, run: RunSummary | None) -> None:
        """Its data is what one would train on next, until other data is chosen by hand."""
        if run is not None:
            self.form.suggest_dataset(run.dataset.folder)

    @property
    def task(self) -> Task | None:
        """The training that is under way or waiting, if there is one."""
        return next((task for task in self._batch.tasks.values() if task.kind in TRAININGS), None)

    def _start(self, dataset: str, settings: dict[str, Any]) -> None:
        name = self._new_name(str(settings["fusion"]))
        self.train_asked.emit(dataset, str(self._workspace.folder / "runs" / name), settings, False)
        if self._batch.current is not self.task or len(self._batch.tasks) > 1:
            self.tabs.setCurrentIndex(QUEUE)  # it waits for another one

    def _new_name(self, fusion: str) -> str:
        """A free name; a training that waits has no folder yet."""
        taken = {Path(task.folder).name for task in self._batch.tasks.values()}
        name = self._workspace.new_run_name(fusion)
        number = int(name.rpartition("-")[2])
        while name in taken or (self._workspace.folder / "runs" / name).exists():
            number += 1
            name = f"{fusion}-{number:02d}"
        return name

    def _resume(self, folder: str) -> None:
        self._resuming = folder
        self._session.ask_log(folder)

    def ask_update(self, run: str) -> None:
        """Ask what a finished run shall go on with."""
        from app.views.train_update import UpdateDialog

        taken = {Path(task.folder).name for task in self._batch.tasks.values()}
        self.updating = UpdateDialog(self._session, self._workspace, run, taken, UPDATE_EPOCHS, self)
        self.updating.asked.connect(partial(self._update, run))
        self.updating.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.updating.open()

    def _update(self, of: str, data: str, first: bool, run: str, settings: dict[str, Any], replay: float) -> None:
        """Queue an update of the run `of`; first: `data` is a folder that is imported before."""
        if not first:
            self._submit_update(of, run, settings, replay, data)
            return
        out = self._workspace.new_dataset_folder(Path(data).name)
        task = self._batch.submit(
            "import_dataset", self.tr("Importing {0}").format(Path(data).name), str(out),
            kind="auto", sources=[data], out=str(out),
        )  # fmt: skip
        self._after[task.job] = partial(self._submit_update, of, run, settings, replay)
        self.tabs.setCurrentIndex(QUEUE)

    def _submit_update(self, of: str, run: str, settings: dict[str, Any], replay: float, dataset: str) -> None:
        self._batch.submit(
            "update", self.tr("Updating {0}").format(Path(of).name), run,
            epochs=int(settings.get("epochs", UPDATE_EPOCHS)),
            dataset=dataset, run=run, of=of, settings=settings, replay=replay,
        )  # fmt: skip
        if len(self._batch.tasks) > 1:
            self.tabs.setCurrentIndex(QUEUE)

    def _ended(self, task: Task, *_: object) -> None:
        """An import that failed or was stopped is followed by nothing."""
        self._after.pop(task.job, None)
        self._end_curves(task)

    def _end_curves(self, task: Task) -> None:
        if task.kind in TRAININGS and task.folder == self._shown:
            self.curves.plan(0)

    def _done(self, task: Task, answer: object) -> None:
        """Go on after an import; show what an update forgot as soon as its run is listed."""
        self._end_curves(task)
        follow = self._after.pop(task.job, None)
        if follow is not None:
            follow(str(answer))
        if task.kind == "update":
            self._new = str(answer)
            self.tabs.setCurrentIndex(CARD)

    def _listed(self, _: object) -> None:
        if self._new and self._workspace.run(self._new) is not None:
            folder, self._new = self._new, ""
            self.table.choose(folder)
            self._choose_run(folder)

    def _choose_run(self, folder: str) -> None:
        if self.task is None:
            self._session.ask_log(folder)
        self._read_card(folder)

    def _read_card(self, folder: str) -> None:
        def take(card: RunCard | None) -> None:
            self.card.show_card(card)
            self.evaluation.show_card(folder, card)

        self._cards.ask("run_card", take, run=folder)

    def _evaluated(self, folder: str) -> None:
        """Its figures stand in its folder now."""
        self._workspace.refresh()
        if self.table.current is not None and Path(self.table.current.folder) == Path(folder):
            self._read_card(folder)

    def _compare(self, folders: tuple[str, ...]) -> None:
        """Lay the courses of the selected runs over each other."""
        wanted = folders[:MOST_RUNS] if len(folders) > 1 else ()
        self._laid_over = {folder: rows for folder, rows in self._laid_over.items() if folder in wanted}
        for folder in wanted:
            if folder not in self._laid_over:
                self._cards.ask("history", partial(self._lay_over, folder), slot=folder, run=folder)
        self._show_laid_over(wanted)

    def _lay_over(self, folder: str, log: RunLog) -> None:
        self._laid_over[folder] = list(log.rows)
        self._show_laid_over(self.table.selected[:MOST_RUNS])

    def _show_laid_over(self, folders: tuple[str, ...]) -> None:
        self.curves.compare({Path(one).name: self._laid_over[one] for one in folders if one in self._laid_over})
        self._refresh()

    def _take_settings(self, settings: dict[str, Any]) -> None:
        self.form.put(settings)
        self.form.start.setFocus()

    def _beat(self, beat: Beat) -> None:
        self._machine.setText(joined([beat.device, gigabytes(beat.used, beat.total)]))
        self._machine.setToolTip(self.tr("The device that trains, and the memory in use"))

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
        if task.kind in TRAININGS:
            self._follow(task)
        if task.kind == "update" and progress.stage == "Training" and progress.total:
            self._step(task.epoch, progress)
        if task.kind != "train" or "epoch" not in progress.data:
            return
        if "ndcg@10" in progress.data:
            self.curves.epoch(progress.data)
        elif progress.total:
            self._step(progress.data["epoch"], progress)

    def _step(self, epoch: float, progress: Progress) -> None:
        self.curves.step(epoch, progress.done / progress.total, progress.data["loss"])
        if not self._frame.isActive():
            self._frame.start()

    def _follow(self, task: Task) -> None:
        """Show the running task's curves; of one that goes on, its earlier epochs too."""
        if self._shown != task.folder:
            self._shown = task.folder
            self.curves.show_rows([])
            self.table.choose(task.folder)  # what is told of a run below is of the one above
            if task.arguments.get("resume"):
                self._session.ask_log(task.folder)
        self.curves.plan(task.epochs)

    def _refresh(self, *_: object) -> None:
        task = self.task
        theme = self._themes.theme
        running = task is not None and task.state in ("running", "paused")
        for button in (self.pause, self.cancel, self._machine):
            button.setVisible(task is not None)
        waiting = sum(one.state == "waiting" for one in self._batch.tasks.values())
        self.tabs.setTabText(QUEUE, self.tr("Queue ({0})").format(waiting) if waiting else self.tr("Queue"))
        self.pause.setEnabled(running)
        self.cancel.setEnabled(task is not None and task.state != "stopping")
        held = task is not None and task.state == "paused"
        self.pause.setText(self.tr("Resume") if held else self.tr("Pause"))
        if self._drawn != (held, theme):  # a training tells many times a second how far it is
            self._drawn = (held, theme)
            self.pause.setIcon(icon("play" if held else "pause", theme.text, 14))
            self.cancel.setIcon(icon("stop", theme.text, 14))
        self.pause.setToolTip(self.tr("Hold the training after this step, or let it go on"))
        self.cancel.setText(self.tr("Stop"))
        self.cancel.setToolTip(
            self.tr("End it now; an update starts anew next time")
            if task is not None and task.kind == "update"
            else self.tr("End it now; it can go on later from its last finished epoch")
        )
        if task is not None:
            self._title.setText(task.title)
            self._facts.say(task_facts(task, front=task == self._batch.current))
            return
        if self.curves.compared:
            self._title.setText(self.tr("Runs compared"))
            self._facts.say(self.tr("%n run(s)", "", len(self.curves.compared)))
            return
        shown = self._workspace.run(self._shown) if self._shown else None
        self._title.setText(shown.name if shown is not None else self.tr("Nothing is training"))
        count = len(self.curves.rows)
        self._facts.say(
            self.tr("%n epoch(s)", "", count) if shown is not None else self.tr("Choose data and press Start.")
        )

    @property
    def busy(self) -> bool:
        return self._cards.busy or not self._session.idle

    def offers(self) -> list[Action]:
        def page(name: str, text: str, place: int, keys: str) -> Action:
            return Action(
                name, text, lambda: self.tabs.setCurrentIndex(place), keys, "", "page",
                lambda: self.tabs.currentIndex() == place,
            )  # fmt: skip

        def evaluate() -> None:
            self.tabs.setCurrentIndex(EVALUATION)
            self.evaluation.evaluate()

        return [
            Action(
                "train_start", self.tr("Start training"), self.form.start.click, group="train", why_not=self._no_start
            ),
            Action(
                "train_hold", self.tr("Pause or resume the training"), self._pause_or_resume, "Ctrl+.", group="train",
                why_not=self._no_training,
            ),
            Action(
                "train_stop", self.tr("Stop the training"), self._cancel, group="train",
                why_not=lambda: self._no_training() or (
                    "" if self.cancel.isEnabled() else self.tr("It is stopping already.")
                ),
            ),
            Action(
                "train_go_on", self.tr("Resume training"), self.table.go_on.click, group="run",
                why_not=lambda: "" if self.table.go_on.isEnabled() else self.tr(
                    "Choose a run that was interrupted first."
                ),
            ),
            Action(
                "train_update", self.tr("Update with new events…"), self.table.update_run.click, "Ctrl+Shift+U",
                group="run",
                why_not=lambda: "" if self.table.update_run.isEnabled() else self.tr("Choose a finished run first."),
            ),
            Action(
                "train_evaluate", self.tr("Evaluate the run"), evaluate, "Ctrl+Shift+V", group="run",
                why_not=self._no_evaluation,
            ),
            page("train_runs", self.tr("Runs of this workspace"), RUNS, "Alt+1"),
            page("train_card", self.tr("Run card"), CARD, "Alt+2"),
            page("train_evaluation", self.tr("Evaluation"), EVALUATION, "Alt+3"),
            page("train_queue", self.tr("Queue of trainings"), QUEUE, "Alt+4"),
        ]  # fmt: skip

    def _no_start(self) -> str:
        if self.form.start.isEnabled():
            return ""
        if not self._workspace.datasets and self._session.run is None:
            return self.tr("There is no dataset yet: import one.")
        return self.tr("A setting is not right yet; it says how to mend it.")

    def _no_training(self) -> str:
        return "" if self.task is not None else self.tr("Nothing is training.")

    def _no_evaluation(self) -> str:
        if self.evaluation.questions.busy:
            return self.tr("The run is being evaluated.")
        return "" if self.evaluation.start.isEnabled() else self.tr("Choose a finished run first.")

    def state(self) -> dict[str, Any]:
        head = self.table.view.horizontalHeader()
        return {
            "settings": self.form.given(),
            "dataset": Path(self.form.dataset.currentData() or "").name if self.form.by_hand else "",
            "more": self.form.more.isChecked(),
            "tab": self.tabs.currentIndex(),
            "sort": [head.sortIndicatorSection(), head.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder],
            "split": self.split.sizes(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        settings, tab, sort, sizes = (state.get(name) for name in ("settings", "tab", "sort", "split"))
        if isinstance(settings, Mapping):
            self.form.put(settings)
        named = next(
            (one.folder for one in self._workspace.datasets if Path(one.folder).name == state.get("dataset")), ""
        )
        if named:
            self.form.choose_dataset(named)
        self.form.more.setChecked(state.get("more") is True)
        if isinstance(tab, int) and 0 <= tab < self.tabs.count():
            self.tabs.setCurrentIndex(tab)
        if isinstance(sort, list) and len(sort) == 2 and isinstance(sort[0], int):
            order = Qt.SortOrder.AscendingOrder if sort[1] else Qt.SortOrder.DescendingOrder
            self.table.view.sortByColumn(sort[0] if sort[0] < self.table.sorted.columnCount() else -1, order)
        if isinstance(sizes, list) and len(sizes) == 2 and all(isinstance(size, int) for size in sizes):
            self.split.setSizes(sizes)

    def numbers(self) -> Numbers:
        """The course of what is drawn, the runs, and the evaluation as they are shown."""
        found: dict[str, dict[str, list[Any]]] = {}
        courses = self.curves.compared or ({Path(self._shown).name: self.curves.rows} if self.curves.rows else {})
        rows = [(name, row) for name, course in courses.items() for row in course]
        if rows:
            figures = list(dict.fromkeys(figure for _, row in rows for figure in row))
            found["course"] = {
                "run": [name for name, _ in rows],
                **{figure: [row.get(figure) for _, row in rows] for figure in figures},
            }
        for name, model in (("runs", self.table.sorted), ("evaluation", self.evaluation.model)):
            if model.rowCount():
                found[name] = {
                    str(model.headerData(column, Qt.Orientation.Horizontal)): [
                        model.index(row, column).data() for row in range(model.rowCount())
                    ]
                    for column in range(model.columnCount())
                }
        return found
