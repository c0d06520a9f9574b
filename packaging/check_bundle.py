"""Says whether a built folder may be passed on: licences, versions, no test tools, one OpenMP, no dead link.

    python packaging/check_bundle.py FOLDER --lock packaging/lock/linux-cpu.txt [--environment SITE_PACKAGES]

FOLDER is the frozen program's folder, or a site-packages folder. Prints one line for each problem; exit 1 when there is
one. The rules stand in policy.toml. Known vulnerabilities are not looked up: that needs a network, see README.md.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import inventory
import policy
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

_OPENMP = {"GNU": re.compile(r"^libgomp"), "Intel": re.compile(r"^libiomp"), "LLVM": re.compile(r"^libomp[-.]")}


def problems(folder: inventory.Inventory, lock: dict[str, str]) -> Iterator[str]:
    """Every reason not to pass the folder on. lock: {normalised name: version}, empty: not compared."""
    yield from _licences(folder)
    yield from _native_licences(folder)
    yield from _modules(folder)
    yield from _versions(folder, lock)
    yield from _test_tools(folder)
    yield from _openmp(folder)
    yield from _links(folder.folder)


def read_lock(path: Path) -> dict[str, str]:
    """{normalised name: version} of a lock file."""
    pins = re.findall(r"^([A-Za-z0-9._-]+?)===?(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


def _licences(folder: inventory.Inventory) -> Iterator[str]:
    for name, one in folder.distributions.items():
        expression = policy.licence(one)
        if not policy.allowed(expression, name):
            yield f"licence: {name} {one.version} is under {expression}"
        for part in policy.compiled_in(one):
            expression = policy.licence_of_component(part)
            # What a wheel lists as optional or without a licence is judged by the files that are really there.
            if part.get("scope") == "optional" or expression == policy.UNKNOWN:
                continue
            if not policy.allowed(expression, part["name"]):
                yield f"licence: {part['name']}, compiled into {name} {one.version}, is under {expression}"


def _native_licences(folder: inventory.Inventory) -> Iterator[str]:
    nvidia = any(name.startswith("nvidia-") for name in folder.distributions)
    for library in folder.libraries:
        known = policy.native(library.path.name)
        if known is None:
            if not library.owner:
                yield f"licence: {library.path} is of no package; say what it is in policy.toml, or leave it out"
        elif not policy.allowed(known.licence, known.component):
            yield f"licence: {library.path} is {known.component}, under {known.licence}"
        elif known.component == "nvidia" and not nvidia:
            yield f"licence: {library.path} is NVIDIA's, and this is not the CUDA flavour: leave it out"


def _modules(folder: inventory.Inventory) -> Iterator[str]:
    """Modules packed into the program that neither Python, nor Heedmap, nor any package brought."""
    # PyInstaller's own start-up modules may be passed on with any program (GPL-2.0-or-later WITH Bootloader-exception).
    own = re.compile(r"^(app|engine|resources|pyi_rth_|_pyi_rth_|pyimod|_sysconfigdata_|__mypyc|[0-9a-f]{20}__mypyc)")
    tops = {name.split(".")[0] for name in folder.packed_modules} - sys.stdlib_module_names - folder.owned_modules
    yield from (f"module {name} is of no package" for name in sorted(tops) if not own.match(name))


def _versions(folder: inventory.Inventory, lock: dict[str, str]) -> Iterator[str]:
    for name, one in folder.distributions.items():
        for bad in policy.table()["bad"]:
            ranges = [SpecifierSet(part.strip()) for part in bad.get("versions", ">=0").split(",")]
            if bad["package"] == name and any(part.contains(one.version, prereleases=True) for part in ranges):
                yield f"known bad: {name} {one.version}: {bad['why']}"
        if lock and name != "heedmap" and lock.get(name) != one.version:
            yield f"not as locked: {name} {one.version}; the lock has {lock.get(name, 'no such package')}"


def _test_tools(folder: inventory.Inventory) -> Iterator[str]:
    tools = policy.table()["tests_only"]["packages"]
    for name in folder.distributions:
        if name in tools:
            yield f"for tests or building only: {name}"


def _openmp(folder: inventory.Inventory) -> Iterator[str]:
    """Two makes of OpenMP in one process can deadlock or crash; copies of one make only start more threads."""
    found = {make for library in folder.libraries for make, name in _OPENMP.items() if name.match(library.path.name)}
    if len(found) > 1:
        yield f"OpenMP of {' and '.join(sorted(found))} in one program"


def _links(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() and not path.exists():
            yield f"a link that leads nowhere: {path.relative_to(folder).as_posix()}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Says whether a built folder may be passed on.")
    parser.add_argument("folder", type=Path, help="the frozen program's folder, or a site-packages folder")
    parser.add_argument("--lock", type=Path, help="the lock that its packages were installed from")
    parser.add_argument("--environment", type=Path, help="site-packages that a frozen folder was made from")
    options = parser.parse_args(arguments)
    folder = inventory.read(options.folder, options.environment)
    found = list(problems(folder, read_lock(options.lock) if options.lock else {}))
    for line in found:
        print(line)
    print(
        f"{len(folder.distributions)} packages and {len(folder.libraries)} native libraries looked at, "
        f"{len(found)} problem{'s' * (len(found) != 1)}. Known vulnerabilities were not looked up (no network)."
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
