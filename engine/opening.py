"""Open a run folder of any kind."""

from __future__ import annotations

from pathlib import Path

from engine.errors import HeedmapError
from engine.foreign.run import ForeignRun, is_foreign
from engine.jobs import Job
from engine.model.recommender import Model
from engine.recommend import Recommender
from engine.training.checkpoint import load_epoch

Run = Recommender | ForeignRun


def open_run(folder: Path, dataset_folder: Path | None = None) -> Job:
    """Return the run, with its dataset where it was, or in `dataset_folder` where it moved to.

    HeedmapError says what is missing or has changed.
    """
    if is_foreign(folder):
        return (yield from ForeignRun.open(folder, dataset_folder))
    return (yield from Recommender.open(folder, dataset_folder=dataset_folder))


def at_epoch(run: Run, epoch: int) -> Recommender:
    """An opened run as it was after one of the epochs that it has kept (`RunSummary.epochs`), on the same features.

    This is the network alone, as it was validated: the linear term, what new products borrow and the last epochs on all
    events come only with the finished run. HeedmapError when the epoch was not kept.
    """
    if isinstance(run, ForeignRun):
        raise HeedmapError(f"{run.folder.name} was made elsewhere and has no epochs.", "Compare two shoppers instead.")
    if "tuned" in run.card:
        raise HeedmapError(
            f"The encoders of {run.folder.name} were tuned after its epochs, so these cannot be looked at any more.",
            "Train one with tune=none and checkpoints=some.",
        )
    model = Model(run.model.shape)
    load_epoch(run.folder, epoch, model)
    return run.with_weights(model.eval().to(run.device))
