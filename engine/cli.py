"""The command line: parse, run a command of `engine.commands`, print. Text for people, or JSON with --json."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from engine.commands import COMMANDS
from engine.errors import HeedmapError
from engine.files import of_machine
from engine.runner import keep_caches_at_home
from engine.versions import program_version
from engine.workspace import refuse_newer

DONE, FAULT, BAD_INPUT, CANCELLED = 0, 1, 2, 130


def main(
    argv: Sequence[str],
    shot: Callable[..., None] | None = None,
    window: Callable[..., None] | None = None,
    look: Callable[..., Any] | None = None,
) -> int:
    """Run one command and return its exit code. `shot` draws the window off-screen, `window` opens it until it is
    closed, `look` tries it in a process of its own (see `engine.selftest.run`); the window's package gives all three.
    A command can set `parsed.code`, where it does its work and the answer is bad."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ[name] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    keep_caches_at_home()
    if isinstance(sys.stdout, TextIOWrapper):  # a letter that the terminal does not have is spelled out
        sys.stdout.reconfigure(errors="backslashreplace")
    parsed = command_parser().parse_args(argv, argparse.Namespace(shot=shot, window=window, look=look, code=DONE))
    try:
        _refuse_newer(parsed)
        answer = parsed.command.run(parsed)
        if parsed.json:
            letters = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
            print(json.dumps(answer, ensure_ascii=not letters, indent=2))
        if sys.stdout is not None:
            sys.stdout.flush()  # while an error can still be told
        return int(parsed.code)
    except HeedmapError as error:
        print(f"heedmap: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("heedmap: cancelled; what was written before is still valid.", file=sys.stderr)
        return CANCELLED
    except BrokenPipeError:
        _silence()  # the reader of our output went away
        return DONE
    except Exception as error:
        if (told := of_machine(error)) is not None:
            print(f"heedmap: {told}", file=sys.stderr)
            _silence()
            return BAD_INPUT
        traceback.print_exc()
        print("heedmap: a fault in Heedmap, not in your data. Please report the lines above.", file=sys.stderr)
        return FAULT


def _silence() -> None:
    """Say nothing at exit either."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - as long as the process


def _refuse_newer(parsed: argparse.Namespace) -> None:
    """NewerError where any path that was given lies in a workspace of a newer version."""
    for value in vars(parsed).values():
        for path in value if isinstance(value, list | tuple) else (value,):
            if isinstance(path, Path):
                refuse_newer(path.absolute())


def command_parser() -> argparse.ArgumentParser:
    """Every command with its options; the man page and the shells' completion are made from it too."""
    parser = argparse.ArgumentParser(
        prog="heedmap", description="See what a product recommender heeds. Without a command the window opens."
    )
    parser.add_argument("--version", action="version", version=f"heedmap {program_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.help, description=command.help)
        one.add_argument("--json", action="store_true", help="print the answer as JSON")
        one.set_defaults(command=command)
        command.add(one)
    return parser
