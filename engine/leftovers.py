"""What a process that was killed leaves half written: found by its name, removed when nobody can be at it any more."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
import weakref
from contextlib import suppress
from pathlib import Path

from engine.files import is_read_only
from engine.held import SUFFIX, release, take

DAY = 24 * 3600.0  # seconds after which a temporary file is nobody's: none takes so long to write
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}(?P<suffix>\.[^.]+)?$")  # as `engine.files.atomic` names them
_SCRATCH = re.compile(r"heedmap-(?P<pid>\d+)-")
_MEDIA = "media"  # folders of photos: many files, and none of ours


class Scratch:
    """A folder for files that live as long as this object and this process. Python's own kind is removed as quietly,
    but warns where nobody closed it, as at the end of a process."""

    def __init__(self) -> None:
        self.name = tempfile.mkdtemp(prefix=f"heedmap-{os.getpid()}-")
        self._remove = weakref.finalize(self, shutil.rmtree, self.name, ignore_errors=True)

    def cleanup(self) -> None:
        self._remove()

    def __enter__(self) -> str:
        return self.name

    def __exit__(self, *_: object) -> None:
        self.cleanup()


def scratch_folder() -> Scratch:
    """A new one; those of processes that were killed are removed."""
    sweep_scratch(Path(tempfile.gettempdir()))
    return Scratch()


def sweep_scratch(folder: Path) -> None:
    """Remove from the system's folder for temporary files what our processes left that are gone."""
    with suppress(OSError):
        for path in folder.glob("heedmap-*-*"):
            named = _SCRATCH.match(path.name)
            if named is not None and not _alive(int(named["pid"])):
                shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path, seconds: float = DAY) -> list[Path]:
    """Remove from a workspace what killed processes left half written, older than `seconds`; what was removed.

    A half-written dataset goes at once when nobody holds it. A folder that is open read-only stays as it is.
    """
    if is_read_only(folder):
        return []
    removed: list[Path] = []
    before = time.time() - seconds
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != _MEDIA]
        for name in [name for name in folders if name.startswith(".") and name.endswith(".partial")]:
            folders.remove(name)
            removed += _abandoned(Path(parent) / name)
        for name in files:
            path = Path(parent) / name
            if name.startswith(".") and name.endswith(SUFFIX):
                handle = take(path)
                if handle is not None:
                    release(path, handle)
                    removed.append(path)
            elif _is_temporary(name) and _older(path, before):
                with suppress(OSError):
                    path.unlink()
                    removed.append(path)
    return removed


def _is_temporary(name: str) -> bool:
    named = _TEMPORARY.match(name)
    return named is not None and Path(named["name"]).suffix == (named["suffix"] or "")


def _abandoned(partial: Path) -> list[Path]:
    """A half-written dataset: its writer holds the lock of the folder that it is to become."""
    place = partial.with_name(partial.name.removesuffix(".partial") + SUFFIX)
    handle = take(place)
    if handle is None:
        return []
    shutil.rmtree(partial, ignore_errors=True)
    release(place, handle)
    return [partial]


def _older(path: Path, moment: float) -> bool:
    with suppress(OSError):
        return path.stat().st_mtime < moment
    return False


def _alive(pid: int) -> bool:
    if os.name == "nt":  # a signal ends a process there; the folder's files cannot be removed while they are open
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
