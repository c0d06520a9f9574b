"""A wrong clock: files whose dates lie in the future, and, where there is a C compiler, a clock before or after."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from engine.notes import write_note
from engine.scenario import Scenario
from engine.scenario_files import SavedScenario, save_scenario
from tests.bench.driving import wait_for
from tests.bench.kept import damaged, files, json_of
from tests.bench.kills import DATASET, RUN
from tests.bench.saying import Env, Place, Row, row

FUTURE = datetime(2030, 1, 1, tzinfo=UTC)
CLOCKS = {
    "1970": datetime(1970, 1, 2, tzinfo=UTC),  # an empty battery
    "1999": datetime(1999, 12, 31, 23, 59, 50, tzinfo=UTC),  # the year ends while the window opens
    "2040": datetime(2040, 1, 1, tzinfo=UTC),  # more seconds than 32 bits hold
}
EPOCHS = 3
SECONDS = 60.0  # in which a window shows a shopper's list on a busy machine
WRITING = ".window.json.a1b2c3d4.json"  # half written, as another program may be at it


def clocks(place: Place) -> Iterator[Row]:
    yield from _files_of_the_future(place)
    compiler, library = shutil.which("cc"), place.folder / "circumstances" / "clock.so"
    if compiler is None or not sys.platform.startswith("linux"):
        yield Row("another clock", "left out: there is no C compiler for clock.c", None, True)
        return
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    for year, moment in CLOCKS.items():
        yield from _another_clock(place, year, moment, library)


def _files_of_the_future(place: Place) -> Iterator[Row]:
    workspace = place.copy("of 2030")
    run, moment = workspace / "runs" / "stopped", round(FUTURE.timestamp() * 1000)
    _stop_a_training(place, workspace, run)
    write_note(workspace, DATASET, "product", "of-2030", "written in 2030", moment)
    save_scenario(workspace, SavedScenario("of 2030", Scenario(), run=RUN, time=FUTURE.isoformat()))
    (workspace / "sessions").mkdir(exist_ok=True)
    (workspace / "sessions" / WRITING).write_text("{", encoding="utf-8")
    log = Path(place.env()["XDG_STATE_HOME"]) / "heedmap" / "log"
    log.mkdir(parents=True, exist_ok=True)
    reports = [log / f"crash-20300101-0000{number:02}.txt" for number in range(30)]
    for path in (*reports, log / "engine.log"):
        path.write_text("2030-01-01 00:00:00\n", encoding="utf-8")
    _date(workspace)
    _date(log)
    before = _kept(workspace)
    said = place.window(workspace, seconds=SECONDS, until=lambda: _shopper(workspace))
    yield row("files of 2030: the window", said, codes=(None, 0))
    yield Row("files of 2030: its shopper is kept", _shopper(workspace) or "(none)", None, bool(_shopper(workspace)))
    yield row("files of 2030: the runs", place.say(["runs", str(workspace / "runs")]), "stopped", codes=(0,))
    yield row("files of 2030: a list", place.say(["recommend", str(run.with_name(RUN)), "-k", "2"]), codes=(0,))
    train = ["train", str(workspace / "datasets" / DATASET), "--run", str(run)]
    yield row("files of 2030: a stopped training goes on", place.say([*train, "--resume"]), codes=(0,))
    done = len(json_of(run / "history.json"))
    yield Row("files of 2030: all of its epochs are there", f"{done} of {EPOCHS}", None, done == EPOCHS)
    gone = sorted(str(path.relative_to(workspace)) for path in before - set(files(workspace)))
    yield Row("files of 2030: nothing is deleted", ", ".join(gone)[:200] or "(nothing)", None, not gone)
    faults = [*damaged(workspace), *([] if _note(workspace) == moment else ["the note of 2030 is gone"])]
    yield Row("files of 2030: all is whole", "; ".join(faults)[:200] or "(whole)", None, not faults)


def _stop_a_training(place: Place, workspace: Path, run: Path) -> None:
    """Until its first epoch is written."""
    train = [place.program, "train", str(workspace / "datasets" / DATASET), "--run", str(run)]
    train += ["--set", f"epochs={EPOCHS}", "--set", "dim=16"]
    with subprocess.Popen(train, env=place.env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: (run / "history.json").is_file() or process.poll() is not None, 120, 0.005)
        process.kill()


def _date(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (FUTURE.timestamp(), FUTURE.timestamp()))


def _kept(workspace: Path) -> set[Path]:
    """All but locks that nobody holds."""
    return {path for path in files(workspace) if path.suffix != ".lock"}


def _shopper(workspace: Path) -> str:
    """Whose list the window shows, as it lies on the disk."""
    kept = json_of(workspace / "sessions" / "window.json") or {}
    return str(kept.get("user") or "")


def _note(workspace: Path) -> int:
    with closing(sqlite3.connect(workspace / "notes.sqlite")) as base:
        found = base.execute("SELECT changed FROM notes WHERE key = 'of-2030'").fetchone()
    return int(found[0]) if found else 0


def _another_clock(place: Place, year: str, moment: datetime, library: Path) -> Iterator[Row]:
    """The files' dates stay what they are; what counts seconds goes on as on a machine whose clock is set wrong."""
    workspace = place.copy(f"clock {year}")
    run = workspace / "runs" / "stopped"
    _stop_a_training(place, workspace, run)
    write_note(workspace, DATASET, "product", "of-2030", "written today")
    (workspace / "sessions").mkdir(exist_ok=True)
    before = _kept(workspace)
    ahead = round((moment - datetime.now(UTC)).total_seconds())
    env: Env = {"LD_PRELOAD": str(library), "CLOCK_AHEAD": str(ahead), "TZ": "UTC"}
    said = place.window(workspace, seconds=SECONDS, until=lambda: _shopper(workspace), env=env)
    yield row(f"the clock in {year}: the window", said, codes=(None, 0))
    shopper = _shopper(workspace)
    yield Row(f"the clock in {year}: its shopper is kept", shopper or "(none)", None, bool(shopper))
    yield row(f"the clock in {year}: once more", place.window(workspace, env=env), codes=(None, 0))
    train = ["train", str(workspace / "datasets" / DATASET), "--run"]
    said = place.say([*train, str(run), "--resume"], env=env)
    yield row(f"the clock in {year}: a stopped training goes on", said, codes=(0,))
    new = place.say([*train, str(run.with_name("new")), "--set", "epochs=1", "--set", "dim=16"], env=env)
    yield row(f"the clock in {year}: a training", new, codes=(0,))
    report = str(workspace / "report.html")
    yield row(f"the clock in {year}: a report", place.say(["explain", str(run), "--out", report], env=env), codes=(0,))
    gone = sorted(str(path.relative_to(workspace)) for path in before - set(files(workspace)))
    faults = [*damaged(workspace), *gone]
    yield Row(f"the clock in {year}: all is there and whole", "; ".join(faults)[:200] or "(whole)", None, not faults)
