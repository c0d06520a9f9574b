"""How fast a ranking follows a new event: python -m tests.bench.live RUN [--events N] [--rules F] [--json]

Shoppers of the run, one event after another: each adds the product that stands first, and the list of 100 is ranked
anew from the changed history; then the first product is explained. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.explain.methods import explain
from engine.jobs import finish
from engine.live import Event, Session
from engine.recommend import Recommender
from engine.rules import read_rules


def live(recommender: Recommender, events: int, rules: Path | None) -> dict[str, float]:
    """Milliseconds from an event to its ranked list, and to the explanation of its first product."""
    read = read_rules(rules) if rules else ()
    random = np.random.default_rng(1)
    ranked: list[float] = []
    explained: list[float] = []
    while len(ranked) < events:
        user = recommender.data.users[int(random.integers(len(recommender.data.users)))]
        added: tuple[Event, ...] = ()
        for _ in range(10):
            began = time.perf_counter()
            list_ = recommender.rank(user, 100, Session(added), read)
            ranked.append(1000 * (time.perf_counter() - began))
            added = (*added, Event(list_.items[0].item))
        began = time.perf_counter()
        explain(recommender, user, list_.items[0].item, session=Session(added[:-1]), rules=read)
        explained.append(1000 * (time.perf_counter() - began))
    found = {"products": float(len(recommender.data.items)), "events": float(len(ranked))}
    for name, times in (("rank", ranked), ("explain", explained)):
        found[f"{name} median ms"] = statistics.median(times)
        found[f"{name} p95 ms"] = float(np.quantile(times, 0.95))
    return found


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--rules", type=Path)
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args(argv)
    found = live(finish(Recommender.open(parsed.run, "cpu")), parsed.events, parsed.rules)
    print(json.dumps(found, indent=2) if parsed.json else "\n".join(f"{k:<20}{v:>10.1f}" for k, v in found.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
