"""Looking through a dataset's tables: pages, searches, filters, sorts, bars against pandas; gaps; duplicate photos."""

from __future__ import annotations

import io
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from engine.dataset.browse import LONGEST, Browser
from engine.dataset.conditions import words_of
from engine.dataset.duplicates import CACHE, duplicates
from engine.dataset.health import missing
from engine.dataset.store import Dataset, DatasetWriter
from engine.dataset.tables import TABLE_NAMES, Duplicates, Filter, Missing, Page, Query
from engine.dataset.write_rows import write_rows
from engine.errors import HeedmapError
from engine.jobs import Progress, finish

COLOURS = ("red", "blue", "Grün", "it's", "红色")
WORDS = ("tent", "LAMP", "mug", "雨衣", "红色雨衣", "warm")
FIRST = 1_600_000_000_000


def picture(seed: int, side: int = 96, quality: int = 90, shade: int = 0) -> bytes:
    """A few large patches of colour, as a JPEG."""
    patches = np.random.default_rng(seed).integers(40, 215, (6, 6, 3)).astype(np.int16) + shade
    image = Image.fromarray(patches.astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=quality)
    return content.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of 60 products with every kind of gap, 40 shoppers, 900 events, 120 reviews."""
    out = tmp_path_factory.mktemp("browse") / "shop"
    draw = random.Random(5)
    with DatasetWriter(out, name="shop", domain="shop", source="tests", licence="none") as writer:
        photos = [writer.add_image(picture(seed)) for seed in range(20)]
        for n in range(60):
            writer.add("items", {
                "item": f"i{n:02d}", "title": f"{draw.choice(WORDS)} {n}", "price": None if n % 7 == 0 else n * 1.5,
                "description": "" if n % 5 == 0 else f"a {draw.choice(WORDS)} for {draw.choice(WORDS)}",
                "brand": None if n % 4 == 0 else f"brand {n % 3}", "category": ["home", f"room {n % 4}"],
                "images": [photos[n % 20]] if n % 6 else [],
                "attributes": [] if n % 9 == 0 else [
                    {"name": "colour", "value": draw.choice(COLOURS)}, {"name": "colour", "value": "red"},
                    {"name": "it's", "value": str(n % 8)},
                ],
            })  # fmt: skip
        for n in range(40):
            writer.add("users", {"user": f"u{n:02d}", "attributes": [{"name": "age", "value": str(20 + n % 30)}]})
        for n in range(900):
            writer.add("events", {
                "user": f"u{n % 37:02d}", "item": f"i{(n * n) % 55:02d}", "time": FIRST + 86_400_000 * (n % 300),
                "kind": "rating" if n % 3 else "view", "value": float(n % 5) if n % 3 else None,
            })  # fmt: skip
        for n in range(120):
            writer.add("reviews", {
                "review": f"r{n}", "item": f"i{n % 50:02d}", "user": f"u{n % 40:02d}", "title": draw.choice(WORDS),
                "text": " ".join(draw.choices(WORDS, k=200 if n == 3 else 4)), "rating": float(n % 5),
            })  # fmt: skip
        link = {"head_kind": "item", "head": "i01", "relation": "brand", "tail_kind": "item", "tail": "i02"}
        writer.add("links", link)
        writer.add("items", {"item": "i01", "title": "again"}, "items.csv", 61)
    return out


@pytest.fixture(scope="module")
def browser(folder: Path) -> Iterator[Browser]:
    made = Browser(Dataset.open(folder))
    yield made
    made.close()


@pytest.fixture(scope="module")
def frames(folder: Path) -> dict[str, pd.DataFrame]:
    """The same tables in pandas, unfolded by hand."""
    found = {table: pd.read_parquet(folder / f"{table}.parquet") for table in TABLE_NAMES}
    items = found["items"]
    for name in ("colour", "it's"):
        items[f"attributes.{name}"] = [
            ", ".join(one["value"] for one in row if one["name"] == name) or None for row in items["attributes"]
        ]
    items["attributes.it's"] = pd.to_numeric(items["attributes.it's"])
    items["category"] = [", ".join(path) for path in items["category"]]
    items["brand"] = items["brand"].replace("", None)
    items["description"] = items["description"].replace("", None)
    items["events"] = items["item"].map(found["events"]["item"].value_counts()).fillna(0).astype(int)
    for table in ("events", "reviews"):
        found[table]["product"] = found[table]["item"].map(items.set_index("item")["title"])
    return found


def rows(browser: Browser, table: str, query: Query = Query(), **how: Any) -> list[int]:  # noqa: B008
    return list(browser.page(table, query, (), limit=10_000, **how).rows)


def test_the_columns_are_those_of_the_schema_unfolded(browser: Browser) -> None:
    items = {column.name: column for column in browser.columns("items")}
    assert items["attributes.colour"].kind == "text"
    assert items["attributes.it's"].kind == "number"
    assert {"images", "item", "title", "price", "events", "reviews"} <= set(items)
    assert not items["first_seen"].shown
    assert browser.tables().counts == {
        "items": 60, "users": 40, "events": 900, "reviews": 120, "links": 1, "problems": 1,
    }  # fmt: skip


def test_a_page_holds_the_cells_of_its_rows(browser: Browser, frames: dict[str, pd.DataFrame]) -> None:
    names = ("images", "title", "category", "price", "attributes.colour", "attributes.it's", "events")
    page = browser.page("items", Query(), names, offset=10, limit=5)
    assert (page.total, page.rows) == (60, (10, 11, 12, 13, 14))
    wanted = frames["items"].iloc[10:15]
    cells = dict(zip(page.columns, page.cells, strict=True))
    assert list(cells["title"]) == list(wanted["title"])
    assert [cell or None for cell in cells["attributes.colour"]] == list(wanted["attributes.colour"])
    assert list(cells["events"]) == list(wanted["events"])
    assert [None if np.isnan(price) else price for price in wanted["price"]] == list(cells["price"])
    assert cells["category"][0] == "home › room 2"
    assert browser.page("items", Query(), names, offset=58, limit=50).rows == (58, 59)
    assert browser.page("items", Query(), names, offset=99).rows == ()


def test_pages_are_the_same_before_and_after_the_rows_are_laid_out(folder: Path) -> None:
    fresh, laid = Browser(Dataset.open(folder)), Browser(Dataset.open(folder))
    fresh._laid_out.want = lambda *_: None  # type: ignore[method-assign]
    try:
        for table in TABLE_NAMES:
            names = tuple(column.name for column in laid.columns(table))
            for sort in ("", names[-1]):
                laid.page(table, Query(), names, sort, offset=1, limit=70)
                laid._laid_out.wait()
                assert laid.page(table, Query(), names, sort, offset=1, limit=70) == fresh.page(
                    table, Query(), names, sort, offset=1, limit=70
                )
    finally:
        fresh.close()
        laid.close()


def test_events_and_reviews_name_their_product(browser: Browser, frames: dict[str, pd.DataFrame]) -> None:
    for table in ("events", "reviews"):
        page = browser.page(table, Query(), ("product", "item"), sort="product", limit=2000)
        wanted = frames[table]
        ordered = wanted.loc[wanted["product"].str.lower().sort_values(kind="stable").index]
        assert list(page.cells[0]) == list(ordered["product"])
        item = str(page.cells[1][0])
        assert page.products[item][0] == page.cells[0][0]


@pytest.mark.parametrize("column", ["title", "price", "brand", "attributes.colour", "attributes.it's", "events"])
@pytest.mark.parametrize("descending", [False, True])
def test_sorting_agrees_with_pandas(
    browser: Browser, frames: dict[str, pd.DataFrame], column: str, descending: bool
) -> None:
    values = frames["items"][column]
    if values.dtype == object or str(values.dtype) in ("str", "string"):
        values = values.map(lambda text: text.lower() if isinstance(text, str) else None)
    # Stable in both directions, what is missing last.
    there = values.dropna()
    if descending:
        codes = -there.rank(method="dense")
        wanted = [*codes.sort_values(kind="stable").index, *values.index[values.isna()]]
    else:
        wanted = list(values.sort_values(kind="stable", na_position="last").index)
    found = rows(browser, "items", sort=column, descending=descending)
    pairs = list(zip(wanted, found, strict=True))
    assert [values.iloc[a] for a, _ in pairs if values.notna().iloc[a]] == [
        values.iloc[b] for _, b in pairs if values.notna().iloc[b]
    ]
    assert sorted(found) == list(range(60))
    assert found == wanted


@pytest.mark.parametrize("seed", range(40))
def test_random_queries_agree_with_pandas(browser: Browser, frames: dict[str, pd.DataFrame], seed: int) -> None:
    draw = random.Random(seed)
    frame = frames["items"]
    keep = pd.Series(True, index=frame.index)
    filters = []
    text = " ".join(draw.sample(["tent", "雨衣", "MUG", "红色", "a", "brand"], draw.randint(0, 2)))
    for _ in range(draw.randint(0, 2)):
        one, mask = draw.choice(_choices(draw, frame))
        filters.append(one)
        keep &= mask
    whole = frame.apply(
        lambda row: "\x1f".join(
            part if isinstance(part, str) else ""
            for part in (row["item"], row["title"], row["description"], row["brand"], row["category"],
                         " ".join(one["value"] for one in row["attributes"]))
        ).lower(),
        axis=1,
    )  # fmt: skip
    for word in text.lower().split():
        keep &= whole.str.contains(word, regex=False)
    query = Query(text, tuple(filters))
    assert rows(browser, "items", query) == list(frame.index[keep])
    assert browser.count("items", query) == int(keep.sum())
    spread = browser.distribution("items", "price", query)
    prices = frame["price"][keep]
    assert (spread.total, spread.missing, sum(spread.counts)) == (len(prices), prices.isna().sum(), prices.count())
    if spread.counts:
        assert list(np.histogram(prices.dropna(), spread.edges)[0]) == list(spread.counts)
        assert spread.median == pytest.approx(prices.median())


def _choices(draw: random.Random, frame: pd.DataFrame) -> list[tuple[Filter, Any]]:
    price = draw.uniform(0, 90)
    word = draw.choice(("tent", "雨衣", "LAMP"))
    colours = frame["attributes"].map(lambda row: {one["value"] for one in row if one["name"] == "colour"})
    return [
        (Filter("price", "<", price), frame["price"] < price),
        (Filter("price", "between", price, price + 20), (frame["price"] >= price) & (frame["price"] < price + 20)),
        (Filter("price", "missing"), frame["price"].isna()),
        (Filter("brand", "present"), frame["brand"].notna()),
        (Filter("brand", "is", "brand 1"), frame["brand"] == "brand 1"),
        (Filter("brand", "is not", "brand 1"), frame["brand"] != "brand 1"),
        (Filter("title", "contains", word), frame["title"].str.lower().str.contains(word.lower(), regex=False)),
        (Filter("attributes.colour", "is", "it's"), colours.map(lambda found: "it's" in found)),
        (Filter("attributes.it's", ">=", 4.0), frame["attributes.it's"] >= 4),
        (Filter("images", "missing"), frame["images"].map(len) == 0),
        (Filter("events", ">", 10.0), frame["events"] > 10),
    ]


TEXTS = (
    "tent",
    "雨衣",
    "tent 红色",
    "i1",
    "MUG a",
    "brand 1",
    "warm lamp",
    "u07 tent",
    "rating",
    "zzz",
    "it's",
    "again",
)


@pytest.mark.parametrize("table", ["items", "users", "events", "reviews", "links", "problems"])
def test_texts_written_down_find_what_the_tables_find(
    browser: Browser, folder: Path, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [rows(browser, table, Query(text)) for text in TEXTS]
    monkeypatch.setattr("engine.dataset.browse.LARGE", -1)
    written = Browser(Dataset.open(folder))
    assert [rows(written, table, Query(text)) for text in TEXTS] == expected
    assert written._words.name(table)
    priced = Query("tent", (Filter("price", ">=", 10.0),))
    if table == "items":
        assert rows(written, table, priced) == rows(browser, table, priced)
    written.close()


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["title", "price", "events"])
def test_what_is_found_of_sorted_rows_is_sorted(browser: Browser, folder: Path, sort: str, descending: bool) -> None:
    query = Query("tent", (Filter("images", "present"),))
    found = browser.page("items", query, ("item",), sort, descending).rows
    fresh = Browser(Dataset.open(folder))
    fresh.page("items", Query(), ("item",), sort, descending)  # all of them, sorted once
    assert fresh.page("items", query, ("item",), sort, descending).rows == found
    assert len(found) > 5
    fresh.close()


def test_orders_that_are_kept_have_their_bounds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(Dataset.open(folder))
    for text in map(str, range(9)):
        browser.count("events", Query(text))
    assert len(browser._orders) == 6
    monkeypatch.setattr("engine.dataset.browse._ORDER_BYTES", 1)
    assert browser.count("events", Query("u")) == 900
    assert len(browser._orders) == 1
    browser.close()


ENDLESS = "SELECT count(*) FROM range(10000000) AS a, range(10000000) AS b WHERE (a.range * b.range) % 7 = 3"


def test_a_question_that_is_given_up_is_interrupted(browser: Browser) -> None:
    job = browser.job("Reading rows", lambda: browser.dataset.rows(ENDLESS))
    assert isinstance(next(job), Progress)
    began = time.monotonic()
    job.close()
    assert time.monotonic() - began < 20  # it would take days
    assert not [one for one in threading.enumerate() if one.name == "Reading rows"]
    assert finish(browser.job("Reading rows", lambda: browser.count("items", Query("tent")))) > 0


def test_a_search_that_is_given_up_while_its_texts_are_written_leaves_them_to_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.dataset.browse.LARGE", -1)
    slow, go = Browser(Dataset.open(folder)), threading.Event()
    write = slow._words._write
    monkeypatch.setattr(slow._words, "_write", lambda *asked: (go.wait(), write(*asked)))
    job = slow.job("Reading rows", lambda: slow.count("items", Query("tent")))
    next(job)
    job.close()
    go.set()
    assert slow.count("items", Query("tent")) > 0
    assert slow._words.name("items")
    slow.close()


def test_what_goes_wrong_beside_is_raised_where_the_job_is(browser: Browser) -> None:
    with pytest.raises(HeedmapError):
        finish(browser.job("Reading rows", lambda: browser.count("nothing", Query("tent"))))


def test_the_commonest_values_are_counted_each_by_itself(browser: Browser, frames: dict[str, pd.DataFrame]) -> None:
    spread = browser.distribution("items", "attributes.colour", Query())
    counted = frames["items"]["attributes"].explode().dropna()
    wanted = counted[counted.map(lambda one: one["name"] == "colour")].map(lambda one: one["value"]).value_counts()
    assert dict(spread.top) == wanted.to_dict()
    assert spread.distinct == len(wanted)
    assert spread.missing == frames["items"]["attributes.colour"].isna().sum()
    kinds = browser.distribution("events", "kind", Query())
    assert dict(kinds.top) == frames["events"]["kind"].value_counts().to_dict()


def test_a_segment_keeps_the_rows_of_its_members(browser: Browser, frames: dict[str, pd.DataFrame]) -> None:
    events = frames["events"]
    query = Query(keys=("i01", "i09"), keys_of="items")
    assert rows(browser, "events", query) == list(events.index[events["item"].isin(["i01", "i09"])])
    assert rows(browser, "links", query) == [0]
    shoppers = Query(keys=("u03",), keys_of="users")
    assert browser.count("events", shoppers) == int((events["user"] == "u03").sum())
    assert browser.count("items", shoppers) == 60
    assert browser.keys("events", shoppers, "items") == tuple(dict.fromkeys(events["item"][events["user"] == "u03"]))


def test_chinese_is_found_by_runs_of_characters() -> None:
    assert words_of("红色雨衣TENT blue") == ["红色雨衣", "tent", "blue"]


def test_events_are_found_by_the_title_of_their_product(browser: Browser, frames: dict[str, pd.DataFrame]) -> None:
    events = frames["events"]
    found = rows(browser, "events", Query("雨衣 view"))
    wanted = events.index[events["product"].str.contains("雨衣").fillna(False) & (events["kind"] == "view")]
    assert found == list(wanted)


def test_a_row_is_shown_whole(browser: Browser, frames: dict[str, pd.DataFrame]) -> None:
    long = frames["reviews"]["text"][3]
    cut = browser.page("reviews", Query(), ("text",), offset=3, limit=1).cells[0][0]
    assert isinstance(cut, str)
    assert len(cut) == 301
    record = browser.record("reviews", 3)
    assert dict(record.values)["text"] == long
    assert record.product is not None
    assert record.product[0] == frames["reviews"]["product"][3]
    assert dict(browser.record("items", 1).values)["attributes.colour"][-1] == "red"  # type: ignore[index]


@pytest.mark.parametrize(
    "query",
    [
        Query(filters=(Filter("price; DROP TABLE items", "is", "x"),)),
        Query(filters=(Filter("price", "is", "x"),)),
        Query(filters=(Filter("price", "<", "many"),)),
    ],
)
def test_a_filter_that_does_not_fit_is_refused(browser: Browser, query: Query) -> None:
    with pytest.raises(HeedmapError):
        browser.page("items", query, ())


def test_quotes_in_values_are_only_values(browser: Browser) -> None:
    nothing = Query("'; DROP VIEW items; --", (Filter("title", "contains", "' OR '1'='1"),))
    assert browser.count("items", nothing) == 0
    assert browser.count("items", Query()) == 60
    for table, column in (("items", 'title" DESC'), ("nothing", "title")):
        with pytest.raises(HeedmapError):
            browser.page(table, Query(), (column,))


def test_what_products_lack_is_counted(folder: Path, frames: dict[str, pd.DataFrame]) -> None:
    items = frames["items"]
    browser = Browser(Dataset.open(folder))
    photo = next(path for path in items["images"] if len(path))[0]
    content = (folder / photo).read_bytes()
    try:
        (folder / photo).unlink()
        found: Missing = finish(missing(browser))
    finally:
        (folder / photo).write_bytes(content)
        browser.close()
    gaps = {gap.what: gap for gap in found.gaps}
    assert gaps["photo"].count == (items["images"].map(len) == 0).sum()
    assert gaps["photo file"].count == items["images"].map(lambda paths: photo in list(paths)).sum()
    assert gaps["price"].keys == tuple(items["item"][items["price"].isna()])
    assert gaps["description"].count == items["description"].isna().sum()
    assert gaps["attributes"].count == items["attributes"].map(len).eq(0).sum()
    assert gaps["events"].count == (items["events"] == 0).sum()
    assert gaps["reviews"].count == 10
    assert "title" not in gaps


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ten photos; one of them shown twice, once smaller, once stored worse and once lightened; and one broken."""
    out = tmp_path / "photos"
    with DatasetWriter(out, name="photos", domain="shop", source="tests", licence="none") as writer:
        named = {f"p{n}": picture(n) for n in range(10)}
        named |= {"twin": picture(3), "small": picture(3, 64), "worse": picture(3, quality=40)}
        named |= {"light": picture(3, shade=6), "broken": picture(99)}
        for item, content in named.items():
            writer.add("items", {"item": item, "title": item.upper(), "images": [writer.add_image(content)]})
    dataset = Dataset.open(out)
    (path,) = dataset.rows("SELECT images[1] FROM items WHERE item = 'broken'")[0]
    dataset.close()
    (out / path).write_bytes((out / path).read_bytes()[:200])
    return out


