"""A report as one HTML file: no script, and nothing that is loaded from anywhere."""

from __future__ import annotations

import html

from engine.audit.check import Verdict
from engine.audit.report.charts import PALETTE, SLUG, verdict_mark
from engine.audit.report.content import (
    Block,
    Card,
    Cell,
    Drawing,
    Facts,
    Paragraph,
    Points,
    Report,
    Section,
    Table,
)
from engine.audit.texts import TEXTS

# Whoever opens the file: no script, no font, no request, whatever a product's title may hold.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html_of(report: Report) -> str:
    """The whole file."""
    language = report.language.replace("_", "-")
    style = (TEXTS / "report.css").read_text(encoding="utf-8")
    body = [
        f'<header class="cover"><p class="brand">{_text(report.head)}</p><h1>{_text(report.title)}</h1>'
        f'<p class="subtitle">{_text(report.subtitle)}</p></header>',
        f'<section id="summary">{_blocks(report.summary, report)}</section>',
        _contents(report),
        *(_section(one, report, 2) for one in report.sections),
        f"<footer>{_text(report.foot)}</footer>",
    ]
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(report.title)}</title>\n<style>\n{colours()}{style}</style>\n</head>\n<body>\n"
        f"<main>\n{chr(10).join(body)}\n</main>\n</body>\n</html>\n"
    )


def colours() -> str:
    """The palette as custom properties, for a light and a dark ground, and the classes of drawings."""
    light = "".join(f"--{name}:{colour};" for name, (colour, _) in PALETTE.items())
    dark = "".join(f"--{name}:{colour};" for name, (_, colour) in PALETTE.items())
    shapes = "".join(
        f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}"
        f".t-{name}{{fill:var(--{name});fill-opacity:.22}}"
        for name in PALETTE
    )
    return (
        f":root{{color-scheme:light dark;{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f"{shapes}.shade{{fill:var(--fail);fill-opacity:.08}}\n"
    )


def _text(text: str) -> str:
    return html.escape(text)


def _contents(report: Report) -> str:
    lines = []
    for one in report.sections:
        inner = "".join(f"<li>{_link(below, report)}</li>" for below in one.sections if below.verdict)
        lines.append(f"<li>{_link(one, report)}{f'<ul>{inner}</ul>' if inner else ''}</li>")
    title = f'<h2 id="contents">{_text(report.contents)}</h2>'
    return f'<nav aria-labelledby="contents">{title}<ol>{"".join(lines)}</ol></nav>'


def _link(section: Section, report: Report) -> str:
    mark = _mark(section.verdict, report, told=True) if section.verdict else ""
    return f'<a href="#{_text(section.anchor)}">{mark}{_text(section.title)}</a>'


def _mark(verdict: Verdict, report: Report, told: bool = False) -> str:
    """A verdict's symbol. told: whether it alone says the verdict; beside the word it is not read out."""
    hidden = "" if told else ' aria-hidden="true"'
    return f'<span class="mark"{hidden}>{_svg(verdict_mark(verdict, report.verdicts[verdict]))}</span>'


def _section(section: Section, report: Report, level: int) -> str:
    title = _text(section.title)
    if section.verdict:
        word = f'<span class="verdict v-{SLUG[section.verdict]}">{_text(report.verdicts[section.verdict])}</span>'
        title = f"{_mark(section.verdict, report)}{title} {word}"
    inner = "".join(_section(one, report, level + 1) for one in section.sections)
    page = " page" if section.page else ""
    return (
        f'<section id="{_text(section.anchor)}" class="level{level}{page}"><h{level}>{title}</h{level}>'
        f"{_blocks(section.blocks, report)}{inner}</section>\n"
    )


def _blocks(blocks: tuple[Block, ...], report: Report) -> str:
    return "".join(_block(one, report) for one in blocks)


