"""The products of the sample: how each looks, what is said of it, and which planted values it holds."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from engine.dataset.sample import phrases
from engine.dataset.sample.draw import KINDS
from engine.dataset.sample.paint import Colour, luma
from engine.dataset.sample.studio import Look

DAYS = 731  # two years: 2023 and 2024
_COLD_FROM = 0.72  # of the two years; a product that appears later is described by the shop alone

COLOURS: dict[str, Colour] = {
    "black": (46, 48, 52),
    "navy": (42, 60, 102),
    "red": (184, 50, 46),
    "olive": (112, 114, 70),
    "cream": (234, 226, 206),
    "teal": (44, 124, 124),
    "yellow": (224, 176, 58),
    "grey": (148, 152, 158),
    "brown": (124, 86, 58),
    "pink": (220, 148, 158),
    "purple": (112, 86, 146),
    "sky": (128, 170, 206),
}
_ACCENTS: tuple[Colour, ...] = (
    (46, 48, 54),
    (232, 226, 212),
    (184, 122, 66),
    (58, 82, 130),
    (92, 104, 84),
    (150, 70, 62),
)
_PALE_INKS: tuple[Colour, ...] = ((241, 236, 224), (240, 214, 150), (236, 200, 196), (206, 224, 232))
_DEEP_INKS: tuple[Colour, ...] = ((48, 60, 92), (120, 40, 48), (48, 84, 70), (52, 50, 54), (110, 66, 110))

PATTERNS = ("stripes", "dots", "floral", "checks", "zigzag")
LOGOS = ("bolt", "mountain", "leaf", "star", "wave")
WORDS = ("waterproof", "lightweight", "handmade", "sturdy", "recycled")
SEASONS = ("spring", "summer", "autumn", "winter")
ORIGINS = ("Portugal", "Japan", "Italy", "India", "Vietnam", "Poland")
CIRCLES = ("c1", "c2", "c3", "c4", "c5", "c6")
WATERPROOF_IN = ("jackets", "sneakers", "backpacks", "caps", "watches", "lamps", "chairs")


@dataclass(frozen=True)
class Preference:
    """Something that shoppers can be after, and where it can be read off: photo, words, attribute, mixed, history."""

    name: str
    value: str
    modality: str


PREFERENCES: tuple[Preference, ...] = (
    *(Preference("pattern", value, "photo") for value in ("stripes", "dots", "floral")),
    *(Preference("pattern", value, "mixed") for value in ("checks", "zigzag")),
    *(Preference("logo", value, "photo") for value in ("bolt", "mountain", "leaf")),
    *(Preference("logo", value, "mixed") for value in ("star", "wave")),
    *(Preference("word", value, "words") for value in ("waterproof", "lightweight", "handmade", "sturdy")),
    Preference("word", "recycled", "mixed"),
    Preference("material", "leather", "mixed"),
    *(Preference("colour", value, "mixed") for value in ("red", "navy")),
    Preference("season", "winter", "attribute"),
    *(Preference("origin", value, "attribute") for value in ("Portugal", "Japan")),
    *(Preference("circle", value, "history") for value in CIRCLES),
)


@dataclass(frozen=True)
class Product:
    """One product before it is drawn and described. `described` are the words that the shop itself uses of it."""

    item: str
    category: str
    brand: str
    model: str
    look: Look
    colour: str
    material: str
    words: tuple[str, ...]
    described: tuple[str, ...]
    listed: tuple[str, ...]
    season: str
    origin: str
    circle: str
    price: float
    first_day: int
    quality: float
    popularity: int
    second_photo: bool

    @property
    def noun(self) -> str:
        return phrases.CATEGORIES[self.category][0]

    @property
    def kind_name(self) -> str:
        kind = self.look.kind
        return phrases.KIND_NAMES.get(kind) or phrases.KIND_NAMES.get(f"{kind} {self.category}") or kind

    @property
    def holds(self) -> dict[str, tuple[str, ...]]:
        """Every value that a shopper's taste may ask for, by preference."""
        return {
            "pattern": (self.look.pattern,),
            "logo": (self.look.logo,),
            "word": self.words,
            "material": (self.material,),
            "colour": (self.colour,),
            "season": (self.season,),
            "origin": (self.origin,),
            "circle": (self.circle,),
        }

    @property
    def attributes(self) -> list[tuple[str, str]]:
        """What the shop lists. Patterns and logos that are planted in the photo alone are not in it."""
        rows = [("colour", self.colour), ("material", self.material), ("style", self.look.kind)]
        rows += [("pattern", self.look.pattern)] if _listed("pattern", self.look.pattern) else []
        rows += [("logo", self.look.logo)] if _listed("logo", self.look.logo) else []
        rows += [("feature", word) for word in self.listed]
        return [*rows, ("season", self.season), ("origin", self.origin)]


