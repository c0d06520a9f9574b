"""The audit as a job: check after check, each result kept as soon as it is there, so that a killed audit goes on.

At the end its figures, its reports and where it was measured are written beside them, and all is sealed.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.audit.bundle import is_sealed, seal
from engine.audit.check import Check, Measured, NotRun, Result, judged, not_run
from engine.audit.checks import CHECKS
from engine.audit.figures import write_figures, write_schemas
from engine.audit.inputs import environment, inputs_of
from engine.audit.plan import Plan
from engine.audit.report.write import write_report
from engine.audit.signing import auditor_key
from engine.audit.subject import Subject
from engine.audit.texts import LANGUAGES, title
from engine.errors import HeedmapError
from engine.files import atomic, make_folder, read_json, write_json
from engine.jobs import Job, Progress, retold
from engine.recommend import Recommender

# Files of a bundle, beside the results and their tables.
PLAN, INPUTS, ENVIRONMENT = "plan.json", "inputs.json", "environment.json"
WORK = "work"  # what checks go on with after a kill; gone before the bundle is sealed


def audit(
    run: Recommender,
    plan: Plan,
    out: Path,
    key: Ed25519PrivateKey | None = None,
    languages: tuple[str, ...] = LANGUAGES,
) -> Job:
    """Measure every check of the plan and return the Results; the sealed bundle stands in the folder `out`.

    Checks that `out` already holds of the same plan, run and dataset are not measured again, and a sealed bundle of
    them stays as it is. key: signs; this user's own where None. languages: of the reports. Progress carries "check",
    "checks" and "left", the seconds that it may still take. HeedmapError when `out` holds something else, the
    key cannot be used, or the plan names a segment that is not there.
    """
    yield Progress("Reading what is audited")
    key = key or auditor_key()
    subject, checks = Subject(run, plan, out / WORK), plan.checks(CHECKS)
    inputs = inputs_of(run, subject.segments)
    _begin(out, {PLAN: plan.to_json(), INPUTS: inputs}, run.device)
    kept = {one.name: found for one in checks if (found := _kept(out, one)) is not None}
    clock = _Clock(plan, checks, kept)
    results = []
    for place, check in enumerate(checks):
        result = kept.get(check.name)
        if result is None:
            result = yield from _measure(subject, check, out, clock, place)
        results.append(result)
    if not is_sealed(out):
        if (out / WORK).is_dir():
            shutil.rmtree(out / WORK)
        for language in languages:
            without_pdf = yield from write_report(out, tuple(results), run, plan, inputs, language)
            if without_pdf:
                yield Progress("Writing the report", message=without_pdf)
        yield Progress("Sealing the bundle")
        write_figures(out, tuple(results))
        write_schemas(out)
        seal(out, {"title": plan.title, "run": run.folder.name, "dataset": run.dataset.manifest.name}, key)
    return tuple(results)


def remeasured(subject: Subject, check: Check) -> Job:
    """Return (Result, Measured or None) of one check, and keep nothing of it."""
    began = time.monotonic()
    plan = subject.plan
    thresholds, sample = plan.thresholds_of(check), plan.sample_of(check)
    try:
        found: Measured = yield from check.measure(subject)
    except NotRun as reason:
        return not_run(check.name, reason.note, thresholds, plan.seed, time.monotonic() - began), None
    return judged(check.name, found, thresholds, plan.seed, sample, time.monotonic() - began), found


def under_title(job: Job, check: str, more: Callable[[float], dict[str, float]] | None = None) -> Job:
    """A check's job with the check's title as its stage; more: of the share that is done, further figures."""

    def told(step: Progress) -> Progress:
        share = step.done / step.total if step.total else 0.0
        data = {**step.data, **(more(share) if more else {})}
        return Progress(title(check, "en"), step.done, step.total, step.message, data)

    return retold(job, told)


def result_file(out: Path, check: str) -> Path:
    return out / "results" / f"{check}.json"


def table_file(out: Path, check: str, table: str) -> Path:
    return out / "tables" / f"{check}.{table}.parquet"


def _begin(out: Path, began: Mapping[str, Any], device: str) -> None:
    if out.exists() and not out.is_dir():
        raise HeedmapError(f"{out} is a file.", "Give the name of a new folder.")
    if out.is_dir() and any(out.iterdir()):
        written = json.loads(json.dumps(began))  # tuples are lists then
        same = all((out / name).is_file() and read_json(out / name) == written[name] for name in began)
        if not same:
            raise HeedmapError(
                f"{out} holds something else, or an audit of another plan, run or dataset.", "Give a new folder."
            )
    make_folder(out)
    for name, content in began.items():
        if not (out / name).is_file():
            write_json(out / name, content)
    if not (out / ENVIRONMENT).is_file():
        write_json(out / ENVIRONMENT, environment(device))


def _kept(out: Path, check: Check) -> Result | None:
    path = result_file(out, check.name)
    return Result.from_json(read_json(path)) if path.is_file() else None


def _measure(subject: Subject, check: Check, out: Path, clock: _Clock, place: int) -> Job:
    def clocked(share: float) -> dict[str, float]:
        return {"check": place, "checks": clock.checks, "left": clock.left(check, share)}

    result, found = yield from under_title(remeasured(subject, check), check.name, clocked)
    for name, columns in (found.tables if found else {}).items():
        with atomic(table_file(out, check.name, name)) as temporary:
            pq.write_table(pa.table({column: list(values) for column, values in columns.items()}), temporary)
    write_json(result_file(out, check.name), result.to_json())
    clock.done(check, result.seconds)
    return result


class _Clock:
    """Tells the time left: what checks are said to cost, by how much those done so far were off."""

    def __init__(self, plan: Plan, checks: tuple[Check, ...], kept: Mapping[str, Result]) -> None:
        self.checks = len(checks)
        self._cost = {one.name: one.cost * max(1, plan.sample_of(one)) for one in checks if one.name not in kept}
        self._expected = self._took = 0.0

    def left(self, current: Check, share: float) -> float:
        pace = self._took / self._expected if self._expected else 1.0
        return pace * (sum(self._cost.values()) - share * self._cost[current.name])

    def done(self, check: Check, seconds: float) -> None:
        self._expected += self._cost.pop(check.name)
        self._took += seconds
