"""Which products a rule is about: a field of the dataset, a test, and its values."""

from __future__ import annotations

from PySide6.QtCore import QLocale, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from app.rule_words import condition_words, field_name, plain
from app.rules_view.picked import Picked
from app.theme import ThemeSource, set_role
from engine.rule_book import RuleField
from engine.rules import Condition

_IS, _NOT, _RANGE, _KNOWN, _UNKNOWN, _WRITTEN = "is", "is not", "range", "known", "unknown", "written"


class ConditionEditor(QWidget):
    """`condition` is None while something is missing or wrong; `fault` says what. A condition of several tests, which
    only a hand-written file can hold, is kept as it is written."""

    changed = Signal()
    typed = Signal()  # an end of the range; it goes on
    finished = Signal()  # the typing

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields: dict[str, RuleField] = {}
        self._written: Condition | None = None
        self._filling = False
        self.field = QComboBox()
        self.field.setAccessibleName(self.tr("What the condition looks at"))
        self.test = QComboBox()
        self.test.setAccessibleName(self.tr("What is asked of it"))
        self.values = Picked(themes, self.tr("Values"), self.tr("Type or click to add a value"))
        self.low, self.high = QLineEdit(), QLineEdit()
        self.low.setAccessibleName(self.tr("From"))
        self.high.setAccessibleName(self.tr("To"))
        self._range = QWidget()
        row = QHBoxLayout(self._range)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for name, field in ((self.tr("from"), self.low), (self.tr("to"), self.high)):
            label = QLabel(name)
            set_role(label, "muted")
            row.addWidget(label)
            row.addWidget(field, 1)
        top = QHBoxLayout()
        top.setSpacing(8)
        for box, wide in ((self.field, 3), (self.test, 2)):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            top.addWidget(box, wide)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.values)
        column.addWidget(self._range)
        self.field.currentIndexChanged.connect(self._field_chosen)
        self.test.currentIndexChanged.connect(self._test_chosen)
        self.values.changed.connect(self._edited)
        for end in (self.low, self.high):
            end.textEdited.connect(self._typed)
            end.editingFinished.connect(self.finished)

    def offer(self, fields: tuple[RuleField, ...]) -> None:
        """The fields that the dataset has."""
        self._fields = {one.name: one for one in fields}

    def put(self, condition: Condition | None) -> None:
        """Show a condition, or an empty one; nothing is signalled."""
        self._filling = True
        self._written = condition if condition is not None and _tests(condition) > 1 else None
        self.field.clear()
        names = list(self._fields)
        if condition is not None and condition.field not in self._fields:
            names.insert(0, condition.field)
        for name in names:
            self.field.addItem(field_name(name), name)
        wanted = condition.field if condition is not None else next(iter(names), "")
        self.field.setCurrentIndex(self.field.findData(wanted))
        self._offer_tests()
        self.test.setCurrentIndex(max(self.test.findData(_test_of(condition)), 0))
        self.values.put(() if condition is None else condition.one_of or condition.none_of or ())
        self.low.setText(_text(condition.at_least if condition is not None else None))
        self.high.setText(_text(condition.at_most if condition is not None else None))
        self._show()
        self._filling = False

    def condition(self) -> Condition | None:
        field, test = str(self.field.currentData() or ""), self.test.currentData()
        if not field or self.fault():
            return None
        if test == _WRITTEN:
            return self._written
        if test in (_KNOWN, _UNKNOWN):
            return Condition(field, present=test == _KNOWN)
        if test == _RANGE:
            return Condition(field, at_least=_number(self.low.text()), at_most=_number(self.high.text()))
        return Condition(field, one_of=self.values.keys) if test == _IS else Condition(field, none_of=self.values.keys)

    def fault(self) -> str:
        """What is missing or wrong, or ""."""
        test = self.test.currentData()
        if not self.field.currentData():
            return self.tr("The products of this dataset have nothing to ask for.")
        if test in (_IS, _NOT) and not self.values.keys:
            return self.tr("Choose at least one value.")
        if test != _RANGE:
            return ""
        low, high = _number(self.low.text()), _number(self.high.text())
        for field, value in ((self.low, low), (self.high, high)):
            if field.text().strip() and value is None:
                return self.tr("{0} is not a number.").format(field.text().strip())
        if low is None and high is None:
            return self.tr("Give at least one end of the range.")
        if low is not None and high is not None and low > high:
            return self.tr("The range ends before it begins.")
        return ""

    def mark(self) -> None:
        """Frame the end of the range that is not a number."""
        for field in (self.low, self.high):
            wrong = bool(field.text().strip()) and _number(field.text()) is None
            if field.property("invalid") != wrong:
                field.setProperty("invalid", wrong)
                field.style().unpolish(field)
                field.style().polish(field)

    def _offer_tests(self) -> None:
        known = self._fields.get(str(self.field.currentData() or ""))
        self.test.clear()
        self.test.addItem(self.tr("is any of"), _IS)
        self.test.addItem(self.tr("is none of"), _NOT)
        if known is None or known.low is not None:
            self.test.addItem(self.tr("is between"), _RANGE)
        self.test.addItem(self.tr("is known"), _KNOWN)
        self.test.addItem(self.tr("is not known"), _UNKNOWN)
        if self._written is not None and self._written.field == self.field.currentData():
            self.test.addItem(condition_words(self._written), _WRITTEN)
        locale = QLocale()
        words = [] if known is None else list(zip(known.values, known.counts, strict=True))
        self.values.offer([(value, value, f"{value}  ({locale.toString(count)})") for value, count in words])
        self.low.setPlaceholderText(_text(known.low if known is not None else None))
        self.high.setPlaceholderText(_text(known.high if known is not None else None))

    def _field_chosen(self, _: int) -> None:
        if self._filling:
            return
        self._filling = True
        kept = self.test.currentData()
        self._offer_tests()
        known = self._fields.get(str(self.field.currentData() or ""))
        many = known is not None and known.low is not None and len(known.values) > 12
        self.test.setCurrentIndex(max(self.test.findData(_RANGE if many else kept if kept != _RANGE else _IS), 0))
        self.values.put(())
        self.low.clear()
        self.high.clear()
        self._filling = False
        self._test_chosen(0)

    def _test_chosen(self, _: int) -> None:
        if not self._filling:
            self._show()
            self.changed.emit()

    def _show(self) -> None:
        test = self.test.currentData()
        self.values.setVisible(test in (_IS, _NOT))
        self._range.setVisible(test == _RANGE)
        self.mark()

    def _edited(self) -> None:
        self.changed.emit()

    def _typed(self, _: str) -> None:
        self.mark()
        self.typed.emit()


def _tests(condition: Condition) -> int:
    span = condition.at_least is not None or condition.at_most is not None
    return sum((condition.one_of is not None, condition.none_of is not None, condition.present is not None, span))


def _test_of(condition: Condition | None) -> str:
    if condition is None:
        return _IS
    if _tests(condition) > 1:
        return _WRITTEN
    if condition.present is not None:
        return _KNOWN if condition.present else _UNKNOWN
    if condition.none_of is not None:
        return _NOT
    return _IS if condition.one_of is not None else _RANGE


def _text(value: float | None) -> str:
    return "" if value is None else plain(value)


def _number(text: str) -> float | None:
    """A number as the user's language writes it, or as a file does."""
    value, good = QLocale().toDouble(text.strip())
    if good:
        return float(value)
    try:
        return float(text)
    except ValueError:
        return None
