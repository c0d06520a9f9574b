"""What stands around the map: what is shown and how, tools, the legend, and the list of points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.chips import Chooser
from app.map.canvas import LASSO, MOVE, RECTANGLE
from app.map.legend import Legend
from app.map.points import SHOWN, PointsModel
from app.tables import AnyIndex
from app.theme import Theme, ThemeSource, icon, set_role
from app.thumbnails import Thumbnails
from app.views.panel import Empty, Panel, follow
from app.views.shoppers import FoundList, RowDelegate
from engine.columns import Projection

_LEAST_LEGEND = 110  # pixels: five lines
_LEAST_LIST = 230


class Problem(QFrame):
    """What went wrong, what can be done, and a button to try again; in place of a dialog."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "notice")
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self.again = QPushButton(self.tr("Try again"))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(12)
        row.addWidget(self._text, 1)
        row.addWidget(self.again)
        self.hide()

    def say(self, message: str, hint: str) -> None:
        self._text.setText("\n".join(part for part in (message, hint) if part))
        self.show()

    def text(self) -> str:
        return self._text.text()


class ToolBar(QWidget):
    """One row of choices; every one has a name, a tooltip and a key."""

    what_chosen = Signal(str)
    how_chosen = Signal(str)
    colour_chosen = Signal(str)
    tool_chosen = Signal(str)
    zoomed = Signal(float)
    fitted = Signal()
    retried = Signal()

    def __init__(self, themes: ThemeSource, umap: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.umap = umap
        self._themes = themes
        self.what = QTabBar()
        self.what.setExpanding(False)
        self.what.setDrawBase(False)
        self.what.setAccessibleName(self.tr("What the map shows"))
        for name, text, tip in (
            ("items", self.tr("Products"), self.tr("Products that the model takes for alike lie together (Alt+1)")),
            ("users", self.tr("Shoppers"), self.tr("Shoppers with a like taste lie together (Alt+2)")),
            ("reasons", self.tr("Reasons"), self.tr("First products shown for like reasons lie together (Alt+3)")),
        ):
            at = self.what.addTab(text)
            self.what.setTabData(at, name)
            self.what.setTabToolTip(at, tip)
        self.what.currentChanged.connect(lambda at: self.what_chosen.emit(self.what.tabData(at)))
        self._how = Chooser(self.tr("Layout"), self.tr("How the points are laid out"))
        self._how.fill([("PCA", "pca"), ("UMAP", "umap")], "pca")
        if not umap:
            self._how.box.model().item(1).setEnabled(False)  # type: ignore[attr-defined]  # a standard item model
            missing = self.tr("UMAP needs the package umap-learn: pip install heedmap[umap]")
            self._how.box.setItemData(1, missing, Qt.ItemDataRole.ToolTipRole)
        self._how.box.activated.connect(lambda at: self.how_chosen.emit(self._how.box.itemData(at)))
        self._colour = Chooser(self.tr("Colour by"), self.tr("What the colour and shape of a point say (C)"))
        self._colour.box.activated.connect(lambda at: self.colour_chosen.emit(self._colour.box.itemData(at)))
        self.problem = Problem()
        self.problem.again.clicked.connect(self.retried)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.what)
        row.addWidget(self._how)
        row.addWidget(self._colour)
        row.addStretch(1)
        self._icons: list[tuple[QToolButton, str]] = []
        self._tools = QButtonGroup(self)
        self._by_name: dict[str, QToolButton] = {}
        for name, picture, text in (
            (MOVE, "hand", self.tr("Move the map by dragging (V); Shift and drag is a lasso")),
            (LASSO, "lasso", self.tr("Draw around points to select them (L); Ctrl adds to the selection")),
            (RECTANGLE, "rectangle", self.tr("Select the points in a rectangle (R); Ctrl adds to the selection")),
        ):
            button = self._button(picture, text)
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, tool=name: self.tool_chosen.emit(tool))
            self._tools.addButton(button)
            self._by_name[name] = button
            row.addWidget(button)
        self._by_name[MOVE].setChecked(True)
        row.addSpacing(8)
        for picture, text, act in (
            ("minus", self.tr("Farther (−)"), lambda: self.zoomed.emit(1 / 1.5)),
            ("plus", self.tr("Nearer (+)"), lambda: self.zoomed.emit(1.5)),
            ("fit", self.tr("Show the whole map (0)"), self.fitted.emit),
        ):
            button = self._button(picture, text)
            button.clicked.connect(lambda _=False, act=act: act())
            row.addWidget(button)
        self._paint(themes.theme)
        themes.changed.connect(self._paint)

    def _button(self, picture: str, text: str) -> QToolButton:
        button = QToolButton()
        set_role(button, "tool")
        button.setFixedSize(32, 32)
        button.setIconSize(QSize(18, 18))
        button.setToolTip(text)
        button.setAccessibleName(text.partition(" (")[0])
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._icons.append((button, picture))
        return button

    def _paint(self, theme: Theme) -> None:
        for button, picture in self._icons:
            button.setIcon(icon(picture, theme.text))

    def open_colours(self) -> None:
        """Drop the list of columns down, for the keyboard."""
        self._colour.box.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._colour.box.showPopup()

    def show_choice(self, what: str, how: str) -> None:
        """Show what is chosen; nothing is signalled."""
        self.what.blockSignals(True)
        for at in range(self.what.count()):
            if self.what.tabData(at) == what:
                self.what.setCurrentIndex(at)
        self.what.blockSignals(False)
        self._how.box.setCurrentIndex(self._how.box.findData(how))

    def show_tool(self, tool: str) -> None:
        self._by_name[tool].setChecked(True)

    def offer_colours(self, entries: Sequence[tuple[str, str]], current: str) -> None:
        """Offer columns, as (text, name), and one colour for all."""
        self._colour.fill([*entries, (self.tr("nothing"), "")] if entries else [], current)

    def show_colour(self, name: str) -> None:
        self._colour.box.setCurrentIndex(max(0, self._colour.box.findData(name)))

    @property
    def colour(self) -> str:
        """The name of the column that is chosen; "" for none."""
        return str(self._colour.box.currentData() or "")

    def say_problem(self, message: str, hint: str) -> None:
        self.problem.say(message, hint)


