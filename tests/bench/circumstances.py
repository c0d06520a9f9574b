"""What the program says where a system withholds something: python -m tests.bench.circumstances FOLDER
[--program PATH] [--only NAME] [--out F.md]

FOLDER is where it works; the workspace that `tests.bench.kills` prepares there is used. Each circumstance starts the
program for real (the source's command, or a frozen one): a full disk, a home that cannot be written, no graphics
driver, another locale, odd paths, two copies at once, no screen ... and looks at what the user sees and at the exit
code. It must be an answer or a sentence; a traceback, a crash or a hang is a fault. As root, disks are mounted and
users changed; otherwise those circumstances are left out and named.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.driving import wait_for
from tests.bench.kills import DATASET, RUN, Bench

ROOT = Path(__file__).resolve().parents[2]
WINDOW_SECONDS = 40.0  # in which a window is there on a busy machine
SMALL = 1  # megabytes of the disk that fills up
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

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
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
        also: Callable[[subprocess.Popen[bytes]], None] = lambda _: None, env: Env = NOTHING,
    ) -> Said:  # fmt: skip
        """Start the window, let it live for a while (or until it ends), close it; what it said."""
        arguments = ["--workspace", str(workspace)] if str(workspace) != "." else []
        self._copies += 1
        out = self.folder / "circumstances" / f"said-{self._copies}.txt"
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("wb") as said, subprocess.Popen(
            [*before, *self.opener, *arguments, *words], env=self.env(env), stdin=subprocess.DEVNULL,
            stdout=said, stderr=said, cwd=ROOT, start_new_session=True,
        ) as process:  # fmt: skip
            wait_for(lambda: process.poll() is not None, seconds)
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


# --- the circumstances ----------------------------------------------------------------------------------------------


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


@contextmanager
def small_disk(folder: Path, options: str = f"size={SMALL}m") -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def full_disk(place: Place) -> Iterator[Row]:
    dataset = place.base / "datasets" / DATASET
    if is_root():
        with small_disk(place.folder / "circumstances" / "small") as disk:
            said = place.say(["sample", str(disk / "shop"), "--items", "60", "--shoppers", "40"])
            yield row("disk full: drawing a sample", said, "disk is full")
            left = [path.name for path in disk.iterdir()]
            yield Row("disk full: nothing half made is left", ", ".join(left) or "(nothing)", None, not left)
        with small_disk(place.folder / "circumstances" / "small", "size=1m") as disk:
            said = place.say(["train", str(dataset), "--run", str(disk / "run"), "--set", "epochs=2"])
            yield row("disk full: training", said, "disk is full")
        with small_disk(place.folder / "circumstances" / "small", "size=17m") as disk:
            shutil.copytree(place.base, disk / "ws")
            subprocess.run(["dd", "if=/dev/zero", f"of={disk / 'fill'}", "bs=64k"], capture_output=True, check=False)
            yield row("disk full: the window", place.window(disk / "ws"), codes=(None, 0))
    said = place.say(["explain", str(place.base / "runs" / RUN)], shell="> /dev/full")
    yield row("disk full: the answer", said, "disk is full")
    run = place.folder / "circumstances" / "limited"
    said = place.say(
        ["train", str(dataset), "--run", str(run), "--set", "epochs=1"],
        before=("bash", "-c", 'ulimit -f 64; exec "$@"', "bash"),
    )
    yield row("a limit on the size of files: training", said, "larger than a file may be", "could not be written")


def read_only_home(place: Place) -> Iterator[Row]:
    if not is_root():
        return
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    home = place.folder / "circumstances" / "locked home"
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o555)
    none: Env = {"HEEDMAP_CONFIG": None, "XDG_STATE_HOME": None, "XDG_RUNTIME_DIR": None}
    own = {**none, "HOME": str(home)}
    yield row("home read-only: the window", place.window(Path("."), before=nobody, env=own), codes=(None, 0))
    yield row("home read-only: a command", place.say(["methods"], before=nobody, env=own), codes=(0,))
    said = place.say(["sample", str(home / "shop"), "--items", "20", "--shoppers", "10"], before=nobody, env=own)
    yield row("home read-only: writing there", said, "No permission")
    stranger = ("setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups")
    yield row(
        "no home at all: a command", place.say(["methods"], before=stranger, env={**none, "HOME": None}), codes=(0,)
    )
    said = place.window(place.copy(), before=stranger, env={**none, "HOME": None})
    yield row("no home at all: the window", said, "no home folder", codes=(None, 0))
    workspace = place.copy("read-only mount")
    subprocess.run(["mount", "--bind", str(workspace), str(workspace)], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(workspace)], check=True)
    try:
        yield row("workspace on a read-only mount: the window", place.window(workspace), codes=(None, 0))
        said = place.say(["train", str(workspace / "datasets" / DATASET), "--run", str(workspace / "runs" / "new")])
        yield row("workspace on a read-only mount: training", said, "No permission")
        said = place.say(["recommend", str(workspace / "runs" / RUN), "-k", "2"])
        yield row("workspace on a read-only mount: a list", said, codes=(0, 2))
    finally:
        subprocess.run(["umount", "-l", str(workspace)], check=False)


def devices(place: Place) -> Iterator[Row]:
    dataset, run = str(place.base / "datasets" / DATASET), str(place.folder / "circumstances" / "cuda")
    said = place.say(["train", dataset, "--run", run, "--set", "device=cuda"], env={"CUDA_VISIBLE_DEVICES": ""})
    yield row("no graphics driver: device=cuda", said, "There is no device 'cuda'")
    said = place.say(["explain", str(place.base / "runs" / RUN)], env={"CUDA_VISIBLE_DEVICES": "nonsense"})
    yield row("CUDA_VISIBLE_DEVICES=nonsense: an explanation", said, codes=(0,))


def locales(place: Place) -> Iterator[Row]:
    run = str(place.copy("家 目录 mit Leerzeichen") / "runs" / RUN)
    bogus: Env = {"LC_ALL": "xx_YY.bogus", "LANG": "xx_YY.bogus"}
    yield row("locale xx_YY.bogus: a command", place.say(["runs", run], env=bogus), codes=(0,))
    yield row("locale xx_YY.bogus: the window", place.window(place.copy(), env=bogus), codes=(None, 0))
    ascii_only: Env = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    yield row("terminal of ASCII, Chinese paths", place.say(["runs", run, "--json"], env=ascii_only), codes=(0,))
    said = place.say(["explain", run, "--out", str(Path(run).parents[2] / "解释.html")], env=ascii_only)
    yield row("terminal of ASCII, an answer to a Chinese file", said, codes=(0,))
    home = place.folder / "circumstances" / "家 目录"
    home.mkdir(parents=True, exist_ok=True)
    none: Env = {"HEEDMAP_CONFIG": None, "XDG_STATE_HOME": None, "HOME": str(home)}
    yield row("home with spaces and Chinese: the window", place.window(Path("."), env=none), codes=(None, 0))
    made = (home / ".local" / "share" / "heedmap").is_dir()
    yield Row("home with spaces and Chinese: the workspace is made there", str(made), None, made)


def copies(place: Place) -> Iterator[Row]:
    workspace = place.copy()
    dataset, run = str(workspace / "datasets" / DATASET), workspace / "runs" / "both"
    train = [place.program, "train", dataset, "--run", str(run), "--set", "epochs=900", "--set", "patience=900"]
    with subprocess.Popen(train, env=place.env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        wait_for((run / "history.json").is_file)
        yield row("two trainings into one run", place.say(train[1:]), "already holds a run", "another Heedmap")
        said = place.say(["train", dataset, "--run", str(run), "--resume"])
        yield row("two trainings into one run, resumed", said, "is being written by another Heedmap")
        yield row("a window while the command line trains", place.window(workspace), codes=(None, 0))
        first.kill()
    out = str(workspace / "datasets" / "twice")
    draw = [place.program, "sample", out, "--items", "200", "--shoppers", "100"]
    with subprocess.Popen(draw, env=place.env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        wait_for((workspace / "datasets" / ".twice.partial").is_dir)
        yield row("two imports into one dataset", place.say(draw[1:]), "is being written by another Heedmap")
        first.kill()

    def second(_: subprocess.Popen[bytes]) -> None:
        kept.append(place.window(workspace, seconds=25.0))

    kept: list[Said] = []
    before = workspace / "sessions" / "window.json"
    first_said = place.window(workspace, also=second)
    words = () if place.frozen else ("open in another window",)
    yield row("two windows on one workspace: the second", kept[0], *words, codes=(None, 0))
    yield row("two windows on one workspace: the first", first_said, codes=(None, 0))
    yield Row("two windows: the arrangement is the first's, whole", before.name, None, before.is_file())


def screens(place: Place) -> Iterator[Row]:
    bare: Env = {"QT_QPA_PLATFORM": None, "DISPLAY": None, "WAYLAND_DISPLAY": None}
    yield row("no screen", place.window(place.base, seconds=WINDOW_SECONDS, env=bare), "no screen")
    lost = {**bare, "DISPLAY": ":97"}
    yield row("a screen that cannot be reached", place.window(place.base, seconds=WINDOW_SECONDS, env=lost), "reached")
    odd = {**bare, "QT_QPA_PLATFORM": "nonsense"}
    yield row("QT_QPA_PLATFORM=nonsense", place.window(place.base, seconds=WINDOW_SECONDS, env=odd), "Unset it")
    out = place.folder / "circumstances" / "no-fonts.png"
    said = place.say(
        ["shot", str(place.base / "runs" / RUN), "--out", str(out)], env={"FONTCONFIG_FILE": "/nonexistent"}
    )
    yield row("no fonts: a picture", said, codes=(0,))


def folders(place: Place) -> Iterator[Row]:
    none = "/nonexistent"
    yield row(
        "no folder for temporary files: the window", place.window(place.copy(), env={"TMPDIR": none}), codes=(None, 0)
    )
    said = place.window(place.copy(), env={"XDG_RUNTIME_DIR": None})
    yield row("no XDG_RUNTIME_DIR: the window", said, codes=(None, 0))
    if is_root():
        with small_disk(place.folder / "circumstances" / "noexec", "size=64m,noexec") as disk:
            said = place.window(place.copy(), env={"TMPDIR": str(disk)})
            yield row("temporary files noexec: the window", said, codes=(None, 0))
    workspace = place.copy()
    said = place.window(workspace, also=lambda _: (shutil.rmtree(workspace), time.sleep(3))[1])  # type: ignore[func-returns-value]
    yield row("the workspace is removed while it is open", said, codes=(None, 0))
    back = workspace.exists()
    yield Row("the workspace is removed: it is not made again", "made again" if back else "gone", None, not back)
    said = place.window(place.folder / "circumstances" / "no such folder" / "ws")
    yield row("a workspace that is not there yet", said, codes=(None, 0))
    if shutil.which("faketime"):
        said = place.window(place.copy(), before=("faketime", "1999-12-31 23:59:00"))
        yield row("the clock in 1999: the window", said, codes=(None, 0))


def streams(place: Place) -> Iterator[Row]:
    yield row("standard output closed", place.say(["methods"], shell=">&-"), codes=(0,))
    said = place.say(["runs", str(place.base), "--json"], shell=">&- 2>&- <&-")
    yield row("all standard streams closed: a command", said, codes=(0,))
    workspace = place.copy()
    closed = ("bash", "-c", 'exec "$@" >&- 2>&- <&-', "bash")
    yield row("all standard streams closed: the window", place.window(workspace, before=closed), codes=(None, 0))
    yield row("the reader goes away", place.say(["methods"], shell="| head -1"), codes=(0,))


CIRCUMSTANCES: dict[str, Callable[[Place], Iterator[Row]]] = {
    "disk": full_disk,
    "home": read_only_home,
    "devices": devices,
    "locales": locales,
    "copies": copies,
    "screens": screens,
    "folders": folders,
    "streams": streams,
}


def table(rows: list[Row]) -> str:
    lines = ["| circumstance | what is said | exit code | |", "|---|---|---|---|"]
    for one in rows:
        code = "goes on" if one.code is None else str(one.code)
        said = one.shows.replace("|", "/")
        lines.append(f"| {one.circumstance} | {said} | {code} | {'OK' if one.fine else '**not OK**'} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--program", default="")
    parser.add_argument("--only", choices=sorted(CIRCUMSTANCES))
    parser.add_argument("--out", type=Path, help="the table as Markdown")
    parsed = parser.parse_args()
    folder = parsed.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    Bench(folder, parsed.program, "").prepare()
    place = Place(folder, parsed.program)
    rows: list[Row] = []
    for name, circumstance in CIRCUMSTANCES.items():
        if parsed.only in (None, name):
            for one in circumstance(place):
                rows.append(one)
                print(f"{'ok ' if one.fine else 'BAD'} {one.circumstance}: {one.shows} ({one.code})", flush=True)
    shutil.rmtree(folder / "circumstances", ignore_errors=True)
    text = table(rows) + "\n"
    if parsed.out is not None:
        parsed.out.write_text(text, encoding="utf-8")
    return 0 if all(one.fine for one in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
