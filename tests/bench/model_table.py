"""The table that a recommender has to stand on: all baselines and the model, with intervals, on both splits.

    python -m tests.bench.model_table DATASET OUT [--seeds 5] [--split SPLIT] [--variants A,B] [--set key=value]
                                      [--seeds-of "text only=1"] [--baselines no] [--results FILE.md]

Each training is a run in OUT, resumed if it was stopped; features are read once per split and shared. Baselines choose
their settings on validation, are fitted again on everything before the test, and get the live history, like the model.
Intervals are of a bootstrap over shoppers, of each target's mean over seeds; "less best baseline" is paired, likewise.
Core-seconds are processor time of the training alone, features apart; tokens are the events of all windows of all
epochs, each a token of a shopper's sequence, by core-seconds.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.dataset.split import Split, interactions, split, through_validation
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.evaluation.outcome import Batch, model_batches, observe, ranker_batches
from engine.features.catalogue import Catalogue
from engine.files import read_json, write_bytes, write_json
from engine.jobs import Progress, finish
from engine.metrics.bootstrap import compare, interval
from engine.metrics.ranking import measures
from engine.model.baselines import BASELINES
from engine.model.baselines.choose import choose
from engine.recommend import Recommender
from engine.training.config import SPLITS, Config
from engine.training.loop import train
from engine.training.windows import Windows

VARIANTS: dict[str, dict[str, Any]] = {
    "model": {},
    "identity only": {"modalities": ""},
    "text only": {"modalities": "text", "identity": "false", "linear": "none"},
    "image only": {"modalities": "image", "identity": "false", "linear": "none"},
    "no linear term": {"linear": "none"},
    "identity only, no linear term": {"modalities": "", "linear": "none"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seeds-of", action="append", default=[], help="variant=number, where it differs")
    parser.add_argument("--split", choices=SPLITS, action="append")
    parser.add_argument("--variants", default="|".join(VARIANTS), help="separated by |")
    parser.add_argument("--baselines", default="yes")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--results", type=Path)
    parsed = parser.parse_args()
    settings = dict(pair.split("=", 1) for pair in parsed.set)
    seeds = dict.fromkeys(parsed.variants.split("|"), parsed.seeds) | {
        pair.split("=")[0]: int(pair.split("=")[1]) for pair in parsed.seeds_of
    }
    for kind in parsed.split or SPLITS:
        table = Table(parsed.dataset, parsed.out, kind)
        for name in [one for one in VARIANTS if one in seeds]:
            for seed in range(1, seeds[name] + 1):
                table.run(name, seed, {**settings, **VARIANTS[name], "split": kind, "seed": seed})
        if parsed.baselines == "yes":
            table.baselines()
        text = table.markdown(settings)
        print(text, flush=True)
        if parsed.results:
            earlier = parsed.results.read_text(encoding="utf-8") if parsed.results.is_file() else ""
            write_bytes(parsed.results, (earlier + text + "\n").encode())


class Table:
    """Ranks of every target under every ranker, one split of one dataset."""

    def __init__(self, dataset: Path, out: Path, kind: str) -> None:
        self.folder, self.out, self.kind = dataset, out, kind
        self.dataset = Dataset.open(dataset)
        self.data = interactions(self.dataset)
        self.parts = split(kind, self.data)
        self.users = self.data.user[self.parts.test]
        known = through_validation(self.data, self.parts).train
        self.cold = (
            np.bincount(self.data.item[known], minlength=len(self.data.items))[self.data.item[self.parts.test]] == 0
        )
        self.ranks: dict[str, list[Any]] = {}
        self.new = np.zeros(len(self.data.items), bool)  # products among which targets of theirs are ranked besides
        self.among: dict[str, list[Any]] = {}
        self.cost: dict[str, list[tuple[float, float]]] = {}  # seconds, core-seconds
        self.read: dict[str, list[float]] = {}  # tokens per core-second
        self.tokens: Path | None = None

    def run(self, name: str, seed: int, settings: dict[str, Any]) -> None:
        run = self.out / f"{self.kind}-{name.replace(' ', '-').replace(',', '')}-{seed}"
        kept = run / "ranks.npy"
        if not kept.is_file():
            resume = (run / "run.json").is_file()
            if self.tokens is not None and not resume:
                shutil.copytree(self.tokens, run / "tokens", dirs_exist_ok=True)
            config = Config() if resume else Config.from_settings(settings)
            wall, core = time.monotonic(), time.process_time()
            finish(train(self.folder, run, config, resume=resume), _watch(run.name))
            cost = (time.monotonic() - wall, time.process_time() - core)
            recommender = finish(Recommender.open(run))
            model, tokens = recommender.model, recommender.tokens
            write_json(run / "cost.json", {"seconds": cost[0], "core": cost[1], "alone": self.tokens is not None})
            self._observe(name, model_batches(model, tokens, self.data, self.parts.test), kept)
        if self.tokens is None and name == "model":
            self.tokens = run / "tokens"
        self._take(name, kept)
        cost = read_json(run / "cost.json")
        if cost["alone"] or seed > 1:
            self.cost.setdefault(name, []).append((cost["seconds"], cost["core"]))
            self.read.setdefault(name, []).append(self._tokens(run) / cost["core"])

    def _tokens(self, run: Path) -> int:
        """Events that a training read: those of an epoch's windows, as often as it went through them."""
        config = Config.from_settings(read_json(run / "run.json")["config"])
        batches = Windows(self.data, self.parts, config).batches(np.random.default_rng(0), config.batch)
        return sum(int((one.events >= 0).sum()) for one in batches) * (
            len(read_json(run / "history.json")) + config.refit
        )

    def baselines(self) -> None:
        for name in BASELINES:
            self.baseline(name, name, self.parts)

    def baseline(self, name: str, label: str, parts: Split) -> None:
        """Rank by a baseline that chooses its settings on the validation of `parts`, in the table under `label`."""
        kept = self.out / f"{self.kind}-baselines" / f"{label.replace(' ', '-').replace(',', '')}.npy"
        kept.parent.mkdir(parents=True, exist_ok=True)
        if not kept.is_file():
            catalogue = Catalogue.load(self.tokens) if self.tokens else None
            wall, core = time.monotonic(), time.process_time()
            try:
                ranker = finish(choose(BASELINES[name], self.data, parts, catalogue))
            except HeedmapError as error:
                print(f"not run: {label}: {error}", flush=True)
                return
            cost = (time.monotonic() - wall, time.process_time() - core)
            write_json(
                kept.with_suffix(".json"), {"seconds": cost[0], "core": cost[1], "setting": dict(ranker.setting)}
            )
            self._observe(label, ranker_batches(ranker, self.data, self.parts.test), kept)
            print(f"{time.strftime('%H:%M:%S')} {self.kind} {label}", flush=True)
        self._take(label, kept)
        about = read_json(kept.with_suffix(".json"))
        self.cost[label] = [(about["seconds"], about["core"])]

    def _observe(self, name: str, batches: Iterator[Batch], kept: Path) -> None:
        """Rank all targets and keep their ranks; those among the new ones, where any are named, in a file beside."""
        found = finish(observe(batches, self.data, self.new, 10, len(self.parts.test), name))
        if self.new.any():
            np.save(_among(kept), found.cold_ranks, allow_pickle=False)
        np.save(kept, found.ranks, allow_pickle=False)

    def _take(self, name: str, kept: Path) -> None:
        self.ranks.setdefault(name, []).append(np.load(kept, allow_pickle=False))
        if self.new.any():
            self.among.setdefault(name, []).append(np.load(_among(kept), allow_pickle=False))

    def markdown(self, settings: dict[str, str]) -> str:
        gains = {name: self._mean("ndcg", ranks) for name, ranks in self.ranks.items()}
        best = max((name for name in gains if name in BASELINES), key=lambda name: gains[name].mean(), default=None)
        lines = [
            f"## {self.dataset.manifest.name}, {self.kind}",
            "",
            f"{len(self.users):,} targets of {len(set(self.users.tolist())):,} shoppers, {int(self.cold.sum()):,} of "
            f"cold products; {len(self.data.items):,} products. Settings: {settings}.",
            "",
            "| | seeds | NDCG@10 (95 %) | sd over seeds | Recall@10 (95 %) | cold NDCG@10 | less best baseline (95 %) "
            "| s | core-s | tokens/core-s |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for name, ranks in self.ranks.items():
            gain, found = gains[name], self._mean("recall", ranks)
            each = [float(measures(one, 10)["ndcg"].mean()) for one in ranks]
            ndcg, recall = interval(gain, self.users), interval(found, self.users)
            less = ""
            if best is not None and name != best:
                one = compare(gain, gains[best], self.users)
                values = asdict(one)
                less = (
                    f"{values['difference']:+.4f} ({values['low']:+.4f} to {values['high']:+.4f}), p {values['p']:.3f}"
                )
            cost = self.cost.get(name, [])
            lines.append(
                f"| {name} | {len(ranks)} | {ndcg.mean:.4f} ({ndcg.low:.4f} to {ndcg.high:.4f}) | "
                f"{statistics.stdev(each) if len(each) > 1 else 0:.4f} | "
                f"{recall.mean:.4f} ({recall.low:.4f} to {recall.high:.4f}) | "
                f"{gain[self.cold].mean() if self.cold.any() else float('nan'):.4f} | {less} | "
                + (
                    f"{statistics.mean(c[0] for c in cost):.0f} | {statistics.mean(c[1] for c in cost):.0f} |"
                    if cost
                    else "| | |"
                )
                + (f" {statistics.mean(self.read[name]):,.0f} |" if name in self.read else " |")
            )
        return "\n".join([*lines, "", *self._asked(gains)]) + "\n"

    def _asked(self, gains: dict[str, Any]) -> list[str]:
        """What the table is asked: does content help, and are new products found?"""
        everyone = np.ones(len(self.users), bool)
        asked = [
            ("model", "identity only", everyone, "all targets"),
            ("model", "content kNN", self.cold, "cold targets"),
        ]
        lines = []
        for ours, theirs, part, what in asked:
            if ours in gains and theirs in gains and part.any():
                one = compare(gains[ours][part], gains[theirs][part], self.users[part])
                lines.append(
                    f"{ours} less {theirs}, {what}: {one.difference:+.4f} ({one.low:+.4f} to {one.high:+.4f}),"
                    f" p {one.p:.3f}; {gains[ours][part].mean():.4f} and {gains[theirs][part].mean():.4f}."
                )
        return lines

    @staticmethod
    def _mean(figure: str, ranks: list[Any]) -> Any:
        return np.mean([measures(one, 10)[figure] for one in ranks], axis=0)


def _among(kept: Path) -> Path:
    return kept.with_name(f"{kept.stem}-among.npy")


def _watch(name: str) -> Any:
    def watch(progress: Progress) -> None:
        if "ndcg@10" in progress.data:
            row = progress.data
            print(
                f"{time.strftime('%H:%M:%S')} {name} {row['epoch']:.0f} loss {row['loss']:.3f} "
                f"validation {row['ndcg@10']:.4f} {row['seconds']:.1f} s",
                flush=True,
            )

    return watch


if __name__ == "__main__":
    main()
