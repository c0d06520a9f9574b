"""The engine process: answers, errors, cancel, pause, crashes, and that it never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from pytestqt.qtbot import QtBot

import app.engine_thread
from app.engine_thread import STARTS, EngineLane, EngineThread
from engine.jobs import Progress
from engine.process import EngineHere, EngineProcess, Setup
from engine.runner import Answered, Beat, Died, Event, Failed, Progressed, Ready

TOY = "tests.app.toy_desk:ToyDesk"
WAIT = 30_000  # a machine under load is slow to start a process

Make = Callable[..., EngineLane]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[EngineProcess]:
    engine = EngineProcess(Setup(TOY, log=str(tmp_path / "log")))
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def make_lane(qtbot: QtBot, tmp_path: Path) -> Iterator[Make]:
    made: list[EngineLane] = []

    def make(**options: Any) -> EngineLane:
        made.append(EngineLane(Setup(TOY, log=str(tmp_path / "log")), **options))
        return made[-1]

    yield make
    for lane in made:
        lane.stop()


def until(engine: EngineProcess | EngineHere, kind: type[Event]) -> list[Event]:
    """Poll until an event of a kind arrives; everything that came up to it."""
    seen: list[Event] = []
    while not any(isinstance(event, kind) for event in seen):
        seen += engine.poll(1.0)
    return seen


def answer(qtbot: QtBot, lane: EngineLane, name: str, **arguments: Any) -> Any:
    with qtbot.waitSignal(lane.finished, timeout=WAIT) as caught:
        job = lane.submit(name, **arguments)
    assert caught.args is not None
    assert caught.args[0] == job
    return caught.args[1]


def test_a_process_answers_and_reports_bad_input_and_faults(process: EngineProcess, tmp_path: Path) -> None:
    process.send("submit", 1, "add", {"a": 2, "b": 3})
    assert Answered(1, 5) in until(process, Answered)
    process.send("submit", 2, "refuse", {})
    assert Failed(2, "items.csv, row 3: the price 'five' is not a number.", "Write it in figures.") in until(
        process, Failed
    )
    process.send("submit", 3, "fault", {})
    fault = next(event for event in until(process, Failed) if isinstance(event, Failed))
    assert fault.message == "A fault in Heedmap: ZeroDivisionError: division by nothing"
    assert "toy_desk.py" in (tmp_path / "log" / "engine.log").read_text()
    process.send("submit", 4, "no_such_job", {})
    assert any(isinstance(event, Failed) and "no_such_job" in event.message for event in until(process, Failed))
    process.send("submit", 5, "add", {"a": 1, "b": 1})
    assert Answered(5, 2) in until(process, Answered)


def test_a_process_is_offline_and_leaves_a_core_to_the_window(
    process: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "OMP_WAIT_POLICY", "OMP_NUM_THREADS"]
    process.send("submit", 1, "environment", {"names": names})
    found = next(event.answer for event in until(process, Answered) if isinstance(event, Answered))
    assert (found["HF_HUB_OFFLINE"], found["TRANSFORMERS_OFFLINE"], found["OMP_WAIT_POLICY"]) == ("1", "1", "PASSIVE")
    assert 1 <= int(found["OMP_NUM_THREADS"]) <= max(1, (os.cpu_count() or 1) - 1)


def test_progress_without_figures_is_thinned_and_the_last_step_is_told(process: EngineProcess) -> None:
    process.send("submit", 1, "chatter", {"steps": 20_000})
    told = [event.progress for event in until(process, Answered) if isinstance(event, Progressed)]
    assert len(told) < 2_000
    assert told[-1] == Progress("Chatting", 20_000, 20_000)


def test_a_killed_process_is_noticed_and_can_be_started_again(process: EngineProcess) -> None:
    until(process, Ready)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    assert Died(-signal.SIGKILL) in until(process, Died)
    assert not process.alive
    process.start()
    process.send("submit", 1, "add", {"a": 2, "b": 2})
    assert Answered(1, 4) in until(process, Answered)


def test_a_process_without_a_sign_of_life_is_reported(tmp_path: Path) -> None:
    process = EngineProcess(Setup(TOY), patience=4.0)
    process.start()
    until(process, Ready)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    assert Died(None) in until(process, Died)
    assert not process.alive


@pytest.mark.parametrize("job", ["calculate", "hang"])
def test_a_process_ends_when_its_parent_is_killed(job: str, tmp_path: Path) -> None:
    script = f"""
from engine.process import EngineProcess, Setup
from engine.runner import Progressed
if __name__ == "__main__":
    engine = EngineProcess(Setup({TOY!r}))
    engine.start()
    engine.send("submit", 1, {job!r}, {{}})
    while True:
        if any(isinstance(event, Progressed) for event in engine.poll(1.0)):
            print(engine.pid, flush=True)
