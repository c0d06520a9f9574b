"""Asks what a finished run shall go on with: a dataset that has grown, a name for the new run, a few settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.i18n import joined
from app.questions import Questions
from app.read_only import enable
from app.session import Session
from app.theme import set_role
from app.views.setting_fields import Field
from app.views.setting_names import setting_name
from app.views.shown import number
from app.workspace import Workspace
from engine.desk import RunLog
from engine.training.config import Config

MORE = ("learning_rate", "batch", "negatives", "weight_decay", "seed", "device", "threads")
_FOLDER = "folder"  # in the chooser of data: one that must be imported first


class UpdateDialog(QDialog):
    """`asked` brings the dataset folder or the folder to import first, whether it is that, the folder of the new run,
    the settings that differ from the old run's, and the replay."""

    asked = Signal(str, bool, str, object, float)

    def __init__(
        self, session: Session, workspace: Workspace, run: str, taken: set[str], epochs: int, parent: QWidget
    ) -> None:
        """run: the folder of the finished run. taken: names that runs on their way have. epochs: of an update where
        nothing else is said."""
        super().__init__(parent)
        self._workspace, self._run, self._taken = workspace, Path(run), taken
        self._epochs = epochs
        self._log: RunLog | None = None  # how the old run was set up, once it is known
        self._questions = Questions(session.engine, "train-update", self)
        self._questions.failed.connect(self._failed)
        self.setWindowTitle(self.tr("Update {0} with new events").format(self._run.name))
        self.data = QComboBox()
        self.browse = QPushButton(self.tr("Folder…"))
        self.counts = QLabel()
        self.name = QLineEdit(self._free_name())
        self.replay = QDoubleSpinBox()
        settings = {one.name: one for one in fields(Config)}
        self.fields = {
            name: Field(name, settings[name].default, dict(settings[name].metadata)) for name in ("epochs", *MORE)
        }
        self.fields["epochs"].put(epochs)
        self.more = QToolButton()
        self.fault = QLabel()
        self.start = QPushButton(self.tr("Update"))
        self.cancel = QPushButton(self.tr("Cancel"))
        self._lay_out()
        self._fill()
        self._questions.ask("history", self._known, run=run)

    def _lay_out(self) -> None:
        about = QLabel(
            self.tr(
                "Trains on from this run, on its shop with more events, and repeats some of the old ones so that they"
                " are not forgotten. The run itself stays as it is; what was forgotten is measured and told."
            )
        )
        about.setWordWrap(True)
        set_role(about, "muted")
        set_role(self.counts, "small")
        self.counts.setWordWrap(True)
        set_role(self.fault, "error")
        self.fault.setWordWrap(True)
        self.data.setAccessibleName(self.tr("Data with the newer events"))
        self.browse.setToolTip(self.tr("Import a folder of newer data first: the whole shop, not the new events alone"))
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(lambda _=False: self.ask_folder())
        self.name.setAccessibleName(self.tr("Name of the new run"))
        self.replay.setRange(0.0, 100.0)
        self.replay.setDecimals(1)
        self.replay.setSingleStep(0.5)
        self.replay.setValue(1.0)
        self.replay.setAccessibleName(self.tr("Replay"))
        self.replay.setToolTip(self.tr("Old histories repeated for each new one; 0 forgets most, more takes longer"))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.data, 1)
        row.addWidget(self.browse)
        form = self._form()
        form.addRow(_label(self.tr("Data")), row)
        form.addRow(_label(""), self.counts)
        form.addRow(_label(self.tr("New run")), self.name)
        form.addRow(_label(setting_name("epochs")), self.fields["epochs"].control)
        form.addRow(_label(self.tr("Replay")), self.replay)
        self.rest = QWidget()
        rest = self._form()
        self.rest.setLayout(rest)
        for name in MORE:
            rest.addRow(_label(setting_name(name)), self.fields[name].control)
        self.rest.hide()
        self.more.setText(self.tr("More settings"))
        self.more.setCheckable(True)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.toggled.connect(self._show_more)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addStretch(1)
        foot.addWidget(self.cancel)
        foot.addWidget(self.start)
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.reject)
        set_role(self.start, "primary")
        self.start.setDefault(True)
        self.start.clicked.connect(lambda _=False: self._start())
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(12)
        column.addWidget(about)
        column.addLayout(form)
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.rest)
        column.addWidget(self.fault)
        column.addStretch(1)
        column.addLayout(foot)
        self.setMinimumWidth(520)

    @staticmethod
    def _form() -> QFormLayout:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        return form

    def _show_more(self, on: bool) -> None:
        self.more.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self.rest.setVisible(on)
        self._fit()

    def _fit(self) -> None:
        """As high as what is shown needs."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.resize(self.width(), layout.totalHeightForWidth(self.width()))

    def _free_name(self) -> str:
        number, runs = 1, self._workspace.folder / "runs"
        known = self._taken | {run.name for run in self._workspace.runs}
        while (name := f"{self._run.name}-update-{number}") in known or (runs / name).exists():
            number += 1
        return name

    def _fill(self) -> None:
        for one in self._workspace.datasets:
            name = self.tr("{0} (synthetic)").format(one.name) if one.synthetic else one.name
            self.data.addItem(f"{name} · {Path(one.folder).name}", one.folder)
        self.data.currentIndexChanged.connect(lambda _: self.check())
        self.name.textChanged.connect(lambda _: self.check())
        self.check()

    def _known(self, log: RunLog) -> None:
        """Offer the old run's settings, and data that is not its own first."""
        self._log = log
        for name in MORE:
            if name in log.settings:
                self.fields[name].put(log.settings[name])
        own = Path(log.dataset).resolve()
        folders = [Path(self.data.itemData(place)) for place in range(self.data.count())]
        others = [place for place, one in enumerate(folders) if one.resolve() != own]
        if others:
            counts = {Path(one.folder): one.counts.get("events", 0) for one in self._workspace.datasets}
            self.data.setCurrentIndex(max(others, key=lambda place: counts.get(folders[place], 0)))
        self.check()

    def ask_folder(self) -> None:
        """Choose a folder of data that is imported first."""
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Newer data of the shop"), str(Path.home()))
        if chosen:
            self.take_folder(Path(chosen))

    def take_folder(self, folder: Path) -> None:
        self.data.addItem(self.tr("{0}, imported first").format(folder.name), str(folder))
        self.data.setItemData(self.data.count() - 1, _FOLDER, Qt.ItemDataRole.UserRole + 1)
        self.data.setCurrentIndex(self.data.count() - 1)
        self.data.setToolTip(str(folder))

    @property
    def importing(self) -> bool:
        """Whether the chosen data must be imported first."""
        return self.data.currentData(Qt.ItemDataRole.UserRole + 1) == _FOLDER

    def check(self) -> None:
        """Tell what the chosen data holds, and what is wrong."""
        chosen = next((one for one in self._workspace.datasets if one.folder == self.data.currentData()), None)
        words: list[tuple[str, Callable[[str], str]]] = [
            ("events", self.tr("{0} events").format),
            ("items", self.tr("{0} products").format),
            ("users", self.tr("{0} shoppers").format),
        ]
        held = [say(number(chosen.counts[key], 0)) for key, say in words if chosen and key in chosen.counts]
        said = self.tr("The whole shop with its old products; told as MovieLens, Amazon or by a shop.toml")
        self.counts.setText(said if self.importing else joined(held))
        fault = self._fault()
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))
        self._fit()
        enable(self.start, not fault and self._log is not None, self._workspace.folder)

    def _fault(self) -> str:
        name = self.name.text().strip()
        if not self.data.currentData():
            return self.tr("This workspace has no data with newer events: import some first.")
        own = (
            self._log is not None and Path(str(self.data.currentData())).resolve() == Path(self._log.dataset).resolve()
        )
        if own and not self.importing:
            return self.tr("This is the data that the run was trained on. Choose the shop with newer events.")
        if not name or name in (".", "..") or any(one in name for one in '/\\:*?"<>|'):
            return self.tr("Give the new run a name that a folder can have.")
        known = self._taken | {run.name for run in self._workspace.runs}
        if name in known or (self._workspace.folder / "runs" / name).exists():
            return self.tr("There is a run of that name already.")
        return ""

    def _failed(self, message: str, hint: str) -> None:
        self.fault.setText(f"{message} {hint}".strip())
        self.fault.show()

    def settings(self) -> dict[str, Any]:
        """The settings that differ from those the old run would go on with."""
        before = {
            "epochs": self._epochs,
            **({name: self._log.settings.get(name) for name in MORE} if self._log else {}),
        }
        given = {name: field.value() for name, field in self.fields.items()}
        return {name: value for name, value in given.items() if value != before[name]}

    def _start(self) -> None:
        if self.start.isEnabled():
            folder = self._workspace.folder / "runs" / self.name.text().strip()
            self.asked.emit(
                str(self.data.currentData()), self.importing, str(folder), self.settings(), self.replay.value()
            )
            self.accept()


def _label(text: str) -> QLabel:
    label = QLabel(text)
    label.setMinimumWidth(110)
    return label
