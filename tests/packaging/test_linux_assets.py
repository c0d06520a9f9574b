"""What a Linux desktop is told: made from the sources, the same each time, and as the system's own tools want it."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from engine.commands import COMMANDS
from engine.given_path import BUNDLE, WORKSPACE
from tests.conftest import ROOT

SCRIPT = ROOT / "packaging" / "linux" / "make_assets.py"
ID = "local.heedmap.heedmap"
MIME = "{http://www.freedesktop.org/standards/shared-mime-info}"


def made(out: Path) -> Path:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1790000000"}
    subprocess.run([sys.executable, str(SCRIPT), str(out)], check=True, env=environment, cwd=out.parent)
    return out / "usr" / "share"


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("assets") / "a root")


def needs(tool: str) -> str:
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not here")
    return found


def run(*command: str | Path) -> str:
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_same_sources_give_the_same_bytes(share: Path, tmp_path: Path) -> None:
    again = made(tmp_path / "again")
    files = {path.relative_to(share): path.read_bytes() for path in share.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert len(files) == 10 + 3 * 9  # of three icons eight sizes and the drawing


def test_the_menu_entry_is_valid_and_opens_our_files(share: Path) -> None:
    file = share / "applications" / "heedmap.desktop"
    entry = dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines() if "=" in line)
    assert entry["Exec"] == "heedmap %f"
    types = ET.parse(share / "mime" / "packages" / "heedmap.xml").getroot().iter(f"{MIME}mime-type")
    assert sorted(one.attrib["type"] for one in types) == sorted(entry["MimeType"].strip(";").split(";"))
    assert run(needs("desktop-file-validate"), file) == ""


def test_file_types_go_by_the_names_that_we_write(share: Path, tmp_path: Path) -> None:
    root = ET.parse(share / "mime" / "packages" / "heedmap.xml").getroot()
    assert {one.attrib["pattern"] for one in root.iter(f"{MIME}glob")} == {f"*{WORKSPACE}", f"*{BUNDLE}"}
    tool = needs("update-mime-database")
    shutil.copytree(share / "mime", tmp_path / "mime")
    run(tool, tmp_path / "mime")
    assert "application/vnd.heedmap.audit+zip application/zip" in (tmp_path / "mime" / "subclasses").read_text()


def test_the_metadata_are_valid(share: Path) -> None:
    file = share / "metainfo" / f"{ID}.metainfo.xml"
    release = ET.parse(file).getroot().find("releases/release")
    assert release is not None
    assert release.attrib["date"] == "2026-09-21"
    assert "Validation was successful" in run(needs("appstreamcli"), "validate", "--no-net", file)


def test_icons_have_their_size_and_a_shape_of_their_own(share: Path) -> None:
    for name in ("apps/heedmap", "mimetypes/application-vnd.heedmap.workspace+json"):
        for size in (16, 24, 32, 48, 64, 128, 256, 512):
            with Image.open(share / "icons" / "hicolor" / f"{size}x{size}" / f"{name}.png") as icon:
                assert icon.size == (size, size)
                assert icon.mode == "RGBA"
                assert icon.getpixel((0, 0))[3] < 128  # type: ignore[index]  # a corner is free
                assert len(icon.getcolors(size * size) or []) >= 6


def test_the_manual_has_every_command_and_no_fault(share: Path, tmp_path: Path) -> None:
    text = gzip.decompress((share / "man" / "man1" / "heedmap.1.gz").read_bytes()).decode()
    for name in COMMANDS:
        assert f".SS {name.replace('-', chr(92) + '-')}\n" in text
    page = tmp_path / "heedmap.1"
    page.write_text(text)
    assert run(needs("groff"), "-man", "-Tutf8", "-ww", "-z", page) == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("tra", "train"),
        ("evaluate --split =", "validation test"),
        ("evaluate --split = te", "test"),
        ("shot run --theme d", "dark"),
        ("train --re", "--resume --replay"),
        ("--th", "--theme"),
        ("--theme li", "light"),
        ("open --read", "--read-only"),
        ("train --run x", ""),  # files, which bash itself completes
    ],
)
def test_bash_completes(share: Path, words: str, expected: str) -> None:
    script = f"""
        . "{share}/bash-completion/completions/heedmap"
        compopt() {{ :; }}
        COMP_WORDS=(heedmap {words}) COMP_CWORD={len(words.split())}
        _heedmap && complete -p heedmap >/dev/null && echo "${{COMPREPLY[*]}}"
    """
    assert run(needs("bash"), "--norc", "-c", script).strip() == expected


def test_the_other_shells_can_read_theirs(share: Path) -> None:
    scripts = {
        "zsh": share / "zsh/vendor-completions/_heedmap",
        "fish": share / "fish/vendor_completions.d/heedmap.fish",
    }
    for name in COMMANDS:
        assert all(name in script.read_text(encoding="utf-8") for script in scripts.values())
    for shell, script in scripts.items():
        if shutil.which(shell):
            run(shell, "-n", script)
