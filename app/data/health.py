"""Health of a dataset: what its products lack, and photos that are the same or nearly so."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.data import cells
from app.data.model import ROOT, Index
from app.questions import Questions
from app.theme import ThemeSource, faded, set_role, ui_font
from app.thumbnails import Thumbnails
from app.views.panel import Empty, FocusRing, Panel, follow, paint_ground
from app.views.working import Working
from engine.dataset.tables import Duplicates, Gap, Missing, PhotoGroup
from engine.errors import HeedmapError
from engine.files import atomic

_TILE = 64
_ROW = 112
_LINE = 44


class GapRow(QWidget):
    """One gap: its name, a bar of its share, how many products; a click shows them."""

    chosen = Signal()

    def __init__(self, name: str, gap: Gap, products: int, themes: ThemeSource) -> None:
        super().__init__()
        self.name, self.gap = name, gap
        self._products = products
        self._themes = themes
        self._ring = FocusRing(self)
        self._font, self._small = ui_font(13), ui_font(12)
        self.setFixedHeight(_LINE)
        self.setMinimumWidth(200)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setToolTip(self.tr("Show these products"))
        self.setAccessibleName(f"{name}: {self._count()}")
        follow(themes, self)

    def _count(self) -> str:
        return f"{cells.count(self.gap.count)} · {cells.share(self.gap.count, self._products)}"

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect())
        paint_ground(painter, box, theme, False, self.underMouse(), self._ring.on)
        inner = box.adjusted(8, 5, -8, -5)
        painter.setFont(self._font)
        painter.setPen(theme.text)
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, self.name)
        painter.setFont(self._small)
        painter.setPen(theme.muted)
        painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, self._count())
        track = QRectF(inner.left(), inner.bottom() - 5, inner.width(), 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.chip)
        painter.drawRoundedRect(track, 2.5, 2.5)
        painter.setBrush(faded(theme.accent, 0.75))
        track.setWidth(max(track.width() * self.gap.count / max(self._products, 1), 5))
        painter.drawRoundedRect(track, 2.5, 2.5)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit()
        else:
            super().keyPressEvent(event)


class GroupModel(QAbstractListModel):
    """Groups of photos, the largest first."""

    groups: tuple[PhotoGroup, ...] = ()

    def put(self, groups: tuple[PhotoGroup, ...]) -> None:
        self.beginResetModel()
        self.groups = groups
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.groups)

    def heading(self, row: int) -> str:
        group = self.groups[row]
        kind = self.tr("The same photo") if group.kind == "same" else self.tr("Nearly the same")
        return f"{kind} · " + self.tr("%n product(s)", "", len({item for item, _, _ in group.photos}))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.heading(index.row())
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            titles = [title for _, title, _ in self.groups[index.row()].photos]
            return "\n".join([self.heading(index.row()), *titles[:12]])
        return None


class GroupDelegate(QStyledItemDelegate):
    """A heading over the photos of a group, the titles beside them where there are two."""

    def __init__(self, model: GroupModel, themes: ThemeSource, thumbnails: Thumbnails, parent: QListView) -> None:
        super().__init__(parent)
        self._model, self._themes, self._thumbnails, self._view = model, themes, thumbnails, parent
        self._ring = FocusRing(parent)
        self._strong, self._small = ui_font(12, QFont.Weight.DemiBold), ui_font(11)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(240, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, box = self._themes.theme, QRectF(option.rect)
        group = self._model.groups[index.row()]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focused = self._ring.on and self._view.currentIndex() == index
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        paint_ground(painter, box, theme, selected, hovered, focused)
        inner = box.adjusted(10, 8, -10, -8)
        painter.setFont(self._strong)
        painter.setPen(theme.text)
        painter.drawText(
            inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, self._model.heading(index.row())
        )
        self._photos(painter, QRectF(inner.left(), inner.bottom() - _TILE, inner.width(), _TILE), group)
        painter.restore()

    def _photos(self, painter: QPainter, box: QRectF, group: PhotoGroup) -> None:
        """Each photo with its title beside it; as many as there is room for, then how many more."""
        theme = self._themes.theme
        wide = max(min(box.width() / max(len(group.photos), 1), 320), _TILE + 100)
        room = max(int(box.width() // wide), 1)
        painter.setFont(self._small)
        for place, (_, title, photo) in enumerate(group.photos[:room]):
            left = box.left() + place * wide
            tile = self._thumbnails.tile(photo, title, QSize(_TILE, _TILE), self._view.devicePixelRatioF())
            painter.drawPixmap(QPointF(left, box.top()), tile)
            words = QRectF(left + _TILE + 8, box.top(), wide - _TILE - 20, _TILE)
            painter.setPen(theme.muted)
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
            more = len(group.photos) - room
            text = title if place < room - 1 or more <= 0 else self.tr("{0} and {1} more").format(title, more)
            painter.drawText(words, flags, text)


class HealthPage(QWidget):
    """Gaps on the left, duplicate photos on the right. It asks for both itself."""

    products_asked = Signal(str, object)  # what they are, in words; their keys

    def __init__(
        self, questions: Questions, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._questions = questions
        self._themes = themes
        self._folder = ""
        self.missing: Missing | None = None
        self.found: Duplicates | None = None
        self.rows: list[GapRow] = []
        self.gaps = Panel(themes)
        self.gaps.heading.say(self.tr("What products lack"))
        inside = QWidget()
        set_role(inside, "content")
        self._gaps = QVBoxLayout(inside)
        self._gaps.setContentsMargins(0, 0, 4, 0)
        self._gaps.setSpacing(4)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        self.gaps.body.addWidget(area, 1)
        self.photos = Panel(themes)
        self.photos.heading.say(self.tr("Duplicate photos"))
        self.model = GroupModel(self)
        self.list = QListView()
        set_role(self.list, "plain")
        self.list.setModel(self.model)
        self.list.setItemDelegate(GroupDelegate(self.model, themes, thumbnails, self.list))
        self.list.setAccessibleName(self.tr("Groups of duplicate photos"))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.list.activated.connect(lambda index: self._show_group(index.row()))
        self.list.clicked.connect(lambda index: self._show_group(index.row()))
        thumbnails.arrived.connect(lambda _: self.list.viewport().update())
        follow(themes, self.list)
        self.look = QPushButton()
        self.look.setToolTip(self.tr("Compare every photo with every other; what was read is remembered"))
        self.look.clicked.connect(self.find_duplicates)
        self.export = QPushButton(self.tr("Save as CSV…"))
        self.export.setToolTip(self.tr("Write gaps and groups of photos to a table"))
        self.export.clicked.connect(self.ask_export)
        self._lay_out()
        self._begin()

    def _lay_out(self) -> None:
        self.intro = Empty()
        self.note = QLabel()
        set_role(self.note, "small")
        self.note.setWordWrap(True)
        first = QWidget()
        column = QVBoxLayout(first)
        column.setSpacing(16)
        column.addStretch(1)
        column.addWidget(self.intro)
        column.addWidget(self.look, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)
        self._stack = QStackedWidget()
        self._stack.addWidget(first)
        self._stack.addWidget(self.list)
        self.photos.body.addWidget(self._stack, 1)
        self.photos.body.addWidget(self.note)
        foot = QHBoxLayout()
        foot.setSpacing(12)
        foot.addWidget(Working(self._questions), 1)
        foot.addWidget(self.export)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.gaps, 2)
        row.addWidget(self.photos, 3)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addLayout(row, 1)
        whole.addLayout(foot)

    def open(self, folder: str) -> None:
        """Look at this dataset; what was found in another is forgotten."""
        if folder == self._folder:
            return
        self._folder = folder
        self._questions.drop_all()
        self.missing, self.found = None, None
        self._fill()
        self._begin()

    def look_at(self) -> None:
        """The page is in front: what is quickly known is asked for."""
        if self._folder and self.missing is None:
            self._questions.ask("find_missing", self._missing_came, dataset=self._folder)

    def find_duplicates(self) -> None:
        if self._folder:
            self._questions.ask("find_duplicates", self._duplicates_came, dataset=self._folder)
            self.look.setEnabled(False)
            self.intro.setText(self.tr("Comparing photos…"))

    def stopped(self) -> None:
        """Nothing is under way any more; without an answer, one can look again."""
        self.look.setEnabled(True)
        if self.found is None:
            self._begin()

    def _begin(self) -> None:
        self.look.setEnabled(True)
        self.look.show()
        self.look.setText(self.tr("Look for duplicates"))
        set_role(self.look, "primary")
        self.intro.setText(
            self.tr(
                "Photos that two products share, or that differ only in size, brightness or how they were saved, "
                "mislead a model that looks at photos."
            )
        )
        self._stack.setCurrentIndex(0)
        self.note.hide()
        self.model.put(())
        self._offer()

    def _missing_came(self, found: Missing) -> None:
        self.missing = found
        self._fill()
        self._offer()

    def _fill(self) -> None:
        while (old := self._gaps.takeAt(0)) is not None:
            widget = old.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.rows = []
        found = self.missing
        if found is None:
            return
        names = {
            "photo": self.tr("No photo"),
            "photo file": self.tr("Photo file gone or empty"),
            "title": self.tr("No title"),
            "description": self.tr("No description"),
            "text": self.tr("Neither description nor review"),
            "brand": self.tr("No brand"),
            "category": self.tr("No category"),
            "price": self.tr("No price"),
            "attributes": self.tr("No attributes"),
            "reviews": self.tr("No reviews"),
            "events": self.tr("No events"),
            "time": self.tr("No date of first sale"),
        }
        for gap in found.gaps:
            row = GapRow(names.get(gap.what, gap.what), gap, found.products, self._themes)
            row.chosen.connect(lambda row=row: self.products_asked.emit(row.name, row.gap.keys))
            self._gaps.addWidget(row)
            self.rows.append(row)
        if not found.gaps:
            whole = Empty()
            whole.setText(self.tr("Every product has a photo, texts, a price, attributes, reviews and events."))
            self._gaps.addWidget(whole)
        self._gaps.addStretch(1)
        self.gaps.note.setText(self.tr("%n product(s)", "", found.products))

    def _duplicates_came(self, found: Duplicates) -> None:
        self.found = found
        self.model.put(found.groups)
        self.look.setEnabled(True)
        self._stack.setCurrentIndex(1 if found.groups else 0)
        alone = self.tr("No two products share a photo, and none look alike.")
        self.intro.setText(alone if found.photos else self.tr("No product has a photo: there is nothing to compare."))
        self.look.setVisible(found.photos > 0)
        self.look.setText(self.tr("Look again"))
        set_role(self.look, "")  # it is done
        said = [self.tr("%n photo(s) compared", "", found.photos)]
        if found.unreadable:
            said.append(self.tr("%n photo(s) cannot be read", "", len(found.unreadable)))
        self.note.setText(" · ".join(said))
        self.note.setVisible(found.photos > 0)
        self.photos.note.setText(self.tr("%n group(s)", "", len(found.groups)) if found.groups else "")
        self._offer()

    def _offer(self) -> None:
        self.export.setEnabled(self.missing is not None or self.found is not None)

    def _show_group(self, row: int) -> None:
        group = self.model.groups[row]
        keys = tuple(dict.fromkeys(item for item, _, _ in group.photos))
        self.products_asked.emit(self.model.heading(row), keys)

    # --- export -----------------------------------------------------------------------------------------------------

    def tables(self) -> dict[str, dict[str, list[object]]]:
        """What was found, as columns: "gaps", and "duplicate photos" with a number for each group."""
        found: dict[str, dict[str, list[object]]] = {}
        if self.missing is not None:
            gaps = self.missing.gaps
            found["gaps"] = {"lacks": [gap.what for gap in gaps], "products": [gap.count for gap in gaps]}
        if self.found is not None:
            listed = [
                (n, group.kind, *photo) for n, group in enumerate(self.found.groups, start=1) for photo in group.photos
            ] + [(0, "unreadable", *photo) for photo in self.found.unreadable]
            names = ("group", "kind", "product", "title", "photo")
            found["duplicate photos"] = {name: [row[at] for row in listed] for at, name in enumerate(names)}
        return found

    def ask_export(self) -> None:
        place, _ = QFileDialog.getSaveFileName(self, self.tr("Save as CSV"), "health.csv", "CSV (*.csv)")
        if place:
            self.write(Path(place))

    def write(self, place: Path) -> None:
        """Write what was found to a CSV file; a fault is said on the page."""
        lines: list[list[object]] = [["finding", "group", "product", "title", "photo"]]
        for gap in self.missing.gaps if self.missing is not None else ():
            lines += [[f"lacks {gap.what}", "", key, "", ""] for key in gap.keys]
        tables = self.tables().get("duplicate photos", {})
        rows = zip(*(tables[n] for n in ("kind", "group", "product", "title", "photo")), strict=True) if tables else ()
        lines += [list(row) for row in rows]
        buffer = io.StringIO()
        csv.writer(buffer).writerows(lines)
        try:
            with atomic(place) as temporary:
                temporary.write_text(buffer.getvalue(), encoding="utf-8-sig")  # spreadsheets read Chinese by the mark
        except (OSError, HeedmapError) as error:
            self.note.setText(self.tr("It could not be written: {0}").format(error))
        else:
            self.note.setText(self.tr("Written to {0}").format(place))
        self.note.show()
