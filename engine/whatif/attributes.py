"""The attributes of an edited product as the run's vocabulary knows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.answers import AttributeValues
from engine.features.aspects import CRITICISED, PRAISED
from engine.features.attributes import MOST_ATTRIBUTES, attribute_pairs
from engine.features.page import Page
from engine.recommend import Recommender

Pairs = tuple[tuple[str, str], ...]


def item_pairs(recommender: Recommender, item: int) -> Pairs:
    """(name, value) pairs of a product as the dataset has it, brand, category levels and price among them."""
    return tuple(attribute_pairs(recommender.dataset, recommender.data.items[item])[0])


def edited_attributes(recommender: Recommender, page: Page, item: int, pairs: Pairs) -> tuple[Page, tuple[str, ...]]:
    """The page with these attributes and no others, and what must be said of them.

    What its reviews judge, where the run reads that, stays. A value that training met on fewer than two products says
    nothing.
    """
    if "attribute" not in recommender.tokens.modalities:
        return page, (f"{recommender.folder.name} reads no attributes, so edited ones change no score.",)
    names = recommender.catalogue.attribute.names
    number = {pair: place for place, pair in enumerate(names)}
    found: list[int] = []
    unknown, before = [], item_pairs(recommender, item)
    for name, value in dict.fromkeys((name, value) for name, value in pairs if value):
        labels = [bins.label(name, value) for bins in recommender.bins]
        known = next((number[label] for label in ((name, value), *labels) if label in number), None)
        if known is None and (name, value) not in before:
            unknown.append(f"{name} = {value}")
        elif known is not None and known not in found:
            found.append(known)
    judged = [one for one in page.attribute.tolist() if names[one][1] in (PRAISED, CRITICISED)]
    ids = [*found[:MOST_ATTRIBUTES], *judged]
    notes = []
    if unknown:
        notes.append(f"No two products share {', '.join(unknown)}, so the model has learned nothing of it.")
    if len(found) > MOST_ATTRIBUTES:
        notes.append(f"The model reads the first {MOST_ATTRIBUTES} attributes of a product.")
    return replace(page, attribute=np.array(ids, dtype=np.int32)), tuple(notes)


def known_values(recommender: Recommender) -> tuple[AttributeValues, ...]:
    """Every attribute's values that the run knows, by the attribute's name."""
    vocabulary = recommender.catalogue.attribute
    counts = np.bincount(vocabulary.ids, minlength=len(vocabulary.names))
    values: dict[str, list[int]] = {}
    for place, (name, value) in enumerate(vocabulary.names):
        if value not in (PRAISED, CRITICISED):
            values.setdefault(name, []).append(place)
    found = []
    for name in sorted(values):
        numeric = recommender.bins[1].numeric(name)
        order = values[name]
        if numeric:
            order = sorted(order, key=lambda place: float(vocabulary.names[place][1].partition(" to ")[0]))
        else:
            order = sorted(order, key=lambda place: (-int(counts[place]), vocabulary.names[place][1]))
        found.append(AttributeValues(name, tuple(vocabulary.names[place][1] for place in order), numeric))
    return tuple(found)
