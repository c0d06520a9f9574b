"""The photo editor: paint out, blur, crop or replace a region, swap the photo. Always on a copy, each a step."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QAction, QColor, QImage
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.read_only import enable
from app.session import Session
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.whatif.background import Background
from app.whatif.canvas import EditCanvas
from app.whatif.edits import with_photo
from app.whatif.image_edits import blur, crop, fill, mean_colour, paint_out, paste, read_image, save_image
from app.whatif.picker import Picker
from engine.errors import HeedmapError
from engine.files import is_read_only

_KEPT = 12  # photos at hand, so that undo shows at once
BRUSH, BLUR, CROP, REPLACE = "brush", "blur", "crop", "replace"
MEAN, WHITE, OTHER, FILE = "mean", "white", "other", "file"

Edit = Callable[[QImage], QImage]


class _Chain:
    """Edits that build on each other: the picture as the last of them left it. Only one thread at a time has it."""

    def __init__(self, image: QImage) -> None:
        self.image = image


class PhotoEditor(QWidget):
    """Edits the chosen product's photo. Its pictures are files of the workspace, named by their content."""

    failed = Signal(str, str)  # message, hint

    def __init__(
        self,
        session: Session,
        themes: ThemeSource,
        thumbnails: Thumbnails,
        folder: Callable[[], Path],
        parent: QWidget | None = None,
    ) -> None:
        """folder: where the pictures are written."""
        super().__init__(parent)
        self._session = session
        self.folder = folder
        self.background = Background(self)
        self.background.failed.connect(self._failed)
        self._kept: OrderedDict[str, QImage] = OrderedDict()
        self._shown = ""  # the file on the canvas
        self._original: str | None = None
        self._item = ""
        self._chain: _Chain | None = None
        self._last_made = ""
        self._wanted_box: QRectF | None = None  # the region that waits for another product's photo
        self.tool = BRUSH
        self._there = False  # whether there is a photo to work on
        self.canvas = EditCanvas(themes)
        self.tools: dict[str, QToolButton] = {}
        self.size_of_brush = QSlider(Qt.Orientation.Horizontal)
        self.colour = QComboBox()
        self.source = QComboBox()
        self.swap = QPushButton(self.tr("Swap photo"))
        self._picker = Picker(themes, thumbnails, self)
        self._lay_out()
        self._have_canvas(False)
        self.canvas.stroked.connect(self._stroked)
        self.canvas.boxed.connect(self._boxed)
        self.canvas.dropped.connect(self.take_file)
        self._picker.picked.connect(self._picked)
        self.choose_tool(BRUSH)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(2)
        group = QButtonGroup(self)
        for name, text, tip in (
            (BRUSH, self.tr("Paint out"), self.tr("Paint over what the model should not see")),
            (BLUR, self.tr("Blur"), self.tr("Drag a rectangle: it becomes unsharp")),
            (CROP, self.tr("Crop"), self.tr("Drag a rectangle: only it stays")),
            (REPLACE, self.tr("Replace"), self.tr("Drag a rectangle: something else takes its place")),
        ):
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setToolTip(tip)
            button.setAccessibleName(text)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            set_role(button, "tool")
            button.clicked.connect(lambda _=False, name=name: self.choose_tool(name))
            group.addButton(button)
            self.tools[name] = button
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.swap)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.canvas, 1)
        column.addLayout(self._options())
        self._make_swap()

    def _options(self) -> QHBoxLayout:
        self._size_label = QLabel(self.tr("Brush"))
        self._with_label = QLabel(self.tr("with"))
        for label in (self._size_label, self._with_label):
            set_role(label, "muted")
        self.size_of_brush.setRange(2, 40)
        self.size_of_brush.setValue(round(self.canvas.size_of_brush * 100))
        self.size_of_brush.setAccessibleName(self.tr("Size of the brush"))
        self.size_of_brush.setToolTip(self.tr("Size of the brush, as a share of the photo"))
        self.size_of_brush.valueChanged.connect(self._size_changed)
        for box, name, choices in (
            (
                self.colour,
                self.tr("Colour to paint with"),
                ((self.tr("average colour"), MEAN), (self.tr("white"), WHITE)),
            ),
            (
                self.source,
                self.tr("What takes the region's place"),
                (
                    (self.tr("average colour"), MEAN), (self.tr("white"), WHITE),
                    (self.tr("another product's photo…"), OTHER), (self.tr("a file…"), FILE),
                ),
            ),
        ):  # fmt: skip
            box.setAccessibleName(name)
            box.setToolTip(name)
            for text, value in choices:
                box.addItem(text, value)
        self.colour.currentIndexChanged.connect(lambda _: self._take_colour())
        self._hint = QLabel(self.tr("Drag a rectangle on the photo."))
        set_role(self._hint, "muted")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._size_label)
        row.addWidget(self.size_of_brush, 1)
        row.addWidget(self._hint)
        row.addWidget(self._with_label)
        row.addWidget(self.colour)
        row.addWidget(self.source)
        row.addStretch(0)
        return row

    def _make_swap(self) -> None:
        menu = QMenu(self)
        # Those that are kept are made here: of one that a menu makes, Qt's binding may lose what Python holds.
        self._from_file = QAction(self.tr("A file…"), self)
        self._from_file.triggered.connect(lambda: self.ask_file())
        menu.addAction(self._from_file)
        menu.addAction(self.tr("Another product's photo…"), self.ask_product)
        menu.addSeparator()
        self._without, self._back = QAction(self.tr("No photo"), self), QAction(self.tr("The photo as it was"), self)
        self._without.triggered.connect(lambda: self.take_away())
        self._back.triggered.connect(lambda: self.put_back())
        menu.addActions([self._without, self._back])
        self.swap.setMenu(menu)
        self.swap.setMinimumWidth(self.swap.sizeHint().width() + 14)  # the style forgets the menu's arrow
        self.swap.setAccessibleName(self.swap.text())
        menu.aboutToShow.connect(self._offer)

    @property
    def busy(self) -> bool:
        return self.background.busy

    def _offer(self) -> None:
        photo = self._session.scenario.edit_of(self._item).photo
        enable(self._from_file, True, self.folder())
        self.swap.menu().setToolTipsVisible(self._locked)
        self._without.setEnabled(photo != "" and (photo is not None or self._original is not None))
        self._back.setEnabled(photo is not None)

    def choose_tool(self, name: str) -> None:
        """Work with BRUSH, BLUR, CROP or REPLACE."""
        self.tool = name
        self.tools[name].setChecked(True)
        self.canvas.choose(brush=name == BRUSH)
        self._show_options()

    def _show_options(self) -> None:
        """What the tool can be told; nothing where there is no photo to work on."""
        brush, replace = self._there and self.tool == BRUSH, self._there and self.tool == REPLACE
        for widget in (self._size_label, self.size_of_brush, self.colour):
            widget.setVisible(brush)
        self.source.setVisible(replace)
        self._with_label.setVisible(brush or replace)
        self._hint.setVisible(self._there and not brush)

    def _size_changed(self, value: int) -> None:
        self.canvas.size_of_brush = value / 100
        self.canvas.update()

    def _take_colour(self) -> None:
        image = self.canvas.image
        white = self.colour.currentData() == WHITE or image is None
        self.canvas.colour = QColor(Qt.GlobalColor.white) if white or image is None else mean_colour(image)

    # --- what is shown ----------------------------------------------------------------------------------------------

    def show_page(self, item: str, original: str | None) -> None:
        """Show the photo of a product as the scenario has it. original: the dataset's photo, an absolute path."""
        if item != self._item:
            self._chain, self._last_made = None, ""
        self._item, self._original = item, original
        photo = self._session.scenario.edit_of(item).photo if item else None
        path = (original or "") if photo is None else self._absolute(photo)
        if path == self._shown and (self.canvas.image is not None or not path):
            self._lack(path, photo)
            return
        self._shown = path
        if path != self._last_made:
            self._chain = None
        if not path:
            self._lack(path, photo)
        elif path in self._kept:
            self._have(path, self._kept[path])
        else:
            self.background.do(lambda: (path, _read(Path(path))), lambda found: self._have(*found))

    def _absolute(self, photo: str) -> str:
        """A photo of the dataset is named by its path inside it."""
        run = self._session.run
        return str(Path(run.dataset.folder) / photo) if photo and run is not None else photo

    def _lack(self, path: str, photo: str | None) -> None:
        self._have_canvas(bool(path))
        if path:
            return
        self.canvas.show_image(
            None,
            ""
            if not self._item
            else self.tr("The photo is taken away. Undo, or swap in another one.")
            if photo == ""
            else self.tr("This product has no photo.")
            if self._locked
            else self.tr("This product has no photo. Drag one in, or press “Swap photo”."),
        )

    def _have(self, path: str, image: QImage | None) -> None:
        if image is not None:
            self._keep(path, image)
        if path == self._shown:
            self.canvas.show_image(image, self.tr("The photo cannot be read. Swap in another one."))
            self._have_canvas(image is not None)
            self._take_colour()

    @property
    def _locked(self) -> bool:
        return is_read_only(self.folder())

    def _have_canvas(self, there: bool) -> None:
        """What draws on a photo is on while one is there. Its pictures are files of the workspace: where that is open
        read-only all of it is off, and what only points to another of its photos, or to none, stays."""
        folder, locked = self.folder(), self._locked
        for control in (*self.tools.values(), self.size_of_brush, self.colour, self.source):
            enable(control, there, folder)
        self._there = there
        self._show_options()
        enable(self.canvas, True, folder)
        self.canvas.setAcceptDrops(not locked)
        self.swap.setToolTip(
            self.tr("Another product's photo in its place, or none")
            if locked
            else self.tr("Another photo in its place; a file can be dragged in too")
        )

    def _keep(self, path: str, image: QImage) -> None:
        self._kept[path] = image
        self._kept.move_to_end(path)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    # --- what is done -----------------------------------------------------------------------------------------------

    def _stroked(self, points: list[QPointF]) -> None:
        size, colour = self.canvas.size_of_brush, QColor(self.canvas.colour)
        self._edit(lambda image: paint_out(image, points, size, colour), self.tr("Photo: painted out"))

    def _boxed(self, box: QRectF) -> None:
        source = self.source.currentData()
        if self.tool == BLUR:
            self._edit(lambda image: blur(image, box), self.tr("Photo: region blurred"))
        elif self.tool == CROP:
            self._edit(lambda image: crop(image, box), self.tr("Photo: cropped"), same_places=False)
        elif source == OTHER:
            self._wanted_box = box
            self._picker.open_under(self.source, self._session.run)
        elif source == FILE:
            file = self._ask_file()
            if file is not None:
                self._replace(box, file)
        else:
            white = QColor(Qt.GlobalColor.white)
            self._edit(
                lambda image: fill(image, box, white if source == WHITE else mean_colour(image)),
                self.tr("Photo: region replaced"),
            )

    def _replace(self, box: QRectF, file: Path) -> None:
        self._edit(lambda image: paste(image, box, read_image(file)), self.tr("Photo: region replaced"))

    def _edit(self, edit: Edit, text: str, *, same_places: bool = True) -> None:
        """Do one edit after those that are under way; when its file is written, it becomes a step."""
        if self.canvas.image is None:
            return
        if self._chain is None:
            self._chain = _Chain(self.canvas.image)
        chain, item, folder = self._chain, self._item, self.folder()

        def work() -> tuple[str, QImage]:
            chain.image = edit(chain.image)
            return str(save_image(chain.image, folder)), chain.image

        def done(made: tuple[str, QImage]) -> None:
            self._keep(*made)
            if chain is self._chain and item == self._item:
                self._last_made = made[0]
                self._change(made[0], text, same_places=same_places)
                if self._shown == made[0]:
                    self.canvas.show_image(made[1])

        self.background.do(work, done)

    def _change(self, photo: str | None, text: str, *, same_places: bool = False) -> None:
        scenario = self._session.scenario
        edit = with_photo(scenario.edit_of(self._item), photo, same_places=same_places)
        self._session.change(scenario.with_edit(edit), text)

    def ask_file(self) -> None:
        """Choose an image file that takes the photo's place."""
        file = self._ask_file()
        if file is not None:
            self.take_file(file)

    def _ask_file(self) -> Path | None:
        kinds = self.tr("Photos") + " (*.png *.jpg *.jpeg *.webp *.bmp *.gif)"
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a photo"), str(Path.home()), kinds)
        return Path(name) if name else None

    def take_file(self, file: Path) -> None:
        """Put a copy of an image file in the photo's place."""
        if not self._item:
            return
        item, folder = self._item, self.folder()

        def work() -> tuple[str, QImage]:
            image = read_image(file)
            return str(save_image(image, folder)), image

        def done(made: tuple[str, QImage]) -> None:
            self._keep(*made)
            if item == self._item:
                self._change(made[0], self.tr("Photo: swapped for a file"))

        self.background.do(work, done)

    def ask_product(self) -> None:
        """Choose a product whose photo takes this one's place."""
        self._wanted_box = None
        self._picker.open_under(self.swap, self._session.run)

    def _picked(self, item: str) -> None:
        run = self._session.run
        box, self._wanted_box = self._wanted_box, None
        if run is None or item not in run.items.item:
            return
        place = run.items.item.index(item)
        image = run.items.image[place]
        if image is None:
            self.failed.emit(
                self.tr("“{title}” has no photo.").format(title=run.items.title[place]),
                self.tr("Choose another product."),
            )
        elif box is not None:
            self._replace(box, Path(run.dataset.folder) / image)
        else:
            text = self.tr("Photo: swapped for that of “{title}”").format(title=run.items.title[place])
            self._change(image, text)

    def take_away(self) -> None:
        """The product without a photo."""
        self._change("", self.tr("Photo: taken away"))

    def put_back(self) -> None:
        """The dataset's photo again."""
        self._change(None, self.tr("Photo: as it was"))

    def _failed(self, message: str, hint: str) -> None:
        self._chain = None
        self.canvas.show_image(self.canvas.image)
        self.failed.emit(message, hint)


def _read(file: Path) -> QImage | None:
    try:
        return read_image(file)
    except HeedmapError:
        return None
