"""One past choice laid open: which of its own words, cells and attributes its part of the score comes from."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.questions import Questions
from app.session import Session
from app.theme import ThemeSource, set_role, sign_color, ui_font
from app.thumbnails import Thumbnails, contained
from app.views.heat import greyed, heat_image
from app.views.panel import Heading, follow
from app.views.shown import digits, part_name, power_of_ten, signed, token_name
from app.views.working import Working
from engine.answers import PastSplit
from engine.explain.types import HistoryEvent

_PHOTO = QSize(136, 136)
_ROW = 21
_ROWS = 8
_WIDE = 430


class SplitRows(QWidget):
    """The largest parts as signed bars about one zero; the photo's cells are told together, the photo shows each."""

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._font = ui_font(12)
        self.rows: list[tuple[str, float]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Largest parts of the past choice"))
        follow(themes, self)

    def fill(self, found: PastSplit) -> None:
        rows = [
            (token_name(token), float(share))
            for token, share in zip(found.tokens, found.share, strict=True)
            if token.modality != "image"
        ]
        cells = [float(s) for t, s in zip(found.tokens, found.share, strict=True) if t.modality == "image"]
        if cells:
            rows.append((part_name("image"), sum(cells)))
        rows.sort(key=lambda row: -abs(row[1]))
        self.rows = rows[:_ROWS]
        if len(rows) > _ROWS + 1:
            rest = sum(value for _, value in rows[_ROWS:])
            self.rows.append((self.tr("{n} more").format(n=len(rows) - _ROWS), rest))
        elif len(rows) > _ROWS:
            self.rows = rows
        self.setFixedHeight(max(1, _ROW * len(self.rows)))
        self.setAccessibleDescription(", ".join(f"{name} {signed(value, digits(value))}" for name, value in self.rows))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        most = max((abs(value) for _, value in self.rows), default=0.0) or 1.0
        labels, figures = self.width() * 0.46, 62.0
        room = (self.width() - labels - figures - 8) / 2
        zero = labels + 4 + room
        for place, (name, value) in enumerate(self.rows):
            line = QRectF(0, place * _ROW, self.width(), _ROW)
            painter.setPen(theme.text)
            cut = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, int(labels))
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, cut)
            length = max(1.0, abs(value) / most * room)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(sign_color(theme, value))
            bar = QRectF(zero if value >= 0 else zero - length, line.center().y() - 4, length, 8)
            painter.drawRoundedRect(bar, min(2.0, length / 2), 2)
            painter.setPen(theme.muted)
            painter.drawText(
                line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, signed(value, digits(most))
            )
        painter.end()


