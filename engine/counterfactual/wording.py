"""Changes of a product's page that are made of what this catalogue knows: values, links, and wording of other pages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.counterfactual.types import Change
from engine.explain.naming import words
from engine.explain.types import Modality, Token
from engine.features.attributes import Vocabulary
from engine.model.tower import TokenBatch
from engine.recommend import Recommender

_PIECES = 120  # of all texts, those that promise most
_PIECES_AT_ONCE = 20_000
_PHRASE = 3  # words at most
_SHORTEST = 2  # letters of a wording


@dataclass(frozen=True)
class Known:
    """A change, and what the model reads of it. x: float32[tokens, features], put behind the tokens of `modality`;
    gone: the place among these that is taken out, or None."""

    change: Change
    modality: Modality
    x: Tensor
    gone: int | None = None


def known_changes(recommender: Recommender, item: int, shoppers: Tensor) -> list[Known]:
    """Every attribute value and link that another product has, and the wording that promises most to these shoppers,
    float[n, dim]. Only products with an event in training lend: the model has learned nothing of others' values."""
    found: list[Known] = []
    modalities = recommender.tokens.modalities
    if "attribute" in modalities:
        found += _values(recommender, item, "attribute", recommender.catalogue.attribute)
    if "link" in modalities:
        found += _values(recommender, item, "link", recommender.catalogue.link)
    if "text" in modalities:
        found += _wordings(recommender, item, shoppers.mean(dim=0))
    return found


def _values(recommender: Recommender, item: int, modality: Modality, vocabulary: Vocabulary) -> list[Known]:
    """Add a value; where no product has two values of a name, put it in the place of the one that is there."""
    owner = np.repeat(np.arange(len(vocabulary.start) - 1), np.diff(vocabulary.start))
    own = vocabulary.ids[vocabulary.start[item] : vocabulary.start[item + 1]].tolist()
    number = {name: place for place, name in enumerate(dict.fromkeys(name for name, _ in vocabulary.names))}
    name_of = np.array([number[name] for name, _ in vocabulary.names], dtype=np.int64)
    pairs, counts = np.unique(np.stack([owner, name_of[vocabulary.ids]]), axis=1, return_counts=True)
    several = np.zeros(len(number), dtype=bool)
    several[pairs[1][counts > 1]] = True
    lender = _lenders(recommender, owner, vocabulary)
    table = getattr(recommender.model.tower, modality).weight.detach()
    found = []
    for one in np.flatnonzero(lender >= 0).tolist():
        if one in own:
            continue
        name, value = vocabulary.names[one]
        held = [place for place, other in enumerate(own) if vocabulary.names[other][0] == name]
        gone = held[0] if held and not several[name_of[one]] else None
        change = Change(
            kind="add" if gone is None else "replace",
            added=Token(modality, value, name),
            source=recommender.data.items[lender[one]],
            source_title=recommender.texts.title[lender[one]],
            replaced=None if gone is None else Token(modality, vocabulary.names[own[gone]][1], name),
        )
        found.append(Known(change, modality, table[[one]], gone))
    return found


def _lenders(recommender: Recommender, owner: NDArray[np.int64], vocabulary: Vocabulary) -> NDArray[np.int64]:
    """The most popular product with each value, -1 for a value of none that was seen in training."""
    popularity = np.bincount(recommender.data.item[recommender.parts.train], minlength=len(recommender.data.items))
    seen = recommender.model.seen.cpu().numpy()[owner] > 0
    order = np.argsort(popularity[owner], kind="stable")
    order = order[seen[order]]
    found = np.full(len(vocabulary.names), -1, np.int64)
    found[vocabulary.ids[order]] = owner[order]  # the last one written is the most popular
    return found


