"""The main path by keys alone, and what a screen reader reads: python -m tests.acceptance.keyboard RUN [OUT.txt]

No mouse event is sent. In every view Tab must reach each control that takes the keyboard, show that it did, and come
round again, and every control must have a name; `tests.acceptance.dialogs` does the same in everything that opens. The
accessibility tree of all is written to OUT, with --pictures FOLDER a picture of each dialog. Exit code 1 says what
fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget

from app.main_window import MainWindow
from app.settings import Settings
from app.start import make_application, make_window
from tests.acceptance.dialogs import SEEN, changed, every_dialog
from tests.acceptance.walk import Walk
from tests.bench.monkey import Faults, copy_run

MOST_TABS = 150
NO_NAME_NEEDED = {  # what only holds other things, or speaks for itself
    QAccessible.Role.Client, QAccessible.Role.Window, QAccessible.Role.Pane, QAccessible.Role.Grouping,
    QAccessible.Role.LayeredPane, QAccessible.Role.Splitter, QAccessible.Role.ScrollBar, QAccessible.Role.StaticText,
    QAccessible.Role.Border, QAccessible.Role.Separator, QAccessible.Role.Whitespace,
    QAccessible.Role.NoRole, QAccessible.Role.Application, QAccessible.Role.Indicator, QAccessible.Role.Cell,
    QAccessible.Role.ListItem, QAccessible.Role.Row, QAccessible.Role.RowHeader, QAccessible.Role.ColumnHeader,
    QAccessible.Role.ProgressBar, QAccessible.Role.Dialog, QAccessible.Role.PopupMenu, QAccessible.Role.Grip,

}  # fmt: skip


def tree(of: QAccessibleInterface, depth: int = 0) -> Iterator[tuple[int, QAccessibleInterface]]:
    """What a screen reader finds below and at `of`, without the cells of long lists."""
    yield depth, of
    if of.role() in (QAccessible.Role.List, QAccessible.Role.Table, QAccessible.Role.Tree, QAccessible.Role.ComboBox):
        return
    for place in range(of.childCount()):
        child = of.child(place)
        if child is not None and child.isValid() and not child.state().invisible:
            yield from tree(child, depth + 1)


def name_of(one: QAccessibleInterface) -> str:
    return one.text(QAccessible.Text.Name) or one.text(QAccessible.Text.Value)


class Keys:
    """Presses keys where the keyboard is."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.window: MainWindow = walk.window

    def press(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.walk.keys(QApplication.focusWidget() or self.window, key, held)

    def tab_to(self, wanted: Callable[[QWidget], bool], what: str) -> QWidget:
        for _ in range(MOST_TABS):
            here = QApplication.focusWidget()
            if here is not None and wanted(here):
                return here
            self.press(Qt.Key.Key_Tab)
        raise AssertionError(f"Tab does not reach {what}")

    def round(self, unseen: set[QWidget] | None = None) -> set[QWidget]:
        """Every widget that Tab comes through until it is where it began; `unseen` takes those that do not show it."""
        if QApplication.focusWidget() is None:
            raise AssertionError(f"{self.window.current}: nothing has the keyboard; {QApplication.activeWindow()}")
        first = QApplication.focusWidget()
        passed: set[QWidget] = set()
        for _ in range(MOST_TABS):
            last = QApplication.focusWidget()
            box = _box(last, self.window)
            before = self.window.grab(box).toImage() if unseen is not None else None
            QTest.keyClick(last or self.window, Qt.Key.Key_Tab)
            here = QApplication.focusWidget()
            if here is None:
                name = f"{type(last).__name__} {last.accessibleName()!r}" if last is not None else "nothing"
                raise AssertionError(f"{self.window.current}: Tab leaves the keyboard nowhere, after {name}")
            passed.add(here)
            if unseen is not None and before is not None and last is not None and here is not last:
                after = self.window.grab(box).toImage()
                if changed(before, after, after.rect()) < SEEN:
                    unseen.add(last)
            if here is first and len(passed) > 1:
                return passed
        return passed


def main_path(keys: Keys) -> None:
    """Shopper, product, a cell, a brush, its removal, undo, another view, a command."""
    window, session, walk = keys.window, keys.window.session, keys.walk
    view: Any = window.view
    user = session.user
    keys.tab_to(lambda one: view.shoppers.isAncestorOf(one) and isinstance(one, QAbstractItemView), "the shoppers")
    keys.press(Qt.Key.Key_Down)
    keys.press(Qt.Key.Key_Down)
    walk.wait(lambda: session.user != user and walk.settled(), "another shopper")
    item = session.item
    keys.tab_to(lambda one: one is view.ranked.list, "the ranked list")
    keys.press(Qt.Key.Key_Down)
    walk.wait(lambda: session.item != item and walk.settled(), "another product")
    if not view.product.photo.isVisible():  # some products have none
        keys.press(Qt.Key.Key_Down)
        walk.wait(walk.settled, "another product")
    keys.tab_to(lambda one: one is view.product.photo, "the photo")
    keys.press(Qt.Key.Key_Right)
    keys.press(Qt.Key.Key_Right)
    walk.wait(lambda: session.pointed.tokens, "a cell that is pointed at")
    keys.press(Qt.Key.Key_Space)
    walk.wait(lambda: session.brush, "a brush")
    keys.press(Qt.Key.Key_Delete)
    walk.wait(lambda: session.scenario.changes and walk.settled(), "the removal")
    keys.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    walk.wait(lambda: not session.scenario.changes and walk.settled(), "the undo")
    keys.press(Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(window.top.palette_field, "dark theme")
    keys.press(Qt.Key.Key_Return)
    walk.wait(lambda: window.themes.theme.dark, "the dark theme")


def every_view(keys: Keys, lines: list[str]) -> list[str]:
    """Tab round each view, and the names in it: what is wrong."""
    wrong: list[str] = []
    for number, name in enumerate(keys.window.names, start=1):
        keys.press(Qt.Key(ord(str(number))), Qt.KeyboardModifier.ControlModifier)
        keys.walk.wait(lambda name=name: keys.window.current == name, name)  # type: ignore[misc]
        keys.walk.wait(keys.walk.settled, f"answers in {name}")
        view = keys.window.view
        assert view is not None
        if QApplication.activeWindow() is None:  # a window that came and went took it, where there is no window manager
            keys.window.activateWindow()
            QTest.qWait(50)
        passed, unseen = keys.round(), set[QWidget]()
        passed |= keys.round(unseen)  # what the first round made fit for use is come to by the second
        for one in unseen:
            wrong.append(f"{name}: the keyboard is not to be seen on {type(one).__name__} {one.accessibleName()!r}")
        for one in view.findChildren(QWidget):
            reachable = one.isVisible() and one.isEnabled() and bool(one.focusPolicy() & Qt.FocusPolicy.TabFocus)
            proxied = one.focusProxy() in passed or any(one.isAncestorOf(other) for other in passed)
            if reachable and one not in passed and not proxied and not _by_arrows(one):
                wrong.append(f"{name}: Tab does not reach {type(one).__name__} {one.accessibleName()!r}")
        lines.append(f"== {name}")
        for depth, found in tree(QAccessible.queryAccessibleInterface(keys.window)):
            role, text = found.role(), name_of(found)
            lines.append(f"{'  ' * depth}{role.name} {text!r}")
            place = found.object()
            if not text and role not in NO_NAME_NEEDED and place is not None:
                wrong.append(f"{name}: {role.name} without a name: {type(place).__name__} in {_path(place)}")
    return wrong


def _box(one: QWidget | None, window: QWidget) -> QRect:
    """Where a widget is in the window, with its frame."""
    if one is None:
        return window.rect()
    place = QRect(one.mapTo(window, one.rect().topLeft()), one.size())
    return place.adjusted(-4, -4, 4, 4).intersected(window.rect())


def _by_arrows(widget: QWidget) -> bool:
    """Radio buttons and buttons of one group are one stop for Tab; arrows go on from there."""
    group = getattr(widget, "group", lambda: None)()
    return group is not None and group.exclusive()


def _path(thing: Any) -> str:
    names: list[str] = []
    while thing is not None and len(names) < 4:
        names.append(type(thing).__name__)
        thing = thing.parent()
    return " < ".join(names)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--theme", default="light")
    parser.add_argument("--language", default="en")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--only", choices=["views", "dialogs"], default="")
    options = parser.parse_args()
    run, out = options.run, options.out
    make_application()
    faults = Faults()
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HEEDMAP_CONFIG"] = str(Path(scratch) / "config")
        copy = copy_run(run.resolve(), Path(scratch) / "workspace")
        window = make_window(
            Settings(theme=options.theme, language=options.language, tour="seen"), copy.parent.parent, str(copy)
        )
        window.resize(1440, 900)
        window.show()
        window.activateWindow()
        walk = Walk(window, Path(scratch))
        try:
            walk.wait(lambda: window.session.explanation is not None and window.session.idle, "the first explanation")
            if options.only != "dialogs":
                main_path(Keys(walk))
                faults.found += every_view(Keys(walk), lines)
            if options.only != "views":
                faults.found += every_dialog(Keys(walk), lines, options.pictures)
        except Exception:
            faults.found.append(traceback.format_exc())
        window.batch.tasks.clear()  # after a fault: nobody is there to be asked whether to stop
        window.close()
        window.deleteLater()
        QTest.qWait(100)
    if out is not None:
        out.write_text("\n".join(lines), encoding="utf-8")
    for fault in faults.found:
        print(fault, file=sys.stderr, flush=True)
    print(f"{len(lines)} lines of the tree, {len(faults.found)} faults")
    return 1 if faults.found else 0


if __name__ == "__main__":
    sys.exit(main())
