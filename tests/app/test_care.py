"""Contrast of the colours, help, the tour, names for screen readers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.i18n import LANGUAGES
from app.places import places
from app.theme import CONTRAST, DARK, LIGHT, Theme
from app.views.help import HELP, HelpDrawer
from app.views.tour import Tour
from engine.jobs import Progress
from engine.scenario import PastEdit, Scenario
from tests.conftest import ROOT

Open = Callable[..., Any]
# What outlives a view: a function of no object, connected to one of these, is called after the view is gone.
LASTING = re.compile(
    r"\b_?(session|themes|workspace|batch|segments|undo|stack|engine|study|state|signal)\.(\w+\.)*(\w+\.)?connect"
    r"\(\s*lambda"
)


def luminance(color: QColor) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    values = (color.redF(), color.greenF(), color.blueF())
    parts = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: QColor, other: QColor) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("theme", "least"), [(LIGHT, 4.5), (DARK, 4.5), (CONTRAST, 7.0)])
def test_text_stands_out_from_every_ground_it_stands_on(theme: Theme, least: float) -> None:
    for ground in ("panel", "background", "selected", "chip"):
        assert contrast(theme.text, getattr(theme, ground)) >= least, ground
    assert contrast(theme.muted, theme.panel) >= min(least, 4.5)
    assert contrast(theme.error, theme.panel) >= least


def test_marks_of_the_high_contrast_theme_stand_out() -> None:
    marks = ("accent", "line", "pushes_up", "pulls_down", "photo", "words", "attributes", "identity", "past", "bias")
    for mark in marks:
        assert contrast(getattr(CONTRAST, mark), CONTRAST.panel) >= 7.0, mark
    for grade in ("good", "fair", "poor"):
        assert contrast(QColor("#ffffff"), getattr(CONTRAST, grade)) >= 7.0, grade


def explored(qtbot: QtBot, window: Any) -> Any:
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    return window


def test_every_view_has_a_page_of_help_in_every_language(open_window: Open) -> None:
    for place in places(open_window()):
        for language in LANGUAGES:
            page = (HELP / language / f"{place.name}.md").read_text(encoding="utf-8")
            assert page.startswith("# "), (place.name, language)
            for link in [part.split(")")[0] for part in page.split("(view:")[1:]]:
                assert (HELP / language / f"{link}.md").is_file(), link


def test_f1_shows_help_on_the_view_in_front_with_its_keys_and_puts_it_away(open_window: Open, qtbot: QtBot) -> None:
    window = explored(qtbot, open_window())
    qtbot.keyClick(window, Qt.Key.Key_F1)
    drawer = window.findChild(HelpDrawer)
    assert drawer is not None
    qtbot.waitUntil(drawer.isVisible)
    shown = drawer.page.toPlainText()
    assert "Why is this product shown" in shown
    assert "Ctrl+K" in shown
    window.show_view("train")
    assert "Fine-tune a recommender" in drawer.page.toPlainText()
    window.choose_language("zh_CN")
    assert "微调" in window.guide.drawer.page.toPlainText()
    qtbot.keyClick(window, Qt.Key.Key_F1)
    assert window.guide.drawer is None


def test_the_tour_has_four_stops_that_can_be_walked_by_keys_and_is_not_offered_twice(
    open_window: Open, qtbot: QtBot
) -> None:
    kept: list[Any] = []
    window = explored(qtbot, open_window(save=kept.append))
    window.start_tour()
    tour = window.findChild(Tour)
    titles = [tour.title.text()]
    spots = [tour.spot()]
    for _ in range(3):
        qtbot.keyClick(tour, Qt.Key.Key_Right)
        titles.append(tour.title.text())
        spots.append(tour.spot())
        assert tour.rect().contains(tour.card.geometry())
    assert len(set(titles)) == 4
    assert all(not spot.isEmpty() for spot in spots)
    qtbot.keyClick(tour, Qt.Key.Key_Left)
    assert tour.title.text() == titles[2]
    qtbot.mouseClick(tour.next, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(tour.next, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.findChild(Tour) is None)
    window.close()
    assert kept[-1].tour == "seen"


def test_the_tour_begins_by_itself_once_there_is_something_to_look_at(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    window.guide.offer_tour()
    qtbot.waitUntil(lambda: window.findChild(Tour) is not None)
    qtbot.keyClick(window.findChild(Tour), Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.findChild(Tour) is None)
    window.session.choose_user("u3")
    with qtbot.waitSignal(window.session.explanation_changed):
        pass
    assert window.findChild(Tour) is None


def test_no_view_leaves_a_function_behind_with_what_outlives_it() -> None:
    """Views are made anew for another language; Qt forgets a method of a deleted widget, but never a lambda."""
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for folder in ("views", "whatif", "compare", "map", "data")
        for file in (ROOT / "app" / folder).rglob("*.py")
        for match in LASTING.finditer(file.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_work_over_a_second_can_be_stopped_and_what_is_shown_is_chosen_again(
    open_window: Open, qtbot: QtBot, engine: Any
) -> None:
    window = explored(qtbot, open_window())
    shown = window.session.explanation.item
    engine.held.add("explain")
    window.session.choose_item("i40")
    job = next(job for job, name, _ in reversed(engine.asked) if name == "explain")
    engine.progress(job, Progress("Explaining", 1, 4))
    qtbot.waitUntil(window.status.stop.isVisible, timeout=3000)
    qtbot.mouseClick(window.status.stop, Qt.MouseButton.LeftButton)
    assert ("cancel", job) in engine.calls
    assert window.session.item == shown
    assert window.session.idle
    assert not window.status.stop.isVisible()
    engine.release(job)  # a late answer changes nothing
    assert window.session.explanation.item == shown


def test_the_list_of_the_shopper_before_is_never_taken_for_the_one_chosen_now(
    open_window: Open, qtbot: QtBot, engine: Any
) -> None:
    window = explored(qtbot, open_window())
    session = window.session
    engine.held.add("rank")
    session._keep_unchanged(None)
    session.change(Scenario(pasts=(PastEdit(session.user, removed=("i3",)),)), "One less")
    asked = [job for job, name, arguments in engine.asked if name == "rank" and "scenario" not in arguments]
    session.undo.undo()
    session.choose_user("u7")
    engine.release(asked[-1])
    assert session.unchanged is None or session.unchanged.user == "u7"


def test_the_tour_ends_where_another_language_takes_its_places_away(open_window: Open, qtbot: QtBot) -> None:
    window = explored(qtbot, open_window())
    window.start_tour()
    window.choose_language("zh_CN")
    qtbot.waitUntil(lambda: window.findChild(Tour) is None)
    window.grab()
    window.start_tour()
    assert window.findChild(Tour).spot().isValid()
