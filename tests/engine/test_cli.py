"""The command line: answers, exit codes, one-line errors."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine.cli import main
from tests.engine.conftest import TINY

Trained = Callable[..., Path]


def test_recommend_and_explain_answer_in_json(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(trained())
    assert main(["recommend", run, "--user", "u1", "-k", "3", "--json"]) == 0
    ranking = json.loads(capsys.readouterr().out)
    assert [one["rank"] for one in ranking["items"]] == [1, 2, 3]
    item = ranking["items"][1]["item"]
    assert main(["explain", run, "--user", "u1", "--item", item, "--json"]) == 0
    explanation = json.loads(capsys.readouterr().out)
    assert explanation["rank"] == 2
    assert explanation["score"] == pytest.approx(ranking["items"][1]["score"], abs=1e-5)
    assert sum(explanation["contribution"]) + explanation["bias"] == pytest.approx(explanation["score"], abs=1e-4)


def test_without_a_shopper_the_first_ones_first_product_is_explained(
    trained: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(trained())]) == 0
    out = capsys.readouterr().out
    assert "for shopper u0: rank 1 of" in out
    assert "Grade " in out


def test_explain_writes_html_svg_csv_and_json(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for suffix in ("html", "svg", "csv", "json"):
        out = tmp_path / f"why.{suffix}"
        assert main(["explain", str(trained()), "--user", "u0", "--item", "i3", "--out", str(out)]) == 0
    page = (tmp_path / "why.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert "waterproof</mark>" in page
    assert "http" not in page  # self-contained
    figure = ElementTree.parse(tmp_path / "why.svg").getroot()
    drawn = "{http://www.w3.org/2000/svg}"
    assert "waterproof" in {text.text for text in figure.iter(f"{drawn}text")}
    assert len(list(figure.iter(f"{drawn}image"))) == 1
    assert len(list(figure.iter(f"{drawn}rect"))) > 49  # a cell each, and words, attributes, the sum
    explanation = json.loads((tmp_path / "why.json").read_text(encoding="utf-8"))
    with (tmp_path / "why.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(float(row["contribution"]) for row in rows) == pytest.approx(explanation["score"], abs=1e-4)
    assert main(["explain", str(trained()), "--out", str(tmp_path / "why.docx")]) == 2
    assert ".html" in capsys.readouterr().err


def test_train_evaluate_and_check(tiny_shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = [word for name, value in TINY.items() for word in ("--set", f"{name}={value}")]
    run = tmp_path / "run"
    assert main(["train", str(tiny_shop), "--run", str(run), *settings, "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert main(["evaluate", str(run), "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["model"]["metrics"]["ndcg"]["mean"] == pytest.approx(trained["metrics"]["test ndcg@10"], abs=1e-9)
    assert main(["check", str(tiny_shop), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["items"] == 14


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["recommend", "nowhere"], "no run at"),
        (["train", "nowhere", "--run", "out"], "no dataset at"),
        (["check", "nowhere"], "no dataset at"),
        (["train", "nowhere", "--run", "out", "--set", "epochs"], "has no '='"),
        (["train", "nowhere", "--run", "out", "--set", "epoch=3"], "no setting 'epoch'"),
        (["shot", "nowhere", "--out", "a.png", "--size", "big"], "packages"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_fault_of_ours_is_exit_code_1(
    tiny_shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("engine.dataset.statistics.check", broken)
    assert main(["check", str(tiny_shop)]) == 1
    assert "a fault in Heedmap" in capsys.readouterr().err


def test_ctrl_c_is_exit_code_130(
    tiny_shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.dataset.statistics.check", interrupted)
    assert main(["check", str(tiny_shop)]) == 130
    assert "still valid" in capsys.readouterr().err
