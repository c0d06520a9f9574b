"""What reviews praise and criticise: frequent noun-like terms of a shop's reviews, and the sign of what they say.

After Hu & Liu 2004 ("Mining and summarizing customer reviews"), without a tagger of parts of speech: a term is taken
for a noun when it often stands behind a determiner ("the battery", "its screen"), and for an aspect when many clauses
that hold it also hold an opinion. Opinions are weighed by VADER's lexicon and rules (Hutto & Gilbert 2014), which know
English only: reviews in other languages give nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from engine.jobs import Job, Progress, every

MOST_ASPECTS = 60  # of a shop
MOST_ASPECTS_OF_ITEM = 8
PRAISED, CRITICISED = "praised", "criticised"
_OPINION = 0.05  # of VADER's compound score, its authors' own threshold
_FEWEST, _SHARE = 3, 0.002  # clauses with an opinion that an aspect stands in: at least, and of all reviews
_NOUN = 0.3  # of a term's mentions stand behind a determiner
_ENDS = 0.4  # of a term's mentions end their noun phrase: "digital" and "new" stand before nouns
_TOGETHER = 0.1  # of the rarer word's mentions are mentions of the pair
_PART_ONLY = 0.7  # of a word's mentions lie in one pair: it is a part of that name, and none itself
_RARE = 10  # times as often as its singular a plural may stand
_ENGLISH = 0.15  # of the words are function words, where nothing is said of a review's language

_SENTENCE = re.compile(r"[.!?;:\n]+(?:\s|$)|\n")
_CLAUSE = re.compile(r",\s|\s-+\s|\b(?:but|however|although|though|while|whereas|yet|except)\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DETERMINERS = _words("the a an this that these those its my your his her their our no")
_FUNCTION = _words(
    """a about above after again against all almost also although always am among an and any anyone anything are as at
    away back be because been before behind being below between both but by came can cannot come comes could did do
    does doing done down during each either else enough even ever every everyone everything few for from further get
    gets getting give given go goes going gone got had has have having he her here hers herself him himself his how
    however i if in instead into is it its itself just keep kept know least less let like made make makes many may me
    might mine more most much must my myself need needs neither never no nobody none nor not nothing now of off often on
    once one only onto or other others otherwise our ours ourselves out over own per perhaps put quite rather really
    said same say says see seem seems several shall she should since so some somebody someone something soon still such
    take takes taken than that the their theirs them themselves then there these they this those though through till to
    together too took toward two under until up upon us use used uses using usually very want wanted was way we well
    went were what whatever when where whether which while who whole whom whose why will with within without would yes
    yet you your yours yourself don't doesn't didn't isn't aren't wasn't weren't won't can't couldn't wouldn't shouldn't
    haven't hasn't hadn't i'm i've i'd i'll you're you've they're we've"""
)

_ADJECTIVES = _words(
    """actual big black blue certain cheap current different extra full high huge large larger light little long low
    main new old only overall previous real right sharp simple single small soft sure whole white"""
)
# Nouns that name nothing about a product.
_EMPTY = _words(
    """amount bit brand case couple day days deal fact first hour hours idea kind last lot lots minute minutes month
    months next number item part past people person place point problem problems question reason rest review reviews
    second side sort star stars store stuff thing things third thought time times today try type week weeks while word
    words year years"""
)
# Words that judge a product and that the lexicon, made for social media, lacks or holds to be neutral; on its scale.
_OF_PRODUCTS = {
    **dict.fromkeys(
        _words("""affordable bright comfy crisp durable effortless fast flawless handy intuitive lightweight quick quiet
        reliable responsive roomy seamless sleek smooth snug sturdy versatile waterproof well-made"""),
        1.5,
    ),
    **dict.fromkeys(
        _words("""blurry bulky clumsy confusing cramped crashed crashes defective dim dirty expensive faulty flimsy
        froze freezes fuzzy grainy heavy inaccurate incompatible jammed lacks leaked leaks loud malfunction misleading
        missing noisy overpriced refund returned scratches scratched short slow slower sluggish smelly stained stiff
        stuck torn unreliable unresponsive worn broke breaks"""),
        -1.5,
    ),
}


@dataclass(frozen=True)
class Clause:
    """Part of a sentence that holds one opinion, with the words of it in lower case."""

    text: str
    words: tuple[str, ...]
    sentence: str


class Sentiment:
    """VADER, with a few words more for products. `words`: those that are an opinion by themselves."""

    def __init__(self) -> None:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # reads its lexicon: 60 ms

        self._analyser = SentimentIntensityAnalyzer()
        self._analyser.lexicon.update(_OF_PRODUCTS)
        self.words = frozenset(self._analyser.lexicon)

    def sign(self, clause: Clause) -> int:
        """1, -1, or 0: of the clause, or where that is neutral, of its sentence."""
        for text, words in ((clause.text, clause.words), (clause.sentence, _WORD.findall(clause.sentence.lower()))):
            if self.words.isdisjoint(words):
                continue
            score = self._analyser.polarity_scores(text)["compound"]
            if abs(score) >= _OPINION:
                return 1 if score > 0 else -1
        return 0


def is_english(text: str, language: str | None) -> bool:
    """By the language that is given, else by how many words are English function words."""
    if language:
        return language.lower().replace("_", "-").split("-")[0] in ("en", "eng", "english")
    words = _WORD.findall(text.lower())
    return bool(words) and sum(word in _FUNCTION for word in words) >= _ENGLISH * len(words)


