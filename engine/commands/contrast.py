"""Why this and not that; what sells; what carries score that should not."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.commands.options import add_moved, add_pair, rules_given, trained_run
from engine.commands.progress import run_job
from engine.errors import HeedmapError


def add(parser: ArgumentParser) -> None:
    add_pair(parser)
    add_moved(parser)
    parser.add_argument("--against", metavar="ITEM2", help="why this product above that one")
    parser.add_argument(
        "--segment", type=Path, metavar="F", help="why this shopper and not those in a file, one a line"
    )
    parser.add_argument("--other-run", type=Path, metavar="RUN2", help="what changed from another run")
    parser.add_argument("--epoch", type=int, metavar="N", help="what changed since an epoch that the run has kept")


def run(parsed: Namespace) -> Any:
    from engine.explain.contrast import contrast_text, products, runs, segment
    from engine.opening import at_epoch

    if sum(one is not None for one in (parsed.against, parsed.segment, parsed.other_run, parsed.epoch)) != 1:
        raise HeedmapError(
            "It is not said what to compare with.", "Give one of --against, --segment, --other-run, --epoch."
        )
    recommender = trained_run(parsed)
    user = parsed.user or recommender.data.users[0]
    item = parsed.item or recommender.rank(user, 1).items[0].item
    if parsed.against is not None:
        found = products(recommender, user, item, parsed.against)
    elif parsed.segment is not None:
        found = segment(recommender, user, item, shoppers_in(parsed.segment))
    elif parsed.epoch is not None:
        then = runs(at_epoch(recommender, parsed.epoch), recommender, user, item)
        found = replace(then, left=f"{then.left} after epoch {parsed.epoch}")
    else:
        other = Namespace(**{**vars(parsed), "run": parsed.other_run})
        found = runs(recommender, trained_run(other), user, item)
    if not parsed.json:
        print(contrast_text(found))
    return found.to_json()


def add_cohort(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    add_moved(parser)
    parser.add_argument("--item", metavar="I", help="what sells this product; without it, what sells at all")
    parser.add_argument("--segment", type=Path, metavar="F", help="a file of shoppers, one a line; all without it")
    parser.add_argument("--rules", type=Path, metavar="F", help="what sells of what is shown under business rules")


def run_cohort(parsed: Namespace) -> Any:
    from engine.explain.cohort import cohort_text, sells, sells_this

    if parsed.item and parsed.rules:
        raise HeedmapError("What sells one product depends on no rule.", "Leave --item or --rules away.")
    recommender, rules = trained_run(parsed), rules_given(parsed)
    users = shoppers_in(parsed.segment) if parsed.segment is not None else None
    job = sells_this(recommender, parsed.item, users) if parsed.item else sells(recommender, users, rules)
    found = run_job(job, parsed.json)
    if not parsed.json:
        print(cohort_text(found))
    return found.to_json()


def add_shortcuts(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    add_moved(parser)


def run_shortcuts(parsed: Namespace) -> Any:
    from engine.explain.shortcuts import shortcuts, shortcuts_text

    found = run_job(shortcuts(trained_run(parsed)), parsed.json)
    if not parsed.json:
        print(shortcuts_text(found))
    return [one.to_json() for one in found]


def shoppers_in(path: Path) -> list[str]:
    """The names in a file, one a line. HeedmapError when it cannot be read or holds none."""
    try:
        named = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise HeedmapError(f"{path} cannot be read ({error}).", "Give a text file with one shopper a line.") from error
    if not named:
        raise HeedmapError(f"{path} names no shopper.", "Write one a line.")
    return list(dict.fromkeys(named))
