"""A side of a comparison opened in the session, where Explore shows it."""

from __future__ import annotations

from pathlib import Path

from app.session import ALL_HEADS, Chosen, Session
from engine.compare.types import Side


def open_side(session: Session, side: Side) -> None:
    """Choose a side's run, shopper, product and method. An epoch is opened as its finished run."""
    if session.run is not None and Path(session.run.folder) == Path(side.run):
        session.choose_method(side.method)
        session.choose_user(side.user)
        session.choose_item(side.item)
        return
    session.bring_back(Chosen(side.run, side.user, side.item, side.method, ALL_HEADS, frozenset(), base=side.scenario))
    session.open_run(side.run)
