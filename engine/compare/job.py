"""The jobs behind the Compare view: two sides explained and aligned, and why one product stands above another."""

from __future__ import annotations

import time
from dataclasses import dataclass

from engine.answers import Ranking
from engine.compare.align import aligned, common_grid, part_pairs, past_pairs, values_of
from engine.compare.lists import agreement
from engine.compare.types import Above, Comparison, PartPair, Side, Unit
from engine.errors import HeedmapError
from engine.explain.contrast import above, pair
from engine.explain.contrast_types import Contrast
from engine.explain.history import leave_one_out
from engine.explain.methods import METHODS, explaining
from engine.explain.types import MODALITIES, Explanation
from engine.files import read_json
from engine.foreign.run import ForeignRun
from engine.jobs import Job, Progress
from engine.live import Session
from engine.opening import Run
from engine.rules import Rule

LISTED = 100  # places of the ranked lists that are compared
FIGURES = ("validation ndcg@10", "test ndcg@10")


@dataclass(frozen=True)
class OpenSide:
    """A side with its run opened (as of its epoch, edited by its scenario), the past of its scenario, and the
    business rules that its list is under."""

    side: Side
    run: Run
    session: Session | None
    rules: tuple[Rule, ...]


def comparing(left: OpenSide, right: OpenSide, k: int = LISTED) -> Job:
    """Return the Comparison of two sides. HeedmapError when one cannot be explained."""
    began = time.perf_counter()
    found: list[Explanation] = []
    lists: list[Ranking] = []
    for one in (left, right):
        yield Progress("Ranking")
        lists.append(one.run.rank(one.side.user, k, one.session, one.rules))
        side = one.side
        found.append((yield from explaining(one.run, side.user, side.item, side.method, one.session, one.rules)))
    yield Progress("Comparing")
    unit: Unit = "score" if all(one.sums_to_score for one in found) else "share"
    magnitudes = unit == "share" and not all(METHODS[one.method].signed for one in found)
    values = [values_of(one, unit, magnitudes) for one in found]
    rows = aligned(found[0], found[1], values[0], values[1])
    biases = (found[0].bias, found[1].bias) if unit == "score" else None
    gap = 0.0
    if biases is not None:
        gap = float(rows.difference.sum() + biases[0] - biases[1] - (found[0].score - found[1].score))
    common = common_grid(found[0].grid, found[1].grid)
    return Comparison(
        sides=(left.side, right.side),
        left=found[0],
        right=found[1],
        left_list=lists[0],
        right_list=lists[1],
        same_product=left.side.item == right.side.item,
        rows=rows,
        parts=part_pairs(rows, biases),
        past=past_pairs(found[0].history, found[1].history),
        unit=unit,
        magnitudes=magnitudes,
        grids=None if common is None else (found[0].grid, found[1].grid, common),
        gap=gap,
        agreement=agreement(*([row.item for row in one.items] for one in lists)),
        left_figures=figures(left),
        right_figures=figures(right),
        seconds=time.perf_counter() - began,
        ruled=(len(left.rules), len(right.rules)),
    )


def figures(one: OpenSide) -> dict[str, float]:
    """NDCG@10 of a side's run by split, from its card; of an epoch on validation alone, from its history."""
    if one.side.epoch is None:
        metrics = one.run.card["metrics"]
        return {name: float(metrics[name]) for name in FIGURES if name in metrics}
    history = one.run.folder / "history.json"
    rows = read_json(history) if history.is_file() else []
    row = next((row for row in rows if row["epoch"] == one.side.epoch), None)
    return {} if row is None else {FIGURES[0]: float(row["ndcg@10"])}


def stands_above(one: OpenSide, other: str) -> Job:
    """Return Above: why the product of a side has another score than `other`, for the same shopper.

    HeedmapError for a run that shows nothing of its inside, and for the product itself.
    """
    if isinstance(one.run, ForeignRun):
        raise HeedmapError(
            f"{one.run.folder.name} was made elsewhere and shows nothing of its inside.",
            "Compare two products of a run that was trained here.",
        )
    yield Progress("Comparing")
    run, side = one.run, one.side
    cases = pair(run, side.user, side.item, other, one.session)
    found = above(*cases)
    events = []
    for case in cases:
        yield Progress("Comparing")
        events.append(run.history_events(case.past, leave_one_out(case)))
    titles = [run.texts.title[case.item] for case in cases]
    return Above(side.run, side.user, found, titles[0], titles[1], _parts(found), past_pairs(*events))


def _parts(found: Contrast) -> tuple[PartPair, ...]:
    sums = {name: [0.0, 0.0] for name in MODALITIES}
    for row in found.rows:
        sums[row.modality][0] += row.left
        sums[row.modality][1] += row.right
    held = {row.modality for row in found.rows}
    pairs = [PartPair(name, *both) for name, both in sums.items() if name in held]
    return (*pairs, PartPair("bias", found.bias_left, found.bias_right))
