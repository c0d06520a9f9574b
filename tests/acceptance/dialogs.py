"""Every dialog, popup and note that lies over the window, opened, gone through and left by keys alone.

`every_dialog` is a part of `tests.acceptance.keyboard`. In each of them the keyboard must be within from the start, Tab
must reach every control and show where it is, every control must have a name, no text may be cut, and Escape must
leave it and give the keyboard back to the window.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtGui import QAccessible, QContextMenuEvent, QImage, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QWidget,
)

from app import commands
from app.checking import CheckDialog, show_check
from engine.errors import HeedmapError
from tests.engine.conftest import TINY

if TYPE_CHECKING:
    from tests.acceptance.keyboard import Keys

PATIENCE_SECONDS = 30.0
MOST_TABS = 80
ROOM = (1280, 660)  # of a screen of 2560 x 1440 at 200 %, or 1920 x 1080 at 150 %, below its bars
SEEN = 12  # pixels that must change where the keyboard comes
MENU = Qt.Key.Key_Menu
CONTROL = Qt.KeyboardModifier.ControlModifier


@dataclass(frozen=True)
class Opening:
    """One thing that opens: in which view, how. `over`: the class of what lies within the window, where it is no window
    of its own; `begin` prepares, `most` looks at more."""

    name: str
    view: str
    open: Callable[[Keys], None]
    over: str = ""
    begin: Callable[[Keys], None] | None = None
    end: Callable[[Keys], None] | None = None


class Visit:
    """Waits for what opens, also within a loop of its own, looks at it and leaves it."""

    def __init__(self, keys: Keys, opening: Opening, pictures: Path | None) -> None:
        self.keys, self.opening, self.pictures = keys, opening, pictures
        self.wrong: list[str] = []
        self.lines: list[str] = []
        self.over = False
        self._end = time.monotonic() + PATIENCE_SECONDS
        self._looking = False
        self._timer = QTimer(interval=30)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def found(self) -> QWidget | None:
        if self.opening.over:
            window = self.keys.window
            there = [one for one in window.findChildren(QWidget) if type(one).__name__ == self.opening.over]
            return next((one for one in there if one.isVisible()), None)
        return QApplication.activePopupWidget() or QApplication.activeModalWidget() or _beside(self.keys.window)

    def _look(self) -> None:
        if self._looking or self.over:
            return
        top = self.found()
        if top is None and time.monotonic() < self._end:
            return
        self._looking = True
        try:
            if top is None:
                self.wrong.append("does not open")
            else:
                QTest.qWait(120)
                self._check(top)
                self._leave(top)
        finally:
            self.over = True
            self._timer.stop()

    # --- what is looked at ------------------------------------------------------------------------------------------

    def _check(self, top: QWidget) -> None:
        from tests.acceptance.keyboard import NO_NAME_NEEDED, name_of, tree

        self.wrong += [f"cut: {one}" for one in cut(top)]
        if self.pictures is not None:
            top.grab().save(str(self.pictures / f"{self.opening.name}.png"))
        if (
            top.isWindow()
            and not isinstance(top, QMenu)
            and (top.frameGeometry().width() > ROOM[0] or top.frameGeometry().height() > ROOM[1])
        ):
            self.wrong.append(f"is {top.width()} x {top.height()}, more than a small screen has")
        title = top.windowTitle() or top.accessibleName()
        if not isinstance(top, QMenu) and not title:
            self.wrong.append(f"{type(top).__name__} has no title")
        self.lines.append(f"== {self.opening.name}: {type(top).__name__} {title!r}")
        for depth, one in tree(QAccessible.queryAccessibleInterface(top)):
            role, text = one.role(), name_of(one)
            self.lines.append(f"{'  ' * depth}{role.name} {text!r}")
            place = one.object()
            if place is not None and place.objectName() == "qt_msgboxex_icon_label":
                continue  # Qt's own; the words beside it say what it is
            if depth and not text and role not in NO_NAME_NEEDED and place is not None:
                self.wrong.append(f"{role.name} without a name: {type(place).__name__} {place.objectName()}")
        if isinstance(top, QMenu):
            self._menu(top)
        else:
            self._round(top)

    def _menu(self, menu: QMenu) -> None:
        """Down goes through what can be done, and shows where it is."""
        wanted = [one for one in menu.actions() if one.isEnabled() and one.isVisible() and not one.isSeparator()]
        passed = set()
        for _ in range(len(menu.actions()) + 1):
            QTest.keyClick(menu, Qt.Key.Key_Down)
            if menu.activeAction() is not None:
                passed.add(menu.activeAction())
        self.wrong += [f"Down does not reach {one.text()!r}" for one in wanted if one not in passed]
        self.wrong += ["an entry has no text" for one in wanted if not one.text()]

    def _round(self, top: QWidget) -> None:
        first = QApplication.focusWidget()
        if first is None or not (first is top or top.isAncestorOf(first)):
            self.wrong.append(f"the keyboard is elsewhere at first: {_said(first)}")
            return
        if first is top and not isinstance(top, QAbstractItemView) and self.opening.over != "Tour":
            self.wrong.append("the keyboard is on the dialog itself, on no control")
        self.lines.append(f"  keyboard at first: {_said(first)}")
        start: QWidget | None = None
        if self.opening.over in ("HelpDrawer", "FaultNote"):  # Tab goes on in the window: begin at its first control
            for _ in range(MOST_TABS):
                QTest.keyClick(top.window().windowHandle(), Qt.Key.Key_Backtab)
                here = QApplication.focusWidget()
                if here is None or not top.isAncestorOf(here):
                    break
                start = here
            (start or first).setFocus(Qt.FocusReason.TabFocusReason)
        passed: list[QWidget] = []
        shots: dict[QWidget, tuple[QImage, QRect]] = {}
        QApplication.setCursorFlashTime(0)
        for _ in range(MOST_TABS):
            here = QApplication.focusWidget()
            if here is None:
                self.wrong.append(f"Tab leaves the keyboard nowhere, after {_said(passed[-1])}")
                return
            if not (here is top or top.isAncestorOf(here)):
                if not self.opening.over:
                    self.wrong.append(f"Tab leaves to {_said(here)}")
                break
            if here in passed[:-1]:
                break
            if here not in passed:  # else it goes through what it holds, as links
                passed.append(here)
                QTest.qWait(10)
                shots[here] = (top.grab().toImage(), _place(here, top))
            QTest.keyClick(top.windowHandle() or here, Qt.Key.Key_Tab)
            QTest.qWait(5)
        self.lines.append("  Tab: " + ", ".join(_said(one) for one in passed))
        for one in top.findChildren(QWidget):
            reachable = one.isVisible() and one.isEnabled() and bool(one.focusPolicy() & Qt.FocusPolicy.TabFocus)
            within = one.focusProxy() in passed or any(one.isAncestorOf(other) for other in passed)
            if reachable and one not in passed and not within and not _by_arrows(one) and one.window() is top.window():
                self.wrong.append(f"Tab does not reach {_said(one)}")
        if len(passed) > 1:
            for place, one in enumerate(passed):
                image, box = shots[one]
                other = shots[passed[(place + 1) % len(passed)]][0]
                if changed(image, other, box) < SEEN:
                    self.wrong.append(f"the keyboard is not to be seen on {_said(one)}")

    def _leave(self, top: QWidget) -> None:
        here = QApplication.focusWidget()
        within = here is not None and (here is top or top.isAncestorOf(here))
        if not within and not isinstance(top, QMenu):
            top.setFocus()
            here = top
        QTest.keyClick(here if within and here is not None else top, Qt.Key.Key_Escape)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            QTest.qWait(60)
            if _gone(top):
                return
        self.wrong.append("Escape does not leave it")
        top.close()


def _gone(top: QWidget) -> bool:
    from shiboken6 import isValid

    return not isValid(top) or not top.isVisible()


def _beside(window: QWidget) -> QWidget | None:
    """A window of ours besides the main one."""
    return next((one for one in QApplication.topLevelWidgets() if isinstance(one, QDialog) and one.isVisible()), None)


def _said(one: QWidget | None) -> str:
    if one is None:
        return "nothing"
    text = one.accessibleName() or getattr(one, "text", lambda: "")()
    return f"{type(one).__name__} {text!r}"


def _by_arrows(widget: QWidget) -> bool:
    group = getattr(widget, "group", lambda: None)()
    return group is not None and group.exclusive()


def _place(one: QWidget, top: QWidget) -> QRect:
    return QRect(one.mapTo(top, one.rect().topLeft()), one.size()).adjusted(-4, -4, 4, 4).intersected(top.rect())


def changed(one: QImage, other: QImage, box: QRect) -> int:
    """How many pixels differ within a rectangle."""
    ratio = one.devicePixelRatio()
    x, y, wide, high = (round(side * ratio) for side in (box.x(), box.y(), box.width(), box.height()))
    area = QRect(x, y, wide, high)
    parts = [_pixels(image.copy(area)) for image in (one, other)]
    return int((parts[0] != parts[1]).any(axis=-1).sum())


def _pixels(image: QImage) -> np.ndarray:
    plain = image.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(plain.constBits(), np.uint8)
    return flat.reshape(plain.height(), plain.width(), 4)[..., :3].copy()  # the bytes go with `plain`


def cut(top: QWidget) -> Iterator[str]:
    """The texts in `top` that have less room than they need."""
    for one in top.findChildren(QWidget):
        if not one.isVisible():
            continue
        if isinstance(one, QLabel) and one.text() and one.pixmap().isNull():
            if one.wordWrap():
                if one.heightForWidth(one.width()) > one.height() + 2:
                    yield f"{one.text()[:60]!r} wants {one.heightForWidth(one.width())} of height, has {one.height()}"
            elif one.sizeHint().width() > one.width() + 1 and one.textFormat() != Qt.TextFormat.RichText:
                yield f"{one.text()[:60]!r} wants {one.sizeHint().width()}, has {one.width()}"
        elif isinstance(one, QAbstractButton) and one.text():
            if one.sizeHint().width() > one.width() + 1:
                yield f"button {one.text()!r} wants {one.sizeHint().width()}, has {one.width()}"
        elif isinstance(one, QComboBox):
            option = QStyleOptionComboBox()
            one.initStyleOption(option)
            box = one.style().subControlRect(
                QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, one
            )
            needs = one.fontMetrics().horizontalAdvance(one.currentText())
            if needs > box.width() + 1:
                yield f"choice {one.currentText()!r} wants {needs}, has {box.width()}"
        elif isinstance(one, QLineEdit) and one.placeholderText() and not one.text():
            needs = one.fontMetrics().horizontalAdvance(one.placeholderText())
            if needs > one.width() - 8:
                yield f"prompt {one.placeholderText()!r} wants {needs}, has {one.width() - 8}"
        elif isinstance(one, QTabBar) and one.sizeHint().width() > one.width() + 1:
            yield f"tabs want {one.sizeHint().width()}, have {one.width()}"


# --- what opens ------------------------------------------------------------------------------------------------------


def press(key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """A key as the system brings it: to the window that has the keyboard."""
    window: Any = QApplication.focusWindow()
    if window is None:
        open_now = [type(one).__name__ for one in QApplication.topLevelWidgets() if one.isVisible()]
        raise AssertionError(f"no window has the keyboard, of {open_now}")
    if key == MENU:  # a platform with a screen asks for the menu at the key
        here = QApplication.focusWidget()
        assert here is not None
        centre = here.rect().center()
        asked = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, centre, here.mapToGlobal(centre))
        QApplication.sendEvent(here, asked)
    QTest.keyClick(window, key, held)


def come_back(window: QWidget) -> None:
    """A window that came and went took the keyboard, where there is no window manager to give it back."""
    if QApplication.focusWindow() is None:
        window.activateWindow()
        handle = window.windowHandle()
        if handle is not None:
            handle.requestActivate()
        QTest.qWait(50)


def action(name: str) -> Callable[[Keys], None]:
    """By its own key, or by its words in the palette."""

    def do(keys: Keys) -> None:
        window = keys.window
        offered = [*(window.view.offers() if window.view is not None else []), *commands.offered(window)]
        one = next(found for found in offered if found.id == name)
        assert not one.why_not(), f"{name}: {one.why_not()}"
        if one.shortcut:
            chord: Any = QKeySequence(one.shortcut)
            press(chord[0].key(), chord[0].keyboardModifiers())
        else:
            press(Qt.Key.Key_K, CONTROL)
            QApplication.clipboard().setText(one.text)  # letters that the test's keys have not
            press(Qt.Key.Key_V, CONTROL)
            press(Qt.Key.Key_Return)

    return do


def at(wanted: Callable[[Any], QWidget], what: str, *then: Qt.Key) -> Callable[[Keys], None]:
    """Tab to a control of the view in front, then press keys there."""

    def do(keys: Keys) -> None:
        keys.tab_to(lambda one: one is wanted(keys.window.view), what)
        for one in then:
            press(one)

    return do


def add_to_past(keys: Keys) -> None:
    """A what-if with one step, so that there is something to save."""
    action("whatif-invent")(keys)
    keys.walk.wait(lambda: keys.window.session.scenario.changes and keys.walk.settled(), "a step of the what-if")


def save_scenario(keys: Keys) -> None:
    """Two saved ones: the second save of a name asks whether to replace the first."""
    view: Any = keys.window.view

    def accept() -> None:
        if QApplication.activeModalWidget() is None:
            QTimer.singleShot(50, accept)
        else:
            press(Qt.Key.Key_Return)

    QTimer.singleShot(100, accept)
    action("whatif-save")(keys)
    keys.walk.wait(lambda: view.steps.saved.count() == 1, "a saved scenario")


def take_back(keys: Keys) -> None:
    press(Qt.Key.Key_Z, CONTROL)
    keys.walk.wait(lambda: not keys.window.session.scenario.changes and keys.walk.settled(), "the undo")


def segment(keys: Keys) -> None:
    view: Any = keys.window.view
    run = keys.window.session.run
    assert run is not None
    keys.window.session.segments.add("Some", "users", tuple(run.shoppers.user[:3]), "by hand")
    view.show_segment(keys.window.session.segments.named("Some"))


def some_points(keys: Keys) -> None:
    view: Any = keys.window.view
    action("map_sight")(keys)
    keys.walk.wait(lambda: len(view.selection), "chosen points")


def directly(what: Callable[[Any], object]) -> Callable[[Keys], None]:
    """What opens by itself, or by a button that is only there now and then."""
    return lambda keys: void(what(keys.window))


def void(_: object) -> None:
    """Nothing comes of it."""


def tell_fault(window: Any) -> None:
    from app.crash import Report
    from app.fault_note import FaultNote

    note = FaultNote(window.themes, window)
    note.tell(Report(None, "what happened"))
    note.copy.setFocus(Qt.FocusReason.TabFocusReason)


def check_installation(window: Any) -> None:
    show_check(window.themes, window)


def end_check(keys: Keys) -> None:
    """Its processes end before the dialog goes."""
    window = keys.window
    keys.walk.wait(lambda: not window.findChildren(CheckDialog), "the end of the test")


def ask_newer(window: Any) -> None:
    from app import newer

    newer._ask(HeedmapError("This workspace is of a newer Heedmap.", "Open it with that one."), window.workspace.folder)


def long_text(window: Any) -> None:
    window.view._show_text("Measured again", "One figure is as it was.\n" * 40)


def with_change(keys: Keys) -> None:
    """A past choice is taken away, so that there is a step."""
    at(lambda view: view.history.strip, "the past", Qt.Key.Key_Right, Qt.Key.Key_Delete)(keys)
    keys.walk.wait(lambda: keys.window.session.scenario.changes and keys.walk.settled(), "a step of the what-if")


def press_pick(keys: Keys) -> None:
    """Beside another shopper: who, is chosen in a popup."""
    view: Any = keys.window.view
    action("compare-shoppers")(keys)
    keys.walk.wait(keys.walk.settled, "two shoppers")
    pick = view.heads[1].pick
    keys.tab_to(lambda one: one is pick, "the other shopper")
    press(Qt.Key.Key_Space)


def train_long(keys: Keys) -> None:
    """A training that does not end by itself before it is asked about."""
    window = keys.window
    run, out = window.session.run, str(window.workspace.folder / "runs" / "long")
    assert run is not None
    settings = {**TINY, "epochs": 9999, "patience": 9999}
    window.batch.submit("train", "Training long", out, dataset=run.dataset.folder, run=out, settings=settings)
    keys.walk.wait(lambda: window.batch.current is not None and window.batch.current.epoch, "a training")


def stop_training(keys: Keys) -> None:
    window = keys.window
    if window.batch.current is None:
        raise AssertionError("the training is not there any more")
    window.batch.cancel(window.batch.current.job)
    keys.walk.wait(lambda: window.batch.current is None, "the end of the training")


OPENINGS = (
    Opening("menu", "explore", lambda keys: press(Qt.Key.Key_F10)),
    Opening("export", "explore", action("export")),
    Opening("open a workspace", "explore", action("open")),
    Opening("open a run", "explore", action("open-run")),
    Opening("import", "explore", action("import")),
    Opening("about", "explore", action("about")),
    Opening("tour", "explore", action("tour"), over="Tour"),
    Opening("help", "explore", action("help"), over="HelpDrawer"),
    Opening("note on a product", "explore", action("note-product"), over="NotePopover"),
    Opening("note on a shopper", "explore", action("note-shopper"), over="NotePopover"),
    Opening("all heads", "explore", action("all-heads")),
    Opening("heat colours", "explore", at(lambda view: view.product.colours, "the colours", Qt.Key.Key_Space)),
    Opening("past choice", "explore", at(lambda view: view.history.strip, "the past", Qt.Key.Key_Right, MENU)),
    Opening("split", "explore", at(lambda view: view.history.strip, "the past", Qt.Key.Key_Right, Qt.Key.Key_Return)),
    Opening("fault", "explore", directly(tell_fault), over="FaultNote"),
    Opening("check", "explore", directly(check_installation), end=end_check),
    Opening("newer", "explore", directly(ask_newer)),
    Opening("steps", "explore", at(lambda view: view.changes.steps, "the steps", Qt.Key.Key_Space), begin=with_change,
            end=take_back),
    Opening("another method", "compare", press_pick),
    Opening("product to edit", "whatif", action("whatif-product")),
    Opening("shopper to edit", "whatif", action("whatif-shopper")),
    Opening("product for the past", "whatif", action("whatif-past")),
    Opening("photo from a file", "whatif", action("whatif-swap")),
    Opening("save a scenario", "whatif", action("whatif-save"), begin=add_to_past),
    Opening("report", "whatif", action("whatif-report")),
    Opening("rename a scenario", "whatif", at(lambda view: view.steps.saved, "the scenarios", Qt.Key.Key_F2),
            begin=save_scenario),
    Opening("delete a scenario", "whatif", at(lambda view: view.steps.saved, "the scenarios", Qt.Key.Key_Delete),
            end=take_back),
    Opening("save the selection", "map", action("map_save"), begin=some_points),
    Opening("rename a segment", "segments", action("segment_name"), begin=segment),
    Opening("columns", "data", action("data-columns")),
    Opening("filter", "data", action("data-filter")),
    Opening("row", "data", at(lambda view: view.sheet.rows, "the rows", Qt.Key.Key_Down, MENU)),
    Opening("column", "data", at(lambda view: view.sheet.rows.header, "the heading", Qt.Key.Key_Right, MENU)),
    Opening("kind of rule", "rules", action("rules-new")),
    Opening("import rules", "rules", action("rules-import")),
    Opening("update", "train", action("train_update")),
    Opening("audit", "audit", action("audit.begin")),
    Opening("bundle", "audit", action("audit.open")),
    Opening("bundle folder", "audit", action("audit.open_folder")),
    Opening("signer", "audit", directly(lambda window: window.view.ask_signer())),
    Opening("measure again", "audit", directly(lambda window: window.view.ask_again())),
    Opening("audit text", "audit", directly(long_text)),
    Opening("stop and close", "explore", action("quit"), begin=train_long, end=stop_training),
)  # fmt: skip


def every_dialog(keys: Keys, lines: list[str], pictures: Path | None = None, only: str = "") -> list[str]:
    """Open each, look, leave it: what is wrong."""
    wrong: list[str] = []
    for opening in OPENINGS:
        if only and only not in opening.name:
            continue
        try:
            wrong += [f"{opening.name}: {one}" for one in _visit(keys, opening, lines, pictures)]
        except AssertionError as error:
            wrong.append(f"{opening.name}: {error}")
    return wrong


def _visit(keys: Keys, opening: Opening, lines: list[str], pictures: Path | None) -> list[str]:
    window, walk = keys.window, keys.walk
    come_back(window)
    number = window.names.index(opening.view) + 1
    press(Qt.Key(ord(str(number))), CONTROL)
    walk.wait(lambda: window.current == opening.view and walk.settled(), opening.view)
    come_back(window)
    if opening.begin is not None:
        opening.begin(keys)
    before = QApplication.focusWidget()
    visit = Visit(keys, opening, pictures)
    opening.open(keys)
    walk.wait(lambda: visit.over, f"the end of {opening.name}")
    QTest.qWait(60)
    come_back(window)
    here = QApplication.focusWidget()
    if opening.over and opening.over != "FaultNote" and here is not before:  # Tab came to that one
        visit.wrong.append(f"the keyboard is on {_said(here)} afterwards, it was on {_said(before)}")
    if here is None or here.window() is not window:
        visit.wrong.append(f"the keyboard is {_said(here)} afterwards, it was {_said(before)}")
    if opening.end is not None:
        opening.end(keys)
    lines += visit.lines
    return visit.wrong
