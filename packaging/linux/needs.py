"""What a frozen folder needs of a Linux system: Debian packages with the versions that its files really ask for."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path

# The packages that hold the libraries which Qt opens by name while it runs, so that no file lists them.
OPENED_BY_NAME = {"libegl1": "OpenGL without X11, asked for when a window is made", "libgl1": "OpenGL"}
# Of use where they are there: a program on X11 does without Wayland's.
RECOMMENDED = (
    "libwayland-client0",
    "libwayland-cursor0",
    "libwayland-egl1",
    "libgl1-mesa-dri",
    "fonts-dejavu-core | fonts-liberation | fonts-noto-core",
    "shared-mime-info",
)
# Come with NVIDIA's driver, whatever its package is called; without them the CUDA flavour computes on the CPU.
OF_THE_DRIVER = {"libcuda.so.1", "libnvidia-ml.so.1"}
_NEEDED = re.compile(r"^\s+NEEDED\s+(\S+)$", re.MULTILINE)
_GLIBC = re.compile(r"\bGLIBC_(\d+)\.(\d+)\b")
_GLIBCXX = re.compile(r"\bGLIBCXX_3\.4\.(\d+)\b")
# Which Debian version of libstdc++6 first had a GLIBCXX_3.4.N.
_CXX = {28: "9", 29: "11", 30: "12", 31: "13", 32: "13", 33: "14"}


def elf_files(folder: Path) -> list[Path]:
    """The programs and libraries in a folder, in their order."""

    def is_elf(path: Path) -> bool:
        with path.open("rb") as file:
            return file.read(4) == b"\x7fELF"

    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink() and is_elf(path)]


def foreign_libraries(folder: Path) -> dict[str, list[str]]:
    """The libraries that files in the folder name and that are not in it: soname -> files that want it."""
    here = {path.name for path in folder.rglob("*")}
    wanted: dict[str, list[str]] = defaultdict(list)
    for path in elf_files(folder):
        headers = subprocess.run(["objdump", "-p", path], capture_output=True, text=True, check=True).stdout
        for soname in _NEEDED.findall(headers):
            if soname not in here:
                wanted[soname].append(path.relative_to(folder).as_posix())
    return dict(sorted(wanted.items()))


def newest_symbols(folder: Path) -> tuple[tuple[int, int], int]:
    """The newest version of glibc and of libstdc++ (3.4.N) whose functions are called."""
    glibc, cxx = (2, 17), 0
    for path in elf_files(folder):
        symbols = subprocess.run(["objdump", "-T", path], capture_output=True, text=True, check=True).stdout
        wanted = "\n".join(line for line in symbols.splitlines() if "*UND*" in line)
        glibc = max([glibc, *((int(major), int(minor)) for major, minor in _GLIBC.findall(wanted))])
        cxx = max([cxx, *(int(minor) for minor in _GLIBCXX.findall(wanted))])
    return glibc, cxx


def package_of(soname: str) -> str:
    """The Debian package that holds a library, on this machine."""
    known = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    place = next((line.split("=> ")[1] for line in known.splitlines() if line.strip().startswith(f"{soname} ")), "")
    if not place:
        raise SystemExit(f"No {soname} on this machine, which a bundled file needs: install it, or bundle it.")
    for one in (place, str(Path(place).resolve()), place.removeprefix("/usr"), "/usr" + place):
        found = subprocess.run(["dpkg", "-S", one], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    raise SystemExit(f"No Debian package holds {place}.")


def dependencies(folder: Path) -> list[str]:
    """The package's `Depends`, worked out from the files."""
    (major, minor), cxx = newest_symbols(folder)
    foreign = foreign_libraries(folder).keys() - OF_THE_DRIVER
    found = {package_of(soname) for soname in foreign} | set(OPENED_BY_NAME)
    versions = {"libc6": f" (>= {major}.{minor})"}
    if cxx:
        newest = next((_CXX[known] for known in sorted(_CXX) if known >= cxx), "14")
        versions["libstdc++6"] = f" (>= {newest})"
    # Debian and Ubuntu renamed some packages for 64-bit times; either name will do.
    renamed = {"libglib2.0-0": "libglib2.0-0t64 | libglib2.0-0", "libpng16-16": "libpng16-16t64 | libpng16-16"}
    return [renamed.get(name, name) + versions.get(name, "") for name in sorted(found - set(RECOMMENDED))]
