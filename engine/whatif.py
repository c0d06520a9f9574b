"""What-ifs of products: a run whose catalogue differs from the dataset's."""

from __future__ import annotations

from engine.errors import HeedmapError
from engine.foreign.run import ForeignRun
from engine.jobs import Job, Progress
from engine.recommend import Recommender
from engine.scenario import ItemEdit


def edited(recommender: Recommender | ForeignRun, edits: tuple[ItemEdit, ...]) -> Job:
    """Return the run with these products as they are edited. HeedmapError when that cannot be."""
    yield Progress("Reading the edited product")
    raise HeedmapError("The pages of products cannot be edited in this run.", "Change the shopper's past instead.")
