"""A workspace of an older version is brought forward, with a backup; killed at any moment, it can still be opened."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.desk import Desk
from engine.errors import HeedmapError
from engine.files import READ_ONLY, sha256, sha256_of
from engine.jobs import finish
from engine.notes import kept_version, list_notes
from engine.rules import read_rules
from engine.scenario_files import list_scenarios, read_scenario
from engine.upgrade import open_workspace, upgrade
from engine.versions import current, program_version
from engine.workspace import MARKER, create, is_marked, summarise, workspace_of

OLD = Path(__file__).parent.parent / "old" / "workspace-1"
SCENARIO = "scenarios/pale cup.json"
TODAY = {"heedmap": "workspace", "version": 2, "made_by": program_version()}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD, tmp_path / "shop"))


def everything(folder: Path) -> dict[str, str]:
    found = (one for one in sorted(folder.rglob("*")) if one.is_file())
    return {one.relative_to(folder).as_posix(): sha256_of(one) for one in found}


def beside_backups(folder: Path) -> dict[str, str]:
    return {name: digest for name, digest in everything(folder).items() if not name.startswith("backups/")}


def read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def check_forward(workspace: Path) -> None:
    """It is of today's version, and everything in it means what it meant."""
    assert read(workspace / MARKER) == TODAY
    assert not (workspace / "workspace.json").exists()
    content = read(workspace / SCENARIO)
    assert content["version"] == 2
    photos = [edit["photo"] for edit in content["scenario"]["edits"]]
    own = f"scenarios/photos/{sha256(b'a photo')}.png"
    assert photos == [own, "media/i2.png", "scenarios/photos/kept.png", ""]
    assert content["scenario"]["rules"].startswith("scenarios/rules/")
    assert kept_version(workspace) == current("notes")
    check_meaning(workspace)


def check_meaning(workspace: Path) -> None:
    """What is read of it, whichever of its files are old."""
    (found,) = list_scenarios(workspace)
    assert (found.name, found.note, found.user) == ("pale cup", "is it the colour?", "u1")
    own, of_dataset, kept, taken = [edit.photo or "" for edit in found.scenario.edits]
    assert (Path(own).read_bytes(), Path(kept).read_bytes()) == (b"a photo", b"another")
    assert (of_dataset, taken) == ("media/i2.png", "")
    for file in (Path(found.scenario.rules), workspace / "rules" / "shop.json"):
        assert [(rule.name, rule.by) for rule in read_rules(file)] == [("own brand", 0.3)]
    assert {note.text for note in list_notes(workspace)} == {"Ask for a better photo", "Buys for the stripes"}
    listed = summarise(workspace)
    assert ([one.name for one in listed.datasets], [one.name for one in listed.runs]) == (["Shop"], ["old"])
    assert is_marked(workspace)


def test_every_file_of_the_first_version_is_brought_forward_with_a_backup(workspace: Path) -> None:
    before = everything(workspace)
    summary = finish(Desk().job("list_workspace", {"workspace": str(workspace), "create": True}))
    check_forward(workspace)
    assert summary.not_forward == ""
    kinds = [Path(one).name.rsplit("-", 2)[0] for one in summary.backups]
    assert kinds == ["scenario-v1", "rules-v0", "notes-v1", "workspace-v1"]
    for backup in map(Path, summary.backups):  # as the README says: copied back, all is as it was
        about = read(backup / "backup.json")
        for name in about["files"]:
            assert sha256_of(backup / name) == before[name]
            shutil.copyfile(backup / name, workspace / name)
    (workspace / MARKER).unlink()
    now = beside_backups(workspace)
    assert {name: now[name] for name in before} == before
    assert {name.split("/")[1] for name in now.keys() - before.keys()} == {"photos", "rules"}  # copies of its own


def test_a_second_opening_changes_nothing(workspace: Path) -> None:
    open_workspace(workspace)
    after = everything(workspace)
    again = open_workspace(workspace)
    assert (again.backups, again.not_forward) == ((), "")
    assert everything(workspace) == after


def test_a_workspace_from_before_there_was_a_marker(workspace: Path) -> None:
    (workspace / "workspace.json").unlink()
    shutil.rmtree(workspace / "scenarios")
    shutil.rmtree(workspace / "rules")
    (workspace / "notes.sqlite").unlink()
    before = everything(workspace)
    assert open_workspace(workspace).backups == ()  # no file of it is different
    assert read(workspace / MARKER) == TODAY
    assert everything(workspace) == before | {MARKER: sha256_of(workspace / MARKER)}


def test_a_new_one_has_the_new_marker_and_what_another_program_calls_so_is_let_be(tmp_path: Path) -> None:
    (tmp_path / "workspace.json").write_text('{"folders": []}')
    assert not is_marked(tmp_path)
    summary = open_workspace(tmp_path)
    assert (summary.backups, read(tmp_path / MARKER)) == ((), TODAY)
    assert (tmp_path / "workspace.json").read_text() == '{"folders": []}'


