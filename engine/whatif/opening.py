"""The encoders that read new texts and photos, opened in small steps: whoever asks for something else need not wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module

from engine.errors import HeedmapError
from engine.features.encoded import LOADING
from engine.features.hf import quiet_transformers
from engine.jobs import Job, Progress
from engine.recommend import Recommender

# Importing a Hugging Face model takes seconds, most of them for these, and much less for the model itself.
_PARTS: tuple[Callable[[], object], ...] = (
    partial(import_module, "sympy"),
    partial(import_module, "torch._dynamo"),
    quiet_transformers,
    partial(import_module, "transformers.modeling_layers"),
)
_LIGHT = ("untrained", "efficientnet-lite0")  # encoders that need none of it


def opening(recommender: Recommender, kind: str) -> Job:
    """Open the run's encoder of a kind; return whether it can be had. What is wrong with it, its first use says."""
    if kind in recommender.encoders:
        return True
    parts: tuple[Callable[[], object], ...] = ()
    with suppress(KeyError):
        parts = () if recommender.about_encoder(kind)["setting"] in _LIGHT else _PARTS
    for place, load in enumerate(parts):
        yield Progress(LOADING[kind], place, len(parts) + 1)
        with suppress(ImportError):  # a library that has no such part any more loads it with the model
            load()
    yield Progress(LOADING[kind], len(parts), len(parts) + 1)
    try:
        recommender.encoder(kind)
    except (HeedmapError, KeyError):
        return False
    return True


def warm(recommender: Recommender, kinds: Sequence[str] = ("text", "image")) -> Job:
    """Open every encoder that an edit of this run can need; return the kinds that are open."""
    found = []
    for kind in kinds:
        reads = kind in recommender.tokens.modalities and kind in recommender.catalogue.whitening
        if reads and (yield from opening(recommender, kind)):
            found.append(kind)
    return tuple(found)
