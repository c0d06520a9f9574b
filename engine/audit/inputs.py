"""What was audited, by its hashes: the dataset, the weights, the settings, and the code that measured."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

import engine
from engine.files import sha256, sha256_of
from engine.recommend import Recommender
from engine.segments import Segment
from engine.versions import package_version, program_version


def inputs_of(run: Recommender, segments: tuple[Segment, ...] = ()) -> dict[str, Any]:
    """Names and SHA-256 of everything that a result depends on. No path of this machine, and of segments no member."""
    manifest = run.dataset.manifest
    weights = sorted(path for path in run.folder.glob("*.safetensors"))
    return {
        "heedmap": program_version(),
        "code": code_hash(),
        "run": {
            "name": run.folder.name,
            "state": run.card["state"],
            "settings": run.card["config"],
            "encoders": run.card["encoders"],
            "weights": {path.name: sha256_of(path) for path in weights},
            "card": sha256_of(run.folder / "run.json"),
        },
        "dataset": {
            "name": manifest.name,
            "fingerprint": manifest.fingerprint,
            "source": manifest.source,
            "licence": manifest.licence,
            "synthetic": manifest.synthetic,
            "counts": manifest.counts,
            "files": dict(sorted(manifest.files.items())),
        },
        "segments": {
            one.name: {
                "kind": one.kind,
                "members": len(one.members),
                "sha256": sha256("\n".join(sorted(one.members)).encode()),
            }
            for one in segments
        },
    }


_PACKAGES = (
    "torch",
    "torchvision",
    "transformers",
    "numpy",
    "pandas",
    "scipy",
    "duckdb",
    "pyarrow",
    "cryptography",
    "typst",
)


def environment(device: str) -> dict[str, Any]:
    """When and on what an audit began: versions and kinds; no name of a machine or a person."""
    return {
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": device,
        "threads": torch.get_num_threads(),
        "packages": {name: package_version(name) for name in _PACKAGES},
    }


def code_hash() -> str:
    """One hash over the engine's own source files; of a frozen program, which holds them in itself, its own."""
    if getattr(sys, "frozen", False):
        return sha256_of(Path(sys.executable))
    root = Path(engine.__file__).parent
    lines = [f"{path.relative_to(root).as_posix()} {sha256_of(path)}" for path in sorted(root.rglob("*.py"))]
    return sha256("\n".join(lines).encode())
