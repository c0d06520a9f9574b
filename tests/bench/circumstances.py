"""What the program says where a system withholds something: python -m tests.bench.circumstances FOLDER
[--program PATH] [--only NAME] [--lift -5] [--out F.md]

FOLDER is where it works; the workspace that `tests.bench.kills` prepares there is used. Each circumstance starts the
program for real (the source's command, or a frozen one): a full disk, a home that cannot be written, no graphics
driver, another locale, odd paths, two copies at once, no screen, a wrong clock ... and looks at what the user sees and
at the exit code. It must be an answer or a sentence; a traceback, a crash or a hang is a fault. As root, disks are
mounted and users changed; otherwise those circumstances are left out and named.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.clocks import clocks
from tests.bench.driving import lift_session, wait_for
from tests.bench.kills import DATASET, RUN, Bench
from tests.bench.saying import Env, Place, Row, Said, row

WINDOW_SECONDS = 40.0  # in which a window is there on a busy machine
SMALL = 1  # megabytes of the disk that fills up


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
    "clocks": clocks,
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
    parser.add_argument("--lift", type=int, default=0, help="the weight of this bench beside other sessions, -20..19")
    parser.add_argument("--out", type=Path, help="the table as Markdown")
    parsed = parser.parse_args()
    folder = parsed.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    lift_session(os.getpid(), parsed.lift)
    Bench(folder, parsed.program, "").prepare()
    place = Place(folder, parsed.program, parsed.lift)
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
