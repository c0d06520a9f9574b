"""Photos that are the same, or nearly so: by content hash, and by what a small copy of them looks like.

Two photos are alike when the signs of their low cosine frequencies agree (a perceptual hash of 63 bits, after Zauner,
"Implementation and Benchmarking of Perceptual Image Hash Functions", 2010) and their colours, 16 by 16, hardly differ.
What was read of a photo is kept in `thumbnails.sqlite` beside the dataset, by the hash of its content.
"""

from __future__ import annotations

import sqlite3
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.dataset.store import MAX_PIXELS, Dataset
from engine.dataset.tables import Duplicates, PhotoGroup
from engine.files import is_read_only, sha256_of
from engine.jobs import Job, Progress, every

CACHE = "thumbnails.sqlite"
MOST_BITS = 10  # of 63 that may differ
MOST_COLOUR = 0.027  # mean difference of the small copies' colours, in 0..1
MOST_GROUPS = 2_000
_SIDE = 16  # of the small copy
_FREQUENCIES = 8
_BLOCK = 4_000_000  # pairs compared at a time
_SAVED = 200  # photos between two writes of the cache


def duplicates(dataset: Dataset, keep: bool = True) -> Job:
    """Return the Duplicates among the photos of a dataset's products. Stopped midway, what was read is kept; nothing is
    written without `keep`."""
    began = time.monotonic()
    named = [
        (str(item), str(title), str(photo))
        for item, title, photos in dataset.rows("SELECT item, title, images FROM items WHERE len(images) > 0")
        for photo in photos
    ]
    small = yield from _read(dataset.folder, sorted({photo for _, _, photo in named}), keep)
    holders: dict[str, list[tuple[str, str, str]]] = defaultdict(list)  # content -> who shows it
    unreadable = []
    for one in named:
        digest, copy = small[one[2]]
        if copy is None:
            unreadable.append(one)
        else:
            holders[digest].append(one)
    groups = [PhotoGroup("same", tuple(who)) for who in holders.values() if len({item for item, _, _ in who}) > 1]
    digests = list(holders)
    by_digest = {digest: copy for digest, copy in small.values() if copy is not None}
    groups += yield from _alike([by_digest[digest] for digest in digests], [holders[digest] for digest in digests])
    groups.sort(key=lambda group: -len(group.photos))
    return Duplicates(len(small), tuple(groups[:MOST_GROUPS]), tuple(unreadable), time.monotonic() - began)


def small_copy(path: Path) -> NDArray[np.uint8] | None:
    """uint8[17, 16, 3]: a photo's colours 16 by 16, and in the last row its perceptual hash as bits. None when it
    cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.width * image.height > MAX_PIXELS:
                    return None
                image.draft("RGB", (128, 128))  # a JPEG is decoded at an eighth where that suffices
                even = image.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    flat = Image.new("RGBA", even.size, "white")  # a cut-out product is meant to stand on white
    flat.alpha_composite(even)
    rgb = flat.convert("RGB").resize((_SIDE * 2, _SIDE * 2), Image.Resampling.BOX)
    found = np.zeros((_SIDE + 1, _SIDE, 3), np.uint8)
    found[:_SIDE] = np.asarray(rgb.resize((_SIDE, _SIDE), Image.Resampling.BOX))
    found[_SIDE].reshape(-1)[:8] = np.packbits(_signs(np.asarray(rgb.convert("L"), np.float64)))
    return found


def _signs(grey: NDArray[np.float64]) -> NDArray[np.bool_]:
    """bool[64]: whether each low frequency of a grey picture lies above their median; the mean brightness is 0."""
    size = len(grey)
    waves = np.cos(np.pi / size * (np.arange(size)[None, :] + 0.5) * np.arange(_FREQUENCIES)[:, None])
    low = (waves @ grey @ waves.T).reshape(-1)
    signs = low > np.median(low[1:])
    signs[0] = False
    return np.asarray(signs, dtype=np.bool_)


def _read(folder: Path, photos: Sequence[str], keep: bool) -> Job:
    """Return photo -> (content hash, small copy or None)."""
    found: dict[str, tuple[str, NDArray[np.uint8] | None]] = {}
    with closing(_cache(folder if keep else None)) as cache:
        known = dict(cache.execute("SELECT digest, copy FROM small").fetchall())
        fresh: list[tuple[str, bytes]] = []
        try:
            for photo, progress in every("Comparing photos", photos, len(photos)):
                if progress is not None:
                    yield progress
                path = folder / photo
                digest = _digest(path)
                if digest in known:
                    copy = np.frombuffer(known[digest], np.uint8).reshape(_SIDE + 1, _SIDE, 3)
                    found[photo] = (digest, copy)
                    continue
                made = small_copy(path)
                found[photo] = (digest, made)
                if made is not None:
                    fresh.append((digest, made.tobytes()))
                    known[digest] = fresh[-1][1]
                if len(fresh) >= _SAVED:
                    _keep(cache, fresh)
        finally:
            _keep(cache, fresh)
    return found


def _digest(path: Path) -> str:
    """The hash of a photo's content: its name, under media/, is that hash."""
    if len(path.stem) == 64 and path.is_file():
        return f"{path.stem}:{path.stat().st_size}"
    return sha256_of(path) if path.is_file() else f"missing {path.name}"


