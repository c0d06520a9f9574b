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
