"""What the window calls the settings of a training, and their choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.fault_text import fault_text
from engine.errors import HeedmapError


def tr(text: str) -> str:
    return QCoreApplication.translate("Setting", text)


def setting_name(name: str) -> str:
    """What the window calls a setting."""
    names = {
        "split": tr("Split"),
        "modalities": tr("Modalities"),
        "identity": tr("Identity"),
        "outside_reviews": tr("Outside reviews"),
        "aspects": tr("Aspects of reviews"),
        "reviews": tr("Reviews"),
        "text_pieces": tr("Pieces per text"),
        "item_pieces": tr("Pieces per product"),
        "components": tr("Components"),
        "text_encoder": tr("Text encoder"),
        "image_encoder": tr("Photo encoder"),
        "audio_encoder": tr("Sound encoder"),
        "photo_cells": tr("Photo cells"),
        "audio_seconds": tr("Seconds of sound"),
        "quantise": tr("Quantisation"),
        "context": tr("Context of past events"),
        "profile": tr("Shopper's profile"),
        "fusion": tr("Fusion"),
        "linear": tr("Linear term"),
        "newcomers": tr("Price of new products"),
        "rating": tr("Rating head"),
        "objective": tr("Objective"),
        "align": tr("Alignment"),
        "align_weight": tr("Weight of the alignment"),
        "long_tail": tr("Long-tail weight"),
        "weigh": tr("Weighted shoppers"),
        "history_crop": tr("Crop histories"),
        "history_mask": tr("Thin histories"),
        "history_reorder": tr("Shuffle histories"),
        "word_dropout": tr("Word dropout"),
        "adversarial": tr("Adversarial nudge"),
        "attention_epochs": tr("Attention epochs"),
        "refit": tr("Last epochs on all events"),
        "dim": tr("Dimensions"),
        "heads": tr("Heads"),
        "blocks": tr("Blocks"),
        "history": tr("History length"),
        "dropout": tr("Dropout"),
        "modality_dropout": tr("Modality dropout"),
        "identity_dropout": tr("Identity dropout"),
        "negatives": tr("Negatives"),
        "epochs": tr("Epochs"),
        "patience": tr("Patience"),
        "batch": tr("Batch"),
        "learning_rate": tr("Learning rate"),
        "weight_decay": tr("Weight decay"),
        "accumulate": tr("Portions per step"),
        "tune": tr("Fine-tuning"),
        "tune_modalities": tr("Encoders to tune"),
        "tune_epochs": tr("Epochs of fine-tuning"),
        "tune_rank": tr("Size of adapters"),
        "tune_learning_rate": tr("Learning rate of encoders"),
        "tune_batch": tr("Batch of fine-tuning"),
        "tune_items": tr("Products encoded per step"),
        "photo_augment": tr("Vary photos"),
        "precision": tr("Precision"),
        "track": tr("Record of the training"),
        "checkpoints": tr("Checkpoints"),
        "seed": tr("Seed"),
        "device": tr("Device"),
        "threads": tr("Threads"),
    }
    return names.get(name, name.replace("_", " ").capitalize())


def choice_name(choice: str) -> str:
    """What the window calls one of a setting's choices."""
    names = {
        "weighted": tr("weighted"),
        "concat": tr("concat"),
        "gated": tr("gated"),
        "cross": tr("cross"),
        "softmax": tr("softmax"),
        "bce": tr("cross-entropy, one by one"),
        "bpr": tr("pairs (BPR)"),
        "mse": tr("squared error of ratings"),
        "infonce": tr("contrast (InfoNCE)"),
        "triplet": tr("triplets"),
        "auto": tr("automatic"),
        "ease": tr("EASE"),
        "neighbours": tr("near neighbours"),
        "kind": tr("kind of event"),
        "gap": tr("time since the last one"),
        "hour": tr("hour of the day"),
        "weekday": tr("weekday"),
        "season": tr("season"),
        "carried": tr("what the events carry"),
        "attention": tr("attention"),
        "temporal": tr("temporal"),
        "leave-one-out": tr("leave-one-out"),
        "text": tr("words"),
        "audio": tr("sound"),
        "none": tr("none"),
        "int8": tr("int8"),
        "lora": tr("LoRA"),
        "adalora": tr("AdaLoRA"),
        "prefix": tr("prefix"),
        "adapter": tr("bottleneck adapters"),
        "full": tr("all weights"),
        "fp32": tr("32 bits"),
        "bf16": tr("bfloat16"),
        "fp16": tr("float16"),
        "best": tr("the best epoch"),
        "some": tr("about ten epochs"),
        "every": tr("every epoch"),
        "tensorboard": tr("TensorBoard"),
        "wandb": tr("Weights & Biases, offline"),
        "image": tr("photo"),
        "attribute": tr("attributes"),
        "link": tr("links"),
    }
    return names.get(choice, choice)


FIRST = ("fusion", "modalities", "epochs", "dim", "heads", "history", "learning_rate", "dropout", "split", "seed")
_SEEN = (
    "identity outside_reviews aspects reviews text_pieces item_pieces components context profile text_encoder"
    " image_encoder audio_encoder photo_cells audio_seconds quantise"
)
_MODEL = "blocks linear newcomers rating modality_dropout identity_dropout"
_TUNING = "tune tune_modalities tune_epochs tune_rank tune_learning_rate tune_batch tune_items photo_augment precision"
_RECORD = "checkpoints track device"


def setting_groups(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Settings beyond `FIRST` under a heading each; what stands in no other group is of the training."""
    groups = {
        tr("What the model sees"): tuple(_SEEN.split()),
        tr("The model"): tuple(_MODEL.split()),
        tr("Encoders that learn"): tuple(_TUNING.split()),
        tr("Record and device"): tuple(_RECORD.split()),
    }
    known = {*FIRST, *(name for group in groups.values() for name in group)}
    rest = tuple(name for name in names if name not in known)
    found = {title: tuple(name for name in group if name in names) for title, group in groups.items()}
    return {**dict(list(found.items())[:2]), tr("The training"): rest, **dict(list(found.items())[2:])}


def setting_fault(error: HeedmapError, given: Mapping[str, Any]) -> str:
    """What is wrong with settings, in the words of the form; given: all of them."""
    dim, heads, objective = given["dim"], given["heads"], choice_name(given["objective"])
    fitting = ", ".join(str(one) for one in range(1, 33) if dim % one == 0)
    worded = {
        "weigh=": tr(
            "“{weigh}” is written attribute=value:times, such as region=north:3; several with semicolons."
        ).format(weigh=setting_name("weigh")),
        "heads=": tr("{heads}: {n} does not divide {dim} dimensions. Choose one of {fitting}.").format(
            heads=setting_name("heads"), n=heads, dim=dim, fitting=fitting
        ),
        "The objective mse": tr(
            "“{objective}” weighs no shoppers: choose another objective, or leave “{weigh}” empty."
        ).format(objective=objective, weigh=setting_name("weigh")),
        "The model would": tr("The model would see nothing of a product: tick a modality, or “{identity}”.").format(
            identity=setting_name("identity")
        ),
        "Quantised encoders": tr("Encoders in 8 bits cannot learn: set “{quantise}” or “{tune}” to none.").format(
            quantise=setting_name("quantise"), tune=setting_name("tune")
        ),
        f"tune={given['tune']} has": tr(
            "There is no encoder to tune: tick one of the modalities under “{tuned}”."
        ).format(tuned=setting_name("tune_modalities")),
    }
    return next((text for start, text in worded.items() if error.message.startswith(start)), fault_text(str(error)))
