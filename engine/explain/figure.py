"""An explanation as one SVG figure: the sum, the photo under its heat, the texts with weighted words, attributes."""

from __future__ import annotations

import html

import numpy as np
from numpy.typing import NDArray

from engine.explain.types import Explanation, ItemText

COLOURS = {
    "image": "#d97706",
    "text": "#0f766e",
    "audio": "#0369a1",
    "attribute": "#7c3aed",
    "link": "#4d7c0f",
    "identity": "#64748b",
    "history": "#be185d",
    "bias": "#a3a8b4",
}
UP, DOWN = "#c2410c", "#2563a8"
_WIDTH, _PHOTO, _GAP = 960, 320, 16
_CHARACTER, _LINE = 7.83, 20  # of 13 px monospace, whose words can be placed without measuring them
_COLUMNS = int((_WIDTH - _PHOTO - 3 * _GAP) / _CHARACTER)


def svg(
    explanation: Explanation, shares: NDArray[np.float64], names: dict[str, str], photo: str, notes: tuple[str, str]
) -> str:
    """Draw `shares` (float64[tokens]). photo: a data URI or "". names: of the parts. notes: two lines."""
    left, bottom = _left(explanation, shares, photo)
    right, lower = _texts(explanation, shares)
    top = 96
    bars = _sum(explanation, names, lower + _GAP)
    height = top + _GAP + max(bottom, lower + _GAP + 20 * (len(explanation.parts()) + 1))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height:.0f}" font-family="sans-serif"'
        f' font-size="13" fill="#1c2430"><rect width="100%" height="100%" fill="#ffffff"/>'
        f'<text x="{_GAP}" y="30" font-size="18" font-weight="bold">{html.escape(explanation.title)}</text>'
        f'<text x="{_GAP}" y="52" fill="#6b7686">{html.escape(notes[0])}</text>'
        f'<text x="{_GAP}" y="74">{html.escape(notes[1])}</text>'
        f'<g transform="translate({_GAP},{top})">{left}</g>'
        f'<g transform="translate({_PHOTO + 2 * _GAP},{top})">{right}{bars}</g></svg>\n'
    )


def _heat(share: float, unit: float) -> str:
    strength = 0.65 * abs(share) / unit if unit else 0.0
    return f'fill="{UP if share > 0 else DOWN}" fill-opacity="{strength:.3f}"'


def _unit(values: list[float]) -> float:
    return max((abs(value) for value in values), default=0.0)


def _left(explanation: Explanation, shares: NDArray[np.float64], photo: str) -> tuple[str, float]:
    """The photo (squeezed into a square, as the model saw it) and the bars of attributes and links."""
    rows = list(zip(explanation.tokens, shares.tolist(), strict=True))
    out, y = [], 0.0
    if photo:
        out.append(f'<image width="{_PHOTO}" height="{_PHOTO}" preserveAspectRatio="none" href="{photo}"/>')
        cells = [(token.box, share) for token, share in rows if token.box]
        unit = _unit([share for _, share in cells])
        out += [
            f'<rect x="{x0 * _PHOTO:.1f}" y="{y0 * _PHOTO:.1f}" width="{(x1 - x0) * _PHOTO:.1f}"'
            f' height="{(y1 - y0) * _PHOTO:.1f}" {_heat(share, unit)}/>'
            for (x0, y0, x1, y1), share in cells
        ]
        y = _PHOTO + 2.0 * _GAP
    named = [
        (f"{token.field.replace('_', ' ')}: {token.label}", share)
        for token, share in rows
        if token.modality in ("attribute", "link")
    ]
    named.sort(key=lambda row: -abs(row[1]))
    return "".join(out) + _bars(named[:12], y), y + 20 * min(12, len(named))


def _bars(rows: list[tuple[str, float]], y: float) -> str:
    unit = _unit([share for _, share in rows])
    out = []
    for place, (name, share) in enumerate(rows):
        line = y + 20 * place
        length = 60 * abs(share) / unit if unit else 0.0
        out.append(
            f'<text x="0" y="{line:.0f}">{html.escape(name[:26])}</text>'
            f'<rect x="{250 + (0 if share > 0 else -length):.1f}" y="{line - 9:.0f}" width="{length:.1f}" height="8"'
            f' fill="{UP if share > 0 else DOWN}"/>'
        )
    return "".join(out)


def _texts(explanation: Explanation, shares: NDArray[np.float64]) -> tuple[str, float]:
    """The texts that the model read, word by word, broken into lines of a fixed number of characters."""
    words = [
        (token.field, token.span, share)
        for token, share in zip(explanation.tokens, shares.tolist(), strict=True)
        if token.modality == "text" and token.span
    ]
    unit = _unit([share for _, _, share in words])
    out, y = [], 13.0
    for text in (one for one in explanation.texts if one.heeded):
        marks = {span: share for field, span, share in words if field == text.field}
        drawn, y = _paragraph(text, marks, unit, y)
        out.append(drawn)
    return f'<g font-family="monospace">{"".join(out)}</g>', y


def _paragraph(text: ItemText, marks: dict[tuple[int, int], float], unit: float, y: float) -> tuple[str, float]:
    out, place, column = [], 0, 0
    for start, end in sorted(marks):
        gap = 1 if text.text[place:start].strip() == "" and start > place else 0
        word = text.text[start:end]
        if column + gap + len(word) > _COLUMNS:
            y, column, gap = y + _LINE, 0, 0
        column += gap
        x = column * _CHARACTER
        out.append(
            f'<rect x="{x:.1f}" y="{y - 13:.0f}" width="{len(word) * _CHARACTER:.1f}" height="17" rx="3"'
            f' {_heat(marks[start, end], unit)}/><text x="{x:.1f}" y="{y:.0f}">{html.escape(word)}</text>'
        )
        column, place = column + len(word), end
    return "".join(out), y + 1.5 * _LINE


def _sum(explanation: Explanation, names: dict[str, str], y: float) -> str:
    parts = explanation.parts()
    unit = _unit(list(parts.values())) or 1.0
    out = []
    for place, (name, value) in enumerate(parts.items()):
        line, length = y + 20 * place, 180 * abs(value) / unit
        out.append(
            f'<text x="0" y="{line:.0f}">{names[name]}</text><text x="190" y="{line:.0f}" text-anchor="end">'
            f'{value:+.4f}</text><rect x="{400 + (0 if value > 0 else -length):.1f}" y="{line - 9:.0f}"'
            f' width="{length:.1f}" height="9" fill="{COLOURS[name]}"/>'
        )
    line = y + 20 * len(parts)
    gap = f"sum minus score {explanation.completeness_gap:.1e}"
    out.append(
        f'<text x="0" y="{line:.0f}" font-weight="bold">score</text><text x="190" y="{line:.0f}"'
        f' text-anchor="end" font-weight="bold">{explanation.score:.4f}</text><text x="220" y="{line:.0f}"'
        f' fill="#6b7686">{gap}</text>'
    )
    return "".join(out)
