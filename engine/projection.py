"""Products, shoppers or explanations as points in a plane, with the columns that they can be coloured by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.sparse import csr_matrix

from engine.answers import RankedItem
from engine.columns import Column, Columns, Projection, categories, flags, numbers
from engine.errors import HeedmapError
from engine.explain import contribution
from engine.explain.case import Case
from engine.explain.types import MODALITIES
from engine.faithfulness.orders import capped, faithfulness
from engine.faithfulness.sanity import knows_nothing
from engine.jobs import Job, Progress
from engine.matching import columns
from engine.recommend import Recommender
from engine.rules import Rule
from engine.shop import Shop

REASONS = 400  # explained at most; shoppers are drawn
GROUPS = 8  # of points that lie together
_AT_ONCE = 256  # shoppers
_MEANINGS = 1000  # words and values that tell explanations apart; the rarest are left out
_LEAST = 3  # explanations that a word must be in, to count
_WORD = "text"


@dataclass(frozen=True)
class _Points:
    vectors: NDArray[np.float32]
    users: tuple[str, ...]
    items: tuple[str, ...]
    columns: tuple[Column, ...]
    whole: int


def project(
    recommender: Recommender,
    table: Columns | None,
    what: str = "items",
    how: str = "pca",
    seed: int = 1,
    sample: int = REASONS,
    rules: tuple[Rule, ...] = (),
) -> Job:
    """Return the Projection. table: the columns of the products or shoppers, where they are at hand; sample: how many
    explanations; rules: business rules that decide what is explained.

    HeedmapError for UMAP without the package umap-learn, and for fewer than three points."""
    if how not in _PLANES:
        raise HeedmapError(f"There is no projection {how!r}.", f"Use one of {', '.join(_PLANES)}.")
    if what not in (*_POINTS, _REASONS):
        raise HeedmapError(f"There is no map of {what!r}.", f"Use one of {', '.join((*_POINTS, _REASONS))}.")
    if how == "umap":
        _umap()  # told before the work
    points = yield from (
        _reasons(recommender, seed, sample, rules) if what == _REASONS else _POINTS[what](recommender, table)
    )
    if len(points.vectors) < 3:
        raise HeedmapError("A map needs at least three points.", "Choose another map, or train on more data.")
    yield Progress("Laying out the map")
    place, explained = _PLANES[how](points.vectors, seed)
    shop = recommender.shop
    rows = [shop.item_index[item] for item in points.items]
    return Projection(
        recommender.folder.name,
        what,
        how,
        place.astype(np.float32),
        points.users,
        points.items,
        tuple(shop.texts.title[row] for row in rows),
        tuple(shop.texts.image[row] for row in rows),
        (*points.columns, _groups(points.vectors, seed)),
        explained,
        points.whole,
    )


def pca(vectors: NDArray[np.float32], seed: int = 0) -> tuple[NDArray[np.float64], tuple[float, ...]]:
    """The exact first two principal components, float64[n, 2], and the share of the variance that each shows.

    The sign of an axis is that in which its largest loading is positive, so that a map looks the same each time.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    values, axes = np.linalg.eigh(centred.T @ centred)
    first = axes[:, ::-1][:, :2]
    first = first * np.sign(first[np.abs(first).argmax(axis=0), np.arange(first.shape[1])])
    place = centred @ first
    if place.shape[1] < 2:
        place = np.column_stack([place, np.zeros(len(place))])
    total = max(float(values.sum()), 1e-30)
    return place, tuple(max(0.0, float(one)) / total for one in values[::-1][:2])


def umap(vectors: NDArray[np.float32], seed: int) -> tuple[NDArray[np.float64], tuple[float, ...]]:
    """UMAP (McInnes et al. 2018) under a seed. HeedmapError where umap-learn is not installed."""
    near = min(15, len(vectors) - 1)
    return np.asarray(_umap()(n_neighbors=near, random_state=seed, n_jobs=1).fit_transform(vectors)), ()


def _umap() -> Any:
    try:
        from umap import UMAP
    except ImportError as error:
        raise HeedmapError(
            "UMAP needs the package umap-learn, which is not installed.",
            "Take PCA, or install Heedmap with the extra “umap”: pip install heedmap[umap].",
        ) from error
    return UMAP


