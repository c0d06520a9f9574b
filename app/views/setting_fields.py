"""The settings of a training as controls, made from what `Config` says of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QGridLayout, QLineEdit, QSpinBox, QWidget

from app.views.setting_names import choice_name, setting_name, tr


class Choices(QWidget):
    """Several of a few: a check box each."""

    changed = Signal()

    def __init__(self, choices: tuple[str, ...]) -> None:
        super().__init__()
        self.by_choice = {choice: QCheckBox(choice_name(choice)) for choice in choices}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        for place, box in enumerate(self.by_choice.values()):
            grid.addWidget(box, place, 0)
            box.toggled.connect(self.changed)

    @property
    def boxes(self) -> list[QWidget]:
        return list(self.by_choice.values())

    def value(self) -> tuple[str, ...]:
        return tuple(choice for choice, box in self.by_choice.items() if box.isChecked())

    def put(self, value: tuple[str, ...]) -> None:
        for choice, box in self.by_choice.items():
            box.setChecked(choice in value)


class Real(QDoubleSpinBox):
    """A number with as many places behind the point as it needs: 0.003, 0.2, 0."""

    def textFromValue(self, value: float) -> str:
        text = super().textFromValue(value)
        point = self.locale().decimalPoint()
        return text.rstrip("0").removesuffix(point) if point in text else text


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
            real = Real()
            small = 0 < default < 0.05
            real.setDecimals(5 if default < 0.05 else 2)
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

    def follow(self, act: Callable[[], None]) -> None:
        """Call `act` whenever the value changes."""
        control = self.control
        if isinstance(control, QCheckBox):
            control.toggled.connect(lambda _: act())
        elif isinstance(control, QComboBox):
            control.currentIndexChanged.connect(lambda _: act())
        elif isinstance(control, QSpinBox | QDoubleSpinBox):
            control.valueChanged.connect(lambda _: act())
        elif isinstance(control, Choices):
            control.changed.connect(act)
        elif isinstance(control, QLineEdit):
            control.textChanged.connect(lambda _: act())

    def inner(self) -> list[QWidget]:
        """What of the control takes the focus."""
        return self.control.boxes if isinstance(self.control, Choices) else [self.control]
