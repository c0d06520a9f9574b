"""Rows of a list that glide from where they stood to where a new answer puts them."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping

from PySide6.QtCore import QEasingCurve, QObject, QVariantAnimation, Signal
from PySide6.QtWidgets import QStyle, QWidget

MILLISECONDS = 350
_CLIENT_AREA_ANIMATION = 0x1042  # SPI_GETCLIENTAREAANIMATION: "Animation effects" in the settings of Windows


def wants_motion(widget: QWidget) -> bool:
    """Whether the system asks for motion; where people switch it off, things are at once where they belong."""
    if sys.platform == "win32":
        wanted = ctypes.c_int(1)
        ctypes.windll.user32.SystemParametersInfoW(_CLIENT_AREA_ANIMATION, 0, ctypes.byref(wanted), 0)
        if not wanted.value:
            return False
    return widget.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration, None, widget) > 0


class Glide(QObject):
    """Heights by row key, on their way from old to new ones. Pixels of the viewport, downwards."""

    stepped = Signal()
    ended = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._from: dict[str, float] = {}
        self._to: dict[str, float] = {}
        self._motion = QVariantAnimation(self)
        self._motion.setStartValue(0.0)
        self._motion.setEndValue(1.0)
        self._motion.setDuration(MILLISECONDS)
        self._motion.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._motion.valueChanged.connect(lambda _: self.stepped.emit())
        self._motion.finished.connect(self.stop)

    @property
    def running(self) -> bool:
        return bool(self._to)

    @property
    def part(self) -> float:
        """How much of the way is done, 0..1."""
        value = self._motion.currentValue()
        return float(value) if isinstance(value, (int, float)) else 1.0

    def begin(self, before: Mapping[str, float], after: Mapping[str, float]) -> None:
        """Set out; a row that was not there before appears in its place."""
        self._motion.stop()
        self._from, self._to = dict(before), dict(after)
        self._motion.start()

    def stop(self) -> None:
        """Be there at once."""
        self._motion.stop()
        if self._to:
            self._from, self._to = {}, {}
            self.ended.emit()

    def is_new(self, key: str) -> bool:
        return key not in self._from

    def height_of(self, key: str) -> float:
        """Where a row is now."""
        end = self._to[key]
        start = self._from.get(key, end)
        return start + (end - start) * self.part
