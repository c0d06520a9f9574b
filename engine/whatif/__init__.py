"""What-ifs of products: a run whose catalogue differs from the dataset's.

Nothing is trained anew: the model, its whitening and its vocabularies stay, and only the edited products are read anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.errors import HeedmapError
from engine.explain.naming import named
from engine.explain.types import Token
from engine.features.page import Page
from engine.foreign.run import ForeignRun
from engine.jobs import Job, Progress
from engine.recommend import EditedItem, Recommender
from engine.scenario import ItemEdit
from engine.shop import Told
from engine.whatif.attributes import edited_attributes
from engine.whatif.opening import warm
from engine.whatif.reading import no_states, read_photo
from engine.whatif.texts import edited_texts


def edited(recommender: Recommender | ForeignRun, edits: tuple[ItemEdit, ...]) -> Job:
    """Return the run with these products as they are edited.

    Texts, photo and attributes change first; then parts of the page are taken away. HeedmapError for a run made
    elsewhere, an unknown product or text, and where a new text or photo cannot be read here.
    """
    if isinstance(recommender, ForeignRun):
        raise HeedmapError(
            f"{recommender.folder.name} was made elsewhere and does not read the pages of products.",
            "Change the shopper's past instead.",
        )
    items = {}
    for place, edit in enumerate(edits):
        item = recommender.item(edit.item)
        yield from warm(recommender, [kind for kind, given in (("text", edit.texts), ("image", edit.photo)) if given])
        yield Progress("Reading the edited product", place, len(edits))
        items[item] = _edited_item(recommender, edit)
    return recommender.with_items(items)


def stamps(edits: tuple[ItemEdit, ...]) -> tuple[int, ...]:
    """When the photos of these edits were last written: another photo under the same name is another edit."""
    photos = [Path(edit.photo) for edit in edits if edit.photo]
    return tuple(photo.stat().st_mtime_ns if photo.is_file() else 0 for photo in photos)


def _edited_item(recommender: Recommender, edit: ItemEdit) -> EditedItem:
    item = recommender.item(edit.item)
    page, texts, notes = edited_texts(recommender, recommender.page(item), edit)
    written = {one.field: one.text for one in texts}
    told = Told(written.get("title", recommender.texts.title[item]), recommender.texts.images[item], edit.attributes)
    if edit.photo is not None:
        page, told, of_photo = _with_photo(recommender, page, told, edit.photo)
        notes += of_photo
    if edit.attributes is not None:
        page, of_attributes = edited_attributes(recommender, page, item, edit.attributes)
        notes += of_attributes
    page, removed = without_tokens(recommender, page, written, told, edit.dropped)
    return EditedItem(page, told, texts, removed, notes)


def _with_photo(recommender: Recommender, page: Page, told: Told, photo: str) -> tuple[Page, Told, tuple[str, ...]]:
    """The page with another photo in the place of the first; without any where `photo` is empty."""
    reads = "image" in recommender.tokens.modalities
    notes = () if reads else (f"{recommender.folder.name} reads no photos, so another one changes no score.",)
    if not photo:
        return replace(page, image=no_states(page.image), cells=page.cells[:0]), replace(told, images=()), notes
    before = told.images[0] if told.images else None
    told = replace(told, images=(photo, *told.images[1:]))
    if photo == before or not reads:
        return page, told, notes
    states = read_photo(recommender, recommender.dataset.folder / photo).states
    return replace(page, image=states, cells=np.arange(len(states))), told, notes


def without_tokens(
    recommender: Recommender, page: Page, texts: Mapping[str, str], told: Told, dropped: tuple[Token, ...]
) -> tuple[Page, tuple[Token, ...]]:
    """The page without these parts, and those of them that it has, in the order of the page. texts: field -> text.

    Cells are known by their place: they stay away from another photo, too.
    """
    gone, removed = {_part(token) for token in dropped}, []
    photo = told.images[0] if told.images else ""
    for modality, (rows, places) in named(recommender, page, texts, photo).items():
        kept = np.array([_part(token) not in gone for token in rows], dtype=bool)
        removed += [token for token, stays in zip(rows, kept, strict=True) if not stays]
        if not kept.all():
            page = page.only(modality, kept[places])
    return page, tuple(removed)


def _part(token: Token) -> Token:
    return replace(token, field="", label="") if token.modality == "image" else token
