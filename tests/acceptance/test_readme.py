"""What the README shows works as it is written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from engine.cli import main
from engine.dataset.store import Dataset
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_mapping_file_opens_a_shops_export(tmp_path: Path) -> None:
    mapping = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert mapping is not None
    (tmp_path / "shop.toml").write_text(mapping[1], encoding="utf-8")
    (tmp_path / "products.csv").write_text(
        "id,name,summary,details,colour,season\n"
        "p1,Rain jacket,Keeps the rain out,Packs small,navy,autumn\n"
        "p2,Wool beanie,Warm ears,Does not itch,grey,winter\n",
        encoding="utf-8",
    )
    (tmp_path / "baskets.tsv").write_text(
        "customer\tproduct\tbought_at\nann\tp1\t2024-03-01\nann\tp2\t2024-04-01\nbob\tp2\t2024-04-02\n",
        encoding="utf-8",
    )
    (tmp_path / "photos").mkdir()
    for product in ("p1", "p2"):
        Image.new("RGB", (64, 64), "navy").save(tmp_path / "photos" / f"{product}.jpg")
    out = tmp_path / "shop"
    assert main(["import", "table", str(tmp_path / "shop.toml"), "--out", str(out)]) == 0
    counts = Dataset.open(out).manifest.counts
    assert {name: counts[name] for name in ("items", "users", "events")} == {"items": 2, "users": 2, "events": 3}


def test_every_command_it_lists_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    listed = re.findall(r"^heedmap ([a-z-]+) ", README, re.MULTILINE)
    with pytest.raises(SystemExit):
        main(["--help"])
    there = re.findall(r"^    ([a-z-]+)(?:  |$)", capsys.readouterr().out, re.MULTILINE)
    assert set(listed) == set(there)  # a command may be listed once for each way to use it
    for command in listed:
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0, command
        assert f"heedmap {command}" in capsys.readouterr().out


def test_every_place_it_names_is_there() -> None:
    named = re.findall(r"`((?:engine|app|resources|packaging|tests)(?:/[\w./-]+)?)`", README)
    named += re.findall(r"\]\((?!http)([^)]+)\)", README)
    assert named
    assert [place for place in named if not (ROOT / place).exists()] == []
