"""The sample's shoppers: what each is after, and two years of views, carts and purchases that follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from engine.dataset.sample.catalogue import DAYS, PREFERENCES, Preference, Product
from engine.dataset.sample.phrases import CATEGORIES

DAY = 86_400_000
START = 1_672_531_200_000  # 2023-01-01 UTC, in milliseconds
_MINUTE = 60_000

# How often a taste is of each kind; the values of one kind are equally likely.
_SHARES = {"pattern": 32, "logo": 16, "word": 26, "material": 8, "colour": 7, "season": 3, "origin": 3, "circle": 5}
_STRENGTHS = (20, 30, 40)
_VISITS = ((5, 8), (9, 15), (16, 29), (30, 48))
_FLOOR = 3_000  # added to a product's popularity, so that the few best known do not drown the tastes
_REGIONS = ("north", "south", "east", "west")
_AGES = ("18-29", "30-44", "45-59", "60+")


@dataclass(frozen=True)
class Taste:
    """One planted preference of a shopper. A product that meets it is `strength` times likelier to be looked at."""

    preference: Preference
    strength: int


@dataclass(frozen=True)
class Shopper:
    user: str
    tastes: tuple[Taste, ...]
    favourites: tuple[str, ...]
    joined: int
    visits: int
    region: str
    age: str


@dataclass(frozen=True)
class Event:
    user: str
    item: int
    time: int
    kind: str


def shoppers(count: int, seed: int) -> list[Shopper]:
    """Plan the shoppers; one in twenty has a single event."""
    rng = Random(f"{seed}:shoppers")
    width = 4 if count <= 60_000 else 8
    names = rng.sample(range(16**width), count)
    return [_shopper(f"{name:0{width}x}", Random(f"{seed}:shopper:{index}")) for index, name in enumerate(names)]


def _shopper(user: str, rng: Random) -> Shopper:
    kinds: list[str] = []
    for _ in range(rng.choices((1, 2, 3), (60, 32, 8))[0]):
        left = {name: share for name, share in _SHARES.items() if name not in kinds}
        kinds.append(rng.choices(tuple(left), tuple(left.values()))[0])
    tastes = tuple(
        Taste(rng.choice([known for known in PREFERENCES if known.name == kind]), rng.choice(_STRENGTHS))
        for kind in kinds
    )
    low, high = rng.choices(_VISITS, (26, 42, 24, 8))[0]
    return Shopper(
        user=user,
        tastes=tastes,
        favourites=tuple(rng.sample(tuple(CATEGORIES), rng.randint(2, 3))),
        joined=rng.randrange(round(DAYS * 0.8)),
        visits=1 if rng.random() < 0.05 else rng.randint(low, high),
        region=rng.choice(_REGIONS),
        age=rng.choice(_AGES),
    )


def meets(product: Product, preference: Preference) -> bool:
    return preference.value in product.holds[preference.name]


def appeal(shopper: Shopper, catalogue: list[Product]) -> NDArray[np.int64]:
    """How likely the shopper is to look at each product, in whole numbers (no rounding to differ anywhere)."""
    return np.array(
        [
            (_FLOOR + product.popularity)
            * (8 if product.category in shopper.favourites else 1)
            * (1 + sum(taste.strength for taste in shopper.tastes if meets(product, taste.preference)))
            for product in catalogue
        ],
        np.int64,
    )


def history(shopper: Shopper, catalogue: list[Product], seed: int) -> Iterator[Event]:
    """A shopper's events in time: mostly products that meet a taste, some that are merely popular, some at random."""
    rng = Random(f"{seed}:history:{shopper.user}")
    weights = appeal(shopper, catalogue)
    first_day = np.array([product.first_day for product in catalogue])
    unseen = np.ones(len(catalogue), bool)
    for moment in _moments(shopper, rng):
        age = moment // DAY - first_day
        free = weights * (unseen & (age > 0)) * np.where(age < 45, 2, 1)
        if rng.random() < 0.10:
            free = (free > 0).astype(np.int64)
        total = np.cumsum(free)
        if not total[-1]:
            return
        item = int(np.searchsorted(total, rng.randrange(int(total[-1])), side="right"))
        unseen[item] = False
        yield Event(shopper.user, item, START + moment, "view")
        if shopper.visits == 1:
            return
        product = catalogue[item]
        met = any(meets(product, taste.preference) for taste in shopper.tastes)
        chance = 0.35 if met else 0.12 if product.category in shopper.favourites else 0.06
        buys, hesitates = rng.random() < chance, rng.random() < 0.1
        if hesitates:
            moment += rng.randint(20_000, 4 * _MINUTE)
            yield Event(shopper.user, item, START + moment, "cart")
        if buys:
            yield Event(shopper.user, item, START + moment + rng.randint(20_000, 4 * _MINUTE), "purchase")


def _moments(shopper: Shopper, rng: Random) -> list[int]:
    """When the shopper looks at something (ms from the start): a few products a session, since joining."""
    left = shopper.visits
    moments: list[int] = []
    while left:
        size = min(left, rng.randint(1, 4))
        time = rng.randrange(shopper.joined, DAYS) * DAY + rng.randint(7 * 60, 22 * 60) * _MINUTE
        for _ in range(size):
            time += rng.randint(9 * _MINUTE, 20 * _MINUTE)
            moments.append(time)
        left -= size
    return sorted(moments)
