"""Texts to word-piece states, with each piece's place in the original text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import HeedmapError
from engine.features.encoder import About, Prepared
from engine.features.hf import Folder, quiet_transformers


class TextEncoder:
    """A Hugging Face text encoder; the last hidden state of every piece is a token."""

    grid = (0, 0)

    def __init__(self, module: nn.Module, tokenizer: Any, about: About, pieces: int, device: str = "cpu") -> None:
        """`pieces` is the most word pieces read of one text. HeedmapError when the tokenizer tells no offsets."""
        self.module, self.about, self.device = module.to(device), about, device
        config: Any = module.config
        self.dim = int(config.hidden_size)
        if not tokenizer.is_fast:
            raise HeedmapError(
                f"{about.name} has a slow tokenizer, which cannot tell where a piece stands in the text.",
                "Give a folder with tokenizer.json.",
            )
        if tokenizer.pad_token is None:  # GPT-2, Llama: masked, so any piece will do
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
        tokenizer.padding_side = tokenizer.truncation_side = "right"
        self._tokenizer = tokenizer
        room = min(int(tokenizer.model_max_length), positions(config))
        self._most = min(pieces + tokenizer.num_special_tokens_to_add(), room)
        # SigLIP's text tower was trained on texts padded to its full length, without a mask.
        self._whole = config.model_type == "siglip_text_model"

    @property
    def blank(self) -> int | None:
        """The piece that says least: the unknown piece, padding or the mask, where it ends no texts; else a space.

        The mask comes last: an encoder was taught to read words out of it.
        """
        known = self._tokenizer
        ends = (known.bos_token_id, known.eos_token_id)
        space = known(" ", add_special_tokens=False)["input_ids"][-1:]
        pieces = (known.unk_token_id, known.pad_token_id, known.mask_token_id, *space)
        return next((one for one in pieces if one is not None and one not in ends), None)

    def prepare(self, raw: Sequence[str]) -> Prepared:
        """Cut texts into pieces. Special pieces and white space count as no token."""
        texts = list(raw)
        batch = self._tokenizer(
            texts,
            truncation=True,
            max_length=self._most,
            padding="max_length" if self._whole else True,
            return_tensors="pt",
            return_attention_mask=True,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        offsets: NDArray[np.int32] = batch.pop("offset_mapping").numpy().astype(np.int32)
        there = batch["attention_mask"].bool() & ~batch.pop("special_tokens_mask").bool()
        if self._whole:
            batch.pop("attention_mask")
        trim(texts, offsets)
        there &= torch.from_numpy(offsets[..., 1] > offsets[..., 0])
        return Prepared(dict(batch), there, offsets)

    def tokens(self, prepared: Prepared) -> Tensor:
        """float[n, pieces, dim]."""
        if not prepared.inputs["input_ids"].shape[1]:
            return torch.zeros(*prepared.there.shape, self.dim, device=self.device)
        inputs = {name: value.to(self.device) for name, value in prepared.inputs.items()}
        states: Tensor = self.module(**inputs).last_hidden_state
        return states


def positions(config: Any) -> int:
    """The most pieces that a model takes; RoBERTa's kin lose the places up to their padding piece."""
    most = int(getattr(config, "max_position_embeddings", 0) or 1_000_000)
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        most -= int(config.pad_token_id or 0) + 1
    return most


def trim(texts: list[str], offsets: NDArray[np.int32]) -> None:
    """Shorten spans, in place, so that none begins or ends with white space (byte-level pieces carry their blank)."""
    for text, row in zip(texts, offsets, strict=True):
        for place, (start, end) in enumerate(row.tolist()):
            word = text[start:end]
            if word and (word[0].isspace() or word[-1].isspace()):
                first = start + len(word) - len(word.lstrip())
                row[place] = (first, max(first, start + len(word.rstrip())))


def load_tokenizer(folder: Folder) -> Any:
    """The folder's tokenizer. HeedmapError when there is none that works."""
    transformers = quiet_transformers()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder.path), local_files_only=True)
        if len(tokenizer) <= len(tokenizer.all_special_ids):  # made up from nothing but its class
            raise OSError("it knows no pieces")
        return tokenizer
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise HeedmapError(f"{folder.path} has no usable tokenizer ({first}).", "Add its tokenizer.json.") from error
