"""Small work beside the window's thread, one piece after another: files read and written, photos edited."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QThreadPool, Signal

from engine.errors import HeedmapError

T = TypeVar("T")


class _Mailbox(QObject):
    """Carries an answer from a pool thread to the window's; outlives whoever asked."""

    arrived = Signal(object, object)  # answer, Exception | None


class Background(QObject):
    """Runs what it is given on the threads of the pool, in order; answers arrive in the window's thread."""

    changed = Signal()  # busy or not
    failed = Signal(str, str)  # message, hint

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self._then: Callable[[Any], None] | None = None
        self._mailbox = _Mailbox()
        self._mailbox.arrived.connect(self._arrived)

    @property
    def busy(self) -> bool:
        return self._then is not None or bool(self._waiting)

    def do(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do `work` on another thread; `then` takes what it returns. A HeedmapError in it is told by `failed`."""
        self._waiting.append((work, then))
        self._next()
        self.changed.emit()

    def _next(self) -> None:
        if self._then is not None or not self._waiting:
            return
        work, self._then = self._waiting.popleft()
        mailbox = self._mailbox

        def run() -> None:
            answer, fault = None, None
            try:
                answer = work()
            except Exception as error:  # told, or raised again, where somebody hears it
                fault = error
            with suppress(RuntimeError):  # the window is gone
                mailbox.arrived.emit(answer, fault)

        QThreadPool.globalInstance().start(run)

    def _arrived(self, answer: object, fault: Exception | None) -> None:
        then, self._then = self._then, None
        self._next()
        if fault is None and then is not None:
            then(answer)
        self.changed.emit()
        if isinstance(fault, HeedmapError):
            self.failed.emit(fault.message, fault.hint)
        elif fault is not None:
            raise fault
