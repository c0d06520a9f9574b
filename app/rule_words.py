"""Business rules in words: what a rule does, what a condition asks, and what rules made of a product's place."""

from __future__ import annotations

import re
from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, QLocale

from app.views.shown import signed
from engine.answers import RankedItem
from engine.explain.types import Explanation, RuleEffect
from engine.rules import Condition, Rule

_LISTED = 3  # values or products that are named in a sentence


def tr(text: str) -> str:
    return QCoreApplication.translate("Rules", text)


def kind_name(kind: str) -> str:
    """What the window calls a kind of rule."""
    names = {
        "filter": tr("Show only"),
        "exclude": tr("Never show"),
        "boost": tr("Raise or lower"),
        "diversity": tr("Variety"),
        "exposure": tr("Minimum share"),
        "pin": tr("Fixed place"),
    }
    return names.get(kind, kind)


def kind_help(kind: str) -> str:
    """What such a rule is for."""
    helps = {
        "filter": tr("Only products that meet the condition stay in the list."),
        "exclude": tr("These products are taken out of every list."),
        "boost": tr("Adds to the score of products that meet the condition, or takes from it."),
        "diversity": tr("Products that are like one placed above give way to others."),
        "exposure": tr("So many of the first places go to products that meet the condition."),
        "pin": tr("The product stands at this place of every list that still holds it."),
    }
    return helps.get(kind, "")


def field_name(field: str) -> str:
    """What the window calls a field; an attribute keeps the dataset's word for it."""
    names = {
        "item": tr("product"),
        "title": tr("title"),
        "brand": tr("brand"),
        "category": tr("category"),
        "price": tr("price"),
    }
    return names.get(field, field.replace("_", " "))


def plain(value: float) -> str:
    """A number as the user's language writes it, with no more places than it has."""
    return QLocale().toString(value, "f", QLocale.FloatingPointPrecisionOption.FloatingPointShortest.value)


def condition_words(condition: Condition) -> str:
    """A condition in a few words: "brand is Acme or Apex"."""
    said = []
    field = field_name(condition.field)
    if condition.present is not None:
        said.append(tr("{field} is known") if condition.present else tr("{field} is not known"))
    if condition.one_of is not None:
        said.append(tr("{field} is {values}").replace("{values}", _listed(condition.one_of)))
    if condition.none_of is not None:
        said.append(tr("{field} is not {values}").replace("{values}", _listed(condition.none_of)))
    low, high = condition.at_least, condition.at_most
    if low is not None and high is not None:
        said.append(tr("{field} is {low} to {high}").replace("{low}", plain(low)).replace("{high}", plain(high)))
    elif low is not None:
        said.append(tr("{field} is at least {low}").replace("{low}", plain(low)))
    elif high is not None:
        said.append(tr("{field} is at most {high}").replace("{high}", plain(high)))
    return tr(" and ").join(one.replace("{field}", field) for one in said)


def rule_sentence(rule: Rule, titles: Mapping[str, str]) -> str:
    """What a rule does, in a sentence. titles: of products, by their keys."""
    where = condition_words(rule.where) if rule.where is not None else ""
    items = _listed(tuple(titles.get(one, one) for one in rule.items))
    if rule.kind == "filter":
        return tr("Only products whose {condition}").format(condition=where)
    if rule.kind == "exclude":
        return tr("Never shows {products}").format(products=items)
    if rule.kind == "boost":
        return tr("{amount} to the score where {condition}").format(amount=signed(rule.by, 2), condition=where)
    if rule.kind == "diversity":
        over = tr("content") if rule.over == "content" else tr("everything the model knows")
        text = tr("Mixes the first {n}: {share} % relevance, likeness by {over}")
        return text.format(n=f"{rule.within:,}", share=round(100 * rule.weight), over=over)
    if rule.kind == "exposure":
        text = tr("At least {n} of the first {within} where {condition}")
        return text.format(n=rule.at_least, within=rule.within, condition=where)
    return tr("{products} at place {n}").format(products=items, n=rule.position)


def effect_sentence(effect: RuleEffect) -> str:
    """What one rule did to a product's place."""
    rule = effect.rule
    if not effect.rank_after:
        return tr("“{rule}” takes it out of the list.").format(rule=rule)
    places = {"before": f"{effect.rank_before:,}", "after": f"{effect.rank_after:,}", "rule": rule}
    if effect.score_change:
        places["amount"] = signed(effect.score_change, 2)
        if effect.rank_before == effect.rank_after:
            return tr("“{rule}” adds {amount} and leaves it at rank {after}.").format(**places)
        return tr("“{rule}” adds {amount}: rank {before} → {after}.").format(**places)
    return tr("“{rule}” moves it: rank {before} → {after}.").format(**places)


def ruled_sentences(found: Explanation) -> list[str]:
    """What business rules made of the explained product's place; nothing where none touched it."""
    if not found.effects:
        return []
    said = [effect_sentence(one) for one in found.effects]
    if found.place and found.place != found.rank:
        text = tr("It is shown at rank {place}; the model's own rank is {rank}.")
        said.append(text.format(place=f"{found.place:,}", rank=f"{found.rank:,}"))
    elif not found.place:
        said.append(tr("The model's own rank is {rank}.").format(rank=f"{found.rank:,}"))
    return said


def moved_by(ranked: RankedItem) -> str:
    """The rank that rules found a listed product at, and which of them moved it, the one that moved it furthest first:
    "was 12 · own brand"; "" for one that stands where the model has it."""
    if not ranked.effects or ranked.model_rank in (0, ranked.rank):
        return ""
    moves = [one for one in ranked.effects if one.rank_before != one.rank_after]
    names = [one.rule for one in sorted(moves, key=lambda one: -abs(one.rank_before - one.rank_after))]
    return tr("was {rank} · {rules}").format(rank=f"{ranked.model_rank:,}", rules=", ".join(names))


def note_text(note: str) -> str:
    """What the engine says of a list; of a rule that could not do what it should, in the user's language."""
    texts = {
        r"(?P<rule>.+): no product meets its condition\.": tr("“{rule}”: no product meets its condition."),
        r"(?P<rule>.+): (?P<item>.+) is not in the list; another rule or the history took it out\.": tr(
            "“{rule}”: {item} is not in the list; another rule or the past took it out."
        ),
        r"(?P<rule>.+): only (?P<shown>\d+) of (?P<wanted>\d+) stand in the first (?P<within>\d+)\.": tr(
            "“{rule}”: only {shown} of {wanted} stand in the first {within}."
        ),
    }
    for pattern, text in texts.items():
        if found := re.fullmatch(pattern, note):
            return text.format(**found.groupdict())
    return note


def active_text(count: int) -> str:
    return QCoreApplication.translate("Rules", "%n rule(s) active", None, count)


def _listed(values: tuple[str, ...]) -> str:
    shown = tr(" or ").join(values[:_LISTED])
    more = len(values) - _LISTED
    return shown if more <= 0 else tr("{values} or {n} more").format(values=shown, n=more)
