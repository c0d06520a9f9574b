"""What a built folder holds: Python distributions, native libraries and where each comes from.

Reads the frozen folder (`heedmap/` with `_internal/`) or a virtual environment's site-packages. A frozen folder says
little about its packages, so the environment that it was frozen from is read beside it.
"""

import importlib
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

import policy
from packaging.utils import canonicalize_name

_NATIVE = re.compile(r"\.(so(\.[0-9][0-9.]*)?|dylib|pyd|dll)$", re.IGNORECASE)
_SYSTEM = ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib", "/usr/local/lib", "/lib64")


@dataclass(frozen=True)
class DebianPackage:
    name: str
    version: str
    copyright: Path


@dataclass(frozen=True)
class SystemPackage:
    """A package of the build machine's system, with its libraries in the folder."""

    name: str
    version: str
    licence: str
    copyright: Path | None
    """The text that Debian has on it; None where the library is of no Debian package."""
    libraries: "tuple[Library, ...]"


@dataclass(frozen=True)
class Library:
    """A native library in the folder."""

    path: Path
    """Below the folder of packages."""
    owner: str
    """Normalised name of the distribution it came with; "python" for Python's own; empty: of the system."""


@dataclass(frozen=True)
class Inventory:
    folder: Path
    environment: Path

    @cached_property
    def packages_folder(self) -> Path:
        inner = self.folder / "_internal"
        return inner if inner.is_dir() else self.folder

    @property
    def frozen(self) -> bool:
        return (self.folder / "_internal").is_dir()

    @cached_property
    def installed(self) -> dict[str, metadata.Distribution]:
        """{normalised name: distribution} of the environment that the folder was made from."""
        return _distributions(self.environment if self.frozen else self.folder)

    @cached_property
    def distributions(self) -> dict[str, metadata.Distribution]:
        """{normalised name: distribution} of those that are in the folder, by name."""
        if not self.frozen:
            return self.installed
        found = {self._owner_of_top[module] for module in self.modules if module in self._owner_of_top}
        found |= {self._owner_of_file[file] for file in self._packed_files if file in self._owner_of_file}
        found |= {library.owner for library in self.libraries} & self.installed.keys()
        found |= _distributions(self.packages_folder).keys()
        unknown = found - self.installed.keys()
        if unknown:
            raise SystemExit(f"In the folder, but not in {self.environment}: {', '.join(sorted(unknown))}.")
        return {name: self.installed[name] for name in sorted(found)}

    @cached_property
    def _owner_of_top(self) -> dict[str, str]:
        """{top-level module or folder: normalised name of the one distribution that brought it}"""
        return {top: next(iter(owners)) for top, owners in self._owners_of_top.items() if len(owners) == 1}

    @cached_property
    def _owners_of_top(self) -> dict[str, set[str]]:
        """The same with all of them: a namespace ("nvidia") is shared by many distributions."""
        owners: dict[str, set[str]] = {}
        for file, name in self._owner_of_file.items():
            top, *inner = file.split("/")
            owners.setdefault(top if inner else top.split(".")[0], set()).add(name)
        return owners

    @cached_property
    def _owner_of_file(self) -> dict[str, str]:
        """{path below the folder of packages: normalised name of the distribution}"""
        return {
            file.as_posix(): name for name, distribution in self.installed.items() for file in distribution.files or ()
        }

    @property
    def _packed_files(self) -> Iterator[str]:
        """Where the modules that are packed into the program may have come from."""
        for module in self.packed_modules:
            place = module.replace(".", "/")
            yield from (f"{place}.py", f"{place}/__init__.py")

    @property
    def owned_modules(self) -> set[str]:
        """Top-level names that some distribution of the environment brought."""
        return set(self._owners_of_top)

    @cached_property
    def modules(self) -> set[str]:
        """Top-level names of modules and packages in the folder, with those packed into the program itself."""
        names = {path.name.split(".")[0] for path in self.packages_folder.iterdir() if not path.name.endswith("-info")}
        return names | {name.split(".")[0] for name in self.packed_modules}

    @cached_property
    def packed_modules(self) -> set[str]:
        """Full names of the modules packed into the frozen programs."""
        if not self.frozen:
            return set()
        readers = importlib.import_module("PyInstaller.archive.readers")
        names: set[str] = set()
        for program in self.folder.iterdir():
            if not program.is_file():
                continue
            try:
                archive = readers.CArchiveReader(str(program))
            except readers.NotAnArchiveError:
                continue
            for entry in archive.toc:
                if entry.endswith(".pyz"):
                    names |= set(archive.open_embedded_archive(entry).toc)
        if not names:
            raise SystemExit(f"No frozen program in {self.folder}.")
        return names

    @cached_property
    def libraries(self) -> list[Library]:
        """Every native library, sorted by place; links to another one are left out."""
        found = []
        for path in sorted(self.packages_folder.rglob("*")):
            if not _NATIVE.search(path.name) or path.is_symlink() or not path.is_file():
                continue
            place = path.relative_to(self.packages_folder)
            owner = self._owner_of_file.get(place.as_posix(), "")
            if not owner and _came_with_python(place):
                owner = "python"
            if not owner and len(place.parts) > 1:
                owner = self._owner_of_top.get(place.parts[0], "")
            found.append(Library(place, owner))
        return found

    @cached_property
    def system(self) -> list[SystemPackage]:
        """Where the libraries come from that came with no Python package, sorted by name."""
        found: dict[str, SystemPackage] = {}
        for library in self.libraries:
            if library.owner:
                continue
            file = library.path.name
            known, package = policy.native(file), debian_package(file)
            name = package.name if package else known.component if known else file
            before = found[name].libraries if name in found else ()
            found[name] = SystemPackage(
                name,
                package.version if package else "",
                known.licence if known else policy.UNKNOWN,
                package.copyright if package else None,
                (*before, library),
            )
        return [found[name] for name in sorted(found)]


