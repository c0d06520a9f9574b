"""Explore as a user meets it: choose, point, type, and see every view follow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QLineEdit,
    QListView,
    QScrollBar,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.session import ALL_HEADS, NOTHING, Pointed, Session
from app.theme import DARK, ThemeSource
from app.views.explore import ExploreView
from app.views.panel import Tip
from engine.explain.types import ItemText
from tests.app import made_up

Opened = tuple[ExploreView, Session, made_up.Lane]
Open = Callable[..., Opened]


@pytest.fixture
def explore(qtbot: QtBot, tmp_path: Path) -> Open:
    """Open Explore on a made-up shop. Keywords are options of the explanations."""
    kept: list[object] = []

    def show(photos: bool = True, shoppers: int = 30, **options: object) -> Opened:
        if photos:
            for colour in made_up.COLOURS:
                made_up.draw_photo(tmp_path / "media" / f"{colour}.png", colour)
        images = [f"media/{colour}.png" for colour in made_up.COLOURS] if photos else []
        lane = made_up.Lane(made_up.run_summary(tmp_path, shoppers=shoppers, images=images))
        lane.options = options
        session = Session(lane)
        themes = ThemeSource("light")
        view = ExploreView(session, themes)
        kept.extend((lane, session, themes))
        qtbot.addWidget(view)
        view.resize(1400, 900)
        view.show()
        with qtbot.waitSignal(session.explanation_changed, check_params_cb=lambda found: found is not None):
            session.open_run("run")
        QApplication.processEvents()  # let layouts settle
        return view, session, lane

    return show


def choose(qtbot: QtBot, session: Session, item: str) -> None:
    with qtbot.waitSignal(session.explanation_changed):
        session.choose_item(item)


def test_opening_a_run_fills_every_view(explore: Open) -> None:
    view, session, _ = explore()
    assert session.explanation is not None
    assert view.shoppers.shoppers.list.currentIndex().row() == 0
    assert view.history.strip.rows.rowCount() == 12
    assert view.ranked.note.text() == "of 40"
    assert view.ranked.list.currentIndex().row() == 0
    assert view.product.heading.whole().startswith("1 · ")
    assert view.sum.heading.whole() == f"Why {session.explanation.score:.2f}"
    assert view.sum.trust.title.text() == "Trust: high"


def test_choosing_a_shopper_changes_the_list_and_the_history(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    with qtbot.waitSignal(session.explanation_changed):
        view.shoppers.shoppers.list.setFocus()
        QTest.keyClick(view.shoppers.shoppers.list, Qt.Key.Key_Down)
    assert session.user == session.run.shoppers.user[1]  # type: ignore[union-attr]
    assert view.history.strip.rows.rowCount() == session.run.shoppers.events[1]  # type: ignore[union-attr]
    assert session.user in view.history.heading.whole()


def test_the_history_stands_in_time_newest_first(explore: Open) -> None:
    view, _, _ = explore()
    times = [event.time for event in view.history.strip.rows.events]
    assert times == sorted(times, reverse=True)


def test_arrows_in_the_ranked_list_choose_the_product(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    with qtbot.waitSignal(session.explanation_changed):
        QTest.keyClick(view.ranked.list, Qt.Key.Key_Down)
    assert view.product.heading.whole() == f"2 · {session.explanation.title}"  # type: ignore[union-attr]
    assert view.sum.heading.whole() == f"Why {session.explanation.score:.2f}"  # type: ignore[union-attr]


def test_a_click_on_a_past_purchase_opens_it(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    strip = view.history.strip
    assert session.item != strip.rows.events[1].item
    with qtbot.waitSignal(session.explanation_changed):
        place = strip.visualRect(strip.rows.index(1)).center()
        QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.item == strip.rows.events[1].item


def test_any_product_of_the_catalogue_can_be_found_and_chosen(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    finder = view.shoppers.products
    finder.look_for("watch ess 11,")
    assert finder.model.rowCount() == 1
    assert finder.count.text() == "1 of 40 products"
    with qtbot.waitSignal(session.explanation_changed):
        QTest.keyClick(finder.search, Qt.Key.Key_Down)
    assert session.item == "i11"
    finder.look_for("nothing like it")
    assert finder.none.text() == "Nothing is called “nothing like it”."


def test_the_chosen_shopper_stays_marked_while_typing(explore: Open) -> None:
    view, _session, lane = explore()
    finder = view.shoppers.shoppers
    finder.look_for("formal")
    assert not finder.list.currentIndex().isValid()
    finder.look_for("")
    assert finder.list.currentIndex().row() == 0
    assert [name for name, _ in lane.asked].count("rank") == 1  # looking is not choosing


def test_pointing_at_a_word_lights_its_counterparts_and_says_its_share(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    words = view.product.words
    found = session.explanation
    assert found is not None
    token, mark = next((t, m) for block in words.blocks() for t, m in block.marks if found.tokens[t].label == "hood")
    QTest.mouseMove(words, mark.center().toPoint())
    qtbot.waitUntil(lambda: token in session.pointed.tokens)
    lit = {(found.tokens[row].field, found.tokens[row].label) for row in session.pointed.tokens}
    assert lit == {("description", "hood"), ("review:1", "hood")}
    tip = Tip.of(view)
    assert tip.isVisible()
    assert f"of {found.score:.2f}" in tip.text()
    assert "%" in tip.text()
    assert view.ranked.list.painter.lit == {"text"}
    assert view.ranked.list.painter.outlined == found.item
    session.point(NOTHING)
    assert view.ranked.list.painter.lit == frozenset()


def test_pointing_at_a_cell_lights_the_photo_in_the_sum(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    photo = view.product.photo
    qtbot.waitUntil(lambda: photo.aspect() == 1.0 and photo.cell_at(photo.frame().center()) >= 0)
    place = photo.place()
    at = QPointF(place.left() + place.width() * 5.5 / 7, place.top() + place.height() * 2.5 / 7)
    QTest.mouseMove(photo, at.toPoint())
    qtbot.waitUntil(lambda: bool(session.pointed.tokens))
    assert "row 3, column 6" in Tip.of(view).text()
    (token,) = session.pointed.tokens
    assert session.explanation is not None
    assert session.explanation.tokens[token].label == "row 3, column 6"


def test_pointing_at_a_bar_of_the_sum_lights_that_part_everywhere(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    waterfall = view.sum.waterfall
    place = next(n for n, bar in enumerate(waterfall.bars) if bar.part == "text")
    at = waterfall.rects()[place].center().toPoint()
    QTest.mouseMove(waterfall, QPoint(at.x(), at.y()))
    qtbot.waitUntil(lambda: session.pointed == Pointed(part="text"))
    assert view.ranked.list.painter.lit == {"text"}
    assert view.ranked.list.painter.outlined == ""


def test_pointing_at_a_segment_of_the_ranked_list_says_its_part(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    listed = view.ranked.list
    box = listed.visualRect(listed.rows.index(1))
    part, rect = listed.painter.segments(1, box.toRectF())[1]
    QTest.mouseMove(listed.viewport(), rect.center().toPoint())
    qtbot.waitUntil(lambda: session.pointed == Pointed(part=part))
    assert listed.rows.items[1].title in Tip.of(view).text()


def test_parts_that_pull_down_are_drawn_left_of_zero(explore: Open) -> None:
    view, _, _ = explore()
    listed = view.ranked.list
    row = next(n for n, item in enumerate(listed.rows.items) if item.parts["image"] < 0)
    listed.scrollTo(listed.rows.index(row))
    box = listed.visualRect(listed.rows.index(row)).toRectF()
    rects = dict(listed.painter.segments(row, box))
    zero = min(rect.left() for part, rect in rects.items() if part != "image")
    assert rects["image"].right() == pytest.approx(zero)
    assert all(rect.right() <= box.right() and rect.left() >= box.left() for rect in rects.values())
    assert rects["image"].width() > 0


def test_a_head_changes_the_sum_without_asking_the_engine(explore: Open) -> None:
    view, session, lane = explore()
    asked = len(lane.asked)
    view.product.change_head(1)
    view.product.change_head(1)
    assert session.head == 1
    assert len(lane.asked) == asked
    assert view.sum.heading.whole().startswith("Head 2: ")
    view.product.heads.choose(0)
    assert session.head == ALL_HEADS
    assert view.sum.heading.whole().startswith("Why ")


def test_attention_is_shown_as_shares_that_do_not_sum(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    with qtbot.waitSignal(session.explanation_changed):
        session.choose_method("attention")
    assert "do not sum to the score" in view.sum.note.text()
    assert all(bar.text.endswith("%") for bar in view.sum.waterfall.bars)


def test_a_map_that_loses_to_random_is_grey_and_says_so(qtbot: QtBot, explore: Open) -> None:
    view, _, _ = explore(grade="F")
    assert view.sum.trust.title.text() == "No trust: loses to random order"
    assert "greyed out" in view.sum.trust.measured.text()
    qtbot.waitUntil(lambda: view.product.photo._heat is not None)
    heat = view.product.photo._heat
    assert heat is not None
    colour = heat.pixelColor(heat.width() * 4 // 7, heat.height() * 2 // 7)
    assert colour.alpha() > 0
    assert abs(colour.red() - colour.blue()) < 40


def test_an_unmeasured_map_says_so(explore: Open) -> None:
    view, _, _ = explore(grade=None)
    assert view.sum.trust.title.text() == "Trust: not measured"


def test_reviews_by_outsiders_and_later_reviews_are_labelled(explore: Open) -> None:
    view, _, _ = explore()
    assert view.product.reviews_title.text() == "4 reviews · by people outside this shop"
    last = view.product.reviews.blocks()[-1]
    assert not last.heeded
    assert "not given to the model" in last.label
    assert not last.marks


def test_a_review_by_a_shopper_names_its_author(explore: Open) -> None:
    view, _, _ = explore(
        reviews=[ItemText("review:1", "Good hood.", author="u7", rating=4.5), ItemText("review:2", "Fine.")]
    )
    labels = [block.label for block in view.product.reviews.blocks()]
    assert labels == ["★ 4.5 · by u7", "by somebody outside this shop"]


def test_many_reviews_wait_until_they_are_asked_for(qtbot: QtBot, explore: Open) -> None:
    many = [ItemText(f"review:{n}", "a word of praise and rain " * 50) for n in range(20)]
    view, _, _ = explore(reviews=many)
    assert len(view.product.reviews.blocks()) == 3
    assert view.product.more_reviews.text() == "Show 17 more reviews"
    QTest.mouseClick(view.product.more_reviews, Qt.MouseButton.LeftButton)
    assert len(view.product.reviews.blocks()) == 20
    assert view.product.more_reviews.isHidden()


def test_words_stand_where_their_text_says_in_every_script(explore: Open) -> None:
    text = "雨衣😀很轻, light hood"
    view, session, _ = explore(reviews=[ItemText("review:1", text)])
    block = view.product.reviews.blocks()[0]
    tokens = session.explanation.tokens  # type: ignore[union-attr]
    marks = {tokens[token].label: mark for token, mark in block.marks}
    assert marks["雨衣"].right() < marks["很轻"].left() < marks["light"].left() < marks["hood"].left()


def test_a_shopper_without_history_is_told_so(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    nobody = next(u for u, n in zip(session.run.shoppers.user, session.run.shoppers.events, strict=True) if n == 0)  # type: ignore[union-attr]
    with qtbot.waitSignal(session.explanation_changed):
        session.choose_user(nobody)
    assert view.history.empty.isVisible()
    assert view.history.strip.isHidden()
    assert view.history.empty.text() == "No past purchases: ranked by profile alone."


def test_without_a_photo_texts_take_its_room(explore: Open) -> None:
    view, _, _ = explore(photos=False)
    product = view.product
    assert product.photo.isHidden()
    assert product.controls.isHidden()
    assert product.texts.geometry().left() == 0
    assert product.texts.width() == product.stage.width()


def test_without_texts_the_panel_says_so(explore: Open) -> None:
    view, _, _ = explore(bare=True)
    assert view.product.lack.isVisible()
    assert view.product.lack.text() == "No text and no attribute of this product is known."


def test_another_photo_is_looked_at_without_heat(qtbot: QtBot, explore: Open) -> None:
    view, _, _ = explore(images=("media/navy.png", "media/red.png"))
    others = view.product.others
    QTest.mouseClick(others, Qt.MouseButton.LeftButton, pos=others.tile_rect(1).center().toPoint())
    qtbot.waitUntil(lambda: view.product.photo._heat is None)
    assert not view.product.controls.isEnabled()
    others.choose(0)
    qtbot.waitUntil(lambda: view.product.photo._heat is not None)


def test_the_wheel_enlarges_about_the_pointer_and_a_double_click_resets(qtbot: QtBot, explore: Open) -> None:
    view, _, _ = explore()
    photo = view.product.photo
    qtbot.waitUntil(lambda: photo.cell_at(photo.frame().center()) >= 0)
    corner = photo.frame().topLeft() + QPointF(5, 5)
    before = photo.cell_at(corner)
    photo.set_zoom(4.0, corner)
    assert photo.cell_at(corner) == before
    assert photo.place().contains(photo.frame())
    QTest.mouseDClick(photo, Qt.MouseButton.LeftButton, pos=photo.area().center())
    assert photo.zoom == 1.0


def test_the_old_picture_stays_until_the_new_one_is_there(qtbot: QtBot, explore: Open) -> None:
    view, _session, lane = explore()
    before = view.product.heading.whole()
    lane.holding = True
    view.ranked.list.setCurrentIndex(view.ranked.list.rows.index(3))
    assert view.product.heading.whole() == before
    assert view.product.stage.isVisible()
    qtbot.waitUntil(lambda: view.product._veil.isVisible())  # dimmed after a moment
    lane.answer(len(lane.asked))
    assert view.product.heading.whole().startswith("4 · ")
    assert not view.product._veil.isVisible()


def test_a_failure_to_explain_is_said_in_the_panel(qtbot: QtBot, tmp_path: Path) -> None:
    lane = made_up.Lane(made_up.run_summary(tmp_path))
    lane.failing = ("The run lacks its weights.", "Train it again.")
    session = Session(lane)
    view = ExploreView(session, ThemeSource("light"))
    qtbot.addWidget(view)
    with qtbot.waitSignal(session.failed):
        session.open_run("run")
    assert view.product.empty.text() == "The run lacks its weights. Train it again."


def test_before_a_run_is_open_every_panel_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session(made_up.Lane(made_up.run_summary(tmp_path)))
    view = ExploreView(session, ThemeSource("light"))
    qtbot.addWidget(view)
    view.resize(1280, 720)
    view.show()
    assert view.product.empty.text() == view.ranked.empty.text() == "No run is open."
    assert view.history.empty.isVisible()


def test_every_control_has_a_name(explore: Open) -> None:
    view, _, _ = explore()
    kinds = (QListView, QLineEdit, QAbstractSlider, QTabBar)
    controls: list[QWidget] = [w for kind in kinds for w in view.findChildren(kind)]
    controls += [w for w in view.findChildren(QWidget) if w.focusPolicy() & Qt.FocusPolicy.TabFocus]
    nameless = [
        control
        for control in controls
        if control.isVisible()
        and not control.accessibleName()
        and not (isinstance(control, QAbstractButton) and control.text())
        and not isinstance(control, QScrollBar)
    ]
    assert not [type(control).__name__ for control in nameless]


def test_words_and_rows_can_be_walked_by_keyboard(qtbot: QtBot, explore: Open) -> None:
    view, session, _ = explore()
    QTest.keyClick(view.product.words, Qt.Key.Key_Right)
    first = session.pointed
    QTest.keyClick(view.product.words, Qt.Key.Key_Right)
    assert first.tokens
    assert session.pointed.tokens
    assert first != session.pointed
    QTest.keyClick(view.product.bars, Qt.Key.Key_Down)
    assert Tip.of(view).isVisible()


@pytest.mark.parametrize(("width", "height"), [(1536, 924), (1216, 724)])
def test_nothing_overlaps_and_nothing_is_cut_at_usual_sizes(
    qtbot: QtBot, explore: Open, width: int, height: int
) -> None:
    view, _, _ = explore()
    view.resize(width, height)
    qtbot.waitUntil(lambda: view.width() == width and view.height() == height)
    product = view.product
    assert product.photo.width() >= 150
    assert not product.photo.geometry().intersects(product.texts.geometry())
    assert product.heads.geometry().bottom() <= product.stage.height()
    assert view.sum.trust.heightForWidth(view.sum.trust.width()) <= view.sum.trust.height()
    assert view.ranked.list.height() >= 2 * 54
    assert view.sum.geometry().bottom() < view.height()


def test_a_low_window_scrolls_instead_of_laying_one_piece_over_another(qtbot: QtBot, explore: Open) -> None:
    view, _, _ = explore()
    view.resize(880, 540)  # what the smallest window leaves
    bar = view.column.verticalScrollBar()
    qtbot.waitUntil(lambda: view.height() == 540 and bar.maximum() > 0)
    assert view.middle.geometry().bottom() < view.sum.geometry().top()
    assert view.ranked.height() <= view.middle.height()
    bar.setValue(bar.maximum())
    sum_bottom = view.sum.mapTo(view, view.sum.rect().bottomLeft()).y()
    assert sum_bottom < view.height()
    view.resize(1216, 724)
    qtbot.waitUntil(lambda: bar.maximum() == 0)


def test_the_theme_repaints_in_place(qtbot: QtBot, explore: Open) -> None:
    view, _, _ = explore()
    themes = view.product.photo._themes
    themes.choose("dark")
    assert themes.theme is DARK
    tile = view.ranked.legend.grab().toImage()
    assert tile.width() > 0
    assert view.product.heading.whole()


def test_a_hundred_thousand_shoppers_are_listed_row_by_row(qtbot: QtBot, explore: Open) -> None:
    view, _session, _ = explore(shoppers=100_000)
    finder = view.shoppers.shoppers
    assert finder.count.text() == "100,000 shoppers"
    finder.list.scrollToBottom()
    assert finder.list.indexAt(QPoint(20, finder.list.viewport().height() - 5)).row() == 99_999


def test_heads_fill_the_room_that_short_texts_leave(explore: Open) -> None:
    view, _, _ = explore(reviews=[])
    product = view.product
    assert product.heads.pictured()
    assert product.heads.geometry().left() >= product.texts.geometry().left()
    assert product.heads.tile_size().height() > 46
    assert not product.heads.geometry().intersects(product.texts.geometry())


def test_a_history_cut_by_the_model_says_how_much_of_it_is_shown(qtbot: QtBot, explore: Open) -> None:
    view, session, lane = explore()
    found = session.explanation
    assert found is not None
    lane.changes = {"history": found.history[-5:]}
    choose(qtbot, session, "i7")
    assert view.history.note.text().startswith("the latest 5 of 12 past choices")


def test_enter_right_after_the_last_letter_takes_what_was_typed(explore: Open) -> None:
    view, session, _ = explore()
    wanted = session.run.shoppers.user[17]  # type: ignore[union-attr]
    search = view.shoppers.shoppers.search
    search.setText(wanted)  # pasted
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert session.user == wanted
