"""Train a run, or train a run on with more events."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.commands.options import add_set, read_settings
from engine.commands.progress import run_job
from engine.errors import HeedmapError


def add(parser: ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, metavar="DATASET")
    parser.add_argument("--run", type=Path, required=True, metavar="RUN")
    parser.add_argument("--config", type=Path, metavar="F", help="a JSON file of settings")
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    parser.add_argument(
        "--update", type=Path, metavar="OLD_RUN", help="train that run on, on its shop with more events"
    )
    parser.add_argument("--replay", type=float, default=1.0, metavar="R", help="old histories per new one in an update")
    add_set(parser, "a setting of the run")


def run(parsed: Namespace) -> Any:
    from engine.files import read_json
    from engine.training.config import Config
    from engine.training.loop import train

    settings = dict(read_json(parsed.config)) if parsed.config else {}
    if parsed.update is not None:
        return _update(parsed, {**settings, **read_settings(parsed.set)})
    config = Config.from_settings({**settings, **read_settings(parsed.set)})
    folder = run_job(train(parsed.dataset, parsed.run, config, resume=parsed.resume), parsed.json)
    card = read_json(folder / "run.json")
    if not parsed.json:
        say_metrics(card["metrics"], "test")
    return {"run": str(folder), "epoch": card["best_epoch"], "metrics": card["metrics"]}


def _update(parsed: Namespace, settings: dict[str, Any]) -> Any:
    from engine.files import read_json
    from engine.training.update import update, update_text

    if parsed.resume:
        raise HeedmapError("An update is short and is not resumed.", "Start it again without --resume.")
    job = update(parsed.dataset, parsed.run, parsed.update.resolve(), settings, parsed.replay)
    card = read_json(run_job(job, parsed.json) / "run.json")
    if not parsed.json:
        print(update_text(card["update"]))
    return {"run": str(parsed.run), "update": card["update"], "metrics": card["metrics"]}


def say_metrics(metrics: dict[str, float], part: str) -> None:
    """Print a run's figures beside popularity's. part: validation or test."""
    print(f"{'':<12}{'NDCG@10':>10}{'Recall@10':>11}   ({part}, {int(metrics[f'{part} targets']):,} targets)")
    for who, prefix in (("this run", ""), ("popularity", "popularity ")):
        figures = (metrics[f"{prefix}{part} ndcg@10"], metrics[f"{prefix}{part} recall@10"])
        print(f"{who:<12}{figures[0]:>10.4f}{figures[1]:>11.4f}")
    if metrics[f"{part} targets"] and metrics[f"{part} ndcg@10"] <= metrics[f"popularity {part} ndcg@10"]:
        print("This run does not beat popularity: do not explain shoppers by it.")
