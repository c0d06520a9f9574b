"""Models from elsewhere: moved runs, adopted state dicts, against other people's arithmetic."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.cli import main
from engine.dataset.store import Dataset
from engine.errors import HeedmapError
from engine.explain.methods import explain
from engine.foreign.adopt import adopt_state
from engine.jobs import finish
from engine.recommend import Recommender

Trained = Callable[..., Path]
ITEMS, DIM, LENGTH = 14, 8, 5


def _open(run: Path, **where: Any) -> Recommender:
    found: Recommender = finish(Recommender.open(run, "cpu", **where))
    return found


def test_a_run_moved_with_its_dataset_gives_the_same_scores(
    trained: Trained, tiny_shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = _open(trained())
    expected = [(one.item, one.score) for one in here.rank("u2", 20).items]
    run = shutil.copytree(trained(), tmp_path / "far" / "run")
    with pytest.raises(HeedmapError, match=r"needs its dataset tiny, which is not at .*--dataset"):
        _open(run)
    shop = shutil.copytree(tiny_shop, tmp_path / "shop", ignore=shutil.ignore_patterns("features"))
    there = _open(run, dataset_folder=shop)  # neither features of the dataset nor an encoder
    found = [(one.item, one.score) for one in there.rank("u2", 20).items]
    assert [item for item, _ in found] == [item for item, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-5)
    assert main(["recommend", str(run), "--user", "u2", "--dataset", str(shop), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["items"][0]["item"] == expected[0][0]
    content = json.loads((shop / "dataset.json").read_text())
    content["files"]["events.parquet"] = "changed"
    (shop / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(HeedmapError, match="trained on other data"):
        _open(run, dataset_folder=shop)
    shutil.rmtree(run / "tokens")
    with pytest.raises(HeedmapError, match="tokens"):
        _open(run, dataset_folder=tiny_shop)


class Port(nn.Module):
    """SASRec as its widespread PyTorch port has it: padding in front and heeded, normed queries, ReLU, convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.item_emb = nn.Embedding(ITEMS + 1, DIM, padding_idx=0)
        self.pos_emb = nn.Embedding(LENGTH + 1, DIM, padding_idx=0)
        self.attention_layernorms = nn.ModuleList(nn.LayerNorm(DIM, eps=1e-8) for _ in range(2))
        self.attention_layers = nn.ModuleList(nn.MultiheadAttention(DIM, 2) for _ in range(2))
        self.forward_layernorms = nn.ModuleList(nn.LayerNorm(DIM, eps=1e-8) for _ in range(2))
        self.conv1 = nn.ModuleList(nn.Conv1d(DIM, DIM, 1) for _ in range(2))
        self.conv2 = nn.ModuleList(nn.Conv1d(DIM, DIM, 1) for _ in range(2))
        self.last_layernorm = nn.LayerNorm(DIM, eps=1e-8)

    def scores(self, history: list[int]) -> Tensor:
        """history: rows of item_emb."""
        read = history[-LENGTH:]
        ids = torch.tensor([[0] * (LENGTH - len(read)) + read])
        there = (ids != 0)[..., None]
        x = (self.item_emb(ids) * DIM**0.5 + self.pos_emb.weight[1:]) * there
        later = ~torch.tril(torch.ones(LENGTH, LENGTH, dtype=torch.bool))
        for block in range(2):
            keys = x.transpose(0, 1)
            asked = self.attention_layernorms[block](keys)
            x = (asked + self.attention_layers[block](asked, keys, keys, attn_mask=later)[0]).transpose(0, 1)
            x = self.forward_layernorms[block](x)
            fed = self.conv2[block](torch.relu(self.conv1[block](x.transpose(1, 2)))).transpose(1, 2)
            x = (x + fed) * there
        return self.last_layernorm(x)[0, -1] @ self.item_emb.weight[1:].T


