"""What an update brought and what it cost: figures before and after, on the old run's measure and on the new events."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.theme import set_role
from app.views.shown import number, signed
from engine.run_card import UpdateReport

_ROWS = ("old test", "new test", "old validation", "new validation")


class UpdateReportView(QWidget):
    """Hidden for a run that was not made by an update."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verdict, self.about = QLabel(), QLabel()
        set_role(self.verdict, "strong")
        set_role(self.about, "muted")
        for label in (self.verdict, self.about):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.cells: list[list[QLabel]] = []
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        heads = ("NDCG@10", self.tr("before"), self.tr("after"), self.tr("change"), self.tr("choices measured"))
        for column, head in enumerate(heads):
            label = QLabel(head)
            set_role(label, "heading")
            grid.addWidget(label, 0, column, _side(column))
        for row in range(1, len(_ROWS) + 1):
            cells = [QLabel() for _ in heads]
            set_role(cells[0], "muted")
            self.cells.append(cells)
            for column, cell in enumerate(cells):
                grid.addWidget(cell, row, column, _side(column))
        grid.setColumnStretch(len(heads), 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 8)
        whole.setSpacing(6)
        whole.addWidget(self.verdict)
        whole.addWidget(self.about)
        whole.addLayout(grid)
        self.hide()

    def fill(self, report: UpdateReport | None) -> None:
        self.setVisible(report is not None)
        if report is None:
            return
        lost = report.forgotten
        self.verdict.setText(
            self.tr("Forgotten: {0} of NDCG@10 on the old test events.").format(number(lost, 4))
            if lost > 0
            else self.tr("Nothing was forgotten: {0} of NDCG@10 on the old test events.").format(signed(-lost, 4))
        )
        said = [
            self.tr("Went on from {0}. New events: {1}; new products: {2}; new shoppers: {3}.").format(
                report.of, *(number(one, 0) for one in (report.new_events, report.new_items, report.new_users))
            ),
            self.tr("Histories read in each epoch: {0} with something new, {1} old ones repeated.").format(
                number(report.new_windows, 0), number(report.replayed, 0)
            ),
        ]
        if report.tuned:
            said.append(self.tr("Tuned encoders read the new products as they were; an update does not tune further."))
        if not report.best_epoch:
            said.append(self.tr("No epoch was better on the new events: only the linear term, if any, is new."))
        self.about.setText(" ".join(said))
        names = {
            "old test": self.tr("old test events, never learned from"),
            "new test": self.tr("new test events"),
            "old validation": self.tr("old validation events"),
            "new validation": self.tr("new validation events"),
        }
        figures = {one.name: one for one in report.figures}
        for name, cells in zip(_ROWS, self.cells, strict=True):
            one = figures.get(name)
            texts = ["", "", "", "", ""]
            if one is not None and one.targets:
                change = signed(one.after - one.before, 4)
                count = number(one.targets, 0)
                texts = [names[name], number(one.before, 4), number(one.after, 4), change, count]
            for cell, text in zip(cells, texts, strict=True):
                cell.setText(text)
                cell.setVisible(bool(text))


def _side(column: int) -> Qt.AlignmentFlag:
    return (Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
