"""The form of a training: a dataset, a preset, the settings that matter first, the rest folded away; help for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.i18n import joined
from app.read_only import enable
from app.theme import set_role
from app.views.panel import Search
from app.views.setting_fields import Field
from app.views.setting_names import FIRST, setting_fault, setting_groups, setting_name
from app.views.train_presets import presets
from app.workspace import Workspace
from engine.errors import HeedmapError
from engine.training.config import Config
from engine.workspace import DatasetEntry

HIDDEN = ("threads",)
WIDTH = 316
OWN = ""  # the preset of settings that are of none


class TrainForm(QFrame):
    """Emits `start_asked` with valid settings only; what is wrong stands above the button."""

    start_asked = Signal(str, object)  # dataset folder, settings

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "panel")
        self.setFixedWidth(WIDTH)
        self._workspace = workspace
        self._presets = {one.id: one for one in presets()}
        self._from = "standard"  # the preset that the settings came from
        self.by_hand = False  # whether the dataset was chosen by hand
        self._suggested = ""  # else the dataset of the open run
        self.dataset = QComboBox()
        self.dataset.setAccessibleName(self.tr("Dataset"))
        self.dataset.setToolTip(self.tr("The shop's data that the model learns from"))
        self._counts = QLabel()
        set_role(self._counts, "small")
        self._counts.setWordWrap(True)
        self.preset = QComboBox()
        self.preset.setAccessibleName(self.tr("Preset"))
        self.preset.setToolTip(self.tr("Settings that belong together; each can still be changed"))
        for one in self._presets.values():
            self.preset.addItem(one.name, one.id)
        self.preset.addItem(self.tr("Your own"), OWN)
        self.reset = QPushButton(self.tr("Reset"))
        set_role(self.reset, "link")
        self.reset.setToolTip(self.tr("Back to the settings of the preset"))
        self._about = QLabel()
        set_role(self._about, "small")
        self._about.setWordWrap(True)
        self._about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._about.setFixedHeight(2 * self._about.fontMetrics().lineSpacing() + 2)
        self.fields = {
            one.name: Field(one.name, one.default, dict(one.metadata))
            for one in fields(Config)
            if one.name not in HIDDEN and one.default is not MISSING
        }
        self._labels: dict[str, QLabel] = {}
        self._parts: list[tuple[QWidget, QFormLayout, tuple[str, ...], QLabel | None]] = []
        self.search = Search()
        self.help = QLabel()
        self._fault = QLabel()
        self.start = QPushButton(self.tr("Start training"))
        self._lay_out()
        self.dataset.currentIndexChanged.connect(lambda _: self._check())
        self.dataset.activated.connect(lambda _: setattr(self, "by_hand", True))
        self.preset.activated.connect(lambda _: self.choose_preset(self.preset.currentData()))
        self.reset.clicked.connect(lambda: self.choose_preset(self._from))
        self.search.textChanged.connect(self._filter)
        for field in self.fields.values():
            field.follow(self._check)
            for control in field.inner():
                control.installEventFilter(self)
                control.setProperty("setting", field.name)
        self._listed: tuple[DatasetEntry, ...] = ()
        workspace.changed.connect(self._list)
        workspace.dataset_beside.connect(self._list)
        self._fill()
        self._filter("")

    def _lay_out(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 12, 8, 14)
        whole.setSpacing(8)
        head = QLabel(self.tr("New training"))
        set_role(head, "heading")
        whole.addWidget(head)
        top = QVBoxLayout()
        top.setContentsMargins(0, 0, 10, 0)
        top.setSpacing(4)
        top.addWidget(self.dataset)
        top.addWidget(self._counts)
        top.addSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.preset, 1)
        row.addWidget(self.reset)
        top.addLayout(row)
        top.addWidget(self._about)
        whole.addLayout(top)
        whole.addWidget(self._settings(), 1)
        set_role(self.help, "small")
        self.help.setWordWrap(True)
        self.help.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.help.setFixedHeight(3 * self.help.fontMetrics().lineSpacing() + 2)
        self.help.setText(self.tr("Point at a setting to read what it does."))
        set_role(self._fault, "error")
        self._fault.setWordWrap(True)
        set_role(self.start, "primary")
        self.start.setShortcut("Ctrl+Return")
        self.start.setToolTip(self.tr("Train with these settings (Ctrl+Enter)"))
        self.start.clicked.connect(self._start)
        foot = QVBoxLayout()
        foot.setContentsMargins(0, 0, 10, 0)
        foot.setSpacing(8)
        foot.addWidget(self.help)
        foot.addWidget(self._fault)
        foot.addWidget(self.start)
        whole.addLayout(foot)

    def _settings(self) -> QScrollArea:
        content = QWidget()
        set_role(content, "content")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 4, 10, 0)
        column.setSpacing(8)
        column.addWidget(self._rows(FIRST, None))
        self.more = QToolButton()
        self.more.setText(self.tr("More settings"))
        self.more.setCheckable(True)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.toggled.connect(lambda _: self._filter(self.search.text()))
        self.search.setPlaceholderText(self.tr("Find a setting"))
        self.search.setAccessibleName(self.tr("Find a setting"))
        self.search.setClearButtonEnabled(True)
        column.addWidget(self.more)
        column.addWidget(self.search)
        for title, names in setting_groups(tuple(self.fields)).items():
            heading = QLabel(title)
            set_role(heading, "heading")
            column.addWidget(heading)
            column.addWidget(self._rows(names, heading))
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        return scroll

    def _rows(self, names: tuple[str, ...], heading: QLabel | None) -> QWidget:
        part = QWidget()
        form = QFormLayout(part)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(7)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name in names:
            label = QLabel(setting_name(name))
            label.setToolTip(self.fields[name].control.toolTip())
            label.setMinimumWidth(118)
            label.setWordWrap(True)
            self._labels[name] = label
            self.fields[name].control.setMinimumWidth(120)
            form.addRow(label, self.fields[name].control)
        self._parts.append((part, form, names, heading))
        return part

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Help for the setting that the pointer or the focus is on."""
        if event.type() in (QEvent.Type.Enter, QEvent.Type.FocusIn):
            name = watched.property("setting")
            if name in self.fields:
                self.help.setText(f"{setting_name(name)}: {self.fields[name].control.toolTip()}")
        return super().eventFilter(watched, event)

    def _filter(self, wanted: str) -> None:
        """Show the rows whose name or help holds the text; without one, the first settings, and the rest on demand."""
        words, more = wanted.casefold().split(), self.more.isChecked()
        self.more.setArrowType(Qt.ArrowType.DownArrow if more else Qt.ArrowType.RightArrow)
        self.search.setVisible(more)
        for part, form, names, heading in self._parts:
            seen = 0
            for place, name in enumerate(names):
                said = f"{name} {setting_name(name)} {self.fields[name].control.toolTip()}".casefold()
                shown = (heading is None or more) and (not more or all(word in said for word in words))
                form.setRowVisible(place, shown)
                seen += shown
            if heading is not None:
                heading.setVisible(bool(seen))
            part.setVisible(bool(seen))

    def choose_dataset(self, folder: str) -> None:
        """Choose a dataset as by hand: it stays, whichever run is opened."""
        self.by_hand = True
        self.dataset.setCurrentIndex(max(self.dataset.findData(folder), 0))

    def suggest_dataset(self, folder: str) -> None:
        """Choose a dataset, unless one was chosen by hand."""
        self._suggested = folder
        if not self.by_hand and (place := self.dataset.findData(folder)) >= 0:
            self.dataset.setCurrentIndex(place)

    def choose_preset(self, preset: str) -> None:
        """Put the settings of a preset; "Your own" leaves them as they are."""
        if preset in self._presets:
            self._from = preset
            self.put(self._presets[preset].whole)
        self._check()

    def put(self, settings: Mapping[str, Any]) -> None:
        """Show these settings; those that the form has not are left out."""
        for name, value in settings.items():
            if name in self.fields:
                try:
                    self.fields[name].put(tuple(value) if isinstance(value, list) else value)
                except (TypeError, ValueError):  # kept by another version, of another type
                    continue

    def settings(self) -> dict[str, Any]:
        """The settings as they stand, checked. HeedmapError names the first wrong one."""
        given = self.given()
        Config.from_settings(given)
        return given

    def given(self) -> dict[str, Any]:
        """The same, unchecked."""
        return {name: field.value() for name, field in self.fields.items()}

    def _list(self, *_: object) -> None:
        """The workspace was read again: after each epoch of a training, and then its datasets are as they were."""
        if self._workspace.datasets != self._listed:
            self._fill()

    def _fill(self) -> None:
        self._listed = self._workspace.datasets
        kept = self.dataset.currentData() if self.by_hand else self._suggested or self.dataset.currentData()
        self.dataset.blockSignals(True)
        self.dataset.clear()
        for one in self._workspace.datasets:
            name = self.tr("{0} (synthetic)").format(one.name) if one.synthetic else one.name
            self.dataset.addItem(name, one.folder)
        self.dataset.setCurrentIndex(max(self.dataset.findData(kept), 0) if self.dataset.count() else -1)
        self.dataset.blockSignals(False)
        self._check()

    def _check(self) -> None:
        folder = self.dataset.currentData()
        chosen = next((one for one in self._workspace.datasets if one.folder == folder), None)
        fault = ""
        try:
            self.settings()
        except HeedmapError as error:
            fault = str(error)
            self._fault.setText(setting_fault(error, self.given()))
        if chosen is None:
            self._counts.setText(self.tr("This workspace has no data yet: make the sample or import some."))
        else:
            words = {
                "items": self.tr("{0} products"),
                "users": self.tr("{0} shoppers"),
                "events": self.tr("{0} events"),
            }
            counts = chosen.counts
            self._counts.setText(joined([words[k].format(f"{counts[k]:,}") for k in words if k in counts]))
        self._fault.setVisible(bool(fault))
        enable(self.start, chosen is not None and not fault, self._workspace.folder)
        self._mark(fault)

    def _mark(self, fault: str) -> None:
        """Which preset this is, what differs from it, and what is wrong."""
        given = self.given()
        same = [one for one in self._presets.values() if all(one.whole[name] == given[name] for name in given)]
        preset = same[0] if same else None
        if preset is not None:
            self._from = preset.id
        start = self._presets[self._from]
        self.preset.setCurrentIndex(self.preset.findData(preset.id if preset is not None else OWN))
        self._about.setText(start.about if preset is not None else self.tr("From “{0}”, changed").format(start.name))
        self.reset.setVisible(preset is None)
        whole = start.whole
        for name, label in self._labels.items():
            wrong = re.match(rf"{name}[= ]", fault) is not None
            role = "error" if wrong else "strong" if given[name] != whole[name] else ""
            if label.property("role") != role:
                set_role(label, role)

    def _start(self) -> None:
        if self.start.isEnabled():
            self.start_asked.emit(self.dataset.currentData(), self.settings())