class SplitPhoto(QWidget):
    """The past product's photo under the heat of its cells."""

    def __init__(self, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self._thumbnails = thumbnails
        self._event: HistoryEvent | None = None
        self._cells: np.ndarray | None = None
        self.setFixedSize(_PHOTO)
        thumbnails.arrived.connect(self._arrived)
        follow(themes, self)

    def fill(self, event: HistoryEvent, found: PastSplit | None) -> None:
        self._event = event
        self._cells = cells_of(found) if found is not None else None
        self.setAccessibleName(self.tr("Photo with heatmap") + f": {event.title}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        past = self._event
        ratio = self.devicePixelRatioF()
        photo = self._thumbnails.photo(past.image, 256) if past is not None and past.image else None
        if past is not None and (photo is None or photo.image is None or self._cells is None):
            painter.drawPixmap(0, 0, self._thumbnails.tile(past.image, past.title, _PHOTO, ratio))
        elif photo is not None and photo.image is not None and self._cells is not None:
            lies = contained(photo.image, QRectF(self.rect()))
            outline = QPainterPath()
            outline.addRoundedRect(lies, 6, 6)
            painter.setClipPath(outline)
            size = QSize(max(1, round(lies.width() * ratio)), max(1, round(lies.height() * ratio)))
            ground = greyed(photo.image, size, 1.0)
            painter.drawPixmap(lies, ground, QRectF(ground.rect()))
            painter.setOpacity(0.85)
            full = float(np.abs(self._cells).max())
            painter.drawImage(lies, heat_image(self._cells, full, fine=10, colours_of=self._themes.heat))
        painter.end()

    def _arrived(self, path: str) -> None:
        if self._event is not None and path == self._event.image:
            self.update()


def cells_of(found: PastSplit) -> np.ndarray | None:
    """The photo's cells as a grid, float64[rows, columns], or None without a photo."""
    cells = [
        (t.box, float(s)) for t, s in zip(found.tokens, found.share, strict=True) if t.modality == "image" and t.box
    ]
    down = sorted({round(box[1], 6) for box, _ in cells})
    across = sorted({round(box[0], 6) for box, _ in cells})
    if not cells or len(cells) != len(down) * len(across):
        return None
    made = np.zeros((len(down), len(across)))
    for box, share in cells:
        made[down.index(round(box[1], 6)), across.index(round(box[0], 6))] = share
    return made


class PastSplitPopup(QFrame):
    """Hangs below a past choice until Escape or a click beside it."""

    open_asked = Signal(str)  # a product
    remove_asked = Signal(str)

    def __init__(self, session: Session, themes: ThemeSource, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._session = session
        self._event: HistoryEvent | None = None
        self._questions = Questions(session.engine, "split", self)
        set_role(self, "popup")
        self.setAccessibleName(self.tr("Split of a past choice"))
        self.title = Heading("strong")
        self.said = QLabel()
        self.photo = SplitPhoto(themes, thumbnails)
        self.rows = SplitRows(themes)
        self.note = QLabel()
        self.fault = QLabel()
        self.working = Working(self._questions)
        self.open = QPushButton(self.tr("Open this product"))
        self.remove = QPushButton(self.tr("Remove from the past"))
        self._lay_out()
        self._questions.failed.connect(self._failed)
        self._questions.changed.connect(self._fit)
        self.open.clicked.connect(lambda: self._leave(self.open_asked))
        self.remove.clicked.connect(lambda: self._leave(self.remove_asked))

    def _lay_out(self) -> None:
        for label, role in ((self.said, "muted"), (self.note, "small"), (self.fault, "error")):
            set_role(label, role)
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        right = QVBoxLayout()
        right.setSpacing(4)
        right.addWidget(self.rows)
        right.addStretch(1)
        middle = QHBoxLayout()
        middle.setSpacing(12)
        middle.addWidget(self.photo, 0, Qt.AlignmentFlag.AlignTop)
        middle.addLayout(right, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.open)
        buttons.addWidget(self.remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        for widget in (self.title, self.said):
            column.addWidget(widget)
        column.addLayout(middle)
        column.addWidget(self.note)
        column.addWidget(self.fault)
        column.addWidget(self.working)
        column.addLayout(buttons)
        gives = self.working.sizePolicy()
        gives.setRetainSizeWhenHidden(False)
        self.working.setSizePolicy(gives)
        self.setFixedWidth(_WIDE)

    def _fit(self) -> None:
        """As high as the words want at this width."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.setFixedHeight(layout.totalHeightForWidth(_WIDE))

    @property
    def busy(self) -> bool:
        """Whether an answer is still on its way."""
        return self._questions.busy

    def ask(self, event: HistoryEvent, near: QRect, origin: QWidget) -> None:
        """Split this event's part of the shown product's score, beside `near`, a rectangle of `origin`."""
        found, run = self._session.explanation, self._session.run
        if found is None or run is None:
            return
        self._event = event
        self.title.say(event.title)
        self.said.setText(self.tr("in the score of {product}").format(product=found.title))
        self.photo.fill(event, None)
        self.rows.hide()
        self.note.hide()
        self.fault.hide()
        self._fit()
        corner = origin.mapToGlobal(near.bottomLeft() + QPoint(0, 6))
        screen = self.screen().availableGeometry() if self.screen() else None
        if screen is not None:
            corner.setX(max(screen.left() + 8, min(corner.x(), screen.right() - _WIDE - 8)))
        self.move(corner)
        self.show()
        self.open.setFocus(Qt.FocusReason.OtherFocusReason)
        self._questions.ask(
            "split_past", self._take, run=run.folder, user=found.user, item=found.item, past=event.item,
            scenario=self._session.scenario,
        )  # fmt: skip

    def _take(self, found: PastSplit) -> None:
        event = self._event
        if event is None or found.item != event.item:
            return
        self.photo.fill(event, found)
        self.rows.fill(found)
        self.rows.setVisible(bool(self.rows.rows))
        places = max(digits(found.by_sequence), 2)
        self.said.setText(
            self.tr("{part} through the sequence, split below; {direct} directly, which has no parts").format(
                part=signed(found.by_sequence, places), direct=signed(found.direct, places)
            )
        )
        words = [
            self.tr("By integrated gradients: the parts sum to it (gap {gap}).").format(
                gap=power_of_ten(abs(found.gap))
            )
        ]
        if event.contribution is not None:
            words.append(
                self.tr("The strip's {value} is what the score loses without it.").format(
                    value=signed(event.contribution, digits(event.contribution))
                )
            )
        self.note.setText(" ".join(words))
        self.note.show()
        self._fit()

    def _failed(self, message: str, hint: str) -> None:
        self.fault.setText(f"{message} {hint}".strip())
        self.fault.show()
        self._fit()

    def _leave(self, signal: object) -> None:
        event = self._event
        self.hide()
        if event is not None:
            signal.emit(event.item)  # type: ignore[attr-defined]

    def event(self, event: QEvent) -> bool:
        """Escape closes this before it means anything to the view behind it."""
        key = event.key() if isinstance(event, QKeyEvent) else None
        if event.type() == QEvent.Type.ShortcutOverride and key == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)
