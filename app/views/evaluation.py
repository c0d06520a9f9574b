"""What a run is worth beside simple rankers and without its parts: measured on request, shown as a table."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.questions import Questions
from app.read_only import enable
from app.session import Session
from app.tables import NO_INDEX, AnyIndex
from app.theme import set_role
from app.views.rules_chip import WithoutRules
from app.views.shown import number, part_name, signed
from app.views.working import Working
from engine.run_card import RunCard

_FIGURES = ("recall", "mrr", "map")  # with one target a list, precision and hit rate say no more


class FiguresModel(QAbstractTableModel):
    """A table of texts: the first column to the left, the others to the right."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.heads: list[str] = []
        self.rows: list[list[str]] = []

    def put(self, heads: list[str], rows: list[list[str]]) -> None:
        self.beginResetModel()
        self.heads, self.rows = heads, rows
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.heads[section]
        return self._side(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.rows[index.row()][index.column()]
        return self._side(index.column()) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _side(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter


class EvaluationView(QWidget):
    """Measures the chosen run on a lane that takes its time; the figures stay in the run's folder."""

    evaluated = Signal(str)  # run folder

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.questions = Questions(session.study, "train-evaluate", self)
        self._folder = ""
        self.baselines = QCheckBox(self.tr("With baselines"))
        self.baselines.setToolTip(self.tr("Popularity, neighbours, matrix factorisation and more on the same targets"))
        self.baselines.setChecked(True)
        self.knock_out = QCheckBox(self.tr("Without each part"))
        self.knock_out.setToolTip(
            self.tr("What the run is worth without words, photos, identity ...: not trained again")
        )
        self.start = QPushButton(self.tr("Evaluate"))
        self.start.setToolTip(
            self.tr("Rank the whole catalogue for every test event, without business rules; intervals over shoppers")
        )
        self.start.clicked.connect(self.evaluate)
        self.working = Working(self.questions)
        self.fault = QLabel()
        set_role(self.fault, "error")
        self.fault.setWordWrap(True)
        self.fault.hide()
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.model = FiguresModel(self)
        self.view = QTableView()
        set_role(self.view, "plain")
        self.view.setModel(self.model)
        self.view.setAccessibleName(self.tr("Evaluation"))
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setShowGrid(False)
        self.view.setTabKeyNavigation(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(26)
        self.view.horizontalHeader().setHighlightSections(False)
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._empty = QLabel()
        set_role(self._empty, "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._lay_out()
        self.questions.failed.connect(self._failed)
        self.questions.changed.connect(self._offer)
        self.show_card("", None)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(12)
        for widget in (self.start, self.baselines, self.knock_out):
            top.addWidget(widget)
        top.addStretch(1)
        gives = self.working.sizePolicy()
        gives.setRetainSizeWhenHidden(False)  # on a line of its own
        self.working.setSizePolicy(gives)
        below = QWidget()
        self._stack = QStackedLayout(below)
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.working)
        column.addWidget(self.fault)
        column.addWidget(self.said)
        column.addWidget(WithoutRules(self._session))
        column.addWidget(below, 1)

    def show_card(self, folder: str, card: RunCard | None) -> None:
        """The run that is chosen, and what was measured of it."""
        if folder != self._folder:
            self.questions.drop_all()
            self.fault.hide()
        self._folder = folder
        found = card.evaluations.get("test") if card is not None else None
        if found is None:
            nothing = self.tr("Choose a run to evaluate it.")
            self._empty.setText(self.tr("This run has not been evaluated yet.") if folder else nothing)
            self.said.setText("")
        else:
            self.model.put(*self._table(found))
            self.said.setText(str(found.get("verdict", "")))
        self.said.setVisible(bool(self.said.text()))
        self._stack.setCurrentIndex(1 if found is None else 0)
        self._offer()

    def _table(self, found: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
        k = found["k"]
        heads = [self.tr("Ranker"), f"NDCG@{k}", self.tr("95 % interval")]
        heads += [self.tr("Lead of this run"), "p", f"Recall@{k}", "MRR", "MAP"]
        rows = []
        others = [*([found["against"]] if "against" in found else []), *found.get("baselines", [])]
        for one in ({**found["model"], "name": self.tr("this run")}, *others):
            ndcg, lead = one["metrics"]["ndcg"], one.get("model_less_this")
            row = [str(one["name"]), number(ndcg["mean"], 4), _interval(ndcg)]
            rows.append([*row, *_change(lead), *(number(one["metrics"][name]["mean"], 4) for name in _FIGURES)])
        for one in found.get("knock_out", []):
            name = self.tr("without {0}").format(part_name(str(one["without"])))
            blank = [""] * len(_FIGURES)
            change = {**one["change"], "difference": -one["change"]["difference"]}
            rows.append([name, number(one["ndcg"]["mean"], 4), _interval(one["ndcg"]), *_change(change), *blank])
        return heads, rows

    def evaluate(self) -> None:
        """Measure the run; Stop keeps what was measured before."""
        if not self._folder or self.questions.busy:
            return
        self.fault.hide()
        folder = self._folder
        self.questions.ask(
            "evaluate",
            lambda _: self.evaluated.emit(folder),
            run=folder,
            baselines=None if self.baselines.isChecked() else [],
            knock_out=self.knock_out.isChecked(),
        )

    def _failed(self, message: str, hint: str) -> None:
        self.fault.setText(f"{message} {hint}".strip())
        self.fault.show()

    def _offer(self) -> None:
        for widget in (self.start, self.baselines, self.knock_out):
            enable(widget, bool(self._folder) and not self.questions.busy, self._folder)


def _interval(figure: dict[str, float]) -> str:
    return f"{number(figure['low'], 4)} – {number(figure['high'], 4)}"


def _change(change: dict[str, float] | None) -> list[str]:
    return ["", ""] if change is None else [signed(change["difference"], 4), number(change["p"], 3)]
