"""How time and memory grow with the catalogue and with the events, on generated shops.

    python -m tests.bench.scaling [--items 1000,10000] [--events 10000,100000] [--out FILE.md]

Two series: catalogues of 1k to 1M products with a million events, and 10k to 10M events on 10,000 products. Each shop
runs in a process of its own, so that its peak memory is its own. Products have an identity and eight words of 64
dimensions; shoppers have about 20 events. Some steps of each phase are timed in the real trainer and multiplied by the
steps of an epoch. Ranking is what the window does for one shopper: vector, scores, what is held removed, the order.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.dataset.context import Profiles, event_context
from engine.dataset.history import history_of
from engine.dataset.split import Interactions, Split
from engine.features.attributes import Vocabulary
from engine.features.catalogue import Catalogue
from engine.files import atomic
from engine.model.linear import ease
from engine.model.recommender import Model
from engine.model.scoring import all_scores, item_bias, item_matrix, shopper_vectors
from engine.model.tokens import Tokens
from engine.ruling import apply
from engine.training.config import Config
from engine.training.linear_term import Chosen, kept_entries, solve
from engine.training.loop import model_shape
from engine.training.trainer import Trainer, start_from_popularity

ITEMS, EVENTS = (1_000, 10_000, 100_000, 1_000_000), (10_000, 100_000, 1_000_000, 10_000_000)
OF_ITEMS, OF_EVENTS = 1_000_000, 10_000  # events of the first series, products of the second
PER_SHOPPER, WORDS, FEATURES = 20, 8, 64
STEPS, SECONDS = 8, 10.0  # timed of each phase, at most
RANKED, SHOPPERS = 100, 20
EASE_TIMED_UP_TO = 2_000  # products: its time grows with their cube
COLUMNS = {
    "averaged": "s per epoch, averaged words",
    "attending": "s per epoch, attention",
    "training_gb": "GB at the peak of training",
    "linear": "s neighbours",
    "ease": "s EASE",
    "linear_gb": "GB at the peak of neighbours",
    "matrix": "s all product vectors",
    "scores": "ms scores",
    "order": "ms order of all",
    "best": f"ms best {RANKED} alone",
}
FITTED = [name for name in COLUMNS if name != "ease"]


@dataclass(frozen=True)
class Size:
    """What one shop took; see COLUMNS. None where it was not measured."""

    items: int
    events: int
    averaged: float
    attending: float
    training_gb: float
    linear: float
    ease: float | None
    linear_gb: float
    matrix: float
    scores: float
    order: float
    best: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", default=",".join(str(one) for one in ITEMS))
    parser.add_argument("--events", default=",".join(str(one) for one in EVENTS))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "scaling.md")
    parser.add_argument("--one", nargs=2, type=int, help="measure one shop of ITEMS EVENTS and print JSON")
    parsed = parser.parse_args()
    if parsed.one:
        print(json.dumps(asdict(_measured(*parsed.one))))
        return
    series: dict[str, list[tuple[int, int]]] = {
        f"Growing catalogue, {OF_ITEMS:,} events": [(int(n), OF_ITEMS) for n in parsed.items.split(",") if n],
        f"Growing events, {OF_EVENTS:,} products": [(OF_EVENTS, int(n)) for n in parsed.events.split(",") if n],
    }
    done: dict[tuple[int, int], Size] = {}
    for size in dict.fromkeys(one for sizes in series.values() for one in sizes):
        done[size] = _in_process(*size)
        print(done[size], flush=True)
        with atomic(parsed.out) as temporary:  # after each, so that what is done is kept
            temporary.write_text(_report(series, done), encoding="utf-8")
    print(_report(series, done))


def _report(series: dict[str, list[tuple[int, int]]], done: dict[tuple[int, int], Size]) -> str:
    blocks = [_head()]
    for by, (title, sizes) in zip(("items", "events"), series.items(), strict=True):
        if found := [done[size] for size in sizes if size in done]:
            blocks.append(_markdown(title, found, by))
    return "\n\n".join(blocks) + "\n"


def _in_process(items: int, events: int) -> Size:
    command = [sys.executable, "-m", "tests.bench.scaling", "--one", str(items), str(events)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Size(**json.loads(found.stdout.splitlines()[-1]))


def _head() -> str:
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        "# Scaling\n\n"
        f"From `python -m tests.bench.scaling`: {platform.machine()}, {os.cpu_count()} cores, one thread, torch "
        f"{torch.__version__}, load {load} at the end. The shops are generated. An epoch is its steps times the median "
        f"of up to {STEPS} steps, and the cutting of windows. Memory is of the whole process.\n\n"
        "An exponent of 1 is growth in step, 0 none (least squares on logarithms, all sizes of the series)."
    )


def _markdown(title: str, sizes: list[Size], by: str) -> str:
    rows = [[f"{one.items:,}", f"{one.events:,}", *(_figure(getattr(one, name)) for name in COLUMNS)] for one in sizes]
    if len(sizes) > 1:
        growth = [_exponent(sizes, by, name) if name in FITTED else "" for name in COLUMNS]
        rows.append(["exponent", "", *growth])
    head = ["products", "events", *COLUMNS.values()]
    lines = [head, ["---:"] * len(head), *rows]
    return f"## {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _exponent(sizes: list[Size], by: str, name: str) -> str:
    grown = np.log([getattr(one, by) for one in sizes])
    return f"{np.polyfit(grown, np.log([max(getattr(one, name), 1e-9) for one in sizes]), 1)[0]:.2f}"


def _measured(items: int, events: int) -> Size:
    torch.set_num_threads(1)
    random = np.random.default_rng(1)
    data = _interactions(items, events, random)
    config = Config(modalities=("text",), components=FEATURES, threads=1, device="cpu", linear="neighbours")
    train = np.ones(len(data.item), bool)
    none = np.zeros(0, np.int64)
    parts = Split("temporal", train, none, none, None, np.full(len(data.users), 2**62))
    catalogue = _catalogue(data.items, random)
    model = Model(model_shape(catalogue, config, data))
    start_from_popularity(model, np.bincount(data.item, minlength=items))
    tokens = Tokens(catalogue, model.tower, "cpu")
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(model, tokens, data, parts, config, Path(folder))
        averaged, attending = (_epoch(trainer, config, attends) for attends in (False, True))
        del trainer
    training_gb = _peak()
    kept = kept_entries(config, items)
    chosen = Chosen("neighbours", 0.0, 0.0, 5.0, 1.0)
    linear, (near, weight) = _timed(lambda: solve(data, train, chosen, kept))
    model.linear.put(near, weight, chosen.level, chosen.half_life)
    linear_gb = _peak()
    by_ease = _timed(lambda: ease(data, train, 100.0))[0] if items <= EASE_TIMED_UP_TO else None
    model.eval()
    matrix, vectors = _timed(lambda: item_matrix(model, tokens))
    return Size(
        items,
        events,
        averaged,
        attending,
        training_gb,
        linear,
        by_ease,
        linear_gb,
        matrix,
        *_ranking(model, vectors, data),
    )


def _epoch(trainer: Trainer, config: Config, attends: bool) -> float:
    """Seconds for an epoch, from some of its steps."""
    trainer.step.attend(attends)
    cutting, batches = _timed(lambda: trainer.windows.batches(np.random.default_rng(0), config.batch))
    steps: list[float] = []
    job = trainer.settle(0, 0.5, 1)
    next(job)  # cuts the windows anew, and warms up
    began = time.perf_counter()
    while len(steps) < STEPS and time.perf_counter() - began < SECONDS:
        try:
            steps.append(_timed(lambda: next(job))[0])
        except StopIteration:
            break
    job.close()
    return cutting + len(batches) * float(np.median(steps))


def _ranking(model: Model, vectors: torch.Tensor, data: Interactions) -> tuple[float, float, float]:
    """Median milliseconds for a shopper's scores, for ordering them all as rules need it, and for the best alone."""
    bias = item_bias(model)
    found: dict[str, list[float]] = {"scores": [], "order": [], "best": []}
    for user in range(SHOPPERS + 1):
        history = history_of(data, user % len(data.users))

        def scored(history: Any = history) -> NDArray[np.float32]:
            shopper = shopper_vectors(model, vectors, [history])
            scores: NDArray[np.float32] = all_scores(model, vectors, shopper, [history], bias)[0].numpy()
            scores[history.items] = -np.inf
            return scores

        seconds, scores = _timed(scored)
        found["scores"].append(seconds)
        found["order"].append(_timed(partial(apply, (), scores, {}, _nothing, _nothing))[0])
        found["best"].append(_timed(partial(apply, (), scores, {}, _nothing, _nothing, RANKED))[0])
    first, second, third = (1000 * float(np.median(one[1:])) for one in found.values())
    return first, second, third


