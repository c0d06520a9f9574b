"""The thread that reads and writes an object's files beside the Qt thread."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread


class DiskThread:
    """Does what it is given in order, the newest last, and to the end even where its owner is deleted meanwhile.

    Not Qt's pool: as a child of a deleted object that one waits for its threads under Python's lock, which they need
    to finish, and both wait for ever. The thread is there only while there is something to do.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: deque[Callable[[], object]] = deque()
        self._thread: Thread | None = None

    def start(self, work: Callable[[], object]) -> None:
        with self._lock:
            self._waiting.append(work)
            if self._thread is None:
                self._thread = Thread(target=self._work, name="disk")
                self._thread.start()

    def wait(self) -> None:
        """Return when everything that was given so far is done."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                work = self._waiting.popleft()
            try:
                work()
            except Exception:  # told as any other fault of the program, and what waits behind it is still done
                sys.excepthook(*sys.exc_info())
