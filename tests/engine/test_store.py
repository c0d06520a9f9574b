"""The dataset store: rows are checked, photos decoded, and a folder is either whole or absent."""

from __future__ import annotations

import errno
import io
import os
import struct
import subprocess
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from engine.dataset.store import Dataset, DatasetWriter
from engine.errors import HeedmapError
from engine.files import disk_errors

NOON = datetime(2020, 5, 1, 12, tzinfo=UTC)


def writer(out: Path) -> DatasetWriter:
    return DatasetWriter(out, name="test", domain="shop", source="a test", licence="none")


def jpeg(colour: str = "red", size: tuple[int, int] = (40, 30)) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, "JPEG")
    return content.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def reasons(folder: Path) -> list[tuple[Any, ...]]:
    dataset = Dataset.open(folder)
    try:
        return dataset.rows('SELECT source, row, "column", value, reason FROM problems')
    finally:
        dataset.close()


def test_rows_come_back_as_they_went_in(tmp_path: Path) -> None:
    with writer(tmp_path / "set") as out:
        photo = out.add_image(jpeg(), "a.jpg")
        genres = [{"name": "genre", "value": "Drama"}, {"name": "genre", "value": "War"}]
        out.add("items", {"item": "1", "title": "Café", "price": 3, "images": [photo], "attributes": genres})
        out.add("reviews", {"review": "r", "item": "1", "text": "good", "time": NOON})
    dataset = Dataset.open(tmp_path / "set")
    assert dataset.rows("SELECT title, price, attributes, images FROM items") == [("Café", 3.0, genres, [photo])]
    assert dataset.rows('SELECT "user", time FROM reviews') == [(None, NOON)]
    assert dataset.query("SELECT time FROM reviews").iloc[0, 0] == pd.Timestamp(NOON)
    assert dataset.manifest.counts == {
        "items": 1, "users": 0, "events": 0, "reviews": 1, "links": 0, "problems": 0, "images": 1
    }  # fmt: skip
    assert not list(dataset.damaged())
    dataset.close()


def test_events_are_sorted_by_user_then_time_then_source_row(tmp_path: Path) -> None:
    with writer(tmp_path / "set") as out:
        out.add("items", {"item": "1", "title": "a"})
        for user, seconds, value in [("b", 5, 1), ("a", 9, 2), ("b", 2, 3), ("b", 5, 4), ("a", 9, 5), ("b", 5, 6)]:
            event = {"user": user, "item": "1", "time": datetime.fromtimestamp(seconds, UTC), "kind": "view"}
            assert out.add("events", {**event, "value": value})
    dataset = Dataset.open(tmp_path / "set")
    assert [row[0] for row in dataset.rows("SELECT value FROM events")] == [2, 5, 3, 1, 4, 6]
    assert dataset.manifest.time_range == ("1970-01-01T00:00:02+00:00", "1970-01-01T00:00:09+00:00")
    dataset.close()


@pytest.mark.parametrize(
    ("table", "row", "column", "reason"),
    [
        ("items", {"item": "1", "title": None}, "title", "missing"),
        ("items", {"item": "", "title": "a"}, "item", "missing"),
        ("items", {"item": "kept", "title": "again"}, "item", "duplicate key"),
        ("items", {"item": 5, "title": "a"}, "item", "not text"),
        ("items", {"item": "1", "title": "a", "price": "five"}, "price", "not a number"),
        ("items", {"item": "1", "title": "a", "price": float("inf")}, "price", "not a finite number"),
        ("events", {"user": "u", "item": "1", "kind": "view"}, "time", "missing"),
        ("events", {"user": "u", "item": "1", "kind": "view", "time": "noon"}, "time", "not a time"),
        (
            "events",
            {"user": "u", "item": "1", "kind": "view", "time": datetime(3000, 1, 1, tzinfo=UTC)},
            "time",
            "time outside 1970 to 2100",
        ),
        (
            "events",
            {"user": "u", "item": "1", "kind": "stroll", "time": NOON},
            "kind",
            "not one of view, cart, purchase, rating, like, other",
        ),
    ],
)
def test_a_row_that_breaks_the_schema_becomes_a_problem(
    tmp_path: Path, table: str, row: dict[str, Any], column: str, reason: str
) -> None:
    with writer(tmp_path / "set") as out:
        out.add("items", {"item": "kept", "title": "kept"})
        assert not out.add(table, row, "shop.csv", 17)
    problem = reasons(tmp_path / "set")[0]
    assert (problem[0], problem[1], problem[2], problem[4]) == ("shop.csv", 17, column, reason)
    dataset = Dataset.open(tmp_path / "set")
    assert dataset.rows("SELECT item FROM items") == [("kept",)]
    assert dataset.rows("SELECT count(*) FROM events") == [(0,)]
    dataset.close()


