"""Which two products are A and B, and the question why A stands above B."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject

from app.compare.choice import LEFT, RIGHT
from app.compare.details import ABOVE, DetailsPanel
from app.compare.slope import SlopeChart
from app.questions import Questions
from app.session import Session
from engine.compare.types import Above, Comparison, Side


class Why(QObject):
    """Follows clicks in the lists and the choosers of the page; asks while the page is in front."""

    def __init__(
        self, session: Session, questions: Questions, slope: SlopeChart, details: DetailsPanel, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._questions, self._slope, self._details = session, questions, slope, details
        self._list, self._pair = LEFT, ["", ""]  # whose list A and B are of, and which were chosen
        self._found: Comparison | None = None
        self._asked: tuple[Side, str] | None = None
        self.answer: Above | None = None
        slope.picked.connect(self.pick)
        details.turned.connect(lambda _: self.ask())
        details.above.picked.connect(lambda item, second: self.pick(self._list, item, second))
        details.above.swapped.connect(self._swap)

    def take(self, found: Comparison) -> None:
        """Follow another comparison."""
        self._found = found
        self.ask()

    def forget(self) -> None:
        """Nothing that was asked for came: it may be asked again."""
        self._asked = None

    def pick(self, which: int, item: str, second: bool) -> None:
        """Make a product of a list A, or B where it is the second."""
        if which != self._list:
            self._list, self._pair = which, ["", ""]
        self._pair[second] = item
        if self._pair[0] == self._pair[1]:
            self._pair[not second] = ""
        self._details.show_tab(ABOVE)
        self.ask()

    def _swap(self) -> None:
        if self._found is not None:
            self._pair = list(self._both(self._found))[::-1]
        self.ask()

    def _both(self, found: Comparison) -> tuple[str, str]:
        """A and B as chosen; else the two products that are compared, or the explained one and the one below it."""
        listed = [row.item for row in (found.left_list, found.right_list)[self._list].items]
        explained = (found.left.item, found.right.item)
        a, b = self._pair
        likely = (explained[self._list], *explained, *listed)
        a = a or next((one for one in likely if one != b), "")
        below = listed[listed.index(a) + 1 :] if a in listed else listed
        return a, b or next((one for one in (*explained, *below, *listed) if one != a), "")

    def ask(self) -> None:
        """Ask why A stands above B, when that is in front and not known yet."""
        if self._found is None or self._details.tab != ABOVE:
            self._slope.mark(self._list, "", "")
            return
        a, b = self._both(self._found)
        side = self._found.sides[self._list]
        name = self.tr("left") if self._list == LEFT else self.tr("right")
        where = self.tr("In the list of the {side} side · shopper {user}").format(side=name, user=side.user)
        self._details.above.choose(self._session.run, where + self._moved(a, b), a, b)
        self._slope.mark(self._list, a, b)
        asked = (replace(side, item=a), b)
        if a and b and asked != self._asked:
            self._asked = asked
            self._questions.ask("contrast", self._answered, side=asked[0], other=b)

    def _moved(self, a: str, b: str) -> str:
        """Where business rules show the two, if they moved either: what is told of them are the model's own scores."""
        assert self._found is not None
        rows = {row.item: row for row in (self._found.left_list, self._found.right_list)[self._list].items}
        if not any(row.effects and row.model_rank not in (0, row.rank) for row in rows.values() if row.item in (a, b)):
            return ""
        places = [f"{rows[item].rank:,}" if item in rows else "–" for item in (a, b)]
        text = self.tr("Business rules show A at rank {a} and B at rank {b}; told here is the model's own ranking.")
        return "\n" + text.format(a=places[0], b=places[1])

    def _answered(self, found: Above) -> None:
        self.answer = found
        self._details.above.fill(found)

    def state(self) -> dict[str, Any]:
        return {"list": self._list, "pair": list(self._pair)}

    def restore(self, state: Mapping[str, Any]) -> None:
        if state.get("list") in (LEFT, RIGHT):
            self._list = int(state["list"])
        pair = state.get("pair")
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair):
            self._pair = list(pair)
