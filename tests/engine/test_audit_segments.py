"""Segments that were saved in the window, in the audit of a run of that workspace: figures by hand, sizes told, and
members that are in no bundle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.audit.bundle import open_bundle
from engine.audit.check import Measured
from engine.audit.checks import CHECKS
from engine.audit.plan import Plan, preset, read_plan
from engine.audit.recompute import recompute
from engine.audit.report.words import Words
from engine.audit.run import audit, remeasured
from engine.audit.subject import SEGMENTS, Subject
from engine.cli import main
from engine.errors import HeedmapError
from engine.files import make_folder, write_json
from engine.jobs import finish
from engine.metrics.ranking import measures
from engine.own_name import marked_name
from engine.recommend import Recommender
from engine.segments import PATTERN, saved_segments
from engine.workspace import create

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SLICES = "quality.slices"
MADE: list[dict[str, Any]] = [
    {"name": "Regulars", "kind": "users", "members": ["u0", "u1", "u2", "u3", "u4", "gone"], "rule": "by hand"},
    {"name": "Red", "kind": "items", "members": [f"i{number}" for number in range(0, 14, 2)], "rule": "colour: red"},
    {"name": "Two", "kind": "users", "members": ["u5", "u6"], "rule": ""},
]


@pytest.fixture
def workspace(trained: Callable[..., Path], tiny_shop: Path, tmp_path: Path) -> Path:
    """With the run and its dataset inside, and three segments."""
    folder = tmp_path / "workspace"
    create(folder)
    shutil.copytree(tiny_shop, folder / "datasets" / "tiny")
    shutil.copytree(trained(), folder / "runs" / "plain")
    make_folder(folder / "sessions")
    save(folder, MADE)
    return folder


def save(workspace: Path, segments: list[dict[str, Any]], name: str = "tiny") -> None:
    write_json(workspace / PATTERN.format(name), {"version": 1, "segments": segments})


def opened_in(workspace: Path) -> Recommender:
    run: Recommender = finish(Recommender.open(workspace / "runs" / "plain", "cpu", workspace / "datasets" / "tiny"))
    return run


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three choices of three shoppers are enough."""
    for name in ("FEWEST", "SHOWN"):
        monkeypatch.setattr(f"engine.audit.checks.quality.{name}", 3)


def measured(run: Recommender, plan: Plan) -> Measured:
    found: Measured = finish(CHECKS[SLICES].measure(Subject(run, plan)))
    return found


@pytest.mark.usefixtures("few")
def test_each_segment_has_its_figure_by_hand_and_its_size(workspace: Path) -> None:
    run = opened_in(workspace)
    found = measured(run, preset("standard"))
    of = {(one.name, one.of["segment"]): one for one in found.figures if "segment" in one.of}
    subject = Subject(run, preset("standard"))
    worth = measures(finish(subject.outcome()).ranks, 10)["ndcg"]
    users = np.array(run.data.users)[subject.ground.users]
    items = np.array(run.data.items)[run.data.item[subject.ground.targets]]
    inside = {
        "Regulars": np.isin(users, MADE[0]["members"]),
        "Red": np.isin(items, MADE[1]["members"]),
    }
    assert {name for _, name in of} == set(inside)
    for name, there in inside.items():
        one, less = of["ndcg", name], of["less_rest", name]
        assert one.value == pytest.approx(worth[there].mean())
        assert less.value == pytest.approx(worth[there].mean() - worth[~there].mean())
        assert one.n == less.n == there.sum()
        assert None not in (one.low, one.high, less.low, less.high)
    notes = {note.values["segment"]: note for note in found.notes}
    assert {name: note.key for name, note in notes.items()} == {
        "Regulars": "shoppers_segment",
        "Red": "products_segment",
        "Two": "small_segment",
    }
    assert notes["Regulars"].values["members"] == 6
    assert "is too small for a figure" in Words("en").note(SLICES, notes["Two"])
    said = Words("en").note(SLICES, notes["Two"])
    assert "Choices in the test period: 2, where 3 are needed; shoppers: 2, where 3 are needed" in said


