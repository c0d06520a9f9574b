"""Texts to word-piece states, with each piece's place in the original text."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import HeedmapError
from engine.features.torchvision_cure import cure_torchvision
from engine.files import sha256, sha256_of


@dataclass(frozen=True)
class EncodedText:
    """states: float16[pieces, dim]; spans: int32[pieces, 2], start and end of each piece in the text, in characters."""

    states: NDArray[np.float16]
    spans: NDArray[np.int32]


class TextEncoder:
    """A frozen Hugging Face text encoder from a local folder; the last hidden state of every piece is a token."""

    def __init__(self, folder: Path, pieces: int, device: str = "cpu") -> None:
        """`pieces` is the most word pieces read of one text. HeedmapError when the folder is no usable model."""
        os.environ["HF_HUB_OFFLINE"] = "1"
        cure_torchvision()
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
            model = transformers.AutoModel.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
        except (OSError, ValueError) as error:
            raise HeedmapError(f"{folder} is not a text encoder ({error}).", "Give a Hugging Face folder.") from error
        self._model = model.eval().requires_grad_(False).to(device)
        self._device = device
        self._pieces = pieces
        self.dim = int(model.config.hidden_size)
        self.name = str(folder.name if folder.name != "model" else "all-MiniLM-L6-v2")
        self.digest = sha256(f"{sha256_of(folder / 'model.safetensors')} pieces={pieces} text-1".encode())

    def encode(self, texts: list[str]) -> list[EncodedText]:
        """Encode one batch; a text without any piece gives arrays of length 0."""
        batch = self._tokenizer(
            texts,
            truncation=True,
            max_length=self._pieces + 2,
            padding=True,
            return_tensors="pt",
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        offsets = batch.pop("offset_mapping").numpy().astype(np.int32)
        special = batch.pop("special_tokens_mask").numpy().astype(bool)
        with torch.inference_mode():
            states = self._model(**batch.to(self._device)).last_hidden_state.half().cpu().numpy()
        return [EncodedText(states[row][~special[row]], offsets[row][~special[row]]) for row in range(len(texts))]
