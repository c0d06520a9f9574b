"""The form of a training: a dataset, the settings that matter first, the rest folded away."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.i18n import joined
from app.theme import set_role
from app.workspace import Workspace
from engine.errors import HeedmapError
from engine.training.config import Config

FIRST = ("fusion", "epochs", "dim", "heads", "history", "learning_rate", "dropout", "split", "seed")
HIDDEN = ("threads",)
WIDTH = 316


def tr(text: str) -> str:
    return QCoreApplication.translate("Setting", text)


def setting_name(name: str) -> str:
    """What the window calls a setting."""
    names = {
        "split": tr("Split"),
        "modalities": tr("Modalities"),
        "identity": tr("Identity"),
        "outside_reviews": tr("Outside reviews"),
        "aspects": tr("Aspects of reviews"),
        "reviews": tr("Reviews"),
        "text_pieces": tr("Pieces per text"),
        "item_pieces": tr("Pieces per product"),
        "components": tr("Components"),
        "text_encoder": tr("Text encoder"),
        "image_encoder": tr("Photo encoder"),
        "audio_encoder": tr("Sound encoder"),
        "photo_cells": tr("Photo cells"),
        "audio_seconds": tr("Seconds of sound"),
        "quantise": tr("Quantisation"),
        "context": tr("Context of past events"),
        "profile": tr("Shopper's profile"),
        "fusion": tr("Fusion"),
        "linear": tr("Linear term"),
        "newcomers": tr("Price of new products"),
        "rating": tr("Rating head"),
        "objective": tr("Objective"),
        "align": tr("Alignment"),
        "align_weight": tr("Weight of the alignment"),
        "long_tail": tr("Long-tail weight"),
        "history_crop": tr("Crop histories"),
        "history_mask": tr("Thin histories"),
        "history_reorder": tr("Shuffle histories"),
        "word_dropout": tr("Word dropout"),
        "adversarial": tr("Adversarial nudge"),
        "attention_epochs": tr("Attention epochs"),
        "refit": tr("Last epochs on all events"),
        "dim": tr("Dimensions"),
        "heads": tr("Heads"),
        "blocks": tr("Blocks"),
        "history": tr("History length"),
        "dropout": tr("Dropout"),
        "modality_dropout": tr("Modality dropout"),
        "identity_dropout": tr("Identity dropout"),
        "negatives": tr("Negatives"),
        "epochs": tr("Epochs"),
        "patience": tr("Patience"),
        "batch": tr("Batch"),
        "learning_rate": tr("Learning rate"),
        "weight_decay": tr("Weight decay"),
        "accumulate": tr("Portions per step"),
        "tune": tr("Fine-tuning"),
        "tune_modalities": tr("Encoders to tune"),
        "tune_epochs": tr("Epochs of fine-tuning"),
        "tune_rank": tr("Size of adapters"),
        "tune_learning_rate": tr("Learning rate of encoders"),
        "tune_batch": tr("Batch of fine-tuning"),
        "tune_items": tr("Products encoded per step"),
        "photo_augment": tr("Vary photos"),
        "precision": tr("Precision"),
        "track": tr("Record of the training"),
        "checkpoints": tr("Checkpoints"),
        "seed": tr("Seed"),
        "device": tr("Device"),
        "threads": tr("Threads"),
    }
    return names.get(name, name.replace("_", " ").capitalize())


def choice_name(choice: str) -> str:
    """What the window calls one of a setting's choices."""
    names = {
        "weighted": tr("weighted"),
        "concat": tr("concat"),
        "gated": tr("gated"),
        "cross": tr("cross"),
        "softmax": tr("softmax"),
        "bce": tr("cross-entropy, one by one"),
        "bpr": tr("pairs (BPR)"),
        "mse": tr("squared error of ratings"),
        "infonce": tr("contrast (InfoNCE)"),
        "triplet": tr("triplets"),
        "auto": tr("automatic"),
        "ease": tr("EASE"),
        "neighbours": tr("near neighbours"),
        "kind": tr("kind of event"),
        "gap": tr("time since the last one"),
        "hour": tr("hour of the day"),
        "weekday": tr("weekday"),
        "season": tr("season"),
        "carried": tr("what the events carry"),
        "attention": tr("attention"),
        "temporal": tr("temporal"),
        "leave-one-out": tr("leave-one-out"),
        "text": tr("words"),
        "audio": tr("sound"),
        "none": tr("none"),
        "int8": tr("int8"),
        "lora": tr("LoRA"),
        "adalora": tr("AdaLoRA"),
        "prefix": tr("prefix"),
        "adapter": tr("bottleneck adapters"),
        "full": tr("all weights"),
        "fp32": tr("32 bits"),
        "bf16": tr("bfloat16"),
        "fp16": tr("float16"),
        "best": tr("the best epoch"),
        "some": tr("about ten epochs"),
        "every": tr("every epoch"),
        "tensorboard": tr("TensorBoard"),
        "wandb": tr("Weights & Biases, offline"),
        "image": tr("photo"),
        "attribute": tr("attributes"),
        "link": tr("links"),
    }
    return names.get(choice, choice)


class Choices(QWidget):
    """Several of a few: a check box each."""

    changed = Signal()

    def __init__(self, choices: tuple[str, ...]) -> None:
        super().__init__()
        self._boxes = {choice: QCheckBox(choice_name(choice)) for choice in choices}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        for place, box in enumerate(self._boxes.values()):
            grid.addWidget(box, place, 0)
            box.toggled.connect(self.changed)

    def value(self) -> tuple[str, ...]:
        return tuple(choice for choice, box in self._boxes.items() if box.isChecked())

    def put(self, value: tuple[str, ...]) -> None:
        for choice, box in self._boxes.items():
            box.setChecked(choice in value)


