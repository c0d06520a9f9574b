"""Brings a workspace of an older version forward on the disk: a backup first, then file by file, each whole or not.

Killed at any moment, every file is the old one or the new one; both can be read, and the next opening goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import versions
from engine.backups import back_up
from engine.errors import HeedmapError
from engine.files import disk_errors, read_json, refuse_read_only, write_json
from engine.migrations import Content
from engine.notes import bring_forward, kept_version
from engine.scenario_files import kept_content
from engine.workspace import (
    MARKER,
    MARKER_BEFORE,
    WorkspaceSummary,
    create,
    is_marker_before,
    marker_of,
    read_marker,
    summarise,
    write_marker,
)


def _as_it_is(_: Path, content: Content) -> Content:
    return content


# What lies in a workspace beside its marker: kind, where, and what else its content needs to be kept there.
_FILES: tuple[tuple[str, str, Callable[[Path, Content], Content]], ...] = (
    ("scenario", "scenarios/*.json", kept_content),
    ("rules", "rules/*.json", _as_it_is),
    ("segments", "sessions/segments-*.json", _as_it_is),
)


def open_workspace(folder: Path) -> WorkspaceSummary:
    """Make a folder a workspace, or bring the one there forward, and list it. HeedmapError where neither can be; one
    that is only older can be used as it is."""
    create(folder)
    backups: tuple[Path, ...] = ()
    told = ""
    try:
        backups = upgrade(folder)
    except HeedmapError as error:
        told = str(error)
    return replace(summarise(folder), backups=tuple(map(str, backups)), not_forward=told)


def upgrade(workspace: Path) -> tuple[Path, ...]:
    """Bring a workspace forward and return the backups that were made; none where nothing was old.

    What is damaged or of a newer version is left for who opens it to tell. HeedmapError where the disk is full or may
    not be written; everything can be read all the same.
    """
    backups: list[Path] = []
    for kind, pattern, finish in _FILES:
        old: dict[int, dict[Path, Content]] = {}
        for file in sorted(workspace.glob(pattern)):
            if file.name.startswith("."):  # what is left of a writing that was killed
                continue
            if (read := _older(workspace, kind, file)) is not None:
                old.setdefault(read[0], {})[file] = read[1]
        for version, files in old.items():
            backups.append(back_up(workspace, kind, version, tuple(files)))
            for file, content in files.items():
                write_json(file, finish(workspace, versions.forward(kind, content, file, workspace)))
    return (*backups, *_notes(workspace), *_mark(workspace))


def _older(workspace: Path, kind: str, file: Path) -> tuple[int, dict[str, Any]] | None:
    """A file's version and content, where there is a way forward from it."""
    try:
        content = read_json(file)
        version = versions.version_of(kind, content, file)
        if version >= versions.current(kind):
            return None
        versions.forward(kind, content, file, workspace)
    except (HeedmapError, OSError):
        return None
    return version, content


def _notes(workspace: Path) -> tuple[Path, ...]:
    try:
        if kept_version(workspace) >= versions.current("notes"):
            return ()
    except HeedmapError:
        return ()
    backup = bring_forward(workspace)
    return (backup,) if backup is not None else ()


def _mark(workspace: Path) -> tuple[Path, ...]:
    """Bring the marker itself forward, when all else is."""
    content, before = read_marker(workspace), marker_of(workspace)
    version = versions.version_of("workspace", content, workspace)
    backups: tuple[Path, ...] = ()
    if version < versions.current("workspace"):
        there = (before,) if before.is_file() else ()  # older still: a folder without a marker
        backups = (back_up(workspace, "workspace", version, there),) if there else ()
        write_marker(workspace, versions.forward("workspace", content, workspace))
    left = workspace / MARKER_BEFORE
    if (workspace / MARKER).is_file() and is_marker_before(left):
        refuse_read_only(left)
        with disk_errors(left):
            left.unlink(missing_ok=True)
    return backups
