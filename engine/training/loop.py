"""Train a run: a job that encodes, trains with early stopping, saves after each epoch, and measures at the end."""

from __future__ import annotations

import math
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.dataset.split import Interactions, Split, interactions, split
from engine.dataset.store import Dataset
from engine.device import choose_device, set_threads
from engine.errors import HeedmapError
from engine.features.catalogue import ENCODED, Catalogue, Reading, build_catalogue
from engine.files import make_folder, read_json, write_json
from engine.jobs import Job, Progress
from engine.metrics.ranking import ndcg, recall
from engine.model.recommender import Model, ModelShape, Tokens
from engine.model.tower import TowerShape
from engine.training.checkpoint import load_tensors, optimiser_tensors, restore_optimiser, save_tensors
from engine.training.config import Config
from engine.training.measure import measure, ranks_of
from engine.training.step import Windows, training_loss

RUN_VERSION = 1
_WARM_UP = 0.05


def train(dataset_folder: Path, run_folder: Path, config: Config, resume: bool = False) -> Job:
    """Train on a dataset into a run folder and return that folder.

    A run that was stopped goes on with `resume`, with the settings it was started with, to the same numbers: every
    random choice of an epoch follows from the seed and the epoch's number.
    """
    if resume:
        config = _checked_resume(run_folder, config)
    elif (run_folder / "run.json").is_file():
        raise HeedmapError(f"{run_folder} already holds a run.", "Choose another name, or go on with --resume.")
    dataset = Dataset.open(dataset_folder)
    card = _Card(run_folder, dataset, config)
    if resume:
        card.check_dataset(dataset)
    set_threads(config.threads)
    device = choose_device(config.device)
    data = interactions(dataset)
    parts = split(config.split, data)
    seen = np.bincount(data.item[parts.train], minlength=len(data.items)) > 0
    if not seen.any():
        raise HeedmapError("No product has an event in the training period.", "Check the dataset's times.")
    make_folder(run_folder)
    card.write(state="running")
    catalogue: Catalogue = yield from _catalogue(dataset, run_folder, data, parts, seen, config)
    shape = model_shape(catalogue, config)
    card.content["shape"] = asdict(shape)
    card.content["encoders"] = catalogue.encoders
    torch.manual_seed(config.seed)
    model = Model(shape).to(device)
    start_from_popularity(model, np.bincount(data.item[parts.train], minlength=len(data.items)))
    trainer = _Trainer(model, Tokens(catalogue, model.tower, device), data, parts, config, run_folder)
    if resume and (run_folder / "last.safetensors").is_file():
        trainer.restore()
    yield from trainer.run(card)
    metrics = yield from measure(model, trainer.tokens, data, parts, ("validation", "test"))
    card.content["metrics"] = metrics
    card.write(state="done")
    dataset.close()
    return run_folder


def start_from_popularity(model: Model, events: NDArray[np.int64]) -> None:
    """Mark what was seen in training and start the bias at log popularity, where a softmax would take it anyway.

    events: int64[items], training events of each product. Saves the first epochs, which learn little else.
    """
    seen = events > 0
    bias = np.log(np.maximum(events, 1))
    model.seen.copy_(torch.from_numpy(seen))
    with torch.no_grad():
        model.tower.bias.copy_(torch.from_numpy(np.where(seen, bias - bias[seen].mean(), 0.0)))


def model_shape(catalogue: Catalogue, config: Config) -> ModelShape:
    """The model for what this catalogue holds: a modality that no product has is left out."""
    held = {
        "text": len(catalogue.text),
        "image": len(catalogue.image),
        "audio": len(catalogue.audio),
        "attribute": len(catalogue.attribute.names),
        "link": len(catalogue.link.names),
    }
    sizes = {name: getattr(catalogue, name).shape[1] for name in ENCODED}
    features = {name: sizes.get(name, config.components) for name in config.modalities if held[name]}
    if not features and not config.identity:
        raise HeedmapError("The products hold none of the chosen modalities.", "Set identity=true.")
    tower = TowerShape(
        items=len(catalogue.items),
        dim=config.dim,
        heads=config.heads,
        fusion=config.fusion,
        features=features,
        attributes=len(catalogue.attribute.names) if "attribute" in features else 0,
        links=len(catalogue.link.names) if "link" in features else 0,
        identity=config.identity,
    )
    return ModelShape(tower, config.blocks, config.history, config.dropout)


def schedule(part: float) -> float:
    """Factor on the learning rate after `part` of all epochs: linear warm-up over 5 %, then a cosine down to 5 %."""
    if part < _WARM_UP:
        return 0.1 + 0.9 * part / _WARM_UP
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (part - _WARM_UP) / (1 - _WARM_UP)))


class _Card:
    """run.json: what this run is, how far it got, what it is worth."""

    def __init__(self, folder: Path, dataset: Dataset, config: Config) -> None:
        self._path = folder / "run.json"
        if self._path.is_file():
            self.content: dict[str, Any] = read_json(self._path)
            return
        self.content = {
            "version": RUN_VERSION,
            "name": folder.name,
            "state": "running",
            "epoch": 0,
            "best_epoch": 0,
            "dataset": {
                "name": dataset.manifest.name,
                "folder": os.path.relpath(dataset.folder.resolve(), folder.resolve()),
                "fingerprint": dataset.manifest.fingerprint,
                "synthetic": dataset.manifest.synthetic,
            },
            "config": config.to_json(),
            "shape": {},
            "encoders": {},
            "metrics": {},
        }

    def check_dataset(self, dataset: Dataset) -> None:
        """HeedmapError when the run was started on other data."""
        if self.content["dataset"]["fingerprint"] != dataset.manifest.fingerprint:
            raise HeedmapError(
                f"{self._path.parent} was trained on other data than {dataset.folder}.",
                "Give the dataset that it was started on, or start a new run.",
            )

    def write(self, **changes: Any) -> None:
        self.content.update(changes)
        write_json(self._path, self.content)


