"""Why A above B: two products of one list, the exact difference of their scores by part, word and past event."""

from __future__ import annotations

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.compare.paired import Pair, PairedBars
from app.theme import ThemeSource, icon, set_role
from app.thumbnails import Thumbnails
from app.views.history_rows import day
from app.views.panel import Empty
from app.views.shown import digits, part_name, power_of_ten, signed, token_name
from app.whatif.picker import Picker
from engine.answers import RunSummary
from engine.compare.types import Above
from engine.compare.wording import above_sentences
from engine.explain.contrast_types import ContrastRow
from engine.explain.types import Token

_TOKENS, _PAST = 12, 8  # rows told; the parts above them hold everything


class AbovePage(QWidget):
    picked = Signal(str, bool)  # a product, whether it is B
    swapped = Signal()

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._themes, self._thumbnails = themes, thumbnails
        self._run: RunSummary | None = None
        self._picker: Picker | None = None
        self._second = False
        self.a, self.b = self._button("A"), self._button("B")
        self.a.clicked.connect(lambda: self._pick(False))
        self.b.clicked.connect(lambda: self._pick(True))
        self.swap = QToolButton()
        self.swap.setAccessibleName(self.tr("Swap A and B"))
        self.swap.setToolTip(self.tr("Swap A and B"))
        self.swap.clicked.connect(self.swapped)
        self.where = QLabel()
        self.where.setWordWrap(True)
        set_role(self.where, "small")
        self.said = QLabel()
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bars = PairedBars(themes, self.tr("Why A above B"), thumbnails)
        self.lack = Empty()
        choosers = QGridLayout()
        choosers.setSpacing(6)
        for place, (letter, button) in enumerate((("A", self.a), ("B", self.b))):
            label = QLabel(letter)
            set_role(label, "strong")
            choosers.addWidget(label, place, 0)
            choosers.addWidget(button, place, 1)
        choosers.addWidget(self.swap, 0, 2, 2, 1)
        choosers.setColumnStretch(1, 1)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addLayout(choosers)
        left.addWidget(self.where)
        left.addWidget(self.said)
        left.addStretch(1)
        right = QVBoxLayout()
        right.addWidget(self.bars)
        right.addWidget(self.lack)
        right.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 2, 6, 0)
        row.setSpacing(18)
        row.addLayout(left, 2)
        row.addLayout(right, 3)
        themes.changed.connect(self._dress)
        self._dress()
        self.say_nothing(self.tr("Click a product of a list to make it A; click with Shift to make one B."))

    def _dress(self, *_: object) -> None:
        self.swap.setIcon(icon("swap", self._themes.theme.muted))
        for button in (self.a, self.b):
            button.setIcon(icon("search", self._themes.theme.muted))

    def _button(self, letter: str) -> QPushButton:
        button = QPushButton("…")
        set_role(button, "pick")
        button.setAccessibleName(self.tr("Product {letter}").format(letter=letter))
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        return button

    def choose(self, run: RunSummary | None, where: str, a: str, b: str) -> None:
        """Show which products are asked about, and in whose list."""
        self._run = run
        self.where.setText(where)
        for button, letter, item in ((self.a, "A", a), (self.b, "B", b)):
            title = run.items.title[run.items.item.index(item)] if run is not None and item in run.items.item else "…"
            room = max(80, button.width() - 50)
            cut = button.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, room)
            button.setText(cut.replace("&", "&&"))  # not a shortcut
            button.setToolTip(title)
            button.setAccessibleName(self.tr("Product {letter}").format(letter=letter) + f": {title}")

    def _pick(self, second: bool) -> None:
        if self._picker is None:
            self._picker = Picker(self._themes, self._thumbnails, self)
            self._picker.picked.connect(lambda item: self.picked.emit(item, self._second))
        self._second = second
        self._picker.open_under(self.b if second else self.a, self._run)

    def say_nothing(self, text: str) -> None:
        """Say why there is nothing to show."""
        self.lack.setText(text)
        self.lack.show()
        self.said.hide()
        self.bars.hide()

    def fill(self, found: Above) -> None:
        language = "zh" if QLocale().language() == QLocale.Language.Chinese else "en"
        contrast = found.contrast
        difference = contrast.score_left - contrast.score_right
        exact = self.tr("Exact: the parts sum to {difference}, up to {gap}.").format(
            difference=signed(difference, digits(difference)), gap=power_of_ten(abs(contrast.gap))
        )
        joint = "" if language == "zh" else " "
        self.said.setText(joint.join(above_sentences(found, language)) + "\n" + exact)
        parts = [Pair(part_name(one.part), one.part, one.left, one.right) for one in found.parts]
        parts += [
            Pair(self.tr("Their sum")),
            Pair(part_name("score"), "score", contrast.score_left, contrast.score_right),
        ]
        shown = [row for row in contrast.rows if row.modality not in ("identity", "image")][:_TOKENS]
        tokens = [Pair(self._name(row), row.modality, row.left, row.right) for row in shown]
        past = sorted(found.past, key=lambda one: -abs((one.left or 0.0) - (one.right or 0.0)))[:_PAST]
        events = [
            Pair(one.title, "history", one.left, one.right, one.image, tile=True, note=day(one.time)) for one in past
        ]
        rows = [*parts]
        if tokens:
            rows += [Pair(self.tr("Words, attributes and links that differ most")), *tokens]
        if events:
            rows += [Pair(self.tr("Past choices, each left out in turn (no part of the sum)")), *events]
        self.bars.fill(rows, "score", ("A", "B"))
        self.lack.hide()
        self.said.show()
        self.bars.show()

    @staticmethod
    def _name(row: ContrastRow) -> str:
        return token_name(Token(row.modality, row.label, row.field))
