"""What is compared: a mode, the two values that differ in it, and sides that are pinned; all else is the session's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.session import Session
from app.workspace import Workspace
from engine.answers import RunSummary
from engine.compare.types import Side
from engine.errors import HeedmapError

RUNS, EPOCHS, SHOPPERS, PRODUCTS, METHODS = MODES = ("runs", "epochs", "shoppers", "products", "methods")
LEFT, RIGHT = 0, 1
FINISHED = 0  # stands for the finished run among epochs, which count from 1
_OTHER_METHODS = ("attention", "integrated_gradients", "occlusion")  # shown first against the chosen one


class Choice(QObject):
    """Values are a run's folder, an epoch, a shopper, a product or a method; what does not exist any more gives way."""

    changed = Signal()

    def __init__(self, session: Session, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._workspace = session, workspace
        self.mode = RUNS
        self._chosen: dict[str, list[Any]] = {mode: [None, None] for mode in MODES}
        self._pinned: list[Side | None] = [None, None]

    def choose_mode(self, mode: str) -> None:
        if mode in MODES and mode != self.mode:
            self.mode = mode
            self.changed.emit()

    def choose(self, place: int, value: Any) -> None:
        """Put a value of the mode on one side. A pinned side is let go."""
        self._pinned[place] = None
        self._chosen[self.mode][place] = value
        self.changed.emit()

    def swap(self) -> None:
        """Turn the sides round."""
        self._chosen[self.mode] = [self.value(RIGHT), self.value(LEFT)]
        self._pinned.reverse()
        self.changed.emit()

    def pin(self, place: int, on: bool) -> None:
        """Keep a side as it is while other things are chosen; or let it go."""
        self._pinned[place] = self.side(place) if on else None
        self.changed.emit()

    def pinned(self, place: int) -> bool:
        return self._pinned[place] is not None

    def runs(self) -> list[tuple[str, str]]:
        """Runs that can be compared, of the data of the open one: (name, folder)."""
        run = self._session.run
        if run is None:
            return []
        found = [(one.name, one.folder) for one in self._workspace.openable if one.dataset == run.dataset.name]
        if not any(Path(folder) == Path(run.folder) for _, folder in found):
            found.insert(0, (run.run, run.folder))
        return found

    def epochs(self) -> tuple[int, ...]:
        """The epochs that the open run has kept, then the finished run."""
        run = self._session.run
        return (*run.epochs, FINISHED) if run is not None and run.epochs else ()

    def value(self, place: int) -> Any:
        """The value of the mode on a side: as chosen, else the session's on the left and another on the right."""
        run = self._session.run
        if run is None:
            return None
        chosen = self._chosen[self.mode][place]
        if chosen is not None and self._exists(run, chosen):
            return chosen
        other = self._chosen[self.mode][1 - place]
        return self._default(run, place, other if other is not None and self._exists(run, other) else None)

    def _exists(self, run: RunSummary, value: Any) -> bool:
        if self.mode == RUNS:
            return any(value == folder for _, folder in self.runs())
        if self.mode == EPOCHS:
            return value in self.epochs()
        among: dict[str, tuple[str, ...]] = {
            SHOPPERS: run.shoppers.user,
            PRODUCTS: run.items.item,
            METHODS: run.methods,
        }
        return value in among[self.mode]

    def _default(self, run: RunSummary, place: int, other: Any) -> Any:
        session = self._session
        if self.mode == EPOCHS:
            epochs = self.epochs()
            first = epochs[0 if place == LEFT else -1] if epochs else None
            return first if first != other or len(epochs) < 2 else epochs[-1 if place == LEFT else 0]
        own = {RUNS: run.folder, SHOPPERS: session.user, PRODUCTS: session.item, METHODS: session.method}[self.mode]
        if place == LEFT and other != own:
            return own
        taken = own if place == RIGHT and other is None else other
        return next((one for one in self._others(run) if one != taken), None)

    def _others(self, run: RunSummary) -> list[Any]:
        """What may stand against the session's own value, the likeliest first."""
        session = self._session
        if self.mode == RUNS:
            return [folder for _, folder in self.runs() if Path(folder) != Path(run.folder)] + [run.folder]
        if self.mode == SHOPPERS:
            return list(run.shoppers.user[:3])
        if self.mode == METHODS:
            return [one for one in (*_OTHER_METHODS, *run.methods) if one in run.methods and one != "auto"]
        listed = session.ranking.items[:3] if session.ranking is not None else ()
        return [row.item for row in listed] + list(run.items.item[:3])

    def side(self, place: int) -> Side | None:
        """One side as the engine takes it; None while something is not chosen."""
        if (pinned := self._pinned[place]) is not None:
            return pinned
        session, value = self._session, self.value(place)
        if session.run is None or value is None or not (session.user and session.item):
            return None
        return Side(
            run=value if self.mode == RUNS else session.run.folder,
            user=value if self.mode == SHOPPERS else session.user,
            item=value if self.mode == PRODUCTS else session.item,
            method=value if self.mode == METHODS else session.method,
            epoch=(value or None) if self.mode == EPOCHS else None,
            scenario=session.scenario,
        )

    def sides(self) -> tuple[Side, Side] | None:
        left, right = self.side(LEFT), self.side(RIGHT)
        return None if left is None or right is None else (left, right)

    def state(self) -> dict[str, Any]:
        pinned = [None if side is None else side.to_json() for side in self._pinned]
        return {
            "mode": self.mode,
            "chosen": {mode: list(pair) for mode, pair in self._chosen.items()},
            "pinned": pinned,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        if state.get("mode") in MODES:
            self.mode = str(state["mode"])
        chosen = state.get("chosen")
        for mode, pair in chosen.items() if isinstance(chosen, Mapping) else ():
            if mode in MODES and isinstance(pair, list) and len(pair) == 2:
                self._chosen[mode] = list(pair)
        pinned = state.get("pinned")
        for place, one in enumerate(pinned[:2]) if isinstance(pinned, list) else ():
            try:
                self._pinned[place] = Side.from_json(one) if isinstance(one, Mapping) else None
            except HeedmapError:
                self._pinned[place] = None  # of another version: the session's choice takes its place
        self.changed.emit()
