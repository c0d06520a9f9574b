"""Help beside the view in front: what it is for, how to use it, which keys there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from app.actions import Action
from app.theme import ThemeSource, icon, set_role

HELP = Path(__file__).resolve().parents[2] / "resources" / "help"
WIDTH = 340


def read_help(language: str, view: str) -> str:
    """The page of a view in a language, Markdown; the English one where there is no other, "" where there is none."""
    for tongue in (language, "en"):
        page = HELP / tongue / f"{view}.md"
        if page.is_file():
            return page.read_text(encoding="utf-8")
    return ""


class HelpDrawer(QFrame):
    """Stands at the right of the window; `show_view` turns it to another page."""

    closed = Signal()
    view_asked = Signal(str)  # a link to another view was followed

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "drawer")
        self.setFixedWidth(WIDTH)
        self.setAccessibleName(self.tr("Help"))
        title = QLabel(self.tr("Help"))
        set_role(title, "heading")
        self.away = QPushButton(icon("close", themes.theme.muted), "")
        set_role(self.away, "quiet")
        self.away.setToolTip(self.tr("Close help (F1)"))
        self.away.setAccessibleName(self.tr("Close help (F1)"))
        self.away.clicked.connect(self.closed)
        self.page = QTextBrowser()
        self.page.setOpenLinks(False)
        self.page.setFrameShape(QFrame.Shape.NoFrame)
        self.page.setAccessibleName(self.tr("Help"))
        self.page.anchorClicked.connect(self._follow)
        top = QHBoxLayout()
        top.addWidget(title, 1)
        top.addWidget(self.away)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 8, 12)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self.page, 1)

    def show_view(self, language: str, view: str, actions: Sequence[Action]) -> None:
        """Turn to a view's page, with the shortcuts of these actions below it."""
        keys = [
            f"| {QKeySequence(action.shortcut).toString(QKeySequence.SequenceFormat.NativeText)} | {action.text} |"
            for action in actions
            if action.shortcut
        ]
        table = "\n".join([f"| {self.tr('Key')} | {self.tr('What it does')} |", "|---|---|", *keys])
        self.page.setMarkdown(f"{read_help(language, view)}\n\n## {self.tr('Keys')}\n\n{table}\n")
        self.page.verticalScrollBar().setValue(0)

    def _follow(self, link: QUrl) -> None:
        if link.scheme() == "view":
            self.view_asked.emit(link.path())

    def keyPressEvent(self, event: object) -> None:
        if getattr(event, "key", int)() == Qt.Key.Key_Escape:
            self.closed.emit()
            return
        super().keyPressEvent(event)  # type: ignore[arg-type]  # the event as Qt gave it
