"""A foreign run: a scorer from elsewhere that is ranked, evaluated, and explained as far as it lets itself be asked."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.answers import Ranking, RunSummary
from engine.dataset.split import interactions, split
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.explain.types import Explanation, Token
from engine.features.catalogue import Catalogue, Reading, build_catalogue
from engine.files import make_folder, read_json, sha256_of
from engine.foreign.adopt import UNKNOWN_TRAINING
from engine.foreign.reading import aligned, read_names, read_vectors
from engine.foreign.scorers import Contract, OnnxScorer, Scorer, VectorScorer
from engine.jobs import Job, Progress
from engine.live import Past, Session
from engine.metrics.ranking import ndcg, rank_of_target, recall
from engine.model.baselines import popularity
from engine.model.baselines.contract import without_history
from engine.model.scoring import baseline_ranks, live_history
from engine.rules import Rule
from engine.ruling import Ruled, apply
from engine.shop import Shop
from engine.training.checkpoint import load_tensors, save_tensors
from engine.training.config import Config
from engine.training.loop import Card
from engine.training.opened import dataset_of
from engine.workspace import read_card

_ROWS = 256
FIXED = "Each shopper's vector is fixed: what happens in a live session, or in the test period, changes nothing."
NO_PARTS = "Words, photos and past events cannot be explained: the tables hold only the products of their dimensions."
NO_TOKENS = (
    "The scorer sees only which products are in the history: each past event is left out in turn; words and photos have"
    " no part in the score, and the effects of single events need not sum to it."
)


class ForeignRun:
    """Opened by `yield from ForeignRun.open(folder)`; answers what `Recommender` does where it can."""

    def __init__(self, folder: Path, card: dict[str, Any], shop: Shop, catalogue: Catalogue, scorer: Scorer) -> None:
        self.folder, self.card, self.shop, self.catalogue, self.scorer = folder, card, shop, catalogue, scorer
        self.dataset, self.data, self.parts, self.texts = shop.dataset, shop.data, shop.parts, shop.texts
        self.device = "cpu"

    @staticmethod
    def open(folder: Path, dataset_folder: Path | None = None) -> Job:
        """HeedmapError says what is missing or has changed."""
        yield Progress("Opening the run")
        card = read_card(folder)
        dataset = dataset_of(folder, card, dataset_folder)
        config = Config.from_settings(card["config"])
        shop = Shop(dataset, config.split, None, config.history)
        yield Progress("Reading the model")
        return ForeignRun(folder, card, shop, Catalogue.load(folder / "tokens"), _scorer(folder, card))

    def summary(self, methods: tuple[str, ...]) -> RunSummary:
        """What the window needs to fill its lists. methods: those that can explain this run."""
        return self.shop.summary(self.folder, self.card, self.device, methods=methods)

    def _running(self, past: Past) -> NDArray[np.float32]:
        scores = self.scorer.scores(np.array([past.user], np.int32), [past.history.items])
        return without_history(scores, [past.history.items])[0]

    def _under(self, rules: tuple[Rule, ...], scores: NDArray[np.float32], places: int | None = None) -> Ruled:
        return apply(rules, scores, self.shop.item_index, self.shop.facts.meets, self._vectors, places)

    def _vectors(self, over: str, items: NDArray[np.int64]) -> NDArray[np.float32]:
        if not isinstance(self.scorer, VectorScorer) or over == "content":
            raise HeedmapError(
                f"A diversity rule over {over} needs vectors, which {self.folder.name} does not have.",
                "Leave that rule out.",
            )
        return self.scorer.items[items]

    def _notes(self, past: Past, session: Session | None) -> tuple[str, ...]:
        if not isinstance(self.scorer, VectorScorer):
            return ()
        unknown = past.user >= len(self.scorer.known_users) or not self.scorer.known_users[past.user]
        lacking = f"{past.name} has no vector: all products score alike, and the list means nothing."
        return (*((FIXED,) if session else ()), *((lacking,) if unknown else ()))

    def rank(self, name: str, k: int, session: Session | None = None, rules: tuple[Rule, ...] = ()) -> Ranking:
        """The best `k` products that the scorer knows; see `Recommender.rank`. The whole score is the part identity."""
        began = time.perf_counter()
        past = self.shop.past(name, session)
        scores = self._running(past)
        ruled = self._under(rules, scores, k)
        parts = [{"identity": float(scores[index]), "bias": 0.0} for index in ruled.order[:k]]
        notes = self._notes(past, session)
        ranking = self.shop.ranking(self.folder.name, past, scores, ruled, parts, time.perf_counter() - began)
        return Ranking(**{**vars(ranking), "notes": (*ranking.notes, *notes)})

    def explain(
        self, name: str, item: str, session: Session | None = None, rules: tuple[Rule, ...] = ()
    ) -> Explanation:
        """What can be told: of vectors, the products of their dimensions; of a scorer that reads the history, what each
        past event does. The notes say what cannot."""
        began = time.perf_counter()
        past, index = self.shop.past(name, session), self.shop.item(item)
        users = np.array([past.user], np.int32)
        scores = self.scorer.scores(users, [past.history.items])[0]
        score = float(scores[index])
        if not np.isfinite(score):
            raise HeedmapError(f"{self.folder.name} knows nothing of {item!r}.", "Choose a product that it ranks.")
        others = self._running(past)
        others[index] = -np.inf
        tokens, share = self._dimensions(past, index)
        running = np.where(np.arange(len(others)) == index, np.float32(score), others)
        ruled = self._under(rules, running) if rules else None
        return Explanation(
            run=self.folder.name,
            user=past.name,
            item=item,
            title=self.texts.title[index],
            rank=int((others > score).sum() + (others[:index] == score).sum()) + 1,
            catalogue=int(np.isfinite(running).sum()),
            score=score,
            bias=0.0,
            method="contribution" if tokens else "leave-one-out",
            tokens=tokens,
            contribution=share,
            contribution_by_head=share[:, None],
            attention=np.zeros((len(tokens), 1)),
            texts=(),
            images=self.texts.images[index],
            grid=(0, 0),
            history=self.shop.history_events(past, self._leave_one_out(past, index, score)),
            completeness_gap=float(share.sum() - score) if tokens else 0.0,
            faithfulness=None,
            seconds=time.perf_counter() - began,
            sums_to_score=bool(tokens),
            effects=ruled.effects(index) if ruled else (),
            shown_rank=ruled.rank(index) if ruled else None,
            notes=(
                *past.notes,
                *self._notes(past, session),
                NO_PARTS if tokens else NO_TOKENS,
                *(ruled.notes if ruled else ()),
            ),
        )

    def _dimensions(self, past: Past, item: int) -> tuple[tuple[Token, ...], NDArray[np.float64]]:
        """u_k * v_k of each dimension of two vectors; nothing for a scorer without vectors."""
        if not isinstance(self.scorer, VectorScorer) or past.user >= len(self.scorer.shoppers):
            return (), np.zeros(0)
        share = self.scorer.shoppers[past.user].astype(np.float64) * self.scorer.items[item]
        return tuple(Token("identity", f"dimension {place + 1}") for place in range(len(share))), share

    def _leave_one_out(self, past: Past, item: int, score: float) -> NDArray[np.float64] | None:
        count = min(len(past.history), self.shop.read)
        if not self.scorer.reads_history or not count:
            return None
        first = len(past.history) - count
        without = [np.delete(past.history.items, first + place) for place in range(count)]
        found = self.scorer.scores(np.full(count, past.user, np.int32), without)[:, item]
        return score - found.astype(np.float64)


def _scorer(folder: Path, card: dict[str, Any]) -> Scorer:
    tensors, _ = load_tensors(folder / "model.safetensors")
    rows = tensors["item_rows"].numpy()
    if card["foreign"]["source"] == "onnx":
        contract = Contract(**card["foreign"]["contract"])
        return OnnxScorer(tensors["graph"].numpy().tobytes(), contract, rows, card["foreign"]["products"])
    users = tensors["user_rows"].numpy()
    shoppers, items = tensors["shoppers"].numpy(), tensors["items"].numpy()
    return VectorScorer(
        np.where(users[:, None] >= 0, shoppers[np.maximum(users, 0)], np.float32(0)),
        np.where(rows[:, None] >= 0, items[np.maximum(rows, 0)], np.float32(0)),
        users >= 0,
        rows >= 0,
    )


def adopt_vectors(
    shoppers: Path,
    items: Path,
    dataset_folder: Path,
    run_folder: Path,
    shopper_names: Path | None = None,
    item_names: Path | None = None,
    split_by: str = "",
) -> Job:
    """Write a foreign run of two tables of vectors, measured here, and return its folder."""
    yield Progress("Reading the model")
    users, of_users = read_vectors(shoppers, shopper_names)
    products, of_items = read_vectors(items, item_names)
    if of_users.shape[1] != of_items.shape[1]:
        raise HeedmapError(
            f"Shoppers have {of_users.shape[1]} dimensions, products {of_items.shape[1]}.", "Give tables of one model."
        )
    dataset = Dataset.open(dataset_folder)
    data = interactions(dataset)
    tensors = {
        "shoppers": torch.from_numpy(of_users),
        "items": torch.from_numpy(of_items),
        "user_rows": torch.from_numpy(aligned(users, data.users, "shoppers", shoppers.name)),
        "item_rows": torch.from_numpy(aligned(products, data.items, "products", items.name)),
    }
    origin = {"kind": "vectors", "files": {one.name: sha256_of(one) for one in (shoppers, items)}}
    return (
        yield from _written(dataset, run_folder, tensors, {"source": "vectors"}, origin, split_by, Config().history)
    )


def adopt_onnx(
    graph: Path, dataset_folder: Path, run_folder: Path, map_file: Path | None, items: Path | None, split_by: str = ""
) -> Job:
    """Write a foreign run of an ONNX scorer, measured here, and return its folder. items: names in its numbering."""
    yield Progress("Reading the model")
    if not graph.is_file():
        raise HeedmapError(f"There is no file {graph}.", "Check the path.")
    contract = Contract.read(read_json(map_file), map_file.name) if map_file else Contract()
    dataset = Dataset.open(dataset_folder)
    data = interactions(dataset)
    names = read_names(items) if items else list(data.items)
    rows = aligned(names, data.items, "products", items.name if items else "the dataset")
    content = graph.read_bytes()
    OnnxScorer(content, contract, rows, len(names))  # refused before anything is written
    tensors = {"graph": torch.frombuffer(bytearray(content), dtype=torch.uint8), "item_rows": torch.from_numpy(rows)}
    about = {"source": "onnx", "contract": asdict(contract), "products": len(names)}
    origin = {"kind": "onnx", "files": {graph.name: sha256_of(graph)}}
    return (yield from _written(dataset, run_folder, tensors, about, origin, split_by, min(contract.length, 1000)))


def _written(
    dataset: Dataset,
    run_folder: Path,
    tensors: dict[str, torch.Tensor],
    about: dict[str, Any],
    origin: dict[str, Any],
    split_by: str,
    history: int,
) -> Job:
    if (run_folder / "run.json").is_file():
        raise HeedmapError(f"{run_folder} already holds a run.", "Choose another name.")
    settings = {"split": split_by or Config().split, "modalities": "", "linear": "none", "history": history}
    config = Config.from_settings(settings)
    data = interactions(dataset)
    parts = split(config.split, data)
    seen = np.bincount(data.item[parts.train], minlength=len(data.items)) > 0
    catalogue = yield from build_catalogue(dataset, parts, data.users, seen, Reading(modalities=()))
    make_folder(run_folder)
    catalogue.save(run_folder / "tokens")
    save_tensors(run_folder / "model.safetensors", tensors, {"epoch": 0})
    card = Card(run_folder, dataset, config)
    note = f"{UNKNOWN_TRAINING} {FIXED}" if about["source"] == "vectors" else UNKNOWN_TRAINING
    card.content |= {"kind": "foreign", "foreign": about, "origin": {**origin, "note": note}}
    card.content["metrics"] = yield from _measured(
        _scorer(run_folder, card.content), Shop(dataset, config.split, None, 1)
    )
    card.write(state="done")
    return run_folder


def _measured(scorer: Scorer, shop: Shop) -> Job:
    """The same figures as a run of ours has, on the same targets, by full ranking."""
    data, baseline = shop.data, popularity(shop.data, shop.parts)
    metrics: dict[str, float] = {}
    for name, targets in (("validation", shop.parts.validation), ("test", shop.parts.test)):
        ranks = [np.zeros(0, np.int64)]
        for first in range(0, len(targets), _ROWS):
            chunk = targets[first : first + _ROWS]
            histories = [live_history(data, int(target)) for target in chunk]
            scores = without_history(scorer.scores(data.user[chunk], histories), histories)
            ranks.append(rank_of_target(scores, data.item[chunk].astype(np.int64)))
            yield Progress(f"Measuring on {name}", first + len(chunk), len(targets))
        for who, found in (("", np.concatenate(ranks)), ("popularity ", baseline_ranks(baseline, data, targets))):
            metrics[f"{who}{name} ndcg@10"], metrics[f"{who}{name} recall@10"] = ndcg(found), recall(found)
        metrics[f"{name} targets"] = float(len(targets))
    return metrics


def is_foreign(folder: Path) -> bool:
    """Whether a run folder holds a scorer from elsewhere."""
    path = folder / "run.json"
    return path.is_file() and read_json(path).get("kind") == "foreign"
