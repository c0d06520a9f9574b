"""How it was measured: each check in a sentence and a small list, the plan, and hashes of all inputs."""

from __future__ import annotations

from typing import Any

from engine.audit.check import Result
from engine.audit.plan import Plan
from engine.audit.report.checks import in_order, method_anchor
from engine.audit.report.content import Block, Facts, Paragraph, Section
from engine.audit.report.words import Words
from engine.audit.subject import SEGMENTS


def appendix(
    results: tuple[Result, ...], plan: Plan, inputs: dict[str, Any], environment: dict[str, Any], words: Words
) -> Section:
    """The section of methods."""
    return Section(
        "methods",
        words("section_methods"),
        (Paragraph(words("methods_intro")), *(Paragraph(words(f"methods_{one}")) for one in ("verdicts", "intervals"))),
        (
            Section("methods-checks", words("methods_checks"), (), _checks(results, words)),
            Section("methods-plan", words("methods_plan"), (_plan(plan, words),)),
            Section("methods-inputs", words("methods_inputs"), _inputs(inputs, environment, words)),
        ),
        page=True,
    )


def _checks(results: tuple[Result, ...], words: Words) -> tuple[Section, ...]:
    return tuple(
        Section(
            method_anchor(one.check),
            words.check(one.check, "title"),
            (*_short(one, words), Facts(_method(one, words), narrow=True)),
        )
        for one in in_order(results, words)
    )


def _short(result: Result, words: Words) -> tuple[Paragraph, ...]:
    short = words.check(result.check, "short")
    return (Paragraph(short),) if short else ()


def _method(result: Result, words: Words) -> tuple[tuple[str, str], ...]:
    """What is measured, how it is judged, and from where that is."""
    asked = [
        words("asked_of", label=words.figure(result.check, one.figure), asked=words.asked(one))
        for one in result.thresholds
    ]
    parts = words.method(result.check)
    threshold = words("semicolon").join(asked) or ("" if "judged" in parts else words("nothing_asked"))
    sample = words.number(result.sample) if result.sample else words("everything")
    source = words.check(result.check, "source")
    return (
        *((words(f"method_{part}"), text) for part, text in parts.items()),
        *(((words("method_asked"), threshold),) if threshold else ()),
        (words("method_sample"), words("sample_seed", sample=sample, seed=result.seed)),
        *(((words("method_source"), source),) if source else ()),
        (words("method_name"), result.check),
    )


def _plan(plan: Plan, words: Words) -> Facts:
    samples = words("join").join(f"{name} {count}" for name, count in plan.sample.items())
    asked = words("join").join(
        f"{name}.{one.figure} {words.asked(one)}" for name, these in plan.thresholds.items() for one in these
    )
    return Facts(
        (
            (words("plan_preset"), words.value("preset", plan.preset)),
            (words("plan_seed"), str(plan.seed)),
            (words("plan_precision"), words.bound(plan.precision)),
            (words("plan_only"), words("join").join(plan.only) or words("all")),
            (words("plan_skip"), words("join").join(plan.skip) or words("none")),
            (words("plan_also"), words("join").join(plan.also) or words("none")),
            (words("plan_segments"), _segments(plan, words)),
            (words("plan_strata"), words("join").join(plan.strata) or words("none")),
            (words("plan_samples"), samples or words("by_precision")),
            (words("plan_thresholds"), asked or words("presets_own")),
        )
    )


def _segments(plan: Plan, words: Words) -> str:
    if plan.segments is None:
        return words("none") if plan.preset == "quick" else words("first_segments", n=SEGMENTS)
    return words("join").join(plan.segments) or words("none")


def _inputs(inputs: dict[str, Any], environment: dict[str, Any], words: Words) -> tuple[Block, ...]:
    run, dataset = inputs["run"], inputs["dataset"]
    rows = [
        (words("hash_dataset"), str(dataset["fingerprint"])),
        *((words("hash_file", file=name), str(digest)) for name, digest in run["weights"].items()),
        (words("hash_file", file="run.json"), str(run["card"])),
        (words("hash_code"), str(inputs["code"])),
        *((words("hash_segment", name=name), str(one["sha256"])) for name, one in inputs.get("segments", {}).items()),
        *(
            (words("hash_encoder", name=one["name"]), str(one["digest"]))
            for one in run["encoders"].values()
            if "digest" in one
        ),
    ]
    where = [("Heedmap", str(inputs["heedmap"]))]
    for key in ("python", "system", "device", "threads"):
        if key in environment:
            where.append((words(f"where_{key}"), str(environment[key])))
    packages = words("join").join(f"{name} {version}" for name, version in environment.get("packages", {}).items())
    if packages:
        where.append((words("where_packages"), packages))
    return Paragraph(words("inputs_intro")), Facts(tuple(rows), plain=True), Facts(tuple(where))