def _nothing(*asked: Any) -> Any:
    raise AssertionError(f"no rule asks for {asked}")


def _interactions(items: int, events: int, random: np.random.Generator) -> Interactions:
    """Shoppers with about 20 events each, of products with a long tail, each product once per shopper."""
    shoppers = max(1, events // PER_SHOPPER)
    chance = np.cumsum(1.0 / (np.arange(items) + 20.0) ** 0.8)
    drawn = np.searchsorted(chance, random.random(events) * chance[-1]).clip(0, items - 1)
    pairs = np.unique(
        np.repeat(np.arange(shoppers), PER_SHOPPER)[: len(drawn)] * items + drawn[: shoppers * PER_SHOPPER]
    )
    user = (pairs // items).astype(np.int32)
    order = np.lexsort((random.random(len(pairs)), user))
    item = random.permutation(items)[pairs[order] % items].astype(np.int32)
    time_of = np.arange(len(pairs), dtype=np.int64) * 3_600_000
    kind = np.full(len(pairs), "purchase", object)
    start = np.searchsorted(user, np.arange(shoppers + 1)).astype(np.int64)
    nobody = Profiles((), np.zeros(0, np.int32), np.zeros(shoppers + 1, np.int64))
    return Interactions(
        users=tuple(f"u{one}" for one in range(shoppers)),
        items=tuple(f"i{one}" for one in range(items)),
        user=user,
        item=item,
        time=time_of,
        kind=kind,
        start=start,
        value=np.full(len(pairs), np.nan, np.float32),
        context=event_context(user, time_of, kind, []),
        profiles=nobody,
    )


def _catalogue(items: tuple[str, ...], random: np.random.Generator) -> Catalogue:
    """Eight words of every product; whitened features have unit variance."""
    count = len(items)
    nowhere, none = np.zeros(count + 1, np.int64), np.zeros((0, FEATURES), np.float16)
    text = np.empty((count * WORDS, FEATURES), np.float16)
    for first in range(0, len(text), 100_000):
        block = text[first : first + 100_000]
        block[:] = random.standard_normal(block.shape, dtype=np.float32)
    empty = Vocabulary((), np.zeros(0, np.int32), nowhere)
    return Catalogue(
        items=items,
        text=text,
        text_start=np.arange(count + 1, dtype=np.int64) * WORDS,
        text_source=np.zeros(0, np.int32),
        text_span=np.zeros((0, 2), np.int32),
        fields=(),
        image=none,
        image_start=nowhere,
        grid=(0, 0),
        audio=none,
        audio_start=nowhere,
        audio_span=np.zeros((0, 2), np.int32),
        attribute=empty,
        link=empty,
        encoders={},
    )


def _timed(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    made = act()
    return time.perf_counter() - began, made


def _peak() -> float:
    """Gigabytes that this process held at most."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / (2**30 if sys.platform == "darwin" else 2**20)


if __name__ == "__main__":
    main()
