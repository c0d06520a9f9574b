"""What the explorer's views share: a panel with a heading, a dark tip beside the pointer, a veil while waiting."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QToolTip,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app.theme import Theme, ThemeSource, faded, mix, set_role

PAD = 14
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter  # of text in a row; joined once, not at every paint
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Heading(QLabel):
    """A line of text that gives way: cut with an ellipsis, whole in its tooltip."""

    said = Signal()

    def __init__(self, role: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        set_role(self, role)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def say(self, text: str) -> None:
        self._whole = text
        self._fit()
        self.said.emit()

    def whole(self) -> str:
        return self._whole

    def wanted(self) -> int:
        """The width that all of it takes."""
        self.ensurePolished()
        return self.fontMetrics().horizontalAdvance(self._whole) + 4

    def _fit(self) -> None:
        cut = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, max(self.width(), 40))
        self.setText(cut)
        self.setToolTip(self._whole if cut != self._whole else "")
        self.setAccessibleName(self._whole)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()


class Note(QLabel):
    """A line of text beside a heading, cut with an ellipsis where there is less room; `text` is the whole of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "muted")
        self.setTextFormat(Qt.TextFormat.PlainText)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def _cut(self) -> str:
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.contentsRect().width())

    def paintEvent(self, event: QPaintEvent) -> None:
        cut = self._cut()
        if cut == self.text():
            super().paintEvent(event)
            return
        painter = QPainter(self)
        box, role = self.contentsRect(), self.foregroundRole()
        self.style().drawItemText(painter, box, int(LEFT), self.palette(), self.isEnabled(), cut, role)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self._cut() != self.text():
            QToolTip.showText(event.globalPos(), self.text(), self)
            return True
        return super().event(event)


class Panel(QFrame):
    """A quiet surface with a heading on the left, a note on the right, and room below for its content."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "panel")
        self.heading = Heading("heading")
        self.heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.note = Note()
        self.top = QHBoxLayout()
        self.top.setContentsMargins(0, 0, 0, 0)
        self.top.setSpacing(12)
        self.top.addWidget(self.heading, 1)
        self.top.addWidget(self.note, 0)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(PAD, 12, PAD, 12)
        self.body.setSpacing(10)
        self.body.addLayout(self.top)
        self._veil = Veil(themes, self)
        self.heading.said.connect(self._divide)

    def dim(self, on: bool) -> None:
        """Lay a thin veil over an answer that is being replaced."""
        if on == self._veil.isHidden():
            self._veil.setVisible(on)
            self._veil.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._veil.setGeometry(self.rect().adjusted(1, 1, -1, -1))
        self._divide()

    def _divide(self) -> None:
        """Where heading and note do not fit side by side, the note gives way to a third of the line."""
        taken = self.top.spacing()
        for place in range(self.top.count()):
            item = self.top.itemAt(place)
            one = item.widget() if item is not None else None
            if one is not None and one not in (self.heading, self.note) and not one.isHidden():
                taken += max(one.sizeHint().width(), one.minimumWidth()) + self.top.spacing()
        line = self.width() - 2 * PAD
        self.note.setMaximumWidth(max(line - taken - self.heading.wanted(), line // 3))


class Veil(QWidget):
    """Half hides what lies under it and lets the pointer through."""

    def __init__(self, themes: ThemeSource, parent: QWidget) -> None:
        super().__init__(parent)
        self._themes = themes
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faded(self._themes.theme.panel, 0.5))
        painter.drawRoundedRect(self.rect(), 7, 7)
        painter.end()


class Tip(QFrame):
    """The dark note beside the pointer: a bold label and a few lines. One per window, above all views."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._origin: QWidget | None = None  # what it tells of
        self.setObjectName("heedmap_tip")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._colour = QColor("#1c2430")
        self._text = QLabel(self)
        self._text.setTextFormat(Qt.TextFormat.RichText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 7, 10, 7)
        layout.addWidget(self._text)
        self.hide()

    @staticmethod
    def of(widget: QWidget) -> Tip:
        """The tip of the window that `widget` is in."""
        window = widget.window()
        found = window.findChild(Tip, "heedmap_tip", Qt.FindChildOption.FindDirectChildrenOnly)
        return found if isinstance(found, Tip) else Tip(window)

    def say(self, themes: ThemeSource, near: QRect, origin: QWidget, label: str, lines: list[str]) -> None:
        """Show beside `near` (a rectangle of `origin`), without covering it and within the window."""
        self._colour = themes.theme.tip
        self._watch(origin)
        first = f"<b>{escape(label)}</b> " if label else ""
        rows = [first + escape(lines[0]) if lines else first]
        rows += [f'<span style="color:#a9b2c1">{escape(line)}</span>' for line in lines[1:]]
        text = f'<span style="color:#f4f5f7">{"<br>".join(rows)}</span>'
        self._text.setText(text)
        self._text.setMinimumWidth(0)
        self.adjustSize()
        window = self._window
        box = QRect(origin.mapTo(window, near.topLeft()), near.size())
        x = box.center().x() + 10
        y = box.bottom() + 8
        if y + self.height() > window.height() - 4:
            y = box.top() - 8 - self.height()
        x = min(x, window.width() - self.width() - 8)
        self.move(QPoint(max(8, x), max(4, y)))
        self.show()
        self.raise_()

    def _watch(self, origin: QWidget) -> None:
        """It goes when what it tells of goes, as by a key that changes the view: then no pointer leaves anything."""
        if origin is self._origin:
            return
        if self._origin is not None and isValid(self._origin):
            self._origin.removeEventFilter(self)
        self._origin = origin
        origin.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Hide and watched is self._origin:
            self.hide()
        return super().eventFilter(watched, event)

    def text(self) -> str:
        return self._text.text()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour)
        painter.drawRoundedRect(self.rect(), 6, 6)
        painter.end()


