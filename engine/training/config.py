"""The settings of a run: typed, checked, explained; saved beside its weights. Imports nothing heavy."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, get_args, get_origin, get_type_hints

from engine.errors import HeedmapError
from engine.training.weights import groups_said

FUSIONS = ("weighted", "concat", "gated", "attention", "cross")
OBJECTIVES = ("softmax", "bce", "bpr", "mse")
ALIGNMENTS = ("none", "infonce", "triplet")
LINEARS = ("auto", "ease", "neighbours", "none")
CONTEXT = ("kind", "gap", "hour", "weekday", "season", "carried")
SPLITS = ("temporal", "leave-one-out")
CONTENT = ("text", "image", "audio", "attribute", "link")
QUANTISE = ("none", "int8")
TUNE = ("none", "lora", "adalora", "prefix", "adapter", "full")
TUNED = ("text", "image", "audio")
PRECISION = ("auto", "fp32", "bf16", "fp16")
TRACK = ("tensorboard", "wandb", "none")
CHECKPOINTS = ("best", "some", "every")


def _setting(default: Any, help: str, low: float | None = None, high: float | None = None, choices: Any = ()) -> Any:
    return field(default=default, metadata={"help": help, "low": low, "high": high, "choices": tuple(choices)})


@dataclass(frozen=True)
class Config:
    """Every choice of a training. `from_settings` reads strings as a user types them."""

    # what the model sees
    split: str = _setting("temporal", "How events are divided into training, validation and test.", choices=SPLITS)
    modalities: tuple[str, ...] = _setting(
        CONTENT, "What the model sees of a product beside its identity.", choices=CONTENT
    )
    identity: bool = _setting(True, "Whether a product has an embedding of its own.")
    outside_reviews: bool = _setting(
        False, "Read reviews that have no time or were not written by this shop's shoppers."
    )
    aspects: bool = _setting(
        False, "Whether what English reviews praise and criticise in a product joins its attributes."
    )
    reviews: int = _setting(3, "Reviews read per product, the newest of the training period first.", 0, 50)
    text_pieces: int = _setting(64, "Word pieces read of each text.", 8, 512)
    item_pieces: int = _setting(192, "Word pieces read of each product, over all its texts.", 8, 4096)
    components: int = _setting(64, "Dimensions to which features are reduced (whitened PCA).", 4, 1280)
    context: tuple[str, ...] = _setting(
        ("kind", "gap"), "What the model sees of each past event beside its product.", choices=CONTEXT
    )
    profile: bool = _setting(True, "Whether the model sees what is known of the shopper.")
    text_encoder: str = _setting("auto", "What reads texts: a Hugging Face folder, minilm, untrained, or auto.")
    image_encoder: str = _setting(
        "auto", "What sees photos: a Hugging Face folder, network:weights, a pack, untrained, or auto."
    )
    audio_encoder: str = _setting("auto", "What hears recordings: a Hugging Face folder, untrained, or auto.")
    photo_cells: int = _setting(8, "Most cells along each side of a photo.", 1, 64)
    audio_seconds: float = _setting(30.0, "Seconds heard of each recording.", 0.5, 600.0)
    quantise: str = _setting("none", "Whether encoders compute in 8 bits.", choices=QUANTISE)
    # the model
    fusion: str = _setting("weighted", "How modalities are joined into one product vector.", choices=FUSIONS)
    dim: int = _setting(64, "Dimensions of product and shopper vectors.", 8, 1024)
    heads: int = _setting(4, "Attention heads over a product's parts; they divide the dimensions.", 1, 32)
    blocks: int = _setting(2, "Transformer blocks over the shopper's history.", 1, 12)
    history: int = _setting(50, "Past events that the model reads.", 1, 1000)
    linear: str = _setting(
        "auto", "A term that adds a fixed share for each past event: EASE, near neighbours, or none.", choices=LINEARS
    )
    newcomers: float = _setting(
        0.02, "Share of validation's NDCG that may be paid for showing products no shopper had in training.", 0.0, 0.5
    )
    rating: bool = _setting(False, "Whether a second head learns to predict ratings.")
    dropout: float = _setting(0.2, "Dropout in the sequence and on product vectors.", 0.0, 0.9)
    modality_dropout: float = _setting(
        0.1, "Chance that one modality of a product is hidden in a training step.", 0.0, 0.9
    )
    identity_dropout: float = _setting(
        0.3, "Chance that a product's identity is hidden in a training step, so that its content learns.", 0.0, 0.9
    )
    # the training
    objective: str = _setting("softmax", "What training makes smaller.", choices=OBJECTIVES)
    align: str = _setting("none", "Brings the modalities of one product together.", choices=ALIGNMENTS)
    align_weight: float = _setting(0.1, "How much the alignment counts beside the objective.", 0.0, 100.0)
    long_tail: float = _setting(
        0.0, "Weight of rarely bought products: 0 counts all events alike, 1 all products.", 0.0, 1.0
    )
    weigh: str = _setting(
        "", "Shoppers whose events count more in training, such as region=north:3; empty: all count alike."
    )
    history_crop: float = _setting(0.0, "Chance that a history is cut to a part of itself.", 0.0, 1.0)
    history_mask: float = _setting(0.0, "Chance that a past event is left out.", 0.0, 0.9)
    history_reorder: float = _setting(0.0, "Chance that a stretch of a history is shuffled.", 0.0, 1.0)
    word_dropout: float = _setting(
        0.0, "Chance that a word or photo cell is left out while attention is trained.", 0.0, 0.9
    )
    adversarial: float = _setting(0.0, "Size of the worst-case nudge to product vectors; 0 is none.", 0.0, 10.0)
    negatives: int = _setting(
        0, "Sampled negatives per step; 0 is the whole catalogue up to 5,000 products, else 1,024.", 0, 100_000
    )
    epochs: int = _setting(16, "Most epochs to train.", 1, 10_000)
    attention_epochs: int = _setting(
        4, "Epochs at the end that train attention; those before average each product's words and cells.", 0, 10_000
    )
    refit: int = _setting(
        2, "Epochs on training and validation together, after the best epoch is known; 0 is none.", 0, 1000
    )
    patience: int = _setting(8, "Epochs without a better validation NDCG@10 before training stops.", 1, 10_000)
    batch: int = _setting(32, "Shopper histories per step.", 1, 4096)
    learning_rate: float = _setting(0.003, "Step size of AdamW at its peak.", 1e-6, 1.0)
    weight_decay: float = _setting(0.01, "AdamW's weight decay.", 0.0, 10.0)
    accumulate: int = _setting(
        1, "Portions in which each step is computed, one after the other, to spare memory.", 1, 1024
    )
    # encoders that learn
    tune: str = _setting("none", "How encoders are fine-tuned, end to end, after the training.", choices=TUNE)
    tune_modalities: tuple[str, ...] = _setting(("text",), "Whose encoders are fine-tuned.", choices=TUNED)
    tune_epochs: int = _setting(3, "Epochs of fine-tuning.", 1, 1000)
    tune_rank: int = _setting(8, "Size of an adapter: rank, width of a bottleneck, or pieces of a prefix.", 1, 256)
    tune_learning_rate: float = _setting(0.0003, "Step size of the encoders while they are fine-tuned.", 1e-8, 1.0)
    tune_batch: int = _setting(32, "Shopper histories per step of fine-tuning.", 1, 4096)
    tune_items: int = _setting(48, "Products per step that are encoded anew, so that the encoder learns.", 1, 4096)
    photo_augment: bool = _setting(
        True, "Whether photos are cropped, mirrored and tinted a little while their encoder learns."
    )
    precision: str = _setting(
        "auto", "Numbers in which encoders learn: auto takes 16 bits where the device is fast at it.", choices=PRECISION
    )
    checkpoints: str = _setting(
        "best",
        "Which epochs can be looked at later: the best alone, some ten spread over the training, or every one.",
        choices=CHECKPOINTS,
    )
    track: str = _setting("tensorboard", "Where the course of the training is written to.", choices=TRACK)
    seed: int = _setting(1, "Fixes every random choice.", 0, 2**31 - 1)
    device: str = _setting(
        "auto", "cuda, mps, xpu or cpu; auto takes the first there is.", choices=("auto", "cuda", "mps", "xpu", "cpu")
    )
    threads: int = _setting(0, "Threads for training; 0 leaves one core to the window.", 0, 256)

    def __post_init__(self) -> None:
        for one in fields(self):
            self._check(one.name, getattr(self, one.name), one.metadata)
        if groups_said(self.weigh) and self.objective == "mse":
            raise HeedmapError("The objective mse weighs no shoppers.", "Use another objective, or leave weigh empty.")
        if self.dim % self.heads:
            raise HeedmapError(f"heads={self.heads} does not divide dim={self.dim}.", "Choose heads that divide dim.")
        if not self.modalities and not self.identity:
            raise HeedmapError("The model would see nothing of a product.", "Add a modality, or set identity=true.")
        if self.tune != "none" and self.quantise != "none":
            raise HeedmapError("Quantised encoders cannot learn.", "Set quantise=none, or tune=none.")
        if self.tune != "none" and not set(self.tune_modalities) & set(self.modalities):
            raise HeedmapError(
                f"tune={self.tune} has no encoder to tune.", "Name in tune_modalities what modalities holds."
            )

    @staticmethod
    def _check(name: str, value: Any, meta: Mapping[str, Any]) -> None:
        for one in value if isinstance(value, tuple) else (value,):
            if meta["choices"] and one not in meta["choices"]:
                raise HeedmapError(
                    f"{name} cannot be {one!r}.", f"Choose from {', '.join(str(c) for c in meta['choices'])}."
                )
            low, high = meta["low"], meta["high"]
            if (low is not None and one < low) or (high is not None and one > high):
                raise HeedmapError(f"{name}={one} is out of range.", f"It must lie between {low} and {high}.")

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Config:
        """Build from `{name: value}`; strings are read as the setting's type. HeedmapError names a wrong one."""
        hints = get_type_hints(cls)
        if unknown := sorted(set(settings) - set(hints)):
            raise HeedmapError(f"There is no setting {unknown[0]!r}.", f"The settings are {', '.join(hints)}.")
        return cls(**{name: _read(name, value, hints[name]) for name, value in settings.items()})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _read(name: str, value: Any, kind: Any) -> Any:
    if get_origin(kind) is tuple:
        parts = value.split(",") if isinstance(value, str) else list(value)
        inner = get_args(kind)[0]
        return tuple(_read(name, part.strip() if isinstance(part, str) else part, inner) for part in parts if part)
    assert not isinstance(kind, types.UnionType)
    try:
        if kind is bool and isinstance(value, str):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[value.lower()]
        if kind in (int, float) and isinstance(value, bool):
            raise ValueError(value)
        return kind(value)
    except (KeyError, ValueError, TypeError) as error:
        raise HeedmapError(f"{name} cannot be {value!r}.", f"It must be of type {kind.__name__}.") from error
