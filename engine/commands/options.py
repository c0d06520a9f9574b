"""Options that several commands share: how they are added, and what they are read into."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.commands.progress import run_job
from engine.errors import HeedmapError

if TYPE_CHECKING:
    from engine.live import Session
    from engine.rules import Rule

WINDOWS_RULES = "the window keeps a dataset's as WORKSPACE/rules/DATASET.json; without it, the model's own ranking"


def add_pair(parser: ArgumentParser) -> None:
    """A run, a shopper and a product."""
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--user", default="", metavar="U", help="a shopper; the run's first one by default")
    parser.add_argument("--item", default="", metavar="I", help="a product; the shopper's first one by default")


def add_method(parser: ArgumentParser) -> None:
    """How a score is explained."""
    parser.add_argument(
        "--method",
        default="contribution",
        metavar="M",
        help="auto, contribution, attention, ...: heedmap methods lists them",
    )


def add_moved(parser: ArgumentParser) -> None:
    """Where the dataset is; read by `opened_run`."""
    parser.add_argument("--dataset", type=Path, metavar="DATASET", help="where the run's dataset is now")


def add_live(parser: ArgumentParser) -> None:
    """A live session, business rules and a what-if; read by `asked`."""
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
    parser.add_argument("--rules", type=Path, metavar="F", help=f"a JSON file of business rules: {WINDOWS_RULES}")
    parser.add_argument("--scenario", type=Path, metavar="F", help="a what-if that was saved in the window")


def add_set(parser: ArgumentParser, what: str) -> None:
    """--set KEY=VALUE, any number of times; read by `read_settings`."""
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=what)


def read_settings(pairs: list[str], option: str = "--set") -> dict[str, str]:
    """What KEY=VALUE pairs set. HeedmapError names a pair without a value."""
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise HeedmapError(f"{option} {pair} has no '='.", f"Write {option} key=value.")
        settings[key.strip()] = value.strip()
    return settings


def opened_run(parsed: Namespace) -> Any:
    """The run that was named, opened: a Recommender or a foreign run."""
    from engine.opening import open_run

    moved = getattr(parsed, "dataset", None)
    return run_job(open_run(parsed.run.resolve(), moved), quiet=True)


def live_session(parsed: Namespace) -> Session | None:
    """What is changed of the shopper's past, if anything. HeedmapError names an event that cannot be read."""
    from engine.live import Session, read_event

    if not (parsed.add or parsed.remove or parsed.invented):
        return None
    carried = tuple(read_settings(parsed.carried, "--with").items())
    added = tuple(read_event(one, parsed.kind, carried) for one in parsed.add)
    return Session(added, tuple(parsed.remove), parsed.invented)


def rules_given(parsed: Namespace) -> tuple[Rule, ...]:
    """The business rules of the file that was named, or none."""
    from engine.rules import read_rules

    return read_rules(parsed.rules) if parsed.rules else ()


@dataclass(frozen=True)
class Asked:
    """What is asked of a run: the run, its products as a what-if has them, and whose list, under what."""

    run: Any
    user: str
    item: str  # "" where none was named
    session: Session | None
    rules: tuple[Rule, ...]


def asked(parsed: Namespace) -> Asked:
    """The run that was named, with the live session, rules and what-if that were given; the shopper is the run's first
    one, and the product the what-if's, unless they are named. HeedmapError where two say the same thing."""
    run, session, rules = opened_run(parsed), live_session(parsed), rules_given(parsed)
    user, item = parsed.user, getattr(parsed, "item", "")
    if parsed.scenario:
        from engine.live import Session
        from engine.rules import read_rules
        from engine.scenario_files import read_scenario
        from engine.whatif import edited

        saved = read_scenario(parsed.scenario)
        user, item = user or saved.user, item or saved.item
        user = user or run.data.users[0]
        past = saved.scenario.past_of(user)
        if session is not None and not past.empty:
            raise HeedmapError("The scenario changes the shopper's past too.", "Leave --add, --remove and so on away.")
        if rules and saved.scenario.rules:
            raise HeedmapError("The scenario has rules of its own.", "Leave --rules away.")
        session = session or (None if past.empty else Session(past.added, past.removed, past.invented))
        rules = rules or (read_rules(Path(saved.scenario.rules)) if saved.scenario.rules else ())
        if saved.scenario.edits:
            run = run_job(edited(run, saved.scenario.edits), quiet=True)
    return Asked(run, user or run.data.users[0], item, session, rules)


def trained_run(parsed: Namespace) -> Any:
    """The same, for what needs the inside of a run. HeedmapError for one that was made elsewhere."""
    from engine.recommend import Recommender

    recommender = opened_run(parsed)
    if not isinstance(recommender, Recommender):
        raise HeedmapError(
            f"{recommender.folder.name} was made elsewhere and shows nothing of its inside.",
            "Give a run that was trained here.",
        )
    return recommender
