"""Two datasets of one name keep their rules and segments apart; what an older version kept for both comes along."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QApplication

from app.own_file import own_file
from app.rules import Rules
from app.segments import Segments
from engine.files import write_json
from engine.rule_book import RuleBook
from engine.rules import Rule

BOOK = RuleBook((Rule("campaign", "pin", items=("i3",), position=1),))
OTHER = RuleBook((Rule("own", "pin", items=("i4",), position=1),))


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path, Path]:
    """A workspace; a dataset in it and two elsewhere, all called "shop"."""
    workspace = tmp_path / "workspace"
    datasets = (workspace / "datasets" / "shop", tmp_path / "north" / "shop", tmp_path / "south" / "shop")
    for folder in datasets:
        write_json(folder / "dataset.json", {})
    return (workspace, *datasets)


@pytest.fixture
def rules(qapp: QApplication) -> Iterator[Rules]:
    stack = QUndoStack()
    made = Rules(stack)
    yield made
    made.flush()
    stack.blockSignals(True)


def kept(workspace: Path) -> list[str]:
    return sorted(file.name for file in (workspace / "rules").glob("*"))


def test_datasets_of_one_name_never_share_rules(places: tuple[Path, Path, Path, Path], rules: Rules) -> None:
    workspace, inside, north, south = places
    rules.open(workspace, inside)
    rules.take(BOOK)
    for folder in (north, south):
        rules.open(workspace, folder)
        assert rules.book == RuleBook()
    rules.take(OTHER)
    rules.open(workspace, north)
    assert rules.book == RuleBook()
    rules.open(workspace, inside)
    assert rules.book == BOOK
    rules.open(workspace, south)
    assert rules.book == OTHER
    assert len(kept(workspace)) == 2


def test_the_file_of_an_older_version_comes_along_with_those_it_was_of(
    places: tuple[Path, Path, Path, Path], rules: Rules
) -> None:
    workspace, inside, north, south = places
    shutil.rmtree(inside)
    write_json(workspace / "rules" / "shop.json", BOOK.to_json())
    rules.open(workspace, north)
    assert rules.book == BOOK
    rules.take(OTHER)
    rules.open(workspace, south)
    assert rules.book == BOOK
    rules.open(workspace, north)
    assert rules.book == OTHER
    late = workspace.parent / "late" / "shop"
    for folder in (inside, late):  # they came after it
        write_json(folder / "dataset.json", {})
        os.utime(folder / "dataset.json", (4e9, 4e9))
        rules.open(workspace, folder)
        assert rules.book == RuleBook()


def test_the_file_of_an_older_version_stays_with_the_dataset_of_the_workspace(
    places: tuple[Path, Path, Path, Path], rules: Rules
) -> None:
    workspace, inside, north, _ = places
    write_json(workspace / "rules" / "shop.json", BOOK.to_json())
    rules.open(workspace, north)
    assert rules.book == RuleBook()
    rules.open(workspace, inside)
    assert rules.book == BOOK


def test_segments_are_kept_apart_as_rules_are(qapp: QApplication, places: tuple[Path, Path, Path, Path]) -> None:
    workspace, inside, north, south = places
    write_json(workspace / "sessions" / "segments-shop.json", {"version": 1, "segments": []})
    segments = Segments()
    for folder in (inside, north, south):
        segments.open(workspace, folder)
        segments.add(folder.parent.name, "users", ("u1",))
    for folder in (inside, north, south):
        segments.open(workspace, folder)
        assert [one.name for one in segments.all] == [folder.parent.name]
    segments.flush()


def test_a_dataset_elsewhere_keeps_its_file_when_all_is_moved_together(places: tuple[Path, Path, Path, Path]) -> None:
    workspace, _, north, _ = places
    before, _ = own_file(workspace, north, "rules/{}.json")
    moved = shutil.copytree(workspace.parent, workspace.parent.with_name("moved"))
    after, _ = own_file(moved / "workspace", moved / "north" / "shop", "rules/{}.json")
    assert after.name == before.name != "shop.json"
