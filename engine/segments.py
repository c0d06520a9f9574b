"""Segments: named groups of shoppers or products that were saved in the window, and where a workspace keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from engine.errors import HeedmapError
from engine.files import read_json
from engine.own_name import is_inside, marked_name
from engine.versions import forward
from engine.workspace import is_workspace

Kind = Literal["items", "users"]
PATTERN = "sessions/segments-{}.json"  # in a workspace, for each of its datasets


@dataclass(frozen=True)
class Segment:
    """members: keys of products ("items") or shoppers ("users"), in the order of the dataset. rule: how it was made, in
    words."""

    name: str
    kind: Kind
    members: tuple[str, ...]
    rule: str = ""

    @cached_property
    def keys(self) -> frozenset[str]:
        """The members, for looking one up."""
        return frozenset(self.members)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Segment:
        """HeedmapError when it is not a segment."""
        try:
            kind: Kind = "items" if content["kind"] == "items" else "users"
            return Segment(str(content["name"]), kind, tuple(map(str, content["members"])), str(content["rule"]))
        except (KeyError, TypeError) as error:
            raise HeedmapError("This is not a segment.", "Make it again in the Segments view.") from error


def read_segments(place: Path) -> tuple[Segment, ...]:
    """All segments of a file, none where it is not there. NewerError; HeedmapError where it is damaged."""
    if not place.is_file():
        return ()
    listed = forward("segments", read_json(place), place).get("segments")
    if not isinstance(listed, list):
        raise HeedmapError(f"{place} is not a list of segments.", "Restore it from a copy.")
    return tuple(Segment.from_json(one) for one in listed)


def saved_segments(run: Path, dataset: Path) -> tuple[Segment, ...]:
    """Those of a dataset in the workspace that a run lies in, in the order they were made; none where it lies in no
    workspace. Nothing is written. NewerError; HeedmapError where they cannot be read."""
    workspace = run.resolve().parent.parent
    if run.resolve().parent.name != "runs" or not is_workspace(workspace):
        return ()
    name = dataset.resolve().name if is_inside(workspace, dataset) else marked_name(workspace, dataset)
    return read_segments(workspace / PATTERN.format(name))