def test_a_damaged_marker_is_kept_and_written_anew(tmp_path: Path) -> None:
    create(tmp_path)
    (tmp_path / MARKER).write_text("{")
    (backup,) = upgrade(tmp_path)
    assert (backup / MARKER).read_text() == "{"
    assert read(tmp_path / MARKER) == TODAY


_KILLED = """
import os, shutil, sys
from pathlib import Path
from engine.upgrade import open_workspace
WRITES = {"os.mkdir", "os.rename", "os.remove", "os.chmod", "tempfile.mkstemp"}
moment, ended = 0, 9
while ended == 9:
    folder = Path(sys.argv[2]) / str(moment)
    shutil.copytree(sys.argv[1], folder)
    if (child := os.fork()) == 0:
        left = moment
        def look(event, arguments):
            global left
            if event in WRITES or (event == "open" and set(str(arguments[1])) & set("wxa+")):
                left -= 1
                if left < 0:
                    os._exit(9)
        sys.addaudithook(look)
        open_workspace(folder)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    moment += 1
sys.exit(ended)
"""


def test_killed_before_any_of_its_writes_it_is_old_or_new_and_goes_on(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _KILLED, str(OLD), str(tmp_path)], timeout=60, check=True)
    *killed, whole = sorted(tmp_path.iterdir(), key=lambda folder: int(folder.name))
    assert len(killed) > 30
    check_forward(whole)
    for workspace in killed:
        check_meaning(workspace)
        open_workspace(workspace)
        check_forward(workspace)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The disk is full after so many files."""
    left = [0]
    real = os.fsync

    def fsync(file: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    return left


def test_on_a_full_disk_it_is_used_as_it_is_and_told(tmp_path: Path, failing: list[int]) -> None:
    told = 0
    for room in range(40):
        workspace = Path(shutil.copytree(OLD, tmp_path / str(room)))
        failing[0] = room
        summary = open_workspace(workspace)
        check_meaning(workspace)
        if not summary.not_forward:
            break
        assert "disk is full" in summary.not_forward
        told += 1
        failing[0] = 1000
        assert open_workspace(workspace).not_forward == ""
        check_forward(workspace)
    assert told > 8


def test_read_only_it_is_read_and_stays_as_it_is(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(READ_ONLY, str(workspace))
    before = everything(workspace)
    check_meaning(workspace)
    assert finish(Desk().job("list_workspace", {"workspace": str(workspace)})).backups == ()
    with pytest.raises(HeedmapError, match="read-only"):
        upgrade(workspace)
    assert everything(workspace) == before


def test_what_is_damaged_or_newer_is_left_for_who_opens_it(workspace: Path) -> None:
    (workspace / "rules" / "torn.json").write_text("{")
    (workspace / "scenarios" / "later.json").write_text('{"version": 99, "scenario": {}}')
    (workspace / "scenarios" / "lost.json").write_text('{"version": 1, "scenario": {}}')
    assert open_workspace(workspace).not_forward == ""
    check_forward(workspace)
    assert (workspace / "rules" / "torn.json").read_text() == "{"
    assert (workspace / "scenarios" / "later.json").read_text() == '{"version": 99, "scenario": {}}'
    assert (workspace / "scenarios" / "lost.json").read_text() == '{"version": 1, "scenario": {}}'


def test_two_openings_at_once_both_find_it_brought_forward(workspace: Path) -> None:
    code = "import sys; from pathlib import Path; from engine.upgrade import open_workspace as o; o(Path(sys.argv[1]))"
    both = [subprocess.Popen([sys.executable, "-c", code, str(workspace)]) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    check_forward(workspace)


def test_a_workspace_is_named_by_its_folder_or_its_marker(workspace: Path, tmp_path: Path) -> None:
    assert workspace_of(workspace) == workspace_of(workspace / "workspace.json") == workspace
    open_workspace(workspace)
    assert workspace_of(workspace / MARKER) == workspace
    other = tmp_path / "notes.heedmap"
    other.write_text("{}")
    (tmp_path / "workspace.json").write_text('{"folders": []}')
    for path, said in (
        (tmp_path / "none", "no workspace at"),
        (other, "is no workspace"),
        (tmp_path / "workspace.json", "is no workspace"),
        (workspace / SCENARIO, "is no workspace"),
    ):
        with pytest.raises(HeedmapError, match=said):
            workspace_of(path)


def test_a_scenario_in_another_place_is_read_as_it_was_meant(workspace: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.move(workspace, moved)
    assert Path(read_scenario(moved / SCENARIO).scenario.edits[0].photo or "").read_bytes() == b"a photo"
