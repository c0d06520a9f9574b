"""Write a run's tuned encoders as plain folders."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.commands.progress import run_job


def add(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")


def run(parsed: Namespace) -> Any:
    from engine.training.merge import merge

    folders = run_job(merge(parsed.run.resolve(), parsed.out), parsed.json)
    if not parsed.json:
        for folder in folders:
            print(f"Written to {folder}")
    return {"folders": [str(folder) for folder in folders]}
