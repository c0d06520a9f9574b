"""Re-weighting, measured: the run trained anew with its own settings is the run; weights reach what is learned; a
killed training goes on; and only a full plan, or one that names it, trains."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.audit import anew
from engine.audit.anew import PLAIN, trained_anew
from engine.audit.bundle import open_bundle
from engine.audit.check import Figure, Measured, NotRun
from engine.audit.checks import CHECKS
from engine.audit.checks.reweighting import Lowest, as_setting, lowest, moved_word, shares, times_of
from engine.audit.checks.shoppers import Served, served
from engine.audit.checks.shoppers_groups import Grouping
from engine.audit.plan import Plan, preset, read_plan
from engine.audit.recompute import recompute
from engine.audit.run import WORK, audit
from engine.audit.subject import Subject
from engine.dataset.split import split
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.files import read_json
from engine.jobs import Job, Progress, finish
from engine.metrics.ranking import measures
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train
from engine.training.trainer import Trainer
from engine.training.weights import weights_of
from engine.training.windows import Batch

Opened = Callable[..., Recommender]
OURS = ("shoppers.reweighting", "sellers.reweighting")


def of(run: Recommender, work: Path | None = None) -> Subject:
    subject = Subject(run, preset("quick"), work)
    subject.__dict__["profiles"] = {"gender": np.array(list("mf" * 5), object)}
    return subject


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of two are large enough."""
    for module in ("shoppers", "shoppers_groups", "reweighting"):
        monkeypatch.setattr(f"engine.audit.checks.{module}.JUDGED", 2)
    monkeypatch.setattr("engine.audit.checks.shoppers_groups.SHOWN", 2)


def test_only_a_full_plan_or_one_that_names_it_trains(tmp_path: Path) -> None:
    def names(plan: Plan) -> set[str]:
        return {one.name for one in plan.checks(CHECKS)} & set(OURS)

    assert {one.name for one in CHECKS.values() if one.trains} == set(OURS)
    assert names(preset("quick")) == names(preset("standard")) == names(Plan(only=("shoppers",))) == set()
    assert names(preset("full")) == set(OURS)
    assert names(Plan(preset="full", skip=("sellers",))) == {"shoppers.reweighting"}
    assert names(Plan(only=OURS[:1])) == {"shoppers.reweighting"}
    written = tmp_path / "plan.toml"
    written.write_text('also = ["sellers.reweighting"]\n')
    plan = read_plan(written, CHECKS)
    assert names(plan) == {"sellers.reweighting"}
    assert len(plan.checks(CHECKS)) == len(preset("standard").checks(CHECKS)) + 1
    assert Plan.from_json(plan.to_json()) == plan
    written.write_text('also = ["magic"]\n')
    with pytest.raises(HeedmapError, match="also names 'magic'"):
        read_plan(written, CHECKS)


def test_trained_anew_as_it_is_the_run_is_the_run_and_nothing_of_it_is_touched(opened: Opened) -> None:
    run, threads = opened(), torch.get_num_threads()
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    seen: list[int] = []
    subject = of(run)
    anew_ = finish(
        trained_anew(subject, PLAIN, part=(1, 2)), lambda one: seen.append(one.done if one.total == 1_000 else -1)
    )
    np.testing.assert_array_equal(anew_.ranks, finish(subject.outcome()).ranks)
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")} == before
    told = [one for one in seen if one >= 0]
    assert told == sorted(told)
    assert 500 < told[0] < 600
    assert told[-1] == 750  # two epochs, and as many on all events, which tell no number
    assert torch.get_num_threads() == threads
    assert finish(trained_anew(subject, PLAIN)) is anew_


def test_weights_reach_the_loss_and_the_shoppers_they_are_of(
    trained: Callable[..., Path], tiny_shop: Path, tmp_path: Path
) -> None:
    """The loss of a batch by hand, from that of one shopper's examples and that of all others'."""
    config = Config.from_settings(read_json(trained() / "run.json")["config"])
    kept: list[Trainer] = []
    job = train(tiny_shop, tmp_path / "run", config, teach=kept.append)
    while not kept:
        next(job)
    trainer = kept[0]
    batch = trainer.windows.batches(np.random.default_rng(1), 32)[0]
    theirs = (trainer.data.user[batch.events] == 3) & batch.counted
    assert 0 < theirs.sum() < batch.counted.sum()

    def loss(shopper: float, counted: np.ndarray = batch.counted) -> float:
        weights = np.ones(10)
        weights[3] = shopper
        trainer.weigh(weights)
        trainer.model.eval()
        return trainer.step.loss(Batch(batch.events, counted), np.random.default_rng(1)).item()

    trainer.step.config = replace(config, modality_dropout=0.0, identity_dropout=0.0)
    n, m = int(batch.counted.sum()), int(theirs.sum())
    others, own = loss(1.0, batch.counted & ~theirs), loss(1.0, theirs)
    assert loss(1.0) == pytest.approx(((n - m) * others + m * own) / n, rel=1e-5)
    assert loss(5.0) == pytest.approx(((n - m) * others + 5 * m * own) / (n + 4 * m), rel=1e-5)
    assert loss(0.0) == pytest.approx(others, rel=1e-5)
    job.close()


