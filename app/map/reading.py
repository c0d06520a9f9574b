"""What a projection says, point by point: names, cards, labels, members of a segment, a table for an export."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QPointF

from app.map.canvas import Told
from app.map.colours import OTHER, Colouring
from app.map.names import column_name, value_at, value_name
from app.segments import Segment
from app.theme import Theme
from engine.columns import Column, Projection

_LINES = 4  # of the card beside the pointer
_TIGHT = 0.6  # of the whole map's spread, below which a category is labelled


def tr(text: str) -> str:
    return QCoreApplication.translate("Map", text)


def name_of(found: Projection, point: int) -> str:
    """What a point is called; a reason is called by its product."""
    return tr("Shopper {name}").format(name=found.users[point]) if found.what == "users" else found.title[point]


def told(found: Projection, column: Column | None, point: int) -> Told:
    """The card of a point: the column that colours it first."""
    lines = []
    if found.what == "reasons":
        lines.append(tr("for shopper {name}").format(name=found.users[point]))
    first = [column] if column is not None else []
    for one in [*first, *(one for one in found.columns if one is not column and one.name != "group")]:
        if len(lines) < _LINES and (said := value_at(one, point)):
            lines.append(f"{column_name(one)}: {said}")
    pictured = found.what != "users"
    return Told(name_of(found, point), tuple(lines), found.image[point] if pictured else None, pictured)


def members_of(found: Projection | None, segment: Segment | None) -> NDArray[np.bool_] | None:
    """Which points a segment holds; None where the map shows nothing of its kind."""
    if segment is None or found is None:
        return None
    keys = found.items if segment.kind == "items" else found.users
    return np.array([key in segment.keys for key in keys], bool) if keys else None


def labels_of(found: Projection, coloured: Colouring) -> tuple[tuple[str, QPointF], ...]:
    """Names of the categories whose points lie together, at their middle."""
    if coloured.column is None:
        return ()
    whole = found.place.std(axis=0).mean()
    labels = []
    for entry in coloured.entries:
        mine = found.place[coloured.code == entry.code]
        if entry.code != OTHER and len(mine) > 2 and mine.std(axis=0).mean() < _TIGHT * whole:
            x, y = np.median(mine, axis=0).tolist()
            labels.append((value_name(coloured.column, entry.name), QPointF(x, y)))
    return tuple(labels)


def pale(pixel: NDArray[np.uint32], theme: Theme) -> NDArray[np.uint32]:
    """Colours that stand back: a fifth of each, laid over the panel."""
    made = np.full(len(pixel), 0xFF000000, np.uint32)
    for shift, ground in ((16, theme.panel.red()), (8, theme.panel.green()), (0, theme.panel.blue())):
        part = ((pixel >> np.uint32(shift)) & np.uint32(255)).astype(np.float32)
        made |= (part * 0.2 + ground * 0.8).astype(np.uint32) << np.uint32(shift)
    return made


def table_of(found: Projection, selection: NDArray[np.int64]) -> dict[str, list[Any]]:
    """Every point with its place and columns, for an export."""
    rows = range(len(found))
    table: dict[str, list[Any]] = {}
    if found.users:
        table["user"] = list(found.users)
    if found.items:
        table |= {"item": list(found.items), "title": list(found.title)}
    table |= {"x": found.place[:, 0].tolist(), "y": found.place[:, 1].tolist()}
    for column in found.columns:
        number = column.kind in ("number", "date")
        name = column.name if column.name not in table else f"{column.name} of the dataset"
        table[name] = column.values.tolist() if number else [value_at(column, row) for row in rows]
    chosen = np.zeros(len(found), bool)
    chosen[selection] = True
    return table | {"selected": chosen.tolist()}
