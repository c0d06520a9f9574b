"""The figures behind a comparison, as tables for an export."""

from __future__ import annotations

from app.views.view import Numbers
from engine.answers import RankedItem
from engine.compare.types import Above, Comparison


def tables(found: Comparison, above: Above | None) -> Numbers:
    """name of a table -> its columns."""
    rows = found.rows
    ranks = [{row.item: row for row in one.items} for one in (found.left_list, found.right_list)]
    items = list(dict.fromkeys([*ranks[0], *ranks[1]]))
    lists = [[side[item].rank if item in side else None for item in items] for side in ranks]
    scores = [[side[item].score if item in side else None for item in items] for side in ranks]
    titles = {row.item: row.title for one in (found.left_list, found.right_list) for row in one.items}
    made: dict[str, dict[str, list[object]]] = {
        "sides": {
            "side": ["left", "right"],
            "run": [side.run for side in found.sides],
            "epoch": [side.epoch for side in found.sides],
            "shopper": [side.user for side in found.sides],
            "product": [side.item for side in found.sides],
            "method": [side.method for side in found.sides],
            "score": [found.left.score, found.right.score],
            "rank": [found.left.rank, found.right.rank],
            **({"rank under rules": [found.left.place, found.right.place]} if any(found.ruled) else {}),
            "ndcg@10": [
                one.get("test ndcg@10", one.get("validation ndcg@10"))
                for one in (found.left_figures, found.right_figures)
            ],
        },
        "tokens": {
            "modality": [token.modality for token in rows.tokens],
            "field": [token.field for token in rows.tokens],
            "label": [token.label for token in rows.tokens],
            "left": rows.left.tolist(),
            "right": rows.right.tolist(),
            "difference": rows.difference.tolist(),
        },
        "parts": {
            "part": [one.part for one in found.parts],
            "left": [one.left for one in found.parts],
            "right": [one.right for one in found.parts],
            "difference": [one.left - one.right for one in found.parts],
        },
        "past": {
            "product": [one.item for one in found.past],
            "title": [one.title for one in found.past],
            "time": [one.time for one in found.past],
            "left": [one.left for one in found.past],
            "right": [one.right for one in found.past],
        },
        "lists": {
            "product": list(items),
            "title": [titles[item] for item in items],
            "left rank": list(lists[0]),
            "right rank": list(lists[1]),
            "left score": list(scores[0]),
            "right score": list(scores[1]),
            **(_ruled(ranks, items) if any(found.ruled) else {}),
        },
        "agreement": {
            "figure": ["in both", "places", "kendall tau-b", "rank-biased overlap"],
            "value": [found.agreement.shared, found.agreement.depth, found.agreement.tau, found.agreement.rbo],
        },
    }
    if above is not None:  # scores and ranks of the model's own
        contrast = above.contrast.rows
        made["why above"] = {
            "modality": [row.modality for row in contrast],
            "label": [row.label for row in contrast],
            above.contrast.left: [row.left for row in contrast],
            above.contrast.right: [row.right for row in contrast],
            "difference": [row.difference for row in contrast],
        }
    return made


def _ruled(ranks: list[dict[str, RankedItem]], items: list[str]) -> dict[str, list[object]]:
    """Where the model itself has each product of the lists, and which business rules moved it."""
    made: dict[str, list[object]] = {}
    for name, side in zip(("left", "right"), ranks, strict=True):
        rows = [side.get(item) for item in items]
        made[f"{name} model rank"] = [None if row is None else row.model_rank or row.rank for row in rows]
        made[f"{name} rules"] = [
            "" if row is None else ", ".join(effect.rule for effect in row.effects) for row in rows
        ]
    return made
