"""Explain why a product has its score for a shopper."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.commands import shot
from engine.commands.options import (
    Asked,
    add_live,
    add_method,
    add_moved,
    add_pair,
    asked,
)
from engine.errors import HeedmapError


def add(parser: ArgumentParser) -> None:
    add_pair(parser)
    add_moved(parser)
    add_method(parser)
    parser.add_argument("--out", type=Path, metavar="F", help="a file ending in .html, .svg, .csv, .json or .png")
    parser.add_argument("--past", metavar="ITEM", help="split this past purchase's share into its own words and cells")
    add_live(parser)


def run(parsed: Namespace) -> Any:
    from engine.explain.export import export, summary
    from engine.explain.methods import explain

    given = asked(parsed)
    recommender, user, session, rules = given.run, given.user, given.session, given.rules
    best = [given.item] if given.item else [one.item for one in recommender.rank(user, 1, session, rules).items]
    if not best:
        raise HeedmapError("The rules leave no product to explain.", "Name one with --item.")
    item = best[0]
    if parsed.out is not None and parsed.out.suffix == ".png":
        if session or rules or parsed.scenario:
            raise HeedmapError(
                "A picture of the window shows no live session, no rules and no scenario.", "Use .html or .svg."
            )
        parsed.user, parsed.item = user, item
        return shot.draw(parsed)
    if parsed.past:
        if parsed.out is not None:
            raise HeedmapError(
                "The split of a past purchase is not written to a file.", "Take --json instead of --out."
            )
        return _split(given, item, parsed)
    explanation = explain(recommender, user, item, parsed.method, session, rules)
    if parsed.out is not None:
        export(explanation, recommender.dataset, parsed.out)
    if not parsed.json:
        print(summary(explanation))
        if parsed.out is not None:
            print(f"Written to {parsed.out}")
    return explanation.to_json()


def _split(given: Asked, item: str, parsed: Namespace) -> Any:
    from engine.explain.case import Case
    from engine.explain.past import split, split_text
    from engine.recommend import Recommender

    if not isinstance(given.run, Recommender):
        raise HeedmapError(f"{given.run.folder.name} was made elsewhere and shows nothing of its inside.")
    found = split(Case(given.run, given.user, item, given.session), parsed.past, given.session)
    if not parsed.json:
        print(split_text(found))
    return found.to_json()


def add_methods(parser: ArgumentParser) -> None:
    """No options."""


def run_methods(parsed: Namespace) -> Any:
    from engine.explain.methods import METHODS

    if not parsed.json:
        for name, one in METHODS.items():
            print(f"{name:<26}{one.about}")
    return {name: {"about": one.about, "sums": one.sums, "deep": one.deep} for name, one in METHODS.items()}
