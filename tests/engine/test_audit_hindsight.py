"""What the catalogue can only know afterwards, and doubles across the cut, by cases worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from engine.audit.check import Measured
from engine.audit.checks import CHECKS
from engine.audit.checks.data import across, hindsight
from engine.audit.checks.data.hindsight import Known, Target, number, ranks, split_words
from engine.audit.plan import Plan
from engine.audit.subject import Subject
from engine.audit.summary import verified_text
from engine.audit.verify import Verified
from engine.dataset.split import interactions, split
from engine.dataset.store import Dataset, DatasetWriter
from engine.jobs import finish

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
PRODUCTS = 80


def _sales(seed: int = 3) -> tuple[list[tuple[str, str, datetime]], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(events, how often each product sells in all, and in the last tenth): 60 shoppers with 20 purchases each."""
    random = np.random.default_rng(seed)
    appeal = random.gamma(1.5, size=PRODUCTS)
    events = []
    for user in range(60):
        liked = random.choice(PRODUCTS, 20, replace=False, p=appeal / appeal.sum())
        for item in liked.tolist():
            events.append((f"u{user}", f"i{item}", BEGIN + timedelta(minutes=int(random.integers(100_000)))))
    times = sorted(time for *_, time in events)
    cut = times[int(0.9 * len(times))]
    every, late = np.zeros(PRODUCTS), np.zeros(PRODUCTS)
    for _, item, time in events:
        every[int(item[1:])] += 1
        late[int(item[1:])] += time >= cut
    return events, every, late


def _subject(out: Path, describe: Callable[[int], dict[str, Any]], more: Any = ()) -> Subject:
    """The shop as a Subject without a model: what these checks read of a run is its events and their split."""
    events, _, _ = _sales()
    with DatasetWriter(out, name="told", domain="shop", source="a test", licence="CC0-1.0", synthetic=True) as writer:
        for item in range(PRODUCTS):
            writer.add("items", {"item": f"i{item}", "title": f"Thing {item}"} | describe(item))
        for user, name, time in [*events, *more]:
            writer.add("events", {"user": user, "item": name, "time": time, "kind": "purchase"})
    dataset = Dataset.open(out)
    data = interactions(dataset)
    run: Any = SimpleNamespace(dataset=dataset, data=data, parts=split("temporal", data))
    return Subject(run, Plan())


def _named(name: str, value: object) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)}]


def _hindsight(out: Path, describe: Callable[[int], dict[str, Any]]) -> tuple[Measured, list[str]]:
    found = finish(hindsight.hindsight(_subject(out, describe)))
    assert isinstance(found, Measured)
    asked = CHECKS[hindsight.NAME].thresholds[0]
    return found, [asked.verdict(one) for one in found.figures]


def test_a_count_of_sales_that_holds_the_test_fails_by_its_name(tmp_path: Path) -> None:
    _, every, _ = _sales()
    found, verdicts = _hindsight(tmp_path / "shop", lambda item: {"attributes": _named("sold", int(every[item]))})
    assert dict(found.figures[0].of) == {"attribute": "sold"}
    assert found.figures[0].value == pytest.approx(1.0, abs=0.01)
    assert verdicts[0] == "fail"


def test_a_count_of_what_sold_before_and_what_is_random_pass(tmp_path: Path) -> None:
    _, every, late = _sales()
    random = np.random.default_rng(5)

    def describe(item: int) -> dict[str, Any]:
        told = _named("sold before", int(every[item] - late[item])) + _named("colour", random.choice(["red", "blue"]))
        return {"attributes": told, "price": float(random.uniform(1, 99))}

    found, verdicts = _hindsight(tmp_path / "shop", describe)
    assert verdicts == ["pass"]  # nothing is beyond chance: the strongest alone is told
    assert max(found.tables["told"]["share"]) < 0.5


def test_bestseller_in_a_title_is_found_by_its_word(tmp_path: Path) -> None:
    _, every, late = _sales()
    best = set(np.argsort(-(late - every / 10))[:25].tolist())  # those that sell more than their past lets expect
    found, verdicts = _hindsight(
        tmp_path / "shop", lambda item: {"title": f"Thing {item}" + (" Bestseller" if item in best else "")}
    )
    assert dict(found.figures[0].of) == {"attribute": "title", "value": "bestseller"}
    assert verdicts[0] == "fail"


