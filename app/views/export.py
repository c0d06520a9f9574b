"""The Export dialog: what, in which form, where to. One for every view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QDate, QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app import exporting
from app.disk_thread import DiskThread
from app.exporting import About
from app.i18n import joined
from app.questions import Engine, Questions, Step
from app.theme import set_role
from app.views.view import Numbers, View
from engine.errors import HeedmapError
from engine.explain.types import Explanation
from engine.files import write_bytes

_PREVIEW = QSize(340, 236)
_PREVIEW_ROWS = 6
_UNFIT = '\\/:*?"<>|\n\t'  # for the name of a file on some system


def tr(text: str) -> str:
    return QCoreApplication.translate("Export", text)


@dataclass(frozen=True)
class Form:
    """One form of export. `of`: "picture", "numbers" or both of them as a "page"; or the "explanation" itself."""

    suffix: str
    name: str
    about: str
    of: str


def view_forms() -> list[Form]:
    return [
        Form(".png", tr("Picture (PNG)"), tr("Twice the size of the screen, for slides and messages."), "picture"),
        Form(".svg", tr("Drawing (SVG)"), tr("Sharp at every size; its text can be searched and edited."), "picture"),
        Form(".pdf", tr("Page (PDF)"), tr("One page of paper with title, run, data set and date."), "picture"),
        Form(".html", tr("Web page (HTML)"), tr("One file with the picture and the tables; opens offline."), "page"),
        Form(
            ".csv",
            tr("Table (CSV)"),
            tr("UTF-8 with the mark by which Excel knows it; commas, one heading."),
            "numbers",
        ),
        Form(".parquet", tr("Table (Parquet)"), tr("Typed columns, for Python and databases."), "numbers"),
    ]


def explanation_forms() -> list[Form]:
    return [
        Form(
            ".html",
            tr("Web page (HTML)"),
            tr("Photo, words, sum and sentences in one file; opens offline."),
            "explanation",
        ),
        Form(".svg", tr("Drawing (SVG)"), tr("The sum and the photo under its heat as one figure."), "explanation"),
        Form(".csv", tr("Table (CSV)"), tr("A row for each word, cell and attribute."), "explanation"),
        Form(".json", tr("Data (JSON)"), tr("Everything that is known of it, for other programs."), "explanation"),
    ]


class _Writer(QObject):
    """Packs and writes beside the Qt thread."""

    done = Signal(str)  # the file
    failed = Signal(str, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.disk = DiskThread()

    def write(self, out: Path, make: Callable[[], bytes]) -> None:
        self.disk.start(partial(self._write, out, make))

    def _write(self, out: Path, make: Callable[[], bytes]) -> None:
        try:
            write_bytes(out, make())
            self.done.emit(str(out))
        except HeedmapError as error:
            self.failed.emit(error.message, error.hint)
        except OSError as error:
            self.failed.emit(f"{out}: {error.strerror}.", "")


class ExportDialog(QDialog):
    """Exports a view as it stands, or the explanation that is shown. `saved` tells the first file written."""

    saved = Signal(str)

    def __init__(
        self,
        view: View,
        name: str,
        about: About,
        engine: Engine,
        *,
        explanation: Explanation | None = None,
        dataset: str = "",
        folder: str = "",
        form: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """name: what the window calls the view. folder, form (a suffix): what was chosen last time."""
        super().__init__(parent)
        self._view, self._name, self._about = view, name, about
        self._explanation, self._dataset = explanation, dataset
        self._image = exporting.picture(view)
        self._tables: Numbers = {key: value for key, value in view.numbers().items() if value}
        self._whole = view.whole()
        self._folder = Path(folder) if folder and Path(folder).is_dir() else Path.home()
        self._left: list[Callable[[], None]] = []  # files still to be written
        self._first = ""
        self._suffix = form
        self._writer = _Writer(self)
        self._writer.done.connect(self._written)
        self._writer.failed.connect(self._failed)
        self._questions = Questions(engine, "export", self)
        self._questions.failed.connect(self._failed)
        self._questions.stepped.connect(self._stepped)
        self.setWindowTitle(tr("Export"))
        self.what = QComboBox()
        self.form = QComboBox()
        self.table = QComboBox()
        self.place = QLineEdit()
        self._about_form = QLabel()
        self._message = QLabel()
        self.save = QPushButton()
        self.cancel = QPushButton(tr("Cancel"))
        self._lay_out()
        self._fill(form)

    # --- how it is built --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._picture.setAccessibleName(tr("Preview"))
        self._rows = QTableWidget()
        set_role(self._rows, "plain")
        self._rows.setAccessibleName(tr("Preview"))
        self._rows.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._rows.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._rows.verticalHeader().hide()
        self._rows.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._rows.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        self._rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._rows.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._rows.setShowGrid(False)
        self._preview = QStackedWidget()
        self._preview.addWidget(self._picture)
        self._preview.addWidget(self._rows)
        frame = QFrame()
        set_role(frame, "panel")
        frame.setFixedSize(_PREVIEW)
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(8, 8, 8, 8)
        inside.addWidget(self._preview)
        browse = QPushButton(tr("Browse…"))
        browse.clicked.connect(self._browse)
        for button in (browse, self.cancel):
            button.setAutoDefault(False)  # Enter exports
        set_role(self._about_form, "small")
        self._about_form.setWordWrap(True)
        self._numbers = QLabel(tr("Numbers"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for row, (label, control) in enumerate(
            (
                (QLabel(tr("What")), self.what),
                (QLabel(tr("Form")), self.form),
                (None, self._about_form),
                (self._numbers, self.table),
                (QLabel(tr("Where")), self.place),
            )
        ):
            if label is not None:
                label.setBuddy(control)
                control.setAccessibleName(label.text())
                grid.addWidget(label, row, 0)
            if control is not self.place:
                grid.addWidget(control, row, 1)
        where = QHBoxLayout()
        where.setSpacing(8)
        where.addWidget(self.place, 1)
        where.addWidget(browse)
        grid.addLayout(where, 4, 1)
        grid.addWidget(self._message, 5, 1)
        grid.setRowStretch(6, 1)
        self._message.setWordWrap(True)
        self._message.setMinimumHeight(self._message.fontMetrics().height() * 2 + 4)
        self._message.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._message.setTextFormat(Qt.TextFormat.PlainText)
        self._message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(frame, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(grid, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.save)
        set_role(self.save, "primary")
        self.save.setDefault(True)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 16, 16, 16)
        whole.setSpacing(16)
        whole.addLayout(top, 1)
        whole.addLayout(buttons)
        self.setMinimumWidth(880)
        for combo in (self.what, self.form, self.table):
            combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _fill(self, form: str) -> None:
        self.what.addItem(tr("This view: {0}").format(self._name), "view")
        if self._explanation is not None:
            self.what.addItem(tr("The explanation: {0}").format(self._explanation.title), "explanation")
        self.what.currentIndexChanged.connect(lambda _: self._offer(self._suffix))
        self.form.currentIndexChanged.connect(lambda _: self._turn())
        self.table.currentIndexChanged.connect(lambda _: self._show_preview())
        self.table.currentIndexChanged.connect(lambda _: self._look())
        self.place.textEdited.connect(lambda _: self._look())
        self.save.clicked.connect(self._start)
        self.cancel.clicked.connect(self.reject)
        self._offer(form)

    @property
    def _forms(self) -> list[Form]:
        if self.what.currentData() == "explanation":
            return explanation_forms()
        return [form for form in view_forms() if form.of != "numbers" or self._tables]

    @property
    def _chosen(self) -> Form:
        return self._forms[max(self.form.currentIndex(), 0)]

    def _offer(self, suffix: str) -> None:
        """Offer the forms of what is chosen; the one with `suffix` where there is such a one."""
        forms = self._forms
        self.form.blockSignals(True)
        self.form.clear()
        self.form.addItems([form.name for form in forms])
        suffixes = [form.suffix for form in forms]
        self.form.setCurrentIndex(suffixes.index(suffix) if suffix in suffixes else 0)
        self.form.blockSignals(False)
        self._turn()

    def _turn(self) -> None:
        """Another form: its words, its tables, its suffix."""
        form = self._chosen
        self._suffix = form.suffix
        self._about_form.setText(form.about)
        tables = form.of == "numbers"
        self._numbers.setVisible(tables)
        self.table.setVisible(tables)
        self.table.blockSignals(True)
        self.table.clear()
        if tables:
            if len(self._tables) > 1:
                self.table.addItem(tr("All, one file each"), "")
            for name in self._tables:
                self.table.addItem(self._called(name), name)
        self.table.blockSignals(False)
        kept = Path(self.place.text())
        stem = kept.stem if self.place.text() and self.place.isModified() else self._stem()
        folder = kept.parent if self.place.text() else self._folder
        modified = self.place.isModified()
        self.place.setText(str(folder / f"{stem}{form.suffix}"))
        self.place.setModified(modified)
        self._show_preview()
        self._look()

    def _stem(self) -> str:
        """A name for the file: the view, what it shows, the day."""
        found = self._explanation
        shown = [found.title, found.user] if found is not None and self._about.product else []
        first = tr("Explanation") if self.what.currentData() == "explanation" else self._name
        day = QDate.currentDate().toString(Qt.DateFormat.ISODate)
        text = " - ".join([first, *shown, day])
        return "".join("-" if letter in _UNFIT else letter for letter in text)[:120].strip(" .")

    # --- what it shows ----------------------------------------------------------------------------------------------

    def _show_preview(self) -> None:
        form = self._chosen
        self._preview.setCurrentIndex(1 if form.of == "numbers" else 0)
        if form.of == "numbers":
            self._show_rows()
        else:
            self._show_picture()

    def _show_picture(self) -> None:
        room = _PREVIEW - QSize(18, 18)
        ratio = self.devicePixelRatioF()
        how = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        pixmap = QPixmap.fromImage(self._image.scaled(room * ratio, *how))
        pixmap.setDevicePixelRatio(ratio)
        self._picture.setPixmap(pixmap)

    def _show_rows(self) -> None:
        columns = self._tables[self.table.currentData() or next(iter(self._tables))]
        names = list(columns)[:4]
        rows = min(_PREVIEW_ROWS, len(columns[names[0]]))
        self._rows.setRowCount(rows)
        self._rows.setColumnCount(len(names))
        self._rows.setHorizontalHeaderLabels(names)
        for place, name in enumerate(names):
            for row in range(rows):
                value = columns[name][row]
                text = "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
                self._rows.setItem(row, place, QTableWidgetItem(text))
            self._rows.setColumnWidth(place, (_PREVIEW.width() - 20) // len(names))

    def _look(self) -> None:
        """Say what will be written over, and whether the place will do."""
        outs = self._outs()
        there = [out.name for out in outs if out.exists()]
        several = len(outs) > 1
        text = ""
        if there:
            text = tr("{0} is there already and will be replaced.").format(", ".join(there))
        elif several:
            text = tr("One file each: {0}.").format(", ".join(map(self._called, self._tables)))
        elif (whole := self._whole.get(self.table.currentData())) is not None and self._chosen.of == "numbers":
            text = self.tr("%n row(s), all that were found.", "", whole.rows)
        self._say(text)
        self.save.setText(tr("Replace") if there else tr("Export"))
        self.save.setEnabled(bool(self.place.text().strip()))

    def _say(self, text: str, *, error: bool = False) -> None:
        set_role(self._message, "error" if error else "muted")
        self._message.setText(text)

    @property
    def message(self) -> str:
        return self._message.text()

    def _outs(self) -> list[Path]:
        """The files that will be written."""
        form = self._chosen
        out = Path(self.place.text().strip()).expanduser()
        if not out.is_absolute():
            out = self._folder / out
        if not out.name or out.is_dir():  # a folder, for a file of the usual name
            out = out / f"{self._stem()}{form.suffix}"
        if out.suffix.lower() != form.suffix:
            out = out.with_name(out.name + form.suffix)
        if form.of == "numbers" and not self.table.currentData() and len(self._tables) > 1:
            return [out.with_name(f"{out.stem} {self._called(name)}{form.suffix}") for name in self._tables]
        return [out]

    def _browse(self) -> None:
        form = self._chosen
        # what is there is told below the field
        quiet = QFileDialog.Option.DontConfirmOverwrite
        answer, _ = QFileDialog.getSaveFileName(
            self, tr("Export"), self.place.text(), f"{form.name} (*{form.suffix})", options=quiet
        )
        if answer:
            self.place.setText(answer)
            self.place.setModified(True)
            self._look()

    # --- what it does -----------------------------------------------------------------------------------------------

    @property
    def folder(self) -> str:
        """Where the files went, for the next time."""
        return str(self._outs()[0].parent)

    @property
    def suffix(self) -> str:
        return self._chosen.suffix

    def _start(self) -> None:
        self._say(tr("Writing…"))
        self._busy(True)
        form, outs = self._chosen, self._outs()
        self._first = str(outs[0])
        if form.of == "numbers":
            chosen = self.table.currentData()
            names = [chosen] if chosen else list(self._tables)
            self._left = [partial(self._write_table, name, out) for name, out in zip(names, outs, strict=True)]
        elif form.of == "explanation":
            self._left = [partial(self._write_explanation, outs[0])]
        else:
            self._left = [partial(self._write_view, form.suffix, outs[0])]
        self._left.pop(0)()

    def _write_view(self, suffix: str, out: Path) -> None:
        make: Callable[[], bytes]
        if suffix == ".png":
            make = partial(exporting.png, QImage(self._image))
        elif suffix == ".html":
            make = partial(exporting.page, QImage(self._image), self._tables, self._about)
        else:
            draw = exporting.svg if suffix == ".svg" else exporting.pdf
            try:
                drawn = draw(self._view, self._about)  # widgets draw on the Qt thread alone
            except Exception:
                self._failed(tr("This view could not be drawn so."), tr("As a picture (PNG) it can be exported."))
                raise
            make = lambda: drawn  # noqa: E731
        self._writer.write(out, make)

    def _called(self, name: str) -> str:
        """What a table is called in its file."""
        return self._whole[name].name if name in self._whole else name

    def _write_table(self, name: str, out: Path) -> None:
        columns = self._tables[name]
        if name in self._whole:
            self._questions.ask("write_rows", self._written, **self._whole[name].asks, out=str(out))
        elif out.suffix == ".csv":
            self._writer.write(out, partial(exporting.table_csv, columns))
        else:
            plain = {key: list(values) for key, values in columns.items()}
            self._questions.ask("write_table", self._written, columns=plain, out=str(out))

    def _write_explanation(self, out: Path) -> None:
        found = self._explanation
        assert found is not None
        noted = replace(found, notes=(*found.notes, *(tr("Note: {0}").format(note) for note in self._about.notes)))
        self._questions.ask("write_explanation", self._written, explanation=noted, dataset=self._dataset, out=str(out))

    def _stepped(self, step: Step) -> None:
        if step.share is not None:
            self._say(joined([tr("Writing…"), f"{step.share:.0%}"]))

    def _written(self, _out: Any) -> None:
        if self._left:
            self._left.pop(0)()
            return
        self._busy(False)
        self.saved.emit(self._first)
        self.accept()

    def _failed(self, message: str, hint: str) -> None:
        self._left.clear()
        self._busy(False)
        self._say(f"{message} {hint}".strip(), error=True)

    def _busy(self, on: bool) -> None:
        for control in (self.what, self.form, self.table, self.place, self.save):
            control.setEnabled(not on)

    def done(self, result: int) -> None:
        self._questions.drop_all()
        self._writer.disk.wait()
        super().done(result)
