"""Turn the texts of a file into values: numbers, times, flags, lists; ValueError says in a few words what is wrong."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from engine.dataset.rows import milliseconds
from engine.errors import HeedmapError

# One unit's size in milliseconds, and the digits before the point from which on a number is taken for the unit.
_UNITS = {"s": 1e3, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
_FROM = {"ns": 1e17, "us": 1e14, "ms": 1e11, "s": 0.0}
_AMERICAN = re.compile(r"(\d{1,2}) (\d{1,2}), (\d{4})")
_DATE = re.compile(r"(?:19[7-9]\d|20\d\d)(?:(\d\d)(\d\d))?")
_LATER = re.compile(r"\d{5,}-\d\d")
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_GAP = re.compile(r"\n{3,}")


def number(value: object) -> float:
    """A finite number. ValueError "not a number" else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("not a number")
    try:
        result = float(value)
    except (ValueError, OverflowError) as error:
        raise ValueError("not a number") from error
    if not math.isfinite(result) or (isinstance(value, str) and "_" in value):
        raise ValueError("not a number")
    return result


def text(value: object) -> str | None:
    """A text without blanks around it; None when nothing is left. A whole float such as 12.0 becomes "12"."""
    if value is None:
        return None
    if isinstance(value, str):
        if "\xa0" in value or "\0" in value:
            value = value.replace("\xa0", " ").replace("\0", "")
        return value.strip() or None
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def prose(value: object) -> str | None:
    """A written text: HTML entities and line breaks become characters, one break a newline, two a blank line."""
    words = text(value)
    if words is None or not ("<" in words or "&" in words):
        return words
    if "<" in words:
        words = _GAP.sub("\n\n", "\n".join(part.strip() for part in _BREAK.split(words)))
    return html.unescape(words).strip() or None


_PRICE = re.compile(r"(\d[\d,]*\.?\d*|\.\d+)")
_CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY", "₹": "INR"}


def price(value: object) -> tuple[float, str | None]:
    """A price and, where a sign tells it, its currency: "$1,299.00" is (1299.0, "USD"). ValueError else."""
    if not isinstance(value, str):
        return number(value), None
    bare = value.strip()
    currency = next((code for sign, code in _CURRENCIES.items() if bare.startswith(sign)), None)
    found = _PRICE.fullmatch(bare.strip("".join(_CURRENCIES)).strip())
    if found is None:
        raise ValueError("not a price")
    return number(found[0].replace(",", "")), currency


class Clock:
    """Reads one file's times as milliseconds since 1970.

    Understood: ISO 8601, "20160901", "2016", "09 1, 2016", and numbers since 1970. Whether those are seconds,
    milliseconds, micro- or nanoseconds is told by `unit`, or settled by the file's first number, so that a stray one
    cannot change the unit.
    """

    def __init__(self, unit: str | None = None, pattern: str | None = None) -> None:
        if unit is not None and unit not in _UNITS:
            raise HeedmapError(f"Unknown time unit {unit!r}.", f"Use one of {', '.join(_UNITS)}.")
        self._unit = unit
        self._pattern = pattern

    def read(self, value: object) -> int:
        """ValueError "not a time" or "time outside 1970 to 2100"."""
        if isinstance(value, datetime):
            return milliseconds(value)
        if isinstance(value, date):
            return milliseconds(datetime(value.year, value.month, value.day))
        if isinstance(value, str) and self._pattern:
            try:
                return milliseconds(datetime.strptime(value.strip(), self._pattern))
            except ValueError as error:
                raise ValueError(f"not a time of the form {self._pattern}") from error
        if self._unit is None and (found := _DATE.fullmatch(str(value).strip())):
            day = str(value).strip() if found[1] else f"{value}0101"
            return milliseconds(_written(day))
        try:
            return self._counted(number(value))
        except ValueError as error:
            if not isinstance(value, str) or str(error) != "not a number":
                raise
        return milliseconds(_written(value.strip()))

    def _counted(self, amount: float) -> int:
        if self._unit is None:
            self._unit = next(unit for unit, least in _FROM.items() if abs(amount) >= least)
        return milliseconds(int(amount * _UNITS[self._unit]))


def _written(value: str) -> datetime:
    if found := _AMERICAN.fullmatch(value):
        month, day, year = map(int, found.groups())
        try:
            return datetime(year, month, day)
        except ValueError as error:
            raise ValueError("not a time") from error
    if _LATER.match(value):
        raise ValueError("time outside 1970 to 2100")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError("not a time") from error


def attributes(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """The schema's form of attributes; a value may be a list; empty values and repetitions are left out."""
    pairs: dict[tuple[str, str], None] = {}
    for name, value in values.items():
        for part in value if isinstance(value, list | tuple) else [value]:
            if (words := text(part)) is not None:
                pairs[name, words] = None
    return [{"name": name, "value": value} for name, value in pairs]


def flag(name: str, value: object) -> bool:
    """An option that is on or off, also as written on a command line."""
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if (word := str(value).strip().lower()) in known:
        return known[word]
    raise HeedmapError(f"The option {name} is {value!r}.", "Write true or false.")


def choice(name: str, value: object, options: tuple[str, ...]) -> str:
    if value in options:
        return str(value)
    raise HeedmapError(f"The option {name} is {value!r}.", f"Use one of {', '.join(options)}.")