PORT_MAP = {
    "names": {
        "item_emb.weight": "item",
        "pos_emb.weight": "position",
        **{
            f"{theirs}.{kind}": f"blocks.{{}}.{ours}.{kind}"
            for theirs, ours in (
                ("attention_layernorms.{}", "attention_norm"),
                ("attention_layers.{}.out_proj", "out"),
                ("forward_layernorms.{}", "feed_norm"),
                ("conv1.{}", "feed_in"),
                ("conv2.{}", "feed_out"),
            )
            for kind in ("weight", "bias")
        },
        "attention_layers.{}.in_proj_weight": "blocks.{}.attention.weight",
        "attention_layers.{}.in_proj_bias": "blocks.{}.attention.bias",
        "last_layernorm.weight": "last_norm.weight",
        "last_layernorm.bias": "last_norm.bias",
    },
    "first_item": 1,
    "first_position": 1,
    "style": {
        "heads": 2,
        "activation": "relu",
        "norm": "query",
        "newest_last": True,
        "padding_heeded": True,
        "epsilon": 1e-8,
    },
}


class Encoder(nn.Module):
    """Positions from the oldest event, torch's own Transformer, a norm over the input; wider feed-forward."""

    def __init__(self, pre: bool) -> None:
        super().__init__()
        self.item_embedding = nn.Embedding(ITEMS, DIM)
        self.position_embedding = nn.Embedding(LENGTH, DIM)
        self.norm = nn.LayerNorm(DIM)
        layer = nn.TransformerEncoderLayer(DIM, 2, 3 * DIM, 0.0, "gelu", batch_first=True, norm_first=pre)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.bias = nn.Parameter(torch.randn(ITEMS))

    def scores(self, history: list[int]) -> Tensor:
        ids = torch.tensor([history[-LENGTH:]])
        x = self.norm(self.item_embedding(ids) + self.position_embedding.weight[: ids.shape[1]])
        x = self.encoder(x, mask=nn.Transformer.generate_square_subsequent_mask(ids.shape[1]))
        return x[0, -1] @ self.item_embedding.weight.T + self.bias


def _encoder_map(pre: bool) -> dict[str, Any]:
    layer = "encoder.layers.{}."
    names = {
        f"{layer}{theirs}.{kind}": f"blocks.{{}}.{ours}.{kind}"
        for theirs, ours in (
            ("self_attn.out_proj", "out"),
            ("norm1", "attention_norm"),
            ("norm2", "feed_norm"),
            ("linear1", "feed_in"),
            ("linear2", "feed_out"),
        )
        for kind in ("weight", "bias")
    }
    names |= {f"{layer}self_attn.in_proj_{kind}": f"blocks.{{}}.attention.{kind}" for kind in ("weight", "bias")}
    names |= {"item_embedding.weight": "item", "position_embedding.weight": "position", "bias": "bias"}
    names |= {"norm.weight": "first_norm.weight", "norm.bias": "first_norm.bias"}
    style = {"heads": 2, "norm": "pre" if pre else "post", "scale": False}
    return {"names": names, "style": style}


def _model(kind: str) -> tuple[Any, dict[str, Any], int]:
    torch.manual_seed(3)
    model = Port() if kind == "port" else Encoder(kind == "pre")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        if isinstance(model, Port):
            model.item_emb.weight[0] = model.pos_emb.weight[0] = 0
    return model.eval(), PORT_MAP if kind == "port" else _encoder_map(kind == "pre"), int(kind == "port")


