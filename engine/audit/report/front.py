"""The first page: what was audited, how many checks ended how, and what failed, in plain words."""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine.audit.check import WORST, Result, Verdict
from engine.audit.plan import Plan
from engine.audit.report.charts import verdict_bar
from engine.audit.report.checks import anchor_of, in_order, worst
from engine.audit.report.content import Block, Cell, Facts, Paragraph, Points, Table
from engine.audit.report.words import Words

_MOST_NAMED = 7  # checks that failed or are unsure, so that one page holds the summary


def summary(
    results: tuple[Result, ...], plan: Plan, inputs: dict[str, Any], words: Words, made: str
) -> tuple[Block, ...]:
    """All of the first page but its title."""
    counts: Counter[Verdict] = Counter(one.verdict for one in results)
    blocks: list[Block] = [Paragraph(_conclusion(counts, len(results), words), "lead")]
    if inputs["dataset"]["synthetic"]:
        blocks.append(Paragraph(words("synthetic"), "warning"))
    blocks += [_families(results, words), Paragraph(words("legend"), "muted")]
    blocks += _named(results, words)
    blocks.append(_about(plan, inputs, words, made))
    blocks.append(Paragraph(words("no_claim"), "muted"))
    return tuple(blocks)


def _conclusion(counts: Counter[Verdict], total: int, words: Words) -> str:
    judged = total - counts["told"] - counts["not run"]
    if not total:
        return words("conclusion_empty")
    said = words("conclusion_fail", n=counts["fail"], judged=judged) if counts["fail"] else ""
    if not counts["fail"]:
        said = words("conclusion_none_failed", judged=judged) if judged else words("conclusion_told")
    if counts["unsure"]:
        said += words("conclusion_unsure", n=counts["unsure"])
    if counts["not run"]:
        said += words("conclusion_not_run", n=counts["not run"])
    return said


def _families(results: tuple[Result, ...], words: Words) -> Table:
    by_family: dict[str, Counter[Verdict]] = {}
    for one in in_order(results, words):
        by_family.setdefault(one.family, Counter())[one.verdict] += 1
    most = max((sum(one.values()) for one in by_family.values()), default=1)
    rows = []
    for family, counts in by_family.items():
        told = words("join").join(f"{words.verdict(one)} {counts[one]}" for one in WORST if counts[one])
        numbers = (Cell(str(counts[one]) if counts[one] else "–", strong=bool(counts[one])) for one in WORST)
        rows.append((Cell(words.family(family)), Cell(drawing=verdict_bar(counts, told, most, 200)), *numbers))
    head = (words("column_family"), "", *(words.verdict(one) for one in WORST))
    return Table(head, tuple(rows), (0.27, 0.28, 0.09, 0.09, 0.09, 0.09, 0.09), frozenset({2, 3, 4, 5, 6}))


def _named(results: tuple[Result, ...], words: Words) -> list[Block]:
    """What failed, then what is unsure, a line each with its worst figure."""
    blocks: list[Block] = []
    room = _MOST_NAMED
    for verdict, heading in (("fail", "what_failed"), ("unsure", "what_unsure")):
        these = [one for one in in_order(results, words) if one.verdict == verdict]
        if not these:
            continue
        shown = these[: max(room, 1)]
        lines, anchors = [_line(one, words) for one in shown], tuple(anchor_of(one.check) for one in shown)
        if len(these) > len(lines):
            lines.append(words("more_checks", n=len(these) - len(lines)))
        room -= len(lines)
        blocks += [Paragraph(words(heading), "label"), Points(tuple(lines), anchors)]
    return blocks


def _line(result: Result, words: Words) -> str:
    figures = worst(result)
    line = words("check_line", title=words.check(result.check, "title"), found=words.found(result, figures[0][0]))
    return line + (words("and_others", n=len(figures) - 1) if len(figures) > 1 else "")


def _about(plan: Plan, inputs: dict[str, Any], words: Words, made: str) -> Facts:
    run, dataset = inputs["run"], inputs["dataset"]
    weights = ", ".join(digest[:16] for name, digest in run["weights"].items() if name == "model.safetensors")
    groups = words("groups_all")
    if plan.groups is not None:
        groups = words("join").join(" + ".join(one) for one in plan.groups) or words("none")
    rows = (
        (words("fact_run"), run["name"]),
        (words("fact_dataset"), dataset["name"]),
        (words("fact_date"), made),
        (
            words("fact_plan"),
            words(
                "plan_said",
                preset=words.value("preset", plan.preset),
                precision=words.bound(plan.precision),
                seed=plan.seed,
            ),
        ),
        (words("fact_groups"), groups),
        (
            words("fact_prints"),
            words("prints_said", dataset=dataset["fingerprint"][:16], weights=weights or "–", code=inputs["code"][:16]),
        ),
    )
    return Facts(rows)
