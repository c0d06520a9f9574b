"""Scorers from elsewhere, under the contract of the baselines: two tables of vectors, or an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError

Histories = list[NDArray[np.int32]]


class Scorer(Protocol):
    """What a foreign run ranks by. reads_history: whether another past gives another score."""

    name: str
    setting: Mapping[str, Any]
    reads_history: bool

    def scores(self, users: NDArray[np.int32], histories: Histories) -> NDArray[np.float32]:
        """float32[n, items], -inf for a product that the scorer does not know."""
        ...


@dataclass
class VectorScorer:
    """score = u . v. shoppers: float32[users, dim]; items: float32[items, dim]; known_*: bool, which have a vector."""

    shoppers: NDArray[np.float32]
    items: NDArray[np.float32]
    known_users: NDArray[np.bool_]
    known_items: NDArray[np.bool_]
    name: str = "vectors"
    setting: Mapping[str, Any] = field(default_factory=dict)
    reads_history: bool = False

    def scores(self, users: NDArray[np.int32], histories: Histories) -> NDArray[np.float32]:
        """A shopper without a vector scores all products alike, 0."""
        inside = users < len(self.shoppers)  # an invented shopper stands behind them
        shoppers = np.where(inside[:, None], self.shoppers[np.where(inside, users, 0)], np.float32(0))
        return np.where(self.known_items[None], shoppers @ self.items.T, np.float32(-np.inf))


@dataclass(frozen=True)
class Contract:
    """How an ONNX graph is asked. Product number p of its own numbering is `first_item` + p in histories.

    history: the input int64[rows, length]; lengths: an input int64[rows] with the events of each row, "" for none;
    output: float[rows, products], or with `first_item` more columns. padding: "front" or "behind", of `padding_row`.
    """

    history: str = "history"
    lengths: str = ""
    output: str = "scores"
    length: int = 50
    padding: str = "front"
    padding_row: int = 0
    first_item: int = 1

    @staticmethod
    def read(content: Any, source: str) -> Contract:
        """HeedmapError names a wrong field."""
        standard = vars(Contract())
        if not isinstance(content, dict):
            raise HeedmapError(f"{source} is not an object.", f"Its fields are {', '.join(standard)}.")
        for name, value in content.items():
            if name not in standard:
                raise HeedmapError(f"{source}: there is no field {name!r}.", f"The fields are {', '.join(standard)}.")
            if type(value) is not type(standard[name]):
                raise HeedmapError(f"{source}: {name} cannot be {value!r}.", f"It is like {standard[name]!r}.")
        made = Contract(**content)
        if made.padding not in ("front", "behind") or made.length < 1 or made.first_item < 0:
            raise HeedmapError(
                f"{source}: padding={made.padding!r}, length={made.length} or first_item={made.first_item} cannot be.",
                "Padding is front or behind, the length 1 or more.",
            )
        return made


class OnnxScorer:
    """A graph asked with the numbers of past products. rows: int64[items], its number of each product, -1: unknown."""

    name = "onnx"
    reads_history = True

    def __init__(self, graph: bytes, contract: Contract, rows: NDArray[np.int64], products: int) -> None:
        self.setting: Mapping[str, Any] = vars(contract)
        self._contract, self._rows, self._products = contract, rows, products
        try:
            import onnxruntime
        except ImportError as error:
            raise HeedmapError(
                "An ONNX scorer needs the package onnxruntime, which is not installed.",
                "Install Heedmap with its extra: pip install heedmap[onnx].",
            ) from error
        if hasattr(onnxruntime, "disable_telemetry_events"):
            onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is raised
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the library's own kinds of error are not public
            raise HeedmapError(f"The ONNX file cannot be run ({_first_line(error)}).", "Export it again.") from error
        wanted = [one for one in (contract.history, contract.lengths) if one]
        given = [one.name for one in self._session.get_inputs()]
        if sorted(wanted) != sorted(given):
            raise HeedmapError(
                f"The graph takes {', '.join(given)}, the map gives {', '.join(wanted)}.",
                "Name its inputs in the map; only histories and their lengths can be given.",
            )
        outputs = [one.name for one in self._session.get_outputs()]
        if contract.output not in outputs:
            raise HeedmapError(f"The graph has no output {contract.output!r}.", f"It has {', '.join(outputs)}.")
        size = self._session.get_inputs()[given.index(contract.history)].shape[0]
        self._at_once = size if isinstance(size, int) and size > 0 else 256
        self._fixed = isinstance(size, int)

    def scores(self, users: NDArray[np.int32], histories: Histories) -> NDArray[np.float32]:
        found = [self._some(histories[at : at + self._at_once]) for at in range(0, len(histories), self._at_once)]
        return np.concatenate(found) if found else np.zeros((0, len(self._rows)), np.float32)

    def _some(self, histories: Histories) -> NDArray[np.float32]:
        contract = self._contract
        rows = self._at_once if self._fixed else len(histories)
        asked = np.full((rows, contract.length), contract.padding_row, np.int64)
        lengths = np.zeros(rows, np.int64)
        for row, history in enumerate(histories):
            known = self._rows[history][self._rows[history] >= 0][-contract.length :]
            lengths[row] = len(known)
            first = contract.length - len(known) if contract.padding == "front" else 0
            asked[row, first : first + len(known)] = known + contract.first_item
        given = {contract.history: asked} | ({contract.lengths: lengths} if contract.lengths else {})
        try:
            answer = self._session.run([contract.output], given)[0]
        except Exception as error:
            raise HeedmapError(f"The ONNX graph failed ({_first_line(error)}).", "Check the map's fields.") from error
        answer = np.asarray(answer, dtype=np.float32)[: len(histories)]
        if answer.ndim != 2 or answer.shape[1] not in (self._products, self._products + contract.first_item):
            raise HeedmapError(
                f"The graph answers with {' x '.join(map(str, answer.shape))} numbers for {self._products:,} products.",
                "It must give a row of scores for each history.",
            )
        answer = answer[:, answer.shape[1] - self._products :]
        return np.where(self._rows >= 0, answer[:, np.maximum(self._rows, 0)], np.float32(-np.inf))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
