"""Audits: measure a run by a plan, check a bundle again."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.commands.options import add_moved, trained_run
from engine.commands.progress import run_job


def add(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    add_moved(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="a new folder, or one to go on with")
    parser.add_argument(
        "--plan", default="standard", metavar="F", help="quick, standard, full, or a TOML file; standard by default"
    )


def run(parsed: Namespace) -> Any:
    from engine.audit.checks import CHECKS
    from engine.audit.plan import PRECISION, preset, read_plan
    from engine.audit.run import audit

    plan = preset(parsed.plan) if parsed.plan in PRECISION else read_plan(Path(parsed.plan), CHECKS)
    results = run_job(audit(trained_run(parsed), plan, parsed.out), parsed.json)
    if not parsed.json:
        for one in results:
            print(f"{one.verdict:8}  {one.check}")
    return [one.to_json() for one in results]
