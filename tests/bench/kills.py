"""Kill the window or its engine at random moments of a session, and look whether anything is lost:
python -m tests.bench.kills FOLDER [--moments 100] [--seed 1] [--only N] [--lift -5] [--program PATH] [--out F.json]

FOLDER is where it works: a small workspace is prepared there once (the sample, trained quickly), and each moment has a
copy of its own. The program is the source's command, or a frozen one, on a screen of its own (Xvfb, real keys by
XTEST); where there is no Xvfb, the same window on the platform without a screen. A moment: the window starts, a session
goes on (shoppers, what-if texts, notes, scenarios, segments, rules, theme, a training), and at a random moment SIGKILL
ends the window or one of its engines. Then the workspace is looked through, and the program is started again.

Results are added moment by moment (FOLDER/moments.jsonl), so that it can be stopped and goes on. Nothing here is a
test; exit code 1 where something was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from tests.bench.driving import Program, has_screen, lift_session, screen, wait_for
from tests.bench.kept import damaged, half_written, json_of, make_old, notes, old

LAG_SECONDS = 2.0  # what was done less than this before the kill may be lost: a tick, a rest of typing, a busy machine
ORPHAN_SECONDS = 5.0  # in which engines end with their window
LONGEST_SECONDS = 22.0  # of a session before the kill
TRAINING_SECONDS = 480.0  # until two epochs are written: the batch engine has the lowest share of a busy machine
DATASET, RUN = "sample", "first"


@dataclass
class Moment:
    number: int
    killed: str  # "window" or "engine"
    after: float = 0.0  # seconds of the session
    doing: str = ""  # the step that was under way
    faults: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)  # what was there to be lost
    unseen: list[str] = field(default_factory=list)  # steps of the session that did not take effect in time
    orphans_gone: float = 0.0  # seconds until the last process had ended
    lag: float = 0.0  # seconds until a choice lay on the disk, at most
    back: float = 0.0  # seconds until the next start was usable


@dataclass
class Done:
    """Something that the session did, and when."""

    when: float
    what: str
    value: str


class Session(threading.Thread):
    """The steps, in a random order, each by keys, until `over` is set; `done` is what they did.

    What needs more than a key to take effect (a page that loads, a dialog) counts as done when it was seen on the disk:
    the user has seen it then, too.
    """

    def __init__(self, program: Program, shoppers: list[str], chance: random.Random, *, train: bool = True) -> None:
        super().__init__(daemon=True)
        self.program, self._shoppers, self._random = program, shoppers, chance
        self.done: list[Done] = []
        self.unseen: list[str] = []  # steps that did not take effect in time
        self.lags: list[float] = []  # seconds until a choice lay on the disk
        self.doing = ""
        self.over = threading.Event()
        self._count = 0
        self._steps: list[tuple[Callable[[], None], int]] = [
            (self.shopper, 6), (self.note, 4), (self.text, 4), (self.scenario, 3), (self.rule, 2), (self.segment, 2),
            (self.theme, 1), (self.view, 2), (self.undo, 1), *([(self.train, 3)] if train else []),
        ]  # fmt: skip

    def run(self) -> None:
        while not self.over.is_set() and self.program.alive:
            act = self._random.choices([one for one, _ in self._steps], [weight for _, weight in self._steps])[0]
            self.doing = act.__name__
            self._count += 1
            self.program.key("Escape")
            act()

    def end(self) -> None:
        self.over.set()
        self.join(30)

    def _did(self, what: str, value: str = "") -> None:
        self.done.append(Done(time.monotonic(), what, value))

    def _did_if(self, seen: Callable[[], object], what: str, value: str = "") -> None:
        if wait_for(lambda: seen() or self.over.is_set(), 4) and not self.over.is_set():
            self._did(what, value)
        elif not self.over.is_set():
            self.unseen.append(what)

    def shopper(self) -> None:
        user = self._random.choice(self._shoppers)
        self.program.command(user)
        asked = time.monotonic()
        self._did_if(lambda: self.program.arrangement().get("user") == user, "shopper", user)
        if self.done and self.done[-1].value == user:
            self.lags.append(self.done[-1].when - asked)

    def note(self) -> None:
        text = f"note {self._count} of this session"
        self.program.go("ctrl+1", "explore")
        self.program.key("ctrl+alt+n")
        self.program.key("ctrl+a")
        self.program.type(text)
        self._did("note", text)
        self.program.key("Escape")

    def text(self) -> None:
        """Another word at the end of the product's first text."""
        word = f"waterproof{self._count}"
        if self.program.go("ctrl+2", "whatif"):
            self.program.command("Edit the texts")
            self.program.key("End")
            self.program.type(f" {word}")
            self._did_if(lambda: word in json.dumps(self.program.arrangement().get("steps")), "text", word)

    def scenario(self) -> None:
        name = f"idea {self._count}"
        self.text()
        self.program.command("Save the scenario")
        with self.program.dialog() as there:
            if there:
                self.program.key("ctrl+a")
                self.program.type(name)
                self.program.key("Return")
        file = self.program.workspace / "scenarios" / f"{name}.json"
        self._did_if(file.is_file, "scenario", name)

    def rule(self) -> None:
        self.program.go("ctrl+1", "explore")
        self.program.command("Never show this product")
        self._did_if((self.program.workspace / "rules" / f"{DATASET}.json").is_file, "rule")

    def segment(self) -> None:
        file = self.program.workspace / "sessions" / f"segments-{DATASET}.json"
        if self.program.go("ctrl+7", "data"):
            for _ in range(3):  # there are no rows before the tables are read
                self.program.command("Save these rows as a segment")
                if wait_for(lambda: file.is_file() or self.over.is_set(), 4):
                    break
            self._did_if(file.is_file, "segment")

    def theme(self) -> None:
        before = self.program.settings().get("theme")
        self.program.key("ctrl+d")
        self._did_if(lambda: self.program.settings().get("theme") != before, "theme")

    def view(self) -> None:
        self.program.key(f"ctrl+{self._random.randrange(1, 9)}")

    def undo(self) -> None:
        self.program.key("ctrl+z")
        self._did("undo")

    def train(self) -> None:
        if not any(one.what == "train" for one in self.done) and self.program.go("ctrl+8", "train"):
            self.program.command("Start training")
            self._did_if(lambda: self.program.arrangement().get("tasks"), "train")