@pytest.mark.usefixtures("few")
def test_the_plan_says_which_and_a_wrong_name_is_told_before_hours_of_work(workspace: Path, tmp_path: Path) -> None:
    run = opened_in(workspace)

    def names(plan: Plan) -> list[str]:
        return [one.name for one in Subject(run, plan).segments]

    assert names(preset("quick")) == []
    assert names(preset("full")) == ["Regulars", "Red", "Two"]
    written = tmp_path / "plan.toml"
    written.write_text('preset = "quick"\nsegments = ["Red"]\n')
    plan = read_plan(written, CHECKS)
    assert names(plan) == ["Red"]
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    written.write_text("segments = []\n")
    assert names(read_plan(written, CHECKS)) == []
    save(workspace, [{**MADE[0], "name": str(number)} for number in range(12)])
    assert len(names(preset("standard"))) == SEGMENTS
    with pytest.raises(HeedmapError, match="segment 'Rde', which is not saved for tiny"):
        finish(audit(run, Plan(segments=("Rde",)), tmp_path / "bundle", KEY, languages=()))
    assert not (tmp_path / "bundle").exists()


def test_they_are_those_of_this_dataset_in_this_workspace(workspace: Path, tiny_shop: Path, tmp_path: Path) -> None:
    run = workspace / "runs" / "plain"
    assert [one.name for one in saved_segments(run, workspace / "datasets" / "tiny")] == ["Regulars", "Red", "Two"]
    assert saved_segments(run, tiny_shop) == ()  # of the same name, elsewhere
    save(workspace, MADE[:1], marked_name(workspace, tiny_shop))
    assert [one.name for one in saved_segments(run, tiny_shop)] == ["Regulars"]
    alone = shutil.copytree(run, tmp_path / "alone" / "plain")
    assert saved_segments(alone, workspace / "datasets" / "tiny") == ()


@pytest.mark.usefixtures("few")
def test_a_bundle_names_them_and_no_member_and_others_are_not_compared(workspace: Path, tmp_path: Path) -> None:
    run, out = opened_in(workspace), tmp_path / "bundle"
    finish(audit(run, Plan(only=(SLICES, "data.whole")), out, KEY, languages=("en", "zh_CN")))
    inputs = json.loads((out / "inputs.json").read_text())
    for name in ("inputs", "plan"):
        schema = json.loads((out / "schema" / f"{name}.schema.json").read_text())
        jsonschema.validate(json.loads((out / f"{name}.json").read_text()), schema)
    assert inputs["segments"]["Regulars"]["members"] == 6
    assert not any("gone" in path.read_text(encoding="utf-8") for path in out.rglob("*.json"))
    assert "segment Regulars" in (out / "report.en.html").read_text(encoding="utf-8")
    assert "分群“Regulars”" in (out / "report.zh_CN.html").read_text(encoding="utf-8")
    again, notes = finish(recompute(open_bundle(out), run, 1.0, seed=1))
    assert notes == ()
    assert sum("segment" in one.of for one in again) == 4
    assert all(one.agrees for one in again)
    save(workspace, [{**MADE[0], "members": ["u0"]}])
    again, notes = finish(recompute(open_bundle(out), opened_in(workspace), 1.0, seed=1))
    assert notes == ("other_segments",)
    assert again
    assert all(one.agrees and "segment" not in one.of for one in again)


@pytest.mark.usefixtures("few")
def test_the_command_measures_them_too(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEEDMAP_CONFIG", str(tmp_path))
    plan = tmp_path / "plan.toml"
    plan.write_text('only = ["quality.slices"]\nsegments = ["Regulars"]\n')
    run, dataset = str(workspace / "runs" / "plain"), str(workspace / "datasets" / "tiny")
    arguments = ["audit", run, "--dataset", dataset, "--out", str(tmp_path / "b"), "--plan", str(plan), "--json"]
    assert main([*arguments, "--languages", "en"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["value"] for one in told[0]["figures"] if one["of"].get("segment") == "Regulars"]
    plan.write_text('segments = ["Nobody"]\n')
    assert main([*arguments[:5], str(tmp_path / "c"), *arguments[6:]]) == 2
    assert "Nobody" in capsys.readouterr().err


def test_without_segments_the_check_is_as_it_was(opened: Callable[..., Recommender]) -> None:
    result, found = finish(remeasured(Subject(opened(), preset("standard")), CHECKS[SLICES]))
    assert result.verdict == "told"
    assert found.notes == ()
