"""Columns and cells of a dataset's tables in the user's words: names, numbers and times by locale."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale, QTimeZone

from engine.dataset.tables import Cell, Column, Filter, Query

NUMBERED = ("number", "photo")


def tr(text: str) -> str:
    return QCoreApplication.translate("DataTable", text)


def table_name(table: str) -> str:
    names = {
        "items": tr("Products"),
        "users": tr("Shoppers"),
        "events": tr("Events"),
        "reviews": tr("Reviews"),
        "links": tr("Links"),
        "problems": tr("Problems"),
    }
    return names.get(table, table)


def column_name(table: str, column: Column) -> str:
    """What the window calls a column; an attribute keeps the name that the data gives it."""
    if column.attribute:
        return column.attribute.replace("_", " ").capitalize()
    names = {
        "images": tr("Photo"),
        "item": tr("Product key"),
        "product": tr("Product"),
        "title": tr("Title"),
        "description": tr("Description"),
        "brand": tr("Brand"),
        "category": tr("Category"),
        "price": tr("Price"),
        "currency": tr("Currency"),
        "first_seen": tr("First seen"),
        "events": tr("Events"),
        "reviews": tr("Reviews"),
        "user": tr("Shopper"),
        "last": tr("Last event"),
        "time": tr("Time"),
        "kind": tr("Kind"),
        "value": tr("Value"),
        "review": tr("Review key"),
        "text": tr("Text"),
        "rating": tr("Rating"),
        "language": tr("Language"),
        "head_kind": tr("Link from: kind"),
        "head": tr("Link from"),
        "relation": tr("Relation"),
        "tail_kind": tr("Link to: kind"),
        "tail": tr("Link to"),
        "source": tr("File"),
        "row": tr("Row"),
        "column": tr("Column"),
        "reason": tr("Reason"),
    }
    return names.get(column.name, column.name)


def heading(table: str, column: Column) -> str:
    """A column's name over its values: times are told as the data has them, and say so."""
    name = column_name(table, column)
    return tr("{0} (UTC)").format(name) if column.kind == "time" else name


def operator_name(op: str) -> str:
    names = {
        "contains": tr("contains"),
        "is": tr("equals"),
        "is not": tr("does not equal"),
        "between": tr("from … to below"),
        "missing": tr("is missing"),
        "present": tr("is there"),
        "<=": "≤",
        ">=": "≥",
    }
    return names.get(op, op)


def shown(column: Column, value: Cell) -> str:
    """A cell as text: numbers and times by locale, nothing for what is missing. Times are UTC, as in the data."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, str):
        return value
    if column.kind == "time":
        return moment(float(value))
    return figure(float(value), grouped=not column.attribute, places=2 if column.name == "price" else -1)


def moment(milliseconds: float, day_only: bool = False) -> str:
    when = QDateTime.fromMSecsSinceEpoch(int(milliseconds), QTimeZone.utc())
    locale = QLocale()
    if day_only:
        return locale.toString(when.date(), QLocale.FormatType.ShortFormat)
    return f"{locale.toString(when.date(), QLocale.FormatType.ShortFormat)} {when.time().toString('HH:mm')}"


def own_time(milliseconds: float) -> str:
    """The same moment by the clock of this computer, with its zone."""
    when = QDateTime.fromMSecsSinceEpoch(int(milliseconds))
    day = QLocale().toString(when.date(), QLocale.FormatType.ShortFormat)
    return tr("{0} by your clock").format(f"{day} {when.time().toString('HH:mm')} {when.timeZoneAbbreviation()}")


def figure(value: float, *, grouped: bool = True, places: int = -1) -> str:
    """A number by locale; whole ones without decimals, unless `places` says how many."""
    locale = QLocale()
    if not grouped:  # a year is not 1,995
        locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
    if places < 0 and value == int(value):
        return locale.toString(int(value)).replace("-", "−")
    if places < 0:
        places = 2 if abs(value) >= 0.1 else 4
    return locale.toString(value, "f", places).replace("-", "−")


def count(number: int) -> str:
    return QLocale().toString(number)


def share(part: int, whole: int) -> str:
    """A percentage by locale: "12 %", "0.4 %"."""
    percent = 100 * part / whole if whole else 0.0
    return figure(percent, places=0 if percent >= 9.95 or percent == 0 else 1) + " %"


def condition(table: str, column: Column, one: Filter) -> str:
    """A filter in words, as a chip says it."""
    name = column_name(table, column)
    if one.op in ("missing", "present"):
        return f"{name} {operator_name(one.op)}"
    if column.kind == "time":
        low, high = moment(float(one.value), True), moment(one.upper, True)
        return f"{name} {low} – {high}" if one.op == "between" else f"{name} {operator_name(one.op)} {low}"
    if column.numeric:
        low = figure(float(one.value), grouped=not column.attribute)
        high = figure(one.upper, grouped=not column.attribute)
        return f"{name} {low} – {high}" if one.op == "between" else f"{name} {operator_name(one.op)} {low}"
    return f"{name} {operator_name(one.op)} “{one.value}”" if one.op != "is" else f"{name}: {one.value}"


def in_words(table: str, columns: dict[str, Column], query: Query) -> str:
    """A whole query in words: the name of a segment made of it."""
    parts = [query.text.strip()] if query.text.strip() else []
    parts += [condition(table, columns[one.column], one) for one in query.filters if one.column in columns]
    return ", ".join(parts) or table_name(table)
