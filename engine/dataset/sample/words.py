"""Titles, descriptions and reviews, with the exact place of every planted word in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from engine.dataset.sample import phrases
from engine.dataset.sample.catalogue import Product

_MARK = re.compile("‹([^›]*)›")


@dataclass(frozen=True)
class Text:
    """A text and the spans (word in lower case, start, end) of the planted words in it."""

    text: str
    spans: tuple[tuple[str, int, int], ...]


def unmark(marked: str) -> Text:
    """Take the marks out of a text and keep where the marked words stand."""
    text, spans, last = "", [], 0
    for match in _MARK.finditer(marked):
        text += marked[last : match.start()]
        spans.append((match[1].lower(), len(text), len(text) + len(match[1])))
        text += match[1]
        last = match.end()
    return Text(text + marked[last:], tuple(spans))


def capital(sentence: str) -> str:
    """The sentence with a capital, also where it begins with a marked word."""
    place = 1 if sentence.startswith("‹") else 0
    return sentence[:place] + sentence[place : place + 1].upper() + sentence[place + 1 :]


def _fill(sentence: str, product: Product, rng: Random) -> str:
    _, _, _, parts, uses = phrases.CATEGORIES[product.category]
    part, part2 = rng.sample(parts, 2)
    use, use2 = rng.sample(uses, 2)
    person = rng.choice(phrases.PEOPLE)
    return sentence.format(
        noun=product.noun,
        kind=product.kind_name,
        model=product.model,
        brand=product.brand,
        material=f"‹{product.material}›",
        colour=f"‹{product.colour}›",
        Colour=f"‹{product.colour.capitalize()}›",
        part=part,
        part2=part2,
        use=use,
        use2=use2,
        person=person,
        Person=capital(person),
        time=rng.choice(phrases.TIMES),
    )


def title(product: Product, rng: Random) -> Text:
    """The product's name in the shop; it never holds a planted quality such as "waterproof"."""
    name = f"{product.brand} {product.model} {product.kind_name}"
    colour, material = f"‹{product.colour}›", f"‹{product.material}›"
    with_material = f"{product.brand} {product.model} {material} {product.kind_name}"
    forms = (name, f"{name}, {colour}", with_material, f"{name} in {colour} {material}")
    return unmark(rng.choices(forms, (4, 5, 2, 2))[0])


def description(product: Product, rng: Random) -> Text:
    """Three to seven sentences; the words that the shop itself names are among them."""
    body = [rng.choice(phrases.MAKING), *rng.sample(phrases.DETAILS, rng.randint(1, 3))]
    body += [rng.choice(phrases.DESCRIBED[word]) for word in product.described]
    named = [value for value in (product.look.pattern, product.look.logo) if value in phrases.NAMED]
    body += [rng.choice(phrases.NAMED[value]) for value in named if rng.random() < 0.7]
    rng.shuffle(body)
    sentences = [rng.choice(phrases.OPENINGS), *body]
    return unmark(" ".join(capital(_fill(sentence, product, rng)) for sentence in sentences))


def review(product: Product, rating: int, planted: tuple[str, ...], rng: Random) -> tuple[str, Text]:
    """A shopper's title and words: in the mood of the rating, with the planted words and some talk beside the point."""
    mood = "praise" if rating >= 4 else "mixed" if rating == 3 else "blame"
    pool = {"praise": phrases.PRAISE, "mixed": phrases.MIXED, "blame": phrases.BLAME}[mood]
    sentences = [*rng.sample(pool, rng.choice((1, 1, 2))), *rng.sample(phrases.ASIDES, rng.choice((0, 1, 1, 2)))]
    sentences += [rng.choice(phrases.REVIEWED[word]) for word in planted]
    absent = [word for word in phrases.DENIED if word not in product.words]
    if not planted and rng.random() < 0.04 and absent:
        sentences.append(rng.choice(phrases.DENIED[rng.choice(absent)]))
    if rng.random() < 0.6:
        rng.shuffle(sentences)
    sentences.append(rng.choice(phrases.CLOSINGS[mood]))
    text = " ".join(capital(_fill(sentence, product, rng)) for sentence in sentences if sentence)
    return capital(_fill(rng.choice(phrases.TITLES[mood]), product, rng)), unmark(text)
