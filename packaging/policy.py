"""What may be in an installer, from policy.toml: the licence of each component and whether it is allowed."""

import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name

HERE = Path(__file__).resolve().parent
UNKNOWN = "LicenseRef-unknown"
PYTHON = "PSF-2.0"
"""The licence of Python itself."""


@dataclass(frozen=True)
class Native:
    """What a native library is, by the name of its file."""

    component: str
    licence: str


@cache
def table() -> dict[str, Any]:
    return tomllib.loads((HERE / "policy.toml").read_text(encoding="utf-8"))


def licence(distribution: metadata.Distribution) -> str:
    """The SPDX expression of a Python distribution, or UNKNOWN."""
    known = table()["licence_of"].get(canonicalize_name(distribution.metadata["Name"]))
    if known:
        return str(known)
    for field in ("License-Expression", "License"):
        if field not in distribution.metadata:
            continue
        try:
            return str(canonicalize_license_expression(distribution.metadata[field]))
        except InvalidLicenseExpression:
            continue
    return UNKNOWN


def native(file: str) -> Native | None:
    """What the library in this file is, where policy.toml knows it."""
    for one in table()["native"]:
        if re.search(one["file"], file):
            return Native(one["component"], one["licence"])
    return None


def allowed(expression: str, component: str) -> bool:
    """Whether `component` may come under this SPDX expression: one choice of each OR, every part of each AND."""
    words = re.findall(r"[()]|[^\s()]+", expression)
    left: list[str] = []

    def alternatives() -> bool:
        good = parts()
        while left and left[0] == "OR":
            left.pop(0)
            good = parts() or good
        return good

    def parts() -> bool:
        good = single()
        while left and left[0] == "AND":
            left.pop(0)
            good = single() and good
        return good

    def single() -> bool:
        name = left.pop(0)
        if name == "(":
            good = alternatives()
            left.pop(0)
            return good
        if left and left[0] == "WITH":
            name = f"{name} {left.pop(0)} {left.pop(0)}"
        return _name_allowed(name, component)

    left.extend(words)
    return bool(words) and alternatives() and not left


def _name_allowed(name: str, component: str) -> bool:
    rules = table()["allowed"]
    if name in rules["permissive"] or name in rules["with_exception"]:
        return True
    only_for: list[str] = rules["only_for"].get(name, [])
    return any(component == one or component.startswith(f"{one}-") for one in only_for)


def compiled_in(distribution: metadata.Distribution) -> list[dict[str, Any]]:
    """The components that a wheel says it contains, in CycloneDX (PEP 770), without those named as left out."""
    found: list[dict[str, Any]] = []
    for file in distribution.files or ():
        if len(file.parts) == 3 and file.parts[0].endswith(".dist-info") and file.parts[1] == "sboms":
            content = json.loads(Path(str(distribution.locate_file(file))).read_text(encoding="utf-8"))
            found += [one for one in content.get("components", ()) if one.get("scope") != "excluded"]
    return found


def licence_of_component(component: dict[str, Any]) -> str:
    """The SPDX expression of a CycloneDX component, or UNKNOWN."""
    parts = []
    for one in component.get("licenses", ()):
        named = one.get("expression") or one["license"].get("id") or one["license"].get("name", UNKNOWN)
        parts.append(f"({named})" if len(component["licenses"]) > 1 else named)
    return " AND ".join(parts) or UNKNOWN
