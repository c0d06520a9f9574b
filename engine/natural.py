"""The order that people expect of names and keys: 1, 2, 10, and not 1, 10, 2.

Keys go by what stands before the number at their end, then by that number. Where all have one length they go as they
are written: either their numbers have zeros in front, or they are codes, in which a digit counts as a letter does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

_DIGITS = "0123456789"


def natural_key(text: str) -> tuple[str, int, str, str]:
    """To sort by. Capitals count as small letters."""
    before = text.rstrip(_DIGITS)
    number = text[len(before) :].lstrip("0")
    return before.lower(), len(number), number, text


def natural_order(keys: Sequence[str]) -> list[int]:
    """The places of keys, in order."""
    if len({len(key) for key in keys}) < 2:
        return sorted(range(len(keys)), key=lambda place: keys[place].lower())
    return sorted(range(len(keys)), key=lambda place: natural_key(keys[place]))


def sort_term(value: str, source: str, rows: Callable[[str, Sequence[Any]], Sequence[Sequence[Any]]]) -> str:
    """SQL: what to order a column of keys by. value: the column, null where there is none; source: `FROM ...` of all
    its rows; rows: answers SQL with parameters."""
    first = rows(f"SELECT {value} {source} WHERE {value} IS NOT NULL LIMIT 1", ())
    before = str(first[0][0]).rstrip(_DIGITS) if first else ""
    number = f"TRY_CAST({value}[{len(before) + 1}:] AS BIGINT)"
    shortest, longest, all_numbered = rows(
        f"SELECT min(strlen({value})), max(strlen({value})), "
        f"count({value}) = count({number}) FILTER (starts_with({value}, ?)) {source}",
        (before,),
    )[0]
    folded = f"lower({value})"
    if shortest == longest:
        return folded
    if all_numbered:
        return number
    bare = f"rtrim({folded}, '{_DIGITS}')"
    number = f"ltrim(substr({folded}, length({bare}) + 1), '0')"
    return f"{bare} || chr(1) || chr(length({number})::INTEGER + 32) || {number}"
