"""The main parameters of the recommendations in plain language, and what becomes of them without a past."""

from __future__ import annotations

from engine.audit.check import Figure, Result
from engine.audit.report.charts import axis_row, interval_row, scale_of
from engine.audit.report.content import Block, Card, Cell, Paragraph, Points, Section, Table
from engine.audit.report.words import Words

SHARES, PLAIN, SINGLE = "explanation.main-parameters", "quality.no-profiling", "explanation.counterfactuals"


def main_parameters(results: tuple[Result, ...], words: Words, cards: dict[str, tuple[Card, ...]]) -> Section:
    """What the lists rest on, by measured share; the list without profiling; single shoppers' what-ifs."""
    by_name = {one.check: one for one in results}
    blocks: list[Block] = [Paragraph(words("parameters_intro"))]
    shares = by_name.get(SHARES)
    measured = shares is not None and any(one.name == "share" for one in shares.figures)
    if shares is not None and measured:
        blocks += [_table(shares, words), Paragraph(words("parameters_read"), "muted")]
    else:
        blocks.append(Paragraph(words("parameters_missing"), "warning"))
    plain = by_name.get(PLAIN)
    if plain is not None and plain.figures:
        blocks.append(Paragraph(words("plain_heading"), "label"))
        blocks.append(Paragraph(words("plain_intro")))
        blocks.append(Points(tuple(words.found(plain, one) for one in plain.figures)))
    if cards.get(SINGLE):
        anchor = words.check(SINGLE, "title")
        blocks += [Paragraph(words("single_heading"), "label"), Paragraph(words("single_intro", check=anchor))]
        single = next(one for one in results if one.check == SINGLE)
        blocks.append(Points(tuple(words.note(SINGLE, one.note) for one in single.examples if one.note)))
    blocks.append(Paragraph(words("parameters_law"), "muted"))
    return Section("main-parameters", words("section_parameters"), tuple(blocks), page=True)


def _table(result: Result, words: Words) -> Table:
    figures = sorted((one for one in result.figures if one.name == "share"), key=lambda one: -one.value)
    scale = scale_of(figures, None, zero=True)
    names, meanings = words.names("parts"), words.names("meanings")
    replaced = {str(one.of.get("kind", "")): one for one in result.figures if one.name == "replaced"}
    rows = []
    for place, figure in enumerate(figures, start=1):
        kind = str(figure.of.get("kind", ""))
        bar = interval_row(figure, "told", None, scale, words.found(result, figure), bar=kind or "accent")
        rows.append(
            (
                Cell(str(place)),
                Cell(names.get(kind, kind), meanings.get(kind, ""), strong=True),
                Cell(drawing=bar),
                _percent(figure, words, strong=True),
                _percent(replaced[kind], words) if kind in replaced else Cell(),
            )
        )
    rows.append((Cell(), Cell(), Cell(drawing=axis_row(scale, words("axis"))), Cell(), Cell()))
    head = ("", words("column_parameter"), words("column_drawn"), words("column_share"), words("column_replaced"))
    return Table(head, tuple(rows), (0.04, 0.36, 0.26, 0.16, 0.18), frozenset({3, 4}))


def _percent(figure: Figure, words: Words, strong: bool = False) -> Cell:
    interval = ""
    if figure.low is not None and figure.high is not None:
        interval = words("interval", low=words.percent(figure.low), high=words.percent(figure.high))
    return Cell(words.percent(figure.value), interval, strong=strong)
