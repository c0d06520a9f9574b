"""What checks are given: the run and dataset under audit, the plan, samples, groups, and what several checks need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.audit.check import Check
from engine.audit.plan import Plan
from engine.dataset.duplicates import duplicates
from engine.dataset.split import through_validation
from engine.dataset.store import Dataset
from engine.dataset.tables import Duplicates
from engine.errors import HeedmapError
from engine.evaluation.figures import Ground, ground
from engine.evaluation.knock_out import knock_outs
from engine.evaluation.outcome import Outcome, model_batches, observe
from engine.features.catalogue import Catalogue
from engine.features.content import content_features, held_modalities
from engine.jobs import Job
from engine.recommend import Recommender
from engine.segments import Segment, saved_segments

K = 10  # length of the lists that are audited
SEGMENTS = 8  # saved ones that are measured where the plan names none
_TOGETHER = 32  # shoppers that are read at once


class Subject:
    """A run under audit. Nothing of it is changed, and nothing is written to its folder.

    work: where a check may keep what it goes on with after a kill; None where nothing is to be kept.
    """

    def __init__(self, run: Recommender, plan: Plan, work: Path | None = None) -> None:
        self.run, self.plan, self.work = run, plan, work
        self.dataset: Dataset = run.dataset
        self._outcome: Outcome | None = None
        self._without: dict[str, Outcome] = {}
        self._duplicates: Duplicates | None = None
        self.anew: dict[str, Outcome] = {}  # of trainings, see `anew`

    def random(self, check: str) -> np.random.Generator:
        """The random numbers of one check: the same whatever was done before it."""
        digest = hashlib.sha256(check.encode()).digest()
        return np.random.default_rng([self.plan.seed, *np.frombuffer(digest[:16], np.uint32).tolist()])

    @cached_property
    def ground(self) -> Ground:
        """The targets of the test part, and what was known before them."""
        data, parts, catalogue = self.run.data, self.run.parts, self.run.catalogue
        known = through_validation(data, parts).train
        return ground(data, parts.test, known, K, _content(catalogue), self.run.texts.category, self.plan.seed)

    def outcome(self) -> Job:
        """The run's own Outcome on all targets of the test part, worked out once."""
        if self._outcome is None:
            on = self.ground
            batches = model_batches(self.run.model, self.run.tokens, on.data, on.targets)
            cold = on.popularity == 0
            self._outcome = yield from observe(batches, on.data, cold, K, len(on.targets), "Ranking the test part")
        return self._outcome

    def without(self) -> Job:
        """Part of the model -> the Outcome of the run that lacks it (see `knock_outs`), worked out once."""
        if not self._without:
            on = self.ground
            for name, model, tokens in knock_outs(self.run.model, self.run.tokens):
                batches = model_batches(model, tokens, on.data, on.targets)
                stage = f"Ranking without {name}"
                self._without[name] = yield from observe(
                    batches, on.data, on.popularity == 0, K, len(on.targets), stage
                )
        return self._without

    def duplicates(self) -> Job:
        """The products whose photos are the same or look alike, looked for once."""
        if self._duplicates is None:
            self._duplicates = yield from duplicates(self.dataset, keep=False)
        return self._duplicates

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The segments saved for the dataset in the run's workspace that the plan takes. HeedmapError where it names
        one that is not there, or they cannot be read."""
        wanted = self.plan.segments
        if wanted == () or (wanted is None and self.plan.preset == "quick"):
            return ()
        saved = saved_segments(self.run.folder, self.dataset.folder)
        if wanted is None:
            return saved[:SEGMENTS]
        named = {one.name: one for one in saved}
        if lost := [name for name in wanted if name not in named]:
            raise HeedmapError(
                f"The plan names the segment {lost[0]!r}, which is not saved for {self.dataset.manifest.name}.",
                f"Saved are {', '.join(named)}." if named else "Save it in the Segments view of the run's workspace.",
            )
        return tuple(named[name] for name in wanted)

    @cached_property
    def profiles(self) -> dict[str, NDArray[np.object_]]:
        """Profile attribute -> its value for each shopper of `run.data.users`, "" where there is none; the first of
        several."""
        index = {name: place for place, name in enumerate(self.run.data.users)}
        found: dict[str, NDArray[np.object_]] = {}
        rows = self.dataset.rows(
            'SELECT "user", one.name, one.value FROM (SELECT "user", unnest(attributes) AS one FROM users)'
        )
        for user, name, value in rows:
            if user in index and value is not None:
                column = found.setdefault(name, np.full(len(index), "", object))
                if column[index[user]] == "":
                    column[index[user]] = value
        return found

    @cached_property
    def strata(self) -> NDArray[np.int64]:
        """The stratum of each shopper by the plan: thirds of the length of the past, values of profile attributes."""
        length = np.diff(self.run.data.start)
        keys = [np.zeros(len(length), np.int64)]
        for name in self.plan.strata:
            if name == "history":
                keys.append(np.searchsorted(np.quantile(length[length > 0], [1 / 3, 2 / 3]), length))
            elif name in self.profiles:
                keys.append(np.unique(self.profiles[name].astype(str), return_inverse=True)[1])
        return np.unique(np.stack(keys), axis=1, return_inverse=True)[1].reshape(-1)

    def shoppers(self, check: Check, most: int | None = None) -> NDArray[np.int64]:
        """Shoppers with a past, as many as the plan has this check measure, drawn in proportion to the strata without
        putting any back; sorted."""
        active = np.flatnonzero(np.diff(self.run.data.start) > 0)
        count = min(len(active), self.plan.sample_of(check), most or len(active))
        random = self.random(check.name)
        order = random.permutation(active)
        # Evenly spaced places of a list sorted by stratum: each stratum has its share, but for rounding.
        order = order[np.argsort(self.strata[order], kind="stable")]
        places = np.floor((np.arange(count) + random.random()) * len(order) / max(count, 1)).astype(np.int64)
        return np.sort(order[places])

    def pairs(self, check: Check, most: int | None = None) -> Iterator[tuple[str, str]]:
        """Drawn shoppers, each with one of the ten products that the run ranks best for them; those who have none left
        to be recommended are passed over. What is read of a shopper is held until the next."""
        random = self.random(f"{check.name} products")
        drawn = self.shoppers(check, most).tolist()
        for first in range(0, len(drawn), _TOGETHER):
            pasts = [self.run.past(self.run.data.users[user]) for user in drawn[first : first + _TOGETHER]]
            self.run.read_ahead([past.history for past in pasts])
            for past in pasts:
                best = self.run.under((), self.run.running(past)[1], K).order[:K]
                if len(best):
                    yield past.name, self.run.data.items[int(best[int(random.integers(len(best)))])]


def _content(catalogue: Catalogue) -> tuple[object, ...]:
    return tuple(content_features(catalogue, name) for name in held_modalities(catalogue))
