"""A file of business rules as the window edits it: a small frozen value that travels between processes, and what a
catalogue says to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.errors import HeedmapError
from engine.rules import Condition, Rule, all_rules
from engine.versions import current

if TYPE_CHECKING:
    from engine.shop import Shop

MOST_VALUES = 20_000  # of a field that are offered, the most frequent first


@dataclass(frozen=True)
class RuleBook:
    """All rules of a file, in the order in which they act; `on` says whether the file as a whole does."""

    rules: tuple[Rule, ...] = ()
    on: bool = True

    @staticmethod
    def from_json(content: Any, source: str = "the rules") -> RuleBook:
        """HeedmapError names the rule and the field that is wrong."""
        return RuleBook(*all_rules(content, source))

    @staticmethod
    def of(rules: Iterable[Rule], on: bool = True) -> RuleBook:
        """Rules put in the order in which they act. HeedmapError where two have one name, or pin to one position."""
        return RuleBook.from_json(RuleBook(tuple(rules), on).to_json())

    def to_json(self) -> dict[str, Any]:
        """As `engine.rules` reads it."""
        return {
            "version": current("rules"),
            **({} if self.on else {"on": False}),
            "rules": [_rule_json(one) for one in self.rules],
        }

    @property
    def active(self) -> tuple[Rule, ...]:
        """The rules that act."""
        return tuple(one for one in self.rules if self.on and one.on)

    def named(self, name: str) -> Rule | None:
        return next((one for one in self.rules if one.name == name), None)

    def with_rule(self, rule: Rule, instead_of: str = "") -> RuleBook:
        """With a new rule, or another one in place of the one of that name. HeedmapError as `of`."""
        if self.named(instead_of) is None:
            return RuleBook.of((*self.rules, rule), self.on)
        return RuleBook.of((rule if one.name == instead_of else one for one in self.rules), self.on)

    def without(self, name: str) -> RuleBook:
        return replace(self, rules=tuple(one for one in self.rules if one.name != name))

    def moved(self, name: str, step: int) -> RuleBook:
        """With a rule so many places later (or earlier, below 0) among those of its kind, as far as they go; pins
        change their positions instead, as these are their order."""
        place = next((place for place, one in enumerate(self.rules) if one.name == name), -1)
        if place < 0 or not self.may_move(name, step):
            return self
        rules = list(self.rules)
        mine, other = rules[place], rules[place + step]
        if mine.kind == "pin":
            mine, other = replace(mine, position=other.position), replace(other, position=mine.position)
        rules[place], rules[place + step] = other, mine
        return replace(self, rules=tuple(rules))

    def may_move(self, name: str, step: int) -> bool:
        """Whether there is a rule of the same kind to change places with."""
        place = next((place for place, one in enumerate(self.rules) if one.name == name), -1)
        there = place >= 0 and 0 <= place + step < len(self.rules)
        return there and self.rules[place + step].kind == self.rules[place].kind

    def free_name(self, name: str) -> str:
        """`name`, or with the next number behind it where it is taken."""
        number, free = 2, name
        while self.named(free) is not None:
            number, free = number + 1, f"{name} {number}"
        return free


def _rule_json(rule: Rule) -> dict[str, Any]:
    own: dict[str, dict[str, Any]] = {
        "filter": {},
        "exclude": {"items": list(rule.items)},
        "boost": {"by": rule.by},
        "diversity": {"lambda": rule.weight, "over": rule.over, "within": rule.within},
        "exposure": {"at_least": rule.at_least, "within": rule.within},
        "pin": {"item": rule.items[0] if rule.items else "", "position": rule.position},
    }
    where = {} if rule.where is None else {"where": _condition_json(rule.where)}
    return {"name": rule.name, "rule": rule.kind, **({} if rule.on else {"on": False}), **own[rule.kind], **where}


def _condition_json(condition: Condition) -> dict[str, Any]:
    tests = {
        "is": None if condition.one_of is None else list(condition.one_of),
        "is_not": None if condition.none_of is None else list(condition.none_of),
        "at_least": condition.at_least,
        "at_most": condition.at_most,
        "present": condition.present,
    }
    return {"field": condition.field, **{name: value for name, value in tests.items() if value is not None}}


@dataclass(frozen=True)
class RuleField:
    """A field that a condition can ask for. values: the different ones, most frequent first, MOST_VALUES at most;
    counts: how many products have each. low, high: the ends of the range where every value is a number."""

    name: str
    values: tuple[str, ...]
    counts: tuple[int, ...]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class RuleReach:
    """What a catalogue of `catalogue` products says to rules, one by one: how many each is about (all, for one without
    a condition), and why it cannot act there, or ""."""

    counts: tuple[int, ...]
    faults: tuple[str, ...]
    catalogue: int


_FIELDS = """
    SELECT name, value, count(*) FROM (
        SELECT item, one.name AS name, one.value AS value FROM (SELECT item, unnest(attributes) AS one FROM items)
        UNION SELECT item, 'brand', brand FROM items
        UNION SELECT item, 'category', unnest(category) FROM items
    ) WHERE value <> '' AND name NOT IN ('item', 'title') GROUP BY name, value
    UNION ALL SELECT 'price', price, count(*) FROM items WHERE price IS NOT NULL GROUP BY price
"""


def rule_fields(shop: Shop) -> tuple[RuleField, ...]:
    """The fields of a shop's products that have values, but for the names of single products: those of the items table
    first, then the attributes."""
    counted: dict[str, Counter[str]] = {"brand": Counter(), "category": Counter(), "price": Counter()}
    for name, value, count in shop.dataset.rows(_FIELDS):
        counted.setdefault(name, Counter())[value] += count
    found = []
    for name in (*list(counted)[:3], *sorted(list(counted)[3:])):
        values = counted[name]
        if values:
            order = sorted(values, key=lambda value: (-values[value], value))[:MOST_VALUES]
            low, high = _range(values)
            found.append(RuleField(name, tuple(order), tuple(values[value] for value in order), low, high))
    return tuple(found)


def _range(values: Iterable[str]) -> tuple[float | None, float | None]:
    try:
        numbers = [float(one) for one in values]
    except ValueError:
        return None, None
    return min(numbers), max(numbers)


def rule_reach(shop: Shop, rules: Iterable[Rule]) -> RuleReach:
    """Ask a shop's products about each rule, on or off."""
    counts, faults = [], []
    for rule in rules:
        count, fault = len(shop.data.items), ""
        try:
            if rule.where is not None:
                count = int(shop.facts.meets(rule.where).sum())
            elif rule.items:
                lost = [one for one in rule.items if one not in shop.item_index]
                count = len(rule.items) - len(lost)
                fault = f"There is no product {lost[0]!r} in {shop.dataset.manifest.name}." if lost else ""
        except HeedmapError as error:
            count, fault = 0, f"{error.message} {error.hint}".strip()
        counts.append(count)
        faults.append(fault)
    return RuleReach(tuple(counts), tuple(faults), len(shop.data.items))
