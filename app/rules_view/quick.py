"""Rules made with one command from the product that is looked at."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QCoreApplication

from app.rule_words import kind_name
from app.session import Session
from engine.rules import Rule


def tr(text: str) -> str:
    return QCoreApplication.translate("Rules", text)


def never_show(session: Session) -> None:
    """Take the product out of every list: into the first exclusion in force, or a new one."""
    book, item = session.rules.book, session.item
    if session.run is None or not item or any(item in one.items for one in book.active if one.kind == "exclude"):
        return
    kept = next((one for one in book.rules if one.kind == "exclude" and one.on), None)
    rule = Rule(book.free_name(kind_name("exclude")), "exclude") if kept is None else kept
    after = book.with_rule(replace(rule, items=(*rule.items, item)), "" if kept is None else kept.name)
    session.rules.change(replace(after, on=True), tr("Never show {0}").format(_title(session)))


def put_first(session: Session) -> None:
    """Fix the product at the first place that no other is fixed at; one that is fixed already stays there."""
    book, item = session.rules.book, session.item
    pins = [one for one in book.rules if one.kind == "pin"]
    if session.run is None or not item or any(item in one.items for one in pins):
        return
    taken = {one.position for one in pins}
    place = next(n for n in range(1, len(taken) + 2) if n not in taken)
    title = _title(session)
    rule = Rule(book.free_name(title[:40]), "pin", items=(item,), position=place)
    session.rules.change(replace(book.with_rule(rule), on=True), tr("Fix {0} at place {1}").format(title, place))


def _title(session: Session) -> str:
    run = session.run
    known = run is not None and session.item in run.items.item
    return run.items.title[run.items.item.index(session.item)] if run is not None and known else session.item
