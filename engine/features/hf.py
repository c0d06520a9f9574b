"""Hugging Face folders on this disk: recognised from config.json, loaded without the network and without pickles."""

from __future__ import annotations

import json
import os
import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from engine.errors import HeedmapError
from engine.features.torchvision_cure import cure_torchvision
from engine.files import read_json, sha256, sha256_of

# model_type in config.json -> what it can encode -> the class of transformers that holds that tower.
_TEXT = {"text": "AutoModel"}
_IMAGE = {"image": "AutoModel"}
_AUDIO = {"audio": "AutoModel"}
FAMILIES: dict[str, dict[str, str]] = {
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra", "mpnet"), _TEXT),
    **dict.fromkeys(("albert", "deberta-v2", "modernbert", "xlnet"), _TEXT),
    **dict.fromkeys(("gpt2", "gpt_neo", "gpt_neox", "opt", "llama", "mistral", "qwen2", "qwen3", "gemma"), _TEXT),
    **dict.fromkeys(("vit", "deit", "dinov2", "dinov2_with_registers"), _IMAGE),
    "clip": {"image": "CLIPVisionModel", "text": "CLIPTextModel"},
    "clip_vision_model": {"image": "CLIPVisionModel"},
    "clip_text_model": {"text": "CLIPTextModel"},
    "siglip": {"image": "SiglipVisionModel", "text": "SiglipTextModel"},
    "siglip_vision_model": {"image": "SiglipVisionModel"},
    "siglip_text_model": {"text": "SiglipTextModel"},
    **dict.fromkeys(("wav2vec2", "hubert", "wavlm"), _AUDIO),
    "whisper": {"audio": "WhisperModel"},
}
# Parts that encoding does not use, so that a folder may lack them: pooling heads, Whisper's decoder, a mask embedding.
_UNUSED = re.compile(r"pooler|(^|\.)head\.|^decoder\.|masked_spec_embed|mask_token")
_FAULTS = (OSError, ValueError, RuntimeError, KeyError, AttributeError, ImportError, TypeError, SafetensorError)


@dataclass(frozen=True)
class Folder:
    """A recognised folder. towers: "text", "image" or "audio" -> class; weights: the files that hold its tensors."""

    path: Path
    model_type: str
    config: dict[str, Any]
    towers: dict[str, str]
    weights: tuple[Path, ...]

    def digest(self) -> str:
        """SHA-256 over weights, configuration and tokenizer: anything that a state depends on."""
        about = [*self.weights, *sorted(self.path.glob("*.json")), *sorted(self.path.glob("*.txt"))]
        return sha256("\n".join(f"{one.name} {sha256_of(one)}" for one in about).encode())

    def safe(self) -> bool:
        return self.weights[0].suffix == ".safetensors"


def recognise(path: Path) -> Folder:
    """What a folder can encode, from its config.json. HeedmapError says why it is none that Heedmap reads."""
    if not path.is_dir():
        raise HeedmapError(f"There is no folder {path}.", "Give a Hugging Face folder on this machine.")
    if not (path / "config.json").is_file():
        raise HeedmapError(f"{path} holds no config.json.", "Give a folder as `save_pretrained` writes it.")
    config = read_json(path / "config.json")
    model_type = str(config.get("model_type", "")) if isinstance(config, dict) else ""
    if model_type not in FAMILIES:
        raise HeedmapError(
            f"{path} holds a model of type {model_type or 'unknown'!r}, which Heedmap cannot read.",
            f"It reads {', '.join(sorted(FAMILIES))}.",
        )
    weights = tuple(sorted(path.glob("model*.safetensors"))) or tuple(sorted(path.glob("pytorch_model*.bin")))
    if not weights:
        raise HeedmapError(f"{path} holds no weights.", "It needs model.safetensors (or pytorch_model.bin).")
    for one in weights:
        if one.suffix == ".safetensors":
            tensor_names(one)
    return Folder(path, model_type, config, FAMILIES[model_type], weights)


def tensor_names(path: Path) -> list[str]:
    """Names in a safetensors file. HeedmapError when it is damaged."""
    from safetensors import safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            return list(file.keys())
    except (SafetensorError, OSError) as error:
        raise HeedmapError(f"{path} is damaged ({error}).", "Copy it again from where it came.") from error


def load_module(folder: Folder, kind: str) -> nn.Module:
    """The tower of this kind, in float32, in evaluation mode. HeedmapError when weights are missing or do not fit."""
    if kind not in folder.towers:
        raise HeedmapError(
            f"{folder.path} ({folder.model_type}) encodes {' and '.join(folder.towers)}, not {kind}.",
            f"Choose another folder as {kind} encoder.",
        )
    transformers = quiet_transformers()
    try:
        module, info = getattr(transformers, folder.towers[kind]).from_pretrained(
            str(folder.path),
            local_files_only=True,
            use_safetensors=folder.safe(),
            weights_only=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except pickle.UnpicklingError as error:
        raise HeedmapError(
            f"{folder.weights[0]} holds more than tensors and is not opened.", "Convert it to safetensors."
        ) from error
    except _FAULTS as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise HeedmapError(f"{folder.path} cannot be loaded ({first}).", "Save the model again.") from error
    lost = sorted(name for name in info["missing_keys"] if not _UNUSED.search(name))
    if lost:
        raise HeedmapError(
            f"{folder.path} lacks {len(lost)} of its weights, such as {lost[0]}.",
            "They would be random: save the whole model again.",
        )
    if hasattr(module.config, "use_cache"):
        module.config.use_cache = False
    found: nn.Module = module.get_encoder() if folder.model_type == "whisper" else module
    return found.eval().requires_grad_(False)


def quiet_transformers() -> Any:
    """The library, imported for use without a network or chatter."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    cure_torchvision()
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers


def licence_of(folder: Path) -> str:
    """What the folder's model card says, else the first line of its licence file, else "unknown"."""
    try:
        card = (folder / "README.md").read_text(encoding="utf-8")
        front = card.split("---")[1] if card.startswith("---") else ""
        if named := re.search(r"^license:\s*[\"']?([^\s\"'#\[]+)", front, re.MULTILINE):
            return named[1]
    except (OSError, UnicodeDecodeError):
        pass
    for name in ("LICENSE", "LICENSE.txt", "LICENCE"):
        if (folder / name).is_file():
            lines = (folder / name).read_text(encoding="utf-8", errors="replace").split("\n")
            return next((line.strip() for line in lines if line.strip()), "unknown")[:60]
    return "unknown"


def preprocessor(folder: Path) -> dict[str, Any]:
    """preprocessor_config.json, or an empty dict when there is none."""
    path = folder / "preprocessor_config.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise HeedmapError(f"{path} is damaged ({error}).", "Copy it again from where it came.") from error
    return found if isinstance(found, dict) else {}
