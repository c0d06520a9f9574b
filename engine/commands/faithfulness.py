"""How true the methods are: against random orders on any run, against the planted truth on the sample."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.commands.options import add_moved, trained_run
from engine.commands.progress import run_job
from engine.errors import HeedmapError


def add(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    add_moved(parser)
    parser.add_argument("--methods", default="", metavar="A,B", help="some by name; all but the deep ones if left away")
    parser.add_argument("--explanations", type=int, default=100, metavar="N", help="maps of each method")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="draws the shoppers and the products")


def run(parsed: Namespace) -> Any:
    from engine.faithfulness.table import measure_methods
    from engine.faithfulness.text import table_text

    table = run_job(measure_methods(trained_run(parsed), _names(parsed), _count(parsed), parsed.seed), parsed.json)
    if not parsed.json:
        print(table_text(table))
    return table


def run_calibrate(parsed: Namespace) -> Any:
    from engine.faithfulness.planted import calibrate, calibration_text

    table = run_job(calibrate(trained_run(parsed), _names(parsed), _count(parsed), parsed.seed), parsed.json)
    if not parsed.json:
        print(calibration_text(table))
    return table


def _names(parsed: Namespace) -> tuple[str, ...]:
    return tuple(name.strip() for name in parsed.methods.split(",") if name.strip())


def _count(parsed: Namespace) -> int:
    if parsed.explanations < 1:
        raise HeedmapError(f"{parsed.explanations} explanations tell nothing.", "Give 1 or more.")
    return int(parsed.explanations)
