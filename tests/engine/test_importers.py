"""Importers: real formats in, a checked dataset out, and a reason for everything that was left behind."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from engine.dataset.statistics import CheckReport, check
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.importers import import_dataset, mapping, recognise
from engine.importers.films import title_and_year
from engine.importers.reading import Source
from engine.importers.values import Clock, attributes, flag, price, prose
from engine.jobs import finish

DATA = Path(__file__).parents[2].parent / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not here")

Opened = Callable[..., Dataset]


@pytest.fixture
def imported(tmp_path: Path, request: pytest.FixtureRequest) -> Opened:
    """Import into a fresh folder and open it; closed after the test."""

    def run(kind: str, *sources: Path, **options: Any) -> Dataset:
        out = tmp_path / "out" / "set"
        assert finish(import_dataset(kind, list(sources), out, **options)) == out
        assert [path.name for path in out.parent.iterdir()] == ["set"]
        dataset = Dataset.open(out)
        request.addfinalizer(dataset.close)
        return dataset

    return run


def problems(dataset: Dataset) -> list[tuple[Any, ...]]:
    return dataset.rows('SELECT "row", "column", reason FROM problems ORDER BY "row", reason')


def jpeg(colour: str, size: int = 64) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(content, "JPEG")
    return content.getvalue()


# --- values ---------------------------------------------------------------------------------------------------------

MAY = 1_588_334_400_000  # 1 May 2020, noon, UTC


@pytest.mark.parametrize(
    "written",
    [
        1_588_334_400,
        "1588334400",
        "1588334400000",
        1_588_334_400_000_000,
        "2020-05-01T12:00:00Z",
        "2020-05-01 14:00:00+02:00",
        "2020-05-01 12:00",
    ],
)
def test_times_are_understood(written: object) -> None:
    assert Clock().read(written) == MAY


def test_days_are_midnight_utc() -> None:
    for written in ("2016-09-01", "09 1, 2016", "20160901"):
        assert Clock().read(written) == 1_472_688_000_000


@pytest.mark.parametrize("written", ["30000-01-01", "30000-01-01T00:00:00Z", 884_541_340_800_000, "1066-10-14"])
def test_impossible_years_are_refused(written: object) -> None:
    with pytest.raises(ValueError, match="time outside 1970 to 2100"):
        Clock("ms").read(written)


def test_a_stray_number_cannot_change_the_unit_of_time() -> None:
    clock = Clock()
    assert clock.read("1588334400") == MAY
    with pytest.raises(ValueError, match="time outside 1970 to 2100"):
        clock.read("884541340800")  # the year 30000 in seconds; as milliseconds it would be 1998


@pytest.mark.parametrize("written", ["soon", "13 45, 2016", "2020-13-01", True, None, [1]])
def test_what_is_no_time_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="not a"):
        Clock().read(written)


def test_a_told_form_of_time() -> None:
    assert Clock(pattern="%d/%m/%Y %H:%M").read("01/05/2020 12:00") == MAY
    with pytest.raises(ValueError, match="not a time of the form"):
        Clock(pattern="%d/%m/%Y").read("2020-05-01")


def test_prices_prose_attributes_flags() -> None:
    assert price("$1,299.00") == (1299.0, "USD")
    assert price("12.5") == (12.5, None)
    for bad in ("from $5 to $9", "free", "nan"):
        with pytest.raises(ValueError, match="not a"):
            price(bad)
    assert prose("Don&#39;t<br /><br />go &amp; stay<BR>here") == "Don't\n\ngo & stay\nhere"
    assert prose("  \xa0 ") is None
    assert attributes({"size": ["S", "S", " M "], "colour": "", "year": 2011.0}) == [
        {"name": "size", "value": "S"},
        {"name": "size", "value": "M"},
        {"name": "year", "value": "2011"},
    ]
    assert flag("x", "true") is True
    assert flag("x", "off") is False
    with pytest.raises(HeedmapError, match="option x is 'maybe'"):
        flag("x", "maybe")


@pytest.mark.parametrize(
    ("raw", "title", "year"),
    [
        ("Matrix, The (1999)", "The Matrix", "1999"),
        ("City of Lost Children, The (Cité des enfants perdus, La) (1995) ",
         "The City of Lost Children (La Cité des enfants perdus)", "1995"),
        ("Bicycle Thieves (a.k.a. The Bicycle Thief) (1948)", "Bicycle Thieves (The Bicycle Thief)", "1948"),
        ("Crow, The: Wicked Prayer (2005)", "The Crow: Wicked Prayer", "2005"),
        ("Avventura, L' (Adventure, The) (1960)", "L'Avventura (The Adventure)", "1960"),
        ("Death Note: Desu nôto (2006\u20132007)", "Death Note: Desu nôto", "2006"),
        ("Good Morning, Vietnam (1987)", "Good Morning, Vietnam", "1987"),
        ("(500) Days of Summer (2009)", "(500) Days of Summer", "2009"),
        ("Babylon 5", "Babylon 5", None),
        ("1984 (1984)", "1984", "1984"),
    ],
)  # fmt: skip
def test_film_titles_read_well(raw: str, title: str, year: str | None) -> None:
    assert title_and_year(raw) == (title, year)


# --- reading --------------------------------------------------------------------------------------------------------


def read_json(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], list[tuple[int | None, str]]]:
    told: list[tuple[int | None, str]] = []
    source = Source(path, lambda source, row, column, value, reason: told.append((row, reason)))
    return list(source.json_lines()), told


def test_json_lines_survive_broken_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n{"a": 2, "b": "cu\n\nnull\n{"a": "\xff"}\n{"a": 3}')
    records, told = read_json(path)
    assert records == [(1, {"a": 1}), (6, {"a": 3})]
    assert [row for row, _ in told] == [2, 4, 5]
    assert [reason.split(" (")[0] for _, reason in told] == ["not valid JSON", "not a JSON object", "not UTF-8 text"]


def test_pretty_printed_objects_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    whole = [json.dumps({"a": number, "deep": {"b": [number]}}, indent=4) for number in range(3)]
    path.write_text("\n".join([whole[0], '{\n    "a": "no end",', whole[1], whole[2][:-9]]))
    records, told = read_json(path)
    assert [record["a"] for _, record in records] == [0, 1]
    assert told == [(9, "this JSON object has no end"), (19, "this JSON object has no end")]


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_a_json_array_of_objects_is_read(tmp_path: Path, indent: int | str | None) -> None:
    path = tmp_path / "a.json"
    whole = [{"a": number, "deep": [{"b": {}}, {"c": 1}]} for number in range(3)]
    path.write_text("\ufeff" + json.dumps(whole, indent=indent), encoding="utf-8")
    records, told = read_json(path)
    assert ([record for _, record in records], told) == (whole, [])
    path.write_text('[\n{"a": 1},\n{"a": 2}\n]\n')
    assert read_json(path)[0] == [(2, {"a": 1}), (3, {"a": 2})]


def test_a_cut_archive_gives_what_it_holds(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b'{"a": %d, "b": "%x"}\n' % (n, n**9) for n in range(5000)))
    (tmp_path / "a.json.gz").write_bytes(whole[: len(whole) // 2])
    records, told = read_json(tmp_path / "a.json.gz")
    assert 1000 < len(records) < 5000
    assert [record["a"] for _, record in records] == list(range(len(records)))
    assert any("archive is damaged" in reason for _, reason in told)


# --- amazon ---------------------------------------------------------------------------------------------------------


def review(user: str = "U1", item: str = "B1", **more: Any) -> dict[str, Any]:
    base = {"reviewerID": user, "asin": item, "overall": 5.0, "reviewText": "fine", "summary": "ok"}
    return {**base, "unixReviewTime": 1_400_000_000, "reviewTime": "05 13, 2014", **more}


def write_lines(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_bad_amazon_rows_are_kept_with_their_reason(tmp_path: Path, imported: Opened) -> None:
    path = write_lines(
        tmp_path / "Shop_5.json",
        [
            review(),
            review(),
            review(user="U2", overall=None),
            review(user="U3", overall="five"),
            review(user="U4", overall=11),
            review(user="U5", unixReviewTime=884_541_340_800),
            review(user=""),
            review(user="U6", overall="4.0", unixReviewTime=None, reviewTime="09 1, 2016"),
            review(user="U7", reviewText="cut \ud83d emoji", summary=None, style={"Size:": ["S", "M"]}),
        ],
    )
    path.write_text(path.read_text() + '{"reviewerID": "U8", "asin": "B1", "over')
    dataset = imported("amazon", path)
    assert [(row, column, reason.split(" (")[0]) for row, column, reason in problems(dataset)] == [
        (2, None, "repeated row: same reviewer, product and time"),
        (3, "overall", "missing"),
        (4, "overall", "not a number"),
        (5, "overall", "not between 1 and 5 stars"),
        (6, "unixReviewTime", "time outside 1970 to 2100"),
        (7, "reviewerID", "missing"),
        (10, None, "not valid JSON"),
    ]
    assert dataset.rows("SELECT \"user\", kind, value, strftime(time, '%Y-%m-%d') FROM events") == [
        ("U1", "rating", 5.0, "2014-05-13"),
        ("U6", "rating", 4.0, "2016-09-01"),
        ("U7", "rating", 5.0, "2014-05-13"),
    ]
    assert dataset.rows('SELECT "user" FROM users ORDER BY 1') == [("U1",), ("U6",), ("U7",)]
    assert "1 of 1 products have no title" in dataset.manifest.notes[0]


def test_repeated_rows_are_found_across_batches_and_files(tmp_path: Path, imported: Opened) -> None:
    first = write_lines(tmp_path / "a.json", [review(user=f"U{number}") for number in range(6000)])
    second = write_lines(tmp_path / "b.json", [review(user="U17"), review(user="new")])
    dataset = imported("amazon", first, second)
    assert dataset.manifest.counts["events"] == dataset.manifest.counts["reviews"] == 6001
    assert dataset.rows('SELECT source, "row" FROM problems') == [("b.json", 1)]


def test_amazon_metadata_photos_and_styles(tmp_path: Path, imported: Opened) -> None:
    folder = tmp_path / "shop"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "B1.jpg").write_bytes(jpeg("red"))
    (folder / "images" / "B2.jpg").write_bytes(jpeg("blue")[:300])
    sizes = [review(user=f"U{n}", style={"Size:": f" {n // 2}", "Color:": " Red"}) for n in range(30)]
    write_lines(folder / "Shop_5.json", [*sizes, review(item="B2"), review(item="B3")])
    write_lines(
        folder / "meta_Shop.json",
        [
            {"asin": "B1", "title": "Soap &amp; dish", "brand": "Acme", "price": "$1,024.50",
             "description": ["Smells", "nice"], "category": ["Home", "Bath"]},
            {"asin": "B2", "title": "Towel", "price": "$5 - $9", "category": []},
            {"asin": "B9", "title": "Never reviewed"},
        ],
    )  # fmt: skip
    dataset = imported("auto", folder)
    items = dataset.rows("SELECT item, title, brand, price, currency, description, category, len(images) FROM items")
    assert items == [
        ("B1", "Soap & dish", "Acme", 1024.5, "USD", "Smells\n\nnice", ["Home", "Bath"], 1),
        ("B2", "Towel", None, None, None, None, [], 0),
        ("B3", "B3", None, None, None, None, None, 0),
    ]
    told = dataset.rows("SELECT attributes FROM items WHERE item = 'B1'")[0][0]
    assert [pair["value"] for pair in told if pair["name"] == "color"] == ["Red"]
    assert len([pair for pair in told if pair["name"] == "size"]) == 10
    reasons = {reason.split(" (")[0] for _, _, reason in problems(dataset)}
    assert reasons == {"not a price", "photo is broken"}
    assert dataset.manifest.notes[0].startswith("1 of 3 products")


def test_amazon_metadata_of_2014_is_parsed_not_run(tmp_path: Path, imported: Opened) -> None:
    write_lines(tmp_path / "Shop_5.json", [review()])
    lines = ["{'asin': 'B1', 'title': \"Dave's\", 'price': 3.5, 'categories': [['Music', 'Strings'], ['Other']]}"]
    lines += ["{'asin': __import__('os').getcwd()}"]
    (tmp_path / "meta_Shop.json").write_text("\n".join(lines))
    dataset = imported("amazon", tmp_path / "Shop_5.json", tmp_path / "meta_Shop.json", catalogue="all")
    assert dataset.rows("SELECT title, price, category FROM items") == [("Dave's", 3.5, ["Music", "Strings"])]
    assert [row for row, _, _ in problems(dataset)] == [2]


def test_a_cancelled_import_leaves_what_was_there(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.json", [review(user=f"U{number}") for number in range(3000)])
    out = tmp_path / "out" / "set"
    finish(import_dataset("amazon", [path], out))
    before = (out / "dataset.json").read_bytes()
    job = import_dataset("amazon", [path], out)
    assert next(job).total == path.stat().st_size
    assert next(job).done > 0
    job.close()
    assert (out / "dataset.json").read_bytes() == before
    assert [entry.name for entry in out.parent.iterdir()] == ["set"]


# --- movielens ------------------------------------------------------------------------------------------------------


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A MovieLens folder of three films, with a bit of everything beside it, some of it broken."""
    tables = tmp_path / "films" / "ml-tiny"
    tables.mkdir(parents=True)
    (tmp_path / "films" / "posters").mkdir()
    (tables / "movies.csv").write_text(
        'movieId,title,genres\n1,"Matrix, The (1999)",Action|Sci-Fi\n2,Heat (1995),Crime\n2,Heat again (1995),Crime\n'
        "3,Solo (1999),(no genres listed)\n"
    )
    (tables / "links.csv").write_text("movieId,imdbId,tmdbId\n1,0133093,603\n2,0113277,949\n3,,\n")
    (tables / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n7,1,4.5,964982703\n7,2,five,964982704\n7,3,3.0,884541340800\n"
        "8,9,3.0,964982703\n8,2,1.0,964982999\n9,3,9.5,964982999\n9,3\n"
    )
    (tables / "tags.csv").write_text("userId,movieId,tag,timestamp\n7,1,mind bending,964990000\n7,2,,964990001\n")
    beside = tables.parent
    (beside / "posters" / "1.jpg").write_bytes(jpeg("green"))
    (beside / "posters" / "2.jpg").write_bytes(jpeg("green")[:200])
    write_lines(
        beside / "omdb_by_imdbid.jsonl",
        [
            {"imdbId": "0133093", "Plot": "A hacker learns.", "Rated": "R", "Runtime": "136 min", "Language": "English",
             "Country": "USA, Australia", "Director": "Lana Wachowski (co-director)", "Actors": "Keanu Reeves",
             "imdbRating": "8.7", "imdbVotes": "1,500,000"},
            {"imdbId": "0113277", "Plot": "N/A", "Rated": "UNRATED", "Director": "N/A"},
        ],
    )  # fmt: skip
    (beside / "imdb5000_movie_metadata.csv").write_text(
        "director_name,actor_1_name,plot_keywords,movie_imdb_link,color,imdb_score\n"
        "Lana Wachowski,Carrie-Anne Moss,hacker|kung fu,http://www.imdb.com/title/tt0133093/,Color,8.7\n"
    )
    reviews = [
        {"movieId": "1", "review_id": "train/pos/1_9", "rating10": 9, "text": "Wow.<br /><br />Again!"},
        {"movieId": "3", "review_id": "train/neg/2_1", "rating10": 1, "text": ""},
    ]
    with gzip.open(beside / "imdb_reviews_joined.jsonl.gz", "wt") as file:
        file.write("".join(json.dumps(record) + "\n" for record in reviews))
    return beside


