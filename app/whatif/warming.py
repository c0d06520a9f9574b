"""Has the engine load what reads edited texts and photos while nobody waits for anything: an edit is then answered at
once."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer

from app.questions import Questions
from app.session import Session

_REST = 400  # milliseconds without a question before it begins


class Warming(QObject):
    """Works while the view is shown. Any other question goes first: it gives way, and goes on where it was."""

    def __init__(self, session: Session, others: Sequence[Questions], parent: QObject | None = None) -> None:
        """others: the view's own questions to the same engine."""
        super().__init__(parent)
        self._session = session
        self._others = others
        self._shown = False
        self._asked = ""  # the folder of the run that it is for
        self._done = ""  # the folder of the run for which all is loaded
        self.questions = Questions(session.engine, "whatif-warm", self)
        self.questions.failed.connect(self._finish)  # an edit will say what is wrong
        self._rest = QTimer(self, singleShot=True, interval=_REST)
        self._rest.timeout.connect(self._begin)
        session.run_changed.connect(self._look)
        session.waiting_changed.connect(self._look)
        for one in others:
            one.changed.connect(self._look)

    def show(self, shown: bool) -> None:
        """Whether the view is in front."""
        self._shown = shown
        self._look()

    def _look(self, *_: object) -> None:
        run, session = self._session.run, self._session
        wanted = self._shown and run is not None and run.folder != self._done
        if not wanted or not session.idle or any(one.busy for one in self._others):
            self._rest.stop()
            self.questions.drop_all()
        elif not self._rest.isActive() and not self.questions.busy:
            self._rest.start()

    def _begin(self) -> None:
        run = self._session.run
        if run is not None:
            self._asked = run.folder
            self.questions.ask("warm", self._finish, run=run.folder)

    def _finish(self, *_: object) -> None:
        self._done = self._asked
