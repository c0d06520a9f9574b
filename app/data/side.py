"""Beside the table: how the values of the chosen column lie, and the chosen row whole."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.data import cells
from app.data.chart import Chart
from app.theme import ThemeSource, set_role
from app.thumbnails import Thumbnails
from app.views.panel import Empty, Panel, follow
from engine.dataset.tables import Column, Distribution, Filter, Record

_PHOTO = 112
MOST_PHOTOS = 6


class ValuesPanel(Panel):
    """How the values of a column lie among the rows found."""

    column_asked = Signal(str)
    filter_asked = Signal(object)  # Filter

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self.heading.say(self.tr("Values"))
        self.which = QComboBox()
        self.which.setAccessibleName(self.tr("Column whose values are counted"))
        self.which.setToolTip(self.tr("Whose values? A click on a heading of the table chooses too"))
        self.which.activated.connect(lambda _: self.column_asked.emit(str(self.which.currentData())))
        self.facts = QLabel()
        self.facts.setWordWrap(True)
        set_role(self.facts, "small")
        self.chart = Chart(themes)
        self.chart.filter_asked.connect(self.filter_asked)
        self.missing = QPushButton()
        set_role(self.missing, "link")
        self.missing.setToolTip(self.tr("Keep only the rows where it is missing"))
        self.missing.clicked.connect(self._keep_missing)
        self.none = Empty()
        inside = QWidget()
        set_role(inside, "content")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(8)
        column.addWidget(self.chart)
        column.addWidget(self.none)
        column.addWidget(self.facts)
        column.addWidget(self.missing, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        self.body.addWidget(self.which)
        self.body.addWidget(area, 1)
        self._shown: Distribution | None = None

    def offer(self, table: str, columns: tuple[Column, ...], current: str) -> None:
        """The columns that can be counted."""
        self.which.clear()
        for column in columns:
            self.which.addItem(cells.heading(table, column), column.name)
        self.which.setCurrentIndex(max(self.which.findData(current), 0))

    def put(self, column: Column, shown: Distribution) -> None:
        self._shown = shown
        self.which.setCurrentIndex(self.which.findData(column.name))
        self.chart.put(column, shown)
        there = shown.total - shown.missing
        self.none.setVisible(not there)
        self.none.setText(self.tr("No row has a value here.") if shown.total else self.tr("No rows."))
        self.facts.setVisible(bool(there))
        self.facts.setText(self._facts(column, shown))
        self.missing.setVisible(bool(shown.missing) and bool(there))
        text = self.tr("{share} missing ({n})")
        self.missing.setText(text.format(share=cells.share(shown.missing, shown.total), n=cells.count(shown.missing)))
        self.dim(False)

    def _facts(self, column: Column, shown: Distribution) -> str:
        if not shown.counts:
            listed = len(shown.top)
            if shown.distinct > listed:
                text = self.tr("The {n} most frequent of {all} values.")
                return text.format(n=cells.count(listed), all=cells.count(shown.distinct))
            return self.tr("%n value(s)", "", shown.distinct)
        if column.kind == "time":
            return self.tr("Half lie before {0}.").format(cells.moment(shown.median, True))
        grouped = not column.attribute
        text = self.tr("Median {median}, mean {mean}.")
        return text.format(
            median=cells.figure(shown.median, grouped=grouped), mean=cells.figure(round(shown.mean, 2), grouped=grouped)
        )

    def _keep_missing(self) -> None:
        if self._shown is not None:
            self.filter_asked.emit(Filter(self._shown.column, "missing"))


class PhotoStrip(QWidget):
    """The photos of a product beside each other."""

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._photos: tuple[str, ...] = ()
        self._title = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        thumbnails.arrived.connect(lambda _: self.update())
        follow(themes, self)

    def put(self, photos: tuple[str, ...], title: str) -> None:
        self._photos, self._title = photos[:MOST_PHOTOS], title
        self.setAccessibleName(self.tr("%n photo(s)", "", len(photos)))
        self._fit()
        self.setVisible(bool(photos))
        self.update()

    def _side(self) -> int:
        return _PHOTO if len(self._photos) <= 2 else 80

    def _fit(self) -> None:
        across = max(1, (self.width() + 8) // (self._side() + 8))
        lines = -(-len(self._photos) // across)
        self.setFixedHeight(max(lines * (self._side() + 8) - 8, 0))

    def resizeEvent(self, event: object) -> None:
        self._fit()

    def paintEvent(self, event: object) -> None:
        from PySide6.QtGui import QPainter

        painter = QPainter(self)
        side = self._side()
        across = max(1, (self.width() + 8) // (side + 8))
        for place, photo in enumerate(self._photos):
            tile = self._thumbnails.tile(photo, self._title, QSize(side, side), self.devicePixelRatioF())
            painter.drawPixmap((place % across) * (side + 8), (place // across) * (side + 8), tile)
        painter.end()


class RowPanel(Panel):
    """The chosen row, every text of it whole."""

    explore_asked = Signal()

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self._themes = themes
        self._shown: tuple[Record, dict[str, Column]] | None = None
        self.heading.say(self.tr("Row"))
        self.photos = PhotoStrip(themes, thumbnails)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.RichText)
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setAccessibleName(self.tr("The chosen row"))
        self.explore = QPushButton(self.tr("Open in Explore"))
        self.explore.clicked.connect(self.explore_asked)
        self.none = Empty()
        self.none.setText(self.tr("Choose a row to read it whole."))
        inside = QWidget()
        set_role(inside, "content")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(10)
        column.addWidget(self.photos)
        column.addWidget(self.text)
        column.addWidget(self.none, 1)
        column.addStretch(1)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(inside)
        self.body.addWidget(self.area, 1)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.explore)
        self.body.addLayout(foot)
        themes.changed.connect(self._write)
        self.put(None, {}, "")

    def put(self, record: Record | None, columns: dict[str, Column], hint: str) -> None:
        """hint: why the row cannot be opened in Explore, or ""."""
        self._shown = (record, columns) if record is not None else None
        self.none.setVisible(record is None)
        self.text.setVisible(record is not None)
        self.explore.setVisible(record is not None and hint != "-")
        self.explore.setEnabled(not hint)
        self.explore.setToolTip(hint or self.tr("Why the model shows it (Enter)"))
        if record is None:
            self.photos.put((), "")
            return
        title = str(dict(record.values).get("title") or "")
        images = record.images
        if record.product is not None:
            title, photo = record.product
            images = (photo,) if photo else ()
        self.photos.put(images, title)
        self._write()
        self.area.verticalScrollBar().setValue(0)

    def _write(self, *_: object) -> None:
        """Names in grey, values below them; drawn anew with the theme's colours."""
        if self._shown is None:
            return
        record, columns = self._shown
        muted = self._themes.theme.muted.name()
        lines = []
        for name, value in record.values:
            column = columns.get(name)
            if column is None or value is None or value == ():
                continue
            text = escape(cells.shown(column, value)).replace("\n", "<br>")
            label = escape(cells.heading(record.table, column))
            lines.append(
                f'<p style="margin:0 0 10px 0"><span style="color:{muted};font-size:11px">{label}</span><br>{text}</p>'
            )
        self.text.setText("".join(lines))


class Side(QSplitter):
    """Values above, the row below."""

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.values = ValuesPanel(themes)
        self.row = RowPanel(themes, thumbnails)
        self.addWidget(self.values)
        self.addWidget(self.row)
        self.setHandleWidth(12)
        self.setChildrenCollapsible(False)
        self.setMinimumWidth(250)
        self.setSizes([320, 370])
