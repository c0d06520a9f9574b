"""Where the frozen program starts: a process that multiprocessing spawned, or the command `heedmap`."""

from __future__ import annotations

import multiprocessing
import os
import sys

if __name__ == "__main__":
    multiprocessing.freeze_support()
    for name in ("stdout", "stderr"):  # a windowed program on Windows has none, and libraries write to them
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as the program
    from app.__main__ import main

    sys.exit(main())
