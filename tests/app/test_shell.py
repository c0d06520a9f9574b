"""The shell: first start, opening, palette, themes, languages, errors, settings, closing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLabel, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import commands
from app import settings as stored
from app.batch import Batch
from app.colour_maps import heat_table
from app.i18n import OPEN_STAGES, TRANSLATIONS, LanguageSource, read_translations, stage_text
from app.main_window import MainWindow
from app.palette import Column, Entry, search
from app.settings import Settings
from app.theme import DARK, LIGHT, dress, stylesheet
from engine.errors import HeedmapError
from engine.files import read_json
from engine.jobs import Progress
from engine.runner import Beat
from engine.workspace import RunEntry, WorkspaceSummary
from tests.app.texts import shown_texts, stages

Open = Callable[..., MainWindow]


def explored(qtbot: QtBot, window: MainWindow) -> MainWindow:
    qtbot.waitUntil(lambda: window.session.explanation is not None)
    return window


def texts(widget: Any) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def click(qtbot: QtBot, widget: Any) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def press(qtbot: QtBot, widget: Any, key: Qt.Key, control: bool = False) -> None:
    modifier = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
    qtbot.keyClick(widget, key, modifier)


def write(qtbot: QtBot, widget: Any, text: str) -> None:
    qtbot.keyClicks(widget, text)


def nothing(workspace: str, create: bool = False) -> WorkspaceSummary:
    return WorkspaceSummary(workspace, (), (), ())


def test_the_newest_finished_run_opens_and_fills_the_top_bar(open_window: Open, qtbot: QtBot) -> None:
    window = explored(qtbot, open_window())
    assert window.top.dataset.box.currentText() == "Made-up shop (synthetic)"
    assert [window.top.run.box.itemText(n) for n in range(window.top.run.box.count())] == ["weighted-01", "concat-02"]
    assert window.top.method.box.currentText() == "Contribution"
    assert window.top.grade.grade == "A"


def test_choosing_in_the_top_bar_opens_and_explains_anew(open_window: Open, qtbot: QtBot, engine: Any) -> None:
    window = explored(qtbot, open_window())
    window.top.method.box.setCurrentIndex(1)
    with qtbot.waitSignal(window.session.explanation_changed):
        window.top.method.box.activated.emit(1)
    assert window.session.method == "attention"
    assert window.top.grade.grade == "D"
    window.top.run.box.setCurrentIndex(1)
    with qtbot.waitSignal(window.session.run_changed):
        window.top.run.box.activated.emit(1)
    assert window.session.run is not None
    assert window.session.run.run == "concat-02"
    assert window.top.run.box.currentText() == "concat-02"


def test_an_empty_workspace_offers_first_steps_and_the_sample_goes_all_the_way(
    open_window: Open, qtbot: QtBot, engine: Any, batch_lane: Any
) -> None:
    engine.answers["list_workspace"] = nothing
    window = open_window()
    assert "See what a recommender heeds" in texts(window)
    welcome = window.views["welcome"]
    click(qtbot, welcome.sample)  # type: ignore[attr-defined]
    job, name, arguments = batch_lane.asked[-1]
    assert (name, Path(arguments["out"]).parts[-2:]) == ("sample", ("datasets", "sample"))
    batch_lane.progress(job, Progress("Drawing products", 40, 400))
    assert "Drawing products 40 / 400" in texts(welcome)
    assert not welcome.sample.isEnabled()  # type: ignore[attr-defined]
    batch_lane.answers["sample"] = arguments["out"]
    batch_lane.release(job)
    job, name, training = batch_lane.asked[-1]
    assert (name, training["dataset"]) == ("train", arguments["out"])
    batch_lane.answers["train"] = training["run"]
    with qtbot.waitSignal(window.session.run_changed):
        batch_lane.release(job)
    assert engine.asked[-1][1] != "list_workspace" or any(one[1] == "open_run" for one in engine.asked)
    assert window.session.run is not None
    assert window.session.run.run == "first"


def test_importing_asks_the_batch_lane_for_a_free_folder(
    open_window: Open, qtbot: QtBot, batch_lane: Any, shop: Path
) -> None:
    window = explored(qtbot, open_window())
    window.tasks.import_sources([Path("/data/made-up")])
    _, name, arguments = batch_lane.asked[-1]
    assert name == "import_dataset"
    assert arguments["kind"] == "auto"
    assert arguments["sources"] == ["/data/made-up"]
    assert Path(arguments["out"]).name == "made-up-2"  # "made-up" is the shop's own folder


def test_an_error_is_a_banner_that_can_be_tried_again_and_put_away(
    open_window: Open, qtbot: QtBot, engine: Any
) -> None:
    window = explored(qtbot, open_window())
    engine.answers["explain"] = HeedmapError("The photo store is missing.", "Encode it again.")
    with qtbot.waitSignal(window.session.failed):
        window.session.choose_item("i7")
    assert window.banner.isVisible()
    assert "The photo store is missing." in texts(window.banner)
    assert "Encode it again." in texts(window.banner)
    del engine.answers["explain"]
    with qtbot.waitSignal(window.session.explanation_changed):
        window.banner.retry.emit()
    assert window.session.explanation is not None
    assert window.session.explanation.item == "i7"
    window.banner.say("x", "")
    window.banner.findChildren(QPushButton)[-1].click()
    assert not window.banner.isVisible()


def test_faults_of_a_workspace_are_told(open_window: Open, qtbot: QtBot, engine: Any, shop: Path) -> None:
    engine.answers["list_workspace"] = lambda workspace, create=False: WorkspaceSummary(
        workspace, (), (), ("/w/runs/x: run.json is not valid JSON",)
    )
    window = open_window()
    assert "1 folder of the workspace could not be read." in texts(window.banner)
    assert "/w/runs/x" in texts(window.banner)


def test_the_palette_finds_commands_shoppers_and_products(open_window: Open, qtbot: QtBot) -> None:
    window = explored(qtbot, open_window())
    window.activateWindow()
    field = window.top.palette_field
    window.focus_search()
    qtbot.waitUntil(lambda: field.showing)
    assert "Import data…" in [entry.text for entry in field.answers]
    write(qtbot, field, "backpack 10")
    assert [entry.kind for entry in field.answers] == ["product"]
    with qtbot.waitSignal(window.session.item_changed):
        press(qtbot, field, Qt.Key.Key_Return)
    assert window.session.item == "i10"
    assert not field.showing
    window.focus_search()
    write(qtbot, field, "u12")
    with qtbot.waitSignal(window.session.user_changed):
        press(qtbot, field, Qt.Key.Key_Return)
    assert window.session.user == "u12"


def test_search_puts_the_best_match_first() -> None:
    def entry(text: str) -> Entry:
        return Entry(text, "", "run", lambda: None)

    commands = [entry("Switch to dark"), entry("Dark theme"), entry("Quit")]
    assert [found.text for found in search("dark", commands, [])] == ["Dark theme", "Switch to dark"]
    opened: list[int] = []
    column = Column("product", "", ["Red shoe", "Shoe", "Hat"], opened.append)
    found = search("shoe", [], [column])
    assert [one.text for one in found] == ["Shoe", "Red shoe"]
    found[0].run()
    assert opened == [1]
    assert search("zzz", commands, [column]) == []


def test_every_action_has_a_text_and_shortcuts_are_unique(open_window: Open) -> None:
    offered = commands.offered(open_window())
    shortcuts = [action.shortcut for action in offered if action.shortcut]
    assert len(shortcuts) == len(set(shortcuts))
    assert all(action.text for action in offered)
    assert {"open", "open-run", "import", "sample", "train", "explore", "find", "quit"} <= {one.id for one in offered}


def test_shortcuts_change_the_view(open_window: Open, qtbot: QtBot) -> None:
    window = explored(qtbot, open_window())
    window.activateWindow()
    press(qtbot, window, Qt.Key.Key_2, control=True)
    assert window.current == window.names[1] == "whatif"
    press(qtbot, window, Qt.Key.Key_1, control=True)
    assert window.current == "explore"


def test_the_theme_changes_in_place_and_is_remembered(open_window: Open, qtbot: QtBot) -> None:
    kept: list[Settings] = []
    window = explored(qtbot, open_window(save=kept.append))

    def shows(color: QColor) -> bool:
        picture = window.grab().toImage()
        return picture.pixelColor(picture.width() // 2, 2) == color

    window.toggle_theme()
    qtbot.waitUntil(lambda: shows(DARK.panel))
    window.toggle_theme()
    qtbot.waitUntil(lambda: shows(LIGHT.panel))
    window.choose_theme("dark")
    window.close()
    assert kept[-1].theme == "dark"


def test_the_language_changes_in_place_and_keeps_what_is_chosen(open_window: Open, qtbot: QtBot) -> None:
    window = explored(qtbot, open_window())
    window.session.choose_user("u3")
    qtbot.waitUntil(lambda: window.session.idle)
    window.choose_language("zh_CN")
    qtbot.waitUntil(lambda: "数据集" in texts(window.top))
    assert window.session.user == "u3"
    assert window.top.method.box.currentText() == "贡献"
    window.show_view("train")
    assert "新的训练" in texts(window)


def test_another_language_styles_nothing_anew_and_another_theme_does(
    open_window: Open, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every widget would be styled twice: the views that go, and those that come."""
    window = explored(qtbot, open_window())
    styled: list[str] = []
    monkeypatch.setattr(QApplication, "setStyleSheet", lambda _, sheet: styled.append(sheet))
    window.choose_language("zh_CN")
    assert not styled
    window.choose_theme("dark")
    assert styled == [stylesheet(DARK)]


