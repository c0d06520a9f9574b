"""The Windows recipe, as far as another system can look: its script's sections, names and paths, and what it calls."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from engine.given_path import BUNDLE, WORKSPACE
from tests.conftest import ROOT

FOLDER = ROOT / "packaging" / "windows"
SCRIPT = (FOLDER / "heedmap.iss").read_text(encoding="utf-8")
BUILD = (FOLDER / "build.ps1").read_text(encoding="utf-8")
SECTIONS = {
    "Setup", "Languages", "Messages", "CustomMessages", "Tasks", "InstallDelete", "Files", "Icons", "Registry", "Run",
    "Code",
}  # fmt: skip
FLAGS = {  # that this script may use, by its sections
    "Tasks": {"unchecked"},
    "Files": {"ignoreversion", "recursesubdirs", "createallsubdirs", "touch"},
    "Registry": {"uninsdeletevalue", "uninsdeletekeyifempty", "uninsdeletekey"},
    "Run": {"nowait", "postinstall", "skipifsilent"},
}
CONSTANTS = {"app", "autopf", "autoprograms", "autodesktop"}


def section(name: str) -> list[str]:
    found = re.search(rf"^\[{name}\]\n(.*?)(?=^\[\w+\]\n|\Z)", SCRIPT, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return [line for line in found[1].splitlines() if line and not line.startswith((";", "#"))]


def entries(name: str) -> Iterator[dict[str, str]]:
    """The parameters of each line of a section."""
    for line in section(name):
        pairs = re.findall(r'(\w+): ("(?:[^"]|"")*"|[^;]+)', line)
        yield {key: value.strip().removeprefix('"').removesuffix('"').replace('""', '"') for key, value in pairs}


def setup() -> dict[str, str]:
    return dict(line.split("=", 1) for line in section("Setup"))


def test_it_has_the_sections_that_it_needs_and_flags_that_exist() -> None:
    assert set(re.findall(r"^\[(\w+)\]$", SCRIPT, re.MULTILINE)) == SECTIONS
    for name, known in FLAGS.items():
        assert {flag for one in entries(name) for flag in one.get("Flags", "").split()} <= known


def test_every_name_is_defined_here_or_given_by_the_build() -> None:
    defined = set(re.findall(r"#define (\w+)", SCRIPT))
    demanded = set(re.findall(r"#error (\w+) is missing", SCRIPT))
    given = set(re.findall(r"/D(\w+)=", BUILD))
    used = set(re.findall(r"\{#(\w+)\}", SCRIPT))
    assert demanded <= given
    assert used <= defined | demanded | {"SignTool"}
    assert given <= used
    assert set(re.findall(r"#(?:ifdef|ifndef) (\w+)", SCRIPT)) <= used
    assert SCRIPT.count("#ifdef") + SCRIPT.count("#ifndef") == SCRIPT.count("#endif")


def test_every_file_exists_or_is_made_by_the_build(tmp_path: Path) -> None:
    for one in entries("Files"):
        source = one["Source"].replace("\\", "/")
        if source.startswith("{#Root}"):
            assert (ROOT / source.removeprefix("{#Root}/")).is_file()
        elif source.startswith("{#Icons}"):
            assert source.removeprefix("{#Icons}/") in {"workspace.ico", "audit.ico"}
        else:
            assert source == "{#Source}/*"
    assert '$Folder = Join-Path $Build "dist\\heedmap"' in BUILD  # where PyInstaller puts it
    assert (ROOT / setup()["LicenseFile"].replace("{#Root}\\", "")).is_file()


def test_it_is_for_one_user_and_leaves_workspaces_alone() -> None:
    assert setup()["PrivilegesRequired"] == "lowest"
    assert setup()["ArchitecturesAllowed"] == "x64compatible"
    assert {one["Root"] for one in entries("Registry")} == {"HKCU"}
    assert {one["DestDir"].split("\\")[0] for one in entries("Files")} == {"{app}"}
    assert [one["Name"] for one in entries("InstallDelete")] == ["{app}\\_internal"]
    assert "UninstallDelete" not in SCRIPT
    assert set(re.findall(r"(?<![{#])\{(\w+)\}", "\n".join(section("Files") + section("Icons")))) <= CONSTANTS
    assert re.fullmatch(r"\{\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", setup()["AppId"])


@pytest.mark.parametrize("suffix", [WORKSPACE, BUNDLE])
def test_a_double_click_on_our_files_starts_the_program_with_their_path(suffix: str) -> None:
    values = {one["Subkey"]: one["ValueData"] for one in entries("Registry") if "ValueName" not in one}
    kind = values[f"Software\\Classes\\{suffix}"]
    assert values[f"Software\\Classes\\{kind}\\shell\\open\\command"] == '"{app}\\{#Program}" "%1"'
    assert values[f"Software\\Classes\\{kind}\\DefaultIcon"].endswith('.ico"')
    assert setup()["ChangesAssociations"] == "yes"


def test_every_text_is_there_in_both_languages() -> None:
    languages = {one["Name"] for one in entries("Languages")}
    assert languages == {"en", "zh_CN"}
    texts = [line.split("=", 1)[0].split(".", 1) for line in section("CustomMessages") + section("Messages")]
    names = {name for _, name in texts}
    assert sorted(texts) == sorted([language, name] for language in languages for name in names)
    wanted = set(re.findall(r"\{cm:(\w+)\}", SCRIPT)) | set(re.findall(r"CustomMessage\('(\w+)'\)", SCRIPT))
    assert wanted | {"ConfirmUninstall"} == names


def test_the_pascal_in_it_is_balanced() -> None:
    code = re.sub(r"\{[^#].*?\}|'[^']*'", "", "\n".join(section("Code")))
    assert len(re.findall(r"\bbegin\b", code)) == len(re.findall(r"\bend\b", code))
    assert code.count("(") == code.count(")")


def test_the_build_calls_what_is_there() -> None:
    for path in re.findall(r'Join-Path \$Packaging "([^"]+)"', BUILD):
        for lock in ("windows", "build-windows"):
            assert (ROOT / "packaging" / path.replace("\\", "/").replace("$lock", lock)).is_file(), path
    assert BUILD.count("{") == BUILD.count("}")
    assert BUILD.count("(") == BUILD.count(")")
    for head in (SCRIPT[:600], BUILD[:700]):
        assert "UNTESTED until someone" in head


def test_the_details_of_the_program_say_its_version() -> None:
    sys.path.insert(0, str(FOLDER))
    from version_info import version_info  # type: ignore[import-not-found]  # a script, found beside itself

    for version, numbers in (("0.1.0", "(0, 1, 0, 0)"), ("12.3.4rc1", "(12, 3, 4, 0)"), ("1.2+cpu", "(1, 2, 0, 0)")):
        text = version_info(version)
        ast.parse(text)
        assert f"filevers={numbers}" in text
        assert f"StringStruct('ProductVersion', '{version}')" in text


def test_icons_have_every_size_that_windows_asks_for(tmp_path: Path) -> None:
    from tests.packaging.test_macos import icons

    for name in ("heedmap", "workspace", "audit"):
        with Image.open(icons("ico", tmp_path) / f"{name}.ico") as icon:
            assert {(size, size) for size in (16, 20, 24, 32, 40, 48, 64, 256)} <= icon.info["sizes"]
