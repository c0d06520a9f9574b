"""The steps by which content of an older version becomes that of the next; `engine.versions` says which is whose.

A step takes a file's content and the folder that paths in it start from, changes neither, and returns the content of
the next version. One that was ever needed stays: a file may be of any age.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

Content = dict[str, Any]


def numbered(content: Content, _: Path) -> Content:
    """From 0, which did not say its version, to 1, which does; nothing else is different."""
    return {"version": 1, **content}


def workspace_marked(content: Content, _: Path) -> Content:
    """From 1, in workspace.json, to 2, in workspace.heedmap: a desktop knows it by its name, and it says what it is."""
    return {"heedmap": "workspace", **content, "version": 2}


def scenario_placed(content: Content, workspace: Path) -> Content:
    """From 1, which named any file of the workspace from there, to 2, where all but those kept with the scenarios are
    the dataset's: what is a file of the workspace is named in full."""

    def placed(path: str | None) -> str | None:
        if not path or Path(path).parts[0] == "scenarios" or not (workspace / path).is_file():
            return path
        return str((workspace / path).resolve())

    scenario = content["scenario"]
    edits = [{**edit, "photo": placed(edit["photo"])} for edit in scenario["edits"]]
    return {**content, "version": 2, "scenario": {**scenario, "edits": edits, "rules": placed(scenario["rules"])}}
