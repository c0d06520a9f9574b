"""Below the pictures: the parts as paired bars, the words side by side, the shoppers' past, why A above B."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app.compare.above import AbovePage
from app.compare.paired import Pair, PairedBars
from app.compare.told import Linked, Maps
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.history import kind_name
from app.views.history_rows import day
from app.views.panel import Empty, Note, scrolling
from app.views.shown import part_name, token_name
from app.views.text_blocks import Block
from app.views.words import WordsView
from engine.compare.types import Comparison
from engine.explain.types import Explanation

PARTS, WORDS, PAST, ABOVE = TABS = ("parts", "words", "past", "above")
_MOST_WORDS = 900  # of texts that are laid out; longer ones end there
_MOST_ROWS = 40


def scrolled(content: QWidget) -> QScrollArea:
    """A page that scrolls down and never sideways."""
    set_role(content, "content")
    area = scrolling(content)
    area.viewport().setAutoFillBackground(False)
    return area


class DetailsPanel(QFrame):
    turned = Signal(str)  # the page now in front

    def __init__(self, linked: Linked, themes: ThemeSource, thumbnails: Thumbnails) -> None:
        super().__init__()
        set_role(self, "panel")
        self._unit = ""  # of the comparison; "" before there is one
        self.bar = QTabBar()
        self.bar.setAccessibleName(self.tr("What is compared in detail"))
        self.bar.setExpanding(False)
        self.stack = QStackedWidget()
        self.parts = PairedBars(themes, self.tr("Parts of both sides"))
        self.words = WordsPage(linked, themes)
        self.past = PairedBars(themes, self.tr("Past choices on both sides"), thumbnails)
        self.no_past = Empty()
        self.no_past.setText(self.tr("Neither side has a past: both are ranked by profile alone."))
        self.above = AbovePage(themes, thumbnails)
        pages = ((self.tr("Parts"), self._column(self.parts)), (self.tr("Words"), self.words))
        more = (
            (self.tr("Past choices"), self._column(self.no_past, self.past)),
            (self.tr("Why A above B"), self.above),
        )
        for (text, page), name in zip((*pages, *more), TABS, strict=True):
            self.bar.addTab(text)
            self.bar.setTabData(self.bar.count() - 1, name)
            self.stack.addWidget(scrolled(page))
        self.note = Note()
        set_role(self.note, "small")
        self.note.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # the tabs come first
        top = QHBoxLayout()
        top.addWidget(self.bar)
        top.addWidget(self.note, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 6, 14, 10)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self.stack, 1)
        self.bar.currentChanged.connect(self._turn)
        self.setMinimumHeight(170)

    @staticmethod
    def _column(*widgets: QWidget) -> QWidget:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 6, 0)
        for widget in widgets:
            column.addWidget(widget)
        column.addStretch(1)
        return content

    @property
    def tab(self) -> str:
        return str(self.bar.tabData(self.bar.currentIndex()))

    def show_tab(self, name: str) -> None:
        if name in TABS:
            self.bar.setCurrentIndex(TABS.index(name))

    def _turn(self, place: int) -> None:
        self.stack.setCurrentIndex(place)
        self._say()
        self.turned.emit(self.tab)

    def fill(self, found: Comparison, maps: Maps, ends: tuple[str, str]) -> None:
        """ends: a letter for the left and for the right side."""
        parts = [Pair(part_name(one.part), one.part, one.left, one.right) for one in found.parts]
        if found.unit == "score":
            parts += [
                Pair(self.tr("Their sum")),
                Pair(part_name("score"), "score", found.left.score, found.right.score),
            ]
        self.parts.fill([*parts, *self._named(found)], found.unit, ends)
        self.words.fill(found, maps, ends)
        self._fill_past(found, ends)
        self._unit = found.unit
        self._say()

    def _named(self, found: Comparison) -> list[Pair]:
        """Attributes and links, the largest difference first."""
        rows = found.rows
        pairs = [
            Pair(
                token_name(token),
                token.modality,
                float(rows.left[row]) if rows.left_rows[row] else None,
                float(rows.right[row]) if rows.right_rows[row] else None,
            )
            for row, token in enumerate(rows.tokens)
            if token.modality in ("attribute", "link")
        ]
        pairs.sort(key=lambda pair: -abs(pair.difference))
        return [Pair(self.tr("Attributes and links")), *pairs[:_MOST_ROWS]] if pairs else []

    def _fill_past(self, found: Comparison, ends: tuple[str, str]) -> None:
        rows = [
            Pair(
                one.title,
                "history",
                one.left,
                one.right,
                image=one.image,
                tile=True,
                note=f"{day(one.time)} · {kind_name(one.kind)}",
            )
            for one in found.past
        ]
        self.past.fill(rows, "score", ends)
        self.past.setVisible(bool(rows))
        self.no_past.setVisible(not rows)

    def _say(self) -> None:
        """What the numbers of the page in front are."""
        if self.tab == PAST:
            text = self.tr("each left out in turn: they need not sum to the score")
        elif self._unit == "share" and self.tab != ABOVE:
            text = self.tr("per cent of each map of the page: two methods share no unit")
        else:
            text = self.tr("shares of the score: differences sum to that of the scores")
        self.note.setText(text if self._unit else "")


class WordsPage(QWidget):
    """The texts of both sides; between them the same text in the colours of the difference, or, of two products, the
    words that differ most."""

    def __init__(self, linked: Linked, themes: ThemeSource) -> None:
        super().__init__()
        self.left = WordsView(linked.left, themes, self.tr("Words, left"))
        self.difference = WordsView(linked.difference, themes, self.tr("Difference of the words"))
        self.right = WordsView(linked.right, themes, self.tr("Words, right"))
        self.most = PairedBars(themes, self.tr("Words that differ most"))
        self.lack = Empty()
        self.lack.setText(self.tr("Neither side was given a text."))
        row = QHBoxLayout()
        row.setSpacing(18)
        self._titles: list[QLabel] = []
        for name, views in (
            (self.tr("left"), (self.left,)),
            (self.tr("left less right"), (self.difference, self.most)),
            (self.tr("right"), (self.right,)),
        ):
            title = QLabel(name)
            set_role(title, "small")
            self._titles.append(title)
            column = QVBoxLayout()
            column.setSpacing(4)
            for widget in (title, *views):
                column.addWidget(widget)
            column.addStretch(1)
            row.addLayout(column, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 2, 6, 0)
        whole.addLayout(row)
        whole.addWidget(self.lack)
        whole.addStretch(1)

    def fill(self, found: Comparison, maps: Maps, ends: tuple[str, str]) -> None:
        left, right = (blocks(one) for one in (found.left, found.right))
        self.left.fill(maps.left, left)
        self.right.fill(maps.right, right)
        self.difference.fill(maps.difference, blocks(found.left) if found.same_product else [])
        self.difference.setVisible(found.same_product and bool(left))
        rows = [] if found.same_product else self._most(found)
        self.most.fill(rows, found.unit, ends)
        self.most.setVisible(bool(rows))
        for title in self._titles:
            title.setVisible(bool(left or right))
        self.lack.setVisible(not left and not right)

    def _most(self, found: Comparison) -> list[Pair]:
        rows = found.rows
        pairs = [
            Pair(
                token.label,
                "text",
                float(rows.left[row]) if rows.left_rows[row] else None,
                float(rows.right[row]) if rows.right_rows[row] else None,
            )
            for row, token in enumerate(rows.tokens)
            if token.modality == "text" and any(letter.isalnum() for letter in token.label)
        ]
        return sorted(pairs, key=lambda pair: -abs(pair.difference))[:_MOST_ROWS]


def blocks(found: Explanation) -> list[Block]:
    """The texts that the model was given, as views lay them out."""
    made: list[Block] = []
    count = 0
    read = {token.field for token in found.tokens if token.modality == "text"}
    for text in found.texts:
        if text.heeded and text.text.strip() and count < _MOST_WORDS:
            heeded = text.field in read  # a run may have been given no words at all
            label = "" if heeded else QCoreApplication.translate("Compare", "not given to the model")
            made.append(Block(text.field, text.text, label, heeded, strong=text.field == "title"))
            count += max(len(text.text.split()), len(text.text) // 6)
    return made
