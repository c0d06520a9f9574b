"""Attacks on one product each, within bounds: a few words of its texts, and pixels by a few levels of brightness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.audit.check import Note, NotRun
from engine.audit.checks.robustness_moves import Moves, Pair, changed_score
from engine.audit.photos import OtherPhotos, Photos
from engine.audit.subject import Subject
from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.deep.inputs import DeepCase, Passage, run_encoder
from engine.features.page import Page
from engine.jobs import Job, Progress
from engine.recommend import Recommender
from engine.scenario import ItemEdit
from engine.whatif.opening import warm
from engine.whatif.texts import edited_texts

WORDS = 3  # replaced at most
LEVELS = 4.0  # of 255, that a pixel is changed by at most
_VOCABULARY = 300  # the shop's commonest words, to replace others by
_TRIED = 4  # replacements of a product that are tried in earnest
_STEPS, _STEP = 5, 0.4  # of projected gradient descent, and how long each is, of the bound
_FIELDS = ("title", "description")  # what a seller writes


def worded(subject: Subject, pairs: Iterator[Pair], total: int) -> Job:
    """Return the Moves of products with at most `WORDS` words of title and description replaced by words of the shop.

    Which replacements promise most is told by the gradient of the score at the pieces' embeddings (HotFlip, Ebrahimi
    et al. 2018); the best are tried in earnest, one after the other, and kept where they raise the true score.
    """
    run, moves = subject.run, Moves.none()
    vocabulary: tuple[tuple[str, ...], Tensor] | None = None
    yield from warm(run, ("text",))
    try:
        run_encoder(run, "text")
    except HeedmapError as error:
        raise NotRun(Note("no_gradient", {"reason": error.message})) from error
    for done, one in enumerate(pairs):
        yield Progress("Replacing words", done, total)
        try:
            deep = DeepCase(Case(run, one.user, run.data.items[one.item]))
        except HeedmapError as error:
            raise NotRun(Note("no_gradient", {"reason": error.message})) from error
        if not deep.passages:
            continue
        if vocabulary is None:
            vocabulary = _vocabulary(run, deep)
        page = _best_page(run, one, _proposals(run, deep, one.item, *vocabulary))
        after = one.rank if page is None else one.rank_at(changed_score(run, one, page))
        moves.add(run, one, after)
    return moves


def _vocabulary(run: Recommender, deep: DeepCase) -> tuple[tuple[str, ...], Tensor]:
    """The commonest words of titles that are one piece each, and their embeddings float[words, width]."""
    counts = Counter(word for title in run.texts.title for word in title.lower().split() if word.isalpha())
    words, found = [], []
    for word, _ in counts.most_common(_VOCABULARY):
        prepared = deep.encoders["text"].prepare([word])
        there = torch.nonzero(prepared.there[0])[:, 0]
        if len(there) == 1:
            words.append(word)
            found.append(deep.embeddings_of(Passage(prepared, there))[int(there[0])])
    return tuple(words), torch.stack(found) if found else torch.zeros(0, 1)


# The field of a text, characters from and to, the word that is to stand there instead.
Proposal = tuple[str, int, int, str]


def _proposals(
    run: Recommender, deep: DeepCase, item: int, words: tuple[str, ...], embeddings: Tensor
) -> list[Proposal]:
    """The replacements that promise most by the gradient, one for each place."""
    page = deep.case.page
    fields = [page.fields[source] for source in np.unique(page.text_source).tolist()]
    texts = {one.field: one.text for one in run.item_texts(item)}
    if not words:
        return []
    starts = [deep.embeddings_of(one).clone().requires_grad_(True) for one in deep.passages]
    states = [deep.states_of(one, start[None]) for one, start in zip(deep.passages, starts, strict=True)]
    deep.scores({"text": deep.text_features(states)}).sum().backward()
    found: list[tuple[float, Proposal]] = []
    for field, passage, start in zip(fields, deep.passages, starts, strict=True):
        if field not in _FIELDS or start.grad is None:
            continue
        text = texts.get(field, "")
        for place in passage.places.tolist():
            first, last = passage.prepared.places[0][place].tolist()
            if not _whole(text, first, last):
                continue
            gain = (embeddings - start[place].detach()) @ start.grad[place]
            word = words[int(gain.argmax())]
            if word != text[first:last].lower():
                found.append((float(gain.max()), (field, first, last, word)))
    found.sort(key=lambda one: -one[0])
    return [one for gain, one in found[:_TRIED] if gain > 0]


def _whole(text: str, first: int, last: int) -> bool:
    """Whether these characters are a word, and all of it."""
    before, behind = text[first - 1 : first] if first else "", text[last : last + 1]
    return text[first:last].isalpha() and not before.isalnum() and not behind.isalnum()


def _best_page(run: Recommender, one: Pair, proposals: list[Proposal]) -> Page | None:
    """The page with the replacements that raise the true score, greedily; None where none does."""
    chosen: list[Proposal] = []
    best_page, best_score = None, float(one.scores[one.item])
    while proposals and len(chosen) < WORDS:
        tried = [(_replaced(run, one.item, [*chosen, proposal]), proposal) for proposal in proposals]
        scores = [changed_score(run, one, page) for page, _ in tried]
        at = int(np.argmax(scores))
        if scores[at] <= best_score:
            break
        best_page, best_score = tried[at][0], scores[at]
        chosen.append(tried[at][1])
        proposals = [other for other in proposals if other != tried[at][1]]
    return best_page


def _replaced(run: Recommender, item: int, chosen: list[Proposal]) -> Page:
    texts = {one.field: one.text for one in run.item_texts(item)}
    changed: dict[str, str] = {}
    for field, first, last, word in sorted(chosen, key=lambda one: -one[1]):  # from behind: places stay
        text = changed.get(field, texts[field])
        changed[field] = text[:first] + word + text[last:]
    return edited_texts(run, run.page(item), ItemEdit(run.data.items[item], texts=tuple(changed.items())))[0]


def coloured(subject: Subject, pairs: Iterator[Pair], total: int) -> Job:
    """Return Moves of products with photos changed by at most `LEVELS` of 255 at each pixel: by projected gradient
    descent (Madry et al. 2018), and by random noise of that size."""
    photos, run = Photos(subject), subject.run
    try:
        run_encoder(run, "image")
    except HeedmapError as error:
        raise NotRun(Note("no_gradient", {"reason": error.message})) from error
    if photos.step is None:
        raise NotRun(Note("no_gradient", {"reason": "it does not tell how it reads pixels."}))
    moves = {"attack": Moves.none(), "noise": Moves.none()}
    seed = int(subject.random("robustness.pixels noise").integers(2**31))
    with_photo = set(photos.with_photo().tolist())
    for done, one in enumerate(pairs):
        yield Progress("Changing pixels", done, total)
        if one.item not in with_photo:
            continue
        photo = photos.pixels(one.item)
        sign = np.random.default_rng([seed, done]).choice([-1.0, 1.0], photo.shape).astype(np.float32)
        noise = photo + LEVELS * photos.step * torch.from_numpy(sign).to(photo)
        attacked = yield from _attacked(photos, one, photo, Progress("Changing pixels", done, total))
        for name, pixels in (("attack", attacked), ("noise", _inside(photos, noise, photo))):
            with torch.no_grad():
                cells = photos.cells(pixels[None])[0].half().cpu().numpy()
            page = replace(run.page(one.item), image=cells, cells=np.arange(len(cells)))
            moves[name].add(run, one, one.rank_at(changed_score(run, one, page)))
    return moves


def _attacked(photos: Photos, one: Pair, photo: Tensor, progress: Progress) -> Job:
    """Return the best of the photos on the way up the gradient of the score, each step taken back into the bounds."""
    assert photos.step is not None
    run = photos.run
    index = torch.tensor([one.item], device=run.device)
    shopper = one.shopper.clone()
    asking = shopper[None] if run.config.fusion == "cross" else None
    pixels, found, most = photo, photo, -np.inf
    for _ in range(_STEPS + 1):
        yield progress
        start = pixels.detach().clone().requires_grad_(True)
        vector = run.model.item_vectors(index, OtherPhotos(run.tokens, photos.cells(start[None])), shoppers=asking)
        score = (vector[0] * shopper).sum()
        if float(score.detach()) > most:
            found, most = pixels, float(score.detach())
        (gradient,) = torch.autograd.grad(score, start)
        pixels = _inside(photos, start.detach() + _STEP * LEVELS * photos.step * gradient.sign(), photo)
    return found


def _inside(photos: Photos, pixels: Tensor, photo: Tensor) -> Tensor:
    """No pixel further from the photo's than the bound, and none darker than black or lighter than white."""
    assert photos.step is not None
    reach = LEVELS * photos.step
    inside = torch.minimum(torch.maximum(pixels, photo - reach), photo + reach)
    return torch.minimum(torch.maximum(inside, photos.black), photos.black + 255.0 * photos.step)
