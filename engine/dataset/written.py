"""What is written of products: title, description and reviews, for the explanation of one product after another."""

from __future__ import annotations

from typing import NamedTuple

from engine.dataset.store import Dataset

READ_WHOLE = 50_000  # reviews, and products, up to which a shop's texts are held in memory

_PAGE = (
    "SELECT item, 'title', title, '', NULL, 0, NULL FROM items {where} UNION ALL "
    "SELECT item, 'description', description, '', NULL, 1, NULL FROM items {where} UNION ALL "
    "SELECT item, 'review:' || review, text, coalesce(\"user\", ''), rating, 2, epoch_ms(time) FROM reviews {where} "
    "ORDER BY 6, 7 DESC NULLS LAST, 2"
)


class WrittenText(NamedTuple):
    """One text. field: "title", "description" or "review:" and its key; author: "" where nobody of the shop."""

    field: str
    text: str | None
    author: str
    rating: float | None


class Written:
    """Texts of a dataset's products. A query takes as long for one product as for many: the texts of a small shop are
    read whole as soon as a second product is asked for."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        counts = dataset.manifest.counts
        self._small = max(counts.get("reviews", 0), counts.get("items", 0)) <= READ_WHOLE
        self._asked = ""
        self._all: dict[str, list[WrittenText]] | None = None

    def of(self, item: str) -> list[WrittenText]:
        """A product's title, its description, then its reviews, the newest first."""
        if self._all is None and self._small and self._asked not in ("", item):
            self._all = self._read("", [])
        self._asked = item
        found = self._read("WHERE item = $1", [item]) if self._all is None else self._all
        return found.get(item, [])

    def _read(self, where: str, parameters: list[str]) -> dict[str, list[WrittenText]]:
        found: dict[str, list[WrittenText]] = {}
        for item, field, text, author, rating, _, _ in self._dataset.rows(_PAGE.format(where=where), parameters):
            found.setdefault(item, []).append(WrittenText(field, text, author, rating))
        return found
