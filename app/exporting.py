"""A view as a file or on the clipboard: PNG at twice the size, SVG, PDF, a self-contained web page, its numbers.

Drawing happens on the Qt thread, as widgets demand; packing and writing are for another.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from xml.etree import ElementTree

from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QCoreApplication,
    QDateTime,
    QIODevice,
    QLocale,
    QMarginsF,
    QMimeData,
    QPoint,
    QRectF,
    Qt,
)
from PySide6.QtGui import QColor, QImage, QPageLayout, QPageSize, QPainter, QPdfWriter, QRegion
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from app.i18n import joined
from app.theme import ui_font
from app.views.view import Numbers
from engine.versions import program_version

RATIO = 2.0  # pixels of a picture for each of the screen
_DPI = 96.0  # what a pixel of the screen is on paper
_OPEN_ROWS = 40  # a longer table is folded in a web page
_SVG = "http://www.w3.org/2000/svg"
_ALL = QWidget.RenderFlag.DrawWindowBackground | QWidget.RenderFlag.DrawChildren
_ALONE = QWidget.RenderFlag(0)  # without children
_GREY, _INK = QColor("#6b7686"), QColor("#1c2430")

Columns = Mapping[str, Sequence[Any]]


def tr(text: str) -> str:
    return QCoreApplication.translate("Exporting", text)


@dataclass(frozen=True)
class About:
    """What an export shows, for whoever finds it later; "" for what there is not."""

    title: str
    dataset: str = ""
    run: str = ""
    shopper: str = ""
    product: str = ""
    method: str = ""
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Names and values, in the user's language."""
        found = [
            (tr("Product"), self.product),
            (tr("Shopper"), self.shopper),
            (tr("Method"), self.method),
            (tr("Run"), self.run),
            (tr("Dataset"), self.dataset),
            (tr("Date"), QLocale().toString(QDateTime.currentDateTime(), QLocale.FormatType.ShortFormat)),
            (tr("Made with"), f"Heedmap {program_version()}"),
            *((tr("Note"), note) for note in self.notes),
        ]
        return [(name, value) for name, value in found if value]

    @property
    def line(self) -> str:
        """The same on one line, without the notes."""
        return joined([value for name, value in self.facts if name != tr("Note")])


