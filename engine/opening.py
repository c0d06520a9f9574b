"""Open a run folder of any kind."""

from __future__ import annotations

from pathlib import Path

from engine.foreign.run import ForeignRun, is_foreign
from engine.jobs import Job
from engine.recommend import Recommender

Run = Recommender | ForeignRun


def open_run(folder: Path, dataset_folder: Path | None = None) -> Job:
    """Return the run, with its dataset where it was, or in `dataset_folder` where it moved to.

    HeedmapError says what is missing or has changed.
    """
    if is_foreign(folder):
        return (yield from ForeignRun.open(folder, dataset_folder))
    return (yield from Recommender.open(folder, dataset_folder=dataset_folder))