def _checked_resume(folder: Path, config: Config) -> Config:
    if not (folder / "run.json").is_file():
        raise HeedmapError(f"There is no run at {folder} to resume.", "Start it without --resume.")
    kept = Config.from_settings(read_json(folder / "run.json")["config"])
    before, standard = kept.to_json(), Config().to_json()
    changed = [name for name, value in config.to_json().items() if value not in (before[name], standard[name])]
    if changed:
        raise HeedmapError(f"{changed[0]} cannot change while a run is resumed.", "Start a new run with that setting.")
    return kept


def _catalogue(
    dataset: Dataset, run_folder: Path, data: Interactions, parts: Split, seen: NDArray[np.bool_], config: Config
) -> Job:
    folder = run_folder / "tokens"
    if (folder / "names.json").is_file():  # written last: the rest is whole
        return Catalogue.load(folder)
    reading = Reading(
        modalities=config.modalities,
        reviews=config.reviews,
        outside_reviews=config.outside_reviews,
        text_pieces=config.text_pieces,
        item_pieces=config.item_pieces,
        photo_cells=config.photo_cells,
        audio_seconds=config.audio_seconds,
        encoders={"text": config.text_encoder, "image": config.image_encoder, "audio": config.audio_encoder},
        quantise=config.quantise,
        components=config.components,
        seed=config.seed,
        device=config.device,
    )
    catalogue: Catalogue = yield from build_catalogue(dataset, parts, data.users, seen, reading)
    catalogue.save(folder)
    return catalogue


class _Trainer:
    """Epochs over windows of training histories; keeps the best weights by validation NDCG@10."""

    def __init__(
        self, model: Model, tokens: Tokens, data: Interactions, parts: Split, config: Config, folder: Path
    ) -> None:
        self.model, self.tokens, self.data, self.parts, self.config = model, tokens, data, parts, config
        self._folder = folder
        self._windows = Windows(data, parts, config.history)
        self._optimiser = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.98)
        )
        self._history: list[dict[str, float]] = []
        self._epoch = 0
        self._best, self._best_epoch = -1.0, 0

    def restore(self) -> None:
        """Go back to the end of the last whole epoch."""
        tensors, about = load_tensors(self._folder / "last.safetensors")
        weights = {name[6:]: value for name, value in tensors.items() if name.startswith("model.")}
        self.model.load_state_dict(weights)
        restore_optimiser(
            self._optimiser, {name[10:]: value for name, value in tensors.items() if name.startswith("optimiser.")}
        )
        self._epoch, self._history = about["epoch"], about["history"]
        self._best, self._best_epoch = about["best"], about["best_epoch"]

    def run(self, card: _Card) -> Job:
        """Train until the epochs are done or patience is out; leaves the best weights in the model."""
        while self._epoch < self.config.epochs and self._epoch - self._best_epoch < self.config.patience:
            yield from self._one_epoch(self._epoch + 1)
            card.write(epoch=self._epoch, best_epoch=self._best_epoch)
        weights, _ = load_tensors(self._folder / "model.safetensors")
        self.model.load_state_dict(weights)

    def _one_epoch(self, epoch: int) -> Job:
        random = np.random.default_rng([self.config.seed, epoch])
        torch.manual_seed(self.config.seed * 1_000_003 + epoch)
        began, losses = time.monotonic(), []
        self.model.train()
        batches = self._windows.batches(random, self.config.batch)
        for done, batch in enumerate(batches, start=1):
            rate = self.config.learning_rate * schedule((epoch - 1 + (done - 1) / len(batches)) / self.config.epochs)
            for group in self._optimiser.param_groups:
                group["lr"] = rate
            self._optimiser.zero_grad(set_to_none=True)
            loss = training_loss(self.model, self.tokens, batch, random, self.config)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self._optimiser.step()
            losses.append(float(loss.detach()))
            if not np.isfinite(losses[-1]):
                raise HeedmapError(f"The loss became {losses[-1]} in epoch {epoch}.", "Try a smaller learning_rate.")
            yield Progress("Training", done, len(batches), data={"epoch": float(epoch), "loss": losses[-1]})
        seconds = time.monotonic() - began
        ranks = yield from ranks_of(self.model, self.tokens, self.data, self.parts.validation, "Validating")
        row = {
            "epoch": float(epoch),
            "loss": float(np.mean(losses)),
            "ndcg@10": ndcg(ranks),
            "recall@10": recall(ranks),
            "seconds": seconds,
        }
        self._keep(epoch, row)
        yield Progress("Epoch done", epoch, self.config.epochs, data=row)

    def _keep(self, epoch: int, row: dict[str, float]) -> None:
        """Save; `last.safetensors` comes after the best weights and is what resuming believes."""
        self._history.append(row)
        self._epoch = epoch
        # Without a validation target the newest weights are the best there are.
        if row["ndcg@10"] > self._best or not len(self.parts.validation):
            self._best, self._best_epoch = row["ndcg@10"], epoch
            save_tensors(self._folder / "model.safetensors", self.model.state_dict(), {"epoch": epoch})
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"optimiser.{name}": value for name, value in optimiser_tensors(self._optimiser).items()}
        about = {"epoch": epoch, "history": self._history, "best": self._best, "best_epoch": self._best_epoch}
        save_tensors(self._folder / "last.safetensors", tensors, about)
        write_json(self._folder / "history.json", self._history)
