"""Try everything on this machine, offline: train the sample, explain, audit, draw the window; say READY or not."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 1 <= value <= 3600:
        raise ArgumentTypeError(f"{text!r} is not between 1 and 3600 seconds")
    return value


def add(parser: ArgumentParser) -> None:
    parser.add_argument("--seconds", type=_seconds, default=60.0, metavar="S", help="of training; 60 by default")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work in this new folder, and leave it there")
    parser.add_argument("--out", type=Path, metavar="REPORT.json", help="write the whole report, faults included")


def run(parsed: Namespace) -> Any:
    """Returns the report; the exit code is 1 where a step failed."""
    from engine.files import write_json
    from engine.selftest.run import Outcome, Wanted, selftest
    from engine.selftest.text import line, to_json, verdict

    marks = _can_write("✓✗–", sys.stdout)
    steps = selftest(Wanted(parsed.seconds, parsed.keep, parsed.look))
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left behind then either
    try:
        while True:
            try:
                event = next(steps)
            except StopIteration as end:
                report = end.value
                break
            if isinstance(event, Outcome) and not parsed.json:
                _say(line(event, marks))
    finally:
        steps.close()
        signal.signal(signal.SIGTERM, before)
    content = to_json(report)
    parsed.code = 0 if report.ready else 1
    if parsed.out is not None:
        write_json(parsed.out, content)
    if not parsed.json:
        _say(f"\n{verdict(report)}")
    return content


def _say(text: str) -> None:
    """Print; letters that the terminal does not have become question marks."""
    coding = getattr(sys.stdout, "encoding", None) or "ascii"
    print(text.encode(coding, "replace").decode(coding), flush=True)


def _can_write(text: str, stream: Any) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True
