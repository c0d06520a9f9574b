"""What a path names that was double-clicked, dropped or typed: a workspace, a run, or an audit bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import HeedmapError
from engine.workspace import is_marked, is_workspace, workspace_of

BUNDLE = ".heedaudit"  # how the name of a bundle in one file ends; it is a zip
ZIPS = (BUNDLE, ".zip")
WORKSPACE = ".heedmap"  # how the marker of a workspace ends
_HINT = "Heedmap opens a workspace (its folder, or the .heedmap file inside), a run's folder, or an audit bundle."


@dataclass(frozen=True)
class Given:
    """path: the folder of a workspace or a run; a bundle's folder or its one file. It is absolute."""

    kind: Literal["workspace", "run", "bundle"]
    path: Path


def given(path: Path) -> Given:
    """What there is at a path. Nothing in it is trusted yet: who opens it looks closer.

    HeedmapError where there is nothing, or something else; NewerError for a workspace of a newer program.
    """
    path = path.absolute()
    try:
        if path.is_dir():
            return _folder(path)
        if path.is_file():
            return _file(path)
    except OSError as error:
        raise HeedmapError(f"{path} cannot be read ({error.strerror}).", "Check its permissions.") from error
    raise HeedmapError(f"There is nothing at {path}.", "Check the path, and whether its disk is connected.")


def home_of(bundle: Path) -> Path | None:
    """The workspace that a bundle's folder lies in, if any."""
    from engine.audit.listing import AUDITS

    folder = bundle.parent.parent
    return folder if bundle.is_dir() and bundle.parent.name == AUDITS and is_marked(folder) else None


def _folder(path: Path) -> Given:
    if (path / "run.json").is_file():
        return Given("run", path)
    if is_workspace(path):
        return Given("workspace", workspace_of(path))
    from engine.audit.bundle import MANIFEST, SIGNATURE  # only now: it brings cryptography

    if (path / MANIFEST).is_file() or (path / SIGNATURE).is_file():
        return Given("bundle", path)
    raise HeedmapError(f"{path.name} is a folder of something else.", _HINT)


def _file(path: Path) -> Given:
    if path.suffix.lower() == BUNDLE or (path.suffix.lower() == ".zip" and _holds_bundle(path)):
        return Given("bundle", path)
    if path.suffix.lower() in (WORKSPACE, ".json"):
        return Given("workspace", workspace_of(path))
    raise HeedmapError(f"{path.name} is a file of another kind.", _HINT)


def _holds_bundle(path: Path) -> bool:
    import zipfile

    from engine.audit.bundle import MANIFEST, SIGNATURE

    try:
        with zipfile.ZipFile(path) as archive:
            return not {MANIFEST, SIGNATURE}.isdisjoint(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
