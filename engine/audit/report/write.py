"""Write the report of an audit into its folder: report.LANGUAGE.html and report.LANGUAGE.pdf."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.audit.check import WORST, Result
from engine.audit.plan import Plan
from engine.audit.report.appendix import appendix
from engine.audit.report.checks import verdict_sections
from engine.audit.report.content import Report
from engine.audit.report.documents import datasheet, model_card
from engine.audit.report.examples import cards_of
from engine.audit.report.front import summary
from engine.audit.report.html import html_of
from engine.audit.report.parameters import main_parameters
from engine.audit.report.words import Words
from engine.errors import HeedmapError
from engine.files import make_folder, read_json, write_bytes
from engine.jobs import Job, Progress
from engine.recommend import Recommender
from engine.run_card import run_card

STAGE = "Writing the report"


def write_report(
    out: Path, results: tuple[Result, ...], run: Recommender, plan: Plan, inputs: dict[str, Any], language: str
) -> Job:
    """Write both files and return why there is no PDF, "" where there is one.

    inputs: as `inputs_of` gives them. When the audit began is read from environment.json in `out`, where it is.
    HeedmapError names an unknown language or a full disk.
    """
    yield Progress(STAGE)
    report = yield from report_of(out, results, run, plan, inputs, language)
    make_folder(out)
    write_bytes(out / f"report.{language}.html", html_of(report).encode())
    yield Progress(STAGE, 1, 2)
    from engine.audit.report.pdf import pdf_of  # its library is large, and only this needs it

    why = ""
    try:
        write_bytes(out / f"report.{language}.pdf", pdf_of(report))
    except HeedmapError as error:
        why = str(error)
    yield Progress(STAGE, 2, 2, why)
    return why


def report_of(
    out: Path, results: tuple[Result, ...], run: Recommender, plan: Plan, inputs: dict[str, Any], language: str
) -> Job:
    """Return the Report."""
    words = Words(language)
    environment = read_json(out / "environment.json") if (out / "environment.json").is_file() else {}
    made = _time(environment.get("began", ""))
    written = words("date_utc", date=f"{made:%Y-%m-%d %H:%M}") if made else words("not_known")
    cards = yield from cards_of(results, run, words)
    card = run_card(run.folder)
    return Report(
        language=language,
        title=plan.title or words("title", run=inputs["run"]["name"]),
        subtitle=words("subtitle", run=inputs["run"]["name"], dataset=inputs["dataset"]["name"]),
        summary=summary(results, plan, inputs, words, written),
        contents=words("contents"),
        sections=(
            *verdict_sections(results, words, cards),
            main_parameters(results, words, cards),
            model_card(card, run, results, words),
            datasheet(run, words),
            appendix(results, plan, inputs, environment, words),
        ),
        head=words("head", version=str(inputs["heedmap"])),
        foot=words("foot", seed=plan.seed, date=written),
        made=made,
        verdicts={one: words.verdict(one) for one in WORST},
    )


def _time(began: str) -> datetime | None:
    try:
        return datetime.fromisoformat(began).astimezone(UTC)
    except ValueError:
        return None
