"""A desk whose steps of the self-test go well, fail, fault, die or hang, at once."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from engine.errors import HeedmapError
from engine.jobs import Job, Progress
from engine.selftest.found import Found


class FailingDesk:
    def job(self, name: str, arguments: dict[str, Any]) -> Job:
        assert name == "step"
        return self.step(**arguments)

    def step(self, name: str, folder: str, seconds: float) -> Job:
        yield Progress("Checking this installation")
        with open(os.path.join(folder, f"{name}.txt"), "w") as file:
            file.write("left behind")
        if name == "pictures":
            raise HeedmapError("The photos are all grey.", "Buy colour film.")
        if name == "sound":
            raise ZeroDivisionError("silence")
        if name == "encoders":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "adapters":
            time.sleep(60)
        sockets = ("a network socket was opened",) if name == "tables" else ()
        return Found("{count:,} seen", {"count": 1234}), sockets
