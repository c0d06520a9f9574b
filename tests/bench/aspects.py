"""How well aspects and their sentiment are found, on the annotated product reviews of Hu & Liu.

    python -m tests.bench.aspects FOLDER

FOLDER holds product_reviews_1.zip and product_reviews_2.zip (14 products, each a shop of its own here). Prints, for
each product and over all: the sign of annotated sentences, the sign of each annotated aspect that is named in its
sentence, and the frequent aspects against the annotated ones. A neutral answer counts as none: it costs recall.
"""

from __future__ import annotations

import argparse
import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from engine.evaluation.tables import table
from engine.features.aspects import (
    MOST_ASPECTS,
    Sentiment,
    clauses,
    frequent_aspects,
    judgements,
)

_MARK = re.compile(r"([^,\[\]]+)\s*((?:\[[^\]]*\]?\s*)+)")
_STRENGTH = re.compile(r"\[?([+-])\s*\d?")
_CUT_OFF = re.compile(r"\s+(n't|'(?:s|m|ve|re|d|ll))\b")


@dataclass(frozen=True)
class Sentence:
    """marks: (aspect, 1 or -1, whether it is named in the sentence)."""

    text: str
    marks: tuple[tuple[str, int, bool], ...]


@dataclass
class Tally:
    """Right answers, answers, and what there was to answer."""

    right: int = 0
    given: int = 0
    wanted: int = 0
    of_sign: Counter[tuple[int, int]] = field(default_factory=Counter)

    def add(self, truth: int, answer: int) -> None:
        self.right += truth == answer
        self.given += answer != 0
        self.wanted += 1
        self.of_sign[truth, answer] += 1

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.right + other.right,
            self.given + other.given,
            self.wanted + other.wanted,
            self.of_sign + other.of_sign,
        )

    @property
    def figures(self) -> str:
        precision, recall = self.right / max(1, self.given), self.right / max(1, self.wanted)
        return f"{precision:.2f} {recall:.2f} {2 * precision * recall / max(1e-9, precision + recall):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=MOST_ASPECTS, help="aspects looked for in each product")
    parser.add_argument("--show", action="store_true", help="print the aspects of each product")
    parsed = parser.parse_args()
    sentiment = Sentiment()
    whole = [Tally() for _ in range(4)]
    rows = []
    for name, reviews in _products(parsed.folder):
        aspects = frequent_aspects(
            (" . ".join(one.text for one in review) for review in reviews), sentiment, parsed.most
        )
        sentences = [one for review in reviews for one in review]
        tallies = [_sentences(sentences, sentiment), _named(sentences, sentiment), *_aspects(sentences, aspects)]
        whole = [one + more for one, more in zip(whole, tallies, strict=True)]
        rows.append([name, f"{len(reviews)}", f"{tallies[0].wanted}", *(one.figures for one in tallies)])
        if parsed.show:
            print(f"{name}: {', '.join(aspects)}")
    rows.append(["all", "", f"{whole[0].wanted}", *(one.figures for one in whole)])
    print("precision, recall, F1")
    head = ["product", "reviews", "sentences", "sign of sentence", "sign of aspect", "aspects, all", "judged 3+ times"]
    print(table(head, rows))
    for truth, word in ((1, "praise"), (-1, "criticism")):
        right, given = whole[0].of_sign[truth, truth], sum(n for (_, a), n in whole[0].of_sign.items() if a == truth)
        print(
            f"sentences of {word}: {Tally(right, given, sum(whole[0].of_sign[truth, a] for a in (-1, 0, 1))).figures}"
        )
    print(f"at most {parsed.most} aspects of each product")


def _products(folder: Path) -> list[tuple[str, list[list[Sentence]]]]:
    found = []
    for archive in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(archive) as packed:
            for name in sorted(packed.namelist()):
                if name.endswith(".txt") and not name.endswith("README.txt"):
                    found.append((Path(name).stem[:24], _reviews(packed.read(name).decode("latin-1"))))
    return found


def _reviews(text: str) -> list[list[Sentence]]:
    reviews: list[list[Sentence]] = [[]]
    for line in text.splitlines():
        if line.startswith("[t]"):
            reviews.append([])
        elif "##" in line:
            marks, _, said = line.partition("##")
            reviews[-1].append(Sentence(_CUT_OFF.sub(r"\1", said.strip()), tuple(_marks(marks))))
    return [review for review in reviews if review]


def _marks(text: str) -> list[tuple[str, int, bool]]:
    found = []
    for aspect, tags in _MARK.findall(text):
        strength = _STRENGTH.search(tags)
        if strength:
            named = "[u]" not in tags and "[p]" not in tags
            found.append((_normal(aspect), 1 if strength[1] == "+" else -1, named))
    return found


def _normal(aspect: str) -> str:
    words = re.sub(r"[^a-z ]", " ", aspect.lower()).split()
    return " ".join(word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word for word in words)


def _sentences(sentences: list[Sentence], sentiment: Sentiment) -> Tally:
    """Sentences whose marks agree on a sign, against the sum of the signs of their clauses."""
    tally = Tally()
    for one in sentences:
        signs = {mark[1] for mark in one.marks}
        if len(signs) == 1:
            score = sum(sentiment.sign(clause) for clause in clauses(one.text))
            tally.add(signs.pop(), (score > 0) - (score < 0))
    return tally


def _named(sentences: list[Sentence], sentiment: Sentiment) -> Tally:
    """Annotated aspects whose words stand in the sentence, against what is said in their clause."""
    tally = Tally()
    for one in sentences:
        for aspect, truth, named in one.marks:
            if named:
                found = dict(judgements(one.text, [aspect], sentiment))
                tally.add(truth, found.get(aspect, 0))
    return tally


def _aspects(sentences: list[Sentence], aspects: tuple[str, ...]) -> tuple[Tally, Tally]:
    """Frequent aspects against all annotated ones, and against those annotated three times or more."""
    judged = Counter(mark[0] for one in sentences for mark in one.marks)
    normal = {_normal(aspect) for aspect in aspects}
    often = {aspect for aspect, count in judged.items() if count > 2}
    every = Tally(len(normal & set(judged)), len(normal), len(judged))
    return every, Tally(len(normal & often), len(normal), len(often))


if __name__ == "__main__":
    main()
