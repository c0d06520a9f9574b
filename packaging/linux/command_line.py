"""What the command line offers, read from its own parsers: the man page and the completion are written from it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MEANINGS = {  # of options and values of which the command itself says nothing more
    "OUT": "the folder to make",
    "DATASET": "a folder of a dataset",
    "RUN": "a folder of a run",
    "FOLDER": "a folder",
    "SRC": "a file or a folder of the shop's data",
    "--items": "how many products",
    "--shoppers": "how many shoppers",
    "K": "the length of the list",
    "S": "the seed that everything is drawn from",
    "COLUMN": "the column to sort by",
    "F.png": "the picture to write",
    "WxH": "width and height in pixels",
}


@dataclass(frozen=True)
class Option:
    """names: such as ("-k",) or ("--run",). metavar: "" where it takes no value. choices: its values, where they are
    few. is_path: its value is a file or a folder."""

    names: tuple[str, ...]
    metavar: str
    help: str
    choices: tuple[str, ...]
    is_path: bool
    optional: bool  # its value may be left away


@dataclass(frozen=True)
class Command:
    """name: "" is the window. usage: what follows the name. is_path: what it is given are files or folders."""

    name: str
    help: str
    usage: str
    options: tuple[Option, ...]
    arguments: tuple[Option, ...]

    @property
    def is_path(self) -> bool:
        return any(one.is_path for one in self.arguments)


def commands() -> tuple[Command, ...]:
    """The window first, then every command in the order of --help."""
    from app.__main__ import window_parser
    from engine.cli import command_parser

    parser = command_parser()
    found = next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    helps = {one.dest: one.help or "" for one in found._choices_actions}
    window = _command("", window_parser(), "Open the window.")
    return window, *(_command(name, one, helps[name]) for name, one in found.choices.items())


def _command(name: str, parser: argparse.ArgumentParser, text: str) -> Command:
    usage = " ".join(parser.format_usage().split()).removeprefix(f"usage: {parser.prog}").strip()
    every = list(_options(parser))
    return Command(
        name, text, usage, tuple(one for one in every if one.names), tuple(one for one in every if not one.names)
    )


def _options(parser: argparse.ArgumentParser) -> Iterator[Option]:
    for one in parser._actions:
        takes = one.nargs != 0
        choices = tuple(str(choice) for choice in one.choices or () if str(choice))
        metavar = one.metavar if isinstance(one.metavar, str) else "|".join(choices) or one.dest.upper()
        names = tuple(one.option_strings)
        text = one.help or (
            f"one of {', '.join(choices)}"
            if choices
            else MEANINGS.get(names[-1] if names and names[-1] in MEANINGS else metavar, "")
        )
        yield Option(
            names, metavar if takes else "", text.replace("%%", "%"), choices,
            one.type is Path, one.nargs == "?",
        )  # fmt: skip
