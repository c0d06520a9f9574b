"""The figures behind what the Data view shows, for an export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.views.view import Numbers
from engine.dataset.tables import Distribution, Page


def rows_name(table: str, pages: list[Page]) -> str:
    """What the rows at hand are called: the table, or a part of it."""
    have, total = sum(len(page.rows) for page in pages), pages[-1].total
    return table if have >= total else f"{table}, {have} of {total} rows"


def numbers(table: str, pages: list[Page], lies: Distribution | None) -> Numbers:
    """The rows at hand of a table, all of them where there are few, else named so; how the values of a column lie."""
    found: dict[str, Mapping[str, Sequence[Any]]] = {}
    if pages:
        found[rows_name(table, pages)] = {
            name: [cell for page in pages for cell in page.cells[place]] for place, name in enumerate(pages[0].columns)
        }
    if lies is not None and lies.counts:
        found[f"values of {lies.column}"] = {
            "from": lies.edges[:-1], "to": lies.edges[1:], "rows": lies.counts,
        }  # fmt: skip
    elif lies is not None:
        found[f"values of {lies.column}"] = {
            "value": [value for value, _ in lies.top], "rows": [rows for _, rows in lies.top],
        }  # fmt: skip
    return found