def _listed(name: str, value: str) -> bool:
    return Preference(name, value, "mixed") in PREFERENCES


def products(items: int, seed: int) -> list[Product]:
    """Plan the catalogue: the categories in turn, everything else by chance."""
    rng = Random(f"{seed}:catalogue")
    ranks = list(range(items))
    rng.shuffle(ranks)
    return [_product(index, ranks[index], items, Random(f"{seed}:product:{index}")) for index in range(items)]


def _product(index: int, rank: int, items: int, rng: Random) -> Product:
    category = tuple(KINDS)[index % len(KINDS)]
    low, high = phrases.CATEGORIES[category][2]
    colour = rng.choice(tuple(COLOURS))
    material = rng.choice(KINDS[category].materials)
    early = rng.random() < 0.58
    first_day = -rng.randint(1, 40) if early else rng.randint(10, DAYS - 25)
    words = tuple(word for word in WORDS if rng.random() < 0.14 and (word != "waterproof" or category in WATERPROOF_IN))
    late = first_day > _COLD_FROM * DAYS
    described = tuple(word for word in words if late or rng.random() < 0.6)
    listed = tuple(word for word in words if word == "recycled" or (word == "waterproof" and rng.random() < 0.3))
    return Product(
        item=f"{'watch' if category == 'watches' else category[:-1]}-{index // len(KINDS) + 1:03d}",
        category=category,
        brand=rng.choice(phrases.BRANDS),
        model=rng.choice(phrases.MODELS),
        look=_look(category, colour, material, rng),
        colour=colour,
        material=material,
        words=words,
        described=described,
        listed=listed,
        season=rng.choice(SEASONS),
        origin=rng.choice(ORIGINS),
        circle=rng.choice(CIRCLES),
        price=rng.randint(low, round(low + (high - low) * rng.random())) + rng.choice((0.0, 0.5, 0.9, 0.95)),
        first_day=first_day,
        quality=rng.choice((3.3, 3.7, 4.0, 4.2, 4.4, 4.6)),
        popularity=round(10_000 / (1 + 9 * rank / items)),
        second_photo=rng.random() < 0.3,
    )


def _look(category: str, colour: str, material: str, rng: Random) -> Look:
    tint = COLOURS[colour]
    inks = _DEEP_INKS if luma(tint) > 128 else _PALE_INKS
    pattern = rng.choice(PATTERNS) if rng.random() < 0.5 else ""
    return Look(
        category=category,
        kind=rng.choice(KINDS[category].silhouettes),
        colour=tint,
        accent=rng.choice([accent for accent in _ACCENTS if abs(luma(accent) - luma(tint)) > 24]),
        material=material,
        pattern=pattern,
        inks=(rng.choice(inks), rng.choice(((214, 170, 70), (196, 84, 66), (236, 230, 216)))),
        logo=rng.choice(LOGOS) if rng.random() < 0.5 else "",
        badged=bool(pattern) or rng.random() < 0.65,
    )
