"""The command line: parse, run a command of `engine.commands`, print. Text for people, or JSON with --json."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from engine.commands import COMMANDS
from engine.errors import HeedmapError

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
    parsed = command_parser().parse_args(argv, argparse.Namespace(shot=shot, window=window, look=look, code=DONE))
    try:
        answer = parsed.command.run(parsed)
        if parsed.json:
            print(json.dumps(answer, ensure_ascii=False, indent=2))
        return int(parsed.code)
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


def command_parser() -> argparse.ArgumentParser:
    """Every command with its options; the man page and the shells' completion are made from it too."""
    parser = argparse.ArgumentParser(
        prog="heedmap", description="See what a product recommender heeds. Without a command the window opens."
    )
    parser.add_argument("--version", action="version", version=f"heedmap {importlib.metadata.version('heedmap')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.help, description=command.help)
        one.add_argument("--json", action="store_true", help="print the answer as JSON")
        one.set_defaults(command=command)
        command.add(one)
    return parser