def _cache(folder: Path | None) -> sqlite3.Connection:
    """The dataset's cache, or one in memory where there is no folder, it cannot be written, or the file is none."""
    schema = "CREATE TABLE IF NOT EXISTS small (digest TEXT PRIMARY KEY, copy BLOB NOT NULL)"
    for place in (":memory:",) if folder is None or is_read_only(folder) else (folder / CACHE, ":memory:"):
        with suppress(sqlite3.Error):
            connection = sqlite3.connect(place)
            connection.execute(schema)
            connection.execute("SELECT digest, copy FROM small LIMIT 1").fetchall()
            return connection
    raise AssertionError("SQLite has no memory")


def _keep(cache: sqlite3.Connection, fresh: list[tuple[str, bytes]]) -> None:
    with suppress(sqlite3.Error):  # a full disk: they are read again next time
        cache.executemany("INSERT OR IGNORE INTO small VALUES (?, ?)", fresh)
        cache.commit()
    fresh.clear()


def _alike(copies: list[NDArray[np.uint8]], holders: list[list[tuple[str, str, str]]]) -> Job:
    """Return groups of different photos that look alike: each is alike to at least one other of its group."""
    if len(copies) < 2:
        return []
    stacked = np.stack(copies)
    colours = stacked[:, :_SIDE].reshape(len(copies), -1).astype(np.int16)
    bits = np.ascontiguousarray(stacked[:, _SIDE].reshape(len(copies), -1)[:, :8]).view(np.uint64).reshape(-1)
    parent = list(range(len(copies)))
    worst: dict[int, float] = defaultdict(float)

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for first, second, done in _candidates(bits):
        yield Progress("Finding photos that are alike", done, len(bits))
        for begin in range(0, len(first), 20_000):
            a, b = first[begin : begin + 20_000], second[begin : begin + 20_000]
            apart = np.abs(colours[a] - colours[b]).mean(axis=1) / 255
            for at in np.nonzero(apart <= MOST_COLOUR)[0]:
                one, other = root(int(a[at])), root(int(b[at]))
                parent[other] = one
                worst[one] = max(worst[one], worst[other], float(apart[at]))
    members: dict[int, list[int]] = defaultdict(list)
    for one in range(len(copies)):
        members[root(one)].append(one)
    return [
        PhotoGroup("alike", tuple(who for one in group for who in holders[one]), worst[top])
        for top, group in members.items()
        if len(group) > 1 and len({who[0] for one in group for who in holders[one]}) > 1
    ]


def _candidates(bits: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], int]]:
    """Yield pairs (i < j) whose hashes differ in at most MOST_BITS, block by block, and how many i are done."""
    step = max(1, _BLOCK // len(bits))
    for begin in range(0, len(bits), step):
        mine = bits[begin : begin + step, None]
        near = np.bitwise_count(mine ^ bits[None, begin:]) <= MOST_BITS
        first, second = np.nonzero(near)
        keep = second > first
        yield first[keep] + begin, second[keep] + begin, min(begin + step, len(bits))