class SegmentChip(QToolButton):
    """Says that every view is narrowed to a segment; a press shows all again."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "chip")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the cross stands behind the text
        self.setIconSize(QSize(10, 10))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(self.tr("Every view is narrowed to this segment. Show all again (Ctrl+U)"))
        self._themes = themes
        themes.changed.connect(self._paint)
        self._paint(themes.theme)

    def _paint(self, theme: Theme) -> None:
        self.setIcon(icon("close", theme.accent, 10))

    def say(self, name: str, members: int) -> None:
        """members: how many points of the map it holds."""
        short = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, 180)
        text = self.tr("Segment {name}: {n}")
        self.setText(text.format(name=short, n=f"{members:,}").replace("&", "&&"))
        self.setAccessibleName(text.format(name=name, n=f"{members:,}"))
        self.show()


class SideBar(QWidget):
    """The legend above, the list of selected or visible points below."""

    opened = Signal(int)  # a point of the list

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(220)
        self.legend = Legend(themes)
        self.key = Panel(themes)
        self.key.heading.say(self.tr("Legend"))
        self._scroll = QScrollArea()  # in a low window the list has a part of the room too
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        set_role(self.legend, "content")
        self._scroll.setWidget(self.legend)
        self.legend.resized.connect(lambda _: self._fit_legend())
        self.legend.lit.connect(lambda at: self._scroll.ensureVisible(0, at, 0, 22))
        self.key.body.addWidget(self._scroll)
        self.key.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.points = PointsModel(self)
        self.points.open(None)
        self.list = FoundList(self.tr("Points"))
        self.list.setModel(self.points)
        self._with_photos = RowDelegate(self.points, themes, thumbnails, self.list)
        self._without = RowDelegate(self.points, themes, None, self.list)
        self.list.setItemDelegate(self._with_photos)
        self.list.activated.connect(self._open)
        self.list.clicked.connect(self._open)
        follow(themes, self.list)
        thumbnails.arrived.connect(lambda _: self.list.viewport().update())
        self.nothing = Empty()
        self.box = Panel(themes)
        self.save = QPushButton(self.tr("Save as segment…"))
        set_role(self.save, "primary")
        self.save.setToolTip(self.tr("Keep the selected points as a segment for every view (Ctrl+S)"))
        self.clear = QPushButton(self.tr("Clear"))
        self.clear.setToolTip(self.tr("Select nothing (Escape)"))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.save, 1)
        buttons.addWidget(self.clear)
        self.hint = QLabel(self.tr("To select points, draw around them with the lasso (L), or with Shift held."))
        self.hint.setWordWrap(True)
        set_role(self.hint, "small")
        self.box.body.addWidget(self.nothing, 1)
        self.box.body.addWidget(self.list, 1)
        self.box.body.addWidget(self.hint)
        self.box.body.addLayout(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.key)
        column.addWidget(self.box, 1)
        self.show_points(None, (), False)

    def show_points(self, found: Projection | None, points: Sequence[int] | NDArray[np.int64], selected: bool) -> None:
        """List points: those selected, or those in sight."""
        self.points.show_points(found, points)
        self.list.setItemDelegate(self._without if found is not None and found.what == "users" else self._with_photos)
        self.box.heading.say(self.tr("Selected") if selected else self.tr("In sight"))
        count = f"{len(points):,}"
        if len(points) > SHOWN:
            count = self.tr("first {n} of {all}").format(n=f"{SHOWN:,}", all=count)
        self.box.note.setText(count if found is not None else "")
        self.hint.setVisible(found is not None and not selected)
        for button in (self.save, self.clear):
            button.setVisible(selected)
        self.list.setVisible(bool(len(points)))
        self.nothing.setVisible(not len(points))
        self.nothing.setText(self.tr("No point is in sight. Ctrl+0 shows the whole map.") if found is not None else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_legend()

    def _fit_legend(self) -> None:
        """All of the legend where there is room for it beside the list, at least a few lines elsewhere."""
        margins = self.key.body.contentsMargins()
        around = self.key.heading.sizeHint().height() + self.key.body.spacing() + margins.top() + margins.bottom()
        room = self.height() - _LEAST_LIST - around - 14
        # The panel is told its height: a layout with a text that wraps would squeeze it below what it needs.
        shown = min(self.legend.height(), max(room, _LEAST_LEGEND))
        self._scroll.setFixedHeight(shown)
        self.key.setFixedHeight(around + shown + 2)  # and its frame

    def empty(self, waiting: bool) -> None:
        """Without a map there is no legend either."""
        self.key.setVisible(not self.legend.isHidden())

    def _open(self, index: AnyIndex) -> None:
        if index.isValid():
            self.opened.emit(self.points.point(index.row()))
