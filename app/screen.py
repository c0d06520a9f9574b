"""A window needs a screen: where there is none, or a part of the system that draws is missing, a sentence says so."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

NO_SCREEN = 2  # exit code: bad input, as the command line has it


@contextmanager
def told_without_screen() -> Iterator[None]:
    """Around the making of the application: Qt would end the process with a crash report where it cannot draw."""
    said: list[str] = []

    def hear(kind: QtMsgType, _context: QMessageLogContext, text: str) -> None:
        if kind != QtMsgType.QtFatalMsg:
            said.append(text)
            return
        print(f"heedmap: {_sentence(said)}", file=sys.stderr, flush=True)
        os._exit(NO_SCREEN)  # Qt ends the process as soon as this returns

    before = qInstallMessageHandler(hear)
    try:
        yield
    finally:
        qInstallMessageHandler(before)
        for text in said:
            print(text, file=sys.stderr)


def _sentence(said: list[str]) -> str:
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform and any("Could not find the Qt platform plugin" in text for text in said):
        return f"QT_QPA_PLATFORM={platform} is no way to show a window here. Unset it and start again."
    missing = next((text for text in said if "is needed to load" in text), "")
    unreachable = any("could not connect to display" in text for text in said)
    if missing and not unreachable:
        return f"a library of the system that draws windows is missing. {missing}"
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or ""
    what = f"the screen {shown} cannot be reached" if shown else "there is no screen to open the window on"
    return f"{what}. Start it on a desktop; without one, draw a picture: heedmap shot RUN --out F.png"
