"""The saved scenarios of a workspace, as the view shows them: read and written beside the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.whatif.background import Background
from engine.scenario_files import SavedScenario, delete_scenario, list_scenarios, rename_scenario, save_scenario


class Scenarios(QObject):
    """The list of a workspace; `changed` brings the name to mark ("" for the one that was marked)."""

    changed = Signal(str)

    def __init__(self, folder: Callable[[], Path], parent: QObject | None = None) -> None:
        """folder: the workspace, as it is at the time."""
        super().__init__(parent)
        self._folder = folder
        self.background = Background(self)
        self.failed = self.background.failed
        self.saved: tuple[SavedScenario, ...] = ()

    def named(self, name: str) -> SavedScenario | None:
        """The scenario of a name."""
        return next((one for one in self.saved if one.name == name), None)

    def refresh(self, *_: object) -> None:
        """Read the list again."""
        folder = self._folder()
        self.background.do(lambda: list_scenarios(folder), lambda found: self._take(found, ""))

    def save(self, saved: SavedScenario) -> None:
        """Keep a scenario under its name, in place of one that has it."""
        self._do(saved.name, lambda folder: save_scenario(folder, saved))

    def write_note(self, saved: SavedScenario, note: str) -> None:
        """Keep a note on a scenario."""
        self.save(replace(saved, note=note))

    def rename(self, saved: SavedScenario, name: str) -> None:
        """Give a scenario another name; one that has it is replaced."""
        self._do(name, lambda folder: rename_scenario(folder, saved, name))

    def delete(self, saved: SavedScenario) -> None:
        """Delete a scenario. Its photos stay, another scenario may have them."""
        self._do("", lambda folder: delete_scenario(folder, saved.name))

    def _do(self, mark: str, work: Callable[[Path], object]) -> None:
        folder = self._folder()

        def act() -> tuple[SavedScenario, ...]:
            work(folder)
            return list_scenarios(folder)

        self.background.do(act, lambda found: self._take(found, mark))

    def _take(self, found: tuple[SavedScenario, ...], mark: str) -> None:
        self.saved = found
        self.changed.emit(mark)
