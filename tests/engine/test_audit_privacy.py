"""The attack on a run is scored as its definition says, and its control counts only others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.audit.check import NotRun, Threshold
from engine.audit.checks import CHECKS
from engine.audit.checks.privacy.attributes import FOLDS, macro_auc, read
from engine.audit.checks.privacy.membership import CHECK, _meant, control_scores, standings, trained_on
from engine.audit.checks.privacy.personal import found_in, masked
from engine.audit.plan import Plan
from engine.audit.run import remeasured
from engine.audit.subject import Subject
from engine.dataset.store import Dataset, DatasetWriter
from engine.files import sha256_of
from engine.jobs import finish
from engine.metrics.separation import auc, found_at, weighted_aucs
from engine.model.scoring import running_scores
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train

Opened = Callable[..., Recommender]


def _pairwise(score: np.ndarray, positive: np.ndarray, weight: np.ndarray) -> float:
    """The definition, pair by pair."""
    one, other = score[positive][:, None], score[~positive][None]
    both = weight[positive][:, None] * weight[~positive][None]
    return float((both * ((one > other) + 0.5 * (one == other))).sum() / both.sum())


@pytest.mark.parametrize("seed", range(5))
def test_the_auc_is_the_mann_whitney_statistic(seed: int) -> None:
    random = np.random.default_rng(seed)
    score = random.integers(0, 12, 60).astype(float)  # with ties
    positive, weight = random.random(60) < 0.4, random.integers(0, 4, 60).astype(float)
    assert auc(score, positive) == pytest.approx(_pairwise(score, positive, np.ones(60)), abs=1e-12)
    draws = np.stack([weight, np.ones(60), weight[::-1]])
    for found, one in zip(weighted_aucs(score, positive, draws), draws, strict=True):
        assert found == pytest.approx(_pairwise(score, positive, one), abs=1e-12)


def test_the_auc_agrees_with_scipy_and_needs_both_groups() -> None:
    from scipy.stats import mannwhitneyu

    random = np.random.default_rng(1)
    members, others = random.normal(0.5, 1, 40), random.normal(0, 1, 55)
    score, positive = np.concatenate([members, others]), np.arange(95) < 40
    assert auc(score, positive) == pytest.approx(mannwhitneyu(members, others).statistic / (40 * 55))
    assert np.isnan(auc(score, np.ones(95, bool)))


def test_what_is_found_at_few_alarms_is_read_off_by_hand() -> None:
    score = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0])
    positive = np.array([True, True, False, True, False, False, True, False])
    one = np.ones((1, 8))
    assert found_at(score, positive, one, 0.0)[0] == pytest.approx(2 / 4)
    assert found_at(score, positive, one, 0.25)[0] == pytest.approx(3 / 4)
    assert found_at(score, positive, one, 1.0)[0] == 1.0
    tied = np.array([9.0, 9.0, 7.0, 6.0])
    assert found_at(tied, np.array([True, False, True, True]), np.ones((1, 4)), 0.0)[0] == 0.0


def test_the_control_counts_only_other_shoppers(opened: Opened) -> None:
    run = opened()
    data, trained = run.data, trained_on(Subject(run, Plan()))
    events = np.flatnonzero(np.arange(len(data.item)) > data.start[data.user])
    found = finish(control_scores(data, trained, events))
    for event, score in zip(events.tolist(), found.tolist(), strict=True):
        user, past = data.user[event], data.item[data.start[data.user[event]] : event]
        others = trained & (data.user != user)
        bought = {int(one): set(data.item[others & (data.user == one)].tolist()) for one in np.unique(data.user)}
        share = (data.item[others] == data.item[event]).sum() / others.sum()
        terms = []
        for item in past.tolist():
            together = sum({item, int(data.item[event])} <= one for one in bought.values())
            terms.append((together + 10 * share) / (sum(item in one for one in bought.values()) + 10))
        assert score == pytest.approx(np.log(np.mean(terms) + 1e-9), abs=1e-5)


def test_how_high_a_product_stands_is_counted_as_by_hand(opened: Opened) -> None:
    """In standard deviations over what the shopper lacks, and against shoppers who never have the product."""
    subject = Subject(opened(), Plan())
    run, data = subject.run, subject.run.data
    events = np.flatnonzero(np.arange(len(data.item)) > data.start[data.user])
    found = finish(standings(subject, events))
    rows = np.concatenate([scores for _, _, scores in running_scores(run.model, run.tokens, data, events)])
    rows = np.where(np.isfinite(rows), rows, np.nan).astype(np.float64)
    high = (rows - np.nanmean(rows, axis=1, keepdims=True)) / np.nanstd(rows, axis=1, keepdims=True)
    for place, event in enumerate(events.tolist()):
        item = data.item[event]
        has = {int(user) for user in data.user[data.item == item]}
        others = [high[row, item] for row, other in enumerate(events) if int(data.user[other]) not in has]
        assert found.plain[place] == pytest.approx(high[place, item], abs=1e-4)
        if len(others) > 1:
            calibrated = (high[place, item] - np.mean(others)) / max(np.std(others), 1e-3)
            assert found.calibrated[place] == pytest.approx(calibrated, abs=1e-2)


def test_the_network_and_the_linear_term_are_attacked_each_by_itself(opened: Opened) -> None:
    """Against a run whose term is switched off, and against the term's own account, purchase by purchase."""
    subject = Subject(opened(), Plan())
    run, data = subject.run, subject.run.data
    events = np.flatnonzero(np.arange(len(data.item)) > data.start[data.user])
    run.model.linear.level.fill_(3.0)
    found = finish(standings(subject, events))
    wanted: dict[str, list[float]] = {"network": [], "linear": []}
    for event in events.tolist():
        past = data.item[data.start[data.user[event]] : event]
        lacking = np.setdiff1d(np.arange(len(data.items)), past)
        term = np.array([run.model.linear.shares(past, int(item)).sum() for item in lacking])
        run.model.linear.level.zero_()
        ((_, _, alone),) = running_scores(run.model, run.tokens, data, np.array([event]))
        run.model.linear.level.fill_(3.0)
        own = int(np.flatnonzero(lacking == data.item[event])[0])
        for name, scores in (("network", alone[0, lacking].astype(np.float64)), ("linear", term)):
            wanted[name].append((scores[own] - scores.mean()) / max(scores.std(), 1e-9))
    assert list(found.parts) == ["network", "linear"]
    for name, scores in wanted.items():
        np.testing.assert_allclose(found.parts[name], scores, atol=1e-3)
    run.model.linear.level.zero_()
    assert finish(standings(subject, events)).parts == {}


