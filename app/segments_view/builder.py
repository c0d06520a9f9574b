"""Makes a segment by conditions on any column and on what was chosen; who meets them is counted as they change."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app.questions import Questions
from app.read_only import enable
from app.segments import Kind
from app.segments_view.filters import FilterRow, Products
from app.session import Session
from app.theme import ThemeSource, set_role
from app.views.panel import Panel
from engine.columns import Columns, Selection

_PAUSE = 150  # milliseconds after an edit until it is counted
_NAMED = 6  # members that are named under the count


class Builder(Panel):
    """`saved` brings the name and what was found; the engine's words about a wrong value stand under the count."""

    saved = Signal(str, object, str)  # name, Selection, rule
    cancelled = Signal()

    def __init__(self, session: Session, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self._session, self._themes = session, themes
        self._questions = Questions(session.engine, "segment-builder", self)
        self._questions.failed.connect(self._failed)
        self._table: Columns | None = None
        self._products: Products | None = None
        self.found: Selection | None = None
        self.rows: list[FilterRow] = []
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE)
        self._pause.timeout.connect(self._count)
        self._shape = QTimer(self, singleShot=True, interval=0)  # a row has its height once it is shown
        self._shape.timeout.connect(self._fit)
        self._lay_out()

    def _lay_out(self) -> None:
        self.heading.say(self.tr("New segment"))
        self.kind = QTabBar()
        self.kind.setExpanding(False)
        self.kind.setDrawBase(False)
        self.kind.setAccessibleName(self.tr("What the segment holds"))
        self.kind.addTab(self.tr("Shoppers"))
        self.kind.addTab(self.tr("Products"))
        self.kind.currentChanged.connect(lambda _: self._begin())
        self.every = QComboBox()
        self.every.addItem(self.tr("All conditions hold"), True)
        self.every.addItem(self.tr("Any condition holds"), False)
        self.every.setAccessibleName(self.tr("How conditions go together"))
        self.every.currentIndexChanged.connect(self._edited)
        self.add = QPushButton(self.tr("Add a condition"))
        self.add.setToolTip(self.tr("One more condition (Ctrl+Return)"))
        self.add.clicked.connect(lambda: self.add_row())
        holder = QWidget()
        holder.setProperty("role", "content")
        self._column = QVBoxLayout(holder)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(8)
        scroll = QScrollArea()
        scroll.setWidget(holder)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll = scroll
        self.count = QLabel()
        set_role(self.count, "figure")
        self.names = QLabel()
        set_role(self.names, "muted")
        self.names.setWordWrap(True)
        self.names.setTextFormat(Qt.TextFormat.PlainText)
        self.name = QLineEdit()
        self.name.setPlaceholderText(self.tr("Name of the segment"))
        self.name.setAccessibleName(self.tr("Name of the segment"))
        self.name.returnPressed.connect(self._save)
        self.save = QPushButton(self.tr("Save segment"))
        set_role(self.save, "primary")
        self.save.setToolTip(self.tr("Keep this segment for every view (Ctrl+S)"))
        self.save.clicked.connect(self._save)
        cancel = QPushButton(self.tr("Cancel"))
        cancel.clicked.connect(self.cancelled)
        together = QHBoxLayout()
        together.setSpacing(8)
        together.addWidget(self.every)
        together.addWidget(self.add)
        together.addStretch(1)
        bottom = QHBoxLayout()
        bottom.setSpacing(8)
        bottom.addWidget(self.name, 1)
        bottom.addWidget(self.save)
        bottom.addWidget(cancel)
        self.body.addWidget(self.kind)
        self.body.addLayout(together)
        self.body.addWidget(scroll, 100)
        self.body.addSpacing(6)
        self.body.addWidget(self.count)
        self.body.addWidget(self.names)
        self.body.addStretch(1)
        self.body.addLayout(bottom)

    @property
    def what(self) -> Kind:
        return "items" if self.kind.currentIndex() else "users"

    @property
    def busy(self) -> bool:
        return self._questions.busy or self._pause.isActive()

    def begin(self) -> None:
        """Start an empty segment on the open run."""
        self.name.clear()
        self._products = None
        self._begin()

    def _begin(self) -> None:
        for row in list(self.rows):
            self._drop(row)
        self._table, self.found = None, None
        run = self._session.run
        self._say()
        if run is not None:
            self._questions.ask("columns", self._arrived, run=run.folder, kind=self.what)

    def _arrived(self, table: Columns) -> None:
        run = self._session.run
        if run is None or table.kind != self.what:
            return
        self._table = table
        if self._products is None:
            self._products = Products(run)
        if not self.rows:
            self.add_row()

    def add_row(self) -> FilterRow | None:
        """One more condition."""
        if self._table is None or self._products is None:
            return None
        row = FilterRow(self._themes, self._table, self._products, self._session.item)
        row.changed.connect(self._edited)
        row.removed.connect(lambda: self._drop(row))
        self.rows.append(row)
        self._column.addWidget(row)
        self._shape.start()
        row.what.setFocus()
        self._edited()
        return row

    def _fit(self) -> None:
        """The conditions take the room that they need: who meets them stands right below."""
        self._scroll.setMaximumHeight(self._column.sizeHint().height() + 2)
        self.body.activate()
        newest = self.rows[-1] if self.rows else None
        if newest is not None and newest.what.hasFocus():
            self._scroll.ensureWidgetVisible(newest, 0, 0)

    def _drop(self, row: FilterRow) -> None:
        self.rows.remove(row)
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()
        self._shape.start()
        self._edited()

    def _edited(self, _: object = None) -> None:
        self._pause.start()

    def _count(self) -> None:
        run = self._session.run
        filters = tuple(made for row in self.rows if (made := row.filter()) is not None)
        if run is None or self._table is None:
            return
        every = bool(self.every.currentData())
        self._questions.ask("matching", self._counted, run=run.folder, kind=self.what, filters=filters, every=every)

    def _counted(self, found: Selection) -> None:
        if found.kind == self.what:
            self.found = found
            self._say()

    def _failed(self, message: str, hint: str) -> None:
        self.found = None
        self._say()
        self.names.setText(f"{message} {hint}")

    def _say(self) -> None:
        found, run = self.found, self._session.run
        enable(self.save, found is not None and bool(found.keys), self._session.segments.place)
        if found is None or run is None:
            self.count.setText("…" if run is not None else "")
            self.names.setText("")
            return
        text = self.tr("{n} of {all} shoppers") if found.kind == "users" else self.tr("{n} of {all} products")
        self.count.setText(text.format(n=f"{len(found.keys):,}", all=f"{found.whole:,}"))
        first = found.keys[:_NAMED]
        if found.kind == "items" and self._products is not None:
            first = tuple(self._products.title_of.get(key, key) for key in first)
        more = " …" if len(found.keys) > len(first) else ""
        self.names.setText(", ".join(first) + more if first else self.tr("Nobody meets these conditions: widen one."))
        self.name.setPlaceholderText(self.rule() or self.tr("Name of the segment"))

    def rule(self) -> str:
        """The conditions, for people."""
        words = [row.words() for row in self.rows if row.filter() is not None]
        return (self.tr(" and ") if self.every.currentData() else self.tr(" or ")).join(words)

    def _save(self) -> None:
        if self.found is not None and self.found.keys and not self.busy:
            self.saved.emit(self.name.text().strip() or self.rule()[:60], self.found, self.rule())
