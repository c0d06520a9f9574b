"""Settings as a user types them."""

from __future__ import annotations

import pytest

from engine.errors import HeedmapError
from engine.training.config import Config


def test_strings_are_read_as_the_settings_type() -> None:
    config = Config.from_settings(
        {"epochs": "3", "modalities": "text, image", "identity": "false", "learning_rate": "1e-3"}
    )
    assert (config.epochs, config.modalities, config.identity, config.learning_rate) == (
        3,
        ("text", "image"),
        False,
        0.001,
    )
    assert Config.from_settings(config.to_json()) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": "3"}, "no setting 'epoch'"),
        ({"epochs": "three"}, "epochs cannot be 'three'"),
        ({"epochs": "0"}, "epochs=0 is out of range"),
        ({"fusion": "magic"}, "weighted, concat, gated, attention, cross"),
        ({"modalities": "smell"}, "modalities cannot be 'smell'"),
        ({"dim": "10", "heads": "4"}, "does not divide"),
        ({"modalities": "", "identity": "no"}, "see nothing"),
        ({"identity": "perhaps"}, "identity cannot be 'perhaps'"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, str], message: str) -> None:
    with pytest.raises(HeedmapError, match=message):
        Config.from_settings(settings)
