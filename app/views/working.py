"""A line that says what a view's questions are doing: stage, bar, time left, and a way to stop."""

from __future__ import annotations

from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QWidget

from app.i18n import duration, stage_text
from app.questions import Questions, Step
from app.views.panel import Note

_BAR, _LEAST_BAR = 170, 32  # the width of the bar, and where there is little room
_PATIENCE = 400  # milliseconds of work that need no line


class _Bar(QProgressBar):
    """Gives way where there is less room."""

    def sizeHint(self) -> QSize:
        return QSize(_BAR, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(_LEAST_BAR, super().minimumSizeHint().height())


class Working(QWidget):
    """Shown while `questions` are under way for longer than a moment; it keeps its height in the layout, and leaves its
    width to others. The words give way first, then the bar; the way to stop stays."""

    def __init__(self, questions: Questions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._questions = questions
        self._stage = Note()
        self._bar = _Bar()
        self._bar.setTextVisible(False)
        self._bar.setMaximumWidth(_BAR)
        self._bar.setRange(0, 0)
        self._bar.setAccessibleName(self.tr("Progress"))
        self._left = Note()
        self.stop = QPushButton(self.tr("Stop"))
        self.stop.setToolTip(self.tr("Stop this work; what is shown stays"))
        self.stop.clicked.connect(questions.drop_all)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        for widget in (self._stage, self._bar, self._left, self.stop):
            row.addWidget(widget)
        row.addStretch(1)
        kept = self.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        kept.setVerticalPolicy(QSizePolicy.Policy.Fixed)
        self.setSizePolicy(kept)
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE)
        self._patience.timeout.connect(self.show)
        questions.changed.connect(self._changed)
        questions.stepped.connect(self._stepped)
        self.hide()

    def sizeHint(self) -> QSize:
        return self._own(super().sizeHint())

    def minimumSizeHint(self) -> QSize:
        return self._own(super().minimumSizeHint())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.updateGeometry()  # as it keeps its height, Qt takes its width for the same as before

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.updateGeometry()

    def _own(self, size: QSize) -> QSize:
        return QSize(0, size.height()) if self.isHidden() else size

    def _changed(self) -> None:
        if not self._questions.busy:
            self._patience.stop()
            self.hide()
        elif self.isHidden() and not self._patience.isActive():
            self._stage.setText("")
            self._left.setText("")
            self._bar.setRange(0, 0)
            self._patience.start()

    def _stepped(self, step: Step) -> None:
        self._stage.setText(stage_text(step.stage))
        self._bar.setRange(0, 0 if step.share is None else 1000)
        self._bar.setValue(round(1000 * (step.share or 0.0)))
        self._left.setText("" if step.seconds_left is None else duration(step.seconds_left))
