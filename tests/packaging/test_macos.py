"""The macOS recipe, as far as another system can look: what the bundle says of itself, and the build's dry run."""

from __future__ import annotations

import plistlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from engine.given_path import BUNDLE, WORKSPACE
from engine.versions import program_version
from tests.conftest import ROOT

FOLDER = ROOT / "packaging" / "macos"
sys.path.insert(0, str(FOLDER))
from info_plist import info_plist  # type: ignore[import-not-found]  # noqa: E402 - a script, found beside itself


def icons(kind: str, out: Path) -> Path:
    """The icons of a system, made by the script."""
    if not list(out.glob(f"*.{kind}")):
        subprocess.run([sys.executable, str(ROOT / "packaging" / "make_icons.py"), kind, str(out)], check=True)
    return out


def test_the_bundle_opens_our_files_with_icons_of_their_own(tmp_path: Path) -> None:
    info = plistlib.loads(plistlib.dumps(info_plist()))
    types = {one["UTTypeIdentifier"]: one["UTTypeTagSpecification"] for one in info["UTExportedTypeDeclarations"]}
    opened = {one["LSItemContentTypes"][0]: one for one in info["CFBundleDocumentTypes"]}
    assert set(types) <= set(opened)
    endings = {f".{ending}" for one in types.values() for ending in one["public.filename-extension"]}
    assert endings == {WORKSPACE, BUNDLE}
    made = {path.name for path in icons("icns", tmp_path).iterdir()}
    assert {one["CFBundleTypeIconFile"] for one in opened.values() if "CFBundleTypeIconFile" in one} <= made
    for name in made:
        with Image.open(tmp_path / name) as icon:
            assert (512, 512, 2) in icon.info["sizes"]


def test_the_bundle_says_what_it_is() -> None:
    info = info_plist()
    assert info["CFBundleShortVersionString"] == program_version()
    assert info["LSBackgroundOnly"] is False
    assert info["CFBundleLocalizations"] == ["en", "zh-Hans"]
    # The oldest macOS is the one that the lock was resolved for.
    lock = (ROOT / "packaging" / "lock" / "macos.txt").read_text(encoding="utf-8").splitlines()[0]
    assert f"macOS {info['LSMinimumSystemVersion'].split('.')[0]} or later" in lock


def test_the_hardened_runtime_grants_one_thing() -> None:
    entitlements = plistlib.loads((FOLDER / "entitlements.plist").read_bytes())
    assert entitlements == {"com.apple.security.cs.allow-unsigned-executable-memory": True}


def test_the_build_says_every_step_without_taking_one() -> None:
    script, built = FOLDER / "build.sh", (ROOT / "build" / "macos").exists()
    assert "UNTESTED until someone" in script.read_text(encoding="utf-8")[:500]
    done = subprocess.run(["bash", str(script), "--dry-run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    steps = [shlex.split(line.removeprefix("+ ")) for line in done.stdout.splitlines() if line.startswith("+ ")]
    called = [step[0].rpartition("/")[2] for step in steps]
    order = ["plutil", "codesign", "heedmap", "hdiutil"]
    assert [name for place, name in enumerate(called) if name in order and name not in called[:place]] == order
    for word in (word for step in steps for word in step):
        if word.startswith(f"{ROOT}/packaging/"):
            assert Path(word).is_file(), word
    assert (ROOT / "build" / "macos").exists() == built


def test_shellcheck_finds_nothing() -> None:
    tool = shutil.which("shellcheck")
    if tool is None:
        pytest.skip("shellcheck is not here")
    done = subprocess.run([tool, str(FOLDER / "build.sh")], capture_output=True, text=True, check=False)
    assert done.stdout == ""
