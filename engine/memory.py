"""How much memory the process holds, and what of it is free is given back to the system."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from pathlib import Path

WORTH = 16 << 20  # bytes that were taken since the last rest: less is not worth looking for
_ARENA_MAX = -8  # of mallopt, in malloc.h
MOST = 128 << 20  # bytes for which a rest is taken at once, and not when nothing has been asked for a while
MUCH = 64 << 20  # from which things that only hold each other are looked for, too: it takes a tenth of a second


def one_heap() -> bool:
    """Let all threads take their memory from one heap; call it before there are any. Whether the system does so.

    The C library of Linux gives threads heaps of their own. What one thread makes and another one frees, as answers and
    photos are, leaves holes there that nobody else fills.
    """
    choose = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return choose is not None and choose(_ARENA_MAX, 1) == 1


def resident() -> int:
    """Bytes of the process in memory; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0


def give_back(thoroughly: bool = True) -> None:
    """Give back what is free. The C library of Linux keeps what was freed between things that are still in use: after
    a large job that can be hundreds of megabytes."""
    if thoroughly:
        gc.collect()
    arrow = sys.modules.get("pyarrow")
    if hasattr(arrow, "default_memory_pool"):
        arrow.default_memory_pool().release_unused()  # type: ignore[union-attr]  # just asked
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # another C library has none
        trim(0)


class Rest:
    """Gives memory back once more is held than at the last rest."""

    def __init__(self, worth: int = WORTH) -> None:
        self._worth = worth
        self._held = 0

    @property
    def due(self) -> bool:
        """Whether the last job left so much behind that the next pause, however short, should be one."""
        return self._held > 0 and resident() - self._held > MOST

    def take(self) -> None:
        """Call when there is nothing to do."""
        taken = resident() - self._held
        if taken > self._worth:
            give_back(thoroughly=taken > MUCH)
        if taken > self._worth or taken < 0:
            self._held = resident()
