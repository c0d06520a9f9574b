"""The texts of an edited page: what is shown of them, and what the model reads of them within its budget of pieces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.errors import HeedmapError
from engine.explain.types import ItemText
from engine.features.catalogue import Reading, texts_of
from engine.features.encoder import Encoded
from engine.features.page import Page
from engine.recommend import Recommender
from engine.scenario import NEW_REVIEW, ItemEdit
from engine.training.loop import reading_of
from engine.whatif.reading import no_states, read_text

Fields = list[tuple[str, str]]  # (field, text)
_FIRST = ("title", "description")


def edited_texts(
    recommender: Recommender, page: Page, edit: ItemEdit
) -> tuple[Page, tuple[ItemText, ...], tuple[str, ...]]:
    """The page with these texts read anew where they changed, all texts of it as they are shown, and notes.

    A text that did not change keeps its tokens. HeedmapError for a field that the page lacks, for a product without a
    title, and where a new text cannot be read here.
    """
    item, changes = recommender.item(edit.item), dict(edit.texts)
    written = recommender.item_texts(item)
    readable = _readable(recommender, page, written, edit.item)
    known = {one.field: one.text for one in written} | dict(readable)
    for field, text in changes.items():
        if field not in known and field not in _FIRST and not field.startswith(NEW_REVIEW):
            raise HeedmapError(
                f"{edit.item} has no text {field!r}.", f"New reviews are called {NEW_REVIEW}1 and so on."
            )
        if field == "title" and not text.strip():
            raise HeedmapError("A product needs a title.", "Write one, or take its words away one by one.")
    if all(known.get(field, "") == text for field, text in changes.items()):
        return page, written, ()
    reading = reading_of(recommender.config)
    read = _read_fields(_ordered(readable, changes), reading) if "text" in recommender.tokens.modalities else []
    page = _tokens(recommender, page, known, read, reading)
    heeded = {field for field, _ in read}
    shown = [replace(one, text=changes.get(one.field, one.text)) for one in written]
    shown += [ItemText(field, text) for field, text in changes.items() if field not in {one.field for one in written}]
    shown = [replace(one, heeded=one.field in heeded) for one in shown if one.text.strip()]
    shown.sort(key=lambda one: (not one.heeded, _FIRST.index(one.field) if one.field in _FIRST else len(_FIRST)))
    return page, tuple(shown), _notes(recommender, changes, heeded)


def _readable(recommender: Recommender, page: Page, written: tuple[ItemText, ...], item: str) -> Fields:
    """All texts that the model may read of the product as it is, in its order; a run whose page was made otherwise
    keeps to that."""
    reading = reading_of(recommender.config)
    found = texts_of(recommender.dataset, recommender.parts, recommender.data.users, reading, item)
    if tuple(field for field, _ in _read_fields(found, reading)) == page.fields:
        return found
    texts = {one.field: one.text for one in written}
    return [(field, texts.get(field, "")) for field in page.fields]


def _ordered(readable: Fields, changes: dict[str, str]) -> Fields:
    """The same as edited: title, description, new reviews, which are the newest, and the reviews before them."""
    found = {**dict.fromkeys(_FIRST, ""), **{field: "" for field in changes if field.startswith(NEW_REVIEW)}}
    found |= dict(readable)
    return [(field, changes.get(field, text)) for field, text in found.items() if changes.get(field, text).strip()]


def _read_fields(fields: Fields, reading: Reading) -> Fields:
    """Those that the model is given: no more reviews than it reads."""
    page = [one for one in fields if one[0] in _FIRST]
    return page + [one for one in fields if one[0] not in _FIRST][: reading.reviews]


def _tokens(recommender: Recommender, page: Page, known: dict[str, str], read: Fields, reading: Reading) -> Page:
    """The page with these texts, within the budget of pieces."""
    held = _held(page, reading)
    states, spans, sources = [no_states(page.text)], [page.text_span[:0]], [page.text_source[:0]]
    room = reading.item_pieces
    for source, (field, text) in enumerate(read):
        same = held.get(field) if known.get(field) == text else None
        if room and same is None:
            same = read_text(recommender, text)
        count = min(room, 0 if same is None else len(same.places))
        if same is not None:
            states.append(same.states[:count])
            spans.append(same.places[:count])
        sources.append(np.full(count, source, np.int32))
        room -= count
    return replace(
        page,
        text=np.concatenate(states),
        text_span=np.concatenate(spans),
        text_source=np.concatenate(sources),
        fields=tuple(field for field, _ in read),
    )


def _held(page: Page, reading: Reading) -> dict[str, Encoded]:
    """Texts whose tokens the run holds whole: all but the last where the budget was used up."""
    whole = len(page.text) < reading.item_pieces
    last = int(page.text_source[-1]) if len(page.text_source) else 0
    found = {}
    for source, field in enumerate(page.fields):
        if whole or source < last:
            own = page.text_source == source
            found[field] = Encoded(np.asarray(page.text[own]), page.text_span[own])
    return found


def _notes(recommender: Recommender, changes: dict[str, str], heeded: set[str]) -> tuple[str, ...]:
    if "text" not in recommender.tokens.modalities:
        return (f"{recommender.folder.name} reads no texts, so edited ones change no score.",)
    notes = []
    unread = [field for field, text in changes.items() if field not in heeded and text.strip()]
    if unread:
        most = recommender.config.reviews
        notes.append(
            f"The model reads no more than the {most} newest reviews, so it does not read {', '.join(unread)}."
            if most
            else "The model reads no reviews, so edited ones change no score."
        )
    if recommender.config.aspects and any(field not in _FIRST for field in changes):
        notes.append("What reviews praise and criticise stays as it was when the run was trained.")
    return tuple(notes)
