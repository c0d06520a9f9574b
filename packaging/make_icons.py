"""Renders the icons of the program and of its two kinds of document for a system, from the same SVG files.

python packaging/make_icons.py hicolor|ico|icns OUT

Small sizes have drawings of their own, whose edges lie on whole pixels. Needs PySide6 and Pillow, which Heedmap needs.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PIL import Image
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

HERE = Path(__file__).resolve().parent
LINUX = (16, 24, 32, 48, 64, 128, 256, 512)
WINDOWS = (16, 20, 24, 32, 40, 48, 64, 128, 256)
MACOS = (16, 32, 64, 128, 256, 512, 1024)
MACOS_MARGIN = 0.08  # of each side: a rounded tile of macOS is 824 of 1024 points, and ours has a margin of its own
NAMES = {  # in the icon theme of a Linux desktop, and as a file of the other systems
    "heedmap": ("apps", "heedmap"),
    "workspace": ("mimetypes", "application-vnd.heedmap.workspace+json"),
    "audit": ("mimetypes", "application-vnd.heedmap.audit+zip"),
}


def drawing(name: str, size: int) -> Path:
    """The SVG for a size in pixels: up to 32 one made for it, for half of it or for 16, else the large one."""
    for small in (size, size // 2, 16):
        fitted = HERE / "icons" / f"{name}-{small}.svg"
        if fitted.is_file() and size <= 32:
            return fitted
    large = HERE / "icons" / f"{name}.svg"
    return large if large.is_file() else HERE.parent / "resources" / "icons" / f"{name}.svg"


def render(name: str, size: int, margin: float = 0.0) -> bytes:
    """The icon as a PNG of size x size pixels; margin: the share of it left free on each side."""
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    free = round(size * margin)
    QSvgRenderer(str(drawing(name, size))).render(painter, QRectF(free, free, size - 2 * free, size - 2 * free))
    painter.end()
    held = QByteArray()
    buffer = QBuffer(held)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stub knows no format for a device
    return bytes(held.data())


def hicolor(out: Path) -> None:
    """OUT/16x16/apps/heedmap.png and so on, and the drawings themselves under OUT/scalable."""
    for name, (folder, file) in NAMES.items():
        for size in LINUX:
            place = out / f"{size}x{size}" / folder / f"{file}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(render(name, size))
        place = out / "scalable" / folder / f"{file}.svg"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(drawing(name, 512), place)


def ico(out: Path) -> None:
    """OUT/heedmap.ico, workspace.ico and audit.ico, each with every size that Windows asks for."""
    for name in NAMES:
        images = [Image.open(io.BytesIO(render(name, size))) for size in WINDOWS]
        sizes = [image.size for image in images]
        images[-1].save(out / f"{name}.ico", sizes=sizes, append_images=images[:-1])


def icns(out: Path) -> None:
    """OUT/heedmap.icns, workspace.icns and audit.icns."""
    for name in NAMES:
        margin = MACOS_MARGIN if name == "heedmap" else 0.0
        images = [Image.open(io.BytesIO(render(name, size, margin if size > 32 else 0.0))) for size in MACOS]
        images[-1].save(out / f"{name}.icns", append_images=images[:-1])


KINDS: dict[str, Callable[[Path], None]] = {"hicolor": hicolor, "ico": ico, "icns": icns}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("out", type=Path, metavar="OUT")
    parsed = parser.parse_args()
    parsed.out.mkdir(parents=True, exist_ok=True)
    application = QGuiApplication([])  # what painting needs
    KINDS[parsed.kind](parsed.out)
    del application
    return 0


if __name__ == "__main__":
    sys.exit(main())
