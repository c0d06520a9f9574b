"""What every method of explanation is: a case in, a map out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.explain.case import Case
from engine.jobs import Job

STAGE = "Explaining"  # of jobs


@dataclass(frozen=True)
class Map:
    """share: float64[rows], a number for each row of `case.shown.tokens`, larger for what counts more in favour; rows
    that a method says nothing of are 0. history: float64[events], the same for the events that the sequence read,
    oldest first; None where the method says nothing of them. notes: what a reader must know of this one map."""

    share: NDArray[np.float64]
    history: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Method:
    """attribute: raises HeedmapError where the run lacks what the method needs. about: its definition in a sentence.

    sums: whether the rows and the bias sum to the score. signed: whether a negative number means "counts against".
    deep: goes through the encoders, which must be on this machine. stepwise: the same map as a job with steps, for
    methods that take seconds: whoever has moved on can stop it.
    """

    attribute: Callable[[Case], Map]
    about: str
    sums: bool = False
    signed: bool = True
    deep: bool = False
    stepwise: Callable[[Case], Job] | None = None
