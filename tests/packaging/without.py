"""Runs a program text as if what is left out of the frozen program were not installed: see test_bundled."""

import sys
from importlib.machinery import ModuleSpec
from typing import Any

from bundled import MODEL_FAMILIES, MODULES_LEFT_OUT


def is_left_out(name: str) -> bool:
    parts = name.split(".")
    if parts[:2] == ["transformers", "models"] and len(parts) > 2:
        return parts[2] not in MODEL_FAMILIES
    return any(name == one or name.startswith(f"{one}.") for one in MODULES_LEFT_OUT)


class Without:
    """A finder of modules that finds all but what is left out."""

    def __init__(self, finder: Any) -> None:
        self._finder = finder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return None if is_left_out(name) else self._finder.find_spec(name, path, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)


if __name__ == "__main__":
    sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
    exec(sys.argv[1])
