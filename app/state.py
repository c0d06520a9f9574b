"""What the user arranged, kept with the workspace: it comes back after a restart, after a crash, and in another place.

WORKSPACE/sessions/window.json holds the frame, the choices and the what-if of the window, and each view's own state.
It is looked at every second and written beside the Qt thread when something is different, so that a window that dies
loses no more than the last second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QDir, QLockFile, QObject, QTimer, Signal

from app.comeback import CameBack
from app.disk_thread import DiskThread
from app.session import ALL_HEADS, Chosen, Step
from app.unfinished import GOES_ON, Unfinished, read_tasks
from engine.errors import HeedmapError
from engine.files import is_read_only, read_json, write_json
from engine.scenario import Scenario
from engine.versions import NewerError, current, forward, version_of
from engine.workspace import is_marked

if TYPE_CHECKING:
    from app.views.view import View
    from app.window import Window
    from engine.answers import RunSummary

TICK = 800  # milliseconds between two looks at what is different
STEPS = 50  # of the undo list that are kept, or fewer of many changes: the file is read before the first paint
CHANGES = 1500
RECENT = 5  # choices of the palette that are kept
FALLS = 3  # ends in a row that nobody asked for, from which on what the window showed is left out
STEADY = 60_000  # milliseconds after which a window that came back stands
_HERE = "<workspace>/"  # what a path inside the workspace begins with in the file


class WindowState(QObject):
    """Keeps a window's arrangement in its workspace. Without `keep` nothing is read or written: a picture, a test."""

    came_back = Signal(object)  # CameBack
    remarked = Signal(str)  # a sentence for the user, nothing to worry about
    failed = Signal(str, str)  # message, hint
    _refused = Signal(str, str)  # the same, from the writing thread

    def __init__(self, window: Window, *, keep: bool) -> None:
        super().__init__(window.frame)
        self._window = window
        self._keep = keep
        self._workspace = Path()
        self._place: Path | None = None  # the file, while it is ours to write
        self._lock: QLockFile | None = None
        self._content: dict[str, Any] = {}  # as it was read or written last
        self._views: dict[str, dict[str, Any]] = {}  # of views made and not yet made
        self._front = ""  # the view that is shown
        self._seen: set[str] = set()  # views that were shown since they were made
        self._segment = ""
        self._told = False  # that the file cannot be written
        self._was_there = False  # whether the workspace was a folder when it was written to last
        self._fallen = False  # whether the window before ended unexpectedly
        self._falls = 0  # how often that happened in a row, before it stood
        self._before: dict[str, Any] = {}  # an arrangement that was left out, until the user has decided on it
        self._left: dict[str, Any] = {}  # one that the user left
        self._tasks: tuple[Unfinished, ...] = ()  # of the window before, until the user has decided on them
        self._said: list[tuple[str, str]] = []  # sentences before anybody can hear them
        self._writer = DiskThread()
        self._tick = QTimer(self, interval=TICK)
        self._tick.timeout.connect(self.save)
        self._steady = QTimer(self, singleShot=True, interval=STEADY)
        self._steady.timeout.connect(self._stand)
        self._refused.connect(self._say_refused)

    # --- coming back ------------------------------------------------------------------------------------------------

    def open(self, workspace: Path, run: str = "") -> str:
        """Take up the arrangement of a workspace; the folder of the run to open: `run`, else the one open last."""
        self._workspace = workspace
        self._content, self._views, self._place = {}, {}, None
        self._was_there = False
        self._fallen, self._falls, self._before, self._tasks = False, 0, {}, ()
        made = is_marked(workspace)
        if not self._keep or is_read_only(workspace) or (run and not made):  # looked at, and left as it is
            return run
        content = self._read(workspace / "sessions" / "window.json")
        self._tasks, self._before = read_tasks(content), _mapping_or_empty(content.get("before"))
        if self._fallen:
            content = self._after_fall(content)
        return self._take_up(content, run)

    def _take_up(self, content: dict[str, Any], run: str = "") -> str:
        """Arrange the window and its views as in `content`; the folder of the run to open."""
        self._content = content
        self._views = {name: dict(state) for name, state in _mapping(content.get("views")).items()}
        self._arrange(content)
        last = str(content.get("run", ""))
        if last and (not run or Path(run) == Path(last)) and (Path(last) / "run.json").is_file():
            self._segment = str(content.get("segment", ""))
            self._window.session.bring_back(_chosen(content, last))
            return last
        return run

    def _after_fall(self, content: dict[str, Any]) -> dict[str, Any]:
        """What of an arrangement is taken up after an unexpected end: all of it, but not again and again."""
        falls = content.get("falls")
        self._falls = 1 + (falls if isinstance(falls, int) else 0)
        taken = content
        if self._falls >= FALLS and content.get("run"):
            self._before, taken = _plain(content), {}
        if self._place is not None:  # at once: what comes back may end this window too
            self._write(self._place, self._workspace, content | {"falls": self._falls})
        return taken

    def _stand(self) -> None:
        self._falls = 0

    def start_afresh(self) -> str:
        """Leave out what was taken up; the folder of the run to open, which is any."""
        self._left = _plain(self._gathered())
        self._segment = ""
        self._seen.clear()
        return self._take_up({})

    def bring_back(self) -> str:
        """Take up what was left; the folder of the run to open."""
        content, self._before, self._left = self._before or self._left, {}, {}
        self._seen.clear()
        return self._take_up(content)

    def settle(self) -> None:
        """The user has seen what came back: nothing of it is offered any more."""
        self._before, self._tasks = {}, ()

    def forget_tasks(self) -> None:
        """The user goes on with the tasks: they are the window's again."""
        self._tasks = ()

    @property
    def keeps(self) -> bool:
        """Whether the workspace is the window's own to write to."""
        return self._place is not None

    def follow(self) -> None:
        """Begin to write what is different; call once the window is there."""
        self._window.session.run_changed.connect(self._run_opened)
        self._begin()

    def _begin(self) -> None:
        for message, hint in self._said:
            self._tell(message, hint)
        self._said.clear()
        if self._fallen or self._tasks or self._before:
            done = self._content.get("done")
            self.came_back.emit(
                CameBack(
                    self._fallen or bool(self._before),
                    bool(self._before),
                    str(self._content.get("user", "")),
                    done if isinstance(done, int) else 0,
                    self._tasks,
                )
            )
        if self._falls:
            self._steady.start()
        if self._place is not None:
            self._tick.start()

    def front(self, name: str) -> None:
        """Tell that a view is shown now."""
        self._front = name
        self._seen.add(name)

    def restore_view(self, name: str, view: View) -> None:
        """Arrange a view that was just made as it was left."""
        state = self._views.get(name)
        if state:
            try:
                view.restore(state)
            except (AttributeError, KeyError, TypeError, ValueError) as error:  # written by another version, or by hand
                print(f"The view {name} could not be arranged as it was left: {error!r}")

    def _arrange(self, content: Mapping[str, Any]) -> None:
        window = self._window
        if isinstance(content.get("geometry"), str):
            window.frame.restoreGeometry(QByteArray.fromBase64(content["geometry"].encode()))
        if content.get("view") in window.names:
            window.current = content["view"]
        recent = content.get("recent")
        if isinstance(recent, list):
            window.recent = [(str(one[0]), str(one[1])) for one in recent if isinstance(one, list) and len(one) == 2]

    def _run_opened(self, run: RunSummary | None) -> None:
        """The segments of a run's dataset are known once it is open."""
        if run is not None and self._segment:
            self._window.session.choose_segment(self._window.session.segments.named(self._segment))
            self._segment = ""

    def _read(self, place: Path) -> dict[str, Any]:
        """The file's content; {} where there is none, it is damaged, or it is not ours to touch."""
        self._lock = _lock_of(self._workspace)
        if not self._lock.tryLock(0) and self._lock.error() == QLockFile.LockError.LockFailedError:
            self._say(self.tr("This workspace is open in another window; how this one is arranged is not kept."))
            return {}
        try:
            content = read_json(place) if place.is_file() else {}
            version, content = version_of("window", content, place), forward("window", content, place)
        except NewerError:
            self._say(self.tr("A newer Heedmap kept the arrangement of this workspace; it is left as it is."))
            return {}
        except (HeedmapError, OSError):
            self._put_aside(place)
            return {}
        self._place = place
        if version < current("window"):
            self._back_up(place, version)
        self._fallen = content.get("open") is True
        inside = _turned(content, partial(_absolute, self._workspace))
        return inside if isinstance(inside, dict) else {}

    def _back_up(self, place: Path, version: int) -> None:
        """Keep an older arrangement before it is written over; where that cannot be, it is not."""
        from engine.backups import back_up

        try:
            back_up(self._workspace, "window", version, (place,))
        except HeedmapError as error:
            self._place = None
            self._say(error.message, error.hint)

    def _put_aside(self, place: Path) -> None:
        aside = place.with_name(f"window.damaged-{datetime.now(UTC):%Y%m%d-%H%M%S}.json")
        try:
            place.replace(aside)
        except OSError:
            return  # it cannot be written either
        self._place = place
        self._say(
            self.tr("How the window was arranged could not be read; it starts anew."),
            self.tr("The damaged file was kept as {0}.").format(aside.name),
        )

    # --- keeping ----------------------------------------------------------------------------------------------------

    def note_views(self) -> None:
        """Remember how every view is arranged now, as before they are made anew.

        One that was made and not yet shown has no sizes of its own: of it stays what was known.
        """
        for name in self._seen & set(self._window.views):
            self._views[name] = dict(self._window.views[name].state())
        self._seen.clear()

    def save(self, *, closing: bool = False) -> None:
        """Write what is different from what was written last."""
        if self._place is None:
            return
        if closing:
            self.note_views()
        content = self._gathered() | {"open": not closing, "tasks": self._unfinished(closing)}
        if self._falls and not closing:
            content["falls"] = self._falls
        if self._before:
            content["before"] = self._before
        if content != self._content:
            self._content = content
            self._writer.start(partial(self._write, self._place, self._workspace, content))

    def leave(self) -> None:
        """Write the last, wait until it is on the disk, and let go of the workspace."""
        self._tick.stop()
        self._steady.stop()
        self.save(closing=True)
        self._writer.wait()
        if self._lock is not None:
            self._lock.unlock()
        self._place = None

    def move(self, workspace: Path) -> str:
        """Go on in another workspace; the folder of the run that was open there last."""
        run = self.open(workspace)
        for name, view in self._window.views.items():
            self.restore_view(name, view)
        self._begin()
        return run

    def _gathered(self) -> dict[str, Any]:
        window = self._window
        if self._front in window.views:  # the others cannot be arranged now
            self._views[self._front] = dict(window.views[self._front].state())
        frame = {
            "version": current("window"),
            "geometry": bytes(window.frame.saveGeometry().toBase64().data()).decode(),
            "view": window.current,
            "recent": [list(one) for one in window.recent],
            "views": dict(self._views),
        }
        session = window.session
        if session.coming_back:  # what comes back is still to be written as it was
            return {key: value for key, value in self._content.items() if key not in frame} | frame
        if session.run is None:
            return frame
        steps, done = session.steps()
        first = _first(steps, done)
        return frame | {
            "run": session.run.folder,
            "user": session.user,
            "item": session.item,
            "method": session.method,
            "head": session.head,
            "brush": sorted(session.brush),
            "segment": session.segment.name if session.segment is not None else self._segment,
            "base": steps[first].before if steps else session.scenario,
            "steps": steps[first:],
            "done": done - first,
        }

    def _unfinished(self, closing: bool) -> list[dict[str, Any]]:
        """The tasks to go on with after this window; those that end with it were stopped by the user."""
        own = [] if closing else [Unfinished.of(one) for one in self._window.batch.tasks.values()]
        own = [one for one in own if one.kind in GOES_ON]
        return [one.to_json() for one in (*self._tasks, *own)]

    def _write(self, place: Path, workspace: Path, content: dict[str, Any]) -> None:
        """In the writing thread."""
        there = workspace.is_dir()
        if self._was_there and not there:  # nobody wants it to come again, with nothing in it
            self._refused.emit(self.tr("{0} is gone.").format(workspace), self.tr("Open another workspace."))
            return
        self._was_there = there
        try:
            write_json(place, _turned(content, partial(_relative, workspace)))
        except HeedmapError as error:
            self._refused.emit(error.message, error.hint)
        except (OSError, TypeError, ValueError) as error:
            self._refused.emit(f"{place}: {error}", "")

    # --- saying -----------------------------------------------------------------------------------------------------

    def _say(self, message: str, hint: str = "") -> None:
        self._said.append((message, hint))

    def _tell(self, message: str, hint: str) -> None:
        if hint:
            self.failed.emit(message, hint)
        else:
            self.remarked.emit(message)

    def _say_refused(self, message: str, hint: str) -> None:
        """Once is enough: it is tried again with every change."""
        if not self._told:
            self._told = True
            said = self.tr("How the window is arranged could not be saved.")
            self.failed.emit(said, f"{message} {hint}".strip())


