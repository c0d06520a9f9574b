"""Fonts of the PDF: those of packages beside this one, else the system's."""

from __future__ import annotations

import importlib.util
from pathlib import Path

# Package -> the folder of its fonts inside it. Source Sans 3 sets Latin letters, Noto Sans CJK all others.
_PACKAGES = {"fontpkg_source_sans_3": "files", "manimgx_fonts_cjk": ""}
LATIN = ("Source Sans 3", "Noto Sans", "Segoe UI", "Helvetica Neue", "DejaVu Sans")
CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
)


def packaged() -> list[Path]:
    """Folders of fonts that are installed with Heedmap. Nothing of the packages is run."""
    found = []
    for name, inside in _PACKAGES.items():
        spec = importlib.util.find_spec(name)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            folder = Path(place) / inside if inside else Path(place)
            if folder.is_dir():
                found.append(folder)
    return found


def families(known: list[str], language: str) -> list[str] | None:
    """The fonts to set a report in, first choice first; None where none of them has Chinese letters and the report is
    Chinese."""
    there = set(known)
    chinese = [one for one in CHINESE if one in there]
    if language.startswith("zh") and not chinese:
        return None
    latin = [one for one in LATIN if one in there] or ["Libertinus Serif"]  # the last is inside the typesetter
    return [latin[0], *chinese[:1]]
