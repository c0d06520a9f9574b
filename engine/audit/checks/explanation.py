"""Whether the heatmaps are true: against random orders, by their sum, under small changes, and on a planted truth."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import scipy
from numpy.typing import NDArray
from PIL import Image

from engine.audit.check import Check, Example, Figure, Measured, Note, NotRun, Threshold
from engine.audit.subject import Subject
from engine.dataset.store import open_photo
from engine.errors import HeedmapError
from engine.explain.case import Case
from engine.explain.methods import METHODS, explain
from engine.explain.types import Explanation
from engine.faithfulness.orders import faithfulness
from engine.faithfulness.planted import RANDOM, calibrate
from engine.faithfulness.table import measure_methods
from engine.jobs import Job, Progress
from engine.metrics.bootstrap import interval
from engine.recommend import Recommender
from engine.scenario import ItemEdit
from engine.whatif import edited

SHOWN = "contribution"  # the method that the window shows where nobody chose another
GAP = 1e-4  # of the sum, as a share of the score: invariant 1 of the design
CHANCE = 1.64  # standard deviations that one random order in twenty lies better than the mean of random orders
_CROP, _NOISE = 0.04, 4.0  # cut from each side of a photo; standard deviation of noise, of 255 grey levels
_EXAMPLES = 3
_MATCHED = 5  # parts that two maps must share to be compared


def faithful(subject: Subject) -> Job:
    """The maps that are shown, each against ten random orders of its own rows."""
    check = CHECKS_BY_NAME["explanation.faithfulness"]
    count = len(subject.shoppers(check))
    z, users, pairs, grades = [], [], [], []
    for done, pair in enumerate(subject.pairs(check)):
        yield Progress("Grading explanations", done, count)
        case = Case(subject.run, *pair)
        found = faithfulness(case, METHODS[SHOWN].attribute(case).share)
        if found is not None:
            z.append(found.z)
            users.append(case.user)
            pairs.append(pair)
            grades.append(found.grade)
    if len(z) < 2:
        raise NotRun(Note("too_few", {"n": len(z), "least": 2}))
    values, who = np.array(z), np.array(users, np.int32)
    mean, beaten = interval(values, who, seed=subject.plan.seed), interval((values > 0).astype(np.float64), who)
    worst = np.argsort(values, kind="stable")[:_EXAMPLES].tolist()
    examples = [
        Example("pair", user, item, note=Note("worst", {"z": round(z[row], 1)}))
        for row in worst
        for user, item in [pairs[row]]
    ]
    return Measured(
        (
            Figure("z", mean.mean, mean.low, mean.high, len(z)),
            Figure("beats_random", beaten.mean, beaten.low, beaten.high, len(z)),
            *(Figure("grade", grades.count(one) / len(z), n=len(z), of={"grade": one}) for one in "ABCDF"),
        ),
        examples=tuple(examples),
        tables={
            "maps": {"user": [one for one, _ in pairs], "item": [two for _, two in pairs], "z": z, "grade": grades}
        },
    )


def complete(subject: Subject) -> Job:
    """Whether the shares of a map add up to the score that the run ranks by."""
    check = CHECKS_BY_NAME["explanation.completeness"]
    count, gaps = len(subject.shoppers(check)), []
    for done, pair in enumerate(subject.pairs(check)):
        yield Progress("Adding up explanations", done, count)
        found: Explanation = explain(subject.run, *pair, SHOWN)
        gaps.append(abs(found.completeness_gap) / max(1.0, abs(found.score)))
    return Measured(
        (Figure("gap", max(gaps, default=0.0), n=len(gaps)), Figure("mean_gap", float(np.mean(gaps)), n=len(gaps)))
    )


def methods(subject: Subject) -> Job:
    """Every method that stays outside the encoders: how true, how much alike, and what random weights leave of it."""
    check = CHECKS_BY_NAME["explanation.methods"]
    count = subject.plan.sample_of(check)
    table = yield from measure_methods(subject.run, (), count, subject.plan.seed, keep=False)
    figures = []
    for name, row in table["methods"].items():
        of = {"method": name}
        for figure in ("z", "beats_random", "infidelity", "max_sensitivity"):
            if figure in row:
                one = row[figure]
                figures.append(Figure(figure, one["mean"], one["low"], one["high"], table["explanations"], of))
        if row["random_weights"]:
            # After the last stage nothing that was learned is left.
            figures.append(Figure("alike_at_random", list(row["random_weights"].values())[-1], n=count, of=of))
    figures += [
        Figure("agreement", tau, n=table["explanations"], of={"methods": both})
        for both, tau in table["agreement"].items()
        if np.isfinite(tau)
    ]
    swap = table["uniform_attention"]
    figures.append(Figure("without_attention", swap["rank_changed"], n=table["explanations"]))
    return Measured(tuple(figures))


def stable(subject: Subject) -> Job:
    """How much a map changes when its product's page changes in a way that means nothing."""
    check = CHECKS_BY_NAME["explanation.stability"]
    count = len(subject.shoppers(check))
    random = subject.random(check.name)
    found: dict[str, list[tuple[int, float, float]]] = {"text": [], "crop": [], "noise": []}
    with TemporaryDirectory() as folder:
        for done, (user, item) in enumerate(subject.pairs(check)):
            yield Progress("Changing pages slightly", done, count)
            before: Explanation = explain(subject.run, user, item, SHOWN)
            for kind, edit in _slight(subject.run, item, Path(folder), random):
                try:
                    other = yield from edited(subject.run, (edit,))
                except HeedmapError:
                    continue  # an encoder that is not here: no page can be read anew
                after: Explanation = explain(other, user, item, SHOWN)
                alike = likeness(before, after, "text" if kind == "text" else "image")
                if alike is not None:
                    moved = abs(np.log2(after.rank) - np.log2(before.rank))
                    found[kind].append((subject.run.user(user), alike, float(moved)))
    if not any(found.values()):
        raise NotRun(Note("no_encoder"))
    figures = []
    for kind, rows in found.items():
        if len(rows) > 1:
            users = np.array([row[0] for row in rows], np.int32)
            for name, at in (("alike", 1), ("rank_moved", 2)):
                one = interval(np.array([row[at] for row in rows]), users, seed=subject.plan.seed)
                figures.append(Figure(name, one.mean, one.low, one.high, len(rows), {"change": kind}))
    return Measured(tuple(figures))


