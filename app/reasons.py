"""Why a command can do nothing as long as something is not open or not chosen: what several views say alike."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.actions import Reason
from app.session import Session


def tr(text: str) -> str:
    return QCoreApplication.translate("Reasons", text)


def no_run(session: Session) -> Reason:
    def reason() -> str:
        if session.run is not None:
            return ""
        return tr("No run is open yet: open one, or train one.") if session.idle else tr("The run is being opened.")

    return reason


def no_explanation(session: Session) -> Reason:
    """With neither a run, nor a shopper and a product whose explanation is here."""

    def reason() -> str:
        if session.run is None or session.explanation is not None:
            return no_run(session)()
        if session.idle:
            return tr("Choose a shopper and a product first.")
        return tr("The explanation is on its way.")

    return reason


def no_photo(session: Session) -> Reason:
    def reason() -> str:
        found = session.explanation
        if found is None:
            return no_explanation(session)()
        return "" if found.images else tr("This product has no photo.")

    return reason


def no_product(session: Session) -> Reason:
    def reason() -> str:
        return no_run(session)() or ("" if session.item else tr("Choose a product first."))

    return reason


def no_change(session: Session) -> Reason:
    return lambda: "" if session.scenario.changes else tr("Nothing is changed.")
