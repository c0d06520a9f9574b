"""A desk that tells what its process has loaded."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from engine.jobs import Job, Progress


class EarlyDesk:
    def job(self, name: str, arguments: dict[str, Any]) -> Job:
        found: Job = getattr(self, name)(**arguments)
        return found

    def process(self) -> Job:
        """Return the number of the process."""
        yield Progress("Looking")
        return os.getpid()

    def loaded(self, module: str) -> Job:
        """Wait until a module is loaded, by whomever, and return its name."""
        while module not in sys.modules:
            yield Progress("Waiting")
            time.sleep(0.002)
        return module
