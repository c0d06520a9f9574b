"""What a window makes anew is let go of: use that repeats itself leaves nothing behind."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.actions import Action
from app.main_window import MainWindow
from app.photo_loader import Photo, read_photo
from app.theme import ThemeSource
from app.thumbnails import Kept, Thumbnails
from app.views.view import View
from tests.app.conftest import Open

VIEWS = ("explore", "whatif", "map", "train")


def settle(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.session.explanation is not None and window.session.idle)
    for _ in range(3):
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
    gc.collect()


def alive(window: MainWindow) -> Counter[str]:
    """How many there are of what a window is made of, by kind: Qt's own objects, and what Python holds."""
    held = (one for one in gc.get_objects() if isinstance(one, Action | View))
    return Counter(type(one).__name__ for one in [*window.findChildren(QObject), *held])


def turn(window: MainWindow) -> None:
    for theme in ("dark", "light"):
        window.choose_theme(theme)


def speak(window: MainWindow) -> None:
    for language in ("zh_CN", "en"):
        window.choose_language(language)
        window.show_view("whatif")
        window.show_view("explore")


@pytest.mark.parametrize("change", [turn, speak])
def test_another_look_leaves_nothing_behind(
    qtbot: QtBot, open_window: Open, change: Callable[[MainWindow], None]
) -> None:
    window = open_window()
    settle(window, qtbot)
    for name in VIEWS:
        window.show_view(name)
    window.show_view("explore")
    change(window)
    settle(window, qtbot)
    before = alive(window)
    change(window)
    change(window)
    settle(window, qtbot)
    assert alive(window) - before == Counter()


def test_views_of_another_language_are_emptied(qtbot: QtBot, open_window: Open) -> None:
    """Whatever still refers to a view that is gone keeps alive nothing that it held."""
    window = open_window()
    settle(window, qtbot)
    old = window.views["explore"]
    photo = old.product.photo  # type: ignore[attr-defined]
    window.choose_language("zh_CN")
    qtbot.waitUntil(lambda: not vars(old) and not vars(photo))
    settle(window, qtbot)
    assert window.views["explore"] is not old
    assert window.session.explanation is not None


def test_photos_that_are_kept_have_their_bounds() -> None:
    kept: Kept[str] = Kept(3, 100)
    for place, size in enumerate((40, 40, 40)):
        kept.put((place,), f"photo {place}", size)
    assert kept.bytes == 80
    assert (0,) not in kept
    assert kept.get((1,)) == "photo 1"  # used now: the other one goes first
    kept.put((3,), "large", 90)
    assert (1,) not in kept
    assert (3,) in kept
    kept.put((4,), "larger than all there is room for", 500)
    assert len(kept) == 1
    assert kept.bytes == 500
    kept.put((4,), "on its way", 0)
    assert kept.bytes == 0
    for place in range(9):
        kept.put((place,), "", 0)
    assert len(kept) == 3


def test_large_photos_do_not_pile_up(qtbot: QtBot, tmp_path: Path) -> None:
    large = QImage(1024, 1024, QImage.Format.Format_RGB32)
    large.fill(0)
    thumbnails = Thumbnails(ThemeSource("light"))
    names = [f"{place}.png" for place in range(20)]
    for name in names:
        large.save(str(tmp_path / name))
    thumbnails.open(str(tmp_path))
    for name in names:
        with qtbot.waitSignal(thumbnails.arrived):
            thumbnails.photo(name, 1024)
    held = [name for name in names if isinstance(thumbnails.photo(name, 1024), Photo)]
    assert 4 <= len(held) <= 12  # of four megabytes each
    assert held == names[-len(held) :]
    qtbot.waitUntil(lambda: thumbnails.tile(names[-1], "", QSize(40, 40), 1.0) is not None)


def test_a_photo_is_decoded_once_for_all_views_and_kept_by_none_that_is_gone(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    QImage(90, 90, QImage.Format.Format_RGB32).save(str(tmp_path / "one.png"))
    decoded: list[Path] = []

    def decode(file: Path, side: int) -> Photo:
        decoded.append(file)
        return read_photo(file, side)

    monkeypatch.setattr("app.photo_loader.read_photo", decode)
    themes = ThemeSource("light")
    one, other, elsewhere = Thumbnails(themes), Thumbnails(themes), Thumbnails(themes)
    one.open(str(tmp_path))
    other.open(str(tmp_path))
    elsewhere.open(str(tmp_path / "gone"))
    assert one.photo("one.png", 64) is None
    with qtbot.waitSignals([one.arrived, other.arrived]):
        assert other.photo("one.png", 64) is None
    assert len(decoded) == 1
    assert one.photo("one.png", 64) is other.photo("one.png", 64) is not None
    assert elsewhere.photo("one.png", 64) is None  # another file, of the same name
    size = QSize(40, 40)
    assert one.tile("one.png", "", size, 1.0).cacheKey() == other.tile("one.png", "", size, 1.0).cacheKey()
    store = one._store
    with qtbot.waitSignal(one.destroyed):
        one.deleteLater()
    assert other.photo("one.png", 64) is not None
    with qtbot.waitSignal(store.destroyed):
        themes.deleteLater()
    assert (len(store._photos), len(store.tiles)) == (0, 0)


def test_a_view_is_told_of_the_size_that_it_asked_for(qtbot: QtBot, tmp_path: Path) -> None:
    QImage(300, 300, QImage.Format.Format_RGB32).save(str(tmp_path / "one.png"))
    themes = ThemeSource("light")
    small, large = Thumbnails(themes), Thumbnails(themes)
    told: list[bool] = []
    for view in (small, large):
        view.open(str(tmp_path))
    large.arrived.connect(lambda path: told.append(large.photo(path, 256) is not None))
    assert small.photo("one.png", 64) is None
    assert large.photo("one.png", 256) is None
    qtbot.waitUntil(lambda: small.photo("one.png", 64) is not None and large.photo("one.png", 256) is not None)
    qtbot.waitUntil(lambda: told == [True])
