"""A strategy layer on top of scores: business rules from a small file. What they do to ranks is `engine.ruling`.

    {"rules": [
      {"name": "in stock", "rule": "filter", "where": {"field": "stock", "at_least": 1}},
      {"name": "no recalls", "rule": "exclude", "items": ["i3"]},
      {"name": "own brand", "rule": "boost", "by": 0.3, "where": {"field": "brand", "is": ["Acme", "Apex"]}},
      {"name": "variety", "rule": "diversity", "lambda": 0.7, "over": "content", "within": 50},
      {"name": "newcomers", "rule": "exposure", "at_least": 2, "within": 10, "where": {"field": "new", "is": "yes"}},
      {"name": "campaign", "rule": "pin", "item": "i4", "position": 1}
    ]}

Rules act in the order of `KINDS`, those of one kind as they are written: what is filtered cannot be pinned back. A
rule with "on": false is kept and does not act; "on": false beside "rules" keeps them all from acting. The window writes
"version" there too.
`field` is brand, category (any level), price, item, title, or the name of an attribute. A condition holds where one of
a product's values passes all of its tests: is, is_not, at_least, at_most; or, with "present", where it has a value.
`diversity` is maximal marginal relevance (Carbonell and Goldstein 1998): places go, one by one, to the product with the
largest lambda * relevance - (1 - lambda) * likeness to what is placed already; relevance is the score scaled to 0..1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.files import read_json
from engine.versions import forward

KINDS = ("filter", "exclude", "boost", "diversity", "exposure", "pin")
OVER = ("vectors", "content")
_TESTS = ("is", "is_not", "at_least", "at_most", "present")


@dataclass(frozen=True)
class Condition:
    """Which products a rule is about. one_of, none_of: values; at_least, at_most: bounds on a number."""

    field: str
    one_of: tuple[str, ...] | None = None
    none_of: tuple[str, ...] | None = None
    at_least: float | None = None
    at_most: float | None = None
    present: bool | None = None

    def holds(self, values: tuple[str, ...]) -> bool:
        """For a product with these values of the field."""
        if self.present is not None and bool(values) is not self.present:
            return False
        if self.none_of is not None and any(one in self.none_of for one in values):
            return False
        if self.one_of is None and self.at_least is None and self.at_most is None:
            return True
        return any(self._passes(one) for one in values)

    def _passes(self, value: str) -> bool:
        if self.one_of is not None and value not in self.one_of:
            return False
        if self.at_least is None and self.at_most is None:
            return True
        try:
            number = float(value)
        except ValueError:
            return False
        return (self.at_least is None or number >= self.at_least) and (self.at_most is None or number <= self.at_most)


@dataclass(frozen=True)
class Rule:
    """One rule. by: added to scores (boost); weight: lambda (diversity); on: whether it acts; the rest as in the
    file."""

    name: str
    kind: str
    where: Condition | None = None
    items: tuple[str, ...] = ()
    by: float = 0.0
    weight: float = 0.0
    over: str = "vectors"
    within: int = 0
    at_least: int = 0
    position: int = 0
    on: bool = True


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Read the rules of a file that are on. HeedmapError names the rule and the field that is wrong."""
    return rules_from(read_json(path), path.name)


def rules_from(content: Any, source: str = "the rules") -> tuple[Rule, ...]:
    """The rules of a decoded file that are on, in the order in which they act."""
    rules, on = all_rules(content, source)
    return tuple(rule for rule in rules if on and rule.on)


def all_rules(content: Any, source: str = "the rules") -> tuple[tuple[Rule, ...], bool]:
    """Every rule of a decoded file, in the order in which they act, and whether the file as a whole is on."""
    if isinstance(content, dict):
        content = forward("rules", content, source)
    if not isinstance(content, dict) or not isinstance(content.get("rules"), list):
        raise HeedmapError(f"{source} holds no rules.", 'It must be {"rules": [{"name": ..., "rule": ...}, ...]}.')
    _only(content, ("version", "rules", "on"), source)
    rules = [_rule(one, f"{source}, rule {place}") for place, one in enumerate(content["rules"], start=1)]
    names = [rule.name for rule in rules]
    positions = [str(rule.position) for rule in rules if rule.kind == "pin"]
    for what, seen in (("name", names), ("position", positions)):
        if twice := [one for one in seen if seen.count(one) > 1]:
            raise HeedmapError(f"{source} has two rules with the {what} {twice[0]}.", f"Give each another {what}.")
    rules.sort(key=lambda rule: (KINDS.index(rule.kind), rule.position))
    return tuple(rules), _switch(content, source)


