"""The plan of an audit: which checks, how large the samples, what is asked, which groups, and the seed.

A plan is a small TOML file; what it leaves out is its preset's:

    preset = "standard"              # quick, standard, full
    title = "Quarterly audit"
    seed = 1
    precision = 0.05                 # wanted half-width of the 95 % intervals, in units of what is measured
    only = ["quality", "privacy.membership"]    # families or checks; all of the preset where left out
    skip = ["privacy.personal-data"]
    also = ["shoppers.reweighting"]  # what trains the run anew, which the preset full alone has of itself
    groups = ["gender", "age + gender"]         # profile attributes; all with few values where left out
    segments = ["Regulars"]          # saved in the window; standard and full take the first eight where left out
    strata = ["history"]             # samples of shoppers are drawn in proportion to these: history, or an attribute

    [sample]                         # instead of what the precision asks for
    "explanation.faithfulness" = 200

    [thresholds]                     # instead of the presets'
    "privacy.membership.excess" = { at_most = 0.2 }
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.audit.check import Check, Threshold
from engine.errors import HeedmapError
from engine.files import read_json

PRECISION = {"quick": 0.10, "standard": 0.05, "full": 0.03}
FEWEST = 30  # no sample is smaller: below this an interval means little
_KEYS = (
    "preset",
    "title",
    "seed",
    "precision",
    "only",
    "skip",
    "also",
    "groups",
    "segments",
    "strata",
    "sample",
    "thresholds",
)


@dataclass(frozen=True)
class Plan:
    """Which checks, on how much. groups: sets of profile attributes, None for all that have few values; segments: names
    of saved ones, None for the first few, of a preset that is not quick."""

    preset: str = "standard"
    title: str = ""
    seed: int = 1
    precision: float = PRECISION["standard"]
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] | None = None
    segments: tuple[str, ...] | None = None
    strata: tuple[str, ...] = ("history",)
    sample: Mapping[str, int] = field(default_factory=dict)
    thresholds: Mapping[str, tuple[Threshold, ...]] = field(default_factory=dict)

    def checks(self, known: Mapping[str, Check]) -> tuple[Check, ...]:
        """The checks to be done, in the order of `known`."""
        return tuple(one for one in known.values() if self._wants(one) and not _named(one, self.skip))

    def _wants(self, check: Check) -> bool:
        if _named(check, self.also) or check.name in self.only:
            return True
        there = not self.only or check.family in self.only
        return there and (self.preset == "full" or not check.trains)

    def sample_of(self, check: Check) -> int:
        """How many units a check measures: enough for the wanted precision (a normal interval over the check's
        spread), or what the plan says; 0 for a check that measures everything."""
        if check.name in self.sample:
            return self.sample[check.name]
        if not check.spread:
            return 0
        return min(check.most, max(FEWEST, math.ceil((1.96 * check.spread / self.precision) ** 2)))

    def thresholds_of(self, check: Check) -> tuple[Threshold, ...]:
        """What is asked of a check: its own thresholds, those of the plan instead where it names them."""
        own = {one.figure: one for one in check.thresholds}
        return tuple((own | {one.figure: one for one in self.thresholds.get(check.name, ())}).values())

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Plan:
        """The same, read back from a bundle. HeedmapError where it is damaged."""
        try:
            thresholds = {
                name: tuple(Threshold(**one) for one in these) for name, these in content["thresholds"].items()
            }
            groups, segments = content["groups"], content.get("segments")
            return Plan(
                **{
                    **content,
                    "only": tuple(content["only"]),
                    "skip": tuple(content["skip"]),
                    "also": tuple(content.get("also", ())),
                    "strata": tuple(content["strata"]),
                    "segments": None if segments is None else tuple(segments),
                    "groups": None if groups is None else tuple(tuple(one) for one in groups),
                    "thresholds": thresholds,
                }
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise HeedmapError(f"The plan in the bundle is damaged ({error}).", "Take a fresh copy of it.") from error


def preset(name: str) -> Plan:
    """The plan of that name. HeedmapError lists them."""
    if name not in PRECISION:
        raise HeedmapError(f"There is no plan {name!r}.", f"Use {', '.join(PRECISION)}, or the path of a TOML file.")
    return Plan(preset=name, precision=PRECISION[name])


def plan_of(named: str, known: Mapping[str, Check]) -> Plan:
    """The plan of a preset's name, of a TOML file, or of the plan.json of a bundle. HeedmapError as they have it."""
    if named in PRECISION:
        return preset(named)
    path = Path(named)
    return Plan.from_json(read_json(path)) if path.suffix == ".json" else read_plan(path, known)


