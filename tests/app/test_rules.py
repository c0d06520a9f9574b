"""Business rules in the window: made in a form, kept, undone, in force in every ranked list, and told in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QUndoCommand, QUndoStack
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from app.i18n import LanguageSource
from app.main_window import MainWindow
from app.rule_words import moved_by, note_text, rule_sentence, ruled_sentences
from app.rules import Rules
from app.rules_view.view import RulesView
from app.session import Session
from engine.answers import RankedItem, Ranking
from engine.errors import HeedmapError
from engine.explain.types import Explanation, RuleEffect
from engine.rule_book import RuleBook, RuleField, RuleReach
from engine.rules import Rule, rules_from
from engine.ruling import apply
from engine.scenario import PastEdit, Scenario
from tests.app.conftest import ITEMS, FakeEngine, make_explanation, make_ranking, title

Open = Callable[..., MainWindow]
FIELDS = (
    RuleField("brand", ("Acme", "Apex"), (40, 20)),
    RuleField("price", ("10", "20"), (30, 30), 10.0, 20.0),
)
BOOK: dict[str, Any] = {
    "rules": [
        {"name": "cheap", "rule": "filter", "where": {"field": "price", "at_most": 20}},
        {"name": "own", "rule": "boost", "by": 0.5, "where": {"field": "brand", "is": "Acme"}},
        {"name": "not own", "rule": "boost", "by": -0.5, "where": {"field": "brand", "is": "Apex"}},
        {"name": "campaign", "rule": "pin", "item": "i3", "position": 1},
    ]
}


def ruled(engine: FakeEngine, rules: tuple[Rule, ...], user: str) -> Ranking:
    """The made-up list with pinned products at their places, told as the engine tells it."""
    plain = make_ranking(engine.run, user)
    pins = {one.items[0]: one for one in rules if one.kind == "pin"}
    items = [one for one in plain.items if one.item not in pins]
    for pin in sorted(pins.values(), key=lambda one: one.position):
        items.insert(pin.position - 1, next(one for one in plain.items if one.item == pin.items[0]))
    told: list[RankedItem] = []
    for rank, one in enumerate(items, start=1):
        by = pins.get(one.item) or next(iter(pins.values()), None)
        moved = (RuleEffect(by.name, "pin", one.rank, rank, 0.0),) if by is not None and rank != one.rank else ()
        told.append(replace(one, rank=rank, model_rank=one.rank, effects=moved))
    return replace(plain, items=tuple(told))


@pytest.fixture
def shop_engine(engine: FakeEngine) -> FakeEngine:
    def rank(run: str, user: str, k: int = 100, scenario: Any = None, rules: tuple[Rule, ...] = ()) -> Ranking:
        return ruled(engine, rules, user)

    def explain(
        run: str,
        user: str,
        item: str,
        method: str = "contribution",
        scenario: Any = None,
        rules: tuple[Rule, ...] = (),
    ) -> Explanation:
        found = make_explanation(engine.run, user, item, method)
        if not rules:
            return found
        one = next(one for one in ruled(engine, rules, user).items if one.item == item)
        return replace(found, shown_rank=one.rank, effects=one.effects)

    def reach(run: str, rules: tuple[Rule, ...]) -> RuleReach:
        return RuleReach((40,) * len(rules), ("",) * len(rules), ITEMS)

    engine.answers |= {"rank": rank, "explain": explain, "rule_fields": lambda run: FIELDS, "rule_reach": reach}
    return engine


def settled(qtbot: QtBot, session: Session) -> None:
    qtbot.waitUntil(lambda: session.idle and session.ranking is not None and session.explanation is not None)


@pytest.fixture
def window(open_window: Open, qtbot: QtBot, shop_engine: FakeEngine) -> MainWindow:
    made = open_window()
    settled(qtbot, made.session)
    return made


@pytest.fixture
def view(window: MainWindow, qtbot: QtBot) -> RulesView:
    window.show_view("rules")
    assert isinstance(window.view, RulesView)
    qtbot.waitUntil(lambda: not window.view.busy)  # type: ignore[union-attr]
    return window.view


def asked(engine: FakeEngine, name: str) -> dict[str, Any]:
    """The arguments of the newest question of a name."""
    return next(arguments for _, one, arguments in reversed(engine.asked) if one == name)


# --- how rules are kept ---------------------------------------------------------------------------------------------


def kept(tmp_path: Path) -> Path:
    return tmp_path / "workspace" / "rules" / "made-up.json"


def test_rules_come_back_after_a_restart_and_no_file_is_made_without_one(
    open_window: Open, qtbot: QtBot, shop_engine: FakeEngine, tmp_path: Path
) -> None:
    first = open_window()
    settled(qtbot, first.session)
    first.session.rules.flush()
    assert not kept(tmp_path).exists()
    first.session.rules.change(RuleBook.from_json(BOOK), "take")
    first.close()
    assert RuleBook.from_json(json.loads(kept(tmp_path).read_text(encoding="utf-8"))) == RuleBook.from_json(BOOK)
    second = open_window()
    settled(qtbot, second.session)
    assert second.session.rules.book == RuleBook.from_json(BOOK)
    assert asked(shop_engine, "rank")["rules"] == rules_from(BOOK)
    assert second.status.rules.text() == "4 rules active"


@pytest.fixture
def alone(qapp: QApplication) -> Iterator[Rules]:
    """Rules without a window."""
    stack = QUndoStack()
    yield Rules(stack)
    stack.blockSignals(True)


def test_a_damaged_file_is_told_and_never_written_over(qtbot: QtBot, tmp_path: Path, alone: Rules) -> None:
    rules = alone
    place = tmp_path / "rules" / "shop.json"
    place.parent.mkdir()
    place.write_text('{"rules": [{"name"', encoding="utf-8")
    with qtbot.waitSignal(rules.failed):
        rules.open(tmp_path, tmp_path / "datasets" / "shop")
    rules.take(RuleBook.from_json(BOOK))
    rules.flush()
    assert place.with_suffix(".damaged.json").read_text(encoding="utf-8").startswith('{"rules"')
    assert RuleBook.from_json(json.loads(place.read_text(encoding="utf-8"))).rules


def test_rules_that_cannot_be_written_say_so(qtbot: QtBot, tmp_path: Path, alone: Rules) -> None:
    rules = alone
    (tmp_path / "rules").write_text("in the way", encoding="utf-8")
    rules.open(tmp_path, tmp_path / "datasets" / "shop")
    with qtbot.waitSignal(rules.failed):
        rules.take(RuleBook.from_json(BOOK))


def test_another_workspace_has_rules_of_its_own(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.rules.change(RuleBook.from_json(BOOK), "take")
    settled(qtbot, window.session)
    with qtbot.waitSignal(window.workspace.changed):
        window.open_workspace(tmp_path / "other")
    window.session.rules.switch()  # there is nothing to switch, and nothing is written
    window.session.rules.flush()
    settled(qtbot, window.session)
    assert window.session.rules.active == ()
    assert window.status.rules.isHidden()
    assert RuleBook.from_json(json.loads(kept(tmp_path).read_text(encoding="utf-8"))).on


def test_edits_that_go_on_are_one_step_and_others_are_their_own(engine: FakeEngine) -> None:
    session = Session(engine)
    rules: Rules = session.rules
    books = [RuleBook.from_json({"rules": [{**BOOK["rules"][1], "by": by}]}) for by in (0.1, 0.2, 0.3)]
    rules.change(books[0], "add")
    rules.change(books[1], "change", "own by")
    rules.change(books[2], "change", "own by")
    assert session.undo.count() == 2
    session.undo.undo()
    assert rules.book == books[0]
    session.undo.redo()
    assert rules.book == books[2]


def test_steps_of_rules_do_not_count_as_steps_of_the_what_if(window: MainWindow, qtbot: QtBot) -> None:
    session = window.session
    session.rules.change(RuleBook.from_json(BOOK), "rules")
    session.change(Scenario(pasts=(PastEdit("u0", removed=("i0",)),)), "what-if")
    session.rules.switch()
    steps, done = session.steps()
    assert ([one.text for one in steps], done) == (["what-if"], 1)
    session.undo.undo()
    session.undo.undo()
    assert session.steps()[1] == 0
    assert session.rules.active
    settled(qtbot, session)


# --- what they do to the list ---------------------------------------------------------------------------------------


def test_the_list_is_under_the_rules_and_says_what_moved_each_product(window: MainWindow, qtbot: QtBot) -> None:
    session = window.session
    before = session.ranking
    assert before is not None
    last = before.items[-1]
    rule = Rule("campaign", "pin", items=(last.item,), position=2)
    with qtbot.waitSignal(session.ranking_changed):
        session.rules.change(RuleBook.of([rule]), "pin")
    settled(qtbot, session)
    explore = window.view
    rows = explore.ranked.list.rows  # type: ignore[union-attr]
    assert rows.items[1].item == last.item
    assert rows.marks[1] == f"was {last.rank} · campaign"
    assert rows.marks[0] == ""
    assert rows.marks[2] == "was 2 · campaign"
    said = rows.data(rows.index(1), Qt.ItemDataRole.AccessibleTextRole)
    assert f"was {last.rank} · campaign" in said
    assert explore.ranked.rules.text() == "1 rule active"  # type: ignore[union-attr]
    assert explore.ranked.rules.isVisible()  # type: ignore[union-attr]
    session.choose_item(last.item)
    settled(qtbot, session)
    product = explore.product  # type: ignore[union-attr]
    assert product.ruled.isVisible()
    assert product.ruled.text() == (
        f"“campaign” moves it: rank {last.rank} → 2. It is shown at rank 2; the model's own rank is {last.rank}."
    )
    assert product.heading.whole().startswith("2 · ")
    table = explore.numbers()["ranking"]  # type: ignore[union-attr]
    assert (table["rank"][1], table["model rank"][1], table["rules"][1]) == (2, last.rank, "campaign")


def test_one_key_switches_all_rules_off_and_undo_brings_them_back(
    window: MainWindow, qtbot: QtBot, shop_engine: FakeEngine
) -> None:
    session = window.session
    session.rules.change(RuleBook.from_json(BOOK), "take")
    settled(qtbot, session)
    assert asked(shop_engine, "rank")["rules"] == asked(shop_engine, "explain")["rules"] == rules_from(BOOK)
    qtbot.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    settled(qtbot, session)
    assert "rules" not in asked(shop_engine, "rank")
    assert window.status.rules.isHidden()
    assert session.ranking is not None
    assert not any(one.effects for one in session.ranking.items)
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settled(qtbot, session)
    assert window.status.rules.text() == "4 rules active"
    assert asked(shop_engine, "rank")["rules"] == rules_from(BOOK)


def test_the_keyboard_begins_with_the_list_and_goes_on_to_the_form(window: MainWindow, qtbot: QtBot) -> None:
    window.session.rules.change(RuleBook.from_json(BOOK), "take")
    settled(qtbot, window.session)
    window.show_view("rules")
    view = window.view
    assert isinstance(view, RulesView)
    qtbot.waitUntil(lambda: view.list.hasFocus())
    seen = []
    for _ in range(14):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        seen.append(QApplication.focusWidget())
    stops = [view.master, view.add, view.delete, view.imported, view.export, view.form.name]
    assert [one for one in seen if one in stops] == stops


def test_the_chip_leads_to_the_rules(window: MainWindow, qtbot: QtBot) -> None:
    window.session.rules.change(RuleBook.from_json(BOOK), "take")
    settled(qtbot, window.session)
    qtbot.mouseClick(window.view.ranked.rules, Qt.MouseButton.LeftButton)  # type: ignore[union-attr]
    assert window.current == "rules"
    window.show_view("explore")
    qtbot.mouseClick(window.status.rules, Qt.MouseButton.LeftButton)
    assert window.current == "rules"


def test_a_list_that_rules_left_empty_says_so(window: MainWindow, qtbot: QtBot, shop_engine: FakeEngine) -> None:
    plain = make_ranking(shop_engine.run, "u0")
    shop_engine.answers["rank"] = lambda **_: replace(plain, items=())
    window.session.rules.change(RuleBook.from_json(BOOK), "take")
    qtbot.waitUntil(lambda: window.session.idle)
    assert "business rules leave nothing" in window.view.ranked.empty.text()  # type: ignore[union-attr]


def test_the_what_if_compares_lists_under_the_same_rules(
    window: MainWindow, qtbot: QtBot, shop_engine: FakeEngine
) -> None:
    session = window.session
    session.rules.change(RuleBook.from_json(BOOK), "take")
    settled(qtbot, session)
    session.change(Scenario(pasts=(PastEdit(session.user, removed=("i0",)),)), "what-if")
    settled(qtbot, session)
    qtbot.waitUntil(lambda: session.unchanged is not None)
    ranks = [arguments for _, name, arguments in shop_engine.asked if name == "rank"][-2:]
    assert all(one["rules"] == rules_from(BOOK) for one in ranks)
    assert sum("scenario" in one for one in ranks) == 1


def test_the_product_looked_at_is_fixed_or_taken_out_with_one_command(window: MainWindow, qtbot: QtBot) -> None:
    session, rules = window.session, window.session.rules
    acts = {one.id: one.run for one in window.view.offers()}  # type: ignore[union-attr]
    first = session.item
    acts["rules-first"]()
    acts["rules-first"]()  # it is there already
    session.choose_item("i5")
    acts["rules-first"]()
    assert [(one.kind, one.items, one.position) for one in rules.book.rules] == [
        ("pin", (first,), 1),
        ("pin", ("i5",), 2),
    ]
    acts["rules-never"]()
    session.choose_item("i6")
    acts["rules-never"]()
    acts["rules-never"]()
    assert [one.items for one in rules.book.rules if one.kind == "exclude"] == [("i5", "i6")]
    assert session.undo.undoText() == f"Never show {title(6)}"
    settled(qtbot, session)


# --- how they are made ----------------------------------------------------------------------------------------------


def typed(qtbot: QtBot, picked: Any, text: str) -> None:
    picked.field.setFocus()
    qtbot.keyClicks(picked.field, text)
    qtbot.keyClick(picked.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: picked.field.text() == "")


def test_a_rule_is_made_in_the_form_and_in_force_once_it_is_complete(
    view: RulesView, window: MainWindow, qtbot: QtBot, shop_engine: FakeEngine
) -> None:
    view.begin("boost")
    assert view.form.fault.text() == "Not in force yet. Choose at least one value."
    assert window.session.rules.book == RuleBook()
    typed(qtbot, view.form.condition.values, "acme")
    (made,) = window.session.rules.book.rules
    assert (made.name, made.kind, made.by) == ("brand is Acme", "boost", 0.1)
    assert made.where is not None
    assert (made.where.field, made.where.one_of) == ("brand", ("Acme",))
    assert view.form.fault.isHidden()
    view.form.by.setFocus()
    view.form.by.setValue(0.75)
    view.form.name.setFocus()
    view.form.name.selectAll()
    qtbot.keyClicks(view.form.name, "own brand")
    assert window.session.rules.book.rules[0].name == "brand is Acme"  # half a name is not meant
    qtbot.waitUntil(lambda: window.session.rules.book.rules[0].name == "own brand")
    settled(qtbot, window.session)
    assert asked(shop_engine, "rank")["rules"] == (replace(made, by=0.75, name="own brand"),)
    assert view.form.name.text() == "own brand"
    qtbot.waitUntil(lambda: view.form.reach.text() == "40 of 60 products meet the condition.")


def test_each_kind_can_be_made(view: RulesView, window: MainWindow, qtbot: QtBot) -> None:
    view.begin("filter")
    view.form.condition.field.setCurrentIndex(view.form.condition.field.findData("price"))
    view.form.condition.test.setCurrentIndex(view.form.condition.test.findData("range"))
    qtbot.keyClicks(view.form.condition.high, "15")
    view.begin("exclude")
    typed(qtbot, view.form.products, title(5))
    typed(qtbot, view.form.products, title(7))
    view.begin("diversity")
    view.form.weight.setValue(60)
    view.begin("exposure")
    view.form.condition.test.setCurrentIndex(view.form.condition.test.findData("known"))
    view.form.at_least.setValue(3)
    view.begin("pin")
    typed(qtbot, view.form.product, title(9))
    view.begin("pin")
    assert view.form.position.value() == 2
    typed(qtbot, view.form.product, title(11))
    written = [
        {key: value for key, value in one.items() if key != "name"}
        for one in window.session.rules.book.to_json()["rules"]
    ]
    assert written == [
        {"rule": "filter", "where": {"field": "price", "at_most": 15.0}},
        {"rule": "exclude", "items": ["i5", "i7"]},
        {"rule": "diversity", "lambda": 0.6, "over": "content", "within": 50},
        {"rule": "exposure", "at_least": 3, "within": 10, "where": {"field": "brand", "present": True}},
        {"rule": "pin", "item": "i9", "position": 1},
        {"rule": "pin", "item": "i11", "position": 2},
    ]
    settled(qtbot, window.session)


def test_what_is_wrong_is_said_in_place_and_is_not_in_force(view: RulesView, window: MainWindow, qtbot: QtBot) -> None:
    rules = window.session.rules
    rules.change(RuleBook.from_json(BOOK), "take")
    view.show_rule("cheap")
    good = rules.book
    view.form.condition.high.selectAll()
    qtbot.keyClicks(view.form.condition.high, "x")
    assert view.form.fault.text() == "Not taken over. x is not a number."
    assert view.form.condition.high.property("invalid") is True
    qtbot.keyClick(view.form.condition.high, Qt.Key.Key_Backspace)
    assert "at least one end" in view.form.fault.text()
    qtbot.keyClicks(view.form.condition.low, "30")
    assert view.busy
    qtbot.keyClicks(view.form.condition.high, "3")
    assert "ends before it begins" in view.form.fault.text()
    view.show_rule("own")
    view.form.name.selectAll()
    qtbot.keyClicks(view.form.name, "cheap")
    assert "called so already" in view.form.fault.text()
    view.show_rule("campaign")
    view.begin("pin")
    view.form.position.setValue(1)
    typed(qtbot, view.form.product, title(8))
    assert view.form.fault.text() == "Not in force yet. “campaign” stands at that place already."
    assert rules.book.named("campaign") == good.named("campaign")
    assert [one.kind for one in rules.book.rules].count("pin") == 1
    view.form.discard.click()
    assert view.form.rule is not None
    settled(qtbot, window.session)


def test_what_is_typed_is_kept_when_something_else_is_chosen(view: RulesView, window: MainWindow, qtbot: QtBot) -> None:
    rules = window.session.rules
    rules.change(RuleBook.from_json(BOOK), "take")
    view.show_rule("cheap")
    view.form.condition.high.selectAll()
    qtbot.keyClicks(view.form.condition.high, "12.5")
    view.show_rule("own")
    cheap = rules.book.named("cheap")
    assert cheap is not None
    assert cheap.where is not None
    assert cheap.where.at_most == 12.5
    assert view.form.name.text() == "own"
    view.form.name.selectAll()
    qtbot.keyClicks(view.form.name, "ours")
    view.begin("exclude")
    assert rules.book.named("ours") is not None
    settled(qtbot, window.session)


def test_a_condition_of_several_tests_is_kept_as_it_is_written(
    view: RulesView, window: MainWindow, qtbot: QtBot
) -> None:
    where = {"field": "price", "is": ["10", "20"], "at_most": 15}
    book = RuleBook.from_json({"rules": [{"name": "odd", "rule": "filter", "where": where}]})
    window.session.rules.change(book, "take")
    view.show_rule("odd")
    assert view.form.condition.test.currentText() == "price is 10 or 20 and price is at most 15"
    view.form.name.selectAll()
    qtbot.keyClicks(view.form.name, "even")
    qtbot.keyClick(view.form.name, Qt.Key.Key_Return)
    assert window.session.rules.book.rules[0] == replace(book.rules[0], name="even")


def test_rules_are_switched_moved_deleted_and_undone_by_keys_and_mouse(
    view: RulesView, window: MainWindow, qtbot: QtBot
) -> None:
    rules = window.session.rules
    rules.change(RuleBook.from_json(BOOK), "take")
    view.show_rule("not own")
    view.list.setFocus()
    qtbot.keyClick(view.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert [one.name for one in rules.book.rules] == ["cheap", "not own", "own", "campaign"]
    qtbot.keyClick(view.list, Qt.Key.Key_Space)
    assert rules.book.named("not own") is not None
    assert rules.book.rules[1].on is False
    first = view.model.index(0, 0)
    box = view.list.painter.box(0, view.list.visualRect(first).toRectF()).center().toPoint()
    qtbot.mouseClick(view.list.viewport(), Qt.MouseButton.LeftButton, pos=box)
    assert rules.book.rules[0].on is False
    inside = view.list.visualRect(view.model.index(2, 0)).center() + QPoint(40, 10)
    qtbot.mouseClick(view.list.viewport(), Qt.MouseButton.LeftButton, pos=inside)
    assert view.form.name.text() == "own"
    qtbot.keyClick(view.list, Qt.Key.Key_Delete)
    assert [one.name for one in rules.book.rules] == ["cheap", "not own", "campaign"]
    for _ in range(4):
        qtbot.mouseClick(view.undo, Qt.MouseButton.LeftButton)
    assert rules.book == RuleBook.from_json(BOOK)
    settled(qtbot, window.session)


def test_rules_of_a_file_take_the_place_of_these_and_are_written_as_they_were_read(
    view: RulesView, window: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = window.session.rules
    source, out = tmp_path / "mine.json", tmp_path / "out.json"
    source.write_text(json.dumps(BOOK), encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(source), ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    qtbot.mouseClick(view.imported, Qt.MouseButton.LeftButton)
    assert rules.book == RuleBook.from_json(BOOK)
    qtbot.mouseClick(view.export, Qt.MouseButton.LeftButton)
    rules.flush()
    assert RuleBook.from_json(json.loads(out.read_text(encoding="utf-8"))) == rules.book
    source.write_text('{"rules": [{"name": "x", "rule": "filtr"}]}', encoding="utf-8")
    qtbot.mouseClick(view.imported, Qt.MouseButton.LeftButton)
    assert "mine.json, rule 1 (x): rule cannot be 'filtr'" in view.fault.text()
    assert view.fault.isVisible()
    assert rules.book == RuleBook.from_json(BOOK)
    settled(qtbot, window.session)


def test_a_rule_that_cannot_act_says_why_in_its_place(
    view: RulesView, window: MainWindow, qtbot: QtBot, shop_engine: FakeEngine
) -> None:
    fault = "A rule asks for 'brand', which no product has."
    shop_engine.answers["rule_reach"] = RuleReach((0, 0, 40, 1), ("", fault, "", ""), ITEMS)
    shop_engine.answers["rank"] = HeedmapError(fault, "The fields are price.")
    window.session.rules.change(RuleBook.from_json(BOOK), "take")
    qtbot.waitUntil(lambda: view.fault.isVisible() and not view.busy)
    assert "The fields are price." in view.fault.text()
    view.show_rule("own")
    assert view.form.reach.text() == fault
    assert fault in str(view.model.data(view.model.index(1, 0), Qt.ItemDataRole.AccessibleTextRole))


def test_what_moved_is_listed_and_chosen_from_there(view: RulesView, window: MainWindow, qtbot: QtBot) -> None:
    session = window.session
    session.rules.change(RuleBook.of([Rule("campaign", "pin", items=("i3",), position=1)]), "pin")
    settled(qtbot, session)
    model = view.effects.model
    assert model.items[0].item == "i3"
    assert view.effects.note.text() == f"{len(model.items)} products moved · of the first {ITEMS}"
    place = view.effects.list.visualRect(model.index(1, 0)).center()
    qtbot.mouseClick(view.effects.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.item == model.items[1].item
    tables = view.numbers()
    assert tables["rules"]["what it does"] == [f"{title(3)} at place 1"]
    assert tables["moved"]["rank"][0] == 1
    settled(qtbot, session)


def test_the_view_comes_back_as_it_was_left(view: RulesView, window: MainWindow, qtbot: QtBot) -> None:
    window.session.rules.change(RuleBook.from_json(BOOK), "take")
    view.show_rule("campaign")
    left = view.state()
    other = RulesView(window.session, window.themes)
    qtbot.addWidget(other)
    other.restore(left)
    assert other.form.name.text() == "campaign"
    assert "rule" in other.state()
    settled(qtbot, window.session)


def test_views_made_anew_leave_nothing_of_the_old_ones_behind(
    view: RulesView, window: MainWindow, qtbot: QtBot
) -> None:
    window.session.rules.change(RuleBook.from_json(BOOK), "take")
    settled(qtbot, window.session)
    window.choose_language("zh_CN")
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    window.choose_theme("dark")
    with qtbot.waitSignal(window.session.run_changed):
        window.session.open_run(window.session.run.folder if window.session.run else "")
    window.session.undo.push(QUndoCommand("any"))
    settled(qtbot, window.session)
    assert isinstance(window.view, RulesView)
    assert window.view is not view
    assert window.view.list.isVisible()


# --- words ----------------------------------------------------------------------------------------------------------


def test_rules_and_what_they_did_are_told_in_words(qapp: QApplication) -> None:
    said = [rule_sentence(one, {"i3": "Third"}) for one in rules_from(BOOK)]
    assert said == [
        "Only products whose price is at most 20",
        "+0.50 to the score where brand is Acme",
        "−0.50 to the score where brand is Apex",
        "Third at place 1",
    ]
    effects = (RuleEffect("cheap", "filter", 9, 7, 0.0), RuleEffect("own", "boost", 7, 2, 0.5))
    item = RankedItem("i1", "One", None, 2, 1.0, {}, 9, effects)
    assert moved_by(item) == "was 9 · own, cheap"
    assert moved_by(replace(item, model_rank=2)) == ""


def test_a_product_that_a_rule_took_out_is_explained_so(engine: FakeEngine) -> None:
    found = replace(
        make_explanation(engine.run, "u0", "i1"), shown_rank=0, effects=(RuleEffect("cheap", "filter", 4, 0, 0.0),)
    )
    assert ruled_sentences(found)[0] == "“cheap” takes it out of the list."
    assert found.place == 0


def test_what_the_engine_notes_of_rules_is_told_in_the_users_language(qapp: QApplication) -> None:
    import numpy as np

    rules = rules_from(
        {
            "rules": [
                {"name": "none", "rule": "boost", "by": 1, "where": {"field": "x", "is": "y"}},
                {"name": "gone", "rule": "exclude", "items": ["a"]},
                {"name": "few", "rule": "exposure", "at_least": 2, "within": 2, "where": {"field": "x", "is": "y"}},
                {"name": "pin", "rule": "pin", "item": "a", "position": 1},
            ]
        }
    )
    found = apply(
        rules,
        np.ones(3, np.float32),
        {"a": 0, "b": 1, "c": 2},
        lambda _: np.zeros(3, bool),
        lambda *_: np.zeros((3, 1), np.float32),
    )
    chinese = LanguageSource("zh_CN")
    try:
        said = [note_text(one) for one in found.notes]
    finally:
        chinese.remove()
    assert len(said) == 4
    assert all(old != new for old, new in zip(found.notes, said, strict=True))
    assert note_text("something else") == "something else"
