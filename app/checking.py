"""Help > Check this installation: the self-test beside the window, step by step, with its verdict."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, QSize, Qt, QThread, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.crash import without_home
from app.fault_text import fault_text
from app.i18n import joined, stage_text
from app.looking import look_off_screen
from app.theme import ThemeSource, icon_pixmap, mix, set_role
from engine.errors import HeedmapError
from engine.selftest.run import FAILED, OK, SKIPPED, Advanced, Outcome, Report, Wanted, selftest
from engine.selftest.steps import STEPS, Step
from engine.selftest.text import line, verdict

SECONDS = 30.0  # of training: a user waits
_MARK = 14
_SIZE = (760, 640)
_ICONS = {OK: "tick", FAILED: "close"}

Test = Callable[[], Generator[Advanced | Outcome, None, Report]]


def tr(text: str) -> str:
    return QCoreApplication.translate("Selftest", text)


def checked() -> Generator[Advanced | Outcome, None, Report]:
    """The self-test as the window runs it; the window itself is drawn off-screen, for one is on the screen already."""
    return selftest(Wanted(SECONDS, look=look_off_screen))


class _Runner(QThread):
    """Goes through the self-test; each event is told in the window's thread."""

    happened = Signal(object)  # Advanced or Outcome
    ended = Signal(object)  # Report, or a HeedmapError

    def __init__(self, test: Test, parent: QObject) -> None:
        super().__init__(parent)
        self._test = test

    def run(self) -> None:
        steps = self._test()
        try:
            while not self.isInterruptionRequested():
                try:
                    event = next(steps)
                except StopIteration as end:
                    self.ended.emit(end.value)
                    return
                except HeedmapError as error:
                    self.ended.emit(error)
                    return
                self.happened.emit(event)
        finally:
            steps.close()


