"""Whether the scores give away what was trained on: membership inference with a control that cannot have memorised.

An attacker who knows a shopper's past asks whether the next event was in the training data, and says yes where the run
scores its product high (as by low loss, Yeom et al. 2018). Scores are taken in standard deviations over the products in
question: how sure a run is of itself differs between runs and shoppers, and hides what it remembers. Held-out events
are later than trained ones, and what is bought changes, so that anyone could tell the two apart to some degree without
any memorising. The same attack is therefore made with a control: counts of what was bought together, the attacked
shopper's own events left out of them. It meets the same change of time and of products, and cannot know what it never
counted ("blind baselines": Das, Zhang and Tramèr 2024). What the run tells beyond the control is what is judged.

A run adds up two parts, each of which may remember: a network that is trained, and a linear term that is solved. Where
one of them weighs much it drowns what the other knows by heart, though whoever holds the run, or reads its explanations
(which tell the two apart exactly), sees each alone. So the attack is made on the whole and on either part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sparse
import torch
from numpy.typing import NDArray
from scipy.special import ndtri

from engine.audit.check import Check, Figure, Measured, Note, NotRun, Threshold
from engine.audit.draws import normal
from engine.audit.subject import Subject
from engine.dataset.split import Interactions, through_validation
from engine.jobs import Job, Progress
from engine.metrics.separation import found_at, weighted_aucs
from engine.model.scoring import running_scores

NAME = "privacy.membership"
DRAWS = 500
ALARMS = 0.01
MOST_OF_ONE = 12  # events of one shopper on either side
FEWEST = 100  # events on either side
PLAIN = 0.1  # beyond what is asked: a breach that must be seen four times in five
MOST = 0.3  # beyond the control; of the whole and of either part
JUDGED = ("excess", "network", "linear")
_PRIOR = 10.0  # events by which the control's counts are drawn towards popularity
_BLOCK = 2_000_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Attacked:
    """Events under attack. event: int64[n], rows of the interactions, sorted; member: bool[n]; weight: float64[n], by
    which members are as popular and as late in their shoppers' pasts as the others are; user: int32[n]."""

    event: NDArray[np.int64]
    member: NDArray[np.bool_]
    weight: Floats
    user: NDArray[np.int32]


def membership(subject: Subject) -> Job:
    data = subject.run.data
    trained = trained_on(subject)
    drawn = _drawn(subject, trained)
    if min(drawn.member.sum(), (~drawn.member).sum()) < FEWEST:
        raise NotRun(
            Note("too_few_events", {"n": int(min(drawn.member.sum(), (~drawn.member).sum())), "least": FEWEST})
        )
    run: Standing = yield from standings(subject, drawn.event)
    control = yield from control_scores(data, trained, drawn.event)
    return _figures(subject, drawn, run, control)


def trained_on(subject: Subject) -> NDArray[np.bool_]:
    """bool[n] over the interactions: those that the weights were trained on."""
    run = subject.run
    taken_in = run.config.refit and len(run.parts.validation)
    return (through_validation(run.data, run.parts) if taken_in else run.parts).train


def _drawn(subject: Subject, trained: NDArray[np.bool_]) -> Attacked:
    data, parts = subject.run.data, subject.run.parts
    random = subject.random(NAME)
    shoppers = np.zeros(len(data.users), bool)
    shoppers[subject.shoppers(CHECK)] = True
    place = np.arange(len(data.item)) - data.start[data.user]
    popularity = np.bincount(data.item[trained], minlength=len(data.items))[data.item] - trained
    usable = shoppers[data.user] & (place > 0) & (popularity > 0)
    other = np.zeros(len(data.item), bool)
    other[np.concatenate([parts.validation, parts.test])] = True
    chosen = []
    for there in (usable & trained, usable & other & ~trained):
        events = random.permutation(np.flatnonzero(there))
        events = events[np.argsort(data.user[events], kind="stable")]
        first = np.searchsorted(data.user[events], data.user[events])
        chosen.append(events[np.arange(len(events)) - first < MOST_OF_ONE])
    event = np.sort(np.concatenate(chosen))
    member = trained[event]
    weight = _alike(np.log2(popularity[event]), np.log2(place[event]), member)
    return Attacked(event, member, weight, data.user[event])


def _alike(popularity: Floats, place: Floats, member: NDArray[np.bool_]) -> Floats:
    """Weights by which members fall into cells of popularity and place as often as the others do."""
    others = ~member
    if not others.any() or not member.any():
        return np.ones(len(member))
    edges = [np.unique(np.quantile(one[others], np.linspace(0, 1, 6)[1:-1])) for one in (popularity, place)]
    cell = np.searchsorted(edges[0], popularity, side="right") * 6 + np.searchsorted(edges[1], place, side="right")
    inside = np.bincount(cell[member], minlength=36).astype(np.float64)
    wanted = np.bincount(cell[others], minlength=36).astype(np.float64)
    weight = np.ones(len(member))
    weight[member] = (wanted / np.maximum(inside, 1))[cell[member]]
    weight[others] = (inside > 0)[cell[others]]  # what no member resembles cannot be compared
    return weight


