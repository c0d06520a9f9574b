"""Sections of checks: what is measured, what was found, figure by figure, and examples."""

from __future__ import annotations

from collections.abc import Mapping

from engine.audit.check import WORST, Figure, Result, Verdict
from engine.audit.report.charts import Scale, axis_row, interval_row, scale_of
from engine.audit.report.content import Block, Card, Cell, Paragraph, Points, Section, Table
from engine.audit.report.words import Words

MOST_FIGURES = 40  # of one check that are printed; all of them are in the bundle
_WIDTHS = (0.27, 0.24, 0.15, 0.09, 0.13, 0.12)


def verdict_sections(
    results: tuple[Result, ...], words: Words, cards: Mapping[str, tuple[Card, ...]]
) -> tuple[Section, ...]:
    """One section for each verdict that occurs, failed first; within it, checks by family."""
    found: list[Section] = []
    for verdict in WORST:
        these = [one for one in in_order(results, words) if one.verdict == verdict]
        if these:
            name = verdict.replace(" ", "-")
            sections = tuple(_check(one, words, cards.get(one.check, ())) for one in these)
            intro = Paragraph(words(f"intro_{name.replace('-', '_')}"), "muted")
            found.append(
                Section(
                    f"verdict-{name}", words(f"section_{name.replace('-', '_')}"), (intro,), sections, page=not found
                )
            )
    return tuple(found)


def anchor_of(check: str) -> str:
    """The name of a check's section in links."""
    return f"check-{check.replace('.', '-')}"


def method_anchor(check: str) -> str:
    """The name of the section that tells how a check measures."""
    return f"method-{check.replace('.', '-')}"


def in_order(results: tuple[Result, ...], words: Words) -> list[Result]:
    """By family as families are reported, then as they were measured."""
    place = {name: number for number, name in enumerate(words.families)}
    return sorted(results, key=lambda one: place.get(one.family, len(place)))


def worst(result: Result) -> list[tuple[Figure, Verdict]]:
    """The figures that made the verdict."""
    both = zip(result.figures, result.verdicts, strict=True)
    return [(figure, verdict) for figure, verdict in both if verdict == result.verdict]


def _check(result: Result, words: Words, cards: tuple[Card, ...]) -> Section:
    blocks: list[Block] = [Paragraph(words.family(result.family), "label")]
    notes = tuple(words.note(result.check, one) for one in result.notes)
    left_out = result.verdict == "not run"
    if left_out:
        blocks += [Paragraph(words("why_not", why=one), "warning") for one in notes]
    if short := words.check(result.check, "short"):
        blocks.append(Paragraph(short, "muted" if left_out else "body"))
    if result.figures:
        blocks.append(_figures(result, words))
        if len(result.figures) > MOST_FIGURES:
            left = len(result.figures) - MOST_FIGURES
            blocks.append(Paragraph(words("more_figures", n=left, file=f"results/{result.check}.json"), "muted"))
    elif not left_out:
        blocks.append(Paragraph(words("no_figures"), "muted"))
    if notes and not left_out:
        blocks.append(Points(notes))
    if cards:
        blocks += [Paragraph(words("examples"), "label"), *cards]
    blocks.append(Paragraph(words("method_link"), "link", method_anchor(result.check)))
    return Section(
        anchor_of(result.check),
        words.check(result.check, "title"),
        tuple(blocks),
        verdict=result.verdict,
    )


def _figures(result: Result, words: Words) -> Table:
    """All figures, those of one name together on one scale, the worst first."""
    order = {verdict: place for place, verdict in enumerate(WORST)}
    both = sorted(
        enumerate(zip(result.figures, result.verdicts, strict=True)), key=lambda one: (order[one[1][1]], one[0])
    )[:MOST_FIGURES]
    by_name: dict[str, list[tuple[Figure, Verdict]]] = {}
    for _, (figure, verdict) in sorted(both):
        by_name.setdefault(figure.name, []).append((figure, verdict))
    rows: list[tuple[Cell, ...]] = []
    groups: set[int] = set()
    for name, these in by_name.items():
        these.sort(key=lambda one: order[one[1]])
        threshold = result.threshold(these[0][0])
        values = {one.value for one, _ in these}
        drawn = any(one.low is not None for one, _ in these) or len(values) > 1 or (threshold and values != {0.0})
        scale = scale_of([one for one, _ in these], threshold) if drawn else None
        alone = len(these) == 1
        if not alone:
            groups.add(len(rows))
            rows.append((Cell(words.figure(result.check, name), strong=True), *(Cell() for _ in _WIDTHS[1:])))
        rows += [_row(result, figure, verdict, scale, words, alone) for figure, verdict in these]
        if scale is not None:
            axis = Cell(drawing=axis_row(scale, words("axis")))
            rows.append((Cell(), axis, *(Cell() for _ in _WIDTHS[2:])))
    head = tuple(words(f"column_{one}") for one in ("figure", "drawn", "value", "n", "asked", "verdict"))
    return Table(head, tuple(rows), _WIDTHS, frozenset({2, 3}), frozenset(groups))


def _row(
    result: Result, figure: Figure, verdict: Verdict, scale: Scale | None, words: Words, alone: bool
) -> tuple[Cell, ...]:
    threshold = result.threshold(figure)
    value, interval = words.estimate(figure, threshold)
    drawing = None
    if scale is not None:
        drawing = interval_row(figure, verdict, threshold, scale, words.found(result, figure))
    label = words.named(result, figure) if alone else words.of(figure) or words.figure(result.check, figure.name)
    return (
        Cell(label),
        Cell(drawing=drawing),
        Cell(value, interval, strong=True),
        Cell(words.number(figure.n) if figure.n else ""),
        Cell(words.asked(threshold)),
        Cell(words.verdict(verdict), verdict=verdict),
    )