class Field:
    """One setting as a control, made from what `Config` says of it."""

    def __init__(self, name: str, default: Any, meta: dict[str, Any]) -> None:
        self.name = name
        self.default = default
        self.control = self._make(default, meta)
        self.control.setAccessibleName(setting_name(name))
        self.control.setToolTip(tr(meta["help"]))
        self.put(default)

    def _make(self, default: Any, meta: dict[str, Any]) -> QWidget:
        if isinstance(default, bool):
            return QCheckBox()
        if isinstance(default, tuple):
            return Choices(meta["choices"])
        if isinstance(default, str) and meta["choices"]:
            box = QComboBox()
            for choice in meta["choices"]:
                box.addItem(choice_name(choice), choice)
            return box
        if isinstance(default, int):
            number = QSpinBox()
            number.setRange(int(meta["low"]), int(meta["high"]))
            number.setGroupSeparatorShown(True)
            return number
        if isinstance(default, float):
            real = QDoubleSpinBox()
            small = default < 0.05
            real.setDecimals(5 if small else 2)
            real.setSingleStep(0.001 if small else 0.05)
            real.setRange(meta["low"], meta["high"])
            return real
        return QLineEdit()

    def put(self, value: Any) -> None:
        control = self.control
        if isinstance(control, QCheckBox):
            control.setChecked(bool(value))
        elif isinstance(control, QComboBox):
            control.setCurrentIndex(control.findData(value))
        elif isinstance(control, QSpinBox | QDoubleSpinBox):
            control.setValue(value)
        elif isinstance(control, Choices):
            control.put(value)
        elif isinstance(control, QLineEdit):
            control.setText(str(value))

    def value(self) -> Any:
        control = self.control
        if isinstance(control, QCheckBox):
            return control.isChecked()
        if isinstance(control, QComboBox):
            return control.currentData()
        if isinstance(control, QSpinBox):
            return control.value()
        if isinstance(control, QDoubleSpinBox):
            return round(control.value(), control.decimals())
        if isinstance(control, Choices):
            return control.value()
        assert isinstance(control, QLineEdit)
        return control.text().strip()


class TrainForm(QFrame):
    """Emits `start_asked` with valid settings only; what is wrong stands above the button."""

    start_asked = Signal(str, object)  # dataset folder, settings

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "panel")
        self.setFixedWidth(WIDTH)
        self._workspace = workspace
        self.dataset = QComboBox()
        self.dataset.setAccessibleName(self.tr("Dataset"))
        self.dataset.setToolTip(self.tr("The shop's data that the model learns from"))
        self._counts = QLabel()
        set_role(self._counts, "small")
        self._counts.setWordWrap(True)
        self.fields = {
            one.name: Field(one.name, one.default, dict(one.metadata))
            for one in fields(Config)
            if one.name not in HIDDEN and one.default is not MISSING
        }
        self._fault = QLabel()
        set_role(self._fault, "error")
        self._fault.setWordWrap(True)
        self.start = QPushButton(self.tr("Start training"))
        set_role(self.start, "primary")
        self.start.setShortcut("Ctrl+Return")
        self.start.setToolTip(self.tr("Train with these settings (Ctrl+Enter)"))
        self.start.clicked.connect(self._start)
        self._lay_out()
        self.dataset.currentIndexChanged.connect(lambda _: self._check())
        for field in self.fields.values():
            self._follow(field.control)
        workspace.changed.connect(lambda _: self._fill())
        self._fill()

    def _follow(self, control: QWidget) -> None:
        if isinstance(control, QCheckBox):
            control.toggled.connect(lambda _: self._check())
        elif isinstance(control, QComboBox):
            control.currentIndexChanged.connect(lambda _: self._check())
        elif isinstance(control, QSpinBox | QDoubleSpinBox):
            control.valueChanged.connect(lambda _: self._check())
        elif isinstance(control, Choices):
            control.changed.connect(self._check)
        elif isinstance(control, QLineEdit):
            control.textChanged.connect(lambda _: self._check())

    def _lay_out(self) -> None:
        content = QWidget()
        set_role(content, "content")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 10, 0)
        column.setSpacing(8)
        column.addWidget(self._rows(FIRST))
        self.more = QToolButton()
        self.more.setText(self.tr("More settings"))
        self.more.setCheckable(True)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        rest = self._rows(tuple(name for name in self.fields if name not in FIRST))
        rest.hide()
        self.more.toggled.connect(rest.setVisible)
        self.more.toggled.connect(
            lambda on: self.more.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        )
        column.addWidget(self.more)
        column.addWidget(rest)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
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
        whole.addLayout(top)
        whole.addSpacing(4)
        whole.addWidget(scroll, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(0, 0, 10, 0)
        foot.setSpacing(8)
        foot.addWidget(self._fault)
        foot.addWidget(self.start)
        whole.addLayout(foot)

    def _rows(self, names: tuple[str, ...]) -> QWidget:
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
            self.fields[name].control.setMinimumWidth(120)
            form.addRow(label, self.fields[name].control)
        return part

    def choose_dataset(self, folder: str) -> None:
        self.dataset.setCurrentIndex(max(self.dataset.findData(folder), 0))

    def settings(self) -> dict[str, Any]:
        """The settings as they stand, checked. HeedmapError names the first wrong one."""
        given = {name: field.value() for name, field in self.fields.items()}
        Config.from_settings(given)
        return given

    def _fill(self) -> None:
        kept = self.dataset.currentData()
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
        self._fault.setText(fault)
        self._fault.setVisible(bool(fault))
        self.start.setEnabled(chosen is not None and not fault)

    def _start(self) -> None:
        self.start_asked.emit(self.dataset.currentData(), self.settings())
