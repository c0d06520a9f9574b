"""Photos load beside the window: scaled, once, and a broken one says so."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSize
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.i18n import LanguageSource
from app.photo_loader import Photo, decoding, read_photo
from app.tables import FoundModel
from app.theme import ThemeSource, icon
from app.thumbnails import Thumbnails, initials
from tests.app.made_up import draw_photo


@pytest.fixture
def thumbnails(qtbot: QtBot, tmp_path: Path) -> Iterator[Thumbnails]:
    themes = ThemeSource("light")
    made = Thumbnails(themes)
    made.open(str(tmp_path))
    yield made
    made.deleteLater()
    themes.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)  # photos on their way are nobody's now


def arrive(qtbot: QtBot, thumbnails: Thumbnails, path: str, side: int) -> Photo:
    if thumbnails.photo(path, side) is None:
        with qtbot.waitSignal(thumbnails.arrived):
            pass
    photo = thumbnails.photo(path, side)
    assert photo is not None
    return photo


def test_a_photo_arrives_scaled_with_the_ground_of_its_edges(
    qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path
) -> None:
    draw_photo(tmp_path / "a.png", "navy", (400, 600))
    photo = arrive(qtbot, thumbnails, "a.png", 128)
    assert photo.image is not None
    assert (photo.image.width(), photo.image.height()) == (85, 128)
    assert photo.ground is not None
    assert photo.ground.name() == "#ffffff"


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_a_broken_photo_becomes_a_tile_that_says_so(
    qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "broken.png").write_bytes(content)
    blank = thumbnails.tile("broken.png", "Jacket", QSize(200, 200), 1.0).toImage()
    assert arrive(qtbot, thumbnails, "broken.png", 256).image is None
    drawn = thumbnails.tile("broken.png", "Jacket", QSize(200, 200), 1.0).toImage()
    assert drawn != blank


def test_an_unreadable_photo_says_so_in_the_language_in_force(
    qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    arrive(qtbot, thumbnails, "broken.png", 256)
    drawn = []
    for language in ("en", "zh_CN", "en"):
        languages = LanguageSource(language)
        drawn.append(thumbnails.tile("broken.png", "Jacket", QSize(200, 200), 1.0).toImage())
        languages.remove()
    assert drawn[0] == drawn[2] != drawn[1]


def test_a_photo_that_is_not_there_is_as_unreadable(tmp_path: Path, qtbot: QtBot) -> None:
    assert read_photo(tmp_path / "gone.jpg", 64).image is None


def test_a_product_without_a_photo_shows_its_initials() -> None:
    assert initials("Rain jacket, navy") == "RJ"
    assert initials("雨衣 蓝色") == "雨"
    assert initials("  - ") == "?"


def test_wishes_scrolled_past_are_asked_for_again_when_they_come_back(
    qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path
) -> None:
    draw_photo(tmp_path / "a.png", "navy", (300, 300))
    for other in range(350):
        (tmp_path / f"{other}.png").symlink_to(tmp_path / "a.png")
        thumbnails.photo(f"{other}.png", 64)
    qtbot.waitUntil(lambda: thumbnails.photo("0.png", 64) is not None)
    assert thumbnails.photo("0.png", 64) is not None


def test_rows_are_found_by_every_word_of_the_text_in_catalogue_order(qtbot: QtBot) -> None:
    model = FoundModel()
    model.fill(("a", "b", "c"), (("Rain jacket", "Rain hat", "Sun hat"), ("coats", "hats", "hats")))
    model.find("rain")
    model.find("rain hat")
    assert [model.data(model.index(row)) for row in range(model.rowCount())] == ["Rain hat"]
    assert (model.row_of("b"), model.row_of("a")) == (0, -1)
    model.find("hat")
    assert model.rowCount() == 2
    assert model.row_of("c") == 1
    model.find("")
    assert model.rowCount() == 3


def test_an_icon_is_drawn_once(qtbot: QtBot) -> None:
    """Qt keeps every size of each icon that was ever shown: those of new views are those of the old."""
    blue, grey = QColor("#2255aa"), QColor("#888888")
    size = QSize(18, 18)
    assert icon("rules", blue).pixmap(size).cacheKey() == icon("rules", QColor(blue)).pixmap(size).cacheKey()
    assert icon("rules", blue).pixmap(size).toImage() != icon("rules", grey).pixmap(size).toImage()


def test_photos_are_decoded_after_what_a_user_waits_for(
    qtbot: QtBot, thumbnails: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.png" for number in range(12)]
    done: list[tuple[str, int]] = []

    def decode(file: Path, side: int) -> Photo:
        done.append((file.name, os.getpriority(os.PRIO_PROCESS, 0) if sys.platform == "linux" else 1))
        return Photo(None)

    monkeypatch.setattr("app.photo_loader.read_photo", decode)
    for name in names:
        assert thumbnails.photo(name, 64) is None
    qtbot.waitUntil(lambda: not decoding())
    assert sorted(name for name, _ in done) == sorted(names)
    own = os.getpriority(os.PRIO_PROCESS, 0) if sys.platform == "linux" else 0
    assert all(nice > own or own == 19 for _, nice in done)
    qtbot.waitUntil(lambda: all(thumbnails.photo(name, 64) == Photo(None) for name in names))
