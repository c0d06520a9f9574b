"""Lists as business rules would make them, for all targets of the test part: what a repair gives and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audit.subject import K, Subject
from engine.evaluation.outcome import model_batches
from engine.jobs import Job, Progress
from engine.model.baselines.contract import without_history
from engine.recommend import Recommender
from engine.rules import Condition, Rule
from engine.ruling import apply

WITHIN = 50  # products of a list that variety looks at
LAMBDA = 0.7


@dataclass(frozen=True)
class Relisted:
    """ranks: int64[targets], of the target under the rules; lists: int64[targets, 10], -1 behind the end."""

    ranks: NDArray[np.int64]
    lists: NDArray[np.int64]


def floor(group: str, places: int) -> tuple[Rule, ...]:
    """At least so many places of the first ten for a group of products."""
    return (Rule(f"floor {group}", "exposure", Condition(group, present=True), at_least=places, within=K),)


def lift(group: str, by: float) -> tuple[Rule, ...]:
    """So much added to the scores of a group of products; less than nothing lowers them."""
    return (Rule(f"lift {group}", "boost", Condition(group, present=True), by=by),)


def variety(weight: float = LAMBDA) -> tuple[Rule, ...]:
    """Maximal marginal relevance over the products' content."""
    return (Rule("variety", "diversity", weight=weight, over="content", within=WITHIN),)


def relisted(subject: Subject, repairs: Mapping[str, tuple[Rule, ...]], groups: Mapping[str, NDArray[np.bool_]]) -> Job:
    """Return name -> Relisted for each set of rules. groups: bool[items] of each name that a rule's condition is on."""
    run, on = subject.run, subject.ground
    content = _content(run)

    def meets(condition: Condition) -> NDArray[np.bool_]:
        return groups[condition.field]

    def vectors(what: str, items: NDArray[np.int64]) -> NDArray[np.float32]:
        return content[items]

    ranks: dict[str, list[int]] = {name: [] for name in repairs}
    lists: dict[str, list[NDArray[np.int64]]] = {name: [] for name in repairs}
    done = 0
    for chunk, histories, scores in model_batches(run.model, run.tokens, on.data, on.targets):
        without_history(scores, histories)
        for row, target in enumerate(chunk.tolist()):
            for name, rules in repairs.items():
                order = apply(rules, scores[row], {}, meets, vectors).order
                ranks[name].append(int(np.flatnonzero(order == on.data.item[target])[0]) + 1)
                first = np.full(K, -1, np.int64)
                first[: min(K, len(order))] = order[:K]
                lists[name].append(first)
            done += 1
            if done % 16 == 0:
                yield Progress("Ranking under repairs", done, len(on.targets))
    return {name: Relisted(np.array(ranks[name]), np.array(lists[name]).reshape(-1, K)) for name in repairs}


def _content(run: Recommender) -> NDArray[np.float32]:
    """What variety is measured by: the products' vectors without their identity, float32[items, dim]."""
    parts = [one for name, one in run.parts_of_items.items() if name != "identity"]
    found: NDArray[np.float32] = (sum(parts[1:], parts[0]) if parts else run.matrix).cpu().numpy()
    return found
