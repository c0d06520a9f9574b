"""Segments are kept, named apart, undone, and narrow every view."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.segments import Segment, Segments
from app.session import Session
from tests.app.conftest import FakeEngine


@pytest.fixture
def segments(qtbot: QtBot, tmp_path: Path) -> Segments:
    made = Segments()
    made.open(tmp_path, "shop")
    return made


def again(place: Path) -> tuple[Segment, ...]:
    other = Segments()
    other.open(place, "shop")
    return other.all


def test_segments_come_back_after_a_restart_each_under_its_own_name(segments: Segments, tmp_path: Path) -> None:
    segments.add("Hikers", "users", ("u1", "u2"), "bought boots")
    segments.add("Hikers", "items", ("i1",))
    segments.flush()
    assert [(one.name, one.kind, one.members) for one in again(tmp_path)] == [
        ("Hikers", "users", ("u1", "u2")),
        ("Hikers 2", "items", ("i1",)),
    ]


def test_a_deleted_segment_comes_back_by_undo_in_its_place(segments: Segments, tmp_path: Path) -> None:
    for name in "abc":
        segments.add(name, "users", (name,))
    segments.remove("b")
    assert [one.name for one in segments.all] == ["a", "c"]
    segments.undo.undo()
    segments.flush()
    assert [one.name for one in again(tmp_path)] == ["a", "b", "c"]


def test_a_damaged_file_is_told_and_never_written_over(qtbot: QtBot, tmp_path: Path) -> None:
    place = tmp_path / "sessions" / "segments-shop.json"
    place.parent.mkdir()
    place.write_text('{"segments": [{"name"', encoding="utf-8")
    segments = Segments()
    with qtbot.waitSignal(segments.failed):
        segments.open(tmp_path, "shop")
    segments.add("new", "users", ("u1",))
    segments.flush()
    assert (tmp_path / "sessions" / "segments-shop.damaged.json").read_text(encoding="utf-8").startswith('{"segments"')
    assert [one.name for one in again(tmp_path)] == ["new"]


def test_the_chosen_segment_follows_its_new_name_and_goes_when_it_is_deleted(engine: FakeEngine) -> None:
    session = Session(engine)
    session.choose_segment(session.segments.add("a", "users", ("u1",)))
    session.segments.rename("a", "b")
    assert session.segment is not None
    assert session.segment.name == "b"
    session.segments.remove("b")
    assert session.segment is None
