"""The engine that answers at once, started before the window's own libraries load: both then load side by side."""

from __future__ import annotations

import contextlib

from app.settings import log_folder
from engine.process import AHEAD, EngineProcess, Setup


def interactive() -> Setup:
    """How the engine behind the interactive lane is set up."""
    return Setup(log=str(log_folder()), ahead=AHEAD)


def start_engine() -> EngineProcess:
    """Start that engine, for `app.start.start`. One that cannot start says so in the window."""
    engine = EngineProcess(interactive())
    with contextlib.suppress(OSError):
        engine.start()
    return engine
