"""How long the installed window takes to be there, against the source: cold (nothing of it in memory) and warm.

    python -m tests.bench.starting RUN --program PATH [--warm 5] [--cold 3]

Both programs start in turns on a screen of their own (Xvfb), on a copy of RUN's workspace. "painted" is when the
screen first shows more than a few colours; "explained" when the first explanation lies in what the window keeps.
Cold starts empty the system's cache of files first and need root; otherwise they are left out, and said so.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageGrab

from tests.bench.driving import Program, screen, wait_for

COLOURS = 40  # an empty screen has one; a window that is not painted yet a few


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--program", required=True)
    parser.add_argument("--warm", type=int, default=5)
    parser.add_argument("--cold", type=int, default=3)
    parsed = parser.parse_args()
    print("| program | start | n | painted, s (least to most) | explained, s (least to most) |")
    print("|---|---|---:|---:|---:|")
    for start, times in (("cold", parsed.cold if os.geteuid() == 0 else 0), ("warm", parsed.warm)):
        found: dict[str, list[tuple[float, float]]] = {"source": [], "frozen": []}
        for turn in range(times + (start == "warm")):
            for name, program in (("source", ""), ("frozen", parsed.program)):
                measured = started(parsed.run, program, empty=start == "cold")
                if start == "cold" or turn:  # the first warm start only warms
                    found[name].append(measured)
        for name, rows in found.items():
            if rows:
                painted, explained = ([row[place] for row in rows] for place in (0, 1))
                print(f"| {name} | {start} | {len(rows)} | {spread(painted)} | {spread(explained)} |")
    if os.geteuid() != 0:
        print("\nCold starts were left out: only root can empty the system's cache of files.")


def spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


def started(run: Path, program: str, *, empty: bool) -> tuple[float, float]:
    """Seconds from the start of the program to the first painted window and to the first explanation."""
    with tempfile.TemporaryDirectory() as folder, screen() as display:
        config, workspace = Path(folder) / "config", Path(folder) / "workspace"
        config.mkdir()
        shutil.copytree(run.parent.parent, workspace, ignore=shutil.ignore_patterns("sessions"))
        if empty:
            subprocess.run(["sync"], check=True)
            Path("/proc/sys/vm/drop_caches").write_text("3")
        begun = time.monotonic()
        window = Program(workspace, config, program=program, display=display)
        try:
            if not wait_for(lambda: colours(display) > COLOURS, every=0.02):
                raise SystemExit("The window was never painted.")
            painted = time.monotonic() - begun
            if not wait_for(lambda: bool(window.arrangement().get("item")), every=0.02):
                raise SystemExit("No shopper's list came up.")
            return painted, time.monotonic() - begun
        finally:
            window.process.terminate()
            window.process.wait(20)


def colours(display: str) -> int:
    """How many colours a coarse grid of points of the screen has."""
    taken = ImageGrab.grab(xdisplay=display).resize((180, 112), Image.Resampling.NEAREST)
    return len(taken.getcolors(180 * 112) or ())


if __name__ == "__main__":
    main()