def test_what_is_over_the_bound_is_explained_with_what_mends_it(opened: Opened) -> None:
    subject = Subject(opened(), Plan())
    fine = {"control": 0.5, "excess": 0.3, "network": 0.2, "linear": 0.3}
    assert _meant(subject, fine) == []
    for value, cases, mends in (
        ({"excess": 0.37, "network": 0.2, "linear": 0.39}, 89, ["mend_linear"]),
        ({"excess": 0.25, "network": 0.45, "linear": 0.2}, 95, ["mend_network"]),
        ({"excess": 0.31, "network": 0.2, "linear": 0.29}, 81, ["mend_linear"]),
        ({"excess": 0.4, "network": 0.35, "linear": 0.33}, 90, ["mend_network", "mend_linear"]),
    ):
        notes = _meant(subject, {**fine, **value})
        assert [one.key for one in notes] == ["means", *mends]
        assert notes[0].values == {"cases": cases}
    alone = _meant(subject, {"control": 0.5, "excess": 0.4})
    assert [one.key for one in alone] == ["means", "mend_network"]
    assert alone[1].values == {"network": "0.40"}
    stricter = Subject(subject.run, Plan(thresholds={CHECK.name: (Threshold("network", at_most=0.1),)}))
    assert [one.key for one in _meant(stricter, fine)] == ["means", "mend_network"]


