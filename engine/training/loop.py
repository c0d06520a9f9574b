"""Train a run: a job that encodes, trains with early stopping, saves after each epoch, and measures at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.dataset.context import FROM_TIME
from engine.dataset.split import Interactions, Split, interactions, split, through_validation
from engine.dataset.store import Dataset
from engine.device import choose_device, set_threads
from engine.errors import HeedmapError
from engine.features.catalogue import ENCODED, Catalogue, Reading, build_catalogue, item_texts
from engine.files import make_folder, read_json, way, write_json
from engine.held import held
from engine.jobs import Job
from engine.model.lent import LENDERS
from engine.model.recommender import Model, ModelShape
from engine.model.spectral import spectral_embedding
from engine.model.tokens import Tokens
from engine.model.tower import TowerShape
from engine.training.attention_images import attention_pictures
from engine.training.config import Config
from engine.training.finetune import FineTuning
from engine.training.linear_term import Chosen, choose, kept_entries, solve
from engine.training.measure import measure
from engine.training.newcomers import choose_cold, lend
from engine.training.track import TRACKERS, Course
from engine.training.trainer import Trainer, start_from_popularity
from engine.training.weights import weights_of
from engine.versions import current, forward


def train(
    dataset_folder: Path,
    run_folder: Path,
    config: Config,
    resume: bool = False,
    teach: Callable[[Trainer], None] | None = None,
) -> Job:
    """Train on a dataset into a run folder and return that folder.

    A run that was stopped goes on with `resume`, with the settings it was started with, to the same numbers: every
    random choice of an epoch follows from the seed and the epoch's number. teach: changes the trainer before it starts.
    HeedmapError where another process trains that run.
    """
    with held(run_folder):
        return (yield from _train(dataset_folder, run_folder, config, resume, teach))


def _train(
    dataset_folder: Path, run_folder: Path, config: Config, resume: bool, teach: Callable[[Trainer], None] | None
) -> Job:
    if resume:
        config = _checked_resume(run_folder, config)
    elif (run_folder / "run.json").is_file():
        raise HeedmapError(f"{run_folder} already holds a run.", "Choose another name, or go on with --resume.")
    dataset = Dataset.open(dataset_folder)
    card = Card(run_folder, dataset, config)
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
    shape = model_shape(catalogue, config, data)
    card.content["shape"] = asdict(shape)
    card.content["encoders"] = catalogue.encoders
    torch.manual_seed(config.seed)
    model = Model(shape).to(device)
    card.content["parameters"] = sum(one.numel() for one in model.parameters())
    start_from_popularity(model, np.bincount(data.item[parts.train], minlength=len(data.items)))
    if config.identity:
        with torch.no_grad():
            start = spectral_embedding(data, parts.train, config.dim, config.seed)
            model.tower.identity.weight.copy_(torch.from_numpy(start))
    trainer = Trainer(model, Tokens(catalogue, model.tower, device), data, parts, config, run_folder)
    weights = weights_of(dataset, data.users, config.weigh)
    if weights is not None:
        trainer.weigh(weights)
    if teach is not None:
        teach(trainer)
    if resume and (run_folder / "last.safetensors").is_file():
        trainer.restore()
    tuning = None
    if config.tune != "none" and "tuned" not in card.content:
        tuning = FineTuning(trainer, catalogue, dataset, reading_of(config), run_folder)
    tracker = TRACKERS[config.track](run_folder)
    course = Course(tracker)
    texts = item_texts(dataset, parts, data.users, reading_of(config))
    pictures = attention_pictures(model, trainer.tokens, catalogue, dataset, texts)
    try:
        yield from course.follow(trainer.run(card), lambda: pictures() if trainer.attends else {})
        if tuning is not None:
            yield from course.follow(tuning.run(card), pictures)
    finally:
        tracker.close()
    if tuning is not None:
        card.content["encoders"] = tuning.catalogue.encoders
    elif config.tune != "none":
        trainer.attend_from_now()
    yield from _finished(trainer, catalogue if tuning is None else tuning.catalogue, card)
    dataset.close()
    return run_folder


def _finished(trainer: Trainer, catalogue: Catalogue, card: Card) -> Job:
    """From the best epoch to the run that is used: the linear term, what new products borrow, the figures of
    validation, the validation period's events taken in, the figures of the test."""
    model, data, parts, config = trainer.model, trainer.data, trainer.parts, trainer.config
    trainer.take_best()
    chosen = None
    if model.shape.linear:
        chosen = yield from choose(model, trainer.tokens, data, parts, config, trainer.weights)
        card.content["linear"] = chosen.to_json()
        model.lent.let_count()
    _solve(trainer, catalogue, parts, chosen)
    if len(parts.validation):
        level = yield from choose_cold(model, trainer.tokens, data, parts, config)
        model.cold.fill_(level)
        card.content["cold_bias"] = level
    metrics = yield from measure(model, trainer.tokens, data, parts, ("validation",))
    if config.refit and len(parts.validation):
        parts = through_validation(data, parts)
        model.lent.clear()
        yield from trainer.refit(parts)
        _solve(trainer, catalogue, parts, chosen)
    trainer.keep_final()
    tested = yield from measure(model, trainer.tokens, data, parts, ("test",))
    card.content["metrics"] = {**metrics, **tested}
    card.write(state="done")
    return None


def _solve(trainer: Trainer, catalogue: Catalogue, parts: Split, chosen: Chosen | None) -> None:
    """What is not trained: who lends to new products, and the linear term."""
    model, data = trainer.model, trainer.data
    lend(model, catalogue, data, parts.train)
    if chosen is not None:
        near, weight = solve(data, parts.train, chosen, model.shape.linear, model.lent, trainer.weights)
        model.linear.put(near, weight, chosen.level, chosen.half_life)


def model_shape(catalogue: Catalogue, config: Config, data: Interactions) -> ModelShape:
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
    fields = data.context.fields
    named = [field if field in FROM_TIME else "carried" for field in fields]
    return ModelShape(
        tower,
        config.blocks,
        config.history,
        config.dropout,
        context=tuple(column for column, name in enumerate(named) if name in config.context),
        contexts=len(data.context.names),
        profiles=len(data.profiles.names) if config.profile else 0,
        linear=kept_entries(config, len(catalogue.items)),
        lent=LENDERS if features else 0,
        rating=config.rating,
    )


class Card:
    """run.json: what this run is, how far it got, what it is worth."""

    def __init__(self, folder: Path, dataset: Dataset, config: Config) -> None:
        self._path = folder / "run.json"
        if self._path.is_file():
            self.content: dict[str, Any] = forward("run", read_json(self._path), folder)
            return
        self.content = {
            "version": current("run"),
            "name": folder.name,
            "state": "running",
            "epoch": 0,
            "best_epoch": 0,
            "dataset": {
                "name": dataset.manifest.name,
                "folder": way(folder, dataset.folder),
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
    kept = Config.from_settings(forward("run", read_json(folder / "run.json"), folder)["config"])
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
    catalogue: Catalogue = yield from build_catalogue(dataset, parts, data.users, seen, reading_of(config))
    catalogue.save(folder)
    return catalogue


def reading_of(config: Config) -> Reading:
    """What a run reads of its products, and how."""
    return Reading(
        modalities=config.modalities,
        reviews=config.reviews,
        outside_reviews=config.outside_reviews,
        aspects=config.aspects,
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
