"""Products that nobody had, found by what they are: products held out by lot, so that every shopper's last one counts.

    python -m tests.bench.cold DATASET OUT [--folds 5] [--seeds 1] [--set key=value] [--results FILE.md]

A cut in time leaves few targets of new products. Here, as in the literature on cold starts (DropoutNet, Volkovs, Yu and
Poutanen 2017; CLCRec, Wei et al. 2021), products are drawn into folds, and each fold is held out once: the test's new
products. The fold after it is held out for validation, on which settings for new products are chosen. Each fold's shop
is a dataset of its own, in OUT, with every product but without the events of both folds, except what is asked for: a
shopper's last event, and the last one before it that is of no new product of the test (leave-one-out). Each shopper's
last event is so a target of a new product once, over all folds. Reviews by shoppers are left out: a review of a product
tells that somebody had it.

New products compete with all others (the first figures) and, as the literature does it, among themselves (the fold's,
about one product in `folds`). Features are read once, for the first fold; whitening sees what is written and shown of
its products and none of their events. Intervals are of a bootstrap over shoppers, pooled over folds; targets of
validation's new products count for neither side. Content kNN chooses its settings on all of validation, as in
`model_table`, and, named so, on its new products alone.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.dataset.split import Interactions, interactions
from engine.dataset.store import Dataset, DatasetWriter
from engine.files import write_bytes
from engine.metrics.bootstrap import compare, interval
from engine.metrics.ranking import measures
from tests.bench.model_table import Table

KNN, CHOSEN_FOR_NEW = "content kNN", "content kNN, chosen for new products"
AIM = 1.2  # times content kNN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--results", type=Path)
    parsed = parser.parse_args()
    settings: dict[str, Any] = dict(pair.split("=", 1) for pair in parsed.set)
    whole = Dataset.open(parsed.dataset)
    data = interactions(whole)
    folds = drawn(len(data.items), parsed.folds)
    pooled = Pooled()
    tokens = None
    for fold in range(parsed.folds):
        shop = parsed.out / f"shop-{fold + 1}"
        if not (shop / "dataset.json").is_file():
            hold_out(whole, shop, data, kept_events(data, folds, fold))
            if not fold and (parsed.dataset / "features").is_dir():  # what was encoded need not be encoded again
                shutil.copytree(parsed.dataset / "features", shop / "features")
        table = Table(shop, parsed.out / f"fold-{fold + 1}", "leave-one-out")
        table.new, table.tokens = folds == fold, tokens
        for seed in range(1, parsed.seeds + 1):
            table.run("model", seed, {**settings, "split": "leave-one-out", "seed": seed})
        tokens = table.tokens
        table.baseline(KNN, KNN, table.parts)
        wanted = table.parts.validation
        of_new = wanted[folds[table.data.item[wanted]] == (fold + 1) % parsed.folds]
        table.baseline(KNN, CHOSEN_FOR_NEW, replace(table.parts, validation=of_new))
        pooled.add(table, folds, fold)
    text = pooled.markdown(whole.manifest.name, parsed.folds, settings)
    print(text, flush=True)
    if parsed.results:
        earlier = parsed.results.read_text(encoding="utf-8") if parsed.results.is_file() else ""
        write_bytes(parsed.results, (earlier + text + "\n").encode())


def drawn(items: int, folds: int, seed: int = 1) -> NDArray[np.int64]:
    """int64[items]: the fold of each product, 0 .. folds - 1, of sizes that differ by one at most."""
    return np.random.default_rng(seed).permutation(items) % folds


def kept_events(data: Interactions, folds: NDArray[np.int64], fold: int) -> NDArray[np.bool_]:
    """bool[events]: what is left of a shop when the products of `fold` are new to its test, those of the next fold to
    its validation. folds: int64[items]."""
    of = folds[data.item]
    known = (of != fold) & (of != (fold + 1) % (folds.max() + 1))
    last = (data.start[1:] - 1)[np.diff(data.start) > 0]
    before = of != fold
    before[last] = False
    at = np.flatnonzero(before)
    newest = at[np.flatnonzero(np.diff(data.user[at], append=-1))]  # of each shopper's, the last in order
    kept = known.copy()
    kept[last] = kept[newest] = True
    # Leave-one-out asks for nothing of a shopper with fewer than three events: all of them are learned from.
    few = np.bincount(data.user[kept], minlength=len(data.users)) < 3
    return np.where(few[data.user], known, kept)


def hold_out(whole: Dataset, shop: Path, data: Interactions, kept: NDArray[np.bool_]) -> None:
    """Write the dataset without the events that are not `kept`, and without what shoppers said of products."""
    left_out = {(data.users[data.user[one]], data.items[data.item[one]]) for one in np.flatnonzero(~kept)}
    about = whole.manifest
    with DatasetWriter(
        shop,
        name=about.name,
        domain=about.domain,
        source=about.source,
        licence=about.licence,
        synthetic=about.synthetic,
        notes=(*about.notes, "Events of products drawn by lot are held out."),
    ) as writer:
        for name in ("items", "users", "events", "reviews", "links"):
            for row in pq.read_table(whole.folder / f"{name}.parquet").to_pylist():
                if name == "items":
                    row["images"] = [writer.add_image(whole.folder / photo) for photo in row["images"] or []]
                if name == "events" and (row["user"], row["item"]) in left_out:
                    continue
                if name == "reviews" and row["user"] is not None:
                    continue
                writer.add(name, row)


class Pooled:
    """Targets of all folds: whose they are, whether their product is new, and where each ranker has them."""

    def __init__(self) -> None:
        self._users: list[str] = []
        self._new: list[NDArray[np.bool_]] = []
        self._warm: list[NDArray[np.bool_]] = []
        self._ranks: dict[str, list[list[NDArray[np.int64]]]] = {}
        self._among: dict[str, list[list[NDArray[np.int64]]]] = {}

    def add(self, table: Table, folds: NDArray[np.int64], fold: int) -> None:
        of = folds[table.data.item[table.parts.test]]
        self._users += [table.data.users[user] for user in table.users]
        self._new.append(of == fold)
        self._warm.append((of != fold) & (of != (fold + 1) % (folds.max() + 1)) & ~table.cold)
        for held, found in ((self._ranks, table.ranks), (self._among, table.among)):
            for name, by_seed in found.items():
                held.setdefault(name, []).append(by_seed)

    def figure(self, name: str, which: str, among: bool = False) -> NDArray[np.float64]:
        """float64[targets]: "ndcg" or "recall" at 10 of every target, the mean over seeds."""
        found = (self._among if among else self._ranks)[name]
        by_seed = [np.concatenate(one) for one in zip(*found, strict=True)]
        # Ranks among the new are 0 for the others, which are not looked at.
        return np.mean([measures(np.maximum(one, 1), 10)[which] for one in by_seed], axis=0)

    def markdown(self, dataset: str, folds: int, settings: dict[str, Any]) -> str:
        place = {name: index for index, name in enumerate(dict.fromkeys(self._users))}
        user = np.array([place[one] for one in self._users], np.int32)
        new, warm = np.concatenate(self._new), np.concatenate(self._warm)
        lines = [
            f"### {dataset}, {folds} folds",
            "",
            f"{int(new.sum()):,} targets of new products, {int(warm.sum()):,} of known ones, of "
            f"{len(place):,} shoppers. Settings: {settings}.",
            "",
            "| | seeds | new products, among all: NDCG@10 (95 %) | Recall@10 | new products, among themselves: "
            "NDCG@10 (95 %) | Recall@10 | known products: NDCG@10 (95 %) | Recall@10 |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for name in self._ranks:
            cells = []
            for part, among in ((new, False), (new, True), (warm, False)):
                one = interval(self.figure(name, "ndcg", among)[part], user[part])
                found = self.figure(name, "recall", among)[part].mean()
                cells.append(f"{one.mean:.4f} ({one.low:.4f} to {one.high:.4f}) | {found:.4f}")
            lines.append(f"| {name} | {len(self._ranks[name][0])} | {' | '.join(cells)} |")
        return "\n".join([*lines, "", *self._asked(user, new, warm)]) + "\n"

    def _asked(self, user: NDArray[np.int32], new: NDArray[np.bool_], warm: NDArray[np.bool_]) -> list[str]:
        lines = []
        for theirs in (KNN, CHOSEN_FOR_NEW):
            for times, part, among, what in (
                (1.0, new, False, "new products among all"),
                (AIM, new, False, "new products among all"),
                (1.0, new, True, "new products among themselves"),
                (AIM, new, True, "new products among themselves"),
                (1.0, warm, False, "known products"),
            ):
                a, b = (self.figure(name, "ndcg", among)[part] for name in ("model", theirs))
                one = compare(a, times * b, user[part])
                lines.append(
                    f"model less {'' if times == 1 else f'{times:g} times '}{theirs}, {what}, NDCG@10: "
                    f"{one.difference:+.4f} ({one.low:+.4f} to {one.high:+.4f}), p {one.p:.3f}"
                    + (f"; {a.mean():.4f} and {b.mean():.4f}, {a.mean() / b.mean() - 1:+.0%}." if times == 1 else ".")
                )
        return [f"- {line}" for line in lines]


if __name__ == "__main__":
    main()