@dataclass(frozen=True)
class Standing:
    """How high the run scores the product of each event. plain: float64[n], less the mean of all products that the
    shopper did not yet have, in their standard deviations. calibrated: float64[n], that less what other shoppers give
    the same product, in the standard deviations of these (as offline LiRA, Carlini et al. 2022, with other shoppers in
    the place of other runs). parts: the same as plain, of what the "network" and what the "linear" term adds; empty for
    a run that has no such term."""

    plain: Floats
    calibrated: Floats
    parts: Mapping[str, Floats]


def standings(subject: Subject, events: NDArray[np.int64]) -> Job:
    """Return the Standing of these events, each after the past that its shopper had."""
    run, data = subject.run, subject.run.data
    total, squares, count = np.zeros((3, len(data.items)))
    found, done = [np.zeros(0)], 0
    two = bool(run.model.shape.linear) and float(run.model.linear.level) > 0
    parts: dict[str, list[Floats]] = {"network": [], "linear": []} if two else {}
    for chunk, histories, scores in running_scores(run.model, run.tokens, data, events):
        open_to = np.isfinite(scores)
        own = np.arange(len(chunk)), data.item[chunk]
        if two:
            with torch.inference_mode():
                linear = run.model.linear.scores([history.items for history in histories]).cpu().numpy()
            parts["network"].append(_in_deviations(scores - linear, open_to)[own].astype(np.float64))
            parts["linear"].append(_in_deviations(linear, open_to)[own].astype(np.float64))
        scores = _in_deviations(scores, open_to)
        found.append(scores[own].astype(np.float64))
        for row, user in enumerate(data.user[chunk].tolist()):  # a product's own shoppers tell nothing of the others
            open_to[row, data.item[data.events_of(user)]] = False
        scores[~open_to] = 0.0
        total += scores.sum(axis=0, dtype=np.float64)
        squares += np.einsum("ij,ij->j", scores, scores, dtype=np.float64)
        count += open_to.sum(axis=0)
        done += len(chunk)
        yield Progress("Attacking the run", done, len(events))
    plain, item = np.concatenate(found), data.item[events]
    usual = total / np.maximum(count, 1)
    around = np.sqrt(np.maximum(squares / np.maximum(count, 1) - usual**2, 1e-6))
    each = {name: np.concatenate([np.zeros(0), *some]) for name, some in parts.items()}
    return Standing(plain, (plain - usual[item]) / around[item], each)


