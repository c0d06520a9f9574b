"""What may be dragged onto the window: data, a workspace, a run, a photo, a scenario; and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QBuffer,
    QCoreApplication,
    QEvent,
    QIODevice,
    QMimeData,
    QObject,
    QPoint,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QFont,
    QImage,
    QImageReader,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from app.disk_thread import DiskThread
from app.fault_text import fault_text
from app.opening import open_path
from app.read_only import told
from app.theme import ThemeSource, faded, icon, ui_font
from engine import scenario_files
from engine.errors import HeedmapError
from engine.files import is_read_only, read_json, sha256, write_bytes
from engine.given_path import WORKSPACE, ZIPS
from engine.scenario import Scenario
from engine.workspace import is_workspace, workspace_of

if TYPE_CHECKING:
    from app.window import Window

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"})
DATA = frozenset({".csv", ".tsv", ".json", ".jsonl", ".parquet", ".gz", ".inter", ".item", ".user", ".toml", ".dat"})
_LARGEST_SCENARIO = 1_000_000  # bytes: a larger file is data


def tr(text: str) -> str:
    return QCoreApplication.translate("Dropping", text)


@dataclass(frozen=True)
class Offer:
    """What letting go would do; without `act` it is refused, and `text` says why. on: the widget it would change."""

    text: str
    act: Callable[[], None] | None = None
    on: QWidget | None = None
    icon: str = "import"


class Drops(QObject):
    """Follows what is dragged over a window, shows what would become of it, and does it."""

    _kept = Signal(str, object, str)  # product, path of its photo, name of the file
    _read = Signal(object, str)  # Scenario, name of its file
    _failed = Signal(str, str)

    def __init__(self, window: Window) -> None:
        super().__init__(window.frame)
        self._window = window
        self.layer = Layer(window.themes, window.frame)
        self._offer: Offer | None = None
        self._disk = DiskThread()
        self._kept.connect(self._change_photo)
        self._read.connect(self._take_scenario)
        self._failed.connect(lambda message, hint: window.banner.say(message, hint))
        window.frame.setAcceptDrops(True)
        window.frame.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in (QEvent.Type.DragEnter, QEvent.Type.DragMove) and isinstance(event, QDragMoveEvent):
            return self._over(event, event.position().toPoint(), anew=kind == QEvent.Type.DragEnter)
        if kind == QEvent.Type.DragLeave:
            self._end()
        elif kind == QEvent.Type.Drop and isinstance(event, QDropEvent):
            offer = self._offer
            self._end()
            if offer is not None and offer.act is not None:
                event.acceptProposedAction()
                offer.act()
            return offer is not None
        elif kind == QEvent.Type.Resize:
            self.layer.resize(self._window.frame.size())
        return False

    def _over(self, event: QDragMoveEvent, at: QPoint, *, anew: bool) -> bool:
        """A refusal is shown too, so the drag stays ours to follow; only the drop itself is not taken."""
        if anew or self._is_photo(event.mimeData()):
            self._offer = self.offer(event.mimeData(), at)
        if self._offer is None:
            return False
        self.layer.say(self._offer)
        if self._offer.act is not None:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        elif isinstance(event, QDragEnterEvent):
            event.accept()  # or no move would be told
        else:
            event.ignore()
        return True

    def _end(self) -> None:
        self._offer = None
        self.layer.hide()

    # --- what it is -------------------------------------------------------------------------------------------------

    def offer(self, data: QMimeData, at: QPoint) -> Offer | None:
        """What letting go of `data` at a point of the window would do; None for what is no business of ours."""
        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        if not paths:
            if data.hasUrls():
                return Offer(
                    tr("Only files of this computer can be dropped here: Heedmap opens no network connection.")
                )
            if data.hasImage() and self._locked:
                return Offer(told(), icon="product")
            return self._photo(None, data, at) if data.hasImage() else None
        if self._is_photo(data):
            if self._locked:
                return Offer(told(), icon="product")  # a photo that is tried is kept in the workspace
            if len(paths) > 1:
                return Offer(tr("Drop one photo at a time."), icon="product")
            return self._photo(paths[0], data, at)
        if len(paths) == 1:
            return self._folder(paths[0]) if paths[0].is_dir() else self._file(paths[0])
        wrong = next((path for path in paths if path.is_dir() or not _is_data(path)), None)
        if wrong is not None:
            return Offer(tr("{0} cannot be imported together with other files.").format(wrong.name))
        names = ", ".join(path.name for path in paths)
        return self._import(tr("Import {0}").format(names), paths)

    @property
    def _locked(self) -> bool:
        return is_read_only(self._window.workspace.folder)

    def _import(self, text: str, paths: list[Path]) -> Offer:
        return Offer(told()) if self._locked else Offer(text, partial(self._window.tasks.import_sources, paths))

    @staticmethod
    def _is_photo(data: QMimeData) -> bool:
        urls = data.urls()
        if not urls:
            return data.hasImage()
        return all(url.isLocalFile() and Path(url.toLocalFile()).suffix.lower() in IMAGES for url in urls)

    def _folder(self, path: Path) -> Offer:
        window = self._window
        if (path / "run.json").is_file():
            return Offer(tr("Open the run {0}").format(path.name), partial(window.open_run, str(path)), icon="run")
        if is_workspace(path):
            return self._workspace(path)
        if (path / "bundle.json").is_file() or (path / "signature.json").is_file():
            return self._bundle(path)
        if (path / "dataset.json").is_file():
            if is_workspace(path.parent.parent):
                above = path.parent.parent
                text = tr("Open the workspace {0}, which this data set is in").format(above.name)
                return Offer(text, partial(window.open_workspace, above), icon="folder")
            return Offer(
                tr("This is a data set of Heedmap: put its folder into “datasets” of a workspace, and open that.")
            )
        return self._import(tr("Import {0} into this workspace").format(path.name), [path])

    def _workspace(self, path: Path) -> Offer:
        """A folder, or its marker."""
        try:
            folder = workspace_of(path)
        except HeedmapError as error:
            return Offer(f"{fault_text(error.message)} {fault_text(error.hint)}", icon="folder")
        text = tr("Open the workspace {0}").format(folder.name)
        return Offer(text, partial(self._window.open_workspace, folder), icon="folder")

    def _bundle(self, path: Path) -> Offer:
        text = tr("Open the audit bundle {0}").format(path.name)
        return Offer(text, partial(open_path, self._window, str(path)), icon="audit")

    def _file(self, path: Path) -> Offer:
        suffix = path.suffix.lower()
        if suffix == WORKSPACE:
            return self._workspace(path)
        if suffix in ZIPS:
            return self._bundle(path)
        if path.suffix.lower() == ".json" and _is_scenario(path):
            if self._window.session.run is None:
                return Offer(tr("Open a run first; then this scenario can be tried on it."), icon="undo")
            text = tr("Try the scenario {0}").format(path.stem)
            return Offer(text, lambda: self._disk.start(partial(self._read_scenario, path)), icon="sample")
        if _is_data(path):
            return self._import(tr("Import {0} into this workspace").format(path.name), [path])
        return Offer(
            tr(
                "Heedmap cannot read {0}. It takes photos, tables, folders of data, workspaces and audit bundles."
            ).format(path.name)
        )

    def _photo(self, path: Path | None, data: QMimeData, at: QPoint) -> Offer:
        """A photo is for the product that is shown; `path` is None for a picture out of another program."""
        from app.views.explore import ExploreView
        from app.whatif.studio import WhatIfView

        view, found = self._window.view, self._window.session.explanation
        if isinstance(view, WhatIfView) and path is not None and found is not None:
            text = tr("Try this photo as the photo of {0}").format(found.title)
            place = view.photo.canvas if view.photo.canvas.isVisible() else view.editor
            return Offer(text, partial(view.photo.take_file, path), place, "product")
        if not isinstance(view, ExploreView):
            return Offer(tr("Go to Explore and drop the photo on the product's own."), icon="product")
        if found is None:
            return Offer(tr("Choose a product first; then it can be given this photo."), icon="product")
        target = view.product.photo if view.product.photo.isVisible() else view.product
        if not _place(view.product).contains(at):
            return Offer(tr("Drop it on the product's photo to try it there."), on=target, icon="product")
        text = tr("Try this photo as the photo of {0}").format(found.title)
        image = QImage(data.imageData()) if path is None else None
        act = lambda: self._disk.start(partial(self._keep_photo, found.item, path, image))  # noqa: E731
        return Offer(text, act, target, "product")

    # --- what becomes of it -----------------------------------------------------------------------------------------

    def _keep_photo(self, item: str, path: Path | None, image: QImage | None) -> None:
        """Beside the Qt thread: copy the photo into the workspace under its content's hash."""
        try:
            content, suffix = (_png(image), ".png") if path is None else (path.read_bytes(), path.suffix.lower())
            name = path.name if path is not None else tr("a picture")
            held = QBuffer()
            held.setData(content)
            if not QImageReader(held).canRead():
                raise HeedmapError(f"{name} is not a photo that can be read.", "Save it again as PNG or JPEG.")
            out = self._window.workspace.folder / "scenarios" / "photos" / f"{sha256(content)[:32]}{suffix}"
            if not out.is_file():
                write_bytes(out, content)
            self._kept.emit(item, out, name)
        except HeedmapError as error:
            self._failed.emit(error.message, error.hint)
        except OSError as error:
            self._failed.emit(f"{path}: {error.strerror}.", "")

    def _change_photo(self, item: str, out: Path, name: str) -> None:
        session = self._window.session
        edit = session.scenario.edit_of(item)
        session.change(session.scenario.with_edit(replace(edit, photo=str(out))), tr("Photo: {0}").format(name))

    def _read_scenario(self, path: Path) -> None:
        """Beside the Qt thread."""
        try:
            self._read.emit(read_scenario(path), path.stem)
        except HeedmapError as error:
            self._failed.emit(error.message, error.hint)
        except OSError as error:
            self._failed.emit(f"{path}: {error.strerror}.", "")

    def _take_scenario(self, scenario: Scenario, name: str) -> None:
        self._window.session.change(scenario, tr("Scenario: {0}").format(name))

    def flush(self) -> None:
        """Wait for what is being read and written."""
        self._disk.wait()


