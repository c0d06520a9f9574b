"""Fine-tuning encoders end to end: gradients through encoder, whitening and tower from the next-product loss.

Each step encodes a few products anew (`tune_items`: of the batch's histories, and some others) and takes all others as
they were last encoded. After every epoch the whole catalogue is encoded again and ranked for validation. In the end the
best epoch's adapter is saved alone, the run's features are replaced, and the rest of the model is trained on a little.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.features.build import STAGE
from engine.features.catalogue import Catalogue, Reading, item_texts
from engine.features.registry import open_encoder
from engine.files import write_json
from engine.jobs import Job, Progress
from engine.metrics.ranking import ndcg, recall
from engine.model.tuning import ADAPTERS, WEIGHTS, Tuned, Tuning
from engine.training.checkpoint import (
    learned,
    load_tensors,
    load_weights,
    optimiser_tensors,
    restore_optimiser,
    save_tensors,
)
from engine.training.live import Live, Reader, file_source, text_source
from engine.training.measure import ranks_of
from engine.training.portions import Memory, backward
from engine.training.precision import chosen_dtype
from engine.training.trainer import LATER, Card, Trainer, schedule
from engine.training.windows import Batch

_OTHERS = 0.25  # of the products encoded anew are not in the batch
SETTLING = 2  # epochs of the rest on the new features
_SEED = 2_000_000  # apart from the random choices of other epochs
LAST, BEST = "tuning.safetensors", "tuning_best.safetensors"


class FineTuning:
    """Made before the training starts, so that what cannot be tuned is refused at once; run after it."""

    def __init__(
        self, trainer: Trainer, catalogue: Catalogue, dataset: Dataset, reading: Reading, folder: Path
    ) -> None:
        config = trainer.config
        self._trainer, self._folder, self.catalogue = trainer, folder, catalogue
        self._dtype = chosen_dtype(config.precision, trainer.tokens.device)
        self._steps = len(trainer.windows.batches(np.random.default_rng([config.seed, _SEED]), config.tune_batch))
        self._tuned: dict[str, Tuned] = {}
        self._readers: dict[str, Reader] = {}
        for kind in config.tune_modalities:
            if kind not in trainer.tokens.modalities:
                continue
            about = catalogue.encoders[kind]
            encoder = open_encoder(
                kind,
                about["setting"],
                reading.options(),
                home=dataset.folder / "features",
                digest=about.get("base", about["digest"]),
            )
            tuning = Tuning(config.tune, config.tune_rank, self._steps * config.tune_epochs, config.seed)
            self._tuned[kind] = Tuned(encoder, tuning)
            if kind == "text":
                source = text_source(catalogue, item_texts(dataset, trainer.parts, trainer.data.users, reading))
            else:
                source = file_source(kind, catalogue, dataset)
            self._readers[kind] = Reader(kind, encoder, source, catalogue, self._dtype)
        if not self._tuned:
            raise HeedmapError(
                f"No product has what tune_modalities={','.join(config.tune_modalities)} would tune.",
                "Name another modality, or set tune=none.",
            )
        self._states = {kind: np.array(getattr(catalogue, kind)) for kind in self._tuned}
        self._live = Live(trainer.tokens)
        self._memory = Memory(config.accumulate)
        self._scaler = torch.amp.GradScaler(trainer.tokens.device, enabled=self._dtype == torch.float16)
        self._rows: list[dict[str, float]] = []
        self._best, self._best_epoch, self._before = -1.0, 0, -1.0

    def run(self, card: Card) -> Job:
        """Tune, replace the run's features, let the rest settle. The trainer then holds the best of it."""
        trainer, config = self._trainer, self._trainer.config
        self._optimiser = self._new_optimiser()
        if (self._folder / LAST).is_file():
            self._restore()
            yield from self._refresh()
        else:
            trainer.take_best()
            self._before = yield from self._validated()
        while len(self._rows) < config.tune_epochs:
            yield from self._one_epoch(len(self._rows) + 1)
        if self._best_epoch < len(self._rows):
            self._load_best()
            yield from self._refresh()
        self._save_features()
        yield from self._settle()
        save_tensors(self._folder / "best.safetensors", learned(trainer.model), {"epoch": self._best_epoch})
        card.write(tuned=self._card())

    def _new_optimiser(self) -> torch.optim.Optimizer:
        config = self._trainer.config
        encoders = [one for tuned in self._tuned.values() for one in tuned.learning.values()]
        groups = [
            {"params": list(self._trainer.model.parameters()), "peak": LATER * config.learning_rate},
            {"params": encoders, "peak": config.tune_learning_rate},
        ]
        return torch.optim.AdamW(groups, weight_decay=config.weight_decay, betas=(0.9, 0.98), fused=True)

    def _one_epoch(self, epoch: int) -> Job:
        trainer, config = self._trainer, self._trainer.config
        random = np.random.default_rng([config.seed, _SEED + epoch])
        torch.manual_seed(config.seed * 1_000_003 + _SEED + epoch)
        trainer.step.tokens = self._live
        began, busy = time.monotonic(), time.process_time()
        losses: list[float] = []
        batches = trainer.windows.batches(random, config.tune_batch)
        for done, batch in enumerate(batches, start=1):
            part = (epoch - 1 + (done - 1) / len(batches)) / config.tune_epochs
            loss = self._memory.run(
                lambda portions, batch=batch, part=part: self._attempt(batch, portions, random, part),  # type: ignore[misc]
                len(batch.events),
                self._forget,
            )
            if not np.isfinite(loss):
                raise HeedmapError(f"The loss became {loss} while tuning.", "Try a smaller tune_learning_rate.")
            for tuned in self._tuned.values():
                tuned.after_step((epoch - 1) * self._steps + done - 1)
            losses.append(loss)
            rate = config.tune_learning_rate * schedule(part)
            data = {"epoch": float(trainer.epoch + epoch), "loss": loss, "rate": rate}
            yield Progress("Fine-tuning", done, len(batches), self._memory.take(), data)
        self._forget()
        seconds, busy = time.monotonic() - began, time.process_time() - busy
        yield from self._refresh()
        encoding = time.monotonic() - began - seconds
        row = yield from self._measured(epoch, losses, seconds)
        self._keep(epoch, {**row, "encoding seconds": encoding, "core seconds": busy})
        yield Progress("Epoch done", epoch, config.tune_epochs, data=row)

    def _measured(self, epoch: int, losses: list[float], seconds: float) -> Job:
        trainer = self._trainer
        ranks = yield from ranks_of(trainer.model, trainer.tokens, trainer.data, trainer.parts.validation, "Validating")
        return {
            "epoch": float(trainer.epoch + epoch),
            "loss": float(np.mean(losses)),
            "ndcg@10": ndcg(ranks),
            "recall@10": recall(ranks),
            "seconds": seconds,
        }

    def _validated(self) -> Job:
        trainer = self._trainer
        return ndcg(
            (yield from ranks_of(trainer.model, trainer.tokens, trainer.data, trainer.parts.validation, "Validating"))
        )

    def _attempt(self, batch: Batch, portions: int, random: np.random.Generator, part: float) -> float:
        trainer, optimiser = self._trainer, self._optimiser
        trainer.model.train()
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * schedule(part)
        optimiser.zero_grad(set_to_none=True)
        budget = max(1, trainer.config.tune_items // portions)
        loss = backward(batch, portions, lambda one: self._loss(one, budget, random), self._scaler.scale)
        self._scaler.unscale_(optimiser)
        torch.nn.utils.clip_grad_norm_([one for group in optimiser.param_groups for one in group["params"]], 5.0)
        self._scaler.step(optimiser)
        self._scaler.update()
        return loss

    def _loss(self, batch: Batch, budget: int, random: np.random.Generator) -> Tensor:
        """The next-product loss with some products encoded anew."""
        trainer, config = self._trainer, self._trainer.config
        self._live.clear()
        changed = {"text": bool(config.word_dropout), "image": config.photo_augment, "audio": False}
        for kind, reader in self._readers.items():
            items = reader.has(self._chosen(batch, budget, random))
            if not len(items):
                continue
            read = reader.read(items, config.word_dropout, config.photo_augment)
            self._live.put(kind, items, read)
            if not changed[kind]:  # as the catalogue would be read: the newest word on these products
                trainer.tokens.put(kind, torch.from_numpy(items), [x.detach() for x, _ in read])
        loss = trainer.step.loss(batch, random)
        for tuned in self._tuned.values():
            penalty = tuned.penalty()
            loss = loss if penalty is None else loss + penalty
        return loss

    def _chosen(self, batch: Batch, budget: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Products to encode anew: of the batch's histories, and a few others, which are negatives."""
        data = self._trainer.data
        inside = random.permutation(np.unique(data.item[batch.events[batch.events >= 0]].astype(np.int64)))
        inside = inside[: max(1, budget - int(_OTHERS * budget))]
        others = random.integers(0, len(data.items), budget - len(inside))
        return np.unique(np.concatenate([inside, others]))

    def _forget(self) -> None:
        self._optimiser.zero_grad(set_to_none=True)
        self._live.clear()

    def _refresh(self) -> Job:
        """Encode the whole catalogue as the encoders are now."""
        for kind, reader in self._readers.items():
            for done, total in reader.refresh(self._trainer.tokens, self._states[kind]):
                yield Progress(STAGE[kind], done, total)

    def _keep(self, epoch: int, row: dict[str, float]) -> None:
        self._rows.append(row)
        tensors = {f"model.{name}": one for name, one in learned(self._trainer.model).items()}
        ranks = {}
        for kind, tuned in self._tuned.items():
            found, ranks[kind] = tuned.state()
            tensors |= {f"tuned.{kind}.{name}": one for name, one in found.items()}
        if row["ndcg@10"] > self._best or not len(self._trainer.parts.validation):
            self._best, self._best_epoch = row["ndcg@10"], epoch
            save_tensors(self._folder / BEST, tensors, {"ranks": ranks})
        about = {
            "rows": self._rows,
            "best": self._best,
            "best_epoch": self._best_epoch,
            "before": self._before,
            "portions": self._memory.portions,
            "ranks": ranks,
        }
        tensors |= {f"optimiser.{name}": one for name, one in optimiser_tensors(self._optimiser).items()}
        save_tensors(self._folder / LAST, tensors, about)
        self._write_history(self._rows)

    def _write_history(self, rows: list[dict[str, float]]) -> None:
        write_json(self._folder / "history.json", [*self._trainer.history, *rows])

    def _restore(self) -> None:
        """Go back to the end of the last whole epoch of tuning."""
        tensors, about = load_tensors(self._folder / LAST)
        self._take(tensors, about["ranks"])
        state = {name[10:]: one for name, one in tensors.items() if name.startswith("optimiser.")}
        restore_optimiser(self._optimiser, state)
        self._rows, self._before = about["rows"], about["before"]
        self._best, self._best_epoch = about["best"], about["best_epoch"]
        self._memory.portions = max(self._memory.portions, about["portions"])

    def _load_best(self) -> None:
        tensors, about = load_tensors(self._folder / BEST)
        self._take(tensors, about["ranks"])

    def _take(self, tensors: dict[str, Tensor], ranks: dict[str, Any]) -> None:
        model = {name[6:]: one for name, one in tensors.items() if name.startswith("model.")}
        load_weights(self._trainer.model, model)
        for kind, tuned in self._tuned.items():
            start = f"tuned.{kind}."
            mine = {name[len(start) :]: one for name, one in tensors.items() if name.startswith(start)}
            tuned.load(mine, ranks[kind])

    def _save_features(self) -> None:
        """The adapters alone, and the run's features as the tuned encoders give them; the whitening stays."""
        for kind, tuned in self._tuned.items():
            tuned.save(self._folder / ADAPTERS / kind)
        encoders = {**self.catalogue.encoders, **{kind: tuned.card() for kind, tuned in self._tuned.items()}}
        self.catalogue = replace(self.catalogue, encoders=encoders, **cast(Any, self._states))
        self.catalogue.save(self._folder / "tokens")

    def _settle(self) -> Job:
        """A few epochs of the rest of the model on its new features, kept if they help on validation."""
        trainer = self._trainer
        trainer.attend_from_now()
        kept = {name: one.clone() for name, one in learned(trainer.model).items()}
        rows = list(self._rows)
        best = self._best
        for epoch in range(len(rows) + 1, len(rows) + 1 + SETTLING):
            part = (epoch - len(self._rows) - 1) / SETTLING
            began = time.monotonic()
            losses = yield from trainer.settle(_SEED + epoch, part, SETTLING)
            row = yield from self._measured(epoch, losses, time.monotonic() - began)
            rows.append(row)
            if row["ndcg@10"] > best or not len(trainer.parts.validation):
                best, kept = row["ndcg@10"], {name: one.clone() for name, one in learned(trainer.model).items()}
            yield Progress("Epoch done", epoch, len(self._rows) + SETTLING, data=row)
        load_weights(trainer.model, kept)
        self._after = best
        self._write_history(rows)

    def _card(self) -> dict[str, Any]:
        """What was tuned, what it cost, and what it changed on validation."""
        dtype = str(self._dtype).removeprefix("torch.")
        return {
            "method": self._trainer.config.tune,
            "precision": dtype,
            "seconds per epoch": float(np.mean([row["seconds"] for row in self._rows])),
            "core seconds per epoch": float(np.mean([row["core seconds"] for row in self._rows])),
            "encoding seconds per epoch": float(np.mean([row["encoding seconds"] for row in self._rows])),
            "best epoch": self._best_epoch,
            "validation ndcg@10 before": self._before,
            "validation ndcg@10 after": self._after,
            "encoders": {
                kind: {
                    "trainable": tuned.trainable,
                    "total": tuned.total,
                    "adapter_bytes": (self._folder / ADAPTERS / kind / WEIGHTS).stat().st_size,
                }
                for kind, tuned in self._tuned.items()
            },
        }
