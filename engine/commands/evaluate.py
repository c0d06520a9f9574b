"""Measure a run; compare runs in a table."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.commands.options import add_moved, opened_run
from engine.commands.progress import run_job


def add(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    add_moved(parser)
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--k", type=int, default=10, metavar="K", help="the length of the lists")
    parser.add_argument("--baselines", nargs="?", const="all", default="", metavar="A,B", help="all, or some by name")
    parser.add_argument("--knock-out", action="store_true", help="also without each modality, and without identity")
    parser.add_argument("--categories", action="store_true", help="also by category of the product")
    parser.add_argument("--against", type=Path, metavar="RUN2", help="test the difference to another run")


def run(parsed: Namespace) -> Any:
    from engine.evaluation.evaluate import Wanted, evaluate
    from engine.evaluation.tables import evaluation_text
    from engine.model.baselines import BASELINES

    names = list(BASELINES) if parsed.baselines == "all" else [one.strip() for one in parsed.baselines.split(",")]
    wanted = Wanted(
        split=parsed.split,
        k=parsed.k,
        baselines=tuple(name for name in names if name),
        knock_out=parsed.knock_out,
        categories=parsed.categories,
        against=parsed.against.resolve() if parsed.against else None,
    )
    found = run_job(evaluate(opened_run(parsed), wanted), parsed.json)
    if not parsed.json:
        print(evaluation_text(found))
    return found


def add_runs(parser: ArgumentParser) -> None:
    parser.add_argument("places", type=Path, nargs="+", metavar="FOLDER", help="a run, a folder of runs, a workspace")
    parser.add_argument("--sort", default="ndcg", metavar="COLUMN")


def run_runs(parsed: Namespace) -> Any:
    from engine.evaluation.runs import runs, runs_json, runs_text

    rows, faults = runs(parsed.places, parsed.sort)
    if not parsed.json:
        print(runs_text(rows, faults))
    return runs_json(rows, faults)