def picture(view: QWidget, ratio: float = RATIO) -> QImage:
    """The view as it stands, at `ratio` times its size."""
    image = QImage(view.size() * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(view.palette().window().color())
    painter = QPainter(image)
    try:
        QWidget.render(view, painter, QPoint(), QRegion(), _ALL)
    finally:
        painter.end()
    return image


def svg(view: QWidget, about: About) -> bytes:
    """The view as a drawing; its text stays text. Every widget is a group of its own, cut to its place."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    width, height = str(view.width()), str(view.height())
    root = ElementTree.Element(
        f"{{{_SVG}}}svg", {"width": width, "height": height, "viewBox": f"0 0 {width} {height}", "version": "1.1"}
    )
    ElementTree.SubElement(root, f"{{{_SVG}}}title").text = about.title
    ElementTree.SubElement(root, f"{{{_SVG}}}desc").text = about.line
    ground = {"width": width, "height": height, "fill": view.palette().window().color().name()}
    clips = ElementTree.SubElement(root, f"{{{_SVG}}}defs")
    ElementTree.SubElement(root, f"{{{_SVG}}}rect", ground)
    _group(view, root, clips)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _group(widget: QWidget, into: ElementTree.Element, clips: ElementTree.Element) -> None:
    """Qt's drawing knows no clipping, so that each widget is drawn by itself and cut by its group."""
    name = f"w{len(clips)}"
    clip = ElementTree.SubElement(clips, f"{{{_SVG}}}clipPath", {"id": name})
    size = {"width": str(widget.width()), "height": str(widget.height())}
    ElementTree.SubElement(clip, f"{{{_SVG}}}rect", size)
    group = ElementTree.SubElement(into, f"{{{_SVG}}}g", {"clip-path": f"url(#{name})"})
    if into.tag.endswith("}g"):  # in its parent's place
        group.set("transform", f"translate({widget.x()} {widget.y()})")
    for part in _drawn(widget):
        for one in part.iter():  # what is named has a name of its own in the whole drawing
            for key, value in one.attrib.items():
                if key == "id":
                    one.set(key, f"{name}-{value}")
                elif "#" in value and (value.startswith("url(#") or key.endswith("href")):
                    one.set(key, value.replace("#", f"#{name}-", 1))
        group.append(part)
    for child in _children(widget):
        _group(child, group, clips)


def _drawn(widget: QWidget) -> list[ElementTree.Element]:
    """What a widget draws itself, without its children."""
    held = QBuffer()
    held.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(held)
    generator.setResolution(round(_DPI))
    generator.setSize(widget.size())
    generator.setViewBox(widget.rect())
    painter = QPainter(generator)
    try:
        QWidget.render(widget, painter, QPoint(), QRegion(), _ALONE)  # a plot has a `render` of another kind
    finally:  # what is still painted on cannot be taken away
        painter.end()
    root = ElementTree.fromstring(held.data().data())
    parts = [part for part in root if part.tag in (f"{{{_SVG}}}defs", f"{{{_SVG}}}g")]
    return [part for part in parts if len(part)]


def _children(widget: QWidget) -> list[QWidget]:
    """The widgets seen inside another, the lowest first."""
    found = (one for one in widget.children() if isinstance(one, QWidget))
    return [one for one in found if not one.isWindow() and one.isVisibleTo(widget) and not one.size().isEmpty()]


def pdf(view: QWidget, about: About) -> bytes:
    """The view as vectors on one page of paper, upright or across as it is itself, with its title and facts."""
    held = QBuffer()
    held.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(held)
    writer.setTitle(about.title)
    writer.setCreator(f"Heedmap {program_version()}")
    writer.setResolution(1200)
    metric = QLocale.system().measurementSystem() != QLocale.MeasurementSystem.ImperialUSSystem  # paper of the country
    across = QPageLayout.Orientation.Landscape if view.width() > view.height() else QPageLayout.Orientation.Portrait
    page = QPageSize(QPageSize.PageSizeId.A4 if metric else QPageSize.PageSizeId.Letter)
    writer.setPageLayout(QPageLayout(page, across, QMarginsF(12, 12, 12, 12), QPageLayout.Unit.Millimeter))
    painter = QPainter(writer)
    unit = writer.resolution() / _DPI  # of the device in a pixel of the screen
    painter.scale(unit, unit)
    room = QRectF(0, 0, writer.width() / unit, writer.height() / unit)
    painter.setFont(ui_font(16, ui_font().Weight.DemiBold))
    painter.setPen(_INK)
    title = QRectF(0, 0, room.width(), 24)
    painter.drawText(
        title, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, _cut(painter, about.title, room)
    )
    painter.setFont(ui_font(10))
    painter.setPen(_GREY)
    foot = QRectF(0, room.bottom() - 16, room.width(), 16)
    painter.drawText(foot, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, _cut(painter, about.line, room))
    free = QRectF(0, title.bottom() + 8, room.width(), foot.top() - title.bottom() - 16)
    scale = min(free.width() / view.width(), free.height() / view.height())
    painter.translate(free.left() + (free.width() - view.width() * scale) / 2, free.top())
    painter.scale(scale, scale)
    painter.fillRect(view.rect(), view.palette().window().color())
    try:
        _paint(view, painter)
    finally:
        painter.end()
    return bytes(held.data().data())


def _paint(widget: QWidget, painter: QPainter) -> None:
    """A page knows no clipping of child by parent either."""
    painter.save()
    painter.setClipRect(QRectF(widget.rect()), Qt.ClipOperation.IntersectClip)
    QWidget.render(widget, painter, QPoint(), QRegion(), _ALONE)  # a plot has a `render` of another kind
    for child in _children(widget):
        painter.save()
        painter.translate(child.pos())
        _paint(child, painter)
        painter.restore()
    painter.restore()


def _cut(painter: QPainter, text: str, room: QRectF) -> str:
    return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))


def png(image: QImage) -> bytes:
    """Safe in any thread."""
    held = QBuffer()
    held.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(held, "PNG")  # type: ignore[call-overload]  # the stub knows no format for a device
    return bytes(held.data().data())


def table_csv(columns: Columns) -> bytes:
    """Comma-separated with a heading, lines end as RFC 4180 asks. The text begins with the mark by which Excel knows
    UTF-8; without it, Chinese and accents would be garbled there."""
    return b"\xef\xbb\xbf" + _separated(columns, ",", "\r\n").encode()


