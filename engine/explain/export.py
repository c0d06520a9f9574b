"""An explanation as a file: a self-contained HTML page, an SVG figure, a CSV table, or JSON."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import mimetypes
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.explain.figure import COLOURS, svg
from engine.explain.sentences import sentences
from engine.explain.types import Explanation, ItemText, RuleEffect
from engine.files import write_bytes

NAMES = {
    "image": "photo",
    "text": "words",
    "audio": "sound",
    "attribute": "attributes",
    "link": "links",
    "identity": "identity",
    "history": "past choices",
    "bias": "item bias",
}
_UP, _DOWN = (194, 65, 12), (37, 99, 168)


def export(explanation: Explanation, dataset: Dataset, out: Path) -> None:
    """Write to `out` by its suffix: .html, .svg, .csv or .json. HeedmapError for any other."""
    writers = {".html": _html, ".svg": _svg, ".csv": _csv, ".json": _json}
    if out.suffix not in writers:
        raise HeedmapError(f"{out.name} has no known suffix.", f"Use one of {', '.join(writers)}, .png.")
    write_bytes(out, writers[out.suffix](explanation, dataset).encode())


def summary(explanation: Explanation) -> str:
    """A few lines for a terminal: the sum, what pushes most, the grade."""
    parts = " ".join(f"{value:+.3f} {NAMES[name]}" for name, value in explanation.parts().items() if value)
    lines = [
        f"{explanation.title} ({explanation.item}) for shopper {explanation.user}:"
        f" rank {explanation.rank} of {explanation.catalogue:,}",
        f"score {explanation.score:.3f} = {parts}   (gap {explanation.completeness_gap:.1e})"
        if explanation.tokens
        else f"score {explanation.score:.3f}",
    ]
    shares = strength(explanation)
    best = [index for index in np.argsort(-np.abs(shares))[:8] if shares[index]]
    for index in best:
        token = explanation.tokens[index]
        lines.append(f"{shares[index]:>+9.3f}  {NAMES[token.modality]}: {token.label}")
    if not explanation.tokens:  # a scorer from elsewhere: all that is known is what each past event does
        lines += [f"{one.contribution:>+9.3f}  without: {one.title}" for one in explanation.history if one.contribution]
    lines += [
        *sentences(explanation)[1:-1],
        grade_sentence(explanation),
        *rule_sentences(explanation),
        *(f"Note: {one}" for one in explanation.notes),
    ]
    return "\n".join(lines)


def rule_sentences(explanation: Explanation) -> list[str]:
    """What business rules made of the product's place; nothing where none was applied."""
    if explanation.shown_rank is None:
        return []
    said = [f"Rule {effect_sentence(one)}" for one in explanation.effects]
    boost = sum(one.score_change for one in explanation.effects)
    if boost:
        said.append(f"Ranked by {explanation.score + boost:.3f} = score {explanation.score:.3f} {boost:+.3f} by rules.")
    place = f"at rank {explanation.shown_rank}" if explanation.shown_rank else "nowhere: a rule took it out"
    return [*said, f"Under the rules it is shown {place}; the model's rank is {explanation.rank}."]


def effect_sentence(effect: RuleEffect) -> str:
    """One effect of a rule, such as "own brand (boost): +0.300, rank 7 to 2"."""
    change = f"{effect.score_change:+.3f}, " if effect.score_change else ""
    after = f"rank {effect.rank_before} to {effect.rank_after}" if effect.rank_after else "taken out"
    return f"{effect.rule} ({effect.kind}): {change}{after}"


def grade_sentence(explanation: Explanation) -> str:
    """What the grade was measured from."""
    grade = explanation.faithfulness
    if grade is None:
        return "No grade: the product has too few parts to remove."
    fate = "; it loses to random order: do not trust it" if grade.grade == "F" else ""
    return (
        f"Grade {grade.grade}{fate}. Removing the top 20 % moves the product from rank {explanation.rank} to"
        f" {grade.rank_after}; removing 20 % at random, to {grade.random_rank_after} (median of {len(grade.random)})."
    )


