"""Every sentence in which the engine tells of a fault is told in the language of the window."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QLocale
from pytestqt.qtbot import QtBot

from app.fault_text import fault_text
from app.i18n import LANGUAGES, TRANSLATIONS
from engine.files import read_json

ENGINE = Path(__file__).resolve().parents[2] / "engine"
COMMAND_LINE = {"commands", "cli.py"}  # nobody reads these in the window
BY_HAND = {"A fault in Heedmap: {0}", "The details are in {0}."}  # of engine/runner.py, which raises no HeedmapError
Parts = list[str | None]  # None: a gap


def _readings(node: ast.expr) -> list[Parts]:
    """The sentences that an expression can make."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [[node.value]]
    if isinstance(node, ast.IfExp):
        return _readings(node.body) + _readings(node.orelse)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [[*left, *right] for left in _readings(node.left) for right in _readings(node.right)]
    if not isinstance(node, ast.JoinedStr):
        return [[None]]
    made: list[Parts] = [[]]
    for part in node.values:
        found: list[Parts] = [[None]]
        if isinstance(part, ast.Constant):
            found = [[str(part.value)]]
        elif isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.IfExp):
            words = _readings(part.value)
            if part.conversion == -1 and part.format_spec is None and all(None not in one for one in words):
                found = words
        made = [[*before, *one] for before in made for one in found]
    return made


def _sentence(parts: Parts) -> str:
    gaps = iter(range(len(parts)))
    return "".join(f"{{{next(gaps)}}}" if one is None else one.replace("{", "{{").replace("}", "}}") for one in parts)


def _sentences() -> Iterator[str]:
    for file in sorted(ENGINE.rglob("*.py")):
        if file.relative_to(ENGINE).parts[0] in COMMAND_LINE:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = getattr(node, "func", None)
            if isinstance(node, ast.Call) and getattr(called, "id", "") in ("HeedmapError", "NewerError"):
                for parts in (parts for argument in node.args for parts in _readings(argument)):
                    if any(letter.isalpha() for one in parts if one for letter in one):
                        yield _sentence(parts)


def _table(language: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for file in sorted((TRANSLATIONS / language / "faults").glob("*.json")):
        content = read_json(file)
        assert isinstance(content, dict)
        assert not texts.keys() & content.keys(), file
        texts |= content
    return texts


@pytest.fixture
def chinese(qapp: object) -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale("zh_CN"))
    yield
    QLocale.setDefault(before)


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_every_sentence_of_the_engine_is_translated_with_all_its_gaps(language: str) -> None:
    wanted, there = {*_sentences(), *BY_HAND}, _table(language)
    assert len(wanted) > 500
    assert sorted(wanted - there.keys()) == []
    assert sorted(there.keys() - wanted) == []
    for source, told in there.items():
        assert sorted(re.findall(r"\{\d+\}", source)) == sorted(re.findall(r"\{\d+\}", told)), source
        told.format(*"0123456789")  # what is no gap is written twice
        assert re.search("[一-鿿]", told) or source.startswith("pip install"), source


def test_what_a_sentence_names_is_told_with_it(chinese: None) -> None:
    told = fault_text("There is no method 'guess'.")
    assert "'guess'" in told
    assert "There is" not in told
    both = fault_text("There is no method 'guess'. Check the path.")
    assert both == told + fault_text("Check the path.")
    assert fault_text("/tmp/x: No space left on device") == "/tmp/x: No space left on device"
    assert fault_text(told) == told
    assert fault_text("") == ""


def test_in_english_the_engine_speaks_for_itself(qtbot: QtBot) -> None:
    assert fault_text("There is no method 'guess'.") == "There is no method 'guess'."


def test_the_longest_sentence_is_the_one_that_is_meant(chinese: None) -> None:
    """Every sentence is found again as itself, whatever stands in its gaps."""
    missed = []
    for source, told in _table("zh_CN").items():
        named = [f"‹{place}›" for place in range(10)]
        if fault_text(source.format(*named)) != told.format(*named):
            missed.append(source)
    assert missed == []


def test_a_chinese_window_tells_a_fault_of_the_engine_in_chinese(qtbot: QtBot, open_window: Any) -> None:
    window = open_window()
    window.choose_language("zh_CN")
    qtbot.waitUntil(lambda: window.session.idle)
    window.session._jobs["rank"], window.session._questions["rank"] = 999, {}
    window.session.engine.failed.emit(999, "There is no shopper 'nobody' in Shop.", "Check the path.")
    qtbot.waitUntil(lambda: not window.banner.isHidden())
    assert re.search("[一-鿿]", window.banner.message)
    assert "'nobody'" in window.banner.message
    assert "There is" not in window.banner.accessibleName()
    assert "Check" not in window.banner.accessibleName()
