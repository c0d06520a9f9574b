"""Picks several of many, values or products, by typing; what is picked stands as chips that a click takes away."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QStringListModel, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.data.chips_row import Flow
from app.theme import ThemeSource, icon


class Picked(QWidget):
    """`changed` whenever something is picked or taken away. single: picking replaces what was picked."""

    changed = Signal()

    def __init__(
        self, themes: ThemeSource, name: str, prompt: str, *, single: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._themes, self._single = themes, single
        self._keys: tuple[str, ...] = ()
        self._key_of: dict[str, str] = {}  # what is typed -> key
        self._text_of: dict[str, str] = {}  # key -> what a chip says
        self._words = QStringListModel(self)
        self.field = QLineEdit()
        self.field.setPlaceholderText(prompt)
        self.field.setAccessibleName(name)
        finder = QCompleter(self._words, self.field)
        finder.setFilterMode(Qt.MatchFlag.MatchContains)
        finder.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        finder.setMaxVisibleItems(12)
        finder.activated.connect(self._pick)
        self.field.setCompleter(finder)
        self.field.returnPressed.connect(lambda: self._pick(self.field.text()))
        self.field.installEventFilter(self)
        self._chips = QWidget()
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self._chips.setSizePolicy(policy)
        self._flow = Flow(self._chips)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._chips)
        column.addWidget(self.field)
        themes.changed.connect(self._show)
        self._show()

    @property
    def keys(self) -> tuple[str, ...]:
        """What is picked, in that order."""
        return self._keys

    @property
    def chips(self) -> list[QPushButton]:
        found = [self._flow.itemAt(place) for place in range(self._flow.count())]
        return [one.widget() for one in found if one is not None]  # type: ignore[misc]  # buttons, all of them

    def offer(self, words: Sequence[tuple[str, str, str]]) -> None:
        """Offer (key, what a chip says, what is listed) of each, in this order; a text that occurs twice is told apart
        by its key."""
        self._key_of, self._text_of = {}, {}
        for key, text, listed in words:
            self._text_of[key] = text
            self._key_of[listed if listed not in self._key_of else f"{listed} ({key})"] = key
        self._words.setStringList(list(self._key_of))
        self._show()

    def put(self, keys: tuple[str, ...]) -> None:
        """Show these as picked, also those that are not offered; nothing is signalled."""
        if keys != self._keys:
            self._keys = keys
            self._show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """An empty field offers everything at a click or the Down key; Backspace takes the last chip away."""
        if watched is self.field and not self.field.text():
            key = event.key() if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) else None
            if event.type() == QEvent.Type.MouseButtonPress or key == Qt.Key.Key_Down:
                QTimer.singleShot(0, self, self._offer_all)
            elif key == Qt.Key.Key_Backspace and self._keys:
                self._drop(self._keys[-1])
                return True
        return super().eventFilter(watched, event)

    def _offer_all(self) -> None:
        finder = self.field.completer()
        if self.field.isVisible() and not self.field.text():
            finder.setCompletionPrefix("")
            finder.complete()

    def _pick(self, text: str) -> None:
        wanted = text.strip()
        exact = self._key_of.get(wanted) or (wanted if wanted in self._text_of else None)
        near = [key for listed, key in self._key_of.items() if wanted.casefold() in listed.casefold()]
        key = exact or (near[0] if wanted and len(near) == 1 else None)
        if key is None:
            return
        QTimer.singleShot(0, self.field, self.field.clear)  # the completer puts its text there after this
        if key not in self._keys:
            self._keys = (key,) if self._single else (*self._keys, key)
            self._show()
            self.changed.emit()

    def _drop(self, key: str) -> None:
        self._keys = tuple(one for one in self._keys if one != key)
        self._show()
        self.field.setFocus()
        self.changed.emit()

    def _show(self, *_: object) -> None:
        while (old := self._flow.takeAt(0)) is not None:
            widget = old.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for key in self._keys:
            text = self._text_of.get(key, key)
            short = text if len(text) <= 40 else text[:39] + "…"
            chip = QPushButton(icon("close", self._themes.theme.muted, 12), short.replace("&", "&&"))
            chip.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the cross stands behind the text
            chip.setToolTip(self.tr("Take away: {0}").format(text))
            chip.setAccessibleName(chip.toolTip())
            chip.clicked.connect(lambda _=False, key=key: self._drop(key))
            chip.setParent(self._chips)
            self._flow.addWidget(chip)
            chip.show()
        self._chips.setVisible(bool(self._keys))
        self._chips.updateGeometry()
