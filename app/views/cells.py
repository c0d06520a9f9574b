"""Where the cells of a photo lie, in 0..1 of it: which one is at a point, which a rectangle touches, and the outline of
several together."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QLineF, QPointF, QRectF

from app.views.heat import place_of
from app.views.shown import HOLE, Shown


class Cells:
    """The lattice of an explanation's photo. A cell is named as in `Shown.lattice`: a token, or ~place of a removed
    one."""

    def __init__(self, shown: Shown | None) -> None:
        self._lattice: list[list[int]] = shown.lattice.tolist() if shown is not None else []
        self._places = {
            cell: (row, column)
            for row, line in enumerate(self._lattice)
            for column, cell in enumerate(line)
            if cell != HOLE
        }
        self.covered = place_of(shown.covered) if shown is not None else QRectF()
        self.rows = len(self._lattice)
        self.columns = len(self._lattice[0]) if self._lattice else 0
        self.removed = [cell for cell in self._places if cell < 0]

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, cell: int) -> bool:
        return cell in self._places

    def at(self, point: QPointF) -> int:
        """The cell at a point, or HOLE."""
        return self.in_row(*self._row_of(point)) if self.covered.contains(point) else HOLE

    def in_row(self, row: int, column: int) -> int:
        """The cell in a row and column, or HOLE."""
        inside = 0 <= row < self.rows and 0 <= column < self.columns
        return self._lattice[row][column] if inside else HOLE

    def row_of(self, cell: int) -> tuple[int, int]:
        """The row and column of a cell."""
        return self._places[cell]

    def box(self, cell: int) -> QRectF:
        """Where a cell lies; an empty rectangle for what is none."""
        if cell not in self._places:
            return QRectF()
        row, column = self._places[cell]
        wide, high = self._size()
        return QRectF(self.covered.left() + column * wide, self.covered.top() + row * high, wide, high)

    def within(self, area: QRectF) -> frozenset[int]:
        """The tokens of the cells that a rectangle touches, without removed ones."""
        area = area.normalized()
        around = self.covered
        beside = area.right() < around.left() or area.left() > around.right()  # a line of a drag has no area
        if not len(self) or beside or area.bottom() < around.top() or area.top() > around.bottom():
            return frozenset()
        top, left = self._row_of(area.topLeft())
        bottom, right = self._row_of(area.bottomRight())
        return self.between((top, left), (bottom, right))

    def between(self, one: tuple[int, int], other: tuple[int, int]) -> frozenset[int]:
        """The tokens of the rectangle that has two cells, by row and column, as its corners."""
        (top, bottom), (left, right) = sorted((one[0], other[0])), sorted((one[1], other[1]))
        lines = self._lattice[top : bottom + 1]
        return frozenset(cell for line in lines for cell in line[left : right + 1] if cell >= 0)

    def boxes(self, cells: Collection[int]) -> list[QRectF]:
        """The same area in few rectangles: cells side by side are one, rows of the same width too."""
        chosen = sorted(self._places[cell] for cell in cells if cell in self._places)
        runs: list[list[int]] = []  # top, left, bottom, right of each, as rows and columns
        for row, column in chosen:
            if runs and runs[-1][0] == row and runs[-1][3] == column - 1:
                runs[-1][3] = column
            else:
                runs.append([row, column, row, column])
        made: list[list[int]] = []
        for run in runs:
            above = next((one for one in made if one[2] == run[0] - 1 and one[1::2] == run[1::2]), None)
            if above is None:
                made.append(run)
            else:
                above[2] = run[2]
        corners = [(self.box(self._lattice[t][c]), self.box(self._lattice[b][r])) for t, c, b, r in made]
        return [first.united(last) for first, last in corners]

    def outline(self, cells: Collection[int]) -> list[QLineF]:
        """The edges that some of the cells do not share with one another, each as long as it goes straight on."""
        chosen = {self._places[cell] for cell in cells if cell in self._places}
        across = [(row + below, column) for row, column in chosen for below in (0, 1)
                  if (row - 1 + 2 * below, column) not in chosen]  # fmt: skip
        down = [(column + right, row) for row, column in chosen for right in (0, 1)
                if (row, column - 1 + 2 * right) not in chosen]  # fmt: skip
        wide, high = self._size()
        left, top = self.covered.left(), self.covered.top()
        lines = []
        for row, start, end in _straight(across):
            y = top + row * high
            lines.append(QLineF(left + start * wide, y, left + end * wide, y))
        for column, start, end in _straight(down):
            x = left + column * wide
            lines.append(QLineF(x, top + start * high, x, top + end * high))
        return lines

    def _size(self) -> tuple[float, float]:
        return self.covered.width() / max(1, self.columns), self.covered.height() / max(1, self.rows)

    def _row_of(self, point: QPointF) -> tuple[int, int]:
        """The row and column nearest to a point."""
        wide, high = self._size()
        row = int((point.y() - self.covered.top()) / high)
        column = int((point.x() - self.covered.left()) / wide)
        return min(max(row, 0), self.rows - 1), min(max(column, 0), self.columns - 1)


def _straight(edges: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Edges, each a line and a place on it, as runs: line, first place, place after the last."""
    runs: list[tuple[int, int, int]] = []
    for line, place in sorted(edges):
        if runs and runs[-1][0] == line and runs[-1][2] == place:
            runs[-1] = (line, runs[-1][1], place + 1)
        else:
            runs.append((line, place, place + 1))
    return runs
