"""The words of a report in its language: texts, numbers, what is asked, and names of groups."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from engine.audit.check import Figure, Note, Result, Threshold, Value, Verdict
from engine.audit.texts import sentence, texts

# Keys whose values are named alike.
_SAME = {"kind": "part", "without": "part", "modality": "part"}
# Chinese letters and marks, between which and after which no blank stands.
_LETTER, _MARK = "[\u4e00-\u9fff]", "[\u3001\u3002\uff0c\uff1a\uff1b\uff1f\uff01\uff08\uff09]"
_PERCENT = re.compile("[ \u00a0]%")
_BLANK = re.compile(f"(?<={_LETTER}) (?={_LETTER}|{_MARK})|(?<={_MARK}) ")


class Words:
    """Of one language. Calling it gives a text of `resources/audit/LANGUAGE/report.json` with its gaps filled."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._all = texts(language)
        self._report: Mapping[str, Any] = self._all["report"]

    def __call__(self, key: str, **values: Value) -> str:
        return self._set(str(self._report[key]).format(**values))

    def names(self, key: str) -> Mapping[str, str]:
        """A group of words: "parts", "meanings", "of", "counts"."""
        return dict(self._report[key])

    def verdict(self, verdict: Verdict) -> str:
        return str(self._all["common"]["verdicts"][verdict])

    def family(self, name: str) -> str:
        return str(self._all["common"]["families"].get(name, name))

    @property
    def families(self) -> tuple[str, ...]:
        """In the order in which they are reported."""
        return tuple(self._all["common"]["families"])

    def check(self, name: str, what: str) -> str:
        """title, short or source of a check; of one that this version does not know, its name or nothing."""
        return self._set(str(self._all.get(name, {}).get(what, name if what == "title" else "")))

    def method(self, name: str) -> Mapping[str, str]:
        """How a check measures, in parts: "measured", "judged", "intervals", "limits", as far as they are said."""
        return {part: self._set(str(one)) for part, one in self._all.get(name, {}).get("method", {}).items()}

    def figure(self, check: str, name: str) -> str:
        return str(self._all.get(check, {}).get("figures", {}).get(name, name.replace("_", " ")))

    def note(self, check: str, note: Note) -> str:
        """A note in words; of one that this version does not know, its key and values. Long fractions are rounded."""
        told = {
            key: self.value(key, one) if isinstance(one, str) else self.number(one) for key, one in note.values.items()
        }
        try:
            return self._set(sentence(check, Note(note.key, told), self.language))
        except (KeyError, ValueError):
            return f"{note.key}: {', '.join(str(one) for one in told.values())}"

    def value(self, key: str, value: str) -> str:
        """What stands for a value of a figure's `of`, or in a note: names of parts, rankers, tables; else itself."""
        names: Mapping[str, Mapping[str, str]] = self._report["values"]
        if key == "methods":
            return " / ".join(names["method"].get(one, one) for one in value.split(" / "))
        if key == "slice" and value.startswith("category "):
            return self("slice_category", name=value.removeprefix("category "))
        if key in ("by", "attribute"):  # one attribute or several: "age + gender"
            parts = [one.strip() for one in value.split("+")]
            return " + ".join(names["by"].get(one, one.replace("_", " ")) for one in parts)
        return names.get(_SAME.get(key, key), {}).get(value, value)

    def of(self, figure: Figure) -> str:
        """What a figure is of: "women", or "age: 18 to 24, without photos"."""
        told = {key: self.value(key, str(one)) for key, one in figure.of.items()}
        parts = []
        if "by" in told and "group" in told:
            parts.append(self("by_group", by=told.pop("by"), group=told.pop("group")))
        templates = self.names("of")
        for key, one in told.items():
            other = key.replace("_", " ")
            parts.append(templates[key].format(value=one) if key in templates else f"{other} {one}")
        return self("join").join(parts)

    def named(self, result: Result, figure: Figure) -> str:
        """A figure's label, with what it is of."""
        label, of = self.figure(result.check, figure.name), self.of(figure)
        return self("label_of", label=label, of=of) if of else label

    def number(self, value: float) -> str:
        """Three significant digits or so, thousands grouped."""
        if not math.isfinite(value):
            return self("none")
        size = abs(value)
        if value == int(value) and size < 1e15:
            text = f"{int(value):,}"
        elif size >= 100:
            text = f"{value:,.0f}"
        elif size >= 10:
            text = f"{value:.1f}"
        elif size >= 1:
            text = f"{value:.2f}"
        elif size >= 0.001:
            text = f"{value:.3f}"
        elif size >= 0.00001:
            text = f"{value:.5f}"
        else:
            text = plain(value, 2)
        return text.replace("-", "−")

    def bound(self, value: float) -> str:
        """A threshold as it was written."""
        return plain(value, 6).replace("-", "−")

    def percent(self, share: float) -> str:
        return f"{100 * share:.1f} %".replace("-", "−") if self.language == "en" else f"{100 * share:.1f}%"

    def interval(self, figure: Figure) -> str:
        """Its 95 % interval, or nothing."""
        return self.estimate(figure)[1]

    def estimate(self, figure: Figure, threshold: Threshold | None = None) -> tuple[str, str]:
        """A value and its interval, or nothing, with the digits that the interval's width leaves a meaning, and as many
        more as tell the value from a bound that it misses."""
        if figure.low is None or figure.high is None:
            return self.number(figure.value), ""
        width = figure.high - figure.low
        if not (math.isfinite(width) and width > 0):
            three = [self.number(one) for one in (figure.value, figure.low, figure.high)]
        else:
            digits = 1 - math.floor(math.log10(width))
            digits = min(max(digits, 2 if width < 10 else 0), 6)
            bounds = (threshold.at_least, threshold.at_most) if threshold else ()
            while digits < 6 and any(one != figure.value and one == round(figure.value, digits) for one in bounds):
                digits += 1
            three = [_rounded(one, digits) for one in (figure.value, figure.low, figure.high)]
        return three[0], self("interval", low=three[1], high=three[2])

    def asked(self, threshold: Threshold | None) -> str:
        """What is asked, or nothing."""
        if threshold is None:
            return ""
        bounds = (("at_least", threshold.at_least), ("at_most", threshold.at_most))
        return self("join").join(self(key, value=self.bound(one)) for key, one in bounds if one is not None)

    def found(self, result: Result, figure: Figure) -> str:
        """A figure in one line: label, value, interval, and what was asked."""
        threshold = result.threshold(figure)
        asked, (value, interval) = self.asked(threshold), self.estimate(figure, threshold)
        line = self("figure_line", label=self.named(result, figure), value=value)
        if interval:
            line += self("figure_interval", interval=interval)
        return line + (self("figure_asked", asked=asked) if asked else "")

    def _set(self, text: str) -> str:
        """No blank where its line must not break, or where Chinese has none."""
        return _BLANK.sub("", _PERCENT.sub("%", text)) if self.language == "zh_CN" else text.replace(" %", "\u00a0%")


def plain(value: float, digits: int) -> str:
    """A number of so many digits, thousands grouped, without powers of ten: 0.00005, not 5e-05."""
    text = f"{value:,.{digits}g}"
    if "e-" in text:
        text = f"{value:,.{digits - 1 - math.floor(math.log10(abs(value)))}f}".rstrip("0")
    return text


def _rounded(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text.replace("-", "−")
