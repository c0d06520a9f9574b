"""Which past purchase speaks for which part of a product, and which ones each head of the sequence reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from engine.desk import Desk
from engine.errors import HeedmapError
from engine.explain import contribution
from engine.explain.case import Case
from engine.explain.history import leave_one_out
from engine.explain.pairs import pairs, token_vectors
from engine.explain.past_attention import attention_of_past
from engine.foreign.run import adopt_vectors
from engine.jobs import finish
from engine.live import Event, Session
from engine.scenario import PastEdit, Scenario

DEEP = {"linear": "ease", "blocks": 2}  # a linear term of past choices, and a sequence of two layers


def case_of(recommender: Any, session: Session | None = None) -> Case:
    return Case(recommender, "u1", recommender.rank("u1", 2).items[1].item, session)


@pytest.mark.parametrize("settings", [{}, DEEP, {"fusion": "gated"}, {"fusion": "cross"}])
def test_what_a_past_purchase_speaks_for_sums_to_leave_one_out(opened: Any, settings: dict[str, Any]) -> None:
    case = case_of(opened(**settings))
    found = pairs(case)
    assert found.share.shape == (len(found.items), len(case.shown.tokens))
    assert found.fall == pytest.approx(leave_one_out(case), abs=1e-9)
    assert found.share.sum(axis=1) + found.elsewhere == pytest.approx(found.fall, abs=1e-9)
    if settings.get("fusion") != "cross":
        assert np.abs(found.elsewhere).max() < 1e-5
    assert np.abs(found.share).max() > 1e-4


def test_a_pair_is_the_fall_of_that_part_in_the_model_asked_anew(opened: Any) -> None:
    """Against the exact shares of the product for a shopper whose past lacks the event."""
    recommender = opened(**DEEP)
    case = case_of(recommender)
    found, before = pairs(case), contribution.by_head(case).sum(axis=1)
    names = [(token.modality, token.label, token.field) for token in case.shown.tokens]
    for row, item in enumerate(found.items):
        other = case_of(recommender, Session(removed=(item,)))
        after = dict.fromkeys(names, 0.0)
        for token, share in zip(other.shown.tokens, contribution.by_head(other).sum(axis=1), strict=True):
            name = (token.modality, token.label, token.field)
            after[name] = after.get(name, 0.0) + float(share)
        whole = dict.fromkeys(names, 0.0)
        for name, share, moved in zip(names, before, found.share[row], strict=True):
            whole[name] += float(share - moved)
        assert {name: whole[name] for name in names} == pytest.approx({name: after[name] for name in names}, abs=1e-5)


@pytest.mark.parametrize("fusion", ["weighted", "gated", "cross"])
def test_what_tokens_bring_sums_to_the_product(opened: Any, fusion: str) -> None:
    case = case_of(opened(fusion=fusion))
    with torch.no_grad():
        whole = case.model.item_vectors(case.index, case.recommender.tokens, shoppers=case.asking)[0].double()
    assert token_vectors(case).sum(dim=0).numpy() == pytest.approx(whole.numpy(), abs=1e-6)


def test_attention_of_the_past_is_what_the_formula_says(opened: Any) -> None:
    """Worked out by hand in numpy: pre-norm, scaled dot products, a fade with age, softmax; two layers."""
    recommender = opened(**DEEP)
    case = case_of(recommender)
    found = attention_of_past(case)
    layers, heads, events = found.attention.shape
    assert layers == 2
    assert events == len(found.items) == min(len(case.history), recommender.config.history)
    assert (found.attention.sum(axis=2) + found.profile) == pytest.approx(np.ones((layers, heads)), abs=1e-12)

    weights = {name: one.double().numpy() for name, one in recommender.model.sequence.state_dict().items()}
    shape = recommender.model.shape
    history = case.history.last(shape.history)
    x = recommender.matrix[history.items.astype(np.int64)].double().numpy() * shape.tower.dim**0.5
    for row, ids in enumerate(history.context[:, list(shape.context)]):
        x[row] += sum((weights["context"][one] for one in ids if one >= 0), np.zeros(x.shape[1]))
    start = weights["profile"].copy()
    known = [one for one in history.about if one >= 0]
    if shape.profiles and known:
        start += weights["about"][known].sum(axis=0) / len(known)
    x = np.vstack([start, x]) + weights["position"][: len(x) + 1]
    for layer in range(layers):
        x, attention = _block(
            x, {k.split(".", 2)[2]: v for k, v in weights.items() if k.startswith(f"blocks.{layer}.")}, heads
        )
        assert found.attention[layer] == pytest.approx(attention[:, -1, 1:], abs=1e-6)


def _norm(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * weight + bias)


def _block(x: np.ndarray, w: dict[str, np.ndarray], heads: int) -> tuple[np.ndarray, np.ndarray]:
    count, dim = x.shape
    normed = _norm(x, w["before_attention.weight"], w["before_attention.bias"])
    query, key, value = np.split(normed @ w["query_key_value.weight"].T + w["query_key_value.bias"], 3, axis=1)
    attention = np.zeros((heads, count, count))
    heeded = np.zeros_like(x)
    for head in range(heads):
        own = slice(head * dim // heads, (head + 1) * dim // heads)
        for place in range(count):
            logits = key[: place + 1, own] @ query[place, own] / (dim / heads) ** 0.5
            logits -= np.log1p(np.exp(w["slope"][head])) * (place - np.arange(place + 1))
            power = np.exp(logits - logits.max())
            attention[head, place, : place + 1] = power / power.sum()
        heeded[:, own] = attention[head] @ value[:, own]
    x = x + heeded @ w["out.weight"].T + w["out.bias"]
    hidden = _norm(x, w["before_feed.weight"], w["before_feed.bias"]) @ w["feed.0.weight"].T + w["feed.0.bias"]
    gelu = hidden * 0.5 * (1 + torch.erf(torch.from_numpy(hidden / 2**0.5)).numpy())
    return x + gelu @ w["feed.3.weight"].T + w["feed.3.bias"], attention


def test_the_jobs_follow_a_scenario(opened: Any, trained: Any) -> None:
    recommender, desk = opened(), Desk()
    run = str(trained())
    item = recommender.rank("u1", 1).items[0].item
    plain = finish(desk.pairs(run, "u1", item))
    edit = PastEdit(
        "u1",
        (Event(next(one for one in recommender.data.items if one not in {*plain.items, item})),),
        (plain.items[0],),
    )
    scenario = Scenario(pasts=(edit,))
    changed = finish(desk.pairs(run, "u1", item, scenario))
    assert plain.items[0] not in changed.items
    assert changed.items[-1] == edit.added[0].item
    assert finish(desk.attention_of_past(run, "u1", item, scenario)).items == changed.items
    shown = finish(desk.explain(run, "u1", item, scenario=scenario))
    assert [event.item for event in shown.history] == list(changed.items)
    assert changed.share.shape == (len(shown.history), len(shown.tokens))
    added = finish(desk.split_past(run, "u1", item, edit.added[0].item, scenario))
    assert added.share.sum() == pytest.approx(added.by_sequence, abs=1e-5)


def test_a_shopper_without_a_past_has_no_pairs(opened: Any) -> None:
    recommender = opened()
    case = Case(recommender, "nobody", recommender.data.items[0], Session(invented=True))
    assert pairs(case).share.shape == (0, len(case.shown.tokens))
    assert attention_of_past(case).attention.shape[2] == 0


def test_a_run_from_elsewhere_says_that_it_shows_nothing_of_its_inside(tiny_shop: Path, tmp_path: Path) -> None:
    users, items = np.eye(10, 5, dtype=np.float32), np.eye(14, 5, dtype=np.float32)
    pq.write_table(pa.table({"user": [f"u{n}" for n in range(10)], **_columns(users)}), tmp_path / "users.parquet")
    pq.write_table(pa.table({"item": [f"i{n}" for n in range(14)], **_columns(items)}), tmp_path / "items.parquet")
    run = finish(adopt_vectors(tmp_path / "users.parquet", tmp_path / "items.parquet", tiny_shop, tmp_path / "run"))
    desk = Desk()
    for job in (desk.pairs, desk.attention_of_past):
        with pytest.raises(HeedmapError, match="shows nothing of its inside"):
            finish(job(str(run), "u1", "i1"))
    with pytest.raises(HeedmapError, match="shows nothing of its inside"):
        finish(desk.split_past(str(run), "u1", "i1", "i2"))


def _columns(vectors: np.ndarray) -> dict[str, np.ndarray]:
    return {f"x{place}": column for place, column in enumerate(vectors.T)}
