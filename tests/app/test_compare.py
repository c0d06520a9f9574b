"""Compare as a user meets it: choose what differs, scrub through epochs, swap, pin, ask why A above B."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QSlider
from pytestqt.qtbot import QtBot

from app.compare.choice import EPOCHS, FINISHED, LEFT, METHODS, PRODUCTS, RIGHT, RUNS, SHOPPERS
from app.compare.slope import ROW
from app.compare.told import Maps
from app.compare.view import CompareView
from app.session import NOTHING, Pointed, Session
from app.theme import DARK, ThemeSource
from app.views.panel import Tip
from app.workspace import Workspace
from engine.answers import RankedItem, Ranking
from engine.compare.align import aligned, common_grid, part_pairs, past_pairs, values_of
from engine.compare.lists import agreement
from engine.compare.types import Above, Comparison, PartPair, Side
from engine.errors import HeedmapError
from engine.explain.contrast_types import Contrast, ContrastRow
from engine.explain.types import Explanation, RuleEffect, Token
from engine.rule_book import RuleBook
from engine.rules import Rule
from tests.app.conftest import FakeEngine, draw_shop, make_explanation, make_ranking, make_run, title

Opened = tuple[CompareView, Session, FakeEngine]
Open = Callable[..., Opened]


def explained(engine: FakeEngine, side: Side) -> Explanation:
    """A side's explanation, a little other for each run and epoch; its parts sum to its score."""
    found = make_explanation(replace(engine.run, run=Path(side.run).name), side.user, side.item, side.method)
    shift = 0.01 * (side.epoch or 0) + (0.2 if side.run.endswith("concat-02") else 0.0)
    values = found.contribution + shift * np.cos(np.arange(len(found.tokens)))
    score = float(values.sum() + found.bias) if found.sums_to_score else found.score
    return replace(found, contribution=values, score=score)


def listed(engine: FakeEngine, side: Side, k: int) -> Ranking:
    """A side's list; the other run turns two places round."""
    found = make_ranking(engine.run, side.user, k)
    rows = list(found.items)
    if side.run.endswith("concat-02"):
        rows[1], rows[2] = replace(rows[2], rank=2), replace(rows[1], rank=3)
    return replace(found, items=tuple(rows))


def pinned(rules: tuple[Rule, ...], ranking: Ranking) -> Ranking:
    """A list with the product of the only rule, if any, at the first place."""
    rows = list(ranking.items)
    for rule in rules:
        rows.sort(key=lambda one: one.item != rule.items[0])
    moved = [
        replace(row, rank=rank, model_rank=row.rank, effects=(RuleEffect(rules[0].name, "pin", row.rank, rank, 0.0),))
        if rank != row.rank
        else row
        for rank, row in enumerate(rows, start=1)
    ]
    return replace(ranking, items=tuple(moved))


def under(rules: tuple[Rule, ...], found: Explanation) -> Explanation:
    if not rules:
        return found
    place = 1 if found.item in rules[0].items else found.rank + 1
    effect = RuleEffect(rules[0].name, "pin", found.rank, place, 0.0)
    return replace(found, shown_rank=place, effects=(effect,))


def compared(engine: FakeEngine) -> Callable[..., Comparison]:
    def answer(left: Side, right: Side, k: int = 100, rules: tuple[Rule, ...] = ()) -> Comparison:
        one, two = (under(rules, explained(engine, side)) for side in (left, right))
        lists = [pinned(rules, listed(engine, side, k)) for side in (left, right)]
        unit: Any = "score" if one.sums_to_score and two.sums_to_score else "share"
        rows = aligned(one, two, values_of(one, unit, unit == "share"), values_of(two, unit, unit == "share"))
        common = common_grid(one.grid, two.grid)
        return Comparison(
            (left, right), one, two, lists[0], lists[1], left.item == right.item, rows,
            part_pairs(rows, (one.bias, two.bias) if unit == "score" else None),
            past_pairs(one.history, two.history), unit, unit == "share",
            None if common is None else (one.grid, two.grid, common), 0.0,
            agreement(*([row.item for row in ranking.items] for ranking in lists)),
            {"test ndcg@10": 0.104}, {"validation ndcg@10": 0.09}, 0.01, (len(rules), len(rules)),
        )  # fmt: skip

    return answer


