"""Foreign runs: tables of vectors and ONNX scorers, ranked, measured, and explained no further than they can be."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.cli import main
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.explain.methods import explain
from engine.foreign.run import FIXED, NO_PARTS, NO_TOKENS, ForeignRun, adopt_onnx, adopt_vectors
from engine.jobs import finish
from engine.live import Event, Session
from engine.opening import open_run
from engine.rules import rules_from

ITEMS, LENGTH, DIM = 14, 4, 5
RANDOM = np.random.default_rng(5)
OF_ITEMS = RANDOM.normal(size=(ITEMS, DIM)).astype(np.float32)
OF_USERS = RANDOM.normal(size=(10, DIM)).astype(np.float32)
CONTRACT = {"history": "past", "output": "out", "length": LENGTH, "padding": "front", "first_item": 1}


@pytest.fixture(scope="module")
def names(tiny_shop: Path) -> list[str]:
    return [row[0] for row in Dataset.open(tiny_shop).rows("SELECT item FROM items")][::-1]  # in another order


@pytest.fixture(scope="module")
def vectors(tiny_shop: Path, names: list[str], tmp_path_factory: pytest.TempPathFactory) -> ForeignRun:
    """Shoppers in Parquet, one column per dimension, without u8; products in .npy, without the last one of its list."""
    root = tmp_path_factory.mktemp("vectors")
    columns = {f"x{place}": OF_USERS[:8, place] for place in range(DIM)}
    pq.write_table(pa.table({"user": [f"u{user}" for user in range(8)], **columns}), root / "users.parquet")
    np.save(root / "items.npy", OF_ITEMS[:-1])
    (root / "items.csv").write_text("item,row\n" + "\n".join(f"{name},{row}" for row, name in enumerate(names[:-1])))
    job = adopt_vectors(
        root / "users.parquet", root / "items.npy", tiny_shop, root / "run", item_names=root / "items.csv"
    )
    found: ForeignRun = finish(open_run(finish(job)))
    return found


def _graph() -> bytes:
    """Scores: the sum of the vectors of the past, times all vectors; row 0 is padding."""
    table = np.concatenate([np.zeros((1, DIM), np.float32), OF_ITEMS])
    nodes = [
        helper.make_node("Gather", ["table", "past"], ["read"]),
        helper.make_node("ReduceSum", ["read", "axis"], ["summed"], keepdims=0),
        helper.make_node("MatMul", ["summed", "turned"], ["out"]),
    ]
    stored = {"table": table, "turned": np.ascontiguousarray(table.T), "axis": np.array([1], np.int64)}
    graph = helper.make_graph(
        nodes,
        "scorer",
        [helper.make_tensor_value_info("past", TensorProto.INT64, ["rows", LENGTH])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["rows", ITEMS + 1])],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


@pytest.fixture(scope="module")
def scorer(tiny_shop: Path, names: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("onnx")
    (root / "scorer.onnx").write_bytes(_graph())
    (root / "map.json").write_text(json.dumps(CONTRACT))
    (root / "items.json").write_text(json.dumps(names))
    job = adopt_onnx(root / "scorer.onnx", tiny_shop, root / "run", root / "map.json", root / "items.json")
    run: Path = finish(job)
    return run


def _score(names: list[str], past: list[str], item: str) -> float:
    read = [OF_ITEMS[names.index(one)] for one in past[-LENGTH:]]
    return float(np.sum(read, axis=0) @ OF_ITEMS[names.index(item)])


def test_vectors_rank_by_their_products(vectors: ForeignRun, names: list[str]) -> None:
    ranking = vectors.rank("u3", 20)
    expected = {name: float(OF_USERS[3] @ OF_ITEMS[row]) for row, name in enumerate(names[:-1])}
    had = {event.item for event in ranking.history}
    best = sorted((name for name in expected if name not in had), key=lambda name: -expected[name])
    assert [one.item for one in ranking.items] == best  # the product without a vector is not ranked
    assert [one.score for one in ranking.items] == pytest.approx([expected[name] for name in best], abs=1e-5)


def test_vectors_explain_by_dimension_and_say_what_they_cannot(vectors: ForeignRun, names: list[str]) -> None:
    one = explain(vectors, "u3", names[2])
    assert one.contribution == pytest.approx(OF_USERS[3] * OF_ITEMS[2], abs=1e-6)
    assert one.contribution.sum() + one.bias == pytest.approx(one.score, abs=1e-5)
    assert NO_PARTS in one.notes
    assert one.faithfulness is None
    assert all(event.contribution is None for event in one.history)
    live = vectors.rank("u3", 3, Session((Event(names[2]),)))
    assert FIXED in live.notes
    assert "has no vector" in vectors.rank("u9", 3).notes[-1]
    with pytest.raises(HeedmapError, match="knows nothing of"):
        explain(vectors, "u3", names[-1])
    with pytest.raises(HeedmapError, match="shows nothing of its inside"):
        explain(vectors, "u3", names[2], "attention")


def test_rules_act_on_a_foreign_run_too(vectors: ForeignRun) -> None:
    last = vectors.rank("u3", 20).items[-1].item
    rules = rules_from({"rules": [{"name": "ends", "rule": "pin", "item": last, "position": 2}]})
    assert vectors.rank("u3", 3, rules=rules).items[1].item == last
    assert explain(vectors, "u3", last, rules=rules).shown_rank == 2


def test_an_onnx_scorer_reads_the_live_history(scorer: Path, names: list[str]) -> None:
    run: ForeignRun = finish(open_run(scorer))
    session = Session((Event(names[0]), Event(names[4])), invented=True)
    ranking = run.rank("", 20, session)
    for one in ranking.items:
        assert one.score == pytest.approx(_score(names, [names[0], names[4]], one.item), abs=1e-4)
    past = [event.item for event in run.shop.history_events(run.shop.past("u0"), None)]
    why = explain(run, "u0", names[1])
    assert why.score == pytest.approx(_score(names, past, names[1]), abs=1e-4)
    whole = [run.data.items[item] for item in run.shop.past("u0").history.items]
    for event in why.history:
        without = [item for item in whole if item != event.item]
        assert event.contribution == pytest.approx(why.score - _score(names, without, names[1]), abs=1e-4)
    assert NO_TOKENS in why.notes
    assert not why.sums_to_score


def test_foreign_runs_are_measured_on_our_targets(
    scorer: Path, names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run: ForeignRun = finish(open_run(scorer))
    assert main(["evaluate", str(scorer), "--baselines", "popularity,content kNN", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    ranks = []
    for target in run.parts.test:
        user = run.data.user[target]
        past = [run.data.items[one] for one in run.data.item[run.data.start[user] : target]]
        scores = {name: _score(names, past, name) for name in names if name not in past}
        own = run.data.items[run.data.item[target]]
        ranks.append(1 + sum(score > scores[own] for score in scores.values()))
    expected = float(np.mean([1 / np.log2(rank + 1) if rank <= 10 else 0.0 for rank in ranks]))
    assert found["model"]["metrics"]["ndcg"]["mean"] == pytest.approx(expected)
    assert run.card["metrics"]["test ndcg@10"] == pytest.approx(expected)
    assert [row["name"] for row in found["baselines"]] == ["popularity"]
    assert main(["evaluate", str(scorer), "--knock-out"]) == 2


def test_the_command_line_adopts_ranks_and_explains(
    tiny_shop: Path, scorer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = scorer.parent
    arguments = ["adopt", "--onnx", str(source / "scorer.onnx"), "--map", str(source / "map.json")]
    where = ["--items", str(source / "items.json"), "--dataset", str(tiny_shop), "--run", str(tmp_path / "run")]
    assert main([*arguments, *where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["origin"]["kind"] == "onnx"
    out = tmp_path / "why.html"
    assert main(["explain", str(tmp_path / "run"), "--user", "u0", "--out", str(out)]) == 0
    assert NO_TOKENS in capsys.readouterr().out
    assert NO_TOKENS in out.read_text(encoding="utf-8")
    assert main(["adopt", "--dataset", str(tiny_shop), "--run", str(tmp_path / "other")]) == 2


def test_what_does_not_fit_is_said(
    tiny_shop: Path, scorer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, map_file = scorer.parent / "scorer.onnx", tmp_path / "map.json"
    for changed, fault in (
        ({"history": "clicks"}, "The graph takes past, the map gives clicks"),
        ({"output": "logits"}, "no output 'logits'"),
        ({"length": "4"}, "length cannot be '4'"),
        ({"window": 4}, "no field 'window'"),
    ):
        map_file.write_text(json.dumps({**CONTRACT, **changed}))
        with pytest.raises(HeedmapError, match=fault):
            finish(adopt_onnx(graph, tiny_shop, tmp_path / "run", map_file, None))
    (tmp_path / "bad.onnx").write_bytes(b"no graph")
    with pytest.raises(HeedmapError, match="cannot be run"):
        finish(adopt_onnx(tmp_path / "bad.onnx", tiny_shop, tmp_path / "run", None, None))
    pq.write_table(pa.table({"user": ["x"], "v": [[1.0, 2.0]]}), tmp_path / "users.parquet")
    pq.write_table(pa.table({"item": ["i1"], "v": [[1.0, 2.0]]}), tmp_path / "items.parquet")
    with pytest.raises(HeedmapError, match=r"None of the shoppers in users.parquet .* 'x'"):
        finish(adopt_vectors(tmp_path / "users.parquet", tmp_path / "items.parquet", tiny_shop, tmp_path / "run"))
    np.save(tmp_path / "items.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(HeedmapError, match=r"not a plain \.npy"):
        finish(
            adopt_vectors(
                tmp_path / "users.parquet",
                tmp_path / "items.npy",
                tiny_shop,
                tmp_path / "run",
                item_names=scorer.parent / "items.json",
            )
        )
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(HeedmapError, match=r"heedmap\[onnx\]"):
        finish(open_run(scorer))
    assert not (tmp_path / "run").exists()