# --- one moment ------------------------------------------------------------------------------------------------------


class Bench:
    def __init__(
        self,
        folder: Path,
        program: str,
        display: str,
        *,
        longest: float = LONGEST_SECONDS,
        trains: bool = True,
        lift: int = 0,
    ) -> None:
        """longest: seconds of a session; trains: whether trainings are among its steps; lift: of every session."""
        self._longest, self._trains, self._lift = longest, trains, lift
        self.folder, self.base = folder, folder / "base"
        self.program, self.display = program, display
        self.shoppers: list[str] = []
        self.course: list[dict[str, float]] = []  # of a training that nobody stopped

    def prepare(self) -> None:
        """The workspace that every moment starts from, and a training with the form's settings to compare with."""
        dataset, run, whole = self.base / "datasets" / DATASET, self.base / "runs" / RUN, self.folder / "whole"
        if not (dataset / "dataset.json").is_file():
            self._command("sample", str(dataset), "--items", "60", "--shoppers", "40", "--seed", "1")
        if (json_of(run / "run.json") or {}).get("state") != "done":
            shutil.rmtree(run, ignore_errors=True)
            self._command("train", str(dataset), "--run", str(run), "--set", "epochs=3", "--set", "dim=16")
        if (json_of(whole / "run.json") or {}).get("state") != "done":
            shutil.rmtree(whole, ignore_errors=True)
            self._command("train", str(dataset), "--run", str(whole))
        self.course = json_of(whole / "history.json")
        self.look()

    def look(self) -> None:
        """Read who the shoppers of the prepared workspace are."""
        import pyarrow.parquet as pq

        dataset = self.base / "datasets" / DATASET
        self.shoppers = sorted(set(pq.read_table(dataset / "events.parquet", columns=["user"])["user"].to_pylist()))

    def _command(self, *words: str) -> None:
        command = self.program or str(Path(sys.executable).with_name("heedmap"))
        subprocess.run([command, *words], check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})

    def start(self, place: Path) -> Program:
        folders = (place / "workspace", place / "config")
        return Program(*folders, program=self.program, display=self.display, lift=self._lift)

    def fresh(self, number: int) -> Path:
        place = self.folder / f"moment-{number:03d} 时刻"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.base, place / "workspace")
        (place / "config").mkdir()
        settings = {"theme": "light", "language": "en", "tour": "seen"}
        (place / "config" / "settings.json").write_text(json.dumps(settings))
        return place

    def moment(self, number: int, seed: int) -> Moment:
        chance = random.Random(f"{seed} {number}")
        found = Moment(number, "window" if number % 2 else "engine")
        place = self.fresh(number)
        program = self.start(place)
        try:
            if not program.wait_until_usable():
                found.faults.append("the window did not start")
                return found
            session = Session(program, self.shoppers, chance, train=self._trains)
            found.after = round(chance.uniform(0.5, self._longest), 2)
            session.start()
            wait_for(lambda: not program.alive, found.after)
            found.doing = session.doing
            (self._kill_window if found.killed == "window" else self._kill_engine)(place, program, session, found)
        finally:
            program.close()
        if not found.faults:
            shutil.rmtree(place, ignore_errors=True)
        return found

    def _kill_window(self, place: Path, program: Program, session: Session, found: Moment) -> None:
        if not program.alive:
            found.faults.append(f"the window had ended by itself: {program.process.returncode}")
            return
        family = program.processes()
        killed = time.monotonic()
        program.kill()
        _, orphans = psutil.wait_procs(family, ORPHAN_SECONDS)
        found.orphans_gone = round(time.monotonic() - killed, 2)
        session.end()
        found.unseen, found.lag = session.unseen, round(max(session.lags, default=0.0), 2)
        found.faults += [f"orphan: {_name(one)}" for one in orphans]
        workspace = place / "workspace"
        found.faults += damaged(workspace)
        kept = program.arrangement()
        self._nothing_lost(workspace, kept, session.done, killed, found)
        make_old(half_written(workspace))
        self._next_start(place, kept, found)

    def _nothing_lost(
        self, workspace: Path, kept: dict[str, Any], done: list[Done], killed: float, found: Moment
    ) -> None:
        sure = [one for one in done if one.when < killed - LAG_SECONDS]
        of = {what: [one.value for one in sure if one.what == what] for what in {one.what for one in done}}
        found.checked = [f"{len(values)} x {what}" for what, values in sorted(of.items()) if values]

        def since(what: str) -> set[str]:
            """The newest that must be there, or one that was done after it."""
            last = max((place for place, one in enumerate(sure) if one.what == what), default=len(done))
            return {one.value for one in done[last:] if one.what == what}

        if (fine := since("shopper")) and kept.get("user") not in fine:
            found.faults.append(f"the shopper is {kept.get('user')}, not of {sorted(fine)}")
        if (fine := since("note")) and not any(text in kept_text for kept_text in notes(workspace) for text in fine):
            found.faults.append(f"note lost: {sorted(fine)}")
        steps = json.dumps(kept.get("steps", []))
        undone = any(one.what == "undo" for one in done)  # and what came after it is in place of it
        if (fine := since("text")) and not undone and not any(word in steps for word in fine):
            found.faults.append(f"what-if text lost: {sorted(fine)}")
        saved = {path.stem for path in (workspace / "scenarios").glob("*.json")}
        found.faults += [f"scenario lost: {name}" for name in of.get("scenario", []) if name not in saved]
        if of.get("rule") and not (workspace / "rules" / f"{DATASET}.json").is_file():
            found.faults.append("the rules are lost")
        if of.get("segment") and not (workspace / "sessions" / f"segments-{DATASET}.json").is_file():
            found.faults.append("the segment is lost")

    def _next_start(self, place: Path, kept: dict[str, Any], found: Moment) -> None:
        """It takes the workspace without a complaint, brings everything back, and offers to go on."""
        workspace = place / "workspace"
        begun = time.monotonic()
        program = self.start(place)
        try:
            if not wait_for(lambda: program.arrangement().get("falls") == 1, 60):
                found.faults.append("the next start did not take the workspace, or not notice the unexpected end")
                return
            if not program.wait_until_usable():
                found.faults.append("the next start did not become usable")
                return
            found.back = round(time.monotonic() - begun, 2)
            wait_for(lambda: program.arrangement().get("user") == kept.get("user"), 20)
            again = program.arrangement()
            for name in ("run", "user", "method", "steps", "done", "base", "view"):
                if again.get(name) != kept.get(name):
                    found.faults.append(f"{name} came back as {str(again.get(name))[:60]}, not {kept.get(name)!r:.60}")
            unfinished = [one for one in kept.get("tasks", []) if not self._is_done(workspace, one)]
            if [one["folder"] for one in again.get("tasks", [])] != [one["folder"] for one in unfinished]:
                found.faults.append("the training that was under way is not offered")
            if any(one["kind"] == "train" for one in unfinished):
                self._goes_on(workspace, program, found)
            found.faults += [f"stays for ever: {path.relative_to(workspace)}" for path in old(half_written(workspace))]
            if not program.alive:
                found.faults.append("the next window ended by itself")
        finally:
            family = program.processes()
            program.close()
            _, orphans = psutil.wait_procs(family, ORPHAN_SECONDS)
            found.faults += [f"orphan of the next start: {_name(one)}" for one in orphans]
        found.faults += damaged(workspace)

    @staticmethod
    def _is_done(workspace: Path, task: dict[str, Any]) -> bool:
        run = workspace / task["folder"].removeprefix("<workspace>/") / "run.json"
        return (json_of(run) or {}).get("state") == "done"

    def _goes_on(self, workspace: Path, program: Program, found: Moment) -> None:
        """The offer is taken; the training goes on to the numbers of one that nobody stopped."""
        found.checked.append("a training under way")
        if not self._takes_offer(program):
            found.faults.append("the offer to go on could not be taken")
            return

        def course() -> list[dict[str, float]]:
            runs = [path for path in (workspace / "runs").glob("*/history.json") if path.parent.name != RUN]
            return json_of(runs[0]) if runs else []

        before = len(course())
        goal, begun = min(before + 2, len(self.course)), time.monotonic()
        if not wait_for(lambda: len(course()) >= goal or not program.alive, TRAINING_SECONDS, 0.2):
            found.faults.append(f"the training did not go on: {len(course())} epochs, {before} before")
        for mine, whole in zip(course(), self.course, strict=False):
            for name in ("loss", "ndcg@10"):
                if mine[name] != whole[name]:
                    found.faults.append(f"epoch {mine['epoch']:.0f}: {name} {mine[name]}, not {whole[name]}")
        took = time.monotonic() - begun
        found.checked.append(f"{len(course())} epochs, {before} before, {took:.0f} s after the offer was taken")

    @staticmethod
    def _takes_offer(program: Program) -> bool:
        """Keys that come with the first frame come before the offer: as a user would, again once it is seen."""

        def taken() -> bool:
            return any("Go on with" in text for _, text in program.arrangement().get("recent", []))

        for _ in range(10):
            program.key("Escape")
            program.command("Go on with")
            if wait_for(lambda: taken() or not program.alive, 6):
                return program.alive
        return False

    def _kill_engine(self, place: Path, program: Program, session: Session, found: Moment) -> None:
        engines = program.engines()
        if not engines or not program.alive:
            found.faults.append("there is no engine to kill" if program.alive else "the window had ended by itself")
            return
        number = len(engines)
        first = min(engines, key=lambda one: one.create_time())  # the one that answers at once
        chosen = first if session.doing != "train" else max(engines, key=lambda one: one.create_time())
        chosen.kill()
        psutil.wait_procs([chosen], 5)
        session.end()
        found.unseen, found.lag = session.unseen, round(max(session.lags, default=0.0), 2)
        program.key("Escape")
        if not wait_for(lambda: len(program.engines()) >= number or not program.alive, 30):
            found.faults.append("the engine was not replaced")
        begun = time.monotonic()
        other = next(user for user in self.shoppers if user != program.arrangement().get("user"))
        program.go("ctrl+1", "explore")
        program.command(other)
        asked = wait_for(lambda: program.arrangement().get("user") == other or not program.alive, 30)
        found.back = round(time.monotonic() - begun, 2)
        if program.process.poll() is not None:
            found.faults.append("the window ended with its engine")
        elif not asked:
            found.faults.append("the window does not live on")
        found.checked = [f"engine {engines.index(chosen) + 1} of {number}"]
        found.faults += damaged(place / "workspace")
        said = (place / "config" / "said.txt").read_text(encoding="utf-8", errors="replace")
        if "Traceback" in said:
            found.faults.append("the window said: " + said[said.rindex("Traceback") :][-300:])


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[:120]
    except psutil.Error:
        return str(process.pid)


