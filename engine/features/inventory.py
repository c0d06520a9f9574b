"""What encoders this machine has: packs, folders, and the small untrained ones that are always there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import HeedmapError
from engine.features.hf import licence_of, recognise
from engine.features.packs import PACKS, installed, licence_of_package, pack_weights
from engine.features.vit_pack import user_encoders


@dataclass(frozen=True)
class Listed:
    """One encoder. setting: what text_encoder, image_encoder or audio_encoder must say to use it; bytes: its weights.

    fault: why it cannot be used; empty when it can.
    """

    name: str
    kinds: tuple[str, ...]
    setting: str
    bytes: int
    licence: str
    pretrained: bool
    attention_maps: bool
    fault: str = ""


def inventory(folders: Sequence[Path], workspace: Path | None = None) -> list[Listed]:
    """Packs, then the given folders (each an encoder, or holding some), then those in the workspace and of the user."""
    found = [_pack(name) for name, pack in PACKS.items() if installed(pack)]
    for folder in folders:
        inside = _inside(folder)
        found += [_folder(one) for one in inside or [folder]]
    homes = [user_encoders()] if workspace is None else [workspace / "encoders", user_encoders()]
    given = {Path(one.setting).resolve() for one in found}
    own = [folder for home in homes for folder in _inside(home) if folder.resolve() not in given]
    found += [_folder(folder) for folder in own]
    kinds = {"text": "byte-pair pieces", "image": "random patches", "audio": "random spectrum"}
    return found + [
        Listed(name, (kind,), "untrained", 0, "Apache-2.0", pretrained=False, attention_maps=False)
        for kind, name in kinds.items()
    ]


def _inside(folder: Path) -> list[Path]:
    if not folder.is_dir() or (folder / "config.json").is_file():
        return []
    return sorted(one for one in folder.iterdir() if one.is_dir() and (one / "config.json").is_file())


def _pack(name: str) -> Listed:
    pack = PACKS[name]
    licence = licence_of_package(pack)
    try:
        size, fault = pack_weights(name).stat().st_size, ""
    except HeedmapError as error:
        size, fault = 0, str(error)
    return Listed(pack.title, (pack.kind,), name, size, licence, True, pack.attention_maps, fault)


def _folder(path: Path) -> Listed:
    try:
        folder = recognise(path)
    except HeedmapError as error:
        return Listed(path.name, (), str(path), 0, licence_of(path), False, False, str(error))
    size = sum(one.stat().st_size for one in folder.weights)
    return Listed(path.resolve().name, tuple(folder.towers), str(path), size, licence_of(path), True, True)


def table(found: Sequence[Listed]) -> str:
    """The list for a terminal: one line each, and a sentence for each that cannot be used."""
    titles = ("name", "encodes", "size", "licence", "pretrained", "attention maps", "setting")
    rows = [titles]
    for one in found:
        if not one.fault:
            maps, trained = ("yes" if value else "no" for value in (one.attention_maps, one.pretrained))
            size = f"{one.bytes / 1e6:,.1f} MB" if one.bytes else "-"
            rows.append((one.name, ", ".join(one.kinds), size, one.licence, trained, maps, one.setting))
    widths = [max(len(row[place]) for row in rows) for place in range(len(titles))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *(f"Not usable: {one.fault}" for one in found if one.fault)])