def stands_above(side: Side, other: str) -> Above:
    rows = (
        ContrastRow("text", "hood", "", 0.5, 0.0),
        ContrastRow("image", "1, 1", "", 0.3, 0.1),
        ContrastRow("attribute", "navy", "colour", 0.0, 0.2),
    )
    contrast = Contrast("products", side.item, other, 1.2, 0.5, 1, 3, 0.4, 0.2, rows, 0.0)
    sums = {"text": (0.5, 0.0), "image": (0.3, 0.1), "attribute": (0.0, 0.2), "bias": (0.4, 0.2)}
    parts = tuple(PartPair(name, *both) for name, both in sums.items())
    return Above(side.run, side.user, contrast, title(int(side.item[1:])), title(int(other[1:])), parts, ())


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_shop(tmp_path_factory.mktemp("workspace") / "datasets" / "made-up")


@pytest.fixture
def shop(drawn: Path) -> Path:
    """The photos are drawn once for all tests here: none changes them."""
    return drawn


@pytest.fixture
def compare(qtbot: QtBot, engine: FakeEngine, tmp_path: Path) -> Open:
    """Open Compare beside a session with a run; `epochs`: those that the run has kept."""
    kept: list[object] = []

    def show(epochs: tuple[int, ...] = (1, 2, 4), runs: int = 2) -> Opened:
        engine.answers["open_run"] = lambda run: replace(make_run(engine.folder, Path(run).name), epochs=epochs)
        engine.answers["compare"] = compared(engine)
        engine.answers["contrast"] = stands_above
        session = Session(engine)
        workspace = Workspace(engine, tmp_path)
        themes = ThemeSource("light")
        view = CompareView(session, workspace, themes)
        kept.extend((session, workspace, themes))
        qtbot.addWidget(view)
        with qtbot.waitSignal(workspace.changed):
            workspace.refresh()
        if runs == 1 and workspace.summary is not None:
            workspace.summary = replace(workspace.summary, runs=workspace.summary.runs[:1])
        with qtbot.waitSignal(session.explanation_changed, check_params_cb=lambda found: found is not None):
            session.open_run(str(engine.folder / "weighted-01"))
        view.resize(1216, 724)
        view.show()
        qtbot.waitUntil(lambda: not view.busy)
        return view, session, engine

    return show


def settled(qtbot: QtBot, view: CompareView) -> Comparison:
    """The comparison of the sides that are chosen now."""
    qtbot.waitUntil(lambda: not view.busy and view.found is not None and view.found.sides == view.choice.sides())
    assert view.found is not None
    return view.found


def mode(qtbot: QtBot, view: CompareView, name: str) -> Comparison:
    place = next(n for n in range(view.modes.bar.count()) if view.modes.bar.tabData(n) == name)
    QTest.mouseClick(view.modes.bar, Qt.MouseButton.LeftButton, pos=view.modes.bar.tabRect(place).center())
    return settled(qtbot, view)


def asked(engine: FakeEngine, name: str) -> list[dict[str, Any]]:
    return [arguments for _, job, arguments in engine.asked if job == name]


def test_two_runs_stand_side_by_side_with_their_difference(qtbot: QtBot, compare: Open) -> None:
    view, session, _ = compare()
    found = settled(qtbot, view)
    assert [Path(side.run).name for side in found.sides] == ["weighted-01", "concat-02"]
    assert {side.user for side in found.sides} == {session.user}
    assert view.pictures.left.caption.whole() == "Left · weighted-01"
    assert view.pictures.right.caption.whole() == "Right · concat-02"
    assert view.pictures.difference.isVisible()
    assert "rank 1" in view.heads[LEFT].facts.whole()
    assert "NDCG@10 0.104 (test)" in view.heads[LEFT].facts.whole()
    assert "NDCG@10 0.090 (validation)" in view.heads[RIGHT].facts.whole()
    maps = Maps(found)
    photo = maps.difference.values[maps.difference.cells]
    one, two = (told.values[told.cells] for told in (maps.left, maps.right))
    np.testing.assert_allclose(photo, one - two)
    assert maps.left.scales["image"] == maps.right.scales["image"] == max(np.abs(one).max(), np.abs(two).max())
    assert maps.difference.scales["image"] == pytest.approx(np.abs(photo).max())
    sums = [row for row in view.details.parts.rows if row.part == "score"]
    assert sums[0].difference == pytest.approx(found.left.score - found.right.score)


