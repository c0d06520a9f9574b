"""What a dataset holds, what it lacks and what was rejected on the way in: the answer of `heedmap check`."""

from __future__ import annotations

from dataclasses import dataclass

from engine.dataset.store import Dataset


@dataclass(frozen=True)
class ProblemKind:
    """Rejected or mended rows of one source that share a reason. `rows` are the first few records' numbers."""

    source: str
    column: str | None
    reason: str
    count: int
    rows: tuple[int, ...]
    example: str | None


@dataclass(frozen=True)
class DamagedFile:
    path: str
    fault: str


@dataclass(frozen=True)
class CheckReport:
    """Counts are of rows. An item's text is its description or a review; a title alone is none."""

    name: str
    counts: dict[str, int]
    time_range: tuple[str, str] | None
    notes: tuple[str, ...]
    problems: tuple[ProblemKind, ...]  # the most frequent first
    damaged: tuple[DamagedFile, ...]
    items_without_photo: int
    items_without_text: int
    items_without_events: int
    shoppers_with_one_event: int
    events_without_item: int  # their product is not among the items
    reviews_without_user: int

    @property
    def whole(self) -> bool:
        """Whether every file is as it was written."""
        return not self.damaged


def check(dataset: Dataset) -> CheckReport:
    """Look through a dataset and at the hash of every file."""
    return CheckReport(
        name=dataset.manifest.name,
        counts=dict(dataset.manifest.counts),
        time_range=dataset.manifest.time_range,
        notes=dataset.manifest.notes,
        problems=problem_kinds(dataset),
        damaged=tuple(DamagedFile(path, fault) for path, fault in dataset.damaged()),
        items_without_photo=_count(dataset, "items WHERE coalesce(len(images), 0) = 0"),
        items_without_text=_count(
            dataset, "items WHERE description IS NULL AND item NOT IN (SELECT item FROM reviews WHERE text IS NOT NULL)"
        ),
        items_without_events=_count(dataset, "items WHERE item NOT IN (SELECT item FROM events)"),
        shoppers_with_one_event=_count(dataset, '(SELECT "user" FROM events GROUP BY "user" HAVING count(*) = 1)'),
        events_without_item=_count(dataset, "events WHERE item NOT IN (SELECT item FROM items)"),
        reviews_without_user=_count(dataset, 'reviews WHERE "user" IS NULL'),
    )


def problem_kinds(dataset: Dataset) -> tuple[ProblemKind, ...]:
    """The problems by source, column and reason, the most frequent first; a reason's numbers do not part it."""
    rows = dataset.rows(
        """
        SELECT regexp_replace(source, '^(.*)/[^/]*$', '\\1') AS place, "column",
               first(reason ORDER BY "row"), count(*),
               list("row" ORDER BY "row")[1:3], first(value ORDER BY "row")
        FROM problems
        GROUP BY place, "column", regexp_replace(reason, '[0-9]+', '#', 'g')
        ORDER BY count(*) DESC, place, 2, 3
        """
    )
    return tuple(
        ProblemKind(source, column, reason, count, tuple(row for row in first if row is not None), example)
        for source, column, reason, count, first, example in rows
    )


def _count(dataset: Dataset, what: str) -> int:
    return int(dataset.rows(f"SELECT count(*) FROM {what}")[0][0])
