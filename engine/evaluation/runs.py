"""Runs side by side: what each was trained on, how, for how long, and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.evaluation.tables import table
from engine.files import read_json
from engine.versions import refuse_newer
from engine.workspace import read_card


@dataclass(frozen=True)
class RunRow:
    """One run. ndcg: NDCG@10 on the test as evaluated, with its 95 % interval, else as measured after training.

    baseline, baseline_ndcg: the best baseline evaluated. seconds: of training, all epochs. parameters: trainable.
    """

    name: str
    folder: str
    dataset: str
    split: str
    fusion: str
    modalities: str
    seed: int | None
    state: str
    epoch: int
    ndcg: float | None
    low: float | None
    high: float | None
    baseline: str
    baseline_ndcg: float | None
    seconds: float | None
    parameters: int | None
    verdict: str


def runs(places: Sequence[Path], sort: str = "ndcg") -> tuple[list[RunRow], list[str]]:
    """Rows of all runs in the given run folders, folders of runs, and workspaces; and faults, a sentence each.

    sort: a field of RunRow; numbers from the largest, texts from A. HeedmapError when a place or the field is unknown.
    """
    if sort not in (known := [one.name for one in fields(RunRow)]):
        raise HeedmapError(f"Runs have no column {sort!r}.", f"Sort by one of {', '.join(known)}.")
    found: list[RunRow] = []
    faults: list[str] = []
    for folder in dict.fromkeys(folder for place in places for folder in _folders(place)):
        try:
            found.append(run_row(folder))
        except (HeedmapError, KeyError, TypeError, ValueError) as error:
            faults.append(f"{folder} could not be read: {error}")
    return sorted(found, key=lambda row: _order(getattr(row, sort))), faults


def _folders(place: Path) -> list[Path]:
    if not place.is_dir():
        raise HeedmapError(f"There is no folder {place}.", "Name a run, a folder of runs, or a workspace.")
    for inside in (place, place / "runs"):
        cards = [inside / "run.json"] if (inside / "run.json").is_file() else sorted(inside.glob("*/run.json"))
        if cards:
            return [card.parent for card in cards]
    return []


def run_row(folder: Path) -> RunRow:
    """One run. KeyError, TypeError or ValueError when its description is damaged."""
    card = read_card(folder)
    config = card["config"]
    evaluated = _evaluated(folder)
    ndcg = evaluated.get("model", {}).get("metrics", {}).get("ndcg", {})
    best = max(evaluated.get("baselines", []), key=lambda row: row["metrics"]["ndcg"]["mean"], default=None)
    history = read_json(folder / "history.json") if (folder / "history.json").is_file() else []
    modalities = [*config["modalities"], *(["identity"] if config["identity"] else [])]
    return RunRow(
        name=folder.name,
        folder=str(folder),
        dataset=str(card["dataset"]["name"]),
        split=str(config["split"]),
        fusion=str(config["fusion"]),
        modalities="+".join(modalities),
        seed=config.get("seed"),
        state=str(card["state"]),
        epoch=int(card["best_epoch"]),
        ndcg=ndcg.get("mean", card["metrics"].get("test ndcg@10")),
        low=ndcg.get("low"),
        high=ndcg.get("high"),
        baseline=best["name"] if best else "",
        baseline_ndcg=best["metrics"]["ndcg"]["mean"] if best else None,
        seconds=sum(row["seconds"] for row in history) if history else None,
        parameters=card.get("parameters"),
        verdict=str(card.get("verdict", "")),
    )


def read_evaluations(folder: Path) -> dict[str, dict[str, Any]]:
    """What was measured of a run, by split; nothing where it was not. HeedmapError when damaged; NewerError."""
    path = folder / "evaluation.json"
    found: dict[str, dict[str, Any]] = read_json(path) if path.is_file() else {}
    for measured in found.values():
        refuse_newer("evaluation", measured, path)
    return found


def _evaluated(folder: Path) -> dict[str, Any]:
    """The evaluation on the test at k = 10, where there is one."""
    found: dict[str, Any] = read_evaluations(folder).get("test", {})
    return found if found.get("k") == 10 else {}


def _order(value: Any) -> tuple[int, Any]:
    """Numbers from the largest, texts from A, what is missing last."""
    if value is None:
        return 2, 0
    return (0, -value) if isinstance(value, int | float) else (1, value.casefold())


def runs_text(rows: list[RunRow], faults: list[str]) -> str:
    """What `heedmap runs` prints."""
    head = ["run", "dataset", "split", "fusion", "modalities", "epoch", "NDCG@10 (95 %)", "best baseline", "seconds"]
    head.append("parameters")
    lines = []
    for row in rows:
        ndcg = "" if row.ndcg is None else f"{row.ndcg:.4f}"
        if row.low is not None and row.high is not None:
            ndcg += f" ({row.low:.4f} to {row.high:.4f})"
        best = "" if row.baseline_ndcg is None else f"{row.baseline_ndcg:.4f} {row.baseline}"
        epoch = str(row.epoch) if row.state == "done" else f"{row.epoch} ({row.state})"
        seconds = "" if row.seconds is None else f"{row.seconds:.0f}"
        parameters = "" if row.parameters is None else f"{row.parameters:,}"
        named = [row.name, row.dataset, row.split, row.fusion, row.modalities]
        lines.append([*named, epoch, ndcg, best, seconds, parameters])
    blocks = [table(head, lines) if lines else "No runs here.", *faults]
    blocks += [f"{row.name}: {row.verdict}" for row in rows if row.verdict]
    return "\n".join(blocks)


def runs_json(rows: list[RunRow], faults: list[str]) -> dict[str, Any]:
    return {"runs": [asdict(row) for row in rows], "faults": faults}
