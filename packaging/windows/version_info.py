"""Writes what Windows shows of heedmap.exe under Properties > Details, in the form that PyInstaller reads.

    python packaging/windows/version_info.py OUT

UNTESTED on Windows; see packaging/README.md.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FORM = """\
VSVersionInfo(
  ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3f, flags=0x0, OS=0x40004, fileType=0x1,
                    subtype=0x0, date=(0, 0)),
  kids=[
    StringFileInfo([StringTable('040904B0', [
      StringStruct('CompanyName', 'The Heedmap authors'),
      StringStruct('FileDescription', 'Heedmap'),
      StringStruct('FileVersion', {version!r}),
      StringStruct('InternalName', 'heedmap'),
      StringStruct('LegalCopyright', 'The Heedmap authors. Apache License 2.0.'),
      StringStruct('OriginalFilename', 'heedmap.exe'),
      StringStruct('ProductName', 'Heedmap'),
      StringStruct('ProductVersion', {version!r}),
    ])]),
    VarFileInfo([VarStruct('Translation', [1033, 1200])]),
  ],
)
"""


def version_info(version: str) -> str:
    """version: such as 0.1.0 or 1.2.0rc1; Windows' own four numbers take the leading ones."""
    found = [int(number) for number in re.findall(r"\d+", version.partition("+")[0].split("rc")[0])]
    numbers = tuple([*found, 0, 0, 0, 0][:4])
    return FORM.format(numbers=numbers, version=version)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT")
    out = parser.parse_args().out
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(version_info(str(project["version"])), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
