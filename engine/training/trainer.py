"""Epochs over training histories: two phases, early stopping, checkpoints that a kill cannot hurt."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from engine.dataset.split import Interactions, Split
from engine.errors import HeedmapError
from engine.files import write_json
from engine.jobs import Job, Progress
from engine.metrics.ranking import ndcg, recall
from engine.model.linear import Weights
from engine.model.recommender import Model
from engine.model.tokens import Tokens
from engine.training.checkpoint import (
    learned,
    load_tensors,
    load_weights,
    optimiser_tensors,
    restore_optimiser,
    save_epoch,
    save_tensors,
    stays,
)
from engine.training.config import Config
from engine.training.measure import ranks_of
from engine.training.portions import Memory, backward
from engine.training.step import Step
from engine.training.windows import Batch, Windows

_WARM_UP = 0.05
LATER = 0.3  # of the learning rate, once a trained model is trained on


class Card(Protocol):
    """Where a trainer writes how far it got."""

    def write(self, **changes: Any) -> None: ...


class Trainer:
    """Epochs over windows of training histories; keeps the best weights by validation NDCG@10.

    While attention is uniform, products are read as averages of their tokens. Once that no longer helps, or its epochs
    are done, training goes on from the best weights with all tokens, and attention learns.
    """

    def __init__(
        self,
        model: Model,
        tokens: Tokens,
        data: Interactions,
        parts: Split,
        config: Config,
        folder: Path,
        windows: Windows | None = None,
    ) -> None:
        self.model, self.tokens, self.data, self.parts, self.config = model, tokens, data, parts, config
        self._folder = folder
        self._windows = windows or Windows(data, parts, config)
        self._step = Step(model, tokens, data, config)
        self._step.learn(parts.train)
        self._averaged = tokens.averaged()
        self._optimiser = self._new_optimiser()
        self._history: list[dict[str, float]] = []
        self._epoch = 0
        self._best, self._best_epoch = -1.0, 0
        self._memory = Memory(config.accumulate)
        self.weights: Weights = None  # see `weigh`
        self._attends_since = -1  # the last epoch before attention learned; -1: it does not yet

    @property
    def windows(self) -> Windows:
        return self._windows

    @property
    def step(self) -> Step:
        return self._step

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self._epoch

    @property
    def attends(self) -> bool:
        """Whether attention is past being uniform."""
        return self._attends_since >= 0

    @property
    def history(self) -> list[dict[str, float]]:
        """A row of figures for each epoch."""
        return self._history

    def _new_optimiser(self) -> torch.optim.Optimizer:
        config = self.config
        return torch.optim.AdamW(
            self.model.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            betas=(0.9, 0.98),
            fused=True,
        )

    def restore(self) -> None:
        """Go back to the end of the last whole epoch."""
        tensors, about = load_tensors(self._folder / "last.safetensors")
        load_weights(self.model, {name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
        restore_optimiser(
            self._optimiser, {name[10:]: value for name, value in tensors.items() if name.startswith("optimiser.")}
        )
        self._epoch, self._history = about["epoch"], about["history"]
        self._best, self._best_epoch = about["best"], about["best_epoch"]
        self._attends_since = about["attends_since"]

    def run(self, card: Card) -> Job:
        """Train until the epochs are done or patience is out; the best weights are in `model.safetensors`."""
        attending = min(self.config.attention_epochs, self.config.epochs)
        while self._attends_since < 0:
            waited = self._epoch - self._best_epoch
            if self._epoch >= self.config.epochs - attending or waited >= self.config.patience:
                break
            yield from self._one_epoch(self._epoch + 1, self._epoch / max(1, self.config.epochs - attending))
            card.write(epoch=self._epoch, best_epoch=self._best_epoch)
        if attending and self._attends_since < 0:
            self._start_attending()
        while attending and self._epoch < self._attends_since + attending:
            yield from self._one_epoch(self._epoch + 1, (self._epoch - self._attends_since) / attending)
            card.write(epoch=self._epoch, best_epoch=self._best_epoch)

    def _start_attending(self) -> None:
        if self._epoch:
            weights, _ = load_tensors(self._folder / "model.safetensors")
            load_weights(self.model, weights)
        self._best, self._attends_since = -1.0, self._epoch

    def _one_epoch(self, epoch: int, part: float) -> Job:
        attends = self._attends_since >= 0
        epochs = min(self.config.attention_epochs, self.config.epochs)
        whole = epochs if attends else max(1, self.config.epochs - epochs)
        # Attention starts to learn in a trained model: smaller steps, so as not to undo what it knows.
        peak = self.config.learning_rate * (LATER if self._attends_since > 0 else 1.0)
        random = np.random.default_rng([self.config.seed, epoch])
        torch.manual_seed(self.config.seed * 1_000_003 + epoch)
        self._step.attend(attends)
        began = time.monotonic()
        batches = self._windows.batches(random, self.config.batch)
        losses: list[float] = []
        for done, batch in enumerate(batches, start=1):
            rate = peak * schedule(part + (done - 1) / len(batches) / whole)
            loss = self._update(batch, random, rate)
            if not np.isfinite(loss):
                raise HeedmapError(f"The loss became {loss} in epoch {epoch}.", "Try a smaller learning_rate.")
            losses.append(loss)
            data = {"epoch": float(epoch), "loss": loss, "rate": rate}
            yield Progress("Training", done, len(batches), self._memory.take(), data)
        seconds = time.monotonic() - began
        source = self.tokens if attends else self._averaged
        ranks = yield from ranks_of(self.model, source, self.data, self.parts.validation, "Validating")
        row = {
            "epoch": float(epoch),
            "loss": float(np.mean(losses)),
            "ndcg@10": ndcg(ranks),
            "recall@10": recall(ranks),
            "seconds": seconds,
        }
        self._keep(epoch, row)
        yield Progress("Epoch done", epoch, self.config.epochs, data=row)

    def _update(self, batch: Batch, random: np.random.Generator, rate: float) -> float:
        """One step of the optimiser; returns the loss."""
        self.model.train()
        for group in self._optimiser.param_groups:
            group["lr"] = rate

        def attempt(portions: int) -> float:
            self._optimiser.zero_grad(set_to_none=True)
            loss = backward(batch, portions, lambda one: self._step.loss(one, random), lambda one: one)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self._optimiser.step()
            return loss

        return self._memory.run(attempt, len(batch.events), lambda: self._optimiser.zero_grad(set_to_none=True))

    def _keep(self, epoch: int, row: dict[str, float]) -> None:
        """Save; `last.safetensors` comes after the best weights and is what resuming believes."""
        self._history.append(row)
        self._epoch = epoch
        # Without a validation target the newest weights are the best there are.
        if row["ndcg@10"] > self._best or not len(self.parts.validation):
            self._best, self._best_epoch = row["ndcg@10"], epoch
            save_tensors(self._folder / "model.safetensors", learned(self.model), {"epoch": epoch})
        if stays(self.config, epoch):
            save_epoch(self._folder, epoch, self.model)
        tensors = {f"model.{name}": value for name, value in learned(self.model).items()}
        tensors |= {f"optimiser.{name}": value for name, value in optimiser_tensors(self._optimiser).items()}
        about = {
            "epoch": epoch,
            "history": self._history,
            "best": self._best,
            "best_epoch": self._best_epoch,
            "attends_since": self._attends_since,
        }
        save_tensors(self._folder / "last.safetensors", tensors, about)
        write_json(self._folder / "history.json", self._history)

    def take_best(self) -> None:
        """Put the best epoch's weights into the model; they are set aside, for what follows can be interrupted."""
        best = self._folder / "best.safetensors"
        if not best.is_file():
            weights, about = load_tensors(self._folder / "model.safetensors")
            save_tensors(best, weights, about)
        weights, _ = load_tensors(best)
        load_weights(self.model, weights)

    def weigh(self, shoppers: NDArray[np.float64]) -> None:
        """Let all that is learned of a shopper's events count as many times as is given here: float64[users]."""
        self.weights = shoppers
        self._step.weigh(shoppers)

    def teach(self, taught: Callable[[Step], Any]) -> None:
        """Replace the step by one that makes more of it, such as one that listens to a teacher."""
        self._step = taught(self._step)

    def attend_from_now(self) -> None:
        """Train attention over all tokens from here on, as after fine-tuning, with a fresh optimiser."""
        if self._attends_since < 0:
            self._attends_since = self._epoch
        self._optimiser = self._new_optimiser()
        self._step.attend(True)

    def settle(self, seed: int, part: float, whole: int) -> Job:
        """One epoch of small steps in a trained model, the one after `part` of `whole`; returns its losses."""
        random = np.random.default_rng([self.config.seed, seed])
        torch.manual_seed(self.config.seed * 1_000_003 + seed)
        batches = self._windows.batches(random, self.config.batch)
        losses: list[float] = []
        for done, batch in enumerate(batches, start=1):
            rate = LATER * self.config.learning_rate * schedule(part + (done - 1) / len(batches) / whole)
            losses.append(self._update(batch, random, rate))
            yield Progress("Training", done, len(batches), self._memory.take(), {"loss": losses[-1]})
        return losses

    def refit(self, parts: Split) -> Job:
        """A few epochs, from the best weights, on everything before the test; no validation is left to watch."""
        self.model.linear.level.zero_()
        counts = np.bincount(self.data.item[parts.train], minlength=len(self.data.items))
        start_from_popularity(self.model, counts, known=self.model.seen.cpu().numpy() > 0)
        self._step.learn(parts.train)
        self._step.attend(self._attends_since >= 0)
        self._optimiser = self._new_optimiser()
        windows = Windows(self.data, parts, self.config)
        for epoch in range(self.config.refit):
            random = np.random.default_rng([self.config.seed, 1_000_000 + epoch])
            torch.manual_seed(self.config.seed * 1_000_003 + 1_000_000 + epoch)
            batches = windows.batches(random, self.config.batch)
            for done, batch in enumerate(batches, start=1):
                part = (epoch + (done - 1) / len(batches)) / self.config.refit
                loss = self._update(batch, random, LATER * self.config.learning_rate * schedule(part))
                yield Progress("Training on all events", done, len(batches), data={"loss": loss})

    def keep_final(self) -> None:
        save_tensors(self._folder / "model.safetensors", self.model.state_dict(), {"epoch": self._best_epoch})


def start_from_popularity(model: Model, events: NDArray[np.int64], known: NDArray[np.bool_] | None = None) -> None:
    """Mark what was seen in training and start the bias at log popularity, where a softmax would take it anyway.

    events: int64[items], training events of each product. known: bool[items], those whose bias is learned already and
    stays. Saves the first epochs, which learn little else.
    """
    seen = events > 0
    bias = np.log(np.maximum(events, 1))
    start = torch.from_numpy(np.where(seen, bias - bias[seen].mean(), 0.0)).to(model.tower.bias)
    model.seen.copy_(torch.from_numpy(seen))
    with torch.no_grad():
        kept = torch.zeros_like(model.seen) if known is None else torch.from_numpy(known).to(model.seen)
        model.tower.bias.copy_(torch.where(kept > 0, model.tower.bias, start))


def schedule(part: float) -> float:
    """Factor on the learning rate after `part` of all epochs: linear warm-up over 5 %, then a cosine down to 5 %."""
    if part < _WARM_UP:
        return 0.1 + 0.9 * part / _WARM_UP
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (part - _WARM_UP) / (1 - _WARM_UP)))
