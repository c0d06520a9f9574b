"""What the window says of a fault: where its report is, and that nothing was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, Qt, QUrl, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QDesktopServices,
    QGuiApplication,
    QKeyEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.crash import Crashes, Report
from app.theme import ThemeSource, icon, set_role, ui_font

if TYPE_CHECKING:
    from app.window import Window

WIDTH = 400
_ABOVE = 44  # pixels from the window's lower edge: the status bar and a gap
_ASIDE = 16
_ENGINE = "A fault in Heedmap:"  # how an engine's answer begins that is not the user's to mend


class FaultNote(QFrame):
    """Lies over the window's lower right corner until it is put away. The first report of several is shown."""

    def __init__(self, themes: ThemeSource, window: QWidget) -> None:
        super().__init__(window)
        self._themes = themes
        self._report = Report(None, "")
        set_role(self, "popup")
        self.setFixedWidth(WIDTH)
        self._title, self._text = QLabel(), QLabel()
        set_role(self._title, "strong")
        set_role(self._text, "muted")
        for label in (self._title, self._text):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.open, self.copy, self.away = QPushButton(), QPushButton(), QPushButton()
        set_role(self.away, "quiet")
        self.open.clicked.connect(self._open)
        self.copy.clicked.connect(self._copy)
        self.away.clicked.connect(self.hide)
        top, buttons = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(self.away, 0, Qt.AlignmentFlag.AlignTop)
        buttons.setSpacing(8)
        buttons.addWidget(self.open)
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 8, 14)
        column.setSpacing(4)
        column.addLayout(top)
        column.addWidget(self._text)
        column.addSpacing(8)
        column.addLayout(buttons)
        window.installEventFilter(self)
        self.hide()

    @property
    def message(self) -> str:
        return f"{self._title.text()} {self._text.text()}"

    def tell(self, report: Report, *, before: bool = False) -> None:
        """Say that there is a report; before: of the window that was open before this one."""
        if not self.isHidden():
            return
        self._report = report
        for one in (self._title, self._text, self.open, self.copy):  # this was made before the window had its font
            one.setFont(ui_font())
        self._title.setText(self.tr("Heedmap was ended by a fault") if before else self.tr("Something went wrong"))
        kept = self.tr("What was open is restored.") if before else self.tr("Your work is kept; you can go on.")
        where = (
            self.tr("A report is kept on this computer; nothing was sent.")
            if report.path is not None
            else self.tr("Its report could not be written to the disk; it can be copied. Nothing was sent.")
        )
        self._text.setText(f"{kept}\n{where}")
        self.open.setText(self.tr("Open folder"))
        self.open.setToolTip(str(report.path.parent) if report.path is not None else "")
        self.open.setVisible(report.path is not None)
        self.copy.setText(self.tr("Copy report"))
        self.copy.setToolTip(self.tr("Put the report on the clipboard, to send it to who supports Heedmap"))
        self.away.setToolTip(self.tr("Dismiss (Esc)"))
        self.away.setAccessibleName(self.tr("Dismiss"))
        self.away.setIcon(icon("close", self._themes.theme.muted, 14))
        self.setAccessibleName(self.message)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, self.message))
        self.show()
        self._place()

    def _place(self) -> None:
        window = self.parentWidget()
        if window is not None:
            height = self.heightForWidth(WIDTH)
            self.resize(WIDTH, height if height > 0 else self.sizeHint().height())
            self.move(window.width() - WIDTH - _ASIDE, window.height() - _ABOVE - self.height())
            self.raise_()

    def _open(self) -> None:
        if self._report.path is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._report.path.parent)))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._report.text)
        self.copy.setText(self.tr("Copied"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False


class Faults(QObject):
    """Passes reports to the window's note, from whatever thread, and tells them what goes on in the window. To be made
    once the window is ready."""

    _told = Signal(object)  # Report

    def __init__(self, crashes: Crashes, window: Window) -> None:
        super().__init__(window.frame)
        self._crashes = crashes
        self.note = FaultNote(window.themes, window.frame)
        self._told.connect(self.note.tell, Qt.ConnectionType.QueuedConnection)
        crashes.said = self._told.emit
        for lane in window.lanes:
            lane.failed.connect(self._failed)
            lane.restarted.connect(crashes.engine_fell)
        batch = window.batch
        batch.done.connect(lambda task, _: crashes.note(f"done: {task.kind}"))
        batch.failed.connect(lambda task, *_: crashes.note(f"failed: {task.kind}"))
        batch.cancelled.connect(lambda task: crashes.note(f"stopped: {task.kind}"))
        window.session.run_changed.connect(lambda run: crashes.note("run opened" if run is not None else "run closed"))
        window.frame.destroyed.connect(lambda: setattr(crashes, "said", _nothing))
        fallen = crashes.fallen()
        if fallen is not None:
            self.note.tell(fallen, before=True)
        elif crashes.made:  # before anybody could hear it
            self.note.tell(crashes.made[0])

    def _failed(self, _job: int, message: str, _hint: str) -> None:
        if message.startswith(_ENGINE):
            self._crashes.engine_fault(message)


def _nothing(_: Any) -> None:
    """Nobody is there to be told."""