_FIELDS: dict[str, tuple[str, ...]] = {
    "filter": ("where",),
    "exclude": ("items",),
    "boost": ("where", "by"),
    "diversity": ("lambda",),
    "exposure": ("where", "at_least", "within"),
    "pin": ("item", "position"),
}
_OPTIONAL = {"diversity": ("over", "within")}
_WITHIN = 100  # places that diversity looks at, where the file does not say


def _rule(content: Any, where: str) -> Rule:
    if not isinstance(content, dict):
        raise HeedmapError(f"{where} is not an object.", 'Write {"name": ..., "rule": ...}.')
    name = content.get("name")
    if not isinstance(name, str) or not name.strip():
        raise HeedmapError(f"{where} has no name.", 'Add "name": it is what people will see.')
    where = f"{where} ({name})"
    kind = content.get("rule")
    if kind not in KINDS:
        raise HeedmapError(f"{where}: rule cannot be {kind!r}.", f"Choose from {', '.join(KINDS)}.")
    needed, allowed = _FIELDS[kind], (*_FIELDS[kind], *_OPTIONAL.get(kind, ()))
    _only(content, ("name", "rule", "on", *allowed), where)
    for one in needed:
        if one not in content:
            raise HeedmapError(f"{where}: {one} is missing.", f"A {kind} rule needs {', '.join(needed)}.")
    over = content.get("over", "vectors")
    if over not in OVER:
        raise HeedmapError(f"{where}: over cannot be {over!r}.", f"Choose from {', '.join(OVER)}.")
    items = content.get("items", [content["item"]] if "item" in content else [])
    if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
        raise HeedmapError(f"{where}: a product is not a text.", "Products are given by their names, in quotes.")
    return Rule(
        name=name,
        kind=kind,
        where=_condition(content["where"], where) if "where" in content else None,
        items=tuple(items),
        by=_number(content, "by", where),
        weight=_number(content, "lambda", where, 0.0, 1.0),
        over=over,
        within=_count(content, "within", where, _WITHIN if kind == "diversity" else 0),
        at_least=_count(content, "at_least", where),
        position=_count(content, "position", where),
        on=_switch(content, where),
    )


def _switch(content: Mapping[str, Any], where: str) -> bool:
    found = content.get("on", True)
    if not isinstance(found, bool):
        raise HeedmapError(f"{where}: on cannot be {found!r}.", "Write true or false.")
    return found


def _condition(content: Any, where: str) -> Condition:
    if not isinstance(content, dict) or not isinstance(content.get("field"), str):
        raise HeedmapError(f"{where}: where names no field.", 'Write {"field": "brand", "is": "Acme"}.')
    _only(content, ("field", *_TESTS), f"{where}, where")
    if not set(content) & set(_TESTS):
        raise HeedmapError(f"{where}: where tests nothing.", f"Add one of {', '.join(_TESTS)}.")
    present = content.get("present")
    if present is not None and not isinstance(present, bool):
        raise HeedmapError(f"{where}: present cannot be {present!r}.", "Write true or false.")
    return Condition(
        content["field"],
        _texts(content, "is"),
        _texts(content, "is_not"),
        _number(content, "at_least", where) if "at_least" in content else None,
        _number(content, "at_most", where) if "at_most" in content else None,
        present,
    )


def _texts(content: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    if name not in content:
        return None
    found = content[name]
    return tuple(str(one) for one in (found if isinstance(found, list) else [found]))


def _number(content: Mapping[str, Any], name: str, where: str, low: float = -math.inf, high: float = math.inf) -> float:
    found = content.get(name, 0.0)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise HeedmapError(f"{where}: {name} cannot be {found!r}.", "It must be a number.")
    if not low <= found <= high:
        raise HeedmapError(f"{where}: {name}={found} is out of range.", f"It must lie between {low:g} and {high:g}.")
    return float(found)


def _count(content: Mapping[str, Any], name: str, where: str, standard: int = 0) -> int:
    found = content.get(name, standard)
    if isinstance(found, bool) or not isinstance(found, int) or (name in content and found < 1):
        raise HeedmapError(f"{where}: {name} cannot be {found!r}.", "It must be a whole number from 1.")
    return found


def _only(content: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    if unknown := [name for name in content if name not in known]:
        raise HeedmapError(f"{where}: there is no field {unknown[0]!r}.", f"The fields are {', '.join(known)}.")
