"""Find the smallest change that moves a product out of a shopper's list, or into the lists of shoppers."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.commands.contrast import shoppers_in
from engine.commands.options import add_moved, opened_run
from engine.commands.progress import run_job
from engine.errors import HeedmapError


def add(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument(
        "--user",
        action="append",
        default=[],
        metavar="U",
        help="a shopper; with --lift, as often as there are shoppers",
    )
    parser.add_argument("--segment", type=Path, metavar="F", help="with --lift, a file of shoppers, one a line")
    parser.add_argument("--item", default="", metavar="I", help="a product; the shopper's first one by default")
    add_moved(parser)
    parser.add_argument("-k", type=int, default=10, metavar="K", help="the length of the list")
    parser.add_argument("--kinds", default="", metavar="A,B", help="remove only history, text, image, attribute, link")
    parser.add_argument("--lift", action="store_true", help="what brings the product into the list, not out of it")
    parser.add_argument("--share", type=float, default=0.5, metavar="S", help="of the shoppers that --lift must reach")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="N", help="after which the best so far is given")


def run(parsed: Namespace) -> Any:
    from engine.counterfactual.drop import drop
    from engine.counterfactual.lift import lift
    from engine.counterfactual.types import DROP_KINDS

    if (len(parsed.user) > 1 or parsed.segment is not None) and not parsed.lift:
        raise HeedmapError("A place is lost in one shopper's list.", "Name one --user, or ask for --lift.")
    if parsed.lift and not parsed.item:
        raise HeedmapError("No product to lift is named.", "Name one with --item.")
    recommender = opened_run(parsed)
    named = shoppers_in(parsed.segment) if parsed.segment is not None else []
    users = [*parsed.user, *named] or [recommender.data.users[0]]
    if parsed.lift:
        lifted = run_job(lift(recommender, parsed.item, users, parsed.k, parsed.share, parsed.seconds), parsed.json)
        if not parsed.json:
            _say_lift(lifted)
        return lifted.to_json()
    item = parsed.item or recommender.rank(users[0], 1).items[0].item
    kinds = tuple(one.strip() for one in parsed.kinds.split(",") if one.strip()) or DROP_KINDS
    dropped = run_job(drop(recommender, users[0], item, parsed.k, kinds, parsed.seconds), parsed.json)
    if not parsed.json:
        _say_drop(dropped)
    return dropped.to_json()


def _say_drop(found: Any) -> None:
    from engine.counterfactual.drop import sentence

    print(f"{found.title} ({found.item}) for shopper {found.user}: rank {found.rank_before}")
    for one in (found, *found.others):
        certain = " No smaller set of this kind does." if one.proven else ""
        listed = f" ({one.rank_listed} when they may be shown again)" if one.rank_listed != one.rank_after else ""
        print(f"{sentence(one)}{listed}.{certain}")
    for note in found.notes:
        print(f"Note: {note}")
    print(f"{found.tried:,} changes tried in {found.seconds:.1f} s; each one told was confirmed by ranking anew.")


def _say_lift(found: Any) -> None:
    from engine.counterfactual.lift import sentence

    print(f"{found.title} ({found.item}): in the first {found.k} of {found.before} of {len(found.places)} shoppers")
    if not found.found:
        print(f"No known change was found that brings it there for {found.share:.0%} of them. The one that does most:")
    if found.changes:
        print(sentence(found.changes, found.after, len(found.places), found.k))
    for one in found.places[:10]:
        print(f"  {one.user}: rank {one.rank_before} -> {one.rank_after}")
    for note in found.notes:
        print(f"Note: {note}")
    print(f"{found.tried:,} changes tried in {found.seconds:.1f} s.")
