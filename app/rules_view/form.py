"""One rule in fields. What is valid is told at once; what is wrong is said beneath, and is not in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from app.rule_words import condition_words, kind_help, kind_name
from app.rules_view.condition import ConditionEditor
from app.rules_view.picked import Picked
from app.theme import ThemeSource, set_role
from app.views.panel import Panel, scrolling
from app.views.shown import number
from engine.answers import Ranking, RunSummary
from engine.rule_book import RuleBook, RuleField
from engine.rules import KINDS, Rule

_STANDARD = {  # what a new rule begins with
    "boost": {"by": 0.1},
    "diversity": {"weight": 0.7, "over": "content", "within": 50},
    "exposure": {"at_least": 2, "within": 10},
    "pin": {"position": 1},
}
_NAMED = 40  # characters of a condition that make a name
_PAUSE = 500  # milliseconds after a key until what was typed is in force


def new_rule(kind: str, book: RuleBook) -> Rule:
    """An unfinished rule of a kind: without a name, a condition or a product."""
    rule = Rule("", kind, **_STANDARD.get(kind, {}))  # type: ignore[arg-type]  # each value fits its field
    taken = {one.position for one in book.rules if one.kind == "pin"}
    return replace(rule, position=next(n for n in range(1, 10_000) if n not in taken)) if kind == "pin" else rule


class RuleForm(Panel):
    """`edited` brings a valid rule, what of it was edited, and the name of the rule that it takes the place of ("" for
    a new one)."""

    edited = Signal(object, str, str)  # Rule, what, name before
    wanted = Signal(str)  # a new rule of this kind
    discarded = Signal()

    def __init__(self, themes: ThemeSource, parent: QWidget | None = None) -> None:
        super().__init__(themes, parent)
        self.rule: Rule | None = None  # as it is in the book, or an unfinished one without a name
        self._book = RuleBook()
        self._titles: dict[str, str] = {}
        self._filling = False
        self._known = ""  # how many products the rule is about, or why it cannot act
        self._lacking = False
        self._typing = ""  # what is being typed and not told yet
        self._later = QTimer(self, singleShot=True, interval=_PAUSE)
        self._later.timeout.connect(self.commit)
        self.name = QLineEdit()
        self.name.setAccessibleName(self.tr("Name of the rule"))
        self.condition = ConditionEditor(themes)
        self.products = Picked(themes, self.tr("Products"), self.tr("Type a title to add a product"))
        self.product = Picked(themes, self.tr("Product"), self.tr("Type the title of a product"), single=True)
        self.by = QDoubleSpinBox()
        self.scale = QLabel()
        self.weight, self.within, self.at_least = QSpinBox(), QSpinBox(), QSpinBox()
        self.first, self.position = QSpinBox(), QSpinBox()
        self.over = QComboBox()
        self.fault = QLabel()
        self.reach = QLabel()
        self.discard = QPushButton(self.tr("Discard"))
        self._rows: dict[str, QWidget] = {}
        self._make_fields()
        self._lay_out()
        self.show_rule(None, RuleBook())

    def _make_fields(self) -> None:
        self.by.setRange(-1000.0, 1000.0)
        self.by.setDecimals(3)
        self.by.setSingleStep(0.05)
        self.by.setAccessibleName(self.tr("What is added to the score"))
        self.weight.setRange(0, 100)
        self.weight.setSingleStep(5)
        self.weight.setSuffix(" %")
        self.weight.setAccessibleName(self.tr("Weight of relevance"))
        self.weight.setToolTip(self.tr("100 %: the order of the scores; the lower, the more variety"))
        for spin, name in (
            (self.within, self.tr("How many places are mixed")),
            (self.at_least, self.tr("At least so many products")),
            (self.first, self.tr("Of so many first places")),
            (self.position, self.tr("Place in the list")),
        ):
            spin.setRange(1, 100_000 if spin is not self.within else 1000)
            spin.setAccessibleName(name)
        self.over.addItem(self.tr("their content"), "content")
        self.over.addItem(self.tr("everything the model knows of them"), "vectors")
        self.over.setAccessibleName(self.tr("What likeness is judged by"))
        self.name.textEdited.connect(lambda _: self._typed("name"))
        self.name.editingFinished.connect(self.commit)
        self.condition.typed.connect(lambda: self._typed("where"))
        self.condition.finished.connect(self.commit)
        self.condition.changed.connect(lambda: self._changed("where"))
        self.products.changed.connect(lambda: self._changed("items"))
        self.product.changed.connect(lambda: self._changed("item"))
        self.by.valueChanged.connect(lambda _: self._changed("by"))
        self.over.currentIndexChanged.connect(lambda _: self._changed("over"))
        for spin, what in (
            (self.weight, "lambda"),
            (self.within, "within"),
            (self.at_least, "at_least"),
            (self.first, "within"),
            (self.position, "position"),
        ):
            spin.valueChanged.connect(lambda _, what=what: self._changed(what))
        for one in (self.by, self.weight, self.within, self.at_least, self.first, self.position):
            one.setKeyboardTracking(False)  # half a number is not meant
            one.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            one.setMinimumWidth(96)

    def _lay_out(self) -> None:
        self.about = QLabel()
        set_role(self.about, "muted")
        set_role(self.scale, "small")
        set_role(self.fault, "error")
        set_role(self.reach, "muted")
        for label in (self.about, self.scale, self.fault, self.reach):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        between = QLabel(self.tr("of the first"))
        set_role(between, "muted")
        content = QWidget()
        self._form = QFormLayout(content)
        self._form.setContentsMargins(0, 0, 10, 0)
        self._form.setHorizontalSpacing(16)
        self._form.setVerticalSpacing(8)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows: tuple[tuple[str, str, QWidget], ...] = (
            ("name", self.tr("Name"), self.name),
            ("by", self.tr("Adds"), _beside(self.by, self.scale)),
            ("share", self.tr("At least"), _beside(self.at_least, between, self.first, None)),
            ("where", self.tr("Products whose"), self.condition),
            ("items", self.tr("Products"), self.products),
            ("item", self.tr("Product"), self.product),
            ("position", self.tr("Place"), self.position),
            ("lambda", self.tr("Relevance"), self.weight),
            ("over", self.tr("Alike by"), self.over),
            ("within", self.tr("First places"), self.within),
        )
        for key, text, one in rows:
            label = QLabel(text)
            label.setMinimumWidth(104)
            self._form.addRow(label, one)
            self._rows[key] = one
        set_role(content, "content")
        self._scroll = scrolling(content)
        foot = QHBoxLayout()
        foot.setSpacing(12)
        foot.addWidget(self.fault, 1)
        foot.addWidget(self.reach, 1)
        foot.addWidget(self.discard)
        self.discard.setToolTip(self.tr("Leave the new rule unfinished and put it away"))
        self.discard.clicked.connect(self.discarded)
        self.body.addWidget(self.about)
        self.kinds = self._kinds()
        self.body.addWidget(self.kinds, 1)
        self.body.addWidget(self._scroll, 1)
        self.body.addLayout(foot)

    def _kinds(self) -> QScrollArea:
        """What rules there are, while none is shown: each begins one."""
        page = QWidget()
        grid = QGridLayout(page)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for row, kind in enumerate(KINDS):
            button = QPushButton(kind_name(kind))
            button.setToolTip(self.tr("New rule: {0}").format(kind_name(kind)))
            button.clicked.connect(lambda _=False, kind=kind: self.wanted.emit(kind))
            about = QLabel(kind_help(kind))
            set_role(about, "muted")
            about.setWordWrap(True)
            grid.addWidget(button, row, 0)
            grid.addWidget(about, row, 1)
        grid.setRowStretch(len(KINDS), 1)
        set_role(page, "content")
        return scrolling(page)

    # --- what is shown ----------------------------------------------------------------------------------------------

    def open(self, run: RunSummary | None) -> None:
        """Offer the products of a run."""
        words = [] if run is None else list(zip(run.items.item, run.items.title, strict=True))
        self._titles = dict(words)
        for picked in (self.products, self.product):
            picked.offer([(item, title, title) for item, title in words])
        self.say()

    def offer(self, fields: tuple[RuleField, ...]) -> None:
        """Offer the fields of the dataset, and show the rule again with them."""
        self.condition.offer(fields)
        if self.rule is not None:
            self._filling = True
            self.condition.put(self.rule.where)
            self._filling = False

    def show_rule(self, rule: Rule | None, book: RuleBook) -> None:
        """Show a rule of the book, or an unfinished one; nothing is signalled. What is being typed stays."""
        same = rule is not None and self.rule is not None and rule.name == self.rule.name
        typed, _ = self._made() if same else (None, "")
        self._book = book
        if same and rule == typed:
            self.rule = rule
            self.say()
            return
        self.rule = rule
        self._known, self._lacking = "", False
        self._filling = True
        if rule is not None:
            self._fill(rule)
        self._filling = False
        self.say()

    def _fill(self, rule: Rule) -> None:
        shown = {
            "filter": ("where",),
            "exclude": ("items",),
            "boost": ("by", "where"),
            "diversity": ("lambda", "over", "within"),
            "exposure": ("share", "where"),
            "pin": ("item", "position"),
        }[rule.kind]
        for key, widget in self._rows.items():
            self._form.setRowVisible(widget, key == "name" or key in shown)
        self.heading.say(kind_name(rule.kind) if rule.name else self.tr("New rule: {0}").format(kind_name(rule.kind)))
        self.about.setText(kind_help(rule.kind))
        self.name.setText(rule.name)
        self.condition.put(rule.where)
        self.products.put(rule.items if rule.kind == "exclude" else ())
        self.product.put(rule.items if rule.kind == "pin" else ())
        self.by.setValue(rule.by)
        self.weight.setValue(round(100 * rule.weight))
        self.over.setCurrentIndex(max(self.over.findData(rule.over), 0))
        self.within.setValue(rule.within or 1)
        self.at_least.setValue(rule.at_least or 1)
        self.first.setValue(rule.within or 1)
        self.position.setValue(rule.position or 1)

    def say_scale(self, ranking: Ranking | None) -> None:
        """Tell what a score is worth in the list shown: how far the first leads."""
        items = ranking.items if ranking is not None else ()
        scores = sorted((one.score for one in items), reverse=True)
        text = ""
        if len(scores) >= 10:
            text = self.tr("In the list shown, the highest score leads the tenth by {0}.").format(
                number(scores[0] - scores[9], 2)
            )
        self.scale.setText(text)

    def say_reach(self, text: str, lacking: bool) -> None:
        """How many products the rule is about; lacking: it cannot act, or has nothing to act on."""
        self._known, self._lacking = text, lacking
        self.say()

    def say(self) -> None:
        """Tell what is wrong, else how far the rule reaches."""
        there = self.rule is not None
        for widget in (self.about, self._scroll):
            widget.setVisible(there)
        self.discard.setVisible(self.rule is not None and not self.rule.name)
        self.kinds.setVisible(not there)
        self.kinds.setEnabled(bool(self._titles))
        if not there:
            self.heading.say(self.tr("What a rule can do"))
        fault = self._made()[1] if there else ""
        if self.rule is not None and fault:
            start = self.tr("Not in force yet.") if not self.rule.name else self.tr("Not taken over.")
            fault = f"{start} {fault}"
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))
        self.reach.setText(self._known)
        set_role(self.reach, "error" if self._lacking else "muted")
        self.reach.setVisible(there and not fault and bool(self._known))
        self.name.setPlaceholderText(self._auto_name())

    # --- what is edited ---------------------------------------------------------------------------------------------

    @property
    def typing(self) -> bool:
        """Whether something is typed that is not in force yet."""
        return bool(self._typing)

    def _typed(self, what: str) -> None:
        """Half a word or number is not meant: it is taken over after a pause, or when the field is left."""
        if not self._filling and self.rule is not None:
            self._typing = what
            self._later.start()
            self.say()

    def commit(self) -> None:
        """Take over what was typed."""
        what, self._typing = self._typing, ""
        self._later.stop()
        if what:
            self._changed(what)

    def _changed(self, what: str) -> None:
        if self._filling or self.rule is None:
            return
        made, _ = self._made()
        if made is not None and made != self.rule:
            self.edited.emit(made, what, self.rule.name)
        self.say()

    def _auto_name(self) -> str:
        """What a rule without a name of its own is called."""
        if self.rule is None:
            return ""
        where = self.condition.condition() if self.rule.kind in ("filter", "boost", "exposure") else None
        picked = self.products.keys if self.rule.kind == "exclude" else self.product.keys
        name = condition_words(where) if where is not None else kind_name(self.rule.kind)
        if self.rule.kind in ("exclude", "pin") and picked:
            name = self._titles.get(picked[0], picked[0])
        return self._others().free_name(name if len(name) <= _NAMED else name[: _NAMED - 1].rstrip() + "…")

    def _others(self) -> RuleBook:
        return self._book.without(self.rule.name) if self.rule is not None and self.rule.name else self._book

    def _made(self) -> tuple[Rule | None, str]:
        """The rule as the fields have it, or why there is none."""
        rule = self.rule
        if rule is None:
            return None, ""
        name = " ".join(self.name.text().split()) or self._auto_name()
        if self._others().named(name) is not None:
            return None, self.tr("Another rule is called so already.")
        made, fault = _MADE[rule.kind](self, replace(rule, name=name))
        return (None, fault) if fault else (made, "")

    def _with_condition(self, rule: Rule) -> tuple[Rule, str]:
        return replace(rule, where=self.condition.condition()), self.condition.fault()

    def _exclusion(self, rule: Rule) -> tuple[Rule, str]:
        fault = "" if self.products.keys else self.tr("Choose at least one product.")
        return replace(rule, items=self.products.keys), fault

    def _boost(self, rule: Rule) -> tuple[Rule, str]:
        by = round(self.by.value(), self.by.decimals())
        same = abs(by - rule.by) < 0.5 * 10 ** -self.by.decimals()  # a file may say it more finely
        return self._with_condition(replace(rule, by=rule.by if same else by))

    def _variety(self, rule: Rule) -> tuple[Rule, str]:
        share = self.weight.value()
        weight = rule.weight if round(100 * rule.weight) == share else share / 100
        over = str(self.over.currentData())
        return replace(rule, weight=weight, over=over, within=self.within.value()), ""

    def _share(self, rule: Rule) -> tuple[Rule, str]:
        least, first = self.at_least.value(), self.first.value()
        made, fault = self._with_condition(replace(rule, at_least=least, within=first))
        too_many = self.tr("{0} products do not fit into {1} places.").format(least, first) if least > first else ""
        return made, too_many or fault

    def _fixed(self, rule: Rule) -> tuple[Rule, str]:
        place = self.position.value()
        made = replace(rule, items=self.product.keys, position=place)
        if not self.product.keys:
            return made, self.tr("Choose a product.")
        for one in self._others().rules:
            if one.kind == "pin" and one.position == place:
                return made, self.tr("“{0}” stands at that place already.").format(one.name)
        return made, ""


def _beside(*widgets: QWidget | None) -> QWidget:
    """Widgets in a row, the last taking what is left; None is a gap."""
    whole = QWidget()
    row = QHBoxLayout(whole)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for place, widget in enumerate(widgets):
        if widget is None:
            row.addStretch(1)
        else:
            row.addWidget(widget, int(place == len(widgets) - 1))
    return whole


_MADE: dict[str, Callable[[RuleForm, Rule], tuple[Rule, str]]] = {
    "filter": RuleForm._with_condition,
    "exclude": RuleForm._exclusion,
    "boost": RuleForm._boost,
    "diversity": RuleForm._variety,
    "exposure": RuleForm._share,
    "pin": RuleForm._fixed,
}
