"""A folder that is open read-only stays as it is, whatever is asked; an auditor's notes lie outside, signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.audit.plan import Plan
from engine.audit.run import audit
from engine.errors import HeedmapError
from engine.evaluation.evaluate import Wanted, evaluate
from engine.faithfulness.table import measure_methods
from engine.files import READ_ONLY, is_read_only, make_folder, open_read_only, sha256_of, write_json
from engine.jobs import finish
from engine.notes import Note, list_notes, write_note
from engine.recommend import Recommender
from engine.signed_notes import read_signed_notes, signature_file, write_signed_notes

KEY = Ed25519PrivateKey.generate()


def everything(folder: Path) -> dict[str, str]:
    return {str(one): sha256_of(one) for one in sorted(folder.rglob("*")) if one.is_file()}


def test_nothing_is_written_inside(
    opened: Callable[..., Recommender], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = opened()
    before, folder = everything(run.folder), run.folder
    monkeypatch.setenv(READ_ONLY, str(folder))
    for attempt in (
        lambda: write_json(folder / "a.json", {}),
        lambda: make_folder(folder / "new"),
        lambda: write_note(folder, "d", "product", "p", "text"),
        lambda: finish(evaluate(run, Wanted())),
        lambda: finish(measure_methods(run, ("contribution",), 2)),
        lambda: finish(audit(run, Plan(only=("data.whole",)), folder / "bundle", KEY)),
    ):
        with pytest.raises(HeedmapError, match="read-only"):
            attempt()
    assert everything(folder) == before
    make_folder(folder)  # it is there
    write_json(tmp_path / "outside.json", {})
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(HeedmapError, match="read-only"):
        write_json(tmp_path / "link" / "a.json", {})


def test_notes_that_are_there_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = write_note(tmp_path, "d", "product", "p", "look here", now=1)
    before = everything(tmp_path)
    monkeypatch.setenv(READ_ONLY, str(tmp_path))
    assert list_notes(tmp_path) == (note,)
    assert everything(tmp_path) == before


def test_an_auditors_notes_are_signed_and_changes_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEEDMAP_CONFIG", str(tmp_path / "config"))
    file = tmp_path / "notes.json"
    notes = (Note("d", "product", "b", "二", 2), Note("d", "product", "a", "one", 1))
    assert read_signed_notes(file) == ()
    write_signed_notes(file, "shop", notes)
    assert read_signed_notes(file) == (notes[1], notes[0])
    content = file.read_bytes()
    file.write_bytes(content.replace(b"one", b"two"))
    with pytest.raises(HeedmapError, match="not as they were signed"):
        read_signed_notes(file)
    file.write_bytes(content)
    signature_file(file).unlink()
    with pytest.raises(HeedmapError, match="not as they were signed"):
        read_signed_notes(file)


def test_another_workspace_is_read_only_too_for_processes_that_run_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other, plain = (tmp_path / name for name in ("first", "other", "plain"))
    for one in (first, other, plain):
        one.mkdir()
    (other / "workspace.heedmap").write_text("{}", encoding="utf-8")
    monkeypatch.setenv(READ_ONLY, "")
    assert not is_read_only(other / "runs")
    monkeypatch.setenv(READ_ONLY, str(first))  # as an engine has it that was started before
    assert [is_read_only(one / "runs" / "a") for one in (first, other, plain)] == [True, True, False]
    with pytest.raises(HeedmapError, match="other is open read-only"):
        write_json(other / "a.json", {})
    open_read_only(plain)
    assert [is_read_only(one) for one in (first, other, plain)] == [True, True, True]
    write_json(tmp_path / "mine.json", {})
