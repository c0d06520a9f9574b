"""A path that was double-clicked, dropped or typed: what there is at it, and a sentence where it is nothing of ours."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.audit.bundle import seal, zip_of
from engine.errors import HeedmapError
from engine.files import write_json
from engine.given_path import Given, given, home_of
from engine.versions import NewerError
from engine.workspace import create, marker_of


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "my shop 我的店"
    create(folder)
    write_json(folder / "runs" / "first" / "run.json", {"state": "done"})
    bundle = folder / "audits" / "spring"
    write_json(bundle / "plan.json", {})
    seal(bundle, {}, Ed25519PrivateKey.generate())
    return folder


def test_a_workspace_is_known_by_its_folder_and_by_its_marker(workspace: Path) -> None:
    marker = marker_of(workspace)
    assert marker.suffix == ".heedmap"
    assert given(workspace) == given(marker) == Given("workspace", workspace)
    marker.unlink()  # as one of long ago, or one that was put together by hand
    assert given(workspace) == Given("workspace", workspace)


def test_a_workspace_of_a_newer_program_says_so(workspace: Path) -> None:
    write_json(marker_of(workspace), {"heedmap": "workspace", "version": 99, "made_by": "7.0"})
    for path in (workspace, marker_of(workspace)):
        with pytest.raises(NewerError, match=r"Heedmap 7\.0"):
            given(path)


def test_a_run_and_a_bundle_are_known_as_folders_and_a_bundle_as_one_file(workspace: Path, tmp_path: Path) -> None:
    assert given(workspace / "runs" / "first") == Given("run", workspace / "runs" / "first")
    bundle = workspace / "audits" / "spring"
    assert given(bundle) == Given("bundle", bundle)
    for name in ("spring.heedaudit", "SPRING.ZIP"):
        zip_of(bundle, tmp_path / name)
        assert given(tmp_path / name) == Given("bundle", tmp_path / name)
    (bundle / "bundle.json").unlink()  # it is still one, and does not hold
    assert given(bundle).kind == "bundle"
    (tmp_path / "cut.heedaudit").write_text("half of it")  # whoever opens it says what is wrong with it
    assert given(tmp_path / "cut.heedaudit").kind == "bundle"


def test_a_bundle_knows_the_workspace_that_it_lies_in(workspace: Path, tmp_path: Path) -> None:
    bundle = workspace / "audits" / "spring"
    assert home_of(bundle) == workspace
    zip_of(bundle, tmp_path / "spring.heedaudit")
    assert home_of(tmp_path / "spring.heedaudit") is None


def test_anything_else_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "some.heedmap").write_text("{}")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    for name, said in (
        ("holiday", "is a folder of something else"),
        ("photo.png", "is a file of another kind"),
        ("text.zip", "is a file of another kind"),
        ("other.zip", "is a file of another kind"),
        ("some.heedmap", "some.heedmap is no workspace"),
        ("gone", "There is nothing at"),
    ):
        with pytest.raises(HeedmapError, match=said) as caught:
            given(tmp_path / name)
        assert caught.value.hint
