"""List the encoders on this machine."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any


def add(parser: ArgumentParser) -> None:
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="a Hugging Face folder, or one of them")
    parser.add_argument("--workspace", type=Path, metavar="W", help="look in its folder `encoders` too")


def run(parsed: Namespace) -> Any:
    from engine.features.inventory import inventory, table

    home = os.environ.get("HEEDMAP_WORKSPACE")
    found = inventory(parsed.folders, parsed.workspace or (Path(home) if home else None))
    if not parsed.json:
        print(table(found))
    return [asdict(one) for one in found]
