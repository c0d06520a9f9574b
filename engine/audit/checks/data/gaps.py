"""What is missing from the data, and what is in it twice."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from engine.audit.check import Check, Figure, Measured, Note, Threshold
from engine.audit.subject import Subject
from engine.dataset.browse import Browser
from engine.dataset.health import missing
from engine.dataset.store import Dataset
from engine.dataset.tables import Duplicates, Missing
from engine.jobs import Job, Progress

DAY = 86_400_000
_TABLES = ("items", "users", "events", "reviews", "links")


def gaps(subject: Subject) -> Job:
    """Shares of products that lack something, of rows that were refused or stand twice, and stretches of silence."""
    with closing(Browser(Dataset.open(subject.dataset.folder))) as browser:  # it sets up its connection as it needs
        found: Missing = yield from missing(browser)
    counts, products = subject.dataset.manifest.counts, max(found.products, 1)
    gone = next((gap.count for gap in found.gaps if gap.what == "photo file"), 0)
    yield Progress("Counting rows that stand twice", 0, 1)
    figures = [
        Figure("unread", *_share(_unread(subject), products)),
        Figure("photo_files", float(gone), n=found.products),
        Figure("refused", *_share(counts["problems"], sum(counts[name] for name in _TABLES) + counts["problems"])),
        Figure("repeated_events", *_share(_repeated(subject), counts["events"])),
        *(Figure("lack", *_share(gap.count, products), of={"what": gap.what}) for gap in found.gaps),
    ]
    yield Progress("Looking for stretches without an event", 0, 1)
    silence, notes = _silence(subject)
    alike: Duplicates = yield from subject.duplicates()
    doubled = {item for group in alike.groups for item, _, _ in group.photos}
    figures += [*silence, Figure("alike", *_share(len(doubled), products))]
    table: dict[str, list[object]] = {
        "what": [gap.what for gap in found.gaps],
        "products": [gap.count for gap in found.gaps],
    }
    return Measured(tuple(figures), notes, tables={"lack": table})


def _share(count: int, of: int) -> tuple[float, None, None, int]:
    """Value, no interval as it is counted, and n, for a Figure."""
    return count / max(of, 1), None, None, of


def _unread(subject: Subject) -> int:
    """Products of which the run reads nothing at all but their number."""
    catalogue = subject.run.catalogue
    starts = (
        catalogue.text_start,
        catalogue.image_start,
        catalogue.audio_start,
        catalogue.attribute.start,
        catalogue.link.start,
    )
    read = np.zeros(len(catalogue.items), bool)
    for start in starts:
        read |= np.diff(start) > 0
    return int((~read).sum())


def _repeated(subject: Subject) -> int:
    """Events that stand more than once: same shopper, product, moment and kind."""
    ((count,),) = subject.dataset.rows(
        'SELECT coalesce(sum(times - 1), 0) FROM (SELECT count(*) AS times FROM events GROUP BY "user", item, time, '
        "kind)"
    )
    return int(count)


def _silence(subject: Subject) -> tuple[list[Figure], tuple[Note, ...]]:
    """The longest stretch without an event, in days and in multiples of the usual one; and days without any."""
    times = np.array([row[0] for row in subject.dataset.rows("SELECT epoch_ms(time) FROM events ORDER BY time")])
    if len(times) < 2:
        return [], ()
    pauses = np.diff(times)
    longest = int(pauses.argmax())
    days = np.unique(times // DAY)
    every = int(days[-1] - days[0] + 1)
    begin, end = (str(np.datetime64(int(times[longest + one]), "ms"))[:10] for one in (0, 1))
    figures = [
        Figure("longest_pause", float(pauses[longest]) / DAY, n=len(times)),
        Figure("silent_days", 1 - len(days) / every, n=every),
    ]
    return figures, (Note("pause", {"begin": begin, "end": end}),)


CHECK = Check(
    "data.gaps",
    gaps,
    (
        Threshold("unread", at_most=0.05),
        Threshold("photo_files", at_most=0),
        Threshold("refused", at_most=0.01),
        Threshold("repeated_events", at_most=0.01),
    ),
    cost=10.0,
)
