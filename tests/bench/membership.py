"""Whether the audit's attack tells the truth: against events that were withheld from training by lot.

    python -m tests.bench.membership FOLDER [--seed 1] [--items 120 --shoppers 400] [--settings small|default]
        [--runs "usual,by heart"]

The audit can only compare trained events with later ones, and corrects for the course of time by a control. Here an
eighth of a sample shop's events before the test is drawn and left out of the dataset before a run is trained; withheld
and trained events then differ by lot alone, and the attack on them needs no correction. Both are printed, for a usual
run, for one that learned by heart, and for others that are asked for, of the whole and of its two parts. Shops come
from `planted_defects` where FOLDER has been used for it.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from engine.audit.checks.privacy.membership import control_scores, membership, standings
from engine.audit.plan import Plan
from engine.audit.subject import Subject
from engine.dataset.sample import sample
from engine.dataset.split import Interactions, cuts_of, interactions
from engine.dataset.store import Dataset, DatasetWriter
from engine.files import read_json
from engine.jobs import finish
from engine.metrics.bootstrap import DRAWS
from engine.metrics.separation import auc, weighted_aucs
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train
from tests.bench.planted_defects import BY_HEART, ITEMS, SHOPPERS, SMALL

SHARE, AGAINST = 8, 3  # one in eight events is withheld; three trained ones are attacked for each
SETTINGS: dict[str, dict[str, Any]] = {"small": SMALL, "default": {"threads": 1, "device": "cpu", "track": "none"}}
# What is trained otherwise than by the settings: learned by heart, and what might mend a run that remembers.
RUNS: dict[str, dict[str, Any]] = {
    "usual": {},
    "by heart": BY_HEART,
    "neighbours": {"linear": "neighbours"},
    "no linear term": {"linear": "none"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--shoppers", type=int, default=SHOPPERS)
    parser.add_argument("--settings", choices=SETTINGS, default="small")
    parser.add_argument("--runs", default="usual,by heart")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    usual_size = (parsed.items, parsed.shoppers) == (ITEMS, SHOPPERS)
    folder = parsed.folder / f"seed-{parsed.seed}{'' if usual_size else f'-{parsed.items}x{parsed.shoppers}'}"
    clean, shop = folder / "shop-clean", folder / "shop-withheld"
    if not (clean / "dataset.json").is_file():
        finish(sample(clean, items=parsed.items, shoppers=parsed.shoppers, seed=parsed.seed))
    with_all = Dataset.open(clean)
    data = interactions(with_all)
    random = np.random.default_rng(parsed.seed)
    early = np.flatnonzero((data.time < cuts_of(data.time)[1]) & (np.arange(len(data.item)) > data.start[data.user]))
    out = np.sort(random.choice(early, len(early) // SHARE, replace=False))
    if not (shop / "dataset.json").is_file():
        _without(clean, shop, data, out)
    print("| run | NDCG@10 | attacked | excess, audit | AUC, withheld by lot | control | excess |")
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: |")
    for name in parsed.runs.split(","):
        run = folder / f"run-withheld-{name.replace(' ', '-')}{'' if parsed.settings == 'small' else '-default'}"
        config = Config.from_settings({**SETTINGS[parsed.settings], "seed": parsed.seed, **RUNS[name]})
        if not ((run / "run.json").is_file() and read_json(run / "run.json")["state"] == "done"):
            finish(train(shop, run, config, resume=(run / "run.json").is_file()))
        opened: Recommender = finish(Recommender.open(run, device="cpu"))
        figures = finish(membership(Subject(opened, Plan(seed=parsed.seed)))).figures
        audited = {one.name: f"{one.value:.3f}" for one in figures}
        quality = opened.card["metrics"]["test ndcg@10"]
        for part, cells in _by_lot(opened, data, early, out).items():
            told = audited["excess" if part == "whole" else part]
            print(f"| {name} | {quality:.3f} | {part} | {told} | {' | '.join(cells)} |", flush=True)
        opened.dataset.close()
    with_all.close()


def _without(clean: Path, shop: Path, data: Interactions, out: NDArray[np.int64]) -> None:
    left_out = {(data.users[data.user[one]], data.items[data.item[one]]) for one in out}
    with DatasetWriter(
        shop, name="Withheld", domain="shop", source=clean.name, licence="CC0-1.0", synthetic=True
    ) as writer:
        for name in ("items", "users", "events", "reviews", "links"):
            for row in pq.read_table(clean / f"{name}.parquet").to_pylist():
                if name == "items":
                    row["images"] = [writer.add_image((clean / photo).read_bytes()) for photo in row["images"]]
                if name != "events" or (row["user"], row["item"]) not in left_out:
                    writer.add(name, row)
    if (clean / "features").is_dir():
        shutil.copytree(clean / "features", shop / "features")


def _by_lot(
    run: Recommender, data: Interactions, early: NDArray[np.int64], out: NDArray[np.int64]
) -> dict[str, list[str]]:
    """Of the attack on the whole and on each part: its AUC, that of the control, and the difference, each with its
    standard error."""
    random = np.random.default_rng(1)
    kept = np.setdiff1d(early, out)
    events = np.sort(np.concatenate([random.choice(kept, AGAINST * len(out), replace=False), out]))
    member = ~np.isin(events, out)
    trained = np.ones(len(data.item), bool)
    trained[out] = False
    trained &= data.time < cuts_of(data.time)[1]
    run.data = data  # the pasts as they were, with what was withheld
    standing = finish(standings(Subject(run, Plan()), events))
    theirs = finish(control_scores(data, trained, events))
    _, who = np.unique(data.user[events], return_inverse=True)
    times = random.multinomial(who.max() + 1, np.full(who.max() + 1, 1 / (who.max() + 1)), DRAWS)[:, who].astype(float)
    found = {}
    for name, ours in {"whole": standing.plain, **standing.parts}.items():
        drawn = [weighted_aucs(one, member, times) for one in (ours, theirs)]
        value = [auc(one, member) for one in (ours, theirs)]
        columns = zip([*value, value[0] - value[1]], [*drawn, drawn[0] - drawn[1]], strict=True)
        found[name] = [f"{one:.3f} ± {many.std():.3f}" for one, many in columns]
    return found


if __name__ == "__main__":
    main()
