"""torch without its kernels for tensors that have no data, until something makes such tensors.

They are a quarter of what torch loads, and no answer about a run needs them: only libraries that build a network before
they fill it do, and compilers.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

KERNELS = "torch._meta_registrations"
USERS = ("accelerate", "peft", "torch._dynamo", "torch._inductor", "torch.onnx", "transformers")


class _Later(ModuleType):
    """Stands for the kernels; who looks into it gets them."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        load()
        return getattr(sys.modules[KERNELS], name)


class _Watch(MetaPathFinder):
    """Loads them before a library that may use them unseen. It finds nothing itself."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in USERS:
            load()
        return None


def postpone() -> None:
    """To be called before torch is loaded; once it is, this does nothing."""
    if "torch" not in sys.modules:
        sys.modules[KERNELS] = _Later(KERNELS)
        sys.meta_path.insert(0, _Watch())


def load() -> None:
    """Load them now, if they were postponed."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Watch)]
    if isinstance(sys.modules.get(KERNELS), _Later):
        del sys.modules[KERNELS]
        kernels = importlib.import_module(KERNELS)
        sys.modules["torch"]._meta_registrations = kernels  # type: ignore[attr-defined]
