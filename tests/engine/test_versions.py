"""Everything on disk says its version: older content is read, newer is refused with a sentence and stays as it is."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.audit.bundle import open_bundle, seal
from engine.audit.verify import results_of, verify
from engine.cli import main
from engine.dataset.store import Dataset, DatasetWriter
from engine.desk import Desk
from engine.errors import HeedmapError
from engine.evaluation.runs import read_evaluations, run_row
from engine.files import sha256_of, write_json
from engine.jobs import finish
from engine.notes import list_notes, write_note
from engine.opening import open_run
from engine.rules import read_rules
from engine.run_card import run_card
from engine.scenario_files import read_scenario
from engine.training.config import Config
from engine.training.loop import train
from engine.versions import SCHEMAS, NewerError, current, forward, program_version
from engine.workspace import summarise, workspace_of

OLD = Path(__file__).parent.parent / "old" / "workspace-1"
ROOT = Path(__file__).parent.parent.parent
NEXT = {kind: schema.current + 1 for kind, schema in SCHEMAS.items()}


def everything(folder: Path) -> dict[str, str]:
    return {str(one): sha256_of(one) for one in sorted(folder.rglob("*")) if one.is_file()}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_there_is_a_way_from_the_oldest_version_that_can_be_read_to_the_current_one(kind: str) -> None:
    schema = SCHEMAS[kind]
    assert sorted(schema.steps) == list(range(schema.oldest, schema.current))


def test_each_step_leads_to_the_next_version_and_changes_nothing_of_what_it_is_given(tmp_path: Path) -> None:
    content = json.loads((OLD / "scenarios" / "pale cup.json").read_text(encoding="utf-8"))
    del content["version"]
    for kind, schema in SCHEMAS.items():
        for version, step in schema.steps.items():
            given: dict[str, Any] = content | ({schema.key: version} if version else {})
            before = json.dumps(given)
            assert step(given, tmp_path)[schema.key] == version + 1, kind
            assert json.dumps(given) == before


def test_the_program_has_one_version_and_goes_without_when_it_is_not_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert program_version() == project["version"]

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, "heedmap unknown\n")


def _scenario(folder: Path) -> Callable[[], object]:
    write_json(folder / "a.json", {"version": NEXT["scenario"], "tomorrow": {}})
    return lambda: read_scenario(folder / "a.json")


def _rules(folder: Path) -> Callable[[], object]:
    write_json(folder / "rules.json", {"version": NEXT["rules"], "tomorrow": []})
    return lambda: read_rules(folder / "rules.json")


def _notes(folder: Path) -> Callable[[], object]:
    write_note(folder, "shop", "product", "i1", "look", now=1)
    with closing(sqlite3.connect(folder / "notes.sqlite")) as base:
        base.execute(f"PRAGMA user_version = {NEXT['notes']}")
    return lambda: list_notes(folder)


def _dataset(folder: Path) -> Callable[[], object]:
    write_json(folder / "dataset.json", {"schema_version": NEXT["dataset"]})
    return lambda: Dataset.open(folder)


def _run(folder: Path) -> Callable[[], object]:
    write_json(folder / "run.json", {"version": NEXT["run"], "config": {}})
    return lambda: finish(open_run(folder))


def _evaluation(folder: Path) -> Callable[[], object]:
    write_json(folder / "evaluation.json", {"test": {"version": NEXT["evaluation"]}})
    return lambda: read_evaluations(folder)


def _audit(folder: Path) -> Callable[[], object]:
    (folder / "report.html").write_text("")
    seal(folder, {"version": NEXT["audit"]}, Ed25519PrivateKey.generate())
    return lambda: finish(verify(open_bundle(folder)))


def _workspace(folder: Path) -> Callable[[], object]:
    write_json(folder / "workspace.heedmap", {"heedmap": "workspace", "version": NEXT["workspace"]})
    return lambda: summarise(folder)


@pytest.mark.parametrize("make", [_scenario, _rules, _notes, _dataset, _run, _evaluation, _audit, _workspace])
def test_what_a_newer_program_made_is_refused_with_both_versions_and_left(
    tmp_path: Path, make: Callable[[Path], Callable[[], object]]
) -> None:
    look = make(tmp_path)
    before = everything(tmp_path)
    kind = make.__name__.removeprefix("_")
    with pytest.raises(NewerError) as refused:
        look()
    assert f"newer Heedmap ({kind} version {current(kind) + 1}; this is" in refused.value.message
    assert f"Heedmap {program_version()}, which reads up to {current(kind)})" in refused.value.message
    assert "Install" in refused.value.hint
    assert everything(tmp_path) == before


def test_who_made_it_is_named_where_that_is_known(tmp_path: Path) -> None:
    marker = {"heedmap": "workspace", "version": 3, "made_by": "9.1"}
    write_json(tmp_path / "workspace.heedmap", marker)
    with pytest.raises(NewerError, match=r"a newer Heedmap, 9\.1 \(") as refused:
        workspace_of(tmp_path)
    assert refused.value.hint.startswith("Install Heedmap 9.1 or later")


def test_nothing_in_a_newer_workspace_is_opened_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_json(tmp_path / "workspace.heedmap", {"heedmap": "workspace", "version": 3})
    run, dataset = tmp_path / "runs" / "r", tmp_path / "datasets" / "d"
    for folder in (run, dataset):
        folder.mkdir(parents=True)
    before = everything(tmp_path)
    for arguments in (
        ["runs", str(tmp_path)],
        ["sample", str(dataset)],
        ["explain", str(run)],
        ["train", str(tmp_path / "elsewhere"), "--run", str(run)],
        ["open", str(tmp_path)],
        ["open", str(tmp_path), "--read-only"],
    ):
        assert main(arguments) == 2
        assert "workspace version 3" in capsys.readouterr().err
    desk = Desk()
    for name, given in (
        ("list_workspace", {"workspace": str(tmp_path), "create": True}),
        ("open_run", {"run": str(run)}),
        ("sample", {"out": str(dataset)}),
        ("list_audits", {"workspace": str(tmp_path)}),
    ):
        with pytest.raises(NewerError):
            finish(desk.job(name, given))
    assert everything(tmp_path) == before


def test_a_run_of_the_first_version_is_listed_and_says_that_it_must_be_trained_again(tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(OLD, tmp_path / "shop"))
    run = workspace / "runs" / "old"
    (listed,) = summarise(workspace).runs
    assert (listed.name, listed.metric) == ("old", 0.05)
    assert run_row(run).ndcg == 0.05
    assert run_card(run).metrics == {"test ndcg@10": 0.05}
    for job in (open_run(run), train(workspace / "datasets" / "shop", run, Config(), resume=True)):
        with pytest.raises(HeedmapError, match=r"earlier model.*run version 1.*Train it again"):
            finish(job)


def test_a_newer_run_or_dataset_is_a_fault_of_the_list_and_not_its_end(tmp_path: Path) -> None:
    for name, content in (("runs/a/run.json", {"version": 9}), ("datasets/a/dataset.json", {"schema_version": 9})):
        write_json(tmp_path / name, content)
    faults = summarise(tmp_path).faults
    assert len(faults) == 2
    assert all(fault.count(str(tmp_path)) == 1 and "newer Heedmap" in fault for fault in faults)


def test_a_dataset_from_before_events_had_a_context_is_read(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "d", name="d", domain="shop", source="made up", licence="CC0-1.0") as writer:
        writer.add("items", {"item": "i", "title": "Cup"})
        writer.add("users", {"user": "u"})
        writer.add("events", {"user": "u", "item": "i", "time": 0, "kind": "view"})
    events = tmp_path / "d" / "events.parquet"
    pq.write_table(pq.read_table(events).drop_columns(["context"]), events)
    dataset = Dataset.open(tmp_path / "d")
    assert dataset.rows("SELECT user, context FROM events") == [("u", None)]
    dataset.close()


def test_results_of_a_newer_audit_are_not_misread_and_a_damaged_one_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("")
    seal(tmp_path, {"version": 9}, Ed25519PrivateKey.generate())
    with pytest.raises(NewerError, match="audit version 9"):
        results_of(open_bundle(tmp_path))
    listed = tmp_path / "bundle.json"
    listed.write_text(listed.read_text(encoding="utf-8").replace('"version": 9', '"version": 8'), encoding="utf-8")
    found = finish(verify(open_bundle(tmp_path)))
    assert [fault.file for fault in found.faults] == ["bundle.json"]


def test_content_that_lacks_what_its_version_has_is_damaged() -> None:
    with pytest.raises(HeedmapError, match="shop is damaged"):
        forward("scenario", {"version": 1, "scenario": {"edits": [{}]}}, "shop")
    for version in ("2", None, True, -1):
        with pytest.raises(HeedmapError, match="lacks the number of its version"):
            forward("run", {"version": version}, "r")
