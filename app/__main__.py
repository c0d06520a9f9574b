"""The command `heedmap`: with a subcommand the command line, otherwise the window, on what a double-click gives."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.surroundings import prepare
from engine.errors import HeedmapError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.theme import ThemeSource
    from engine.given_path import Given


def main(argv: Sequence[str] | None = None) -> int:
    """Run and return the exit code. Qt is imported for the window alone, the command line for a command alone."""
    prepare()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and _is_command(arguments[0]):
        from app.looking import look
        from engine.cli import main as command_line

        return command_line(arguments, _shot, _window, look)
    options = window_parser().parse_args(arguments)
    what, fault = None, None
    if options.path is not None:
        from engine.given_path import given

        try:
            what = given(options.path)
        except HeedmapError as error:
            if sys.stderr is not None and sys.stderr.isatty():
                print(f"heedmap: {error}", file=sys.stderr)
                return 2
            fault = error  # from a desktop: there is only the window to say it in
    gc.disable()  # nothing of what loads is garbage; `app.start.make_window` has it looked for again
    from app.ahead import start_engine

    engine = None if options.in_process else start_engine()
    from app.start import start

    return start(
        str(options.workspace or ""),
        str(options.run or ""),
        in_process=options.in_process,
        theme=options.theme,
        language=options.language,
        engine=engine,
        what=what,
        fault=fault,
        check=_check,
    )


def _is_command(word: str) -> bool:
    """Whether the first word is for the command line; any other word than an option is a path."""
    if word.startswith("-"):
        return word in {"-h", "--help", "--version"}
    if os.path.isabs(word):  # as a desktop gives it: no need to know the commands
        return False
    from engine.commands import COMMANDS

    return word in COMMANDS or not (os.path.exists(word) or os.sep in word or Path(word).suffix)


def _shot(*arguments: Any, **options: Any) -> None:
    from app.shot import shot

    shot(*arguments, **options)


def _window(workspace: str, *, notes: Path | None = None, what: Given | None = None) -> None:
    """Open the window and stay until it is closed; see `app.start.start`."""
    from app.ahead import start_engine

    engine = start_engine()
    from app.start import start

    start(workspace, "", engine=engine, notes=notes, what=what, check=_check)


def _check(themes: ThemeSource, window: QWidget) -> None:
    """Help > Check this installation. The self-test opens a window of its own, so that no window can know of it."""
    from app.checking import show_check

    show_check(themes, window)


def window_parser() -> argparse.ArgumentParser:
    """What the window itself can be told."""
    parser = argparse.ArgumentParser(prog="heedmap", description="Open the window. For commands: heedmap --help")
    parser.add_argument(
        "path", type=Path, nargs="?", metavar="PATH", help="a workspace, a run's folder or an audit bundle to open"
    )
    parser.add_argument("--workspace", type=Path, metavar="FOLDER", help="the workspace folder to open")
    parser.add_argument("--run", type=Path, metavar="RUN", help="the run folder to open")
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
