"""What the window calls the columns of products and shoppers, and their values."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from PySide6.QtCore import QCoreApplication, QDate, QLocale

from app.views.shown import part_name
from engine.columns import Column


def tr(text: str) -> str:
    return QCoreApplication.translate("Columns", text)


def column_name(column: Column) -> str:
    """The name of a column; an attribute keeps the dataset's word for it."""
    if column.own:
        return column.name.replace("_", " ")
    names = {
        "title": tr("title"),
        "description": tr("description"),
        "category": tr("category"),
        "department": tr("department"),
        "brand": tr("brand"),
        "price": tr("price"),
        "popularity": tr("times chosen"),
        "new": tr("new product"),
        "photo": tr("has a photo"),
        "first_seen": tr("first seen"),
        "reviews": tr("reviews"),
        "rating": tr("mean rating"),
        "user": tr("shopper"),
        "choices": tr("number of choices"),
        "taste": tr("main taste"),
        "first_choice": tr("first choice"),
        "last_choice": tr("last choice"),
        "group": tr("group on the map"),
        "top_part": tr("strongest part"),
        "grade": tr("grade"),
        "score": tr("score"),
        "past_share": tr("share of past choices"),
        "rule": tr("put first by the rule"),
    }
    return names.get(column.name, column.name)


def value_name(column: Column, name: str) -> str:
    """A value of a column of words; "" is any other."""
    if not name:
        own = column.name != "rule" or column.own
        return tr("other or unknown") if own else tr("first in the model itself")
    if column.kind == "flag":
        return tr("yes") if name == "yes" else tr("no")
    return part_name(name) if column.name == "top_part" and not column.own else name


def amount(column: Column, value: float) -> str:
    """A number or a day of a column, as the user's language writes it."""
    if not math.isfinite(value):
        return tr("unknown")
    locale = QLocale()
    if column.kind == "date":
        day = datetime.fromtimestamp(value / 1000, UTC).date()
        return locale.toString(QDate(day.year, day.month, day.day), QLocale.FormatType.ShortFormat)
    if value == round(value):
        return locale.toString(int(value))
    return locale.toString(value, "f", 2 if abs(value) >= 0.1 else 4)


def value_at(column: Column, row: int) -> str:
    """What a column says of a row; "" for nothing."""
    if column.kind in ("number", "date"):
        value = float(column.values[row])
        return amount(column, value) if math.isfinite(value) else ""
    codes = column.codes[column.start[row] : column.start[row + 1]]
    return ", ".join(value_name(column, column.names[code]) for code in codes[:3])
