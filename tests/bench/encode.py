"""Encoding rates: photos and texts per second on this machine.

    python -m tests.bench.encode DATASET [--photos 200] [--texts 400] [--threads 1 2]

Budgets: 60 photos and 60 texts (of 64 word pieces) per second on two cores.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from engine.dataset.store import Dataset
from engine.features.build import BATCH
from engine.features.encoder import encode
from engine.features.registry import Options, open_encoder

PIECES = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parsed = parser.parse_args()
    dataset = Dataset.open(parsed.dataset)
    photos = [
        dataset.folder / row[0]
        for row in dataset.rows("SELECT images[1] FROM items WHERE len(images) > 0 LIMIT ?", [parsed.photos])
    ]
    words = " ".join(row[0] for row in dataset.rows("SELECT description FROM items WHERE description IS NOT NULL"))
    parts = [words[first : first + 600] for first in range(0, 600 * parsed.texts, 600)]  # over 64 pieces each
    options = Options(pieces=PIECES)
    image, text = open_encoder("image", "efficientnet-lite0", options), open_encoder("text", "minilm", options)
    for threads in parsed.threads:
        torch.set_num_threads(threads)
        for name, rate in (
            ("photos", _rate(lambda rows: encode(image, image.prepare(rows)), photos, BATCH["image"])),
            (f"texts of {PIECES} pieces", _rate(lambda rows: encode(text, text.prepare(rows)), parts, BATCH["text"])),
        ):
            print(f"{threads} threads: {rate:6.1f} {name}/s", flush=True)


def _rate(encode: Callable[[list[Any]], object], rows: list[Any], size: int) -> float:
    """Rows per second, after one batch to warm up."""
    encode(rows[:size])
    began = time.perf_counter()
    for first in range(0, len(rows), size):
        encode(rows[first : first + size])
    return len(rows) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
