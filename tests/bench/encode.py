"""Encoding rates: photos and texts per second on this machine, and what was tried to raise them.

    python -m tests.bench.encode DATASET [--photos 64] [--texts 128] [--threads 1 2] [--out FILE.md]

Budgets: 60 photos and 60 texts (of 64 word pieces) per second on two cores. ONNX Runtime is measured where it is
installed (with `onnx`), torch.compile where there is a C++ compiler; neither is needed by Heedmap.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor

from engine.dataset.store import Dataset
from engine.features.build import BATCH, encode_files, encode_texts
from engine.features.encoder import Encoder, Prepared
from engine.features.packs import efficientnet_weights
from engine.features.registry import Options, open_encoder
from engine.features.store import TokenStore
from engine.files import make_folder, write_bytes
from engine.jobs import finish

PIECES = 64
REPEATS = 5
Run = Callable[[Prepared], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--texts", type=int, default=128)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--out", type=Path)
    parsed = parser.parse_args()
    warnings.simplefilter("ignore")
    dataset = Dataset.open(parsed.dataset)
    names = dataset.rows("SELECT images[1] FROM items WHERE len(images) > 0 LIMIT ?", [parsed.photos])
    photos = {row[0]: dataset.folder / row[0] for row in names}
    words = " ".join(row[0] for row in dataset.rows("SELECT description FROM items WHERE description IS NOT NULL"))
    texts = [words[first : first + 600] for first in range(0, 600 * parsed.texts, 600)]  # over 64 pieces each
    lines = [f"Load when it began: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. torch {torch.__version__}.", ""]
    lines += ["| what | threads | per second | per core-second | states differ by |", "|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    for threads in parsed.threads:
        torch.set_num_threads(threads)
        few = (list(photos.values())[:16], texts[:32])
        for line in chain(_photos(few[0], threads), _texts(few[1], threads), _whole(photos, texts, threads)):
            lines.append(line)
            print(line, flush=True)
    last = f"Load when it ended: {os.getloadavg()[0]:.1f}."
    print(f"\n{last}")
    if parsed.out is not None:
        make_folder(parsed.out.parent)
        note = "# Encoding rates\n\nWritten by `python -m tests.bench.encode`. "
        write_bytes(parsed.out, (note + "\n".join([*lines, "", last]) + "\n").encode())


def _row(what: str, threads: int, run: Callable[[], Any], count: int, differ: float | None = None) -> str:
    """Median over a few rounds, after one to warm up."""
    run()
    walls, cores = [], []
    for _ in range(REPEATS):
        wall, core = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        cores.append(time.process_time() - core)
    rates = (count / statistics.median(walls), count / statistics.median(cores))
    said = "" if differ is None else f"{differ:.1e}"
    return f"| {what} | {threads} | {rates[0]:.1f} | {rates[1]:.1f} | {said} |"


def _differ(found: Tensor, exact: Tensor) -> float:
    same = exact[: len(found)]
    return float((found.float() - same).norm() / same.norm())


def _batched(run: Run, encoder: Encoder, raw: list[Any], size: int) -> tuple[Callable[[], None], int, Tensor]:
    batches = [encoder.prepare(raw[first : first + size]) for first in range(0, len(raw), size)]

    def all_of_them() -> None:
        with torch.inference_mode():
            for batch in batches:
                run(batch)

    with torch.inference_mode():
        first = run(batches[0])[:4].clone()
    return all_of_them, len(raw), first


def _photos(photos: list[Path], threads: int) -> Iterator[str]:
    encoder: Any = open_encoder("image", "efficientnet-lite0", Options())
    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(efficientnet_weights(), weights_only=True))
    net = net.eval().requires_grad_(False)

    def plainly(layout: torch.memory_format) -> Run:
        def run(batch: Prepared) -> Tensor:
            pixels = batch.inputs["pixel_values"].to(memory_format=layout)
            states: Tensor = net.extract_features(pixels).flatten(2).transpose(1, 2)
            return states

        return run

    exact = _batched(plainly(torch.contiguous_format), encoder, photos, 4)[2]

    def row(what: str, run: Run, size: int, reader: Any = encoder, compare: bool = True) -> str:
        work, count, first = _batched(run, reader, photos, size)
        return _row(f"photos: {what}", threads, work, count, _differ(first, exact) if compare else None)

    yield row("the package's network, batch 8", plainly(torch.contiguous_format), 8)
    net = net.to(memory_format=torch.channels_last)
    yield row("the same, channels last", plainly(torch.channels_last), 8)
    for size in (1, 4, 8, 16):
        chosen = " (kept)" if size == BATCH["image"] else ""
        yield row(f"folded, 1 x 1 as products, batch {size}{chosen}", encoder.tokens, size)
    with _autocast():
        yield row("the same, bf16", encoder.tokens, 4)
    smaller: Any = open_encoder("image", "efficientnet-lite0", Options())
    smaller.optics, smaller.grid = replace(smaller.optics, side=160), (5, 5)
    yield row("the same, 160 px (another grid, 5 x 5)", smaller.tokens, 4, smaller, compare=False)
    if shutil.which("g++"):
        compiled: Any = torch.compile(encoder.module, dynamic=False)
        yield row("the same, torch.compile", lambda batch: compiled(batch.inputs["pixel_values"]).flatten(1, 2), 4)
    session = _onnx(encoder.module, encoder.prepare(photos[:4]).inputs, threads)
    if session is not None:
        yield row("the same, ONNX Runtime", lambda batch: session(batch.inputs).flatten(1, 2), 4)


def _texts(texts: list[str], threads: int) -> Iterator[str]:
    encoder: Any = open_encoder("text", "minilm", Options(pieces=PIECES))
    small: Any = open_encoder("text", "minilm", Options(pieces=PIECES, quantise="int8"))
    exact = _batched(encoder.tokens, encoder, texts, 32)[2]

    def row(what: str, run: Run, size: int) -> str:
        work, count, first = _batched(run, encoder, texts, size)
        return _row(f"texts: {what}", threads, work, count, _differ(first, exact))

    for size in (8, 32):
        yield row(f"MiniLM, batch {size}{' (kept)' if size == BATCH['text'] else ''}", encoder.tokens, size)
    with _autocast():
        yield row("the same, bf16", encoder.tokens, 32)
    yield row("the same, int8 (quantise=int8)", small.tokens, 32)
    torch_int8 = torch.ao.quantization.quantize_dynamic(encoder.module, {torch.nn.Linear}, dtype=torch.qint8)
    yield row("the same, int8 by torch.ao", lambda batch: torch_int8(**batch.inputs).last_hidden_state, 32)
    if shutil.which("g++"):
        compiled: Any = torch.compile(encoder.module, dynamic=False)
        yield row("the same, torch.compile", lambda batch: compiled(**batch.inputs).last_hidden_state, 32)


def _whole(photos: dict[str, Path], texts: list[str], threads: int) -> Iterator[str]:
    """From files to the store, read ahead by threads: what a user waits for."""
    image = open_encoder("image", "efficientnet-lite0", Options())
    text = open_encoder("text", "minilm", Options(pieces=PIECES))
    with tempfile.TemporaryDirectory() as folder:
        stores = (TokenStore(Path(folder) / f"{place}", image.dim) for place in range(100))
        paths = list(photos.values())
        yield _row("photos: decoding alone", threads, lambda: [image.prepare([path]) for path in paths], len(paths))
        yield _row(
            "photos: from file to store",
            threads,
            lambda: finish(encode_files(next(stores), image, photos)),
            len(photos),
        )
        kept = (TokenStore(Path(folder) / f"t{place}", text.dim) for place in range(100))
        yield _row(
            "texts: from text to store", threads, lambda: finish(encode_texts(next(kept), text, texts)), len(texts)
        )


@contextmanager
def _autocast() -> Iterator[None]:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        yield


def _onnx(module: Any, inputs: dict[str, Tensor], threads: int) -> Any:
    """The module as an ONNX Runtime session: inputs -> its first output; None where ONNX Runtime is missing."""
    if not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        return None
    import onnxruntime  # type: ignore[import-not-found,unused-ignore]

    written: Any = io.BytesIO()
    named = list(inputs)
    axes = {name: {0: "n"} for name in named}
    torch.onnx.export(module, tuple(inputs.values()), written, input_names=named, dynamic_axes=axes, dynamo=False)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(written.getvalue(), settings, providers=["CPUExecutionProvider"])

    def run(given: dict[str, Tensor]) -> Tensor:
        answer: np.ndarray[Any, Any] = session.run(None, {name: given[name].numpy() for name in named})[0]
        return torch.from_numpy(answer)

    return run


if __name__ == "__main__":
    main()