class Styled(QObject):
    """How often each widget was styled anew."""

    def __init__(self) -> None:
        super().__init__()
        self.times: Counter[QObject] = Counter()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.StyleChange:
            self.times[watched] += 1
        return False


def test_another_theme_styles_every_widget_once_and_as_if_it_had_been_there_from_the_start(
    open_window: Open, qtbot: QtBot
) -> None:
    """By itself Qt styles a widget once for each widget that it lies in: with all views made over a second."""
    window = explored(qtbot, open_window())
    for name in ("whatif", "map", "train", "explore"):
        window.show_view(name)
    dialog = QDialog()  # without the window above it
    qtbot.addWidget(dialog)
    inner = QLabel("0", dialog)
    dialog.ensurePolished()
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    widgets = [one for one in window.front.findChildren(QWidget) if one.testAttribute(Qt.WidgetAttribute.WA_StyleSheet)]
    styled = Styled()
    application.installEventFilter(styled)
    dress(application, DARK)
    application.removeEventFilter(styled)
    assert len(widgets) > 500
    assert not [one for one in [*widgets, dialog, inner] if not 1 <= styled.times[one] <= 2]
    assert sum(styled.times[one] for one in widgets) < 1.1 * len(widgets)
    quickly = [one.palette().text().color().name() for one in [*widgets, inner]]
    application.setStyleSheet("")
    application.setStyleSheet(stylesheet(DARK))
    assert quickly == [one.palette().text().color().name() for one in [*widgets, inner]]


