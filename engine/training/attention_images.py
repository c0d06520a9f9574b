"""What a few products' attention looks like while a model trains: heat over the photo, words by heads."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.dataset.store import Dataset, open_photo
from engine.errors import HeedmapError
from engine.features.catalogue import Catalogue
from engine.model.recommender import Model
from engine.model.tokens import Tokens
from engine.training.track import Pictures

SHOWN = 3  # products
_SIDE, _LINE, _LABEL, _MOST_WORDS = 224, 16, 120, 40
_HEAT = np.array([194.0, 65.0, 12.0])  # the theme's "pushes up"


def attention_pictures(
    model: Model, tokens: Tokens, catalogue: Catalogue, dataset: Dataset, texts: list[list[tuple[str, str]]]
) -> Pictures:
    """A function that draws the first products that have a photo and words, the same ones each time.

    texts: (field, text) of each item, as the catalogue was built from.
    """
    photos = [row[0][0] if row[0] else None for row in dataset.rows("SELECT images FROM items")]
    has = np.diff(catalogue.text_start) > 0 if "text" in tokens.modalities else np.array([bool(one) for one in photos])
    shown = np.flatnonzero(has)[:SHOWN]

    def draw() -> dict[str, NDArray[np.uint8]]:
        found: dict[str, NDArray[np.uint8]] = {}
        index = torch.from_numpy(shown).to(model.seen.device)
        with torch.no_grad():
            shopper = torch.zeros(len(shown), model.shape.tower.dim, device=model.seen.device)
            attention = model.tower.attention(tokens.batch(index), shopper)
        for row, item in enumerate(shown):
            name = f"product {catalogue.items[item]}"
            path = photos[item]
            if "image" in attention and path and catalogue.image_start[item + 1] > catalogue.image_start[item]:
                cells = attention["image"][row].mean(dim=0).cpu().numpy()
                try:
                    found[f"{name}/photo"] = over_photo(open_photo(dataset.folder / path), cells, catalogue.grid)
                except HeedmapError:
                    continue  # the photo went away since it was encoded; the training does not need it
            if "text" in attention:
                first, last = catalogue.text_start[item], catalogue.text_start[item + 1]
                rows = dict(zip(_rows(catalogue, int(item)), texts[item], strict=False))
                words = [
                    rows[int(source)][1][slice(*span)]
                    for source, span in zip(
                        catalogue.text_source[first:last], catalogue.text_span[first:last].tolist(), strict=True
                    )
                ]
                found[f"{name}/words"] = word_table(words, attention["text"][row, :, : len(words)].cpu().numpy())
        return found

    return draw


def _rows(catalogue: Catalogue, item: int) -> list[int]:
    """The rows of `fields` that are this item's."""
    return [row for row, (owner, _) in enumerate(catalogue.fields) if owner == item]


def over_photo(photo: Image.Image, cells: NDArray[np.float32], grid: tuple[int, int]) -> NDArray[np.uint8]:
    """A greyed photo under its attention, cells row by row: uint8[224, 224, 3]."""
    grey = np.asarray(photo.convert("L").resize((_SIDE, _SIDE)), np.float64)[..., None]
    heat = cells[: grid[0] * grid[1]].reshape(grid)
    heat = heat / max(float(heat.max()), 1e-12)
    shown = Image.fromarray((heat * 255).astype(np.uint8)).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    share = 0.75 * np.asarray(shown, np.float64)[..., None] / 255
    return np.rint((1 - share) * (0.7 * grey + 76) + share * _HEAT).astype(np.uint8)


def word_table(words: list[str], attention: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A line for each word and a column for each head, darker where it attends more: uint8[rows, columns, 3].

    attention: float32[heads, words]. The first words only, so that the picture stays small.
    """
    count = min(len(words), _MOST_WORDS)
    heads = len(attention)
    picture = Image.new("RGB", (_LABEL + heads * 2 * _LINE, max(1, count) * _LINE), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(11)
    scale = attention / np.maximum(attention.max(axis=1, keepdims=True), 1e-12)
    for line in range(count):
        pen.text((2, line * _LINE + 1), words[line].encode("ascii", "replace").decode(), "black", font)
        for head in range(heads):
            colour = tuple(np.rint(255 + float(scale[head, line]) * (_HEAT - 255)).astype(int).tolist())
            left = _LABEL + head * 2 * _LINE
            pen.rectangle((left, line * _LINE, left + 2 * _LINE - 2, (line + 1) * _LINE - 2), fill=colour)
    return np.asarray(picture)
