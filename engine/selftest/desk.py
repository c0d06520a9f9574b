"""The steps of the self-test as jobs of an engine process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.desk import Desk
from engine.jobs import Job, Progress
from engine.selftest import libraries, shop
from engine.selftest.machine import machine

_INTERNET = {2, 10, 23, 30}  # AF_INET, and AF_INET6 on Linux, Windows and macOS


def watch_sockets() -> list[str]:
    """From now on, a list of the network sockets that this process opens. It cannot be taken back."""
    opened: list[str] = []

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            opened.append(f"the name {arguments[0]} was looked up")
        elif event == "socket.__new__" and arguments[1] in _INTERNET:
            opened.append("a network socket was opened")

    sys.addaudithook(look)
    return opened


class SelftestDesk(Desk):
    """Every step answers (Found, what this process did on the network so far)."""

    def __init__(self) -> None:
        super().__init__()
        self._sockets = watch_sockets()

    def step(self, name: str, folder: str, seconds: float) -> Job:
        """Do a step of `engine.selftest.steps` in a workspace folder; seconds: of the training."""
        yield Progress("Checking this installation")
        place = Path(folder)
        longer: dict[str, Callable[[], Job]] = {
            "sample": lambda: shop.draw(place),
            "training": lambda: shop.training(place, seconds),
            "explanation": lambda: shop.explanations(self, place),
            "export": lambda: shop.export(self, place),
            "audit": lambda: shop.audit(self, place),
        }
        at_once: dict[str, Callable[[], Any]] = {
            "machine": lambda: machine(place),
            "arithmetic": libraries.arithmetic,
            "pictures": lambda: libraries.pictures(place),
            "sound": lambda: libraries.sound(place),
            "tables": lambda: libraries.tables(place / shop.DATASET),
            "encoders": libraries.encoders,
            "adapters": lambda: libraries.adapters(place),
        }
        found = (yield from longer[name]()) if name in longer else at_once[name]()
        return found, tuple(self._sockets)