def test_movielens_is_joined_with_what_lies_beside_it(films: Path, imported: Opened) -> None:
    dataset = imported("auto", films)
    title, plot, told, images = dataset.rows("SELECT title, description, attributes, images FROM items")[0]
    assert (title, plot, len(images)) == ("The Matrix", "A hacker learns.", 1)
    pairs = [(pair["name"], pair["value"]) for pair in told]
    assert pairs == [
        ("genre", "Action"), ("genre", "Sci-Fi"), ("year", "1999"), ("decade", "1990s"), ("content_rating", "R"),
        ("language", "English"), ("country", "USA"), ("country", "Australia"), ("duration", "120 to 149 min"),
        ("colour", "color"), ("keyword", "hacker"), ("keyword", "kung fu"),
    ]  # fmt: skip
    assert dataset.rows("SELECT relation, tail_kind, tail FROM links") == [
        ("directed_by", "person", "Lana Wachowski"),
        ("acted_by", "person", "Keanu Reeves"),
        ("acted_by", "person", "Carrie-Anne Moss"),
    ]
    assert dataset.rows('SELECT review, "user", text, rating, time IS NULL FROM reviews ORDER BY review') == [
        ("imdb:train/pos/1_9", None, "Wow.\n\nAgain!", 9.0, True),
        ("tag:2", "7", "mind bending", None, False),
    ]
    assert any("anonymous IMDb users" in note for note in dataset.manifest.notes)


