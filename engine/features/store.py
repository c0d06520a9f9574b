"""Encoded tokens on disk: content hash -> float16[tokens, dim], memory-mapped, written in whole shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.files import atomic, is_read_only, make_folder, read_json, write_json


class TokenStore:
    """One folder per encoder. A shard counts once its `.json` is there, so a kill loses at most one shard.

    Entries are float16[n, dim] states and int32[n, 2] spans (empty for photos).
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self.folder = make_folder(folder)
        self.dim = dim
        self._where: dict[str, tuple[int, int, int]] = {}
        self._states: dict[int, NDArray[np.float16]] = {}
        self._spans: dict[int, NDArray[np.int32]] = {}
        self._next = 0
        for index in sorted(folder.glob("[0-9]*.json")):  # not what a killed writing left
            self._read_shard(index)

    def __contains__(self, key: str) -> bool:
        return key in self._where

    def add(self, entries: list[tuple[str, NDArray[np.float16], NDArray[np.int32]]]) -> None:
        """Write entries as one shard. HeedmapError when the disk is full; earlier shards stay valid."""
        name = f"{self._next:06d}"
        counts = [len(states) for _, states, _ in entries]
        states = np.concatenate([states for _, states, _ in entries]).astype(np.float16).reshape(-1, self.dim)
        spans = np.concatenate([spans.reshape(-1, 2) for _, _, spans in entries]).astype(np.int32)
        for suffix, array in (("states", states), ("spans", spans)):
            with atomic(self.folder / f"{name}.{suffix}.npy") as temporary, temporary.open("wb") as file:
                np.save(file, array, allow_pickle=False)
        index = self.folder / f"{name}.json"
        write_json(index, {"keys": [key for key, _, _ in entries], "counts": counts})
        self._read_shard(index)

    def get(self, key: str) -> tuple[NDArray[np.float16], NDArray[np.int32]]:
        """States and spans of an entry, as views of the mapped file."""
        shard, start, count = self._where[key]
        if shard not in self._states:
            name = self.folder / f"{shard:06d}"
            self._states[shard] = np.load(f"{name}.states.npy", mmap_mode="r", allow_pickle=False)
            self._spans[shard] = np.load(f"{name}.spans.npy", mmap_mode="r", allow_pickle=False)
        return self._states[shard][start : start + count], self._spans[shard][start : start + count]

    def _read_shard(self, index: Path) -> None:
        number = int(index.stem)
        self._next = max(self._next, number + 1)
        try:
            content = read_json(index)
            keys, counts = content["keys"], content["counts"]
        except (HeedmapError, KeyError):
            if not is_read_only(index):
                index.unlink()  # damaged: its texts are simply encoded again
            return
        start = 0
        for key, count in zip(keys, counts, strict=True):
            self._where[key] = (number, start, count)
            start += count
