"""A SASRec-style state dict becomes a run of ours: product embeddings as identity, its blocks as the sequence part."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from engine.dataset.split import interactions, split
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.features.catalogue import Reading, build_catalogue
from engine.files import make_folder, read_json, sha256_of
from engine.foreign.reading import aligned, read_names, read_state
from engine.jobs import Job, Progress
from engine.model.adopt import Map, adopted_shape, adopted_weights, read_map, renamed
from engine.model.recommender import Model, ModelShape
from engine.model.tokens import Tokens
from engine.model.tower import TowerShape
from engine.training.checkpoint import save_tensors
from engine.training.config import Config
from engine.training.loop import Card
from engine.training.measure import measure

UNKNOWN_TRAINING = "Trained elsewhere: it may have learned from the very events that it is measured on here."


def adopt_state(
    state: Path, dataset_folder: Path, run_folder: Path, map_file: Path, items: Path | None = None, split_by: str = ""
) -> Job:
    """Write a run whose scores are the foreign model's, measured here, and return its folder.

    items: names of the products in the order of the state's rows; without it they are the dataset's. HeedmapError says
    exactly what does not fit.
    """
    if (run_folder / "run.json").is_file():
        raise HeedmapError(f"{run_folder} already holds a run.", "Choose another name.")
    yield Progress("Reading the model")
    map = read_map(read_json(map_file), map_file.name)
    tensors = renamed(read_state(state), map)
    shape = adopted_shape(tensors, map)
    weights = adopted_weights(tensors, map, shape)
    dataset = Dataset.open(dataset_folder)
    settings = {"dim": shape.dim, "heads": 1, "blocks": shape.blocks, "history": shape.history, "modalities": ""}
    settings |= {"linear": "none", "context": "", "profile": False, "split": split_by or Config().split}
    config = Config.from_settings(settings)
    data = interactions(dataset)
    parts = split(config.split, data)
    tower = TowerShape(len(data.items), shape.dim, 1, config.fusion, {}, 0, 0, identity=True)
    model = Model(ModelShape(tower, shape.blocks, shape.history, 0.0, adopted=shape)).eval()
    model.adopted.load_state_dict(weights)
    known = _place_items(model, tensors, map, data.items, items, state.name)
    seen = np.bincount(data.item[parts.train], minlength=len(data.items)) > 0
    catalogue = yield from build_catalogue(dataset, parts, data.users, seen, Reading(modalities=()))
    make_folder(run_folder)
    catalogue.save(run_folder / "tokens")
    card = Card(run_folder, dataset, config)
    card.content |= {"shape": asdict(model.shape), "parameters": sum(one.numel() for one in model.parameters())}
    card.content["origin"] = {
        "kind": "state dict",
        "file": state.name,
        "sha256": sha256_of(state),
        "style": asdict(map.style),
        "items": known,
        "note": UNKNOWN_TRAINING,
    }
    save_tensors(run_folder / "model.safetensors", model.state_dict(), {"epoch": 0})
    tokens = Tokens(catalogue, model.tower, "cpu")
    card.content["metrics"] = yield from measure(model, tokens, data, parts, ("validation", "test"))
    card.write(state="done")
    dataset.close()
    return run_folder


def _place_items(
    model: Model, tensors: dict[str, torch.Tensor], map: Map, wanted: tuple[str, ...], items: Path | None, source: str
) -> int:
    """Put their product vectors in our order; a product that they do not know stays silent. How many are known."""
    table = tensors["item"][map.first_item :]
    names = read_names(items) if items is not None else list(wanted)
    where = items.name if items is not None else "the dataset"
    if len(names) > len(table):
        raise HeedmapError(
            f"{source} has vectors of {len(table):,} products, {where} {len(names):,}.",
            "Give the names of its rows with --items, and the row of the first product as first_item in the map.",
        )
    rows = torch.from_numpy(aligned(names, wanted, "products", where))
    known = rows >= 0
    with torch.no_grad():
        model.tower.identity.weight.copy_(torch.where(known[:, None], table[rows.clamp_min(0)], 0.0))
        if "bias" in tensors:
            bias = tensors["bias"].flatten()[map.first_item :]
            model.tower.bias.copy_(torch.where(known, bias[rows.clamp_min(0)], 0.0))
        model.seen.copy_(known)
    return int(known.sum())
