"""Weights out of an ONNX file: just enough of its wire format to name each tensor; nothing is run.

ONNX is Protocol Buffers: a message is a row of (field number, wire type, value). Field numbers are those of onnx.proto:
model.graph 7; graph.node 1, graph.initializer 5; node.input 1, node.name 3; tensor.dims 1, data_type 2, name 8, raw 9.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError

_FLOAT = 1
Field = tuple[int, "int | memoryview"]


def onnx_tensors(path: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, tuple[str, ...]]]:
    """Float tensors by name, and the inputs of each node by the node's name. HeedmapError on another format."""
    tensors: dict[str, NDArray[np.float32]] = {}
    inputs: dict[str, tuple[str, ...]] = {}
    try:
        graph = next(value for number, value in _fields(memoryview(path.read_bytes())) if number == 7)
        for number, value in _fields(_bytes(graph)):
            if number == 5:
                name, tensor = _tensor(_bytes(value))
                if tensor is not None:
                    tensors[name] = tensor
            elif number == 1:
                parts = list(_fields(_bytes(value)))
                name = next((_text(one) for field, one in parts if field == 3), "")
                inputs[name] = tuple(_text(one) for field, one in parts if field == 1)
    except (OSError, ValueError, IndexError, StopIteration, UnicodeDecodeError) as error:
        raise HeedmapError(f"{path} is not a readable ONNX file ({error}).", "Install its package again.") from error
    return tensors, inputs


def _tensor(message: memoryview) -> tuple[str, NDArray[np.float32] | None]:
    dims: list[int] = []
    kind, name, raw = 0, "", memoryview(b"")
    for number, value in _fields(message):
        if number == 1:
            dims += [value] if isinstance(value, int) else list(_varints(value))
        elif number == 2 and isinstance(value, int):
            kind = value
        elif number == 8:
            name = _text(value)
        elif number == 9:
            raw = _bytes(value)
    if kind != _FLOAT or not len(raw):
        return name, None
    return name, np.frombuffer(raw, dtype="<f4").reshape(dims)


def _fields(message: memoryview) -> Iterator[Field]:
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        size = {1: 8, 5: 4}.get(wire)
        if size is None:
            if wire != 2:
                raise ValueError(f"wire type {wire}")
            size, place = _varint(message, place)
        if place + size > len(message):
            raise ValueError("cut short")
        yield number, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _varints(message: memoryview) -> Iterator[int]:
    place = 0
    while place < len(message):
        value, place = _varint(message, place)
        yield value


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message belongs")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_bytes(value)).decode("utf-8")
