"""Measure a run: the model with intervals, its slices, baselines, knock-outs, and another run on the same targets."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.dataset.split import through_validation
from engine.errors import HeedmapError
from engine.evaluation.figures import Ground, figures, ground
from engine.evaluation.knock_out import knock_outs
from engine.evaluation.outcome import Outcome, model_batches, observe, ranker_batches
from engine.evaluation.ratings import rating_figures
from engine.evaluation.runs import read_evaluations
from engine.features.catalogue import Catalogue
from engine.features.content import content_features, held_modalities
from engine.files import read_json, sha256_of, write_json
from engine.foreign.run import ForeignRun
from engine.jobs import Job
from engine.metrics.bootstrap import Comparison
from engine.model.baselines import BASELINES
from engine.model.baselines.choose import choose
from engine.opening import Run, open_run
from engine.recommend import Recommender
from engine.versions import current

LEVEL = 0.05  # of the paired tests


@dataclass(frozen=True)
class Wanted:
    """What is to be measured. baselines: names in BASELINES; against: a run on the same dataset and split; keep: write
    what was measured into the run's folder, together with what an earlier evaluation found."""

    split: str = "test"
    k: int = 10
    baselines: tuple[str, ...] = ()
    knock_out: bool = False
    categories: bool = False
    against: Path | None = None
    seed: int = 1
    keep: bool = True

    def __post_init__(self) -> None:
        if self.split not in ("validation", "test"):
            raise HeedmapError(f"There is no part {self.split!r} to measure on.", "Use validation or test.")
        if self.k < 1:
            raise HeedmapError(f"k={self.k} is not a length of a list.", "Give 1 or more.")
        if unknown := [name for name in self.baselines if name not in BASELINES]:
            raise HeedmapError(f"There is no baseline {unknown[0]!r}.", f"The baselines are {', '.join(BASELINES)}.")


def evaluate(run: Run, wanted: Wanted) -> Job:
    """Return what was measured as JSON-able figures; kept in the run's evaluation.json, its verdict in run.json too.

    What an earlier evaluation of the same weights, split and k measured of baselines and knock-outs is kept.
    HeedmapError when there is no target, or when `against` was split otherwise or trained on other data.
    """
    began = time.monotonic()
    on = _ground(run, wanted)
    began_model = time.monotonic()
    ours: Outcome = yield from _observe_model(run, on, f"Measuring on {wanted.split}")
    own = figures(run.folder.name, {}, ours, on, time.monotonic() - began_model)
    found: dict[str, Any] = {
        "version": current("evaluation"),
        "run": run.folder.name,
        "dataset": run.dataset.manifest.name,
        "synthetic": run.dataset.manifest.synthetic,
        "weights": sha256_of(run.folder / "model.safetensors"),
        "protocol": run.parts.kind,
        "split": wanted.split,
        "k": wanted.k,
        "targets": len(on.targets),
        "users": len(np.unique(on.users)),
        "model": own.to_json(),
    }
    if wanted.baselines:
        found |= yield from _baselines(run, wanted, on, ours)
        if isinstance(run, Recommender):
            found["ratings"] = yield from rating_figures(run.model, run.tokens, run.data, on.targets, on.known)
    if wanted.knock_out:
        found["knock_out"] = yield from _knock_out(run, on, ours)
    if wanted.against is not None:
        found["against"] = yield from _against(run, wanted.against, on, ours)
    found = _with_earlier(run.folder, found) if wanted.keep else found
    found["verdict"] = verdict(found)
    found["seconds"] = time.monotonic() - began
    if wanted.keep:
        _keep(run, found)
    return found


def _ground(run: Run, wanted: Wanted) -> Ground:
    test = wanted.split == "test"
    targets = run.parts.test if test else run.parts.validation
    if not len(targets):
        raise HeedmapError(f"The {wanted.split} part holds no target.", "Use split=leave-one-out, or import more.")
    known = through_validation(run.data, run.parts).train if test else run.parts.train
    content = tuple(content_features(run.catalogue, name) for name in held_modalities(run.catalogue))
    category = run.texts.category if wanted.categories else ()
    return ground(run.data, targets, known, wanted.k, content, category, wanted.seed)


def _observe_model(run: Run, on: Ground, stage: str, model: Any = None, tokens: Any = None) -> Job:
    if isinstance(run, ForeignRun):
        batches = ranker_batches(run.scorer, on.data, on.targets)
    else:
        batches = model_batches(model or run.model, tokens or run.tokens, on.data, on.targets)
    return (yield from observe(batches, on.data, on.popularity == 0, on.k, len(on.targets), stage))


