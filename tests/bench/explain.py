"""How long an explanation takes, method by method: python -m tests.bench.explain RUN [--explanations 200] [--seed 1]

Pairs are drawn by seed: a shopper with as many past purchases as the run reads (the ones with most, where none has so
many), and any product. Every pair is opened anew for every method, which is a line of its own: what all methods need.
Captum's integrated gradients go over the very same functions, product and past, in the same number of steps.
Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from captum.attr import IntegratedGradients

from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.integrated_gradients import STEPS
from engine.explain.methods import METHODS, explain
from engine.explain.sequence_flow import SequenceFlow
from engine.jobs import finish
from engine.recommend import Recommender

Pairs = list[tuple[str, str]]
SECONDS = 120.0  # the most that one line of the table is measured


def drawn(recommender: Recommender, count: int, seed: int) -> Pairs:
    """Shoppers with a long past, and any products."""
    random = np.random.default_rng(seed)
    data, events = recommender.data, np.diff(recommender.data.start)
    long = np.flatnonzero(events >= min(recommender.config.history, int(events.max())))
    users, items = random.choice(long, count), random.integers(len(data.items), size=count)
    return [(data.users[user], data.items[item]) for user, item in zip(users.tolist(), items.tolist(), strict=True)]


def captum(case: Case) -> None:
    """Integrated gradients by Captum over what ours go over: the features of the product, then its past purchases."""
    names = list(case.features)
    steps = {"n_steps": STEPS[0], "method": "gausslegendre"}
    if names:
        of_tokens = IntegratedGradients(lambda *x: case.scores_from(dict(zip(names, x, strict=True))))
        of_tokens.attribute(tuple(x[None] for x in case.features.values()), **steps)
    flow = SequenceFlow.of(case)
    if flow is not None and len(flow.vectors):
        IntegratedGradients(flow.scores).attribute(flow.vectors[None], **steps)


def timed(work: Callable[[str, str], float], pairs: Pairs) -> list[float]:
    """Milliseconds of each pair, the first one left out (it warms up); fewer where time runs out."""
    began, times = time.perf_counter(), []
    for user, item in [pairs[0], *pairs]:
        times.append(1000 * work(user, item))
        if time.perf_counter() - began > SECONDS:
            break
    return times[1:] or times


def of_method(recommender: Recommender, attribute: Callable[[Case], object]) -> Callable[[str, str], float]:
    def work(user: str, item: str) -> float:
        case = Case(recommender, user, item)
        assert case.shown  # names of the tokens, read from the dataset
        began = time.perf_counter()
        attribute(case)
        return time.perf_counter() - began

    return work


def opening(recommender: Recommender) -> Callable[[str, str], float]:
    def work(user: str, item: str) -> float:
        began = time.perf_counter()
        assert Case(recommender, user, item).shown
        return time.perf_counter() - began

    return work


def whole(recommender: Recommender, method: str) -> Callable[[str, str], float]:
    def work(user: str, item: str) -> float:
        began = time.perf_counter()
        explain(recommender, user, item, method)
        return time.perf_counter() - began

    return work


def row(name: str, times: list[float]) -> str:
    return f"{np.median(times):>10.1f}{np.quantile(times, 0.95):>10.1f}{len(times):>8}  {name}"


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--explanations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parsed = parser.parse_args(argv)
    recommender: Recommender = finish(Recommender.open(parsed.run, parsed.device))
    pairs = drawn(recommender, parsed.explanations, parsed.seed)
    read = [min(len(recommender.past(user).history), recommender.config.history) for user, _ in pairs]
    config = recommender.config
    config, items = recommender.config, len(recommender.data.items)
    print(
        f"{parsed.run.name}: {config.fusion}, dim {config.dim}, {config.blocks} blocks, {config.components} components"
    )
    print(f"{len(pairs)} pairs, {np.median(read):.0f} past purchases read (median), {items} products")
    print(
        f"{recommender.device}, {torch.get_num_threads()} threads\n\nms per map\n{'median':>10}{'p95':>10}{'maps':>8}"
    )
    lines: dict[str, Callable[[Case], object]] = {}
    for name, method in METHODS.items():
        lines[name] = method.attribute
        if name == "integrated_gradients":
            lines["integrated_gradients by Captum"] = captum
    print(row("(opening the pair)", timed(opening(recommender), pairs)), flush=True)
    skipped: list[str] = []
    for name, attribute in lines.items():
        try:
            print(row(name, timed(of_method(recommender, attribute), pairs)), flush=True)
        except HeedmapError as error:
            skipped.append(name)
            print(f"{'-':>10}{'-':>10}{0:>8}  {name}: {error.message}", flush=True)
    print(f"\nms per explanation with its faithfulness\n{'median':>10}{'p95':>10}{'maps':>8}")
    for name in (one for one in METHODS if one not in skipped):
        times = timed(whole(recommender, name), pairs)
        print(f"{row(name, times)}: {1000 * len(times) / sum(times):.1f} a second", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
