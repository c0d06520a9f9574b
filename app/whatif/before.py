"""What the product and the list were before the scenario: asked once, and kept while only the scenario changes."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from app.questions import Questions
from app.session import RANKED, Session
from app.whatif.edits import baseline
from engine.answers import Ranking
from engine.explain.types import Explanation
from engine.scenario import Scenario

_KEPT = 20

Key = tuple[str, str, str, str, str]  # run, user, item, method, the scenario that is "before" as text


class Before(QObject):
    """Follows the session. `explanation` and `ranking` are None while nothing is changed, or on their way."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.questions = Questions(session.engine, "whatif", self)
        self.explanation: Explanation | None = None
        self.ranking: Ranking | None = None
        self._kept: dict[Key, Explanation] = {}
        self._lists: dict[Key, Ranking] = {}
        self._asked: set[Key] = set()
        session.run_changed.connect(self._forget)
        session.explanation_changed.connect(self._explained)
        for signal in (session.scenario_changed, session.item_changed, session.user_changed, session.method_changed):
            signal.connect(self.refresh)
        session.unchanged_changed.connect(self.refresh)
        session.rules.changed.connect(self._forget)  # what was before, was under the rules of then
        self.questions.failed.connect(lambda *_: self._asked.clear())
        self.refresh()

    def _forget(self, *_: object) -> None:
        self.questions.drop_all()
        self._kept.clear()
        self._lists.clear()
        self._asked.clear()
        self.refresh()

    def _explained(self, found: Explanation | None) -> None:
        """An explanation without a scenario is what later ones are compared with."""
        session = self._session
        if found is not None and session.run is not None and baseline(session.scenario, found.user) is None:
            key = (session.run.folder, found.user, found.item, found.method, _text(session.scenario, found.user))
            self._keep(key, found)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Take what is known, ask for what is not."""
        session = self._session
        before = baseline(session.scenario, session.user)
        explanation: Explanation | None = None
        ranking: Ranking | None = None
        if session.run is not None and session.user and before is not None:
            text = _text(before, session.user)
            key = (session.run.folder, session.user, session.item, session.method, text)
            explanation, ranking = self._kept.get(key), self._list(key, before)
            if explanation is None and session.item:
                self._ask(key, before)
        if explanation is not self.explanation or ranking is not self.ranking:
            self.explanation, self.ranking = explanation, ranking
            self.changed.emit()

    def _list(self, key: Key, before: Scenario) -> Ranking | None:
        """The shopper's list before; the session has it, but for those who are made up."""
        if not before.pasts:
            return self._session.unchanged
        key = (key[0], key[1], "", "", key[4])
        if key not in self._lists and key not in self._asked:
            self._asked.add(key)

            def take(ranking: Ranking) -> None:
                self._lists = {key: ranking}
                self._asked.discard(key)
                self.refresh()

            under = self._session.under_rules()
            self.questions.ask("rank", take, run=key[0], user=key[1], k=RANKED, scenario=before, **under)
        return self._lists.get(key)

    def _ask(self, key: Key, before: Scenario) -> None:
        if key in self._asked:
            return
        self._asked = {one for one in self._asked if not one[2]} | {key}
        run, user, item, method, _ = key

        def take(found: Explanation) -> None:
            self._asked.discard(key)
            self._keep(key, found)
            self.refresh()

        asked: dict[str, Any] = {"run": run, "user": user, "item": item, "method": method}
        asked |= self._session.under_rules()
        if before.changes:
            self.questions.ask("explain", take, **asked, scenario=before)
        else:
            self.questions.ask("explain", take, **asked)

    def _keep(self, key: Key, found: Explanation) -> None:
        self._kept[key] = found
        while len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]


def _text(scenario: Scenario, user: str) -> str:
    past = scenario.past_of(user)
    return repr(past) if past.invented else ""
