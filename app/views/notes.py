"""Notes on the chosen product and shopper: a button in a panel's heading, and what is written behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QDateTime, QEvent, QLocale, QObject, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QTextDocument
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextDocumentLayout,
    QPlainTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.notes import Notebook
from app.session import Session
from app.theme import ThemeSource, icon, set_role, ui_font
from app.views.panel import Heading, Panel, focus_again
from engine.notes import Kind, Note

if TYPE_CHECKING:
    from app.views.explore import ExploreView
    from app.window import Window

_SIZE = QSize(340, 232)
_PAUSE = 400  # milliseconds without a key until a note is kept
_NAME = "heedmap_note"


def tr(text: str) -> str:
    return QCoreApplication.translate("Notes", text)


def attach_notes(view: ExploreView, window: Window) -> None:
    """Give the panels of the product and of the shopper their buttons."""
    for panel, kind in ((view.product, "product"), (view.history, "shopper")):
        put(panel, NoteButton(kind, window.session, window.notebook, window.themes))  # type: ignore[arg-type]


def put(panel: Panel, button: NoteButton) -> None:
    """Into the heading of a panel, at its right end."""
    first = panel.body.itemAt(0)
    heading = first.layout() if first is not None else None
    if isinstance(heading, QBoxLayout):
        heading.addWidget(button)


def open_note(window: Window, kind: Kind) -> None:
    """Go to Explore and open the note on what is chosen there."""
    if not (window.session.item if kind == "product" else window.session.user):
        window.remark.say(tr("Choose a product first.") if kind == "product" else tr("Choose a shopper first."))
        return
    window.show_view("explore")
    button = next((one for one in window.frame.findChildren(NoteButton) if one.kind == kind), None)
    if button is not None:
        button.open()


class NoteButton(QToolButton):
    """Opens the note on the chosen product or shopper; a dot tells that there is one."""

    def __init__(
        self, kind: Kind, session: Session, notebook: Notebook, themes: ThemeSource, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.kind = kind
        self._session, self._notebook, self._themes = session, notebook, themes
        self._colour: QColor | None = None  # of the icon as it was drawn last
        self.setFixedSize(24, 20)  # no higher than the heading beside it
        self.setStyleSheet("padding: 0")
        self.setIconSize(QSize(16, 16))
        self.clicked.connect(self.open)
        for signal in (notebook.changed, session.run_changed, session.user_changed, session.item_changed):
            signal.connect(self._show)
        themes.changed.connect(self._show)
        self._show()

    @property
    def key(self) -> str:
        """The chosen product or shopper."""
        return self._session.item if self.kind == "product" else self._session.user

    @property
    def note(self) -> Note | None:
        run = self._session.run
        return self._notebook.note(run.dataset.folder, self.kind, self.key) if run is not None else None

    @property
    def title(self) -> str:
        """What the note is on, as the window calls it."""
        run = self._session.run
        if self.kind == "product" and run is not None and self.key in run.items.item:
            return run.items.title[run.items.item.index(self.key)]
        return self.key

    def open(self) -> None:
        run = self._session.run
        if run is not None and self.key:
            NotePopover.of(self).open(self._notebook, run.dataset.folder, self.kind, self.key, self.title, self)

    def _show(self, *_: object) -> None:
        self.setVisible(bool(self._session.run is not None and self.key))
        note = self.note
        name = tr("Note on this product") if self.kind == "product" else tr("Note on this shopper")
        first = note.text.strip().splitlines()[0][:80] if note is not None else ""
        keys = " (Ctrl+Alt+N)" if self.kind == "product" else ""
        self.setToolTip(first or name + keys)
        self.setAccessibleName(name)
        self.setAccessibleDescription(first)
        theme = self._themes.theme
        colour = theme.accent if note is not None else theme.muted
        if colour != self._colour:  # drawing it takes longer than all the rest
            self._colour = colour
            self.setIcon(icon("note", colour, 16))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.note is not None:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._themes.theme.accent)
            painter.drawEllipse(QPoint(self.width() - 4, 4), 3, 3)
            painter.end()


class NotePopover(QFrame):
    """Lies over the window below its button. It keeps itself: Escape or a click elsewhere only puts it away.

    A note's undo list lives as long as the window, so that what was written over can be had back.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName(_NAME)
        set_role(self, "popup")
        self.setFixedSize(_SIZE)
        self._notebook: Notebook | None = None
        self._at: tuple[str, Kind, str] = ("", "product", "")
        self._documents: dict[tuple[str, Kind, str], QTextDocument] = {}
        self.heading = Heading("strong")
        self.edit = QPlainTextEdit()
        self.edit.setTabChangesFocus(True)
        self.when = QLabel()
        set_role(self.when, "small")
        keys = QLabel("Esc")
        set_role(keys, "key")
        foot = QHBoxLayout()
        foot.addWidget(self.when, 1)
        foot.addWidget(keys)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 8)
        column.setSpacing(8)
        column.addWidget(self.heading)
        column.addWidget(self.edit, 1)
        column.addLayout(foot)
        self._before: QWidget | None = None  # had the keyboard
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE)
        self._pause.timeout.connect(self.keep)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._focus_moved)
        window.installEventFilter(self)
        self.hide()

    @staticmethod
    def of(widget: QWidget) -> NotePopover:
        """The popover of the window that `widget` is in."""
        window = widget.window()
        found = window.findChild(NotePopover, _NAME, Qt.FindChildOption.FindDirectChildrenOnly)
        return found if isinstance(found, NotePopover) else NotePopover(window)

    def open(self, notebook: Notebook, dataset: str, kind: Kind, key: str, title: str, near: QWidget) -> None:
        """Write on the note of a product or shopper, below `near`."""
        self.keep()
        self._notebook, self._at = notebook, (dataset, kind, key)
        note = notebook.note(dataset, kind, key)
        self.heading.say(tr("Note on {0}").format(title))
        for one in (self, self.edit):
            one.setAccessibleName(tr("Note on {0}").format(title))
        self.edit.setPlaceholderText(tr("What should be remembered? It is kept with the workspace, as you write."))
        self.edit.setDocument(self._document(note.text if note is not None else ""))
        self._say_when(note)
        window = self.parentWidget()
        if window is not None:
            corner = near.mapTo(window, QPoint(near.width() - self.width(), near.height() + 4))
            x = min(max(corner.x(), 8), window.width() - self.width() - 8)
            self.move(x, min(corner.y(), window.height() - self.height() - 8))
        here = QApplication.focusWidget()
        if here is not self.edit:
            self._before = here
        self.show()
        self.raise_()
        self.edit.setFocus(Qt.FocusReason.PopupFocusReason)
        self.edit.moveCursor(self.edit.textCursor().MoveOperation.End)

    def _document(self, text: str) -> QTextDocument:
        """With its undo list, unless the note was changed elsewhere."""
        document = self._documents.get(self._at)
        if document is None or document.toPlainText() != text:
            document = QTextDocument(text, self)
            document.setDocumentLayout(QPlainTextDocumentLayout(document))
            document.setDefaultFont(ui_font())
            document.contentsChanged.connect(self._pause.start)
            self._documents[self._at] = document
        return document

    def keep(self) -> None:
        """Keep what is written, if it is different."""
        self._pause.stop()
        if self._notebook is None:
            return
        note = self._notebook.note(*self._at)
        text = self.edit.toPlainText()
        if text != (note.text if note is not None else "") and (text.strip() or note is not None):
            self._notebook.write(*self._at, text)
        self._say_when(self._notebook.note(*self._at))

    def _say_when(self, note: Note | None) -> None:
        if note is None:
            self.when.setText(tr("Not written yet"))
            return
        moment = QDateTime.fromMSecsSinceEpoch(note.changed)
        self.when.setText(tr("Kept {0}").format(QLocale().toString(moment, QLocale.FormatType.ShortFormat)))

    def _focus_moved(self, _before: QWidget | None, now: QWidget | None) -> None:
        menu = QApplication.activePopupWidget() is not None
        if self.isVisible() and now is not None and not menu and now is not self and not self.isAncestorOf(now):
            self.hide()

    def hideEvent(self, event: object) -> None:
        self.keep()
        super().hideEvent(event)  # type: ignore[arg-type]

    def event(self, event: QEvent) -> bool:
        """Escape is ours while this is open, whatever else it does in the window."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                self._leave()
                return True
        return super().event(event)

    def _leave(self) -> None:
        """Put it away; the keyboard goes on where it was."""
        before, self._before = self._before, None
        focus_again(before)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.hide()  # its button has moved
        return False