@pytest.mark.parametrize("bad", [{}, {"user": ""}, {"item": None}, {"value": "five"}, {"time": 10**15}, {"kind": "x"}])
def test_many_rows_at_once_are_checked_like_one_by_one(tmp_path: Path, bad: dict[str, Any]) -> None:
    events = [{"user": f"u{n}", "item": "1", "time": n, "kind": "view", "value": 1.0} for n in range(20)]
    events[7] |= bad
    events[3]["value"] = None
    for name in ("one", "many"):
        with writer(tmp_path / name) as out:
            out.add("items", {"item": "1", "title": "a"})
            if name == "one":
                for number, event in enumerate(events, start=1):
                    out.add("events", event, "shop.csv", number)
            else:
                columns = {column: [event[column] for event in events] for column in events[0]}
                out.add_many("events", columns, "shop.csv", range(1, 21))
    assert reasons(tmp_path / "one") == reasons(tmp_path / "many")
    assert len(reasons(tmp_path / "many")) == bool(bad)
    one, many = Dataset.open(tmp_path / "one"), Dataset.open(tmp_path / "many")
    assert one.rows("SELECT * FROM events") == many.rows("SELECT * FROM events")
    one.close()
    many.close()


def test_many_rows_at_once_refuse_second_keys(tmp_path: Path) -> None:
    with writer(tmp_path / "set") as out:
        out.add_many("items", {"item": ["1", "2"], "title": ["a", "b"]})
        out.add_many("items", {"item": ["3", "2", "3"], "title": ["c", "d", "e"]}, "shop.csv", [4, 5, 6])
    assert [(row, reason) for _, row, _, _, reason in reasons(tmp_path / "set")] == [
        (5, "duplicate key"),
        (6, "duplicate key"),
    ]


def test_a_column_that_no_table_has_is_a_bug_not_a_problem(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="colour"), writer(tmp_path / "set") as out:
        out.add("items", {"item": "1", "title": "a", "colour": "red"})


def test_half_an_emoji_does_not_stop_an_import(tmp_path: Path) -> None:
    with writer(tmp_path / "set") as out:
        cut = "great \ud83d"
        out.add("items", {"item": "1", "title": cut, "attributes": [{"name": "size", "value": cut}]})
    dataset = Dataset.open(tmp_path / "set")
    title, attributes = dataset.rows("SELECT title, attributes FROM items")[0]
    assert title.startswith("great ")
    assert attributes[0]["value"] == title
    dataset.close()