def read(folder: Path, environment: Path | None = None) -> Inventory:
    """`environment`: site-packages that a frozen folder was made from; without it, those of the running Python."""
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not a folder.")
    return Inventory(folder, environment or Path(sysconfig.get_path("purelib")))


def _came_with_python(place: Path) -> bool:
    if "lib-dynload" in place.parts or place.name.startswith(("libpython3", "python3")):
        return True
    system: str = sys.platform
    if system == "linux" or len(place.parts) > 1:
        return False
    # Python for Windows and macOS brings OpenSSL, SQLite and so on itself, and their texts in its LICENSE.txt.
    base = Path(sys.base_prefix)
    return any((base / folder / place.name).exists() for folder in ("", "DLLs", "lib"))


def debian_package(library: str) -> DebianPackage | None:
    """The Debian package that has this library on the machine that builds, or None where it has none."""
    for folder in _SYSTEM:
        path = Path(folder, library)
        if not path.exists():
            continue
        for candidate in _names_of(path):
            owner = _ask("dpkg-query", "--search", candidate)
            if not owner:
                continue
            name = owner.split(":")[0]
            version = _ask("dpkg-query", "--show", "--showformat=${Version}", name)
            return DebianPackage(name, version, Path("/usr/share/doc", name, "copyright"))
    return None


def _names_of(path: Path) -> Iterator[str]:
    """dpkg knows /lib/x as /usr/lib/x or the other way round, and links by their targets."""
    for one in (path, path.resolve()):
        yield str(one)
        yield str(one).removeprefix("/usr") if str(one).startswith("/usr") else f"/usr{one}"


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _distributions(folder: Path) -> dict[str, metadata.Distribution]:
    found = metadata.distributions(path=[str(folder)])
    named = {canonicalize_name(one.metadata["Name"]): one for one in found}
    return dict(sorted(named.items()))
