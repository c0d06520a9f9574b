"""An audit and a verification in a few lines, for a terminal."""

from __future__ import annotations

from collections import Counter

from engine.audit.check import WORST, Figure, Result, Threshold
from engine.audit.texts import sentence, texts
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
            why = " ".join(sentence(one.check, note, language) for note in one.notes)
            lines.append(f"{verdicts['not run']}: {words[one.check]['title']}. {why}")
    return "\n".join(lines)


def verified_text(found: Verified, most: int) -> str:
    """What holds and what does not, the first `most` faults by name."""
    lines = [f"{one.file or 'The bundle'} {one.what}." if one.file else f"{one.what}." for one in found.faults[:most]]
    if len(found.faults) > most:
        lines.append(f"And {len(found.faults) - most} more.")
    if not found.faults:
        lines.append(f"All {found.files} files are as they were signed on {found.made}.")
        lines.append(f"Signed with the key {found.signer}. Ask the auditor for it, and compare.")
    lines += found.notes
    if found.again:
        checks = dict.fromkeys(one.check for one in found.again)
        off = [one for one in found.again if not one.agrees]
        lines.append(f"Measured again (drawn by seed {found.seed}): {', '.join(checks)}.")
        lines.append(f"{len(found.again) - len(off)} of {len(found.again)} figures agree within the stated tolerance.")
        for one in off[:most]:
            of = f" ({', '.join(one.of.values())})" if one.of else ""
            lines.append(
                f"    {one.check}, {one.name}{of}: {_number(one.was)} was signed, {_number(one.now)} measured."
            )
    return "\n".join(lines)


def _worst(result: Result) -> list[int]:
    return [place for place, verdict in enumerate(result.verdicts) if verdict == result.verdict][:3]


def _shown(result: Result, place: int, language: str) -> str:
    figure = result.figures[place]
    label = texts(language)[result.check]["figures"].get(figure.name, figure.name)
    of = f" ({', '.join(figure.of.values())})" if figure.of else ""
    return f"{label}{of}: {_with_interval(figure)}{_asked(result.threshold(figure))}"


def _with_interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return _number(figure.value)
    return f"{_number(figure.value)} ({_number(figure.low)} to {_number(figure.high)})"


def _asked(threshold: Threshold | None) -> str:
    if threshold is None:
        return ""
    bounds = ((threshold.at_least, "at least"), (threshold.at_most, "at most"))
    return "; asked: " + ", ".join(f"{word} {_number(bound)}" for bound, word in bounds if bound is not None)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"
