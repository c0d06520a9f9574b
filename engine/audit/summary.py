"""An audit and a verification in a few lines, for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

from engine.audit.check import WORST, Figure, Result, Threshold
from engine.audit.report.words import Words
from engine.audit.texts import texts
from engine.audit.verify import Verified


def summary_text(results: tuple[Result, ...], language: str = "en") -> str:
    """How many checks ended how; what failed or is unsure, with its figures; what was not run, and why."""
    words = texts(language)
    verdicts = words["common"]["verdicts"]
    counted = Counter(one.verdict for one in results)
    lines = [", ".join(f"{verdicts[verdict]}: {counted[verdict]}" for verdict in WORST if counted[verdict])]
    for verdict in ("fail", "unsure"):
        for one in results:
            if one.verdict == verdict:
                lines.append(f"{verdicts[verdict]}: {words[one.check]['title']}")
                lines += [f"    {_shown(one, place, language)}" for place in _worst(one)]
    for one in results:
        if one.verdict == "not run":
            why = " ".join(Words(language).note(one.check, note) for note in one.notes)
            lines.append(f"{verdicts['not run']}: {words[one.check]['title']}. {why}")
    return "\n".join(lines)


def verified_text(found: Verified, most: int, language: str = "en") -> str:
    """What holds and what does not, the first `most` faults by name."""
    words = texts(language)
    told = words["common"]["told"]
    lines = [told["fault" if one.file else "bundle_fault"].format(**asdict(one)) for one in found.faults[:most]]
    if len(found.faults) > most:
        lines.append(told["more"].format(n=len(found.faults) - most))
    if not found.faults:
        lines += [told["whole"].format(files=found.files, made=found.made), told["signer"].format(key=found.signer)]
    lines += [told[one] for one in found.notes]
    if found.again:
        checks = ", ".join(str(words[one]["title"]) for one in dict.fromkeys(one.check for one in found.again))
        off = [one for one in found.again if not one.agrees]
        lines.append(told["again"].format(seed=found.seed, checks=checks))
        lines.append(told["agree"].format(agree=len(found.again) - len(off), all=len(found.again)))
        for one in off[:most]:
            was, now = (told["none"] if value is None else _number(value) for value in (one.was, one.now))
            name = figure_label(one.check, one.name, one.of, language)
            lines.append("    " + told["off"].format(check=words[one.check]["title"], figure=name, was=was, now=now))
    return "\n".join(lines)


def figure_label(check: str, figure: str, of: Mapping[str, str], language: str) -> str:
    """A figure's name in words, and what it is of."""
    words = Words(language)
    label, told = words.figure(check, figure), words.of(Figure(figure, 0.0, of=of))
    return words("label_of", label=label, of=told) if told else label


def _worst(result: Result) -> list[int]:
    return [place for place, verdict in enumerate(result.verdicts) if verdict == result.verdict][:3]


def _shown(result: Result, place: int, language: str) -> str:
    figure = result.figures[place]
    label = figure_label(result.check, figure.name, figure.of, language)
    return f"{label}: {_with_interval(figure)}{_asked(result.threshold(figure))}"


def _with_interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return _number(figure.value)
    return f"{_number(figure.value)} ({_number(figure.low)} to {_number(figure.high)})"


def _asked(threshold: Threshold | None) -> str:
    if threshold is None:
        return ""
    bounds = ((threshold.at_least, "at least"), (threshold.at_most, "at most"))
    return "; asked: " + ", ".join(f"{word} {_number(bound)}" for bound, word in bounds if bound is not None)


def _number(value: float) -> str:
    return f"{value:.4g}"
