"""What a differentially private training promised, where there was one."""

from __future__ import annotations

from engine.audit.check import Check, Figure, Measured, Note
from engine.audit.subject import Subject
from engine.jobs import Job, Progress


def budget(subject: Subject) -> Job:
    """Whether the training was differentially private. No setting of a run is: that is told, and nothing is asked."""
    yield Progress("Reading the settings", 0, 1)
    return Measured((Figure("private", 0.0, n=1),), (Note("not_used", {"run": subject.run.folder.name}),))


CHECK = Check("privacy.budget", budget)
