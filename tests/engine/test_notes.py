"""Notes: kept in one file of the workspace, found again, safe when moved, damaged or of a newer version."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from engine.errors import HeedmapError
from engine.notes import Note, kept_version, list_notes, read_note, search_notes, write_note
from engine.own_name import own_name
from engine.upgrade import upgrade
from engine.versions import current

OLD = Path(__file__).parent.parent / "old" / "workspace-1"


def test_a_note_is_kept_replaced_and_taken_away(tmp_path: Path) -> None:
    assert write_note(tmp_path, "shop", "product", "i1", "Ask for a better photo", 5) == Note(
        "shop", "product", "i1", "Ask for a better photo", 5
    )
    assert read_note(tmp_path, "shop", "product", "i1") == Note("shop", "product", "i1", "Ask for a better photo", 5)
    write_note(tmp_path, "shop", "product", "i1", "Done", 9)
    note = read_note(tmp_path, "shop", "product", "i1")
    assert note is not None
    assert (note.text, note.changed) == ("Done", 9)
    assert write_note(tmp_path, "shop", "product", "i1", "  \n") is None
    assert list_notes(tmp_path) == ()


def test_one_without_text_can_say_that_an_older_one_is_gone(tmp_path: Path) -> None:
    gone = Note("datasets/shop", "product", "i1", "", 7)
    assert write_note(tmp_path, "datasets/shop", "product", "i1", " ", 7, blank=True) == gone
    assert list_notes(tmp_path) == (gone,)
    assert search_notes(tmp_path, "i1") == ()


def test_datasets_of_one_name_have_names_of_their_own(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    inside, north, south = workspace / "datasets" / "shop", tmp_path / "north" / "shop", tmp_path / "south" / "shop"
    names = [own_name(workspace, folder) for folder in (inside, north, south, workspace / "shop")]
    assert names[0] == "datasets/shop"
    assert len({*names, "shop"}) == 5
    assert own_name(workspace, str(north / ".." / "shop")) == names[1]
    moved = tmp_path / "elsewhere"  # all together
    assert own_name(moved / "workspace", moved / "north" / "shop") == names[1]


@pytest.mark.parametrize("by", ["opening", "writing"])
def test_a_file_of_the_first_version_comes_forward_with_a_backup_and_all_its_notes(tmp_path: Path, by: str) -> None:
    shutil.copy(OLD / "notes.sqlite", tmp_path)
    before = (tmp_path / "notes.sqlite").read_bytes()
    notes = list_notes(tmp_path)
    assert [(one.dataset, one.kind, one.key, one.text) for one in notes] == [
        ("shop", "shopper", "u1", "Buys for the stripes"),
        ("shop", "product", "i1", "Ask for a better photo"),
    ]
    assert (tmp_path / "notes.sqlite").read_bytes() == before  # by looking alone it stays what it is
    if by == "opening":
        upgrade(tmp_path)
    else:
        write_note(tmp_path, "datasets/shop", "product", "i2", "new", 1)
    assert kept_version(tmp_path) == current("notes")
    assert set(notes) <= set(list_notes(tmp_path))
    (backup,) = (tmp_path / "backups").glob("notes-v1-*")
    assert (backup / "notes.sqlite").read_bytes() == before
    write_note(tmp_path, "datasets/shop", "product", "i3", "newer", 2)
    assert len(list((tmp_path / "backups").iterdir())) == 1


def test_products_shoppers_and_datasets_have_notes_of_their_own(tmp_path: Path) -> None:
    for moment, (dataset, kind) in enumerate([("a", "product"), ("a", "shopper"), ("b", "product")]):
        write_note(tmp_path, dataset, kind, "1", f"{dataset} {kind}", moment)  # type: ignore[arg-type]
    assert [note.text for note in list_notes(tmp_path)] == ["b product", "a shopper", "a product"]
    assert [note.text for note in list_notes(tmp_path, "a")] == ["a shopper", "a product"]
    note = read_note(tmp_path, "a", "shopper", "1")
    assert note is not None
    assert note.text == "a shopper"


def test_notes_are_found_by_their_words_in_any_case_and_language(tmp_path: Path) -> None:
    write_note(tmp_path, "s", "product", "1", "The ÄRMEL are too short", 1)
    write_note(tmp_path, "s", "product", "2", "照片太暗，要重拍 100 %", 2)
    assert [note.key for note in search_notes(tmp_path, "ärmel SHORT")] == ["1"]
    assert [note.key for note in search_notes(tmp_path, "重拍")] == ["2"]
    assert [note.key for note in search_notes(tmp_path, "100 %")] == ["2"]
    assert search_notes(tmp_path, "ärmel 重拍") == ()
    assert search_notes(tmp_path, "重拍", "other") == ()


def test_reading_makes_no_file(tmp_path: Path) -> None:
    assert list_notes(tmp_path) == ()
    assert read_note(tmp_path, "s", "product", "1") is None
    assert list(tmp_path.iterdir()) == []


def test_the_one_file_is_all_there_is_to_move(tmp_path: Path) -> None:
    write_note(tmp_path / "here", "s", "product", "1", "kept", 1)
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["notes.sqlite"]
    (tmp_path / "there").mkdir()
    shutil.copy(tmp_path / "here" / "notes.sqlite", tmp_path / "there")
    assert [note.text for note in list_notes(tmp_path / "there")] == ["kept"]


def test_a_damaged_file_and_a_newer_one_are_told_and_left(tmp_path: Path) -> None:
    place = tmp_path / "notes.sqlite"
    place.write_bytes(b"not a data base" * 100)
    with pytest.raises(HeedmapError, match="not a file of notes"):
        list_notes(tmp_path)
    with pytest.raises(HeedmapError, match="not a file of notes"):
        write_note(tmp_path, "s", "product", "1", "x")
    assert place.read_bytes() == b"not a data base" * 100
    place.unlink()
    base = sqlite3.connect(place)
    base.execute(f"PRAGMA user_version = {current('notes') + 1}")
    base.close()
    before = place.read_bytes()
    with pytest.raises(HeedmapError, match="newer Heedmap"):
        write_note(tmp_path, "s", "product", "1", "x")
    assert place.read_bytes() == before


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(HeedmapError, match="cannot be reached"):
        write_note(tmp_path / "file" / "workspace", "s", "product", "1", "x")


def test_a_writer_that_is_killed_leaves_whole_notes(tmp_path: Path) -> None:
    """Each note written before the kill is there, and the file can be written on."""
    writing = """
        import sys
        from pathlib import Path
        from engine.notes import write_note
        number = 0
        while True:
            write_note(Path(sys.argv[1]), "s", "product", str(number % 7), "x" * 5000 + str(number), number)
            print(number, flush=True)
            number += 1
    """
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", textwrap.dedent(writing), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as writer:
        assert writer.stdout is not None
        last = [int(writer.stdout.readline()) for _ in range(25)][-1]
        writer.send_signal(signal.SIGKILL)
    newest = list_notes(tmp_path)[0]
    assert newest.changed >= last
    assert newest.text == "x" * 5000 + str(newest.changed)
    write_note(tmp_path, "s", "product", "1", "on", 10**6)
    assert list_notes(tmp_path)[0].text == "on"
