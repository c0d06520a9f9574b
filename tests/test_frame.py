"""The frame holds: pins cover what is asked for, the window loads no learning library, nothing opens a socket."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires

from tests.conftest import ROOT


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _pins() -> dict[str, str]:
    lines = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {_name(name): version for name, version in pairs}


def test_every_package_that_is_installed_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    pins = _pins()
    missing, seen = set(), set()
    while asked:
        name = _name(asked.pop())
        if name in seen:
            continue
        seen.add(name)
        if name not in pins:
            missing.add(name)
            continue
        # Markers (another system, an extra, an older Python) are for packages that are not installed here.
        asked += [r for r in requires(name) or [] if ";" not in r]
    assert not missing


def test_no_pin_names_a_build_of_one_machine() -> None:
    assert not {version for version in _pins().values() if "+" in version or "/" in version}
