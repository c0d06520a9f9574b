"""MovieLens (ml-latest and its like), with what may lie beside it: posters, plots, film facts and film reviews."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.dataset.store import DatasetWriter
from engine.errors import HeedmapError
from engine.importers.films import Film, Films
from engine.importers.reading import Source
from engine.importers.values import Clock, flag, number, prose, text
from engine.jobs import Job, Progress, every

_TABLES = ("movies.csv", "ratings.csv")
_REVIEWS = "imdb_reviews_joined.jsonl.gz"
_NOTE_REVIEWS = (
    "Film reviews are by anonymous IMDb users, not by the people who rated; they carry no time, "
    "and their ratings go from 1 to 10."
)
_NOTE_TAGS = "Short texts that raters attached to films (tags) are kept as reviews with their user and time."
_NOTE_POSTERS = "On request, {} films without a readable poster were left out, with {} ratings, {} tags and {} reviews."


def import_movielens(
    sources: list[Path],
    out: Path,
    *,
    name: str = "",
    posters_only: bool | str = False,
    extra_posters: bool | str = False,
    reviews: bool | str = True,
) -> Job:
    """Import a folder with movies.csv and ratings.csv, or the folder above it; tags.csv and links.csv when there.

    Beside it are used, when there: posters/<movieId>.jpg, omdb_by_imdbid.jsonl, imdb5000_movie_metadata.csv and
    imdb_reviews_joined.jsonl.gz.

    posters_only   keep only films with a readable poster, and what belongs to them.
    extra_posters  look for a poster in posters_extra/ too.
    reviews        import the film reviews.
    """
    only, extra = flag("posters_only", posters_only), flag("extra_posters", extra_posters)
    with_reviews = flag("reviews", reviews)
    tables, beside = _folders(sources)
    folders = [beside / "posters", *([beside / "posters_extra"] if extra else [])]
    if only and not any(folder.is_dir() for folder in folders):
        raise HeedmapError(f"{beside} has no folder posters.", "Leave out posters_only, or add the posters.")
    with DatasetWriter(
        out,
        name=name or ("movielens-posters" if only else "movielens"),
        domain="video",
        source=f"MovieLens ({tables.name}), GroupLens",
        licence="research only, no redistribution without permission (GroupLens); posters are studio artwork",
    ) as writer:
        films = Films(writer.problem)
        yield from films.read(tables, beside)
        shelf = _Shelf(writer, [folder for folder in folders if folder.is_dir()], only)
        for film, progress in every("Checking posters", list(films.all()), len(films)):
            shelf.add(film)
            if progress:
                yield progress
        yield from _read(writer, tables / "ratings.csv", shelf, "ratings")
        if (tables / "tags.csv").is_file():
            yield from _read(writer, tables / "tags.csv", shelf, "tags")
            writer.note(_NOTE_TAGS)
        if with_reviews and (beside / _REVIEWS).is_file():
            yield from _read(writer, beside / _REVIEWS, shelf, "reviews")
            writer.note(_NOTE_REVIEWS)
        if only:
            writer.note(_NOTE_POSTERS.format(len(shelf.left_out), *(shelf.skipped[row] for row in _ROWS)))
        yield Progress("Writing the dataset")
    return out


def is_movielens(source: Path) -> bool:
    """Whether a folder, or the one inside it, holds MovieLens tables."""
    return any(all((folder / table).is_file() for table in _TABLES) for folder in _candidates(source))


def _candidates(source: Path) -> list[Path]:
    return [source, *sorted(path for path in source.iterdir() if path.is_dir())] if source.is_dir() else []


def _folders(sources: list[Path]) -> tuple[Path, Path]:
    """The folder of the tables, and the folder of what lies beside them."""
    if len(sources) != 1 or not sources[0].exists():
        missing = [str(path) for path in sources if not path.exists()]
        what = f"{missing[0]} is missing." if missing else "MovieLens is imported from one folder."
        raise HeedmapError(what, "Name the folder that holds movies.csv and ratings.csv, or the one above it.")
    source = sources[0]
    for folder in _candidates(source):
        if all((folder / table).is_file() for table in _TABLES):
            above = folder.absolute().parent
            return folder, source if folder != source else (above if (above / "posters").is_dir() else source)
    raise HeedmapError(
        f"{source} holds no movies.csv and ratings.csv.", "Name the folder that holds them, or the one above it."
    )


class _Shelf:
    """The films of the dataset, each with its poster; knows which were left out."""

    def __init__(self, writer: DatasetWriter, folders: list[Path], only: bool) -> None:
        self._writer = writer
        self._folders = folders
        self._only = only
        self.left_out: set[str] = set()
        self.skipped: Counter[str] = Counter()

    def add(self, film: Film) -> None:
        poster = self._poster(film.item)
        if poster is None and self._only:
            self.left_out.add(film.item)
            return
        row: dict[str, Any] = {"item": film.item, "title": film.title, "description": film.description}
        row |= {"images": [poster] if poster else [], "attributes": film.attributes}
        if self._writer.add("items", row, "movies.csv", film.row):
            for relation, name in film.people:
                link = {"head_kind": "item", "head": film.item, "relation": relation}
                self._writer.add("links", {**link, "tail_kind": "person", "tail": name})

    def _poster(self, item: str) -> str | None:
        """The first readable poster; broken ones are problems, and a missing one is when posters are optional."""
        there = [path for folder in self._folders if (path := folder / f"{item}.jpg").exists()]
        for path in there:
            if poster := self._writer.add_image(path, f"{path.parent.name}/{path.name}"):
                return poster
        if not there and self._folders and not self._only:
            self._writer.problem(self._folders[0].name, None, "image", f"{item}.jpg", "photo is missing")
        return None

    def holds(self, file: Source, row: int, column: str, item: str, rows: str) -> bool:
        """Whether the film is here; if not, the row is a problem, or counted when its film was left out on request."""
        if self._writer.has("items", item):
            return True
        if item in self.left_out:
            self.skipped[rows] += 1
        else:
            file.problem(row, column, item, "no such film in movies.csv" if item else "missing")
        return False


def _read(writer: DatasetWriter, path: Path, shelf: _Shelf, rows: str) -> Job:
    """Read one of the files whose rows belong to films."""
    file = Source(path, writer.problem)
    columns, handler = _ROWS[rows]
    records = file.csv_rows(needed=columns) if columns else file.json_lines()
    yield from file.watched(records, handler(writer, file, shelf))


def _ratings(writer: DatasetWriter, file: Source, shelf: _Shelf) -> Callable[[int, dict[str, str]], None]:
    clock = Clock("s")

    def add(row: int, record: dict[str, str]) -> None:
        user, item = record["userId"].strip(), record["movieId"].strip()
        if not shelf.holds(file, row, "movieId", item, "ratings"):
            return None
        try:
            stars = number(record["rating"])
        except ValueError as error:
            return file.problem(row, "rating", record["rating"], str(error))
        if not 0 < stars <= 5:
            return file.problem(row, "rating", record["rating"], "not between 0.5 and 5 stars")
        try:
            time = clock.read(record["timestamp"])
        except ValueError as error:
            return file.problem(row, "timestamp", record["timestamp"], str(error))
        event = {"user": user, "item": item, "time": time, "kind": "rating", "value": stars}
        if writer.add("events", event, file.path.name, row) and not writer.has("users", user):
            writer.add("users", {"user": user})
        return None

    return add


def _tags(writer: DatasetWriter, file: Source, shelf: _Shelf) -> Callable[[int, dict[str, str]], None]:
    clock = Clock("s")

    def add(row: int, record: dict[str, str]) -> None:
        user, item = text(record["userId"]), record["movieId"].strip()
        if not shelf.holds(file, row, "movieId", item, "tags"):
            return None
        words = text(record["tag"])
        if words is None or user is None:
            return file.problem(row, "tag" if user else "userId", None, "missing")
        try:
            time = clock.read(record["timestamp"])
        except ValueError as error:
            return file.problem(row, "timestamp", record["timestamp"], str(error))
        tag = {"review": f"tag:{row}", "item": item, "user": user, "text": words, "time": time}
        writer.add("reviews", tag, file.path.name, row)
        return None

    return add


def _reviews(writer: DatasetWriter, file: Source, shelf: _Shelf) -> Callable[[int, dict[str, Any]], None]:
    def add(row: int, record: dict[str, Any]) -> None:
        item = text(record.get("movieId")) or ""
        if not shelf.holds(file, row, "movieId", item, "reviews"):
            return None
        words = prose(record.get("text"))
        if words is None:
            return file.problem(row, "text", None, "missing")
        try:
            rating = None if record.get("rating10") is None else number(record["rating10"])
        except ValueError as error:
            return file.problem(row, "rating10", record["rating10"], str(error))
        review = {"review": f"imdb:{record.get('review_id') or row}", "item": item, "text": words}
        writer.add("reviews", {**review, "rating": rating, "language": "en"}, file.path.name, row)
        return None

    return add


_Handler = Callable[[DatasetWriter, Source, _Shelf], Callable[[int, dict[str, Any]], None]]
# What may belong to a film: the columns that its CSV file must have (none: JSON lines), and what is done with a row.
_ROWS: dict[str, tuple[tuple[str, ...], _Handler]] = {
    "ratings": (("userId", "movieId", "rating", "timestamp"), _ratings),
    "tags": (("userId", "movieId", "tag", "timestamp"), _tags),
    "reviews": ((), _reviews),
}
