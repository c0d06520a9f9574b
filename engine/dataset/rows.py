"""Rows on their way into a dataset: each is checked against the schema, then kept column by column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import pyarrow as pa

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000
_END = (datetime(2100, 1, 1, tzinfo=UTC) - FIRST).days * _DAY

_TEXTS, _MOMENTS, _NUMBERS = {str, type(None)}, {int, type(None)}, {float, type(None)}


class RefusedRow(Exception):
    """A row breaks the schema."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(column, reason)
        self.column = column
        self.reason = reason


class RowChecks:
    """The checks of one table's rows, by column position: millions of rows pass here."""

    def __init__(self, schema: pa.Schema) -> None:
        self.names: tuple[str, ...] = tuple(schema.names)
        self.known = frozenset(schema.names)
        fields = list(enumerate(schema))
        self._required = [at for at, field in fields if not field.nullable]
        self._texts = [at for at, field in fields if pa.types.is_string(field.type)]
        self._times = [at for at, field in fields if pa.types.is_timestamp(field.type)]
        self._numbers = [at for at, field in fields if pa.types.is_float64(field.type)]

    def sound(self, columns: Sequence[Sequence[Any]]) -> bool:
        """Whether many rows, column by column, need no settling: a quick look that may well say no to good ones."""
        return (
            all(None not in columns[at] and "" not in columns[at] for at in self._required)
            and all(set(map(type, columns[at])) <= _TEXTS for at in self._texts)
            and all(set(map(type, columns[at])) <= _MOMENTS for at in self._times)
            and all(0 <= moment < _END for at in self._times for moment in _extremes(columns[at]))
            and all(set(map(type, columns[at])) <= _NUMBERS for at in self._numbers)
            and all(isfinite(sum(filter(None, columns[at]))) for at in self._numbers)
        )

    def settle(self, values: list[Any]) -> None:
        """Check a row in place: times become milliseconds since 1970, numbers floats. Raises RefusedRow."""
        for at in self._required:
            if values[at] is None or values[at] == "":
                raise RefusedRow(self.names[at], "missing")
        for at in self._texts:
            if type(values[at]) is not str and values[at] is not None:
                raise RefusedRow(self.names[at], "not text")
        for at in self._times:
            if values[at] is not None:
                try:
                    values[at] = milliseconds(values[at])
                except ValueError as error:
                    raise RefusedRow(self.names[at], str(error)) from error
        for at in self._numbers:
            if values[at] is not None:
                try:
                    values[at] = float(values[at])
                except (TypeError, ValueError, OverflowError) as error:
                    raise RefusedRow(self.names[at], "not a number") from error
                if not isfinite(values[at]):
                    raise RefusedRow(self.names[at], "not a finite number")


def _extremes(moments: Sequence[int | None]) -> tuple[int, ...]:
    known = [moment for moment in moments if moment is not None]
    return (min(known), max(known)) if known else ()


def milliseconds(moment: datetime | int) -> int:
    """Milliseconds since 1970 of a moment (in UTC where it names no zone); a whole number stays.

    ValueError outside 1970 to 2100: such a time is a fault in the source.
    """
    if isinstance(moment, datetime):
        since = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - FIRST
        value = since.days * _DAY + since.seconds * 1000 + since.microseconds // 1000
    elif type(moment) is int:
        value = moment
    else:
        raise ValueError("not a time")
    if not 0 <= value < _END:
        raise ValueError("time outside 1970 to 2100")
    return value


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """An Arrow column. Half a surrogate pair, as cut emoji leave behind, becomes a replacement character."""
    try:
        return pa.array(values, type=kind)
    except UnicodeEncodeError:
        return pa.array([_encodable(value) for value in values], type=kind)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list | tuple):
        return [_encodable(part) for part in value]
    return {name: _encodable(part) for name, part in value.items()} if isinstance(value, dict) else value
