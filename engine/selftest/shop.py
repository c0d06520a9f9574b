"""Steps of the self-test that go the way of a user: a sample, a run, an explanation, a page, an audit."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from engine.jobs import Job, Progress
from engine.selftest.found import Found
from engine.selftest.libraries import wrong

if TYPE_CHECKING:
    from engine.desk import Desk
    from engine.explain.types import Explanation
    from engine.training.trainer import Trainer

ITEMS, SHOPPERS, SEED = 160, 240, 7
DATASET, RUN = Path("datasets") / "sample", Path("runs") / "selftest"  # in the workspace
EPOCHS = 16  # of which a minute has time for most
ATTENDING = 2  # epochs that train attention
ATTENDING_COSTS = 4.0  # times an epoch before
GAP = 1e-4  # of max(1, |score|): how far the sum of an explanation may be from the score
EXPLAINED = 8  # shoppers, one product each
AUDITED = ("data.whole", "data.lineage", "explanation.completeness")


def draw(folder: Path) -> Job:
    """Draw the sample; return Found."""
    from engine.dataset.sample import sample
    from engine.dataset.store import Dataset

    yield from sample(folder / DATASET, ITEMS, SHOPPERS, SEED)
    opened = Dataset.open(folder / DATASET)
    counts = opened.manifest.counts
    opened.close()
    names = {"products": counts["items"], "shoppers": counts["users"], "events": counts["events"]}
    return Found("{products:,} products, {shoppers:,} shoppers, {events:,} events", names)


def training(folder: Path, seconds: float) -> Job:
    """Train a run for about `seconds`; return Found."""
    from engine.files import read_json
    from engine.training.config import Config
    from engine.training.loop import train

    trainers: list[Trainer] = []
    most = max(ATTENDING + 2, round(EPOCHS * seconds / 60))
    config = Config(epochs=most, attention_epochs=ATTENDING, refit=1, patience=most)
    began = time.monotonic()
    job = train(folder / DATASET, folder / RUN, config, teach=trainers.append)
    try:
        while True:
            try:
                step: Progress = next(job)
            except StopIteration:
                break
            if step.stage == "Epoch done":
                _end_in_time(trainers[0], step.data["seconds"], began + seconds)
            yield step
    finally:
        job.close()
    card, rows = read_json(folder / RUN / "run.json"), read_json(folder / RUN / "history.json")
    losses = [row["loss"] for row in rows]
    if not all(math.isfinite(loss) for loss in losses) or not losses[-1] < losses[0]:
        raise wrong(f"The training does not learn: its loss was {losses[0]:.3f}, and is {losses[-1]:.3f}.")
    values = {
        "epochs": len(rows),
        "seconds": time.monotonic() - began,
        "ndcg": card["metrics"]["test ndcg@10"],
        "popularity": card["metrics"]["popularity test ndcg@10"],
    }
    return Found("{epochs} epochs, NDCG@10 {ndcg:.3f} on test (popularity {popularity:.3f})", values)


def _end_in_time(trainer: Trainer, epoch: float, until: float) -> None:
    """Go on to attention, the last part, when there is time for nothing else. epoch: seconds of the last one."""
    ahead = (ATTENDING + 1) * ATTENDING_COSTS * epoch  # and the pass over all events
    if not trainer.attends and time.monotonic() + ahead + epoch > until:
        trainer.config = replace(trainer.config, epochs=trainer.epoch + ATTENDING)


def explanations(desk: Desk, folder: Path) -> Job:
    """Explain the first product of some shoppers; each must add up to its score and have a grade. Return Found."""
    run = str(folder / RUN)
    summary = yield from desk.open_run(run)
    users = summary.shoppers.user[:EXPLAINED]
    best = []
    for user in users:
        best.append((yield from desk.rank(run, user, 1)).items[0].item)
    yield from desk.explain(run, users[0], best[0])  # what is loaded once
    began, worst, grades = time.monotonic(), 0.0, ""
    for user, item in zip(users, best, strict=True):
        found: Explanation = yield from desk.explain(run, user, item)
        total = float(found.contribution.sum()) + found.bias
        worst = max(worst, abs(total - found.score) / max(1.0, abs(found.score)))
        if found.faithfulness is None:
            raise wrong(f"The explanation of {item} for {user} has no grade.")
        grades += found.faithfulness.grade
    if worst > GAP:
        raise wrong(f"An explanation misses its score by {worst:.1e}; {GAP:.0e} is allowed.")
    rate = len(users) / (time.monotonic() - began)
    values = {"count": len(users), "gap": worst, "rate": rate, "grades": "".join(sorted(grades))}
    return Found("{count} explained, {rate:.0f}/s with grades ({grades}), sum within {gap:.0e} of the score", values)


class _Tags(HTMLParser):
    """Counts a page's tags and keeps what it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count += 1
        self.outside += [str(value) for _, value in attrs if value and value.startswith(("http:", "https:", "//"))]