@pytest.mark.parametrize("kind", ["port", "pre", "post"])
def test_an_adopted_state_dict_gives_the_scores_of_its_own_code(kind: str, tiny_shop: Path, tmp_path: Path) -> None:
    model, map, first = _model(kind)
    names = [row[0] for row in Dataset.open(tiny_shop).rows("SELECT item FROM items")][::-1]  # rows in another order
    (tmp_path / "map.json").write_text(json.dumps(map))
    (tmp_path / "items.json").write_text(json.dumps(names))
    if kind == "pre":
        save_file(model.state_dict(), str(tmp_path / "state.safetensors"))
    else:
        torch.save(model.state_dict(), tmp_path / "state.pt")
    state = next(tmp_path.glob("state.*"))
    run = finish(adopt_state(state, tiny_shop, tmp_path / "run", tmp_path / "map.json", tmp_path / "items.json"))
    recommender = _open(run)
    for user in ("u0", "u3", "u9"):  # of seven events, more than the model reads, and of one
        past = recommender.past(user).history
        with torch.no_grad():
            theirs = model.scores([names.index(recommender.data.items[item]) + first for item in past.items])
        expected = {name: float(score) for name, score in zip(names, theirs, strict=True)}
        ours = recommender.scores(recommender.shopper_vectors([past]), [past])[0]
        assert ours == pytest.approx(np.array([expected[item] for item in recommender.data.items]), abs=1e-5)
    together = [recommender.past(user).history for user in ("u0", "u9")]
    alone = [recommender.shopper_vectors([one])[0] for one in together]
    assert torch.allclose(recommender.shopper_vectors(together), torch.stack(alone), atol=1e-6)


def test_an_adopted_run_is_explained_exactly_and_by_each_past_event(tiny_shop: Path, tmp_path: Path) -> None:
    model, map, _ = _model("port")
    (tmp_path / "map.json").write_text(json.dumps(map))
    torch.save(model.state_dict(), tmp_path / "state.pt")
    arguments = ["adopt", str(tmp_path / "state.pt"), "--dataset", str(tiny_shop), "--run", str(tmp_path / "run")]
    assert main([*arguments, "--map", str(tmp_path / "map.json")]) == 0
    recommender = _open(tmp_path / "run")
    one = explain(recommender, "u0", recommender.rank("u0", 1).items[0].item)
    assert [token.modality for token in one.tokens] == ["identity"]
    assert one.contribution.sum() + one.bias == pytest.approx(one.score, abs=1e-4)
    past, item = recommender.past("u0").history.items.tolist(), recommender.item(one.item)
    with torch.no_grad():
        without = model.scores([row + 1 for row in past[:-2] + past[-1:]])[item]  # the newest but one left out
    assert one.history[-2].contribution == pytest.approx(one.score - float(without), abs=1e-5)
    assert recommender.card["origin"]["sha256"]


def test_what_does_not_fit_is_said_exactly(tiny_shop: Path, tmp_path: Path) -> None:
    model, map, _ = _model("port")
    state = dict(model.state_dict())
    names = map["names"]
    wide = {**state, "conv1.1.weight": torch.zeros(DIM + 1, DIM, 1)}
    without_item = {theirs: ours for theirs, ours in names.items() if ours != "item"}
    for changed_map, changed_state, fault in (
        ({**map, "names": without_item}, state, r"does not say what item_emb.weight \(15 x 8\) is"),
        ({**map, "ignore": ["item_emb.weight"]}, state, "holds no item"),
        (map, {**state, "extra": torch.zeros(3)}, "does not say what extra"),
        (map, wide, r"blocks.1.feed_in.weight is 9 x 8 x 1, where 8 x 8 is needed"),
        ({**map, "style": {**map["style"], "heads": 3}}, state, "heads=3 does not divide the width 8"),
        ({**map, "style": {**map["style"], "norm": "none"}}, state, "norm cannot be 'none'"),
        ({**map, "style": {"layers": 3}}, state, "style has no 'layers'"),
        ({**map, "first_item": 2}, state, "has vectors of 13 products, the dataset 14"),
        ({**map, "names": {**names, "extra": "blocks.0.gate"}}, {**state, "extra": torch.zeros(3)}, "no place for"),
    ):
        (tmp_path / "map.json").write_text(json.dumps(changed_map))
        torch.save(changed_state, tmp_path / "state.pt")
        with pytest.raises(HeedmapError, match=fault):
            finish(adopt_state(tmp_path / "state.pt", tiny_shop, tmp_path / "run", tmp_path / "map.json"))
    torch.save({"model": model}, tmp_path / "state.pt")  # a pickled module could run anything
    with pytest.raises(HeedmapError, match="is not a plain state dict"):
        finish(adopt_state(tmp_path / "state.pt", tiny_shop, tmp_path / "run", tmp_path / "map.json"))
    assert not (tmp_path / "run").exists()
