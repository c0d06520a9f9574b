"""A folder that one process alone may write at a time: a lock of the system, gone with the process that held it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import HeedmapError
from engine.files import disk_errors, refuse_read_only

SUFFIX = ".lock"
_TAKEN = {errno.EAGAIN, errno.EACCES, errno.EDEADLK}


def lock_file(folder: Path) -> Path:
    """The empty file beside a folder that is locked in its place: the folder itself may come and go."""
    folder = folder.absolute()
    return folder.with_name(f".{folder.name}{SUFFIX}")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold `folder`, which need not exist, against other processes. HeedmapError where another one holds it.

    On a file system without locks nobody is kept out.
    """
    refuse_read_only(folder)
    place = lock_file(folder)
    with disk_errors(folder):
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = _locked(place)
    if handle is None:
        raise HeedmapError(
            f"{folder} is being written by another Heedmap.",
            "Wait until that is done, or stop it; or choose another name.",
        )
    try:
        yield
    finally:
        release(place, handle)


def take(place: Path) -> int | None:
    """Lock a file that another process may have left, at once; what `release` is to be given, or None."""
    try:
        return _locked(place)
    except OSError:
        return None


def release(place: Path, handle: int) -> None:
    """Remove the file and let go of it."""
    if sys.platform == "win32":  # an open file cannot be removed there
        os.close(handle)
    with suppress(OSError):
        place.unlink()
    if sys.platform != "win32":
        os.close(handle)


def _locked(place: Path) -> int | None:
    while True:
        handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(handle)
        except OSError as error:
            if error.errno in _TAKEN:
                os.close(handle)
                return None
            return handle  # no locks here
        with suppress(OSError):
            if sys.platform == "win32" or os.path.samestat(os.fstat(handle), os.stat(place)):
                return handle
        os.close(handle)  # it was released and removed in between: that file is nobody's any more


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
