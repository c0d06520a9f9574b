"""The dark note beside the pointer."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QStackedWidget, QWidget
from pytestqt.qtbot import QtBot

from app.theme import ThemeSource
from app.views.panel import Tip


def test_it_goes_when_a_key_takes_what_it_tells_of_out_of_sight(qtbot: QtBot) -> None:
    pages, inside = QStackedWidget(), QWidget()
    qtbot.addWidget(pages)
    first, second = QWidget(), QWidget()
    inside.setParent(first)
    for page in (first, second):
        pages.addWidget(page)
    with qtbot.waitExposed(pages):
        pages.show()
    tip = Tip.of(inside)
    tip.say(ThemeSource("light"), QRect(0, 0, 10, 10), inside, "A past choice", ["+0.3"])
    assert tip.isVisible()
    pages.setCurrentIndex(1)
    assert not tip.isVisible()
    pages.setCurrentIndex(0)
    tip.say(ThemeSource("light"), QRect(0, 0, 10, 10), inside, "Again", ["+0.3"])
    assert tip.isVisible()
    inside.setParent(None)  # taken away, as when a view is made anew
    assert not tip.isVisible()
    tip.say(ThemeSource("light"), QRect(0, 0, 10, 10), first, "Of another", ["+0.1"])
    assert tip.isVisible()
