"""The course of a training, read back from its event files by the format's own definition."""

from __future__ import annotations

import io
import os
import struct
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import HeedmapError
from engine.files import read_json
from engine.jobs import finish
from engine.training.attention_images import over_photo, word_table
from engine.training.config import Config
from engine.training.loop import train
from engine.training.track import TRACKERS
from tests.engine.conftest import TINY

UNTRAINED = {"text_encoder": "untrained", "image_encoder": "untrained"}  # quick


def crc32c(content: bytes) -> int:
    """Castagnoli's checksum, bit by bit (RFC 3720)."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(content: bytes) -> int:
    """As records carry it: rotated by 15 bits, and a constant added."""
    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def events(path: Path) -> list[Any]:
    """The records of an event file: length, its checksum, content, its checksum; checked for the short ones."""
    from tensorboardX.proto.event_pb2 import Event

    content, place, found = path.read_bytes(), 0, []
    while place < len(content):
        (length,) = struct.unpack("<Q", content[place : place + 8])
        body = content[place + 12 : place + 12 + length]
        assert struct.unpack("<I", content[place + 8 : place + 12])[0] == masked(content[place : place + 8])
        if length < 200:
            assert struct.unpack("<I", content[place + 12 + length : place + 16 + length])[0] == masked(body)
        found.append(Event.FromString(body))
        place += 16 + length
    return found


def scalars(found: list[Any], name: str) -> list[tuple[int, float]]:
    return [(e.step, v.simple_value) for e in found for v in e.summary.value if v.tag == name]


def files(run: Path) -> list[Path]:
    return sorted((run / "tensorboard").iterdir())


def test_curves_and_attention_are_read_back(trained: Callable[..., Path]) -> None:
    run = trained(epochs=3, attention_epochs=1, **UNTRAINED)
    (path,) = files(run)
    assert "tfevents" in path.name
    found = events(path)
    assert found[0].file_version == "brain.Event:2"
    history = read_json(run / "history.json")
    for name, key in (("validation/NDCG@10", "ndcg@10"), ("epoch/loss", "loss"), ("epoch/seconds", "seconds")):
        assert [value for _, value in scalars(found, name)] == pytest.approx([row[key] for row in history], rel=1e-6)
    steps = [step for step, _ in scalars(found, "step/loss")]
    assert steps == sorted(set(steps))
    assert len(scalars(found, "learning rate")) == len(steps) > 3
    pictures = {v.tag: v.image for e in found for v in e.summary.value if v.image.height}
    assert {"product i0/photo", "product i0/words"} <= set(pictures)
    for picture in pictures.values():
        opened = Image.open(io.BytesIO(picture.encoded_image_string))
        assert opened.size == (picture.width, picture.height)


def test_a_resumed_training_purges_what_it_does_again(tiny_shop: Path, tmp_path: Path) -> None:
    from tensorboardX.proto.event_pb2 import SessionLog

    run = tmp_path / "run"
    job = train(tiny_shop, run, Config.from_settings({**TINY, **UNTRAINED, "epochs": 3}))
    for progress in job:
        if progress.stage == "Training" and progress.data["epoch"] == 2.0:
            break
    job.close()
    finish(train(tiny_shop, run, Config(), resume=True))
    first, second = (events(path) for path in files(run))
    (purged,) = [e.step for e in second if e.session_log.status == SessionLog.START]
    kept = [step for step, _ in scalars(first, "step/loss") if step < purged]
    again = [step for step, _ in scalars(second, "step/loss")]
    assert kept
    assert again[0] == purged == kept[-1] + 1
    seen = [*scalars(first, "validation/NDCG@10"), *scalars(second, "validation/NDCG@10")]
    assert len(seen) == len(read_json(run / "history.json"))


def test_fine_tuning_goes_on_after_the_last_step_of_training(tiny_shop: Path, tmp_path: Path) -> None:
    tuning = {"tune": "full", "tune_epochs": 1, "tune_batch": 64, "tune_items": 4, "batch": 2, "modalities": "text"}
    settings = {**TINY, **UNTRAINED, **tuning, "attention_epochs": 1}
    run = finish(train(tiny_shop, tmp_path / "run", Config.from_settings(settings)))
    (path,) = files(run)
    found = events(path)
    steps = [step for step, _ in scalars(found, "step/loss")]
    assert steps == sorted(set(steps))
    assert steps[-1] > 2 * 4  # training's, of which an epoch has several; fine-tuning has one step
    assert sum(bool(e.session_log.status) for e in found) == 1


def test_without_a_tracker_nothing_is_written(trained: Callable[..., Path]) -> None:
    assert not (trained(track="none", epochs=1, **UNTRAINED) / "tensorboard").exists()


def test_weights_and_biases_only_offline_and_only_where_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "true")
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(HeedmapError, match="not installed") as refused:
        TRACKERS["wandb"](tmp_path)
    assert "heedmap[wandb]" in refused.value.hint
    seen: list[Any] = []

    def init(**given: Any) -> Any:
        seen.append({**given, "mode of the process": os.environ["WANDB_MODE"]})
        return types.SimpleNamespace(log=lambda *what, **at: seen.append((what, at)), finish=lambda: seen.append("end"))

    stand_in = types.SimpleNamespace(
        init=init, Settings=dict, Image=lambda pixels: pixels.shape, teardown=lambda: seen.append("gone")
    )
    monkeypatch.setitem(sys.modules, "wandb", stand_in)
    tracker = TRACKERS["wandb"](tmp_path)
    tracker.scalars({"step/loss": 0.5}, 3)
    tracker.image("product i0/photo", np.zeros((2, 4, 3), np.uint8), 3)
    tracker.close()
    asked = seen.pop(0)
    assert asked["mode"] == asked["mode of the process"] == "offline"
    assert asked["dir"] == str(tmp_path)
    assert asked["settings"]["x_disable_stats"]
    assert seen[:2] == [(({"step/loss": 0.5},), {"step": 3}), (({"product i0/photo": (2, 4, 3)},), {"step": 3})]
    assert seen[2:] == ["end", "gone"]
    monkeypatch.delattr("socket.AF_UNIX")
    with pytest.raises(HeedmapError, match="network socket"):
        TRACKERS["wandb"](tmp_path)


def test_the_real_weights_and_biases_writes_a_run_to_this_disk(
    monkeypatch: pytest.MonkeyPatch, tiny_shop: Path, tmp_path: Path
) -> None:
    pytest.importorskip("wandb")  # an extra; sockets of a network are refused in tests
    monkeypatch.setenv("WANDB_MODE", "online")
    run = finish(train(tiny_shop, tmp_path / "run", Config.from_settings({**TINY, **UNTRAINED, "track": "wandb"})))
    (file,) = (run / "wandb").glob("offline-run-*/run-*.wandb")
    rows = [{one.nested_key[0] if one.nested_key else one.key: one.value_json for one in row} for row in history(file)]
    told = [float(row["validation/NDCG@10"]) for row in rows if "validation/NDCG@10" in row]
    assert told == pytest.approx([row["ndcg@10"] for row in read_json(run / "history.json")])
    assert len([row for row in rows if "step/loss" in row]) > len(told)
    assert list((run / "wandb").glob("offline-run-*/files/media/images/product i0/*.png"))


def history(path: Path) -> list[Any]:
    """The history records of a .wandb file: LevelDB's log format, in blocks of 32 KiB, after a header of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, part, found = path.read_bytes(), 7, b"", []
    assert content[:4] == b":W&B"
    while place + 7 <= len(content):
        if 32768 - place % 32768 < 7:
            place += 32768 - place % 32768
            continue
        length, kind = struct.unpack("<HB", content[place + 4 : place + 7])
        part += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record, part = Record.FromString(part), b""
            if record.WhichOneof("record_type") == "history":
                found.append(record.history.item)
    return found


def test_heat_lies_where_attention_is() -> None:
    shown = over_photo(Image.new("RGB", (50, 80), "white"), np.array([0, 0, 0, 1], np.float32), (2, 2))
    redness = shown[..., 0].astype(int) - shown[..., 2]
    assert redness[200, 200] > 50 > abs(redness[20, 20])
    table = word_table(["left", "right"], np.array([[0.1, 0.9], [1.0, 0.0]], np.float32))
    assert table[4, 124, 2] > table[20, 124, 2]  # the first head heeds the second word
    assert table[4, 156, 2] < table[20, 156, 2]
