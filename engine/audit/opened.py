"""A bundle as the window shows it: verified, with its results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.audit.bundle import MANIFEST, open_bundle
from engine.audit.check import Result
from engine.audit.verify import Verified, read_inside, results_of, verify
from engine.jobs import Job


@dataclass(frozen=True)
class OpenedBundle:
    """path: of the folder or zip; reports: names of the report files inside it; preset: of its plan."""

    path: str
    title: str
    run: str
    dataset: str
    preset: str
    verified: Verified
    results: tuple[Result, ...]
    reports: tuple[str, ...]


def opened_bundle(path: Path, signer: str = "") -> Job:
    """Verify a bundle and return it as an OpenedBundle. HeedmapError where it is none, or cannot be read."""
    bundle = open_bundle(path)
    verified = yield from verify(bundle, signer)
    about, plan = read_inside(bundle, MANIFEST), read_inside(bundle, "plan.json")
    return OpenedBundle(
        str(path),
        str(about.get("title", "")),
        str(about.get("run", "")),
        str(about.get("dataset", "")),
        str(plan.get("preset", "")),
        verified,
        results_of(bundle),
        tuple(name for name in bundle.names() if name.startswith("report.")),
    )
