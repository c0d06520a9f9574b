"""The report of a what-if: one HTML page that needs nothing beside it, with what was changed and what became of it."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from app.method_names import method_name
from app.rule_words import note_text, ruled_sentences
from app.views.shown import digits, number, part_name, place_text, signed
from app.whatif.edits import text_of
from app.whatif.neighbours import Neighbour, around
from app.whatif.page import Page
from app.whatif.parts import change_texts, part_changes, score_places
from engine.answers import Ranking, RunSummary
from engine.explain.figure import COLOURS, DOWN, UP
from engine.explain.types import Explanation, ItemText, Token
from engine.files import write_bytes
from engine.scenario import ItemEdit, PastEdit, Scenario

_ROWS = 11  # of the list, around the product


def tr(text: str) -> str:
    return QCoreApplication.translate("WhatIfReport", text)


@dataclass(frozen=True)
class Told:
    """What a report is made of. old: the explanation before, None for one that cannot be. lists: before and after."""

    run: RunSummary
    scenario: Scenario
    old: Explanation | None
    new: Explanation
    lists: tuple[Ranking | None, Ranking | None]
    page: Page


def write(told: Told, file: Path) -> None:
    """Write the report. HeedmapError when it cannot be written."""
    write_bytes(file, page_of(told).encode())


def page_of(told: Told) -> str:
    """The report as HTML."""
    new, old = told.new, told.old
    made_up = f" {tr('Synthetic data: an invented shop.')}" if told.run.dataset.synthetic else ""
    facts = [
        new.user if told.scenario.past_of(new.user).invented else tr("Shopper {user}").format(user=new.user),
        tr("run {run}").format(run=new.run),
        method_name(new.method),
        told.run.dataset.name,
        QLocale().toString(QDateTime.currentDateTime(), QLocale.FormatType.ShortFormat),
    ]
    legend = tr("Orange pushes the product up, blue pulls it down. Full colour is the largest share of both maps.")
    body = [
        f"<h1>{escape(tr('What if: {title}').format(title=new.title))}</h1>",
        f"<p class=muted>{escape(' · '.join(facts))}.{escape(made_up)}</p>",
        _figures(old, new),
        _section(tr("What was changed"), _changes(told)),
        *(f"<p class=muted>{escape(said)}</p>" for said in (*ruled_sentences(new), *map(note_text, new.notes))),
        _section(tr("Parts of the score"), _parts(old, new)) if new.sums_to_score else "",
        "<div class=two>",
        *(
            f"<div><h2>{escape(name)}</h2>{_photo(found, told, unit)}{_texts(found)}</div>"
            for name, found in ((tr("Before"), old), (tr("After"), new))
            if found is not None
            for unit in (_unit(told, "image"),)
        ),
        "</div>",
        _section(tr("The list around the product"), _lists(told)),
        f"<p class=muted>{escape(legend)}</p>",
    ]
    language = "zh-CN" if QLocale().language() == QLocale.Language.Chinese else "en"
    return (
        f"<!doctype html><html lang={language}><meta charset=utf-8><title>{escape(new.title)} - Heedmap</title>"
        f"<style>{_STYLE}</style><body><main>{''.join(body)}</main></body></html>\n"
    )


_STYLE = """
body{font:14px/1.5 system-ui,sans-serif;color:#1c2430;background:#f4f5f7}
body{max-width:1000px;margin:24px auto;padding:0 16px}
h1{font-size:20px;margin:0}h2{font-size:13px;color:#5c6776;margin:16px 0 4px}.muted{color:#5c6776}
.figures{display:flex;gap:32px;margin:12px 0}.figures b{font-size:22px;font-weight:600;display:block}
.card,.two>div{background:#fff;border:1px solid #e2e5ea;border-radius:8px;padding:12px 16px}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:16px;margin-top:16px}
.two h2{margin-top:12px}.two h2:first-child{margin-top:0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:2px 16px 2px 0;text-align:left}
th{color:#5c6776;font-weight:600;font-size:12px}td.n{text-align:right}tr.own td{font-weight:600}
mark{color:inherit;border-radius:3px;padding:0 1px}del{color:#5c6776}ins{text-decoration:none;font-weight:600}
ul{margin:0;padding-left:18px}.lists{display:grid;grid-template-columns:1fr 1fr;gap:16px}
"""


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2><div class=card>{content}</div>" if content else ""


def _figures(old: Explanation | None, new: Explanation) -> str:
    places = score_places(new.score if old is None else old.score, new.score)
    if old is None:
        rank, score = place_text(new), number(new.score, places)
    else:
        rank = f"{place_text(old)} → {place_text(new)}"
        score = f"{number(old.score, places)} → {number(new.score, places)}"
    whole = tr("of {n}").format(n=f"{new.catalogue:,}")
    change = "" if old is None else signed(new.score - old.score, places)
    return (
        f"<div class=figures><div><span class=muted>{escape(tr('Rank'))}</span><b>{rank}</b>"
        f"<span class=muted>{escape(whole)}</span></div><div><span class=muted>{escape(tr('Score'))}</span>"
        f"<b>{score}</b><span class=muted>{change}</span></div></div>"
    )


# --- what was changed -----------------------------------------------------------------------------------------------


def _changes(told: Told) -> str:
    rows = [row for edit in told.scenario.edits for row in _page_changes(edit, told)]
    rows += [row for past in told.scenario.pasts for row in _past_changes(past, told.run)]
    if told.scenario.rules:
        rows.append(escape(tr("Business rules: {file}").format(file=told.scenario.rules)))
    return f"<ul>{''.join(f'<li>{row}</li>' for row in rows)}</ul>" if rows else ""


def _page_changes(edit: ItemEdit, told: Told) -> list[str]:
    own = edit.item == told.new.item
    page = told.page if own else Page()
    start = "" if own else f"{escape(_title(told.run, edit.item))}: "
    rows = []
    for field, text in edit.texts:
        before = text_of(ItemEdit(edit.item), page.texts, field)
        rows.append(f"{start}{escape(_field(field))}: <del>{escape(before)}</del> <ins>{escape(text)}</ins>")
    if edit.photo is not None:
        rows.append(start + escape(tr("Photo taken away") if edit.photo == "" else tr("Photo edited or swapped")))
    if edit.attributes is not None:
        gone = [pair for pair in page.attributes if pair not in edit.attributes] if own else []
        come = [pair for pair in edit.attributes if pair not in page.attributes]
        words = [f"<del>{escape(name)}: {escape(value)}</del>" for name, value in gone]
        words += [f"<ins>{escape(name)}: {escape(value)}</ins>" for name, value in come]
        rows.append(f"{start}{escape(tr('Attributes'))}: {', '.join(words)}")
    if edit.dropped:
        names = ", ".join(_dropped(token) for token in edit.dropped)
        rows.append(f"{start}{escape(tr('Taken away'))}: <del>{escape(names)}</del>")
    return rows


def _dropped(token: Token) -> str:
    if token.modality == "image":
        return tr("photo cell {place}").format(place=token.label)
    return token.label


def _past_changes(past: PastEdit, run: RunSummary) -> list[str]:
    who = tr("Past of {user}").format(user=past.user)
    gone = set(past.removed)
    moved = [event.item for event in past.added if event.item in gone]
    rows = [tr("Invented shopper {user}").format(user=past.user)] if past.invented else []
    for name, items in (
        (tr("added"), [event.item for event in past.added if event.item not in gone]),
        (tr("removed"), [item for item in past.removed if item not in moved]),
        (tr("moved"), moved),
    ):
        if items:
            rows.append(f"{who}, {name}: {', '.join(_title(run, item) for item in items)}")
    return [escape(row) for row in rows]


def _title(run: RunSummary, item: str) -> str:
    return run.items.title[run.items.item.index(item)] if item in run.items.item else item


def _field(field: str) -> str:
    names = {"title": tr("Title"), "description": tr("Description")}
    return names.get(field, tr("Review"))


# --- what became of it ----------------------------------------------------------------------------------------------


def _parts(old: Explanation | None, new: Explanation) -> str:
    rows = part_changes(old, new)
    places = digits(max((abs(value) for row in rows for value in (row.before, row.after)), default=1.0))
    unit = max((abs(value) for row in rows for value in (row.before, row.after)), default=0.0) or 1.0
    head = f"<tr><th><th>{escape(tr('before'))}<th>{escape(tr('after'))}<th>{escape(tr('change'))}<th>"
    lines = "".join(
        f"<tr><td>{escape(part_name(row.part))}<td class=n>{number(row.before, places)}"
        f"<td class=n>{number(row.after, places)}<td class=n>{change or '–'}"
        f"<td>{_bars(row.before / unit, row.after / unit, COLOURS.get(row.part, '#64748b'))}"
        for row, change in zip(rows, change_texts(rows), strict=True)
    )
    return f"<table>{head}{lines}</table>"


def _bars(before: float, after: float, colour: str) -> str:
    def bar(value: float, top: int, opacity: float) -> str:
        return (
            f"<rect y={top} height=6 rx=2 x={120 + min(0.0, 120 * value):.1f} width={abs(120 * value):.1f}"
            f" fill-opacity={opacity} fill='{colour}'/>"
        )

    return f"<svg width=240 height=16>{bar(before, 1, 0.4)}{bar(after, 9, 1)}</svg>"


def _unit(told: Told, modality: str) -> float:
    """Full heat of both maps: the largest share of either."""
    found = [one for one in (told.old, told.new) if one is not None]
    shares = [
        abs(float(share))
        for one in found
        for token, share in zip(one.tokens, _shares(one), strict=True)
        if token.modality == modality
    ]
    return max(shares, default=0.0)


def _shares(found: Explanation) -> Sequence[float]:
    shares: Sequence[float] = np.asarray(found.share if len(found.share) else found.contribution).tolist()
    return shares


def _fill(share: float, unit: float) -> str:
    strength = min(0.65, 0.65 * abs(share) / unit) if unit else 0.0
    return f"fill-opacity={strength:.3f} fill='{UP if share > 0 else DOWN}'"


def _photo(found: Explanation, told: Told, unit: float) -> str:
    file = Path(told.run.dataset.folder) / found.images[0] if found.images else None
    if file is None or not file.is_file():
        return f"<p class=muted>{escape(tr('No photo.'))}</p>"
    kind = mimetypes.guess_type(file.name)[0] or "image/jpeg"
    uri = f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
    cells = "".join(
        f"<rect x={box[0] * 100:.2f} y={box[1] * 100:.2f} width={(box[2] - box[0]) * 100:.2f}"
        f" height={(box[3] - box[1]) * 100:.2f} {_fill(share, unit)}><title>{signed(share, 4)}</title></rect>"
        for token, share in zip(found.tokens, _shares(found), strict=True)
        if (box := token.box) is not None
    )
    return (
        f"<div style='position:relative;width:320px;max-width:100%'><img alt='{escape(found.title)}' src='{uri}'"
        " style='display:block;width:100%;filter:grayscale(.8) brightness(1.1)'><svg viewBox='0 0 100 100'"
        f" preserveAspectRatio=none style='position:absolute;inset:0;width:100%;height:100%'>{cells}</svg></div>"
    )


def _texts(found: Explanation) -> str:
    words = [
        (token.field, token.span, share)
        for token, share in zip(found.tokens, _shares(found), strict=True)
        if token.modality == "text" and token.span is not None
    ]
    unit = max((abs(share) for _, _, share in words), default=0.0)
    out = []
    for text in (one for one in found.texts if one.heeded):
        marks = {span: share for field, span, share in words if field == text.field}
        out.append(f"<h2>{escape(_field(text.field))}</h2><div>{_marked(text, marks, unit)}</div>")
    return "".join(out)


def _marked(text: ItemText, marks: dict[tuple[int, int], float], unit: float) -> str:
    out, place = [], 0
    for (start, end), share in sorted(marks.items()):
        red, green, blue = (int((UP if share > 0 else DOWN)[at : at + 2], 16) for at in (1, 3, 5))
        strength = min(0.65, 0.65 * abs(share) / unit) if unit else 0.0
        out.append(escape(text.text[place:start]))
        out.append(
            f"<mark title='{signed(share, 4)}' style='background:rgba({red},{green},{blue},{strength:.3f})'>"
            f"{escape(text.text[start:end])}</mark>"
        )
        place = end
    return "".join([*out, escape(text.text[place:])])


def _lists(told: Told) -> str:
    before, after = told.lists
    if after is None:
        return ""
    sides: list[tuple[str, list[Neighbour]]] = []
    if before is not None:
        sides.append((tr("before"), around(before, told.new.item, _ROWS, told.old)))
    sides.append((tr("after"), around(after, told.new.item, _ROWS, told.new, before)))
    row: Callable[[Neighbour], str] = lambda one: (  # noqa: E731
        f"<tr class={'own' if one.item == told.new.item else 'other'}><td class=n>{one.rank:,}<td>{escape(one.title)}"
        f"<td class=muted>{_arrow(one.moved)}"
    )
    tables = "".join(
        f"<div><span class=muted>{escape(name)}</span><table>{''.join(row(one) for one in rows)}</table></div>"
        for name, rows in sides
    )
    return f"<div class=lists>{tables}</div>"


def _arrow(moved: int | None) -> str:
    return f"{'▲' if moved > 0 else '▼'} {abs(moved)}" if moved else ""