def test_the_end_of_the_users_session_is_not_asked_about(open_window: Open, batch_lane: Any) -> None:
    window = open_window()
    window.tasks.train("/d", "/w/runs/weighted-02", {"epochs": 5})
    assert window.batch.current is not None
    window.end()
    assert not window.isVisible()


def test_closing_during_a_training_asks_and_can_be_declined(open_window: Open, qtbot: QtBot, batch_lane: Any) -> None:
    window = explored(qtbot, open_window())
    window.tasks.train("/d", "/w/runs/weighted-02", {"epochs": 5})
    said: list[str] = []

    def choose(place: int) -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        said.append(box.text())
        box.buttons()[place].click()

    QTimer.singleShot(0, lambda: choose(1))
    assert not window.close()
    assert ("stop", 0) not in batch_lane.calls
    QTimer.singleShot(0, lambda: choose(0))
    assert window.close()
    assert ("stop", 0) in batch_lane.calls
    assert said == ["Training weighted-02 is not done."] * 2


def test_the_status_bar_tells_how_far_the_batch_is(
    open_window: Open, qtbot: QtBot, batch_lane: Any, engine: Any
) -> None:
    window = explored(qtbot, open_window())
    engine.beat.emit(Beat("CPU", 2**30, 12 * 2**30))
    batch_lane.beat.emit(Beat("CPU", 2**29, 12 * 2**30))
    window.tasks.train("/d", "/w/runs/weighted-02", {"epochs": 21})
    job = batch_lane.asked[-1][0]
    for epoch, figure in ((12, 0.110), (13, 0.118)):
        batch_lane.progress(
            job,
            Progress("Epoch done", epoch, 21, data={"epoch": epoch, "loss": 1.0, "ndcg@10": figure, "recall@10": 0.2}),
        )
    said = texts(window.status)
    assert "Training weighted-02" in said
    assert "epoch 13 of 21 · NDCG@10 0.118 ▲" in said
    assert "CPU · 1.5 of 12 GB" in said
    assert "offline" in said


def test_time_left_follows_the_pace(qtbot: QtBot, batch_lane: Any) -> None:
    now = [0.0]
    batch = Batch(batch_lane, clock=lambda: now[0])
    task = batch.submit("train", "Training", "/w/r", epochs=10)
    for step in range(4):
        now[0] = step * 6.0
        batch_lane.progress(task.job, Progress("Training", step * 5, 10, data={"epoch": 1.0, "loss": 1.0}))
        if step == 2:
            break
    current = batch.current
    assert current is not None
    assert current.seconds_left == pytest.approx(12.0 / 0.1 * 0.9)


