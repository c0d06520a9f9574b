"""An explanation in two to four sentences, made only from numbers that were measured for it."""

from __future__ import annotations

from engine.explain.types import Explanation, Removal

LANGUAGES = ("en", "zh")
_MOST = 2  # removals that are told

PARTS = {
    "en": {
        "image": "the photo",
        "text": "the words",
        "audio": "the sound",
        "attribute": "the attributes",
        "link": "the links",
        "identity": "what is known of this very product",
        "history": "past choices that often lead to it",
        "bias": "its popularity",
    },
    "zh": {
        "image": "图片",
        "text": "文字",
        "audio": "声音",
        "attribute": "属性",
        "link": "关联",
        "identity": "商品自身的身份",
        "history": "常常引向它的过往选择",
        "bias": "它的热度",
    },
}
_REMOVED = {
    "en": {
        "word": "the word “{label}” from the page",
        "words": "all words from the page",
        "photo": "the photo",
        "attribute": "the attribute “{label}”",
        "link": "the link “{label}”",
        "audio": "“{label}” of the recording",
        "history": "“{label}” from this shopper's past",
    },
    "zh": {
        "word": "页面上的“{label}”一词",
        "words": "页面上的全部文字",
        "photo": "图片",
        "attribute": "属性“{label}”",
        "link": "关联“{label}”",
        "audio": "录音中的“{label}”",
        "history": "该顾客过往中的“{label}”",
    },
}


def sentences(explanation: Explanation, language: str = "en") -> tuple[str, ...]:
    """Two to four sentences. language: one of LANGUAGES."""
    graded = _graded(explanation, language)
    said = (_place(explanation, language), *removal_sentences(explanation, language))
    return (*said, graded) if graded else said


def removal_sentences(explanation: Explanation, language: str = "en", most: int = _MOST) -> tuple[str, ...]:
    """What moves the product when it is removed, the hardest hit first; that nothing does; or no sentence at all where
    nothing was tried."""
    moving = [one for one in explanation.removals if one.rank > explanation.rank]
    if explanation.removals and not moving:
        return (_TEMPLATES[language]["nothing moves"],)
    return tuple(_moved(one, explanation.rank, language) for one in _told(moving)[:most])


def _told(moving: list[Removal]) -> list[Removal]:
    """The removals worth telling: what hits hardest, then what hits hardest of another kind."""
    ordered = sorted(moving, key=lambda one: (-one.rank, one.score))
    kinds: dict[str, Removal] = {}
    for one in ordered:
        kinds.setdefault("word" if one.kind == "words" else one.kind, one)
    return list(kinds.values())


def _place(explanation: Explanation, language: str) -> str:
    words = _TEMPLATES[language]
    parts = {name: value for name, value in explanation.parts().items() if value > 0}
    best = sorted(parts, key=lambda name: -parts[name])[:2]
    named = [words["part"].format(part=PARTS[language][name], share=parts[name]) for name in best]
    place = words["place"].format(rank=explanation.rank, catalogue=explanation.catalogue, score=explanation.score)
    if not named:
        return place + words["end"]
    return place + words["mostly"].format(parts=words["and"].join(named)) + words["end"]


def _moved(one: Removal, rank: int, language: str) -> str:
    name, colon, value = one.label.partition(":") if one.kind in ("attribute", "link") else ("", "", one.label)
    label = name.replace("_", " ") + colon + value if colon else one.label  # "made_by: Oriel": a name in a table
    what = _REMOVED[language][one.kind].format(label=label)
    return _TEMPLATES[language]["moved"].format(what=what, rank=rank, after=one.rank)


def _graded(explanation: Explanation, language: str) -> str:
    grade = explanation.faithfulness
    if grade is None:
        return ""
    words = _TEMPLATES[language]
    told = words["graded"].format(grade=grade.grade, after=grade.rank_after, random=grade.random_rank_after)
    return told + (words["untrue"] if grade.grade == "F" else "")


_TEMPLATES = {
    "en": {
        "place": "It stands at rank {rank:,} of {catalogue:,} with a score of {score:.2f}",
        "mostly": ", which comes mostly from {parts}",
        "part": "{part} ({share:+.2f})",
        "and": " and ",
        "end": ".",
        "moved": "Removing {what} moves it from rank {rank:,} to {after:,}.",
        "nothing moves": "No word, attribute, photo or past purchase that was tried moves it when it alone is removed.",
        "graded": "This map has grade {grade}: without the 20 % it points at most, the product falls to rank {after:,};"
        " without 20 % at random, to {random:,}.",
        "untrue": " It loses to random order, so do not trust it.",
    },
    "zh": {
        "place": "它在 {catalogue:,} 件商品中排第 {rank:,} 位，得分 {score:.2f}",
        "mostly": "，主要来自{parts}",
        "part": "{part}（{share:+.2f}）",
        "and": "和",
        "end": "。",
        "moved": "去掉{what}，它会从第 {rank:,} 位变到第 {after:,} 位。",
        "nothing moves": "逐一去掉所试的词、属性、图片和过往购买，都没有使它的名次变化。",
        "graded": "这张图的等级为 {grade}：去掉它最看重的 20 %，商品落到第 {after:,} 位；"
        "随机去掉 20 %，落到第 {random:,} 位。",
        "untrue": "它不如随机顺序，请勿采信。",
    },
}
