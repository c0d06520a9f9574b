"""The look: colour tokens for light and dark, fonts, the style sheet, the colours of heat, icons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QLocale, QObject, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QFontInfo,
    QGuiApplication,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from app.colour_maps import BLUE_ORANGE, COLOUR_MAPS
from engine.audit.report.fonts import packaged

ICONS = Path(__file__).resolve().parent.parent / "resources" / "icons"
FONT_PIXELS = 13
SMALL_PIXELS = 11
RADIUS = 8  # corners of panels, in pixels

# Fonts made for screens, for desktops whose own choice is only a fallback.
_PREFERRED = ("Inter", "Noto Sans", "Source Sans 3", "Open Sans", "Ubuntu", "Cantarell")
# Chinese fonts set "·" and quotation marks a full letter wide, so Latin text takes a sister font.
_LATIN = ("Noto Sans CJK KR", "Noto Sans CJK JP")
_FALLBACKS = {"DejaVu Sans", "Sans Serif", "Sans", "Bitstream Vera Sans", "Liberation Sans"}
_CHINESE = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei UI")


@dataclass(frozen=True)
class Theme:
    """The colour of every meaning. Views paint with these and nothing else."""

    name: str  # "light", "dark" or "contrast"
    background: QColor
    panel: QColor
    line: QColor
    text: QColor
    muted: QColor
    accent: QColor
    selected: QColor
    chip: QColor
    pushes_up: QColor
    pulls_down: QColor
    photo: QColor
    words: QColor
    attributes: QColor
    links: QColor
    identity: QColor
    past: QColor
    bias: QColor
    good: QColor  # grades A and B
    fair: QColor  # grade C
    poor: QColor  # grades D to F
    error: QColor  # the mark of an error beside text
    tip: QColor  # behind a tooltip, with light text in both themes
    heat: str = BLUE_ORANGE  # a key of COLOUR_MAPS: of photos; what pushes up and pulls down goes with it

    @property
    def dark(self) -> bool:
        return self.name != "light"


def _theme(name: str, **colors: str) -> Theme:
    return Theme(name, **{key: QColor(value) for key, value in colors.items()})  # type: ignore[arg-type]  # no heat here


LIGHT = _theme(
    "light",
    background="#f4f5f7",
    panel="#ffffff",
    line="#e2e5ea",
    text="#1c2430",
    muted="#6b7686",
    accent="#2f6fed",
    selected="#eaf1ff",
    chip="#eef1f6",
    pushes_up="#c2410c",
    pulls_down="#2563a8",
    photo="#d97706",
    words="#0f766e",
    attributes="#7c3aed",
    links="#4d7c0f",
    identity="#64748b",
    past="#be185d",
    bias="#a3a8b4",
    good="#15803d",
    fair="#b45309",
    poor="#b91c1c",
    error="#b91c1c",
    tip="#1c2430",
)
DARK = _theme(
    "dark",
    background="#14171c",
    panel="#1c2027",
    line="#2c323c",
    text="#e6e9ef",
    muted="#93a0b3",
    accent="#6ea0ff",
    selected="#22314f",
    chip="#272d37",
    pushes_up="#fb8a4c",
    pulls_down="#6fb1ff",
    photo="#f59e0b",
    words="#2dd4bf",
    attributes="#a78bfa",
    links="#a3d94a",
    identity="#94a3b8",
    past="#f472b6",
    bias="#5b6575",
    good="#15803d",
    fair="#b45309",
    poor="#dc2626",
    error="#f87171",
    tip="#2c323c",
)
# White on black, lines as strong as text: every colour of text and every mark is at least 7 : 1 against the ground.
CONTRAST = _theme(
    "contrast",
    background="#000000",
    panel="#000000",
    line="#b8c0cc",
    text="#ffffff",
    muted="#e3e7ee",
    accent="#ffd84d",
    selected="#3a3000",
    chip="#1f1f1f",
    pushes_up="#ff9e5e",
    pulls_down="#7cc0ff",
    photo="#ffb000",
    words="#3ff0d8",
    attributes="#c9b3ff",
    links="#b5ee5a",
    identity="#d2dbe8",
    past="#ff9dcf",
    bias="#b8c0cc",
    good="#0f612b",
    fair="#8a4500",
    poor="#a11212",
    error="#ff9c9c",
    tip="#262626",
)
THEMES = {theme.name: theme for theme in (LIGHT, DARK, CONTRAST)}
_MODALITY_TOKENS = {
    "image": "photo",
    "text": "words",
    "attribute": "attributes",
    "link": "links",
    "identity": "identity",
    "history": "past",
    "bias": "bias",
}


def modality_color(theme: Theme, modality: str) -> QColor:
    """The colour of a part of the score: a modality of the engine, "identity" or "bias"."""
    color: QColor = getattr(theme, _MODALITY_TOKENS.get(modality, "muted"))
    return color


def sign_color(theme: Theme, value: float) -> QColor:
    """What pushes a score up is orange, what pulls it down blue."""
    return theme.pushes_up if value >= 0 else theme.pulls_down


def grade_color(theme: Theme, grade: str) -> QColor:
    """The ground of a grade chip, under white letters."""
    return theme.good if grade in {"A", "B"} else theme.fair if grade == "C" else theme.poor


def mix(color: QColor, ground: QColor, share: float) -> QColor:
    """`color` laid over an opaque `ground` with opacity `share` in 0..1."""
    return QColor.fromRgbF(
        color.redF() * share + ground.redF() * (1 - share),
        color.greenF() * share + ground.greenF() * (1 - share),
        color.blueF() * share + ground.blueF() * (1 - share),
    )


def faded(color: QColor, opacity: float) -> QColor:
    """The same colour, see-through: opacity in 0..1."""
    copy = QColor(color)
    copy.setAlphaF(min(max(opacity, 0.0), 1.0))
    return copy


@lru_cache(maxsize=16)
def coloured(name: str, heat: str) -> Theme:
    """A theme of THEMES, what pushes up and pulls down in the colours of a map of COLOUR_MAPS."""
    theme = THEMES[name]
    marks = COLOUR_MAPS[heat].marks if heat in COLOUR_MAPS else {}
    if name not in marks:
        return theme
    up, down = marks[name]
    return replace(theme, heat=heat, pushes_up=QColor(up), pulls_down=QColor(down))


def ui_font(pixels: int = FONT_PIXELS, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The system's font at a size in pixels, with figures of one width so that columns of numbers stand still."""
    font = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont))
    font.setFamilies(list(_families(QLocale().language() == QLocale.Language.Chinese)))
    font.setPixelSize(pixels)
    font.setWeight(weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    font.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
    if any(_only_thin(name) for name in font.families()):
        font.setVariableAxis(QFont.Tag("wght"), weight.value)
    return font


@lru_cache(maxsize=4)
def _families(chinese: bool) -> tuple[str, ...]:
    family = QFontInfo(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)).family()
    installed = set(QFontDatabase.families())
    first = [family]  # a sister of the Chinese font that has one weight only is worse than the fallback
    if family in _FALLBACKS or family not in installed:
        first = [
            name for name in (*_PREFERRED, *(() if chinese else _LATIN)) if name in installed and not _only_thin(name)
        ][:1] + first
    han = [name for name in _CHINESE if name in installed]
    poor = first == [family] and family in _FALLBACKS  # nothing made for screens: let Chinese text choose
    return tuple(dict.fromkeys([*han[:1], *first] if chinese and poor else [*first, *han]))