def test_what_differs_is_chosen_and_all_else_is_the_sessions(qtbot: QtBot, compare: Open) -> None:
    view, session, _ = compare()
    shoppers = mode(qtbot, view, SHOPPERS)
    assert shoppers.sides[0].user == session.user != shoppers.sides[1].user
    assert shoppers.sides[0].run == shoppers.sides[1].run
    products = mode(qtbot, view, PRODUCTS)
    assert products.sides[0].item == session.item != products.sides[1].item
    assert not view.pictures.difference.isVisible()
    assert view.details.words.most.rows
    methods = mode(qtbot, view, METHODS)
    assert [side.method for side in methods.sides] == ["contribution", "attention"]
    assert methods.unit == "share"
    assert "per cent of each map" in view.details.note.text()
    view.details.show_tab("past")
    assert "need not sum" in view.details.note.text()
    assert all(row.part not in ("score", "bias") for row in view.details.parts.rows)
    with qtbot.waitSignal(session.explanation_changed):
        session.choose_user("u3")
    assert {side.user for side in settled(qtbot, view).sides} == {"u3"}


def test_the_other_run_is_chosen_from_the_list(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare()
    combo = view.heads[LEFT].combo
    assert combo.accessibleName() == "Run, Left"
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Down)
    combo.activated.emit(combo.currentIndex())
    found = settled(qtbot, view)
    assert [Path(side.run).name for side in found.sides] == ["concat-02", "weighted-01"]


def test_keys_scrub_through_the_epochs_with_their_figures(qtbot: QtBot, compare: Open) -> None:
    view, _, engine = compare()
    found = mode(qtbot, view, EPOCHS)
    assert [side.epoch for side in found.sides] == [1, None]
    scrubber = view.heads[LEFT].scrubber
    assert "epoch 1" in scrubber.label.text()
    assert "0.020" in scrubber.label.text()  # from the run's history
    assert "finished run" in view.heads[RIGHT].scrubber.label.text()
    scrubber.slider.setFocus()
    QTest.keyClick(scrubber.slider, Qt.Key.Key_Right)
    assert [side.epoch for side in settled(qtbot, view).sides] == [2, None]
    assert "0.040" in scrubber.label.text()
    QTest.keyClick(scrubber.slider, Qt.Key.Key_End)
    assert view.choice.value(LEFT) == FINISHED
    QTest.keyClick(scrubber.slider, Qt.Key.Key_Home)
    assert [side.epoch for side in settled(qtbot, view).sides] == [1, None]
    assert view.pictures.left.caption.whole() == "Left · epoch 1"
    assert len(asked(engine, "history")) == 1


def test_playing_goes_through_the_epochs_and_waits_for_answers(qtbot: QtBot, compare: Open) -> None:
    view, _, engine = compare()
    mode(qtbot, view, EPOCHS)
    scrubber = view.heads[LEFT].scrubber
    scrubber._beat.setInterval(5)
    engine.held.add("compare")
    scrubber.slider.setFocus()
    QTest.keyClick(scrubber.slider, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: view.choice.value(LEFT) == 2)
    qtbot.wait(40)  # several beats: nothing moves on before the answer is here
    assert view.choice.value(LEFT) == 2
    engine.held.clear()
    engine.release(engine.asked[-1][0])
    qtbot.waitUntil(lambda: not scrubber.playing)
    assert scrubber.slider.value() == scrubber.slider.maximum()
    QTest.mouseClick(scrubber.play, Qt.MouseButton.LeftButton)
    assert scrubber.playing  # from the start again
    assert scrubber.slider.value() == 0
    view.choice.choose_mode(RUNS)
    assert not scrubber.playing


