"""What the window says, to whom: Qt's own words, days of the country, the keyboard after a popup, a screen reader."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.i18n import LanguageSource
from app.main_window import MainWindow

Open = Callable[..., MainWindow]


def test_qt_itself_speaks_the_language_of_the_window(qtbot: QtBot) -> None:
    chinese = LanguageSource("zh_CN")
    try:
        asked = QFileDialog()
        qtbot.addWidget(asked)
        asked.setOption(QFileDialog.Option.DontUseNativeDialog)
        asked.setFileMode(QFileDialog.FileMode.Directory)
        said = [one.text() for one in asked.findChildren(QLabel)] + [
            one.text() for one in asked.findChildren(QPushButton)
        ]
        assert said
        assert [one for one in said if re.search("[A-Za-z]{3}", one)] == []
    finally:
        chinese.remove()
    assert QCoreApplication.translate("QFileDialog", "Look in:") == "Look in:"


@pytest.mark.parametrize(
    ("desktop", "language", "day"),
    [
        ("en_GB.UTF-8", "en", "06/05/2026"),
        ("en_US.UTF-8", "en", "5/6/26"),
        ("de_DE.UTF-8", "en", "5/6/26"),
        ("en_ZA.UTF-8", "en", "5/6/26"),  # its numbers have a comma, those that the window writes a point
        ("en_GB.UTF-8", "zh_CN", "2026/5/6"),
    ],
)
def test_days_are_written_as_in_the_desktops_country(desktop: str, language: str, day: str) -> None:
    code = (
        "from PySide6.QtCore import QDate, QLocale; from app.i18n import locale_of;"
        f"one = locale_of({language!r}); print(one.toString(QDate(2026, 5, 6), QLocale.FormatType.ShortFormat), 'and',"
        " one.toString(1234.5))"
    )
    wanted = {**os.environ, "LC_ALL": desktop, "LANG": desktop}
    done = subprocess.run([sys.executable, "-c", code], env=wanted, capture_output=True, text=True, check=True)
    assert done.stdout.split(" and ") == [day, "1,234.5\n"]


def test_the_palette_gives_the_keyboard_back(open_window: Open, qtbot: QtBot) -> None:
    """A view's own keys go on working after a command was found by its words, and after Escape."""
    window = open_window()
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    window.activateWindow()
    window.front.focus_view()
    before = QApplication.focusWidget()
    assert before is not None
    for text, key in (("Read the workspace again", Qt.Key.Key_Return), ("nothing of the kind", Qt.Key.Key_Escape)):
        qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
        assert QApplication.focusWidget() is window.top.palette_field
        qtbot.keyClicks(window.top.palette_field, text)
        qtbot.keyClick(window.top.palette_field, key)
        assert QApplication.focusWidget() is before


def test_an_error_is_told_to_a_screen_reader(open_window: Open, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    window = open_window()
    with monkeypatch.context() as patch:
        patch.setattr(QAccessible, "updateAccessibility", staticmethod(lambda event: heard.append(event.message())))
        window.banner.say("The run cannot be read.", "Choose another one.")
    assert heard == ["The run cannot be read. Choose another one."]
