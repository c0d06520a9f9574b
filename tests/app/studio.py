"""A what-if studio to test: an engine whose answers follow the scenario, and hands for mouse and keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.session import Session
from app.theme import ThemeSource
from app.whatif.studio import WhatIfView
from app.workspace import Workspace
from engine.answers import Ranking
from engine.errors import HeedmapError
from engine.explain.types import Explanation
from engine.scenario import PastEdit, Scenario
from tests.app.conftest import make_explanation, make_ranking

USER = "u2"


def answer(engine: Any) -> None:
    """An engine whose answers follow the scenario: a new title lifts the product by its length."""

    def past(user: str, scenario: Scenario | None) -> tuple[Any, ...]:
        edit = scenario.past_of(user) if scenario else PastEdit(user)
        known = () if edit.invented else make_ranking(engine.run, user, 1).history
        kept = [event for event in known if event.item not in edit.removed]
        like = make_ranking(engine.run, "u2", 1).history[0]
        for event in edit.added:
            kept.append(replace(like, item=event.item, title=event.item, time=_iso(event.time)))
        return tuple(sorted(kept, key=lambda event: event.time))

    def rank(run: str, user: str, k: int = 100, scenario: Scenario | None = None) -> Ranking:
        if user not in engine.run.shoppers.user and not (scenario and scenario.past_of(user).invented):
            raise HeedmapError(f"There is no shopper {user!r}.", "")
        found = make_ranking(engine.run, user if user.startswith("u") else "u3", k)
        return replace(found, user=user, history=past(user, scenario))

    def explain(
        run: str, user: str, item: str, method: str = "contribution", scenario: Scenario | None = None
    ) -> Explanation:
        found = make_explanation(engine.run, user if user.startswith("u") else "u3", item, method)
        found = replace(found, user=user, history=past(user, scenario))
        edit = scenario.edit_of(item) if scenario else None
        if edit is None or edit.empty:
            return found
        words = dict(edit.texts)
        texts = tuple(replace(one, text=words.get(one.field, one.text)) for one in found.texts)
        share = found.contribution.copy()
        share[0] += 1.0
        images = found.images if edit.photo is None else (edit.photo,) if edit.photo else ()
        return replace(
            found, texts=texts, contribution=share, score=found.score + 1.0, rank=max(1, found.rank - 3), images=images
        )

    def guarded(job: Callable[..., Any]) -> Callable[..., Any]:
        def asked(**arguments: Any) -> Any:
            try:
                return job(**arguments)
            except HeedmapError as error:
                return error

        return asked

    engine.answers.update(rank=guarded(rank), explain=guarded(explain))


def _iso(time: int | None) -> str:
    from datetime import UTC, datetime

    return "2027-01-01T00:00:00Z" if time is None else datetime.fromtimestamp(time / 1000, UTC).isoformat()


def build(engine: Any, folder: Path) -> WhatIfView:
    """A studio in a window of its own, nothing open yet."""
    answer(engine)
    view = WhatIfView(Session(engine), Workspace(engine, folder), ThemeSource("light"))
    view.resize(1216, 724)
    view.show()
    return view


def away(qtbot: QtBot, view: WhatIfView) -> None:
    """Close it when its work is done."""
    if isValid(view):
        qtbot.waitUntil(lambda: not view.busy)
        view.close()
        view.deleteLater()
        QApplication.processEvents()


def opened(qtbot: QtBot, view: WhatIfView, engine: Any) -> WhatIfView:
    session = view._session
    session.open_run(engine.run.folder)
    qtbot.waitUntil(lambda: session.explanation is not None)
    session.choose_user(USER)
    session.choose_item("i11")
    quiet(qtbot, view)
    return view


def quiet(qtbot: QtBot, view: WhatIfView) -> None:
    session = view._session
    qtbot.waitUntil(
        lambda: (
            session.idle
            and not view.busy
            and session.explanation is not None
            and (session.explanation.user, session.explanation.item) == (session.user, session.item)
        )
    )


def steps(view: WhatIfView) -> list[str]:
    stack = view._session.undo
    return [stack.text(place) for place in range(stack.count())]


def drag(qtbot: QtBot, view: WhatIfView, start: tuple[float, float], end: tuple[float, float]) -> None:
    """With the mouse over the photo, in 0..1 of it."""
    canvas = view.photo.canvas
    place = canvas.place()

    def at(share: tuple[float, float]) -> QPoint:
        return QPoint(round(place.left() + share[0] * place.width()), round(place.top() + share[1] * place.height()))

    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=at(start))
    qtbot.mouseMove(canvas, at(((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)))
    qtbot.mouseMove(canvas, at(end))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=at(end))


def photo_of(view: WhatIfView) -> QImage:
    photo = view._session.scenario.edit_of("i11").photo
    assert photo
    return QImage(photo)


def shown_past(view: WhatIfView) -> list[str]:
    return [event.item for event in view.past.strip.rows.events]
