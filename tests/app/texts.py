"""Finds every text that the window can show in the user's language, by reading the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from engine.training.config import Config

ROOT = Path(__file__).resolve().parents[2]


def _literals(file: Path, calls: dict[str, int]) -> Iterator[str]:
    """The literal argument, at the position given, of each call of these names."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = calls.get(name)
        if place is None or len(node.args) <= place:
            continue
        argument = node.args[place]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


def shown_texts() -> set[str]:
    """What `tr` and `translate` are given in app/, the stages of jobs, and what is said of each setting."""
    found: set[str] = set()
    for file in (ROOT / "app").rglob("*.py"):
        found.update(_literals(file, {"tr": 0, "translate": 1}))
    for file in (ROOT / "engine").rglob("*.py"):
        found.update(_literals(file, {"Progress": 0, "every": 0}))
    found.update(field.metadata["help"] for field in fields(Config))
    return {text for text in found if text.strip()}
