"""One condition of a segment: a column, or what was chosen, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QDate, QStringListModel, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QStackedWidget,
    QToolButton,
    QWidget,
)

from app.map.names import amount, column_name, value_name
from app.theme import ThemeSource, icon, set_role
from engine.answers import RunSummary
from engine.columns import Column, Columns, Filter

CHOSE, CHOSE_OF = "chose", "chose of"
_LISTED = 3000  # values of a column that are offered, the most frequent first


class Products:
    """Products by title, for typing one. Titles that occur twice carry their key."""

    def __init__(self, run: RunSummary) -> None:
        seen: dict[str, str] = {}
        for item, title in zip(run.items.item, run.items.title, strict=True):
            seen[title if title not in seen else f"{title} ({item})"] = item
        self.item_of: Mapping[str, str] = seen
        self.title_of: Mapping[str, str] = {item: title for title, item in seen.items()}
        self.categories = sorted({one for one in run.items.category if one})
        self.titles = QStringListModel(list(seen))


class FilterRow(QWidget):
    """Choosers for one condition. `changed` at every edit; `filter` is None while something is still missing."""

    changed = Signal()
    removed = Signal()

    def __init__(
        self, themes: ThemeSource, table: Columns, products: Products, item: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._table, self._products = table, products
        self.what = QComboBox()
        self.what.setAccessibleName(self.tr("What the condition looks at"))
        self.what.setMinimumWidth(170)
        for column in table.columns:
            self.what.addItem(column_name(column), column.name)
        if table.kind == "users":
            self.what.insertItem(0, self.tr("chose the product"), f"@{CHOSE}")
            self.what.insertItem(1, self.tr("chose of a category"), f"@{CHOSE_OF}")
            self.what.insertSeparator(2)
        self._pages = QStackedWidget()
        self._pages.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._text()
        self._category()
        self._range()
        self._product(item)
        self._count()
        self.remove = QToolButton()
        self.remove.setIcon(icon("close", themes.theme.muted))
        self.remove.setToolTip(self.tr("Take this condition away"))
        self.remove.setAccessibleName(self.remove.toolTip())
        self.remove.clicked.connect(self.removed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.what)
        row.addWidget(self._pages, 1)
        row.addWidget(self.remove)
        self.what.currentIndexChanged.connect(self._chosen)
        first = next((one.name for one in table.columns if one.kind == "category"), table.columns[0].name)
        self.choose(first)

    def _page(self, *widgets: QWidget, stretch: int = 0) -> None:
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for place, widget in enumerate(widgets):
            row.addWidget(widget, 1 if place == stretch else 0)
        self._pages.addWidget(page)

    def _text(self) -> None:
        self.text = QLineEdit()
        self.text.setPlaceholderText(self.tr("contains the words…"))
        self.text.setAccessibleName(self.tr("Words that it contains"))
        self.text.textChanged.connect(self.changed)
        self._page(self.text)

    def _category(self) -> None:
        self.sense = QComboBox()
        self.sense.addItem(self.tr("is"), "is")
        self.sense.addItem(self.tr("is not"), "is not")
        self.sense.setAccessibleName(self.tr("Is or is not"))
        self.value = QComboBox()
        self.value.setAccessibleName(self.tr("Value"))
        self.value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for box in (self.sense, self.value):
            box.currentIndexChanged.connect(self.changed)
        self._page(self.sense, self.value, stretch=1)

    def _range(self) -> None:
        self.low, self.high = QLineEdit(), QLineEdit()
        self.low.setAccessibleName(self.tr("From"))
        self.high.setAccessibleName(self.tr("To"))
        for field in (self.low, self.high):
            field.textChanged.connect(self.changed)
        start, end = QLabel(self.tr("from")), QLabel(self.tr("to"))
        for label in (start, end):
            set_role(label, "muted")
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget, stretch in ((start, 0), (self.low, 1), (end, 0), (self.high, 1)):
            row.addWidget(widget, stretch)
        self._pages.addWidget(page)

    def _product(self, item: str) -> None:
        self.product = QLineEdit(self._products.title_of.get(item, ""))
        self.product.setPlaceholderText(self.tr("title of a product…"))
        self.product.setAccessibleName(self.tr("Product"))
        finder = QCompleter(self._products.titles, self.product)
        finder.setFilterMode(Qt.MatchFlag.MatchContains)
        finder.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.product.setCompleter(finder)
        self.product.textChanged.connect(self.changed)
        self._page(self.product)

    def _count(self) -> None:
        self.least = QSpinBox()
        self.least.setRange(1, 9999)
        self.least.setPrefix(self.tr("at least "))
        self.least.setAccessibleName(self.tr("At least so many"))
        self.of = QComboBox()
        self.of.addItems(self._products.categories)
        self.of.setAccessibleName(self.tr("Category"))
        self.of.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.least.valueChanged.connect(self.changed)
        self.of.currentIndexChanged.connect(self.changed)
        self._page(self.least, self.of, stretch=1)

    def choose(self, name: str) -> None:
        """Look at this column; "@chose" and "@chose of" look at what was chosen."""
        at = self.what.findData(name)
        if at >= 0:
            self.what.setCurrentIndex(at)
            self._chosen()

    @property
    def column(self) -> Column | None:
        """The column that is looked at; None for what was chosen."""
        name = str(self.what.currentData() or "")
        return None if name.startswith("@") or not name else self._table.named(name)

    def _chosen(self, _: int = 0) -> None:
        column = self.column
        if column is None:
            self._pages.setCurrentIndex(3 if self.what.currentData() == f"@{CHOSE}" else 4)
        elif column.kind == "text":
            self._pages.setCurrentIndex(0)
        elif column.kind in ("category", "flag"):
            self._offer(column)
            self._pages.setCurrentIndex(1)
        else:
            self._hint(column)
            self._pages.setCurrentIndex(2)
        self.changed.emit()

    def _offer(self, column: Column) -> None:
        counts = [0] * len(column.names)
        for code in column.codes.tolist():
            counts[code] += 1
        order = sorted(range(len(counts)), key=lambda code: -counts[code])[:_LISTED]
        self.value.blockSignals(True)
        self.value.clear()
        for code in order:
            name = column.names[code]
            self.value.addItem(f"{value_name(column, name)} ({counts[code]:,})", name)
        self.value.blockSignals(False)

    def _hint(self, column: Column) -> None:
        known = column.values[column.values == column.values]
        for field, value in ((self.low, known.min()), (self.high, known.max())):
            field.clear()
            day = column.kind == "date"
            text = QDate(1970, 1, 1).addDays(int(value // 86_400_000)).toString(Qt.DateFormat.ISODate) if day else ""
            field.setPlaceholderText(text or amount(column, float(value)))

    def filter(self) -> Filter | None:
        """What the engine is asked; None while a word or a product is missing."""
        column = self.column
        if column is None:
            if self._pages.currentIndex() == 4:
                return Filter(CHOSE_OF, value=self.of.currentText(), least=self.least.value())
            item = self._products.item_of.get(self.product.text().strip())
            return None if item is None else Filter(CHOSE, value=item)
        if column.kind == "text":
            return Filter("contains", column.name, self.text.text()) if self.text.text().strip() else None
        if column.kind in ("category", "flag"):
            return Filter(str(self.sense.currentData()), column.name, str(self.value.currentData() or ""))
        low, high = self.low.text().strip(), self.high.text().strip()
        return Filter("between", column.name, low, high) if low or high else None

    def words(self) -> str:
        """The condition, for people: "colour is red"."""
        column = self.column
        if column is None:
            if self._pages.currentIndex() == 4:
                text = self.tr("chose at least {n} of {category}")
                return text.format(n=self.least.value(), category=self.of.currentText())
            return self.tr("chose {product}").format(product=self.product.text().strip())
        name = column_name(column)
        if column.kind == "text":
            return self.tr("{column} contains {words}").format(column=name, words=f"“{self.text.text().strip()}”")
        if column.kind in ("category", "flag"):
            value = value_name(column, str(self.value.currentData() or ""))
            text = (
                self.tr("{column} is {value}") if self.sense.currentIndex() == 0 else self.tr("{column} is not {value}")
            )
            return text.format(column=name, value=value)
        low, high = self.low.text().strip(), self.high.text().strip()
        if low and high:
            return self.tr("{column} {low} to {high}").format(column=name, low=low, high=high)
        return f"{name} ≥ {low}" if low else f"{name} ≤ {high}"
