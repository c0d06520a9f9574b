"""How far products move when something is missing, misspelt, cut short, or meant to deceive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from engine.audit.check import Check, Figure, Measured, Note, NotRun, Threshold
from engine.audit.checks import robustness_attacks as attacks
from engine.audit.checks.robustness_moves import Moves, Pair, changed_score, listed, outside
from engine.audit.draws import normal, redrawn
from engine.audit.subject import K, Subject
from engine.errors import HeedmapError
from engine.features.page import Page
from engine.jobs import Job, Progress
from engine.live import without
from engine.metrics.order import best
from engine.recommend import Recommender
from engine.scenario import NEW_REVIEW, ItemEdit
from engine.whatif.opening import warm
from engine.whatif.reading import no_states
from engine.whatif.texts import edited_texts

FEWEST = 10  # pairs
_TYPOS = 10  # one word in so many
_SPAM = 3  # reviews
_CUTS: dict[str, Callable[[int], int]] = {"newest half": lambda n: (n + 1) // 2, "newest five": lambda n: min(n, 5)}

# A page of a product as it is changed, None where there is nothing to change.
Change = Callable[[Recommender, int, np.random.Generator], Page | None]


def _no_photo(run: Recommender, item: int, random: np.random.Generator) -> Page | None:
    page = run.page(item)
    if not len(page.image):
        return None
    return replace(page, image=no_states(page.image), cells=page.cells[:0])


def _no_texts(of: str) -> Change:
    def change(run: Recommender, item: int, random: np.random.Generator) -> Page | None:
        page = run.page(item)
        there = np.array([field.startswith("review:") for field in page.fields], dtype=bool)
        gone = there if of == "reviews" else np.ones(len(there), bool)
        dropped = gone[page.text_source] if len(gone) else np.zeros(0, bool)
        return page.only("text", ~dropped) if dropped.any() else None

    return change


def _no_attributes(run: Recommender, item: int, random: np.random.Generator) -> Page | None:
    page = run.page(item)
    return replace(page, attribute=page.attribute[:0]) if len(page.attribute) else None


_MISSING: dict[str, tuple[str, Change]] = {
    "photo": ("image", _no_photo),
    "reviews": ("text", _no_texts("reviews")),
    "texts": ("text", _no_texts("all")),
    "attributes": ("attribute", _no_attributes),
}


def missing(subject: Subject) -> Job:
    """Products of the lists without their photo, their reviews, all texts, or attributes."""
    run, random = subject.run, subject.random("robustness.missing")
    kinds = {name: change for name, (part, change) in _MISSING.items() if part in run.tokens.modalities}
    moves: dict[str, Moves] = yield from _changed(subject, MISSING, listed(subject, MISSING), kinds, random)
    return _told(moves, int(random.integers(2**31)), "missing")


def typos(subject: Subject) -> Job:
    """Products of the lists with a slip of the pen in one word of ten of all texts that are read."""
    _needs_text(subject)
    random = subject.random("robustness.typos")
    moves: dict[str, Moves] = yield from _changed(subject, TYPOS, listed(subject, TYPOS), {"typos": _misspelt}, random)
    return _told(moves, int(random.integers(2**31)), "texts")


def _misspelt(run: Recommender, item: int, random: np.random.Generator) -> Page | None:
    page = run.page(item)
    heeded = set(page.fields)
    texts = tuple((one.field, misspelt(one.text, random)) for one in run.item_texts(item) if one.field in heeded)
    if not texts:
        return None
    return edited_texts(run, page, ItemEdit(run.data.items[item], texts=texts))[0]


def misspelt(text: str, random: np.random.Generator) -> str:
    """The text with one of ten words, at least one, misspelt: two letters change places, one is lost, or doubled."""
    words = text.split(" ")
    long = [at for at, word in enumerate(words) if len(word) >= 3 and word.isalpha()]
    for at in random.permutation(long)[: max(1, round(len(long) / _TYPOS))].tolist() if long else ():
        word, place = words[at], int(random.integers(len(words[at]) - 1))
        tried = (
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
            word[:place] + word[place + 1 :],
            word[:place] + word[place] + word[place:],
        )
        slips = [one for one in tried if one != word]  # two like letters that change places are no slip
        words[at] = slips[int(random.integers(len(slips)))]
    return " ".join(words)


def spam(subject: Subject) -> Job:
    """Products from behind the lists with three praising reviews, copied from elsewhere in the shop."""
    _needs_text(subject)
    run, random = subject.run, subject.random("robustness.spam")
    if not run.config.reviews:
        raise NotRun(Note("no_reviews"))
    praise = [
        row[0]
        for row in run.dataset.rows(
            "SELECT text FROM reviews WHERE text IS NOT NULL AND rating = (SELECT max(rating) FROM reviews) "
            "ORDER BY length(text) DESC, review LIMIT 50"
        )
    ]
    if len(praise) < _SPAM:
        raise NotRun(Note("no_reviews"))

    def flooded(run: Recommender, item: int, random: np.random.Generator) -> Page | None:
        chosen = [praise[at] for at in random.permutation(len(praise))[:_SPAM].tolist()]
        texts = tuple((f"{NEW_REVIEW}{number}", text) for number, text in enumerate(chosen, start=1))
        return edited_texts(run, run.page(item), ItemEdit(run.data.items[item], texts=texts))[0]

    moves: dict[str, Moves] = yield from _changed(subject, SPAM, outside(subject, SPAM), {"spam": flooded}, random)
    return _told(moves, int(random.integers(2**31)), "", attack=True)


def words(subject: Subject) -> Job:
    """Products from behind the lists with a few words replaced to raise them most."""
    _needs_text(subject)
    seed = int(subject.random("robustness.words").integers(2**31))
    moves: Moves = yield from attacks.worded(subject, outside(subject, WORDS), len(subject.shoppers(WORDS)))
    moves.checked(FEWEST)
    return Measured(tuple(moves.figures(seed, {}, attack=True)), (), moves.examples("raised"), {"pairs": moves.table()})


def pixels(subject: Subject) -> Job:
    """Products from behind the lists with their photo changed by less than an eye sees, to raise them most."""
    seed = int(subject.random("robustness.pixels").integers(2**31))
    moves: dict[str, Moves] = yield from attacks.coloured(
        subject, outside(subject, PIXELS), len(subject.shoppers(PIXELS))
    )
    return _told(moves, seed, "change", attack=True)


def history(subject: Subject) -> Job:
    """The lists of shoppers of whom less is known: what of the first ten stays."""
    run, random = subject.run, subject.random("robustness.history")
    users = [user for user in subject.shoppers(HISTORY).tolist() if len(run.past(run.data.users[user]).history) > 1]
    if len(users) < FEWEST:
        raise NotRun(Note("too_few", {"n": len(users), "least": FEWEST}))
    kept: dict[str, list[float]] = {name: [] for name in _CUTS}
    for done, user in enumerate(users):
        if done % 4 == 0:
            yield Progress("Cutting histories short", done, len(users))
        past = run.past(run.data.users[user])
        first = best(run.running(past)[1], K)
        for name, most in _CUTS.items():
            count = len(past.history)
            less = without(run.data, past, np.arange(count) >= count - most(count))
            scores = run.running(less)[1]
            scores[past.history.items] = -np.inf  # what the shopper has is out of the running still
            kept[name].append(len(np.intersect1d(first, best(scores, K))) / max(1, len(first)))
    seed, figures = int(random.integers(2**31)), []
    for name, shares in kept.items():
        values = np.array(shares)
        drawn = redrawn(values[:, None], np.arange(len(values), dtype=np.int32), seed)[:, 0] / len(values)
        mean = float(values.mean())
        figures.append(Figure("kept", mean, *normal(mean, drawn), len(values), {"history": name}))
    table: dict[str, list[object]] = {"user": [run.data.users[user] for user in users]}
    return Measured(tuple(figures), tables={"shoppers": table | {name: [*shares] for name, shares in kept.items()}})


def _changed(
    subject: Subject, check: Check, pairs: Iterator[Pair], changes: dict[str, Change], random: np.random.Generator
) -> Job:
    """Return kind -> Moves of all pairs that can be changed so. NotRun where an encoder that is needed is not here."""
    run, moves = subject.run, {name: Moves.none() for name in changes}
    yield from warm(run, ("text",) if check is not MISSING else ())
    seed, total = int(random.integers(2**31)), len(subject.shoppers(check))
    pages: dict[tuple[str, int], Page | None] = {}
    for done, one in enumerate(pairs):
        yield Progress("Changing products", done, total)
        item = one.item
        for name, change in changes.items():
            if (name, item) not in pages:  # a product is changed in one way, whoever is shown it
                try:
                    pages[name, item] = change(run, item, np.random.default_rng([seed, item]))
                except HeedmapError as error:
                    raise NotRun(Note("no_encoder", {"reason": error.message})) from error
            page = pages[name, item]
            if page is not None:
                moves[name].add(run, one, one.rank_at(changed_score(run, one, page)))
    return moves


def _told(moves: dict[str, Moves], seed: int, by: str, attack: bool = False) -> Measured:
    enough = {name: one for name, one in moves.items() if len(one.user) >= FEWEST}
    if not enough:
        raise NotRun(Note("too_few", {"n": max((len(one.user) for one in moves.values()), default=0), "least": FEWEST}))
    figures: list[Figure] = []
    for name, one in enough.items():
        figures += one.figures(seed, {by: name} if by else {}, attack)
    worst = max(enough.values(), key=lambda one: float(np.abs(np.array(one.after) - np.array(one.before)).mean()))
    tables = {name.replace(" ", "_"): one.table() for name, one in enough.items()}
    return Measured(tuple(figures), (), worst.examples("raised" if attack else "moved"), tables)


def _needs_text(subject: Subject) -> None:
    if "text" not in subject.run.tokens.modalities:
        raise NotRun(Note("no_texts"))


_ENTERED = (Threshold("entered", at_most=0.25),)
MISSING = Check("robustness.missing", missing, (Threshold("far", at_most=0.5),), spread=0.5, most=400, cost=0.03)
TYPOS = Check("robustness.typos", typos, (Threshold("far", at_most=0.25),), spread=0.5, most=100, cost=0.2)
WORDS = Check("robustness.words", words, _ENTERED, spread=0.5, most=30, cost=1.0)
PIXELS = Check("robustness.pixels", pixels, _ENTERED, spread=0.5, most=30, cost=1.0)
SPAM = Check("robustness.spam", spam, _ENTERED, spread=0.5, most=100, cost=0.15)
HISTORY = Check("robustness.history", history, (Threshold("kept", at_least=0.2),), spread=0.3, most=400, cost=0.02)
CHECKS = (MISSING, TYPOS, WORDS, PIXELS, SPAM, HISTORY)