def test_swapping_turns_the_sides_round(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare()
    before = settled(qtbot, view)
    QTest.mouseClick(view.modes.swap, Qt.MouseButton.LeftButton)
    after = settled(qtbot, view)
    assert after.sides == before.sides[::-1]
    np.testing.assert_allclose(np.sort(after.rows.difference), np.sort(-before.rows.difference))


def test_a_pinned_side_stays_while_the_session_moves_on(qtbot: QtBot, compare: Open) -> None:
    view, session, _ = compare()
    first = settled(qtbot, view).sides[0]
    QTest.mouseClick(view.heads[LEFT].pin, Qt.MouseButton.LeftButton)
    assert not view.heads[LEFT].combo.isEnabled()
    with qtbot.waitSignal(session.explanation_changed):
        session.choose_user("u5")
    found = settled(qtbot, view)
    assert found.sides[0] == first
    assert found.sides[1].user == "u5"
    assert f"shopper {first.user}" in view.heads[LEFT].facts.whole()
    QTest.mouseClick(view.heads[LEFT].pin, Qt.MouseButton.LeftButton)
    assert settled(qtbot, view).sides[0].user == "u5"


def test_pointing_on_one_side_lights_the_other_and_the_difference(qtbot: QtBot, compare: Open) -> None:
    view, session, _ = compare()
    found = settled(qtbot, view)
    word = next(row for row, token in enumerate(found.left.tokens) if token.modality == "text")
    view.linked.left.point(Pointed(tokens=frozenset((word,))))
    assert view.linked.right.pointed.tokens == frozenset((word,))
    (row,) = view.linked.difference.pointed.tokens
    assert found.rows.left_rows[row] == (word,)
    assert session.pointed == NOTHING  # Explore is not stirred
    view.linked.left.point(NOTHING)
    assert view.linked.difference.pointed == NOTHING


def test_a_click_in_a_list_asks_why_a_above_b(qtbot: QtBot, compare: Open) -> None:
    view, _, engine = compare()
    settled(qtbot, view)
    a, b = (view.slope.row_rect(LEFT, row).center().toPoint() for row in (0, 3))
    QTest.mouseClick(view.slope, Qt.MouseButton.LeftButton, pos=a)
    QTest.mouseClick(view.slope, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, b)
    items = [row.item for row in view.slope.lists[LEFT]]
    qtbot.waitUntil(lambda: not view.busy)
    last = asked(engine, "contrast")[-1]
    assert (last["side"].item, last["other"]) == (items[0], items[3])
    page = view.details.above
    assert page.isVisible()
    assert "scores 0.70 more than" in page.said.text()
    assert "hood" in [row.label for row in page.bars.rows]
    QTest.mouseClick(page.swap, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not view.busy)
    last = asked(engine, "contrast")[-1]
    assert (last["side"].item, last["other"]) == (items[3], items[0])


def test_an_ampersand_in_a_title_is_shown(qtbot: QtBot, compare: Open) -> None:
    view, _, engine = compare()
    run = make_run(engine.folder)
    named = replace(run, items=replace(run.items, title=("Rook & Reed", *run.items.title[1:])))
    view.details.above.choose(named, "", "i0", "i1")
    assert view.details.above.a.text() == "Rook && Reed"
    assert view.details.above.a.accessibleName() == "Product A: Rook & Reed"


def test_keys_choose_a_and_b_in_the_lists(qtbot: QtBot, compare: Open) -> None:
    view, _, engine = compare()
    settled(qtbot, view)
    view.slope.setFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Down):
        QTest.keyClick(view.slope, key)
    QTest.keyClick(view.slope, Qt.Key.Key_Return)
    QTest.keyClick(view.slope, Qt.Key.Key_Down)
    QTest.keyClick(view.slope, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: not view.busy)
    items = [row.item for row in view.slope.lists[RIGHT]]
    last = asked(engine, "contrast")[-1]
    assert (Path(last["side"].run).name, last["side"].item, last["other"]) == ("concat-02", items[1], items[2])
    assert "right side" in view.details.above.where.text()