def clauses(text: str) -> list[Clause]:
    """A text cut at the ends of sentences, at commas and at "but", "however" and their like."""
    found = []
    for sentence in _SENTENCE.split(text):
        for part in _CLAUSE.split(sentence):
            if words := tuple(word.removesuffix("'s") for word in _WORD.findall(part.lower().replace("’", "'"))):
                found.append(Clause(part.strip(), words, sentence.strip()))
    return found


def frequent_aspects(reviews: Iterable[str], sentiment: Sentiment, most: int = MOST_ASPECTS) -> tuple[str, ...]:
    """The aspects of these English reviews, the most often judged first: nouns, and pairs of words ("battery life")."""
    said = [clause for review in reviews for clause in clauses(review)]
    counts = Counter(word for clause in said for word in clause.words)
    singular = _singulars(counts)
    ignored = _FUNCTION | _EMPTY | _ADJECTIVES | sentiment.words
    mentions: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    determined: Counter[str] = Counter()
    ending: Counter[str] = Counter()
    for clause in said:
        terms = _terms([singular.get(word, word) for word in clause.words], ignored)
        opinion = not sentiment.words.isdisjoint(clause.words)
        for term, behind, ends in terms:
            mentions[term] += 1
            determined[term] += behind
            ending[term] += ends
            judged[term] += opinion
    fewest = max(_FEWEST, round(_SHARE * len({clause.sentence for clause in said})))
    found = {
        term
        for term, count in judged.items()
        if count >= fewest
        and determined[term] >= _NOUN * mentions[term]
        and ending[term] >= _ENDS * mentions[term]
        and _together(term, mentions)
    }
    # "life" that is said in "battery life" alone is no aspect of its own (the paper's redundancy pruning).
    parts = ((pair, part) for pair in found for part in pair.split() if part != pair)
    found -= {part for pair, part in parts if mentions[pair] >= _PART_ONLY * mentions[part]}
    return tuple(sorted(found, key=lambda term: (-judged[term], term))[:most])


def judgements(review: str, aspects: Iterable[str], sentiment: Sentiment) -> list[tuple[str, int]]:
    """(aspect, 1 or -1) for each clause of a review that judges one; a pair of words hides its words."""
    known = set(aspects)
    found = []
    for clause in clauses(review):
        held = _held(clause.words, known)
        judged = sentiment.sign(clause) if held else 0
        found += [(aspect, judged) for aspect in held if judged]
    return found


def item_aspects(reviews: list[list[str]]) -> Job:
    """Return for each product, from its English reviews, what they praise and criticise more often than the opposite,
    the most often judged first, as a list of pairs such as ("battery", "praised")."""
    yield Progress("Reading opinions", 0, len(reviews))
    if not any(reviews):
        return [[] for _ in reviews]
    sentiment = Sentiment()
    aspects = frequent_aspects((text for texts in reviews for text in texts), sentiment)
    rows: list[list[tuple[str, str]]] = []
    for texts, progress in every("Reading opinions", reviews, len(reviews)):
        sums: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        for aspect, judged in (one for text in texts for one in judgements(text, aspects, sentiment)):
            sums[aspect] += judged
            counts[aspect] += 1
        order = sorted((aspect for aspect in counts if sums[aspect]), key=lambda one: (-counts[one], one))
        rows.append([(aspect, PRAISED if sums[aspect] > 0 else CRITICISED) for aspect in order[:MOST_ASPECTS_OF_ITEM]])
        if progress is not None:
            yield progress
    return rows


def _singulars(counts: Counter[str]) -> dict[str, str]:
    """Plurals whose singular is used too, more than as a misspelling: "lens" is none of "len"."""
    found = {}
    for word in counts:
        for ending, instead in (("ies", "y"), ("es", ""), ("s", "")):
            one = word.removesuffix(ending) + instead
            if word.endswith(ending) and len(one) > 2 and counts[one] * _RARE >= counts[word]:
                found[word] = one
    return found


def _terms(words: list[str], ignored: frozenset[str]) -> list[tuple[str, bool, bool]]:
    """Words and pairs of a clause that could name an aspect, with whether each stands behind a determiner and whether
    no noun follows. An opinion after the determiner does no harm: "the great battery life"."""
    plain = [len(word) > 2 and word not in ignored for word in words]
    found = []
    for place, word in enumerate(words):
        if not plain[place]:
            continue
        before = place - 1
        while before >= 0 and place - before < 3 and words[before] not in _FUNCTION:
            before -= 1
        behind = before >= 0 and words[before] in _DETERMINERS
        ends = place + 1 == len(words) or not plain[place + 1]
        found.append((word, behind, ends))
        if place and plain[place - 1]:
            found.append((f"{words[place - 1]} {word}", behind, ends))
    return found


def _together(term: str, mentions: Counter[str]) -> bool:
    """Whether a pair is one name rather than two words that met."""
    parts = term.split()
    return len(parts) == 1 or mentions[term] >= _TOGETHER * min(mentions[part] for part in parts)


def _held(words: tuple[str, ...], known: set[str]) -> list[str]:
    """The aspects in a clause, each once, pairs before single words."""
    forms = [(word, word.removesuffix("s"), word.removesuffix("ies") + "y") for word in words]
    free, found = [True] * len(words), []
    for place in range(len(words) - 1):
        for last in forms[place + 1]:
            pair = f"{words[place]} {last}"
            if pair in known:
                free[place] = free[place + 1] = False
                found.append(pair)
                break
    for place, one in enumerate(forms):
        if free[place]:
            found += [form for form in one if form in known][:1]
    return list(dict.fromkeys(found))
