"""What is written at the bars of the sum never runs together, however narrow the panel and whatever the language."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.i18n import LanguageSource
from app.session import Session
from app.theme import LIGHT, ThemeSource, stylesheet
from app.views.bar_labels import Label, shorter
from app.views.shown import Shown
from app.views.sum_bars import Bar
from app.views.sum_line import SumView
from app.views.waterfall import Waterfall
from engine.explain.types import Explanation, Removal, Token
from tests.app.conftest import FakeEngine, make_explanation, make_run

WIDTHS = (260, 300, 340, 390, 450, 520, 640, 900)
LANGUAGES = ("en", "zh_CN")


def with_past(found: Explanation, amount: float) -> Explanation:
    """With two past choices that add `amount` in all: the large numbers of a linear term."""
    past = tuple(Token("history", event.title, event.item) for event in found.history[:2])
    shares = np.array([1.5 * amount, -0.5 * amount])[: len(past)]
    attention = np.zeros((len(past), found.attention.shape[1]))
    return replace(
        found,
        tokens=(*found.tokens, *past),
        contribution=np.concatenate([found.contribution, shares]),
        contribution_by_head=np.concatenate([found.contribution_by_head, attention]),
        attention=np.concatenate([found.attention, attention]),
        score=found.score + float(shares.sum()),
    )


def apart(labels: list[Label]) -> None:
    for one, other in combinations([label for label in labels if label.text], 2):
        assert not one.rect.intersects(other.rect), (one, other)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_label_touches_another_or_a_bar_or_the_edge(
    engine: FakeEngine,
    qtbot: QtBot,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    language: str,
    width: int,
) -> None:
    request.addfinalizer(LanguageSource(language).remove)
    waterfall = Waterfall(Session(engine), ThemeSource("light"))
    qtbot.addWidget(waterfall)
    run = make_run(tmp_path)
    drawn = 0
    for amount in (0.0, 12.07, -1234.5):
        for method in ("contribution", "attention"):
            found = with_past(make_explanation(run, "u4", "i3", method), amount)
            waterfall.fill(Shown(found))
            for part in ("", "text", "attribute", "image"):
                waterfall.open(part)
                for height in (84, 110, 300):
                    waterfall.resize(width, height)
                    above, below = waterfall.figures(), waterfall.captions()
                    apart(above)
                    apart([label for name, detail, _ in below for label in (name, detail)])
                    inside = QRectF(waterfall.rect()).adjusted(-0.01, -0.01, 0.01, 0.01)
                    for place, label in enumerate(above):
                        if label.text:
                            drawn += 1
                            assert inside.contains(label.rect), label
                            rects = waterfall.rects()
                            assert not any(label.rect.intersects(rect) for rect in rects), (place, label)
                    for name, _, arrow in below:
                        assert inside.contains(name.rect) or not name.text, name
                        assert arrow <= width
                    assert above[-1].text, "the total is always told"
                waterfall.open("")
            waterfall.grab()
    assert drawn > 100


def test_with_room_everything_is_told_whole_on_one_line(engine: FakeEngine, qtbot: QtBot, tmp_path: Path) -> None:
    waterfall = Waterfall(Session(engine), ThemeSource("light"))
    qtbot.addWidget(waterfall)
    waterfall.fill(Shown(with_past(make_explanation(make_run(tmp_path), "u4", "i3"), 12.07)))
    waterfall.resize(1000, 140)
    assert [label.text for label in waterfall.figures()] == [bar.text for bar in waterfall.bars]
    named = waterfall.captions()
    assert [name.text for name, _, _ in named] == [bar.caption for bar in waterfall.bars]
    assert len({name.rect.top() for name, _, _ in named}) == 1
    waterfall.resize(380, 140)
    named = waterfall.captions()
    assert len({name.rect.top() for name, _, _ in named}) == 2
    wide = QFontMetricsF(waterfall._small).horizontalAdvance
    assert all(
        name.text == bar.caption or wide(bar.caption) > 60
        for (name, _, _), bar in zip(named, waterfall.bars, strict=True)
    )


def test_a_figure_is_shortened_but_never_to_nothing() -> None:
    assert shorter(Bar("text", "words", "+12.07", 0, 12.07, 12.07)) == ["+12.1", "+12"]
    assert shorter(Bar("text", "words", "−0.042", 0, -0.042, -0.042)) == ["−0.04"]
    assert shorter(Bar("", "score", "13.54", 0, 13.54, 13.54)) == ["13.5", "14"]
    assert shorter(Bar("text", "words", "7.4 %", 0, 0.074, 0.074))[0] == "7 %"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_is_said_of_the_grade_is_cut_and_rules_in_force_are_named(
    engine: FakeEngine, qtbot: QtBot, tmp_path: Path, request: pytest.FixtureRequest, language: str
) -> None:
    request.addfinalizer(LanguageSource(language).remove)
    dressed = QApplication.instance()
    assert isinstance(dressed, QApplication)
    dressed.setStyleSheet(stylesheet(LIGHT))  # as in the window: its frames and margins count
    session = Session(engine)
    panel = SumView(session, ThemeSource("light"))
    qtbot.addWidget(panel)
    panel.resize(640, panel.minimumHeight())
    panel.show()
    for method in ("contribution", "attention"):
        found = make_explanation(make_run(tmp_path), "u4", "i3", method)
        label = "a past choice with a title as long as that of an old film about the discovery of a new world"
        found = replace(found, removals=(Removal("history", label, 1, found.score - 1, found.rank + 500),))
        told = []
        for rank in (None, 7):
            session.explanation = replace(found, shown_rank=rank)
            session.explanation_changed.emit(session.explanation)
            labels = [one for one in (panel.trust.moved, panel.trust.measured, panel.trust.fine) if one.isVisible()]
            qtbot.waitUntil(lambda: all(one.height() >= one.heightForWidth(one.width()) for one in labels))  # noqa: B023
            told.append(panel.trust.fine.text())
        assert told[0] != told[1]
        assert {"en": "without rules", "zh_CN": "不含规则"}[language] in told[1]