def _groups(vectors: NDArray[np.float32], seed: int) -> Column:
    """Which points lie together in all dimensions (k-means), as groups 1, 2 ... from the largest on."""
    count = min(GROUPS, max(2, len(vectors) // 3))
    _, found = kmeans2(vectors.astype(np.float64), count, minit="++", seed=seed, missing="warn")
    order = {group: place for place, (group, _) in enumerate(Counter(found.tolist()).most_common(), start=1)}
    return categories("group", ([str(order[group])] for group in found.tolist()))


def _items(recommender: Recommender, table: Columns | None) -> Job:
    yield Progress("Reading the catalogue")
    table = table or columns(recommender.shop, "items")
    vectors = recommender.matrix.cpu().numpy()
    return _Points(vectors, (), table.keys, _without_texts(table), len(vectors))


def _users(recommender: Recommender, table: Columns | None) -> Job:
    data = recommender.data
    table = table or columns(recommender.shop, "users")
    some = np.flatnonzero(np.diff(data.start) > 0)
    found = []
    for begin in range(0, len(some), _AT_ONCE):
        yield Progress("Reading shoppers", begin, len(some))
        pasts = [recommender.past(data.users[user]).history for user in some[begin : begin + _AT_ONCE]]
        found.append(recommender.shopper_vectors(pasts).cpu().numpy())
    vectors = np.concatenate(found) if found else np.zeros((0, 1), np.float32)
    kept = tuple(rows_of(one, some) for one in _without_texts(table))
    return _Points(vectors, tuple(data.users[user] for user in some), (), kept, len(some))


def _reasons(recommender: Recommender, seed: int, sample: int, rules: tuple[Rule, ...]) -> Job:
    """A reason is a vector of shares: of each part of the score (photo, words ... past choices), of each word (whatever
    its place) and of each attribute's and link's value; all divided by the sum of the magnitudes of the parts, so that
    a high score says no more than a low one. A word therefore counts twice, in its part and by itself. The root of each
    share is taken, its sign kept (as in the Hellinger distance), so that one large part does not hide all others.

    Explained is what each shopper is shown first; where a business rule put it there, the column "rule" names it."""
    data, shop = recommender.data, recommender.shop
    some = np.flatnonzero(np.diff(data.start) > 0)
    lost = knows_nothing(recommender)
    drawn = some
    if len(some) > sample:
        drawn = np.sort(np.random.default_rng(seed).choice(some, sample, replace=False))
    users, items, shares, tops, grades, scores, put = [], [], [], [], [], [], []
    for row, user in enumerate(drawn):
        yield Progress("Explaining what is shown", row, len(drawn))
        best = recommender.rank(data.users[user], 1, rules=rules).items
        if not best:
            continue
        case = Case(recommender, data.users[user], best[0].item)
        share = contribution.by_head(case).sum(axis=1)
        found = reason(case, share)
        trust = faithfulness(case, share)
        users.append(case.past.name)
        items.append(best[0].item)
        shares.append(found)
        tops.append(max(MODALITIES, key=lambda part: found.get((part,), 0.0)))
        grades.append(capped(trust.grade, "D") if trust and lost else trust.grade if trust else "")
        scores.append(case.score)
        put.append(_put_by(best[0]))
    places = np.array([shop.item_index[item] for item in items], np.int64)
    own = (
        categories("top_part", ([one] for one in tops)),
        categories("grade", ([one] if one else [] for one in grades)),
        numbers("score", scores),
        numbers("past_share", [found.get(("history",), 0.0) for found in shares]),
        *_of_products(shop, places),
    )
    if any(put):
        own = (*own, categories("rule", put))
    vectors = yield from _dense(shares)
    return _Points(vectors, tuple(users), tuple(items), own, len(some))


def _put_by(first: RankedItem) -> tuple[str, ...]:
    """The business rule that moved a product furthest; none where the model itself has it first."""
    if first.model_rank <= 1 or not first.effects:
        return ()
    return (max(first.effects, key=lambda one: abs(one.rank_before - one.rank_after)).rule,)


def reason(case: Case, share: NDArray[np.float64]) -> dict[tuple[str, ...], float]:
    """The shares of one explanation by (part,), (part, word) and (part, name, value). share: float64[rows]."""
    found: dict[tuple[str, ...], float] = {}
    for token, value in zip(case.shown.tokens, share.tolist(), strict=True):
        keys: list[tuple[str, ...]] = [(token.modality,)]
        if token.modality == _WORD:
            keys.append((_WORD, token.label.casefold()))
        elif token.modality in ("attribute", "link"):
            keys.append((token.modality, token.field, token.label))
        for key in keys:
            found[key] = found.get(key, 0.0) + value
    size = sum(abs(value) for key, value in found.items() if len(key) == 1) or 1.0
    return {key: value / size for key, value in found.items()}


def _dense(shares: Sequence[dict[tuple[str, ...], float]]) -> Job:
    """float32[n, parts + the words and values that are met most]."""
    yield Progress("Comparing explanations")
    met = Counter(key for found in shares for key in found if len(key) > 1)
    kept = [key for key, count in met.most_common(_MEANINGS) if count >= min(_LEAST, len(shares))]
    place = {key: at for at, key in enumerate([*((part,) for part in MODALITIES), *kept])}
    rows, at, values = [], [], []
    for row, found in enumerate(shares):
        for key, value in found.items():
            if key in place:
                rows.append(row)
                at.append(place[key])
                values.append(value)
    dense = csr_matrix((values, (rows, at)), (len(shares), len(place)), np.float32).toarray()
    return np.sign(dense) * np.sqrt(np.abs(dense))


def _of_products(shop: Shop, places: NDArray[np.int64]) -> tuple[Column, ...]:
    sold = np.bincount(shop.data.item[shop.parts.train], minlength=len(shop.data.items))
    category = [shop.texts.category[place] for place in places]
    return (
        categories("category", ([one] if one else [] for one in category)),
        numbers("popularity", sold[places]),
        flags("new", sold[places] == 0),
    )


def rows_of(column: Column, rows: NDArray[np.int64]) -> Column:
    """The column of these rows alone."""
    if column.kind in ("number", "date"):
        return replace(column, values=column.values[rows])
    parts = [column.codes[column.start[row] : column.start[row + 1]] for row in rows]
    start = np.concatenate([[0], np.cumsum([len(one) for one in parts])]).astype(np.int64)
    return replace(column, codes=np.concatenate(parts) if parts else column.codes[:0], start=start)


def _without_texts(table: Columns) -> tuple[Column, ...]:
    return tuple(one for one in table.columns if one.kind != "text")


_POINTS = {"items": _items, "users": _users}
_REASONS = "reasons"
_PLANES = {"pca": pca, "umap": umap}