def test_lines_join_the_same_product_and_a_tip_tells_both_places(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare()
    settled(qtbot, view)
    assert view.lists.note.text() == "60 of 60 in both"
    moved = view.slope.lists[LEFT][1].item
    assert [row.item for row in view.slope.lists[RIGHT]].index(moved) == 2
    assert view.slope._told(RIGHT, moved)[0].startswith("right: rank 3")
    extra = RankedItem("i999", "New", None, 1, 2.0, {})
    ranking = make_ranking(make_run(Path()), "u1", 5)
    view.slope.fill(replace(ranking, items=(extra, *ranking.items[:4])), ranking, ("", ""))
    assert view.slope._told(RIGHT, "i999") == ["right: below the 5 shown"]
    assert view.slope.height() == 5 * ROW
    view.slope.grab()


def test_both_lists_are_under_the_rules_and_say_what_moved(qtbot: QtBot, compare: Open) -> None:
    view, session, engine = compare()
    plain = settled(qtbot, view)
    third = plain.left_list.items[2]
    assert view.rules.isHidden()
    assert "rank under rules" not in view.numbers()["sides"]
    with qtbot.waitSignal(session.rules.changed):
        session.rules.change(RuleBook.of([Rule("campaign", "pin", items=(third.item,), position=1)]), "rules")
    qtbot.waitUntil(lambda: view.found is not plain and not view.busy)
    assert asked(engine, "compare")[-1]["rules"] == session.rules.active
    assert view.rules.isVisible()
    assert view.rules.text() == "1 rule(s) active"  # no translator is installed
    assert "in the model" in view.heads[LEFT].facts.whole()
    first = view.slope.lists[LEFT][0]
    assert (first.item, first.rank, first.model_rank) == (third.item, 1, 3)
    view.slope.setFocus()
    QTest.keyClick(view.slope, Qt.Key.Key_Down)
    assert "“campaign” moves it: rank 3 → 1." in Tip.of(view.slope).text()
    QTest.keyClick(view.slope, Qt.Key.Key_Return)  # why A above B
    qtbot.waitUntil(lambda: not view.busy)
    assert "Business rules show A at rank 1" in view.details.above.where.text()
    tables = view.numbers()
    assert tables["lists"]["left model rank"][0] == 3
    assert tables["lists"]["left rules"][0] == "campaign"
    with qtbot.waitSignal(view.rules_asked):
        qtbot.mouseClick(view.rules, Qt.MouseButton.LeftButton)
    session.rules.switch()
    qtbot.waitUntil(lambda: not view.busy and view.rules.isHidden())
    assert "rules" not in asked(engine, "compare")[-1]
    assert view.slope.lists[LEFT][0].item == plain.left_list.items[0].item


def test_one_run_alone_tells_how_to_get_another(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare(runs=1)
    assert view.nothing.isVisible()
    assert "only one run" in view.nothing.title.text()
    assert not view.modes.swap.isVisible()  # there is nothing to swap
    with qtbot.waitSignal(view.train_asked):
        QTest.mouseClick(view.nothing.train, Qt.MouseButton.LeftButton)
    QTest.mouseClick(view.nothing.methods, Qt.MouseButton.LeftButton)
    assert settled(qtbot, view).sides[1].method == "attention"
    assert not view.nothing.isVisible()
    assert view.modes.swap.isVisible()


def test_a_run_without_checkpoints_names_the_setting_that_keeps_them(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare(epochs=())
    view.choice.choose_mode(EPOCHS)
    assert view.nothing.isVisible()
    assert "Checkpoints" in view.nothing.text.text()
    QTest.mouseClick(view.nothing.shoppers, Qt.MouseButton.LeftButton)
    assert view.choice.mode == SHOPPERS
    settled(qtbot, view)


def test_other_grids_are_told_and_resampled(qtbot: QtBot, compare: Open) -> None:
    view, _, engine = compare()

    def answer(left: Side, right: Side, k: int = 100) -> Comparison:
        found = compared(engine)(left, right, k)
        cells = [row for row, token in enumerate(found.right.tokens) if token.modality == "image"]
        others = [row for row in range(len(found.right.tokens)) if row not in cells]
        whole = Token("image", "1, 1", found.right.images[0], None, (0.0, 0.0, 1.0, 1.0))
        right_found = replace(
            found.right,
            tokens=(*(found.right.tokens[row] for row in others), whole),
            contribution=np.append(found.right.contribution[others], found.right.contribution[cells].sum()),
            grid=(1, 1),
        )
        rows = aligned(found.left, right_found, found.left.contribution, right_found.contribution)
        grids = ((7, 7), (1, 1), (7, 7))
        return replace(found, right=right_found, rows=rows, grids=grids)

    engine.answers["compare"] = answer
    view.choice.choose(LEFT, view.choice.value(RIGHT))
    found = settled(qtbot, view)
    assert view.pictures.note.text() == "resampled: 7×7 and 1×1 cells"
    assert "spread evenly" in view.pictures.note.toolTip()
    maps = Maps(found)
    cells = maps.difference.values[maps.difference.cells]
    one, two = (told.values[told.indices["image"]].sum() for told in (maps.left, maps.right))
    assert cells.sum() == pytest.approx(one - two)


def test_a_failure_says_what_to_do_and_the_next_answer_puts_it_away(qtbot: QtBot, compare: Open) -> None:
    view, session, engine = compare()
    engine.answers["compare"] = lambda **_: HeedmapError("The run is damaged.", "Train it again.")
    with qtbot.waitSignal(view.questions.failed):
        session.choose_user("u7")
    assert view.fault.isVisible()
    assert view.fault.text() == "The run is damaged. Train it again."
    engine.answers["compare"] = compared(engine)
    QTest.mouseClick(view.again, Qt.MouseButton.LeftButton)
    settled(qtbot, view)
    assert not view.fault.isVisible()


def test_work_that_is_stopped_can_be_asked_for_again(qtbot: QtBot, compare: Open) -> None:
    view, _, engine = compare()
    settled(qtbot, view)
    engine.held.add("compare")
    view.choice.choose_mode(METHODS)
    qtbot.waitUntil(view.working.isVisible)
    QTest.mouseClick(view.working.stop, Qt.MouseButton.LeftButton)
    assert not view.busy
    assert view.fault.text().startswith("Stopped")
    engine.held.clear()
    QTest.mouseClick(view.again, Qt.MouseButton.LeftButton)
    assert settled(qtbot, view).sides[1].method == "attention"


def test_a_shopper_is_found_by_typing(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare()
    mode(qtbot, view, SHOPPERS)
    head = view.heads[RIGHT]
    head.pick.setFocus()
    QTest.keyClick(head.pick, Qt.Key.Key_Space)
    picker = head._pickers[SHOPPERS]
    qtbot.waitUntil(picker.isVisible)
    QTest.keyClicks(picker.finder.search, "u17")
    qtbot.waitUntil(lambda: picker.finder.model.rowCount() == 1)
    QTest.keyClick(picker.finder.search, Qt.Key.Key_Down)
    QTest.keyClick(picker.finder.list, Qt.Key.Key_Return)
    assert settled(qtbot, view).sides[1].user == "u17"
    assert head.pick.accessibleName() == "Shopper, Right: u17"


def test_enter_takes_the_first_of_what_was_typed(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare()
    mode(qtbot, view, SHOPPERS)
    head = view.heads[RIGHT]
    QTest.mouseClick(head.pick, Qt.MouseButton.LeftButton)
    picker = head._pickers[SHOPPERS]
    qtbot.waitUntil(picker.isVisible)
    QTest.keyClicks(picker.finder.search, "u17")
    QTest.keyClick(picker.finder.search, Qt.Key.Key_Return)  # before the keys have rested
    assert not picker.isVisible()
    assert settled(qtbot, view).sides[1].user == "u17"
    QTest.mouseClick(head.pick, Qt.MouseButton.LeftButton)
    QTest.keyClicks(picker.finder.search, "nobody of that name")
    QTest.keyClick(picker.finder.search, Qt.Key.Key_Return)
    assert picker.isVisible()  # there is none to take
    picker.hide()


def test_the_difference_says_what_it_is(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare()
    settled(qtbot, view)
    bars = view.details.parts
    assert bars.caption == "L less R"
    assert bars._places()[0].top() >= 16  # there is room for it above the rows
    assert bars.height() == bars._places()[-1].bottom()


def test_a_side_is_opened_in_explore(qtbot: QtBot, compare: Open) -> None:
    view, session, _ = compare()
    mode(qtbot, view, SHOPPERS)
    other = view.choice.value(RIGHT)
    with qtbot.waitSignal(view.opened):
        QTest.mouseClick(view.heads[RIGHT].open, Qt.MouseButton.LeftButton)
    assert session.user == other
    qtbot.waitUntil(lambda: session.idle and not view.busy)
    view.choice.choose_mode(RUNS)
    with qtbot.waitSignal(session.run_changed):
        QTest.mouseClick(view.heads[RIGHT].open, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.idle)
    assert session.run is not None
    assert session.run.run == "concat-02"


def test_what_was_chosen_comes_back_and_a_bad_state_does_no_harm(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare()
    mode(qtbot, view, METHODS)
    view.details.show_tab("words")
    view.choice.pin(LEFT, True)
    state = view.state()
    other, _, _ = compare()
    other.restore(state)
    assert other.choice.mode == METHODS
    assert other.details.tab == "words"
    assert other.choice.pinned(LEFT)
    assert settled(qtbot, other).sides == view.choice.sides()
    other.restore({"choice": {"mode": "moods", "chosen": {"runs": 3}, "pinned": [{"run": 1}, None]}, "rows": ["x"]})
    assert other.choice.mode == METHODS
    assert not other.choice.pinned(LEFT)


def test_numbers_hold_every_table_in_columns_of_one_length(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare()
    found = settled(qtbot, view)
    made = view.numbers()
    assert {"sides", "tokens", "parts", "past", "lists", "agreement"} <= set(made)
    for columns in made.values():
        assert len({len(values) for values in columns.values()}) == 1
    assert made["tokens"]["difference"] == found.rows.difference.tolist()


def test_every_control_has_a_name_and_every_action_a_text(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare()
    for name in (RUNS, EPOCHS, SHOPPERS, PRODUCTS, METHODS):
        mode(qtbot, view, name)
        nameless = [
            widget
            for kind in (QAbstractButton, QComboBox, QSlider)
            for widget in view.findChildren(kind)
            if widget.isVisible() and not (widget.accessibleName() or getattr(widget, "text", str)())
        ]
        assert nameless == []
    shortcuts = [action.shortcut for action in view.offers() if action.shortcut]
    assert len(shortcuts) == len(set(shortcuts))
    assert all(action.text for action in view.offers())


def test_bars_tell_both_sides_to_the_pointer_and_the_keyboard(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare()
    settled(qtbot, view)
    bars = view.details.parts
    bars.setFocus()
    QTest.keyClick(bars, Qt.Key.Key_Down)
    assert bars._over == 0
    QTest.mouseMove(bars, QPoint(20, 45))
    assert "left" in bars.accessibleDescription()
    assert "difference" in bars.accessibleDescription()


def test_the_theme_can_change_while_it_is_shown(qtbot: QtBot, compare: Open) -> None:
    view, _, _ = compare()
    view._themes.choose("dark")
    assert view._themes.theme is DARK
    image = view.details.parts.grab().toImage()
    assert not image.isNull()


def test_nothing_is_asked_while_it_is_out_of_sight(qtbot: QtBot, compare: Open) -> None:
    view, session, engine = compare()
    settled(qtbot, view)
    view.hide()
    before = len(asked(engine, "compare"))
    with qtbot.waitSignal(session.explanation_changed):
        session.choose_user("u9")
    qtbot.waitUntil(lambda: session.idle)
    assert len(asked(engine, "compare")) == before
    view.show()
    assert settled(qtbot, view).sides[0].user == "u9"
