"""Make and look at dataset folders: draw the sample, import a shop, list the problems."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.commands.options import add_set, read_settings
from engine.commands.progress import run_job


def add_sample(parser: ArgumentParser) -> None:
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--items", type=int, default=400, metavar="N")
    parser.add_argument("--shoppers", type=int, default=600, metavar="N")
    parser.add_argument("--seed", type=int, default=7, metavar="S")


def run_sample(parsed: Namespace) -> Any:
    from engine.dataset.sample import sample

    folder = run_job(sample(parsed.out, parsed.items, parsed.shoppers, parsed.seed), parsed.json)
    return _say_dataset(folder, parsed)


def add_import(parser: ArgumentParser) -> None:
    parser.add_argument("format", metavar="FORMAT", help="movielens, amazon, recbole, table, or auto")
    parser.add_argument("sources", type=Path, nargs="+", metavar="SRC")
    parser.add_argument("--out", type=Path, required=True, metavar="DATASET")
    add_set(parser, "an option of the importer")


def run_import(parsed: Namespace) -> Any:
    from engine.importers import import_dataset

    job = import_dataset(parsed.format, parsed.sources, parsed.out, **read_settings(parsed.set))
    return _say_dataset(run_job(job, parsed.json), parsed)


def _say_dataset(folder: Path, parsed: Namespace) -> Any:
    from engine.dataset.store import Dataset

    about = Dataset.open(Path(folder)).manifest
    if not parsed.json:
        counts = ", ".join(f"{count:,} {name}" for name, count in about.counts.items())
        print(f"{folder}: {counts}")
        for note in about.notes:
            print(f"Note: {note}")
    return {"dataset": str(folder), "counts": about.counts, "notes": about.notes}


def add_check(parser: ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, metavar="DATASET")


def run_check(parsed: Namespace) -> Any:
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
