"""Scenarios as files: WORKSPACE/scenarios/NAME.json, with the photos and rules they need beside them.

    {"version": 2, "name": ..., "note": ..., "time": ..., "run": ..., "user": ..., "item": ..., "scenario": {...}}

Photos and rules that are kept here are named from the workspace ("scenarios/photos/..."), so that it can be moved as a
whole; a photo of the dataset keeps its path inside the dataset. Files elsewhere are copied in under the hash of their
content.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from engine import versions
from engine.errors import HeedmapError
from engine.files import read_json, refuse_read_only, sha256, write_bytes, write_json
from engine.natural import natural_key
from engine.scenario import Scenario

FOLDER = "scenarios"


@dataclass(frozen=True)
class SavedScenario:
    """A scenario under a name. run: the name of the run it was made on, user and item what was looked at, "" where
    that is not known; time: when it was saved, ISO 8601 in UTC."""

    name: str
    scenario: Scenario
    run: str = ""
    user: str = ""
    item: str = ""
    note: str = ""
    time: str = ""


def photo_folder(workspace: Path) -> Path:
    """Where the photos that scenarios need are kept."""
    return workspace / FOLDER / "photos"


def scenario_file(workspace: Path, name: str) -> Path:
    """Where a scenario of this name is kept: letters of all scripts stay, what a system forbids is spelled out."""
    clean = "".join(one if one.isalnum() or one in " -_" else quote(one, safe="") for one in name)
    return workspace / FOLDER / f"{clean.strip() or 'scenario'}.json"


def save_scenario(workspace: Path, saved: SavedScenario) -> Path:
    """Write a scenario, in place of one of the same name, and return its file. HeedmapError for a name of nothing but
    blanks, and for a photo or a file of rules that is not there."""
    if not saved.name.strip():
        raise HeedmapError("A scenario needs a name.", "Write one.")
    file = scenario_file(workspace, saved.name)
    scenario = _placed(saved.scenario, lambda path: _inside(workspace, path))
    content = {
        "version": versions.current("scenario"),
        "name": saved.name,
        "note": saved.note,
        "time": saved.time or datetime.now(UTC).isoformat(timespec="seconds"),
        "run": saved.run,
        "user": saved.user,
        "item": saved.item,
        "scenario": scenario.to_json(),
    }
    write_json(file, content)
    return file


def read_scenario(file: Path) -> SavedScenario:
    """Read a saved scenario of any version, or a bare one as `Scenario.to_json` has it. HeedmapError when it is missing
    or damaged; NewerError."""
    content = read_json(file)
    if not isinstance(content, dict):
        raise HeedmapError(f"{file} is not a scenario.", "Save it again from the What-if view.")
    versions.refuse_newer("scenario", content, file)
    bare = "scenario" not in content
    home = file.parent if bare else file.parent.parent
    if not bare:
        content = versions.forward("scenario", content, file, home)
    scenario = Scenario.from_json(content if bare else content["scenario"])
    find = _beside if bare else _kept
    scenario = _placed(scenario, lambda path: find(home, path))
    told: dict[str, Any] = {} if bare else content
    names = ("run", "user", "item", "note", "time")
    return SavedScenario(str(told.get("name", file.stem)), scenario, *(str(told.get(name, "")) for name in names))


def list_scenarios(workspace: Path) -> tuple[SavedScenario, ...]:
    """The scenarios of a workspace by name; a damaged file is left out."""
    found = []
    for file in (workspace / FOLDER).glob("*.json"):
        if file.name.startswith("."):
            continue  # what is left of a writing that was killed
        try:
            found.append(read_scenario(file))
        except HeedmapError:
            continue
    return tuple(sorted(found, key=lambda one: natural_key(one.name)))


def rename_scenario(workspace: Path, saved: SavedScenario, name: str) -> Path:
    """Keep a scenario under another name, in place of one that has it, and return its file. HeedmapError as in
    `save_scenario` and `delete_scenario`."""
    before, file = scenario_file(workspace, saved.name), save_scenario(workspace, replace(saved, name=name))
    if not before.is_file() or not before.samefile(file):  # two spellings of a name can be one file
        delete_scenario(workspace, saved.name)
    return file


def delete_scenario(workspace: Path, name: str) -> None:
    """Delete a scenario; its photos stay, another one may need them. HeedmapError when there is none of this name."""
    refuse_read_only(scenario_file(workspace, name))
    try:
        scenario_file(workspace, name).unlink()
    except FileNotFoundError as error:
        raise HeedmapError(f"There is no scenario {name!r}.", "Perhaps it was deleted already.") from error


def kept_content(workspace: Path, content: dict[str, Any]) -> dict[str, Any]:
    """A scenario's content with the files it needs copied to the scenarios, and named from the workspace."""
    scenario = _placed(Scenario.from_json(content["scenario"]), lambda path: _inside(workspace, path))
    return {**content, "scenario": scenario.to_json()}


def _placed(scenario: Scenario, place: Callable[[str], str]) -> Scenario:
    """The scenario with its paths as `place` puts them."""
    edits = tuple(replace(edit, photo=place(edit.photo)) if edit.photo else edit for edit in scenario.edits)
    return replace(scenario, edits=edits, rules=place(scenario.rules) if scenario.rules else "")


def _inside(workspace: Path, path: str) -> str:
    """The path as the file keeps it; a file elsewhere is copied in."""
    given = Path(path)
    if not given.is_absolute():
        return path  # of the dataset
    try:
        content = given.read_bytes()
    except OSError as error:
        raise HeedmapError(f"{given} cannot be read, so the scenario cannot be saved.", "Put it back.") from error
    if given.resolve().is_relative_to((workspace / FOLDER).resolve()):
        return given.resolve().relative_to(workspace.resolve()).as_posix()
    folder = workspace / FOLDER / "rules" if given.suffix == ".json" else photo_folder(workspace)
    copy = folder / f"{sha256(content)}{given.suffix}"
    if not copy.is_file():
        write_bytes(copy, content)
    return copy.relative_to(workspace).as_posix()


def _kept(workspace: Path, path: str) -> str:
    """A path of a saved scenario on this machine; what is not kept with the scenarios is the dataset's."""
    return str((workspace / path).resolve()) if PurePosixPath(path).parts[0] == FOLDER else path


def _beside(folder: Path, path: str) -> str:
    """A path of a bare scenario on this machine: of a file in the folder, else of the dataset."""
    here = folder / path
    return str(here.resolve()) if here.is_file() else path
