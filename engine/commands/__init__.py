"""The commands: one file each, or one for what belongs together. A new command is a file and a line below.

`add` puts a command's options on its parser. `run` gets what was parsed, prints for people unless `parsed.json`, and
returns the answer as plain values. Commands import the engine inside `run`, so that `--help` and errors come at once.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.commands import (
    adopt,
    audit,
    compress,
    contrast,
    counterfactual,
    datasets,
    encoders,
    evaluate,
    explain,
    faithfulness,
    merge,
    open,
    recommend,
    selftest,
    shot,
    train,
)


@dataclass(frozen=True)
class Command:
    """One command. help: what it does, in a sentence."""

    help: str
    add: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], Any]


COMMANDS: dict[str, Command] = {
    "sample": Command("Draw a synthetic shop whose true reasons are known.", datasets.add_sample, datasets.run_sample),
    "import": Command("Import a shop's data into a dataset folder.", datasets.add_import, datasets.run_import),
    "encoders": Command(
        "List the encoders of texts, photos and recordings on this machine.", encoders.add, encoders.run
    ),
    "check": Command("List a dataset's problems.", datasets.add_check, datasets.run_check),
    "train": Command("Train a recommender on a dataset.", train.add, train.run),
    "evaluate": Command(
        "Measure a run's own ranking, without business rules, with intervals, against its baselines.",
        evaluate.add,
        evaluate.run,
    ),
    "runs": Command("Compare runs in a table.", evaluate.add_runs, evaluate.run_runs),
    "merge": Command("Write a run's tuned encoders as plain Hugging Face folders.", merge.add, merge.run),
    "compress": Command("Make a smaller run of a run, and measure what that changes.", compress.add, compress.run),
    "recommend": Command("Rank the catalogue for a shopper.", recommend.add, recommend.run),
    "explain": Command("Explain why a product has its score for a shopper.", explain.add, explain.run),
    "methods": Command("List the methods of explanation.", explain.add_methods, explain.run_methods),
    "contrast": Command(
        "Explain why this product, shopper or run and not that one: scores, without business rules.",
        contrast.add,
        contrast.run,
    ),
    "cohort": Command("Explain what sells a product, or what sells at all.", contrast.add_cohort, contrast.run_cohort),
    "shortcuts": Command(
        "Find what carries score on many photos and should not.", contrast.add_shortcuts, contrast.run_shortcuts
    ),
    "faithfulness": Command(
        "Measure how true each method of explanation is for a run.", faithfulness.add, faithfulness.run
    ),
    "calibrate": Command(
        "Compare each method's maps with the planted truth of the sample.", faithfulness.add, faithfulness.run_calibrate
    ),
    "counterfactual": Command(
        "Find the smallest change that moves a product out of a list of the model's own, or in.",
        counterfactual.add,
        counterfactual.run,
    ),
    "adopt": Command("Make a run of a model that was trained elsewhere.", adopt.add, adopt.run),
    "audit": Command(
        "Audit a run's own ranking, without business rules, as a bundle that anyone can check again.",
        audit.add,
        audit.run,
    ),
    "verify": Command("Check a bundle's signature and every file of it.", audit.add_verify, audit.run_verify),
    "compare-audits": Command(
        "Tell what became better or worse between two bundles.", audit.add_compare, audit.run_compare
    ),
    "open": Command("Open the window on a workspace, also read-only.", open.add, open.run),
    "selftest": Command(
        "Try everything on this machine, offline, and say whether it works.", selftest.add, selftest.run
    ),
    "shot": Command("Draw the explorer to a PNG file, without a screen.", shot.add, shot.run),
}
