"""Audits: measure a run by a plan, check a bundle again, compare two of them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.commands.options import add_moved, trained_run
from engine.commands.progress import run_job
from engine.errors import HeedmapError
from engine.given_path import BUNDLE

_SHOWN = 20  # faults that are printed


def add(parser: ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN")
    add_moved(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="a new folder, or one to go on with")
    parser.add_argument(
        "--plan", default="standard", metavar="F", help="quick, standard, full, or a TOML file; standard by default"
    )
    parser.add_argument(
        "--languages", default="en,zh_CN", metavar="A,B", help="of the reports: en, zh_CN; both by default"
    )
    parser.add_argument(
        "--zip", action="store_true", help="write BUNDLE.heedaudit too: the whole bundle as one file, a zip"
    )
    parser.add_argument("--key", type=Path, metavar="F", help="an Ed25519 key to sign with (PEM); yours by default")


def run(parsed: Namespace) -> Any:
    from engine.audit.bundle import zip_of
    from engine.audit.checks import CHECKS
    from engine.audit.plan import plan_of
    from engine.audit.run import audit
    from engine.audit.signing import Signature, auditor_key
    from engine.audit.summary import summary_text
    from engine.audit.texts import texts

    plan = plan_of(parsed.plan, CHECKS)
    key = auditor_key(parsed.key)
    languages = tuple(one.strip() for one in parsed.languages.split(",") if one.strip())
    for one in languages:
        texts(one)  # refuses an unknown one before hours of work
    results = run_job(audit(trained_run(parsed), plan, parsed.out, key, languages), parsed.json)
    if parsed.zip:
        zip_of(parsed.out, parsed.out.with_name(f"{parsed.out.name}{BUNDLE}"))
    if not parsed.json:
        signer = Signature(key.public_key().public_bytes_raw().hex(), "").fingerprint
        print(f"{summary_text(results)}\n\nThe bundle is {parsed.out}, signed with the key {signer}")
    return [one.to_json() for one in results]


def add_verify(parser: ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the folder, or its one file")
    parser.add_argument("--signer", default="", metavar="KEY", help="the key that must have signed, or its fingerprint")
    parser.add_argument(
        "--recompute", type=float, metavar="SHARE", help="measure this share of it again, such as 0.1; wants --run"
    )
    parser.add_argument("--run", type=Path, metavar="RUN", help="the run that was audited")
    add_moved(parser)
    parser.add_argument("--seed", type=int, metavar="S", help="draws what is measured again; by chance if left away")


def run_verify(parsed: Namespace) -> Any:
    """HeedmapError (exit code 2) where anything is not as it was signed, after all of it was printed."""
    from dataclasses import replace

    from engine.audit.bundle import open_bundle
    from engine.audit.summary import verified_text
    from engine.audit.verify import known_key, verify

    if parsed.recompute is not None and parsed.run is None:
        raise HeedmapError("Measuring again needs the run.", "Give --run RUN, and --dataset DATASET where it moved.")
    if parsed.run is not None and parsed.recompute is None:
        raise HeedmapError("--run says nothing by itself.", "Give --recompute 0.1 to measure a tenth of it again.")
    signer = known_key(parsed.signer) if parsed.signer else ""
    bundle = open_bundle(parsed.bundle)
    found = run_job(verify(bundle, signer), parsed.json)
    if parsed.recompute is not None and not found.faults:
        import secrets

        from engine.audit.recompute import recompute

        seed = secrets.randbelow(2**31) if parsed.seed is None else parsed.seed
        again, notes = run_job(recompute(bundle, trained_run(parsed), parsed.recompute, seed), parsed.json)
        found = replace(found, again=again, notes=notes, seed=seed)
    if not parsed.json:
        print(verified_text(found, _SHOWN))
        if not found.good:
            raise HeedmapError(f"{parsed.bundle} does not hold.", "Trust nothing in it that was not measured again.")
    return asdict(found) | {"good": found.good}


def add_compare(parser: ArgumentParser) -> None:
    parser.add_argument("before", type=Path, metavar="BEFORE", help="a bundle")
    parser.add_argument("after", type=Path, metavar="AFTER", help="a later one")


def run_compare(parsed: Namespace) -> Any:
    from engine.audit.bundle import open_bundle
    from engine.audit.difference import difference, difference_text
    from engine.audit.verify import results_of, verify

    both = [open_bundle(path) for path in (parsed.before, parsed.after)]
    for bundle in both:
        if faults := run_job(verify(bundle), parsed.json).faults:
            raise HeedmapError(
                f"{bundle.path} is not as it was signed: {faults[0].file or 'the zip'} {faults[0].what}.",
                "heedmap verify tells all; take a fresh copy of it.",
            )
    found = difference(results_of(both[0]), results_of(both[1]))
    if not parsed.json:
        print(difference_text(found))
    return found.to_json()
