"""Whether the audit finds what is wrong, and nothing where nothing is: shops with planted defects, and clean ones.

    python -m tests.bench.planted_defects FOLDER [--seeds 10] [--out FILE.json] [--only leaked,clean]
        [--again] [--checks privacy.membership]

For each seed a small sample shop is drawn; each defect is planted into a copy of it (see `planted_shops`), a small run
is trained on it, and the audit's checks that are meant to see one of the defects are done on all of them. A defect
counts as flagged when one of its checks fails. What is there already in FOLDER is not done again, so that a killed
bench goes on; the results are also written as Markdown beside the JSON.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path
from typing import Any

import torch

from engine.audit.check import Result
from engine.audit.checks import CHECKS
from engine.audit.plan import Plan
from engine.audit.run import remeasured
from engine.audit.subject import Subject
from engine.dataset.sample import sample
from engine.files import make_folder, read_json, write_json
from engine.jobs import finish
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train
from tests.bench.planted_shops import DEFECTS, planted

ITEMS, SHOPPERS = 120, 400
SET_ON = 5  # seeds that thresholds were set on; those after are the test
SMALL = {
    "dim": 32,
    "heads": 2,
    "components": 24,
    "history": 30,
    "epochs": 8,
    "attention_epochs": 2,
    "reviews": 2,
    "text_pieces": 32,
    "item_pieces": 96,
    "patience": 3,
    "threads": 1,
    "device": "cpu",
    "track": "none",
}
# Learned by heart: nothing is ever hidden in a training step, and it goes on long after it has stopped to help.
BY_HEART = {
    "dim": 64,
    "blocks": 1,
    "dropout": 0,
    "identity_dropout": 0,
    "modality_dropout": 0,
    "weight_decay": 0,
    "learning_rate": 0.01,
    "attention_epochs": 0,
    "epochs": 3,
    "refit": 60,
}
# Which checks are meant to see a defect.
SEEN_BY = {
    "watermark": ("shortcuts.marks",),
    "brand": ("sellers.exposure",),
    "group": ("shoppers.profile",),
    "memorised": ("privacy.membership",),
    "leaked": ("data.leakage",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--only", default=",".join(DEFECTS))
    parser.add_argument("--again", action="store_true", help="audit anew what was audited already")
    parser.add_argument("--checks", default="", help="these checks alone, their results kept apart from the others")
    parser.add_argument("--out", type=Path)
    parsed = parser.parse_args()
    torch.set_num_threads(1)
    out = parsed.out or parsed.folder / "planted_defects.json"
    checks = tuple(name for names in SEEN_BY.values() for name in names if name in CHECKS)
    if parsed.checks:
        checks = tuple(name for name in checks if name in parsed.checks.split(","))
    rows: list[dict[str, Any]] = []
    for seed in range(parsed.first, parsed.first + parsed.seeds):
        for defect in parsed.only.split(","):
            began = time.monotonic()
            row = measured(parsed.folder / f"seed-{seed}", defect, seed, checks, parsed.again)
            rows.append(row)
            print(f"seed {seed} {defect}: {told(row)} ({time.monotonic() - began:.0f} s)", flush=True)
            write_json(out, {"items": ITEMS, "shoppers": SHOPPERS, "settings": SMALL, "rows": rows})
            out.with_suffix(".md").write_text(report(rows), encoding="utf-8")


def measured(folder: Path, defect: str, seed: int, checks: tuple[str, ...], again: bool = False) -> dict[str, Any]:
    """Do what is not there yet of one shop with one defect, its audit anew with `again`; return its row."""
    every = {name for names in SEEN_BY.values() for name in names if name in CHECKS}
    kept = folder / f"{defect}{'' if set(checks) == every else '-' + '+'.join(checks)}.json"
    if kept.is_file() and not again:
        found: dict[str, Any] = read_json(kept)
        if set(found["verdicts"]) == set(checks):
            return found
    make_folder(folder)
    clean = folder / "shop-clean"
    if not (clean / "dataset.json").is_file():
        finish(sample(clean, items=ITEMS, shoppers=SHOPPERS, seed=seed))
    shop = clean if DEFECTS[defect] is DEFECTS["clean"] else folder / f"shop-{defect}"
    if not (shop / "dataset.json").is_file():
        planted(clean, shop, defect, seed)
        if (clean / "features").is_dir():  # what is unchanged is not encoded again
            shutil.copytree(clean / "features", shop / "features")
    run = folder / f"run-{defect}"
    settings = Config.from_settings({**SMALL, "seed": seed, **(BY_HEART if defect == "memorised" else {})})
    if not ((run / "run.json").is_file() and read_json(run / "run.json")["state"] == "done"):
        finish(train(shop, run, settings, resume=(run / "run.json").is_file()))
    opened: Recommender = finish(Recommender.open(run, device="cpu"))
    subject = Subject(opened, Plan(only=checks, seed=seed))
    results: list[Result] = [finish(remeasured(subject, CHECKS[name]))[0] for name in checks]
    verdicts = {one.check: one.verdict for one in results}
    flagged = {
        name: any(verdicts.get(check) == "fail" for check in seen)
        for name, seen in SEEN_BY.items()
        if any(check in verdicts for check in seen)
    }
    figures = {
        f"{one.check}.{figure.name}{''.join(f' {value}' for value in figure.of.values())}": [
            figure.value,
            figure.low,
            figure.high,
        ]
        for one in results
        for figure, verdict in zip(one.figures, one.verdicts, strict=True)
        if verdict != "told"
    }
    quality = opened.card["metrics"]["test ndcg@10"]
    opened.dataset.close()
    row = {"seed": seed, "defect": defect, "verdicts": verdicts, "flagged": flagged, "figures": figures}
    row["ndcg"] = quality
    write_json(kept, row)
    return row


def told(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {'FLAGGED' if found else 'no'}" for name, found in row["flagged"].items())


def report(rows: list[dict[str, Any]]) -> str:
    """The rates as Markdown: of each defect, how often it is flagged where it is planted, and in the other shops; of
    the seeds that thresholds were set on, and of the others."""
    names = [name for name in SEEN_BY if any(name in row["flagged"] for row in rows)]
    lines = [
        "# Planted defects",
        "",
        f"From `python -m tests.bench.planted_defects`: shops of {ITEMS} products and {SHOPPERS} shoppers, "
        f"{len({row['seed'] for row in rows})} seeds. A cell is how often the checks meant for a defect (column) fail "
        f"in the shops with the planted defect (row): of the seeds up to {SET_ON}, on which thresholds were set, then "
        "of those after, on which they are tested.",
        "",
        f"| shop | seeds | NDCG@10 | {' | '.join(names)} |",
        f"| --- | ---: | ---: | {' | '.join('---:' for _ in names)} |",
    ]
    for shop in DEFECTS:
        own = [row for row in rows if row["defect"] == shop]
        if own:
            quality = sum(row["ndcg"] for row in own) / len(own)
            halves = [[row for row in own if (row["seed"] <= SET_ON) == first] for first in (True, False)]
            cells = [
                _share([[row["flagged"].get(name) for row in half] for half in halves], name == shop) for name in names
            ]
            count = " + ".join(str(len(half)) for half in halves)
            lines.append(f"| {shop} | {count} | {quality:.3f} | {' | '.join(cells)} |")
    lines += ["", "Checks: " + "; ".join(f"{name} by {', '.join(SEEN_BY[name])}" for name in names) + ".", ""]
    return "\n".join(lines)


def _share(halves: list[list[bool | None]], meant: bool) -> str:
    there = [[one for one in half if one is not None] for half in halves]
    text = ", ".join(f"{sum(half)}/{len(half)}" for half in there if half)
    return f"**{text}**" if meant else text


if __name__ == "__main__":
    main()
