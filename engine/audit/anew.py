"""The run trained anew with its own settings and seed, as it is and with training examples weighted: nothing less tells
what a repair by weighting gives, and what it costs.

What the run read of its products is taken over, so that no encoder is needed and nothing of the dataset is written. One
thread computes, whatever the machine has: sums in another order would lead to other weights.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from engine.audit.check import Note, NotRun
from engine.audit.subject import K, Subject
from engine.errors import HeedmapError
from engine.evaluation.outcome import Outcome, model_batches, observe
from engine.files import make_folder, read_json
from engine.jobs import Job, Progress, retold
from engine.model.recommender import Model, ModelShape
from engine.training.checkpoint import load_tensors, load_weights
from engine.training.config import Config
from engine.training.loop import train
from engine.training.trainer import Trainer

PLAIN = "plain"  # the run as it is
_STEPS = 1_000  # in which the way of a training is told
_OTHERWISE = ("update", "origin", "compression", "foreign", "adopted")  # a run that no single training made


def trained_anew(
    subject: Subject,
    name: str,
    settings: Mapping[str, Any] | None = None,
    shoppers: NDArray[Any] | None = None,
    part: tuple[int, int] = (0, 1),
) -> Job:
    """Return the Outcome of the run trained anew on all targets of the test part, worked out once under its name.

    settings: instead of the run's own; shoppers: float[users], how many times each one's training examples count; part:
    which of how many trainings of a check this is. NotRun where the run cannot be trained anew.
    """
    if name not in subject.anew:
        refuse(subject)
        with _folder(subject, name) as folder:
            job = _measured(subject, folder, settings or {}, shoppers)
            subject.anew[name] = yield from _told(job, subject.run.config, part)
    return subject.anew[name]


def told_of(subject: Subject) -> tuple[Note, ...]:
    """What must be said of a training anew: that encoders which learned were not taught again."""
    return (Note("tuned"),) if subject.run.config.tune != "none" else ()


def refuse(subject: Subject) -> None:
    """NotRun where training anew would not make this run."""
    run = subject.run
    if any(run.card.get(one) for one in _OTHERWISE) or run.card.get("kind") == "foreign":
        raise NotRun(Note("otherwise_made"))
    if run.config.objective == "mse":
        raise NotRun(Note("no_weights", {"objective": run.config.objective}))


def _measured(subject: Subject, folder: Path, settings: Mapping[str, Any], shoppers: NDArray[Any] | None) -> Job:
    yield from _train(subject, folder, settings, shoppers)
    return (yield from _observe(subject, folder))


def _train(subject: Subject, folder: Path, settings: Mapping[str, Any], shoppers: NDArray[Any] | None) -> Job:
    """Train into the folder, or go on with what a kill left there."""
    run, started = subject.run, (folder / "run.json").is_file()
    if started and read_json(folder / "run.json").get("state") == "done":
        return
    own = {"device": run.device, "threads": 1, "track": "none", "checkpoints": "best", "tune": "none"}
    config = Config() if started else replace(run.config, **{**own, **settings})
    if not started:
        _take_over(run.folder / "tokens", folder / "tokens")

    def weigh(trainer: Trainer) -> None:
        if shoppers is not None:
            trainer.weigh(shoppers if trainer.weights is None else shoppers * trainer.weights)

    threads = torch.get_num_threads()
    try:
        yield from train(run.dataset.folder, folder, config, resume=started, teach=weigh)
    except HeedmapError as error:
        raise NotRun(Note("cannot_train", {"why": error.message})) from error
    finally:
        torch.set_num_threads(threads)


def _observe(subject: Subject, folder: Path) -> Job:
    run, on = subject.run, subject.ground
    model = Model(ModelShape.from_json(read_json(folder / "run.json")["shape"]))
    load_weights(model, load_tensors(folder / "model.safetensors")[0])
    model = model.to(run.device).eval()
    batches = model_batches(model, run.tokens.of(model.tower), on.data, on.targets)
    found: Outcome = yield from observe(
        batches, on.data, on.popularity == 0, K, len(on.targets), "Ranking the test part"
    )
    return found


def _told(job: Job, config: Config, part: tuple[int, int]) -> Job:
    """A training's job with its share of the check as what is done, which never goes back."""
    done = 0.0

    def anew(step: Progress) -> Progress:
        nonlocal done
        if "epoch" in step.data and step.total:
            epochs = step.data["epoch"] - 1 + (step.done / step.total if step.stage == "Training" else 1.0)
            done = max(done, min(1.0, epochs / (config.epochs + config.refit)))
        whole = round(_STEPS * (part[0] + done) / part[1])
        return Progress("Training anew", whole, _STEPS, step.message)  # its losses are those of no run

    return retold(job, anew)


@contextmanager
def _folder(subject: Subject, name: str) -> Iterator[Path]:
    """Where a training is kept: in the audit's own folder for work, or else until it is measured."""
    if subject.work is not None:
        yield subject.work / name
        return
    with tempfile.TemporaryDirectory(prefix="heedmap-anew-", ignore_cleanup_errors=True) as place:
        yield Path(place) / name


def _take_over(source: Path, target: Path) -> None:
    """The features of the run, by links where that can be; `names.json` last, which says that they are whole."""
    files = [one for one in source.rglob("*") if one.is_file()]
    for path in sorted(files, key=lambda one: (one.name == "names.json", one)):
        place = target / path.relative_to(source)
        make_folder(place.parent)
        if place.is_file():
            continue
        try:
            os.link(path, place)
        except OSError:
            shutil.copy2(path, place)
