"""What sells a product, and what sells at all: exact shares over many shoppers, with intervals over them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.explain import contribution
from engine.explain.case import Case
from engine.explain.cohort_types import Cohort, CohortRow
from engine.explain.types import MODALITIES, Modality
from engine.jobs import Job, Progress
from engine.recommend import Recommender
from engine.rules import Rule

STAGE = "Asking shoppers"
SHOPPERS = 300  # asked at most; more are drawn from
PRODUCTS = 12  # of a category, looked at
PAIRS = 600  # of a shopper and a product
DRAWS = 1000  # of the bootstrap
_LIST = 10  # products of each shopper's list that `sells` looks at
_LEAST = 3  # shoppers that a part must reach, to be told


def sells_this(recommender: Recommender, item: str, users: list[str] | None = None) -> Job:
    """Return the Cohort of one product: each word (all its places), cell, attribute, link, identity and past choices,
    over these shoppers or all. HeedmapError for an unknown shopper or product, or an empty segment."""
    return sells_these(recommender, [item], users)


def sells_these(recommender: Recommender, items: list[str], users: list[str] | None = None) -> Job:
    """The same of several products (a category's) in the mean over them; of many, of the most popular. What a product
    does not hold counts as nothing, so that the rows and the mean bias sum to the mean score still."""
    items = _popular(recommender, items)
    named = _drawn(recommender, users, max(1, PAIRS // len(items)))
    values: dict[Any, NDArray[np.float64]] = {}
    about: dict[Any, tuple[Modality, str, str, Any]] = {}
    places: dict[Any, int] = {}
    scores, bias = np.zeros((len(items), len(named))), np.zeros(len(items))
    for at, item in enumerate(items):
        for row, user in enumerate(named):
            if row % 16 == 0:
                yield Progress(STAGE, at * len(named) + row, len(items) * len(named))
            case = Case(recommender, user, item)
            scores[at, row], bias[at] = case.score, case.bias
            for token, share in zip(case.shown.tokens, contribution.by_head(case).sum(axis=1), strict=True):
                key, told = _key(token, one=len(items) == 1)
                if key not in values:
                    values[key], about[key], places[key] = np.zeros(len(named)), told, 0
                values[key][row] += share / len(items)
                places[key] += row == 0
    rows = sorted((_row(about[key], shares, max(1, places[key])) for key, shares in values.items()), key=_falling)
    gap = sum(one.mean for one in rows) + float(bias.mean() - scores.mean())
    return Cohort(
        items[0] if len(items) == 1 else "",
        len(named),
        float(scores.mean()),
        float(bias.mean()),
        tuple(rows),
        gap,
        _parts(values, about),
        tuple(items),
        recommender.catalogue.grid,
    )


def _falling(row: CohortRow) -> float:
    return -row.mean


def _parts(
    values: dict[Any, NDArray[np.float64]], about: dict[Any, tuple[Modality, str, str, Any]]
) -> tuple[CohortRow, ...]:
    sums: dict[Modality, list[NDArray[np.float64]]] = {}
    for key, shares in values.items():
        sums.setdefault(about[key][0], []).append(shares)
    return tuple(
        _row((part, part, "", None), np.sum(sums[part], axis=0), len(sums[part])) for part in MODALITIES if part in sums
    )


def _popular(recommender: Recommender, items: list[str]) -> list[str]:
    """At most so many of these products as are looked at: those chosen most."""
    rows = np.array([recommender.item(item) for item in items], np.int64)
    if not len(rows):
        raise HeedmapError("No product is named.", "Name at least one.")
    if len(rows) <= PRODUCTS:
        return list(dict.fromkeys(items))
    sold = np.bincount(recommender.data.item[recommender.parts.train], minlength=len(recommender.data.items))
    return [items[place] for place in np.sort(np.argsort(-sold[rows], kind="stable")[:PRODUCTS])]


def sells(recommender: Recommender, users: list[str] | None = None, rules: tuple[Rule, ...] = ()) -> Job:
    """Return the Cohort of whatever these shoppers (or all) are shown under business rules: words, attributes and links
    by what they add to a product of the first ten that holds them, in the mean; those that reach fewer than three
    shoppers are left out. Its rows do not sum to a score."""
    named = _drawn(recommender, users)
    found: dict[Any, dict[int, list[float]]] = {}
    about: dict[Any, tuple[Modality, str, str, Any]] = {}
    held: dict[Any, set[str]] = {}
    scores, risen = [], 0
    for row, user in enumerate(named):
        yield Progress(STAGE, row, len(named))
        for ranked in recommender.rank(user, _LIST, rules=rules).items:
            risen += ranked.model_rank > _LIST
            case = Case(recommender, user, ranked.item)
            scores.append(case.score)
            sums: dict[Any, float] = {}
            for token, share in zip(case.shown.tokens, contribution.by_head(case).sum(axis=1), strict=True):
                if token.modality in ("text", "attribute", "link"):
                    key, told = _key(token)
                    about[key] = told
                    sums[key] = sums.get(key, 0.0) + float(share)
            for key, share in sums.items():
                found.setdefault(key, {}).setdefault(row, []).append(share)
                held.setdefault(key, set()).add(ranked.item)
    rows = [
        _row(about[key], np.array([np.mean(one) for one in by.values()]), len(held[key]))
        for key, by in found.items()
        if len(by) >= min(_LEAST, len(named))
    ]
    rows.sort(key=_falling)
    mean = float(np.mean(scores)) if scores else 0.0
    return Cohort("", len(named), mean, 0.0, tuple(rows), listed=len(scores), risen=risen, rules=len(rules))


def _drawn(recommender: Recommender, users: list[str] | None, most: int = SHOPPERS) -> list[str]:
    """The shoppers that are asked: those named, or all with a past; a seeded draw of them where they are many."""
    if users is None:
        active = np.flatnonzero(np.diff(recommender.data.start) > 0)
        named = [recommender.data.users[user] for user in active]
    else:
        named = users
        for name in named:
            recommender.user(name)
    if not named:
        raise HeedmapError("The segment holds no shopper.", "Name at least one.")
    most = min(most, SHOPPERS)
    if len(named) <= most:
        return named
    random = np.random.default_rng(recommender.config.seed)
    return [named[place] for place in np.sort(random.choice(len(named), most, replace=False))]


def _key(token: Any, one: bool = True) -> tuple[Any, tuple[Modality, str, str, Any]]:
    if token.modality == "text":
        return (token.modality, token.label.casefold()), (token.modality, token.label, "", None)
    if token.modality == "history":
        return (token.modality,), (token.modality, "past choices", "", None)
    if not one and token.modality in ("image", "identity", "audio"):  # the same place of another product's photo
        label = "" if token.modality == "identity" else token.label
        return (token.modality, label, token.box), (token.modality, label, "", token.box)
    key = (token.modality, token.field, token.label, token.box)
    return key, (token.modality, token.label, token.field, token.box)


def _row(about: tuple[Modality, str, str, Any], shares: NDArray[np.float64], places: int) -> CohortRow:
    modality, label, field, box = about
    random = np.random.default_rng(1)
    drawn = shares[random.integers(0, len(shares), (DRAWS, len(shares)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return CohortRow(modality, label, field, float(shares.mean()), float(low), float(high), places, box)


def cohort_text(found: Cohort, most: int = 12) -> str:
    """Lines for a terminal: what helps most and what hurts most."""
    title = f"What sells {found.item}" if found.item else "What sells"
    lines = [f"{title}, over {found.shoppers} shoppers (mean score {found.score:.3f}):"]
    if found.rules:
        lines.append(f"Under {found.rules} business rules: {found.risen:,} of {found.listed:,} places are theirs.")
    told = [one for one in found.rows if one.modality != "image" and any(map(str.isalnum, one.label))]
    cells = sum(one.mean for one in found.rows if one.modality == "image")
    if any(one.modality == "image" for one in found.rows):
        lines.append(f"{cells:>+9.3f}{'':24}  the photo, all cells together")
    hurts = [one for one in told if one.mean < 0][-most:]
    for one in (*[one for one in told if one.mean >= 0][:most], *hurts):
        name = f"{one.field}: {one.label}" if one.modality in ("attribute", "link") else one.label
        lines.append(f"{one.mean:>+9.3f}  ({one.low:+.3f} to {one.high:+.3f})  {one.modality}: {name}")
    return "\n".join(lines)
