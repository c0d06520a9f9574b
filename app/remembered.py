"""What this machine remembers of its user: the settings, written beside the Qt thread as soon as one is different."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject

from app.disk_thread import DiskThread
from app.settings import Settings
from engine.errors import HeedmapError


class Remembered(QObject):
    """save: writes settings to where they are kept; may raise HeedmapError."""

    def __init__(self, settings: Settings, save: Callable[[Settings], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self._save = save
        self._disk = DiskThread()

    def change(self, **changes: str) -> None:
        changed = replace(self.settings, **changes)
        if changed != self.settings:
            self.settings = changed
            self._disk.start(partial(self._write, changed))  # at once: a window can be killed

    def flush(self) -> None:
        """Wait for what is being written, and write once more."""
        self._disk.wait()
        self._write(self.settings)

    def _write(self, settings: Settings) -> None:
        try:
            self._save(settings)
        except HeedmapError as error:
            print(error)
