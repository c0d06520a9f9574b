"""How often a counterfactual is found, how small it is and how long it takes; each is re-checked here.

    python -m tests.bench.counterfactuals RUN [--recommendations 500] [--lifts 50] [--seed 1] [--k 10] [--seconds 10]

Recommendations are drawn among the first k of random shoppers. The re-check ranks the whole catalogue anew with code of
its own: the shopper's past or the product's tokens without what was removed (cut out, not masked), a score in float64,
and a count of the products that stand above. `--lifts` draws products at ranks 11 to 100 of random shoppers besides.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.counterfactual.drop import drop
from engine.counterfactual.lift import lift
from engine.counterfactual.types import Counterfactual
from engine.jobs import Progress, finish
from engine.live import Session
from engine.model.tower import TokenBatch
from engine.recommend import Recommender


@dataclass
class Figures:
    """Of one kind of change."""

    asked: int = 0
    sizes: list[int] = field(default_factory=list)
    proven: int = 0
    wrong: int = 0
    moved: int = 0  # below k as told, but at another rank: two scores that are equal in float32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--recommendations", type=int, default=500)
    parser.add_argument("--lifts", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10.0)
    parsed = parser.parse_args()
    recommender: Recommender = finish(Recommender.open(parsed.run.resolve()))
    figures: dict[str, Figures] = {"all kinds": Figures()}
    total, first, best = [], [], []
    for user, item in _pairs(recommender, parsed.recommendations, parsed.seed, 1, parsed.k):
        steps: list[Progress] = []
        found = finish(drop(recommender, user, item, parsed.k, seconds=parsed.seconds), watch=steps.append)
        told = [one.data for one in steps if one.message]
        total.append(found.seconds)
        if told:
            first.append(told[0]["seconds"])
            best.append(next(one["seconds"] for one in told if one["size"] == found.size))
        _count(figures, recommender, found)
    print(f"{len(total)} recommendations at rank 1 to {parsed.k}, at most {parsed.seconds:g} s each")
    for kind, one in figures.items():
        _say(kind, one, len(total))
    for name, times in (("first answer", first), ("answer that stayed", best), ("whole search", total)):
        if times:
            print(f"{name:<20} median {np.median(times):.3f} s, p95 {np.percentile(times, 95):.3f} s")
    if parsed.lifts:
        _lifts(recommender, parsed)


def _pairs(recommender: Recommender, count: int, seed: int, low: int, high: int) -> Iterator[tuple[str, str]]:
    random = np.random.default_rng(seed)
    while count:
        user = recommender.data.users[int(random.integers(len(recommender.data.users)))]
        items = recommender.rank(user, high).items[low - 1 :]
        if items:
            yield user, items[int(random.integers(len(items)))].item
            count -= 1


def _count(figures: dict[str, Figures], recommender: Recommender, found: Counterfactual) -> None:
    whole = figures["all kinds"]
    whole.asked += 1
    if found.found:
        whole.sizes.append(found.size)
        whole.proven += found.proven
    for one in (found, *found.others):
        if one.kind is None:
            continue
        mine = figures.setdefault(one.kind, Figures())
        mine.sizes.append(one.size)
        mine.proven += one.proven
        rank = rank_without(recommender, one)
        for count in (mine, whole):
            count.wrong += rank <= one.k
            count.moved += rank != one.rank_after
        if rank <= one.k:
            print(f"NOT CONFIRMED: {one.user} {one.item} {one.kind} {one.rows}: rank {rank}, not {one.rank_after}")


def rank_without(recommender: Recommender, found: Counterfactual) -> int:
    """The product's rank without what was removed; what the shopper had stays out of the running."""
    had = recommender.past(found.user).history.items
    item = recommender.item(found.item)
    if found.kind == "history":
        scores = _scores(recommender, found.user, Session(removed=tuple(one.field for one in found.removed)))
    else:
        scores = _scores(recommender, found.user, None)
        scores[item] = _score_of_rest(recommender, found, item)
    scores[had] = -np.inf
    return int((scores > scores[item]).sum()) + 1


