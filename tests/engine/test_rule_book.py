"""A file of rules as the window edits it: nothing is lost in writing, what is off does not act, a catalogue answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.desk import Desk
from engine.errors import HeedmapError
from engine.files import write_json
from engine.jobs import finish
from engine.recommend import Recommender
from engine.rule_book import RuleBook, RuleField, rule_fields, rule_reach
from engine.rules import read_rules, rules_from

EVERY: list[dict[str, Any]] = [
    {"name": "in stock", "rule": "filter", "where": {"field": "stock", "at_least": 1, "at_most": 9.5}},
    {"name": "has a photo", "rule": "filter", "on": False, "where": {"field": "photo", "present": False}},
    {"name": "no recalls", "rule": "exclude", "items": ["i3", "i5"]},
    {"name": "own brand", "rule": "boost", "by": 0.3, "where": {"field": "brand", "is": ["Acme", "Apex"]}},
    {"name": "not red", "rule": "boost", "by": -0.1, "where": {"field": "colour", "is_not": ["red"]}},
    {"name": "variety", "rule": "diversity", "lambda": 0.7, "over": "content", "within": 50},
    {"name": "new", "rule": "exposure", "at_least": 2, "within": 10, "where": {"field": "new", "is": ["yes"]}},
    {"name": "campaign", "rule": "pin", "item": "i4", "position": 1},
    {"name": "second", "rule": "pin", "item": "i5", "position": 2},
]


def test_every_kind_of_rule_is_written_as_it_was_read() -> None:
    book = RuleBook.from_json({"rules": EVERY})
    assert book.to_json() == {"version": 1, "rules": EVERY}
    assert RuleBook.from_json(book.to_json()) == book
    assert RuleBook.of(book.rules[::-1], on=False).to_json()["on"] is False


def test_what_is_off_does_not_act_in_the_window_nor_on_the_command_line(tmp_path: Path) -> None:
    book = RuleBook.from_json({"rules": EVERY})
    assert [one.name for one in book.active] == [one["name"] for one in EVERY if one.get("on", True)]
    write_json(tmp_path / "rules.json", book.to_json())
    assert read_rules(tmp_path / "rules.json") == book.active
    assert rules_from({"on": False, "rules": EVERY}) == () == RuleBook(book.rules, on=False).active
    with pytest.raises(HeedmapError, match="on cannot be 'no'"):
        rules_from({"rules": [{**EVERY[0], "on": "no"}]})


def test_rules_change_places_with_their_own_kind_alone() -> None:
    book = RuleBook.from_json({"rules": EVERY})
    later = book.moved("own brand", 1)
    assert [one.name for one in later.rules[3:5]] == ["not red", "own brand"]
    assert book.moved("own brand", -1) == book  # an exclusion stands before it
    pins = book.moved("second", -1)
    assert [(one.name, one.position) for one in pins.rules[-2:]] == [("second", 1), ("campaign", 2)]
    assert RuleBook.of(pins.rules) == pins


def test_a_rule_is_added_changed_and_taken_away() -> None:
    book = RuleBook.from_json({"rules": EVERY[:3]})
    (boost,) = rules_from({"rules": [EVERY[3]]})
    assert book.with_rule(boost).without("in stock").named("own brand") == boost
    assert book.free_name("in stock") == "in stock 2"
    with pytest.raises(HeedmapError, match="two rules with the name"):
        RuleBook.from_json({"rules": EVERY}).with_rule(boost, instead_of="campaign")


def test_a_catalogue_tells_its_fields_and_whom_rules_are_about(opened: Callable[..., Recommender]) -> None:
    shop = opened().shop
    fields = {one.name: one for one in rule_fields(shop)}
    assert fields["colour"] == RuleField("colour", ("blue", "red"), (7, 7))
    assert (fields["price"].low, fields["price"].high) == (10.0, 23.0)
    for name, field in fields.items():  # as conditions will see them
        held = Counter(value for values in shop.facts.values(name) for value in set(values))
        assert dict(zip(field.values, field.counts, strict=True)) == held
    asked = [
        {"name": "a", "rule": "filter", "where": {"field": "price", "at_most": 12}},
        {"name": "b", "rule": "boost", "by": 1, "where": {"field": "colr", "is": "red"}},
        {"name": "c", "rule": "exclude", "items": ["i1", "gone"]},
        {"name": "d", "rule": "diversity", "lambda": 0.5},
    ]
    reach = rule_reach(shop, RuleBook.from_json({"rules": asked}).rules)
    assert (reach.counts, reach.catalogue) == ((3, 1, 0, 14), 14)  # in the order of acting: a, c, b, d
    assert "'gone'" in reach.faults[1]
    assert "colour" in reach.faults[2]
    assert (reach.faults[0], reach.faults[3]) == ("", "")


def test_the_desk_ranks_and_explains_under_rules_as_the_recommender_does(
    opened: Callable[..., Recommender], trained: Callable[..., Path]
) -> None:
    rules = rules_from({"rules": [{"name": "first", "rule": "pin", "item": "i12", "position": 1}]})
    desk, run = Desk(), str(trained())
    ranking = finish(desk.job("rank", {"run": run, "user": "u9", "k": 5, "rules": rules}))
    wanted = opened().rank("u9", 5, rules=rules)
    assert [(one.item, one.rank, one.model_rank, one.effects) for one in ranking.items] == [
        (one.item, one.rank, one.model_rank, one.effects) for one in wanted.items
    ]
    found = finish(desk.job("explain", {"run": run, "user": "u9", "item": "i12", "rules": rules}))
    assert (found.shown_rank, found.effects) == (1, wanted.items[0].effects)
    assert "colour" in {one.name for one in finish(desk.job("rule_fields", {"run": run}))}
    assert finish(desk.job("rule_reach", {"run": run, "rules": rules})).counts == (1,)
