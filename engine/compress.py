"""A smaller run from a run: distilled, heads taken out, tables in 8 bits; and what each changed, measured.

A compressed run opens like any other, and its contributions still sum to its scores: what is rounded or taken out is so
in the model itself, not only where it ranks.
"""

from __future__ import annotations

import shutil
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.dataset.history import history_of
from engine.errors import HeedmapError
from engine.evaluation.outcome import Outcome, model_batches, observe
from engine.explain.methods import explain
from engine.explain.types import Explanation
from engine.features.catalogue import ENCODED
from engine.files import atomic, make_folder, read_json, way, write_json
from engine.int8 import SCALE, rounded
from engine.jobs import Job, Progress
from engine.metrics.bootstrap import compare
from engine.metrics.ranking import ndcg
from engine.model.prune import head_importance, least_important, without_heads
from engine.model.tokens import Tokens
from engine.recommend import Recommender
from engine.training.checkpoint import load_tensors, save_tensors
from engine.training.config import Config
from engine.training.distil import TaughtStep
from engine.training.loop import train
from engine.training.trainer import Trainer

PAIRS, RANKED, LIST = 100, 20, 10  # explained pairs, timed rankings, length of lists
_SAMPLE = 256  # shoppers by whom heads are weighed
_TABLES = ("tower.identity.weight", "linear.weight")  # a row for each product
_CARRIED = ("tokens", "adapters", "history.json")


@dataclass(frozen=True)
class Wanted:
    """distil: settings of the student, such as dim=32; prune_heads: how many; int8_vectors: tables in 8 bits."""

    int8_vectors: bool = False
    prune_heads: int = 0
    distil: Mapping[str, str] | None = None


def compress(run: Path, out: Path, wanted: Wanted) -> Job:
    """Write the smaller run to `out`; return what it changed, which its card keeps as `compression`.

    HeedmapError when nothing is wanted, or `out` is taken.
    """
    if not (wanted.int8_vectors or wanted.prune_heads or wanted.distil):
        raise HeedmapError("Nothing is to be made smaller.", "Give --int8-vectors, --prune-heads N or --distil dim=32.")
    if out.exists():
        raise HeedmapError(f"{out} is there already.", "Choose another name.")
    before: Recommender = yield from Recommender.open(run)
    make_folder(out)
    if wanted.distil:
        yield from _distil(before, out, wanted.distil)
    else:
        _copy(run, out, before)
    if wanted.prune_heads:
        _prune((yield from Recommender.open(out)), out, wanted.prune_heads)
    if wanted.int8_vectors:
        _round_tables(out)
    after: Recommender = yield from Recommender.open(out)
    report = {"of": run.name, "wanted": asdict(wanted), **(yield from differences(before, after))}
    card = read_json(out / "run.json")
    metrics = {"test ndcg@10": report["ndcg"]["after"]}
    write_json(out / "run.json", {**card, "metrics": {**card["metrics"], **metrics}, "compression": report})
    return report


def differences(before: Recommender, after: Recommender) -> Job:
    """What changed between two runs on the same data: NDCG, lists, sizes, times and explanations, as JSON-able figures.

    HeedmapError when they rank other data.
    """
    if before.data.items != after.data.items or before.config.split != after.config.split:
        raise HeedmapError("The two runs are of other data.", "Compare runs with the same dataset and split.")
    targets = before.parts.test
    ours = yield from _observed(before, targets, "Measuring the run")
    theirs = yield from _observed(after, targets, "Measuring the smaller run")
    gain = [1.0 / np.log2(one.ranks + 1.0) * (one.ranks <= LIST) for one in (ours, theirs)]
    change = compare(gain[1], gain[0], before.data.user[targets])
    lists = [[set(row) - {-1} for row in one.lists.tolist()] for one in (ours, theirs)]
    shared = [len(mine & other) / max(1, len(mine)) for mine, other in zip(*lists, strict=True)]
    return {
        "ndcg": {"before": ndcg(ours.ranks), "after": ndcg(theirs.ranks), **asdict(change)},
        "lists": {"shared of the first 10": float(np.mean(shared)) if shared else 1.0},
        "bytes": {"before": _bytes(before.folder), "after": _bytes(after.folder)},
        "parameters": {"before": _parameters(before), "after": _parameters(after)},
        "ranking seconds": {"before": _seconds(before), "after": _seconds(after)},
        "explanations": (yield from _explanations(before, after)),
    }