def planted(subject: Subject) -> Job:
    """On a synthetic shop whose reasons are known: do maps point at them?"""
    check = CHECKS_BY_NAME["explanation.planted-truth"]
    if not subject.dataset.manifest.synthetic:
        raise NotRun(Note("no_truth"))
    try:
        table = yield from calibrate(
            subject.run, (SHOWN, "attention"), subject.plan.sample_of(check), subject.plan.seed, keep=False
        )
    except HeedmapError as error:
        raise NotRun(Note("no_truth")) from error
    figures = [
        Figure(name, one["mean"], one["low"], one["high"], int(one["of"]), {"method": method})
        for method in (SHOWN, "attention", RANDOM)
        for name, one in table["methods"].get(method, {}).items()
        if name in ("region_auc", "word_auc", "attributes")
    ]
    return Measured(tuple(figures))


def likeness(before: Explanation, after: Explanation, modality: str) -> float | None:
    """Spearman's correlation of the shares of one modality's parts in two maps of one product, None where fewer than
    five match: photo cells by where they are, words by what they say, since they may stand elsewhere now."""
    one, two = _parts(before, modality), _parts(after, modality)
    both = [part for part in one if part in two]
    left, right = np.array([one[part] for part in both]), np.array([two[part] for part in both])
    if len(both) < _MATCHED or np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    return float(scipy.stats.spearmanr(left, right).statistic)


def _parts(found: Explanation, modality: str) -> dict[object, float]:
    shares = found.share if len(found.share) else found.contribution
    parts: dict[object, float] = {}
    for token, share in zip(found.tokens, shares.tolist(), strict=True):
        if token.modality == modality:
            name = token.label.lower() if modality == "text" else tuple(round(edge, 3) for edge in token.box or ())
            parts[name] = parts.get(name, 0.0) + share
    return parts


def _slight(run: Recommender, item: str, folder: Path, random: np.random.Generator) -> list[tuple[str, ItemEdit]]:
    """Changes of a page that mean nothing: its sentences in another order, its photo cut a little, its photo grainy."""
    place, changes = run.item(item), []
    texts = [(one.field, other) for one in run.item_texts(place) if (other := rephrased(one.text, random)) != one.text]
    if texts and "text" in run.tokens.modalities:
        changes.append(("text", ItemEdit(item, texts=tuple(texts))))
    photo = run.texts.image[place]
    if photo and "image" in run.tokens.modalities:
        picture = open_photo(run.dataset.folder / photo)
        for name, changed in (("crop", _cropped(picture)), ("noise", _grainy(picture, random))):
            path = folder / f"{place}-{name}.png"
            changed.save(path)
            changes.append((name, ItemEdit(item, photo=str(path))))
    return changes


def rephrased(text: str, random: np.random.Generator) -> str:
    """The same sentences in another order; a single one with its first letter in the other case."""
    stops = {"。": "。", ".": ". "}
    mark = next((one for one in stops if text.count(one) > 1), "")
    if not mark:
        return text[:1].swapcase() + text[1:]
    parts = [part.strip() for part in text.split(mark) if part.strip()]
    order = random.permutation(len(parts))
    return (stops[mark].join(parts[place] for place in order) + mark).strip()


def _cropped(photo: Image.Image) -> Image.Image:
    width, height = photo.size
    edges = (round(_CROP * width), round(_CROP * height), round((1 - _CROP) * width), round((1 - _CROP) * height))
    return photo.convert("RGB").crop(edges)


def _grainy(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    pixels: NDArray[np.float64] = np.asarray(photo.convert("RGB"), np.float64)
    noisy = np.clip(pixels + random.normal(0, _NOISE, pixels.shape), 0, 255)
    return Image.fromarray(noisy.round().astype(np.uint8))


CHECKS = (
    Check(
        "explanation.faithfulness",
        faithful,
        (Threshold("z", at_least=CHANCE), Threshold("beats_random", at_least=0.95)),
        spread=0.5,
        cost=0.06,
    ),
    Check("explanation.completeness", complete, (Threshold("gap", at_most=GAP),), spread=0.5, cost=0.05),
    Check("explanation.methods", methods, spread=0.5, most=60, cost=3.0),
    Check("explanation.stability", stable, spread=0.5, most=80, cost=0.5),
    Check("explanation.planted-truth", planted, spread=0.5, most=100, cost=0.1),
)
CHECKS_BY_NAME = {one.name: one for one in CHECKS}