@lru_cache(maxsize=16)
def _only_thin(family: str) -> bool:
    """Whether Qt knows one weight alone of a variable font, its thinnest: others are reached by the axis of weight."""
    return set(QFontDatabase.styles(family)) == {"Thin"}


def add_chinese_font() -> None:
    """Where the system has no Chinese letters, take those that come with Heedmap: a page in Chinese, a product's name
    and the window's own texts are not to be boxes. Before the first font is asked for."""
    if not QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese):
        for folder in packaged():
            for file in sorted(folder.glob("NotoSansCJK*.tt[cf]")):
                QFontDatabase.addApplicationFont(str(file))


def icon_pixmap(name: str, color: QColor, pixels: int = 18, ratio: float = 2.0) -> QPixmap:
    """Draw `resources/icons/<name>.svg` in one colour (`currentColor` in the file)."""
    source = (ICONS / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", color.name())
    pixmap = QPixmap(round(pixels * ratio), round(pixels * ratio))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(pixmap.rect()))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def icon(name: str, color: QColor, pixels: int = 18) -> QIcon:
    """The same as an icon: drawn once, for Qt keeps every size of each that was ever shown."""
    return QIcon(_drawn(name, color.rgba(), pixels))


@lru_cache(maxsize=512)
def _drawn(name: str, rgba: int, pixels: int) -> QIcon:
    return QIcon(icon_pixmap(name, QColor.fromRgba(rgba), pixels))


