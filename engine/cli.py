"""The command line: parse, call the engine, print. Text for people, or JSON with --json."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.jobs import Job, Progress, finish

DONE, FAULT, BAD_INPUT, CANCELLED = 0, 1, 2, 130
Shot = Callable[..., None]


def main(argv: Sequence[str], shot: Shot | None = None) -> int:
    """Run one command and return its exit code. `shot` draws the window off-screen; the window's package gives it."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ[name] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parsed = _parser().parse_args(argv)
    try:
        answer = parsed.command(parsed, shot)
        if parsed.json:
            print(json.dumps(answer, ensure_ascii=False, indent=2))
        return DONE
    except HeedmapError as error:
        print(f"heedmap: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("heedmap: cancelled; what was written before is still valid.", file=sys.stderr)
        return CANCELLED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the reader of our output went away; be silent at exit too
        return DONE
    except Exception:
        traceback.print_exc()
        print("heedmap: a fault in Heedmap, not in your data. Please report the lines above.", file=sys.stderr)
        return FAULT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="heedmap", description="See what a product recommender heeds. Without a command the window opens."
    )
    parser.add_argument("--version", action="version", version=f"heedmap {importlib.metadata.version('heedmap')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[Any, Shot | None], Any], help: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help, description=help)
        one.add_argument("--json", action="store_true", help="print the answer as JSON")
        one.set_defaults(command=run)
        return one

    one = command("sample", _sample, "Draw a synthetic shop whose true reasons are known.")
    one.add_argument("out", type=Path, metavar="OUT")
    one.add_argument("--items", type=int, default=400, metavar="N")
    one.add_argument("--shoppers", type=int, default=600, metavar="N")
    one.add_argument("--seed", type=int, default=7, metavar="S")

    one = command("import", _import, "Import a shop's data into a dataset folder.")
    one.add_argument("format", metavar="FORMAT", help="movielens, amazon, recbole, table, or auto")
    one.add_argument("sources", type=Path, nargs="+", metavar="SRC")
    one.add_argument("--out", type=Path, required=True, metavar="DATASET")
    _add_set(one, "an option of the importer")

    one = command("encoders", _encoders, "List the encoders of texts, photos and recordings on this machine.")
    one.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="a Hugging Face folder, or one of them")
    one.add_argument("--workspace", type=Path, metavar="W", help="look in its folder `encoders` too")

    one = command("check", _check, "List a dataset's problems.")
    one.add_argument("dataset", type=Path, metavar="DATASET")

    one = command("train", _train, "Train a recommender on a dataset.")
    one.add_argument("dataset", type=Path, metavar="DATASET")
    one.add_argument("--run", type=Path, required=True, metavar="RUN")
    one.add_argument("--config", type=Path, metavar="F", help="a JSON file of settings")
    one.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    one.add_argument("--update", type=Path, metavar="OLD_RUN", help="train that run on, on its shop with more events")
    one.add_argument("--replay", type=float, default=1.0, metavar="R", help="old histories per new one in an update")
    _add_set(one, "a setting of the run")

    one = command("evaluate", _evaluate, "Measure a run by full ranking, with intervals, against its baselines.")
    one.add_argument("run", type=Path, metavar="RUN")
    _add_moved(one)
    one.add_argument("--split", choices=("validation", "test"), default="test")
    one.add_argument("--k", type=int, default=10, metavar="K", help="the length of the lists")
    one.add_argument("--baselines", nargs="?", const="all", default="", metavar="A,B", help="all, or some by name")
    one.add_argument("--knock-out", action="store_true", help="also without each modality, and without identity")
    one.add_argument("--categories", action="store_true", help="also by category of the product")
    one.add_argument("--against", type=Path, metavar="RUN2", help="test the difference to another run")

    one = command("runs", _runs, "Compare runs in a table.")
    one.add_argument("places", type=Path, nargs="+", metavar="FOLDER", help="a run, a folder of runs, a workspace")
    one.add_argument("--sort", default="ndcg", metavar="COLUMN")

    one = command("merge", _merge, "Write a run's tuned encoders as plain Hugging Face folders.")
    one.add_argument("run", type=Path, metavar="RUN")
    one.add_argument("--out", type=Path, required=True, metavar="FOLDER")

    one = command("compress", _compress, "Make a smaller run of a run, and measure what that changes.")
    one.add_argument("run", type=Path, metavar="RUN")
    one.add_argument("--out", type=Path, metavar="NEW", help="the smaller run")
    one.add_argument("--int8-vectors", action="store_true", help="keep tables and features in 8 bits")
    one.add_argument("--prune-heads", type=int, default=0, metavar="N", help="take out the N least important heads")
    one.add_argument("--distil", default="", metavar="dim=32,...", help="train a student with these settings")
    one.add_argument("--against", type=Path, metavar="RUN2", help="only measure the change from RUN to this run")

    one = command("recommend", _recommend, "Rank the catalogue for a shopper.")
    one.add_argument("run", type=Path, metavar="RUN")
    _add_moved(one)
    one.add_argument("--user", metavar="U", help="a shopper; the run's first one by default")
    one.add_argument("-k", type=int, default=10, metavar="K")
    _add_live(one)

    one = command("explain", _explain, "Explain why a product has its score for a shopper.")
    _add_pair(one)
    _add_moved(one)
    one.add_argument("--method", default="contribution", metavar="M", help="contribution or attention")
    one.add_argument("--out", type=Path, metavar="F", help="a file ending in .html, .svg, .csv, .json or .png")
    _add_live(one)

    one = command("adopt", _adopt, "Make a run of a model that was trained elsewhere.")
    one.add_argument("state", type=Path, nargs="?", metavar="STATE", help="a SASRec-style state dict")
    one.add_argument("--dataset", type=Path, required=True, metavar="DATASET")
    one.add_argument("--run", type=Path, required=True, metavar="RUN")
    one.add_argument("--map", type=Path, metavar="F", help="a JSON file: their names of weights to ours, and the style")
    one.add_argument("--items", type=Path, metavar="F", help="names of products in the order of rows, JSON or CSV")
    one.add_argument("--shoppers", type=Path, metavar="F", help="names of shoppers in the order of rows")
    one.add_argument("--shopper-vectors", type=Path, metavar="F", help="a table of vectors, Parquet or .npy")
    one.add_argument("--item-vectors", type=Path, metavar="F", help="a table of vectors, Parquet or .npy")
    one.add_argument("--onnx", type=Path, metavar="F", help="a scorer of histories")
    one.add_argument("--split", default="", metavar="S", help="how it is measured: temporal or leave-one-out")

    one = command("shot", _shot, "Draw the explorer to a PNG file, without a screen.")
    _add_pair(one)
    one.add_argument("--method", default="contribution", metavar="M", help="contribution or attention")
    one.add_argument("--out", type=Path, required=True, metavar="F.png")
    one.add_argument("--theme", choices=("light", "dark"), default="light")
    one.add_argument("--language", choices=("en", "zh_CN"), default="en")
    one.add_argument("--size", default="1600x1000", metavar="WxH")
    return parser