def strength(explanation: Explanation) -> NDArray[np.float64]:
    """What the method's map shows of each token: shares of the score, or attention averaged over heads."""
    return explanation.share if len(explanation.share) else explanation.contribution


def _json(explanation: Explanation, dataset: Dataset) -> str:
    return json.dumps(explanation.to_json(), ensure_ascii=False, indent=2) + "\n"


def _csv(explanation: Explanation, dataset: Dataset) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = range(explanation.attention.shape[1])
    writer.writerow(
        ["modality", "label", "field", "start", "end", "x0", "y0", "x1", "y1", "contribution"]
        + [f"attention {head + 1}" for head in heads]
    )
    for token, share, attention in zip(
        explanation.tokens, explanation.contribution, explanation.attention, strict=True
    ):
        span, box = token.span or ("", ""), token.box or ("", "", "", "")
        writer.writerow([token.modality, token.label, token.field, *span, *box, share, *attention])
    writer.writerow(["bias", "", "", "", "", "", "", "", "", explanation.bias, *("" for _ in heads)])
    return out.getvalue()


def _data_uri(explanation: Explanation, dataset: Dataset) -> str:
    """The explained photo inside a text; empty without one."""
    path = dataset.folder / explanation.images[0] if explanation.images else None
    if path is None or not path.is_file():
        return ""
    kind = mimetypes.guess_type(path.name)[0] or "image/jpeg"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _svg(explanation: Explanation, dataset: Dataset) -> str:
    made_up = " (synthetic)" if dataset.manifest.synthetic else ""
    about = (
        f"Shopper {explanation.user}, rank {explanation.rank} of {explanation.catalogue:,}, {explanation.method},"
        f" {dataset.manifest.name}{made_up}"
    )
    notes = (about, grade_sentence(explanation))
    return svg(explanation, strength(explanation), NAMES, _data_uri(explanation, dataset), notes)


def _html(explanation: Explanation, dataset: Dataset) -> str:
    shares = strength(explanation)
    words = [abs(float(s)) for token, s in zip(explanation.tokens, shares, strict=True) if token.modality == "text"]
    unit = max(words, default=0.0)
    note = "Synthetic data: an invented shop." if dataset.manifest.synthetic else ""
    body = [
        f"<h1>{html.escape(explanation.title)}</h1>",
        f"<p class=muted>Shopper {html.escape(explanation.user)} · rank {explanation.rank} of"
        f" {explanation.catalogue:,} · score {explanation.score:.3f} · method {html.escape(explanation.method)} · run"
        f" {html.escape(explanation.run)} · {html.escape(dataset.manifest.name)}. {note}</p>",
        f"<p><b>{html.escape(' '.join(sentences(explanation)))}</b></p>",
        *(f"<p>{html.escape(one)}</p>" for one in (*rule_sentences(explanation), *explanation.notes)),
        _sum_bars(explanation),
        "<div class=two><div>",
        _photo(explanation, dataset, shares),
        _rows("Attributes and links", _attribute_rows(explanation, shares)),
        "</div><div>",
        *(_text(explanation, text, shares, unit) for text in explanation.texts),
        "</div></div>",
        _rows("Past purchases (score lost without each)", _history_rows(explanation)),
        "<p class=muted>Orange pushes the product up for this shopper, blue pulls it down. Full colour is the largest"
        " share among the photo's cells, and among the words.</p>",
    ]
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(explanation.title)} - Heedmap</title>"
        f"<style>{_STYLE}</style><body><main>{''.join(body)}</main></body></html>\n"
    )


_STYLE = """
body{font:14px/1.5 system-ui,sans-serif;color:#1c2430;background:#f4f5f7}
body{max-width:1000px;margin:24px auto;padding:0 16px}
h1{font-size:20px;margin:0}h2{font-size:13px;color:#5c6776;margin:16px 0 4px}
table{margin-bottom:12px}.muted{color:#5c6776}
.two{display:grid;grid-template-columns:340px 1fr;gap:16px}
.two{background:#fff;border:1px solid #e2e5ea;border-radius:8px;padding:12px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td{padding:1px 12px 1px 0}
mark{color:inherit;border-radius:3px;padding:0 1px}.unread{opacity:.72}svg{max-width:100%}
"""


