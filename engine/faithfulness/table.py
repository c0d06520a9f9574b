"""How true each method is for one run: many maps, every measure, with intervals; and the choice of `auto`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.methods import METHODS
from engine.faithfulness.choice import FILE
from engine.faithfulness.orders import GRADES, faithfulness
from engine.faithfulness.sanity import agreement, cascade, infidelity, max_sensitivity, uniform_swap
from engine.files import write_json
from engine.jobs import Job, Progress
from engine.metrics.bootstrap import interval
from engine.recommend import Recommender

STAGE = "Measuring how true the methods are"
EXPLANATIONS = 100
_SHAKEN, _RANDOMISED = 20, 10  # maps that sensitivity and random weights are measured on, which take many maps each
_PLACES = 10  # of a ranking that pairs are drawn from

Measures = dict[str, list[float]]


def pairs(recommender: Recommender, count: int, seed: int) -> list[tuple[str, str]]:
    """Shoppers with a past, each with one of the ten products that the run ranks best for them, drawn by the seed."""
    random = np.random.default_rng(seed)
    data = recommender.data
    active = np.flatnonzero(np.diff(data.start) > 0)
    found = []
    for user in random.choice(active, count, replace=count > len(active)).tolist():
        rows = recommender.rank(data.users[user], _PLACES).items
        if rows:
            found.append((data.users[user], rows[int(random.integers(len(rows)))].item))
    return found


def measure_methods(
    recommender: Recommender,
    methods: tuple[str, ...] = (),
    explanations: int = EXPLANATIONS,
    seed: int = 1,
    keep: bool = True,
) -> Job:
    """Measure methods (all that stay outside the encoders when none is named) over drawn pairs and return the table;
    keep: in the run's folder too. HeedmapError names an unknown method."""
    names = methods or tuple(name for name, one in METHODS.items() if not one.deep)
    if unknown := [name for name in names if name not in METHODS]:
        raise HeedmapError(f"There is no method {unknown[0]!r}.", f"Use one of {', '.join(METHODS)}.")
    drawn = pairs(recommender, explanations, seed)
    measured: dict[str, Measures] = {name: {} for name in names}
    grades: dict[str, list[str]] = {name: [] for name in names}
    alike: dict[tuple[str, str], list[float]] = {}
    swaps: list[tuple[float, float]] = []
    users = []
    for done, pair in enumerate(drawn):
        yield Progress(STAGE, done, len(drawn))
        case = Case(recommender, *pair)
        if case.removable < 2:
            continue
        users.append(case.user)
        maps = {}
        for name in names:
            maps[name] = _one(case, name, measured[name], grades[name], len(users) <= _SHAKEN)
        for key, tau in agreement({name: one[: case.removable] for name, one in maps.items()}).items():
            alike.setdefault(key, []).append(tau)
        score, rank = uniform_swap(case)
        swaps.append((abs(score - case.score), float(rank != case.rank_of(case.score))))
    if not users:
        raise HeedmapError("No product that this run recommends has content that could be removed.")
    table = {
        name: _summary(measured[name], grades[name], np.array(users, np.int32)) | {"about": METHODS[name].about}
        for name in names
    }
    for name in names:
        yield Progress("Drawing weights anew", list(names).index(name), len(names))
        table[name]["random_weights"] = _sanity(recommender, name, drawn[:_RANDOMISED], seed)
    result = {
        "run": recommender.folder.name,
        "explanations": len(users),
        "seed": seed,
        "methods": dict(sorted(table.items(), key=lambda one: -one[1]["z"]["mean"])),
        "agreement": {f"{one} / {two}": float(np.mean(taus)) for (one, two), taus in alike.items()},
        "uniform_attention": {
            "score_change": float(np.mean([one for one, _ in swaps])),
            "rank_changed": float(np.mean([one for _, one in swaps])),
        },
    }
    if keep:
        write_json(recommender.folder / FILE, result)
    return result


def _one(case: Case, name: str, into: Measures, grades: list[str], shake: bool) -> NDArray[np.float64]:
    began = time.perf_counter()
    share = METHODS[name].attribute(case).share
    seconds = time.perf_counter() - began
    found = faithfulness(case, share)
    assert found is not None  # at least two rows
    grades.append(found.grade)
    row = {
        "z": found.z,
        "beats_random": float(found.z > 0),
        "deletion": found.deletion,
        "deletion_less_random": found.deletion - float(np.mean(found.random)),
        "insertion": found.insertion,
        "insertion_less_random": found.insertion - float(np.mean(found.random_insertion)),
        "rank_deletion_less_random": found.rank_deletion - float(np.mean(found.random_rank_deletion)),
        "comprehensiveness": found.comprehensiveness,
        "comprehensiveness_less_random": found.comprehensiveness - found.random_comprehensiveness,
        "sufficiency": found.sufficiency,
        "sufficiency_less_random": found.sufficiency - found.random_sufficiency,
        "necessity": float(found.necessary),
        "random_necessity": found.random_necessary,
        "sufficiency_of_20": float(found.sufficient),
        "random_sufficiency_of_20": found.random_sufficient,
        "infidelity": infidelity(case, share),
        "seconds": seconds,
    }
    if shake and name in _CHEAP and case.asking is None:
        row["max_sensitivity"] = max_sensitivity(case, _attribute(name))
    for key, value in row.items():
        into.setdefault(key, []).append(value)
    return share


def _attribute(name: str) -> Callable[[Case], NDArray[np.float64]]:
    return lambda case: METHODS[name].attribute(case).share


def _summary(measured: Measures, grades: list[str], users: NDArray[np.int32]) -> dict[str, Any]:
    counted = Counter(grades)
    summary: dict[str, Any] = {
        "grades": {letter: counted[letter] for letter in GRADES},
        "seconds_median": float(np.median(measured["seconds"])),
        "seconds_p95": float(np.quantile(measured["seconds"], 0.95)),
    }
    for key, values in measured.items():
        if key != "seconds":
            one = interval(np.array(values), users[: len(values)])
            summary[key] = {"mean": one.mean, "low": one.low, "high": one.high}
    summary["grade"] = grade_of(summary["z"]["mean"], summary["z"]["low"])
    return summary


def grade_of(mean: float, low: float) -> str:
    """A method's grade for a run, from the mean z of its maps and the lower bound of its interval: as for a single map,
    but the bound must reach what is asked, so that few maps earn no good grade."""
    if mean <= 0:
        return "F"
    return "A" if low >= 4 else "B" if low >= 2.5 else "C" if low >= 1.64 else "D"


def _sanity(recommender: Recommender, name: str, drawn: list[tuple[str, str]], seed: int) -> dict[str, float]:
    if name not in _CHEAP or recommender.config.fusion == "cross":
        return {}
    return {stage: float(one.mean()) for stage, one in cascade(recommender, drawn, _attribute(name), seed).items()}


_CHEAP = tuple(name for name in METHODS if name not in ("shapley", "lime") and not METHODS[name].deep)