def _add_pair(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--user", default="", metavar="U", help="a shopper; the run's first one by default")
    parser.add_argument("--item", default="", metavar="I", help="a product; the shopper's first one by default")


def _add_moved(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", type=Path, metavar="DATASET", help="where the run's dataset is now")


def _add_live(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--add", action="append", default=[], metavar="ITEM[@TIME]", help="as if this had happened too")
    parser.add_argument("--kind", default="", metavar="K", help="the kind of the added events, such as view")
    parser.add_argument(
        "--with",
        action="append",
        default=[],
        dest="carried",
        metavar="FIELD=VALUE",
        help="what else the added events carry, such as device=phone",
    )
    parser.add_argument("--remove", action="append", default=[], metavar="ITEM", help="as if this had not happened")
    parser.add_argument("--invented", action="store_true", help="a shopper of nothing but the added events")
    parser.add_argument("--rules", type=Path, metavar="F", help="a JSON file of business rules")


def _add_set(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=what)


def _settings(pairs: list[str], option: str = "--set") -> dict[str, str]:
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise HeedmapError(f"{option} {pair} has no '='.", f"Write {option} key=value.")
        settings[key.strip()] = value.strip()
    return settings


class _Milestones:
    """Progress for a log: a line when a stage begins and at each quarter of it, instead of a bar."""

    def __init__(self, console: Any, say_epoch: Callable[[Progress], bool]) -> None:
        self._console, self._say_epoch = console, say_epoch
        self._said: tuple[str, int] = ("", -1)

    def __call__(self, progress: Progress) -> None:
        if progress.message:
            self._console.print(progress.message, highlight=False)
        if self._say_epoch(progress) or progress.stage in ("Training", "Validating"):
            return
        mark = (progress.stage, 4 * progress.done // progress.total if progress.total else 0)
        if mark != self._said:
            self._said = mark
            figures = f" {progress.done:,} of {progress.total:,}" if progress.total else ""
            self._console.print(f"{progress.stage}{figures}", highlight=False)


def run_job(job: Job, quiet: bool) -> Any:
    """Run a job with a progress bar on the terminal's error stream, so that answers can be piped."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True, quiet=quiet)

    def say_epoch(progress: Progress) -> bool:
        row = progress.data
        if "ndcg@10" not in row:
            return False
        console.print(
            f"epoch {int(row['epoch']):3d}  loss {row['loss']:.4f}  validation NDCG@10 {row['ndcg@10']:.4f}"
            f"  Recall@10 {row['recall@10']:.4f}  {row['seconds']:.1f} s",
            highlight=False,
        )
        return True

    if quiet or not console.is_terminal:
        return finish(job, _Milestones(console, say_epoch))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        shown: dict[str, Any] = {}

        def watch(progress: Progress) -> None:
            stage = progress.stage
            if progress.message:
                console.print(progress.message, highlight=False)
            if say_epoch(progress):
                return
            if stage not in shown:
                for task in shown.values():
                    bars.remove_task(task)
                shown.clear()
                shown[stage] = bars.add_task(stage, total=progress.total or None)
            rate = progress.data.get("per second")
            label = f"{stage} ({rate:.0f}/s)" if rate else stage
            bars.update(shown[stage], completed=progress.done, total=progress.total or None, description=label)

        return finish(job, watch)


def _sample(parsed: Any, _: Shot | None) -> Any:
    from engine.dataset.sample import sample

    folder = run_job(sample(parsed.out, parsed.items, parsed.shoppers, parsed.seed), parsed.json)
    return _say_dataset(folder, parsed)


def _import(parsed: Any, _: Shot | None) -> Any:
    from engine.importers import import_dataset

    job = import_dataset(parsed.format, parsed.sources, parsed.out, **_settings(parsed.set))
    return _say_dataset(run_job(job, parsed.json), parsed)


def _say_dataset(folder: Path, parsed: Any) -> Any:
    from engine.dataset.store import Dataset

    about = Dataset.open(Path(folder)).manifest
    if not parsed.json:
        counts = ", ".join(f"{count:,} {name}" for name, count in about.counts.items())
        print(f"{folder}: {counts}")
        for note in about.notes:
            print(f"Note: {note}")
    return {"dataset": str(folder), "counts": about.counts, "notes": about.notes}


def _encoders(parsed: Any, _: Shot | None) -> Any:
    from engine.features.inventory import inventory, table

    home = os.environ.get("HEEDMAP_WORKSPACE")
    found = inventory(parsed.folders, parsed.workspace or (Path(home) if home else None))
    if not parsed.json:
        print(table(found))
    return [asdict(one) for one in found]


def _check(parsed: Any, _: Shot | None) -> Any:
    from engine.dataset.statistics import check
    from engine.dataset.store import Dataset

    report = check(Dataset.open(parsed.dataset))
    content = asdict(report)
    if not parsed.json:
        _print_table("", content)
    return content


def _print_table(indent: str, content: dict[str, Any]) -> None:
    width = max((len(str(name)) for name in content), default=0)
    for name, value in content.items():
        label = f"{indent}{str(name).replace('_', ' '):<{width}}"
        if isinstance(value, dict):
            print(label.rstrip())
            _print_table(indent + "  ", value)
        elif isinstance(value, tuple | list) and value:
            print(label.rstrip())
            for one in value:
                print(f"{indent}  {_problem_line(one) if isinstance(one, dict) else one}")
        elif not isinstance(value, tuple | list):
            print(f"{label}  {value}")


def _problem_line(kind: dict[str, Any]) -> str:
    rows = ", ".join(str(row) for row in kind["rows"])
    where = f"{kind['source']}, {kind['column']}" if kind["column"] else kind["source"]
    example = f", such as {kind['example']!r}" if kind["example"] else ""
    return f"{kind['count']:,} x {kind['reason']} ({where}; rows {rows}{example})"


def _train(parsed: Any, _: Shot | None) -> Any:
    from engine.files import read_json
    from engine.training.config import Config
    from engine.training.loop import train

    settings = dict(read_json(parsed.config)) if parsed.config else {}
    if parsed.update is not None:
        return _update(parsed, {**settings, **_settings(parsed.set)})
    config = Config.from_settings({**settings, **_settings(parsed.set)})
    folder = run_job(train(parsed.dataset, parsed.run, config, resume=parsed.resume), parsed.json)
    card = read_json(folder / "run.json")
    if not parsed.json:
        _say_metrics(card["metrics"], "test")
    return {"run": str(folder), "epoch": card["best_epoch"], "metrics": card["metrics"]}


def _update(parsed: Any, settings: dict[str, Any]) -> Any:
    from engine.files import read_json
    from engine.training.update import update, update_text

    if parsed.resume:
        raise HeedmapError("An update is short and is not resumed.", "Start it again without --resume.")
    job = update(parsed.dataset, parsed.run, parsed.update.resolve(), settings, parsed.replay)
    card = read_json(run_job(job, parsed.json) / "run.json")
    if not parsed.json:
        print(update_text(card["update"]))
    return {"run": str(parsed.run), "update": card["update"], "metrics": card["metrics"]}


def _say_metrics(metrics: dict[str, float], part: str) -> None:
    print(f"{'':<12}{'NDCG@10':>10}{'Recall@10':>11}   ({part}, {int(metrics[f'{part} targets']):,} targets)")
    for who, prefix in (("this run", ""), ("popularity", "popularity ")):
        figures = (metrics[f"{prefix}{part} ndcg@10"], metrics[f"{prefix}{part} recall@10"])
        print(f"{who:<12}{figures[0]:>10.4f}{figures[1]:>11.4f}")
    if metrics[f"{part} targets"] and metrics[f"{part} ndcg@10"] <= metrics[f"popularity {part} ndcg@10"]:
        print("This run does not beat popularity: do not explain shoppers by it.")


def _evaluate(parsed: Any, _: Shot | None) -> Any:
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
    found = run_job(evaluate(_open(parsed), wanted), parsed.json)
    if not parsed.json:
        print(evaluation_text(found))
    return found


def _runs(parsed: Any, _: Shot | None) -> Any:
    from engine.evaluation.runs import runs, runs_json, runs_text

    rows, faults = runs(parsed.places, parsed.sort)
    if not parsed.json:
        print(runs_text(rows, faults))
    return runs_json(rows, faults)


def _adopt(parsed: Any, _: Shot | None) -> Any:
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
        _say_metrics(card["metrics"], "test")
        print(f"Note: {card['origin']['note']}")
    return {"run": str(parsed.run), "origin": card["origin"], "metrics": card["metrics"]}


def _merge(parsed: Any, _: Shot | None) -> Any:
    from engine.training.merge import merge

    folders = run_job(merge(parsed.run.resolve(), parsed.out), parsed.json)
    if not parsed.json:
        for folder in folders:
            print(f"Written to {folder}")
    return {"folders": [str(folder) for folder in folders]}


def _compress(parsed: Any, _: Shot | None) -> Any:
    from engine.compress import Wanted, compress, differences, report_text
    from engine.recommend import Recommender

    if (parsed.out is None) == (parsed.against is None):
        raise HeedmapError("It is not clear what to do.", "Give --out NEW, or --against RUN2 to compare only.")
    if parsed.against is not None:
        runs = [run_job(Recommender.open(one.resolve()), quiet=True) for one in (parsed.run, parsed.against)]
        report = run_job(differences(*runs), parsed.json)
    else:
        settings = _settings([one for one in parsed.distil.split(",") if one])
        wanted = Wanted(parsed.int8_vectors, parsed.prune_heads, settings)
        report = run_job(compress(parsed.run.resolve(), parsed.out.resolve(), wanted), parsed.json)
    if not parsed.json:
        print(report_text(report))
    return report


def _open(parsed: Any) -> Any:
    from engine.opening import open_run

    moved = getattr(parsed, "dataset", None)
    return run_job(open_run(parsed.run.resolve(), moved), quiet=True)


def _recommend(parsed: Any, _: Shot | None) -> Any:
    if parsed.k < 1:
        raise HeedmapError(f"-k {parsed.k} is not a number of products.", "Give 1 or more.")
    recommender = _open(parsed)
    session, rules = _live(parsed), _rules(parsed)
    ranking = recommender.rank(parsed.user or recommender.data.users[0], parsed.k, session, rules)
    if not parsed.json:
        from engine.explain.export import effect_sentence

        print(f"For shopper {ranking.user}, of {ranking.catalogue:,} products:")
        for one in ranking.items:
            print(f"{one.rank:>4}  {one.score:>8.3f}  {one.title}  ({one.item})")
            for effect in one.effects:
                print(f"{'':16}{effect_sentence(effect)}")
        for note in ranking.notes:
            print(f"Note: {note}")
    return asdict(ranking)


def _live(parsed: Any) -> Any:
    from engine.live import Session, read_event

    if not (parsed.add or parsed.remove or parsed.invented):
        return None
    carried = tuple(_settings(parsed.carried, "--with").items())
    added = tuple(read_event(one, parsed.kind, carried) for one in parsed.add)
    return Session(added, tuple(parsed.remove), parsed.invented)


def _rules(parsed: Any) -> Any:
    from engine.rules import read_rules

    return read_rules(parsed.rules) if parsed.rules else ()


def _explain(parsed: Any, shot: Shot | None) -> Any:
    from engine.explain.export import export, summary
    from engine.explain.methods import explain

    recommender = _open(parsed)
    user = parsed.user or recommender.data.users[0]
    session, rules = _live(parsed), _rules(parsed)
    best = [parsed.item] if parsed.item else [one.item for one in recommender.rank(user, 1, session, rules).items]
    if not best:
        raise HeedmapError("The rules leave no product to explain.", "Name one with --item.")
    item = best[0]
    if parsed.out is not None and parsed.out.suffix == ".png":
        if session or rules:
            raise HeedmapError("A picture of the window shows no live session and no rules.", "Use .html or .svg.")
        parsed.user, parsed.item, parsed.theme, parsed.language, parsed.size = user, item, "light", "en", "1600x1000"
        return _shot(parsed, shot)
    explanation = explain(recommender, user, item, parsed.method, session, rules)
    if parsed.out is not None:
        export(explanation, recommender.dataset, parsed.out)
    if not parsed.json:
        print(summary(explanation))
        if parsed.out is not None:
            print(f"Written to {parsed.out}")
    return explanation.to_json()


def _shot(parsed: Any, shot: Shot | None) -> Any:
    if shot is None:
        raise HeedmapError("Pictures of the window need its packages.", "Install heedmap with PySide6.")
    width, cross, height = parsed.size.partition("x")
    if not (cross and width.isdigit() and height.isdigit()):
        raise HeedmapError(f"--size {parsed.size} is not a size.", "Write it as 1600x1000.")
    shot(
        parsed.run.resolve(),
        parsed.out,
        theme=parsed.theme,
        language=parsed.language,
        user=parsed.user,
        item=parsed.item,
        method=parsed.method,
        size=(int(width), int(height)),
    )
    if not parsed.json:
        print(f"Written to {parsed.out}")
    return {"picture": str(parsed.out)}