def test_bad_movielens_rows_are_kept_with_their_reason(films: Path, imported: Opened) -> None:
    dataset = imported("movielens", films / "ml-tiny")
    found = dataset.rows('SELECT source, "row", "column", value, reason FROM problems')
    told = {(row[0], row[1], row[2]): row[4].split(" (")[0] for row in found}
    assert told == {
        ("movies.csv", 4, "item"): "duplicate key",
        ("posters/2.jpg", None, "image"): "photo is broken",
        ("posters", None, "image"): "photo is missing",
        ("omdb_by_imdbid.jsonl", 2, "Plot"): "no plot: the film has none",
        ("ratings.csv", 3, "rating"): "not a number",
        ("ratings.csv", 4, "timestamp"): "time outside 1970 to 2100",
        ("ratings.csv", 5, "movieId"): "no such film in movies.csv",
        ("ratings.csv", 7, "rating"): "not between 0.5 and 5 stars",
        ("ratings.csv", 8, None): "2 columns where the header has 4",
        ("tags.csv", 3, "tag"): "missing",
        ("imdb_reviews_joined.jsonl.gz", 2, "text"): "missing",
    }
    assert dataset.manifest.counts["events"] == 2
    report = check(dataset)
    assert (report.items_without_photo, report.items_without_text, report.items_without_events) == (2, 2, 1)
    assert (report.shoppers_with_one_event, report.events_without_item, report.reviews_without_user) == (2, 0, 1)


