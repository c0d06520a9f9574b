"""The depth of Explore, met with mouse and keys: heads side by side, lines, the opened sum, colours, the past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import actions
from app.colour_maps import COLOUR_MAPS, MAGNITUDE, PURPLE_GREEN, heat_table
from app.session import ALL_HEADS, NOTHING, Pointed, Session
from app.settings import Settings, load, save
from app.theme import CONTRAST, DARK, LIGHT, ThemeSource, coloured
from app.views.explore import ExploreView
from app.views.head_grid import PAST
from app.views.heat import heat_image
from app.views.panel import Tip
from app.views.shown import Shown, title_words
from app.views.sum_bars import PAST as PAST_PART
from app.views.sum_bars import bars_of, bars_within, past_dominates
from app.views.tile_grid import BY_FOCUS, BY_SHARE, spread
from engine.answers import PastAttention, PastPairs, PastSplit, Ranking
from engine.explain.types import Explanation, HistoryEvent, Token
from engine.scenario import Event, PastEdit, Scenario
from tests.app.conftest import FakeEngine, make_explanation, make_ranking, photo, title

Open = Callable[..., tuple[ExploreView, Session]]
USER = "u1"  # of 8 past choices


def under(history: tuple[HistoryEvent, ...], user: str, scenario: Scenario | None) -> tuple[HistoryEvent, ...]:
    """A past as a scenario has it."""
    past = (scenario or Scenario()).past_of(user)
    kept = tuple(event for event in history if event.item not in past.removed)
    new = [
        HistoryEvent(e.item, title(int(e.item[1:])), "2026-01-01T00:00:00Z", "purchase", None, 0.1) for e in past.added
    ]
    return (*kept, *new)


@pytest.fixture
def explore(qtbot: QtBot, engine: FakeEngine) -> Open:
    """Open Explore with every answer that the deeper views ask for; `change` alters each explanation."""
    kept: list[object] = []

    def explained(user: str, item: str, scenario: Scenario | None = None, **_: Any) -> Explanation:
        found = make_explanation(engine.run, user, item, str(_.get("method", "contribution")))
        return change(replace(found, history=under(found.history, user, scenario)))

    def ranked(user: str, scenario: Scenario | None = None, **_: Any) -> Ranking:
        found = make_ranking(engine.run, user)
        return replace(found, history=under(found.history, user, scenario))

    def pairs(user: str, item: str, scenario: Scenario | None = None, **_: Any) -> PastPairs:
        found = explained(user, item, scenario)
        share = np.random.default_rng(3).normal(0, 0.1, (len(found.history), len(found.tokens)))
        return PastPairs(tuple(e.item for e in found.history), share, share.sum(axis=1), np.zeros(len(share)))

    def attention(user: str, item: str, scenario: Scenario | None = None, **_: Any) -> PastAttention:
        items = tuple(e.item for e in explained(user, item, scenario).history)
        whole = np.random.default_rng(5).dirichlet(np.full(len(items) + 1, 0.4), (2, 2))
        return PastAttention(items, whole[:, :, 1:], whole[:, :, 0])

    def split(past: str, **_: Any) -> PastSplit:
        tokens = (
            Token("attribute", "navy", "colour"),
            Token("identity", past),
            Token("text", "taped", "title", (0, 5)),
        )
        return PastSplit(past, past, 0.3, 0.2, tokens, np.array([0.2, -0.1, 0.2]), 1e-9)

    change: Callable[[Explanation], Explanation] = lambda found: found  # noqa: E731

    def show(
        alter: Callable[[Explanation], Explanation] | None = None, user: str = USER
    ) -> tuple[ExploreView, Session]:
        nonlocal change
        change = alter or change
        engine.answers |= {
            "explain": explained, "rank": ranked, "pairs": pairs, "attention_of_past": attention, "split_past": split,
        }  # fmt: skip
        session, themes = Session(engine), ThemeSource("light")
        view = ExploreView(session, themes)
        kept.extend((session, themes))
        actions.attach(view.offers(), view, Qt.ShortcutContext.WidgetWithChildrenShortcut)
        qtbot.addWidget(view)
        view.resize(1400, 900)
        view.show()
        view.activateWindow()
        session.open_run(engine.run.folder)
        qtbot.waitUntil(lambda: session.explanation is not None)
        session.choose_user(user)
        qtbot.waitUntil(lambda: session.explanation.user == user and session.idle)  # type: ignore[union-attr]
        QApplication.processEvents()
        return view, session

    return show


def asked(engine: FakeEngine, name: str) -> list[dict[str, Any]]:
    return [arguments for _, one, arguments in engine.asked if one == name]


# --- lines ----------------------------------------------------------------------------------------------------------


def test_lines_run_from_the_pointed_past_choice_to_what_it_speaks_for(
    qtbot: QtBot, explore: Open, engine: FakeEngine
) -> None:
    view, session = explore()
    assert not asked(engine, "pairs")  # nobody wished for lines yet
    QTest.keyClick(view.history.strip, Qt.Key.Key_L)
    assert view.lines.on
    assert view.history.lines.isChecked()
    qtbot.waitUntil(lambda: view.lines.pairs() is not None)
    assert "point at a past choice" in view.history.note.text()
    strip = view.history.strip

    def lines_where_pointed() -> bool:  # the strip may still find its place as the view is painted piece by piece
        QTest.mouseMove(strip.viewport(), strip.visualRect(strip.rows.index(1)).center())
        return view.lines.isVisible()

    qtbot.waitUntil(lines_where_pointed)
    event = strip.rows.number_of(1)
    pairs = view.lines.pairs()
    assert pairs is not None
    assert event is not None
    expected = np.argsort(-np.abs(pairs.share[event]))[:12]
    assert [line.token for line in view.lines.drawn] == expected.tolist()
    assert [line.value for line in view.lines.drawn] == pytest.approx(pairs.share[event][expected].tolist())
    start = strip.photo_rect(strip.rows.index(1))
    assert view.lines.drawn[0].start.x() == pytest.approx(strip.viewport().mapTo(view, start.center()).x(), abs=1)
    assert "through these parts" in view.history.note.text()
    session.point(NOTHING)
    assert view.lines.isHidden()
    QTest.keyClick(view.history.strip, Qt.Key.Key_L)
    assert view.state()["lines"] is False
    assert "newest first" in view.history.note.text()


def test_lines_run_from_every_past_choice_to_a_pointed_word(qtbot: QtBot, explore: Open) -> None:
    view, session = explore()
    view.lines.show_lines(True)
    qtbot.waitUntil(lambda: view.lines.pairs() is not None)
    words = view.product.words
    token, mark = words.blocks()[0].marks[0]
    QTest.mouseMove(words, mark.center().toPoint())
    qtbot.waitUntil(lambda: token in session.pointed.tokens and bool(view.lines.drawn))
    pairs = view.lines.pairs()
    assert pairs is not None
    share = pairs.share[:, sorted(session.pointed.tokens)].sum(axis=1)
    assert {line.event: line.value for line in view.lines.drawn} == pytest.approx(
        {row: float(value) for row, value in enumerate(share) if abs(value) > 0.01 * np.abs(share).max()}
    )
    assert len({(line.end.x(), line.end.y()) for line in view.lines.drawn}) == 1


def test_lines_let_the_mouse_through_and_come_back_with_the_view(qtbot: QtBot, explore: Open) -> None:
    view, session = explore()
    view.restore({"lines": True, "without_past": True})
    assert view.state()["lines"] is True
    assert view.sum.zoom.isChecked()
    qtbot.waitUntil(lambda: view.lines.pairs() is not None)
    session.point(Pointed(history=0))
    assert view.lines.isVisible()
    box = view.ranked.list.visualRect(view.ranked.list.currentIndex())
    before = session.item
    spot = view.ranked.list.viewport().mapTo(view, box.center())
    assert view.childAt(spot) is view.ranked.list.viewport()
    assert session.item == before


def test_what_attention_itself_changes_is_told_apart(qtbot: QtBot, explore: Open, engine: FakeEngine) -> None:
    view, session = explore()
    whole = engine.answers["pairs"]

    def asked_by_the_shopper(**arguments: Any) -> PastPairs:
        found: PastPairs = whole(**arguments)
        return replace(found, fall=found.fall + 0.5, elsewhere=np.full(len(found.fall), 0.5))

    engine.answers["pairs"] = asked_by_the_shopper
    view.lines.show_lines(True)
    qtbot.waitUntil(lambda: view.lines.pairs() is not None)
    session.point(Pointed(history=1))
    assert "−0.500 by attention" in view.history.note.text() or "−0.50 by attention" in view.history.note.text()


def test_a_run_without_pairs_says_so(qtbot: QtBot, explore: Open, engine: FakeEngine) -> None:
    view, _ = explore()
    fault = ValueError()
    fault.message, fault.hint = "Its inside is not shown.", "Look at the strip."  # type: ignore[attr-defined]
    engine.answers["pairs"] = fault
    view.lines.show_lines(True)
    qtbot.waitUntil(lambda: view.history.note.text() == "Its inside is not shown. Look at the strip.")


# --- heads ----------------------------------------------------------------------------------------------------------


def test_all_heads_stand_side_by_side_and_a_click_chooses_one(qtbot: QtBot, explore: Open) -> None:
    view, session = explore()
    QTest.keyClick(view.product.words, Qt.Key.Key_H)
    grid = view.product.head_grid
    assert grid is not None
    qtbot.waitUntil(lambda: grid.isVisible() and grid.product.count() == 5)
    assert grid.product.tiles[0].head == ALL_HEADS
    QTest.mouseClick(grid.product, Qt.MouseButton.LeftButton, pos=grid.product.tile_rect(3).center().toPoint())
    assert session.head == 2
    assert view.sum.heading.whole().startswith("Head 3: ")
    QTest.keyClick(grid.product, Qt.Key.Key_Left)
    assert session.head == 1
    assert grid.product.cursor_at() == 2
    grid.close()


def test_heads_are_ordered_by_share_and_by_focus(qtbot: QtBot, explore: Open) -> None:
    view, session = explore()
    view.product.show_heads()
    grid = view.product.head_grid
    assert grid is not None
    qtbot.waitUntil(lambda: grid.product.count() == 5)
    found = session.explanation
    assert found is not None
    page = [row for row, token in enumerate(found.tokens) if token.modality not in ("identity", "history")]
    shares = np.abs(found.contribution_by_head[page].sum(axis=0))
    grid.order.setCurrentIndex(grid.order.findData(BY_SHARE))
    assert [tile.head for tile in grid.product.tiles[1:]] == np.argsort(-shares).tolist()
    attention = found.attention / found.attention.sum(axis=0)
    entropy = -(attention * np.log(np.where(attention > 0, attention, 1))).sum(axis=0)
    grid.order.setCurrentIndex(grid.order.findData(BY_FOCUS))
    assert [tile.head for tile in grid.product.tiles[1:]] == np.argsort(entropy).tolist()
    assert [tile.spread for tile in grid.product.tiles[1:]] == pytest.approx(sorted(np.exp(entropy)))
    grid.close()


def test_heads_of_the_sequence_say_which_past_choice_they_read(qtbot: QtBot, explore: Open, engine: FakeEngine) -> None:
    view, session = explore()
    view.product.show_heads()
    grid = view.product.head_grid
    assert grid is not None
    assert not asked(engine, "attention_of_past")
    grid.tabs.setCurrentIndex(PAST)
    qtbot.waitUntil(lambda: grid.past.count() == 4)
    assert len(asked(engine, "attention_of_past")) == 1
    found = session.explanation
    assert found is not None
    QTest.keyClick(grid.past, Qt.Key.Key_Right)
    assert grid.past.cursor_at() == 1
    best = grid.past.strongest(1)[0]
    assert session.pointed == Pointed(history=best)
    assert view.history.strip.painter.lit == view.history.strip.rows.row_of(best)
    bar = QPointF(grid.past.bar_rect(0, 2).center())
    no = Qt.MouseButton.NoButton
    moved = QMouseEvent(QEvent.Type.MouseMove, bar, grid.past.mapToGlobal(bar), no, no, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(grid.past, moved)  # the pointer of this platform reaches only the window in front
    qtbot.waitUntil(lambda: session.pointed == Pointed(history=2))
    assert found.history[2].title in Tip.of(grid.past).text()
    QTest.keyClick(grid.past, Qt.Key.Key_Return)
    assert session.item == found.history[best].item
    grid.close()


def test_without_heads_the_window_of_heads_says_why(qtbot: QtBot, explore: Open) -> None:
    view, session = explore(lambda found: replace(found, method="occlusion"))
    view.product.show_heads()
    grid = view.product.head_grid
    assert grid is not None
    assert session.explanation is not None
    assert "Choose one of these methods" in grid.empty.text()
    assert grid.pages.currentWidget() is grid.empty
    grid.close()


def test_spread_is_the_number_of_even_shares() -> None:
    assert spread(np.full(7, 0.2)) == pytest.approx(7)
    assert spread(np.array([0.0, 3.0, 0.0])) == pytest.approx(1)
    assert spread(np.zeros(4)) == 0


# --- the sum --------------------------------------------------------------------------------------------------------


def with_past(found: Explanation, amount: float = 30.0) -> Explanation:
    """The same with what past choices add directly, larger than all else."""
    rows = len(found.history)
    tokens = tuple(Token("history", event.title, event.item) for event in found.history)
    more = np.linspace(1, 2, rows) * amount / 1.5 / rows if rows else np.zeros(0)
    return replace(
        found,
        tokens=(*found.tokens, *tokens),
        contribution=np.append(found.contribution, more),
        contribution_by_head=np.vstack([found.contribution_by_head, np.repeat(more[:, None] / 4, 4, axis=1)]),
        attention=np.vstack([found.attention, np.zeros((rows, found.attention.shape[1]))]),
        score=found.score + float(more.sum()),
    )


def test_a_part_opens_into_pieces_that_sum_to_it(qtbot: QtBot, explore: Open) -> None:
    view, session = explore()
    waterfall = view.sum.waterfall
    place = next(n for n, bar in enumerate(waterfall.bars) if bar.part == "text")
    whole = waterfall.bars[place].value
    QTest.mouseClick(waterfall, Qt.MouseButton.LeftButton, pos=waterfall.rects()[place].center().toPoint())
    assert waterfall.part == "text"
    assert sum(bar.value for bar in waterfall.bars[:-1]) == pytest.approx(whole, abs=1e-9)
    assert waterfall.bars[-1].end == pytest.approx(whole, abs=1e-9)
    assert view.sum.heading.whole().startswith("words: ")
    found = session.explanation
    assert found is not None
    shares = [abs(bar.value) for bar in waterfall.bars[:-2]]
    assert shares == sorted(shares, reverse=True)
    first = waterfall.rects()[0].center().toPoint()
    QTest.mouseMove(waterfall, QPoint(first.x(), first.y()))
    qtbot.waitUntil(lambda: waterfall.bars[0].tokens <= session.pointed.tokens)
    assert "exactly" in Tip.of(view).text()
    assert "% of words" in Tip.of(view).text()
    QTest.keyClick(waterfall, Qt.Key.Key_Escape)
    assert waterfall.part == ""
    assert view.sum.back.isHidden()


def test_the_sum_is_opened_and_closed_by_keys_and_stays_open_for_the_next_product(qtbot: QtBot, explore: Open) -> None:
    view, session = explore()
    waterfall = view.sum.waterfall
    waterfall.setFocus()
    place = next(n for n, bar in enumerate(waterfall.bars) if bar.part == "image")
    for _ in range(place + 1):
        QTest.keyClick(waterfall, Qt.Key.Key_Right)
    assert session.pointed == Pointed(part="image")
    QTest.keyClick(waterfall, Qt.Key.Key_Return)
    assert waterfall.part == "image"
    with qtbot.waitSignal(session.explanation_changed):
        QTest.keyClick(view.ranked.list, Qt.Key.Key_Down)
    assert waterfall.part == "image"
    QTest.mouseClick(view.sum.back, Qt.MouseButton.LeftButton)
    assert waterfall.part == ""


def test_small_parts_can_be_read_without_past_choices(qtbot: QtBot, explore: Open) -> None:
    view, session = explore(with_past)
    found = session.explanation
    assert found is not None
    shown = Shown(found)
    assert past_dominates(shown)
    assert view.sum.zoom.isVisible()
    before = next(
        r.height() for b, r in zip(view.sum.waterfall.bars, view.sum.waterfall.rects(), strict=True) if b.part == "text"
    )
    QTest.keyClick(view.sum.waterfall, Qt.Key.Key_Z)
    bars = view.sum.waterfall.bars
    assert PAST_PART not in {bar.part for bar in bars}
    direct = shown.parts[PAST_PART]
    assert bars[-1].value == pytest.approx(found.score - direct, abs=1e-9)
    assert bars[-1].caption == "the rest"
    after = next(r.height() for b, r in zip(bars, view.sum.waterfall.rects(), strict=True) if b.part == "text")
    assert after > 2 * before
    assert not past_dominates(Shown(make_explanation(_run(), "u1", "i3")))


def _run() -> Any:
    from tests.app.conftest import make_run

    return make_run(Path("nowhere"))


def test_a_past_choices_own_bar_lights_it_in_the_strip(qtbot: QtBot, explore: Open) -> None:
    view, session = explore(with_past)
    waterfall = view.sum.waterfall
    waterfall.open(PAST_PART)
    first = waterfall.rects()[0].center().toPoint()
    QTest.mouseMove(waterfall, QPoint(first.x(), first.y()))
    qtbot.waitUntil(lambda: session.pointed.history is not None)
    assert session.explanation is not None
    item = session.explanation.history[session.pointed.history].item  # type: ignore[index]
    assert view.history.strip.rows.events[view.history.strip.painter.lit or 0].item == item


def test_bars_of_a_part_with_few_pieces_need_no_rest() -> None:
    shown = Shown(make_explanation(_run(), "u1", "i3"))
    bars = bars_within(shown, "attribute")
    assert len(bars) == len(shown.indices["attribute"]) + 1
    attention = Shown(make_explanation(_run(), "u1", "i3", "attention"))
    assert all(bar.start == 0 and bar.text.endswith("%") for bar in bars_within(attention, "text"))
    assert sum(bar.value for bar in bars_of(shown)[:-1]) == pytest.approx(shown.explanation.score)


# --- colours --------------------------------------------------------------------------------------------------------

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def lab(colour: np.ndarray, blindness: str) -> np.ndarray:
    """sRGB 0..255 as CIE L*a*b* (D65), seen with a kind of colour blindness."""
    share = np.asarray(colour, float) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    linear = np.clip(BLINDNESS[blindness] @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    ratio = xyz / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(one: np.ndarray, other: np.ndarray, blindness: str) -> float:
    """Delta E (CIE 1976)."""
    return float(np.linalg.norm(lab(one, blindness) - lab(other, blindness)))


def over(row: np.ndarray, ground: float) -> np.ndarray:
    share = row[3] / 255
    return np.asarray(row[:3] * share + ground * (1 - share))


@pytest.mark.parametrize("name", COLOUR_MAPS)
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_heat_is_told_apart_by_every_kind_of_eye(name: str, blindness: str) -> None:
    table = heat_table(name).astype(float)
    assert table[127, 3] == table[128, 3] == 0  # zero is clear
    assert (np.diff(table[128:, 3]) >= 0).all()
    assert (np.diff(table[:128, 3]) <= 0).all()
    for ground in (235.0, 150.0):  # a lightened photo, pale or dark
        clear = np.full(3, ground)
        for end in (0, 255):
            assert apart(over(table[end], ground), clear, blindness) > 20
        if name != MAGNITUDE:
            assert apart(over(table[0], ground), over(table[255], ground), blindness) > 40
            assert apart(over(table[64], ground), over(table[191], ground), blindness) > 20


@pytest.mark.parametrize("name", [name for name in COLOUR_MAPS if name != MAGNITUDE])
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_what_pushes_up_and_down_is_told_apart_in_every_theme(name: str, blindness: str) -> None:
    for theme in (LIGHT, DARK, CONTRAST):
        dressed = coloured(theme.name, name)
        up, down = rgb(dressed.pushes_up), rgb(dressed.pulls_down)
        assert apart(up, down, blindness) > 30
        panel = rgb(dressed.panel)
        assert min(_contrast(up, panel), _contrast(down, panel)) > (7 if theme is CONTRAST else 4)


def rgb(colour: QColor) -> np.ndarray:
    return np.array([colour.red(), colour.green(), colour.blue()], dtype=np.float64)


def _contrast(one: np.ndarray, other: np.ndarray) -> float:
    def light(colour: np.ndarray) -> float:
        share = colour / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ np.array([0.2126, 0.7152, 0.0722]))

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_other_colours_are_chosen_at_the_bar_and_followed_everywhere(
    qtbot: QtBot, explore: Open, tmp_path: Path
) -> None:
    view, _ = explore()
    bar = view.product.colours
    qtbot.waitUntil(lambda: view.product.photo._heat is not None)
    before = view.product.photo._heat
    menu = bar.menu()
    menu.aboutToShow.emit()
    texts = [action.text() for action in menu.actions()]
    assert texts[0] == "Orange up, blue down\t✓"
    assert menu.actions()[0].isChecked()
    menu.actions()[texts.index("Purple up, green down")].trigger()
    assert bar._themes.heat == PURPLE_GREEN
    assert bar._themes.theme.pushes_up == QColor("#7a1fa2")
    assert view.product.photo._heat != before
    assert "Purple up" in bar.accessibleName()
    offered = {action.id: action for action in view.offers()}
    on = offered[f"heat-{PURPLE_GREEN}"].checked
    assert on is not None
    assert on()
    offered[f"heat-{MAGNITUDE}"].run()
    assert bar._themes.heat == MAGNITUDE
    save(Settings(heat=MAGNITUDE), tmp_path / "settings.json")
    assert ThemeSource("dark", heat=load(tmp_path / "settings.json").heat).heat == MAGNITUDE
    assert ThemeSource("dark", heat="of another version").theme is DARK


def test_the_hue_of_heat_is_the_maps(qapp: QApplication) -> None:
    image = heat_image(np.array([[1.0, -1.0]]), 1.0, colours_of=PURPLE_GREEN).convertToFormat(
        QImage.Format.Format_RGBA8888
    )
    up, down = image.pixelColor(2, 8), image.pixelColor(image.width() - 3, 8)
    assert up.blue() > up.green()
    assert down.green() > down.red()


# --- the past -------------------------------------------------------------------------------------------------------


def test_delete_takes_a_past_choice_away_and_brings_it_back(qtbot: QtBot, explore: Open, engine: FakeEngine) -> None:
    view, session = explore()
    strip = view.history.strip
    count, gone = strip.rows.rowCount(), strip.rows.events[2].item
    strip.setFocus()
    strip.setCurrentIndex(strip.rows.index(2))
    with qtbot.waitSignal(session.explanation_changed):
        QTest.keyClick(strip, Qt.Key.Key_Delete)
    assert session.scenario.past_of(USER) == PastEdit(USER, removed=(gone,))
    assert session.undo.undoText() == f"Past without “{title(int(gone[1:]))}”"
    assert asked(engine, "explain")[-1]["scenario"] == session.scenario
    qtbot.waitUntil(lambda: strip.rows.rowCount() == count and strip.rows.removed(2))
    assert strip.rows.events[2].item == gone  # in its place, pale
    assert strip.rows.number_of(2) is None
    assert [strip.rows.number_of(row) for row in (0, 1, 3)] == [count - 2, count - 3, count - 4]
    assert "1 taken away" in view.history.note.text()
    assert strip.currentIndex().row() == 2
    with qtbot.waitSignal(session.explanation_changed):
        QTest.keyClick(strip, Qt.Key.Key_Delete)
    assert session.scenario.past_of(USER).empty
    qtbot.waitUntil(lambda: not any(strip.rows.removed(row) for row in range(count)))
    session.undo.undo()
    assert session.scenario.past_of(USER).removed == (gone,)


def test_bring_back_is_a_click_and_what_was_added_is_told(qtbot: QtBot, explore: Open) -> None:
    view, session = explore()
    strip = view.history.strip
    gone = strip.rows.events[1].item
    session.change(session.scenario.with_past(PastEdit(USER, (Event("i50"),), (gone,))), "both")
    qtbot.waitUntil(lambda: session.idle and strip.rows.events[0].item == "i50")
    assert strip.rows.added == {"i50"}
    assert "added" in str(strip.rows.index(0).data(Qt.ItemDataRole.AccessibleTextRole))
    row = next(row for row in range(strip.rows.rowCount()) if strip.rows.removed(row))
    assert strip.rows.events[row].item == gone
    box = strip.visualRect(strip.rows.index(row))
    strip.scrollTo(strip.rows.index(row))
    box = strip.visualRect(strip.rows.index(row))
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(box.left() + 20, box.top() + 88))
    qtbot.waitUntil(lambda: session.scenario.past_of(USER) == PastEdit(USER, (Event("i50"),)))
    qtbot.waitUntil(lambda: session.idle)
    strip.setCurrentIndex(strip.rows.index(0))
    QTest.keyClick(strip, Qt.Key.Key_Delete)  # what was added is simply not added
    assert session.scenario.past_of(USER).empty


def test_a_click_on_the_bar_splits_the_share_and_one_on_the_photo_opens(
    qtbot: QtBot, explore: Open, engine: FakeEngine
) -> None:
    view, session = explore()
    strip = view.history.strip
    box = strip.visualRect(strip.rows.index(1))
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(box.left() + 30, box.top() + 85))
    popup = strip.popup
    assert popup is not None
    past = strip.rows.events[1]
    qtbot.waitUntil(lambda: popup.isVisible() and popup.rows.isVisible())
    question = asked(engine, "split_past")[0]
    assert (question["past"], question["item"], question["user"]) == (past.item, session.item, USER)
    assert popup.rows.rows[0] == ("colour: navy", 0.2)
    assert "+0.300 through the sequence" in popup.said.text()
    QTest.keyClick(popup, Qt.Key.Key_Escape)
    assert popup.isHidden()
    strip.setCurrentIndex(strip.rows.index(1))
    QTest.keyClick(strip, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: popup.isVisible())
    with qtbot.waitSignal(session.explanation_changed):
        QTest.mouseClick(popup.open, Qt.MouseButton.LeftButton)
    assert session.item == past.item
    assert popup.isHidden()


def test_a_split_that_cannot_be_says_why(qtbot: QtBot, explore: Open, engine: FakeEngine) -> None:
    view, _ = explore()
    fault = ValueError()
    fault.message, fault.hint = "Trained elsewhere.", "Leave-one-out explains it."  # type: ignore[attr-defined]
    engine.answers["split_past"] = fault
    view.history.strip.split(view.history.strip.rows.index(0))
    popup = view.history.strip.popup
    assert popup is not None
    qtbot.waitUntil(lambda: popup.fault.isVisible())
    assert popup.fault.text() == "Trained elsewhere. Leave-one-out explains it."
    popup.hide()


# --- photos ---------------------------------------------------------------------------------------------------------


def test_every_photo_of_a_product_can_be_reached_and_says_whether_the_model_saw_it(qtbot: QtBot, explore: Open) -> None:
    many = tuple(photo(row) or "" for row in range(8))
    view, session = explore(lambda found: replace(found, images=many))
    others = view.product.others
    assert others.label == "Photo 1 of 8: given to the model"
    others.setFocus()
    for _ in range(7):
        QTest.keyClick(others, Qt.Key.Key_Right)
    assert others.label == "Photo 8 of 8: not given to the model"
    assert not others.tile_rect(7).isEmpty()
    assert others.tile_rect(7).right() <= others.width()
    assert not view.product.controls.isEnabled()
    with qtbot.waitSignal(session.explanation_changed):
        QTest.keyClick(view.ranked.list, Qt.Key.Key_Down)
    assert view.product.controls.isEnabled()  # the next product starts at its own first photo
    assert others.chosen() == 0


def test_tiles_fill_the_room(qtbot: QtBot, explore: Open) -> None:
    view, _ = explore()
    view.product.show_heads()
    grid = view.product.head_grid
    assert grid is not None
    grid.resize(QSize(1000, 600))
    qtbot.waitUntil(lambda: grid.product.tile_rect(0).height() > 320)
    last = grid.product.tile_rect(grid.product.count() - 1)
    assert last.right() <= grid.product.width()
    grid.close()


def test_past_choices_are_split_and_taken_away_by_command(qtbot: QtBot, explore: Open) -> None:
    view, session = explore()
    offers = {one.id: one for one in view.offers()}
    assert offers["past-split"].why_not() == offers["past-remove"].why_not() != ""
    strip = view.history.strip
    strip.setCurrentIndex(strip.rows.index(1))
    offers["past-split"].run()
    assert strip.popup is not None
    assert strip.popup.isVisible()
    strip.popup.hide()
    with qtbot.waitSignal(session.explanation_changed):
        offers["past-remove"].run()
    qtbot.waitUntil(lambda: strip.rows.removed(1))
    strip.setCurrentIndex(strip.rows.index(1))
    assert "bring it back" in offers["past-split"].why_not()
    with qtbot.waitSignal(session.explanation_changed):
        offers["past-remove"].run()
    assert session.scenario == Scenario()


def test_the_next_photo_is_a_command(qtbot: QtBot, explore: Open) -> None:
    view, _ = explore()
    offers = {one.id: one for one in view.offers()}
    view.product.others.fill(("media/1.png",), "A product")
    assert offers["photo-next"].why_not() == "This product has one photo."
    view.product.others.fill(("media/1.png", "media/2.png"), "A product")
    assert not offers["photo-next"].why_not()
    seen: list[int] = []
    view.product.others.picked.connect(seen.append)
    view.product.others.picked.disconnect(view.product._look_at)
    offers["photo-next"].run()
    offers["photo-next"].run()
    assert seen == [1, 0]


def test_a_word_lights_the_past_choices_that_say_it_and_they_light_it(qtbot: QtBot, explore: Open) -> None:
    view, session = explore()
    found = session.explanation
    assert found is not None
    strip = view.history.strip
    session.choose_item(next(f"i{n}" for n in range(40) if n % 6 == int(found.history[0].item[1:]) % 6))
    qtbot.waitUntil(lambda: session.idle and session.explanation is not found)
    found = session.explanation
    assert found is not None
    goods = found.title.split()[1].casefold()  # "jacket" of "Rain jacket 6, red"
    says = {row for row, event in enumerate(strip.rows.events) if goods in event.title.casefold()}
    assert 0 < len(says) < strip.rows.rowCount()
    word = next(row for row, token in enumerate(found.tokens) if token.field == "title" and goods in token.label)
    session.point(Pointed(tokens=frozenset({word})))
    assert strip.painter.alike == says
    session.point(NOTHING)
    assert strip.painter.alike == frozenset()
    row = min(says)
    QTest.mouseMove(strip.viewport(), strip.visualRect(strip.rows.index(row)).center())
    qtbot.waitUntil(lambda: session.pointed.history is not None)
    assert word in session.pointed.tokens
    assert session.pointed.history == strip.rows.number_of(row)
    assert strip.painter.alike == frozenset()  # the one that is pointed at stands for itself


def test_short_words_say_nothing_of_a_title() -> None:
    assert title_words("Back to the Future Part II (1989)") == {"back", "future", "part", "1989"}
    assert title_words("防水 双肩背包") == {"防水", "双肩背包"}