# --- the whole -------------------------------------------------------------------------------------------------------


def run(bench: Bench, moments: int, seed: int, only: int = 0) -> list[Moment]:
    """Do what is not done yet, or one moment again; all moments."""
    file = bench.folder / "moments.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    found = {one.number: one for one in (Moment(**json.loads(line)) for line in lines)}  # the last of a number counts
    for number in [only] if only else range(1, moments + 1):
        if number in found and number != only:
            continue
        found[number] = one = bench.moment(number, seed)
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(asdict(one), ensure_ascii=False) + "\n")
        said = "; ".join(one.faults) or "nothing lost"
        print(f"{number:4} {one.killed:<7} after {one.after:5.1f} s in {one.doing:<9} {said}", flush=True)
    return sorted(found.values(), key=lambda one: one.number)


def report(found: list[Moment], *, program: str, display: str, seed: int) -> str:
    """A summary in Markdown."""
    rows = []
    for who in ("window", "engine"):
        mine = [one for one in found if one.killed == who]
        if mine:
            lost = sum(bool(one.faults) for one in mine)
            back = sorted(one.back for one in mine)
            gone = max(one.orphans_gone for one in mine)
            ended = f"{gone:.1f} s" if who == "window" else ""
            lag = max(one.lag for one in mine)
            rows.append(f"| {who} | {len(mine)} | {lost} | {ended} | {back[len(back) // 2]:.1f} s | {lag:.1f} s |")
    trained = sum("a training under way" in one.checked for one in found)
    faults = [f"- moment {one.number} ({one.killed}, in {one.doing}): {fault}" for one in found for fault in one.faults]
    return "\n".join(
        [
            "# SIGKILL at random moments of a session",
            "",
            f"`python -m tests.bench.kills FOLDER --moments {len(found)} --seed {seed}`, "
            f"{'a frozen program' if program else 'the source'}, "
            f"{'real keys by XTEST under Xvfb' if display else 'without a screen'}, one thread.",
            "",
            "| killed | moments | with a fault | last process gone within | usable again, median |"
            " a choice is kept within |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "Looked at each time: no process is left; every JSON, Parquet, SQLite and safetensors file parses; the"
            " shopper, the what-if, notes, scenarios, rules and segments of more than two seconds before are there; the"
            " next start takes the workspace, brings all of it back, and says so; no temporary file stays; after a"
            " killed engine the window lives on and answers.",
            f"A training was under way {trained} times: each was offered, went on, and had the losses and figures of"
            " one that nobody stopped." if trained else "",
            "",
            *(["Faults:", "", *faults] if faults else ["No fault."]),
            "",
        ]
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--moments", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, default=0, help="this moment alone, again where it was done before")
    parser.add_argument("--lift", type=int, default=0, help="the weight of this bench beside other sessions, -20..19")
    parser.add_argument("--program", default="", help="a frozen program; the source's command where none is given")
    parser.add_argument("--offscreen", action="store_true", help="without Xvfb")
    parser.add_argument("--out", type=Path, help="results as JSON; a summary beside it as Markdown")
    parsed = parser.parse_args()
    parsed.folder.mkdir(parents=True, exist_ok=True)
    shown = has_screen() and not parsed.offscreen
    lift_session(os.getpid(), parsed.lift)
    with screen() if shown else nullcontext("") as display:
        bench = Bench(parsed.folder.resolve(), parsed.program, display, lift=parsed.lift)
        bench.prepare()
        found = run(bench, parsed.moments, parsed.seed, parsed.only)
    text = report(found, program=parsed.program, display=display, seed=parsed.seed)
    print(text)
    if parsed.out is not None:
        parsed.out.write_text(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False) + "\n")
        parsed.out.with_suffix(".md").write_text(text, encoding="utf-8")
    return 1 if any(one.faults for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
