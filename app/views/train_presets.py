"""Settings that belong together: a training starts from one of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PySide6.QtCore import QCoreApplication

from engine.training.config import Config


def tr(text: str) -> str:
    return QCoreApplication.translate("Preset", text)


@dataclass(frozen=True)
class Preset:
    """settings: what differs from the settings of `Config`."""

    id: str
    name: str
    about: str
    settings: dict[str, Any]

    @cached_property
    def whole(self) -> dict[str, Any]:
        """Every setting; not to be changed."""
        return {**Config().to_json(), **self.settings}


def presets() -> list[Preset]:
    """In the language in force; the first is what a new training starts from."""
    quick = {"epochs": 4, "attention_epochs": 1, "patience": 3, "refit": 0, "reviews": 1, "item_pieces": 96}
    thorough = {"epochs": 60, "attention_epochs": 12, "patience": 12, "dim": 128, "checkpoints": "some"}
    content = {"identity": False, "identity_dropout": 0.0, "linear": "none"}
    identity: dict[str, Any] = {"modalities": (), "modality_dropout": 0.0, "identity_dropout": 0.0}
    words = {"tune": "lora", "tune_modalities": ("text",)}
    return [
        Preset("standard", tr("Standard"), tr("All that is known of products, a good length for most shops."), {}),
        Preset("quick", tr("Quick look"), tr("A few epochs and fewer words: whether the data works at all."), quick),
        Preset("thorough", tr("Thorough"), tr("A wider model, trained longer; epochs are kept to look at."), thorough),
        Preset("content", tr("Content only"), tr("Without identity and past choices: what pages alone tell."), content),
        Preset("identity", tr("Identity only"), tr("Without pages: the bar that content has to clear."), identity),
        Preset("words", tr("Words that learn"), tr("The text encoder is tuned too (LoRA). Best on a GPU."), words),
    ]
