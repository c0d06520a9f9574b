"""A dataset as a ranking sees it: who is asked for, what is ranked, which past counts. Runs of every kind share it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.answers import DatasetSummary, Items, RankedItem, Ranking, RunSummary, Shoppers
from engine.dataset.split import Interactions, Split, interactions, split
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.explain.types import HistoryEvent
from engine.facts import Facts
from engine.live import Past, Session, live_past, past_of
from engine.natural import natural_order
from engine.ruling import Ruled
from engine.workspace import kept_epochs


@dataclass(frozen=True)
class Texts:
    """What is shown of the catalogue, in the model's order."""

    title: tuple[str, ...]
    image: tuple[str | None, ...]
    images: tuple[tuple[str, ...], ...]
    category: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """One product of `Texts`. facts: (field, value) pairs that business rules ask for; None: those of the dataset."""

    title: str
    images: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] | None = None


class Shop:
    """Reads a dataset's events and what is shown of its products. read: events of a past that are shown."""

    def __init__(self, dataset: Dataset, kind: str, cuts: tuple[int, int] | None, read: int) -> None:
        self.dataset, self.read = dataset, read
        self.data: Interactions = interactions(dataset)
        self.parts: Split = split(kind, self.data, cuts)
        self.item_index = {item: index for index, item in enumerate(self.data.items)}
        self.user_index = {user: index for index, user in enumerate(self.data.users)}
        self.texts = _texts(dataset)
        self.facts = Facts(dataset)

    def with_items(self, told: Mapping[int, Told]) -> Shop:
        """The same with other things told of some products."""
        other = copy.copy(self)
        title, image, images = list(self.texts.title), list(self.texts.image), list(self.texts.images)
        for item, one in told.items():
            title[item], images[item] = one.title, one.images
            image[item] = one.images[0] if one.images else None
        other.texts = replace(self.texts, title=tuple(title), image=tuple(image), images=tuple(images))
        facts = {item: (one.title, one.facts) for item, one in told.items()}
        other.facts = self.facts.with_items(facts)
        return other

    def items(self) -> Items:
        """The catalogue, for lists."""
        popularity = np.bincount(self.data.item[self.parts.train], minlength=len(self.data.items))
        return Items(
            item=self.data.items,
            title=self.texts.title,
            category=self.texts.category,
            image=self.texts.image,
            popularity=tuple(popularity.tolist()),
        )

    def shoppers(self) -> Shoppers:
        """The shoppers, for lists: in the order of their keys, those without a history last."""
        users, events, taste = self.data.users, np.diff(self.data.start).tolist(), self.tastes()
        order = natural_order(users)
        order.sort(key=lambda place: not events[place])
        return Shoppers(
            tuple(users[place] for place in order),
            tuple(events[place] for place in order),
            tuple(taste[place] for place in order),
        )

    def tastes(self) -> list[str]:
        """What each shopper bought most, in the model's order."""
        names = [*dict.fromkeys(self.texts.category)]
        number = {name: index for index, name in enumerate(names)}
        category = np.array([number[name] for name in self.texts.category], dtype=np.int64)[self.data.item]
        bought = self.data.user.astype(np.int64) * len(names) + category
        groups, first, count = np.unique(bought, return_index=True, return_counts=True)
        tastes: list[list[str]] = [[] for _ in self.data.users]
        for group in groups[np.lexsort((first, -count))].tolist():  # what they bought most, then what they bought first
            taste, name = tastes[group // len(names)], names[group % len(names)]
            if name and len(taste) < 2:
                taste.append(name)
        return [", ".join(taste) for taste in tastes]

    def summary(
        self,
        folder: Path,
        card: dict[str, Any],
        device: str,
        *,
        methods: tuple[str, ...],
        modalities: tuple[str, ...] = (),
        fusion: str = "weighted",
        heads: int = 1,
    ) -> RunSummary:
        """What the window needs to fill its lists for a run on this dataset. card: the content of its run.json."""
        return RunSummary(
            run=folder.name,
            folder=str(folder),
            dataset=summary_of(self.dataset),
            items=self.items(),
            shoppers=self.shoppers(),
            fusion=fusion,
            heads=heads,
            methods=methods,
            modalities=modalities,
            encoders={name: about["name"] for name, about in card["encoders"].items()},
            metrics=card["metrics"],
            epoch=card["best_epoch"],
            device=device,
            config=card["config"],
            epochs=kept_epochs(folder, card),
        )

    def user(self, name: str) -> int:
        """Index of a shopper. HeedmapError when unknown."""
        if name not in self.user_index:
            raise HeedmapError(
                f"There is no shopper {name!r} in {self.dataset.manifest.name}.",
                f"A shopper there is {self.data.users[0]!r}." if self.data.users else "",
            )
        return self.user_index[name]

    def item(self, name: str) -> int:
        """Index of a product. HeedmapError when unknown."""
        if name not in self.item_index:
            raise HeedmapError(
                f"There is no product {name!r} in {self.dataset.manifest.name}.",
                f"A product there is {self.data.items[0]!r}.",
            )
        return self.item_index[name]

    def past(self, name: str, session: Session | None = None) -> Past:
        """A shopper's whole past, changed by a live session. HeedmapError names an unknown shopper, or what of the
        session cannot be."""
        known = None if session and session.invented else past_of(self.data, self.user(name))
        if known is not None and session is None:
            return known
        found = live_past(self.data, known, session or Session(), self.item_index)
        return found if known is not None or not name else replace(found, name=name)

    def history_events(self, past: Past, contributions: NDArray[np.float64] | None) -> tuple[HistoryEvent, ...]:
        """The past events that the model read, oldest first, with their contributions where given."""
        first = max(0, len(past.history) - self.read)
        events = []
        for row, event in enumerate(range(first, len(past.history))):
            item = int(past.history.items[event])
            events.append(
                HistoryEvent(
                    item=self.data.items[item],
                    title=self.texts.title[item],
                    time=datetime.fromtimestamp(int(past.time[event]) / 1000, UTC).isoformat(timespec="seconds"),
                    kind=str(past.kind[event]),
                    image=self.texts.image[item],
                    contribution=None if contributions is None else float(contributions[row]),
                )
            )
        return tuple(events)

    def ranking(
        self,
        run: str,
        past: Past,
        scores: NDArray[np.float32],
        ruled: Ruled,
        parts: list[dict[str, float]],
        seconds: float,
    ) -> Ranking:
        """The list of the first len(parts) products. scores: float32[items], -inf for what is out of the running."""
        ranked = tuple(
            RankedItem(
                item=self.data.items[index],
                title=self.texts.title[index],
                image=self.texts.image[index],
                rank=place,
                score=float(scores[index]),
                parts=part,
                model_rank=ruled.model_rank(int(index)),
                effects=ruled.effects(int(index)),
            )
            for place, (index, part) in enumerate(zip(ruled.order, parts, strict=False), start=1)
        )
        return Ranking(
            run=run,
            user=past.name,
            catalogue=int(np.isfinite(scores).sum()),
            items=ranked,
            history=self.history_events(past, None),
            seconds=seconds,
            notes=(*past.notes, *ruled.notes),
            rule_notes=tuple(ruled.notes),
        )


def summary_of(dataset: Dataset) -> DatasetSummary:
    """A dataset in one glance."""
    about = dataset.manifest
    return DatasetSummary(
        folder=str(dataset.folder.resolve()),
        name=about.name,
        domain=about.domain,
        source=about.source,
        licence=about.licence,
        synthetic=about.synthetic,
        counts=about.counts,
        time_range=about.time_range,
        notes=about.notes,
    )


def _texts(dataset: Dataset) -> Texts:
    found = dataset.rows(
        "SELECT title, images, coalesce(category[-1], "
        "[one.value for one in attributes if one.name IN ('category', 'genre')][1], '') FROM items"
    )
    images = tuple(tuple(photos or ()) for _, photos, _ in found)
    return Texts(
        title=tuple(title for title, _, _ in found),
        image=tuple(photos[0] if photos else None for photos in images),
        images=images,
        category=tuple(category for _, _, category in found),
    )
