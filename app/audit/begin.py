"""The form of a new audit: of which run, by which plan, in which languages, under which name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.theme import set_role
from engine.audit.listing import AUDITS
from engine.audit.plan import PRECISION
from engine.workspace import RunEntry


class BeginAudit(QDialog):
    """`arguments` are those of the desk's job once the form was accepted."""

    def __init__(self, runs: tuple[RunEntry, ...], chosen: str, workspace: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Audit a run"))
        self._workspace = workspace
        self.run = QComboBox()
        self.run.setAccessibleName(self.tr("Run"))
        for run in runs:
            self.run.addItem(run.name, run.folder)
        self.run.setCurrentIndex(max(0, self.run.findData(chosen)))
        self.plan = QComboBox()
        self.plan.setAccessibleName(self.tr("Plan"))
        told = {
            "quick": self.tr("Quick: wide intervals, for a first look"),
            "standard": self.tr("Standard: what an audit usually wants"),
            "full": self.tr("Full: narrow intervals, and what re-weighting does; overnight"),
        }
        for name in PRECISION:
            self.plan.addItem(told[name], name)
        self.plan.setCurrentIndex(1)
        self.file = QPushButton(self.tr("From a file…"))
        self.file.setToolTip(self.tr("A TOML file that says which checks, samples, thresholds and groups"))
        self.file.clicked.connect(self.ask_file)
        self.english, self.chinese = QCheckBox("English"), QCheckBox("简体中文")
        for box in (self.english, self.chinese):
            box.setChecked(True)
            box.toggled.connect(self._check)
        self.name = QLineEdit(self._free(date.today().isoformat()))
        self.name.setAccessibleName(self.tr("Name of the audit"))
        self.name.textChanged.connect(self._check)
        self.fault = QLabel()
        set_role(self.fault, "error")
        self.fault.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.start = self.buttons.addButton(self.tr("Start the audit"), QDialogButtonBox.ButtonRole.AcceptRole)
        set_role(self.start, "primary")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()
        self._check()

    def _lay_out(self) -> None:
        by, spoken = QHBoxLayout(), QHBoxLayout()
        by.setSpacing(8)
        spoken.setSpacing(16)
        by.addWidget(self.plan, 1)
        by.addWidget(self.file)
        spoken.addWidget(self.english)
        spoken.addWidget(self.chinese)
        spoken.addStretch(1)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(12)
        form.addRow(self.tr("Run"), self.run)
        form.addRow(self.tr("Plan"), by)
        form.addRow(self.tr("Report in"), spoken)
        form.addRow(self.tr("Name"), self.name)
        told = QLabel(
            self.tr(
                "The audit runs beside your work and can be paused or stopped; what was measured is kept, and it goes"
                " on from there. The bundle is signed with your own key. Measured is the model's own ranking, without"
                " business rules; a standard or full plan also tells how well the segments saved for the dataset are"
                " served."
            )
        )
        told.setWordWrap(True)
        set_role(told, "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(14)
        column.addLayout(form)
        column.addWidget(told)
        column.addWidget(self.fault)
        column.addWidget(self.buttons)
        self.setMinimumWidth(520)

    def ask_file(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a plan"), "", self.tr("Plans (*.toml)"))
        if file:
            self.take_file(Path(file))

    def take_file(self, file: Path) -> None:
        self.plan.addItem(file.name, str(file))
        self.plan.setCurrentIndex(self.plan.count() - 1)

    @property
    def arguments(self) -> dict[str, object]:
        languages = [name for name, box in (("en", self.english), ("zh_CN", self.chinese)) if box.isChecked()]
        return {
            "run": self.run.currentData(),
            "out": str(self._folder()),
            "plan": self.plan.currentData(),
            "languages": tuple(languages),
        }

    def _folder(self) -> Path:
        return self._workspace / AUDITS / self.name.text().strip()

    def _free(self, wanted: str) -> str:
        name, number = wanted, 1
        while (self._workspace / AUDITS / name).exists():
            number += 1
            name = f"{wanted}-{number}"
        return name

    def _check(self) -> None:
        name, fault = self.name.text().strip(), ""
        if not name or any(c in '/\\:*?"<>|' for c in name) or name.startswith("."):
            fault = self.tr("Give a name that can be that of a folder.")
        elif self._folder().exists():
            fault = self.tr("There is an audit of this name.")
        elif not (self.english.isChecked() or self.chinese.isChecked()):
            fault = self.tr("Choose a language for the report.")
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))
        self.start.setEnabled(not fault and self.run.count() > 0)
