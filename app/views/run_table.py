"""The runs of a workspace as a table that sorts: state, epoch, NDCG, and what can be done with each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.batch import TRAININGS, Batch, Task
from app.questions import Questions
from app.session import Session
from app.theme import ThemeSource, set_role
from app.views.run_card import lasting
from app.views.setting_names import choice_name
from app.views.shown import number
from app.workspace import Workspace
from engine.evaluation.runs import RunRow
from engine.workspace import RunEntry

Index = QModelIndex | QPersistentModelIndex
SORTED_BY = Qt.ItemDataRole.UserRole
ROOT = QModelIndex()
INTERVAL = 5  # column
NEEDS = {6: 640, 7: 520}  # column -> width of the table below which the run card alone tells it


class RunModel(QAbstractTableModel):
    """Rows are runs, newest first. A run that says it is running while nothing runs it was interrupted."""

    def __init__(self, themes: ThemeSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.runs: tuple[RunEntry, ...] = ()
        self._busy: dict[Path, str] = {}
        self._open = ""
        self._rows: dict[Path, RunRow] = {}
        self._heads = (
            self.tr("Run"),
            self.tr("Data"),
            self.tr("State"),
            self.tr("Epoch"),
            self.tr("Test NDCG@10"),
            self.tr("95 % interval"),
            self.tr("Fusion"),
            self.tr("Time"),
        )

    def put(self, runs: tuple[RunEntry, ...], busy: dict[Path, str], opened: str) -> None:
        before = [(run, self.state(run), self._open == run.folder) for run in self.runs]
        same = [one.folder for one in runs] == [one.folder for one in self.runs]
        if not same:
            self.beginResetModel()
        self.runs, self._busy, self._open = runs, busy, opened
        if not same:
            self.endResetModel()
            return
        for row, run in enumerate(runs):
            if before[row] != (run, self.state(run), opened == run.folder):
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(self._heads) - 1))

    def tell(self, rows: tuple[RunRow, ...]) -> None:
        """What else is known of runs."""
        known, self._rows = self._rows, {Path(row.folder): row for row in rows}
        if self.runs and self._rows != known:
            self.dataChanged.emit(self.index(0, 5), self.index(len(self.runs) - 1, len(self._heads) - 1))

    def state(self, run: RunEntry) -> str:
        """ "done", "running", "paused", "waiting", "stopping" or "interrupted"."""
        return self._busy.get(Path(run.folder), "done" if run.state == "done" else "interrupted")

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.runs)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._heads[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        run = self.runs[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(run, index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(index.column())
        if role == Qt.ItemDataRole.ForegroundRole:
            theme = self._themes.theme
            if index.column() == 2:
                state = self.state(run)
                return theme.accent if state == "running" else theme.text if state == "done" else theme.muted
            return theme.muted if index.column() == 1 else theme.text
        if role == SORTED_BY:
            return self._order(run, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return run.folder
        return None

    def _order(self, run: RunEntry, column: int) -> str | float:
        """What a column is sorted by; what is missing comes before all else."""
        row = self._rows.get(Path(run.folder))
        if column == 3:
            return float(run.epoch)
        if column == 4:
            return -1.0 if run.metric is None else run.metric
        if column == 5:
            return -1.0 if row is None or row.low is None else row.low
        if column == 7:
            return -1.0 if row is None or row.seconds is None else row.seconds
        return self._text(run, column).casefold()

    def _text(self, run: RunEntry, column: int) -> str:
        if column == 0:
            opened = self._open and Path(self._open) == Path(run.folder)
            return self.tr("{0}  (open)").format(run.name) if opened else run.name
        if column == 2:
            return {
                "done": self.tr("finished"),
                "running": self.tr("training"),
                "paused": self.tr("paused"),
                "waiting": self.tr("waiting"),
                "stopping": self.tr("stopping"),
                "interrupted": self.tr("interrupted"),
            }[self.state(run)]
        figure = "–" if run.metric is None else number(run.metric, 3)
        row = self._rows.get(Path(run.folder))
        interval, fusion, time = "", "", ""
        if row is not None:
            fusion = choice_name(row.fusion)
            interval = "" if row.low is None or row.high is None else f"{number(row.low, 3)} – {number(row.high, 3)}"
            time = "" if row.seconds is None else lasting(row.seconds)
        return (run.name, run.dataset, "", str(run.epoch), figure, interval, fusion, time)[column]

    @property
    def evaluated(self) -> bool:
        """Whether of any run it is known how sure its figure is."""
        found = (self._rows.get(Path(run.folder)) for run in self.runs)
        return any(row is not None and row.low is not None and row.high is not None for row in found)

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if column in (3, 4, 5, 7) else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter


class RunTable(QWidget):
    """The table and, for the chosen run, its buttons."""

    open_asked = Signal(str)
    resume_asked = Signal(str)
    update_asked = Signal(str)
    chosen = Signal(str)
    compared = Signal(object)  # folders of the selected runs, the current one first

    def __init__(
        self, workspace: Workspace, batch: Batch, session: Session, themes: ThemeSource, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._batch = batch
        self._session = session
        self.model = RunModel(themes, self)
        self._questions = Questions(session.engine, "train-runs", self)
        self._found: tuple[tuple[RunEntry, ...], dict[Path, str], str] | None = None  # what the table was filled with
        self.sorted = QSortFilterProxyModel(self)
        self.sorted.setSourceModel(self.model)
        self.sorted.setSortRole(SORTED_BY)
        self.view = QTableView()
        set_role(self.view, "plain")
        self.view.setModel(self.sorted)
        self.view.setSortingEnabled(True)
        self.view.sortByColumn(-1, Qt.SortOrder.AscendingOrder)  # newest first, until a column is clicked
        self.view.setAccessibleName(self.tr("Runs"))
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setShowGrid(False)
        self.view.setTabKeyNavigation(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(30)
        head = self.view.horizontalHeader()
        head.setHighlightSections(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.open = QPushButton(self.tr("Open in Explore"))
        self.open.setToolTip(self.tr("See what this run heeds"))
        self.go_on = QPushButton(self.tr("Resume training"))
        self.go_on.setToolTip(self.tr("Go on from its last finished epoch"))
        self.update_run = QPushButton(self.tr("Update with new events…"))
        self.update_run.setToolTip(self.tr("Train this run on, on its shop with newer events (Ctrl+Shift+U)"))
        self._empty = QLabel(self.tr("No runs yet. The first one appears here as soon as it starts."))
        set_role(self._empty, "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._lay_out()
        self.open.clicked.connect(lambda: self._emit(self.open_asked))
        self.go_on.clicked.connect(lambda: self._emit(self.resume_asked))
        self.update_run.clicked.connect(lambda: self._emit(self.update_asked))
        self.view.doubleClicked.connect(lambda _: self._emit(self.open_asked) if self.open.isEnabled() else None)
        self.view.selectionModel().currentRowChanged.connect(self._moved)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self.compared.emit(self.selected))
        self.model.dataChanged.connect(lambda *_: self._hide_empty())
        workspace.changed.connect(self._read)
        batch.changed.connect(self.refresh)
        session.run_changed.connect(self.refresh)
        if workspace.summary is None:
            self.refresh()
        else:
            self._read()

    def _lay_out(self) -> None:
        table = QWidget()
        column = QVBoxLayout(table)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.view, 1)
        hint = QLabel(self.tr("Select several runs to lay their curves over each other."))
        set_role(hint, "small")
        column.addWidget(hint)
        buttons = QHBoxLayout()  # a row of their own: a narrow window has no room beside them
        buttons.addStretch(1)
        buttons.addWidget(self.update_run)
        buttons.addWidget(self.go_on)
        buttons.addWidget(self.open)
        column.addLayout(buttons)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(table)
        self._stack.addWidget(self._empty)

    @property
    def current(self) -> RunEntry | None:
        return self._run_at(self.view.currentIndex())

    @property
    def selected(self) -> tuple[str, ...]:
        """Folders of the selected runs, the current one first."""
        found = [run for index in self.view.selectionModel().selectedRows() if (run := self._run_at(index)) is not None]
        found.sort(key=lambda run: run != self.current)
        return tuple(run.folder for run in found)

    def _run_at(self, index: QModelIndex) -> RunEntry | None:
        row = self.sorted.mapToSource(index).row()
        return self.model.runs[row] if 0 <= row < len(self.model.runs) else None

    def choose(self, folder: str) -> None:
        for row, run in enumerate(self.model.runs):
            if Path(run.folder) == Path(folder):
                self.view.selectRow(self.sorted.mapFromSource(self.model.index(row, 0)).row())

    def _read(self, *_: object) -> None:
        """The runs of the workspace have changed."""
        self.refresh()
        self._questions.ask("run_rows", lambda rows: self.model.tell(rows or ()), workspace=str(self._workspace.folder))

    def refresh(self, *_: object) -> None:
        kept = self.current
        busy = {Path(task.folder): task.state for task in self._batch.tasks.values() if task.kind in TRAININGS}
        opened = self._session.run.folder if self._session.run is not None else ""
        known = {Path(run.folder) for run in self._workspace.runs}
        coming = tuple(
            RunEntry(Path(task.folder).name, task.folder, self._dataset_name(task), "running", task.epoch, None)
            for task in self._batch.tasks.values()
            if task.kind in TRAININGS and Path(task.folder) not in known
        )
        found = ((*coming, *self._workspace.runs), busy, opened)
        if found == self._found:  # a training tells many times a second how far it is
            return
        self._found = found
        self.model.put(*found)
        self._stack.setCurrentIndex(0 if self.model.runs else 1)
        self._hide_empty()
        one_dataset = len({run.dataset for run in self.model.runs}) < 2
        self.view.setColumnHidden(1, one_dataset)
        head, mode = self.view.horizontalHeader(), QHeaderView.ResizeMode
        head.setSectionResizeMode(0, mode.Stretch if one_dataset else mode.ResizeToContents)
        head.setSectionResizeMode(1, mode.Stretch)
        if self.current is None and self.model.runs:
            self.choose(kept.folder if kept is not None else self.model.runs[0].folder)
        self._offer()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window a run, its data and its figure stay in sight."""
        super().resizeEvent(event)
        for column, width in NEEDS.items():
            self.view.setColumnHidden(column, self.width() < width)

    def _hide_empty(self) -> None:
        """No column for intervals before a run was evaluated: the names of the data need its room."""
        self.view.setColumnHidden(INTERVAL, not self.model.evaluated)

    def _dataset_name(self, task: Task) -> str:
        folder = task.arguments.get("dataset", "")
        return next((one.name for one in self._workspace.datasets if one.folder == folder), "")

    def _moved(self) -> None:
        self._offer()
        if self.current is not None:
            self.chosen.emit(self.current.folder)

    def _offer(self) -> None:
        run = self.current
        state = self.model.state(run) if run is not None else ""
        self.open.setEnabled(run is not None and (state == "done" or run.epoch > 0))
        self.go_on.setEnabled(state == "interrupted")
        self.update_run.setEnabled(state == "done")

    def _emit(self, signal: Any) -> None:
        if self.current is not None:
            signal.emit(self.current.folder)
