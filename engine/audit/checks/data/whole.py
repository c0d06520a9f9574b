"""Whether the files of the dataset are those that it was imported with, and that the run was trained on."""

from __future__ import annotations

from engine.audit.check import Check, Figure, Measured, Note, Threshold
from engine.audit.subject import Subject
from engine.jobs import Job, Progress


def whole(subject: Subject) -> Job:
    """Files of the dataset that are not as its manifest has them, and whether the run was trained on this dataset."""
    damaged: list[tuple[str, str]] = []
    names = subject.dataset.manifest.files
    for done, one in enumerate(subject.dataset.damaged()):
        damaged.append(one)
        yield Progress("Reading the dataset's files", done, len(names))
    trained_on = subject.run.card["dataset"]["fingerprint"]
    other = float(trained_on != subject.dataset.manifest.fingerprint)
    notes = tuple(Note("damaged", {"file": file, "reason": reason}) for file, reason in damaged[:10])
    return Measured(
        (Figure("damaged", float(len(damaged)), n=len(names)), Figure("other_dataset", other, n=1)),
        notes,
        tables={"damaged": {"file": [one for one, _ in damaged], "reason": [two for _, two in damaged]}},
    )


CHECK = Check("data.whole", whole, (Threshold("damaged", at_most=0), Threshold("other_dataset", at_most=0)))
