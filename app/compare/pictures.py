"""Three pictures: the left side's heat, the difference, the right side's heat; what full heat stands for under each."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.compare.told import Linked, Maps, amount, plain
from app.theme import ThemeSource, ui_font
from app.thumbnails import Thumbnails
from app.views.heat import heat_image
from app.views.panel import Heading, Panel, follow
from app.views.photo import HeatPhoto
from app.views.shown import Shown
from engine.compare.types import Comparison


class ScaleBar(QWidget):
    """The colours of a map between the words for its two ends."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._font = ui_font(11)
        self._ends = ("", "")
        self._levels = np.linspace(-1, 1, 64)[None]
        self.setFixedHeight(20)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        follow(themes, self)

    def say(self, first: str, last: str, start: float, end: float, name: str) -> None:
        """first, last: the words at the left and the right end, which show heat at `start` and at `end`, in -1..1."""
        self._ends, self._levels = (first, last), np.linspace(start, end, 64)[None]
        self.setToolTip(name)
        self.setAccessibleName(name)
        self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setFont(self._font)
        painter.setPen(self._themes.theme.muted)
        box = QRectF(self.rect())
        metrics = painter.fontMetrics()
        first, last = (metrics.horizontalAdvance(text) for text in self._ends)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._ends[0])
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._ends[1])
        bar = QRectF(first + 8, box.center().y() - 4, box.width() - first - last - 16, 8)
        if bar.width() > 8:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(Qt.GlobalColor.white)
            painter.drawRoundedRect(bar, 2, 2)
            painter.drawImage(bar, heat_image(self._levels, 1.0, fine=1, colours_of=self._themes.heat))
        painter.end()


class Picture(QWidget):
    """A caption, the photo, its scale."""

    def __init__(self, photo: HeatPhoto, themes: ThemeSource) -> None:
        super().__init__()
        self.caption = Heading("small")
        self.caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.photo = photo
        self.photo.setMinimumSize(90, 70)
        self.photo.setAccessibleDescription(
            self.tr("The wheel zooms. Arrow keys go from cell to cell, and the same cell lights on the other side.")
        )
        self.scale = ScaleBar(themes)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.caption)
        column.addWidget(self.photo, 1)
        column.addWidget(self.scale)


class PicturesPanel(Panel):
    def __init__(
        self, linked: Linked, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(themes, parent)
        self.left, self.difference, self.right = (
            Picture(HeatPhoto(session, themes, thumbnails), themes)
            for session in (linked.left, linked.difference, linked.right)
        )
        row = QHBoxLayout()
        row.setSpacing(16)
        for picture in (self.left, self.difference, self.right):
            row.addWidget(picture, 1)
        self.body.addLayout(row, 1)
        self.heading.say(self.tr("What each side heeds in the photo"))
        self.setMinimumHeight(190)

    def fill(self, found: Comparison, maps: Maps, names: tuple[str, str]) -> None:
        """names: what stands over the left and the right photo."""
        self.setVisible(bool(found.left.images or found.right.images))
        sides = ((self.left, maps.left, found.left, names[0]), (self.right, maps.right, found.right, names[1]))
        for picture, told, explanation, name in sides:
            first = explanation.images[0] if explanation.images else None
            picture.caption.say(name)
            picture.photo.show_cells(told if len(told.indices["image"]) else None, first, explanation.title)
            picture.photo.setVisible(first is not None)
            self._say_scale(picture.scale, told, found)
        self.difference.setVisible(found.same_product and bool(found.left.images))
        self.note.setText(self._note(found))
        self.note.setToolTip(self._resampled(found))
        if found.same_product:
            self._fill_difference(found, maps)

    def _fill_difference(self, found: Comparison, maps: Maps) -> None:
        told = maps.difference
        first = found.left.images[0] if found.left.images else None
        self.difference.caption.say(self.tr("Left less right, on a scale of its own"))
        self.difference.photo.show_cells(told, first, self.tr("difference"))
        self.difference.photo.setAccessibleName(self.tr("Difference map: {title}").format(title=found.left.title))
        full = told.scales["image"]
        text = amount(full, found.unit, full).lstrip("+")
        left, right = self.tr("left {n}").format(n=text), self.tr("{n} right").format(n=text)
        name = self.tr("Orange: counts more on the left, by up to {n}; blue: more on the right; clear: the same")
        self.difference.scale.say(left, right, 1.0, -1.0, name.format(n=text))

    def _say_scale(self, scale: ScaleBar, told: Shown, found: Comparison) -> None:
        full = told.scales["image"]
        high = amount(full, found.unit, full)
        if found.magnitudes:
            name = self.tr("From nothing to {n}, on both sides alike; without a sign, for one method knows none")
            scale.say("0", plain(full, found.unit, full), 0.0, 1.0, name.format(n=high))
        else:
            name = self.tr("Orange pushes the score up, blue pulls it down, by up to {n} on both sides alike")
            scale.say(amount(-full, found.unit, full), high, -1.0, 1.0, name.format(n=high))

    def _note(self, found: Comparison) -> str:
        if found.grids is not None:
            return self.tr("resampled: {left} and {right} cells").format(
                left="×".join(map(str, found.grids[0])), right="×".join(map(str, found.grids[1]))
            )
        if not found.same_product:
            return self.tr("two photos: compared by part and word below")
        return self.tr("shares of each map") if found.unit == "share" else ""

    def _resampled(self, found: Comparison) -> str:
        if found.grids is None:
            return ""
        text = self.tr(
            "The sides see the photo in {left} and {right} cells. Each cell's share is spread evenly over its area, "
            "and the difference is taken on {common} cells; sums stay what they are."
        )
        left, right, common = ("×".join(map(str, grid)) for grid in found.grids)
        return text.format(left=left, right=right, common=common)
