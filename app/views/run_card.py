"""The card of a run: what it is worth, what it was trained on, and the settings that are its own."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.i18n import joined
from app.theme import set_role
from app.views.setting_names import choice_name, setting_name
from app.views.shown import number, part_name
from app.views.update_report import UpdateReportView
from engine.run_card import RunCard
from engine.training.config import Config

Rows = list[tuple[str, str]]


class RunCardView(QWidget):
    """Shows one `RunCard`; `settings_asked` hands its settings to the form."""

    settings_asked = Signal(object)  # settings

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.card: RunCard | None = None
        self._empty = QLabel(self.tr("Choose a run to read its card."))
        set_role(self._empty, "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.verdict.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.use = QPushButton(self.tr("Use these settings"))
        self.use.setToolTip(self.tr("Put the settings of this run into the form for a new training"))
        self.use.clicked.connect(self._use)
        self._columns = [_Column(self.tr("Figures"), wraps=False), _Column(self.tr("Data and model")), _Column("")]
        self.update_report = UpdateReportView()
        content = QWidget()
        set_role(content, "content")
        whole_card = QVBoxLayout(content)
        whole_card.setContentsMargins(0, 0, 10, 0)
        whole_card.setSpacing(8)
        whole_card.addWidget(self.update_report)
        row = QHBoxLayout()
        row.setSpacing(24)
        whole_card.addLayout(row, 1)
        for one, wide in zip(self._columns, (0, 6, 5), strict=True):
            row.addWidget(one, wide)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(content)
        self._scroll.setAccessibleName(self.tr("Run card"))
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.verdict, 1)
        head.addWidget(self.use, 0, Qt.AlignmentFlag.AlignTop)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 4, 0, 0)
        whole.setSpacing(8)
        whole.addLayout(head)
        whole.addWidget(self._scroll, 1)
        whole.addWidget(self._empty, 1)
        self.show_card(None)

    def show_card(self, card: RunCard | None) -> None:
        self.card = card
        for widget in (self.verdict, self.use, self._scroll):
            widget.setVisible(card is not None)
        self._empty.setVisible(card is None)
        if card is None:
            return
        self.verdict.setText(
            card.row.verdict or self.tr("Not evaluated yet: Evaluation tells how sure its figures are.")
        )
        set_role(self.verdict, "" if card.row.verdict else "muted")
        self.update_report.fill(card.update)
        self._columns[0].put(figures(card))
        self._columns[1].put(self._about(card))
        changed = own_settings(card.settings)
        self._columns[2].put(changed or [(self.tr("As the standard preset"), "")], self.tr("Its own settings"))

    def _use(self) -> None:
        if self.card is not None:
            self.settings_asked.emit(self.card.settings)

    def _about(self, card: RunCard) -> Rows:
        row = card.row
        synthetic = self.tr("{0} (synthetic)").format(row.dataset) if card.synthetic else row.dataset
        found = [(self.tr("Data"), synthetic), (setting_name("split"), choice_name(row.split))]
        found += [(part_name(kind).capitalize(), name) for kind, name in card.encoders.items()]
        found.append((self.tr("Best epoch"), self.tr("{0} of {1}").format(row.epoch, len(card.rows) or row.epoch)))
        if row.seconds is not None:
            found.append((self.tr("Training time"), lasting(row.seconds)))
        if row.parameters is not None:
            found.append((self.tr("Parameters"), number(row.parameters, 0)))
        if card.origin:
            found.append((self.tr("Origin"), card.origin))
        return found


class _Column(QWidget):
    """A heading and rows of name and value."""

    def __init__(self, title: str, *, wraps: bool = True) -> None:
        super().__init__()
        self._wraps = wraps
        self._title = QLabel(title)
        set_role(self._title, "heading")
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._title)
        column.addLayout(self._grid)
        column.addStretch(1)

    def put(self, rows: Rows, title: str = "") -> None:
        if title:
            self._title.setText(title)
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for place, (name, value) in enumerate(rows):
            label, said = QLabel(name), QLabel(value)
            set_role(label, "muted")
            said.setWordWrap(self._wraps)
            said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.addWidget(label, place, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(said, place, 1)


def lasting(seconds: float) -> str:
    """How long something took: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return QCoreApplication.translate("RunCard", "{0} s").format(number(seconds, 0))
    if seconds < 5400:
        return QCoreApplication.translate("RunCard", "{0} min").format(number(seconds / 60, 0))
    return QCoreApplication.translate("RunCard", "{0} h").format(number(seconds / 3600, 1))


def figures(card: RunCard) -> Rows:
    """What was measured: with intervals where the run was evaluated."""
    found: Rows = []
    names = {"ndcg": "NDCG", "recall": "Recall", "mrr": "MRR"}
    for split, one in card.evaluations.items():
        for name, shown in names.items():
            figure = one["model"]["metrics"][name]
            said = f"{number(figure['mean'], 4)}  ({number(figure['low'], 4)} – {number(figure['high'], 4)})"
            found.append((f"{shown}@{one['k']} · {_part(split)}", said))
    for name, value in card.metrics.items():
        split, _, rest = name.partition(" ")
        evaluated = split in card.evaluations
        if split in ("test", "validation") and rest in ("ndcg@10", "recall@10") and not evaluated:
            shown = rest.replace("ndcg", "NDCG").replace("recall", "Recall")
            found.append((f"{shown} · {_part(split)}", number(value, 4)))
    return found


def own_settings(settings: dict[str, object]) -> Rows:
    """Settings that are not as a standard training has them."""
    standard = Config().to_json()
    found = []
    for name, value in settings.items():
        given = tuple(value) if isinstance(value, list) else value
        if name in standard and given != standard[name] and name != "threads":
            found.append((setting_name(name), _value(given)))
    return found


def _value(value: object) -> str:
    if isinstance(value, bool):
        return QCoreApplication.translate("RunCard", "yes") if value else QCoreApplication.translate("RunCard", "no")
    if isinstance(value, tuple):
        return joined([choice_name(str(one)) for one in value]) or choice_name("none")
    return (
        choice_name(str(value)) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
    )


def _part(split: str) -> str:
    names = {
        "test": QCoreApplication.translate("RunCard", "test"),
        "validation": QCoreApplication.translate("RunCard", "validation"),
    }
    return names.get(split, split)
