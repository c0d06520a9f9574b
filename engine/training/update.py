"""Go on with a trained run on a shop that has grown: new events with a replay of old ones, and what was forgotten.

Products and shoppers are known by their names. A new product starts from its content: its identity and bias are zero
until it has a training event. Encoders, whitening and vocabularies stay those of the old run, so that what was encoded
is not encoded again. A fine-tuned encoder learns no further, for that would change what all products are known by: it
reads what is new as it was tuned to (and once all that is old, of which tuning kept the reduced states alone). The old
run's test events are never learned from, so that forgetting can be measured on them.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.dataset.split import Interactions, Split, cuts_of, interactions, split
from engine.dataset.store import Dataset
from engine.device import choose_device, set_threads
from engine.errors import HeedmapError
from engine.features.catalogue import Catalogue, build_catalogue
from engine.features.encoded import Earlier
from engine.files import make_folder, refuse_read_only
from engine.held import held
from engine.jobs import Job, Progress
from engine.metrics.ranking import ndcg
from engine.model.recommender import Model, ModelShape
from engine.model.tokens import Tokens
from engine.model.tuning import ADAPTERS, open_run_encoder
from engine.training.checkpoint import load_weights
from engine.training.config import Config
from engine.training.linear_term import Chosen, solve
from engine.training.loop import Card, reading_of
from engine.training.measure import measure, ranks_of
from engine.training.newcomers import lend
from engine.training.opened import Opened, open_folder
from engine.training.trainer import Trainer, start_from_popularity
from engine.training.weights import weights_of
from engine.training.windows import Batch, Windows
from engine.workspace import read_card

EPOCHS = 3
SETTINGS = ("epochs", "learning_rate", "batch", "seed", "device", "threads", "weight_decay", "negatives")
_SEED = 2_000_000  # of the first epoch's random choices; training and refit use smaller ones


@dataclass(frozen=True)
class Growth:
    """What is new. event: bool[n], interactions that the old run's dataset lacks; held: bool[n], targets of the old
    run's test. old_validation, old_test: int64[...], those targets, as interactions of the new data.
    item: int64[items], the old index of each product, -1 for a new one."""

    event: NDArray[np.bool_]
    held: NDArray[np.bool_]
    old_validation: NDArray[np.int64]
    old_test: NDArray[np.int64]
    item: NDArray[np.int64]
    new_users: int


class UpdateWindows(Windows):
    """All windows in which something new is to be learned, and `replay` times as many of the others, drawn anew each
    epoch. Held-out events are read as history and never targets."""

    def __init__(self, data: Interactions, parts: Split, config: Config, growth: Growth, replay: float) -> None:
        super().__init__(data, parts, config)
        self._growth, self._replay = growth, replay
        self.counts = (0, 0)  # windows of the last epoch with something new, and without

    def batches(self, random: np.random.Generator, size: int) -> list[Batch]:
        news: list[Batch] = []
        others: list[Batch] = []
        for one in super().batches(random, 1):
            counted = one.counted & ~self._growth.held[one.events]
            if counted.any():
                new = (counted & self._growth.event[one.events]).any()
                (news if new else others).append(Batch(one.events, counted))
        drawn = random.permutation(len(others))[: round(self._replay * len(news))]
        self.counts = (len(news), len(drawn))
        kept = sorted([*news, *(others[one] for one in drawn)], key=lambda one: one.events.shape[1])
        batches = [_joined(kept[first : first + size]) for first in range(0, len(kept), size)]
        return [batches[place] for place in random.permutation(len(batches))]


def _joined(windows: list[Batch]) -> Batch:
    longest = max(one.events.shape[1] for one in windows)
    events, counted = np.full((len(windows), longest), -1, np.int64), np.zeros((len(windows), longest), bool)
    for row, one in enumerate(windows):
        events[row, : one.events.shape[1]], counted[row, : one.counted.shape[1]] = one.events[0], one.counted[0]
    return Batch(events, counted)


def update(
    dataset_folder: Path, run_folder: Path, old_folder: Path, settings: dict[str, Any], replay: float = 1.0
) -> Job:
    """Train `old_folder` on into `run_folder` and return that; the best epoch by validation is kept, which may be none.

    settings: those of SETTINGS that differ from the old run's; replay: windows of old events per window of new ones.
    HeedmapError when the old run cannot go on, nothing is new, or another process writes `run_folder`.
    """
    with held(run_folder):
        return (yield from _update(dataset_folder, run_folder, old_folder, settings, replay))


def _update(dataset_folder: Path, run_folder: Path, old_folder: Path, settings: dict[str, Any], replay: float) -> Job:
    if (run_folder / "run.json").is_file() and read_card(run_folder).get("state") == "done":
        raise HeedmapError(f"{run_folder} already holds a run.", "Choose another name.")
    config, epochs = _settings(old_folder, settings)
    old: Opened = yield from open_folder(old_folder)
    _check(old, replay)
    dataset = Dataset.open(dataset_folder)
    data, before = interactions(dataset), interactions(old.dataset)
    growth = grown(data, before, split(config.split, before, old.card.get("cuts")))
    cuts = cuts_of(data.time[growth.event]) if config.split == "temporal" else None
    parts = split(config.split, data, cuts)
    set_threads(config.threads)
    refuse_read_only(run_folder)
    (run_folder / "run.json").unlink(missing_ok=True)  # an update that was stopped starts over
    make_folder(run_folder)
    card = Card(run_folder, dataset, config)
    card.content["cuts"] = cuts
    card.write(state="running")
    catalogue: Catalogue = yield from _catalogue(dataset, run_folder, data, parts, config, old)
    model = carried_over(old, catalogue, before, data, growth.item).to(choose_device(config.device))
    card.content |= {"shape": asdict(model.shape), "encoders": catalogue.encoders}
    card.content["parameters"] = sum(one.numel() for one in model.parameters())
    windows = UpdateWindows(data, parts, config, growth, replay)
    tokens = Tokens(catalogue, model.tower, choose_device(config.device))
    trainer = Trainer(model, tokens, data, parts, config, run_folder, windows)
    weights = weights_of(dataset, data.users, config.weigh)
    if weights is not None:
        trainer.weigh(weights)
    report = yield from _learn(trainer, catalogue, windows, card, old, growth, epochs)
    trainer.keep_final()
    card.content["metrics"] = yield from measure(model, tokens, data, parts, ("validation", "test"))
    card.write(state="done", update=report, best_epoch=report["best_epoch"], epoch=epochs)
    dataset.close()
    return run_folder


def _settings(old_folder: Path, settings: dict[str, Any]) -> tuple[Config, int]:
    if wrong := [name for name in settings if name not in SETTINGS]:
        raise HeedmapError(f"{wrong[0]} cannot change when a run goes on.", f"What can is {', '.join(SETTINGS)}.")
    card = read_card(old_folder)
    if card.get("kind") == "foreign" or "origin" in card:
        raise HeedmapError(f"{old_folder.name} was trained elsewhere and cannot go on here.", "Train a run of ours.")
    config = Config.from_settings({**card["config"], **settings})
    return config, config.epochs if "epochs" in settings else EPOCHS


def _check(old: Opened, replay: float) -> None:
    if old.card.get("state") != "done":
        raise HeedmapError(f"The run {old.folder.name} is not finished.", "Finish it with --resume first.")
    if replay < 0:
        raise HeedmapError(f"replay={replay} is not a share.", "Give 0 or more.")
    if lacking := [kind for kind in old.catalogue.encoders if kind not in old.catalogue.whitening]:
        raise HeedmapError(
            f"{old.folder.name} did not keep how its {lacking[0]} features were reduced.", "Train it again first."
        )


def grown(data: Interactions, before: Interactions, parts: Split) -> Growth:
    """Compare by names. HeedmapError when nothing is new, or the old data is not a part of the new."""
    user, item = ({name: index for index, name in enumerate(names)} for names in (data.users, data.items))
    if lost := [name for name in before.items if name not in item]:
        raise HeedmapError(
            f"The grown dataset lacks {len(lost):,} products of the old one, such as {lost[0]!r}.",
            "Import the whole catalogue, the old products too.",
        )
    place = {pair: event for event, pair in enumerate(zip(data.user.tolist(), data.item.tolist(), strict=True))}
    users = [user.get(name, -1) for name in before.users]
    items = [item[name] for name in before.items]
    pairs = zip(before.user.tolist(), before.item.tolist(), strict=True)
    where = np.array([place.get((users[one], items[other]), -1) for one, other in pairs], dtype=np.int64)
    new = np.ones(len(data.item), bool)
    new[where[where >= 0]] = False
    if not new.any():
        raise HeedmapError("The dataset holds no event that the run has not seen.", "Import the newer events first.")
    validation, test = where[parts.validation], where[parts.test]
    held = np.zeros(len(data.item), bool)
    held[test[test >= 0]] = True
    back = np.full(len(data.items), -1, np.int64)
    back[items] = np.arange(len(items))
    known = set(before.users)
    fresh = sum(name not in known for name in data.users)
    return Growth(new, held, validation[validation >= 0], test[test >= 0], back, fresh)


def _catalogue(
    dataset: Dataset, run_folder: Path, data: Interactions, parts: Split, config: Config, old: Opened
) -> Job:
    _share_features(old.dataset.folder / "features", dataset.folder / "features")
    encoders, reading, home = old.catalogue.encoders, reading_of(config), old.dataset.folder / "features"
    earlier = {
        kind: Earlier(
            partial(open_run_encoder, old.folder, kind, about, reading.options(), home), old.catalogue.whitening[kind]
        )
        for kind, about in encoders.items()
    }
    reading = replace(reading, modalities=tuple(old.model.shape.tower.features), earlier=earlier)
    seen = np.bincount(data.item[parts.train], minlength=len(data.items)) > 0
    catalogue: Catalogue = yield from build_catalogue(dataset, parts, data.users, seen, reading, old.catalogue)
    # The encoders are the old run's, tuned or not: so are their cards, and the adapters come along.
    catalogue = replace(catalogue, encoders={kind: encoders[kind] for kind in catalogue.encoders})
    if (old.folder / ADAPTERS).is_dir():
        shutil.copytree(old.folder / ADAPTERS, run_folder / ADAPTERS, dirs_exist_ok=True)
    catalogue.save(run_folder / "tokens")
    return catalogue


def _share_features(old: Path, new: Path) -> None:
    """Give the new dataset what was encoded for the old one: the same texts and photos have the same keys."""
    for source in sorted(old.iterdir()) if old.is_dir() else ():
        if (new / source.name).exists():
            continue  # shards of its own, whose numbers would be the same
        for path in [source] if source.is_file() else sorted(one for one in source.rglob("*") if one.is_file()):
            target = new / path.relative_to(old)
            make_folder(target.parent)
            try:
                os.link(path, target)
            except OSError:
                shutil.copy2(path, target)


def _rows(old: tuple[Any, ...], new: tuple[Any, ...]) -> NDArray[np.int64]:
    """int64[new]: the old place of each name, -1 for a new one."""
    place = {name: index for index, name in enumerate(old)}
    return np.array([place.get(name, -1) for name in new], dtype=np.int64)


def carried_over(
    old: Opened, catalogue: Catalogue, before: Interactions, data: Interactions, items: NDArray[np.int64]
) -> Model:
    """The old run's model, for the grown catalogue and vocabularies: what is new in a table starts at zero.

    items: int64[new], the old index of each product, -1 for a new one.
    """
    shape, tower = old.model.shape, old.model.shape.tower
    fields = [before.context.fields[column] for column in shape.context]
    if lost := [field for field in fields if field not in data.context.fields]:
        raise HeedmapError(f"The new events carry no {lost[0]!r}, which the run reads.", "Import it too.")
    grown_tower = replace(
        tower,
        items=len(data.items),
        attributes=len(catalogue.attribute.names) if tower.attributes else 0,
        links=len(catalogue.link.names) if tower.links else 0,
    )
    new_shape: ModelShape = replace(
        shape,
        tower=grown_tower,
        context=tuple(data.context.fields.index(field) for field in fields),
        contexts=len(data.context.names),
        profiles=len(data.profiles.names) if shape.profiles else 0,
    )
    tables = {
        "tower.identity.weight": items,
        "tower.bias": items,
        "rating.bias": items,
        "seen": items,
        "linear.near": items,
        "linear.weight": items,
        "tower.attribute.weight": _rows(old.catalogue.attribute.names, catalogue.attribute.names),
        "tower.link.weight": _rows(old.catalogue.link.names, catalogue.link.names),
        "sequence.context": _rows(before.context.names, data.context.names),
        "sequence.about": _rows(before.profiles.names, data.profiles.names),
    }
    state: dict[str, Tensor] = {}
    for name, value in old.model.state_dict().items():
        if name in ("lent.near", "lent.share"):
            continue  # what is borrowed follows from the grown catalogue
        if name in tables:
            rows = torch.from_numpy(tables[name])
            there = (rows >= 0).view(-1, *[1] * (value.dim() - 1))
            value = torch.where(there, value[rows.clamp_min(0)], torch.zeros((), dtype=value.dtype))
        state[name] = value
    if "linear.near" in state and state["linear.near"].numel():
        forward = torch.zeros(tower.items, dtype=torch.int32)
        forward[torch.from_numpy(items[items >= 0])] = torch.from_numpy(np.flatnonzero(items >= 0).astype(np.int32))
        state["linear.near"] = forward[state["linear.near"].long()]
    model = Model(new_shape)
    load_weights(model, state)
    return model.eval()


def _learn(
    trainer: Trainer,
    catalogue: Catalogue,
    windows: UpdateWindows,
    card: Card,
    old: Opened,
    growth: Growth,
    epochs: int,
) -> Job:
    """Train on, and return the report: figures before and after, on what the old run was measured on and on the new."""
    model, data, parts = trainer.model, trainer.data, trainer.parts
    targets = {
        "old validation": growth.old_validation,
        "old test": growth.old_test,
        "new validation": parts.validation,
        "new test": parts.test,
    }
    learned = parts.train & ~growth.held
    lend(model, catalogue, data, learned & ~growth.event)
    before = yield from _measured(trainer, targets)
    start_from_popularity(
        model, np.bincount(data.item[learned], minlength=len(data.items)), model.seen.cpu().numpy() > 0
    )
    lend(model, catalogue, data, learned)
    if model.shape.linear and "linear" in old.card:
        yield Progress("Solving the linear term")
        chosen = Chosen(**old.card["linear"])
        solved = solve(data, learned, chosen, model.shape.linear, model.lent, trainer.weights)
        model.linear.put(*solved, chosen.level, chosen.half_life)
        card.content["linear"] = chosen.to_json()
    trainer.attend_from_now()
    best, best_epoch, kept = -1.0, 0, {name: value.clone() for name, value in model.state_dict().items()}
    for epoch in range(epochs + 1):
        if epoch:
            yield from trainer.settle(_SEED + epoch, (epoch - 1) / epochs, epochs)
        figure = ndcg((yield from ranks_of(model, trainer.tokens, data, parts.validation, "Validating")))
        if figure > best or not len(parts.validation):
            best, best_epoch = figure, epoch
            kept = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(kept)
    after = yield from _measured(trainer, targets)
    return {
        "of": old.folder.name,
        "new_events": int(growth.event.sum()),
        "new_items": int((growth.item < 0).sum()),
        "new_users": growth.new_users,
        "tuned": sorted(kind for kind, about in catalogue.encoders.items() if "base" in about),
        "windows": {"new": windows.counts[0], "replayed": windows.counts[1]},
        "best_epoch": best_epoch,
        "ndcg@10": {
            name: {"targets": len(rows), "before": before[name], "after": after[name]} for name, rows in targets.items()
        },
        "forgotten": before["old test"] - after["old test"],
    }


def _measured(trainer: Trainer, targets: dict[str, NDArray[np.int64]]) -> Job:
    found = {}
    for name, rows in targets.items():
        ranks = yield from ranks_of(
            trainer.model, trainer.tokens, trainer.data, np.sort(rows), "Measuring what is forgotten"
        )
        found[name] = ndcg(ranks)
    return found


def update_text(report: dict[str, Any]) -> str:
    """The report as a few lines for a terminal."""
    lines = [
        f"Went on from {report['of']} with {report['new_events']:,} new events, {report['new_items']:,} new products"
        f" and {report['new_users']:,} new shoppers; {report['windows']['new']:,} windows with something new and"
        f" {report['windows']['replayed']:,} replayed in each epoch.",
        f"{'NDCG@10':<16}{'before':>8}{'after':>8}   targets",
    ]
    if report.get("tuned"):  # absent in runs from before tuned encoders could be updated
        which = " and ".join(report["tuned"])
        lines.insert(
            1, f"The tuned {which} encoder read the new products as it was: an update does not tune it further."
        )
    for name, row in report["ndcg@10"].items():
        lines.append(f"{name:<16}{row['before']:>8.4f}{row['after']:>8.4f}   {row['targets']:,}")
    lost = report["forgotten"]
    lines.append(
        f"Forgotten: {lost:.4f} of NDCG@10 on the old test events, which were never learned from."
        if lost > 0
        else f"Nothing was forgotten: {-lost:+.4f} of NDCG@10 on the old test events, which were never learned from."
    )
    if not report["best_epoch"]:
        lines.append("No epoch was better on the new validation events: only the linear term, if any, was solved anew.")
    return "\n".join(lines)
