"""Scenarios that are kept: whole, by name, and fit to move with their workspace."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli import main
from engine.desk import Desk
from engine.errors import HeedmapError
from engine.explain.types import Token
from engine.jobs import finish
from engine.scenario import Event, ItemEdit, PastEdit, Scenario
from engine.scenario_files import (
    SavedScenario,
    delete_scenario,
    list_scenarios,
    photo_folder,
    read_scenario,
    rename_scenario,
    save_scenario,
)
from engine.versions import current

SCENARIO = Scenario(
    edits=(
        ItemEdit("i1", (Token("image", "1, 2", "p.jpg", box=(1 / 7, 0.0, 2 / 7, 1 / 7)),), (("title", "新标题"),)),
        ItemEdit("i2", (), (), "media/ab/cd.jpg", (("colour", "red"),)),
    ),
    pasts=(PastEdit("u1", (Event("i3", 5, "view", (("device", "phone"),)),), ("i4",)),),
)


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    saved = SavedScenario("Spring: 春 / 50 %", SCENARIO, "run-1", "u1", "i1", "a note", "2024-01-01T00:00:00+00:00")
    file = save_scenario(tmp_path, saved)
    assert file.parent == tmp_path / "scenarios"
    assert read_scenario(file) == saved
    assert list_scenarios(tmp_path) == (saved,)
    delete_scenario(tmp_path, saved.name)
    assert list_scenarios(tmp_path) == ()
    with pytest.raises(HeedmapError, match="no scenario"):
        delete_scenario(tmp_path, saved.name)


def test_a_workspace_that_moves_keeps_its_photos_and_rules(tmp_path: Path) -> None:
    photo, rules = tmp_path / "mine.png", tmp_path / "rules.json"
    photo.write_bytes(b"a photo")
    rules.write_text('{"rules": []}')
    inside = tmp_path / "one" / "scenarios" / "photos" / "own.png"
    inside.parent.mkdir(parents=True)
    inside.write_bytes(b"another")
    edits = (ItemEdit("i1", photo=str(photo)), ItemEdit("i2", photo=str(inside)), ItemEdit("i3", photo=""))
    file = save_scenario(tmp_path / "one", SavedScenario("moved", Scenario(edits, rules=str(rules))))
    assert str(tmp_path) not in file.read_text(encoding="utf-8")
    photo.unlink()
    rules.unlink()
    shutil.move(tmp_path / "one", tmp_path / "two")
    scenario = read_scenario(tmp_path / "two" / "scenarios" / "moved.json").scenario
    assert [Path(edit.photo or "").read_bytes() for edit in scenario.edits[:2]] == [b"a photo", b"another"]
    assert scenario.edits[2].photo == ""
    assert json.loads(Path(scenario.rules).read_text()) == {"rules": []}


def test_a_photo_of_the_dataset_is_not_mistaken_for_one_of_the_workspace(tmp_path: Path) -> None:
    for place in ("one/media", "one/datasets/shop/media"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "i2.png").write_bytes(place.encode())
    whole = tmp_path / "one" / "datasets" / "shop" / "media" / "i2.png"
    edits = (ItemEdit("i1", photo="media/i2.png"), ItemEdit("i3", photo=str(whole)))
    file = save_scenario(tmp_path / "one", SavedScenario("another product's", Scenario(edits)))
    shutil.rmtree(tmp_path / "one" / "datasets")
    shutil.move(tmp_path / "one", tmp_path / "two")
    of_dataset, copied = read_scenario(tmp_path / "two" / file.relative_to(tmp_path / "one")).scenario.edits
    assert of_dataset.photo == "media/i2.png"
    assert Path(copied.photo or "").parent == photo_folder(tmp_path / "two")
    assert Path(copied.photo or "").read_bytes() == b"one/datasets/shop/media"


def test_a_file_of_the_first_version_still_opens(tmp_path: Path) -> None:
    (tmp_path / "own.png").write_bytes(b"a photo")
    edits = (ItemEdit("i1", photo="own.png"), ItemEdit("i2", photo="media/i2.png"))
    file = save_scenario(tmp_path, SavedScenario("old", Scenario(edits)))
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(content | {"version": 1}), encoding="utf-8")
    photos = [edit.photo for edit in read_scenario(file).scenario.edits]
    assert photos == [str((tmp_path / "own.png").resolve()), "media/i2.png"]


def test_a_scenario_gets_another_name_or_the_same(tmp_path: Path) -> None:
    save_scenario(tmp_path, SavedScenario("first", SCENARIO, note="a note"))
    (first,) = list_scenarios(tmp_path)
    rename_scenario(tmp_path, first, "second")
    (second,) = list_scenarios(tmp_path)
    assert (second.name, second.note, second.time) == ("second", "a note", first.time)
    rename_scenario(tmp_path, second, " second")  # a file of the same name
    assert [one.scenario for one in list_scenarios(tmp_path)] == [SCENARIO]


def test_saving_again_replaces_and_a_damaged_one_is_left_out(tmp_path: Path) -> None:
    save_scenario(tmp_path, SavedScenario("a", SCENARIO))
    save_scenario(tmp_path, SavedScenario("a", Scenario()))
    save_scenario(tmp_path, SavedScenario("B", SCENARIO))
    (tmp_path / "scenarios" / "broken.json").write_text("{")
    (tmp_path / "scenarios" / "later.json").write_text(f'{{"version": {current("scenario") + 1}, "scenario": {{}}}}')
    assert [(one.name, one.scenario) for one in list_scenarios(tmp_path)] == [("a", Scenario()), ("B", SCENARIO)]
    with pytest.raises(HeedmapError, match="newer Heedmap"):
        read_scenario(tmp_path / "scenarios" / "later.json")
    assert list_scenarios(tmp_path / "never") == ()


def test_a_name_of_blanks_and_a_photo_that_is_gone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HeedmapError, match="needs a name"):
        save_scenario(tmp_path, SavedScenario("  ", SCENARIO))
    gone = Scenario((ItemEdit("i1", photo=str(tmp_path / "gone.png")),))
    with pytest.raises(HeedmapError, match="cannot be read"):
        save_scenario(tmp_path, SavedScenario("a", gone))
    assert list_scenarios(tmp_path) == ()


def test_a_bare_scenario_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "bare.json"
    file.write_text(json.dumps(SCENARIO.to_json()))
    assert read_scenario(file) == SavedScenario("bare", SCENARIO)
    file.write_text('{"edits": 3}')
    with pytest.raises(HeedmapError, match="not a scenario"):
        read_scenario(file)


def test_the_command_line_answers_under_a_scenario(
    trained: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(trained())
    scenario = Scenario(
        (ItemEdit("i3", texts=(("title", "A tent of canvas"),), attributes=(("colour", "red"),)),),
        (PastEdit("u1", (Event("i5"),)),),
    )
    file = str(save_scenario(tmp_path, SavedScenario("what if", scenario, user="u1", item="i3")))
    desk = Desk()
    expected = finish(desk.job("rank", {"run": run, "user": "u1", "k": 14, "scenario": scenario}))
    assert main(["recommend", run, "--scenario", file, "-k", "14", "--json"]) == 0
    ranking = json.loads(capsys.readouterr().out)
    assert [(one["item"], one["title"]) for one in ranking["items"]] == [
        (one.item, one.title) for one in expected.items
    ]
    assert main(["explain", run, "--scenario", file, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["user"], found["item"], found["title"]) == ("u1", "i3", "A tent of canvas")
    assert main(["explain", run, "--scenario", file, "--add", "i7"]) == 2
    assert "past too" in capsys.readouterr().err
    html = tmp_path / "why.html"
    assert main(["explain", run, "--scenario", file, "--out", str(html)]) == 0
    assert "tent</mark>" in html.read_text(encoding="utf-8")
