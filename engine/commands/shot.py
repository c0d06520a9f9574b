"""Draw the explorer to a PNG file, without a screen."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from engine.commands.options import add_method, add_pair
from engine.errors import HeedmapError


def add(parser: ArgumentParser) -> None:
    add_pair(parser)
    add_method(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="F.png")
    parser.add_argument("--theme", choices=("light", "dark", "contrast"), default="light")
    parser.add_argument("--language", choices=("en", "zh_CN"), default="en")
    parser.add_argument("--view", default="explore", metavar="V", help="a view of the window, such as train")
    parser.add_argument("--size", default="1600x1000", metavar="WxH")


def run(parsed: Namespace) -> Any:
    return draw(parsed, parsed.theme, parsed.language, parsed.size, parsed.view)


def draw(
    parsed: Namespace, theme: str = "light", language: str = "en", size: str = "1600x1000", view: str = "explore"
) -> dict[str, str]:
    """Draw the window to `parsed.out`. HeedmapError without the window's package, and for a size that is none."""
    if parsed.shot is None:
        raise HeedmapError("Pictures of the window need its packages.", "Install heedmap with PySide6.")
    width, cross, height = size.partition("x")
    if not (cross and width.isdigit() and height.isdigit()):
        raise HeedmapError(f"--size {size} is not a size.", "Write it as 1600x1000.")
    parsed.shot(
        parsed.run.resolve(),
        parsed.out,
        theme=theme,
        language=language,
        user=parsed.user,
        item=parsed.item,
        method=parsed.method,
        size=(int(width), int(height)),
        view=view,
    )
    if not parsed.json:
        print(f"Written to {parsed.out}")
    return {"picture": str(parsed.out)}