def test_posters_only_leaves_out_whole_films(films: Path, imported: Opened) -> None:
    dataset = imported("movielens", films, posters_only="true")
    assert dataset.rows("SELECT item FROM items") == [("1",)]
    assert dataset.rows("SELECT item FROM events") == [("1",)]
    assert "2 films without a readable poster were left out, with 4 ratings" in dataset.manifest.notes[-1]


def test_a_missing_column_is_named(films: Path, tmp_path: Path) -> None:
    (films / "ml-tiny" / "ratings.csv").write_text("user,movieId,rating,timestamp\n1,1,5,964982703\n")
    with pytest.raises(HeedmapError, match=r"ratings\.csv has no column userId\. Its columns are user, movieId"):
        finish(import_dataset("movielens", [films], tmp_path / "out"))
    assert not (tmp_path / "out").exists()


# --- any table ------------------------------------------------------------------------------------------------------

MAPPING = """
name = "Corner shop"
[items]
file = "products.csv"
delimiter = ";"
item = "id"
title = "name"
description = ["short", "long"]
category = "path"
category_separator = " > "
price = "cost"
photo = "photos/{file}"
fixed = { currency = "EUR" }
[items.attributes]
colour = "hue"
tag = { column = "tags", separator = "|" }
[events]
file = "log.parquet"
user = "who"
item = "what"
time = "when"
kind = "did"
value = "count"
kinds = { buy = "purchase" }
[reviews]
file = "reviews.jsonl"
item = "product"
user = "customer"
text = "body"
rating = "stars"
time = "written"
[users]
file = "people.tsv"
user = "id"
attributes = ["city"]
[links]
file = "also.csv"
head = "a"
tail = "b"
fixed = { relation = "also bought" }
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop's export in four formats."""
    folder = tmp_path / "shop"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos" / "mug.jpg").write_bytes(jpeg("red"))
    (folder / "mapping.toml").write_text(MAPPING)
    (folder / "products.csv").write_bytes(
        b"\xef\xbb\xbfid;name;short;long;path;cost;file;hue;tags\n"
        b'p1;Mug;Blue mug;"Holds tea;\nand coffee";Home > Kitchen;"4,000.50";mug.jpg;blue;new|gift\n'
        b"p1;Mug again;;;;;;;\n"
        b"p2;;Only text;;;dear;../secret.jpg;;\n"
        b"p3;Ba\xffd bytes;;;;;;;\n"
        b"p4;Far photo;;;;;http://shop.example/a.jpg;;\n"
        b"p5;Bare;;;;;none.jpg;;\n"
    )
    log = [("u1", "p1", "2024-03-01T10:00:00", "view", None), ("u1", "p1", "2024-03-01T10:05:00", "buy", 2.0),
           ("u2", "p9", "2024-03-01T10:05:00", "buy", 1.0), ("u2", "p1", "30000-01-01T00:00:00", "buy", 1.0),
           ("u2", "p2", "2024-03-02", "strolled", 1.0), (None, "p2", "2024-03-02", "buy", 1.0)]  # fmt: skip
    columns = ("who", "what", "when", "did", "count")
    pq.write_table(pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in log]), folder / "log.parquet")
    write_lines(
        folder / "reviews.jsonl",
        [
            {"product": "p1", "customer": 12.0, "body": "good", "stars": 4, "written": 1_709_290_000_000},
            {"product": "p1", "customer": None, "body": "bad", "stars": "five", "written": 1_709_290_000_000},
        ],
    )
    (folder / "people.tsv").write_text("id\tcity\nu1\tOslo\nu1\tRome\n")
    (folder / "also.csv").write_text("a,b\np1,p2\np1,p9\n")
    return folder


