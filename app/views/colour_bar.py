"""What full heat stands for, the numbers at its ends; a click or Enter chooses other colours."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QColor, QIcon, QImage, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget

from app.actions import Action
from app.colour_maps import MAGNITUDE, colour_map_names, heat_table
from app.theme import ThemeSource, mix, ui_font
from app.views.heat import distrust
from app.views.panel import FocusRing, follow
from app.views.shown import Shown, digits, percent, signed

_HIGH = 22
_SWATCH = QSize(16, 16)


class ColourBar(QToolButton):
    """A button that shows the colours in force; its menu offers the others."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._font = ui_font(11)
        self._low, self._high, self._from_zero = "", "", False
        self._grey: QColor | None = None
        self._narrow = False
        self.ring = FocusRing(self)
        self.setFixedHeight(_HIGH)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        menu = QMenu(self)
        menu.aboutToShow.connect(self._fill_menu)
        self.setMenu(menu)
        follow(themes, self)

    def fill(self, shown: Shown) -> None:
        scale = shown.scales["image"]
        places = digits(scale)
        one_hue = self._themes.heat == MAGNITUDE
        self._from_zero = shown.attention or one_hue
        self._grey = distrust(shown, self._themes.theme)
        self._low = "0" if self._from_zero else signed(-scale, places)
        self._high = percent(scale) if shown.attention else signed(scale, places)
        if self._narrow:
            self._low = ""
        if not shown.attention and (self._narrow or one_hue):
            self._high = self._high.replace("+", "±")
        ends = self.tr("Heat from {low} to {high}").format(low=self._low or "−", high=self._high)
        self.setAccessibleName(f"{ends}: {colour_map_names()[self._themes.heat]}")
        self.setToolTip(f"{self._meaning(shown.attention)}\n{self.tr('Click for other colours')}")
        self.updateGeometry()
        self.update()

    def _meaning(self, attention: bool) -> str:
        name = colour_map_names()[self._themes.heat]
        if attention:
            return self.tr("The stronger, the more attention; zero is clear")
        return self.tr("{colours}: what pushes the score up and what pulls it down; zero is clear").format(colours=name)

    def be_narrow(self, narrow: bool, shown: Shown) -> None:
        """One number instead of two, where the photo is small."""
        if narrow != self._narrow:
            self._narrow = narrow
            self.fill(shown)

    def offers(self) -> list[Action]:
        """A choice of colours for the menu and the palette."""
        return [
            Action(
                f"heat-{name}",
                self.tr("Heat colours: {colours}").format(colours=text),
                lambda name=name: self._themes.choose_heat(name),  # type: ignore[misc]
                group="heat",
                icon="theme",
                checked=lambda name=name: self._themes.heat == name,  # type: ignore[misc]
            )
            for name, text in colour_map_names().items()
        ]

    def _fill_menu(self) -> None:
        menu = self.menu()
        menu.clear()
        group = QActionGroup(menu)
        for name, text in colour_map_names().items():
            mark = "\t✓" if name == self._themes.heat else ""  # beside an icon the style draws no tick
            one = QAction(swatch(name, self._themes), text + mark, menu)
            one.setCheckable(True)
            one.setChecked(name == self._themes.heat)
            one.triggered.connect(lambda _=False, name=name: self._themes.choose_heat(name))
            group.addAction(one)
            menu.addAction(one)

    def sizeHint(self) -> QSize:
        self.setFont(self._font)
        metrics = self.fontMetrics()
        numbers = metrics.horizontalAdvance(self._low) + metrics.horizontalAdvance(self._high)
        return QSize(numbers + 18 + (40 if self._narrow else 64), _HIGH)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self.underMouse() or self.ring.on:
            painter.setPen(QPen(theme.accent, 1) if self.ring.on else Qt.PenStyle.NoPen)
            painter.setBrush(mix(theme.text, theme.panel, 0.05))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setFont(self._font)
        painter.setPen(theme.muted)
        box = QRectF(self.rect()).adjusted(3, 0, -3, 0)
        metrics = painter.fontMetrics()
        low, high = metrics.horizontalAdvance(self._low), metrics.horizontalAdvance(self._high)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._low)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._high)
        left = box.left() + (low + 6 if self._low else 0)
        paint_map(painter, QRectF(left, box.center().y() - 4, box.right() - high - 6 - left, 8), self._themes.heat,
                  from_zero=self._from_zero, grey=self._grey)  # fmt: skip
        painter.end()


def paint_map(painter: QPainter, bar: QRectF, name: str, *, from_zero: bool, grey: QColor | None = None) -> None:
    """The colours of a map from left to right, on white as on a lightened photo."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(Qt.GlobalColor.white)
    painter.drawRoundedRect(bar, 2, 2)
    table = (heat_table(name)[128:] if from_zero else heat_table(name)).copy()
    if grey is not None:
        table[:, :3] = (grey.red(), grey.green(), grey.blue())
    made = QImage(table.data, len(table), 1, len(table) * 4, QImage.Format.Format_RGBA8888)
    painter.drawImage(bar, made)


def swatch(name: str, themes: ThemeSource) -> QIcon:
    """A map as the icon of a menu."""
    ratio = 2.0
    pixmap = QPixmap(_SWATCH * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    paint_map(painter, QRectF(0, 0, _SWATCH.width(), _SWATCH.height()), name, from_zero=name == MAGNITUDE)
    painter.setPen(QPen(themes.theme.line, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(QRectF(0.5, 0.5, _SWATCH.width() - 1, _SWATCH.height() - 1))
    painter.end()
    return QIcon(pixmap)
