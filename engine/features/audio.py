"""Recordings to states of half-second cells: Wav2Vec2, HuBERT, WavLM, Whisper's encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import HeedmapError
from engine.features.encoder import About, Prepared
from engine.features.hf import Folder, preprocessor, quiet_transformers

CELL_SECONDS = 0.5
_WINDOWS = 4  # of Whisper's, read at once
_SHORTEST = 0.1  # seconds; shorter recordings are padded with silence so that every network can read them


def read_audio(path: Path, rate: int, seconds: float) -> NDArray[np.float32]:
    """The first `seconds` of a recording as float32[samples], one channel, at `rate` Hz (WAV, FLAC, OGG, MP3)."""
    import soundfile
    from scipy.signal import resample_poly

    try:
        with soundfile.SoundFile(str(path)) as file:
            own = int(file.samplerate)
            wave = file.read(int(seconds * own), dtype="float32", always_2d=True).mean(axis=1)
    except (OSError, RuntimeError) as error:  # soundfile's own errors are RuntimeErrors
        raise HeedmapError(
            f"The recording {path} cannot be read ({error}).", "It must be WAV, FLAC, OGG or MP3."
        ) from error
    if own != rate and len(wave):
        common = gcd(own, rate)
        wave = resample_poly(wave, rate // common, own // common)
    missing = int(_SHORTEST * rate) - len(wave)
    return np.pad(wave, (0, max(0, missing))).astype(np.float32)


@dataclass(frozen=True)
class Hearing:
    """How a network hears: samples per second, samples between its frames, the most seconds that it takes.

    features: list of float32[samples] -> what the module is given; frames: samples -> frames of its answer; read:
    (module, features) -> one float[frames, dim] per recording, differentiable.
    """

    rate: int
    hop: int
    most: float
    features: Callable[[list[NDArray[np.float32]]], Any]
    frames: Callable[[int], int]
    read: Callable[[nn.Module, Any, str], list[Tensor]]


class AudioEncoder:
    """A network's frames, averaged over cells of half a second."""

    grid = (0, 0)

    def __init__(
        self, module: nn.Module, hearing: Hearing, dim: int, about: About, seconds: float, device: str = "cpu"
    ) -> None:
        self.module, self.about, self.device, self.dim = module.to(device), about, device, dim
        self._hearing = hearing
        self.rate, self.seconds = hearing.rate, min(seconds, hearing.most)
        self._per_cell = max(1, round(CELL_SECONDS * hearing.rate / hearing.hop))

    def prepare(self, raw: Sequence[Path]) -> Prepared:
        """Decode and resample recordings. places: milliseconds at which each cell begins and ends."""
        waves = [read_audio(path, self.rate, self.seconds) for path in raw]
        counts = [-(-self._hearing.frames(len(wave)) // self._per_cell) for wave in waves]
        there = torch.arange(max(counts)) < torch.tensor(counts)[:, None]
        edges = np.arange(max(counts) + 1) * (1000.0 * self._per_cell * self._hearing.hop / self.rate)
        ends = np.array([1000.0 * len(wave) / self.rate for wave in waves])
        places = np.stack(np.broadcast_arrays(edges[:-1], edges[1:]), axis=-1)[None].repeat(len(waves), axis=0)
        for row, count in enumerate(counts):
            places[row, count - 1, 1] = ends[row]  # the last cell ends with the recording
        return Prepared({"waves": self._hearing.features(waves)}, there, np.rint(places).astype(np.int32))

    def tokens(self, prepared: Prepared) -> Tensor:
        """float[n, cells, dim]."""
        most = prepared.there.shape[1]
        rows = []
        for row, frames in enumerate(self._hearing.read(self.module, prepared.inputs["waves"], self.device)):
            count = int(prepared.there[row].sum())
            kept = frames[: count * self._per_cell]
            cells = torch.stack([one.mean(dim=0) for one in kept.split(self._per_cell)])
            rows.append(torch.cat([cells, cells.new_zeros(most - len(cells), self.dim)]))
        return torch.stack(rows)


def open_audio_tower(folder: Folder, module: nn.Module, about: About, seconds: float, device: str) -> AudioEncoder:
    """An encoder around a module of a Hugging Face folder."""
    config: Any = module.config
    hearing = _whisper(folder, config) if folder.model_type == "whisper" else _waves(folder, module)
    return AudioEncoder(module, hearing, int(config.hidden_size), about, seconds, device)


def _waves(folder: Folder, module: Any) -> Hearing:
    """Wav2Vec2 and its kin hear the wave itself, one recording at a time: padding would change their norms."""
    told = preprocessor(folder.path)
    normal = bool(told.get("do_normalize", True))

    def features(waves: list[NDArray[np.float32]]) -> list[Tensor]:
        if normal:
            waves = [(wave - wave.mean()) / np.sqrt(wave.var() + 1e-7) for wave in waves]
        return [torch.from_numpy(wave.astype(np.float32)) for wave in waves]

    def read(module: nn.Module, waves: list[Tensor], device: str) -> list[Tensor]:
        return [module(wave[None].to(device)).last_hidden_state[0] for wave in waves]

    config = module.config
    strides, kernels = list(config.conv_stride), list(config.conv_kernel)

    def frames(samples: int) -> int:
        for kernel, stride in zip(kernels, strides, strict=True):
            samples = (samples - kernel) // stride + 1
        return max(1, samples)

    return Hearing(int(told.get("sampling_rate", 16000)), int(np.prod(strides)), 600.0, features, frames, read)


def _whisper(folder: Folder, config: Any) -> Hearing:
    """Whisper hears log-mel spectrograms of windows of fixed length. A longer recording is cut into windows, one after
    another; frames after its end are dropped."""
    told = preprocessor(folder.path)
    rate, hop = int(told.get("sampling_rate", 16000)), int(told.get("hop_length", 160))
    most = int(config.max_source_positions)
    window = 2 * most * hop
    extractor = quiet_transformers().WhisperFeatureExtractor(
        feature_size=int(config.num_mel_bins),
        sampling_rate=rate,
        hop_length=hop,
        n_fft=int(told.get("n_fft", 400)),
        chunk_length=-(-window // rate),
    )

    def features(waves: list[NDArray[np.float32]]) -> list[tuple[Tensor, int]]:
        return [(spectra_of(wave), frames(len(wave))) for wave in waves]

    def spectra_of(wave: NDArray[np.float32]) -> Tensor:
        """float[windows, mels, 2 * most]."""
        cut = [wave[first : first + window] for first in range(0, len(wave), window)]
        mel: Tensor = extractor(cut, sampling_rate=rate, return_tensors="pt", padding="max_length")["input_features"]
        return mel[..., : 2 * most]

    def read(module: nn.Module, given: list[tuple[Tensor, int]], device: str) -> list[Tensor]:
        spectra = torch.cat([one for one, _ in given])
        # A few at a time: ten minutes are twenty windows, and each takes memory.
        states = torch.cat([module(part.to(device)).last_hidden_state for part in spectra.split(_WINDOWS)])
        heard = states.split([len(one) for one, _ in given])
        return [one.flatten(0, 1)[:count] for one, (_, count) in zip(heard, given, strict=True)]

    def frames(samples: int) -> int:
        whole, rest = divmod(samples, window)
        return max(1, whole * most - (-rest // (2 * hop)))

    return Hearing(rate, 2 * hop, 600.0, features, frames, read)