def test_broken_photos_are_told_apart(tmp_path: Path) -> None:
    whole = jpeg(size=(400, 300))
    files = {
        "cut.jpg": whole[: len(whole) // 2],
        "empty.jpg": b"",
        "bomb.png": png_header(40_000, 40_000),
        "large.png": png_header(10_000, 10_000),
        "words.jpg": b"this is no photo",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.jpg").mkdir()
    with writer(tmp_path / "set") as out:
        out.add("items", {"item": "1", "title": "a"})
        for name in [*files, "absent.jpg", "folder.jpg"]:
            assert out.add_image(tmp_path / name, "photos", 1) is None
        assert out.add_image(whole, "photos", 2) == out.add_image(whole, "photos", 3)
    found = {row[3]: row[4] for row in reasons(tmp_path / "set")}
    assert found["cut.jpg"].startswith("photo is broken (image file is truncated")
    assert found["empty.jpg"] == "photo is empty"
    assert found["bomb.png"] == found["large.png"] == "photo is too large (at most 64 million pixels)"
    assert found["words.jpg"] == "not a photo"
    assert found["absent.jpg"] == "photo is missing"
    assert found["folder.jpg"].startswith("photo cannot be read")
    dataset = Dataset.open(tmp_path / "set")
    assert dataset.manifest.counts["images"] == 1
    dataset.close()


def test_an_error_leaves_the_old_dataset_and_no_half_of_the_new_one(tmp_path: Path) -> None:
    with writer(tmp_path / "set") as out:
        out.add("items", {"item": "old", "title": "old"})
    with pytest.raises(ZeroDivisionError), writer(tmp_path / "set") as out:
        out.add("items", {"item": "new", "title": str(1 // 0)})
    dataset = Dataset.open(tmp_path / "set")
    assert dataset.rows("SELECT item FROM items") == [("old",)]
    dataset.close()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_dataset_is_replaced_whole(tmp_path: Path) -> None:
    for name in ("old", "new"):
        with writer(tmp_path / "set") as out:
            out.add("items", {"item": name, "title": name})
    dataset = Dataset.open(tmp_path / "set")
    assert dataset.rows("SELECT item FROM items") == [("new",)]
    dataset.close()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_kill_between_the_renames_of_a_replacement_loses_nothing(tmp_path: Path) -> None:
    with writer(tmp_path / "set") as out:
        out.add("items", {"item": "old", "title": "old"})
    (tmp_path / "set").rename(tmp_path / ".set.old")
    (tmp_path / ".set.partial" / "media").mkdir(parents=True)
    dataset = Dataset.open(tmp_path / "set")
    assert dataset.rows("SELECT item FROM items") == [("old",)]
    dataset.close()
    with writer(tmp_path / "set") as out:
        out.add("items", {"item": "new", "title": "new"})
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_folder_that_is_no_dataset_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "love.txt").write_text("dear")
    with pytest.raises(HeedmapError, match="already holds something that is not a dataset"):
        writer(tmp_path / "letters")
    assert (tmp_path / "letters" / "love.txt").read_text() == "dear"


def test_a_file_in_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HeedmapError, match="in the way of a folder"), writer(tmp_path / "file" / "set"):
        pass


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EROFS, "No permission"), (errno.EACCES, "No permission"), (errno.ENOSPC, "disk is full")],
)
def test_a_disk_that_refuses_is_named(tmp_path: Path, number: int, words: str) -> None:
    with pytest.raises(HeedmapError, match=words) as caught, disk_errors(tmp_path / "set"):
        raise OSError(number, os.strerror(number))
    assert str(tmp_path / "set") in caught.value.message
    assert caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(HeedmapError, match="No permission"), writer(tmp_path / "set"):
            pass
    finally:
        tmp_path.chmod(0o700)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte; skipped where none can be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("needs the right to mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(out: DatasetWriter) -> None:
    out.add("items", {"item": "1", "title": "a"})
    for number in range(200_000):
        text = os.urandom(20).hex()
        out.add("reviews", {"review": str(number), "item": "1", "text": text, "time": NOON})


def test_a_full_disk_leaves_what_was_there(tiny_disk: Path) -> None:
    with writer(tiny_disk / "old") as out:
        out.add("items", {"item": "1", "title": "a"})
    with pytest.raises(HeedmapError, match="disk is full"), writer(tiny_disk / "new") as out:
        fill(out)
    dataset = Dataset.open(tiny_disk / "old")
    assert not list(dataset.damaged())
    dataset.close()
    assert [path.name for path in tiny_disk.iterdir()] == ["old"]


def test_a_disk_that_fills_while_flushing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(HeedmapError, match="disk is full"), writer(tmp_path / "set") as out:
        out.add("items", {"item": "1", "title": "a"})
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_found_by_its_hash(tmp_path: Path) -> None:
    with writer(tmp_path / "set") as out:
        photo = out.add_image(jpeg()) or ""
        out.add("items", {"item": "1", "title": "a", "images": [photo]})
    (tmp_path / "set" / photo).write_bytes(jpeg("blue"))
    dataset = Dataset.open(tmp_path / "set")
    assert list(dataset.damaged()) == [(photo, "changed since it was imported")]
    dataset.close()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("dataset.json", b'{"name": "x"', "not valid JSON"),
        ("dataset.json", b"{}", "lacks"),
        ("items.parquet", b"PAR1 cut", "damaged"),
    ],
)
def test_a_damaged_dataset_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with writer(tmp_path / "set") as out:
        out.add("items", {"item": "1", "title": "a"})
    (tmp_path / "set" / name).write_bytes(content)
    with pytest.raises(HeedmapError, match=words):
        Dataset.open(tmp_path / "set")


def test_a_missing_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HeedmapError, match="There is no dataset"):
        Dataset.open(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(HeedmapError, match=r"dataset\.json is missing"):
        Dataset.open(tmp_path / "empty")
