"""Evaluations and runs as text tables."""

from __future__ import annotations

from typing import Any


def table(head: list[str], rows: list[list[str]]) -> str:
    """Columns aligned: the first to the left, the others to the right."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [cell.ljust(widths[at]) if not at else cell.rjust(widths[at]) for at, cell in enumerate(row)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def evaluation_text(found: dict[str, Any]) -> str:
    """What `heedmap evaluate` prints."""
    k = found["k"]
    synthetic = ", synthetic data" if found["synthetic"] else ""
    blocks = [
        f"{found['run']} on {found['split']} of {found['dataset']} ({found['protocol']}{synthetic}): "
        f"{found['targets']:,} targets of {found['users']:,} shoppers, full ranking, 95 % intervals over shoppers",
        _rankers(found, k),
        _slices(found, k),
        _beyond(found, k),
    ]
    if "knock_out" in found:
        rows = [[one["without"], _figure(one["ndcg"]), _change(one["change"])] for one in found["knock_out"]]
        blocks.append(table(["Knocked out, not trained again", f"NDCG@{k}", "change (95 %), p"], rows))
    if found.get("ratings"):
        blocks.append(_ratings(found["ratings"]))
    blocks += [f"Not run: {name}: {reason}" for name, reason in found.get("not_run", {}).items()]
    if "against" in found:
        other = found["against"]
        blocks.append(f"Against {other['name']}: {_change(other['model_less_this'])} NDCG@{k}.")
    if found["verdict"]:
        blocks.append(found["verdict"])
    return "\n\n".join(block for block in blocks if block)


def _everyone(found: dict[str, Any]) -> list[dict[str, Any]]:
    against = [found["against"]] if "against" in found else []
    return [{**found["model"], "name": "this run"}, *against, *found.get("baselines", [])]


def _rankers(found: dict[str, Any], k: int) -> str:
    names = ["recall", "precision", "hit rate", "mrr", "map"]
    head = [
        "",
        f"NDCG@{k}",
        f"Recall@{k}",
        f"Precision@{k}",
        f"Hit rate@{k}",
        f"MRR@{k}",
        f"MAP@{k}",
        "this run's lead, p",
    ]
    rows = []
    for one in _everyone(found):
        lead = _change(one["model_less_this"]) if "model_less_this" in one else ""
        others = [f"{one['metrics'][name]['mean']:.4f}" for name in names]
        rows.append([one["name"], _figure(one["metrics"]["ndcg"]), *others, lead])
    return table(head, rows)


def _slices(found: dict[str, Any], k: int) -> str:
    everyone = _everyone(found)
    names = [name for name, one in found["model"]["slices"].items() if one["targets"]]
    rows = []
    for name in names:
        own = found["model"]["slices"][name]
        cells = [f"{one['slices'][name]['ndcg']['mean']:.4f}" if name in one["slices"] else "" for one in everyone[1:]]
        rows.append([name, f"{own['targets']:,}", _figure(own["ndcg"]), *cells])
    head = [f"NDCG@{k} of", "targets", "this run", *(one["name"] for one in everyone[1:])]
    if len(head) <= 5 or not rows:
        return table(head, rows) if rows else ""
    best = [max([row[3 + at] for at in range(len(everyone) - 1)], default="") for row in rows]
    who = [everyone[1:][row[3:].index(top)]["name"] for row, top in zip(rows, best, strict=True)]
    shown = [[*row[:3], f"{top}  {name}"] for row, top, name in zip(rows, best, who, strict=True)]
    return table([*head[:3], "best of the others"], shown)


def _beyond(found: dict[str, Any], k: int) -> str:
    names = list(found["model"]["beyond"])
    rows = [[one["name"], *(f"{one['beyond'][name]:.3f}" for name in names)] for one in _everyone(found)]
    return table([f"Lists of {k}", *names], rows)


def _ratings(found: dict[str, Any]) -> str:
    names = list(next(iter(found["rows"].values())))
    head = [f"Ratings of {found['targets']:,} targets, liked from {found['threshold']:g}", *names]
    return table(head, [[who, *(f"{row[name]:.4f}" for name in names)] for who, row in found["rows"].items()])


def _figure(one: dict[str, float]) -> str:
    return f"{one['mean']:.4f} ({one['low']:.4f} to {one['high']:.4f})"


def _change(one: dict[str, float]) -> str:
    return f"{one['difference']:+.4f} ({one['low']:+.4f} to {one['high']:+.4f}), {one['p']:.3f}"
