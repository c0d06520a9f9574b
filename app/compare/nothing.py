"""In place of a comparison that cannot be: why, what makes it possible, and what can be compared meanwhile."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QPushButton

from app.compare.choice import EPOCHS, METHODS, RUNS, SHOPPERS
from app.views.nothing import Nothing
from engine.answers import RunSummary


def tr(text: str) -> str:
    return QCoreApplication.translate("NothingPage", text)


class NothingPage(Nothing):
    mode_asked = Signal(str)
    train_asked = Signal()

    def __init__(self) -> None:
        self.train = QPushButton(tr("Go to Train"))
        self.methods = QPushButton(tr("Compare two methods"))
        self.shoppers = QPushButton(tr("Compare two shoppers"))
        super().__init__((self.train, self.methods, self.shoppers))
        self.train.clicked.connect(self.train_asked)
        self.methods.clicked.connect(lambda: self.mode_asked.emit(METHODS))
        self.shoppers.clicked.connect(lambda: self.mode_asked.emit(SHOPPERS))

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
        self.tell(title, text)
        several = run is not None
        self.methods.setVisible(several and lack != METHODS and len(run.methods if run else ()) > 1)
        self.shoppers.setVisible(several and lack != SHOPPERS and len(run.shoppers if run else ()) > 1)