def _baselines(run: Run, wanted: Wanted, on: Ground, ours: Outcome) -> Job:
    rows: list[dict[str, Any]] = []
    not_run: dict[str, str] = {}
    catalogue: Catalogue = run.catalogue
    for name in wanted.baselines:
        began = time.monotonic()
        try:
            ranker = yield from choose(
                BASELINES[name], run.data, run.parts, catalogue, wanted.seed, refit=wanted.split == "test"
            )
        except HeedmapError as error:
            not_run[name] = str(error)
            continue
        seconds = time.monotonic() - began
        batches = ranker_batches(ranker, on.data, on.targets)
        cold = on.popularity == 0
        theirs = yield from observe(batches, on.data, cold, on.k, len(on.targets), f"Measuring {name}")
        row = figures(name, ranker.setting, theirs, on, seconds).to_json()
        rows.append({**row, "model_less_this": asdict(on.compare(ours, theirs))})
    return {"baselines": rows, "not_run": not_run}


def _knock_out(run: Run, on: Ground, ours: Outcome) -> Job:
    if isinstance(run, ForeignRun):
        raise HeedmapError(f"{run.folder.name} has no parts that could be knocked out.", "Leave --knock-out away.")
    rows: list[dict[str, Any]] = []
    for name, model, tokens in knock_outs(run.model, run.tokens):
        without = yield from _observe_model(run, on, f"Measuring without {name}", model, tokens)
        shown = figures(name, {}, without, on, 0.0)
        change = on.compare(without, ours)
        rows.append({"without": name, "ndcg": asdict(shown.metrics["ndcg"]), "change": asdict(change)})
    return rows


def _against(run: Run, folder: Path, on: Ground, ours: Outcome) -> Job:
    other: Run = yield from open_run(folder)
    same = other.card["dataset"]["fingerprint"] == run.card["dataset"]["fingerprint"]
    if not same or other.parts.kind != run.parts.kind:
        raise HeedmapError(
            f"{folder} was measured on other targets than {run.folder.name}.",
            "Compare runs with the same dataset and split.",
        )
    theirs: Outcome = yield from _observe_model(other, on, f"Measuring {folder.name}")
    row = figures(folder.name, {}, theirs, on, 0.0).to_json()
    return {**row, "model_less_this": asdict(on.compare(ours, theirs))}


def verdict(found: dict[str, Any]) -> str:
    """One sentence on whether the run beats its baselines; empty when none was measured."""
    rows = found.get("baselines", [])
    if not rows:
        return ""
    k, own = found["k"], found["model"]["metrics"]["ndcg"]["mean"]
    best = max(rows, key=lambda row: row["metrics"]["ndcg"]["mean"])
    theirs = best["metrics"]["ndcg"]["mean"]
    gaps = {row["name"]: Comparison(**row["model_less_this"]) for row in rows}
    lost = [name for name, gap in gaps.items() if gap.difference <= 0]
    unsure = [name for name, gap in gaps.items() if gap.difference > 0 and gap.p >= LEVEL]
    figures = f"NDCG@{k} {own:.4f} against {theirs:.4f} of {best['name']}"
    if lost:
        return f"This run does not beat its baselines: {figures}. Do not explain shoppers by it."
    if unsure:
        return f"This run is ahead of every baseline, but not beyond chance of {', '.join(unsure)}: {figures}."
    gap = gaps[best["name"]]
    return (
        f"This run beats every baseline: {figures}, a gain of {gap.difference:.4f} ({gap.low:.4f} to {gap.high:.4f}, "
        f"p = {gap.p:.3f})."
    )


def _with_earlier(folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    """Take over what an earlier evaluation of the same weights measured and this one did not."""
    earlier: dict[str, Any] = read_evaluations(folder).get(found["split"], {})
    same = all(earlier.get(name) == found[name] for name in ("version", "weights", "k", "targets"))
    kept: dict[str, Any] = {
        name: earlier[name] for name in ("baselines", "not_run", "ratings", "knock_out") if same and name in earlier
    }
    return {**kept, **found}


def _keep(run: Run, found: dict[str, Any]) -> None:
    write_json(run.folder / "evaluation.json", {**read_evaluations(run.folder), found["split"]: found})
    if found["verdict"] and found["split"] == "test":
        card = read_json(run.folder / "run.json")
        write_json(run.folder / "run.json", {**card, "verdict": found["verdict"]})