def _observed(run: Recommender, targets: NDArray[np.int64], stage: str) -> Job:
    nothing_cold = np.zeros(len(run.data.items), bool)
    batches = model_batches(run.model, run.tokens, run.data, targets)
    outcome: Outcome = yield from observe(batches, run.data, nothing_cold, LIST, len(targets), stage)
    return outcome


def _bytes(run: Path) -> dict[str, int]:
    """Size of what opening a run reads."""
    tokens = sum(path.stat().st_size for path in (run / "tokens").iterdir())
    return {"model": (run / "model.safetensors").stat().st_size, "features": tokens}


def _parameters(run: Recommender) -> int:
    return sum(one.numel() for one in run.model.parameters())


def _seconds(run: Recommender) -> float:
    """The median of some rankings, the first left out."""
    users = run.data.users[: RANKED + 1]
    return statistics.median(run.rank(user, LIST).seconds for user in (*users[:1], *users)[1:])


def _explanations(before: Recommender, after: Recommender) -> Job:
    """The same pairs explained by both: how alike the contributions are, and their grades."""
    random = np.random.default_rng(1)
    alike: list[float] = []
    top: list[float] = []
    signs: list[float] = []
    grades: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for done in range(PAIRS):
        user = before.data.users[int(random.integers(len(before.data.users)))]
        ranking = before.rank(user, LIST).items
        if not ranking:
            continue
        item = ranking[int(random.integers(len(ranking)))].item
        pair = [explain(one, user, item) for one in (before, after)]
        _grade(grades, pair)
        first, second = _shared_tokens(*pair)
        if len(first) > 2:
            alike.append(_spearman(first, second))
            best = [set(np.argsort(-np.abs(one), kind="stable")[:5].tolist()) for one in (first, second)]
            top.append(len(best[0] & best[1]) / len(best[0]))
            signs.append(float((np.sign(first) == np.sign(second)).mean()))
        yield Progress("Comparing explanations", done + 1, PAIRS)
    return {
        "pairs": len(alike),
        "spearman": float(np.mean(alike)) if alike else 1.0,
        "top 5 shared": float(np.mean(top)) if top else 1.0,
        "same sign": float(np.mean(signs)) if signs else 1.0,
        "grades before": dict(sorted(grades[0].items())),
        "grades after": dict(sorted(grades[1].items())),
    }


def _grade(grades: tuple[Counter[str], Counter[str]], pair: list[Explanation]) -> None:
    for counter, one in zip(grades, pair, strict=True):
        if one.faithfulness is not None:
            counter[one.faithfulness.grade] += 1


def _shared_tokens(one: Explanation, other: Explanation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Contributions of the tokens that both have."""
    place = {token: row for row, token in enumerate(other.tokens)}
    rows = [(row, place[token]) for row, token in enumerate(one.tokens) if token in place]
    mine, theirs = (np.array([pair[side] for pair in rows], np.int64) for side in (0, 1))
    return one.contribution[mine], other.contribution[theirs]


def _spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Rank correlation; 1 where both are constant, 0 where one is."""
    from scipy.stats import rankdata

    ranks = [rankdata(values) - (len(values) + 1) / 2 for values in (one, other)]
    size = float(np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum()))
    if not size:
        return float(not ranks[0].any() and not ranks[1].any())
    return float((ranks[0] * ranks[1]).sum() / size)


