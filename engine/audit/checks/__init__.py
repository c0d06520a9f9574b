"""All checks by name, in the order in which they are measured: what takes longest comes last. A new one is a line in
its family's file."""

from __future__ import annotations

from engine.audit.check import Check
from engine.audit.checks import (
    data,
    diversity,
    explanation,
    main_parameters,
    privacy,
    quality,
    reweighting,
    robustness,
    sellers,
    shoppers,
    shortcuts,
)

_FAMILIES = (
    quality.CHECKS,
    explanation.CHECKS,
    shoppers.CHECKS,
    sellers.CHECKS,
    robustness.CHECKS,
    shortcuts.CHECKS,
    privacy.CHECKS,
    diversity.CHECKS,
    data.CHECKS,
    main_parameters.CHECKS,
    reweighting.CHECKS,
)

CHECKS: dict[str, Check] = {one.name: one for family in _FAMILIES for one in family}
