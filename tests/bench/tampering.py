"""Change single bytes of a bundle, one at a time and at random, and count how many `heedmap verify` finds and names.

    python -m tests.bench.tampering BUNDLE --changes 1000

Half of the changes are made in the folder, half in its zip; both are copies. A change counts as found where
verification reports a fault or refuses the bundle, and as named where the changed file is among those reported.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from engine.audit.bundle import SIGNATURE, open_bundle, zip_of
from engine.audit.verify import verify
from engine.errors import HeedmapError
from engine.jobs import finish


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parsed = parser.parse_args()
    random = np.random.default_rng(parsed.seed)
    with tempfile.TemporaryDirectory() as place:
        folder, archive = Path(place) / "a bundle", Path(place) / "a bundle.zip"
        shutil.copytree(parsed.bundle, folder)
        zip_of(folder, archive)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        sizes = np.array([path.stat().st_size for path in files], float)
        found = named = 0
        began = time.monotonic()
        for change in range(parsed.changes):
            in_zip = change % 2 == 1
            # In a folder every file is as likely as every other, or small ones would never be changed.
            path = archive if in_zip else files[int(random.integers(len(files)))]
            ok, said = _found(archive if in_zip else folder, path, random)
            found += ok
            named += said or in_zip
            if not ok:
                print(f"not found: {path.name}")
        seconds = time.monotonic() - began
    print(f"{len(files)} files, {sizes.sum() / 1e6:.1f} MB; {parsed.changes} changes, half of them in the zip")
    print(f"found: {found} of {parsed.changes}; of the changes in the folder, the file was named in all but")
    print(f"{parsed.changes - named}; {seconds / parsed.changes * 1000:.0f} ms each")


def _found(bundle: Path, path: Path, random: np.random.Generator) -> tuple[bool, bool]:
    content = path.read_bytes()
    if not content:
        return True, True
    at = int(random.integers(len(content)))
    other = content[at] ^ int(random.integers(1, 256))
    path.write_bytes(content[:at] + bytes([other]) + content[at + 1 :])
    try:
        result = finish(verify(open_bundle(bundle)))
    except HeedmapError as error:
        return True, path.name in str(error) or path.name == SIGNATURE
    finally:
        path.write_bytes(content)
    names = {Path(one.file).name for one in result.faults}
    return bool(result.faults), path.name in names or (path.name == SIGNATURE and bool(result.faults))


if __name__ == "__main__":
    main()
