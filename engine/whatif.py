"""What-ifs of products: a run whose catalogue differs from the dataset's.

Nothing is trained anew: the model, its whitening and its vocabularies stay, and only the edited products are read anew.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.errors import HeedmapError
from engine.explain.case import named
from engine.explain.types import Token
from engine.features.page import Page
from engine.foreign.run import ForeignRun
from engine.jobs import Job, Progress
from engine.recommend import EditedItem, Recommender
from engine.scenario import ItemEdit
from engine.shop import Told


def edited(recommender: Recommender | ForeignRun, edits: tuple[ItemEdit, ...]) -> Job:
    """Return the run with these products as they are edited. HeedmapError when that cannot be."""
    yield Progress("Reading the edited product")
    if isinstance(recommender, ForeignRun):
        raise HeedmapError(
            f"{recommender.folder.name} was made elsewhere and does not read the pages of products.",
            "Change the shopper's past instead.",
        )
    items = {}
    for edit in edits:
        items[recommender.item(edit.item)] = _edited_item(recommender, edit)
    return recommender.with_items(items)


def _edited_item(recommender: Recommender, edit: ItemEdit) -> EditedItem:
    item = recommender.item(edit.item)
    if edit.texts or edit.photo is not None or edit.attributes is not None:
        raise HeedmapError("Texts, photos and attributes cannot be edited yet.", "Take parts of the page away instead.")
    texts = recommender.item_texts(item)
    told = Told(recommender.texts.title[item], recommender.texts.images[item])
    page, removed = without_tokens(
        recommender, recommender.page(item), {one.field: one.text for one in texts}, told, edit.dropped
    )
    return EditedItem(page, told, texts, removed)


def without_tokens(
    recommender: Recommender, page: Page, texts: Mapping[str, str], told: Told, dropped: tuple[Token, ...]
) -> tuple[Page, tuple[Token, ...]]:
    """The page without these parts, and those of them that it has, in the order of the page. texts: field -> text."""
    gone, removed = frozenset(dropped), []
    photo = told.images[0] if told.images else ""
    for modality, (rows, places) in named(recommender, page, texts, photo).items():
        kept = np.array([token not in gone for token in rows], dtype=bool)
        removed += [token for token in rows if token in gone]
        if not kept.all():
            page = page.only(modality, kept[places])
    return page, tuple(removed)