def test_settings_survive_and_damage_does_not_hurt(tmp_path: Path) -> None:
    place = tmp_path / "config" / "settings.json"
    assert stored.load(place) == Settings()
    settings = replace(Settings(), theme="dark", workspace="/w", language="zh_CN")
    stored.save(settings, place)
    assert stored.load(place) == settings
    place.write_text('{"theme": "dark", "later": 1, "run": 5}')
    assert stored.load(place) == Settings(theme="dark")
    place.write_text("{broken")
    assert stored.load(place) == Settings()


def test_every_text_is_translated_and_placeholders_survive() -> None:
    chinese, english = read_translations("zh_CN"), read_translations("en")
    files = [read_json(file) for file in (TRANSLATIONS / "zh_CN").glob("*.json")]
    twice = {text for file in files for text in file if sum(text in other for other in files) > 1}
    assert sorted(twice) == []
    shown = shown_texts()
    assert sorted(shown - set(chinese)) == []
    assert sorted({text for text in shown if "%n" in text and "(s)" in text} - set(english)) == []
    for source, translated in chinese.items():
        forms = translated if isinstance(translated, list) else [translated]
        for form in forms:
            assert isinstance(form, str)
            assert set(re.findall(r"\{\w*\}|%n", source)) == set(re.findall(r"\{\w*\}|%n", form)), source


@pytest.mark.parametrize(("language", "said"), [("en", "4,888 points"), ("zh_CN", "4,888 个点")])
def test_a_count_is_written_as_every_other_number(qapp: QApplication, language: str, said: str) -> None:
    source = LanguageSource(language)
    try:
        assert QCoreApplication.translate("MapView", "%n point(s)", "", 4888) == said
        assert QCoreApplication.translate("MapView", "%n point(s)", "", 1).startswith("1 ")
    finally:
        source.remove()


def test_stages_that_name_something_are_translated_around_its_name(qapp: QApplication) -> None:
    assert {stage for stage in stages() if "{0}" in stage} == set(OPEN_STAGES)
    assert stage_text("Measuring on validation") == "Measuring on validation"
    chinese = LanguageSource("zh_CN")
    try:
        assert stage_text("Fitting EASE") == "拟合 EASE"
        assert stage_text("Measuring on validation") == "在验证集上评测"
        assert stage_text("Measuring ratings") == "评测评分预测"
        assert stage_text("A stage of tomorrow") == "A stage of tomorrow"
    finally:
        chinese.remove()


def test_style_sheets_leave_no_gap_and_heat_is_clear_at_zero(qapp: QApplication) -> None:
    for theme in (LIGHT, DARK):
        assert "@" not in stylesheet(theme)
    heat = heat_table()
    assert heat.shape == (256, 4)
    assert heat[127, 3] == heat[128, 3] == 0
    assert np.all(np.diff(heat[128:, 3].astype(int)) >= 0)
    assert np.all(np.diff(heat[:128, 3].astype(int)) <= 0)
    low, high = QColor(*map(int, heat[0, :3])), QColor(*map(int, heat[255, :3]))
    assert low.blue() > low.red()
    assert high.red() > high.blue()


def test_every_control_of_the_shell_has_a_name(open_window: Open, qtbot: QtBot) -> None:
    window = explored(qtbot, open_window())
    window.show_view("train")
    nameless = [
        widget
        for kind in (QPushButton, QComboBox)
        for widget in window.findChildren(kind)
        if widget.isVisible() and not (widget.accessibleName() or getattr(widget, "text", str)())
    ]
    assert nameless == []


def test_a_dataset_without_a_run_leads_to_training(open_window: Open, qtbot: QtBot, engine: Any, shop: Path) -> None:
    window = explored(qtbot, open_window())
    summary = window.workspace.summary
    assert summary is not None
    other = replace(summary.datasets[0], name="Other", folder=str(shop.parent / "other"))
    both = replace(summary, datasets=(summary.datasets[0], other))
    engine.answers["list_workspace"] = lambda workspace, create=False: both
    with qtbot.waitSignal(window.workspace.changed):
        window.workspace.refresh()
    window.top.dataset_chosen.emit(other.folder)
    assert window.current == "train"
    assert window.views["train"].form.dataset.currentData() == other.folder  # type: ignore[attr-defined]


def test_a_new_run_gets_a_free_name(open_window: Open, engine: Any, shop: Path) -> None:
    engine.answers["list_workspace"] = lambda workspace, create=False: WorkspaceSummary(
        workspace, (), (RunEntry("weighted-01", "/w/runs/weighted-01", "s", "running", 0, None),), ()
    )
    assert open_window().workspace.new_run_name("weighted") == "weighted-02"