def test_a_shop_too_small_to_attack_says_so(opened: Opened) -> None:
    result, found = finish(remeasured(Subject(opened(), Plan()), CHECK))
    assert result.verdict == "not run"
    assert result.notes[0].key == "too_few_events"
    assert found is None
    assert NotRun(result.notes[0]).note.values["least"] == 100


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "Write to jane.doe@example.co.uk, she knows."),
        ("phone", "Call +49 711 1234567 after six"),
        ("phone", "my number is (212) 555-0142."),
        ("chinese_mobile", "请拨打13812345678联系"),
        ("chinese_id", "身份证11010519491231002X"),  # the example of GB 11643-1999
        ("card", "paid with 4111 1111 1111 1111 twice"),
        ("iban", "send it to DE89 3704 0044 0532 0130 00 please"),  # the example of ISO 13616's registry
        ("address", "I live at 221 Baker Street"),
        ("address", "地址:南京东路100号"),
    ],
)
def test_personal_data_is_found_by_form_and_checksum(kind: str, text: str) -> None:
    found = dict(found_in(text))
    assert list(found) == [kind]
    shown = masked(kind, found[kind])
    assert "•" in shown
    kept = sum(one.isalnum() for one in shown)
    assert kept <= max(4, len(found[kind]) // 4)


@pytest.mark.parametrize(
    "text",
    [
        "Part 4111 1111 1111 1112 fits",  # a wrong check digit
        "DE88370400440532013000",
        "110105194912310021",
        "It cost 10 000 000 and 1 999 95 in 1999-2004, size 200x300x400.",
        "ISBN 978-3-16-148410-0, EAN 4006381333931, model 1234567",
        "Meet me @home at 12:30, 5 Star Hotel",
        "0000 0000 0000 0000",
    ],
)
def test_what_only_looks_like_personal_data_is_not_found(text: str) -> None:
    assert list(found_in(text)) == []


def test_a_planted_card_fails_and_is_never_shown(tmp_path: Path, trained: Callable[..., Path], tiny_shop: Path) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(tiny_shop, shop)
    reviews = pq.read_table(shop / "reviews.parquet")
    rows = reviews.to_pylist()
    rows[0]["text"] = "My card is 4111-1111-1111-1111, do not tell."
    pq.write_table(pa.Table.from_pylist(rows, schema=reviews.schema), shop / "reviews.parquet")
    manifest = json.loads((shop / "dataset.json").read_text())
    manifest["files"]["reviews.parquet"] = sha256_of(shop / "reviews.parquet")
    (shop / "dataset.json").write_text(json.dumps(manifest))
    subject = Subject(finish(Recommender.open(trained(), device="cpu", dataset_folder=tiny_shop)), Plan())
    clean, _ = finish(remeasured(subject, CHECKS["privacy.personal-data"]))
    assert clean.verdict == "pass"
    subject.dataset = Dataset.open(shop)
    result, _ = finish(remeasured(subject, CHECKS["privacy.personal-data"]))
    subject.dataset.close()
    assert result.verdict == "fail"
    assert [(one.name, one.value) for one in result.figures if one.value] == [("card", 1.0)]
    assert result.examples[0].text == "••••-••••-••••-••11"
    assert "4111" not in json.dumps(result.to_json())


def test_a_reader_finds_what_is_in_the_vectors_and_not_what_is_not() -> None:
    random = np.random.default_rng(0)
    value = random.integers(0, 3, 300)
    fold = np.arange(300) % FOLDS
    noise = random.normal(size=(300, 8))
    told = noise + 3.0 * np.eye(3, 8)[value]
    every = np.ones((1, 300))
    assert macro_auc(read(told, value, fold, 3), value, every)[0] > 0.95
    assert abs(macro_auc(read(noise, value, fold, 3), value, every)[0] - 0.5) < 0.08
    # Of one fold, against the closed form written out.
    train, test = fold != 0, fold == 0
    scaled = (told - told[train].mean(axis=0)) / told[train].std(axis=0)
    design = np.vstack([scaled[train], np.sqrt(10.0) * np.eye(8)])
    wanted = np.eye(3)[value][train]
    target = np.vstack([wanted - wanted.mean(axis=0), np.zeros((8, 3))])
    weights = np.linalg.lstsq(design, target, rcond=None)[0]
    np.testing.assert_allclose(
        read(told, value, fold, 3)[test], scaled[test] @ weights + wanted.mean(axis=0), atol=1e-9
    )


def test_groups_too_small_to_hide_in_are_counted(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject(opened(), Plan())
    result, _ = finish(remeasured(subject, CHECKS["privacy.anonymity"]))
    assert result.verdict == "not run"
    told = {"city": np.array(["a"] * 6 + ["b"] * 4, object), "sex": np.array(["f", "m"] * 5, object)}
    subject.__dict__["profiles"] = told
    result, found = finish(remeasured(subject, CHECKS["privacy.anonymity"]))
    figures = {(one.name, one.of["attribute"]): one.value for one in result.figures}
    assert figures["rare_one", "city"] == 0.4
    assert figures["rare_one", "sex"] == 0.0
    assert figures["rare_all", "city+sex"] == 1.0
    assert figures["smallest_all", "city+sex"] == 2.0
    assert result.verdict == "fail"
    assert found is not None
    assert found.tables["groups"] == {"shoppers_alike": [2, 3], "groups": [2, 2]}


def test_who_is_alone_with_products_is_counted_as_by_hand(opened: Opened) -> None:
    subject = Subject(opened(), Plan())
    result, _ = finish(remeasured(subject, CHECKS["privacy.pasts"]))
    data = subject.run.data
    pasts = [set(data.item[data.events_of(one)].tolist()) for one in range(10)]
    random = subject.random("privacy.pasts")
    alone = []
    subject_draws = Subject(opened(), Plan())
    for shopper in subject_draws.shoppers(CHECKS["privacy.pasts"]).tolist():
        own = random.permutation(data.item[data.events_of(shopper)])
        if len(own) >= 2:
            alone.append(sum(set(own[:2].tolist()) <= past for past in pasts) == 1)
    figure = next(one for one in result.figures if one.name == "alone_2")
    assert figure.value == pytest.approx(np.mean(alone))
    assert figure.n == 9


def test_a_run_without_a_budget_says_so(opened: Opened) -> None:
    result, _ = finish(remeasured(Subject(opened(), Plan()), CHECKS["privacy.budget"]))
    assert (result.verdict, result.notes[0].key) == ("told", "not_used")


def _crowd(out: Path) -> Path:
    """30 products; 220 shoppers of 12 events each over a year, half of them from one of three shelves."""
    random = np.random.default_rng(5)
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    with DatasetWriter(out, name="crowd", domain="shop", source="a test", licence="CC0", synthetic=True) as writer:
        for item in range(30):
            writer.add("items", {"item": f"i{item}", "title": f"Thing {item}"})
        for user in range(220):
            weight = np.where(np.arange(30) % 3 == user % 3, 2.0, 1.0)
            items = random.choice(30, 12, replace=False, p=weight / weight.sum())
            days = np.sort(random.integers(0, 365 * 24, 12))
            for item, hours in zip(items.tolist(), days.tolist(), strict=True):
                time = begin + timedelta(hours=hours, minutes=user)
                writer.add("events", {"user": f"u{user}", "item": f"i{item}", "time": time, "kind": "view"})
    return out


def test_shoppers_learned_by_heart_are_found_and_others_are_not(tmp_path: Path) -> None:
    """Also where a linear term weighs so much that it drowns what the network knows."""
    shop = _crowd(tmp_path / "shop")
    usual = {"epochs": 3, "dim": 32, "heads": 1, "blocks": 1, "history": 20, "attention_epochs": 0, "linear": "none"}
    usual |= {"modalities": "", "threads": 1, "device": "cpu", "track": "none"}
    by_heart = {"dropout": 0, "identity_dropout": 0, "weight_decay": 0, "learning_rate": 0.01, "refit": 40}
    # Less is asked than usual, so that few epochs suffice; the bench of planted defects asks the usual.
    asked = Plan(thresholds={CHECK.name: (Threshold("excess", at_most=0.2), Threshold("network", at_most=0.2))})
    verdicts, told = [], {}
    for name, more, level in (
        ("usual", {}, 0.0),
        ("by-heart", {**by_heart, "linear": "ease"}, 0.0),
        ("by-heart", {**by_heart, "linear": "ease"}, 1000.0),
    ):
        run = tmp_path / name
        if not run.exists():
            finish(train(shop, run, Config.from_settings({**usual, **more})))
        subject = Subject(finish(Recommender.open(run, device="cpu")), asked)
        if more:
            subject.run.model.linear.level.fill_(level)
        result, found = finish(remeasured(subject, CHECK))
        figures = {one.name: one.value for one in result.figures}
        table = found.tables["scores"]
        member, weight = np.array(table["member"]), np.array(table["weight"])
        assert figures["auc"] == pytest.approx(_pairwise(np.array(table["run"]), member, weight), abs=1e-9)
        for part in ("network", "linear") if level else ():
            beyond = _pairwise(np.array(table[part]), member, weight) - figures["control"]
            assert figures[part] == pytest.approx(beyond, abs=1e-9)
        assert abs(figures["control"] - 0.5) < 0.1
        verdicts.append(result.verdict)
        told[name, level] = figures
        if name == "by-heart" and level:  # with both parts
            again, _ = finish(remeasured(subject, CHECK))
            assert again.figures == result.figures
        subject.run.dataset.close()
    assert verdicts == ["pass", "fail", "fail"], told
    assert told["by-heart", 1000.0]["excess"] < 0.2 < told["by-heart", 1000.0]["network"]
    assert told["by-heart", 1000.0]["network"] == pytest.approx(told["by-heart", 0.0]["excess"], abs=1e-3)


def test_late_shoppers_are_attacked_on_their_first_events(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject(opened(), Plan())
    result, _ = finish(remeasured(subject, CHECKS["privacy.shoppers"]))
    assert (result.verdict, result.notes[0].key) == ("not run", "too_few_shoppers")
    monkeypatch.setattr("engine.audit.checks.privacy.shoppers.FEWEST", 1)
    trained = trained_on(subject)
    late = int(subject.run.data.user[0])
    trained[subject.run.data.events_of(late)] = False
    monkeypatch.setattr("engine.audit.checks.privacy.shoppers.trained_on", lambda _: trained)
    result, found = finish(remeasured(subject, CHECKS["privacy.shoppers"]))
    assert result.verdict == "told"
    assert found is not None
    score, member = np.array(found.tables["scores"]["run"]), np.array(found.tables["scores"]["member"])
    assert (~member).sum() == 1
    assert result.figures[0].value == pytest.approx(_pairwise(score, member, np.ones(len(score))))
