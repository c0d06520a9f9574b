"""Whether the run, or its test, knew what it should not yet know: looks into the test part, and doubles across the cut.

Leakage is information about the target that would not be there when a prediction is needed (Kaufman et al. 2012); in
the evaluation of recommenders it comes by time (Ji et al. 2023), and by doubles of what is held out.
"""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from engine.audit.check import Check, Example, Figure, Measured, Note, NotRun, Threshold
from engine.audit.subject import Subject
from engine.dataset.split import through_validation
from engine.dataset.tables import Duplicates
from engine.jobs import Job, Progress

NAME = "data.leakage"
FEWEST_WORDS = 6  # shorter texts are alike by chance
FEWEST_PRODUCTS = 8  # of a shopper's past; shorter ones are alike by chance
ALIKE = 0.9  # overlap (Jaccard) of two shoppers' products from which they count as one shopper twice
_BLOCK = 4_000_000
_SHOWN = 10


def leakage(subject: Subject) -> Job:
    """Shares of the test part's events of which something was known that should not have been."""
    targets = subject.run.parts.test
    if not len(targets):
        raise NotRun(Note("no_test"))
    yield Progress("Reading reviews", 0, 4)
    read = _Read(subject)
    own, same = _own_review(subject, read), _same_words(subject, read)
    yield Progress("Comparing times", 1, 4)
    tied = _tied(subject)
    yield Progress("Comparing shoppers", 2, 4)
    twins = yield from twin_shoppers(subject)
    alike: Duplicates = yield from subject.duplicates()
    doubles = _doubled(subject, alike)
    count = len(targets)
    figures = (
        Figure("own_review", float(own.mean()), n=count),
        Figure("same_words", float(same.mean()), n=count),
        Figure("early_reviews", read.early, n=read.placed),
        Figure("untimed_reviews", read.untimed, n=len(read.fields)),
        Figure("tied", float(tied.mean()), n=count),
        Figure("twin_shoppers", float(np.isin(subject.run.data.user[targets], twins).mean()), n=count),
        Figure("doubles", float(doubles.mean()), n=count),
    )
    table = {
        "user": [subject.run.data.users[one] for one in subject.run.data.user[targets]],
        "item": [subject.run.data.items[one] for one in subject.run.data.item[targets]],
        "own_review": own.tolist(),
        "same_words": same.tolist(),
        "tied": tied.tolist(),
        "doubles": doubles.tolist(),
    }
    return Measured(figures, (), tuple(_examples(subject, read, own | same)), tables={"targets": table})


class _Read:
    """The reviews, those among them that the run read, and what is amiss with their times."""

    def __init__(self, subject: Subject) -> None:
        data, catalogue = subject.run.data, subject.run.catalogue
        read = (catalogue.fields[place][1] for place in np.unique(catalogue.text_source).tolist())
        self.fields = {field[7:] for field in read if field.startswith("review:")}
        self.of_pair: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.words: dict[str, str] = {}
        self.said: dict[str, set[str]] = defaultdict(set)  # product -> the words of the reviews of it that were read
        first = {
            (data.users[user], data.items[item]): time
            for user, item, time in zip(data.user.tolist(), data.item.tolist(), data.time.tolist(), strict=True)
        }
        early = untimed = self.placed = 0
        for review, item, user, text, time in subject.dataset.rows(
            'SELECT review, item, "user", text, epoch_ms(time) FROM reviews WHERE text IS NOT NULL ORDER BY review'
        ):
            self.words[review] = plain(text)
            if review in self.fields:
                untimed += time is None
                self.said[item].add(self.words[review])
            if user is None:
                continue
            self.of_pair[user, item].append(review)
            if time is not None and (user, item) in first:
                self.placed += 1
                early += time < first[user, item]
        self.early = early / max(self.placed, 1)
        self.untimed = untimed / max(len(self.fields), 1)


