"""PyInstaller's recipes of Windows and macOS go on from the common one; here it only notes what it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from tests.conftest import ROOT

PACKAGING = ROOT / "packaging"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, str], dict[str, list[dict[str, Any]]]]:
    """Reads a recipe as on a system; the answer: what each of PyInstaller's steps was asked for."""
    for name in ("PyInstaller", "PyInstaller.utils", "PyInstaller.utils.hooks", "bundled"):
        monkeypatch.setitem(sys.modules, name, MagicMock())  # what is bundled takes long to find out, and differs there
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(spec: Path, system: str) -> dict[str, list[dict[str, Any]]]:
        asked: dict[str, list[dict[str, Any]]] = {}

        def step(kind: str) -> Callable[..., Any]:
            def take(*given: Any, **named: Any) -> Any:
                asked.setdefault(kind, []).append({"given": given, **named})
                return SimpleNamespace(kind=kind, datas=[], binaries=[], pure=[], scripts=[])

            return take

        kinds = {kind: step(kind) for kind in ("Analysis", "PYZ", "EXE", "COLLECT", "BUNDLE")}
        monkeypatch.setattr(sys, "platform", system)
        code = compile(spec.read_text(encoding="utf-8"), str(spec), "exec")
        exec(code, {"SPECPATH": str(spec.parent), **kinds})
        return asked

    return run


def test_the_macos_recipe_makes_a_bundle_of_the_common_folder(
    read: Callable[[Path, str], dict[str, list[dict[str, Any]]]],
) -> None:
    asked = read(PACKAGING / "macos" / "heedmap-app.spec", "darwin")
    bundle = asked["BUNDLE"][0]
    assert [one.kind for one in bundle["given"]] == ["COLLECT"]
    assert bundle["name"] == "Heedmap.app"
    assert bundle["bundle_identifier"] == bundle["info_plist"]["CFBundleIdentifier"]
    assert [one["name"] for one in asked["EXE"]] == ["heedmap"]
    assert asked["Analysis"][0]["given"] == ([str(PACKAGING / "launcher.py")],)


def test_the_windows_recipe_gives_its_programs_their_details(
    read: Callable[[Path, str], dict[str, list[dict[str, Any]]]],
) -> None:
    asked = read(PACKAGING / "windows" / "heedmap-exe.spec", "win32")
    assert {one["name"]: one["console"] for one in asked["EXE"]} == {"heedmap": False, "heedmap-cli": True}
    assert {Path(one["version"]).name for one in asked["EXE"]} == {"version_info.txt"}
    assert "BUNDLE" not in asked