def _block(block: Block, report: Report) -> str:
    if isinstance(block, Paragraph):
        text = f'<a href="#{_text(block.anchor)}">{_text(block.text)}</a>' if block.anchor else _text(block.text)
        return f'<p class="{block.tone}">{text}</p>'
    if isinstance(block, Points):
        return _points(block)
    if isinstance(block, Facts):
        rows = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in block.rows)
        kind = "plain" if block.plain else "narrow" if block.narrow else "facts"
        return f'<dl class="{kind}">{rows}</dl>'
    if isinstance(block, Table):
        return _table(block, report)
    if isinstance(block, Card):
        return _card(block)
    return _drawing(block)


def _points(points: Points) -> str:
    lines = [_text(one) for one in points.texts]
    for place, anchor in enumerate(points.anchors):
        lines[place] = f'<a href="#{_text(anchor)}">{lines[place]}</a>'
    return f"<ul>{''.join(f'<li>{one}</li>' for one in lines)}</ul>"


def _drawing(drawing: Drawing) -> str:
    return f'<figure style="max-width:{drawing.width * 4:g}px">{_svg(drawing)}</figure>'


def _svg(drawing: Drawing) -> str:
    labels = []
    for one in drawing.labels:
        weight = ' font-weight="600"' if one.strong else ""
        labels.append(
            f'<text x="{one.x:.1f}" y="{one.y:.1f}" font-size="11" text-anchor="{one.anchor}"{weight}'
            f' class="f-{"muted" if one.muted else "ink"}">{_text(one.text)}</text>'
        )
    return f"{drawing.svg.removesuffix('</svg>')}{''.join(labels)}</svg>"


def _table(table: Table, report: Report) -> str:
    columns = "".join(f'<col style="width:{100 * one:.1f}%">' for one in table.widths)
    head = "".join(
        f'<th scope="col"{_side(table, place)}>{_text(one)}</th>' if one else "<td></td>"
        for place, one in enumerate(table.head)
    )
    named = next((place for place, one in enumerate(table.head) if one), -1)  # the column that names a row
    rows = []
    for number, row in enumerate(table.rows):
        if number in table.groups:
            rows.append(f'<tr class="group"><th scope="rowgroup" colspan="{len(row)}">{_text(row[0].text)}</th></tr>')
            continue
        axis = not any(one.text for one in row)
        kind = ' class="axis"' if axis else ""
        cells = []
        for place, one in enumerate(row):
            tag, more = ("th", ' scope="row"') if place == named and not axis else ("td", _said(table.head[place], one))
            cells.append(f"<{tag}{more}{_side(table, place)}>{_cell(one, report)}</{tag}>")
        rows.append(f"<tr{kind}>{''.join(cells)}</tr>")
    return (
        f'<div class="wide"><table><colgroup>{columns}</colgroup><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _said(head: str, cell: Cell) -> str:
    """What a narrow screen, where a row is no line, says before a number."""
    return f' data-head="{_text(head)}"' if head and cell.text and not cell.verdict and not cell.drawing else ""


def _side(table: Table, place: int) -> str:
    return ' class="right"' if place in table.right else ""


def _cell(cell: Cell, report: Report) -> str:
    text = f"<strong>{_text(cell.text)}</strong>" if cell.strong and cell.text else _text(cell.text)
    if cell.verdict:
        text = f'<span class="verdict v-{SLUG[cell.verdict]}">{_mark(cell.verdict, report)}{text}</span>'
    if cell.under:
        text += f"<small>{_text(cell.under)}</small>"
    return text + (_svg(cell.drawing) if cell.drawing else "")


def _card(card: Card) -> str:
    picture = f'<div style="width:{card.picture.width * 4:g}px">{_svg(card.picture)}</div>' if card.picture else ""
    lines = "".join(f"<p>{_text(one)}</p>" for one in card.lines)
    drawing = _drawing(card.drawing) if card.drawing else ""
    return f'<article class="card">{picture}<div><h4>{_text(card.title)}</h4>{lines}{drawing}</div></article>'