"""
    (tmp_path / "parent.py").write_text(script)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "parent.py")], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    gone, alive = psutil.wait_procs([child], timeout=20)
    assert gone
    assert not alive


@pytest.mark.parametrize("in_process", [False, True])
def test_a_lane_answers_in_order(make_lane: Make, qtbot: QtBot, in_process: bool) -> None:
    lane = make_lane(in_process=in_process)
    assert answer(qtbot, lane, "add", a=1, b=2) == 3
    seen: list[tuple[int, object]] = []
    lane.finished.connect(lambda job, value: seen.append((job, value)))
    jobs = [lane.submit("add", a=n, b=0) for n in range(5)]
    qtbot.waitUntil(lambda: len(seen) == 5, timeout=WAIT)
    assert seen == [(job, n) for n, job in enumerate(jobs)]
    same = answer(qtbot, lane, "pid") == os.getpid()
    assert same == in_process


def test_the_newest_request_wins(make_lane: Make, qtbot: QtBot, tmp_path: Path) -> None:
    lane = make_lane(newest_wins=True)
    dropped: list[int] = []
    lane.cancelled.connect(dropped.append)
    with qtbot.waitSignal(lane.progressed, timeout=WAIT):
        first = lane.submit("count_until", stop=str(tmp_path / "never"), trace=str(tmp_path / "trace"))
    second = lane.submit("count_until", stop=str(tmp_path / "never"))
    with qtbot.waitSignal(lane.finished, timeout=WAIT) as caught:
        third = lane.submit("count_until", stop=str(tmp_path))
    assert caught.args == [third, 0]
    assert dropped == [second, first]
    assert (tmp_path / "trace").read_text() == "closed"


def test_a_paused_process_stands_still_and_goes_on_where_it_was(process: EngineProcess, tmp_path: Path) -> None:
    process.send("submit", 1, "count_until", {"stop": str(tmp_path / "never")})
    until(process, Progressed)
    process.send("pause", 1)
    for _ in range(2):  # the first may have been on its way before; what was on its way when it paused still arrives
        until(process, Beat)
    held = until(process, Beat)
    assert not any(isinstance(event, Progressed) for event in held)
    process.send("resume", 1)
    first = next(event for event in until(process, Progressed) if isinstance(event, Progressed))
    assert first.progress.done > 1


@pytest.mark.parametrize("in_process", [False, True])
def test_figures_are_never_dropped_over_a_pause_and_a_cancel_is_heard(
    make_lane: Make, qtbot: QtBot, tmp_path: Path, in_process: bool
) -> None:
    lane = make_lane(in_process=in_process)
    counted: list[int] = []
    lane.progressed.connect(lambda _, progress: counted.append(progress.done))
    job = lane.submit("count_until", stop=str(tmp_path / "never"))
    qtbot.waitUntil(lambda: len(counted) > 3, timeout=WAIT)
    lane.pause(job)
    lane.resume(job)
    held = len(counted)
    qtbot.waitUntil(lambda: len(counted) > held + 3, timeout=WAIT)
    assert counted == list(range(1, len(counted) + 1))
    with qtbot.waitSignal(lane.cancelled, timeout=WAIT):
        lane.cancel(job)
    assert answer(qtbot, lane, "add", a=1, b=1) == 2


def test_a_crash_is_told_and_the_lane_goes_on(make_lane: Make, qtbot: QtBot) -> None:
    lane = make_lane()
    told: list[tuple[int, str]] = []
    lane.failed.connect(lambda job, message, hint: told.append((job, message)))
    with qtbot.waitSignals([lane.failed, lane.restarted, lane.finished], timeout=WAIT):
        crashed = lane.submit("crash")
        lane.submit("add", a=1, b=1)  # waits behind it and survives it
    assert [job for job, _ in told] == [crashed]
    assert f"signal {int(signal.SIGABRT)}" in told[0][1]


def test_a_job_that_ignores_cancel_is_replaced(make_lane: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.engine_thread, "CANCEL_SECONDS", 0.3)
    lane = make_lane()
    with qtbot.waitSignal(lane.progressed, timeout=WAIT):
        job = lane.submit("hang")
    with qtbot.waitSignals([lane.cancelled, lane.restarted], timeout=WAIT):
        lane.cancel(job)
    assert answer(qtbot, lane, "add", a=4, b=1) == 5


@pytest.mark.parametrize("job", ["hang", "count_until"])
def test_stopping_leaves_no_process(make_lane: Make, qtbot: QtBot, tmp_path: Path, job: str) -> None:
    lane = make_lane()
    child = psutil.Process(answer(qtbot, lane, "pid"))
    with qtbot.waitSignal(lane.progressed, timeout=WAIT):
        lane.submit(job, **({"stop": str(tmp_path / "never")} if job == "count_until" else {}))
    lane.stop()
    assert not child.is_running()


def test_a_desk_that_cannot_start_fails_every_job(qtbot: QtBot) -> None:
    lane = EngineLane(Setup("tests.app.toy_desk:NoSuchDesk"))
    with qtbot.waitSignals([lane.failed, lane.failed], timeout=WAIT):
        lane.submit("add", a=1, b=1)
        lane.submit("add", a=1, b=2)
    lane.stop()


def test_a_question_whose_engine_is_killed_is_asked_once_more(make_lane: Make, qtbot: QtBot, tmp_path: Path) -> None:
    lane = make_lane(newest_wins=True)
    stop = tmp_path / "stop"
    answers: list[object] = []
    lane.finished.connect(lambda job, answer: answers.append((job, answer)))
    with qtbot.waitSignal(lane.progressed, timeout=WAIT):
        job = lane.submit("count_until", stop=str(stop))
    with qtbot.waitSignal(lane.restarted, timeout=WAIT):
        next(one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())).kill()
    stop.touch()
    qtbot.waitUntil(lambda: bool(answers), timeout=WAIT)
    assert [one[0] for one in answers] == [job]  # type: ignore[index]


def test_a_question_that_ends_its_engine_is_not_asked_for_ever(make_lane: Make, qtbot: QtBot) -> None:
    lane = make_lane(newest_wins=True)
    with qtbot.waitSignal(lane.failed, timeout=WAIT) as told:
        crashed = lane.submit("crash")
    assert told.args is not None
    assert told.args[0] == crashed
    assert answer(qtbot, lane, "add", a=1, b=1) == 2


class _Dying(EngineHere):
    """An engine that dies `deaths` times before it says that it is ready."""

    def __init__(self, deaths: int) -> None:
        super().__init__(Setup(TOY))
        self.starts, self._deaths = 0, deaths

    def start(self) -> None:
        self.starts += 1
        if self.starts <= self._deaths:
            self._events.append(Died(-signal.SIGKILL))
        else:
            super().start()


@pytest.mark.parametrize(("deaths", "starts"), [(1, 2), (STARTS - 1, STARTS), (100, STARTS)])
def test_an_engine_that_dies_before_it_is_ready_is_started_again_a_few_times(
    qtbot: QtBot, deaths: int, starts: int
) -> None:
    engine = _Dying(deaths)
    thread = EngineThread(lambda: engine)
    heard: list[Event] = []
    thread.arrived.connect(heard.extend)
    thread.start()
    qtbot.waitUntil(lambda: any(isinstance(event, Ready) for event in heard) or len(heard) == STARTS, timeout=WAIT)
    thread.send("stop")
    assert thread.wait(10_000)
    assert engine.starts == starts
    assert [event for event in heard if isinstance(event, Died)] == [Died(-signal.SIGKILL)] * min(deaths, STARTS)


@pytest.mark.parametrize("in_process", [False, True])
def test_an_engine_that_nobody_asks_gives_its_memory_back_and_another_one_answers(
    qtbot: QtBot, make_lane: Make, in_process: bool
) -> None:
    lane = make_lane(rest=0.1, in_process=in_process)
    beats: list[Beat] = []
    restarted: list[int] = []
    lane.beat.connect(beats.append)
    lane.restarted.connect(lambda: restarted.append(1))
    first = answer(qtbot, lane, "pid")
    qtbot.waitUntil(lambda: bool(beats) and beats[-1].used == 0, timeout=WAIT)
    qtbot.waitUntil(lambda: in_process or not psutil.pid_exists(first), timeout=WAIT)
    assert beats[0].used > 0
    assert (answer(qtbot, lane, "pid") == first) == in_process
    assert not restarted  # nothing ended unexpectedly


def test_an_engine_at_work_or_held_takes_no_rest(qtbot: QtBot, make_lane: Make, tmp_path: Path) -> None:
    lane = make_lane(rest=0.05)
    beats: list[Beat] = []
    with qtbot.waitSignal(lane.progressed, timeout=WAIT):
        job = lane.submit("count_until", stop=str(tmp_path / "stop"))
    lane.pause(job)
    lane.beat.connect(beats.append)
    qtbot.waitUntil(lambda: len(beats) > 1, timeout=WAIT)
    lane.resume(job)
    with qtbot.waitSignal(lane.finished, timeout=WAIT) as caught:
        (tmp_path / "stop").touch()
    assert caught.args is not None
    assert caught.args[1] > 0
    assert all(beat.used > 0 for beat in beats)
    qtbot.waitUntil(lambda: beats[-1].used == 0, timeout=WAIT)
