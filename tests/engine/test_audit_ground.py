"""The ground of the audit: plans are read and refused in a sentence, verdicts follow from intervals, work is kept."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.audit.check import Check, Figure, Measured, Note, NotRun, Result, Threshold, judged, not_run
from engine.audit.checks import CHECKS
from engine.audit.plan import Plan, preset, read_plan
from engine.audit.recompute import compared
from engine.audit.run import audit, result_file
from engine.audit.subject import Subject
from engine.audit.texts import LANGUAGES, sentence, texts
from engine.errors import HeedmapError
from engine.jobs import finish
from engine.recommend import Recommender

Opened = Callable[..., Recommender]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def test_a_verdict_fails_only_beyond_chance() -> None:
    asked = Threshold("auc", at_most=0.6)
    assert asked.verdict(Figure("auc", 0.55, 0.5, 0.7)) == "pass"
    assert asked.verdict(Figure("auc", 0.62, 0.58, 0.66)) == "unsure"
    assert asked.verdict(Figure("auc", 0.7, 0.61, 0.8)) == "fail"
    assert asked.verdict(Figure("auc", 0.7)) == "fail"
    assert asked.verdict(Figure("auc", 0.55, 0.5, 0.7, blind=True)) == "unsure"  # a breach could have been missed
    assert asked.verdict(Figure("auc", 0.7, 0.61, 0.8, blind=True)) == "fail"
    assert asked.verdict(Figure("auc", 0.3, 0.1, 0.5, blind=True)) == "pass"  # no breach could have been
    assert asked.verdict(Figure("auc", 0.3, blind=True)) == "unsure"
    least = Threshold("ndcg", at_least=0.1)
    assert least.verdict(Figure("ndcg", 0.09, 0.08, 0.11)) == "unsure"
    assert least.verdict(Figure("ndcg", 0.05, 0.04, 0.06)) == "fail"


def test_a_check_is_as_bad_as_its_worst_figure_and_comes_back_from_json() -> None:
    figures = (Figure("gap", 0.3, 0.2, 0.4, 50, {"group": "a"}), Figure("gap", 0.0, n=9), Figure("n", 2.0))
    found = Measured(figures, (Note("why", {"n": 1}),))
    result = judged("shoppers.gap", found, (Threshold("gap", at_most=0.1),), 1, 50, 0.5)
    assert result.verdict == "fail"
    assert result.verdicts == ("fail", "pass", "told")
    assert Result.from_json(result.to_json()) == result
    assert not_run("a.b", Note("no_photos"), (), 1, 0.0).verdict == "not run"
    with pytest.raises(HeedmapError, match="damaged"):
        Result.from_json({"check": "a"})


def test_samples_follow_from_the_wanted_precision() -> None:
    check = Check("a.b", lambda subject: iter(()), spread=0.5)  # type: ignore[arg-type, return-value]
    assert Plan(precision=0.05).sample_of(check) == 385  # the textbook's 384.16 for a share, rounded up
    assert Plan(precision=0.5).sample_of(check) == 30
    assert Plan(sample={"a.b": 7}).sample_of(check) == 7


def test_a_plan_is_read_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(
        'preset = "quick"\nseed = 7\nonly = ["data"]\ngroups = ["age + gender"]\n[sample]\n"data.whole" = 12\n'
        '[thresholds]\n"data.whole.damaged" = { at_most = 2 }\n'
    )
    plan = read_plan(path, CHECKS)
    assert (plan.preset, plan.seed, plan.precision, plan.groups) == ("quick", 7, 0.1, (("age", "gender"),))
    assert plan.thresholds_of(CHECKS["data.whole"])[0] == Threshold("damaged", at_most=2)
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed = [", "not valid TOML"),
        ("speed = 1", "'speed'"),
        ('preset = "huge"', "no plan 'huge'"),
        ("seed = 1.5", "whole number"),
        ("precision = 3", "cannot be"),
        ('only = ["magic"]', "no check"),
        ('skip = "data"', "list of texts"),
        ('[sample]\n"data.magic" = 3', "no check"),
        ('[thresholds]\n"data.whole.magic" = { at_most = 1 }', "Nothing can be asked"),
        ('[thresholds]\n"data.whole.damaged" = { about = 1 }', "no threshold"),
        ('[thresholds]\n"data.whole.damaged" = { at_most = "x" }', "cannot be"),
        ('only = ["data"]\nskip = ["data"]', "no check to be done"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(HeedmapError, match=said):
        read_plan(path, CHECKS)


def test_shoppers_are_drawn_by_strata_without_repeats_and_always_alike(opened: Opened) -> None:
    subject = Subject(opened(), preset("quick"))
    check = Check("a.b", lambda subject: iter(()), spread=0.5)  # type: ignore[arg-type, return-value]
    drawn = subject.shoppers(check, 6)
    assert len(np.unique(drawn)) == 6
    np.testing.assert_array_equal(drawn, Subject(opened(), preset("quick")).shoppers(check, 6))
    assert len(subject.shoppers(check)) == 10  # never more than there are


def test_a_figure_that_a_newer_version_added_is_no_fault_of_the_bundle() -> None:
    tolerance = {"absolute": 0.01, "relative": 0.0}
    old = judged("a.b", Measured((Figure("kept", 0.5), Figure("gone", 0.1))), (), 1, 0, 0.1)
    new = judged("a.b", Measured((Figure("kept", 0.505), Figure("new", 0.2))), (), 1, 0, 0.1)

    def told(same_code: bool) -> list[tuple[str, bool]]:
        return [(one.name, one.agrees) for one in compared(old, new, tolerance, same_code)]

    assert told(same_code=True) == [("kept", True), ("gone", False), ("new", False)]
    assert told(same_code=False) == [("kept", True), ("gone", False)]


def test_an_audit_keeps_what_it_measured_and_goes_on(opened: Opened, tmp_path: Path) -> None:
    plan, out = Plan(only=("data.whole",)), tmp_path / "bundle"
    first = finish(audit(opened(), plan, out, KEY, languages=()))
    assert [one.verdict for one in first] == ["pass"]
    kept = result_file(out, "data.whole")
    written = kept.stat().st_mtime_ns
    assert finish(audit(opened(), plan, out, KEY, languages=())) == first
    assert kept.stat().st_mtime_ns == written
    with pytest.raises(HeedmapError, match="another plan"):
        finish(audit(opened(), Plan(seed=2), out, KEY, languages=()))


def test_every_check_has_its_words_in_every_language() -> None:
    def gaps(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    def flat(content: object, path: str = "") -> dict[str, str]:
        if isinstance(content, str):
            return {path: content}
        assert isinstance(content, dict)
        return {key: text for name, one in content.items() for key, text in flat(one, f"{path}/{name}").items()}

    english = flat(dict(texts("en")))
    for language in LANGUAGES:
        other = flat(dict(texts(language)))
        assert other.keys() == english.keys()
        for key, text in other.items():
            assert gaps(text) == gaps(english[key]), key
            assert text.strip(), key
    for check in CHECKS.values():
        assert {"title", "short", "method", "source", "figures", "notes"} <= texts("en")[check.name].keys()
        for one in check.thresholds:
            assert one.figure in texts("en")[check.name]["figures"]
        assert check.family in texts("en")["common"]["families"]
    assert sentence("data.whole", Note("damaged", {"file": "a", "reason": "gone"}), "en") == "a: gone."
    assert NotRun(Note("no_photos")).note.key == "no_photos"
