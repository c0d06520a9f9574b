"""Weights and training state as safetensors: each file whole or absent, nothing pickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.errors import HeedmapError
from engine.files import atomic
from engine.int8 import SCALE, restored
from engine.training.config import Config
from engine.workspace import epoch_file


def save_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write tensors and JSON metadata to one file, atomically."""
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with atomic(path) as temporary:
        try:
            save_file(plain, str(temporary), metadata={"heedmap": json.dumps(about)})
        except SafetensorError as error:
            raise HeedmapError(f"{path} could not be written ({error}).", "Is the disk full?") from error


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote. HeedmapError when the file is missing or damaged."""
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return _widened(tensors), json.loads(metadata["heedmap"])
    except FileNotFoundError as error:
        raise HeedmapError(f"{path} is missing.", "Train the run, or resume it with --resume.") from error
    except (SafetensorError, KeyError, OSError, json.JSONDecodeError) as error:
        raise HeedmapError(f"{path} is not a Heedmap checkpoint ({error}).", "Restore it, or train again.") from error


def _widened(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tables that a compressed run keeps in 8 bits, as the numbers they stand for."""
    for name in [name for name, tensor in tensors.items() if tensor.dtype == torch.int8]:
        tensors[name] = torch.from_numpy(restored(tensors[name].numpy(), tensors.pop(name + SCALE).numpy()))
    return tensors


SOLVED = ("linear.", "lent.")  # weights with these beginnings are solved at the end, not trained, and can be large


def learned(model: nn.Module) -> dict[str, Tensor]:
    """The model's state without what is solved when training is over."""
    return {name: value for name, value in model.state_dict().items() if not name.startswith(SOLVED)}


def load_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load into a model whose solved part may be missing yet: it stays silent. RuntimeError when they do not fit."""
    missing, unknown = model.load_state_dict(weights, strict=False)
    lacking = [name for name in missing if not name.startswith(SOLVED)]
    if lacking or unknown:
        raise RuntimeError(f"the weights lack {lacking} and have {unknown} besides")


SPREAD = 10  # checkpoints kept by "some"


def stays(config: Config, epoch: int) -> bool:
    """Whether the weights of an epoch (from 1) are kept beside the best ones: of the first, and of every so many."""
    if config.checkpoints == "best":
        return False
    step = 1 if config.checkpoints == "every" else -(-config.epochs // SPREAD)
    return epoch == 1 or epoch % step == 0


def save_epoch(folder: Path, epoch: int, model: nn.Module) -> None:
    """Keep what was learned up to an epoch, in about half the size of the weights: tables and matrices in 16 bits,
    which moves a weight by at most 0.05 %; biases and norms as they are."""
    small = {
        name: one.half() if one.dim() > 1 and one.is_floating_point() else one for name, one in learned(model).items()
    }
    save_tensors(epoch_file(folder, epoch), small, {"epoch": epoch})


def load_epoch(folder: Path, epoch: int, model: nn.Module) -> None:
    """Put an epoch's weights into a model; what is solved when training is over stays silent. HeedmapError when they
    were not kept, or are of another model."""
    file = epoch_file(folder, epoch)
    if not file.is_file():
        raise HeedmapError(
            f"The run {folder.name} has not kept its weights after epoch {epoch}.",
            "Train one with checkpoints=some, or checkpoints=every.",
        )
    weights, _ = load_tensors(file)
    try:
        load_weights(model, {name: one.float() if one.dtype == torch.half else one for name, one in weights.items()})
    except RuntimeError as error:
        raise HeedmapError(f"{file} is of another model ({error}).", "Train the run again.") from error


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """AdamW's state as named tensors: "<parameter index>.<name>"."""
    state = optimiser.state_dict()["state"]
    named = {f"{index}.{name}": value for index, entry in state.items() for name, value in entry.items()}
    return {name: torch.as_tensor(value) for name, value in named.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what `optimiser_tensors` took out."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
