"""The product panel: photo under its heat, heads, texts with weighted words, attributes and links."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSlider, QVBoxLayout, QWidget

from app.actions import Action, Reason, first
from app.reasons import no_explanation, no_photo
from app.session import Session
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.bars import BarsView
from app.views.canvas import LEAST_ZOOM, MOST_ZOOM, SIDE
from app.views.colour_bar import ColourBar
from app.views.heads import SMALL, TILE, HeadChooser, OtherPhotos
from app.views.panel import Empty, Panel
from app.views.photo import HeatPhoto
from app.views.ruled import RuledLine
from app.views.shown import Shown, digits, number, place_text
from app.views.text_blocks import Block
from app.views.words import WordsView
from engine.explain.types import Explanation, ItemText

if TYPE_CHECKING:
    from app.views.head_grid import HeadGrid

_GUTTER = 18
_HOLE = 150  # pixels that texts leave free: room for the heads
_MANY_WORDS = 900  # reviews beyond these wait until they are asked for


class ProductView(Panel):
    """The panel of the chosen product."""

    def __init__(
        self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(themes, parent)
        self._session = session
        self._themes = themes
        self._shown: Shown | None = None
        self._all_reviews = False
        self._thumbnails = thumbnails
        self.head_grid: HeadGrid | None = None  # made when it is first asked for
        self.stage = QWidget()
        self.empty = Empty()
        self.ruled = RuledLine()
        self.body.addWidget(self.ruled)
        self.body.addWidget(self.stage, 1)
        self.body.addWidget(self.empty, 1)
        self.photo = HeatPhoto(session, themes, thumbnails, self.stage)
        self.heads = HeadChooser(session, themes, thumbnails, self.stage)
        self.others = OtherPhotos(themes, thumbnails, self.stage)
        self.controls = QWidget(self.stage)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.colours = ColourBar(themes)
        self._make_controls()
        self.texts = QScrollArea(self.stage)
        self.words = WordsView(session, themes, self.tr("Title and description"))
        self.bars = BarsView(session, themes)
        self.more_bars = self._button()
        self.reviews_title = QLabel()
        self.reviews = WordsView(session, themes, self.tr("Reviews"))
        self.more_reviews = self._button()
        self.lack = Empty()
        self._make_texts()
        self.setMinimumWidth(360)
        self.stage.installEventFilter(self)
        session.run_changed.connect(self._show)
        session.item_changed.connect(self._expect)
        session.explanation_changed.connect(self._explained)
        session.head_changed.connect(self._show)
        session.failed.connect(self._failed)
        themes.changed.connect(self._show)
        self.photo.aspect_changed.connect(self._place)
        self.others.picked.connect(self._look_at)
        self.heads.all_asked.connect(self.show_heads)
        self.slider.valueChanged.connect(self._heat)
        self._show()

    def _make_controls(self) -> None:
        row = QHBoxLayout(self.controls)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        self._heat_name = QLabel(self.tr("Heat"))
        set_role(self._heat_name, "muted")
        self._heat_name.setBuddy(self.slider)
        self.slider.setRange(0, 100)
        self.slider.setValue(round(self.photo.opacity * 100))
        self.slider.setPageStep(25)
        self.slider.setAccessibleName(self.tr("Heat opacity"))
        self.slider.setToolTip(self.tr("How strongly heat covers the photo (, and .)"))
        row.addWidget(self._heat_name)
        row.addWidget(self.slider, 1)
        row.addWidget(self.colours)

    def _make_texts(self) -> None:
        content = QWidget()
        set_role(content, "content")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(10)
        self.reviews_title.setWordWrap(True)
        self.reviews_title.setIndent(2)
        set_role(self.reviews_title, "heading")
        for widget in (self.words, self.bars, self.more_bars, self.reviews_title, self.reviews, self.more_reviews):
            column.addWidget(widget)
        column.addWidget(self.lack, 1)
        column.addStretch(0)
        self.texts.setWidget(content)
        self.texts.setWidgetResizable(True)
        self.texts.setFrameShape(QFrame.Shape.NoFrame)
        self.texts.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.texts.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.texts.viewport().setAutoFillBackground(False)
        content.setAutoFillBackground(False)
        self.more_bars.clicked.connect(self._more_bars)
        self.more_reviews.clicked.connect(self._more_reviews)

    def _button(self) -> QPushButton:
        button = QPushButton()
        set_role(button, "link")
        button.setSizePolicy(button.sizePolicy().Policy.Maximum, button.sizePolicy().Policy.Fixed)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.hide()
        return button

    def _expect(self, item: str) -> None:
        """Ask for the photo while the engine explains, so that both are shown, and laid out, at once."""
        run = self._session.run
        image = run.items.image[run.items.item.index(item)] if run is not None and item in run.items.item else None
        if image is not None:
            for side in (SIDE, SMALL):
                self._thumbnails.photo(image, side)

    def _explained(self, found: Explanation | None) -> None:
        before = self._shown.explanation.item if self._shown else ""
        if found is None or found.item != before:
            self._all_reviews = False
            self.bars.show_everything(False)
            self.texts.verticalScrollBar().setValue(0)
        self._show()

    def _show(self, *_: object) -> None:
        found = self._session.explanation
        self.stage.setVisible(found is not None)
        self.empty.setVisible(found is None)
        self.ruled.fill(found)
        if found is None:
            self._shown = None
            self.heading.say(self.tr("Product"))
            self.note.setText("")
            self.empty.setText(
                self.tr("Choose a product to see what of it counts.")
                if self._session.run
                else self.tr("No run is open.")
            )
            return
        shown = Shown(found, self._session.head)
        self._shown = shown
        places = digits(found.score)
        self.heading.say(f"{place_text(found)} · {found.title}")
        self.note.setText(
            self.tr("score {score} · rank {rank}").format(score=number(found.score, places), rank=place_text(found))
        )
        first = found.images[0] if found.images else None
        self.photo.show_cells(shown, first, found.title)
        self.photo.setVisible(first is not None)
        self.controls.setVisible(first is not None and bool(len(shown.indices["image"])))
        self.controls.setEnabled(True)
        self.colours.fill(shown)
        self.heads.fill(shown, first)
        self.others.fill(found.images, found.title)
        self._fill_texts(shown)
        self._place()

    def _fill_texts(self, shown: Shown) -> None:
        found = shown.explanation
        own = [text for text in found.texts if not text.field.startswith("review")]
        reviews = sorted((text for text in found.texts if text.field.startswith("review")), key=lambda t: not t.heeded)
        self.words.fill(shown, [self._own_block(text) for text in own if text.text.strip()])
        self.bars.fill(shown)
        self._say_more_bars()
        outside = bool(reviews) and not any(text.author for text in reviews)
        kept = reviews if self._all_reviews else _first_words(reviews, _MANY_WORDS)
        self.reviews.fill(shown, [self._review_block(text, outside) for text in kept])
        title = self.tr("1 review") if len(reviews) == 1 else self.tr("{n} reviews")
        title = title.format(n=len(reviews))
        self.reviews_title.setText(
            f"{title} · {self.tr('by people outside this shop')}" if outside else title,
        )
        self.reviews_title.setVisible(bool(reviews))
        self.more_reviews.setText(self.tr("Show {n} more reviews").format(n=len(reviews) - len(kept)))
        self.more_reviews.setVisible(len(kept) < len(reviews))
        bare = not self.words.blocks() and not reviews and not self.bars.rows
        self.lack.setVisible(bare)
        self.lack.setText(
            self.tr("No text and no attribute of this product is known.")
            if found.images
            else self.tr("Nothing but its identity is known of this product: no photo, no text, no attribute.")
        )

    def _own_block(self, text: ItemText) -> Block:
        label = "" if text.heeded else self.tr("not given to the model")
        return Block(text.field, text.text, label, text.heeded, strong=text.field == "title")

    def _review_block(self, text: ItemText, outside: bool) -> Block:
        words = []
        if text.rating is not None:
            words.append("★ " + number(text.rating, 0 if text.rating == int(text.rating) else 1))
        if text.author:
            words.append(self.tr("by {author}").format(author=text.author))
        elif not outside:
            words.append(self.tr("by somebody outside this shop"))
        if not text.heeded:
            words.append(self.tr("not given to the model"))
        return Block(text.field, text.text, " · ".join(words), text.heeded)

    def _say_more_bars(self) -> None:
        hidden = self.bars.more()
        self.more_bars.setText(self.tr("Show {n} more").format(n=hidden))
        self.more_bars.setVisible(hidden > 0)

    def _more_bars(self) -> None:
        self.bars.show_everything(True)
        self._say_more_bars()

    def _more_reviews(self) -> None:
        self._all_reviews = True
        if self._shown is not None:
            self._fill_texts(self._shown)

    def _failed(self, message: str, hint: str) -> None:
        found = self._session.explanation
        if found is None and self._session.run is not None:
            self.empty.setText(f"{message} {hint}".strip())

    def _look_at(self, place: int) -> None:
        if self._shown is None:
            return
        found = self._shown.explanation
        self.photo.show_cells(self._shown if place == 0 else None, found.images[place], found.title)
        self.controls.setEnabled(place == 0)

    def _look_on(self) -> None:
        self.others.choose((self.others.chosen() + 1) % max(1, self.others.count()))

    def show_heads(self) -> None:
        """Show every head side by side, in a window that stays beside this one."""
        if self.head_grid is None:
            from app.views.head_grid import HeadGrid

            self.head_grid = HeadGrid(self._session, self._themes, self._thumbnails, self)
        self.head_grid.show()
        self.head_grid.raise_()
        self.head_grid.activateWindow()

    def offers(self) -> list[Action]:
        """What the panel offers to the menu and the palette."""
        photo, heads, slider, session = self.photo, self.heads, self.slider, self._session
        no_heat, unexplained = no_photo(session), no_explanation(session)

        def zoom(times: float) -> Callable[[], None]:
            return lambda: photo.enlarge(times)

        def alone() -> str:
            return "" if self.others.count() else self.tr("This product has one photo.")

        def whole() -> str:
            return self.tr("The whole photo is shown already.") if photo.zoom <= LEAST_ZOOM else ""

        def largest() -> str:
            return self.tr("The photo is as large as it gets.") if photo.zoom >= MOST_ZOOM else ""

        def faintest() -> str:
            return self.tr("The heat is as faint as it gets.") if slider.value() == slider.minimum() else ""

        def strongest() -> str:
            return self.tr("The heat is as strong as it gets.") if slider.value() == slider.maximum() else ""

        def act(name: str, text: str, run: Callable[[], None], keys: str, drawn: str, *reasons: Reason) -> Action:
            return Action(name, text, run, keys, drawn, drawn, why_not=first(*reasons))

        return [
            act("photo-next", self.tr("The next photo of the product"), self._look_on, "", "original", no_heat, alone),
            act("original", self.tr("Original photo, without heat"), photo.switch_original, "O", "original", no_heat),
            act("zoom-in", self.tr("Enlarge the photo"), zoom(1.25), "Ctrl++", "original", no_heat, largest),
            act("zoom-out", self.tr("Shrink the photo"), zoom(0.8), "Ctrl+-", "original", no_heat, whole),
            act("zoom-fit", self.tr("The whole photo"), zoom(0.0), "Ctrl+0", "original", no_heat,
                lambda: "" if photo.original else whole()),
            act("heat-less", self.tr("Fainter heat"), lambda: self.change_heat(-10), ",", "original", no_heat,
                faintest),
            act("heat-more", self.tr("Stronger heat"), lambda: self.change_heat(10), ".", "original", no_heat,
                strongest),
            act("head-before", self.tr("The attention head before"), lambda: self.change_head(-1), "[", "heads",
                unexplained, heads.why_not, heads.is_first),
            act("head-after", self.tr("The next attention head"), lambda: self.change_head(1), "]", "heads",
                unexplained, heads.why_not, heads.is_last),
            act("all-heads", self.tr("All heads side by side"), heads.all_asked.emit, "H", "heads", unexplained,
                heads.why_not),
            *self.colours.offers(),
        ]  # fmt: skip

    def _heat(self, value: int) -> None:
        self.photo.set_opacity(value / 100)

    def change_heat(self, step: int) -> None:
        self.slider.setValue(self.slider.value() + step)

    def change_head(self, step: int) -> None:
        """Go to the next head or the one before; `All` comes first."""
        place = self.heads.chosen() + step
        if 0 <= place < self.heads.count():
            self.heads.choose(place)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def eventFilter(self, watched: object, event: object) -> bool:
        if watched is self.stage and getattr(event, "type", lambda: None)() == QResizeEvent.Type.Resize:
            self._place()
        return False

    def _place(self, *_: object) -> None:
        """Lay the photo out as large as its shape allows, so that neither column leaves a hole."""
        width, height = self.stage.width(), self.stage.height()
        if self._shown is None or width < 10:
            return
        if self.photo.isHidden():
            self.heads.tall = False
            self.heads.setGeometry(0, 0, width, self.heads.wanted_height())
            top = self.heads.wanted_height() + 10 if self.heads.count() else 0
            self.others.setGeometry(0, 0, 0, 0)
            self.texts.setGeometry(0, top, width, height - top)
            return
        aspect = self.photo.aspect()
        limit = int(width * (0.66 if not self.lack.isHidden() else 0.5))
        rest = width - limit - _GUTTER
        many = self.words.least_height(rest) + self.reviews.least_height(rest) > height - _HOLE
        free = 0 if many else height - self._texts_height(rest)
        beside = free >= _HOLE and self.heads.count() > 0  # texts leave a hole: the heads go there, larger
        # A tall photo needs the height itself: its heads become chips.
        self.heads.tall = beside or height >= (330 if aspect > 0.85 else 560)
        self.heads.side, self.heads.aspect = (min(free - 56, 180), aspect) if beside else (TILE, 1.0)
        above = not beside and height < 330  # too low for both: the heads go above the texts
        rows: tuple[HeadChooser | OtherPhotos, ...] = (self.others,) if beside or above else (self.heads, self.others)
        column, rest = limit, 0
        extras: list[tuple[HeadChooser | OtherPhotos, int]] = []
        for _again in range(2):  # rows of tiles are as high as the column's width lets them be
            extras = [(row, self._height_at(row, column)) for row in rows]
            rest = (0 if self.controls.isHidden() else 30) + sum(10 + tall for _, tall in extras if tall)
            column = max(int(min(limit, (height - rest) * aspect)), min(170, limit))
        high = int(min(column / aspect, max(80, height - rest)))
        self.photo.setGeometry(0, 0, column, high)
        top = high
        if not self.controls.isHidden():
            self.controls.setGeometry(0, top + 8, column, 22)
            self.colours.be_narrow(column < 280, self._shown)
            self._heat_name.setVisible(column >= 200)  # under a tall photo the slider needs the room
            top += 30
        for row, tall in extras:
            row.setGeometry(0, top + 10, column, tall)
            top += 10 + tall if tall else 0
        left = column + _GUTTER
        self.texts.setGeometry(left, 0, width - left, height)
        if beside:
            tall = self._height_at(self.heads, width - left)
            self.heads.setGeometry(left, height - tall, width - left, tall)
            self.texts.setGeometry(left, 0, width - left, height - tall - 10)
        elif above and self.heads.count():
            tall = self._height_at(self.heads, width - left)
            self.heads.setGeometry(left, 0, width - left, tall)
            self.texts.setGeometry(left, tall + 10, width - left, height - tall - 10)

    def _texts_height(self, width: int) -> int:
        """How much height the texts want at a width."""
        content = self.texts.widget()
        layout = content.layout() if content is not None else None
        return layout.heightForWidth(width) if layout is not None else 0

    @staticmethod
    def _height_at(row: HeadChooser | OtherPhotos, width: int) -> int:
        row.resize(width, row.height())
        return row.wanted_height()


def _first_words(reviews: list[ItemText], most: int) -> list[ItemText]:
    """The first reviews with about `most` words between them, and at least one."""
    kept: list[ItemText] = []
    count = 0
    for review in reviews:
        count += max(len(review.text.split()), len(review.text) // 6)
        if kept and count > most:
            break
        kept.append(review)
    return kept
