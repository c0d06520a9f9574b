"""Of which version everything on disk is, and how far back and forward this program reads.

Older content is read by bringing it forward step by step, in memory; `engine.upgrade` does the same on the disk, with a
backup. Content of a newer program is refused with a sentence and left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import HeedmapError
from engine.migrations import Content, numbered, scenario_placed, workspace_marked

Step = Callable[[Content, Path], Content]


class NewerError(HeedmapError):
    """It was made by a newer program: nothing is wrong with it, and it must stay as it is."""


@dataclass(frozen=True)
class Schema:
    """One kind of thing on disk.

    name: what a sentence calls it; current: the version that is written; steps: version -> the way to the next; bare:
    the version of content that does not say one, None where all of it does; key: where it is said; gone: why there is
    no way forward from versions before `oldest`, and what to do.
    """

    name: str
    current: int
    steps: Mapping[int, Step] = field(default_factory=dict)
    bare: int | None = None
    key: str = "version"
    gone: tuple[str, str] = ("is too old to be read", "Make it again.")

    @property
    def oldest(self) -> int:
        """The oldest version that can be read."""
        return min(self.steps, default=self.current)


SCHEMAS: dict[str, Schema] = {
    "workspace": Schema("workspace", 2, {0: numbered, 1: workspace_marked}, bare=0),
    "settings": Schema("settings", 1, {0: numbered}, bare=0),
    "window": Schema("window", 1, bare=1),
    "segments": Schema("segments", 1, bare=1),
    "rules": Schema("rules", 1, {0: numbered}, bare=0),
    "scenario": Schema("scenario", 2, {1: scenario_placed}, bare=2),
    "notes": Schema("notes", 2, bare=0),  # not JSON: `engine.notes` brings it forward
    "signed notes": Schema("signed notes", 1),
    "dataset": Schema("dataset", 1, key="schema_version"),
    "run": Schema("run", 2, gone=("is of an earlier model, which is no more", "Train it again.")),
    "evaluation": Schema("evaluation", 1),
    "audit": Schema("audit", 1),
    "explanation": Schema("explanation", 2, key="schema_version"),  # written for others, not read here
}


def current(kind: str) -> int:
    """The version in which a kind of thing is written."""
    return SCHEMAS[kind].current


def version_of(kind: str, content: Any, where: object) -> int:
    """The version that content says. where: its path, for the sentence. HeedmapError where it says none and must."""
    schema = SCHEMAS[kind]
    found = content.get(schema.key, schema.bare) if isinstance(content, Mapping) else None
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise HeedmapError(f"{where} lacks the number of its version.", "Restore it from a copy.")
    return found


def refuse_newer(kind: str, content: Any, where: object) -> None:
    """NewerError where content is of a version that this program does not know."""
    refuse_version(kind, version_of(kind, content, where), where, content.get("made_by"))


def refuse_version(kind: str, found: int, where: object, maker: object = None) -> None:
    """The same for a version that was read. maker: the version of the program that wrote it, where that is known."""
    schema = SCHEMAS[kind]
    if found > schema.current:
        known = isinstance(maker, str)
        newer = f"a newer Heedmap, {maker}" if known else "a newer Heedmap"
        raise NewerError(
            f"{where} was made by {newer} ({schema.name} version {found}; this is Heedmap {program_version()}, which"
            f" reads up to {schema.current}).",
            f"Install {f'Heedmap {maker} or later' if known else 'the newer one'} to open it; it was left as it is.",
        )


def forward(kind: str, content: Any, where: object, home: Path | None = None) -> Content:
    """Content as it is written today. home: the folder that paths in it start from.

    NewerError as `refuse_newer`; HeedmapError where there is no way forward from its version.
    """
    schema, version = SCHEMAS[kind], version_of(kind, content, where)
    refuse_newer(kind, content, where)
    if version < schema.oldest:
        said, hint = schema.gone
        raise HeedmapError(f"{where} {said} ({schema.name} version {version}).", hint)
    for step in range(version, schema.current):
        try:
            content = schema.steps[step](content, home or Path())
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise HeedmapError(f"{where} is damaged: it lacks {error}.", "Restore it from a copy.") from error
    return dict(content)


def program_version() -> str:
    """This program's own version, as pyproject.toml had it when it was installed."""
    return package_version("heedmap")


def package_version(name: str) -> str:
    """The version of an installed package; "unknown" where only its code is there."""
    from importlib.metadata import PackageNotFoundError, version  # not before the window's first frame

    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
