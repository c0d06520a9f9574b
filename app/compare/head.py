"""The head of a side: a chooser of what differs, what it shows in figures, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout

from app.compare.choice import EPOCHS, METHODS, PRODUCTS, RUNS, SHOPPERS, Choice
from app.compare.scrubber import EpochScrubber
from app.i18n import joined
from app.method_names import method_name
from app.session import Session
from app.theme import ThemeSource, icon, set_role
from app.thumbnails import Thumbnails
from app.views.panel import Heading
from app.views.shown import digits, number
from app.whatif.picker import Picker
from engine.compare.types import Side
from engine.explain.types import Explanation


class SideHead(QFrame):
    """Follows `choice`; the view says what was found."""

    open_asked = Signal(int)

    def __init__(
        self, place: int, name: str, choice: Choice, session: Session, themes: ThemeSource, thumbnails: Thumbnails
    ) -> None:
        super().__init__()
        set_role(self, "panel")
        self._place, self._choice, self._session, self._themes = place, choice, session, themes
        self.name = QLabel(name)
        set_role(self.name, "strong")
        self.combo = QComboBox()
        self.combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.combo.activated.connect(lambda _: choice.choose(place, self.combo.currentData()))
        self.pick = QPushButton()
        set_role(self.pick, "pick")
        self.pick.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.pick.setIcon(icon("search", themes.theme.muted))
        self.pick.clicked.connect(self._pick)
        self._pickers: dict[str, Picker] = {}
        self._thumbnails = thumbnails
        self.scrubber = EpochScrubber(themes, name)
        self.scrubber.chosen.connect(lambda epoch: choice.choose(place, epoch))
        self.pin = self._button(self.tr("Pin {side}").format(side=name), "pin")
        self.pin.setCheckable(True)
        self.pin.setToolTip(self.tr("Keep this side as it is while other things are chosen"))
        self.pin.clicked.connect(lambda on: choice.pin(place, on))
        self.open = self._button(self.tr("Open {side} in Explore").format(side=name), "explore")
        self.open.setToolTip(self.tr("Open this side in Explore"))
        self.open.clicked.connect(lambda: self.open_asked.emit(place))
        self.facts = Heading("small")
        self.facts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._lay_out()
        themes.changed.connect(self._dress)

    def _button(self, name: str, icon_name: str) -> QToolButton:
        button = QToolButton()
        button.setAccessibleName(name)
        button.setIcon(icon(icon_name, self._themes.theme.muted))
        button.setFixedSize(28, 28)
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.name)
        row.addSpacing(4)
        for chooser in (self.combo, self.pick, self.scrubber):
            row.addWidget(chooser, 1)
        row.addWidget(self.pin)
        row.addWidget(self.open)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 8, 8)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.facts)

    def _dress(self, *_: object) -> None:
        theme = self._themes.theme
        self.pin.setIcon(icon("pin", theme.accent if self.pin.isChecked() else theme.muted))
        self.open.setIcon(icon("explore", theme.muted))

    def show_choice(self) -> None:
        """Show what is chosen on this side."""
        mode, run, value = self._choice.mode, self._session.run, self._choice.value(self._place)
        pinned = self._choice.pinned(self._place)
        self.pin.setChecked(pinned)
        self._dress()
        self.combo.setVisible(mode in (RUNS, METHODS))
        self.pick.setVisible(mode in (SHOPPERS, PRODUCTS))
        self.scrubber.setVisible(mode == EPOCHS)
        for chooser in (self.combo, self.pick, self.scrubber):
            chooser.setEnabled(run is not None and not pinned)
        if run is None:
            return
        if mode == RUNS:
            self._fill(self._choice.runs(), value, self.tr("Run, {side}"))
        elif mode == METHODS:
            self._fill([(method_name(one), one) for one in run.methods], value, self.tr("Method, {side}"))
        elif mode == EPOCHS:
            self.scrubber.fill(self._choice.epochs(), value)
        elif mode == SHOPPERS:
            self._name_pick(str(value or "…"), self.tr("Shopper, {side}: {value}"))
        else:
            title = run.items.title[run.items.item.index(value)] if value in run.items.item else "…"
            self._name_pick(title, self.tr("Product, {side}: {value}"))

    def _fill(self, entries: list[tuple[str, str]], value: str | None, name: str) -> None:
        self.combo.setAccessibleName(name.format(side=self.name.text()))
        self.combo.blockSignals(True)
        self.combo.clear()
        for text, data in entries:
            self.combo.addItem(text, data)
        self.combo.setCurrentIndex(self.combo.findData(value))
        self.combo.blockSignals(False)

    def _name_pick(self, text: str, name: str) -> None:
        metrics = self.pick.fontMetrics()
        cut = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(80, self.pick.width() - 50))
        self.pick.setText(cut.replace("&", "&&"))  # not a shortcut
        self.pick.setToolTip(text)
        self.pick.setAccessibleName(name.format(side=self.name.text(), value=text))

    def _pick(self) -> None:
        mode = self._choice.mode
        if mode not in self._pickers:
            picker = Picker(self._themes, None if mode == SHOPPERS else self._thumbnails, self)
            picker.picked.connect(lambda key: self._choice.choose(self._place, key))
            self._pickers[mode] = picker
        self._pickers[mode].open_under(self.pick, self._session.run)

    def _rank(self, found: Explanation) -> str:
        """The rank that is shown, and where business rules moved it, the model's own."""
        model = f"{found.rank:,}"
        if not found.place:
            return self.tr("taken out by a rule, rank {rank} in the model").format(rank=model)
        if found.place != found.rank:
            return self.tr("rank {place}, {rank} in the model").format(place=f"{found.place:,}", rank=model)
        return self.tr("rank {rank}").format(rank=model)

    def show_found(self, side: Side | None, found: Explanation | None, figures: dict[str, float]) -> None:
        """Say what is locked, and the figures of the answer."""
        if side is None or found is None:
            self.facts.say("")
            return
        words = [
            self._rank(found),
            self.tr("score {score}").format(score=number(found.score, digits(found.score))),
        ]
        for name, text in (
            ("test ndcg@10", self.tr("NDCG@10 {figure} (test)")),
            ("validation ndcg@10", self.tr("NDCG@10 {figure} (validation)")),
        ):
            if name in figures:
                words.append(text.format(figure=number(figures[name], 3)))
                break
        mode, pinned = self._choice.mode, self._choice.pinned(self._place)
        locked = (
            (PRODUCTS, found.title),
            (RUNS, found.run),
            (SHOPPERS, self.tr("shopper {user}").format(user=side.user)),
            (METHODS, method_name(side.method)),
        )
        self.facts.say(joined([*words, *(text for name, text in locked if name != mode or pinned)]))
