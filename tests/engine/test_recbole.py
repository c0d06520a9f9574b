"""RecBole's atomic files become a dataset; what does not fit is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.dataset.statistics import check
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.importers import import_dataset, recognise
from engine.jobs import finish

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "recbole-ml-100k"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    written = {
        "inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "7\ta\t5\t881250949\n7\tb\tfour\t881250950\n8\tx\t3\t881250951\n8\tb\t4\t881250952\n8\tb\n",
        "item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\tprice:float\n"
        'a\t"Quoted" at the start\t1995\tDrama Comedy\t2.5\nb\tSecond "film\t1996\tDrama\t\nc\tThird\t\t\tcheap\n',
        "user": "user_id:token\tage:token\n7\t24\n8\t53\n",
        "kg": "head_id:token\trelation_id:token\ttail_id:token\n"
        "m.a\tfilm.film.genre\tm.drama\nm.b\tfilm.film.genre\tm.drama\nm.a\tfilm.film.actor\tm.someone\n"
        "m.a\tfilm.film.sequel\tm.b\nm.drama\tfilm.genre.films\tm.a\nm.else\tfilm.film.genre\tm.drama\n",
        "link": "item_id:token\tentity_id:token\na\tm.a\nb\tm.b\nz\tm.else\n",
    }
    for suffix, content in written.items():
        (folder / f"tiny.{suffix}").write_text(content)
    return folder


@pytest.fixture
def imported(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Dataset]:
    def run(*sources: Path, **options: Any) -> Dataset:
        out = tmp_path / "out"
        finish(import_dataset("auto", list(sources), out, **options))
        dataset = Dataset.open(out)
        request.addfinalizer(dataset.close)
        return dataset

    return run


def test_products_shoppers_events_and_links_arrive(files: Path, imported: Callable[..., Dataset]) -> None:
    assert recognise([files]) == recognise([files / "tiny.inter"]) == "recbole"
    dataset = imported(files)
    assert (dataset.manifest.name, dataset.manifest.domain) == ("tiny", "video")
    assert dataset.rows("SELECT item, title, price FROM items") == [
        ("a", '"Quoted" at the start', 2.5),
        ("b", 'Second "film', None),
        ("c", "Third", None),
    ]
    attributes = dataset.rows("SELECT attributes FROM items WHERE item = 'a'")[0][0]
    assert [(one["name"], one["value"]) for one in attributes] == [
        ("release_year", "1995"),
        ("class", "Drama"),
        ("class", "Comedy"),
    ]
    assert dataset.rows('SELECT "user", item, value, kind FROM events') == [
        ("7", "a", 5.0, "rating"),
        ("8", "b", 4.0, "rating"),
    ]
    assert dataset.rows('SELECT "user", attributes[1].value FROM users') == [("7", "24"), ("8", "53")]
    # The actor is no other film's, and the genre's own triple says nothing new.
    assert sorted(dataset.rows("SELECT head, relation, tail_kind, tail FROM links")) == [
        ("a", "genre", "entity", "m.drama"),
        ("a", "sequel", "item", "b"),
        ("b", "genre", "entity", "m.drama"),
    ]
    assert "1 links to what no second product shares, and 1 that repeat others" in dataset.manifest.notes[0]
    assert sorted(dataset.rows('SELECT source, "row", "column", reason FROM problems')) == [
        ("tiny.inter", 3, "rating", "not a number"),
        ("tiny.inter", 4, "item_id", "no such product in the .item file"),
        ("tiny.inter", 6, None, "2 columns where the header has 4"),
        ("tiny.item", 4, "price", "not a number"),
    ]


def test_interactions_alone_are_enough(files: Path, imported: Callable[..., Dataset]) -> None:
    for suffix in ("item", "user", "kg", "link"):
        (files / f"tiny.{suffix}").unlink()
    dataset = imported(files / "tiny.inter", value="none", domain="music", event="like")
    assert dataset.rows("SELECT item, title FROM items") == [("a", "a"), ("b", "b"), ("x", "x")]
    assert dataset.rows("SELECT kind, value, count(*) FROM events GROUP BY ALL") == [("like", None, 4)]


def test_other_names_of_columns_and_files_that_do_not_fit(files: Path, tmp_path: Path) -> None:
    def fails(match: str, source: Path, **options: Any) -> None:
        with pytest.raises(HeedmapError, match=match):
            finish(import_dataset("recbole", [source], tmp_path / "out", **options))
        assert not (tmp_path / "out").exists()

    fails("has no column when", files, time="when")
    fails("domain is 'garden'", files, domain="garden")
    (files / "other.inter").write_text((files / "tiny.inter").read_text().replace("user_id:token", "user_id"))
    fails("holds 2 .inter files", files)
    fails("'user_id' .* has no type", files / "other.inter")
    (tmp_path / "empty").mkdir()
    fails("holds no .inter file", tmp_path / "empty")


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not here")
def test_real_movielens_with_its_knowledge_graph(imported: Callable[..., Dataset]) -> None:
    report = check(imported(DATA))
    assert (report.counts["items"], report.counts["users"], report.counts["events"]) == (1682, 943, 100_000)
    assert report.counts["problems"] == 0
    assert 20_000 < report.counts["links"] < 72_592
