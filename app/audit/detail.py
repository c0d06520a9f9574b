"""One check in full: what it is, its figures, what it says, and what to look at."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.audit.checks import verdict_colour
from app.audit.figures import MOST, FiguresView
from app.audit.words import MARKS, asked, check_title, language, tr, verdict_name, words
from app.i18n import joined
from app.theme import ThemeSource, set_role
from app.views.panel import Panel
from engine.audit.check import Example, Result
from engine.audit.report.words import Words


class DetailView(Panel):
    """`opened` asks for a shopper and a product in Explore."""

    opened = Signal(str, str)  # shopper, product; "" where an example names none

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self._themes = themes
        self.result: Result | None = None
        self.verdict = self._label("strong")
        self.short = self._label("")
        self.method = self._label("muted")
        self.notes = self._label("")
        self.facts = self._label("muted")
        self.asked = self._label("muted")
        self.figures = FiguresView(themes)
        self.examples: list[QPushButton] = []
        self._below = QVBoxLayout()
        self._below.setSpacing(4)
        content = QWidget()
        set_role(content, "content")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(10)
        for widget in (self.verdict, self.short, self.notes, self.figures, self.asked, self.method, self.facts):
            column.addWidget(widget)
        column.insertLayout(3, self._below)
        column.addStretch(1)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setWidget(content)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        set_role(self.area, "reading")
        self.area.setAccessibleName(self.tr("The chosen check"))
        self.body.addWidget(self.area, 1)
        self.show_result(None)

    def _label(self, role: str) -> QLabel:
        label = QLabel()
        if role:
            set_role(label, role)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _labels(self) -> tuple[QLabel, ...]:
        return self.verdict, self.short, self.method, self.notes, self.facts, self.asked

    def show_result(self, result: Result | None) -> None:
        self.result = result
        self.figures.show_result(result)
        self.area.verticalScrollBar().setValue(0)
        for button in self.examples:
            button.deleteLater()
        self.examples = []
        if result is None:
            self.heading.say(self.tr("Choose a check"))
            for label in self._labels():
                label.hide()
            return
        about = words().get(result.check, {})
        self.heading.say(check_title(result.check))
        self.verdict.setText(f"{MARKS[result.verdict]}  {verdict_name(result.verdict)}")
        colour = verdict_colour(self._themes.theme, result.verdict).name()
        self.verdict.setStyleSheet(f"color: {colour}")
        told = Words(language())
        self.short.setText(told.check(result.check, "short"))
        parts = told.method(result.check).items()
        lines = (told("figure_line", label=told(f"method_{part}"), value=text) for part, text in parts)
        self.method.setText("\n\n".join(lines))
        self.notes.setText("\n".join(told.note(result.check, note) for note in result.notes))
        limits = {one.figure: asked(one) for one in result.thresholds}
        named = [joined([str(about.get("figures", {}).get(name, name)), limit]) for name, limit in limits.items()]
        self.asked.setText(self.tr("Asked (dashed): {0}").format("; ".join(named)) if named else "")
        more = len(result.figures) - MOST
        self.facts.setText(
            "\n".join(
                line
                for line in (
                    self.tr("And {0} more figures; an export has all of them.").format(more) if more > 0 else "",
                    self.tr("Source: {0}").format(about.get("source", "")),
                    joined(
                        [
                            self.tr("Sample: {0}").format(result.sample or self.tr("everything")),
                            self.tr("Seed: {0}").format(result.seed),
                            self.tr("{0} s").format(round(result.seconds, 1)),
                        ]
                    ),
                )
                if line
            )
        )
        for label in self._labels():
            label.setVisible(bool(label.text()))
        for example in result.examples:
            self._add_example(result, example)

    def _add_example(self, result: Result, example: Example) -> None:
        said = Words(language()).note(result.check, example.note) if example.note is not None else ""
        what = joined([example.user, example.item or example.text])
        button = QPushButton(joined([what, said]))
        set_role(button, "link")
        button.setEnabled(bool(example.user or example.item))
        button.setToolTip(tr("Look at it in Explore"))
        button.clicked.connect(self._open_example)
        button.setProperty("pair", (example.user, example.item))
        self.examples.append(button)
        self._below.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def _open_example(self) -> None:
        user, item = self.sender().property("pair")
        self.opened.emit(user, item)
