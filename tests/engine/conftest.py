"""A tiny shop, made here, and a run trained on it with the real encoders."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.dataset.store import DatasetWriter
from engine.jobs import finish
from engine.recommend import Recommender
from engine.training.config import Config
from engine.training.loop import train

TINY = {"epochs": 2, "dim": 16, "heads": 2, "components": 8, "history": 6, "batch": 8, "threads": 1, "device": "cpu"}


def photo(seed: int) -> bytes:
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 255, (4, 4, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(blocks).resize((64, 64), Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


def make_tiny_shop(out: Path) -> Path:
    """14 products (i12 without a photo, i13 without a description); shopper u9 of 10 has one event; Chinese words."""
    random = np.random.default_rng(0)
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    with DatasetWriter(out, name="tiny", domain="shop", source="a test", licence="CC0", synthetic=True) as writer:
        for item in range(14):
            image = None if item == 12 else writer.add_image(photo(item))
            writer.add(
                "items",
                {
                    "item": f"i{item}",
                    "title": f"Product {item}",
                    "description": None if item == 13 else f"A waterproof jacket 防水外套, number {item}.",
                    "price": 10.0 + item,
                    "images": [image] if image else [],
                    "attributes": [{"name": "colour", "value": ("red", "blue")[item % 2]}],
                },
            )
            writer.add(
                "links",
                {
                    "head_kind": "item",
                    "head": f"i{item}",
                    "relation": "maker",
                    "tail_kind": "maker",
                    "tail": f"m{item % 3}",
                },
            )
        for user in range(10):
            count = 1 if user == 9 else 7
            for place, item in enumerate(random.permutation(14)[:count]):
                time = begin + timedelta(days=int(place * 10 + user))
                writer.add("events", {"user": f"u{user}", "item": f"i{item}", "time": time, "kind": "purchase"})
                if place % 3 == 0:
                    writer.add(
                        "reviews",
                        {
                            "review": f"r{user}-{item}",
                            "item": f"i{item}",
                            "user": f"u{user}",
                            "text": f"Kept me dry, says shopper {user}.",
                            "rating": 5.0,
                            "time": time,
                        },
                    )
    return out


@pytest.fixture(scope="session")
def tiny_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_shop(tmp_path_factory.mktemp("shop") / "tiny")


@pytest.fixture(scope="session")
def trained(tiny_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Train (once per choice of settings) and return the run's folder."""
    root = tmp_path_factory.mktemp("runs")
    made: dict[str, Path] = {}

    usual = asdict(Config.from_settings(TINY))

    def run(**settings: Any) -> Path:
        settings = {key: value for key, value in settings.items() if usual[key] != value}
        name = "-".join(f"{key}-{value}" for key, value in sorted(settings.items())) or "plain"
        if name not in made:
            made[name] = finish(train(tiny_shop, root / name, Config.from_settings({**TINY, **settings})))
        return made[name]

    return run


@pytest.fixture(scope="session")
def opened(trained: Callable[..., Path]) -> Callable[..., Recommender]:
    """Open a run trained with these settings."""

    def run(**settings: Any) -> Recommender:
        recommender: Recommender = finish(Recommender.open(trained(**settings), device="cpu"))
        return recommender

    return run
