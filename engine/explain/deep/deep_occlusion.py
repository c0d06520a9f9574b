"""Occlusion through the encoders: each word taken out of its text, each cell of the photo blurred, all read anew.

A word's pieces are left out as if they had never been written, so what stands beside them moves together; a text that
was cut off at its end stays cut off there. A cell keeps its broad colours: a patch of one colour is a sight of its own,
and its edges, not what they hide, would move the score.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.explain.case import Case
from engine.explain.deep.inputs import DeepCase, Passage
from engine.explain.method import STAGE, Map, Method
from engine.features.build import BATCH
from engine.features.encoder import Encoder, Prepared
from engine.jobs import Job, Progress, finish

CELLS = 64  # blurred one by one at most; neighbours go together in a finer grid


def attribute(case: Case) -> Map:
    found: Map = finish(stepwise(case))
    return found


def stepwise(case: Case) -> Job:
    """The same, a batch of readings a step."""
    deep = DeepCase(case)
    notes = deep.notes
    effects: dict[str, NDArray[np.float64]] = {}
    if "text" in deep.kinds:
        effects["text"] = yield from _without_gradients(word_effects(deep))
    if "image" in deep.kinds:
        effects["image"], across = yield from _without_gradients(cell_effects(deep))
        if across > 1:
            notes += (f"{across} x {across} cells were blurred together.",)
    return Map(deep.rows(effects, _others(case)), notes=notes)


def _without_gradients(job: Job) -> Job:
    """Steps of a job without gradients; whoever runs it keeps theirs between two steps."""
    while True:
        with torch.no_grad():
            try:
                progress = next(job)
            except StopIteration as end:
                return end.value
        yield progress


def _others(case: Case) -> NDArray[np.float64]:
    """score - score without the row, for rows that no text or photo makes; zeros for the rest: float64[rows]."""
    rows = case.shown.tokens
    asked = [place for place, one in enumerate(rows) if one.modality not in ("text", "image")]
    removed = np.zeros((len(asked) + 1, len(rows)), dtype=bool)
    removed[np.arange(len(asked)) + 1, asked] = True
    scores = case.scores_without(removed)
    found = np.zeros(len(rows))
    found[asked] = scores[0] - scores[1:]
    return found


def word_effects(deep: DeepCase) -> Job:
    """Return score - score without the word, for the first piece of each word, zeros for its others: float64[raw
    tokens]."""
    case = deep.case
    first = list(case.tokens).index("text")
    begin = sum(list(case.counts.values())[:first])
    row_of = case.shown.row_of[begin : begin + case.counts["text"]]
    found = np.zeros(len(row_of))
    whole = deep.features["text"][0]
    start = 0
    for passage in deep.passages:
        end = start + len(passage.places)
        by_length: dict[int, list[NDArray[np.int64]]] = defaultdict(list)
        for row in np.unique(row_of[start:end]):
            tokens = np.flatnonzero(row_of[start:end] == row)
            by_length[len(tokens)].append(tokens)
        for words in by_length.values():
            for at in range(0, len(words), BATCH["text"]):
                some = words[at : at + BATCH["text"]]
                anew = _without(deep, passage, some)
                around = [whole[:start].expand(len(some), -1, -1), anew, whole[end:].expand(len(some), -1, -1)]
                scores = deep.scores({"text": torch.cat(around, dim=1)})
                found[[start + tokens[0] for tokens in some]] = deep.score - scores.cpu().numpy()
                yield Progress(STAGE)
        start = end
    return found


def _without(deep: DeepCase, passage: Passage, words: list[NDArray[np.int64]]) -> Tensor:
    """Features of the passage's other tokens with each of these words, of equally many tokens, taken out.

    words: places among the passage's tokens. float64[words, tokens left, components].
    """
    encoder = deep.encoders["text"]
    places = passage.places.cpu().numpy()
    length = passage.ids.shape[1]
    left: list[NDArray[np.int64]] = []  # pieces that stay
    tokens: list[NDArray[np.int64]] = []  # where tokens that stay stand among them
    for word in words:
        stays = np.ones(length, dtype=bool)
        stays[places[word]] = False
        left.append(np.flatnonzero(stays))
        tokens.append((np.cumsum(stays) - 1)[np.delete(places, word)])
    if not len(tokens[0]):
        return deep.features["text"].new_zeros(len(words), 0, deep.features["text"].shape[2])
    index = torch.from_numpy(np.stack(left))
    inputs = {name: value[0][index] for name, value in passage.prepared.inputs.items()}
    if "attention_mask" not in inputs:
        inputs = _filled(encoder, inputs, length)
    shape = next(iter(inputs.values())).shape
    prepared = Prepared(inputs, torch.ones(shape, dtype=torch.bool), np.zeros((*shape, 2), np.int32))
    states = encoder.tokens(prepared)
    at = torch.from_numpy(np.stack(tokens)).to(states.device)
    return deep.reduced("text", states[torch.arange(len(words), device=at.device)[:, None], at])


def _filled(encoder: Encoder, inputs: dict[str, Tensor], length: int) -> dict[str, Tensor]:
    """Padded to the length of the whole text, for an encoder that reads texts of one length without a mask."""
    filled = {}
    empty = encoder.prepare([""]).inputs
    for name, value in inputs.items():
        padding = empty[name][0, -1] if empty[name].shape[1] else value.new_zeros(())
        filled[name] = torch.cat([value, padding.expand(len(value), length - value.shape[1])], dim=1)
    return filled


def cell_effects(deep: DeepCase) -> Job:
    """Return score - score with the cell blurred, float64[cells], and how many cells across go together.

    Cells that go together share their effect evenly.
    """
    height, width = deep.encoders["image"].grid
    across = 1
    while -(-height // across) * -(-width // across) > CELLS:
        across += 1
    tops, lefts = (np.append(one, deep.photo.shape[-1]) for one in deep.cells())
    blocks = [
        (slice(row, min(row + across, height)), slice(column, min(column + across, width)))
        for row in range(0, height, across)
        for column in range(0, width, across)
    ]
    effects = np.zeros((height, width))
    size = BATCH["image"] * (1 if deep.encoders["image"].device == "cpu" else 8)
    for at in range(0, len(blocks), size):
        some = blocks[at : at + size]
        changed = deep.photo.repeat(len(some), 1, 1, 1)
        for photo, (rows, columns) in zip(changed, some, strict=True):
            box = (
                slice(None),
                slice(tops[rows.start], tops[rows.stop]),
                slice(lefts[columns.start], lefts[columns.stop]),
            )
            photo[box] = deep.blurred[box]
        fallen = deep.score - deep.scores({"image": deep.photo_features(changed)}).cpu().numpy()
        for (rows, columns), effect in zip(some, fallen.tolist(), strict=True):
            effects[rows, columns] = effect / effects[rows, columns].size
        yield Progress(STAGE)
    return effects.ravel(), across


METHOD = Method(
    attribute,
    "What the score loses when a word is taken out of its text, or a cell of the photo blurred, and the encoders "
    "read the page anew.",
    deep=True,
    stepwise=stepwise,
)
