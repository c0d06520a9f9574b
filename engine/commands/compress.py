"""Make a smaller run of a run, and measure what that changes."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.commands.options import read_settings
from engine.commands.progress import run_job
from engine.errors import HeedmapError


def add(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--out", type=Path, metavar="NEW", help="the smaller run")
    parser.add_argument("--int8-vectors", action="store_true", help="keep tables and features in 8 bits")
    parser.add_argument("--prune-heads", type=int, default=0, metavar="N", help="take out the N least important heads")
    parser.add_argument("--distil", default="", metavar="dim=32,...", help="train a student with these settings")
    parser.add_argument("--against", type=Path, metavar="RUN2", help="only measure the change from RUN to this run")


def run(parsed: Namespace) -> Any:
    from engine.compress import Wanted, compress, differences, report_text
    from engine.recommend import Recommender

    if (parsed.out is None) == (parsed.against is None):
        raise HeedmapError("It is not clear what to do.", "Give --out NEW, or --against RUN2 to compare only.")
    if parsed.against is not None:
        runs = [run_job(Recommender.open(one.resolve()), quiet=True) for one in (parsed.run, parsed.against)]
        report = run_job(differences(*runs), parsed.json)
    else:
        settings = read_settings([one for one in parsed.distil.split(",") if one])
        wanted = Wanted(parsed.int8_vectors, parsed.prune_heads, settings)
        report = run_job(compress(parsed.run.resolve(), parsed.out.resolve(), wanted), parsed.json)
    if not parsed.json:
        print(report_text(report))
    return report
