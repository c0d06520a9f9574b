"""The self-test in words: a line for each step, and the verdict."""

from __future__ import annotations

from typing import Any

from engine.selftest.run import FAILED, OK, Outcome, Report

MARKS = {OK: "✓", FAILED: "✗", "skipped": "–"}
_PLAIN = {OK: "ok", FAILED: "FAILED", "skipped": "-"}
_WIDTH = 30


def line(outcome: Outcome, marks: bool = True) -> str:
    """One line; marks: whether the terminal can write them."""
    mark = MARKS[outcome.state] if marks else f"{_PLAIN[outcome.state]:<6}"
    said = outcome.found.text() if outcome.found is not None else outcome.why
    return f"{mark} {outcome.step.title:<{_WIDTH}}{outcome.seconds:>6.1f} s  {said}"


def verdict(report: Report) -> str:
    """READY with the figures that matter, or NOT READY with what failed, why, and what to do."""
    if report.ready:
        return f"READY  {', '.join([*headline(report), f'{report.seconds:.0f} s in all'])}"
    lines = [f"NOT READY  {report.seconds:.0f} s in all"]
    for one in report.outcomes:
        if one.state == FAILED:
            lines += [f"  {one.step.title}: {one.why}", f"    What to do: {one.hint}"]
    return "\n".join(lines)


def headline(report: Report) -> list[str]:
    """The figures of the verdict."""
    forms = (
        ("training", "epochs", "{:,} epochs trained"),
        ("training", "ndcg", "NDCG@10 {:.3f}"),
        ("explanation", "rate", "{:.0f} explanations/s"),
        ("window", "paint", "first paint {:.2f} s"),
    )
    values = report.values
    return [form.format(values[step][name]) for step, name, form in forms if name in values.get(step, {})]


def to_json(report: Report) -> dict[str, Any]:
    """The whole report, as plain values."""
    return {
        "ready": report.ready,
        "seconds": round(report.seconds, 2),
        "steps": [
            {
                "step": one.step.name,
                "title": one.step.title,
                "state": one.state,
                "seconds": round(one.seconds, 2),
                "said": one.found.text() if one.found is not None else "",
                "values": one.found.values if one.found is not None else {},
                **({"why": one.why, "hint": one.hint, "trace": one.trace} if one.state != OK else {}),
            }
            for one in report.outcomes
        ],
    }
