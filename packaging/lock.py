"""Writes packaging/lock/*.txt: for each flavour the exact packages it bundles and the SHA-256 of each one's file.

    python packaging/lock.py [FLAVOUR...]        on Linux, with Python 3.11

Versions come from pyproject.toml and packaging/constraints.txt; pip says which file it would take and its hash, and
fetches nothing but metadata. A lock is installed with

    python -m pip install --require-hashes --no-deps --only-binary :all: -r packaging/lock/linux-cpu.txt
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "packaging" / "lock"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
PYTHON = (3, 11)
EXTRAS = ("baselines",)


@dataclass(frozen=True)
class Flavour:
    """One system that an installer is built for."""

    title: str
    markers: dict[str, str] = field(default_factory=dict)
    """What the target's Python says of itself; empty: as this one."""
    platform: str = ""
    """pip's name of the target; empty: this machine."""
    torch: str = ""
    """The build of torch, as a version that nothing else matches."""
    note: str = ""


FLAVOURS = {
    "linux-cpu": Flavour(
        "Linux, x86-64, without a GPU (the default flavour)",
        torch="=={version}+cpu",
        note="torch is its CPU build (+cpu), which the package index does not have: pip must be shown a place with\n"
        "it, with its find-links or extra-index-url. The index's own torch is the CUDA build, see linux-cuda.txt.",
    ),
    "linux-cuda": Flavour(
        "Linux, x86-64, with an NVIDIA GPU",
        torch="==={version}",
        note="torch is the index's own build, for CUDA; the nvidia, cuda and triton packages are what it asks for.\n"
        "`===` keeps pip from taking a CPU build of the same version.",
    ),
    "windows": Flavour(
        "Windows, x86-64",
        {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"},
        "win_amd64",
        "==={version}",
    ),
    "macos": Flavour(
        "macOS 14 or later, Apple silicon",
        {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
        "macosx_14_0_arm64",
        "==={version}",
    ),
}
BUILDERS = {
    "build" if name == "linux-cpu" else f"build-{name}": replace(
        flavour, title=f"what freezes and packs it on {flavour.title.split(',')[0]} (never bundled)", torch="", note=""
    )
    for name, flavour in FLAVOURS.items()
    if name != "linux-cuda"
}


@dataclass(frozen=True)
class Pin:
    name: str
    version: str
    sha256: str
    requires: tuple[str, ...]
    """The package's own needs, as its metadata writes them."""


class NotFound(Exception):
    """pip finds no file of this package for the target."""


def constraints() -> dict[str, str]:
    """{normalised name: version} of constraints.txt."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def run_time_needs() -> list[str]:
    """What pyproject.toml asks for to run, with the extras that are bundled."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(need for name in EXTRAS for need in project["optional-dependencies"][name])]


def encoders() -> list[str]:
    """The packages of the two default encoders, which packaging/setup.sh installs without their own needs."""
    text = (ROOT / "packaging" / "setup.sh").read_text(encoding="utf-8")
    return re.findall(r"^ENCODERS=\((.*)\)$", text, re.MULTILINE)[0].split()


def ask_pip(needs: Iterable[str], platform: str = "", resolve: bool = False) -> list[Pin]:
    """The file that pip would take for each of `needs` (`resolve`: and for all that they need in turn).

    Raises NotFound(name).
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "--no-input", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--only-binary", ":all:", "--report", str(report), "--constraint", str(CONSTRAINTS)]
        if not resolve:
            command.append("--no-deps")
        if platform:
            command += ["--platform", platform, "--python-version", "{}.{}".format(*PYTHON), "--target", folder]
        done = subprocess.run([*command, *needs], capture_output=True, text=True, check=False)
        if done.returncode:
            missing = re.search(r"No matching distribution found for (\S+)", done.stderr)
            raise NotFound(Requirement(missing[1]).name) if missing else SystemExit(done.stderr)
        answer = json.loads(report.read_text(encoding="utf-8"))
    return [
        Pin(
            entry["metadata"]["name"],
            entry["metadata"]["version"],
            entry["download_info"]["archive_info"]["hashes"]["sha256"],
            tuple(entry["metadata"].get("requires_dist", ())),
        )
        for entry in answer["install"]
    ]


def pins_here(roots: list[str], alone: list[str]) -> list[Pin]:
    """For this machine's own system pip does all the work; `alone` come without what they need."""
    return [*ask_pip(roots, resolve=True), *(ask_pip(alone) if alone else ())]


def pins_elsewhere(roots: list[str], alone: list[str], flavour: Flavour) -> tuple[list[Pin], list[str]]:
    """For another system: pip judges needs by the system it runs on, so they are followed here, one round at a time.

    Returns the pins and the packages that have no file there. Raises SystemExit when a pin does not suit a need.
    """
    pins: dict[str, Pin] = {}
    missing: list[str] = []
    seen: set[str] = set()
    waiting = [Requirement(root) for root in roots]
    bare = {canonicalize_name(name): name for name in alone}
    while waiting or bare:
        wanted = bare | {canonicalize_name(need.name): f"{need.name}{need.specifier}" for need in waiting}
        wanted = {name: need for name, need in wanted.items() if name not in pins and name not in missing}
        while wanted:
            try:
                pins |= {canonicalize_name(pin.name): pin for pin in ask_pip(wanted.values(), flavour.platform)}
                break
            except NotFound as reason:
                gone = canonicalize_name(str(reason))
                missing.append(gone)
                del wanted[gone]
        bare, found = {}, [need for need in waiting if canonicalize_name(need.name) in pins]
        for need in found:
            if need.specifier.contains(pins[canonicalize_name(need.name)].version, prereleases=True):
                continue
            raise SystemExit(f"{pins[canonicalize_name(need.name)].version} of {need.name} does not suit {need}.")
        seen |= {str(need) for need in waiting}
        own = [(Requirement(text), need) for need in found for text in pins[canonicalize_name(need.name)].requires]
        waiting = [new for new, need in own if applies(new, need.extras, flavour) and str(new) not in seen]
    return list(pins.values()), missing


def applies(need: Requirement, extras: Iterable[str], flavour: Flavour) -> bool:
    """Whether a package that was asked for with `extras` has this need on the flavour's system."""
    if need.marker is None:
        return True
    return any(need.marker.evaluate({**flavour.markers, "extra": extra}) for extra in ("", *extras))


def text_of(name: str, flavour: Flavour, pins: Iterable[Pin], missing: list[str]) -> str:
    lines = [
        f"# Heedmap: {flavour.title}, Python {PYTHON[0]}.{PYTHON[1]}.",
        "# Written by packaging/lock.py, not by hand. Installed with",
        f"#   python -m pip install --require-hashes --no-deps --only-binary :all: -r packaging/lock/{name}.txt",
        *(f"# {line}" for line in flavour.note.splitlines()),
    ]
    if missing:
        lines.append(f"# Without a file for this system, so not in this flavour: {', '.join(sorted(missing))}.")
    for pin in sorted(pins, key=lambda pin: canonicalize_name(pin.name)):
        equals = "===" if pin.name == "torch" and flavour.torch.startswith("===") else "=="
        lines += [f"{pin.name}{equals}{pin.version} \\", f"    --hash=sha256:{pin.sha256}"]
    return "\n".join(lines) + "\n"


def write(name: str) -> None:
    if name in BUILDERS:
        flavour, alone = BUILDERS[name], []
        lines = (LOCKS / "build.in").read_text(encoding="utf-8").splitlines()
        roots = [line for line in lines if line and not line.startswith("#")]
    else:
        flavour, alone = FLAVOURS[name], encoders()
        build = "torch" + flavour.torch.format(version=constraints()["torch"])
        roots = [build if Requirement(need).name == "torch" else need for need in run_time_needs()]
    missing: list[str] = []
    if flavour.platform:
        pins, missing = pins_elsewhere(roots, alone, flavour)
    else:
        pins = pins_here(roots, alone)
    path = LOCKS / f"{name}.txt"
    path.write_text(text_of(name, flavour, pins, missing), encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(pins)} packages" + (f"; without {', '.join(missing)}" if missing else ""))


def main(names: list[str]) -> None:
    if sys.platform != "linux" or sys.version_info[:2] != PYTHON:
        raise SystemExit("Run this on Linux with Python {}.{}: pip names the files of its own Python.".format(*PYTHON))
    known = [*FLAVOURS, *BUILDERS]
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"No such lock: {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    for name in names or known:
        write(name)


if __name__ == "__main__":
    main(sys.argv[1:])
