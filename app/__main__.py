"""The command `heedmap`: with a subcommand the command line, otherwise the window."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(argv: Sequence[str] | None = None) -> int:
    """Run and return the exit code. Qt is imported for the window alone, the command line for a command alone."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and (not arguments[0].startswith("-") or arguments[0] in {"-h", "--help", "--version"}):
        from app.looking import look
        from engine.cli import main as command_line

        return command_line(arguments, _shot, _window, look)
    options = window_parser().parse_args(arguments)
    from app.ahead import start_engine

    engine = None if options.in_process else start_engine()
    from app.start import start

    return start(
        options.workspace,
        options.run,
        in_process=options.in_process,
        theme=options.theme,
        language=options.language,
        engine=engine,
    )


def _shot(*arguments: Any, **options: Any) -> None:
    from app.shot import shot

    shot(*arguments, **options)


def _window(workspace: str, *, notes: Path | None = None) -> None:
    """Open the window on a workspace and stay until it is closed; notes: see `app.notes`."""
    from app.ahead import start_engine

    engine = start_engine()
    from app.start import start

    start(workspace, "", engine=engine, notes=notes)


def window_parser() -> argparse.ArgumentParser:
    """What the window itself can be told."""
    parser = argparse.ArgumentParser(prog="heedmap", description="Open the window. For commands: heedmap --help")
    parser.add_argument("--workspace", default="", help="the workspace folder to open")
    parser.add_argument("--run", default="", help="the run folder to open")
    parser.add_argument("--in-process", action="store_true", help="run the engine inside the window's process")
    for name, choices in (("theme", ("light", "dark", "contrast", "system")), ("language", ("en", "zh_CN", "system"))):
        parser.add_argument(
            f"--{name}",
            default="",
            choices=choices,
            metavar=name.upper(),
            help=f"{', '.join(choices)}; kept as it was by default",
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
