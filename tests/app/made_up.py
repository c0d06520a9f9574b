"""A shop made up for looking and testing: products with words, cells, attributes and links whose parts sum exactly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from PySide6.QtCore import QObject, QTimer, Signal

from engine.answers import DatasetSummary, Items, RankedItem, Ranking, RunSummary, Shoppers
from engine.explain.types import Explanation, Faithfulness, HistoryEvent, ItemText, Token

HEADS = 4
GRID = (7, 7)
GOODS = ("Rain jacket", "Running shoe", "Backpack", "Sweatshirt", "Cap", "Watch")
COLOURS = ("navy", "purple", "silver", "olive", "grey", "red")
DESCRIPTION = "Light rain jacket with a packable hood and taped seams. Made for wet mornings on the trail."
REVIEWS = (
    "Kept me dry on a two hour trail run, and the three stripes look good.",
    "Sleeves are a bit short for me. The hood stays up in the wind, and it packs into its own pocket.",
    "Bought it for the colour, kept it for the seams: not a drop came through in a week of rain.",
)


def draw_photo(file: Path, colour: str, size: tuple[int, int] = (224, 224)) -> None:
    """A plain product on white."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    width, height = size
    draw.rounded_rectangle((width * 0.25, height * 0.2, width * 0.75, height * 0.9), 20, fill=colour)
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file)


def run_summary(folder: Path, items: int = 40, shoppers: int = 30, images: Sequence[str | None] = ()) -> RunSummary:
    """A run on a shop of `items` products; photo paths of the catalogue are `images`, repeated."""
    rows = range(items)
    photos = tuple(images[i % len(images)] if images else None for i in rows)
    dataset = DatasetSummary(
        str(folder), "Autumn catalogue", "shop", "made up", "CC0", True, {"items": items}, None, ()
    )
    return RunSummary(
        run="attention-lora-07",
        folder=str(folder / "run"),
        dataset=dataset,
        items=Items(
            tuple(f"i{i}" for i in rows),
            tuple(title(i) for i in rows),
            tuple(GOODS[i % 6].lower() for i in rows),
            photos,
            tuple((i * 13) % 41 for i in rows),
        ),
        shoppers=Shoppers(
            tuple(f"{(i * 7919 + 32570) % 65536:04x}" for i in range(shoppers)),
            tuple((i * 7 + 12) % 32 for i in range(shoppers)),
            tuple(("sport, outdoor", "formal", "kids", "accessories", "denim")[i % 5] for i in range(shoppers)),
        ),
        fusion="weighted",
        heads=HEADS,
        methods=("contribution", "attention"),
        modalities=("image", "text", "attribute", "link", "identity"),
        encoders={},
        metrics={},
        epoch=13,
        device="cpu",
        config={},
    )


def title(index: int) -> str:
    return f"{GOODS[index % 6]} Ess {index}, {COLOURS[index % 6].title()}"


def history(run: RunSummary, user: str, explained: bool = True) -> tuple[HistoryEvent, ...]:
    """The shopper's past purchases, oldest first."""
    count = run.shoppers.events[run.shoppers.user.index(user)]
    parts = (0.62, 0.55, 0.21, 0.18, 0.34, 0.12, -0.16, 0.09, 0.05, -0.04, -0.22, 0.02)
    events = []
    for n in range(count):
        index = (n * 5 + 3) % len(run.items)
        part = parts[n % len(parts)] if explained else None
        time = f"2025-{1 + n % 12:02d}-{1 + n // 12:02d}T09:00:00+00:00"
        events.append(
            HistoryEvent(f"i{index}", title(index), time, "purchase", run.items.image[index], contribution=part)
        )
    return tuple(sorted(events, key=lambda event: event.time))


def parts(index: int) -> dict[str, float]:
    """Sums per modality of one product; every fifth is pulled down by its photo."""
    random = np.random.default_rng(index)
    values = dict(zip(("image", "text", "attribute", "link", "identity"), random.uniform(0.1, 2.5, 5), strict=True))
    if index % 5 == 4:
        values["image"] = -0.8
    return {name: float(value) for name, value in values.items()} | {"bias": 0.31}


def ranking(run: RunSummary, user: str, k: int = 100) -> Ranking:
    scored = sorted(((sum(parts(i).values()), i) for i in range(len(run.items))), reverse=True)[:k]
    rows = tuple(
        RankedItem(f"i{i}", title(i), run.items.image[i], rank, score, parts(i))
        for rank, (score, i) in enumerate(scored, start=1)
    )
    return Ranking(run.run, user, len(run.items), rows, history(run, user, explained=False), 0.01)


def words(field: str, text: str) -> list[Token]:
    return [Token("text", found.group(), field, found.span()) for found in re.finditer(r"[\w']+", text)]


def cells(path: str) -> list[Token]:
    rows, columns = GRID
    return [
        Token("image", f"row {r + 1}, column {c + 1}", path, None,
              (c / columns, r / rows, (c + 1) / columns, (r + 1) / rows))
        for r in range(rows)
        for c in range(columns)
    ]  # fmt: skip


