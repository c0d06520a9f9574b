"""Make a run of a model that was trained elsewhere."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.commands.progress import run_job
from engine.commands.train import say_metrics
from engine.errors import HeedmapError


def add(parser: ArgumentParser) -> None:
    parser.add_argument("state", type=Path, nargs="?", metavar="STATE", help="a SASRec-style state dict")
    parser.add_argument("--dataset", type=Path, required=True, metavar="DATASET")
    parser.add_argument("--run", type=Path, required=True, metavar="RUN")
    parser.add_argument(
        "--map", type=Path, metavar="F", help="a JSON file: their names of weights to ours, and the style"
    )
    parser.add_argument("--items", type=Path, metavar="F", help="names of products in the order of rows, JSON or CSV")
    parser.add_argument("--shoppers", type=Path, metavar="F", help="names of shoppers in the order of rows")
    parser.add_argument("--shopper-vectors", type=Path, metavar="F", help="a table of vectors, Parquet or .npy")
    parser.add_argument("--item-vectors", type=Path, metavar="F", help="a table of vectors, Parquet or .npy")
    parser.add_argument("--onnx", type=Path, metavar="F", help="a scorer of histories")
    parser.add_argument("--split", default="", metavar="S", help="how it is measured: temporal or leave-one-out")


def run(parsed: Namespace) -> Any:
    from engine.files import read_json
    from engine.foreign.adopt import adopt_state
    from engine.foreign.run import adopt_onnx, adopt_vectors

    shoppers, items = parsed.shopper_vectors, parsed.item_vectors
    if sum(one is not None for one in (parsed.state, shoppers or items, parsed.onnx)) > 1:
        raise HeedmapError("One run is made of one model.", "Give a state dict, or vectors, or an ONNX file.")
    if parsed.onnx is not None:
        job = adopt_onnx(parsed.onnx, parsed.dataset, parsed.run, parsed.map, parsed.items, parsed.split)
    elif shoppers is not None and items is not None:
        names = (parsed.shoppers, parsed.items)
        job = adopt_vectors(shoppers, items, parsed.dataset, parsed.run, *names, parsed.split)
    elif parsed.state is not None and parsed.map is not None:
        job = adopt_state(parsed.state, parsed.dataset, parsed.run, parsed.map, parsed.items, parsed.split)
    else:
        raise HeedmapError(
            "There is nothing to adopt.",
            "Give a state dict and --map, or --shopper-vectors and --item-vectors, or --onnx.",
        )
    card = read_json(run_job(job, parsed.json) / "run.json")
    if not parsed.json:
        say_metrics(card["metrics"], "test")
        print(f"Note: {card['origin']['note']}")
    return {"run": str(parsed.run), "origin": card["origin"], "metrics": card["metrics"]}
