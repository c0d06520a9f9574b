"""What fine-tuning an encoder costs and brings: one training per method, all from the same start.

    python -m tests.bench.tuning_table DATASET OUT [--modality text] [--methods lora,full] [--set key=value]

Each training is a run in OUT, resumed if it was stopped; the table is printed and written to tests/bench/results, to
tuning.md for texts and tuning-MODALITY.md for others. The models have no linear term, which would hide what an encoder
adds.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from engine.dataset.store import Dataset
from engine.files import read_json, write_bytes
from engine.jobs import Progress, finish
from engine.model.tuning import NAMES
from engine.training.config import Config
from engine.training.finetune import SETTLING
from engine.training.loop import train

RESULTS = Path(__file__).resolve().parent / "results"
HEAD = (
    "method",
    "trainable parameters",
    "seconds per epoch",
    "core-seconds",
    "seconds to encode the catalogue",
    "validation NDCG@10",
    "test NDCG@10",
    "adapter",
)
SETTINGS: dict[str, Any] = {"linear": "none", "epochs": 20, "attention_epochs": 3, "tune_epochs": 2, "tune_items": 12}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--modality", default="text")
    parser.add_argument("--methods", default=",".join(NAMES))
    parser.add_argument("--set", action="append", default=[])
    parsed = parser.parse_args()
    chosen = {**SETTINGS, "modalities": parsed.modality, "tune_modalities": parsed.modality}
    chosen |= dict(pair.split("=", 1) for pair in parsed.set)
    name = "tuning.md" if parsed.modality == "text" else f"tuning-{parsed.modality}.md"
    rows = []
    for method, more in _methods(parsed.methods.split(","), chosen):
        run = parsed.out / f"{parsed.modality}-{method.replace(' ', '-')}"
        rows.append(_row(method, _run(parsed.dataset, run, {**chosen, **more})))
        text = _table(parsed.dataset, chosen, rows)
        write_bytes(RESULTS / name, text.encode())
    print(text)


def _methods(names: list[str], chosen: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Names with their settings: first frozen features, also trained on for as many epochs as tuning adds."""
    longer = {key: int(chosen[key]) + int(chosen["tune_epochs"]) + SETTLING for key in ("epochs", "attention_epochs")}
    plain: list[tuple[str, dict[str, Any]]] = [
        ("frozen", {"tune": "none"}),
        ("frozen, as many epochs", {"tune": "none", **longer}),
    ]
    return [*plain, *((name, {"tune": name}) for name in names)]


def _run(dataset: Path, run: Path, settings: dict[str, Any]) -> dict[str, Any]:
    resume = (run / "run.json").is_file()
    if not resume or read_json(run / "run.json")["state"] != "done":
        config = Config() if resume else Config.from_settings(settings)
        finish(train(dataset, run, config, resume=resume), lambda progress: _watch(run.name, progress))
    card: dict[str, Any] = read_json(run / "run.json")
    return card


def _watch(name: str, progress: Progress) -> None:
    if progress.message or "ndcg@10" in progress.data:
        print(name, progress.message, {key: round(value, 4) for key, value in progress.data.items()}, flush=True)


def _row(method: str, card: dict[str, Any]) -> tuple[str, ...]:
    figures = (f"{card['metrics'][f'{part} ndcg@10']:.4f}" for part in ("validation", "test"))
    if "tuned" not in card:
        return (method, "0", "", "", "", *figures, "")
    tuned = card["tuned"]
    encoders = tuned["encoders"].values()
    trainable, total = (sum(one[name] for one in encoders) for name in ("trainable", "total"))
    seconds = [f"{tuned[f'{what}seconds per epoch']:.1f}" for what in ("", "core ", "encoding ")]
    size = sum(one["adapter_bytes"] for one in encoders) / 1e6
    return (NAMES[method], f"{trainable:,} ({trainable / total:.1%})", *seconds, *figures, f"{size:.1f} MB")


def _table(dataset: Path, settings: dict[str, Any], rows: list[tuple[str, ...]]) -> str:
    about = Dataset.open(dataset).manifest
    counts = ", ".join(f"{about.counts[name]:,} {name}" for name in ("items", "users", "events"))
    lines = [
        "# Fine-tuning encoders",
        "",
        f"From `python -m tests.bench.tuning_table` on {about.name}: {counts}.",
        *(["The data is synthetic."] if about.synthetic else []),
        f"Settings: {', '.join(f'{name}={value}' for name, value in settings.items())}. One seed.",
        "",
        f"| {' | '.join(HEAD)} |",
        f"|{'---|' * len(HEAD)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
