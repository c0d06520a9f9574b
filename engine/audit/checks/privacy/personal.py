"""Personal data that was left in texts: found by form and, where there is one, by checksum; never shown whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from engine.audit.check import Check, Example, Figure, Measured, Note, Threshold
from engine.audit.subject import Subject
from engine.jobs import Job, every

SHOWN = 5  # examples of each kind
_HIDDEN = "\u2022"
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IBAN_LENGTHS = {
    **{"AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18},
    **{"FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20},
    **{"LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SA": 24, "SE": 24, "SI": 19},
    **{"SK": 24, "SM": 27, "TR": 26, "AE": 23},
}


@dataclass(frozen=True)
class Kind:
    """form: what it looks like; sound: whether such a text is one, by its checksum."""

    form: re.Pattern[str]
    sound: Callable[[str], bool] = lambda _: True


def luhn(number: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1."""
    digits = [int(one) for one in number if one.isdigit()]
    doubled = [2 * one - 9 * (one > 4) for one in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def card(text: str) -> bool:
    """A payment card: the length and the first digits of a known issuer, and the check digit."""
    number = re.sub(r"\D", "", text)
    if len(set(number)) < 2 or not luhn(number):
        return False
    first = int(number[:4])
    lengths = {
        (13, 16, 19): 4000 <= first <= 4999,
        (16,): 5100 <= first <= 5599 or 2221 <= first <= 2720 or first == 6011 or 6500 <= first <= 6599,
        (15,): first // 100 in (34, 37),
        (16, 17, 18, 19): 6200 <= first <= 6299 or 3528 <= first <= 3589,
    }
    return any(fits and len(number) in allowed for allowed, fits in lengths.items())


def iban(text: str) -> bool:
    """ISO 13616: the length of its country, and 1 as the rest of a division by 97."""
    number = re.sub(r"\s", "", text)
    if len(number) != _IBAN_LENGTHS.get(number[:2]):
        return False
    return int("".join(str(int(one, 36)) for one in number[4:] + number[:4])) % 97 == 1


def chinese_id(text: str) -> bool:
    """GB 11643-1999: a day of birth that has been, and the check digit (ISO 7064 MOD 11-2)."""
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    rest = sum(int(one) * weight for one, weight in zip(text[:17], _ID_WEIGHTS, strict=True)) % 11
    return date(1900, 1, 1) <= born <= date(2100, 1, 1) and text[17].upper() == "10X98765432"[rest]


KINDS: dict[str, Kind] = {
    "email": Kind(re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}\b")),
    "phone": Kind(
        re.compile(
            r"(?<![\w.])(?:\+[1-9]\d{0,2}(?:[ ./()-]{0,2}\d){7,12}"  # international
            r"|\(?[2-9]\d{2}\)?[ .-][2-9]\d{2}[.-]\d{4}"  # North America
            r"|0\d{2,4} ?[/-] ?\d{5,8})(?![\w])"  # an area code and a number
        )
    ),
    "chinese_mobile": Kind(re.compile(r"(?<![\d.])(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?![\d.])")),
    "chinese_id": Kind(re.compile(r"(?<!\d)[1-9]\d{16}[\dXx](?!\d)"), chinese_id),
    "card": Kind(re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])"), card),
    "iban": Kind(re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), iban),
    "address": Kind(
        re.compile(
            r"\b\d{1,5} (?:[A-Z][a-z]+ ){1,3}(?:Street|St\.|Avenue|Ave\.|Road|Rd\.|Lane|Drive|Boulevard|Blvd\.)"
            r"|\b[A-ZÄÖÜ][a-zäöüß]+(?:straße|strasse|weg|gasse|platz) \d{1,4}\b"
            r"|[\u4e00-\u9fff]{2,8}(?:路|街|巷|弄)\d{1,5}号"
        )
    ),
}


def found_in(text: str) -> Iterator[tuple[str, str]]:
    """(kind, what was found) in a text. What is a better kind is not found again as a worse one."""
    taken: list[tuple[int, int]] = []
    for name in ("email", "iban", "chinese_id", "card", "chinese_mobile", "phone", "address"):
        kind = KINDS[name]
        for match in kind.form.finditer(text):
            free = all(match.end() <= first or match.start() >= last for first, last in taken)
            if free and kind.sound(match.group()):
                taken.append(match.span())
                yield name, match.group()


def masked(kind: str, found: str) -> str:
    """What may be shown: the form, and too little of the content to know whose it is."""
    if kind == "email":
        name, _, place = found.partition("@")
        return f"{name[0]}{_HIDDEN * 3}@{_HIDDEN * 3}.{place.rpartition('.')[2]}"
    kept = {"iban": range(2), "card": range(len(found) - 2, len(found))}.get(kind, range(1))
    return "".join(one if place in kept or not (one.isalnum()) else _HIDDEN for place, one in enumerate(found))


def personal(subject: Subject) -> Job:
    """Texts of products and reviews with personal data in them, by kind."""
    counts = dict.fromkeys(KINDS, 0)
    examples: list[Example] = []
    columns: dict[str, list[str]] = {name: [] for name in ("kind", "item", "text", "masked")}
    texts = _texts(subject)
    for (item, place, text), progress in every("Looking for personal data", texts, len(texts)):
        if progress is not None:
            yield progress
        for kind, found in dict(found_in(text)).items():
            counts[kind] += 1
            shown = masked(kind, found)
            if counts[kind] <= SHOWN:
                examples.append(Example("text", item=item, text=shown, note=Note(kind, {"place": place})))
            for column, cell in zip(columns.values(), (kind, item, place, shown), strict=True):
                column.append(cell)
    figures = tuple(Figure(kind, float(count), n=len(texts)) for kind, count in counts.items())
    return Measured(figures, examples=tuple(examples), tables={"found": columns})


def _texts(subject: Subject) -> list[tuple[str, str, str]]:
    """(product, field, text) of everything written."""
    rows = subject.dataset.rows(
        "SELECT item, 'title', title FROM items UNION ALL SELECT item, 'description', description FROM items "
        "UNION ALL SELECT item, 'review:' || review, concat_ws(' ', title, text) FROM reviews ORDER BY 1, 2"
    )
    return [(item, place, text) for item, place, text in rows if text and text.strip()]


CHECK = Check(
    "privacy.personal-data",
    personal,
    tuple(Threshold(kind, at_most=0) for kind in ("email", "phone", "chinese_mobile", "chinese_id", "card", "iban")),
    cost=20.0,
)
