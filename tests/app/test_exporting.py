"""Export: every form holds what the view shows, opens with nothing but itself, and errors are told in the dialog."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app import exporting
from app.i18n import LanguageSource
from app.main_window import MainWindow
from app.settings import Settings
from app.theme import ThemeSource
from app.views.export import ExportDialog
from engine.errors import HeedmapError
from engine.jobs import finish
from engine.versions import program_version

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def window(qtbot: QtBot, engine: Any, tmp_path: Path) -> Iterator[MainWindow]:
    languages = LanguageSource("en")
    made = MainWindow(
        engine, type(engine)(engine.folder), themes=ThemeSource("light"), languages=languages,
        settings=Settings(theme="light", export_folder=str(tmp_path)), workspace=tmp_path / "workspace",
    )  # fmt: skip
    with qtbot.waitSignals([made.ready, made.workspace.changed], timeout=20_000):
        made.show()
    qtbot.waitUntil(lambda: made.session.explanation is not None, timeout=20_000)
    yield made
    made.close()
    made.deleteLater()
    languages.remove()
    QApplication.processEvents()


def in_front(window: MainWindow) -> ExportDialog:
    return next(one for one in window.findChildren(ExportDialog) if one.isVisible())


def dialog(qtbot: QtBot, window: MainWindow, suffix: str, what: str = "view") -> ExportDialog:
    """The Export dialog, opened by its key, with a form chosen."""
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    found = in_front(window)
    found.what.setCurrentIndex(found.what.findData(what))
    found.form.setCurrentIndex([form.suffix for form in found._forms].index(suffix))
    return found


def export(qtbot: QtBot, window: MainWindow, suffix: str, name: str = "out", what: str = "view") -> Path:
    """The file after the export, made by mouse and keys."""
    found = dialog(qtbot, window, suffix, what)
    found.place.selectAll()
    qtbot.keyClicks(found.place, str(Path(window.remembered.settings.export_folder) / name))
    with qtbot.waitSignal(found.saved) as saved:
        qtbot.mouseClick(found.save, Qt.MouseButton.LeftButton)
    assert saved.args is not None
    qtbot.waitUntil(lambda: not found.isVisible())
    return Path(str(saved.args[0]))


def test_a_picture_is_twice_the_size_of_the_view_and_shows_it(qtbot: QtBot, window: MainWindow) -> None:
    assert window.view is not None
    out = export(qtbot, window, ".png")
    with Image.open(out) as image:
        assert image.format == "PNG"
        assert image.size == (window.view.width() * 2, window.view.height() * 2)
        assert len(image.convert("RGB").getcolors(1 << 24) or []) > 500
    assert window.remark.message == "Saved out.png"
    assert window.remembered.settings.export_format == ".png"


def test_a_drawing_parses_keeps_its_text_and_can_be_drawn(qtbot: QtBot, window: MainWindow) -> None:
    found = window.session.explanation
    assert found is not None
    out = export(qtbot, window, ".svg")
    root = ElementTree.fromstring(out.read_text(encoding="utf-8"))
    words = "".join("".join(one.itertext()) for one in root.iter(f"{SVG}text"))
    assert found.title.split()[0] in words
    assert "packable" in words
    assert (root.findtext(f"{SVG}title") or "").startswith("Explore")
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"|"data:[^"]*"', "", out.read_text(encoding="utf-8"))
    renderer = QSvgRenderer(QByteArray(out.read_bytes()))
    assert renderer.isValid()
    assert window.view is not None
    assert renderer.viewBox().size() == window.view.size()
    drawn = QImage(window.view.size(), QImage.Format.Format_RGB32)
    painter = QPainter(drawn)
    renderer.render(painter)
    painter.end()
    assert likeness(drawn, exporting.picture(window.view, 1.0)) > 0.85


def likeness(one: QImage, other: QImage) -> float:
    """The share of a grid of points at which two pictures have much the same colour."""
    points = [(x, y) for x in range(5, one.width(), 9) for y in range(5, one.height(), 9)]

    def near(x: int, y: int) -> bool:
        a, b = one.pixelColor(x, y), other.pixelColor(x, y)
        return max(abs(a.red() - b.red()), abs(a.green() - b.green()), abs(a.blue() - b.blue())) < 48

    return sum(near(x, y) for x, y in points) / len(points)


def test_a_view_that_cannot_be_drawn_is_told_and_the_dialog_goes_on(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(*_: object) -> bytes:
        raise ValueError("a view that paints wrongly")

    monkeypatch.setattr(exporting, "svg", fall)
    found = dialog(qtbot, window, ".svg")
    with qtbot.captureExceptions() as raised:
        qtbot.mouseClick(found.save, Qt.MouseButton.LeftButton)
    assert len(raised) == 1  # and is reported
    assert found.message.startswith("This view could not be drawn so.")
    assert found.save.isEnabled()
    found.reject()


def test_a_page_has_one_page_with_its_words_as_vectors(qtbot: QtBot, window: MainWindow) -> None:
    content = export(qtbot, window, ".pdf").read_bytes()
    assert content.startswith(b"%PDF-1.")
    assert content.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 1
    box = re.search(rb"/MediaBox \[([^]]*)\]", content)
    assert box is not None
    left, low, right, high = (float(one) for one in box[1].split())
    assert right - left > high - low  # across, as the view is
    assert rb"/Font" in content  # text, not a picture of it
    assert "Explore".encode("utf-16-be") in content  # the title


def test_a_table_for_excel_reads_back_with_every_value(qtbot: QtBot, window: MainWindow) -> None:
    assert window.view is not None
    tables = window.view.numbers()
    name = next(iter(tables))
    found = dialog(qtbot, window, ".csv")
    found.table.setCurrentIndex(found.table.findData(name))
    with qtbot.waitSignal(found.saved) as saved:
        qtbot.keyClick(found, Qt.Key.Key_Return)
    assert saved.args is not None
    content = Path(str(saved.args[0])).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")  # or Excel would take it for something else than UTF-8
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert list(rows[0]) == list(tables[name])
    for column, values in tables[name].items():
        assert [row[column] for row in rows] == ["" if value is None else str(value) for value in values]


def test_all_tables_go_to_files_of_their_own(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    assert window.view is not None
    names = list(window.view.numbers())
    assert len(names) > 1
    found = dialog(qtbot, window, ".csv")
    assert all(name in found.message for name in names)
    found.reject()
    export(qtbot, window, ".csv", "all")
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == sorted(f"all {name}.csv" for name in names)


def test_chinese_quotes_and_line_breaks_survive_a_table() -> None:
    columns: dict[str, list[Any]] = {"标题": ['雨衣, "轻"', "two\nlines", "=1+1"], "n": [1, None, 2.5]}
    text = exporting.table_csv(columns).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [
        ["标题", "n"],
        ['雨衣, "轻"', "1"],
        ["two\nlines", ""],
        ["=1+1", "2.5"],
    ]


def test_parquet_is_written_by_the_engine_and_reads_back(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from engine.desk import Desk

    out = tmp_path / "a" / "t.parquet"
    columns = {"rank": [1, 2], "score": [0.5, None], "title": ["雨衣", "x"], "mixed": [1, "a"], "on": [True, False]}
    assert finish(Desk().job("write_table", {"columns": columns, "out": str(out)})) == str(out)
    table = pq.read_table(out)
    assert table.to_pydict() == columns | {"mixed": ["1", "a"]}
    assert [str(field.type) for field in table.schema][:3] == ["int64", "double", "string"]
    with pytest.raises(HeedmapError, match="differ in length"):
        finish(Desk().job("write_table", {"columns": {"a": [1], "b": []}, "out": str(out)}))
    with pytest.raises(HeedmapError, match="no numbers"):
        finish(Desk().job("write_table", {"columns": {}, "out": str(out)}))


def test_the_dialog_asks_the_engine_for_parquet(qtbot: QtBot, window: MainWindow, engine: Any) -> None:
    engine.answers["write_table"] = lambda columns, out: out
    out = export(qtbot, window, ".parquet")
    asked = [arguments for _, name, arguments in engine.asked if name == "write_table"]
    assert window.view is not None
    assert [list(one["columns"]) for one in asked] == [list(table) for table in window.view.numbers().values()]
    assert out == Path(asked[0]["out"])


def test_a_web_page_needs_nothing_else(qtbot: QtBot, window: MainWindow) -> None:
    found, run = window.session.explanation, window.session.run
    assert found is not None
    assert run is not None
    window.notebook.open(window.workspace.folder)
    window.notebook.write(run.dataset.folder, "product", found.item, "Ask for <better> photos")
    text = export(qtbot, window, ".html").read_text(encoding="utf-8")
    assert text.count("<main>") == text.count("</main>") == 1  # where a screen reader begins
    assert "http" not in text
    assert not re.findall(r"<(script|link|iframe)", text)
    assert all(source.startswith("data:image/png;base64,") for source in re.findall(r"src='([^']*)'", text))
    for said in (found.title, "Made-up shop (synthetic)", "weighted-01", found.user, "Ask for &lt;better&gt; photos"):
        assert said in text
    assert f"Heedmap {program_version()}" in text
    assert window.view is not None
    for table in window.view.numbers().values():
        for column in table:
            assert f">{column}" in text


def test_the_explanation_is_written_by_the_engine(qtbot: QtBot, window: MainWindow, engine: Any) -> None:
    engine.answers["write_explanation"] = lambda explanation, dataset, out: out
    export(qtbot, window, ".html", "why", what="explanation")
    _, _, arguments = next(one for one in engine.asked if one[1] == "write_explanation")
    assert arguments["explanation"] == window.session.explanation
    assert arguments["dataset"] == str(engine.folder)
    assert Path(arguments["out"]).name == "why.html"


def test_a_place_that_refuses_is_told_and_can_be_changed(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    found = dialog(qtbot, window, ".png")
    found.place.selectAll()
    qtbot.keyClicks(found.place, str(tmp_path / "file" / "x.png"))
    qtbot.keyClick(found.place, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "in the way of a folder" in found.message)
    assert found.isVisible()
    assert found.save.isEnabled()
    found.place.selectAll()
    qtbot.keyClicks(found.place, str(tmp_path / "x.png"))
    with qtbot.waitSignal(found.saved):
        qtbot.keyClick(found.place, Qt.Key.Key_Return)
    assert (tmp_path / "x.png").is_file()


def test_a_full_disk_is_told(qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(path: Path, content: bytes) -> None:
        from engine.files import disk_errors

        with disk_errors(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.views.export.write_bytes", full)
    found = dialog(qtbot, window, ".png")
    qtbot.mouseClick(found.save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "The disk is full" in found.message)
    found.reject()


def test_what_is_there_is_only_replaced_knowingly(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "here.png").write_text("old")
    found = dialog(qtbot, window, ".png")
    assert found.save.text() == "Export"
    found.place.selectAll()
    qtbot.keyClicks(found.place, str(tmp_path / "here.png"))
    assert found.save.text() == "Replace"
    assert "here.png is there already" in found.message
    qtbot.keyClick(found, Qt.Key.Key_Escape)
    assert (tmp_path / "here.png").read_text() == "old"
    assert export(qtbot, window, ".png", "here.png").read_bytes().startswith(b"\x89PNG")


def test_the_form_chosen_last_is_offered_first(qtbot: QtBot, window: MainWindow) -> None:
    export(qtbot, window, ".svg")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    found = in_front(window)
    assert found.suffix == ".svg"
    assert found.place.text().endswith(".svg")
    assert all(control.accessibleName() for control in (found.what, found.form, found.table, found.place))
    found.reject()


def test_the_saved_file_can_be_shown_in_its_folder(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("app.sending.QDesktopServices.openUrl", lambda url: opened.append(url.toLocalFile()))
    export(qtbot, window, ".png")
    button = next(one for one in window.remark.findChildren(QPushButton) if one.text() == "Show in folder")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert [Path(one) for one in opened] == [tmp_path]
    assert not window.remark.isVisible()


def test_picture_and_numbers_go_to_the_clipboard_by_keys(qtbot: QtBot, window: MainWindow) -> None:
    assert window.view is not None
    window.activateWindow()
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window, Qt.Key.Key_C, both)
    assert QGuiApplication.clipboard().image().size() == window.view.size() * 2
    qtbot.keyClick(window, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    text = QGuiApplication.clipboard().text()
    for name, columns in window.view.numbers().items():
        assert name in text
        assert "\t".join(columns) in text
    assert "clipboard" in window.remark.message
    # The clipboard of the platform without a screen lives longer than Python, and what Python made cannot.
    QGuiApplication.clipboard().clear()


@pytest.mark.parametrize("view", ["train", "welcome"])
def test_other_views_have_numbers_and_can_be_exported(qtbot: QtBot, window: MainWindow, view: str) -> None:
    if view == "train":
        with qtbot.waitSignal(window.session.log_read):
            window.show_view("train")
    else:
        window.session.close_run()
        window._first_run = ""
        window.show_view("explore")
    assert window.view is not None
    tables = window.view.numbers()
    assert all(len({len(values) for values in columns.values()}) == 1 for columns in tables.values())
    assert any(columns for columns in tables.values())
    assert export(qtbot, window, ".html").stat().st_size > 10_000


def test_drawing_a_view_does_not_hold_the_window_up_for_long(qtbot: QtBot, window: MainWindow) -> None:
    """Not a timed test of speed: a guard against drawing at a thousandfold size."""
    assert window.view is not None
    draw: Callable[[], Any] = lambda: exporting.pdf(window.view, exporting.About("x"))  # type: ignore[arg-type]  # noqa: E731
    begun = time.monotonic()
    assert len(draw()) < 3_000_000
    assert time.monotonic() - begun < 30