def _lock_of(workspace: Path) -> QLockFile:
    """Held while a window is open. It lies outside the workspace, so that it does not move with it."""
    name = hashlib.sha256(str(workspace.absolute()).encode()).hexdigest()[:16]
    lock = QLockFile(f"{QDir.tempPath()}/heedmap-{name}.lock")
    lock.setStaleLockTime(0)  # a window may be open for weeks; one that died is told by its process
    return lock


def _first(steps: Sequence[Step], done: int) -> int:
    """The first step of the undo list that is kept; the one in force always is."""
    first, changes = len(steps), 0
    while first > max(0, len(steps) - STEPS) and changes + steps[first - 1].after.changes <= CHANGES:
        first -= 1
        changes += steps[first].after.changes
    return min(first, done)


def _mapping_or_empty(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    """An arrangement as the file has it, without what is of one window alone."""
    of_window = ("open", "falls", "before", "tasks")
    plain = _turned({key: value for key, value in content.items() if key not in of_window}, str)
    return _mapping_or_empty(plain)


def _mapping(value: object) -> dict[str, Any]:
    return {str(key): one for key, one in value.items() if isinstance(one, dict)} if isinstance(value, dict) else {}


def _chosen(content: Mapping[str, Any], run: str) -> Chosen:
    """What was chosen; of what cannot be read, nothing."""
    try:
        before = base = Scenario.from_json(content["base"])
        steps = []
        for one in content["steps"]:
            after = Scenario.from_json(one["scenario"])
            steps.append(Step(str(one["text"]), before, after))
            before = after
        done = min(max(int(content["done"]), 0), len(steps))
    except (HeedmapError, KeyError, TypeError, ValueError):
        base, steps, done = Scenario(), [], 0
    brush, head = content.get("brush"), content.get("head")
    return Chosen(
        run,
        str(content.get("user", "")),
        str(content.get("item", "")),
        str(content.get("method", "")),
        head if isinstance(head, int) else ALL_HEADS,
        frozenset(row for row in brush if isinstance(row, int)) if isinstance(brush, list) else frozenset(),
        base,
        tuple(steps),
        done,
    )


def _turned(value: Any, turn: Callable[[str], str]) -> Any:
    """As a JSON value, with every text, also as a key, put through `turn`."""
    if isinstance(value, Step):
        value = {"text": value.text, "scenario": value.after}
    elif isinstance(value, Scenario):
        value = value.to_json()
    if isinstance(value, str):
        return turn(value)
    if isinstance(value, dict):
        return {turn(key): _turned(one, turn) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_turned(one, turn) for one in value]
    return value


def _relative(workspace: Path, text: str) -> str:
    """A path inside the workspace as one that moves with it; any other text as it is."""
    inside = text.startswith(str(workspace)) and Path(text).is_relative_to(workspace)
    return _HERE + Path(text).relative_to(workspace).as_posix() if inside else text


def _absolute(workspace: Path, text: str) -> str:
    return str(workspace / text.removeprefix(_HERE)) if text.startswith(_HERE) else text
