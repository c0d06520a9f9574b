"""Bundles: a folder or one zip with everything an audit found, a list of its files' hashes, and a signature of it.

`bundle.json` lists every file with its size and SHA-256; `signature.json` signs the bytes of `bundle.json`. A zip holds
the same files, stored and not compressed, in the order of their names and with one fixed time, so that there is exactly
one zip of a bundle and a changed byte of its structure shows too.
"""

from __future__ import annotations

import io
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.audit.signing import sign
from engine.errors import HeedmapError
from engine.files import atomic, sha256_of, write_bytes, write_json
from engine.versions import current

MANIFEST, SIGNATURE = "bundle.json", "signature.json"
# Figures that are measured again agree within absolute + relative * |value|: other threads add in another order, and a
# product or two at a cut change places.
TOLERANCE = {"absolute": 0.002, "relative": 0.01}
_LARGEST = 2**31  # bytes of one file in a zip
_TIME = (1980, 1, 1, 0, 0, 0)


def seal(folder: Path, about: Mapping[str, Any], key: Ed25519PrivateKey) -> None:
    """List the files of a folder in its bundle.json and sign that list. about: what else it says (JSON-able)."""
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in (MANIFEST, SIGNATURE):
            files[name] = {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
    content = {
        "version": current("audit"),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        **about,
        "tolerance": TOLERANCE,
        "files": files,
    }
    write_json(folder / MANIFEST, content)
    write_bytes(folder / SIGNATURE, sign((folder / MANIFEST).read_bytes(), key).to_bytes())


def is_sealed(folder: Path) -> bool:
    return (folder / SIGNATURE).is_file()


def zip_of(folder: Path, out: Path) -> None:
    """Write a sealed folder as one zip."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    with atomic(out) as temporary, temporary.open("wb") as file:
        _write_zip(file, ((name, (folder / name).read_bytes()) for name in names))


def _write_zip(file: Any, contents: Iterator[tuple[str, bytes]]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, strict_timestamps=True) as archive:
        for name, content in contents:
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)


class Bundle(ABC):
    """A bundle as it lies there, whatever was done to it since."""

    path: Path

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """All files, by their paths inside."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """HeedmapError where it cannot be read."""

    @abstractmethod
    def structure(self) -> Iterator[str]:
        """What of the container itself is not as Heedmap writes it."""

    def has(self, name: str) -> bool:
        return name in self.names()


class _Folder(Bundle):
    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> tuple[str, ...]:
        found = (one for one in self.path.rglob("*") if one.is_file() or one.is_symlink())
        return tuple(sorted(one.relative_to(self.path).as_posix() for one in found))

    def read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise HeedmapError(f"{self.path / name} cannot be read ({error.strerror}).") from error

    def structure(self) -> Iterator[str]:
        for name in self.names():
            if (self.path / name).is_symlink():
                yield f"{name} is a link to somewhere else"


class _Zip(Bundle):
    def __init__(self, path: Path) -> None:
        self.path, self._content = path, path.read_bytes()
        try:
            # A changed byte can make zipfile raise any of these.
            with zipfile.ZipFile(io.BytesIO(self._content)) as archive:
                self._files = {entry.filename: self._member(archive, entry) for entry in archive.infolist()}
        except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise HeedmapError(
                f"{path} is damaged and cannot be opened as a zip ({error}).", "Take a fresh copy of it."
            ) from error

    def _member(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        inside = PurePosixPath(entry.filename)
        if inside.is_absolute() or ".." in inside.parts or "\\" in entry.filename:
            raise HeedmapError(f"{self.path} holds a file that would lie outside of it: {entry.filename!r}.")
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > _LARGEST:
            raise HeedmapError(f"{self.path}: {entry.filename} is not stored as Heedmap stores it.")
        # By its place, not through `archive.open`: that refuses what is changed, and here it must be named.
        start = entry.header_offset
        names, extra = self._content[start + 26 : start + 28], self._content[start + 28 : start + 30]
        start += 30 + int.from_bytes(names, "little") + int.from_bytes(extra, "little")
        return self._content[start : start + entry.file_size]

    def names(self) -> tuple[str, ...]:
        return tuple(self._files)

    def read(self, name: str) -> bytes:
        return self._files[name]

    def structure(self) -> Iterator[str]:
        again = io.BytesIO()
        _write_zip(again, iter(sorted(self._files.items())))
        written = again.getvalue()
        if written != self._content:
            both = zip(written, self._content, strict=False)
            at = next((at for at, (one, two) in enumerate(both) if one != two), min(len(written), len(self._content)))
            yield f"the zip itself differs from how it was written, first at byte {at:,} of {len(self._content):,}"


def open_bundle(path: Path) -> Bundle:
    """Open a bundle without trusting anything in it. HeedmapError where it is none."""
    if path.is_dir():
        found: Bundle = _Folder(path)
    elif path.is_file():
        found = _Zip(path)
    else:
        raise HeedmapError(f"There is no bundle at {path}.", "Give the folder or the zip that heedmap audit wrote.")
    if not found.has(MANIFEST) and not found.has(SIGNATURE):
        raise HeedmapError(f"{path} is no audit bundle.", "Give the folder or the zip that heedmap audit wrote.")
    return found