def _copy(run: Path, out: Path, opened: Recommender) -> None:
    """The run under its new name, its dataset found from there."""
    for name in _CARRIED:
        if (run / name).is_dir():
            shutil.copytree(run / name, out / name)
        elif (run / name).is_file():
            shutil.copyfile(run / name, out / name)
    shutil.copyfile(run / "model.safetensors", out / "model.safetensors")
    folder = way(out, opened.dataset.folder)
    card = {**opened.card, "name": out.name, "dataset": {**opened.card["dataset"], "folder": folder}}
    write_json(out / "run.json", card)


def _distil(before: Recommender, out: Path, settings: Mapping[str, str]) -> Job:
    """Train a student with other settings on the same features; the teacher's own settings stand for the rest."""
    for name in _CARRIED[:2]:
        if (before.folder / name).is_dir():
            shutil.copytree(before.folder / name, out / name)
    config = Config.from_settings({**before.card["config"], "tune": "none", **settings})

    def teach(trainer: Trainer) -> None:
        tokens = Tokens(before.catalogue, before.model.tower, before.device)
        trainer.teach(lambda step: TaughtStep(step, before.model, tokens))

    yield from train(before.dataset.folder, out, config, teach=teach)


def _prune(opened: Recommender, out: Path, count: int) -> None:
    users = range(0, len(opened.data.users), max(1, len(opened.data.users) // _SAMPLE))
    shoppers = opened.shopper_vectors([history_of(opened.data, user) for user in users])
    heads = least_important(head_importance(opened.model, opened.tokens, shoppers), count)
    smaller = without_heads(opened.model, heads)
    save_tensors(out / "model.safetensors", smaller.state_dict(), {"pruned": [list(one) for one in heads]})
    card = read_json(out / "run.json")
    write_json(out / "run.json", {**card, "shape": {**card["shape"], "tower": asdict(smaller.shape.tower)}})


def _round_tables(out: Path) -> None:
    """Identities, the linear term's weights and the encoders' features in 8 bits."""
    weights, about = load_tensors(out / "model.safetensors")
    for name in _TABLES:
        if name in weights and weights[name].numel():
            table, scale = rounded(weights[name].numpy())
            weights[name], weights[name + SCALE] = torch.from_numpy(table), torch.from_numpy(scale)
    save_tensors(out / "model.safetensors", weights, about)
    for kind in ENCODED:
        path = out / "tokens" / f"{kind}.npy"
        states = np.load(path, allow_pickle=False) if path.is_file() else np.zeros((0, 1), np.float16)
        if len(states):
            table, scale = rounded(states)
            _save(out / "tokens" / f"{kind}_scale.npy", scale.astype(np.float32))
            _save(path, table)


def _save(path: Path, array: NDArray[Any]) -> None:
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def report_text(report: Mapping[str, Any]) -> str:
    """The figures as lines for people."""
    gain, told, sizes = report["ndcg"], report["explanations"], report["bytes"]
    megabytes = {when: (one["model"] + one["features"]) / 1e6 for when, one in sizes.items()}
    seconds = {when: 1000 * one for when, one in report["ranking seconds"].items()}
    return "\n".join(
        [
            f"NDCG@10 (test)     {gain['before']:.4f} -> {gain['after']:.4f}  (difference {gain['difference']:+.4f}, "
            f"95 % {gain['low']:+.4f} to {gain['high']:+.4f}, p {gain['p']:.3f})",
            f"lists of ten       {report['lists']['shared of the first 10']:.1%} shared",
            f"size               {megabytes['before']:.2f} MB -> {megabytes['after']:.2f} MB",
            f"parameters         {report['parameters']['before']:,} -> {report['parameters']['after']:,}",
            f"ranking            {seconds['before']:.1f} ms -> {seconds['after']:.1f} ms",
            f"explanations       rank correlation {told['spearman']:.3f}, top five {told['top 5 shared']:.1%} shared, "
            f"same sign {told['same sign']:.1%} ({told['pairs']} pairs)",
            f"grades             {told['grades before']} -> {told['grades after']}",
        ]
    )