def test_same_and_alike_photos_are_grouped(photos: Path) -> None:
    dataset = Dataset.open(photos)
    found: Duplicates = finish(duplicates(dataset))
    groups = {group.kind: {item for item, _, _ in group.photos} for group in found.groups}
    assert groups == {"same": {"p3", "twin"}, "alike": {"p3", "twin", "small", "worse", "light"}}
    assert [item for item, _, _ in found.unreadable] == ["broken"]
    assert found.photos == 14
    dataset.close()


def test_what_was_read_before_a_stop_is_kept_and_a_damaged_cache_does_no_harm(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import engine.dataset.duplicates as module

    dataset = Dataset.open(photos)
    looking = duplicates(dataset)
    steps = [next(looking)]
    looking.close()
    assert isinstance(steps[0], Progress)
    first = finish(duplicates(dataset))
    read: list[Path] = []
    whole = module.small_copy

    def noted(path: Path) -> Any:
        read.append(path)
        return whole(path)

    monkeypatch.setattr(module, "small_copy", noted)
    second = finish(duplicates(dataset))
    assert second.groups == first.groups
    assert len(read) == 1  # the broken one
    (photos / CACHE).write_bytes(b"not a database, but long enough to be looked at as one" * 20)
    assert finish(duplicates(dataset)).groups == first.groups
    dataset.close()


def test_the_desk_answers_and_follows_a_dataset_that_was_imported_anew(folder: Path) -> None:
    from engine.desk import Desk

    desk = Desk()
    page: Page = finish(desk.job("browse", {"dataset": str(folder), "table": "items", "columns": ("title",)}))
    assert len(page.cells[0]) == 60
    tables = finish(desk.job("browse_columns", {"dataset": str(folder)}))
    assert tables.name == "shop"
    kinds = finish(desk.job("browse_distribution", {"dataset": str(folder), "table": "events", "column": "kind"}))
    assert kinds.total == 900
    with pytest.raises(HeedmapError):
        finish(desk.job("browse_columns", {"dataset": str(folder / "nowhere")}))
    desk.at_hand.close()


def test_few_values_have_a_bar_each_also_when_they_are_given_by_halves(tmp_path: Path) -> None:
    stars = [0.5, 3.5, 3.5, 4.0, 5.0]
    with DatasetWriter(tmp_path / "shop", name="Shop", domain="shop", source="tests", licence="none") as writer:
        writer.add("items", {"item": "i", "title": "Tent"})
        for n, value in enumerate(stars):
            writer.add("users", {"user": f"u{n}"})
            writer.add("events", {"user": f"u{n}", "item": "i", "time": n, "kind": "rating", "value": value})
    browser = Browser(Dataset.open(tmp_path / "shop"))
    spread = browser.distribution("events", "value", Query())
    assert spread.single
    assert spread.edges[:-1] == tuple(n / 2 for n in range(1, 11))
    assert [spread.counts[round(value * 2) - 1] for value in (0.5, 1.0, 3.5, 4.0, 5.0)] == [1, 0, 2, 1, 1]
    assert not browser.distribution("events", "time", Query()).single


EVERY = ("item", "title", "description", "price", "images", "attributes.colour", "reviews")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_all_rows_that_are_found_are_written_whole(
    browser: Browser, frames: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("engine.dataset.write_rows._PAGE", 7)  # many pages
    read = pd.read_csv if suffix == ".csv" else pd.read_parquet
    asked = Query(filters=(Filter("price", ">=", 12.0),))
    known = {one.name for one in browser.columns("items")}
    columns = [name for name in EVERY if name in known]
    assert len(columns) > 5
    out = tmp_path / "new folder" / f"products{suffix}"
    assert finish(write_rows(browser, "items", asked, columns, out, "price", True)) == str(out)
    found, truth = read(out), frames["items"]
    truth = truth[truth["price"] >= 12.0].sort_values("price", ascending=False)
    assert list(found.columns) == columns
    assert found["item"].tolist() == truth["item"].tolist()
    assert found["price"].tolist() == truth["price"].tolist()
    assert found["title"].tolist() == truth["title"].tolist()
    assert found["description"].fillna("").tolist() == truth["description"].fillna("").tolist()
    assert [path.name for path in out.parent.iterdir()] == [out.name]

    out = tmp_path / f"reviews{suffix}"
    finish(write_rows(browser, "reviews", Query(), ["review", "text"], out))
    assert read(out)["text"].tolist() == frames["reviews"]["text"].tolist()  # one is longer than a page shows
    assert max(map(len, frames["reviews"]["text"])) > LONGEST

    out = tmp_path / f"events{suffix}"
    finish(write_rows(browser, "events", Query(), ["user", "time", "value"], out))
    events = read(out)
    assert len(events) == 900
    times = pd.to_datetime(events["time"], utc=True)
    assert (times == pd.to_datetime(frames["events"]["time"], utc=True)).all()
    assert np.array_equal(events["value"], frames["events"]["value"], equal_nan=True)


def test_no_rows_make_a_table_with_its_heading(browser: Browser, tmp_path: Path) -> None:
    nothing = Query(text="no product says this")
    for suffix in (".csv", ".parquet"):
        out = tmp_path / f"none{suffix}"
        finish(write_rows(browser, "items", nothing, ["item", "price"], out))
        read = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
        assert (list(read.columns), len(read)) == (["item", "price"], 0)
    assert (tmp_path / "none.csv").read_bytes() == b"\xef\xbb\xbfitem,price\r\n"


def test_a_table_that_cannot_be_written_leaves_nothing(browser: Browser, tmp_path: Path) -> None:
    with pytest.raises(HeedmapError, match="no column weight"):
        finish(write_rows(browser, "items", Query(), ["weight"], tmp_path / "a.csv"))
    with pytest.raises(HeedmapError, match=r"\.xlsx"):
        finish(write_rows(browser, "items", Query(), ["item"], tmp_path / "a.xlsx"))
    job = write_rows(browser, "items", Query(), ["item"], tmp_path / "b.csv")
    next(job)
    job.close()  # given up
    assert list(tmp_path.iterdir()) == []