def palette(theme: Theme) -> QPalette:
    """For what Qt paints itself: dialogs, selections, disabled text."""
    role = QPalette.ColorRole
    colors = {
        role.Window: theme.background,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.background,
        role.Text: theme.text,
        role.PlaceholderText: theme.muted,
        role.Button: theme.panel,
        role.ButtonText: theme.text,
        role.BrightText: theme.poor,
        role.ToolTipBase: theme.tip,
        role.ToolTipText: QColor("#f4f5f7"),
        role.Highlight: theme.selected,
        role.HighlightedText: theme.text,
        role.Link: theme.accent,
        role.Light: theme.panel,
        role.Midlight: theme.chip,
        role.Mid: theme.line,
        role.Dark: theme.line,
        role.Shadow: theme.line,
    }
    made = QPalette()
    for which, color in colors.items():
        made.setColor(which, color)
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, which, theme.muted)
    return made


def stylesheet(theme: Theme) -> str:
    """The application's style sheet.

    Roles are a dynamic property `role` on plain widgets: a QFrame "panel"; a QLabel "heading" (of a panel), "title"
    (large), "muted", "small" (muted, smaller), "chip", "error"; a QPushButton "primary" or "quiet"; a QLineEdit
    "search"; a QListView or QTableView "plain" (without a frame). Set one with `set_role`.
    """
    sheet = (Path(__file__).resolve().parent.parent / "resources" / "theme.qss").read_text(encoding="utf-8")
    values = {key: getattr(theme, key).name() for key in Theme.__dataclass_fields__ if key not in {"name", "heat"}} | {
        "hover": mix(theme.text, theme.panel, 0.05).name(),
        "accent_hover": mix(theme.text, theme.accent, 0.12).name(),
        "on_accent": "#14171c" if theme.dark else "#ffffff",
        "disabled": mix(theme.muted, theme.panel, 0.55).name(),
        "thumb": mix(theme.muted, theme.panel, 0.45).name(),
        "radius": str(RADIUS),
        "pixels": str(FONT_PIXELS),
        "small": str(SMALL_PIXELS),
        "icons": ICONS.as_posix(),
        "theme": "dark" if theme.dark else "light",
    }
    for key in sorted(values, key=len, reverse=True):
        sheet = sheet.replace(f"@{key}@", values[key])
    return sheet


def dress(application: QApplication, theme: Theme) -> None:
    """Put on the palette and the style sheet of a theme, where it is not the one that is worn.

    Qt asks every widget anew that it has styled, and each of these all that lie in it, so that one is styled as often
    as it has widgets around it: over a second with all views made. So it is let forget what it has styled, and finds
    again the top of each window alone: every widget is styled once.
    """
    sheet = stylesheet(theme)
    if application.styleSheet() == sheet:
        return
    application.setPalette(palette(theme))
    if application.styleSheet():
        application.style().unpolish(application)
        for top in application.topLevelWidgets():
            if top.parent() is None:
                top.style().polish(top)
    application.setStyleSheet(sheet)


class ThemeSource(QObject):
    """The theme in force: the user's choice (a key of THEMES), or the system's ("system")."""

    changed = Signal(object)  # Theme

    def __init__(self, choice: str = "system", parent: QObject | None = None, *, heat: str = BLUE_ORANGE) -> None:
        super().__init__(parent)
        self._choice = choice
        self._heat = heat
        self.theme = self._find()
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._follow)
        hints.accessibility().contrastPreferenceChanged.connect(self._follow)

    @property
    def choice(self) -> str:
        return self._choice

    def choose(self, choice: str) -> None:
        """Choose a key of THEMES, or "system"."""
        self._choice = choice
        self._follow()

    @property
    def heat(self) -> str:
        """The colours of heat in force."""
        return self.theme.heat

    def choose_heat(self, heat: str) -> None:
        """Choose the colours of heat: a key of COLOUR_MAPS."""
        self._heat = heat
        self._follow()

    def _find(self) -> Theme:
        return coloured(self._ground(), self._heat)

    def _ground(self) -> str:
        if self._choice in THEMES:
            return self._choice
        hints = QGuiApplication.styleHints()
        if hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast:
            return CONTRAST.name
        return DARK.name if hints.colorScheme() == Qt.ColorScheme.Dark else LIGHT.name

    def _follow(self, *_: object) -> None:
        theme = self._find()
        if theme is not self.theme:
            self.theme = theme
            self.changed.emit(theme)


def set_role(widget: QObject, role: str) -> None:
    """Give a widget a role of the style sheet; see `stylesheet`."""
    widget.setProperty("role", role)
    style = getattr(widget, "style", None)
    if style is not None:  # a role given after the first paint has to be asked for
        style().unpolish(widget)
        style().polish(widget)