class CheckDialog(QDialog):
    """Starts when it is shown, and ends the test when it is closed. test: what is run."""

    def __init__(self, themes: ThemeSource, test: Test = checked, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._lines: list[str] = []
        self._report: Report | None = None
        self.setWindowTitle(self.tr("Check this installation"))
        self.resize(*_SIZE)
        self.verdict, self.advice = QLabel(), QLabel()
        self.bar = QProgressBar()
        self.bar.setRange(0, len(STEPS))
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("Progress"))
        self.copy = QPushButton(self.tr("Copy the result"))
        self.copy.setEnabled(False)
        self.stop = QPushButton(self.tr("Stop"))
        self._content = QWidget()
        self._grid = QGridLayout(self._content)
        self._marks: dict[str, QLabel] = {}
        self._said: dict[str, QLabel] = {}
        self._took: dict[str, QLabel] = {}
        self._lay_out()
        self.copy.clicked.connect(self._copy)
        self.stop.clicked.connect(self.reject)
        self._runner = _Runner(test, self)
        self._runner.happened.connect(self._happened)
        self._runner.ended.connect(self._ended)
        QCoreApplication.instance().aboutToQuit.connect(self._end_now)  # type: ignore[union-attr]  # there is one
        self._runner.start()

    def sizeHint(self) -> QSize:
        return QSize(*_SIZE)

    def _lay_out(self) -> None:
        set_role(self.verdict, "figure")
        set_role(self.advice, "muted")
        self.verdict.setText(self.tr("Checking…"))
        self.advice.setText(
            self.tr("A sample is drawn and trained on, explained, audited and shown; it takes two to three minutes.")
        )
        for label in (self.verdict, self.advice):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._grid.setContentsMargins(0, 0, 8, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(10)
        self._grid.setColumnStretch(2, 1)
        for row, step in enumerate(STEPS):
            self._add(row, step)
        self._grid.setRowStretch(len(STEPS), 1)
        set_role(self._content, "content")
        self.rows = QScrollArea()
        self.rows.setWidget(self._content)
        self.rows.setWidgetResizable(True)
        set_role(self.rows, "reading")
        self.rows.setAccessibleName(self.tr("Check this installation"))
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        buttons.addWidget(self.stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(12)
        column.addWidget(self.verdict)
        column.addWidget(self.advice)
        column.addWidget(self.bar)
        column.addWidget(self.rows, 1)
        column.addLayout(buttons)

    def _add(self, row: int, step: Step) -> None:
        mark, title, said, took = QLabel(), QLabel(tr(step.title)), QLabel(), QLabel()
        mark.setFixedWidth(_MARK + 2)
        mark.setContentsMargins(0, 3, 0, 0)  # beside the first line of text
        set_role(said, "muted")
        set_role(took, "muted")
        said.setWordWrap(True)
        said.setTextFormat(Qt.TextFormat.PlainText)
        said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        top = Qt.AlignmentFlag.AlignTop
        self._grid.addWidget(mark, row, 0, top)
        self._grid.addWidget(title, row, 1, top)
        self._grid.addWidget(said, row, 2)
        self._grid.addWidget(took, row, 3, top | Qt.AlignmentFlag.AlignRight)
        self._marks[step.name], self._said[step.name], self._took[step.name] = mark, said, took

    # --- what happens -----------------------------------------------------------------------------------------------

    def _happened(self, event: Advanced | Outcome) -> None:
        name = event.step.name
        if isinstance(event, Advanced):
            stage = stage_text(event.progress.stage) if event.progress is not None else ""
            if not self._said[name].text():
                self.rows.ensureWidgetVisible(self._said[name])
            if stage or not self._said[name].text():
                self._said[name].setText(f"{stage or self.tr('Checking')}…")
            return
        self._lines.append(without_home(line(event)))
        self.bar.setValue(len(self._lines))
        self._mark(event)
        said = event.found.text(tr(event.found.said)) if event.found is not None else self._why(event)
        self._said[name].setText(said)
        if event.state != SKIPPED:
            self._took[name].setText(self.tr("{0} s").format(f"{event.seconds:.1f}"))

    def _mark(self, outcome: Outcome) -> None:
        theme, label = self._themes.theme, self._marks[outcome.step.name]
        words = {OK: self.tr("works"), FAILED: self.tr("does not work")}
        label.setAccessibleName(words.get(outcome.state, self.tr("not tried")))
        label.setToolTip(label.accessibleName())
        if outcome.state in _ICONS:
            colour = mix(theme.good, theme.text, 0.6) if outcome.state == OK else theme.error
            ratio = self.devicePixelRatioF()
            label.setPixmap(icon_pixmap(_ICONS[outcome.state], colour, _MARK, ratio))
        else:
            label.setText("–")

    def _why(self, outcome: Outcome) -> str:
        if outcome.state == FAILED:
            set_role(self._said[outcome.step.name], "error")
            return f"{fault_text(outcome.why)}\n{fault_text(outcome.hint)}".strip()
        return self.tr("not tried: something before it does not work")

    def _ended(self, found: Report | HeedmapError) -> None:
        self.stop.setText(self.tr("Close"))
        self.bar.hide()
        self.copy.setEnabled(True)
        self.copy.setFocus()
        if isinstance(found, HeedmapError):
            set_role(self.verdict, "error")
            self.verdict.setText(fault_text(found.message))
            self.advice.setText(fault_text(found.hint))
            self._lines.append(str(found))
            return
        self._report = found
        self._lines.append(without_home(verdict(found)))
        self._lines += [without_home(one.trace) for one in found.outcomes if one.trace]
        if found.ready:
            self.verdict.setText(self.tr("READY: all of it works"))
            self.advice.setText(joined(self._figures(found)))
            return
        failed = sum(one.state == FAILED for one in found.outcomes)
        self.verdict.setText(self.tr("NOT READY: %n step(s) failed", "", failed))
        self.advice.setText(
            self.tr("Copy the result for who supports Heedmap; what failed and what to do stands below.")
        )

    def _figures(self, report: Report) -> list[str]:
        values = {f"{step}.{name}": value for step, of in report.values.items() for name, value in of.items()}
        found = []
        if "training.epochs" in values:
            found.append(self.tr("%n epoch(s)", "", int(values["training.epochs"])))
        for name, form, digits in (
            ("training.ndcg", "NDCG@10 {0}", 3),
            ("explanation.rate", self.tr("{0} explanations/s"), 0),
            ("window.paint", self.tr("first paint {0} s"), 2),
        ):
            if name in values:
                found.append(form.format(f"{values[name]:.{digits}f}"))
        return [*found, self.tr("{0} s in all").format(f"{report.seconds:.0f}")]

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._lines))
        self.copy.setText(self.tr("Copied"))

    @property
    def report(self) -> Report | None:
        """How it ended, once it did."""
        return self._report

    def done(self, result: int) -> None:
        """Close, once the test and its processes have ended."""
        if self._runner.isRunning():
            self._runner.requestInterruption()
            self.stop.setEnabled(False)
            self.stop.setText(self.tr("Stopping…"))
            self._runner.finished.connect(lambda: super(CheckDialog, self).done(result))
        else:
            super().done(result)

    def _end_now(self) -> None:
        """The program ends: no thread may be left."""
        self._runner.requestInterruption()
        self._runner.wait()


def show_check(themes: ThemeSource, parent: QWidget) -> Any:
    """Open the dialog beside the window's work."""
    dialog = CheckDialog(themes, parent=parent)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog
