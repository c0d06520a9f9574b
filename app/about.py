"""Help > About: which Heedmap this is, and every package that it stands on, with its licence."""

from __future__ import annotations

import platform
import sys
from functools import partial
from importlib.metadata import version

from PySide6.QtCore import QObject, QSize, Qt, Signal, qVersion
from PySide6.QtGui import QFontDatabase, QGuiApplication, QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.crash import without_home
from app.disk_thread import DiskThread
from app.i18n import joined
from app.packages import Package, own_licence, packages
from app.settings import log_folder
from app.theme import ICONS, SMALL_PIXELS, set_role
from engine.errors import HeedmapError

LICENCE = "Apache-2.0"
_MARK = QSize(48, 48)
_KNOWN = ("torch", "torchvision", "transformers", "duckdb", "pyarrow", "numpy", "pandas", "pyqtgraph", "typst")


class _Reader(QObject):
    """Reads the licences beside the Qt thread."""

    read = Signal(object)  # list[tuple[Package, str]]
    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.disk = DiskThread()

    def start(self, own: Package) -> None:
        self.disk.start(partial(self._read, own))

    def _read(self, own: Package) -> None:
        try:
            found = [(own, own_licence()), *((one, one.text()) for one in packages())]
        except HeedmapError as error:
            self.failed.emit(str(error))
            return
        self.read.emit(found)


