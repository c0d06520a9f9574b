"""What each part of trained models is worth: each is taken away in turn, without training again.

    python -m tests.bench.knock_out RUN [RUN ...] [--results FILE.md]

The runs are seeds of one setting, on one dataset and split. Figures are of each test target's mean over the runs;
intervals and tests are of a bootstrap over shoppers, paired.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluation.knock_out import knock_outs
from engine.evaluation.outcome import model_batches
from engine.files import write_bytes
from engine.jobs import finish
from engine.metrics.bootstrap import compare
from engine.metrics.ranking import measures, rank_of_target
from engine.recommend import Recommender

NAMES = {
    "text": "words",
    "image": "photos",
    "audio": "recordings",
    "attribute": "attributes",
    "link": "links",
    "linear": "the linear term",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--results", type=Path)
    parsed = parser.parse_args()
    gains: dict[str, list[Any]] = defaultdict(list)
    for folder in parsed.runs:
        run: Recommender = finish(Recommender.open(folder, "cpu"))
        for name, model, tokens in [("nothing", run.model, run.tokens), *knock_outs(run.model, run.tokens)]:
            gains[name].append(_ndcg(run, model, tokens))
            print(f"{time.strftime('%H:%M:%S')} {folder.name} without {name}", flush=True)
    text = _markdown(run, {name: np.mean(one, axis=0) for name, one in gains.items()}, len(parsed.runs))
    print(text)
    if parsed.results:
        earlier = parsed.results.read_text(encoding="utf-8") if parsed.results.is_file() else ""
        write_bytes(parsed.results, (earlier + text + "\n").encode())


def _ndcg(run: Recommender, model: Any, tokens: Any) -> Any:
    ranks = [
        rank_of_target(scores, run.data.item[chunk].astype(np.int64))
        for chunk, _, scores in model_batches(model, tokens, run.data, run.parts.test)
    ]
    return measures(np.concatenate(ranks), 10)["ndcg"]


def _markdown(run: Recommender, gains: dict[str, Any], seeds: int) -> str:
    users = run.data.user[run.parts.test]
    whole = gains.pop("nothing")
    lines = [
        f"### What the model loses without a part: {run.dataset.manifest.name}, {run.parts.kind}, {seeds} seeds",
        "",
        f"NDCG@10 of the whole: {whole.mean():.4f}. Nothing is trained again.",
        "",
        "| without | NDCG@10 | change (95 %) | p |",
        "|---|---|---|---|",
    ]
    for name, gain in gains.items():
        one = compare(gain, whole, users)
        lines.append(
            f"| {NAMES.get(name, name)} | {gain.mean():.4f} | {one.difference:+.4f} ({one.low:+.4f} to"
            f" {one.high:+.4f}) | {one.p:.3f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