def _in_deviations(scores: NDArray[np.float32], open_to: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Scores less their mean, in their standard deviations, over what each row is open to; 0 elsewhere."""
    scores = np.where(open_to, scores, np.float32(0.0))
    size = np.maximum(open_to.sum(axis=1), 1)
    scores -= (scores.sum(axis=1, dtype=np.float64) / size)[:, None].astype(np.float32)
    scores[~open_to] = 0.0
    spread = np.sqrt(np.einsum("ij,ij->i", scores, scores, dtype=np.float64) / size)
    scores /= np.maximum(spread, 1e-9)[:, None].astype(np.float32)
    return scores


def control_scores(data: Interactions, trained: NDArray[np.bool_], events: NDArray[np.int64]) -> Job:
    """Return float64[n]: the log of the chance of each event's product by counts of what other shoppers have together
    with those of its past: the mean over the past of (n(i, j) + prior p(i)) / (n(j) + prior), the shopper's own events
    not counted."""
    kept = np.flatnonzero(trained)
    ones = np.ones(len(kept), np.float32)
    matrix = sparse.csr_matrix((ones, (data.user[kept], data.item[kept])), (len(data.users), len(data.items)))
    by_item, count = matrix.T.tocsr(), np.bincount(data.item[kept], minlength=len(data.items))
    found = np.zeros(len(events))
    products, which = np.unique(data.item[events], return_inverse=True)
    size = max(1, _BLOCK // len(data.items))
    for first in range(0, len(products), size):
        together = (by_item[products[first : first + size]] @ matrix).toarray()
        for place in np.flatnonzero((which >= first) & (which < first + size)):
            event = int(events[place])
            user, item = int(data.user[event]), int(data.item[event])
            own = trained[data.start[user] : data.start[user + 1]]  # of the shopper's events
            past = slice(int(data.start[user]), event)
            had = own[: event - past.start]
            among = together[which[place] - first, data.item[past]] - (had & trained[event])
            share = (count[item] - trained[event]) / max(len(kept) - own.sum(), 1)
            alike = (among + _PRIOR * share) / (count[data.item[past]] - had + _PRIOR)
            found[place] = np.log(alike.mean() + 1e-9)
        yield Progress("Attacking the control", first, len(products))
    return found


def _figures(subject: Subject, drawn: Attacked, run: Standing, control: Floats) -> Measured:
    random = subject.random(f"{NAME} bootstrap")
    _, who = np.unique(drawn.user, return_inverse=True)
    names = ("auc", "control", "excess", *run.parts, "sharper", "found", "found_control")
    rows: list[Floats] = []
    for size in _blocks(DRAWS, len(who)):
        times = random.multinomial(who.max() + 1, np.full(who.max() + 1, 1 / (who.max() + 1)), size)
        rows.append(_attacked(drawn, run, control, times[:, who] * drawn.weight))
    value = dict(zip(names, _attacked(drawn, run, control, drawn.weight[None])[0].tolist(), strict=True))
    draws = dict(zip(names, np.concatenate(rows).T, strict=True))
    judged = [name for name in JUDGED if name in value]
    figures = []
    for name, one in value.items():
        low, high = np.nanquantile(draws[name], [0.025, 0.975]).tolist()
        if name in judged:  # the intervals of these hold together
            low, high = normal(one, draws[name], len(judged))
        figures.append(Figure(name, one, low, high, len(drawn.event)))
    members, shoppers = int(drawn.member.sum()), int(who.max()) + 1
    notes = [Note("attacked", {"members": members, "others": len(drawn.event) - members, "shoppers": shoppers})]
    # From a threshold to what is failed four times in five.
    errors = float(ndtri(1 - 0.025 / len(judged)) + ndtri(0.8))
    reach = {name: errors * float(draws[name].std()) for name in judged if errors * float(draws[name].std()) > PLAIN}
    figures = [replace(one, blind=one.name in reach) for one in figures]
    asked = _asked(subject)
    missed = [reach[one.name] for one in figures if one.blind and one.value <= asked[one.name] < (one.high or math.inf)]
    if missed:
        needed = math.ceil(shoppers * (max(missed) / PLAIN) ** 2)
        notes.append(Note("blind", {"reach": f"{max(missed):.2f}", "shoppers": shoppers, "needed": needed}))
    notes += _meant(subject, value)
    table = {
        "member": drawn.member.tolist(),
        "run": run.plain.tolist(),
        **{name: one.tolist() for name, one in run.parts.items()},
        "calibrated": run.calibrated.tolist(),
        "control": control.tolist(),
        "weight": drawn.weight.tolist(),
    }
    return Measured(tuple(figures), tuple(notes), tables={"scores": table})


def _meant(subject: Subject, value: Mapping[str, float]) -> list[Note]:
    """What it means that more is remembered than is asked for, and what mends it: in each part that does, or in the one
    that remembers more where only the whole does."""
    asked = _asked(subject)
    over = {name: value[name] for name in JUDGED if name in value and value[name] > asked[name]}
    if not over:
        return []
    parts = {name: value[name] for name in ("network", "linear") if name in value} or {"network": value["excess"]}
    blamed = [name for name in parts if name in over] or [max(parts, key=lambda name: parts[name])]
    told = {name: f"{one:.2f}" for name, one in parts.items()}
    cases = round(100 * min(1.0, value["control"] + max(over.values())))
    return [Note("means", {"cases": cases}), *(Note(f"mend_{name}", told) for name in blamed)]


def _asked(subject: Subject) -> dict[str, float]:
    """The most that is asked of each judged figure."""
    return {one.figure: MOST if one.at_most is None else one.at_most for one in subject.plan.thresholds_of(CHECK)}


def _attacked(drawn: Attacked, run: Standing, control: Floats, weights: Floats) -> Floats:
    """float64[draws, figures], in the order of the figures."""
    ours, sharper, theirs, *parts = (
        weighted_aucs(one, drawn.member, weights) for one in (run.plain, run.calibrated, control, *run.parts.values())
    )
    found = [found_at(one, drawn.member, weights, ALARMS) for one in (run.calibrated, control)]
    return np.stack([ours, theirs, ours - theirs, *(one - theirs for one in parts), sharper, *found], axis=1)


def _blocks(draws: int, n: int) -> list[int]:
    size = max(1, min(draws, _BLOCK // max(1, n)))
    return [min(size, draws - first) for first in range(0, draws, size)]


CHECK = Check(NAME, membership, tuple(Threshold(name, at_most=MOST) for name in JUDGED), spread=1.0, cost=0.02)