def _scores(recommender: Recommender, user: str, session: Session | None) -> NDArray[np.float64]:
    """Every product's score in float64, from its vector."""
    if recommender.config.fusion == "cross":
        raise SystemExit("Under cross fusion vectors depend on the shopper; this re-check does not know that.")
    history = recommender.past(user, session).history
    model = recommender.model
    with torch.inference_mode():
        shopper = recommender.shopper_vectors([history])[0].double()
        bias = model.bias(torch.arange(len(recommender.data.items), device=shopper.device)).double()
        scores: NDArray[np.float64] = (recommender.matrix.double() @ shopper + bias).cpu().numpy()
        if model.shape.linear:
            scores = scores + model.linear.scores([history.items])[0].double().cpu().numpy()
    return scores


def _score_of_rest(recommender: Recommender, found: Counterfactual, item: int) -> float:
    """The score of a product whose page never had what was removed, its tokens gathered anew."""
    catalogue, model = recommender.catalogue, recommender.model
    history = recommender.past(found.user).history
    index = torch.tensor([item], device=recommender.device)
    batches = {}
    for name, batch in recommender.tokens.batch(index).items():
        x = batch.x[0][batch.there[0]]
        gone = {one for one in found.removed if one.modality == name}
        keep = np.ones(len(x), dtype=bool)
        if name == "text":
            start, end = catalogue.text_start[item], catalogue.text_start[item + 1]
            spans = [(one.field, one.span or (0, 0)) for one in gone]
            for place in range(start, end):
                source, begin = catalogue.fields[catalogue.text_source[place]][1], catalogue.text_span[place, 0]
                keep[place - start] = not any(
                    source == where and span[0] <= begin < max(span[1], span[0] + 1) for where, span in spans
                )
        elif name == "image":
            height, width = catalogue.grid
            for one in gone:
                left, top = (one.box or (0, 0))[:2]
                keep[round(top * height) * width + round(left * width)] = False
        else:
            vocabulary = getattr(catalogue, name)
            ids = vocabulary.ids[vocabulary.start[item] : vocabulary.start[item + 1]]
            keep = np.array([vocabulary.names[one] not in {(two.field, two.label) for two in gone} for one in ids])
        if keep.any():
            rest = x[torch.from_numpy(keep).to(x.device)]
            batches[name] = TokenBatch(rest[None], torch.ones(1, len(rest), dtype=torch.bool, device=x.device))
    with torch.inference_mode():
        shopper = recommender.shopper_vectors([history])[0].double()
        vector = model.identity(index)[0].double()
        for part in model.tower.content(batches).values() if batches else ():
            vector = vector + part[0].double()
        score = float(vector @ shopper) + float(model.bias(index)[0])
    return score + float(model.linear.shares(history.items, item).sum())


def _say(kind: str, one: Figures, asked: int) -> None:
    if not one.sizes:
        print(f"{kind:<12} none")
        return
    share = len(one.sizes) / asked
    print(
        f"{kind:<12} found {len(one.sizes)} of {asked} ({share:.1%}); size median {np.median(one.sizes):g}, p95"
        f" {np.percentile(one.sizes, 95):g}; proven smallest {one.proven / len(one.sizes):.0%};"
        f" not confirmed {one.wrong}, other rank below k {one.moved}",
        flush=True,
    )


def _lifts(recommender: Recommender, parsed: Any) -> None:
    found, ranks, times = [], [], []
    for user, item in _pairs(recommender, parsed.lifts, parsed.seed + 1, parsed.k + 1, 100):
        began = time.perf_counter()
        one = finish(lift(recommender, item, user, parsed.k, seconds=parsed.seconds))
        times.append(time.perf_counter() - began)
        ranks.append((one.places[0].rank_before, one.places[0].rank_after))
        found.append(one.size if one.found else 0)
    sizes = [one for one in found if one]
    print(
        f"lift of products at rank {parsed.k + 1} to 100: {len(sizes)} of {len(found)}"
        + (f", size median {np.median(sizes):g}" if sizes else "")
        + f"; rank median {np.median([one[0] for one in ranks]):g} -> {np.median([one[1] for one in ranks]):g};"
        f" median {np.median(times):.2f} s, p95 {np.percentile(times, 95):.2f} s"
    )


if __name__ == "__main__":
    main()
