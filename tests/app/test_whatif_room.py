"""The panels of What-if in a wide and in a narrow window: each has its room, none lies over another."""

from __future__ import annotations

from itertools import combinations

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.whatif.room import Room


@pytest.fixture
def panels() -> list[QWidget]:
    made = [QWidget() for _ in range(4)]
    made[0].setMinimumHeight(150)
    made[2].setMinimumHeight(400)  # more than a low window has
    return made


def inside(room: Room) -> QWidget:
    widget = room.widget()
    assert widget is not None
    return widget


def lies(room: Room, panel: QWidget) -> tuple[int, int, int, int]:
    corner = panel.mapTo(inside(room), panel.rect().topLeft())
    return corner.x(), corner.y(), corner.x() + panel.width(), corner.y() + panel.height()


def apart(places: list[tuple[int, int, int, int]]) -> bool:
    return all(
        one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        for one, other in combinations(places, 2)
    )


@pytest.mark.parametrize("size", [(1300, 800), (860, 480)])
def test_no_panel_lies_over_another(qtbot: QtBot, panels: list[QWidget], size: tuple[int, int]) -> None:
    room = Room(*panels)
    qtbot.addWidget(room)
    room.resize(*size)
    room.show()
    assert room.narrow == (size[0] < 1000)
    qtbot.waitUntil(lambda: apart([lies(room, panel) for panel in panels]))
    places = [lies(room, panel) for panel in panels]
    assert all(right <= inside(room).width() for _, _, right, _ in places)
    low = max(bottom for _, _, _, bottom in places)
    assert low <= inside(room).height()
    assert (room.verticalScrollBar().maximum() > 0) == (low > room.viewport().height())


def test_the_steps_go_below_and_come_back(qtbot: QtBot, panels: list[QWidget]) -> None:
    room = Room(*panels)
    qtbot.addWidget(room)
    room.resize(1300, 800)
    room.show()
    steps = panels[3]
    room.resize(860, 800)
    qtbot.waitUntil(lambda: room.narrow)
    qtbot.waitUntil(steps.isVisible)
    qtbot.waitUntil(lambda: steps.height() >= 200)
    room.resize(1300, 800)
    qtbot.waitUntil(lambda: not room.narrow)
    assert room.main.indexOf(steps) == 2
    assert all(width > 0 for width in room.main.sizes())
