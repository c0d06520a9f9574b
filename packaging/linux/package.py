"""Makes Linux packages of a frozen folder: a .deb, and a .tar.zst that runs from any folder without root.

    python packaging/linux/package.py FROZEN_FOLDER OUT [--flavour cpu|cuda] [--revision N]

The same folder gives the same bytes: names are sorted, owners are root, dates are SOURCE_DATE_EPOCH's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))

import make_assets  # noqa: E402 - they stand beside this file
from bundled import pyproject  # noqa: E402
from needs import RECOMMENDED, dependencies  # noqa: E402

PLACE = "opt/heedmap"  # of the program on a system
DESCRIPTION = """See what a product recommender heeds
 Heedmap trains a recommender on a shop's data, on this machine, and shows what it
 heeds: heatmaps on product photos, review words, attributes and purchase history,
 all adding up to the score, each with a measured grade of how true it is.
 .
 It works without a network; nothing leaves the machine. Workspaces lie in the users'
 own folders and stay when the package is removed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--flavour", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--revision", type=int, default=1, help="counts the packages made of one version")
    parsed = parser.parse_args()
    parsed.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parsed.out) as scratch:
        for made in (
            deb(parsed.folder, parsed.out, Path(scratch), parsed.flavour, parsed.revision),
            archive(parsed.folder, parsed.out, Path(scratch), parsed.flavour),
        ):
            print(f"{made.stat().st_size / 1e6:8.1f} MB  {made}")


def name_of(flavour: str) -> str:
    return "heedmap" if flavour == "cpu" else f"heedmap-{flavour}"


def deb(folder: Path, out: Path, scratch: Path, flavour: str, revision: int) -> Path:
    """A package of Debian's, compressed by zstd (Debian 12, Ubuntu 22.04 and later)."""
    root = scratch / "deb"
    copied(folder, root / PLACE)
    make_assets.make(root)
    program = root / "usr/bin/heedmap"
    program.parent.mkdir(parents=True)
    program.symlink_to(f"/{PLACE}/heedmap")
    control = root / "DEBIAN"
    control.mkdir()
    size = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file()) // 1024
    name, other = name_of(flavour), name_of("cuda" if flavour == "cpu" else "cpu")
    fields = {
        "Package": name,
        "Version": f"{pyproject().version}-{revision}",
        "Architecture": "amd64",
        "Maintainer": "The Heedmap authors <heedmap@localhost>",
        "Installed-Size": str(size),
        "Depends": ", ".join(dependencies(folder)),
        "Recommends": ", ".join(RECOMMENDED),
        "Suggests": "fonts-noto-cjk",
        "Conflicts": other,
        "Replaces": other,
        "Section": "science",
        "Priority": "optional",
        "Description": DESCRIPTION,
    }
    (control / "control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()), encoding="utf-8")
    for script in ("postinst", "postrm"):
        shutil.copyfile(HERE / script, control / script)
        (control / script).chmod(0o755)
    dated(root)
    made = out / f"{name}_{pyproject().version}-{revision}_amd64.deb"
    level = os.environ.get("HEEDMAP_LEVEL", "19")
    command = ["dpkg-deb", "--root-owner-group", "-Zzstd", f"-z{level}", "--build", str(root), str(made)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return made


def archive(folder: Path, out: Path, scratch: Path, flavour: str) -> Path:
    """The same program for a folder of the user's: unpack, then start heedmap/heedmap."""
    root = scratch / "tar"
    copied(folder, root / "heedmap")
    assets = scratch / "assets"
    make_assets.make(assets)
    shutil.move(assets / "usr/share", root / "heedmap/share")
    for name in ("add-to-menu", "README"):
        shutil.copyfile(HERE / name, root / "heedmap" / name)
    (root / "heedmap/add-to-menu").chmod(0o755)
    dated(root)
    made = out / f"{name_of(flavour)}-{pyproject().version}-linux-x86_64.tar.zst"
    level = os.environ.get("HEEDMAP_LEVEL", "19")
    tar = ["tar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu", "-C", str(root)]
    subprocess.run([*tar, f"--use-compress-program=zstd -{level} -T2", "-cf", str(made), "heedmap"], check=True)
    return made


def copied(folder: Path, place: Path) -> None:
    """A copy whose files may be read by everybody, and written by none but their owner. Hard links: no second copy."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(folder, place, symlinks=True, copy_function=os.link)
    for path in (place, *place.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def dated(root: Path) -> None:
    """Give all files one date."""
    seconds = int(os.environ["SOURCE_DATE_EPOCH"])
    for path in (root, *root.rglob("*")):
        os.utime(path, (seconds, seconds), follow_symlinks=False)


if __name__ == "__main__":
    main()