def page_tags(page: str) -> int:
    """How many tags an HTML page has. HeedmapError where it is empty or would fetch something."""
    tags = _Tags()
    tags.feed(page)
    outside = [one for one in tags.outside if not one.startswith("http://www.w3.org/")]
    if tags.count < 20 or outside:
        raise wrong(f"A page has {tags.count} tags and needs {outside[:1] or 'nothing'} from elsewhere.")
    return tags.count


def export(desk: Desk, folder: Path) -> Job:
    """Write an explanation as a page, a figure and a table, and read them again; return Found."""
    from engine.dataset.store import Dataset
    from engine.explain.export import export as written

    run = str(folder / RUN)
    summary = yield from desk.open_run(run)
    user = summary.shoppers.user[0]
    item = (yield from desk.rank(run, user, 1)).items[0].item
    found: Explanation = yield from desk.explain(run, user, item)
    opened = Dataset.open(folder / DATASET)
    out = {suffix: folder / f"explanation{suffix}" for suffix in (".html", ".svg", ".csv")}
    for path in out.values():
        written(found, opened, path)
    opened.close()
    tags = page_tags(out[".html"].read_text(encoding="utf-8"))
    ElementTree.parse(out[".svg"])
    rows = len(out[".csv"].read_text(encoding="utf-8").splitlines())
    if rows != len(found.tokens) + 2:
        raise wrong(f"A table of {len(found.tokens)} parts has {rows} rows.")
    size = sum(path.stat().st_size for path in out.values()) / 1024
    return Found("HTML ({tags} tags), SVG and CSV, {size:.0f} KB", {"tags": tags, "size": size})


def audit(desk: Desk, folder: Path) -> Job:
    """Make a small signed bundle with its reports, verify it, and open the reports; return Found."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from engine.audit.bundle import open_bundle
    from engine.audit.plan import preset
    from engine.audit.run import audit as audited
    from engine.audit.verify import verify

    plan = replace(preset("quick"), title="Self-test", only=AUDITED)
    out = folder / "audits" / "selftest"
    recommender = yield from desk.at_hand.inside(str(folder / RUN))
    results = yield from audited(recommender, plan, out, Ed25519PrivateKey.generate())
    verified = yield from verify(open_bundle(out))
    if not verified.good:
        raise wrong(f"A bundle that was just signed does not hold: {verified.faults[0].what}.")
    pages = 0
    for language in ("en", "zh_CN"):
        page_tags((out / f"report.{language}.html").read_text(encoding="utf-8"))
        pages += pdf_pages(out / f"report.{language}.pdf")
    values = {"checks": len(results), "files": verified.files, "pages": pages}
    return Found("{checks} checks, signature and {files} files verified, reports of {pages} pages as PDF", values)


def pdf_pages(path: Path) -> int:
    """How many pages a PDF says it has. HeedmapError where it is missing or cut off."""
    content = path.read_bytes() if path.is_file() else b""
    counts = [int(one) for one in re.findall(rb"/Type\s*/Pages\b[^>]*?/Count\s+(\d+)", content)]
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-32:] or not counts:
        raise wrong(f"{path.name} was not written, or is not a whole PDF.")
    return max(counts)