def test_the_partial_rank_correlation_is_that_of_scipy_without_a_past() -> None:
    random = np.random.default_rng(1)
    after = random.poisson(2.0, 60).astype(float)
    amount = after + random.normal(0, 2, 60)
    products = np.arange(60)
    target = Target("popularity", products, after, np.zeros((60, 1)))  # the past tells nothing
    ranked, _ = target.told(Known("sold", "", products, amount))
    assert ranked.share * ranked.most == pytest.approx(spearmanr(amount, after)[0])
    x, y = ranked.rows.T
    assert ranked.most == pytest.approx(spearmanr(np.sort(amount), np.sort(after))[0])
    drawn = np.array([random.permutation(x) @ y for _ in range(4000)]) / np.sqrt((x @ x) * (y @ y))
    seen = 0.2 * np.sqrt(1 / 59)  # the law of permutations against the normal one that is used
    assert float(np.std(drawn)) == pytest.approx(np.sqrt(1 / 59), abs=seen)


def test_what_the_past_tells_whole_is_no_hindsight() -> None:
    random = np.random.default_rng(2)
    past, products = random.poisson(9.0, 50).astype(float), np.arange(50)
    target = Target("popularity", products, past + random.poisson(3.0, 50), past[:, None])
    shares = [one.share for one in target.told(Known("sold", "", products, past))]
    assert all(abs(one) < 0.3 for one in shares)
    assert not list(target.told(Known("title", "word", products[:5], np.ones(5))))  # five are too few
    assert ranks(np.array([5.0, 1.0, 5.0])).tolist() == pytest.approx([1 / 3, -2 / 3, 1 / 3])


def test_numbers_and_words_are_read_as_shops_write_them() -> None:
    assert [number(one) for one in ("1,204", "¥ 12.5", "1.2k sold", "3万", "4.5")] == [1204, 12.5, 1200, 30_000, 4.5]
    assert [number(one) for one in ("red", "2 door wide car", "")] == [None, None, None]
    assert split_words("Best-Seller 2024 热销爆款") == ["best", "seller", "2024", "热销", "销爆", "爆款"]


def test_repeats_across_the_cut_are_counted() -> None:
    hour = 3_600_000
    since = np.array([100 * hour, 100 * hour])
    events = [
        ("a", "x", 99 * hour, "view"),
        ("a", "x", 101 * hour, "purchase"),  # two hours after the same choice
        ("a", "y", 10 * hour, "view"),
        ("a", "y", 120 * hour, "view"),  # days after it
        ("b", "x", 130 * hour, "view"),  # another shopper's
        ("b", "x", 130 * hour, "view"),  # and once more
    ]
    user, again, twice = across.repeated(events, since, {"a": 0, "b": 1})
    assert user.tolist() == [0, 0, 1, 1]
    assert again.tolist() == [True, False, False, False]
    assert twice.tolist() == [False, False, True, True]
    figure = across.share("again_soon", again, user, 0)
    assert figure.value == 0.25
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= 0.25 <= figure.high
    nothing = across.share("again_soon", np.zeros(40, bool), np.arange(40, dtype=np.int32), 0)
    assert nothing.low == 0.0
    assert nothing.high == pytest.approx(1 - 0.025 ** (1 / 40))


def test_a_product_under_two_numbers_on_both_sides_is_found(tmp_path: Path) -> None:
    """Products 0 and 1 have one page; a shopper takes 0 long before the test and 1 in it."""
    page = {"title": "The small red lamp", "description": "It lights a small room."}
    last = BEGIN + timedelta(minutes=99_999)
    more = [("twice", "i0", BEGIN), ("twice", "i1", last), ("once", "i2", BEGIN), ("once", "i1", last)]
    subject = _subject(tmp_path / "shop", lambda item: page if item < 2 else {}, more)
    data, parts = subject.run.data, subject.run.parts
    measured = finish(across.across(subject))
    assert isinstance(measured, Measured)
    figures = {one.name: one for one in measured.figures}
    mine = {
        (user, item): same
        for user, item, same in zip(
            *(measured.tables["targets"][key] for key in ("user", "item", "same_page")), strict=True
        )
    }
    assert mine["twice", "i1"] is True
    assert mine["once", "i1"] is False
    assert figures["same_page"].value == pytest.approx(sum(mine.values()) / len(parts.test))
    assert figures["same_page"].n == len(parts.test) <= len(data.item)
    assert figures["written_twice"].value == 0.0


@pytest.mark.parametrize(("language", "words"), [("en", "another version of Heedmap"), ("zh_CN", "另一版本的 Heedmap")])
def test_what_is_said_beside_a_measurement_made_again_is_in_the_readers_language(language: str, words: str) -> None:
    found = Verified((), "key", 3, "2024", notes=("other_code",), seed=1)
    assert words in verified_text(found, 5, language)
