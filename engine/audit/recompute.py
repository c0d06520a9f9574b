"""Measure a share of a bundle's checks again, on the run and dataset that it is of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from engine.audit.bundle import MANIFEST, Bundle
from engine.audit.check import Result
from engine.audit.checks import CHECKS
from engine.audit.inputs import inputs_of
from engine.audit.plan import Plan
from engine.audit.run import INPUTS, PLAN, remeasured, under_title
from engine.audit.subject import Subject
from engine.audit.verify import Again, read_inside, results_of
from engine.errors import HeedmapError
from engine.jobs import Job
from engine.recommend import Recommender
from engine.segments import Segment


def recompute(bundle: Bundle, run: Recommender, share: float, seed: int) -> Job:
    """Measure checks again until they made up `share` of the audit's time, drawn by the seed; return
    (tuple[Again], notes), see Verified. HeedmapError where the run or its dataset is not the one that was audited."""
    if not 0 < share <= 1:
        raise HeedmapError(f"A share of {share:g} cannot be measured again.", "Give more than 0 and at most 1.")
    subject = Subject(run, Plan.from_json(read_inside(bundle, PLAN)))
    segments = _segments(subject)
    was, now = read_inside(bundle, INPUTS), json.loads(json.dumps(inputs_of(run, segments)))
    _same_inputs(was, now)
    notes = [] if was["code"] == now["code"] else ["other_code"]
    tolerance = read_inside(bundle, MANIFEST)["tolerance"]
    known = [one for one in results_of(bundle) if one.check in CHECKS]
    # A training ends elsewhere on another processor, and proves nothing by that.
    results = [one for one in known if not CHECKS[one.check].trains]
    notes += ["not_again"] if len(results) < len(known) else []
    whole = sum(one.seconds for one in results)
    other_segments = was.get("segments", {}) != now["segments"]
    notes += ["other_segments"] if other_segments else []
    again: list[Again] = []
    spent = 0.0
    for place in np.random.default_rng(seed).permutation(len(results)).tolist():
        if spent >= share * whole and again:
            break
        old = results[place]
        spent += old.seconds
        fresh, _ = yield from under_title(remeasured(subject, CHECKS[old.check]), old.check)
        if other_segments:
            old, fresh = _without_segments(old), _without_segments(fresh)
        again += compared(old, fresh, tolerance, was["code"] == now["code"])
    return tuple(again), tuple(notes)


def _segments(subject: Subject) -> tuple[Segment, ...]:
    """Those that are saved here; none where one that the plan names is not."""
    try:
        return subject.segments
    except HeedmapError:
        subject.__dict__["segments"] = ()
        return ()


def _without_segments(result: Result) -> Result:
    return replace(result, figures=tuple(one for one in result.figures if "segment" not in one.of))


def _same_inputs(was: dict[str, Any], now: dict[str, Any]) -> None:
    if was["dataset"]["fingerprint"] != now["dataset"]["fingerprint"]:
        raise HeedmapError(
            f"The dataset {now['dataset']['name']} is not the one that was audited.", "Give --dataset, the same one."
        )
    for what in ("weights", "settings"):
        if was["run"][what] != now["run"][what]:
            raise HeedmapError(
                f"The run {now['run']['name']} is not the one that was audited: its {what} differ.",
                "Give --run, the same one.",
            )


def compared(old: Result, fresh: Result, tolerance: Mapping[str, float], same_code: bool) -> list[Again]:
    """Figure by figure. What only another version of the code measures says nothing of what was signed."""
    before, after = ({one.key: one for one in result.figures} for result in (old, fresh))
    found = []
    for key in dict.fromkeys([*before, *(after if same_code else ())]):
        one, two = before.get(key), after.get(key)
        was, now = one.value if one else None, two.value if two else None
        near = was is not None and now is not None and _near(was, now, tolerance)
        some = one or two
        assert some is not None
        found.append(Again(old.check, some.name, some.of, was, now, near))
    return found


def _near(was: float, now: float, tolerance: Mapping[str, float]) -> bool:
    return abs(was - now) <= tolerance["absolute"] + tolerance["relative"] * abs(was)
