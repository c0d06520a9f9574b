"""The audits of a workspace: bundles, and audits that were interrupted and can be gone on with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from engine.audit.bundle import MANIFEST, is_sealed
from engine.audit.check import Verdict
from engine.errors import HeedmapError
from engine.files import read_json

AUDITS = "audits"  # the folder of a workspace that holds them


@dataclass(frozen=True)
class AuditEntry:
    """made: when it was sealed, "" for one that was interrupted; counts: checks by verdict; done: checks measured."""

    name: str
    folder: str
    run: str
    preset: str
    made: str
    counts: dict[Verdict, int]
    done: int


def list_audits(workspace: Path) -> tuple[AuditEntry, ...]:
    """The newest first. A folder that holds no audit is passed over: nothing of it is lost by that."""
    found: list[tuple[float, AuditEntry]] = []
    for folder in (workspace / AUDITS).glob("*/"):
        try:
            plan, inputs = read_json(folder / "plan.json"), read_json(folder / "inputs.json")
            results = [read_json(path) for path in folder.glob("results/*.json")]
            made = str(read_json(folder / MANIFEST)["made"]) if is_sealed(folder) else ""
            counts: Counter[Verdict] = Counter(one["verdict"] for one in results)
            entry = AuditEntry(
                folder.name, str(folder), inputs["run"]["name"], plan["preset"], made, dict(counts), len(results)
            )
            found.append(((folder / "plan.json").stat().st_mtime, entry))
        except (HeedmapError, KeyError, TypeError):
            continue
    return tuple(entry for _, entry in sorted(found, key=lambda pair: -pair[0]))