def spread(tokens: list[Token], total: float, seed: int) -> np.ndarray:
    """Numbers for the tokens of one modality that sum to `total`; a blob of heat for cells."""
    random = np.random.default_rng(seed)
    if tokens[0].modality == "image":
        centres = np.array([((t.box or (0, 0, 0, 0))[0] + 1 / 14, (t.box or (0, 0, 0, 0))[1] + 1 / 14) for t in tokens])
        weight = np.exp(-((centres - (0.57, 0.3)) ** 2).sum(axis=1) / 0.06) - 0.18 * (centres[:, 1] > 0.75)
    else:
        weight = random.gamma(0.7, 1.0, len(tokens)) * np.where(random.random(len(tokens)) < 0.15, -0.5, 1)
    return np.asarray(weight * total / weight.sum())


def explanation(
    run: RunSummary,
    user: str,
    item: str,
    method: str = "contribution",
    *,
    images: tuple[str, ...] | None = None,
    reviews: Sequence[ItemText] | None = None,
    grade: str | None = "A",
    bare: bool = False,
) -> Explanation:
    """Why `item` is ranked where it is. `bare` leaves out texts and attributes."""
    index = int(item[1:])
    own = run.items.image[index]
    images = ((own,) if own else ()) if images is None else images
    if reviews is None:
        reviews = [ItemText(f"review:{n}", text, rating=4.0 + n % 2) for n, text in enumerate(REVIEWS)]
        reviews.append(ItemText("review:9", "Written after the model had learned.", rating=5.0, heeded=False))
    texts = () if bare else (ItemText("title", title(index)), ItemText("description", DESCRIPTION), *reviews)
    groups = [[Token("identity", item)]]
    groups.append([token for text in texts if text.heeded for token in words(text.field, text.text)])
    groups.append(cells(images[0]) if images else [])
    if not bare:
        named = (("category", GOODS[index % 6].lower()), ("colour", COLOURS[index % 6]), ("season", "autumn"),
                 ("brand", "Ess"), ("price", "2,499"))  # fmt: skip
        groups.append([Token("attribute", value, name) for name, value in named])
        groups.append([Token("link", "Northway", "brand")])
    groups = [group for group in groups if group]
    sums = parts(index)
    tokens = tuple(token for group in groups for token in group)
    values = np.concatenate([spread(group, sums[group[0].modality], index) for group in groups])
    random = np.random.default_rng(index)
    by_head = values[:, None] * random.dirichlet(np.full(HEADS, 2.0), len(values))
    attention = np.concatenate([_attention(group, random) for group in groups])
    score = float(values.sum()) + sums["bias"]
    listed = ranking(run, user, len(run.items)).items
    summing = method == "contribution"
    measured = Faithfulness(grade, 0.31, (0.62,) * 10, 2.1, 0.4, 43, 8) if grade else None
    return Explanation(
        run=run.run, user=user, item=item, title=title(index),
        rank=next(row.rank for row in listed if row.item == item), catalogue=len(run.items),
        score=score, bias=sums["bias"], method=method, tokens=tokens,
        contribution=values if summing else attention.mean(axis=1), contribution_by_head=by_head, attention=attention,
        texts=texts, images=images, grid=GRID if images else (0, 0),
        history=history(run, user, explained=summing), completeness_gap=2e-7, faithfulness=measured,
        seconds=0.01, sums_to_score=summing,
    )  # fmt: skip


def _attention(group: list[Token], random: np.random.Generator) -> np.ndarray:
    if group[0].modality == "identity":
        return np.zeros((1, HEADS))
    weights = random.gamma(0.6, 1.0, (len(group), HEADS))
    return np.asarray(weights / weights.sum(axis=0))


class Lane(QObject):
    """An engine lane that answers in the next turn of the event loop, or by `answer` while `holding`."""

    finished = Signal(int, object)
    failed = Signal(int, str, str)
    progressed = Signal(int, object)

    def __init__(self, run: RunSummary) -> None:
        super().__init__()
        self.run = run
        self.holding = False
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.changes: dict[str, Any] = {}  # fields of every explanation to put in place of its own
        self.options: dict[str, Any] = {}  # of `explanation`
        self.failing: tuple[str, str] | None = None  # message, hint

    def cancel(self, job: int) -> None:
        """Nothing is under way for long here."""

    def submit(self, name: str, /, channel: str = "", **arguments: Any) -> int:
        self.asked.append((name, arguments))
        job = len(self.asked)
        if not self.holding:
            QTimer.singleShot(0, self, lambda: self.answer(job))
        return job

    def answer(self, job: int) -> None:
        name, arguments = self.asked[job - 1]
        arguments = {key: value for key, value in arguments.items() if key != "run"}
        if self.failing and name == "explain":
            self.failed.emit(job, *self.failing)
        elif name == "open_run":
            self.finished.emit(job, self.run)
        elif name == "rank":
            self.finished.emit(job, ranking(self.run, **arguments))
        else:
            found = explanation(self.run, **arguments, **self.options)
            self.finished.emit(job, replace(found, **self.changes))
