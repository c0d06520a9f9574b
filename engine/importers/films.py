"""What is known of films: MovieLens titles and genres, OMDb plots and casts, the IMDB-5000 table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.importers.reading import Report, Source
from engine.importers.values import attributes, number, prose, text
from engine.jobs import Job

_YEAR = re.compile(r"\((\d{4})(?:\s*[-\u2013]\s*(?:\d{4})?)?\)$")
_ARTICLES = "The|A|An|La|Le|Les|L'|Das|Der|Die|Ein|Eine|El|Los|Las|Il|Lo|Gli|I|Un|Une|Una|Den|Det|De|O|Os|As"
_INVERTED = re.compile(rf"^(.*\S), ({_ARTICLES})(: .*)?$")
_ASIDES = re.compile(r"(.*?)((?:\s*\([^()]*\))*)")
_ASIDE = re.compile(r"\s*\([^)]*\)")
_IMDB = re.compile(r"tt(\d+)")
_LENGTHS = ((60, "under 60 min"), (90, "60 to 89 min"), (120, "90 to 119 min"), (150, "120 to 149 min"))


@dataclass(frozen=True)
class Film:
    """One film, ready for the items table; `people` are (relation, name)."""

    item: str
    row: int  # its line in movies.csv
    title: str
    description: str | None
    attributes: list[dict[str, str]]
    people: tuple[tuple[str, str], ...]


class Films:
    """The films of movies.csv in its order, each with what the other files add."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._movies: list[tuple[int, str, str, str]] = []
        self._imdb: dict[str, str] = {}
        self._omdb: dict[str, dict[str, Any]] = {}
        self._facts: dict[str, dict[str, str]] = {}

    def __len__(self) -> int:
        return len(self._movies)

    def read(self, tables: Path, beside: Path) -> Job:
        """Read the files that are there; only movies.csv must be."""
        movies = Source(tables / "movies.csv", self._report)
        yield from movies.watched(movies.csv_rows(needed=("movieId", "title", "genres")), self._movie)
        if (tables / "links.csv").is_file():
            links = Source(tables / "links.csv", self._report)
            yield from links.watched(links.csv_rows(needed=("movieId", "imdbId")), self._link)
        if (beside / "omdb_by_imdbid.jsonl").is_file():
            plots = Source(beside / "omdb_by_imdbid.jsonl", self._report)
            yield from plots.watched(plots.json_lines(), self._plot)
        if (beside / "imdb5000_movie_metadata.csv").is_file():
            facts = Source(beside / "imdb5000_movie_metadata.csv", self._report)
            yield from facts.watched(facts.csv_rows(needed=("movie_imdb_link",)), self._fact)

    def all(self) -> Iterator[Film]:
        for row, item, title, genres in self._movies:
            imdb = self._imdb.get(item, "")
            yield _film(row, item, title, genres, self._omdb.get(imdb, {}), self._facts.get(imdb, {}))

    def _movie(self, row: int, record: dict[str, str]) -> None:
        self._movies.append((row, record["movieId"].strip(), record["title"], record["genres"]))

    def _link(self, row: int, record: dict[str, str]) -> None:
        if imdb := record["imdbId"].strip():
            self._imdb[record["movieId"].strip()] = imdb.zfill(7)

    def _plot(self, row: int, record: dict[str, Any]) -> None:
        imdb = text(record.get("imdbId"))
        if imdb is None:
            return self._report("omdb_by_imdbid.jsonl", row, "imdbId", None, "missing")
        if _known(record.get("Plot")) is None:
            self._report("omdb_by_imdbid.jsonl", row, "Plot", record.get("Plot"), "no plot: the film has none")
        self._omdb.setdefault(imdb, record)
        return None

    def _fact(self, row: int, record: dict[str, str]) -> None:
        link = record["movie_imdb_link"]
        if found := _IMDB.search(link):
            self._facts.setdefault(found[1].zfill(7), record)
        else:
            self._report("imdb5000_movie_metadata.csv", row, "movie_imdb_link", link, "no IMDb number")


def title_and_year(raw: str) -> tuple[str, str | None]:
    """Split "City of Lost Children, The (Cité des enfants perdus, La) (1995)" into a readable title and its year.

    >>> title_and_year("Matrix, The (1999)")
    ('The Matrix', '1999')
    """
    title, year = raw.strip(), None
    if found := _YEAR.search(title):
        title, year = title[: found.start()].strip(), found[1]
    if (found := _ASIDES.fullmatch(title)) and found[1]:
        asides = (_upright(aside.removeprefix("a.k.a. ")) for aside in re.findall(r"\(([^()]+)\)", found[2]))
        title = " ".join([_upright(found[1]), *(f"({aside})" for aside in asides)])
    return title, year


def _upright(title: str) -> str:
    """ "Matrix, The" is "The Matrix"; "Avventura, L'" is "L'Avventura"."""
    found = _INVERTED.match(title.strip())
    if found is None:
        return title.strip()
    return f"{found[2]}{'' if found[2].endswith(chr(39)) else ' '}{found[1]}{found[3] or ''}"


def _film(row: int, item: str, raw: str, genres: str, omdb: dict[str, Any], facts: dict[str, str]) -> Film:
    title, year = title_and_year(raw)
    if year is None and (found := re.match(r"\d{4}", str(omdb.get("Year") or facts.get("title_year") or ""))):
        year = found[0]
    told = {
        "genre": [genre for genre in genres.split("|") if genre.strip() and genre != "(no genres listed)"],
        "year": year,
        "decade": f"{year[:3]}0s" if year else None,
        "content_rating": _content_rating(_known(facts.get("content_rating")) or _known(omdb.get("Rated"))),
        "language": _listed(omdb.get("Language")) or _known(facts.get("language")),
        "country": _listed(omdb.get("Country")) or _known(facts.get("country")),
        "duration": _length(_known(omdb.get("Runtime")) or _known(facts.get("duration"))),
        "colour": (_known(facts.get("color")) or "").lower(),
        "keyword": [word for word in (facts.get("plot_keywords") or "").split("|") if word.strip()],
    }
    directors = _people(_listed(omdb.get("Director")), facts, "director_name")
    actors = _people(_listed(omdb.get("Actors")), facts, "actor_1_name", "actor_2_name", "actor_3_name")
    people = [("directed_by", name) for name in directors] + [("acted_by", name) for name in actors]
    return Film(item, row, title, prose(_known(omdb.get("Plot"))), attributes(told), tuple(people))


def _known(value: object) -> str | None:
    words = text(value)
    return None if words in (None, "N/A") else words


def _listed(value: object) -> list[str]:
    """The parts of "Tom Hanks, Tim Allen"; remarks in brackets go."""
    return [part for part in (_ASIDE.sub("", part).strip() for part in (_known(value) or "").split(", ")) if part]


def _people(names: list[str], facts: dict[str, str], *columns: str) -> list[str]:
    more = [name for column in columns if (name := _known(facts.get(column)))]
    return list(dict.fromkeys([*names, *more]))


def _content_rating(value: str | None) -> str | None:
    if value is None:
        return None
    if value.lower() in ("not rated", "unrated"):
        return "Not Rated"
    return value.title() if value.isalpha() and len(value) > 5 else value


def _length(value: str | None) -> str | None:
    """ "81 min" falls in "60 to 89 min"."""
    try:
        minutes = number((value or "").removesuffix(" min"))
    except ValueError:
        return None
    return next((words for limit, words in _LENGTHS if minutes < limit), "150 min and more")
