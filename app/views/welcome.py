"""The first start: nothing to explore yet, and three ways to change that."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.batch import Batch, Task
from app.chrome import task_facts
from app.read_only import enable
from app.theme import ThemeSource, icon_pixmap, set_role, ui_font
from app.views.view import Numbers, View
from app.workspace import Workspace


class Card(QPushButton):
    """A large button: an icon, a title and what will happen."""

    def __init__(self, icon_name: str, title: str, text: str, themes: ThemeSource) -> None:
        super().__init__()
        set_role(self, "card")
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self._themes = themes
        self._icon_name = icon_name
        self._mark = QLabel()
        name = QLabel(title)
        name.setFont(ui_font(14, QFont.Weight.DemiBold))
        words = QLabel(text)
        set_role(words, "muted")
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 18, 18, 16)
        column.setSpacing(6)
        for label in (self._mark, name, words):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            column.addWidget(label)
        column.setStretch(2, 1)
        self.setMinimumSize(QSize(220, 150))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(178)
        self.paint_icon()

    def paint_icon(self) -> None:
        self._mark.setPixmap(
            icon_pixmap(self._icon_name, self._themes.theme.accent, 24, self.devicePixelRatioF() or 1.0)
        )


class WelcomeView(View):
    """Shown while there is no run to explore. It asks the window for what was clicked."""

    sample_asked = Signal()
    import_asked = Signal()
    open_asked = Signal()
    train_asked = Signal()

    def __init__(self, workspace: Workspace, batch: Batch, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._batch = batch
        self._title = QLabel()
        self._title.setFont(ui_font(24, QFont.Weight.DemiBold))
        self._words = QLabel()
        set_role(self._words, "muted")
        self._words.setWordWrap(True)
        self.sample = Card(
            "sample",
            self.tr("Try the sample"),
            self.tr(
                "Draws a small made-up shop, trains a model on it and opens it. A few minutes; nothing is downloaded."
            ),
            themes,
        )
        self.train = Card(
            "train", self.tr("Train a model"), self.tr("On the data that is already in this workspace."), themes
        )
        self.bring = Card(
            "import",
            self.tr("Import data"),
            self.tr("A folder with your shop's products, shoppers and events: MovieLens, Amazon reviews, or tables."),
            themes,
        )
        self.open = Card(
            "folder",
            self.tr("Open a workspace"),
            self.tr("A folder with data and trained runs, also from elsewhere."),
            themes,
        )
        self._cards = (self.sample, self.train, self.bring, self.open)
        for card, signal in zip(
            self._cards, (self.sample_asked, self.train_asked, self.import_asked, self.open_asked), strict=True
        ):
            card.clicked.connect(signal)
        self._lay_out()
        themes.changed.connect(self._repaint)
        workspace.changed.connect(self.refresh)
        batch.changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        cards = QHBoxLayout()
        cards.setSpacing(12)
        for card in self._cards:
            cards.addWidget(card)
        self._progress = QWidget()
        self._what = QLabel()
        set_role(self._what, "strong")
        self._facts = QLabel()
        set_role(self._facts, "muted")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        line = QHBoxLayout()
        line.addWidget(self._what)
        line.addStretch(1)
        line.addWidget(self._facts)
        doing = QVBoxLayout(self._progress)
        doing.setContentsMargins(0, 12, 0, 0)
        doing.setSpacing(8)
        doing.addLayout(line)
        doing.addWidget(self._bar)
        middle = QWidget()
        middle.setMaximumWidth(920)
        column = QVBoxLayout(middle)
        column.setContentsMargins(32, 0, 32, 0)
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._words)
        column.addSpacing(14)
        column.addLayout(cards)
        column.addWidget(self._progress)
        # the progress keeps its place while it is empty, so that nothing jumps
        policy = self._progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._progress.setSizePolicy(policy)
        whole = QVBoxLayout(self)
        whole.addStretch(3)
        across = QHBoxLayout()
        across.addStretch(1)
        across.addWidget(middle, 20)
        across.addStretch(1)
        whole.addLayout(across)
        whole.addStretch(4)

    def numbers(self) -> Numbers:
        return {
            "datasets": {
                "name": [one.name for one in self._workspace.datasets],
                "synthetic": [one.synthetic for one in self._workspace.datasets],
                "products": [one.counts.get("items", 0) for one in self._workspace.datasets],
                "shoppers": [one.counts.get("users", 0) for one in self._workspace.datasets],
                "events": [one.counts.get("events", 0) for one in self._workspace.datasets],
            }
        }

    def refresh(self, *_: object) -> None:
        """Show what the workspace lacks, and how far the first steps are."""
        has_data = bool(self._workspace.datasets)
        if has_data:
            self._title.setText(self.tr("No trained model yet"))
            self._words.setText(
                self.tr("Train one on the data of this workspace; then every recommendation explains itself.")
            )
        else:
            self._title.setText(self.tr("See what a recommender heeds"))
            self._words.setText(
                self.tr(
                    "Heatmaps on product photos, words, attributes and past purchases, all adding up to the score. "
                    "Everything stays on this computer."
                )
            )
        self.train.setVisible(has_data)
        self.sample.setVisible(not has_data)
        task = self._batch.current
        for card in (self.sample, self.train, self.bring):
            enable(card, task is None, self._workspace.folder)
        self._progress.setVisible(task is not None)
        if task is not None:
            self._show(task)

    def _show(self, task: Task) -> None:
        self._what.setText(task.title)
        facts = task_facts(task, front=True)
        self._facts.setText(facts or QCoreApplication.translate("Task", "waiting"))
        self._bar.setRange(0, 0 if task.share is None else 1000)
        self._bar.setValue(round(1000 * (task.share or 0)))

    def _repaint(self) -> None:
        for card in self._cards:
            card.paint_icon()
