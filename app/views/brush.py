"""The brush: what keys make of a stroke, the bar that tells its sum beside it, and how removed parts come back."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, QPoint, QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QRegion
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QWidget

from app.session import Session
from app.theme import ThemeSource, set_role
from app.views.panel import Tip, follow
from app.views.shown import Shown
from engine.explain.types import Token

NOBODY: frozenset[int] = frozenset()
_GAP = 8
_CONTROL, _SHIFT, _ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def tr(text: str, count: int = -1) -> str:
    return QCoreApplication.translate("Brush", text, "", count)


def stroke(before: frozenset[int], found: frozenset[int], keys: Qt.KeyboardModifier) -> frozenset[int]:
    """The brush after a stroke over `found`: Shift adds, Alt takes away, Ctrl turns over; else it is a new brush."""
    if keys & _ALT:
        return before - found
    if keys & _SHIFT:
        return before | found
    return before ^ found if keys & _CONTROL else found


def click(before: frozenset[int], token: int, keys: Qt.KeyboardModifier) -> frozenset[int]:
    """The brush after a click on one part: as a stroke over it, but a second click puts it away."""
    one = frozenset((token,))
    if keys & (_ALT | _CONTROL):
        return stroke(before, one, keys)
    if keys & _SHIFT:
        return before | one
    return NOBODY if before == one else one


def removed_lines() -> list[str]:
    """What a tooltip says of a part that was removed."""
    return [tr("removed from the page"), tr("Click to bring it back")]


def page_parts(shown: Shown) -> frozenset[int]:
    """The tokens that can be brushed and removed: all that stands on the page."""
    parts = ("image", "text", "audio", "attribute", "link")
    return frozenset(int(row) for name in parts for row in shown.indices[name])


def remove(session: Session, shown: Shown) -> None:
    """Remove what is brushed in the model, as a step with a name of its own."""
    brushed = sorted(session.brush & page_parts(shown))
    if len(brushed) == 1:
        session.remove_brushed(tr("Remove “{name}”").format(name=shown.name(brushed[0])))
    elif brushed:
        session.remove_brushed(tr("Remove %n part(s)", len(brushed)))


def keep_only(session: Session, shown: Shown) -> None:
    """Remove everything of the page that is not brushed."""
    kept = session.brush & page_parts(shown)
    others = page_parts(shown) - kept
    if kept and others:
        session.brush_over(others)
        session.remove_brushed(tr("Keep only %n part(s)", len(kept)))


def bring_back(session: Session, item: str, parts: Collection[Token], text: str) -> None:
    """Take parts of a product out of what was removed, as a step of its own; `text` names it."""
    edit = session.scenario.edit_of(item)
    left = tuple(token for token in edit.dropped if token not in parts)
    session.change(session.scenario.with_edit(replace(edit, dropped=left)), text)


def offer_back(session: Session, shown: Shown, place: int, origin: QWidget, at: QPoint) -> QMenu:
    """Offer beside `at`, a point of `origin`, to bring a removed part (~place) back, or all of them."""
    menu = QMenu(origin)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    item = shown.explanation.item

    def offer(text: str, parts: Collection[Token]) -> None:
        menu.addAction(text).triggered.connect(lambda: bring_back(session, item, parts, text))

    offer(tr("Bring back “{name}”").format(name=shown.name(place)), (shown.part(place),))
    if len(shown.removed) > 1:
        offer(tr("Bring back all %n part(s)", len(shown.removed)), shown.removed)
    Tip.of(origin).hide()
    menu.popup(origin.mapToGlobal(at))
    menu.setActiveAction(menu.actions()[0])  # Enter takes it
    return menu


class BrushBar(QFrame):
    """Says beside the brush how much its parts bring together, and removes them, keeps only them, or lets them go."""

    def __init__(
        self,
        session: Session,
        themes: ThemeSource,
        areas: Callable[[], list[QRect]],
        room: QWidget,
        parent: QWidget,
    ) -> None:
        """areas: where in `parent` parts in sight are brushed; the bar stands at the first and covers none of them.
        room: the child of `parent` that the bar stays on where it is wide enough."""
        super().__init__(parent)
        self._session = session
        self._themes = themes
        self._areas = areas
        self._room = room
        self._whole = parent
        self._read: Shown | None = None  # the explanation under the head that was chosen last
        self._head = session.head
        self.label = QLabel()
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.remove = self._button(self.tr("Remove"), self.tr("Remove these parts in the model (Delete)"), "primary")
        self.keep = self._button(self.tr("Keep only these"), self.tr("Remove every other part of the page (Shift+K)"))
        self.clear = self._button(self.tr("Clear"), self.tr("Put the brush away (Escape)"))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 4, 4)
        row.setSpacing(4)
        row.addWidget(self.label)
        row.addSpacing(8)
        for button in (self.remove, self.keep, self.clear):
            row.addWidget(button)
        self.setAccessibleName(self.tr("The brush"))
        self.remove.clicked.connect(self.remove_brushed)
        self.keep.clicked.connect(self.keep_brushed)
        self.clear.clicked.connect(lambda: session.brush_over(NOBODY))
        self.hide()
        session.brush_changed.connect(self.say)
        session.head_changed.connect(self.say)
        session.explanation_changed.connect(self.say)
        follow(themes, self)

    def _button(self, text: str, tip: str, role: str = "quiet") -> QPushButton:
        button = QPushButton(text)
        set_role(button, role)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keyboard with the brush
        return button

    def why_not(self) -> str:
        """Why nothing can be done with the brush, in a sentence; "" where it can."""
        return "" if self._session.brush else tr("Nothing is brushed: drag over words or cells of the photo first.")

    def why_not_keep(self) -> str:
        return "" if self.keep.isEnabled() else tr("Every part of the page is brushed.")

    def remove_brushed(self) -> None:
        """Remove what is brushed, wherever in the explorer it is."""
        shown = self._shown()
        if shown is not None:
            remove(self._session, shown)

    def keep_brushed(self) -> None:
        shown = self._shown()
        if shown is not None:
            keep_only(self._session, shown)

    def _shown(self) -> Shown | None:
        found = self._session.explanation
        if found is None:
            self._read = None
        elif self._read is None or self._read.explanation is not found or self._head != self._session.head:
            self._read, self._head = Shown(found, self._session.head), self._session.head
        return self._read

    def say(self, *_: object) -> None:
        """Tell the sum of the brush as it is now, and stand beside it."""
        shown = self._shown()
        brushed = self._session.brush
        if shown is None or not brushed or max(brushed) >= len(shown.explanation.tokens):
            self.hide()
            return
        amount = shown.amount(shown.sum_of(brushed), sign=True)
        self.label.setText(tr("%n part(s) brushed: {amount}", len(brushed)).format(amount=amount))
        self.label.setAccessibleName(self.label.text())
        self.keep.setEnabled(bool(page_parts(shown) - brushed))
        self.place()

    def place(self) -> None:
        """Stand below the brush, or above it where there is no room, and cover none of it."""
        areas = self._areas() if self._session.brush else []
        if not areas:
            self.hide()
            return
        self.adjustSize()
        room = self._whole.rect()
        panel = QRect(self._room.mapTo(self._whole, QPoint(0, 0)), self._room.size())
        if panel.width() >= self.width() + 2 * _GAP:
            room = QRect(panel.left(), room.top(), panel.width(), room.height())
        room = room.adjusted(_GAP, _GAP, -_GAP, -_GAP)
        x = areas[0].center().x() - self.width() // 2
        x = min(max(x, room.left()), max(room.left(), room.right() - self.width()))
        near, all_of_it = areas[0], QRegion()
        for area in areas:
            all_of_it = all_of_it.united(area)
        below, above = near.bottom() + _GAP, near.top() - _GAP - self.height()
        around = all_of_it.boundingRect()
        heights = [below, above, around.bottom() + _GAP, around.top() - _GAP - self.height()]
        boxes = [QRect(x, y, self.width(), self.height()) for y in heights]
        free = [box for box in boxes if room.contains(box) and not all_of_it.intersects(box)]
        y = free[0].top() if free else min(max(below, room.top()), room.bottom() - self.height())
        self.move(x, y)
        self.show()
        self.raise_()

    def be_quiet(self, on: bool) -> None:
        """Let the pointer through while a stroke is under way."""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, on)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.accent, 1))
        painter.setBrush(theme.panel)
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        painter.end()
