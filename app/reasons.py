"""Why a command can do nothing right now, in a sentence: the palette and the menu show it, its key tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication

from engine.rules import KINDS

if TYPE_CHECKING:
    from app.window import Window

Reason = Callable[["Window"], str]  # "" while the command can do something


def tr(text: str) -> str:
    return QCoreApplication.translate("Reasons", text)


def why_not(window: Window, command: str) -> str:
    """Why the command of this id can do nothing now; "" where it can."""
    reason = REASONS.get(command)
    return reason(window) if reason is not None else ""


def _first(*reasons: Reason) -> Reason:
    """The first of several that holds."""
    return lambda window: next((said for reason in reasons if (said := reason(window))), "")


def _view(window: Window) -> Any:
    """The view in front: each reason is asked for commands of its own view alone."""
    return window.view


# --- what is open and chosen -----------------------------------------------------------------------------------------


def no_run(window: Window) -> str:
    if window.session.run is not None:
        return ""
    return tr("No run is open yet: open one, or train one.") if window.session.idle else tr("The run is being opened.")


def no_explanation(window: Window) -> str:
    if window.session.explanation is not None:
        return ""
    return tr("Choose a shopper and a product first.") if window.session.idle else tr("The explanation is on its way.")


def no_photo(window: Window) -> str:
    found = window.session.explanation
    return tr("This product has no photo.") if found is not None and not found.images else ""


def no_product(window: Window) -> str:
    return "" if window.session.item else tr("Choose a product first.")


# --- the window ------------------------------------------------------------------------------------------------------


def _no_undo(window: Window) -> str:
    return "" if window.session.undo.canUndo() else tr("There is nothing to undo.")


def _no_redo(window: Window) -> str:
    return "" if window.session.undo.canRedo() else tr("There is nothing to redo.")


def _no_rules(window: Window) -> str:
    from app.places import RULES  # it knows views, which know actions

    at_rules = window.current == RULES and not window.session.rules.book.rules
    return tr("There is no rule yet: add one first.") if at_rules else ""


def _no_sample(window: Window) -> str:
    under_way = any(task.kind in ("sample", "train") for task in window.batch.tasks.values())
    return tr("A training is under way; its progress stands below.") if under_way else ""


# --- Explore ---------------------------------------------------------------------------------------------------------


def _no_brush(window: Window) -> str:
    return "" if window.session.brush else tr("Nothing is brushed: drag over words or cells of the photo first.")


def _all_brushed(window: Window) -> str:
    return "" if _view(window).brush.keep.isEnabled() else tr("Every part of the page is brushed.")


def _no_change(window: Window) -> str:
    return "" if window.session.scenario.changes else tr("Nothing is changed.")


def _at_whole(window: Window) -> str:
    from app.views.canvas import LEAST_ZOOM  # views know actions, which know this

    whole = _view(window).product.photo.zoom <= LEAST_ZOOM
    return tr("The whole photo is shown already.") if whole else ""


def _as_it_fits(window: Window) -> str:
    return "" if _view(window).product.photo.original else _at_whole(window)


def _at_largest(window: Window) -> str:
    from app.views.canvas import MOST_ZOOM

    large = _view(window).product.photo.zoom >= MOST_ZOOM
    return tr("The photo is as large as it gets.") if large else ""


def _faintest(window: Window) -> str:
    slider = _view(window).product.slider
    return tr("The heat is as faint as it gets.") if slider.value() == slider.minimum() else ""


def _strongest(window: Window) -> str:
    slider = _view(window).product.slider
    return tr("The heat is as strong as it gets.") if slider.value() == slider.maximum() else ""


def _no_heads(window: Window) -> str:
    heads = _view(window).product.heads
    return tr("The model of this run has one head.") if heads.count() == 0 else ""


def _first_head(window: Window) -> str:
    return tr("All heads are shown together.") if _view(window).product.heads.chosen() == 0 else ""


def _last_head(window: Window) -> str:
    heads = _view(window).product.heads
    return tr("This is the last head.") if heads.chosen() + 1 >= heads.count() else ""


def _past_is_no_more(window: Window) -> str:
    return "" if _view(window).sum.zoom.isVisible() else tr("Past choices do not outweigh the other parts here.")


def _is_first(window: Window) -> str:
    pins = [one for one in window.session.rules.book.rules if one.kind == "pin"]
    fixed = any(window.session.item in one.items for one in pins)
    return tr("A rule fixes the place of this product already.") if fixed else ""


def _is_never(window: Window) -> str:
    out = [one for one in window.session.rules.book.active if one.kind == "exclude"]
    gone = any(window.session.item in one.items for one in out)
    return tr("A rule keeps this product out already.") if gone else ""


# --- What-if ---------------------------------------------------------------------------------------------------------


def _no_page(window: Window) -> str:
    view = _view(window)
    if view.tabs.isEnabled() and view.photo.isEnabled():
        return ""
    text = tr("What is on the page of this product cannot be changed.")
    return tr("The page is being read.") if view.busy or not window.session.idle else text


def _no_result(window: Window) -> str:
    return "" if _view(window).result.after is not None else tr("The new rank is being worked out.")


# --- Compare ---------------------------------------------------------------------------------------------------------


def _no_side(place: int) -> Reason:
    def reason(window: Window) -> str:
        return (
            "" if _view(window).choice.side(place) is not None else tr("This side is empty: choose something for it.")
        )

    return reason


def _no_sides(window: Window) -> str:
    return "" if _view(window).choice.sides() is not None else tr("There are no two sides yet: choose both.")


def _no_comparison(window: Window) -> str:
    return "" if _view(window).found is not None else tr("Nothing is compared yet.")


# --- Map -------------------------------------------------------------------------------------------------------------


def _no_map(window: Window) -> str:
    if _view(window).found is not None:
        return ""
    return tr("The map is being drawn.") if _view(window).busy else tr("There is no map yet.")


def _map_fits(window: Window) -> str:
    return tr("The whole map is shown already.") if _view(window).canvas.fits else ""


def _no_selection(window: Window) -> str:
    text = tr("Nothing is selected: draw around points with Shift held first.")
    return "" if len(_view(window).selection) else text


# --- Segments --------------------------------------------------------------------------------------------------------


def _no_segment(window: Window) -> str:
    return "" if _view(window).chosen is not None else tr("There is no segment yet: make one first.")


def _building(window: Window) -> bool:
    return bool(_view(window).builder.isVisible())


def _not_building(window: Window) -> str:
    return "" if _building(window) else tr("Begin a new segment first (Ctrl+N).")


def _is_building(window: Window) -> str:
    return tr("Save the new segment, or cancel it, first.") if _building(window) else ""


def _no_columns(window: Window) -> str:
    return "" if _view(window).builder.rows else tr("The columns are being read.")


def _nothing_found(window: Window) -> str:
    builder = _view(window).builder
    if builder.busy:
        return tr("It is still being counted who meets the conditions.")
    return "" if builder.save.isEnabled() else tr("Nobody meets these conditions: widen one.")


def _no_segment_undo(window: Window) -> str:
    undo = window.session.segments.undo
    return "" if undo.canUndo() else tr("No change of the segments can be taken back.")


def _no_segment_redo(window: Window) -> str:
    undo = window.session.segments.undo
    return "" if undo.canRedo() else tr("No change of the segments can be made again.")


# --- Rules -----------------------------------------------------------------------------------------------------------


def _no_rule(window: Window) -> str:
    return "" if _view(window).delete.isEnabled() else tr("Choose a rule first.")


def _no_rule_in_form(window: Window) -> str:
    return "" if _view(window).form.name.isVisible() else tr("Choose a rule first.")


def _is_unfinished(window: Window) -> str:
    rule = _view(window).form.rule
    return "" if rule is None or rule.name else tr("The new rule is not in force yet: there is nothing to delete.")


def _not_earlier(window: Window) -> str:
    return "" if _view(window).up.isEnabled() else tr("It acts first among the rules of its kind.")


def _not_later(window: Window) -> str:
    return "" if _view(window).down.isEnabled() else tr("It acts last among the rules of its kind.")


def _nothing_to_export(window: Window) -> str:
    return "" if window.session.rules.book.rules else tr("There is no rule to export.")


# --- Data ------------------------------------------------------------------------------------------------------------


def _no_table(window: Window) -> str:
    view = _view(window)
    if view.columns:
        return ""
    return tr("The tables are being read.") if view.busy else tr("There is no dataset yet: import one.")


def _reading(window: Window) -> str:
    view = _view(window)
    return tr("The tables are being read.") if view.busy and not view.columns else ""


def _in_health(window: Window) -> str:
    return "" if _view(window).sheet.isVisible() else tr("Go to a table first (Ctrl+PgDown).")


def _no_cell(window: Window) -> str:
    return "" if _view(window).sheet.rows.currentIndex().isValid() else tr("Choose a cell first.")


def _not_narrowed(window: Window) -> str:
    query = _view(window).query
    narrowed = query.text or query.filters or query.keys
    return "" if narrowed else tr("All rows are shown.")


def _no_segment_of(window: Window) -> str:
    view = _view(window)
    if view.sheet.segment_button.isEnabled():
        return ""
    return tr("Rows of this table name no product and no shopper.")


def _no_dataset(window: Window) -> str:
    return (
        ""
        if window.workspace.datasets or window.session.run is not None
        else tr("There is no dataset yet: import one.")
    )


def _comparing_photos(window: Window) -> str:
    health = _view(window).health
    return tr("Photos are being compared.") if health.isVisible() and not health.look.isEnabled() else ""


# --- Train -----------------------------------------------------------------------------------------------------------


def _no_start(window: Window) -> str:
    form = _view(window).form
    if form.start.isEnabled():
        return ""
    return _no_dataset(window) or tr("A setting is not right yet; it says how to mend it.")


def _no_training(window: Window) -> str:
    return "" if _view(window).task is not None else tr("Nothing is training.")


def _is_stopping(window: Window) -> str:
    return "" if _view(window).cancel.isEnabled() else tr("It is stopping already.")


def _no_resume(window: Window) -> str:
    return "" if _view(window).table.go_on.isEnabled() else tr("Choose a run that was interrupted first.")


def _no_update(window: Window) -> str:
    return "" if _view(window).table.update_run.isEnabled() else tr("Choose a finished run first.")


def _no_evaluate(window: Window) -> str:
    page = _view(window).evaluation
    if page.questions.busy:
        return tr("The run is being evaluated.")
    return "" if page.start.isEnabled() else tr("Choose a finished run first.")


_PHOTO = _first(no_run, no_explanation, no_photo)
_TABLE = _first(_no_table, _in_health)
_RULE = _first(no_run, _no_rule)

REASONS: dict[str, Reason] = {
    "undo": _no_undo,
    "redo": _no_redo,
    "rules-on": _no_rules,
    "sample": _no_sample,
    "tour": no_run,
    "brush-remove": _first(no_run, no_explanation, _no_brush),
    "brush-keep": _first(no_run, no_explanation, _no_brush, _all_brushed),
    "brush-clear": _no_brush,
    "what-if-reset": _no_change,
    "original": _PHOTO,
    "zoom-in": _first(_PHOTO, _at_largest),
    "zoom-out": _first(_PHOTO, _at_whole),
    "zoom-fit": _first(_PHOTO, _as_it_fits),
    "heat-less": _first(_PHOTO, _faintest),
    "heat-more": _first(_PHOTO, _strongest),
    "head-before": _first(no_run, no_explanation, _no_heads, _first_head),
    "head-after": _first(no_run, no_explanation, _no_heads, _last_head),
    "all-heads": _first(no_run, no_explanation, _no_heads),
    "lines": _first(no_run, no_explanation),
    "rules-first": _first(no_run, no_product, _is_first),
    "rules-never": _first(no_run, no_product, _is_never),
    "sum-without-past": _first(no_run, no_explanation, _past_is_no_more),
    "whatif-product": no_run,
    "whatif-shopper": no_run,
    "whatif-photo": _first(no_run, no_product, _no_page),
    "whatif-texts": _first(no_run, no_product, _no_page),
    "whatif-attributes": _first(no_run, no_product, _no_page),
    "whatif-swap": _first(no_run, no_product, _no_page),
    "whatif-review": _first(no_run, no_product, _no_page),
    "whatif-past": no_run,
    "whatif-invent": no_run,
    "whatif-save": _first(no_run, _no_change),
    "whatif-report": _first(no_run, _no_change, _no_result),
    "whatif-steps": no_run,
    "whatif-reset": _first(no_run, _no_change),
    "compare-swap": _no_sides,
    "compare-pin-left": _no_side(0),
    "compare-pin-right": _no_side(1),
    "compare-above": _first(no_run, _no_comparison),
    "compare-open-left": _no_side(0),
    "compare-open-right": _no_side(1),
    "map_sight": _no_map,
    "map_none": _first(_no_map, _no_selection),
    "map_save": _first(_no_map, _no_selection),
    "map_fit": _first(_no_map, _map_fits),
    "segment_new": no_run,
    "segment_save": _first(_not_building, _nothing_found),
    "segment_more": _first(_not_building, _no_columns),
    "segment_use": _first(no_run, _no_segment, _is_building),
    "segment_name": _first(_no_segment, _is_building),
    "segment_drop": _first(_no_segment, _is_building),
    "segment_undo": _no_segment_undo,
    "segment_redo": _no_segment_redo,
    "rules-new": no_run,
    **{f"rules-add-{kind}": no_run for kind in KINDS},
    "rules-name": _first(no_run, _no_rule_in_form),
    "rules-delete": _first(_RULE, _is_unfinished),
    "rules-up": _first(_RULE, _not_earlier),
    "rules-down": _first(_RULE, _not_later),
    "rules-import": no_run,
    "rules-export": _nothing_to_export,
    "data-filter": _TABLE,
    "data-clear": _first(_TABLE, _not_narrowed),
    "data-columns": _TABLE,
    "data-sort": _first(_TABLE, _no_cell),
    "data-again": _first(_no_dataset, _reading),
    "data-copy": _first(_TABLE, _no_cell),
    "data-segment": _first(_TABLE, _no_segment_of),
    "data-duplicates": _first(_no_dataset, _comparing_photos),
    "train_start": _no_start,
    "train_hold": _no_training,
    "train_stop": _first(_no_training, _is_stopping),
    "train_go_on": _no_resume,
    "train_update": _no_update,
    "train_evaluate": _no_evaluate,
}
