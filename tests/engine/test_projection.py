"""Points of a map against an oracle, columns against the rows they come from, filters against counting by hand."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from engine.columns import Filter
from engine.errors import HeedmapError
from engine.explain.cohort import sells_these, sells_this
from engine.explain.methods import explain
from engine.jobs import finish
from engine.matching import columns, matching
from engine.projection import pca, project
from engine.rules import rules_from


def test_pca_is_the_singular_value_decomposition_with_a_fixed_sign() -> None:
    random = np.random.default_rng(3)
    vectors = (random.normal(size=(200, 6)) * [5, 3, 1, 1, 0.5, 0.1] + 7).astype(np.float32)
    place, explained = pca(vectors)
    centred = vectors.astype(np.float64) - vectors.astype(np.float64).mean(axis=0)
    left, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    for axis in range(2):
        sign = np.sign(axes[axis][np.abs(axes[axis]).argmax()])
        assert place[:, axis] == pytest.approx(sign * left[:, axis] * sizes[axis], abs=1e-6)
    assert explained == pytest.approx(tuple(sizes[:2] ** 2 / (sizes**2).sum()))
    shuffled, _ = pca(vectors[::-1])
    assert shuffled[::-1] == pytest.approx(place, abs=1e-6)


def test_a_plane_of_one_dimension_lies_on_a_line() -> None:
    place, explained = pca(np.array([[1.0], [2.0], [4.0]], np.float32))
    assert place[:, 1].tolist() == [0, 0, 0]
    assert explained == (1.0,)


def test_products_shoppers_and_reasons_have_a_place_and_columns(opened: Any) -> None:
    recommender = opened()
    items = finish(project(recommender, None, "items"))
    assert items.items == recommender.data.items
    assert items.place == pytest.approx(pca(recommender.matrix.numpy())[0], abs=1e-5)
    assert {"price", "colour", "popularity", "new", "group"} <= {one.name for one in items.columns}
    users = finish(project(recommender, None, "users"))
    assert len(users) == len(users.users) == 10
    reasons = finish(project(recommender, None, "reasons", sample=6))
    assert len(reasons) == 6
    assert reasons.whole == 10
    assert reasons.items == tuple(recommender.rank(user, 1).items[0].item for user in reasons.users)
    top = next(one for one in reasons.columns if one.name == "top_part")
    for row, (user, item) in enumerate(zip(reasons.users, reasons.items, strict=True)):
        parts = explain(recommender, user, item).parts()
        del parts["bias"]
        assert top.names[top.first[row]] == max(parts, key=lambda part: parts[part])
    assert np.array_equal(finish(project(recommender, None, "reasons", sample=6)).place, reasons.place)
    with pytest.raises(HeedmapError, match="no map of"):
        finish(project(recommender, None, "colours"))


def test_the_map_of_reasons_explains_what_rules_show_first(opened: Any) -> None:
    recommender = opened()
    first = {user: recommender.rank(user, 1).items[0].item for user in recommender.data.users}
    pinned = next(item for item in recommender.data.items if list(first.values()).count(item) in range(1, 9))
    rules = rules_from({"rules": [{"name": "campaign", "rule": "pin", "item": pinned, "position": 1}]})
    reasons = finish(project(recommender, None, "reasons", rules=rules))
    shown = {user: recommender.rank(user, 1, rules=rules).items[0].item for user in reasons.users}
    assert reasons.items == tuple(shown.values())
    named = next(one for one in reasons.columns if one.name == "rule")
    for row, user in enumerate(reasons.users):
        found = [named.names[code] for code in named.codes[named.start[row] : named.start[row + 1]]]
        assert found == (["campaign"] if shown[user] != first[user] else [])
    assert all(one.name != "rule" for one in finish(project(recommender, None, "reasons")).columns)


def test_umap_that_is_not_installed_is_told_before_any_work(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(HeedmapError, match="umap-learn"):
        next(project(opened(), None, "items", "umap"))


def test_columns_hold_what_the_rows_say(opened: Any) -> None:
    shop = opened().shop
    table = columns(shop, "items")
    assert table.named("price").values.tolist() == [10.0 + item for item in range(14)]
    colour = table.named("colour")
    assert colour.own
    assert [colour.names[code] for code in colour.first] == ["red", "blue"] * 7
    photo = table.named("photo")
    assert [photo.names[code] for code in photo.first].count("no") == 1
    users = columns(shop, "users")
    assert users.named("choices").values[users.keys.index("u9")] == 1
    assert [one.name for one in users.columns] == ["user", "choices", "first_choice", "last_choice"]


def test_filters_find_what_counting_by_hand_finds(opened: Any) -> None:
    shop = opened().shop
    items, users = columns(shop, "items"), columns(shop, "users")

    def found(table: Any, *filters: Filter, every: bool = True) -> set[str]:
        return set(matching(shop, table, filters, every).keys)

    red, cheap = Filter("is", "colour", "red"), Filter("between", "price", "", "13")
    assert found(items, red, cheap) == {"i0", "i2"}
    assert found(items, red, cheap, every=False) == {f"i{n}" for n in (0, 1, 2, 3, 4, 6, 8, 10, 12)}
    assert found(items, Filter("is not", "colour", "red")) == {f"i{n}" for n in range(1, 14, 2)}
    assert found(items, Filter("contains", "title", "DUCT 1")) == {"i1", "i10", "i11", "i12", "i13"}
    assert len(found(items)) == 14
    chose = {user for user, item in shop.dataset.rows('SELECT "user", item FROM events') if item == "i3"}
    assert found(users, Filter("chose", value="i3")) == chose
    day = Filter("between", "last_choice", "2024-02-28")
    late = shop.dataset.rows(
        "SELECT \"user\" FROM events GROUP BY 1 HAVING max(time) >= TIMESTAMPTZ '2024-02-28 00:00:00+00'"
    )
    assert found(users, day) == {user for (user,) in late}
    with pytest.raises(HeedmapError, match="not a day"):
        found(users, Filter("between", "last_choice", "soon"))
    with pytest.raises(HeedmapError, match="no column"):
        found(items, Filter("is", "size", "L"))


def test_at_least_so_many_of_a_category_are_counted(opened: Any) -> None:
    shop = opened().shop
    users = columns(shop, "users")
    assert set(matching(shop, users, [Filter("chose of", value="", least=7)]).keys) == {f"u{n}" for n in range(9)}


def test_what_sells_several_products_is_the_mean_of_what_sells_each(opened: Any) -> None:
    recommender = opened()
    users = ["u1", "u2", "u3"]
    one, two = (finish(sells_this(recommender, item, users)) for item in ("i2", "i3"))
    both = finish(sells_these(recommender, ["i2", "i3"], users))
    assert both.score == pytest.approx((one.score + two.score) / 2)
    assert abs(both.gap) < 1e-4
    assert sum(part.mean for part in both.parts) == pytest.approx(sum(row.mean for row in both.rows))

    def heat(found: Any) -> dict[Any, float]:
        return {row.box: row.mean for row in found.rows if row.modality == "image"}

    first, second = heat(one), heat(two)
    assert heat(both) == pytest.approx({box: (first[box] + second[box]) / 2 for box in first})
    assert len(heat(both)) == both.grid[0] * both.grid[1]
