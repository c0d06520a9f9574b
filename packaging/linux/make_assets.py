"""Writes what a Linux desktop needs to know of Heedmap, as a tree to be installed: OUT/usr/share/...

python packaging/linux/make_assets.py OUT

Desktop entry, MIME types, icons, AppStream metadata, man page, completion for three shells, and the package's own
documents. Needs only what Heedmap itself needs. The same sources give the same bytes: dates are SOURCE_DATE_EPOCH's, or
else those of the last commit.
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from command_line import commands  # noqa: E402 - it stands beside this file
from completions import bash, fish, zsh  # noqa: E402
from man_page import man_page  # noqa: E402

ID = "local.heedmap.heedmap"


def version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def time() -> datetime:
    """The time of the sources, in UTC."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if not given:
        asked = subprocess.run(
            ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False
        )
        given = asked.stdout.strip() or str(int((ROOT / "CHANGELOG.md").stat().st_mtime))
    return datetime.fromtimestamp(int(given), UTC)


def debian_changelog() -> str:
    """In the form that Debian's tools read; what is new stands in a file of its own."""
    when = format_datetime(time())
    return (
        f"heedmap ({version()}) unstable; urgency=medium\n\n  * What is new stands in NEWS.gz.\n\n"
        f" -- The Heedmap authors <heedmap@localhost>  {when}\n"
    )


def write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    place.chmod(0o644)


def packed(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def make(out: Path) -> None:
    share, every, date = out / "usr" / "share", commands(), f"{time():%Y-%m-%d}"
    metainfo = (HERE / "heedmap.metainfo.xml").read_text(encoding="utf-8")
    metainfo = metainfo.replace("@VERSION@", version()).replace("@DATE@", date)
    write(share / "applications" / "heedmap.desktop", (HERE / "heedmap.desktop").read_bytes())
    write(share / "mime" / "packages" / "heedmap.xml", (HERE / "heedmap-mime.xml").read_bytes())
    write(share / "metainfo" / f"{ID}.metainfo.xml", metainfo.encode())
    write(share / "man" / "man1" / "heedmap.1.gz", packed(man_page(every, version(), date).encode()))
    write(share / "bash-completion" / "completions" / "heedmap", bash(every).encode())
    write(share / "zsh" / "vendor-completions" / "_heedmap", zsh(every).encode())
    write(share / "fish" / "vendor_completions.d" / "heedmap.fish", fish(every).encode())
    write(share / "doc" / "heedmap" / "copyright", (HERE / "copyright").read_bytes())
    write(share / "doc" / "heedmap" / "changelog.gz", packed(debian_changelog().encode()))
    write(share / "doc" / "heedmap" / "NEWS.gz", packed((ROOT / "CHANGELOG.md").read_bytes()))
    icons = [sys.executable, str(HERE.parent / "make_icons.py"), "hicolor", str(share / "icons" / "hicolor")]
    subprocess.run(icons, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="the root of the tree")
    make(parser.parse_args().out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
