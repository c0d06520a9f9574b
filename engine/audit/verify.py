"""Check a bundle again: its signature and every hash. No model is needed, and none is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.audit.bundle import MANIFEST, SIGNATURE, Bundle
from engine.audit.check import FAMILIES, Result
from engine.audit.signing import Signature, fingerprint
from engine.errors import HeedmapError
from engine.files import sha256
from engine.jobs import Job, Progress
from engine.versions import refuse_newer


@dataclass(frozen=True)
class Fault:
    """What is not as it was signed. file: its path in the bundle."""

    file: str
    what: str


@dataclass(frozen=True)
class Again:
    """A figure that was measured again. None where one of the two is missing."""

    check: str
    name: str
    of: Mapping[str, str]
    was: float | None
    now: float | None
    agrees: bool


@dataclass(frozen=True)
class Verified:
    """What verification found. signer: the fingerprint of the key, "" where no signature holds; files: hashed;
    again: figures that were measured again; notes: what a reader must know, as keys of the
    audit's texts (`told` of `common`)."""

    faults: tuple[Fault, ...]
    signer: str
    files: int
    made: str
    again: tuple[Again, ...] = ()
    notes: tuple[str, ...] = ()
    seed: int | None = field(default=None)

    @property
    def good(self) -> bool:
        return not self.faults and all(one.agrees for one in self.again)


def verify(bundle: Bundle, signer: str = "") -> Job:
    """Return Verified. signer: the key or fingerprint that must have signed, if it is known.

    HeedmapError for a bundle without a signature, with several, or without a list of its files; NewerError.
    """
    names = bundle.names()
    if extra := [name for name in names if name != SIGNATURE and _like_signature(name)]:
        raise HeedmapError(
            f"{bundle.path} is signed more than once ({SIGNATURE}, {', '.join(extra)}).",
            "A bundle has one signature. Ask for the one that the auditor made.",
        )
    if SIGNATURE not in names:
        raise HeedmapError(
            f"{bundle.path} is not signed: {SIGNATURE} is missing.", "Ask for the bundle as the audit wrote it."
        )
    if MANIFEST not in names:
        raise HeedmapError(f"{bundle.path} does not list its files: {MANIFEST} is missing.", "Take a fresh copy of it.")
    listed, read = bundle.read(MANIFEST), bundle.read(SIGNATURE)
    _refuse_two(bundle, read)
    faults, by = _signed(listed, read, signer)
    if not faults:
        refuse_newer_audit(bundle)
    files, made = _listed(listed)
    for done, (name, about) in enumerate(sorted(files.items())):
        yield Progress("Hashing the bundle", done, len(files))
        if name not in names:
            faults.append(Fault(name, "is missing"))
            continue
        content = bundle.read(name)
        if len(content) != about.get("bytes"):
            faults.append(Fault(name, f"has {len(content):,} bytes instead of {about.get('bytes'):,}"))
        elif sha256(content) != about.get("sha256"):
            faults.append(Fault(name, "was changed"))
    faults += [Fault(name, "was added") for name in names if name not in files and name not in (MANIFEST, SIGNATURE)]
    if not faults:  # a changed file changes the container too; then the file is what must be named
        faults += [Fault("", what) for what in bundle.structure()]
    return Verified(tuple(faults), by, len(files), made)


def _like_signature(name: str) -> bool:
    return "/" not in name and name.startswith("signature") and not name.endswith(".schema.json")


def _refuse_two(bundle: Bundle, content: bytes) -> None:
    try:
        read = json.loads(content)
    except ValueError:
        return
    if isinstance(read, list) or (isinstance(read, dict) and "signatures" in read):
        raise HeedmapError(
            f"{SIGNATURE} in {bundle.path} holds more than one signature.",
            "A bundle has one signature. Ask for the one that the auditor made.",
        )


def _signed(listed: bytes, read: bytes, signer: str) -> tuple[list[Fault], str]:
    signature = Signature.from_bytes(read)
    if signature is None:
        return [Fault(SIGNATURE, "was changed")], ""
    if not signature.holds(listed):
        return [Fault(MANIFEST, f"is not what was signed, or {SIGNATURE} was changed")], ""
    wanted = signer.replace(" ", "").lower()
    if wanted and wanted not in (signature.key, signature.fingerprint.replace(" ", "")):
        return [Fault(SIGNATURE, f"is by another key: {signature.fingerprint}")], signature.fingerprint
    return [], signature.fingerprint


def _listed(content: bytes) -> tuple[dict[str, dict[str, Any]], str]:
    """The files that bundle.json lists; none where it cannot be read, which its signature has told already."""
    try:
        read = json.loads(content)
        files = {str(name): dict(about) for name, about in read["files"].items()}
        return files, str(read["made"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}, ""


def refuse_newer_audit(bundle: Bundle) -> None:
    """NewerError where a bundle is of a version that this program does not know; what is damaged is told elsewhere."""
    try:
        listed = read_inside(bundle, MANIFEST)
    except HeedmapError:
        return
    if isinstance(listed, dict) and isinstance(listed.get("version"), int):
        refuse_newer("audit", listed, bundle.path)


def results_of(bundle: Bundle) -> tuple[Result, ...]:
    """All results that a bundle holds, family by family. NewerError."""
    refuse_newer_audit(bundle)
    found = [Result.from_json(read_inside(bundle, name)) for name in bundle.names() if name.startswith("results/")]
    order = {name: place for place, name in enumerate(FAMILIES)}
    return tuple(sorted(found, key=lambda one: (order.get(one.family, len(order)), one.check)))


def read_inside(bundle: Bundle, name: str) -> Any:
    """A JSON file of a bundle. HeedmapError where it is missing or damaged."""
    try:
        return json.loads(bundle.read(name))
    except (ValueError, KeyError) as error:
        raise HeedmapError(f"{name} in {bundle.path} is missing or damaged.", "Take a fresh copy of it.") from error


def known_key(text: str) -> str:
    """A key or a fingerprint as it is compared; HeedmapError where it is neither."""
    plain = text.replace(" ", "").lower()
    if len(plain) not in (32, 64) or any(digit not in "0123456789abcdef" for digit in plain):
        raise HeedmapError(
            f"{text!r} is no key.", "Give the 64 digits of the public key, or the 32 of its fingerprint."
        )
    return fingerprint(plain).replace(" ", "") if len(plain) == 64 else plain
