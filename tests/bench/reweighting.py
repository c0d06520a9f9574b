"""What weighting the worst-served group does, on shops where one is: see `planted_shops`.

    python -m tests.bench.reweighting FOLDER [--seeds 5] [--shops clean,group,outnumbered]

In each shop a small run is trained, and the audit's check trains it anew, as it is and weighted. What is there already
in FOLDER is not done again. Printed is Markdown: a row per shop, and the mean over the seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from engine.audit.check import Figure, Result
from engine.audit.checks import CHECKS
from engine.audit.checks.reweighting import moved_word
from engine.audit.plan import Plan
from engine.audit.run import remeasured
from engine.audit.subject import Subject
from engine.dataset.sample import sample
from engine.files import make_folder, read_json, write_json
from engine.jobs import finish
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train
from tests.bench.planted_defects import ITEMS, SHOPPERS, SMALL
from tests.bench.planted_shops import planted

CHECK = "shoppers.reweighting"
COLUMNS = (
    "share_before",
    "share_after",
    "gap_before",
    "gap_after",
    "gap_change",
    "group_ndcg_change",
    "all_ndcg_before",
    "all_ndcg_change",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--shops", default="clean,group,outnumbered")
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    print(f"| shop | seed | group | {' | '.join(one.replace('_', ' ') for one in COLUMNS)} | note |")
    print(f"|{'---|' * (len(COLUMNS) + 4)}")
    for shop in parsed.shops.split(","):
        rows = []
        for seed in range(1, parsed.seeds + 1):
            result = measured(parsed.folder / f"seed-{seed}", shop, seed)
            found = {one.name: one for one in result.figures}
            weighted = result.notes[0]
            group = f"{weighted.values['group']}, {weighted.values['times']} times"
            cells = [told(found.get(name)) for name in COLUMNS]
            print(f"| {shop} | {seed} | {group} | {' | '.join(cells)} | {moved_word(result.figures)} |", flush=True)
            rows.append([found[name].value if name in found else np.nan for name in COLUMNS])
        mean = [f"{value:.3f}" for value in np.nanmean(rows, axis=0)]
        print(f"| {shop} | mean | | {' | '.join(mean)} | |", flush=True)


def told(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def measured(folder: Path, shop: str, seed: int) -> Result:
    """Do what is not there yet of one shop."""
    kept = folder / f"reweighting-{shop}.json"
    if kept.is_file():
        return Result.from_json(read_json(kept))
    make_folder(folder)
    clean, place, run = folder / "shop-clean", folder / f"shop-{shop}", folder / f"run-{shop}"
    if not (clean / "dataset.json").is_file():
        finish(sample(clean, items=ITEMS, shoppers=SHOPPERS, seed=seed))
    if not (place / "dataset.json").is_file():
        planted(clean, place, shop, seed)
    if not ((run / "run.json").is_file() and read_json(run / "run.json")["state"] == "done"):
        config = Config.from_settings({**SMALL, "seed": seed})
        finish(train(place, run, config, resume=(run / "run.json").is_file()))
    opened: Recommender = finish(Recommender.open(run, device="cpu"))
    subject = Subject(opened, Plan(only=(CHECK,), seed=seed), folder / f"work-{shop}")
    result: Result = finish(remeasured(subject, CHECKS[CHECK]))[0]
    opened.dataset.close()
    write_json(kept, result.to_json())
    return result


if __name__ == "__main__":
    main()
