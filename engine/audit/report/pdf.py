"""A report as a PDF, set by Typst. The content travels to it as data: no text of it is ever read as markup."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import typst

from engine.audit.report import fonts
from engine.audit.report.charts import PALETTE, verdict_mark
from engine.audit.report.content import Block, Cell, Report, Section, Table
from engine.audit.texts import TEXTS
from engine.errors import HeedmapError

TEMPLATE = TEXTS / "report.typ"
_UNKNOWN = datetime(1980, 1, 1, tzinfo=UTC)  # where it is not known when it was measured: never the clock's time


def pdf_of(report: Report) -> bytes:
    """The whole file; the same bytes for the same report and fonts. HeedmapError where no font has its letters."""
    own = fonts.packaged()
    found = typst.Fonts(include_system_fonts=len(own) < 2, font_paths=[str(one) for one in own])
    families = fonts.families(found.families(), report.language)
    if families is None:
        raise HeedmapError(
            "A PDF in Chinese needs a font with Chinese letters, and none is installed; the HTML is complete.",
            "Install Noto Sans CJK (Debian: fonts-noto-cjk), or print the HTML from a browser.",
        )
    compiler = typst.Compiler(root=str(TEMPLATE.parent), font_paths=found, ignore_system_fonts=len(own) >= 2)
    source, made = TEMPLATE.read_bytes(), report.made or _UNKNOWN
    inputs = {"report": json.dumps(_plain(report, families), ensure_ascii=False)}
    try:  # PDF/A-2a: what archives ask for; it allows no letter that the fonts do not have
        return _bytes(compiler.compile(source, format="pdf", sys_inputs=inputs, timestamp=made, pdf_standards="a-2a"))
    except typst.TypstError as refused:
        if "PDF/A" not in str(refused):
            raise
    return _bytes(compiler.compile(source, format="pdf", sys_inputs=inputs, timestamp=made))


def _bytes(made: Any) -> bytes:
    assert isinstance(made, bytes)
    return made


def _plain(report: Report, families: list[str]) -> dict[str, Any]:
    return {
        "fonts": families,
        "lang": report.language.split("_")[0],
        "region": report.language.partition("_")[2].lower() or None,
        "title": report.title,
        "subtitle": report.subtitle,
        "head": report.head,
        "foot": report.foot,
        "contents": report.contents,
        "colours": {name: colour for name, (colour, _) in PALETTE.items()},
        "marks": {
            one: {"svg": _inked(verdict_mark(one, name).svg), "alt": name} for one, name in report.verdicts.items()
        },
        "verdicts": report.verdicts,
        "summary": [_block(one) for one in report.summary],
        "sections": [_section(one) for one in report.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "anchor": section.anchor,
        "title": section.title,
        "verdict": section.verdict,
        "page": section.page,
        "blocks": [_block(one) for one in section.blocks],
        "sections": [_section(one) for one in section.sections],
    }


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Table):
        rows = [[_cell(one) for one in row] for row in block.rows]
        return {
            "kind": "table",
            "head": block.head,
            "rows": rows,
            "widths": block.widths,
            "right": sorted(block.right),
            "groups": sorted(block.groups),
        }
    return {"kind": type(block).__name__.lower(), **_with_ink(asdict(block))}


def _cell(cell: Cell) -> dict[str, Any]:
    return _with_ink(asdict(cell))


def _with_ink(content: dict[str, Any]) -> dict[str, Any]:
    """The same, each drawing inside with its colours on paper."""
    return {
        key: _inked(one) if key == "svg" else _with_ink(one) if isinstance(one, dict) else one
        for key, one in content.items()
    }


def _inked(svg: str) -> str:
    rules = "".join(
        f".f-{name}{{fill:{colour}}}.s-{name}{{stroke:{colour}}}.t-{name}{{fill:{colour};fill-opacity:.22}}"
        for name, (colour, _) in PALETTE.items()
        if f"-{name}" in svg
    )
    rules += f".shade{{fill:{PALETTE['fail'][0]};fill-opacity:.08}}"
    begin = svg.index(">") + 1
    return f"{svg[:begin]}<style>{rules}</style>{svg[begin:]}"