def _wordings(recommender: Recommender, item: int, shopper: Tensor) -> list[Known]:
    """Words of titles and descriptions of other products, and phrases of up to three words around them."""
    own = {one.label.casefold() for one in words(recommender, item)[0]}
    catalogue = recommender.catalogue
    found: dict[str, Known] = {}
    for piece in _promising(recommender, item, shopper):
        source, _ = catalogue.fields[int(catalogue.text_source[piece])]
        tokens, places = words(recommender, source)
        place = np.array(places)
        start = int(catalogue.text_start[source])
        centre = int(place[piece - start])
        for length in range(1, _PHRASE + 1):
            for first in range(max(0, centre - length + 1), min(centre, len(tokens) - length) + 1):
                run = tokens[first : first + length]
                wording = _joined(recommender, source, run)
                if wording is None or wording.label.casefold() in found or wording.label.casefold() in own:
                    continue
                pieces = np.flatnonzero((place >= first) & (place < first + length)) + start
                x = torch.from_numpy(catalogue.text[pieces].astype(np.float32)).to(recommender.device)
                change = Change(
                    kind="add",
                    added=wording,
                    source=recommender.data.items[source],
                    source_title=recommender.texts.title[source],
                    rows=(first, first + length - 1),
                )
                found[wording.label.casefold()] = Known(change, "text", x)
    return list(found.values())


def _joined(recommender: Recommender, source: int, run: list[Token]) -> Token | None:
    """A run of words as it is written; None where it spans two texts, or begins or ends with a mark."""
    if any(one.field != run[0].field for one in run):
        return None
    if not all(any(letter.isalnum() for letter in one.label) for one in (run[0], run[-1])):
        return None
    text = next((one.text for one in recommender.item_texts(source) if one.field == run[0].field), "")
    begin, end = run[0].span or (0, 0), run[-1].span or (0, 0)
    label = text[begin[0] : end[1]]
    return Token("text", label, run[0].field, (begin[0], end[1])) if len(label) >= _SHORTEST else None


def _promising(recommender: Recommender, item: int, shopper: Tensor) -> list[int]:
    """Pieces of the texts of other seen products that would raise the score most if each were added alone, were
    attention shared within texts only: sum over heads of e^a (v . u) joins the means."""
    catalogue, tower = recommender.catalogue, recommender.model.tower
    source = catalogue.text_source
    of_item = np.array([one for one, _ in catalogue.fields], dtype=np.int64)
    page = np.array([not field.startswith("review:") for _, field in catalogue.fields], dtype=bool)
    seen = recommender.model.seen.cpu().numpy() > 0
    allowed = np.flatnonzero(page[source] & seen[of_item[source]] & (of_item[source] != item))
    asking = shopper[None] if recommender.config.fusion == "cross" else None
    pool = tower.pooling["text"]
    kept = tower.heads_of("text")

    def weighed(x: Tensor) -> tuple[Tensor, Tensor]:
        batch = TokenBatch(x[None], torch.ones(1, len(x), dtype=torch.bool, device=x.device))
        value = (tower.token_values("text", x) @ shopper)[:, kept]
        return torch.exp(pool.logits(batch, asking)[0].T), value  # type: ignore[operator]

    gains = []
    with torch.inference_mode():
        own = recommender.tokens.gather("text", torch.tensor([item], device=recommender.device))
        weight, value = weighed(own.x[0][own.there[0]])
        total, mass = weight.sum(dim=0), (weight * value).sum(dim=0)
        before = mass / total.clamp_min(1e-30)
        for first in range(0, len(allowed), _PIECES_AT_ONCE):
            rows = allowed[first : first + _PIECES_AT_ONCE]
            x = torch.from_numpy(np.asarray(catalogue.text[rows], dtype=np.float32)).to(recommender.device)
            weight, value = weighed(x)
            gains.append((((mass + weight * value) / (total + weight)) - before).sum(dim=1).cpu().numpy())
    gain = np.concatenate(gains) if gains else np.zeros(0)
    best = np.argsort(-gain, kind="stable")[:_PIECES]
    return [int(one) for one in allowed[best[gain[best] > 0]]]
