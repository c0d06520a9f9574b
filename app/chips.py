"""Small painted things of the shell: the grade chip, a chooser with its name, a coloured dot."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from app.theme import Theme, grade_color, set_role, ui_font


class GradeChip(QWidget):
    """A white letter on the colour of its grade; nothing while there is no grade."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._grade = ""
        self.setFixedSize(22, 20)
        self.hide()

    def show_grade(self, grade: str) -> None:
        self._grade = grade
        self.setToolTip(self.tr("How far this heatmap can be trusted: grade {0}").format(grade) if grade else "")
        self.setAccessibleName(self.toolTip())
        self.setVisible(bool(grade))
        self.update()

    @property
    def grade(self) -> str:
        return self._grade

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(grade_color(self._theme, self._grade))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0, 0.5, 0, -0.5), 5, 5)
        painter.setPen(QColor("white"))
        painter.setFont(ui_font(12, QFont.Weight.Bold))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._grade)


class Dot(QWidget):
    """A round spot of one colour."""

    def __init__(self, color: QColor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = color
        self.setFixedSize(8, 8)

    def set_color(self, color: QColor) -> None:
        if color != self._color:
            self._color = color
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._color)
        painter.drawEllipse(self.rect())


class _Inline(QComboBox):
    def sizeHint(self) -> QSize:
        wide = self.fontMetrics().horizontalAdvance(self.currentText()) + 30
        return QSize(min(max(wide, 60), 240), 26)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 26)

    def paintEvent(self, event: QPaintEvent) -> None:
        """What does not fit ends with an ellipsis; Qt would cut it within a letter."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter = QStylePainter(self)
        complex_, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        painter.drawComplexControl(complex_, option)
        room = self.style().subControlRect(complex_, option, field, self).width()
        option.currentText = option.fontMetrics.elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class Chooser(QFrame):
    """A combo box in a frame with its name before it."""

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "chooser")
        self.setToolTip(tip)
        self.setFixedHeight(32)
        self.box = _Inline()
        set_role(self.box, "inline")
        self.box.setAccessibleName(name)
        self.box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.box.currentTextChanged.connect(lambda _: self.box.updateGeometry())
        label = QLabel(name)
        set_role(label, "small")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 1, 4, 1)
        row.setSpacing(6)
        row.addWidget(label)
        row.addWidget(self.box)
        self._row = row
        self._filled: tuple[list[tuple[str, str]], str] | None = None  # entries and the one that is current

    def add(self, widget: QWidget) -> None:
        self._row.addWidget(widget)

    def fill(self, entries: list[tuple[str, str]], current: str) -> None:
        """Offer (text, value) pairs; nothing is signalled."""
        if self._filled == (entries, current) and self.box.currentData() == (current if entries else None):
            return
        self._filled = (entries, current)
        self.box.blockSignals(True)
        self.box.clear()
        for text, value in entries:
            self.box.addItem(text, value)
        self.box.setCurrentIndex(max(self.box.findData(current), 0) if entries else -1)
        self.box.blockSignals(False)
        self.box.updateGeometry()
        self.setVisible(bool(entries))
        widest = max((self.box.fontMetrics().horizontalAdvance(text) for text, _ in entries), default=0)
        self.box.view().setMinimumWidth(min(widest + 48, 480))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.box.setFocus()
        self.box.showPopup()