def test_a_killed_training_goes_on_and_ends_as_if_nothing_had_been(opened: Opened, tmp_path: Path) -> None:
    weights = np.where(np.arange(10) < 5, 4.0, 1.0)
    whole = finish(trained_anew(of(opened()), "group", shoppers=weights))
    job = trained_anew(of(opened(), tmp_path / WORK), "group", shoppers=weights)
    card = tmp_path / WORK / "group" / "run.json"
    while not card.is_file() or read_json(card)["epoch"] < 1:
        assert not next(job).data  # nothing for the curve of a training
    job.close()
    assert read_json(card)["state"] == "running"
    again = finish(trained_anew(of(opened(), tmp_path / WORK), "group", shoppers=weights))
    np.testing.assert_array_equal(again.ranks, whole.ranks)


def test_what_was_trained_is_not_trained_again(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = finish(trained_anew(of(opened(), tmp_path), PLAIN))

    def never(*_: object, **__: object) -> Job:
        raise AssertionError("trained again")

    monkeypatch.setattr(anew, "train", never)
    np.testing.assert_array_equal(finish(trained_anew(of(opened(), tmp_path), PLAIN)).lists, first.lists)


@pytest.mark.usefixtures("small")
def test_both_checks_measure_before_and_after_and_add_up(opened: Opened) -> None:
    subject = of(opened())
    for name in OURS:
        found: Measured = finish(CHECKS[name].measure(subject))
        assert found == finish(CHECKS[name].measure(of(opened())))
        value = {one.name: one.value for one in found.figures if one.of.get("by") != "maker"}
        assert value["all_ndcg_change"] == pytest.approx(value["all_ndcg_after"] - value["all_ndcg_before"])
        assert value["anew_less_audited"] == 0
        assert all(one.low is not None and one.high is not None for one in found.figures)
        assert found.notes[0].key == "weighted"
    plain, weighed = (measures(subject.anew[name].ranks, 10)["ndcg"] for name in (PLAIN, "group"))
    group = lowest(subject, served(subject, finish(subject.outcome())))
    mine = group.grouping.place[subject.ground.users] == group.at
    by_hand = [one[mine].mean() - one[~mine].mean() for one in (plain, weighed)]
    found = finish(CHECKS[OURS[0]].measure(subject))
    value = {one.name: one.value for one in found.figures}
    assert [value["gap_before"], value["gap_after"]] == pytest.approx(by_hand)
    assert value["gap_change"] == pytest.approx(by_hand[1] - by_hand[0])
    assert value["group_ndcg_change"] == pytest.approx((weighed - plain)[mine].mean())


@pytest.mark.usefixtures("small")
def test_the_group_is_the_lowest_of_the_plans_and_weighs_as_much_as_all_others(opened: Opened) -> None:
    subject = of(opened())
    users = subject.ground.users
    gain = np.where(users % 2 == 0, 0.1, 1.0)
    one = Served(users, gain, gain, gain, np.zeros((len(users), 0)))
    group = lowest(subject, one)
    assert group.of == {"by": "gender", "group": "m"}  # those of even numbers
    assert group.weights.tolist() == [group.times, 1.0] * 5
    data, train_part = subject.run.data, split(subject.run.config.split, subject.run.data).train
    own = int((data.user[train_part] < 2).sum())
    assert times_of(subject, np.arange(10) < 2) == pytest.approx((train_part.sum() - own) / own, abs=0.05)
    assert times_of(subject, np.arange(10) < 9) == 2.0
    assert times_of(subject, np.zeros(10, bool)) == 10.0


@pytest.mark.parametrize(
    ("gap", "own", "word"),
    [
        ((0.01, 0.05), (0.005, 0.03), "narrower"),
        ((0.01, 0.05), (-0.01, 0.03), "levelled"),
        ((-0.01, 0.05), (0.01, 0.03), "unmoved"),
        ((-0.05, -0.01), (-0.03, 0.0), "wider"),
    ],
)
def test_a_gap_that_narrows_as_others_lose_is_no_repair(
    gap: tuple[float, float], own: tuple[float, float], word: str
) -> None:
    assert moved_word([Figure("gap_change", 0, *gap), Figure("group_ndcg_change", 0, *own)]) == word


def test_the_share_of_a_group_is_the_ratio_of_what_is_gained() -> None:
    user = np.repeat(np.arange(40), 2).astype(np.int32)
    gain = np.where(user < 10, 0.5, 1.0) + np.tile([0.1, -0.1], 40)
    one = Served(user, gain, gain, gain, np.zeros((80, 0)))
    group = Lowest(Grouping("letter", ("a", "b"), (np.arange(40) >= 10).astype(np.int64)), 0, 2.0)
    found = shares(one, group, 1)
    assert found is not None
    assert found[0] == pytest.approx(0.5)
    nothing = Served(user, gain, gain, gain - 1.2, np.zeros((80, 0)))
    assert shares(nothing, group, 1) is None


def test_what_no_training_can_repeat_is_a_reason_in_a_sentence(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = of(opened())
    subject.run.card["update"] = {"of": "another"}
    for name in OURS:
        with pytest.raises(NotRun) as reason:
            finish(CHECKS[name].measure(subject))
        assert reason.value.note.key == "otherwise_made"

    def broken(*_: object, **__: object) -> Job:
        yield Progress("Training")
        raise HeedmapError("The loss became nan in epoch 1.", "Try less.")

    monkeypatch.setattr(anew, "train", broken)
    with pytest.raises(NotRun) as reason:
        finish(trained_anew(of(opened()), PLAIN))
    assert reason.value.note.values == {"why": "The loss became nan in epoch 1."}


def test_an_audit_seals_nothing_of_the_trainings_and_they_are_not_done_again_to_verify(
    opened: Opened, tmp_path: Path
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    plan = Plan(only=("sellers.reweighting", "data.whole"))
    results = finish(audit(opened(), plan, tmp_path / "bundle", key, languages=("en",)))
    assert [one.verdict for one in results] == ["pass", "told"]
    assert not (tmp_path / "bundle" / WORK).exists()
    assert not list((tmp_path / "bundle").rglob("*.safetensors"))
    again, notes = finish(recompute(open_bundle(tmp_path / "bundle"), opened(), 1.0, seed=1))
    assert {one.check for one in again} == {"data.whole"}
    assert notes == ("not_again",)


def test_the_setting_says_what_the_check_does(opened: Opened, tmp_path: Path) -> None:
    """A training with `weigh` is the one that the check measured, for a group that the setting can name."""
    folder = tmp_path / "shop"
    shutil.copytree(opened().dataset.folder, folder)
    ids = [f"u{number}" for number in range(10)]
    attributes = [[{"name": "gender", "value": "mf"[number % 2]}] for number in range(10)]
    table = pq.read_table(folder / "users.parquet")
    content = {"user": ids, "attributes": attributes}
    kind = table.schema
    pq.write_table(pa.table({name: content[name] for name in kind.names}, schema=kind), folder / "users.parquet")
    dataset = Dataset.open(folder)
    np.testing.assert_array_equal(weights_of(dataset, tuple(ids), "gender=m:3"), [3.0, 1.0] * 5)
    np.testing.assert_array_equal(weights_of(dataset, tuple(ids), "gender=m:3; gender=f:2"), [3.0, 2.0] * 5)
    assert weights_of(dataset, tuple(ids), "") is None
    with pytest.raises(HeedmapError, match="No shopper has gender=x"):
        weights_of(dataset, tuple(ids), "gender=x:2")
    config = Config.from_settings(read_json(opened().folder / "run.json")["config"])
    made = {}
    for name, setting, taught in (("said", "gender=m:3", None), ("taught", "", np.array([3.0, 1.0] * 5))):

        def teach(trainer: Trainer, weights: np.ndarray | None = taught) -> None:
            if weights is not None:
                trainer.weigh(weights)

        made[name] = finish(train(folder, tmp_path / name, replace(config, weigh=setting), teach=teach))
    said, taught_, plain = ((one / "model.safetensors").read_bytes() for one in (*made.values(), opened().folder))
    assert said == taught_ != plain
    subject = of(opened())
    group = Lowest(Grouping("gender", ("f", "m"), np.array([1, 0] * 5)), 1, 2.5)
    assert as_setting(subject, group) == "gender=m:2.5"
    assert as_setting(subject, replace(group, grouping=replace(group.grouping, name="age + gender"))) == ""
    others = Grouping("gender", ("f", "others"), np.array([1, 0] * 5))
    assert as_setting(subject, replace(group, grouping=others)) == ""


@pytest.mark.parametrize("said", ["region", "region=north", "region:3", "region=north:many", "=north:2", "a=b:0"])
def test_a_setting_that_weighs_nobody_is_refused_with_a_sentence(said: str) -> None:
    with pytest.raises(HeedmapError, match="is no group with how many times it counts"):
        Config.from_settings({"weigh": said})
    with pytest.raises(HeedmapError, match="weighs no shoppers"):
        Config.from_settings({"weigh": "region=north:2", "objective": "mse"})
