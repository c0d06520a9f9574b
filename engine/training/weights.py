"""Shoppers whose events count more in training: the setting `weigh`, read and turned into a number per shopper."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.errors import HeedmapError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.dataset.store import Dataset

MOST = 1_000.0


def groups_said(said: str) -> tuple[tuple[str, str, float], ...]:
    """(attribute, value, times) of each group in "region=north:3; gender=f:2"; none in "". HeedmapError."""
    found = []
    for one in (part.strip() for part in said.split(";")):
        if not one:
            continue
        group, colon, times = one.rpartition(":")
        name, equals, value = group.partition("=")
        try:
            count = float(times)
        except ValueError:
            count = math.nan
        if not (colon and equals and name.strip() and value.strip() and 0 < count <= MOST):
            raise HeedmapError(
                f"weigh={said!r} cannot be: {one!r} is no group with how many times it counts.",
                "Write attribute=value:times, such as region=north:3; several with semicolons between them.",
            )
        found.append((name.strip(), value.strip(), count))
    return tuple(found)


def weights_of(dataset: Dataset, users: tuple[str, ...], said: str) -> NDArray[np.float64] | None:
    """How many times each of `users` counts, None where all count once; who is of several groups counts as often as
    their product. HeedmapError names a group that no shopper is of."""
    import numpy as np

    groups = groups_said(said)
    if not groups:
        return None
    weights = np.ones(len(users))
    place = {name: number for number, name in enumerate(users)}
    for name, value, times in groups:
        rows = dataset.rows(
            'SELECT DISTINCT "user" FROM (SELECT "user", unnest(attributes) AS one FROM users)'
            " WHERE one.name = ? AND one.value = ?",
            [name, value],
        )
        inside = [place[user] for (user,) in rows if user in place]
        if not inside:
            raise HeedmapError(f"No shopper has {name}={value}.", "weigh names attributes and values of shoppers.")
        weights[inside] *= times
    return weights
