"""What reviews praise and criticise becomes attributes, and nothing from after the cut does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.dataset.split import interactions, split
from engine.dataset.store import Dataset, DatasetWriter
from engine.explain.methods import explain
from engine.features.aspects import Sentiment, clauses, frequent_aspects, is_english, item_aspects, judgements
from engine.features.catalogue import Catalogue, Reading, build_catalogue
from engine.jobs import finish
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train
from tests.engine.conftest import TINY

GOOD_BATTERY = "The battery life is great, but the screen is terrible. I bought it in May."
BAD_BATTERY = "I hate the battery life. The screens are beautiful!"
CHINESE = "电池很好，屏幕很差。"


@pytest.fixture(scope="module")
def sentiment() -> Sentiment:
    return Sentiment()


def test_a_clause_holds_one_opinion(sentiment: Sentiment) -> None:
    assert [one.text for one in clauses("The zip is good, but the collar isn't. Nice!")] == [
        "The zip is good",
        "the collar isn't",
        "Nice",
    ]
    judged = dict(judgements(GOOD_BATTERY, ("battery life", "battery", "screen"), sentiment))
    assert judged == {"battery life": 1, "screen": -1}  # a pair of words hides its words
    assert judgements("The screen is not good.", ["screen"], sentiment) == [("screen", -1)]
    assert judgements("The screen is 5 inches wide.", ["screen"], sentiment) == []


def test_aspects_are_frequent_nouns_near_opinions(sentiment: Sentiment) -> None:
    reviews = [GOOD_BATTERY, BAD_BATTERY, "My wife carried the box home quickly."] * 4
    # No "box", of which nothing is held; no "life", which is said in "battery life" alone.
    assert frequent_aspects(reviews, sentiment) == ("battery life", "screen")
    assert frequent_aspects(reviews[:2], sentiment) == ()  # said too rarely


def test_each_product_gets_what_most_of_its_reviews_say() -> None:
    rows = finish(
        item_aspects([[GOOD_BATTERY] * 2 + [BAD_BATTERY], [BAD_BATTERY] * 3, [], [GOOD_BATTERY, BAD_BATTERY]])
    )
    assert set(rows[0]) == {("battery life", "praised"), ("screen", "criticised")}
    assert set(rows[1]) == {("battery life", "criticised"), ("screen", "praised")}
    assert rows[2:] == [[], []]  # nobody judged it; opinions are divided


def test_only_english_is_read() -> None:
    assert is_english("The battery is good and it lasts", None)
    assert is_english("Fine", "en-GB")
    assert not is_english("The battery is good", "de")
    assert not is_english("Der Akku ist gut und hält lange", None)
    assert not is_english(CHINESE, None)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six products of three kinds of review; after the cut, and by nobody of this shop, all say the opposite."""
    out = tmp_path_factory.mktemp("aspects") / "shop"
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    with DatasetWriter(out, name="gadgets", domain="shop", source="a test", licence="CC0", synthetic=True) as writer:
        for item in range(6):
            attributes = [{"name": "battery life", "value": str(item % 2)}]
            writer.add("items", {"item": f"i{item}", "title": f"Gadget {item}", "attributes": attributes})
        number = 0
        for place in range(10):
            for user in range(6):
                item = (user + place) % 6
                time = begin + timedelta(days=place, hours=user)
                writer.add("events", {"user": f"u{user}", "item": f"i{item}", "time": time, "kind": "purchase"})
                early = GOOD_BATTERY if item < 3 else BAD_BATTERY
                late = BAD_BATTERY if item < 3 else GOOD_BATTERY
                for who, text in ((f"u{user}", early if place < 3 else late), (None, late)):
                    row = {"review": f"r{number}", "item": f"i{item}", "user": who, "text": text, "time": time}
                    writer.add("reviews", row if item < 5 else {**row, "language": "de"})
                    number += 1
    return out


def test_attributes_gain_what_training_reviews_say_and_nothing_later(shop: Path) -> None:
    dataset = Dataset.open(shop)
    data = interactions(dataset)
    begin = int(data.time.min())
    day = 86_400_000
    parts = split("temporal", data, (begin + 3 * day, begin + 4 * day))
    seen = np.ones(6, bool)

    def attributes(**settings: bool) -> list[set[tuple[str, str]]]:
        reading = Reading(modalities=("attribute",), **settings)  # type: ignore[arg-type]
        made: Catalogue = finish(build_catalogue(dataset, parts, data.users, seen, reading))
        found = made.attribute
        return [{found.names[one] for one in found.ids[found.start[i] : found.start[i + 1]]} for i in range(6)]

    plain, judged = attributes(), attributes(aspects=True)
    for item in range(6):
        battery = {0: "praised", 1: "criticised"}[int(item >= 3)]
        screen = {0: "criticised", 1: "praised"}[int(item >= 3)]
        expected = {("battery life", battery), ("screen", screen)} if item < 5 else set()
        assert judged[item] == plain[item] | expected


def test_a_judged_aspect_is_a_row_of_the_explanation(shop: Path, tmp_path: Path) -> None:
    config = Config.from_settings({**TINY, "modalities": "attribute", "aspects": True, "epochs": 1})
    run: Recommender = finish(Recommender.open(finish(train(shop, tmp_path / "run", config)), device="cpu"))
    explanation = explain(run, "u0", "i1", "contribution")
    named = {(token.field, token.label) for token in explanation.tokens if token.modality == "attribute"}
    assert {"praised", "criticised"} & {label for _, label in named}
    assert abs(explanation.completeness_gap) <= 1e-4 * max(1, abs(explanation.score))
