"""The program started for real in some circumstance, and what it said: for `tests.bench.circumstances`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.driving import lift_session, wait_for

ROOT = Path(__file__).resolve().parents[2]
BAD = ("Traceback", "Aborted", "Segmentation fault", "core dumped", "a fault in Heedmap", "Exception ignored")
Env = Mapping[str, str | None]  # changes of the environment; None takes a name away
NOTHING: Env = {}


@dataclass(frozen=True)
class Row:
    circumstance: str
    shows: str  # what the user sees
    code: int | None  # None: it went on
    fine: bool


@dataclass(frozen=True)
class Said:
    text: str
    code: int | None


class Place:
    """The prepared workspace, copies of it, and the program."""

    def __init__(self, folder: Path, program: str, lift: int = 0) -> None:
        """lift: see `driving.lift_session`; on a busy machine a window is not there before it is closed."""
        self.folder, self._lift = folder, lift
        self.program = program or str(Path(sys.executable).with_name("heedmap"))
        # The source's window also tells what it shows; of a frozen one the life and the end alone are seen.
        self.opener = [program] if program else [sys.executable, "-m", "tests.bench.driving"]
        self.frozen = bool(program)
        self.base = folder / "base"
        self._copies = 0

    def copy(self, name: str = "") -> Path:
        self._copies += 1
        place = self.folder / "circumstances" / (name or f"copy-{self._copies}")
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.base, place)
        return place

    def env(self, changes: Env = NOTHING) -> dict[str, str]:
        """The environment with changes; None takes a name away."""
        config = self.folder / "circumstances" / "config"
        config.mkdir(parents=True, exist_ok=True)
        own = {
            **os.environ, "OMP_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen", "HEEDMAP_CONFIG": str(config),
            "PYTHONDONTWRITEBYTECODE": "1", "XDG_STATE_HOME": str(config / "state"),
        }  # fmt: skip
        given = {**own, **changes}
        return {name: value for name, value in given.items() if value is not None}

    def say(self, words: list[str], *, shell: str = "", before: tuple[str, ...] = (), env: Env = NOTHING) -> Said:
        """Run a command. shell: what stands behind it, such as "> /dev/full"; before: what stands before it."""
        command: list[str] = [*before, self.program, *words]
        if shell:
            command = ["bash", "-c", f'"$@" {shell}', "bash", *command]
        done = subprocess.run(command, env=self.env(env), capture_output=True, timeout=180, cwd=self.folder)
        text = (done.stdout + done.stderr).decode("utf-8", "replace")
        return Said(text, done.returncode)

    def window(
        self, workspace: Path, *, seconds: float = 12.0, before: tuple[str, ...] = (), words: tuple[str, ...] = (),
        until: Callable[[], object] = lambda: False, also: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
        env: Env = NOTHING,
    ) -> Said:  # fmt: skip
        """Start the window, let it live for a while (or `until` something), close it; what it said."""
        arguments = ["--workspace", str(workspace)] if str(workspace) != "." else []
        self._copies += 1
        out = self.folder / "circumstances" / f"said-{self._copies}.txt"
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("wb") as said, subprocess.Popen(
            [*before, *self.opener, *arguments, *words], env=self.env(env), stdin=subprocess.DEVNULL,
            stdout=said, stderr=said, cwd=ROOT, start_new_session=True,
        ) as process:  # fmt: skip
            lift_session(process.pid, self._lift)
            wait_for(lambda: process.poll() is not None or until(), seconds)
            went_on = process.poll() is None
            also(process)
            if process.poll() is None:
                process.send_signal(2)
                wait_for(lambda: process.poll() is not None, 15)
            if process.poll() is None:
                process.kill()
                process.wait()
                return Said(out.read_text("utf-8", "replace") + "\nhung: it did not close", None)
        return Said(
            out.read_text("utf-8", "replace"), None if went_on and process.returncode == 0 else process.returncode
        )


def row(name: str, said: Said, *words: str, codes: tuple[int | None, ...] = (2,)) -> Row:
    """Fine where the exit code is one of `codes` and one of `words`, if any, is said, and nothing bad."""
    lines = [line.strip() for line in said.text.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("heedmap:")] or lines[-1:] or ["(nothing)"]
    fine = said.code in codes and not any(bad in said.text for bad in (*BAD, "hung:"))
    fine = fine and (not words or any(word in said.text for word in words))
    return Row(name, told[-1][:220], said.code, fine)
