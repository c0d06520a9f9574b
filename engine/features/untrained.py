"""Small encoders for a machine without a pretrained one: random projections, called untrained wherever they are named.

What they know of a text is which pieces it has, of a photo its colours and edges, of a recording its spectrum. Their
modules are plain layers, so fine-tuning can teach them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import HeedmapError
from engine.features.audio import AudioEncoder, Hearing
from engine.features.encoder import About, Prepared
from engine.features.image import ImageEncoder, Optics
from engine.features.text import trim
from engine.files import atomic, sha256, write_json

VOCABULARY, TEXT_DIM = 4000, 64
PATCH, IMAGE_DIM = 32, 128
AUDIO_DIM, MELS, FRAMES = 128, 64, 50
RATE, WINDOW, HOP = 16000, 400, 160


def learn_pieces(texts: Iterable[str]) -> str:
    """A byte-pair vocabulary of at most 4,000 pieces from a corpus, as tokenizer JSON; Chinese is cut by character."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, min_frequency=2, special_tokens=["[PAD]", "[UNK]"], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return str(tokenizer.to_str())


class PieceEncoder:
    """Byte-pair pieces, each with an embedding of its own."""

    grid = (0, 0)
    dim = TEXT_DIM
    blank = None  # no piece says less than another

    def __init__(self, tokenizer: str, table: Tensor, about: About, pieces: int, device: str = "cpu") -> None:
        """table: float[vocabulary, dim]."""
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(tokenizer)
        self._tokenizer.enable_truncation(pieces)
        self.module: nn.Module = nn.Embedding.from_pretrained(table, freeze=True).to(device)
        self.about, self.device = about, device

    def prepare(self, raw: Sequence[str]) -> Prepared:
        """Cut texts into pieces."""
        texts = list(raw)
        found = self._tokenizer.encode_batch(texts)
        most = max((len(one.ids) for one in found), default=0)
        ids, places = np.zeros((len(texts), most), np.int64), np.zeros((len(texts), most, 2), np.int32)
        for row, one in enumerate(found):
            ids[row, : len(one.ids)] = one.ids
            places[row, : len(one.ids)] = np.array(one.offsets, np.int32).reshape(-1, 2)
        trim(texts, places)
        there = torch.from_numpy(places[..., 1] > places[..., 0])
        return Prepared({"input": torch.from_numpy(ids)}, there, places)

    def tokens(self, prepared: Prepared) -> Tensor:
        """float[n, pieces, dim]."""
        states: Tensor = self.module(prepared.inputs["input"].to(self.device))
        return states


def piece_encoder(texts: Iterable[str], home: Path, pieces: int, seed: int, device: str) -> PieceEncoder:
    """Learn pieces from `texts` and keep them under `home` by their digest, for `reopen_pieces`."""
    tokenizer = learn_pieces(texts)
    size = len(json.loads(tokenizer)["model"]["vocab"])
    table = torch.randn(size, TEXT_DIM, generator=torch.Generator().manual_seed(seed))
    digest = sha256(f"{sha256(tokenizer.encode())} seed={seed} pieces={pieces} bpe-1".encode())
    folder = home / f"pieces-{digest[:16]}"
    if not (folder / "config.json").is_file():
        from safetensors.torch import save_file

        with atomic(folder / "tokenizer.json") as temporary:
            temporary.write_text(tokenizer, encoding="utf-8")
        with atomic(folder / "model.safetensors") as temporary:
            save_file({"weight": table}, str(temporary))
        write_json(folder / "config.json", {"model_type": "heedmap-pieces", "pieces": pieces, "digest": digest})
    return PieceEncoder(tokenizer, table, _about("text", "byte-pair pieces", digest), pieces, device)


def reopen_pieces(home: Path, digest: str, device: str) -> PieceEncoder:
    """What `piece_encoder` kept. HeedmapError when it is gone."""
    from safetensors.torch import load_file

    folder = home / f"pieces-{digest[:16]}"
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8")
        table = load_file(str(folder / "model.safetensors"))["weight"]
    except (OSError, ValueError, KeyError) as error:
        raise HeedmapError(f"The word pieces in {folder} are missing ({error}).", "Train the run again.") from error
    return PieceEncoder(tokenizer, table, _about("text", "byte-pair pieces", digest), config["pieces"], device)


def patch_encoder(cells: int, seed: int, device: str) -> ImageEncoder:
    """Patches of 32 x 32 pixels under a random orthogonal projection: 7 x 7 cells of 128 features."""
    module = _Patches()
    nn.init.orthogonal_(module.project.weight.flatten(1), generator=torch.Generator().manual_seed(seed))
    about = _about("image", "random patches", sha256(f"seed={seed} cells={cells} patches-1".encode()))
    return ImageEncoder(module.requires_grad_(False), _map, Optics(7 * PATCH), about, cells, device)


class _Patches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Conv2d(3, IMAGE_DIM, PATCH, PATCH, bias=False)

    def forward(self, pixel_values: Tensor) -> Tensor:
        states: Tensor = self.project(pixel_values)
        return states.permute(0, 2, 3, 1)


def _map(module: nn.Module, pixels: Tensor) -> Tensor:
    states: Tensor = module(pixel_values=pixels)
    return states


def spectrum_encoder(seconds: float, seed: int, device: str) -> AudioEncoder:
    """Half a second of log-mel spectrum under a random orthogonal projection: cells of 128 features."""
    module = nn.Linear(MELS * FRAMES, AUDIO_DIM, bias=False)
    nn.init.orthogonal_(module.weight, generator=torch.Generator().manual_seed(seed))
    digest = sha256(f"seed={seed} seconds={seconds} spectrum-1".encode())
    cell = FRAMES * HOP
    hearing = Hearing(RATE, cell, 600.0, lambda waves: [_log_mel(w) for w in waves], lambda n: -(-n // cell), _project)
    about = _about("audio", "random spectrum", digest)
    return AudioEncoder(module.requires_grad_(False), hearing, AUDIO_DIM, about, seconds, device)


def _project(module: nn.Module, spectra: list[Tensor], device: str) -> list[Tensor]:
    return [module(one.to(device)) for one in spectra]


def _log_mel(wave: NDArray[np.float32]) -> Tensor:
    """float32[samples] -> float[cells, frames * mels]; silence fills the last cell."""
    padded = torch.nn.functional.pad(torch.from_numpy(wave), (0, -len(wave) % (FRAMES * HOP)))
    power = torch.stft(
        padded, WINDOW, HOP, window=torch.hann_window(WINDOW), center=True, pad_mode="constant", return_complex=True
    )
    mel = mel_filters() @ power.abs()[:, : len(padded) // HOP].square()
    scaled = (mel.clamp_min(1e-10).log10() + 4.0) / 4.0
    return scaled.T.reshape(-1, FRAMES * MELS)


def mel_filters() -> Tensor:
    """Triangles over the mel scale, 2595 log10(1 + f / 700): float[mels, WINDOW // 2 + 1]."""
    top = 2595.0 * np.log10(1.0 + RATE / 2 / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(0.0, top, MELS + 2) / 2595.0) - 1.0)
    bins = np.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return torch.from_numpy(np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32))


def _about(kind: str, what: str, digest: str) -> About:
    meta: dict[str, Any] = {"setting": "untrained", "pretrained": False, "licence": "Apache-2.0"}
    return About(kind, f"{what} (untrained)", digest, **meta)
