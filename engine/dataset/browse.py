"""Looking through a dataset's tables: pages of rows under a search, filters and a sort, and how values lie.

Parquet is queried where it lies. What stays in memory of a query is the order of its rows, eight bytes each.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.aside import aside
from engine.dataset.columns import find_columns
from engine.dataset.conditions import COUNTED, PRODUCT, Select, expression, is_counted, select, texts_of, values
from engine.dataset.laid_out import LaidOut
from engine.dataset.schema import ADDED, TABLES
from engine.dataset.store import Dataset
from engine.dataset.tables import (
    TABLE_NAMES,
    Cell,
    Column,
    Distribution,
    Page,
    Query,
    Record,
    Tables,
)
from engine.dataset.words import LARGE, Words
from engine.errors import HeedmapError
from engine.jobs import Progress
from engine.natural import sort_term

T = TypeVar("T")
LONGEST = 300  # characters of a text in a page; a Record has it whole
MOST_ROWS = 100_000  # of one page
BARS = 24
TOP = 20
_KEPT_ORDERS, _ORDER_BYTES = 6, 64 << 20
_MEMORY = "1GB"  # that DuckDB takes; beyond, it writes to temporary files
_KEYS = {"items": "item", "users": "user", "reviews": "review"}
_KEYS_OF_LINKS = (("links", "head"), ("links", "tail"))  # beside the columns that are keys of the table itself

Order = NDArray[np.int32] | None  # row numbers, or None for the file's own order


class Unwanted(Exception):
    """Nobody waits for the answer any more."""


class Browser:
    """The tables of one opened dataset. Rows are called by their number in the table's file."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._orders: OrderedDict[tuple[str, Query, str, bool], NDArray[np.int32]] = OrderedDict()
        self._sort_terms: dict[tuple[str, str], str] = {}
        self._laid_out = LaidOut()
        self._counted: dict[str, dict[str, NDArray[Any]]] = {}
        self._item_rows: tuple[NDArray[np.uint64], NDArray[np.int64]] | None = None
        self._words = Words(dataset.connection)
        self._unwanted = threading.Event()
        dataset.query("SET enable_progress_bar = false")  # DuckDB would draw one on the terminal
        dataset.query(f"SET memory_limit = '{_MEMORY}'")
        dataset.query("SET temp_directory = '" + str(self._words.folder / "spilled").replace("'", "''") + "'")
        for table in TABLE_NAMES:
            path = str(self._path(table)).replace("'", "''")
            source = f"read_parquet('{path}', file_row_number = true)"
            there = {row[0] for row in dataset.rows(f"DESCRIBE FROM {source}")}
            later = "".join(
                f", NULL::{kind} AS {name}"
                for name, kind in ADDED.items()
                if name in TABLES[table].names and name not in there
            )
            dataset.query(f"CREATE OR REPLACE VIEW rows_{table} AS SELECT *{later} FROM {source}")
        self.counts = {table: int(dataset.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in TABLE_NAMES}
        self._columns = {
            table: {one.name: one for one in find_columns(dataset, table, self.counts[table])} for table in TABLE_NAMES
        }

    def close(self) -> None:
        self._laid_out.close()
        self._words.close()
        self.dataset.close()

    def job(self, stage: str, work: Callable[[], T]) -> Generator[Progress, None, T]:
        """Return what `work` returns, which asks this browser; given up, what it asks is interrupted."""
        try:
            return (yield from aside(stage, work, self.interrupt))
        finally:
            self._unwanted.clear()

    def interrupt(self) -> None:
        """From another thread: end what is being asked."""
        self._unwanted.set()
        self.dataset.interrupt()

    def tables(self) -> Tables:
        manifest = self.dataset.manifest
        columns = {table: tuple(found.values()) for table, found in self._columns.items()}
        return Tables(str(self.dataset.folder), manifest.name, manifest.synthetic, columns, self.counts, manifest.notes)

    def columns(self, table: str) -> tuple[Column, ...]:
        """The columns of a table, nested ones unfolded, in the order they are shown in. HeedmapError on no table."""
        return tuple(self._known(table).values())

    def count(self, table: str, query: Query) -> int:
        """How many rows a query finds."""
        order = self._order(table, query, "", False)
        return self.counts[table] if order is None else len(order)

    def page(
        self,
        table: str,
        query: Query,
        columns: Sequence[str],
        sort: str = "",
        descending: bool = False,
        offset: int = 0,
        limit: int = 200,
        longest: int = LONGEST,
    ) -> Page:
        """Rows `offset` to `offset + limit` of what a query finds, sorted by a column ("": as the file has them).
        longest: characters of a text, 0 for the whole of it."""
        wanted = [self._column(table, name) for name in columns]
        self._laid_out.want(table, self._path(table))
        if "item" in TABLES[table].names:
            self._laid_out.want("items", self._path("items"))
        order = self._order(table, query, sort, descending)
        total = self.counts[table] if order is None else len(order)
        limit = min(limit, MOST_ROWS)
        if order is None:
            rows = np.arange(min(offset, total), min(offset + limit, total), dtype=np.int64)
        else:
            rows = order[offset : offset + limit].astype(np.int64)
        stored = _stored(table, wanted)
        named = [name for name in ("item", "user") if name in TABLES[table].names]
        if table == "links":
            named = ["head_kind", "head", "tail_kind", "tail"]
        raw = self._raw(table, rows, list(dict.fromkeys([*stored, *named])))
        products = self._products(_products_named(table, raw))
        cells = tuple(tuple(self._cells(table, column, rows, raw, products, longest)) for column in wanted)
        items, users = tuple(raw.get("item", ())), tuple(raw.get("user", ()))
        return Page(table, offset, total, tuple(rows.tolist()), tuple(columns), cells, products, items, users)

    def record(self, table: str, row: int) -> Record:
        """One row, whole. HeedmapError where there is none of that number."""
        known = self._known(table)
        if not 0 <= row < self.counts[table]:
            raise HeedmapError(f"{table} has no row {row}.", "Read the table again.")
        at = np.array([row], dtype=np.int64)
        raw = self._raw(table, at, list(TABLES[table].names))
        products = self._products(_products_named(table, raw)) if table != "items" else {}
        found: list[tuple[str, Cell]] = []
        for column in known.values():
            if column.kind == "photo":
                continue
            if column.attribute or column.kind == "list":
                source = column.name.partition(".")[0]
                parts = _parts(raw[source][0], column)
                found.append((column.name, tuple(parts) or None))
            else:
                found.append((column.name, next(iter(self._cells(table, column, at, raw, products, longest=0)))))
        images = tuple(raw["images"][0] or ()) if table == "items" else ()
        product = next(iter(products.values()), None) if table in ("events", "reviews") else None
        return Record(table, row, tuple(found), images, product)

    def keys(self, table: str, query: Query, of: str) -> tuple[str, ...]:
        """The products ("items") or shoppers ("users") of the rows that a query finds, each once, in order."""
        name = "item" if of == "items" else "user"
        if name not in TABLES[table].names:
            raise HeedmapError(f"The rows of {table} are not of {of}.", "Open the table of products or of shoppers.")
        chosen = self._select(table, query)
        found = self.dataset.rows(
            f"SELECT t.{name} {chosen.tail} GROUP BY t.{name} ORDER BY min(t.file_row_number)", chosen.parameters
        )
        return tuple(str(row[0]) for row in found if row[0] is not None)

    def distribution(self, table: str, column: str, query: Query, bars: int = BARS, top: int = TOP) -> Distribution:
        """How a column's values lie over the rows that a query finds: bars for numbers and times, else the most
        frequent values. A row may have several values of a list; the share of rows without any is `missing`."""
        one = self._column(table, column)
        chosen = self._select(table, query, one)
        value = expression(table, one)
        if one.numeric:
            return self._bars(one, f"SELECT {value} AS v {chosen.tail}", chosen.parameters, bars)
        several = bool(one.attribute) or one.kind == "list"
        listed = f"SELECT {value} AS v, {values(one) if several else f'[{value}]'} AS l {chosen.tail}"
        total, missing = self.dataset.rows(f"SELECT count(*), count(*) - count(v) FROM ({listed})", chosen.parameters)[
            0
        ]
        ranked = self.dataset.rows(
            f"SELECT v, count(*) AS n, count(*) OVER () FROM (SELECT unnest(l) AS v FROM ({listed})) "
            f"WHERE v IS NOT NULL AND v <> '' GROUP BY v ORDER BY n DESC, v LIMIT {top}",
            chosen.parameters,
        )
        distinct = int(ranked[0][2]) if ranked else 0
        pairs = tuple((str(name)[:LONGEST], int(count)) for name, count, _ in ranked)
        return Distribution(column, one.kind, int(total), int(missing), top=pairs, distinct=distinct)

    def _bars(self, column: Column, source: str, parameters: list[Any], bars: int) -> Distribution:
        total, there, low, high, median, mean, whole, half = self.dataset.rows(
            "SELECT count(*), count(v), min(v), max(v), median(v), avg(v), bool_and(v = floor(v)), "
            f"bool_and(2 * v = floor(2 * v)) FROM ({source}) WHERE v IS NULL OR isfinite(v::DOUBLE)",
            parameters,
        )[0]
        missing = int(total) - int(there)
        if not there:
            return Distribution(column.name, column.kind, int(total), missing)
        grain = 1.0 if whole else 0.5 if half else 0.0  # stars are often given by halves
        edges = _edges(float(low), float(high), bars, column.kind, grain)
        step = edges[1] - edges[0]
        counts = [0] * (len(edges) - 1)
        for place, count in self.dataset.rows(
            f"SELECT least(floor((v - ?) / ?), ?)::BIGINT, count(*) FROM ({source}) "
            "WHERE v IS NOT NULL AND isfinite(v::DOUBLE) GROUP BY 1",
            [edges[0], step, len(counts) - 1, *parameters],
        ):
            counts[int(place)] += int(count)
        return Distribution(
            column.name, column.kind, int(total), missing, tuple(edges), tuple(counts), float(median), float(mean),
            single=column.kind != "time" and abs(step - grain) < 1e-9,
        )  # fmt: skip

    # --- rows and their order ---------------------------------------------------------------------------------------

    def _order(self, table: str, query: Query, sort: str, descending: bool) -> Order:
        if query.everything and not sort:
            return None
        asked = (table, query, sort, descending)
        if asked not in self._orders:
            self._orders[asked] = self._find(*asked)
            while len(self._orders) > 1 and (
                len(self._orders) > _KEPT_ORDERS or sum(one.nbytes for one in self._orders.values()) > _ORDER_BYTES
            ):
                self._orders.popitem(last=False)
        self._orders.move_to_end(asked)
        return self._orders[asked]

    def _find(self, table: str, query: Query, sort: str, descending: bool) -> NDArray[np.int32]:
        """Row numbers of what a query finds, in order."""
        whole = self._orders.get((table, Query(), sort, descending))
        if sort and not query.everything and whole is not None:  # all rows were sorted before
            kept = np.zeros(self.counts[table], bool)
            kept[self._order(table, query, "", False)] = True
            return whole[kept[whole]]
        used = [self._column(table, sort)] if sort else []
        chosen = self._select(table, query, *used)
        by = "t.file_row_number"
        if used:
            value = expression(table, used[0])
            term = value if used[0].numeric else f"lower({value})"
            if used[0].kind == "key" or (table, sort) in _KEYS_OF_LINKS:
                term = self._sort_term(table, value)
            by = f"{term} {'DESC' if descending else 'ASC'} NULLS LAST, {by}"
        rows = self.dataset.columns(f"SELECT t.file_row_number AS row {chosen.tail} ORDER BY {by}", chosen.parameters)
        return rows["row"].astype(np.int32)

    def _sort_term(self, table: str, value: str) -> str:
        """What a column of keys is ordered by, as all of them together want it."""
        if (table, value) not in self._sort_terms:
            self._sort_terms[table, value] = sort_term(value, f"FROM rows_{table} AS t", self._answered)
        return self._sort_terms[table, value]

    def _answered(self, asked: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self.dataset.rows(asked, list(parameters))

    def _select(self, table: str, query: Query, *used: Column) -> Select:
        """The rows of a query; what is counted over the other tables is worked out where it is asked for."""
        known, names = self._known(table), {one.name for one in used} | {one.column for one in query.filters}
        if names & set(COUNTED.get(table, ())):
            self._count_over(table)
        written = self._written(table) if query.text.strip() and self.counts[table] > LARGE else ""
        return select(table, f"rows_{table}", known, query, *used, written=written)

    def _written(self, table: str) -> str:
        """The table of its rows' texts, once it is there: in SQL; "" where it cannot be had."""
        self._words.want(table, texts_of(table, f"rows_{table}"))
        while not self._words.ready(table, 0.05):
            if self._unwanted.is_set():
                raise Unwanted
        return self._words.name(table)

    def _raw(self, table: str, rows: NDArray[np.int64], names: Sequence[str]) -> dict[str, list[Any]]:
        """Stored columns of the rows, in their order; times in milliseconds."""
        if not len(rows) or not names:
            return {name: [None] * len(rows) for name in names}
        laid = self._laid_out.take(table, rows, names)
        if laid is not None:
            return laid
        kinds = {one.name: str(one.type) for one in TABLES[table]}
        wanted = ", ".join(f'epoch_ms("{name}")' if "timestamp" in kinds[name] else f'"{name}"' for name in names)
        first, last = int(rows[0]), int(rows[-1])
        where = f"BETWEEN {first} AND {last}"
        if last - first + 1 != len(rows):
            where = f"IN ({', '.join(map(str, rows.tolist()))})"
        found = {
            row[0]: row[1:]
            for row in self.dataset.rows(
                f"SELECT file_row_number, {wanted} FROM rows_{table} WHERE file_row_number {where}"
            )
        }
        return {name: [found[row][at] for row in rows.tolist()] for at, name in enumerate(names)}

    def _cells(
        self,
        table: str,
        column: Column,
        rows: NDArray[np.int64],
        raw: dict[str, list[Any]],
        products: dict[str, tuple[str, str | None]],
        longest: int = LONGEST,
    ) -> list[Cell]:
        """A column of a page."""
        if is_counted(table, column):
            counted = self._count_over(table)[column.name][rows]
            return [None if value < 0 else int(value) for value in counted.tolist()]
        if column.kind == PRODUCT:
            return [products.get(key, ("", None))[0] or None for key in raw["item"]]
        if column.kind == "photo":
            return [(photos or [None])[0] for photos in raw[column.name]]
        if column.attribute or column.kind == "list":
            source = column.name.partition(".")[0]
            glue = " › " if column.name == "category" else ", "
            return [_cut(glue.join(_parts(value, column)) or None, longest) for value in raw[source]]
        return [_cut(_clean(value), longest) for value in raw[column.name]]

    def _products(self, keys: Sequence[str]) -> dict[str, tuple[str, str | None]]:
        """Title and first photo of products, by their key; those that the catalogue does not have are left out."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            return {}
        if self._item_rows is None:
            hashes = self.dataset.query("SELECT hash(item) AS h FROM rows_items ORDER BY file_row_number")["h"]
            hashed = hashes.to_numpy(dtype=np.uint64)
            by = np.argsort(hashed, kind="stable").astype(np.int64)
            self._item_rows = (hashed[by], by)
        hashed, by = self._item_rows
        asked = self.dataset.query("SELECT hash(k) AS h FROM (SELECT unnest(?::VARCHAR[]) AS k)", [wanted])["h"]
        places = np.minimum(np.searchsorted(hashed, asked.to_numpy(dtype=np.uint64)), max(len(by) - 1, 0))
        rows = np.unique(by[places]) if len(by) else by
        raw = self._raw("items", rows, ("item", "title", "images"))
        known = {
            key: (str(title), (images or [None])[0])
            for key, title, images in zip(raw["item"], raw["title"], raw["images"], strict=True)
        }
        return {key: known[key] for key in wanted if key in known}

    def _count_over(self, table: str) -> dict[str, NDArray[Any]]:
        """What is counted for each product or shopper over the other tables, by its row; -1 where there is none."""
        if table not in self._counted:
            key = _KEYS[table]
            last = "max(epoch_ms(time))" if table == "users" else "0"
            reviews = (
                "LEFT JOIN (SELECT item, count(*) AS reviews FROM reviews GROUP BY item) AS r ON r.item = t.item"
                if table == "items"
                else ""
            )
            second = "coalesce(r.reviews, 0) AS reviews" if table == "items" else "e.last AS last"
            self.dataset.query(
                f"CREATE OR REPLACE TEMP TABLE counted_{table} AS "
                f"SELECT t.file_row_number AS row, coalesce(e.events, 0) AS events, {second} FROM rows_{table} AS t "
                f"LEFT JOIN (SELECT {key}, count(*) AS events, {last} AS last FROM events GROUP BY {key}) AS e "
                f"ON e.{key} = t.{key} {reviews} ORDER BY row"
            )
            names = COUNTED[table]
            frame = self.dataset.query(
                f"SELECT {', '.join(f'coalesce({name}, -1)::BIGINT AS {name}' for name in names)} FROM counted_{table}"
            )
            self._counted[table] = {name: frame[name].to_numpy(dtype=np.int64) for name in names}
        return self._counted[table]

    def _known(self, table: str) -> dict[str, Column]:
        if table not in self._columns:
            raise HeedmapError(f"There is no table {table!r}.", f"Choose from {', '.join(TABLE_NAMES)}.")
        return self._columns[table]

    def _column(self, table: str, name: str) -> Column:
        known = self._known(table)
        if name not in known:
            raise HeedmapError(f"{table} has no column {name!r}.", f"Choose from {', '.join(known)}.")
        return known[name]

    def _path(self, table: str) -> Path:
        return self.dataset.folder / f"{table}.parquet"


def _stored(table: str, columns: Sequence[Column]) -> list[str]:
    """The stored columns that these are made from."""
    names: dict[str, None] = {}
    for one in columns:
        source = one.name.partition(".")[0] if one.attribute else "item" if one.kind == PRODUCT else one.name
        if source in TABLES[table].names:
            names[source] = None
    return list(names)


def _products_named(table: str, raw: dict[str, list[Any]]) -> list[str]:
    if table in ("events", "reviews"):
        return [key for key in raw["item"] if key]
    if table == "links":
        pairs = [*zip(raw["head_kind"], raw["head"], strict=True), *zip(raw["tail_kind"], raw["tail"], strict=True)]
        return [key for kind, key in pairs if kind == "item"]
    return []


def _parts(value: Any, column: Column) -> list[str]:
    if column.attribute:
        return [str(one["value"]) for one in value or () if one["name"] == column.attribute and one["value"]]
    return [str(one) for one in value or () if one]


def _clean(value: Any) -> Cell:
    """Null for what is not there: an empty text, a number that is none."""
    if value == "" or (isinstance(value, float) and value != value):
        return None
    cell: Cell = value
    return cell


def _cut(value: Cell, longest: int) -> Cell:
    if longest and isinstance(value, str) and len(value) > longest:
        return value[:longest] + "…"
    return value


def _edges(low: float, high: float, bars: int, kind: str, grain: float) -> list[float]:
    """Round edges from at most `low` to above `high`. grain: what every value is a multiple of, or 0; few such values
    have a bar each."""
    if high <= low:
        return [low, low + (grain or 1.0)]
    if kind == "time":
        return np.linspace(low, high, bars + 1).tolist()
    rough = max((high - low) / bars, grain)
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * (1 - 1e-9)))
    first = float(np.floor(low / step) * step)
    count = int(np.floor((high - first) / step)) + 1
    return [first + step * n for n in range(count + 1)]
