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


AUDIT = ROOT / "engine" / "audit"
# What checks do within themselves is not shown: the check's title stands for it.
SHOWN_OF_AUDIT = (AUDIT / "run.py", AUDIT / "verify.py", AUDIT / "report" / "write.py")


def shown_texts() -> set[str]:
    """What `tr` and `translate` are given in app/, the stages of jobs, and what is said of each setting."""
    found: set[str] = set()
    for file in (ROOT / "app").rglob("*.py"):
        found.update(_literals(file, {"tr": 0, "translate": 1}))
    found.update(stages())
    found.update(field.metadata["help"] for field in fields(Config))
    return {text for text in found if text.strip()}


def stages() -> set[str]:
    """Every stage that a job of engine/ can name: what is given for a parameter or field called `stage`, or assigned
    to a variable of that name, f-strings as "Fitting {0}"."""
    files = (file for file in (ROOT / "engine").rglob("*.py") if AUDIT not in file.parents or file in SHOWN_OF_AUDIT)
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    places = _places_of_stage(nodes)
    tables = {name: node.value for node in nodes if isinstance(node, ast.Assign) for name in _names(node.targets)}
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Assign) and "stage" in _names(node.targets):
            found.update(_texts(node.value, tables))
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in places and len(node.args) > places[name]:
                found.update(_texts(node.args[places[name]], tables))
            found.update(text for one in node.keywords if one.arg == "stage" for text in _texts(one.value, tables))
    return found


def _places_of_stage(nodes: list[ast.AST]) -> dict[str, int]:
    """Where functions and dataclasses take their stage."""
    places: dict[str, int] = {}
    for node in nodes:
        names: list[str] = []
        if isinstance(node, ast.FunctionDef):
            names = [one.arg for one in node.args.args if one.arg != "self"]
        elif isinstance(node, ast.ClassDef):
            names = [getattr(one.target, "id", "") for one in node.body if isinstance(one, ast.AnnAssign)]
        if "stage" in names:
            places[node.name] = names.index("stage")  # type: ignore[attr-defined]
    return places


def _names(targets: list[ast.expr]) -> list[str]:
    return [one.id for one in targets if isinstance(one, ast.Name)]


def _texts(value: ast.expr, tables: dict[str, ast.expr]) -> Iterator[str]:
    if isinstance(value, ast.Constant):
        yield str(value.value)
    elif isinstance(value, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{0}" for one in value.values)
    elif isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
        table = tables.get(value.value.id)
        for one in table.values if isinstance(table, ast.Dict) else []:
            yield from _texts(one, tables)