def _heat(share: float, unit: float) -> str:
    red, green, blue = _UP if share > 0 else _DOWN
    return f"rgba({red},{green},{blue},{min(0.65, 0.65 * abs(share) / unit) if unit else 0:.3f})"


def _sum_bars(explanation: Explanation) -> str:
    parts = explanation.parts()
    unit = max(abs(value) for value in parts.values()) or 1.0
    rows = "".join(
        f"<tr><td>{NAMES[name]}<td align=right>{value:+.4f}<td><svg width=240 height=12><rect y=1 height=10 rx=2 x="
        f"{120 + min(0.0, 120 * value / unit):.1f} width={abs(120 * value / unit):.1f} fill='{COLOURS[name]}'/></svg>"
        for name, value in parts.items()
    )
    total = f"<tr><td><b>score</b><td align=right><b>{explanation.score:.4f}</b><td class=muted>"
    return f"<table>{rows}{total}sum minus score {explanation.completeness_gap:.1e}</table>"


def _photo(explanation: Explanation, dataset: Dataset, shares: NDArray[np.float64]) -> str:
    if not explanation.images:
        return "<p class=muted>This product has no photo.</p>"
    uri = _data_uri(explanation, dataset)
    if not uri:
        return "<p class=muted>The photo is missing from the dataset.</p>"
    cells = [(token, share) for token, share in zip(explanation.tokens, shares, strict=True) if token.box]
    unit = max((abs(float(share)) for _, share in cells), default=0.0)
    rectangles = "".join(
        f"<rect x={box[0] * 100:.2f} y={box[1] * 100:.2f} width={(box[2] - box[0]) * 100:.2f}"
        f" height={(box[3] - box[1]) * 100:.2f} fill='{_heat(float(share), unit)}'><title>{share:+.4f}</title></rect>"
        for token, share in cells
        if (box := token.box) is not None
    )
    return (
        f"<div style='position:relative;width:320px'><img width=320 alt='' style='display:block;filter:grayscale(.8)"
        f" brightness(1.1)' src='{uri}'><svg viewBox='0 0 100 100' preserveAspectRatio=none"
        f" style='position:absolute;inset:0;width:100%;height:100%'>{rectangles}</svg></div>"
    )


def _text(explanation: Explanation, text: ItemText, shares: NDArray[np.float64], unit: float) -> str:
    marks = sorted(
        (token.span, float(share))
        for token, share in zip(explanation.tokens, shares, strict=True)
        if token.modality == "text" and token.field == text.field and token.span
    )
    out, place = [], 0
    for (start, end), share in marks:
        out.append(html.escape(text.text[place:start]))
        word = html.escape(text.text[start:end])
        out.append(f"<mark title='{share:+.4f}' style='background:{_heat(share, unit)}'>{word}</mark>")
        place = end
    out.append(html.escape(text.text[place:]))
    who = f" by {html.escape(text.author)}" if text.author else ""
    name = "Review" + who if text.field.startswith("review:") else text.field.capitalize()
    unread = "" if text.heeded else " (not read by the model)"
    return f"<h2>{name}{unread}</h2><div class='{'' if text.heeded else 'unread'}'>{''.join(out)}</div>"


def _rows(title: str, rows: list[tuple[str, float | None]]) -> str:
    if not rows:
        return ""
    cells = "".join(
        f"<tr><td>{html.escape(name)}<td align=right>{'' if value is None else f'{value:+.4f}'}" for name, value in rows
    )
    return f"<h2>{title}</h2><table>{cells}</table>"


def _attribute_rows(explanation: Explanation, shares: NDArray[np.float64]) -> list[tuple[str, float | None]]:
    found: list[tuple[str, float]] = [
        (f"{token.field.replace('_', ' ')}: {token.label}", float(share))
        for token, share in zip(explanation.tokens, shares, strict=True)
        if token.modality in ("attribute", "link")
    ]
    return [*sorted(found, key=lambda row: -abs(row[1]))]


def _history_rows(explanation: Explanation) -> list[tuple[str, float | None]]:
    return [(f"{event.time[:10]}  {event.title}", event.contribution) for event in explanation.history]
