"""Tasks of the batch lane that can be asked for again: after a fault, and in the window after this one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.batch import Task
from engine.errors import HeedmapError
from engine.files import read_json

GOES_ON = ("sample", "import_dataset", "train", "update", "audit")  # kinds of tasks that can be asked for again


@dataclass(frozen=True)
class Unfinished:
    """A task of the batch lane that was under way or waited; its fields are those of `app.batch.Task`."""

    kind: str
    title: str
    folder: str
    epochs: int = 0
    arguments: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(task: Task) -> Unfinished:
        return Unfinished(task.kind, task.title, task.folder, task.epochs, task.arguments)

    @staticmethod
    def from_json(content: object) -> Unfinished | None:
        """None for what is not such a task."""
        if not isinstance(content, dict) or content.get("kind") not in GOES_ON:
            return None
        arguments, epochs = content.get("arguments"), content.get("epochs")
        if not isinstance(arguments, dict) or not isinstance(epochs, int):
            return None
        return Unfinished(content["kind"], str(content.get("title")), str(content.get("folder")), epochs, arguments)

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    @property
    def done(self) -> bool:
        """Whether what it makes is there: it ended just before the window did. After a sample comes its training."""
        if self.kind == "import_dataset":
            return (Path(self.folder) / "dataset.json").is_file()
        if self.kind in ("train", "update"):
            with suppress(HeedmapError, OSError):
                card = read_json(Path(self.folder) / "run.json")
                return isinstance(card, dict) and card.get("state") == "done"
        return False


def read_tasks(content: Mapping[str, Any]) -> tuple[Unfinished, ...]:
    """The unfinished tasks of a kept arrangement."""
    listed = content.get("tasks")
    found = [Unfinished.from_json(one) for one in listed] if isinstance(listed, list) else []
    return tuple(one for one in found if one is not None and not one.done)