def test_any_shop_opens_through_a_mapping(shop: Path, imported: Opened) -> None:
    dataset = imported("auto", shop)
    assert dataset.manifest.name == "Corner shop"
    assert dataset.rows("SELECT title, description, category, price, currency, len(images) FROM items")[0] == (
        "Mug", "Blue mug\n\nHolds tea;\nand coffee", ["Home", "Kitchen"], 4000.5, "EUR", 1
    )  # fmt: skip
    assert dataset.rows("SELECT attributes FROM items")[0][0] == [
        {"name": "colour", "value": "blue"}, {"name": "tag", "value": "new"}, {"name": "tag", "value": "gift"}
    ]  # fmt: skip
    assert dataset.rows('SELECT "user", item, kind, value, epoch_ms(time) FROM events') == [
        ("u1", "p1", "view", None, 1_709_287_200_000),
        ("u1", "p1", "purchase", 2.0, 1_709_287_500_000),
    ]
    assert dataset.rows('SELECT "user", text, rating FROM reviews') == [("12", "good", 4.0)]
    assert dataset.rows("SELECT attributes[1].value FROM users") == [("Oslo",)]
    assert dataset.rows("SELECT head_kind, head, relation, tail FROM links") == [("item", "p1", "also bought", "p2")]


def test_bad_rows_of_a_shop_are_kept_with_their_reason(shop: Path, imported: Opened) -> None:
    dataset = imported("table", shop, mapping=str(shop / "mapping.toml"))
    told = [(source, row, column, reason) for source, row, column, reason in dataset.rows(
        'SELECT source, "row", "column", reason FROM problems'
    )]  # fmt: skip
    assert told == [
        ("products.csv", 4, "id", "duplicate key"),
        ("products.csv", 5, "name", "no title: the product is called by its key"),
        ("products.csv", 5, "cost", "not a price"),
        ("products.csv", 5, "photo", "the photo's path leads out of the folder"),
        ("products.csv", 6, None, "not utf-8 text"),
        ("products.csv", 7, "photo", "a photo's address, not a file: photos are never fetched"),
        ("photos/none.jpg", 8, "image", "photo is missing"),
        ("people.tsv", 3, "id", "duplicate key"),
        ("log.parquet", 3, "what", "no such product"),
        ("log.parquet", 4, "when", "time outside 1970 to 2100"),
        ("log.parquet", 5, "kind", "not one of view, cart, purchase, rating, like, other"),
        ("log.parquet", 6, "who", "missing"),
        ("reviews.jsonl", 2, "stars", "not a number"),
        ("also.csv", 3, "b", "no such product"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "name"', 'title = "label"', r"products\.csv has no column 'label', which the mapping names as items"),
        ('user = "who"', 'user = "whom"', r"log\.parquet has no column 'whom', which the mapping names as events.user"),
        ('text = "body"', 'text = "bdy"', r"reviews\.jsonl has no column 'bdy'.*product, customer, body, stars"),
        ('colour = "hue"', 'colour = "color"', r"no column 'color', which the mapping names as items.attrib"),
        ('photos/{file}', 'photos/{img}', r"no column 'img', which the mapping names as items.photo"),
        ('time = "when"', "", r"lacks events\.time"),
        ('item = "what"', 'itm = "what"', r"unknown key events\.itm"),
        ('buy = "purchase"', 'buy = "bought"', r"unknown kind 'bought'"),
        ('file = "log.parquet"', 'file = "log.csv"', r"log\.csv is missing"),
        ('delimiter = ";"', 'delimiter = "; "', r"items\.delimiter is not one character"),
        ('delimiter = ";"', 'encoding = "utf-9"', r"items\.encoding is 'utf-9'"),
        ('name = "Corner shop"', 'name = "Corner', r"mapping\.toml is not valid"),
        ('name = "Corner shop"', 'domain = "zoo"', r"Unknown domain 'zoo'"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_names_key_and_file(shop: Path, tmp_path: Path, old: str, new: str, words: str) -> None:
    path = shop / "mapping.toml"
    path.write_text(MAPPING.replace(old, new, 1))
    with pytest.raises(HeedmapError, match=words) as caught:
        finish(import_dataset("table", [path], tmp_path / "out"))
    assert caught.value.hint
    assert not (tmp_path / "out").exists()


def test_the_documented_mapping_is_a_valid_one(tmp_path: Path) -> None:
    lines = (mapping.__doc__ or "").splitlines()
    (tmp_path / "mapping.toml").write_text("\n".join(line[4:] for line in lines if line.startswith("    ")))
    plan = mapping.load(tmp_path / "mapping.toml", tmp_path)
    assert set(plan.sections) == {"items", "events", "reviews", "users", "links"}
    assert plan.sections["events"].fixed == {"kind": "purchase"}
    assert plan.sections["events"].delimiter == "\t"
    assert plan.sections["items"].photos == ("photos/{id}.jpg",)


def test_a_catalogue_without_events_and_a_log_without_products(tmp_path: Path, imported: Opened) -> None:
    (tmp_path / "c.csv").write_text("sku,name\na,Mug\n")
    (tmp_path / "c.json").write_text('{"items": {"file": "c.csv", "item": "sku", "title": "name"}}')
    catalogue = check(imported("table", tmp_path / "c.json"))
    assert (catalogue.counts["items"], catalogue.counts["events"], catalogue.time_range) == (1, 0, None)
    (tmp_path / "l.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\nu\tb\t881250949\nu\tc\tsoon\n")
    (tmp_path / "l.toml").write_text(
        '[events]\nfile = "l.inter"\nuser = "user_id:token"\nitem = "item_id:token"\ntime = "timestamp:float"\n'
        'fixed = { kind = "view" }\n'
    )
    log = check(imported("table", tmp_path / "l.toml"))
    assert (log.counts["items"], log.counts["users"], log.counts["events"], log.counts["problems"]) == (1, 1, 1, 1)
    assert log.shoppers_with_one_event == log.items_without_text == log.items_without_photo == 1


def test_a_report_groups_problems_and_finds_damage(shop: Path, tmp_path: Path, imported: Opened) -> None:
    lines = "".join(f"x{number};X;;;;{number} or so;;;\n" for number in range(5))
    (shop / "products.csv").write_bytes((shop / "products.csv").read_bytes() + lines.encode())
    dataset = imported("auto", shop)
    report: CheckReport = check(dataset)
    top = report.problems[0]
    assert (top.source, top.column, top.reason, top.count, top.rows) == (
        "products.csv",
        "cost",
        "not a price",
        6,
        (5, 9, 10),
    )
    assert report.whole
    (dataset.folder / "links.parquet").write_bytes(b"")
    assert [(file.path, file.fault) for file in check(dataset).damaged] == [
        ("links.parquet", "changed since it was imported")
    ]


# --- what every importer refuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["auto", "movielens", "amazon", "table"])
def test_a_missing_source_is_named(kind: str, tmp_path: Path) -> None:
    with pytest.raises(HeedmapError, match=r"nowhere is missing\. Check the path"):
        finish(import_dataset(kind, [tmp_path / "nowhere"], tmp_path / "out"))


@pytest.mark.parametrize("kind", ["auto", "movielens", "amazon", "table"])
def test_an_empty_folder_is_told_apart(kind: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(HeedmapError) as caught:
        finish(import_dataset(kind, [tmp_path / "empty"], tmp_path / "out"))
    assert caught.value.hint
    assert not (tmp_path / "out").exists()


def test_empty_and_unusable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("")
    with pytest.raises(HeedmapError, match=r"a\.json is empty"):
        finish(import_dataset("amazon", [tmp_path / "a.json"], tmp_path / "out"))
    (tmp_path / "b.json").write_text("no json at all\n")
    with pytest.raises(HeedmapError, match="no usable item was found"):
        finish(import_dataset("amazon", [tmp_path / "b.json"], tmp_path / "out"))
    with pytest.raises(HeedmapError, match="is not recognised"):
        recognise([tmp_path / "b.json"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json"]


def test_unknown_formats_and_options_are_named(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.json", [review()])
    with pytest.raises(HeedmapError, match=r"Unknown format 'ebay'\. Use one of auto, movielens, amazon, table"):
        finish(import_dataset("ebay", [tmp_path], tmp_path / "out"))
    with pytest.raises(HeedmapError, match=r"amazon has no option 'posters_only'\. Its options are name, images"):
        finish(import_dataset("amazon", [tmp_path], tmp_path / "out", posters_only="true"))
    with pytest.raises(HeedmapError, match="option catalogue is 'some'"):
        finish(import_dataset("amazon", [tmp_path], tmp_path / "out", catalogue="some"))


# --- real data ------------------------------------------------------------------------------------------------------


@real
def test_real_amazon_reviews_with_their_repeated_rows(imported: Opened) -> None:
    dataset = imported("auto", DATA / "amazon2018-all-beauty-5core")
    assert dataset.manifest.counts["events"] == 4161
    assert [(kind.reason, kind.count) for kind in check(dataset).problems] == [
        ("repeated row: same reviewer, product and time", 1108)
    ]


@real
@pytest.mark.parametrize("name", ["Musical_Instruments_5.first50.json", "Musical_instruments_reviews.499.csv"])
def test_real_amazon_reviews_of_2014(name: str, imported: Opened) -> None:
    path = DATA / "amazon2014-musical-samples" / name
    dataset = imported("auto", path)
    assert dataset.manifest.counts["reviews"] == (50 if "50" in name else 499)
    assert dataset.manifest.counts["problems"] == 0


@real
def test_real_fashion_catalogue(tmp_path: Path, imported: Opened) -> None:
    (tmp_path / "fashion.toml").write_text(
        '[items]\nfile = "styles.csv"\nitem = "id"\ntitle = "productDisplayName"\nphoto = "images/{id}.jpg"\n'
        'category = ["masterCategory", "subCategory", "articleType"]\nattributes = ["gender", "baseColour"]\n'
    )
    report = check(imported("auto", tmp_path / "fashion.toml", DATA / "fashion-catalogue"))
    assert (report.counts["items"], report.items_without_photo, report.counts["problems"]) == (3000, 0, 0)


@real
def test_real_recbole_files(tmp_path: Path, imported: Opened) -> None:
    (tmp_path / "recbole.toml").write_text(
        'domain = "video"\n[items]\nfile = "ml-100k.item"\nitem = "item_id:token"\ntitle = "movie_title:token_seq"\n'
        'attributes = { genre = { column = "class:token_seq", separator = " " } }\n'
        '[events]\nfile = "ml-100k.inter"\nuser = "user_id:token"\nitem = "item_id:token"\nvalue = "rating:float"\n'
        'time = "timestamp:float"\nfixed = { kind = "rating" }\n'
    )
    report = check(imported("auto", tmp_path / "recbole.toml", DATA / "recbole-ml-100k"))
    assert (report.counts["items"], report.counts["users"], report.counts["events"]) == (1682, 943, 100_000)
    assert report.time_range == ("1997-09-20T03:05:10+00:00", "1998-04-22T23:10:38+00:00")


@real
@pytest.mark.slow
def test_real_films_with_posters(imported: Opened) -> None:
    dataset = imported("auto", DATA / "movielens-posters-reviews", posters_only="true")
    counts = dataset.manifest.counts
    assert (counts["items"], counts["events"], counts["users"], counts["reviews"]) == (4888, 93_226, 610, 12_953)
    assert check(dataset).items_without_photo == 0