def table_tsv(columns: Columns) -> str:
    """Tab-separated, as spreadsheets take it from the clipboard."""
    return _separated(columns, "\t", "\n")


def _separated(columns: Columns, comma: str, end: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=comma, lineterminator=end)
    writer.writerow(columns)
    writer.writerows(zip(*(_plain(values) for values in columns.values()), strict=True))
    return out.getvalue()


def _plain(values: Sequence[Any]) -> list[Any]:
    return ["" if value is None else value.item() if hasattr(value, "item") else value for value in values]


def page(image: QImage, tables: Numbers, about: About) -> bytes:
    """One file that needs nothing else: the picture, the facts, the tables. Safe in any thread."""
    language = QLocale().bcp47Name()
    uri = base64.b64encode(png(image)).decode()
    width = round(image.width() / image.devicePixelRatio())
    facts = "".join(f"<dt>{escape(name)}<dd>{escape(value)}" for name, value in about.facts)
    body = "".join(_table(name, columns) for name, columns in tables.items())
    return (
        f"<!doctype html>\n<html lang={language}><meta charset=utf-8><title>{escape(about.title)} - Heedmap</title>\n"
        "<meta name=viewport content='width=device-width,initial-scale=1'>\n<style>"
        "body{font:14px/1.5 system-ui,'Segoe UI','Noto Sans','PingFang SC','Microsoft YaHei',sans-serif;color:#1c2430;"
        f"background:#fff;max-width:{max(width, 640)}px;margin:32px auto;padding:0 16px}}"
        "h1{font-size:22px;margin:0 0 12px}h2,summary{font-size:15px;font-weight:600;margin:24px 0 8px}"
        "summary{cursor:pointer}img{max-width:100%;height:auto;border:1px solid #e2e5ea;border-radius:8px}"
        "dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:0 0 16px}dt{color:#6b7686}"
        "dd{margin:0;white-space:pre-wrap}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
        "th,td{text-align:left;padding:3px 16px 3px 0;border-bottom:1px solid #e2e5ea;vertical-align:top}"
        "th{color:#6b7686;font-weight:600}td.n,th.n{text-align:right}.wide{overflow-x:auto}</style>\n"
        f"<main><h1>{escape(about.title)}</h1><dl>{facts}</dl>\n"
        f"<img width={width} alt='{escape(about.title)}' src='data:image/png;base64,{uri}'>\n{body}\n</main></html>\n"
    ).encode()


def _table(name: str, columns: Columns) -> str:
    plain = {key: _plain(values) for key, values in columns.items()}
    numeric = {
        key: any(isinstance(value, float | int) for value in values)
        and all(isinstance(value, float | int) or value == "" for value in values)
        for key, values in plain.items()
    }
    head = "".join(f"<th{' class=n' if numeric[key] else ''}>{escape(key)}" for key in plain)
    rows = [
        "<tr>"
        + "".join(
            f"<td class=n>{_figure(value)}" if numeric[key] else f"<td>{escape(str(value))}"
            for key, value in zip(plain, row, strict=True)
        )
        for row in zip(*plain.values(), strict=True)
    ]
    folded = "" if len(rows) <= _OPEN_ROWS else f"<details><summary>{escape(name)} ({len(rows):,})</summary>"
    title = "" if folded else f"<h2>{escape(name)}</h2>"
    table = f"{title}<div class=wide><table><tr>{head}\n{chr(10).join(rows)}</table></div>"
    return f"{folded}{table}</details>" if folded else table


def _figure(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def clip_picture(image: QImage) -> QMimeData:
    """A picture for the clipboard."""
    data = QMimeData()
    data.setImageData(image)
    return data


def clip_tables(tables: Numbers) -> QMimeData:
    """Tables for the clipboard: tab-separated text, each under its name where there are several."""
    data = QMimeData()
    several = len(tables) > 1
    parts = [(f"{name}\n" if several else "") + table_tsv(columns) for name, columns in tables.items()]
    data.setText("\n".join(parts))
    html = "".join(_table(name, columns) for name, columns in tables.items())
    data.setData("text/html", QByteArray(f"<meta charset=utf-8>{html}".encode()))
    return data
