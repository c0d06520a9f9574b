"""A step of training in as many portions as fit into memory: gradients add up to those of the whole batch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from engine.errors import HeedmapError
from engine.training.windows import Batch

_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")


class Memory:
    """How many portions a step needs. It starts at `portions` and doubles whenever memory runs out."""

    def __init__(self, portions: int) -> None:
        self.portions = portions
        self.told = ""  # a sentence for the user, until it is taken

    def run(self, attempt: Callable[[int], float], rows: int, forget: Callable[[], None]) -> float:
        """attempt(portions) -> loss, tried again with twice the portions when memory runs out.

        rows: histories of the batch; forget: drops what a failed attempt left. HeedmapError when single rows do not
        fit either.
        """
        while True:
            try:
                return attempt(min(self.portions, rows))
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                if self.portions >= rows:
                    raise HeedmapError(
                        "A single history does not fit into memory.",
                        "Use a smaller dim, history or tune_items, or another device.",
                    ) from error
            # Out of the handler, so that the failed attempt's tensors are free.
            forget()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self.portions *= 2
            self.told = f"Out of memory: batches are computed in {self.portions} portions from here on."

    def take(self) -> str:
        """The sentence to tell, once."""
        told, self.told = self.told, ""
        return told


def out_of_memory(error: BaseException) -> bool:
    """Whether torch says that an allocation failed, on any device."""
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in _SIGNS)


def portions_of(batch: Batch, count: int) -> list[Batch]:
    """The batch's rows in `count` parts of nearly one size, each cut to its longest window."""
    if count <= 1:
        return [batch]
    rows = len(batch.events)
    edges = [rows * place // count for place in range(count + 1)]
    found = []
    for first, last in pairwise(edges):
        if last > first:
            events = batch.events[first:last]
            longest = int((events >= 0).sum(axis=1).max())
            found.append(Batch(events[:, :longest], batch.counted[first:last, :longest]))
    return found


def backward(batch: Batch, count: int, loss_of: Callable[[Batch], Tensor], scaled: Callable[[Tensor], Tensor]) -> float:
    """Gradients of the batch's mean loss, added up over its portions; returns that loss.

    loss_of: mean over a portion's counted events; scaled: what is done to a loss before its backward pass (fp16).
    """
    total, targets = 0.0, max(1, int(batch.counted.sum()))
    for portion in portions_of(batch, count):
        loss = loss_of(portion) * (int(portion.counted.sum()) / targets)
        scaled(loss).backward()
        total += float(loss.detach())
    return total