def read_plan(path: Path, known: Mapping[str, Check]) -> Plan:
    """Read a plan. HeedmapError names the first thing that is unknown or cannot be."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HeedmapError(
            f"There is no plan at {path}.", f"Give a TOML file, or one of {', '.join(PRECISION)}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HeedmapError(f"{path} is not valid TOML ({error}).", "Mend that line.") from error
    if unknown := [name for name in content if name not in _KEYS]:
        raise HeedmapError(f"{path} says {unknown[0]!r}, which no plan knows.", f"Use {', '.join(_KEYS)}.")
    plan = preset(_text(content, "preset", "standard"))
    plan = replace(
        plan,
        title=_text(content, "title", ""),
        seed=_number(content, "seed", plan.seed, 0, 2**31 - 1, whole=True),
        precision=_number(content, "precision", plan.precision, 0.001, 0.5),
        only=_names(content, "only", known),
        skip=_names(content, "skip", known),
        also=_names(content, "also", known),
        groups=_groups(content),
        segments=tuple(_texts(content, "segments")) if "segments" in content else None,
        strata=tuple(_texts(content, "strata")) if "strata" in content else plan.strata,
        sample=_samples(content, known),
        thresholds=_thresholds(content, known),
    )
    if not plan.checks(known):
        raise HeedmapError(f"{path} leaves no check to be done.", "Name fewer checks in `skip`.")
    return plan


def _named(check: Check, names: tuple[str, ...]) -> bool:
    return check.name in names or check.family in names


def _text(content: Mapping[str, Any], key: str, otherwise: str) -> str:
    value = content.get(key, otherwise)
    if not isinstance(value, str):
        raise HeedmapError(f"{key} = {value!r} is no text.", 'Put it in quotes: "...".')
    return value


def _texts(content: Mapping[str, Any], key: str) -> list[str]:
    value = content.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise HeedmapError(f"{key} is not a list of texts.", f'Write {key} = ["...", "..."].')
    return value


def _number(
    content: Mapping[str, Any], key: str, otherwise: Any, least: float, most: float, whole: bool = False
) -> Any:
    value = content.get(key, otherwise)
    wrong = isinstance(value, bool) or not isinstance(value, int if whole else int | float)
    if wrong or not least <= value <= most:
        kind = "a whole number" if whole else "a number"
        raise HeedmapError(f"{key} = {value!r} cannot be.", f"Give {kind} from {least:g} to {most:g}.")
    return value


def _names(content: Mapping[str, Any], key: str, known: Mapping[str, Check]) -> tuple[str, ...]:
    found = _texts(content, key)
    families = dict.fromkeys(one.family for one in known.values())
    if unknown := [name for name in found if name not in known and name not in families]:
        raise HeedmapError(
            f"{key} names {unknown[0]!r}, which is no check.", f"The checks are {', '.join([*families, *known])}."
        )
    return tuple(found)


def _groups(content: Mapping[str, Any]) -> tuple[tuple[str, ...], ...] | None:
    if "groups" not in content:
        return None
    return tuple(tuple(part.strip() for part in one.split("+")) for one in _texts(content, "groups"))


def _table(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key, {})
    if not isinstance(value, dict):
        raise HeedmapError(f"{key} is not a table.", f"Write [{key}], and lines below it.")
    return value


def _samples(content: Mapping[str, Any], known: Mapping[str, Check]) -> dict[str, int]:
    found = {}
    for name, value in _table(content, "sample").items():
        if name not in known:
            raise HeedmapError(f"[sample] names {name!r}, which is no check.", f"The checks are {', '.join(known)}.")
        found[name] = _number({name: value}, name, FEWEST, 2, 10_000_000, whole=True)
    return found


def _thresholds(content: Mapping[str, Any], known: Mapping[str, Check]) -> dict[str, tuple[Threshold, ...]]:
    """Of each check named as "family.check.figure"."""
    found: dict[str, tuple[Threshold, ...]] = {}
    for name, value in _table(content, "thresholds").items():
        check, _, figure = name.rpartition(".")
        if check not in known:
            raise HeedmapError(
                f"[thresholds] names {name!r}, which is no figure of a check.",
                'Write "family.check.figure" = { at_most = 0.5 }.',
            )
        of = {one.figure for one in known[check].thresholds}
        if figure not in of:
            raise HeedmapError(
                f"Nothing can be asked of {figure!r} in {check}.",
                f"Thresholds are of {', '.join(sorted(of))}." if of else f"{check} has no thresholds.",
            )
        if not isinstance(value, dict) or not value or set(value) - {"at_least", "at_most"}:
            raise HeedmapError(f"{name} = {value!r} is no threshold.", "Write { at_least = 0.1 } or { at_most = 0.5 }.")
        bounds = {key: float(_number(value, key, 0.0, -1e12, 1e12)) for key in value}
        found[check] = (*found.get(check, ()), Threshold(figure, **bounds))
    return found
