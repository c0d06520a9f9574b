"""What the studio offers to the menu and the palette: everything that can be done in it, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.actions import Action, Reason, first
from app.read_only import told
from app.reasons import no_change, no_explanation, no_product, no_run
from app.session import Session
from app.whatif.photo_editor import BLUR, BRUSH, CROP, REPLACE
from app.whatif.result import LIST, MAPS, WORDS
from engine.files import is_read_only

if TYPE_CHECKING:
    from app.whatif.studio import WhatIfView

PHOTO, TEXTS, ATTRIBUTES = 0, 1, 2


def tr(text: str) -> str:
    return QCoreApplication.translate("WhatIfCommands", text)


def act(
    name: str, text: str, run: Callable[[], None], keys: str, why_not: Reason, group: str, drawn: str = ""
) -> Action:
    return Action(f"whatif-{name}", text, run, keys, drawn, group, why_not=why_not)


def offers(view: WhatIfView, session: Session) -> list[Action]:
    """The studio's actions, in the order of the menu."""
    closed, bare = no_run(session), first(no_product(session), _no_page(view, session))
    return [
        act("product", tr("Choose the product to edit"), view.ask_product, "Ctrl+P", closed, "file", "product"),
        act("shopper", tr("Choose the shopper"), view.ask_shopper, "Ctrl+U", closed, "file", "shopper"),
        *_page(view, bare),
        *_photo(view, session, bare),
        *_past(view, closed),
        *_result(view, session),
        *_kept(view, session, closed),
    ]


def _no_page(view: WhatIfView, session: Session) -> Reason:
    def reason() -> str:
        if view.tabs.isEnabled() and view.photo.isEnabled():
            return ""
        reading = view.busy or not session.idle
        text = tr("What is on the page of this product cannot be changed.")
        return tr("The page is being read.") if reading else text

    return reason


def _page(view: WhatIfView, bare: Reason) -> list[Action]:
    group = "whatif-edit"
    return [
        act("photo", tr("Edit the photo"), lambda: view.go(PHOTO), "Alt+1", bare, group),
        act("texts", tr("Edit the texts"), lambda: view.go(TEXTS), "Alt+2", bare, group),
        act("attributes", tr("Edit the attributes"), lambda: view.go(ATTRIBUTES), "Alt+3", bare, group),
        act("review", tr("Add a review"), view.add_review, "Ctrl+R", bare, group),
        act("attribute", tr("Add an attribute"), view.add_attribute, "", bare, group),
    ]


def _photo(view: WhatIfView, session: Session, bare: Reason) -> list[Action]:
    photo, group = view.photo, "whatif-photo"

    def none() -> str:
        return "" if photo.canvas.image is not None else tr("There is no photo on this page.")

    def own() -> str:
        edited = session.scenario.edit_of(session.item).photo is not None
        return "" if edited else tr("The photo is as the dataset has it.")

    def locked() -> str:
        return told() if is_read_only(photo.folder()) else ""

    def work(tool: str) -> Callable[[], None]:
        return lambda: view.work_with(tool)

    return [
        *(
            act(tool, text, work(tool), "", first(bare, none, locked), group)
            for tool, text in (
                (BRUSH, tr("Paint out part of the photo")),
                (BLUR, tr("Blur part of the photo")),
                (CROP, tr("Crop the photo")),
                (REPLACE, tr("Replace part of the photo")),
            )
        ),
        act("swap", tr("Swap the photo for a file…"), photo.ask_file, "", bare, group),
        act("swap-product", tr("Swap the photo for another product's…"), view.swap_for_product, "", bare, group),
        act("no-photo", tr("Take the photo away"), photo.take_away, "", first(bare, none), group),
        act("photo-back", tr("Put the photo back as it was"), photo.put_back, "", first(bare, own), group),
    ]


def _past(view: WhatIfView, closed: Reason) -> list[Action]:
    past, group = view.past, "whatif-past"

    def none_chosen() -> str:
        chosen = past.strip.currentIndex().isValid()
        return "" if chosen else tr("Choose a past choice in the strip first.")

    return [
        act("past", tr("Add a product to the past"), past.ask_product, "Ctrl+Shift+A", closed, group),
        act("past-remove", tr("Remove the chosen past choice"), past.remove_chosen, "", first(closed, none_chosen),
            group),
        act("invent", tr("Invent a shopper"), past.invent_shopper, "", closed, group),
    ]  # fmt: skip


def _result(view: WhatIfView, session: Session) -> list[Action]:
    none, group = no_explanation(session), "whatif-see"
    return [
        act("maps", tr("Maps before and after"), lambda: view.compare(MAPS), "Alt+5", none, group),
        act("words", tr("Words before and after"), lambda: view.compare(WORDS), "Alt+6", none, group),
        act("list", tr("The list before and after"), lambda: view.compare(LIST), "Alt+7", none, group),
    ]


def _kept(view: WhatIfView, session: Session, closed: Reason) -> list[Action]:
    unchanged, group = first(closed, no_change(session)), "whatif-keep"

    def no_result() -> str:
        return "" if view.result.after is not None else tr("The new rank is being worked out.")

    return [
        act("save", tr("Save the scenario…"), view.steps.ask_name, "Ctrl+S", unchanged, group),
        act("report", tr("Export the report…"), view.ask_report, "Ctrl+Shift+E", first(unchanged, no_result), group),
        act("steps", tr("Go to the steps"), view.go_to_steps, "Alt+4", closed, group, "undo"),
        act("scenarios", tr("Go to the saved scenarios"), view.go_to_scenarios, "Alt+8", closed, group),
        act("reset", tr("Reset everything"), view.reset, "", unchanged, group, "refresh"),
    ]
