"""What the Audit view calls things, in the language in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale, Qt

from app.i18n import joined
from engine.audit.check import WORST, Figure, Threshold, Verdict
from engine.audit.summary import figure_label
from engine.audit.texts import LANGUAGES, texts

# A mark for each verdict, so that no colour is needed to tell them apart.
MARKS: Mapping[Verdict, str] = {"fail": "✕", "unsure": "?", "pass": "✓", "told": "•", "not run": "–"}


def tr(text: str) -> str:
    return QCoreApplication.translate("Audit", text)


def language() -> str:
    """Of the reports and the checks' texts: that of the window."""
    name = QLocale().name()
    return name if name in LANGUAGES else "en"


def words() -> Mapping[str, Any]:
    return texts(language())


def verdict_name(verdict: Verdict) -> str:
    return str(words()["common"]["verdicts"][verdict])


def family_name(family: str) -> str:
    return str(words()["common"]["families"].get(family, family))


def check_title(check: str) -> str:
    return str(words()[check]["title"]) if check in words() else check


def figure_name(check: str, figure: Figure) -> str:
    """A figure, and what it is of."""
    return figure_label(check, figure.name, figure.of, language())


def number(value: float) -> str:
    """Four figures, as the language writes them."""
    return QLocale().toString(float(value), "g", 4)


def shown(figure: Figure) -> str:
    """The value with its interval."""
    if figure.low is None or figure.high is None:
        return number(figure.value)
    return tr("{0} ({1} to {2})").format(number(figure.value), number(figure.low), number(figure.high))


def asked(threshold: Threshold | None) -> str:
    if threshold is None:
        return ""
    bounds = ((threshold.at_least, tr("at least {0}")), (threshold.at_most, tr("at most {0}")))
    return joined([text.format(number(bound)) for bound, text in bounds if bound is not None])


def counted(counts: Mapping[Verdict, int]) -> str:
    """ "Failed 2 · Passed 7"."""
    return joined([f"{verdict_name(one)} {counts[one]}" for one in WORST if counts.get(one)])


def when(made: str) -> str:
    """A time of a bundle, here and in short."""
    time = QDateTime.fromString(made, Qt.DateFormat.ISODate)
    return QLocale().toString(time.toLocalTime(), QLocale.FormatType.ShortFormat) if time.isValid() else made
