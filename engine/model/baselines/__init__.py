"""Rankings that a model has to beat. One contract (`contract.py`), one registry, one file per family."""

from __future__ import annotations

from engine.features.content import CONTENT
from engine.model.baselines.contract import Baseline
from engine.model.baselines.factors import fit_bpr, fit_ials, fit_mf, fit_vbpr
from engine.model.baselines.neighbours import fit_content_knn, fit_ease, fit_item_knn
from engine.model.baselines.popularity import fit_popularity, fit_recent_popularity, popularity

__all__ = ["BASELINES", "popularity"]

_MIXES = (CONTENT, ("text",), ("image",), ("attribute", "link"), ("text", "attribute", "link"))

_NEIGHBOURS = tuple({"neighbours": k, "shrink": s} for k in (50, 200) for s in (0.0, 20.0))
_RIDGES = tuple({"regularisation": ridge} for ridge in (5.0, 20.0, 100.0, 500.0, 2000.0))
_SGD = ({"factors": 32}, {"factors": 64})
_NEWEST = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
_ALL_OR_NEWEST = (1.0, 0.95, 0.8)

# Grids are small on purpose: each family takes well under a minute on a catalogue of some thousand products.
# The textbook's EASE and ItemKNN weigh all of a history alike; where order matters that is a weak opponent, so both
# are also run with decaying histories.
BASELINES: dict[str, Baseline] = {
    one.name: one
    for one in (
        Baseline("popularity", fit_popularity),
        Baseline(
            "recent popularity",
            fit_recent_popularity,
            tuple({"half_life": days} for days in (1.0, 7.0, 30.0, 90.0, 365.0, 1460.0)),
        ),
        Baseline("ItemKNN", fit_item_knn, _NEIGHBOURS),
        Baseline("decaying ItemKNN", fit_item_knn, _NEIGHBOURS, _NEWEST),
        Baseline("EASE", fit_ease, _RIDGES),
        Baseline("decaying EASE", fit_ease, _RIDGES[2:], _NEWEST),
        Baseline(
            "content kNN",
            fit_content_knn,
            tuple({"modalities": mix} for mix in _MIXES),
            _ALL_OR_NEWEST,
            content=True,
        ),
        Baseline("biased MF", fit_mf, _SGD, _ALL_OR_NEWEST),
        Baseline("BPR", fit_bpr, ({"ridge": 0.003}, {"ridge": 0.02}), _ALL_OR_NEWEST),
        Baseline(
            "iALS", fit_ials, tuple({"factors": n, "alpha": a} for n in (32, 128) for a in (1.0, 10.0)), _ALL_OR_NEWEST
        ),
        Baseline("VBPR", fit_vbpr, _SGD, _ALL_OR_NEWEST, content=True),
    )
}
