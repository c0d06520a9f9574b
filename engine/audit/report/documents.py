"""A model card (Mitchell et al. 2019) and a datasheet (Gebru et al. 2021), filled from what the files say.

What no file tells is said to be not known: a person has to fill it in, and this report does not guess.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from engine.audit.check import Result
from engine.audit.report.content import Facts, Paragraph, Section
from engine.audit.report.words import Words
from engine.recommend import Recommender
from engine.run_card import RunCard

Rows = tuple[tuple[str, str], ...]
_METRICS = ("ndcg@10", "recall@10")


def model_card(card: RunCard, run: Recommender, results: tuple[Result, ...], words: Words) -> Section:
    """The nine sections of a model card."""
    parts: dict[str, Callable[[], Rows]] = {
        "details": lambda: _details(card, run, words),
        "use": lambda: _said(words, "use", use_domain=_domain(run, words), use_users=None, use_outside=None),
        "factors": lambda: _factors(run, words),
        "metrics": lambda: _said(
            words, "metrics", metrics_measures=words("metrics_ndcg"), metrics_intervals=words("bootstrap")
        ),
        "evaluation": lambda: _evaluation(card, run, words),
        "training": lambda: _training(card, run, words),
        "analyses": lambda: _analyses(card, words),
        "ethics": lambda: _ethics(run, results, words),
        "caveats": lambda: _caveats(run, results, words),
    }
    sections = tuple(
        Section(f"model-card-{name}", words(f"card_{name}"), (Facts(rows()),)) for name, rows in parts.items()
    )
    return Section("model-card", words("section_card"), (Paragraph(words("card_intro"), "muted"),), sections, page=True)


def datasheet(run: Recommender, words: Words) -> Section:
    """The seven sections of a datasheet."""
    parts: dict[str, Callable[[], Rows]] = {
        "motivation": lambda: _said(words, "sheet", sheet_purpose=None, sheet_creator=run.dataset.manifest.source),
        "composition": lambda: _composition(run, words),
        "collection": lambda: _collection(run, words),
        "preprocessing": lambda: _preprocessing(run, words),
        "uses": lambda: _said(
            words, "sheet", sheet_used=words("sheet_used_said", run=run.folder.name), sheet_unfit=None
        ),
        "distribution": lambda: _said(words, "sheet", sheet_licence=run.dataset.manifest.licence or None),
        "maintenance": lambda: _said(
            words, "sheet", sheet_maintainer=None, sheet_print=run.dataset.manifest.fingerprint[:16]
        ),
    }
    sections = tuple(
        Section(f"datasheet-{name}", words(f"sheet_{name}"), (Facts(rows()),)) for name, rows in parts.items()
    )
    return Section("datasheet", words("section_sheet"), (Paragraph(words("sheet_intro"), "muted"),), sections)


def _said(words: Words, prefix: str, **facts: str | None) -> Rows:
    """Labels of facts, and the facts; None is not known."""
    return tuple((words(f"fact_{key}"), value or words("not_known")) for key, value in facts.items())


def _domain(run: Recommender, words: Words) -> str:
    domain = run.dataset.manifest.domain
    return words("use_domain_said", domain=words.value("domain", domain))


def _details(card: RunCard, run: Recommender, words: Words) -> Rows:
    settings = card.settings
    encoders = words("join").join(
        words("encoder_said", name=one["name"], licence=one.get("licence", words("not_known")))
        for one in run.card["encoders"].values()
    )
    return _said(
        words,
        "details",
        details_name=run.folder.name,
        details_kind=words("details_kind_said", fusion=str(settings["fusion"]), blocks=str(settings["blocks"])),
        details_size=words.number(run.card["parameters"]) if "parameters" in run.card else None,
        details_encoders=encoders or words("none"),
        details_training=words(
            "details_training_said",
            objective=str(settings["objective"]),
            epoch=run.card["epoch"],
            seed=str(settings["seed"]),
        ),
        details_state=words.value("state", str(run.card["state"])),
        details_people=None,
        details_licence=None,
    )


def _factors(run: Recommender, words: Words) -> Rows:
    names = [
        row[0]
        for row in run.dataset.rows(
            "SELECT DISTINCT one.name FROM (SELECT unnest(attributes) AS one FROM users) ORDER BY 1"
        )
    ]
    reads = [words.names("parts").get(one, one) for one in run.model.shape.tower.features]
    return _said(
        words,
        "factors",
        factors_profile=words("join").join(words.value("by", str(one)) for one in names) or words("no_profile"),
        factors_reads=words("join").join(reads) or words("none"),
    )


def _evaluation(card: RunCard, run: Recommender, words: Words) -> Rows:
    targets = card.metrics.get("test targets")
    return _said(
        words,
        "evaluation",
        evaluation_set=words("split_temporal" if run.config.split == "temporal" else "split_last"),
        evaluation_targets=words.number(targets) if targets else None,
    )


def _training(card: RunCard, run: Recommender, words: Words) -> Rows:
    return _said(
        words,
        "training",
        training_set=run.dataset.manifest.name,
        training_events=words.number(int(run.parts.train.sum())),
        training_print=run.card["dataset"]["fingerprint"][:16],
    )


def _analyses(card: RunCard, words: Words) -> Rows:
    rows = [(words("fact_analyses_audit"), words("analyses_audit_said"))]
    for split in ("test", "validation"):
        for metric in _METRICS:
            ours, other = card.metrics.get(f"{split} {metric}"), card.metrics.get(f"popularity {split} {metric}")
            if ours is not None:
                told = words.number(ours)
                if other is not None:
                    told = words("beside_popularity", ours=told, popularity=words.number(other))
                rows.append(
                    (words("metric_on", metric=metric.replace("ndcg", "NDCG"), split=words(f"on_{split}")), told)
                )
    return tuple(rows)


def _ethics(run: Recommender, results: tuple[Result, ...], words: Words) -> Rows:
    counted = {
        family: sum(one.verdict in ("fail", "unsure") for one in results if one.family == family)
        for family in ("shoppers", "sellers", "privacy")
    }
    judged = {one.family for one in results if one.verdict != "not run"}
    return tuple(
        (words.family(family), words("open_checks", n=count) if family in judged else words("not_audited"))
        for family, count in counted.items()
    )


def _caveats(run: Recommender, results: tuple[Result, ...], words: Words) -> Rows:
    skipped = [words.check(one.check, "title") for one in results if one.verdict == "not run"]
    made_up = words("caveat_synthetic") if run.dataset.manifest.synthetic else words("caveat_real")
    untrained = [one["name"] for one in run.card["encoders"].values() if one.get("pretrained") == "no"]
    return _said(
        words,
        "caveats",
        caveats_data=made_up,
        caveats_untrained=words("join").join(untrained) or words("none"),
        caveats_not_run=words("join").join(skipped) or words("none"),
        caveats_recommendations=None,
    )


def _composition(run: Recommender, words: Words) -> Rows:
    manifest, kinds = run.dataset.manifest, words.names("counts")
    # Shoppers by their events: the table of users may be empty where nothing is told of them.
    held = {**manifest.counts, "users": max(manifest.counts.get("users", 0), len(run.data.users))}
    counts = words("join").join(
        words("count_said", n=words.number(count), kind=kinds.get(name, name))
        for name, count in held.items()
        if name != "problems"
    )
    no_photo = sum(not one for one in run.texts.images)
    missing = run.dataset.rows(
        "SELECT count(*) FILTER (WHERE coalesce(trim(description), '') = ''), count(*) FILTER (WHERE price IS NULL)"
        " FROM items"
    )[0]
    return _said(
        words,
        "sheet",
        sheet_counts=counts,
        sheet_synthetic=words("yes_synthetic") if manifest.synthetic else words("no_synthetic"),
        sheet_gaps=words(
            "gaps_said", photo=words.number(no_photo), text=words.number(missing[0]), price=words.number(missing[1])
        ),
        sheet_people=words("people_said"),
    )


def _collection(run: Recommender, words: Words) -> Rows:
    manifest = run.dataset.manifest
    span = None
    if manifest.time_range:
        first, last = (datetime.fromisoformat(one).astimezone(UTC).date().isoformat() for one in manifest.time_range)
        span = words("interval", low=first, high=last)
    return _said(words, "sheet", sheet_source=manifest.source or None, sheet_span=span, sheet_consent=None)


def _preprocessing(run: Recommender, words: Words) -> Rows:
    manifest = run.dataset.manifest
    rejected = manifest.counts.get("problems", 0)
    return _said(
        words,
        "sheet",
        sheet_rejected=words("rejected_said", n=words.number(rejected)) if rejected else words("rejected_none"),
        sheet_notes=" ".join(manifest.notes) or words("none"),
    )
