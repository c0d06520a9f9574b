"""A new user's first hour, in minutes: python -m tests.acceptance.walk OUT [--source FOLDER] [--theme T] [--language L]

With real mouse and key events on the real window and its engine processes: import a folder, train twice, find why a
product is shown, brush that away, undo, edit a word, compare the two runs, export, close, reopen. Each step leaves a
picture in OUT; a step that does not do what it says ends the walk with exit code 1. Without --source a small shop of
films is drawn. QT_QPA_PLATFORM=xcb and a display show it on a screen.
"""

from __future__ import annotations

import argparse
import csv
import faulthandler
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image, ImageDraw
from PySide6.QtCore import QPoint, Qt, QThreadPool, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QTabBar,
    QWidget,
)
from shiboken6 import isValid

from app.i18n import LANGUAGES
from app.main_window import MainWindow
from app.photo_loader import decoding
from app.settings import Settings
from app.start import make_application, make_window
from tests.bench.monkey import Faults

LEFT = Qt.MouseButton.LeftButton
PATIENCE_SECONDS = float(os.environ.get("HEEDMAP_PATIENCE", "240"))
W = TypeVar("W", bound=QWidget)


def draw_films(folder: Path, films: int = 24, shoppers: int = 30) -> Path:
    """A small folder in MovieLens' layout, with posters: half of the shoppers like red posters, half blue ones."""
    random = np.random.default_rng(5)
    tables = folder / "ml-latest-small"
    tables.mkdir(parents=True)
    (folder / "posters").mkdir()
    with (tables / "movies.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["movieId", "title", "genres"])
        for film in range(1, films + 1):
            red = film % 2 == 0
            rows.writerow(
                [film, f"The {'Red' if red else 'Blue'} Voyage {film} (20{film:02d})", "Drama" if red else "Comedy"]
            )
            image = Image.new("RGB", (200, 300), (210, 60, 50) if red else (50, 90, 210))
            ImageDraw.Draw(image).ellipse((60, 60 + film, 140, 140 + film), fill="white")
            image.save(folder / "posters" / f"{film}.jpg", "JPEG")
    with (tables / "ratings.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["userId", "movieId", "rating", "timestamp"])
        for user in range(1, shoppers + 1):
            liked = [film for film in range(1, films + 1) if film % 2 == user % 2]
            for place, film in enumerate(random.permutation(liked)[: films // 2 - 2]):
                rows.writerow([user, film, 4.5, 1_700_000_000 + int(place) * 86_400 * 7 + user * 3_600])
    return folder


class Walk:
    """Finds controls by what they say, as a user does, and leaves a picture after each step."""

    def __init__(self, window: MainWindow, out: Path, first: int = 1) -> None:
        self.window: Any = window
        self.out = out
        self.step = first

    def wait(self, condition: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > end or not self.window.banner.isHidden():
                raise AssertionError(f"waited in vain for {what}; {self.window.banner.message}")
            QTest.qWait(20)

    def settled(self) -> bool:
        view = self.window.view
        return self.window.session.idle and not (view is not None and view.busy)

    def picture(self, name: str) -> None:
        self.wait(self.settled, f"answers before the picture {name}")
        for _ in range(3):  # what is drawn asks for photos, photos ask to be drawn
            self.window.grab()
            self.wait(lambda: not decoding() and QThreadPool.globalInstance().activeThreadCount() == 0, "photos")
            QTest.qWait(450)
        self.window.grab().save(str(self.out / f"{self.step:02d}-{name}.png"))
        self.step += 1

    def button(self, text: str, within: QWidget | None = None) -> QAbstractButton:
        """The one button in sight that says `text`, in the language of the window."""
        wanted = text.casefold()
        found = [
            one
            for one in (within or self.window).findChildren(QAbstractButton)
            if one.isVisible() and wanted in (one.text().casefold(), one.accessibleName().casefold())
        ]
        if not found:
            raise AssertionError(f"no button says {text!r}")
        return found[0]

    def named(self, kind: type[W], name: str) -> W:
        found = [one for one in self.window.findChildren(kind) if one.isVisible() and name in one.accessibleName()]
        if not found:
            raise AssertionError(f"no {kind.__name__} is called {name!r}")
        return found[0]

    def click(self, widget: QWidget, place: QPoint | None = None) -> None:
        QTest.mouseClick(widget, LEFT, Qt.KeyboardModifier.NoModifier, place or widget.rect().center())
        QTest.qWait(30)

    def keys(self, widget: QWidget, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        if QApplication.activeWindow() is None:  # as after a dialog, where there is no window manager
            self.window.activateWindow()
            QTest.qWait(30)
        QTest.keyClick(widget, key, held)
        QTest.qWait(30)

    def control(self, key: Qt.Key) -> None:
        self.keys(QApplication.focusWidget() or self.window, key, Qt.KeyboardModifier.ControlModifier)

    def answer(self, path: Path) -> None:
        """Write a path into the file dialog that opens next, and accept."""

        def fill() -> None:
            dialog = QApplication.activeModalWidget()
            if not isinstance(dialog, QFileDialog):
                QTimer.singleShot(50, fill)
                return
            field: Any = dialog.findChild(QLineEdit)
            field.setFocus()
            field.selectAll()
            QApplication.clipboard().setText(str(path))
            QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
            box: Any = dialog.findChild(QDialogButtonBox)
            QTest.mouseClick(box.button(QDialogButtonBox.StandardButton.Open) or box.buttons()[0], LEFT)

        QTimer.singleShot(50, fill)


def said(text: str) -> str:
    """A text of the window in its language."""
    return QApplication.translate("Walk", text)


def bring_in(walk: Walk, source: Path) -> None:
    """The first start: nothing there; a folder of data is imported from the welcome."""
    walk.wait(lambda: walk.window.workspace.summary is not None, "the workspace")
    walk.picture("welcome")
    walk.answer(source)
    walk.click(walk.button(said("Import data")))
    walk.wait(lambda: walk.window.workspace.datasets, "the imported data")
    walk.wait(lambda: walk.window.batch.current is None, "the end of the import")
    walk.picture("imported")


def train(walk: Walk, epochs: str, seed: str) -> None:
    """Set epochs and seed in the form, start, and wait for the end."""
    walk.window.show_view("explore")
    walk.click(walk.button(said("Train")))
    before = len(walk.window.workspace.openable)
    for name, value in (("Epochs", epochs), ("Seed", seed)):
        field = walk.named(QSpinBox, said(name))
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, value)
        walk.keys(field, Qt.Key.Key_Tab)
    walk.click(walk.button(said("Start training")))
    walk.wait(lambda: walk.window.batch.current is not None, "the start of a training")
    walk.wait(lambda: walk.window.batch.current is None, "the end of a training")
    walk.wait(lambda: len(walk.window.workspace.openable) > before, "the run in the list")
    assert walk.window.banner.isHidden(), walk.window.banner.message
    walk.picture("trained")


def explore(walk: Walk) -> None:
    """Open the run, choose a shopper and a product by keys, point at a cell: its share is told everywhere."""
    window, session = walk.window, walk.window.session
    if session.run is None:
        walk.click(walk.button(said("Open in Explore")))
    window.show_view("explore")
    walk.wait(lambda: session.explanation is not None and session.idle, "the first explanation")
    view: Any = window.view
    view.shoppers.focus_search()
    walk.keys(QApplication.focusWidget() or window, Qt.Key.Key_Down)
    walk.keys(QApplication.focusWidget() or window, Qt.Key.Key_Down)
    walk.wait(walk.settled, "another shopper")
    row = view.ranked.list.visualRect(view.ranked.list.model().index(1, 0))
    walk.click(view.ranked.list.viewport(), row.center())
    walk.wait(lambda: session.idle and session.explanation.item == session.ranking.items[1].item, "the second product")
    photo = view.product.photo
    if photo.isVisible():
        QTest.mouseMove(photo, photo.frame().center().toPoint())
        walk.wait(lambda: session.pointed.tokens, "a cell under the pointer")
    walk.picture("why")


def brush_away(walk: Walk) -> None:
    """Drag over the middle of the photo (or over words), Delete, look at the true rank, undo."""
    session, view = walk.window.session, walk.window.view
    before = session.explanation
    photo = view.product.photo
    surface = photo if photo.isVisible() else view.product.words
    box = photo.frame().toRect() if surface is photo else surface.rect()
    start, end = box.center() - QPoint(box.width() // 4, box.height() // 4), box.center() + QPoint(10, 10)
    QTest.mousePress(surface, LEFT, Qt.KeyboardModifier.NoModifier, start)
    for share in (0.25, 0.5, 0.75, 1.0):
        QTest.mouseMove(surface, start + (end - start) * share)
        QTest.qWait(20)
    QTest.mouseRelease(surface, LEFT, Qt.KeyboardModifier.NoModifier, end)
    walk.wait(lambda: session.brush, "a brush")
    walk.picture("brushed")
    walk.keys(surface, Qt.Key.Key_Delete)
    walk.wait(lambda: session.scenario.changes and session.idle and session.explanation is not before, "the removal")
    assert len(session.explanation.removed) == len(session.scenario.edits[0].dropped)
    assert abs(session.explanation.score - before.score) > 1e-9
    walk.picture("removed")
    walk.control(Qt.Key.Key_Z)
    walk.wait(lambda: not session.scenario.changes and session.idle, "the undo")
    assert abs(session.explanation.score - before.score) < 1e-5
    walk.picture("undone")


def edit_a_word(walk: Walk) -> None:
    """What if the title said another word: the true new score, then back."""
    session = walk.window.session
    before = session.explanation
    walk.click(walk.button(said("What-if")))
    walk.wait(walk.settled, "the page to edit")
    tabs = walk.named(QTabBar, said("What of the page to edit"))
    walk.click(tabs, tabs.tabRect(1).center())
    title = walk.named(QPlainTextEdit, said("Title"))
    title.setFocus()
    walk.keys(title, Qt.Key.Key_Home)
    QTest.keyClicks(title, "Waterproof ")
    walk.wait(lambda: session.scenario.changes == 1 and walk.settled(), "the new rank")
    assert session.explanation.title.startswith("Waterproof") or "Waterproof" in session.explanation.texts[0].text
    assert abs(session.explanation.score - before.score) > 1e-9
    walk.picture("what-if")
    walk.click(walk.button(said("Reset")))
    walk.wait(lambda: not session.scenario.changes and walk.settled(), "the page as it was")


def compare_runs(walk: Walk) -> None:
    """Both trainings of the same shop, side by side."""
    walk.click(walk.button(said("Compare")))
    view: Any = walk.window.view
    walk.wait(lambda: walk.settled() and view.found is not None, "a comparison")
    assert view.found.left.run != view.found.right.run
    walk.picture("compared")


def other_views(walk: Walk) -> None:
    """Map, segments and data answer too."""
    for name in ("Map", "Segments", "Data"):
        walk.click(walk.button(said(name)))
        walk.wait(walk.settled, name)
        walk.picture(name.lower())


def export(walk: Walk, folder: Path) -> None:
    """Ctrl+E, a name, Enter: the picture of the view is a file."""
    walk.window.show_view("explore")
    walk.wait(walk.settled, "Explore")
    walk.control(Qt.Key.Key_E)
    walk.wait(lambda: isinstance(QApplication.activeModalWidget(), QDialog), "the export dialog")
    dialog: Any = QApplication.activeModalWidget()
    QApplication.clipboard().setText(str(folder / "explore.png"))
    dialog.place.setFocus()
    dialog.place.selectAll()
    QTest.keyClick(dialog.place, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    dialog.grab().save(str(walk.out / f"{walk.step:02d}-export.png"))
    walk.step += 1
    QTest.mouseClick(dialog.save, LEFT)
    walk.wait((folder / "explore.png").is_file, "the exported picture")
    assert Image.open(folder / "explore.png").width >= 2 * 1000
    if isValid(dialog) and dialog.isVisible():  # it may be gone with all that it was made of
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    walk.wait(lambda: QApplication.activeModalWidget() is None, "the end of the dialog")


def walk_through(out: Path, source: Path, workspace: Path, theme: str, language: str, epochs: str) -> None:
    def open_window() -> MainWindow:
        window = make_window(Settings(theme=theme, language=language, tour="seen"), workspace, keep=True)
        window.resize(1440, 900)
        window.show()
        return window

    def close(window: MainWindow) -> None:
        window.batch.tasks.clear()  # after a fault: nobody is there to be asked whether to stop
        window.close()
        window.deleteLater()
        QTest.qWait(100)

    window = open_window()
    walk = Walk(window, out)
    steps: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
        (bring_in, (source,)), (train, (epochs, "1")), (train, (epochs, "2")), (explore, ()), (brush_away, ()),
        (edit_a_word, ()), (compare_runs, ()), (other_views, ()), (export, (workspace,)),
    ]  # fmt: skip
    try:
        for step, arguments in steps:
            step(walk, *arguments)
            print(f"{step.__name__}: done", flush=True)
        seen = (walk.window.session.run.folder, walk.window.session.user, walk.window.session.item)
    except BaseException:
        window.grab().save(str(out / "fault.png"))
        raise
    finally:
        close(window)
    window = open_window()
    try:
        walk = Walk(window, out, walk.step)
        walk.wait(lambda: window.session.explanation is not None and window.session.idle, "an explanation")
        now = window.session
        open_now = (now.run.folder if now.run else "", now.user, now.item)
        assert open_now == seen, f"{open_now} instead of {seen}"
        walk.picture("reopened")
    finally:
        close(window)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--source", type=Path)
    parser.add_argument("--theme", default="light")
    parser.add_argument("--language", default="en", choices=list(LANGUAGES))
    parser.add_argument("--epochs", default="2")
    parsed = parser.parse_args()
    parsed.out.mkdir(parents=True, exist_ok=True)
    faulthandler.dump_traceback_later(860)  # where it stands, should it stand still
    make_application()
    faults = Faults()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HEEDMAP_CONFIG"] = str(Path(scratch) / "config")
        source = parsed.source or draw_films(Path(scratch) / "films")
        workspace = Path(scratch) / "workspace"
        workspace.mkdir()
        try:
            walk_through(parsed.out, source, workspace, parsed.theme, parsed.language, parsed.epochs)
        except Exception:
            faults.found.append(traceback.format_exc())
    for fault in faults.found:
        print(fault, file=sys.stderr, flush=True)
    return 1 if faults.found else 0


if __name__ == "__main__":
    sys.exit(main())
