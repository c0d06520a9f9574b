"""`heedmap encoders`: what there is on this machine, with faults said in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli import main
from engine.features.inventory import inventory
from engine.features.packs import PACKS, installed
from engine.features.registry import Options, open_encoder
from tests.engine.tiny_encoders import AUDIO_MODELS, IMAGE_MODELS, TEXT_MODELS, save


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a CLIP, a broken ViT, and another folder with a HuBERT, all tiny."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    make, tokenizer = TEXT_MODELS["clip"]
    clip = save(tmp_path / "shop" / "encoders" / "clip", make, tokenizer)
    (clip / "README.md").write_text("---\nlanguage: en\nlicense: mit\n---\n# A model\n")
    broken = save(tmp_path / "shop" / "encoders" / "vit", IMAGE_MODELS["vit"])
    (broken / "model.safetensors").write_bytes(b"cut")
    save(tmp_path / "heard" / "hubert", AUDIO_MODELS["hubert"])
    return tmp_path


def test_everything_found_is_listed_and_what_is_broken_says_why(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["encoders", str(folders / "heard"), "--workspace", str(folders / "shop")]
    assert main([*arguments, "--json"]) == 0
    found = {(one["name"], *one["kinds"]): one for one in json.loads(capsys.readouterr().out)}
    clip = found["clip", "image", "text"]
    assert (clip["licence"], clip["pretrained"], clip["attention_maps"], clip["fault"]) == ("mit", True, True, "")
    assert clip["bytes"] == (folders / "shop" / "encoders" / "clip" / "model.safetensors").stat().st_size
    assert found["hubert", "audio"]["licence"] == "unknown"
    assert "model.safetensors is damaged" in found["vit",]["fault"]
    assert {name for name, *_ in found if name.startswith(("random", "byte"))} == {
        *("byte-pair pieces", "random patches", "random spectrum")
    }
    assert not found["random patches", "image"]["pretrained"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "Not usable: " in said
    assert "image, text" in said


def test_each_setting_in_the_list_opens(folders: Path) -> None:
    for one in inventory([folders / "heard"], folders / "shop"):
        for kind in one.kinds:
            encoder = open_encoder(kind, one.setting, Options(), lambda: ["a red jacket"] * 3, folders)
            assert encoder.about.pretrained == one.pretrained
            assert encoder.about.attention_maps == one.attention_maps


def test_packs_come_with_their_licence() -> None:
    for one in inventory([]):
        if one.setting in PACKS:
            assert installed(PACKS[one.setting])
            assert one.licence != "unknown"
            assert one.bytes > 1_000_000
