"""A trained run, opened: score, rank, and everything an explanation needs."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.answers import Ranking, RunSummary
from engine.dataset.history import History
from engine.dataset.split import Interactions, Split
from engine.dataset.store import Dataset
from engine.dataset.written import Written
from engine.device import choose_device
from engine.explain.types import HistoryEvent, ItemText, Token
from engine.features.attributes import Bins, attribute_pairs
from engine.features.catalogue import Catalogue
from engine.features.encoder import Encoded, Encoder
from engine.features.page import Page
from engine.jobs import Job, Progress
from engine.live import Past, Session, each_without
from engine.metrics.order import best
from engine.model.recommender import Model
from engine.model.scoring import RERANKED, all_scores, item_bias, place_ahead, reranked, shopper_vectors, target_ranks
from engine.model.tokens import Edited, Tokens
from engine.model.tuning import open_run_encoder
from engine.rules import Rule
from engine.ruling import Ruled, apply
from engine.shop import Shop, Told
from engine.training.config import Config
from engine.training.loop import reading_of
from engine.training.opened import Opened, open_folder

KEPT_TEXTS = 2_000  # products whose texts stay in memory
MOST_ASKED, FEWEST = 150, 20  # targets, and different products among them, that tell what a model knows
MOST_TEXTS = 24  # shown of one product; those that the model read come first


@dataclass(frozen=True)
class EditedItem:
    """A product as a what-if has it. page: what the model reads of it; told: what is shown of it, and what rules ask;
    texts: as `Recommender.item_texts`; removed: parts taken away from the page; notes: what must be said of it."""

    page: Page
    told: Told
    texts: tuple[ItemText, ...]
    removed: tuple[Token, ...] = ()
    notes: tuple[str, ...] = ()


class Recommender:
    """Opened by `yield from Recommender.open(folder)`. Item vectors of the whole catalogue are held in memory."""

    def __init__(
        self, folder: Path, card: dict[str, Any], dataset: Dataset, catalogue: Catalogue, model: Model, device: str
    ) -> None:
        self.folder, self.card, self.dataset, self.catalogue, self.model = folder, card, dataset, catalogue, model
        self.device = device
        self.config = Config.from_settings(card["config"])
        self.shop = Shop(dataset, self.config.split, card.get("cuts"), self.config.history)
        self.data: Interactions = self.shop.data
        self.parts: Split = self.shop.parts
        self.texts = self.shop.texts
        self.tokens: Tokens | Edited = Tokens(catalogue, model.tower, device, widen=False)
        self._compute_vectors()
        self._item_texts: dict[int, tuple[ItemText, ...]] = {}
        self._written = Written(dataset)
        self.encoders: dict[str, Encoder] = {}  # modality -> opened when something first went through it
        self.encoded: dict[str, Encoded] = {}  # texts and photos that what-ifs read last, by content
        self.edited: Mapping[int, EditedItem] = {}  # products that are not as the dataset has them
        self._unedited: Recommender | None = None  # the run without a what-if, of one with

    @staticmethod
    def open(folder: Path, device: str = "auto", dataset_folder: Path | None = None) -> Job:
        """Open a run folder, with its dataset where it was, or in `dataset_folder` where it moved to.

        No encoder is needed. HeedmapError says what is missing, damaged, or has changed.
        """
        opened: Opened = yield from open_folder(folder, dataset_folder)
        name = choose_device(device)
        yield Progress("Computing product vectors")
        return Recommender(folder, opened.card, opened.dataset, opened.catalogue, opened.model.to(name), name)

    def _compute_vectors(self) -> None:
        with torch.inference_mode():
            everything = torch.arange(len(self.catalogue.items), device=self.model.seen.device)
            self.parts_of_items = self.model.item_parts(everything, self.tokens)
        self.matrix: Tensor = torch.stack(list(self.parts_of_items.values())).sum(dim=0)
        self._bias = item_bias(self.model)
        self._read: dict[tuple[bytes, ...], tuple[Tensor, NDArray[np.float32]]] = {}
        self._without: tuple[tuple[bytes, ...], list[History], Tensor] | None = None

    def with_weights(self, model: Model) -> Recommender:
        """The same shop and the same features under other weights of the same shape."""
        other = copy.copy(self)
        other.__dict__.pop("percentile", None)
        other._unedited = None
        other.model, other.tokens = model, self.tokens.of(model.tower)
        other._compute_vectors()
        return other

    def with_items(self, edited: Mapping[int, EditedItem]) -> Recommender:
        """The same run, these products as they are edited; of a run whose products are as the dataset has them.

        Only what the model makes of these products is computed anew. What is known of the model itself stays as it was
        measured.
        """
        assert isinstance(self.tokens, Tokens)
        other = copy.copy(self)
        other.__dict__.pop("percentile", None)
        other.edited, other._unedited = dict(edited), self
        other.tokens = Edited(self.tokens, {item: one.page for item, one in edited.items()})
        other.shop = self.shop.with_items({item: one.told for item, one in edited.items()})
        other.texts = other.shop.texts
        index = torch.tensor(sorted(edited), device=self.device)
        with torch.inference_mode():
            parts = self.model.item_parts(index, other.tokens)
            other.parts_of_items = {
                name: vectors.index_copy(0, index, parts[name]) for name, vectors in self.parts_of_items.items()
            }
            own = torch.stack(list(parts.values())).sum(dim=0)
            other._read, other._without = {}, None
            other.matrix = self.matrix.index_copy(0, index, own)
        return other

    def about_encoder(self, kind: str) -> dict[str, str]:
        """The card of the encoder that made the run's features. KeyError where none did."""
        about: dict[str, str] = self.catalogue.encoders.get(kind) or self.card["encoders"][kind]
        return about

    def encoder(self, kind: str) -> Encoder:
        """That encoder, opened once, its weights fixed. HeedmapError where it is not here, or is another one now."""
        if kind not in self.encoders:
            options = replace(reading_of(self.config).options(), device=self.device)
            home = self.dataset.folder / "features"
            encoder = open_run_encoder(self.folder, kind, self.about_encoder(kind), options, home)
            encoder.module.requires_grad_(False)
            self.encoders[kind] = encoder
        return self.encoders[kind]

    @cached_property
    def bins(self) -> tuple[Bins, Bins]:
        """Where values of numeric attributes fall: by the whole catalogue, and by the names in the vocabulary, which
        tell the edges to four digits."""
        return Bins(attribute_pairs(self.dataset)), Bins((), self.catalogue.attribute.names)

    def page(self, item: int) -> Page:
        """What the model reads of a product."""
        return self.edited[item].page if item in self.edited else self.catalogue.page(item)

    @cached_property
    def percentile(self) -> tuple[float, int] | None:
        """Where validation's products stand in their shoppers' rankings, in the mean: 0 is first, 0.5 is chance; and
        how many products tell.

        Each product counts once. None where fewer than `FEWEST` products can tell. It says whether the model knows
        anything at all, not how much: the validation period may have been learned from.
        """
        if self._unedited is not None:
            return self._unedited.percentile
        targets = self.parts.validation
        if len(targets) > MOST_ASKED:
            targets = np.sort(np.random.default_rng(1).choice(targets, MOST_ASKED, replace=False))
        items = self.data.item[targets]
        if len(np.unique(items)) < FEWEST:
            return None
        ranks = np.concatenate(list(target_ranks(self.model, self.tokens, self.data, targets, self.matrix)))
        had = targets - self.data.start[self.data.user[targets]]
        place = (ranks - 1) / np.maximum(len(self.data.items) - had - 1, 1)
        counted = np.unique(items, return_inverse=True)[1]
        each = np.bincount(counted, weights=place) / np.bincount(counted)
        return float(each.mean()), len(each)

    def summary(self, methods: tuple[str, ...]) -> RunSummary:
        """What the window needs to fill its lists. methods: those that can explain this run."""
        return self.shop.summary(
            self.folder,
            self.card,
            self.device,
            methods=methods,
            modalities=tuple(self.model.shape.tower.features),
            fusion=self.config.fusion,
            heads=self.config.heads,
        )

    def user(self, name: str) -> int:
        """Index of a shopper. HeedmapError when unknown."""
        return self.shop.user(name)

    def item(self, name: str) -> int:
        """Index of a product. HeedmapError when unknown."""
        return self.shop.item(name)

    def past(self, name: str, session: Session | None = None) -> Past:
        """A shopper's whole past, changed by a live session; the sequence reads the last `config.history` events, the
        linear term all of them. HeedmapError names an unknown shopper, or what of the session cannot be."""
        return self.shop.past(name, session)

    def shopper_vectors(self, histories: list[History]) -> Tensor:
        """u of each history: float32[n, dim]."""
        return shopper_vectors(self.model, self.matrix, histories)

    def each_without(self, past: Past, places: NDArray[np.int64]) -> tuple[list[History], Tensor]:
        """The histories had one event not been, for each of `places`, and their u: float32[n, dim]. They are the same
        for every product: those of the last shopper are held."""
        key = (*_content(past.history), past.time.tobytes(), places.tobytes())
        if self._without is None or self._without[0] != key:
            histories = each_without(self.data, past, places)
            self._without = (key, histories, self.shopper_vectors(histories))
        return self._without[1:]

    def scores(self, shoppers: Tensor, histories: list[History]) -> NDArray[np.float32]:
        """float32[n, items]."""
        found: NDArray[np.float32] = all_scores(self.model, self.matrix, shoppers, histories, self._bias).cpu().numpy()
        return found

    def read(self, history: History) -> tuple[Tensor, NDArray[np.float32]]:
        """u: float[1, dim], and the scores of the whole catalogue: float32[items]. Those of the last history, or of the
        last `read_ahead`, are held: a shopper's list is asked for, then one product of it after another."""
        key = _content(history)
        if key not in self._read:
            self.read_ahead([history])
        shopper, scores = self._read[key]
        return shopper, scores.copy()

    def read_ahead(self, histories: list[History]) -> None:
        """Hold what `read` answers of these histories: together they take a fraction of the time."""
        shoppers = self.shopper_vectors(histories)
        scores = self.scores(shoppers, histories)
        self._read = {_content(one): (shoppers[row : row + 1], scores[row]) for row, one in enumerate(histories)}

    def running(self, past: Past) -> tuple[Tensor, NDArray[np.float32]]:
        """u: float[1, dim], and the scores that a list is made of: float32[items], -inf for what the shopper has.

        Under `cross` fusion the products that the shopper itself has asked for stand ahead of all others.
        """
        shopper, scores = self.read(past.history)
        scores[past.history.items] = -np.inf
        if self.config.fusion == "cross":
            place_ahead(scores, *reranked(self.model, self.tokens, shopper[0], past.history, scores))
        return shopper, scores

    def under(self, rules: tuple[Rule, ...], scores: NDArray[np.float32], places: int | None = None) -> Ruled:
        """What rules make of a list of `running` scores; of its first `places` alone where these are all that count."""
        if self.config.fusion == "cross":  # behind these stand scores that were moved
            first = best(scores, RERANKED)
            scores, moved = np.full_like(scores, -np.inf), scores
            scores[first] = moved[first]
        return apply(rules, scores, self.shop.item_index, self.shop.facts.meets, self._vectors_over, places)

    def _vectors_over(self, what: str, items: NDArray[np.int64]) -> NDArray[np.float32]:
        """Vectors in which products are compared, float32[len(items), dim]: whole, or of their content alone."""
        index = torch.from_numpy(items).to(self.device)
        content = [one[index] for name, one in self.parts_of_items.items() if name != "identity"]
        vectors = torch.stack(content).sum(dim=0) if what == "content" and content else self.matrix[index]
        found: NDArray[np.float32] = vectors.cpu().numpy()
        return found

    def rank(self, name: str, k: int, session: Session | None = None, rules: tuple[Rule, ...] = ()) -> Ranking:
        """The best `k` products for a shopper, of the past that a live session made, in the order that rules give.

        Ties break by the catalogue's order.
        """
        began = time.perf_counter()
        past = self.past(name, session)
        shopper, scores = self.running(past)
        ruled = self.under(rules, scores, k)
        parts = self._parts(ruled.order[:k], shopper[0], past.history)
        return self.shop.ranking(self.folder.name, past, scores, ruled, parts, time.perf_counter() - began)

    def _parts(self, items: NDArray[np.int64], shopper: Tensor, history: History) -> list[dict[str, float]]:
        index = torch.from_numpy(items.astype(np.int64)).to(self.device)
        with torch.inference_mode():
            if self.config.fusion == "cross":
                found = self.model.item_parts(index, self.tokens, shopper.expand(len(index), -1))
            else:
                found = {name: vectors[index] for name, vectors in self.parts_of_items.items()}
            columns = {name: (vectors @ shopper).cpu().numpy() for name, vectors in found.items()}
            columns["bias"] = self._bias[index].cpu().numpy()
            if self.model.shape.linear:
                columns["history"] = self.model.linear.scores([history.items])[0, index].cpu().numpy()
        return [{name: float(column[row]) for name, column in columns.items()} for row in range(len(items))]

    def item_texts(self, item: int) -> tuple[ItemText, ...]:
        """All texts of a product as written; the ones that the model did not read say so."""
        if item in self.edited:
            return self.edited[item].texts
        if item in self._item_texts:
            return self._item_texts[item]
        heeded = set(self.catalogue.page(item).fields)
        texts = [
            ItemText(one.field, one.text, one.author, one.rating, heeded=one.field in heeded)
            for one in self._written.of(self.data.items[item])
            if one.text and one.text.strip()
        ]
        found = tuple(sorted(texts, key=lambda one: not one.heeded))[:MOST_TEXTS]
        if len(self._item_texts) >= KEPT_TEXTS:
            self._item_texts.clear()
        self._item_texts[item] = found
        return found

    def history_events(self, past: Past, contributions: NDArray[np.float64] | None) -> tuple[HistoryEvent, ...]:
        """The past events that the model read, oldest first, with their contributions where given."""
        return self.shop.history_events(past, contributions)


def _content(history: History) -> tuple[bytes, ...]:
    """What tells a history from another."""
    return tuple(array.tobytes() for array in (history.items, history.context, history.about))