class Search(QLineEdit):
    """A field to search by typing; Escape clears it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)


class Empty(QLabel):
    """Says in the middle of a panel why there is nothing, instead of an empty box."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "muted")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)


def focus_again(before: QWidget | None) -> bool:
    """Give the keyboard back to who had it; False where that one is gone or takes none now."""
    back = before is not None and isValid(before) and before.isVisible() and before.isEnabled()
    if before is not None and back:
        before.setFocus(Qt.FocusReason.ShortcutFocusReason)
    return back


def paint_ground(painter: QPainter, box: QRectF, theme: Theme, selected: bool, hovered: bool, focused: bool) -> None:
    """The ground of a row of a list: chosen, under the pointer, holding the keyboard."""
    if not (selected or hovered or focused):
        return
    painter.setPen(QPen(theme.accent, 1.5) if focused else Qt.PenStyle.NoPen)
    fill = theme.selected if selected else mix(theme.text, theme.panel, 0.05) if hovered else Qt.GlobalColor.transparent
    painter.setBrush(fill)
    painter.drawRoundedRect(box.adjusted(0.75, 0.75, -0.75, -0.75), 6, 6)


def paint_whole(widget: QWidget, event: QPaintEvent, theme: Theme) -> None:
    """Lay the panel's ground under a widget that has WA_OpaquePaintEvent: what lies behind it is not painted then."""
    painter = QPainter(widget)
    painter.fillRect(event.rect(), theme.panel)
    painter.end()


class FocusRing(QObject):
    """Whether to draw a ring: the widget has the focus and it came, or is used, by keys."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.on = False
        self.kept = False  # as it was when another window came in front
        self._widget = widget
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        before = self.on
        if isinstance(event, QFocusEvent):
            keys = (
                Qt.FocusReason.TabFocusReason,
                Qt.FocusReason.BacktabFocusReason,
                Qt.FocusReason.ShortcutFocusReason,
            )
            passing = event.reason() in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason)
            if event.gotFocus():
                self.on = self.kept if passing else event.reason() in keys
            else:
                self.kept, self.on = self.on and passing, False
        elif event.type() == QEvent.Type.KeyPress:
            self.on = self._widget.hasFocus()
        elif event.type() == QEvent.Type.MouseButtonPress:
            self.on = False
        if self.on != before and isValid(self._widget):
            repaint(self._widget)
        return False


def repaint(view: QWidget) -> None:
    """Paint a widget anew; of a scrolling one, what it scrolls."""
    if isinstance(view, QAbstractScrollArea):
        view.viewport().update()
    else:
        view.update()


def follow(themes: ThemeSource, view: QWidget) -> None:
    """Repaint `view` when the theme changes."""
    themes.changed.connect(_Repaint(view).act)


class _Repaint(QObject):
    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self._view = view

    def act(self, *_: object) -> None:
        repaint(self._view)


def scrolling(content: QWidget) -> QScrollArea:
    """A place without a frame for what may be higher than there is room: it scrolls down, never to the side."""
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area
