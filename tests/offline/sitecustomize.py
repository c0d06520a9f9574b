"""Refuses network sockets in a Python process: tests run it themselves, their child processes by PYTHONPATH."""

from __future__ import annotations

import sys
from typing import Any

REFUSAL = "a network socket was opened, and Heedmap works offline"
_INTERNET = {2, 10, 23, 30}  # AF_INET, and AF_INET6 on Linux, Windows and macOS; `socket` itself is not imported early


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo" or (event == "socket.__new__" and arguments[1] in _INTERNET):
        print(REFUSAL, file=sys.stderr, flush=True)  # seen even where a library swallows the error
        raise AssertionError(REFUSAL)


# An audit hook cannot be taken away again: it holds for the life of the process.
sys.addaudithook(_refuse_network)
