"""Files that are either whole or absent: atomic writes, content hashes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError

_LITTLE = 2**26  # bytes: a disk with less counts as full
_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM}


# Names the folders, one a line, in which this process, and those that it starts, must write nothing: an auditor looks.
READ_ONLY = "HEEDMAP_READ_ONLY"
_MARKS = ("workspace.heedmap", "workspace.json")  # of a workspace, and of an older one


def is_read_only(path: Path) -> bool:
    """Whether `path` lies in a folder that was opened read-only."""
    return _locked(path) is not None


def anything_read_only() -> bool:
    """Whether a folder was opened read-only, and with it every workspace."""
    return bool(os.environ.get(READ_ONLY))


def open_read_only(folder: Path) -> None:
    """Let nothing be written in `folder` from now on, nor in any workspace that is looked at after it."""
    os.environ[READ_ONLY] = "\n".join([*os.environ.get(READ_ONLY, "").splitlines(), str(folder)])


def _locked(path: Path) -> Path | None:
    """The folder around `path` that is open read-only. Who looks at one workspace so, looks so at every other: a
    process that runs already, such as an engine, knows it by its mark."""
    named = [Path(one).resolve() for one in os.environ.get(READ_ONLY, "").splitlines()]
    if not named:
        return None
    around = [path.resolve(), *path.resolve().parents]
    return next((one for one in around if one in named or any((one / mark).is_file() for mark in _MARKS)), None)


def refuse_read_only(path: Path) -> None:
    """HeedmapError where nothing may be written at `path`; every place that writes asks."""
    if (folder := _locked(path)) is not None:
        raise HeedmapError(
            f"{path.name} was not written: {folder} is open read-only.",
            "Choose a place outside of it, or open it without --read-only.",
        )


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's disk errors into a HeedmapError that names `path`."""
    try:
        yield
    except OSError as error:
        told = disk_error(error, path)
        if told is None:
            raise
        raise told from error


def disk_error(error: OSError, path: Path | str) -> HeedmapError | None:
    """The operating system's error as a sentence about `path`; None where it is none of the disk's."""
    number = error.errno
    if number is None and "requested and" in str(error):  # as numpy tells that not all was written, without a reason
        number = errno.ENOSPC if _free(Path(path)) < _LITTLE else errno.EFBIG
    if number in _FULL:
        return HeedmapError(
            f"The disk is full: {path} could not be written.",
            "Free some space and start again; what was written before is still valid.",
        )
    if number == errno.EFBIG:
        return HeedmapError(
            f"{path} is larger than a file may be here.",
            "Raise the limit (ulimit -f), or choose a place on another file system.",
        )
    if error.errno == errno.EROFS:
        return HeedmapError(
            f"No permission to write {path}: the disk can only be read.", "Choose a folder that you may write to."
        )
    if error.errno in _REFUSED:
        return HeedmapError(
            f"No permission to write {path}.", "Choose a folder that you may write to, or change its permissions."
        )
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return HeedmapError(f"{path} is in the way of a folder.", "Choose another name.")
    return None


def of_machine(error: Exception) -> HeedmapError | None:
    """An error that is the machine's and not ours, as a sentence: a full disk, no memory, a folder that is gone; None
    for any other."""
    name = type(error).__name__
    if isinstance(error, MemoryError) or name == "OutOfMemoryException":
        return HeedmapError("The memory of this machine is used up.", "Close other programs, or use less data.")
    if isinstance(error, OSError):
        return disk_error(error, error.filename or "the answer")
    if name == "IOException":  # DuckDB's
        said = str(error).strip().splitlines()[0].removeprefix("IO Error: ")
        return HeedmapError(f"A file cannot be read or written: {said}", "Is its folder still there, and the disk?")
    return None


def _free(path: Path) -> int:
    """The bytes that are free where `path` is to be."""
    try:
        return shutil.disk_usage(next(one for one in path.absolute().parents if one.is_dir())).free
    except OSError:
        return 0


def make_folder(path: Path) -> Path:
    """Create a folder and its parents."""
    if not path.is_dir():
        refuse_read_only(path)
    with disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def way(start: Path, to: Path) -> str:
    """The way from a folder to another, so that it holds when both are moved together, on whatever system; the whole
    path where there is none, as on Windows to another drive."""
    try:
        return Path(os.path.relpath(to.resolve(), start.resolve())).as_posix()
    except ValueError:
        return to.resolve().as_posix()


@contextmanager
def atomic(path: Path, mode: int = 0o644) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and renamed to `path`, else removed.

    Until then nobody else can read it; `mode` says who can when it has its name. Raises HeedmapError when the disk is
    full or the folder cannot be written.
    """
    refuse_read_only(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
    temporary = Path(name)
    try:
        with disk_errors(path):
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(mode)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def write_private(path: Path, content: bytes) -> None:
    """Write what only this user may read."""
    with atomic(path, 0o600) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Write JSON: readable, keys in the order given, non-finite numbers refused."""
    write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file; HeedmapError when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HeedmapError(f"{path} is missing.", "Check the path.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise HeedmapError(f"{path} is not valid JSON ({error}).", "Restore the file from a copy.") from error


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
