"""A run's folder read back: its card, the dataset it was trained on, its features and its model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.features.catalogue import Catalogue
from engine.files import read_json
from engine.jobs import Job, Progress
from engine.model.recommender import Model, ModelShape
from engine.training.checkpoint import load_tensors, load_weights
from engine.versions import forward


@dataclass(frozen=True)
class Opened:
    """What a run folder holds; the model is on the CPU, in evaluation mode."""

    folder: Path
    card: dict[str, Any]
    dataset: Dataset
    catalogue: Catalogue
    model: Model


def open_folder(folder: Path, dataset_folder: Path | None = None) -> Job:
    """Return the Opened run, with its dataset where it was, or in `dataset_folder` where it moved to.

    No encoder is needed. HeedmapError says what is missing, damaged, or has changed.
    """
    if not (folder / "run.json").is_file():
        raise HeedmapError(f"There is no run at {folder}.", "Train one with `heedmap train`.")
    yield Progress("Opening the run")
    card = forward("run", read_json(folder / "run.json"), f"The run {folder.name}")
    try:
        dataset = dataset_of(folder, card, dataset_folder)
        weights, _ = load_tensors(folder / "model.safetensors")
        model = Model(ModelShape.from_json(card["shape"]))
        load_weights(model, weights)
    except (KeyError, TypeError, RuntimeError) as error:
        raise HeedmapError(
            f"{folder} is not a complete run ({str(error).splitlines()[0]}).", "Train it again, or use --resume."
        ) from error
    yield Progress("Reading features")
    catalogue = Catalogue.load(folder / "tokens")
    if catalogue.items != tuple(row[0] for row in dataset.rows("SELECT item FROM items")):
        raise HeedmapError(f"{folder / 'tokens'} belongs to another catalogue.", "Train the run again.")
    return Opened(folder, card, dataset, catalogue, model.eval())


def dataset_of(run: Path, card: dict[str, Any], elsewhere: Path | None = None) -> Dataset:
    """The dataset that a run was trained on. HeedmapError when it is not where it was, or not the same any more."""
    expected = elsewhere or (run / card["dataset"]["folder"]).resolve()
    if elsewhere is None and not expected.exists():
        raise HeedmapError(
            f"The run {run.name} needs its dataset {card['dataset']['name']}, which is not at {expected}.",
            "Say where it is with --dataset, or put it back.",
        )
    dataset = Dataset.open(expected)
    if dataset.manifest.fingerprint != card["dataset"]["fingerprint"]:
        raise HeedmapError(
            f"The run {run.name} was trained on other data than {dataset.folder} holds now.",
            "Put the dataset back that it was trained on, or train a new run.",
        )
    return dataset
