"""The texts of a page as editors: title, description, reviews. What is typed becomes one step after a rest."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QResizeEvent, QTextOption
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.i18n import joined
from app.session import Session
from app.theme import set_role
from app.views.shown import number
from app.whatif.edits import NEW_REVIEW, new_reviews, next_review, text_of, with_text
from engine.explain.types import ItemText
from engine.scenario import ItemEdit

REST = 600  # milliseconds without a key after which what was typed becomes a step
_MOST_LINES = 7
_FRAME = 12  # pixels of the style sheet's padding and border, above and below


class TextField(QPlainTextEdit):
    """A text that grows with its lines. `rested` tells it when typing rests or the field is left."""

    rested = Signal(str)
    undo_asked = Signal()
    redo_asked = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._told = ""
        self.setAccessibleName(name)
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)  # the steps of the what-if are undone, here as everywhere
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(2)
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(self.commit)
        self.textChanged.connect(self._typed)
        self.document().documentLayout().documentSizeChanged.connect(lambda _: self._fit())
        self._fit()

    def say(self, text: str) -> None:
        """Show a text without telling it."""
        self._told = text
        self._rest.stop()
        if text != self.toPlainText():
            blocked = self.blockSignals(True)
            self.setPlainText(text)
            self.blockSignals(blocked)
            self._fit()

    @property
    def pending(self) -> bool:
        """Whether something was typed that is not told yet."""
        return self._rest.isActive()

    def commit(self) -> None:
        """Tell what was typed now."""
        self._rest.stop()
        text = self.toPlainText()
        if text != self._told:
            self._told = text
            self.rested.emit(text)

    def _typed(self) -> None:
        if self.toPlainText() != self._told:
            self._rest.start()
        else:
            self._rest.stop()

    def _fit(self) -> None:
        whole = round(self.document().size().height())
        lines = max(1, min(_MOST_LINES, whole))
        high = round(self.fontMetrics().lineSpacing() * lines + 2 * self.document().documentMargin()) + _FRAME
        if high != self.height():
            self.setFixedHeight(high)
        policy = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(policy.ScrollBarAsNeeded if whole > _MOST_LINES else policy.ScrollBarAlwaysOff)

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.commit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Undo):
            self.commit()
            self.undo_asked.emit()
        elif event.matches(QKeySequence.StandardKey.Redo) or (
            event.key() == Qt.Key.Key_Z
            and event.modifiers() == Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        ):
            self.commit()
            self.redo_asked.emit()
        else:
            super().keyPressEvent(event)


class _Row(QWidget):
    """A text under its name, with a button beside the name."""

    def __init__(self, name: str, button: str, act: Callable[[], None], tell: Callable[[str], None]) -> None:
        super().__init__()
        self.label = QLabel(name)
        set_role(self.label, "small")
        self.field = TextField(name)
        self.field.rested.connect(tell)
        self.button = QPushButton(button)
        set_role(self.button, "link")
        self.button.setAccessibleName(f"{button}: {name}")
        self.button.setCursor(Qt.CursorShape.PointingHandCursor)
        self.button.clicked.connect(act)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.label, 1)
        top.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(top)
        column.addWidget(self.field)


class TextsEditor(QScrollArea):
    """All texts of the chosen product, as the scenario has them."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._item = ""
        self._written: tuple[ItemText, ...] = ()
        self._drafts: list[str] = []  # reviews that were begun and have no words yet
        self.rows: dict[str, _Row] = {}
        self.add = QPushButton(self.tr("Add a review"))
        self.add.setAccessibleName(self.add.text())
        self.add.setToolTip(self.tr("A review of your own, as if a buyer had written it"))
        self.add.clicked.connect(self.add_review)
        content = QWidget()
        set_role(content, "content")
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(0, 0, 6, 0)
        self._column.setSpacing(8)
        self._column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch(1)
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def commit(self) -> None:
        """Make a step of what is being typed."""
        for row in list(self.rows.values()):
            row.field.commit()

    def show_page(self, item: str, written: tuple[ItemText, ...]) -> None:
        """Show the texts of a product as the scenario has them. written: those of the dataset."""
        edit = self._session.scenario.edit_of(item)
        fresh = item != self._item
        if fresh:
            self._drafts.clear()
            self.verticalScrollBar().setValue(0)
        fields = [name for name in ("title", "description") if not any(one.field == name for one in written)]
        fields += [one.field for one in written]
        fields.sort(key=lambda name: ("title", "description").index(name) if name in ("title", "description") else 2)
        reviews = new_reviews(edit)
        self._drafts = [name for name in self._drafts if name not in reviews]
        fields += [*reviews, *self._drafts]
        if fresh or fields != list(self.rows) or written != self._written:
            self._item, self._written = item, written
            self._make(fields)
        for name, row in self.rows.items():
            self._fill(name, row, edit, fresh)

    def _make(self, fields: list[str]) -> None:
        kept = {name: row for name, row in self.rows.items() if name in fields}
        for name, row in self.rows.items():
            if name not in kept:
                row.hide()
                row.deleteLater()
            self._column.removeWidget(row)
        self.rows = {}
        for place, name in enumerate(fields):
            row = kept[name] if name in kept else self._new_row(name)
            self.rows[name] = row
            self._column.insertWidget(place, row)

    def _new_row(self, field: str) -> _Row:
        row = _Row("", "", lambda: self._pressed(field), lambda text: self._rested(field, text))
        row.field.undo_asked.connect(self._session.undo.undo)
        row.field.redo_asked.connect(self._session.undo.redo)
        return row

    def _fill(self, field: str, row: _Row, edit: ItemEdit, fresh: bool) -> None:
        written = next((one for one in self._written if one.field == field), None)
        text = text_of(edit, self._written, field)
        edited = any(name == field for name, _ in edit.texts)
        gone = edited and not text and field not in ("title", "description")
        name = self._name(field, written)
        row.label.setText(joined([name, self.tr("removed") if gone else self.tr("edited") if edited else ""]))
        row.field.setAccessibleName(name)
        row.field.setVisible(not gone)
        if fresh or not row.field.pending:  # what is being typed is not lost to a step that comes in between
            row.field.say(text)
        back = edited and written is not None
        said = self.tr("Put back") if back else self.tr("Remove")
        row.button.setText(said)
        row.button.setAccessibleName(f"{said}: {name}")
        row.button.setVisible(back or field.startswith("review:"))

    def _name(self, field: str, written: ItemText | None) -> str:
        names = {"title": self.tr("Title"), "description": self.tr("Description")}
        if field in names:
            return names[field]
        if field.startswith(NEW_REVIEW) or written is None:
            return self.tr("Review of your own")
        facts = [self.tr("Review by {author}").format(author=written.author) if written.author else self.tr("Review")]
        if written.rating is not None:
            facts.append("★ " + number(written.rating, 0 if written.rating == int(written.rating) else 1))
        if not written.heeded:
            facts.append(self.tr("not given to the model"))
        return joined(facts)

    def _rested(self, field: str, text: str) -> None:
        if field == "title" and not text.strip():  # a product needs one: while it is written anew, nothing is done
            if not self.rows[field].field.hasFocus():
                self.rows[field].field.say(text_of(self._session.scenario.edit_of(self._item), self._written, field))
            return
        names = {"title": self.tr("Title edited"), "description": self.tr("Description edited")}
        review = self._step(field, self.tr("{text} edited")) if text else self._step(field, self.tr("{text} removed"))
        if field in self._drafts and text:
            self._drafts.remove(field)
            review = self.tr("Review added")
        self._change(field, text, names.get(field, review))

    def _step(self, field: str, text: str) -> str:
        """A step's name: of several reviews each is told by its author."""
        names = {"title": self.tr("Title"), "description": self.tr("Description")}
        author = next((one.author for one in self._written if one.field == field), "")
        review = self.tr("Review by {author}").format(author=author) if author else self.tr("Review")
        return text.format(text=names.get(field, review))

    def _pressed(self, field: str) -> None:
        """Put a text back as it was, or remove a review."""
        edit = self._session.scenario.edit_of(self._item)
        written = next((one for one in self._written if one.field == field), None)
        if field in self._drafts:
            self._drafts.remove(field)
            self.show_page(self._item, self._written)
        elif written is not None and any(name == field for name, _ in edit.texts):
            self._change(field, written.text, self._step(field, self.tr("{text} put back")))
        else:
            self._change(field, "", self._step(field, self.tr("{text} removed")))

    def add_review(self) -> None:
        """Begin a review; it counts once it has words."""
        if not self._item:
            return
        self.commit()
        name = next_review([*self.rows, *new_reviews(self._session.scenario.edit_of(self._item))])
        self._drafts.append(name)
        self.show_page(self._item, self._written)
        field = self.rows[name].field
        field.setFocus(Qt.FocusReason.OtherFocusReason)
        QTimer.singleShot(0, field, lambda: self.ensureWidgetVisible(field))

    def _change(self, field: str, text: str, name: str) -> None:
        scenario = self._session.scenario
        edit = with_text(scenario.edit_of(self._item), self._written, field, text)
        self._session.change(scenario.with_edit(edit), name)