def plain(text: str) -> str:
    """A text by its words alone: without case, marks and spaces between."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _pairs(subject: Subject) -> list[tuple[str, str]]:
    data = subject.run.data
    return [(data.users[data.user[one]], data.items[data.item[one]]) for one in subject.run.parts.test]


def _own_review(subject: Subject, read: _Read) -> NDArray[np.bool_]:
    """bool[targets]: whether the run read a review of that product by that shopper."""
    return np.array([any(one in read.fields for one in read.of_pair.get(pair, ())) for pair in _pairs(subject)])


def _same_words(subject: Subject, read: _Read) -> NDArray[np.bool_]:
    """bool[targets]: whether what the run read of the product has the words of the shopper's own review, which it did
    not read."""

    def leaked(pair: tuple[str, str]) -> bool:
        held = [read.words[one] for one in read.of_pair.get(pair, ()) if one not in read.fields]
        # Chinese has no spaces between words: long enough by its characters.
        return any(
            one in read.said.get(pair[1], ()) and (len(one.split()) >= FEWEST_WORDS or len(one) >= 4 * FEWEST_WORDS)
            for one in held
        )

    return np.array([leaked(pair) for pair in _pairs(subject)])


def _tied(subject: Subject) -> NDArray[np.bool_]:
    """bool[targets]: whether the shopper has an event at the same moment that was learned from: which of the two came
    first is not known."""
    run = subject.run
    known = through_validation(run.data, run.parts).train
    moments = set(zip(run.data.user[known].tolist(), run.data.time[known].tolist(), strict=True))
    return np.array([(int(run.data.user[one]), int(run.data.time[one])) in moments for one in run.parts.test.tolist()])


def twin_shoppers(subject: Subject) -> Job:
    """Return int64[...]: shoppers of the test part whose products are nearly all another's, and the other way round."""
    data = subject.run.data
    asked = np.unique(data.user[subject.run.parts.test])
    count = np.diff(data.start)
    asked = asked[count[asked] >= FEWEST_PRODUCTS]
    ones = np.ones(len(data.item), np.float32)
    matrix = sparse.csr_matrix((ones, (data.user, data.item)), (len(data.users), len(data.items)))
    found, size = [np.zeros(0, np.int64)], max(1, _BLOCK // len(data.users))
    for first in range(0, len(asked), size):
        mine = asked[first : first + size]
        common = (matrix[mine] @ matrix.T).toarray()
        common[np.arange(len(mine)), mine] = 0
        alike = common / np.maximum(count[mine][:, None] + count[None] - common, 1)
        found.append(mine[(alike >= ALIKE).any(axis=1)].astype(np.int64))
        yield Progress("Comparing shoppers", first, len(asked))
    return np.concatenate(found)


def _doubled(subject: Subject, alike: Duplicates) -> NDArray[np.bool_]:
    """bool[targets]: whether the shopper already had a product with the same photo, or one that looks the same, and
    the same title."""
    run = subject.run
    titles = {item: plain(title) for item, title in subject.dataset.rows("SELECT item, title FROM items")}
    place = {item: at for at, item in enumerate(run.data.items)}
    group = np.arange(len(place))
    for one in alike.groups:
        by_title: dict[str, int] = {}
        for item, _, _ in one.photos:
            if item in place:
                group[place[item]] = group[by_title.setdefault(titles[item], place[item])]
    doubled = []
    for event in run.parts.test.tolist():
        past = run.data.item[run.data.start[run.data.user[event]] : event]
        doubled.append(bool((group[past] == group[run.data.item[event]]).any()))
    return np.array(doubled)


def _examples(subject: Subject, read: _Read, leaked: NDArray[np.bool_]) -> list[Example]:
    pairs = _pairs(subject)
    return [
        Example("pair", user=pairs[place][0], item=pairs[place][1], note=Note("leaked"))
        for place in np.flatnonzero(leaked)[:_SHOWN].tolist()
    ]


CHECK = Check(
    NAME,
    leakage,
    (
        Threshold("own_review", at_most=0.001),
        Threshold("same_words", at_most=0.01),
        Threshold("tied", at_most=0.05),
        Threshold("twin_shoppers", at_most=0.02),
        Threshold("doubles", at_most=0.05),
    ),
    cost=20.0,
)
