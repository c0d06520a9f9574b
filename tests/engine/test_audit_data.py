"""Leaks and gaps that were planted are found, and a clean shop has none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.audit.check import Result
from engine.audit.checks import CHECKS
from engine.audit.checks.data.leakage import plain
from engine.audit.checks.data.lineage import unknown
from engine.audit.plan import Plan
from engine.audit.run import remeasured
from engine.audit.subject import Subject
from engine.dataset.store import DatasetWriter
from engine.jobs import finish
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train

Opened = Callable[..., Recommender]
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
SMALL = {"epochs": 1, "dim": 8, "heads": 1, "blocks": 1, "components": 8, "history": 8, "threads": 1, "device": "cpu"}
SMALL |= {
    "modalities": "text",
    "text_encoder": "untrained",
    "reviews": 50,
    "item_pieces": 4096,
    "attention_epochs": 0,
    "refit": 0,
    "track": "none",
}


def _shop(out: Path, defect: str = "") -> Path:
    """24 products without photos, 20 shoppers of 10 events each, one a day; everyone's last two lie in the test."""
    random = np.random.default_rng(1)
    licence, source = ("", "") if defect == "nameless" else ("CC0-1.0", "a test")
    with DatasetWriter(out, name="leaky", domain="shop", source=source, licence=licence, synthetic=True) as writer:
        for item in range(24):
            writer.add("items", {"item": f"i{item}", "title": f"Thing {item}", "description": "A plain thing."})
        first = random.permutation(24)
        for user in range(20):
            items = first if defect == "twins" and user == 1 else random.permutation(24)
            if user == 0:
                items = first
            for place, item in enumerate(items[:10].tolist()):
                time = BEGIN + timedelta(days=place, minutes=user)
                row = {"user": f"u{user}", "item": f"i{item}", "time": time, "kind": "purchase"}
                for _ in range(2 if defect == "repeated" and place == 0 else 1):
                    writer.add("events", row)
                text = f"Shopper {user} says that number {item} is a fine thing to have."
                review = {"review": f"r{user}-{item}", "item": f"i{item}", "user": f"u{user}", "text": text}
                told = time + timedelta(hours=1)
                if defect == "backdated" and place >= 8:
                    told = BEGIN - timedelta(days=1)
                writer.add("reviews", {**review, "time": told})
                if defect == "copied" and place >= 8:
                    copy = {**review, "review": f"c{user}-{item}", "user": "u19" if user != 19 else "u18"}
                    writer.add("reviews", {**copy, "text": f"{text.upper()}!", "time": BEGIN})
    return out


def _checked(folder: Path, check: str, defect: str = "") -> Result:
    shop = _shop(folder / "shop", defect)
    run = finish(train(shop, folder / "run", Config.from_settings(SMALL)))
    opened: Recommender = finish(Recommender.open(run, device="cpu"))
    result, _ = finish(remeasured(Subject(opened, Plan()), CHECKS[check]))
    opened.dataset.close()
    assert isinstance(result, Result)
    return result


def _figures(result: Result) -> dict[str, float]:
    return {one.name: one.value for one in result.figures if not one.of}


def test_a_clean_shop_leaks_nothing(tmp_path: Path) -> None:
    result = _checked(tmp_path, "data.leakage")
    assert result.verdict == "pass"
    assert set(_figures(result).values()) == {0.0}


def test_backdated_reviews_of_the_test_are_found(tmp_path: Path) -> None:
    result = _checked(tmp_path, "data.leakage", "backdated")
    figures = _figures(result)
    assert result.verdict == "fail"
    assert figures["own_review"] > 0.5
    assert figures["early_reviews"] == pytest.approx(40 / 200)
    assert result.examples[0].kind == "pair"


def test_copies_of_held_out_reviews_are_found(tmp_path: Path) -> None:
    figures = _figures(_checked(tmp_path, "data.leakage", "copied"))
    assert figures["same_words"] > 0.3
    assert figures["own_review"] == 0.0
    assert plain("A fine THING, to have!") == "a fine thing to have"


def test_a_shopper_who_is_there_twice_is_found(tmp_path: Path) -> None:
    result = _checked(tmp_path, "data.leakage", "twins")
    assert _figures(result)["twin_shoppers"] == pytest.approx(2 / 20)
    assert result.verdict == "fail"


def test_events_that_stand_twice_are_counted(tmp_path: Path) -> None:
    result = _checked(tmp_path, "data.gaps", "repeated")
    figures = _figures(result)
    assert figures["repeated_events"] == pytest.approx(20 / 220)
    assert figures["longest_pause"] == pytest.approx((24 * 60 - 19) / (24 * 60))
    assert figures["silent_days"] == 0.0
    lack = {one.of["what"]: one.value for one in result.figures if one.of}
    assert (lack["photo"], lack["price"]) == (1.0, 1.0)
    assert "title" not in lack
    assert result.verdict == "fail"


def test_a_licence_must_be_named(opened: Opened, tmp_path: Path) -> None:
    result, _ = finish(remeasured(Subject(opened(), Plan()), CHECKS["data.lineage"]))
    assert result.verdict == "pass"
    said: dict[str, Any] = {note.key: dict(note.values) for note in result.notes}
    assert said["licence"] == {"licence": "CC0"}
    nameless = _checked(tmp_path, "data.lineage", "nameless")
    asked = _figures(nameless)
    assert (asked["no_licence"], asked["no_source"], asked["untrained_encoders"]) == (1.0, 1.0, 1.0)
    assert nameless.verdict == "fail"
    assert unknown(None)
    assert unknown(" Unknown ")
    assert not unknown("MIT")


def test_ties_with_what_was_learned_are_counted(opened: Opened) -> None:
    run = opened(split="leave-one-out")
    subject = Subject(run, Plan())
    result, _ = finish(remeasured(subject, CHECKS["data.leakage"]))
    assert _figures(result)["tied"] == 0.0
    last = int(run.parts.test[0])
    run.data.time[last] = run.data.time[last - 1]
    result, _ = finish(remeasured(subject, CHECKS["data.leakage"]))
    assert _figures(result)["tied"] == pytest.approx(1 / len(run.parts.test))