class AboutDialog(QDialog):
    """The list is filled a moment after the dialog is shown."""

    def __init__(self, device: str = "", parent: QWidget | None = None) -> None:
        """device: what computes, as the status bar has it."""
        super().__init__(parent)
        self._device = device
        self._found: list[tuple[Package, str]] = []
        self.setWindowTitle(self.tr("About Heedmap"))
        self.resize(980, 620)
        self.search = QLineEdit()
        set_role(self.search, "search")
        self.search.setPlaceholderText(self.tr("Search packages and licences"))
        self.search.setAccessibleName(self.tr("Search packages and licences"))
        self.search.setClearButtonEnabled(True)
        self.table = self._make_table()
        self.name, self.page, self.text = QLabel(), QLabel(), QPlainTextEdit()
        self.count = QLabel(self.tr("Reading packages"))
        set_role(self.count, "heading")
        self.copy = QPushButton(self.tr("Copy details"))
        self.copy.setToolTip(
            self.tr("Put versions and this computer's kind on the clipboard, for who supports Heedmap")
        )
        self.close_button = QPushButton(self.tr("Close"))
        self._lay_out()
        self.search.textChanged.connect(self._filter)
        self.table.itemSelectionChanged.connect(self._show_chosen)
        self.copy.clicked.connect(self._copy)
        self.close_button.clicked.connect(self.accept)
        self._reader = _Reader(self)
        self._reader.read.connect(self._fill)
        self._reader.failed.connect(self._failed)
        self._reader.start(Package("Heedmap", version("heedmap"), LICENCE, "", ()))
        self.search.setFocus()

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, 3)
        table.setHorizontalHeaderLabels([self.tr("Package"), self.tr("Version"), self.tr("Licence")])
        table.setAccessibleName(self.tr("Packages that Heedmap stands on"))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(28)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(1, 88)
        header.resizeSection(2, 120)
        return table

    def _lay_out(self) -> None:
        mark, title, line, words = QLabel(), QLabel(f"Heedmap {version('heedmap')}"), QLabel(), QLabel()
        mark.setAccessibleName("Heedmap")
        mark.setPixmap(QIcon(str(ICONS / "heedmap.svg")).pixmap(_MARK, self.devicePixelRatioF()))
        set_role(title, "title")
        set_role(line, "muted")
        set_role(words, "muted")
        line.setText(joined([LICENCE, f"Python {platform.python_version()}", f"Qt {qVersion()}", _system()]))
        words.setText(self.tr("It works offline: no network connection is ever opened, and nothing is sent."))
        column = QVBoxLayout()
        column.setSpacing(2)
        for one in (title, line, words):
            one.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(one)
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(column, 1)
        left, right = QWidget(), QWidget()
        of_list, of_text = QVBoxLayout(left), QVBoxLayout(right)
        for half in (of_list, of_text):
            half.setContentsMargins(0, 0, 0, 0)
            half.setSpacing(8)
        of_list.addWidget(self.count)
        of_list.addWidget(self.search)
        of_list.addWidget(self.table, 1)
        set_role(self.name, "strong")
        set_role(self.page, "muted")
        self.page.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(self.tr("Licence"))
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        fixed.setPixelSize(SMALL_PIXELS)
        self.text.setFont(fixed)
        self.text.setTabChangesFocus(True)
        set_role(self.text, "page")
        of_text.addWidget(self.name)
        of_text.addWidget(self.page)
        of_text.addWidget(self.text, 1)
        halves = QSplitter()
        halves.setChildrenCollapsible(False)
        halves.setHandleWidth(16)
        halves.addWidget(left)
        halves.addWidget(right)
        halves.setSizes([370, 570])
        rule = QFrame()
        set_role(rule, "line")
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(20, 20, 20, 16)
        whole.setSpacing(16)
        whole.addLayout(top)
        whole.addWidget(rule)
        whole.addWidget(halves, 1)
        whole.addLayout(buttons)

    # --- the list ---------------------------------------------------------------------------------------------------

    def _fill(self, found: list[tuple[Package, str]]) -> None:
        self._found = found
        self.table.setRowCount(len(found))
        for row, (one, _) in enumerate(found):
            for column, text in enumerate((one.name, one.version, one.licence)):
                item = QTableWidgetItem(text)
                item.setToolTip(text if column == 2 and len(text) > 18 else "")
                self.table.setItem(row, column, item)
        self.count.setText(self.tr("It stands on %n package(s)", "", len(found) - 1))
        self._filter(self.search.text())
        if not self.table.selectedItems():
            self.table.selectRow(0)

    def _failed(self, message: str) -> None:
        set_role(self.count, "error")
        self.count.setWordWrap(True)
        self.count.setText(message)

    def _filter(self, query: str) -> None:
        """Hide what has not all of the words in its name or licence."""
        words = query.lower().split()
        first = -1
        for row, (one, _) in enumerate(self._found):
            line = f"{one.name} {one.licence}".lower()
            there = all(word in line for word in words)
            self.table.setRowHidden(row, not there)
            first = row if there and first < 0 else first
        chosen = self.table.currentRow()
        if first >= 0 and (chosen < 0 or self.table.isRowHidden(chosen)):
            self.table.selectRow(first)
        elif first < 0:
            self.table.clearSelection()

    def _show_chosen(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if not rows:
            self.name.clear()
            self.page.clear()
            self.text.setPlainText(self.tr("No package is called so."))
            return
        one, text = self._found[rows[0].row()]
        self.name.setText(f"{one.name} {one.version}")
        self.page.setText(joined([one.licence, one.homepage]))
        self.text.setPlainText(text or self.tr("This package brings no text of its licence, {0}.").format(one.licence))

    # --- details ----------------------------------------------------------------------------------------------------

    def details(self) -> str:
        """What who supports Heedmap asks for first."""
        screen = self.screen()
        lines = [
            f"Heedmap {version('heedmap')}{', installed' if getattr(sys, 'frozen', False) else ', from source'}",
            f"{_system()} ({platform.platform()})",
            f"Python {platform.python_version()}, Qt {qVersion()} ({QGuiApplication.platformName()})",
            f"Screen {screen.size().width()} x {screen.size().height()} at {screen.devicePixelRatio():g}",
            f"Computes on {self._device or '?'}",
            f"Logs and reports: {without_home(str(log_folder()))}",
            *(f"{one.name} {one.version}" for one, _ in self._found if one.name.lower() in _KNOWN),
        ]
        return "\n".join(lines)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.details())
        self.copy.setText(self.tr("Copied"))

    def done(self, result: int) -> None:
        self._reader.disk.wait()
        super().done(result)


def show_about(device: str, parent: QWidget) -> AboutDialog:
    """Open the dialog; device: see `AboutDialog`."""
    dialog = AboutDialog(device, parent)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def _system() -> str:
    from engine.selftest.machine import system_name

    return system_name()
