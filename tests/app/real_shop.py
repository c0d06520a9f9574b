"""A tiny shop with a run and a second one, and an engine lane that answers from them in the test's own process."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from engine.desk import Desk
from engine.errors import HeedmapError
from engine.jobs import finish
from tests.app.conftest import FakeEngine


def make_workspace(folder: Path) -> Path:
    """A workspace with the shop, and two runs on it."""
    from engine.training.config import Config
    from engine.training.loop import train
    from tests.engine.conftest import TINY, make_tiny_shop

    shop = make_tiny_shop(folder / "datasets" / "tiny")
    finish(train(shop, folder / "runs" / "one", Config.from_settings({**TINY, "epochs": 1})))
    shutil.copytree(folder / "runs" / "one", folder / "runs" / "two")
    return folder


class RealEngine(FakeEngine):
    """Answers every job as the engine's process would; `held` jobs wait for `release`. "*" in `held` holds all."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.desk = Desk()

    def submit(self, name: str, /, channel: str = "", **arguments: Any) -> int:
        if "*" in self.held:
            self.held.add(name)
        return super().submit(name, channel, **arguments)

    def _answer(self, job: int, name: str, arguments: dict[str, Any]) -> None:
        try:
            answer = finish(self.desk.job(name, arguments))
        except HeedmapError as error:
            self.failed.emit(job, error.message, error.hint)
        else:
            self.finished.emit(job, answer)

    def close(self) -> None:
        self.desk.at_hand.close()
