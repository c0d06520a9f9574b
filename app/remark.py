"""A quiet line at the foot of the window: what was done, a way to look at it, gone by itself."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QEnterEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.theme import ThemeSource, icon, set_role, ui_font

SECONDS = 8
_ABOVE = 44  # pixels from the window's lower edge: the status bar and a gap


class Remark(QFrame):
    """Lies over the window, in its middle. It stays while the pointer or the keyboard is on it."""

    def __init__(self, themes: ThemeSource, window: QWidget) -> None:
        super().__init__(window)
        self._themes = themes
        self._act: Callable[[], None] | None = None
        set_role(self, "popup")
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._button = QPushButton()
        set_role(self._button, "link")
        self._button.clicked.connect(self._do)
        self._away = QPushButton()
        set_role(self._away, "quiet")
        self._away.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 8, 6)
        row.setSpacing(8)
        row.addWidget(self._text)
        row.addWidget(self._button)
        row.addWidget(self._away)
        self._timer = QTimer(self, singleShot=True, interval=SECONDS * 1000)
        self._timer.timeout.connect(self._go)
        window.installEventFilter(self)
        self.hide()

    @property
    def message(self) -> str:
        return self._text.text()

    def say(self, text: str, offer: str = "", act: Callable[[], None] | None = None, *, seconds: int = SECONDS) -> None:
        """Show `text`, and a button called `offer` that does `act`, for so many seconds."""
        self._timer.setInterval(seconds * 1000)
        self._act = act
        for one in (self._text, self._button):  # this was made before the window had its font
            one.setFont(ui_font())
        self._text.setText(text)
        self._button.setText(offer)
        self._button.setVisible(bool(offer))
        self._away.setToolTip(self.tr("Dismiss (Esc)"))
        self._away.setAccessibleName(self.tr("Dismiss"))
        self._away.setIcon(icon("close", self._themes.theme.muted, 14))
        self.setAccessibleName(text)
        from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent  # the first frame does without them

        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))
        self.show()
        self._place()
        self._timer.start()

    def _place(self) -> None:
        window = self.parentWidget()
        if window is not None:
            self.adjustSize()
            width = min(self.width(), window.width() - 32)
            self.setGeometry(
                (window.width() - width) // 2, window.height() - _ABOVE - self.height(), width, self.height()
            )
            self.raise_()

    def _do(self) -> None:
        act = self._act
        self.hide()
        if act is not None:
            act()

    def _go(self) -> None:
        if self.underMouse() or self._button.hasFocus() or self._away.hasFocus():
            self._timer.start()
        else:
            self.hide()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._timer.start()
        super().enterEvent(event)

    def hideEvent(self, event: object) -> None:
        self._timer.stop()
        super().hideEvent(event)  # type: ignore[arg-type]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False
