"""What the explorer reads out of an explanation: numbers, shares, parts, heat."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.session import ALL_HEADS, Pointed
from app.theme import ThemeSource
from app.views.heat import heat_image, smooth
from app.views.shown import Shown, digits, number, percent, power_of_ten, signed
from app.views.sum_bars import bars_of
from app.views.text_blocks import utf16_offsets
from app.views.trust import Trust
from engine.explain.sentences import removal_sentences
from engine.explain.types import Explanation, Removal, Token
from tests.app import made_up


@pytest.fixture
def found(tmp_path: Path) -> Explanation:
    run = made_up.run_summary(tmp_path, images=["media/1.png"])
    return made_up.explanation(run, run.shoppers.user[0], "i4")  # pulled down by its photo


def test_signed_numbers_use_a_true_minus_and_no_sign_on_zero() -> None:
    assert [signed(0.62), signed(-0.16), signed(0.0), signed(-0.0001)] == ["+0.62", "−0.16", "0.00", "0.00"]
    assert number(-1234.5, 1) == "−1,234.5"
    assert [percent(0.1249), percent(0.031), percent(0.0004)] == ["12 %", "3.1 %", "0.04 %"]


def test_the_gap_reads_as_a_power_of_ten() -> None:
    assert power_of_ten(2e-7) == "2·10⁻⁷"
    assert power_of_ten(9.7e-7) == "1·10⁻⁶"
    assert power_of_ten(0.0) == "0"


def test_the_bars_begin_where_the_last_one_ended_and_end_at_the_score(found: Explanation) -> None:
    bars = bars_of(Shown(found))
    for before, after in itertools.pairwise(bars[:-1]):
        assert after.start == pytest.approx(before.end)
    assert bars[-1].start == 0
    assert bars[-1].end == pytest.approx(found.score)
    assert next(bar for bar in bars if bar.part == "image").text.startswith("−")


def test_the_bars_of_all_heads_and_the_bias_make_the_score(found: Explanation) -> None:
    heads = sum(bars_of(Shown(found, head))[-1].value for head in range(made_up.HEADS))
    assert heads + found.bias == pytest.approx(found.score)


def test_attention_has_no_total_and_says_on_how_few_tokens_it_lies(found: Explanation) -> None:
    attention = np.zeros_like(found.attention)
    rows = [row for row, token in enumerate(found.tokens) if token.modality == "image"]
    attention[rows[:3]] = 1 / 3
    shown = Shown(replace(found, method="attention", sums_to_score=False, attention=attention))
    bars = bars_of(shown)
    photo = next(bar for bar in bars if bar.part == "image")
    assert (photo.text, photo.detail) == ("100 %", "half on 2 of 49")
    assert all(bar.part for bar in bars)  # none of them is a total


def test_a_tip_says_a_token_s_share_of_the_score(found: Explanation) -> None:
    word = next(row for row, token in enumerate(found.tokens) if token.label == "hood")
    contribution = found.contribution.copy()
    contribution[word] = 0.86
    label, lines = Shown(replace(found, contribution=contribution, score=7.02)).tip(word)
    assert (label, lines[0]) == ("hood", "0.86 of 7.02 · 12 %")
    assert lines[1].startswith("2 places together")  # the description and a review
    assert "mean of 4 heads" in lines[2]


def test_a_head_s_tip_holds_that_head_s_part_and_attention(found: Explanation) -> None:
    word = next(row for row, token in enumerate(found.tokens) if token.label == "hood")
    _, lines = Shown(found, 2).tip(word)
    assert lines[0].startswith(number(float(found.contribution_by_head[word, 2]), 4)[:5])
    assert percent(float(found.attention[word, 2])) in lines[-1]
    assert "head 3" in lines[-1]


def test_pointing_at_an_attribute_lights_the_word_that_says_it(found: Explanation) -> None:
    shown = Shown(found)
    season = next(row for row, t in enumerate(found.tokens) if t.modality == "attribute" and t.field == "brand")
    title_word = next(row for row, t in enumerate(found.tokens) if t.field == "title" and t.label == "Ess")
    assert title_word in shown.counterparts(season)
    assert season in shown.counterparts(title_word)


def test_a_part_lights_all_of_its_tokens(found: Explanation) -> None:
    shown = Shown(found)
    lit = shown.lit(Pointed(part="image"))
    assert {found.tokens[row].modality for row in lit} == {"image"}
    assert len(lit) == 49
    assert shown.lit_parts(Pointed(tokens=frozenset((0,)))) == {"identity"}


def test_smooth_heat_peaks_in_its_cell_and_never_beyond_it() -> None:
    cells = np.zeros((7, 7))
    cells[2, 5] = 1.0
    cells[5, 1] = -0.5
    fine = smooth(cells, 16)
    row, column = np.unravel_index(fine.argmax(), fine.shape)
    assert [int(row) // 16, int(column) // 16] == [2, 5]
    assert np.abs(fine).max() <= 1.0
    assert fine[5 * 16 + 8, 16 + 8] == pytest.approx(-0.5, abs=0.02)
    assert smooth(np.maximum(cells, 0), 16).min() == 0.0  # no false rim of the other colour around a spot
    assert smooth(np.array([[0.3]]), 4) == pytest.approx(np.full((4, 4), 0.3))


def test_heat_is_clear_at_zero_warm_above_and_blue_below(qtbot: QtBot) -> None:
    image = heat_image(np.array([[1.0, 0.0, -1.0]] * 3), 1.0)
    middle = image.height() // 2
    up, zero, down = (image.pixelColor(round(image.width() * x), middle) for x in (0.1, 0.5, 0.9))
    assert up.red() > up.blue()
    assert up.alpha() > 150
    assert zero.alpha() < 20
    assert down.blue() > down.red()
    assert down.alpha() > 150
    grey = heat_image(np.array([[1.0]]), 1.0, QColor(120, 120, 120)).pixelColor(5, 5)
    assert grey.red() == grey.blue()


def test_cells_are_found_by_their_place_whatever_their_order(found: Explanation) -> None:
    order = np.random.default_rng(0).permutation(len(found.tokens))
    mixed = replace(found, tokens=tuple(found.tokens[row] for row in order), contribution=found.contribution[order])
    shown = Shown(mixed)
    assert np.allclose(shown.values[shown.cells], Shown(found).values[Shown(found).cells])


def test_spans_count_characters_beyond_the_basic_plane_as_qt_does() -> None:
    assert list(utf16_offsets("a😀b")) == [0, 1, 3, 4]
    assert list(utf16_offsets("雨衣")) == [0, 1, 2]


def test_even_attention_is_pale(found: Explanation) -> None:
    even = np.zeros_like(found.attention)
    rows = [row for row, token in enumerate(found.tokens) if token.modality == "image"]
    even[rows] = 1 / len(rows)
    shown = Shown(replace(found, method="attention", sums_to_score=False, attention=even))
    assert shown.strength(rows[0]) == pytest.approx(1 / 3)
    even[rows] = 0
    even[rows[0]] = 1
    assert Shown(replace(shown.explanation, attention=even)).strength(rows[0]) == pytest.approx(1)


def test_a_head_chosen_for_one_method_is_not_shown_under_another(found: Explanation) -> None:
    exact = found
    share = np.linspace(-1.0, 1.0, len(exact.tokens))
    other = replace(exact, method="integrated_gradients", share=share)
    assert np.array_equal(Shown(exact, 1).values, exact.contribution_by_head[:, 1])
    assert Shown(other, 1).head == ALL_HEADS
    assert np.array_equal(Shown(other, 1).values, share)
    assert Shown(other, 1).heads == 0
    assert Shown(other).heeded.sum() > 0  # attention is known under every method


def test_a_random_order_that_raises_the_score_is_not_said_to_lower_it_by_less_than_nothing(
    qtbot: QtBot, tmp_path: Path
) -> None:
    run = made_up.run_summary(tmp_path)
    found = made_up.explanation(run, run.shoppers.user[0], "i1")
    measured = found.faithfulness
    assert measured is not None
    trust = Trust(ThemeSource("light"))
    qtbot.addWidget(trust)
    for random_drop, said in ((0.02, "lowers the score by 0.70; random order lowers it by 0.02"),
                              (-0.02, "changes the score by −0.70; random order changes it by +0.02")):  # fmt: skip
        changed = replace(measured, drop=0.7, random_drop=random_drop, rank_after=found.rank)
        trust.fill(Shown(replace(found, faithfulness=changed)))
        assert said in trust.measured.text()


def test_ranks_and_names_of_attributes_are_written_as_everywhere(tmp_path: Path) -> None:
    run = made_up.run_summary(tmp_path)
    found = made_up.explanation(run, run.shoppers.user[0], "i1")
    gone = (Removal("link", "made_by: Brisk & Co", 1, 0.1, 3956),)
    text = removal_sentences(replace(found, rank=1918, removals=gone))[0]
    assert text == "Removing the link “made by: Brisk & Co” moves it from rank 1,918 to 3,956."


def test_attention_is_not_said_of_what_is_paid_none(tmp_path: Path) -> None:
    run = made_up.run_summary(tmp_path)
    found = made_up.explanation(run, run.shoppers.user[0], "i1", "attention")
    past = Token("history", "Cap", "i4")
    found = replace(
        found,
        tokens=(*found.tokens, past),
        contribution=np.append(found.contribution, 0.4),
        contribution_by_head=np.vstack((found.contribution_by_head, np.full(made_up.HEADS, 0.1))),
        attention=np.vstack((found.attention, np.zeros(made_up.HEADS))),
    )
    assert "history" not in [bar.part for bar in bars_of(Shown(found))]
    assert digits(0.0) == 2  # 0.00, not 0.0000
