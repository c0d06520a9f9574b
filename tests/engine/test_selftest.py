"""The self-test: every step is tried whatever the others do, failures say what to do, nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from engine.cli import main
from engine.errors import HeedmapError
from engine.selftest import libraries, run, shop
from engine.selftest.apart import apart
from engine.selftest.found import Found
from engine.selftest.run import Advanced, Outcome, Report, Wanted, selftest
from engine.selftest.steps import STEPS, Step
from engine.selftest.text import line, to_json, verdict
from tests.conftest import ROOT

TOY = "tests.engine.selftest_desk:FailingDesk"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the self-test makes its folder; at the end nothing may be in it."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


def tried(wanted: Wanted) -> tuple[list[Outcome], Report]:
    outcomes: list[Outcome] = []
    steps = selftest(wanted)
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            return outcomes, end.value
        if isinstance(event, Outcome):
            outcomes.append(event)


def good_look(run: str, folder: str, began: float) -> tuple[Found, list[str]]:
    return Found("first paint {paint:.2f} s", {"paint": time.time() - began, "pid": os.getpid()}), []


def dying_look(run: str, folder: str, began: float) -> Any:
    os.abort()


def test_all_is_well_and_said_with_figures(temporary: Path) -> None:
    names = ("machine", "arithmetic", "sample", "training", "window", "network", "clean")
    outcomes, report = tried(Wanted(look=good_look, steps=names, desk=TOY))
    assert [one.step.name for one in outcomes] == list(names)
    assert report.ready
    assert report.values["window"]["pid"] != os.getpid()  # in a process of its own
    assert line(outcomes[0]).startswith("✓ This computer ")
    assert line(outcomes[0]).endswith(" s  1,234 seen")
    assert line(outcomes[0], marks=False).isascii()
    assert verdict(report).startswith("READY  first paint ")
    assert not [child for child in psutil.Process().children() if child.pid == report.values["window"]["pid"]]


def test_one_step_that_fails_stops_only_those_that_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = {"adapters": 1.0}
    steps = tuple(Step(s.name, s.title, s.needs, quick.get(s.name, s.most), s.hint) for s in STEPS)
    monkeypatch.setattr(
        run, "STEPS", (*steps[:7], Step("audit", "A signed audit", ("pictures",)), *steps[7:9], *steps[-2:])
    )
    outcomes, report = tried(Wanted(desk=TOY))
    found = {one.step.name: one for one in outcomes}
    assert not report.ready
    assert {name for name, one in found.items() if one.state == "ok"} == {
        "machine", "arithmetic", "sample", "tables", "training", "clean",
    }  # fmt: skip
    assert (found["pictures"].why, found["pictures"].hint) == ("The photos are all grey.", "Buy colour film.")
    assert found["sound"].why == "A fault in Heedmap: ZeroDivisionError: silence"
    assert "Install Heedmap again" in found["sound"].hint  # not a path that is removed
    assert "selftest_desk.py" in found["sound"].trace
    assert "Traceback" not in verdict(report)
    assert found["encoders"].why == "The engine process was ended by the system (signal 9, SIGKILL)."
    assert found["adapters"].why == "It was not done after 1 s."
    assert (found["audit"].state, found["audit"].why) == ("skipped", "not tried without: Photos")
    assert "a network socket was opened" in found["network"].why
    said = verdict(report)
    assert said.startswith("NOT READY")
    assert "Photos: The photos are all grey." in said
    assert "What to do: Buy colour film." in said
    assert "signed audit" not in said  # what was not tried is not what failed
    content = json.loads(json.dumps(to_json(report)))
    assert content["ready"] is False
    assert "ZeroDivisionError" in next(one for one in content["steps"] if one["step"] == "sound")["trace"]


def test_a_window_that_dies_is_a_sentence() -> None:
    _, report = tried(Wanted(look=dying_look, steps=("sample", "training", "window", "clean"), desk=TOY))
    window = report.outcomes[2]
    assert window.why == "Its process was ended by the system (signal 6, SIGABRT)."
    assert "Fatal Python error" in window.trace
    assert report.outcomes[3].state == "ok"


def speaking_look(run: str, folder: str, began: float) -> Any:
    print("a warning of a library", file=sys.stderr)
    print("heedmap: the screen :77 cannot be reached. Start it on a desktop.", file=sys.stderr)
    os._exit(2)


def test_what_a_process_says_before_it_ends_is_why(tmp_path: Path) -> None:
    with pytest.raises(HeedmapError, match=r"The screen :77 cannot be reached\. Start it on a desktop\."):
        list(apart(speaking_look, ("", ""), tmp_path, 60.0))


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    job = apart(sleeping, (60.0,), tmp_path, 0.5)
    with pytest.raises(HeedmapError, match=r"not done after 0 s|not done after 1 s"):
        for _ in job:
            pass


def sleeping(seconds: float, began: float) -> None:
    time.sleep(seconds)


def test_one_that_is_given_up_leaves_nothing(temporary: Path) -> None:
    steps = selftest(Wanted(steps=("machine", "adapters"), desk=TOY))
    for event in steps:
        if isinstance(event, Advanced) and event.step.name == "adapters" and event.progress is not None:
            break
    children = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
    assert len(children) == 1
    assert len(list(temporary.iterdir())) == 1
    steps.close()
    assert not any(child.is_running() for child in children)


def test_a_folder_is_kept_when_asked_for(tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    _, report = tried(Wanted(keep=keep, steps=("machine", "clean"), desk=TOY))
    assert report.ready
    assert (keep / "machine.txt").read_text() == "left behind"
    with pytest.raises(HeedmapError, match="is not an empty folder"):
        tried(Wanted(keep=keep, steps=("machine",), desk=TOY))


def test_the_command_prints_writes_and_ends_with_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "STEPS", tuple(one for one in STEPS if one.name in ("machine", "pictures", "clean")))
    monkeypatch.setattr(Wanted.__init__, "__defaults__", (60.0, None, None, (), TOY))
    out = tmp_path / "report.json"
    assert main(["selftest", "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert said.out.count("\n") == 7
    assert "NOT READY" in said.out
    assert said.err == ""
    assert json.loads(out.read_text(encoding="utf-8"))["ready"] is False
    monkeypatch.setattr(run, "STEPS", tuple(one for one in STEPS if one.name == "machine"))
    assert main(["selftest", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ready"] is True
    assert main(["selftest", "--keep", str(tmp_path)]) == 2
    with pytest.raises(SystemExit) as refused:
        main(["selftest", "--seconds", "soon"])
    assert refused.value.code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="signals are of other systems")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_stopped_from_outside_ends_as_cancelled(temporary: Path, how: signal.Signals) -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from engine.selftest import run\n"
        f"run.Wanted.__init__.__defaults__ = (60.0, None, None, ('machine', 'adapters'), {TOY!r})\n"
        "from engine.cli import main\n"
        "sys.exit(main(['selftest']))"
    )
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdout is not None
        assert started.stdout.readline().startswith("✓ This computer")
        started.send_signal(how)
        _, said = started.communicate(timeout=60)
    assert started.returncode == 130
    assert said.startswith("heedmap: cancelled")


def test_each_library_is_really_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert libraries.arithmetic().values["gap"] < 1e-3
    assert 0 < libraries.pictures(tmp_path).values["loss"] < 6
    assert libraries.sound(tmp_path).values["loss"] < 1e-4
    assert not list(tmp_path.glob("*.*"))
    monkeypatch.setitem(libraries._LOSS, "JPEG", 0.0)  # it always loses something
    with pytest.raises(HeedmapError, match="A JPEG photo comes back changed"):
        libraries.pictures(tmp_path)


def test_a_page_that_needs_the_network_or_a_cut_pdf_is_not_well(tmp_path: Path) -> None:
    tags = "<p>" * 30
    assert shop.page_tags(f"<html>{tags}<svg xmlns='http://www.w3.org/2000/svg'>") == 32
    with pytest.raises(HeedmapError, match="from elsewhere"):
        shop.page_tags(f"{tags}<img src='https://example.com/x.png'>")
    with pytest.raises(HeedmapError, match="3 tags"):
        shop.page_tags("<p><p><p>")
    whole = b"%PDF-1.7\n1 0 obj << /Type /Pages /Kids [2 0 R] /Count 3 >> endobj\n%%EOF\n"
    (tmp_path / "a.pdf").write_bytes(whole)
    assert shop.pdf_pages(tmp_path / "a.pdf") == 3
    (tmp_path / "a.pdf").write_bytes(whole[:-10])
    with pytest.raises(HeedmapError, match="not a whole PDF"):
        shop.pdf_pages(tmp_path / "a.pdf")


def test_a_found_sentence_survives_a_translation_that_lost_a_place() -> None:
    found = Found("{count:,} products", {"count": 1200})
    assert found.text("{count:,} 件商品") == "1,200 件商品"
    assert found.text("{number} 件商品") == "1,200 products"
