"""The steps of the what-if by name, to go back and forth in; and the scenarios that were saved."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QToolTip,
    QUndoView,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app.read_only import enable
from app.session import Session
from app.theme import Theme, ThemeSource, icon, set_role
from app.views.panel import Empty, Panel
from app.whatif.saved import Scenarios
from engine.scenario import Scenario
from engine.scenario_files import SavedScenario

STEPS, SCENARIOS = 0, 1
_ROOMY = "QListView::item { padding: 5px 6px; border-radius: 4px; }"
_SIDES = 12  # pixels of padding beside a name
_REST = 800  # milliseconds after the last key before a note is written


class StepsList(QUndoView):
    """Every step by its name; a click or the arrows go to one."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session.undo, parent)
        set_role(self, "plain")
        self.setEmptyLabel(self.tr("As the dataset has it"))
        self.setAccessibleName(self.tr("Steps of the what-if"))
        self.setAccessibleDescription(self.tr("Choosing a step goes back or forth to it."))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setUniformItemSizes(True)
        self.setStyleSheet(_ROOMY)

    def viewportEvent(self, event: QEvent) -> bool:
        """The whole of a name that was cut."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self.indexAt(event.pos())
            text = str(index.data()) if index.isValid() else ""
            cut = self.fontMetrics().horizontalAdvance(text) > self.visualRect(index).width() - _SIDES
            QToolTip.showText(event.globalPos(), text if cut else "", self)
            return True
        return super().viewportEvent(event)


class SavedList(QListWidget):
    """Saved scenarios by name; Enter opens, F2 renames, Delete deletes."""

    open_asked = Signal()
    rename_asked = Signal()
    delete_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "plain")
        self.setStyleSheet(_ROOMY)
        self.setAccessibleName(self.tr("Saved scenarios"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.itemDoubleClicked.connect(lambda _: self.open_asked.emit())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = {
            Qt.Key.Key_Return: self.open_asked, Qt.Key.Key_Enter: self.open_asked,
            Qt.Key.Key_F2: self.rename_asked, Qt.Key.Key_Delete: self.delete_asked,
        }  # fmt: skip
        signal = keys.get(Qt.Key(event.key()))
        if signal is not None and self.currentItem() is not None:
            signal.emit()
        else:
            super().keyPressEvent(event)


class StepsPanel(Panel):
    """The panel on the right: the steps, or the saved scenarios with a note on each."""

    commit_asked = Signal()  # what is being typed is to become a step first

    def __init__(
        self, session: Session, scenarios: Scenarios, themes: ThemeSource, parent: QWidget | None = None
    ) -> None:
        super().__init__(themes, parent)
        self._session = session
        self._scenarios = scenarios
        self._themes = themes
        self.steps = StepsList(session)
        self.undo = self._tool("undo", self.tr("Undo"), self.tr("Undo the last step (Ctrl+Z)"))
        self.redo = self._tool("redo", self.tr("Redo"), self.tr("Do the undone step again (Ctrl+Shift+Z)"))
        self.reset = QPushButton(self.tr("Reset"))
        self.reset.setToolTip(self.tr("Back to the dataset, as a step that can be undone"))
        self.saved = SavedList()
        self.notes = QPlainTextEdit()
        self.save = QPushButton(self.tr("Save as…"))
        self.open = QPushButton(self.tr("Open"))
        self.rename = QPushButton(self.tr("Rename"))
        self.delete = QPushButton(self.tr("Delete"))
        self.empty = Empty()
        self.tabs = QTabBar()
        self.pages = QStackedWidget()
        self._note_rest = QTimer(self, singleShot=True, interval=_REST)
        self._lay_out()
        self._connect()
        self._offer()

    def _tool(self, name: str, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(name, self._themes.theme.muted))
        button.setAccessibleName(text)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def _lay_out(self) -> None:
        self.heading.hide()
        self.note.hide()
        self.notes.setPlaceholderText(self.tr("Notes on this scenario"))
        self.notes.setAccessibleName(self.tr("Notes on this scenario"))
        self.notes.setTabChangesFocus(True)
        self.notes.setFixedHeight(72)
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setAccessibleName(self.tr("Steps or saved scenarios"))
        self.tabs.addTab(self.tr("Steps"))
        self.tabs.addTab(self.tr("Scenarios"))
        self.body.addWidget(self.tabs)
        self.body.addWidget(self.pages, 1)
        self.pages.addWidget(self._page(self.steps, (self.undo, self.redo, self.reset)))
        for button, tip in (
            (self.save, self.tr("Keep what is changed now under a name (Ctrl+S)")),
            (self.open, self.tr("Put the chosen scenario in force (Enter)")),
            (self.rename, self.tr("Give the chosen scenario another name (F2)")),
            (self.delete, self.tr("Delete the chosen scenario (Delete)")),
        ):
            button.setToolTip(tip)
        page = self._page(self.saved, (self.save, self.open))
        column = page.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(1, self.empty, 1)
        self.note_label = QLabel(self.tr("Notes"))
        set_role(self.note_label, "small")
        self.note_label.setBuddy(self.notes)
        column.addWidget(self.note_label)
        column.addWidget(self.notes)
        more = QHBoxLayout()
        more.setSpacing(8)
        more.addWidget(self.rename)
        more.addWidget(self.delete)
        more.addStretch(1)
        column.addLayout(more)
        self.pages.addWidget(page)

    def _page(self, whole: QWidget, buttons: tuple[QWidget, ...]) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(8)
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)
        column.addWidget(whole, 1)
        column.addLayout(row)
        return page

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self.pages.setCurrentIndex)
        stack = self._session.undo
        for button, act in ((self.undo, stack.undo), (self.redo, stack.redo), (self.reset, self.ask_reset)):
            button.clicked.connect(self.commit_asked)
            button.clicked.connect(lambda _=False, act=act: act())
        for signal in (stack.canUndoChanged, stack.canRedoChanged):
            signal.connect(self._offer)
        self._session.scenario_changed.connect(self._offer)
        self._session.run_changed.connect(self._offer)
        self._scenarios.changed.connect(self._list)
        self.saved.currentItemChanged.connect(lambda *_: self._chosen())
        self.saved.open_asked.connect(self.open_chosen)
        self.saved.rename_asked.connect(self.rename_chosen)
        self.saved.delete_asked.connect(self.delete_chosen)
        self.save.clicked.connect(lambda: self.ask_name())
        self.open.clicked.connect(self.open_chosen)
        self.rename.clicked.connect(self.rename_chosen)
        self.delete.clicked.connect(self.delete_chosen)
        self.notes.textChanged.connect(self._note_rest.start)
        self._note_rest.timeout.connect(self.write_note)
        self._themes.changed.connect(self._colour_icons)

    def _colour_icons(self, theme: Theme) -> None:
        self.undo.setIcon(icon("undo", theme.muted))
        self.redo.setIcon(icon("redo", theme.muted))

    def _offer(self, *_: object) -> None:
        stack, there = self._session.undo, self._session.run is not None
        if not isValid(stack):  # the program ends
            return
        self.undo.setEnabled(stack.canUndo())
        self.redo.setEnabled(stack.canRedo())
        changed = there and bool(self._session.scenario.changes)
        self.reset.setEnabled(changed)
        place, chosen = self._session.segments.place, self.chosen is not None
        enable(self.save, changed, place)
        for widget in (self.rename, self.delete, self.notes):
            enable(widget, chosen, place)
        self.open.setEnabled(chosen and there)

    def ask_reset(self) -> None:
        """Everything as the dataset has it, as a step."""
        self._session.change(Scenario(), self.tr("Reset"))

    # --- saved scenarios --------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> SavedScenario | None:
        """The scenario that is marked in the list."""
        item = self.saved.currentItem()
        return self._scenarios.named(item.text()) if item is not None else None

    def _list(self, mark: str) -> None:
        """Show the list; mark: the name to choose, or "" for the one chosen before."""
        current = self.saved.currentItem()
        mark = mark or (current.text() if current is not None else "")
        self.saved.blockSignals(True)
        self.saved.clear()
        for one in self._scenarios.saved:
            item = QListWidgetItem(one.name)
            item.setToolTip(one.note)
            self.saved.addItem(item)
            if one.name == mark:
                self.saved.setCurrentItem(item)
        self.saved.blockSignals(False)
        none = not self._scenarios.saved
        self.saved.setVisible(not none)
        self.empty.setVisible(none)
        for widget in (self.notes, self.note_label, self.rename, self.delete, self.open):
            widget.setVisible(not none)
        self.empty.setText(self.tr("Nothing saved yet. Change something, then save it under a name."))
        self._chosen()

    def _chosen(self) -> None:
        one = self.chosen
        text = one.note if one is not None else ""
        if not self._note_rest.isActive() and text != self.notes.toPlainText():
            self.notes.blockSignals(True)
            self.notes.setPlainText(text)
            self.notes.blockSignals(False)
        self._offer()

    def write_note(self) -> None:
        """Keep the note as it stands."""
        self._note_rest.stop()
        one = self.chosen
        if one is not None and one.note != self.notes.toPlainText():
            self._scenarios.write_note(one, self.notes.toPlainText())

    def ask_name(self) -> None:
        """Save what is changed now under a name that is asked for."""
        self.commit_asked.emit()
        if not self._session.scenario.changes:
            return
        taken = {one.name for one in self._scenarios.saved}
        number = 1
        while (offered := self.tr("Scenario {n}").format(n=number)) in taken:
            number += 1
        name = self._name(self.tr("Save the scenario"), self.chosen.name if self.chosen else offered)
        if not name or (name in taken and not self._sure(self.tr("Replace “{name}”?").format(name=name))):
            return
        self.tabs.setCurrentIndex(SCENARIOS)
        session, known = self._session, self._scenarios.named(name)
        run = session.run.run if session.run is not None else ""
        note = known.note if known is not None else ""
        self._scenarios.save(SavedScenario(name, session.scenario, run, session.user, session.item, note))

    def open_chosen(self) -> None:
        """Put the chosen scenario in force, as a step, and go to what was looked at then."""
        one, session = self.chosen, self._session
        if one is None or session.run is None:
            return
        self.commit_asked.emit()
        session.change(one.scenario, self.tr("“{name}” opened").format(name=one.name))
        if one.user in session.run.shoppers.user or session.scenario.past_of(one.user).invented:
            session.choose_user(one.user)
        if one.item in session.run.items.item:
            session.choose_item(one.item)

    def rename_chosen(self) -> None:
        """Give the chosen scenario another name."""
        one = self.chosen
        if one is None:
            return
        name = self._name(self.tr("Rename the scenario"), one.name)
        taken = {other.name for other in self._scenarios.saved}
        other = bool(name) and name != one.name
        if other and (name not in taken or self._sure(self.tr("Replace “{name}”?").format(name=name))):
            self._scenarios.rename(one, name)

    def delete_chosen(self) -> None:
        """Delete the chosen scenario after asking."""
        one = self.chosen
        if one is not None and self._sure(self.tr("Delete “{name}”?").format(name=one.name), self.tr("Delete")):
            self._scenarios.delete(one)

    def _name(self, title: str, offered: str) -> str:
        dialog = QInputDialog(self)
        dialog.setWindowTitle(title)
        dialog.setLabelText(self.tr("Name"))
        dialog.setTextValue(offered)
        dialog.setOkButtonText(self.tr("Save"))
        dialog.setCancelButtonText(self.tr("Cancel"))
        return dialog.textValue().strip() if dialog.exec() else ""

    def _sure(self, question: str, yes: str = "") -> bool:
        box = QMessageBox(self)
        box.setWindowTitle("Heedmap")
        box.setText(question)
        act = box.addButton(yes or self.tr("Replace"), QMessageBox.ButtonRole.AcceptRole)
        keep = box.addButton(self.tr("Keep it"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        box.exec()
        return box.clickedButton() is act
