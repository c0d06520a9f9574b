"""Where the data and the encoders come from, under which terms, and how much there is."""

from __future__ import annotations

from engine.audit.check import Check, Figure, Measured, Note, Threshold
from engine.audit.subject import Subject
from engine.jobs import Job, Progress

_UNKNOWN = ("", "unknown", "not stated", "none", "n/a", "?")


def lineage(subject: Subject) -> Job:
    """Counts, origin and licence of the dataset; what read it, and its licence."""
    yield Progress("Reading where the data comes from", 0, 1)
    manifest = subject.dataset.manifest
    encoders = subject.run.card["encoders"]
    figures = [
        Figure("no_licence", float(unknown(manifest.licence)), n=1),
        Figure("no_source", float(unknown(manifest.source)), n=1),
        Figure("encoders_without_licence", float(sum(unknown(one.get("licence")) for one in encoders.values()))),
        Figure("untrained_encoders", float(sum(one.get("pretrained") == "no" for one in encoders.values()))),
        *(Figure("rows", float(count), n=count, of={"table": name}) for name, count in manifest.counts.items()),
    ]
    notes = [
        Note("source", {"name": manifest.name, "source": manifest.source or "?"}),
        Note("licence", {"licence": manifest.licence or "?"}),
        Note("fingerprint", {"fingerprint": manifest.fingerprint}),
    ]
    if manifest.time_range:
        notes.append(Note("times", {"first": manifest.time_range[0][:10], "last": manifest.time_range[1][:10]}))
    if manifest.synthetic:
        notes.append(Note("synthetic"))
    notes += [
        Note("encoder", {"modality": name, "encoder": one["name"], "licence": one.get("licence") or "?"})
        for name, one in sorted(encoders.items())
    ]
    notes += [Note("told", {"note": one}) for one in manifest.notes]
    table = {
        "file": list(manifest.files),
        "sha256": list(manifest.files.values()),
    }
    return Measured(tuple(figures), tuple(notes), tables={"files": table})


def unknown(said: str | None) -> bool:
    """Whether a licence or a source says nothing."""
    return (said or "").strip().lower() in _UNKNOWN


CHECK = Check(
    "data.lineage",
    lineage,
    (
        Threshold("no_licence", at_most=0),
        Threshold("no_source", at_most=0),
        Threshold("encoders_without_licence", at_most=0),
        Threshold("untrained_encoders", at_most=0),
    ),
)
