"""Dragging onto the window: what is said while it hangs there, and what happens when it is let go."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.i18n import LanguageSource
from app.main_window import MainWindow
from app.settings import Settings
from app.theme import ThemeSource
from engine.files import sha256_of
from engine.scenario import ItemEdit, Scenario
from engine.workspace import create

COPY = Qt.DropAction.CopyAction
LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
Drag = Callable[..., bool]


@pytest.fixture
def window(qtbot: QtBot, engine: Any, tmp_path: Path) -> Iterator[MainWindow]:
    languages = LanguageSource("en")
    lane = type(engine)(engine.folder)
    lane.held.add("import_dataset")
    made = MainWindow(
        engine, lane, themes=ThemeSource("light"), languages=languages, settings=Settings(theme="light"),
        workspace=tmp_path / "workspace",
    )  # fmt: skip
    with qtbot.waitSignals([made.ready, made.workspace.changed], timeout=20_000):
        made.show()
    qtbot.waitUntil(lambda: made.session.explanation is not None, timeout=20_000)
    yield made
    # Qt remembers the widget a drag is over, and does not notice when it is deleted: no drag outlives its window.
    QApplication.sendEvent(made, QDragLeaveEvent())
    made.batch.tasks.clear()
    made.close()
    made.deleteLater()
    languages.remove()
    QApplication.processEvents()


def files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drag(window: MainWindow, data: QMimeData, at: QPoint | None = None) -> bool:
    """Bring `data` over the window, as Qt does it: an entry, then a move. Whether it may be let go there."""
    at = at or window.rect().center()
    target = window.childAt(at) or window
    inside = target.mapFrom(window, at)
    QApplication.sendEvent(target, QDragEnterEvent(inside, COPY, data, LEFT, NOTHING))
    move = QDragMoveEvent(inside, COPY, data, LEFT, NOTHING)
    move.ignore()
    QApplication.sendEvent(target, move)
    return move.isAccepted()


def drop(window: MainWindow, data: QMimeData, at: QPoint | None = None) -> None:
    at = at or window.rect().center()
    assert drag(window, data, at)
    target = window.childAt(at) or window
    QApplication.sendEvent(target, QDropEvent(QPointF(target.mapFrom(window, at)), COPY, data, LEFT, NOTHING))
    assert layer(window).isHidden()


def layer(window: MainWindow) -> Any:
    assert window.drops is not None
    return window.drops.layer


def middle(widget: QWidget, window: MainWindow) -> QPoint:
    return widget.mapTo(window, widget.rect().center())


def photo_of(window: MainWindow) -> QWidget:
    return window.views["explore"].product.photo  # type: ignore[attr-defined]


def test_a_folder_of_data_is_imported(window: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / "my shop"
    folder.mkdir()
    assert drag(window, files(folder))
    assert layer(window).isVisible()
    assert layer(window).offer.text == "Import my shop into this workspace"
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert layer(window).isHidden()
    assert not window.batch.tasks
    drop(window, files(folder))
    task = window.batch.current
    assert task is not None
    assert (task.kind, task.arguments["sources"]) == ("import_dataset", [str(folder)])
    assert Path(task.arguments["out"]).name == "my-shop"


def test_files_of_data_are_imported_together(window: MainWindow, tmp_path: Path) -> None:
    paths = [tmp_path / "reviews.jsonl.gz", tmp_path / "meta.jsonl"]
    for path in paths:
        path.write_text("{}")
    drop(window, files(*paths))
    task = window.batch.current
    assert task is not None
    assert task.arguments["sources"] == [str(path) for path in paths]
    assert Path(task.arguments["out"]).name == "reviews"


@pytest.mark.parametrize("names", [["setup.exe"], ["a.csv", "b.exe"], ["a.png", "b.png"]])
def test_what_cannot_be_read_is_refused_with_a_reason(window: MainWindow, tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("x")
    assert not drag(window, files(*(tmp_path / name for name in names)))
    assert layer(window).isVisible()
    assert layer(window).offer.act is None
    said = {"setup.exe": "cannot read setup.exe", "a.csv": "b.exe cannot be imported", "a.png": "one photo at a time"}
    assert said[names[0]] in layer(window).offer.text


def test_what_lies_on_the_network_is_refused(window: MainWindow) -> None:
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/a.png")])
    assert not drag(window, data)
    assert "no network" in layer(window).offer.text


def test_text_is_no_business_of_the_window(window: MainWindow) -> None:
    data = QMimeData()
    data.setText("hello")
    assert not drag(window, data)
    assert layer(window).isHidden()


def test_a_workspace_and_a_run_are_opened(window: MainWindow, tmp_path: Path, engine: Any, qtbot: QtBot) -> None:
    run = engine.folder / "concat-02"
    run.mkdir()
    (run / "run.json").write_text("{}")
    with qtbot.waitSignal(window.session.run_changed):
        drop(window, files(run))
    assert window.session.run is not None
    assert window.session.run.run == "concat-02"
    other = tmp_path / "other"
    create(other)
    with qtbot.waitSignal(window.workspace.changed):
        drop(window, files(other))
    assert window.workspace.folder == other


def test_a_data_set_leads_to_its_workspace_or_says_where_it_belongs(window: MainWindow, tmp_path: Path) -> None:
    create(tmp_path / "other")
    inside = tmp_path / "other" / "datasets" / "x"
    alone = tmp_path / "alone"
    for folder in (inside, alone):
        folder.mkdir()
        (folder / "dataset.json").write_text("{}")
    assert drag(window, files(inside))
    assert layer(window).offer.text == "Open the workspace other, which this data set is in"
    assert not drag(window, files(alone))
    assert "datasets" in layer(window).offer.text


def test_a_photo_on_the_products_photo_becomes_a_step_of_the_what_if(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, engine: Any
) -> None:
    found = window.session.explanation
    assert found is not None
    file = tmp_path / "new.png"
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(QColor("teal"))
    image.save(str(file))
    assert not drag(window, files(file), QPoint(window.width() // 2, 20))
    assert layer(window).offer.text == "Drop it on the product's photo to try it there."
    assert layer(window).offer.on is photo_of(window)  # it shows the way
    with qtbot.waitSignal(window.session.scenario_changed):
        drop(window, files(file), middle(photo_of(window), window))
    photo = window.session.scenario.edit_of(found.item).photo
    assert photo is not None
    kept = Path(photo)
    assert kept.parent == window.workspace.folder / "scenarios" / "photos"
    assert sha256_of(kept) == sha256_of(file)
    assert kept.stem in sha256_of(file)
    assert window.session.undo.undoText() == "Photo: new.png"
    qtbot.waitUntil(lambda: window.session.idle)
    assert engine.asked[-1][2]["scenario"] == window.session.scenario
    window.session.undo.undo()
    assert window.session.scenario == Scenario()


def test_a_picture_out_of_another_program_will_do_too(window: MainWindow, qtbot: QtBot) -> None:
    data = QMimeData()
    image = QImage(20, 20, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    data.setImageData(image)
    with qtbot.waitSignal(window.session.scenario_changed):
        drop(window, data, middle(photo_of(window), window))
    photo = window.session.scenario.edits[0].photo
    assert photo is not None
    assert QImage(photo).pixelColor(5, 5) == QColor("red")


def test_a_photo_that_cannot_be_read_is_told_and_changes_nothing(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "broken.png").write_text("no photo")
    drop(window, files(tmp_path / "broken.png"), middle(photo_of(window), window))
    qtbot.waitUntil(lambda: window.banner.isVisible())
    assert "broken.png is not a photo" in window.banner.message
    assert window.session.scenario == Scenario()
    assert not (window.workspace.folder / "scenarios").exists()


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_scenario_is_tried_with_its_photos(window: MainWindow, tmp_path: Path, qtbot: QtBot, wrapped: bool) -> None:
    scenario = Scenario((ItemEdit("i3", texts=(("title", "New title"),), photo="scenarios/photos/a.png"),))
    content = {"version": 1, "name": "s", "note": "", "time": "", "scenario": scenario.to_json()}
    file = tmp_path / "elsewhere" / "scenarios" / "shorter title.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(content if wrapped else scenario.to_json()))
    assert drag(window, files(file))
    assert layer(window).offer.text == "Try the scenario shorter title"
    with qtbot.waitSignal(window.session.scenario_changed):
        drop(window, files(file))
    photo = str(tmp_path / "elsewhere" / "scenarios" / "photos" / "a.png")
    assert window.session.scenario == replace(scenario, edits=(replace(scenario.edits[0], photo=photo),))
    assert window.session.undo.undoText() == "Scenario: shorter title"


def test_the_reason_is_painted_where_it_will_be_read(window: MainWindow, tmp_path: Path) -> None:
    """The layer darkens the window and draws the sentence in its middle, in both cases."""
    folder = tmp_path / "x"
    folder.mkdir()
    before = window.grab().toImage()
    drag(window, files(folder))
    during = window.grab().toImage()
    centre = window.rect().center()
    colours = {
        during.pixelColor(centre.x() + dx, centre.y() + dy).name() for dx in range(-150, 150, 3) for dy in (-3, 0, 3)
    }
    assert before != during
    assert window.themes.theme.panel.name() in colours
    assert len(colours) > 4  # letters
