"""In place of a comparison that cannot be: why, what makes it possible, and what can be compared meanwhile."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.compare.choice import EPOCHS, METHODS, RUNS, SHOPPERS
from app.theme import set_role
from engine.answers import RunSummary

_WIDE = 520


class NothingPage(QWidget):
    mode_asked = Signal(str)
    train_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.title = QLabel()
        set_role(self.title, "figure")
        self.text = QLabel()
        set_role(self.text, "muted")
        for label in (self.title, self.text):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setFixedWidth(_WIDE)
        self.train = QPushButton(self.tr("Go to Train"))
        set_role(self.train, "primary")
        self.train.clicked.connect(self.train_asked)
        self.methods = QPushButton(self.tr("Compare two methods"))
        self.methods.clicked.connect(lambda: self.mode_asked.emit(METHODS))
        self.shoppers = QPushButton(self.tr("Compare two shoppers"))
        self.shoppers.clicked.connect(lambda: self.mode_asked.emit(SHOPPERS))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for button in (self.train, self.methods, self.shoppers):
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addStretch(2)
        column.addWidget(self.title, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.text, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        column.addLayout(row)
        column.addStretch(3)

    def say(self, lack: str, run: RunSummary | None, mode: str) -> None:
        """lack: what there is not enough of: "run" when none is open, else the mode."""
        name = run.run if run is not None else ""
        texts = {
            "run": (self.tr("No run is open"), self.tr("Choose one above, or train one.")),
            RUNS: (
                self.tr("There is only one run of this data"),
                self.tr("Train another, with another seed or setting, and the two stand side by side here."),
            ),
            EPOCHS: (
                self.tr("{run} has kept no epochs to look at").format(run=name),
                self.tr(
                    "Train a run with the setting Checkpoints on “about ten epochs” or “every epoch”: its epochs can "
                    "then be played here one after the other. Runs whose encoders were tuned keep none."
                ),
            ),
        }
        title, text = texts.get(
            lack, (self.tr("There are not two to compare"), self.tr("Choose something else above."))
        )
        self.title.setText(title)
        self.text.setText(text)
        for label in (self.title, self.text):
            label.setFixedHeight(label.heightForWidth(_WIDE))
        several = run is not None
        self.methods.setVisible(several and lack != METHODS and len(run.methods if run else ()) > 1)
        self.shoppers.setVisible(several and lack != SHOPPERS and len(run.shoppers if run else ()) > 1)
