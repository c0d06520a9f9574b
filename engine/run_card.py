"""A run in full, as its folder tells it: what it was trained on and how, its course, and what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.evaluation.runs import RunRow, read_evaluations, run_row
from engine.files import read_json
from engine.workspace import read_card


@dataclass(frozen=True)
class UpdateFigure:
    """NDCG@10 on some events before an update and after it. name: "old test", "new validation" and so on."""

    name: str
    targets: int
    before: float
    after: float


@dataclass(frozen=True)
class UpdateReport:
    """What `heedmap train --update` brought and what it forgot: the fall of NDCG@10 on the old run's test events.

    of: the run it went on from. tuned: modalities whose encoders had been tuned. new_windows, replayed: histories in
    an epoch with something new, and without. best_epoch: 0 where none was better than the old run."""

    of: str
    new_events: int
    new_items: int
    new_users: int
    tuned: tuple[str, ...]
    new_windows: int
    replayed: int
    best_epoch: int
    figures: tuple[UpdateFigure, ...]
    forgotten: float


@dataclass(frozen=True)
class RunCard:
    """row: the run among others. settings: as `Config`'s fields; encoders: modality -> name. metrics: figures measured
    after training, by name. rows: one of the history for each epoch. evaluations: "test" or "validation" -> what
    `heedmap evaluate` last found there. origin: where a run that was not trained here came from, or "". update: of a
    run that went on from another."""

    row: RunRow
    synthetic: bool
    settings: dict[str, Any]
    encoders: dict[str, str]
    metrics: dict[str, float]
    rows: tuple[dict[str, float], ...]
    evaluations: dict[str, dict[str, Any]]
    origin: str = ""
    update: UpdateReport | None = None


def run_card(folder: Path) -> RunCard:
    """HeedmapError when there is no run, or its description is damaged."""
    card = read_card(folder)
    evaluated = read_evaluations(folder)
    history = read_json(folder / "history.json") if (folder / "history.json").is_file() else []
    try:
        return RunCard(
            row=run_row(folder),
            synthetic=bool(card["dataset"]["synthetic"]),
            settings=dict(card["config"]),
            encoders={kind: str(about["name"]) for kind, about in card.get("encoders", {}).items()},
            metrics={name: float(figure) for name, figure in card["metrics"].items()},
            rows=tuple(history),
            evaluations={split: evaluated[split] for split in ("test", "validation") if split in evaluated},
            origin=str(card.get("origin", {}).get("kind", "")),
            update=_update(card["update"]) if "update" in card else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise HeedmapError(f"{folder / 'run.json'} is not a run's description.", "Restore it from a copy.") from error


def _update(report: dict[str, Any]) -> UpdateReport:
    figures = (
        UpdateFigure(name, int(row["targets"]), float(row["before"]), float(row["after"]))
        for name, row in report["ndcg@10"].items()
    )
    return UpdateReport(
        of=str(report["of"]),
        new_events=int(report["new_events"]),
        new_items=int(report["new_items"]),
        new_users=int(report["new_users"]),
        tuned=tuple(report.get("tuned", ())),
        new_windows=int(report["windows"]["new"]),
        replayed=int(report["windows"]["replayed"]),
        best_epoch=int(report["best_epoch"]),
        figures=tuple(figures),
        forgotten=float(report["forgotten"]),
    )
