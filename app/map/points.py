"""The points that are selected, or in sight, as a list: what the mouse reaches on the map, keys reach here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.map.reading import name_of, tr
from app.views.shoppers import CatalogueModel
from engine.answers import RunSummary
from engine.columns import Projection

SHOWN = 2000  # rows at most: nobody reads more


class PointsModel(CatalogueModel):
    """Points of a projection by name; a reason by its shopper and product."""

    kind = "items"

    def open(self, run: RunSummary | None) -> None:
        self.show_points(None, ())

    def show_points(self, found: Projection | None, points: Sequence[int] | NDArray[np.int64]) -> None:
        """List these points, as many as can be read."""
        self._found = found
        self._points = [int(point) for point in points[:SHOWN]]
        if found is None:
            self.fill((), ((),))
        else:
            keys = [str(point) for point in self._points]
            self.fill(keys, (tuple(name_of(found, point) for point in self._points),))

    def point(self, row: int) -> int:
        """The point of a row."""
        return self._points[self.source(row)]

    def name(self, row: int) -> str:
        return self._columns[0][row]

    def detail(self, row: int) -> str:
        found = self._found
        if found is None:
            return ""
        point = self._points[row]
        if found.what == "reasons":
            return tr("for shopper {name}").format(name=found.users[point])
        column = next((one for one in found.columns if one.name in ("category", "taste")), None)
        if column is None or column.first[point] < 0:
            return ""
        return column.names[column.first[point]]

    def image(self, row: int) -> str | None:
        return self._found.image[self._points[row]] if self._found is not None and self._found.image else None