class Layer(QWidget):
    """Lies over the window while something is dragged: a frame around what it is for, and a sentence."""

    def __init__(self, themes: ThemeSource, window: QWidget) -> None:
        super().__init__(window)
        self._themes = themes
        self.offer = Offer("")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def say(self, offer: Offer) -> None:
        if offer != self.offer or not self.isVisible():
            self.offer = offer
            self.setAccessibleName(offer.text)
            window = self.parentWidget()
            if window is not None:
                self.resize(window.size())
            self.show()
            self.raise_()
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, offer = self._themes.theme, self.offer
        taken = offer.act is not None
        colour = theme.accent if taken else theme.error
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), faded(theme.background, 0.72))
        place = QRectF(_place(offer.on) if offer.on is not None else self.rect().adjusted(8, 8, -8, -8))
        painter.setBrush(faded(colour, 0.06))
        painter.setPen(QPen(theme.accent if offer.on is not None else colour, 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 8, 8)
        self._paint_card(painter, place, taken)
        painter.end()

    def _paint_card(self, painter: QPainter, place: QRectF, taken: bool) -> None:
        theme = self._themes.theme
        painter.setFont(ui_font(15, QFont.Weight.DemiBold))
        room = QRect(0, 0, min(440, self.width() - 120), 1000)
        how = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft
        words = painter.fontMetrics().boundingRect(room, how, self.offer.text)
        card = QRectF(0, 0, words.width() + 24 + 12 + 40, max(words.height(), 24) + 32)
        card.moveCenter(place.center())
        if self.offer.on is not None:  # beside what it is for
            below = place.bottom() + 8 + card.height() < self.height()
            card.moveTop(place.bottom() + 8 if below else place.top() - 8 - card.height())
        whole = QRectF(self.rect()).adjusted(16, 16, -16, -16)  # a small photo is smaller than the card
        card.moveLeft(min(max(card.left(), whole.left()), whole.right() - card.width()))
        painter.setPen(QPen(theme.line, 1))
        painter.setBrush(theme.panel)
        painter.drawRoundedRect(card, 10, 10)
        mark = icon(self.offer.icon if taken else "warning", theme.accent if taken else theme.error, 24)
        mark.paint(painter, QRect(round(card.left()) + 20, round(card.center().y()) - 12, 24, 24))
        painter.setPen(theme.text)
        text = QRectF(card.left() + 56, card.top(), words.width() + 4, card.height())
        painter.drawText(text, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignVCenter, self.offer.text)


def read_scenario(path: Path) -> Scenario:
    """A scenario as the What-if view keeps it; its photos lie in the workspace that the file is in. HeedmapError."""
    content = read_json(path)
    if "scenario" in content:
        return scenario_files.read_scenario(path).scenario  # of any version, its files where they are now
    scenario = Scenario.from_json(content)
    home = path.parent.parent
    edits = tuple(
        replace(edit, photo=str(home / edit.photo)) if edit.photo else edit for edit in scenario.edits
    )  # an absolute path stays one
    return replace(scenario, edits=edits)


def _is_scenario(path: Path) -> bool:
    try:
        content = read_json(path) if path.stat().st_size < _LARGEST_SCENARIO else None
    except (HeedmapError, OSError):
        return False
    inner = content.get("scenario", content) if isinstance(content, dict) else None
    return isinstance(inner, dict) and {"edits", "pasts", "rules"} <= set(inner)


def _is_data(path: Path) -> bool:
    return path.suffix.lower() in DATA


def _png(image: QImage | None) -> bytes:
    held = QBuffer()
    held.open(QIODevice.OpenModeFlag.WriteOnly)
    if image is not None:
        image.save(held, "PNG")  # type: ignore[call-overload]  # the stub knows no format for a device
    return bytes(held.data().data())


def _place(widget: QWidget) -> QRect:
    """Where a widget lies, in the coordinates of its window."""
    return QRect(widget.mapTo(widget.window(), QPoint()), widget.size())
