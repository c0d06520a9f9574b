"""What a system may withhold, made up for before anything needs it: open standard streams, a home folder."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path


def prepare() -> None:
    """To be called first, in every process that a user starts."""
    open_streams()
    give_home()


def open_streams() -> None:
    """Where a standard stream is closed, nothing is read and what is written is lost.

    Otherwise the next file that is opened takes its number, and what a library prints is written into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            with suppress(OSError):
                setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as the process


def give_home() -> None:
    """A user without a home folder gets one for settings and workspaces among the temporary files, and is told."""
    if os.path.isabs(os.path.expanduser("~")):
        return
    name = f"heedmap-home-{os.getuid()}" if hasattr(os, "getuid") else "heedmap-home"
    home = Path(tempfile.gettempdir()) / name
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        mine = not hasattr(os, "getuid") or home.stat().st_uid == os.getuid()
    except OSError:
        mine = False
    if not mine:
        home = Path(tempfile.mkdtemp(prefix="heedmap-home-"))
    os.environ["HOME"] = str(home)
    print(
        f"heedmap: this user has no home folder. Settings are kept in {home}; set HOME to keep them elsewhere.",
        file=sys.stderr,
    )
