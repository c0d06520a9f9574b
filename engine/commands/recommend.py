"""Rank the catalogue for a shopper."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.commands.options import add_live, add_moved, asked
from engine.errors import HeedmapError


def add(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    add_moved(parser)
    parser.add_argument("--user", metavar="U", help="a shopper; the run's first one by default")
    parser.add_argument("-k", type=int, default=10, metavar="K")
    add_live(parser)


def run(parsed: Namespace) -> Any:
    if parsed.k < 1:
        raise HeedmapError(f"-k {parsed.k} is not a number of products.", "Give 1 or more.")
    given = asked(parsed)
    ranking = given.run.rank(given.user, parsed.k, given.session, given.rules)
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
