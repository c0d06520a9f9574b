"""The colours of heat: what is shown for numbers below and above zero. Zero is always clear.

Every map that tells signs apart keeps its ends apart for red-green and blue-yellow blindness too (a test simulates
them). The photo beneath is greyed and lightened in every theme, so one table serves all; what stands beside text has a
colour for each theme.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

if TYPE_CHECKING:  # the first frame of the window does without it
    import numpy as np
    from numpy.typing import NDArray

BLUE_ORANGE, PURPLE_GREEN, BROWN_TEAL, MAGNITUDE = "blue-orange", "purple-green", "brown-teal", "magnitude"
_OPAQUE = 235.0  # full heat lets a little of the photo through

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class ColourMap:
    """up and down: heat from weak to strong; marks: theme -> colours of bars and words that push up and pull down."""

    up: tuple[RGB, RGB]
    down: tuple[RGB, RGB]
    marks: dict[str, tuple[str, str]]


COLOUR_MAPS = {
    BLUE_ORANGE: ColourMap(
        up=((251, 146, 60), (194, 65, 12)),
        down=((96, 165, 250), (29, 78, 170)),
        marks={},  # the themes' own
    ),
    PURPLE_GREEN: ColourMap(
        up=((196, 138, 222), (112, 26, 146)),
        down=((120, 196, 118), (18, 104, 46)),
        marks={
            "light": ("#7a1fa2", "#1b7436"),
            "dark": ("#cf93ec", "#63c878"),
            "contrast": ("#e3b3ff", "#7ee393"),
        },
    ),
    BROWN_TEAL: ColourMap(
        up=((214, 164, 84), (138, 78, 8)),
        down=((92, 188, 180), (2, 98, 104)),
        marks={
            "light": ("#8a5200", "#046a72"),
            "dark": ("#dca64f", "#4fc4bf"),
            "contrast": ("#f2bd66", "#66e0da"),
        },
    ),
    MAGNITUDE: ColourMap(
        up=((244, 146, 190), (157, 14, 86)),
        down=((244, 146, 190), (157, 14, 86)),
        marks={
            "light": ("#b0126a", "#b0126a"),
            "dark": ("#f27db8", "#f27db8"),
            "contrast": ("#ffa3cf", "#ffa3cf"),
        },
    ),
}


def colour_map_names() -> dict[str, str]:
    """What the window calls each map, in the language in force."""

    def tr(text: str) -> str:
        return QCoreApplication.translate("ColourMaps", text)

    return {
        BLUE_ORANGE: tr("Orange up, blue down"),
        PURPLE_GREEN: tr("Purple up, green down"),
        BROWN_TEAL: tr("Brown up, teal down"),
        MAGNITUDE: tr("Strength alone, one hue"),
    }


@cache
def heat_table(name: str = BLUE_ORANGE) -> NDArray[np.uint8]:
    """Red, green, blue, alpha of heat, uint8[256, 4]: full pull down at 0, clear at 127.5, full push up at 255."""
    import numpy as np

    chosen = COLOUR_MAPS.get(name, COLOUR_MAPS[BLUE_ORANGE])
    value = np.linspace(-1.0, 1.0, 256)
    size = np.abs(value)[:, None]
    (pale_up, deep_up), (pale_down, deep_down) = np.array(chosen.up, float), np.array(chosen.down, float)
    up = pale_up + (deep_up - pale_up) * size
    down = pale_down + (deep_down - pale_down) * size
    rgb = np.where(value[:, None] >= 0, up, down)
    alpha = np.where(np.abs(value) < 1 / 255 + 1e-9, 0.0, _OPAQUE * np.abs(value) ** 0.8)
    return np.column_stack([rgb, alpha]).round().astype(np.uint8)
