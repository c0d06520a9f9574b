"""Examples as cards: the photo under its heat, the score as a sum, the heaviest parts, and what is to be seen."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from engine.audit.check import Example, Result
from engine.audit.report.charts import parts_bars, svg
from engine.audit.report.content import Card, Drawing
from engine.audit.report.words import Words
from engine.errors import HeedmapError
from engine.explain.methods import explain
from engine.explain.types import Explanation
from engine.jobs import Job, Progress
from engine.recommend import Recommender

MOST = 4  # of one check
_SIDE = 360  # pixels of a photo in the report
_HEAVIEST = 4  # parts that are named
_LONGEST = 600  # characters of a text


def cards_of(results: tuple[Result, ...], run: Recommender, words: Words) -> Job:
    """Return check -> its cards. An example that this run no longer knows is told without a picture."""
    found: dict[str, tuple[Card, ...]] = {}
    with_examples = [one for one in results if one.examples]
    for done, result in enumerate(with_examples):
        cards = []
        for example in result.examples[:MOST]:
            yield Progress("Drawing examples", done, len(with_examples))
            cards.append(_card(result, example, run, words))
        found[result.check] = tuple(cards)
    return found


def _card(result: Result, example: Example, run: Recommender, words: Words) -> Card:
    lines = [words.note(result.check, example.note)] if example.note else []
    if example.kind == "text":
        return Card(words("example_text"), (*lines, words("quoted", text=_cut(example.text))))
    if example.kind == "shopper":
        return Card(
            words("example_shopper", user=example.user), (*lines, *([_cut(example.text)] if example.text else []))
        )
    title = _title(example.item, run)
    if example.kind == "product":
        picture = _photo(run, example, None, words)
        return Card(words("example_product", title=title, item=example.item), tuple(lines), picture)
    try:
        explanation = explain(run, example.user, example.item)
    except HeedmapError:
        return Card(words("example_pair", title=title, user=example.user), (*lines, words("example_gone")))
    parts = {name: value for name, value in explanation.parts().items() if value}
    names = words.names("parts")
    total = words("score_is", score=words.number(explanation.score))
    told = ", ".join(f"{names[name]} {value:+.3f}" for name, value in parts.items())
    lines.append(words("place", rank=explanation.rank, of=words.number(explanation.catalogue)))
    lines += _heaviest(explanation, run, words)
    return Card(
        words("example_pair", title=title, user=example.user),
        tuple(lines),
        _photo(run, example, explanation, words),
        parts_bars(parts, names, total, told) if parts else None,
    )


def _title(item: str, run: Recommender) -> str:
    index = run.shop.item_index.get(item)
    return item if index is None else run.texts.title[index] or item


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _heaviest(explanation: Explanation, run: Recommender, words: Words) -> list[str]:
    """The parts with the largest shares, of the page and of the past; photo cells are seen on the photo."""
    named: dict[str, list[tuple[float, str]]] = {"page": [], "past": []}
    for share, token in zip(explanation.contribution.tolist(), explanation.tokens, strict=True):
        if token.modality not in ("image", "identity") and share:
            label = _title(token.label, run) if token.modality == "link" else token.label
            if not any(one.isalnum() for one in label):
                continue  # a comma is a part, but says nothing
            label = f"{token.field}: {label}" if token.modality in ("attribute", "link") else label
            named["past" if token.modality == "history" else "page"].append((share, label.replace("_", " ")))
    lines = []
    for place, parts in named.items():
        parts.sort(key=lambda one: -abs(one[0]))
        told = [
            words("heavy_part", label=label, share=f"{share:+.3f}".replace("-", "−"))
            for share, label in parts[:_HEAVIEST]
        ]
        if told:
            lines.append(words(f"heaviest_{place}", parts=words("join").join(told)))
    return lines


def _photo(run: Recommender, example: Example, explanation: Explanation | None, words: Words) -> Drawing | None:
    """The first photo, squeezed into a square as the model sees it; greyed under the heat of an explanation."""
    index = run.shop.item_index.get(example.item)
    images = run.texts.images[index] if index is not None else ()
    if not images:
        return None
    uri = _embedded(run, images[0], grey=explanation is not None)
    if not uri:
        return None
    side = float(_SIDE)
    shapes = [f'<image width="{side:g}" height="{side:g}" preserveAspectRatio="none" href="{uri}"/>']
    if explanation is not None:
        shapes += _heat(explanation, side)
    if example.box is not None:
        x0, y0, x1, y1 = (side * one for one in example.box)
        for name, thick in (("paper", 6), ("fail", 3)):  # a light line under the coloured one reads on any photo
            shapes.append(
                f'<rect x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}" fill="none"'
                f' class="s-{name}" stroke-width="{thick}"/>'
            )
    title = _title(example.item, run)
    alt = words("photo_heat" if explanation is not None else "photo_plain", title=title)
    return svg(side, side, "".join(shapes), alt, 42.0 if explanation is not None else 26.0)


def _heat(explanation: Explanation, side: float) -> list[str]:
    cells = [
        (token.box, float(share))
        for token, share in zip(explanation.tokens, explanation.contribution, strict=True)
        if token.box is not None
    ]
    unit = max((abs(share) for _, share in cells), default=0.0)
    return [
        f'<rect x="{x0 * side:.1f}" y="{y0 * side:.1f}" width="{(x1 - x0) * side:.1f}" height="{(y1 - y0) * side:.1f}"'
        f' class="f-{"up" if share > 0 else "down"}" fill-opacity="{0.65 * abs(share) / unit:.3f}"/>'
        for (x0, y0, x1, y1), share in cells
        if unit and abs(share) / unit > 0.02
    ]


def _embedded(run: Recommender, path: str, grey: bool) -> str:
    """A photo of the dataset as a small JPEG inside a text; "" where it cannot be read."""
    try:
        with Image.open(run.dataset.folder / path) as opened:
            photo = opened.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    except (OSError, ValueError):
        return ""
    if grey:  # lightened, so that heat reads on dark goods
        flat = np.asarray(photo.convert("L"), np.float32)[..., None]
        mixed = 0.75 * flat + 0.25 * np.asarray(photo, np.float32)
        photo = Image.fromarray((40 + mixed * (215 / 255)).clip(0, 255).astype(np.uint8))
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=80, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
