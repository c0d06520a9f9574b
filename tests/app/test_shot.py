"""The picture of the window: drawn from a real run, without a screen; and what `heedmap` opens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from app import settings as stored
from app.__main__ import main
from app.settings import Settings
from app.start import what_to_open
from app.theme import DARK, LIGHT
from engine.jobs import finish


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from engine.dataset.sample import sample
    from engine.training.config import Config
    from engine.training.loop import train

    folder = tmp_path_factory.mktemp("shot")
    finish(sample(folder / "datasets" / "sample", items=24, shoppers=30, seed=3))
    config = Config(epochs=1, dim=16, heads=2, modalities=("attribute",))
    finish(train(folder / "datasets" / "sample", folder / "runs" / "tiny", config))
    return folder / "runs" / "tiny"


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_a_shot_shows_the_window_in_its_theme_and_size(qtbot: QtBot, run: Path, tmp_path: Path, theme: object) -> None:
    out = tmp_path / "window.png"
    name = "dark" if theme is DARK else "light"
    before = sorted(path.name for path in run.parent.parent.iterdir())
    assert main(["shot", str(run), "--out", str(out), "--theme", name, "--size", "1200x760"]) == 0
    with Image.open(out) as image:
        assert image.size == (1200, 760)
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    panel = (DARK if theme is DARK else LIGHT).panel
    share = np.mean(np.all(pixels == (panel.red(), panel.green(), panel.blue()), axis=1))
    assert 0.2 < share < 0.95  # panels, with something in them
    assert len(np.unique(pixels, axis=0)) > 500  # photos and text, not an empty frame
    assert sorted(path.name for path in run.parent.parent.iterdir()) == before  # it only looks


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--user", "nobody"], "nobody"), (["--item", "nothing"], "nothing"), (["--size", "9x9"], "9 x 9")],
)
def test_a_shot_of_what_is_not_there_says_so(
    qtbot: QtBot, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["shot", str(run), "--out", str(tmp_path / "x.png"), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()


def test_the_window_opens_what_was_open_last_or_what_is_asked_for(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEEDMAP_WORKSPACE", str(tmp_path / "default"))
    workspace = run.parent.parent
    assert what_to_open(Settings(), "", "") == (tmp_path / "default", "")
    last = Settings(workspace=str(workspace))
    assert what_to_open(last, "", "") == (workspace, "")
    assert what_to_open(last, str(tmp_path), "") == (tmp_path, "")
    assert what_to_open(Settings(), "", str(run)) == (workspace, str(run))
    alone = tmp_path / "somewhere" / "deep" / "run"  # the folders around it are no workspace, and are not made one
    assert what_to_open(last, "", str(alone)) == (workspace, str(alone))
    assert what_to_open(Settings(), "", str(alone)) == (tmp_path / "default", str(alone))
    assert what_to_open(last, str(tmp_path), str(alone)) == (tmp_path, str(alone))
    gone = Settings(workspace="/no/such/folder")
    assert what_to_open(gone, "", "") == (tmp_path / "default", "")
    assert stored.default_workspace() == tmp_path / "default"
