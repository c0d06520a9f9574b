"""The map under a real mouse and real keys: hover, click, lasso, segment, pan; and its pictures pixel by pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QSizeF, Qt
from PySide6.QtGui import QPolygonF
from pytestqt.qtbot import QtBot

from app.map.canvas import LASSO, RECTANGLE
from app.map.cloud import Camera, Cloud
from app.map.colours import OTHER, colouring, inside
from app.map.view import MapView
from app.photo_loader import pixels
from app.session import Session
from app.theme import ThemeSource
from engine.columns import Projection, categories, numbers
from engine.errors import HeedmapError
from tests.app.conftest import COLOURS, GOODS, ITEMS, SHOPPERS, FakeEngine, photo, title

PLACES = np.array([(index % 10, index // 10) for index in range(ITEMS)], np.float32)


def products(**_: Any) -> Projection:
    """Sixty products on a grid of ten by six."""
    index = range(ITEMS)
    return Projection(
        "weighted-01", "items", "pca", PLACES, (), tuple(f"i{i}" for i in index), tuple(title(i) for i in index),
        tuple(photo(i) for i in index),
        (categories("category", ([GOODS[i % 6]] for i in index)), numbers("price", [10.0 * i for i in index])),
        (0.5, 0.25), ITEMS,
    )  # fmt: skip


def shoppers(**_: Any) -> Projection:
    index = range(SHOPPERS)
    taste = categories("taste", ([COLOURS[i % 6]] for i in index))
    return Projection(
        "weighted-01", "users", "pca", PLACES[:SHOPPERS], tuple(f"u{i}" for i in index), (), (), (), (taste,),
        (0.5, 0.25), SHOPPERS,
    )  # fmt: skip


@pytest.fixture
def view(qtbot: QtBot, engine: FakeEngine, shop: Path) -> MapView:
    engine.answers["project"] = lambda what, **rest: shoppers() if what == "users" else products()
    session = Session(engine)
    session.open_run(str(shop / "weighted-01"))
    qtbot.waitUntil(lambda: session.idle and session.explanation is not None)
    made = MapView(session, ThemeSource("light"))
    made.resize(1100, 720)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: made.found is not None and not made.busy)
    return made


def spot(view: MapView, point: int) -> QPoint:
    return view.canvas.spot(point).toPoint()


def drag(qtbot: QtBot, view: MapView, path: list[QPoint], keys: Any = Qt.KeyboardModifier.NoModifier) -> None:
    canvas = view.canvas
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, keys, path[0])
    for at in path[1:]:
        qtbot.mouseMove(canvas, at)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, keys, path[-1])


def around(view: MapView, points: list[int], room: int = 14) -> list[QPoint]:
    """The corners of a box around points."""
    spots = [spot(view, point) for point in points]
    left, right = min(one.x() for one in spots) - room, max(one.x() for one in spots) + room
    top, bottom = min(one.y() for one in spots) - room, max(one.y() for one in spots) + room
    return [QPoint(left, top), QPoint(right, top), QPoint(right, bottom), QPoint(left, bottom), QPoint(left, top)]


def test_pointing_tells_a_product_and_a_click_chooses_it_for_every_view(qtbot: QtBot, view: MapView) -> None:
    qtbot.mouseMove(view.canvas, spot(view, 23) + QPoint(2, 1))
    assert view.canvas.pointed == 23
    said = view._tell(23)
    assert said.title == title(23)
    assert said.lines[0].endswith(GOODS[23 % 6])
    qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=spot(view, 23))
    assert view._session.item == "i23"
    assert [mark.point for mark in view.canvas.marks] == [23]


def test_a_lasso_with_shift_becomes_a_segment_that_every_view_is_narrowed_to(qtbot: QtBot, view: MapView) -> None:
    wanted = [0, 1, 2, 10, 11, 12]
    drag(qtbot, view, around(view, wanted), Qt.KeyboardModifier.ShiftModifier)
    assert view.selection.tolist() == wanted
    assert view.side.points.rowCount() == 6
    assert view.canvas.cloud is not None
    assert view.canvas.cloud.faint.sum() == ITEMS - 6
    made = view.save_segment("Corner")
    assert made is not None
    session = view._session
    assert session.segments.all == (made,)
    assert session.segment == made
    assert (made.kind, made.members) == ("items", ("i0", "i1", "i2", "i10", "i11", "i12"))
    assert not len(view.selection)
    assert (~view.canvas.cloud.faint).nonzero()[0].tolist() == wanted  # the segment stays lit
    assert view.within.text() == "Segment Corner: 6"
    qtbot.mouseClick(view.within, Qt.MouseButton.LeftButton)  # and is left where it is seen
    assert not view.within.isVisible()
    assert not view.canvas.cloud.faint.any()


def test_a_rectangle_selects_and_control_adds_to_it(qtbot: QtBot, view: MapView) -> None:
    view.choose_tool(RECTANGLE)
    box = around(view, [0, 1])
    drag(qtbot, view, [box[0], box[2]])
    assert view.selection.tolist() == [0, 1]
    box = around(view, [55])
    drag(qtbot, view, [box[0], box[2]], Qt.KeyboardModifier.ControlModifier)
    assert view.selection.tolist() == [0, 1, 55]
    qtbot.keyClick(view.canvas, Qt.Key.Key_Escape)
    assert not len(view.selection)


def test_dragging_moves_the_map_and_keys_move_zoom_and_fit(qtbot: QtBot, view: MapView) -> None:
    before = view.canvas.spot(7)
    empty = spot(view, 0) + QPoint(25, 25)
    drag(qtbot, view, [empty, empty + QPoint(30, 10), empty + QPoint(60, 20)])
    assert view.canvas.spot(7).x() == pytest.approx(before.x() + 60, abs=0.1)
    assert not len(view.selection)
    qtbot.keyClick(view.canvas, Qt.Key.Key_Left)
    assert view.canvas.spot(7).x() > before.x() + 100
    qtbot.keyClick(view.canvas, Qt.Key.Key_Plus)
    assert view.canvas.zoom == pytest.approx(1.5)
    qtbot.keyClick(view.canvas, Qt.Key.Key_0)
    assert view.canvas.zoom == pytest.approx(1)
    assert view.canvas.spot(7).x() == pytest.approx(before.x(), abs=0.1)
    view.canvas.look(1e3, 1e3, 50.0)
    qtbot.waitUntil(view.side.nothing.isVisible)  # lost: it says the way back
    assert view.side.nothing.text() == "No point is in sight. Ctrl+0 shows the whole map."


def test_a_point_is_reached_by_keys_through_the_list(qtbot: QtBot, view: MapView) -> None:
    view.select(np.array([4, 9]))
    view.side.list.setFocus()
    qtbot.keyClick(view.side.list, Qt.Key.Key_Down)
    qtbot.keyClick(view.side.list, Qt.Key.Key_Down)
    qtbot.keyClick(view.side.list, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: view._session.item == "i9")


def test_layout_and_colours_are_chosen_by_commands_too(qtbot: QtBot, view: MapView) -> None:
    offered = {one.id: one for one in view.offers()}
    offered["map_colour"].run()
    box = view.tools._colour.box
    qtbot.waitUntil(lambda: box.view().isVisible())
    qtbot.keyClick(box.view(), Qt.Key.Key_End)
    qtbot.keyClick(box.view(), Qt.Key.Key_Return)
    assert view.column is None  # the last one: nothing
    assert offered["map_pca"].checked is not None
    assert offered["map_pca"].checked()
    if not view.tools.umap:
        assert offered["map_umap"].why_not is not None
        assert "umap-learn" in offered["map_umap"].why_not()


def test_every_line_of_the_legend_is_reached_in_the_lowest_window(qtbot: QtBot, view: MapView) -> None:
    side, legend = view.side, view.side.legend
    column = categories("maker", [[f"maker {n % 14}"] for n in range(ITEMS)])
    legend.show_colouring(colouring(column, ITEMS))
    lines = len(legend._entries)
    assert lines == 11
    view.resize(880, 545)  # what a window of 960 by 620 leaves
    qtbot.waitUntil(lambda: legend.visibleRegion().boundingRect().height() < lines * 22)
    assert legend.height() == lines * 22
    assert side.key.geometry().bottom() < side.box.geometry().top()
    assert side.list.height() > 60
    legend.setFocus()
    for _ in range(lines):
        qtbot.keyClick(legend, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: legend.visibleRegion().contains(QPoint(30, lines * 22 - 11)))
    view.resize(880, 900)
    qtbot.waitUntil(lambda: legend.visibleRegion().boundingRect().height() == lines * 22)


def test_shoppers_are_asked_for_and_their_segment_is_one_of_shoppers(qtbot: QtBot, view: MapView) -> None:
    view.show_what("users")
    qtbot.waitUntil(lambda: view.found is not None and view.found.what == "users")
    view.choose_tool(LASSO)
    drag(qtbot, view, around(view, [3, 4]))
    made = view.save_segment("Two")
    assert made is not None
    assert (made.kind, made.members) == ("users", ("u3", "u4"))
    qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=spot(view, 8))
    assert view._session.user == "u8"


def test_what_was_arranged_comes_back_after_a_restart(qtbot: QtBot, view: MapView) -> None:
    view.colour_by("price")
    view.select(np.array([4, 9]))
    view.canvas.look(3.0, 2.0, 2.5)
    kept = view.state()
    other = MapView(view._session, ThemeSource("light"))
    other.resize(1100, 720)
    qtbot.addWidget(other)
    other.restore(kept)
    other.show()
    qtbot.waitUntil(lambda: other.found is not None)
    assert other.tools.colour == "price"
    assert other.selection.tolist() == [4, 9]
    assert other.canvas.zoom == pytest.approx(2.5)
    assert other.canvas.camera.x == pytest.approx(3.0)
    table = other.numbers()["items"]
    assert table["x"] == PLACES[:, 0].tolist()
    assert [row for row, chosen in enumerate(table["selected"]) if chosen] == [4, 9]


def test_a_failure_is_told_in_the_view_and_can_be_tried_again(qtbot: QtBot, view: MapView, engine: FakeEngine) -> None:
    engine.answers["project"] = HeedmapError("No vectors.", "Train first.")
    view.show_what("users")
    qtbot.waitUntil(lambda: view.tools.problem.isVisible())
    assert view.tools.problem.text() == "No vectors.\nTrain first."
    engine.answers["project"] = shoppers
    qtbot.mouseClick(view.tools.problem.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.found is not None and view.found.what == "users")
    assert not view.tools.problem.isVisible()


def random_cloud(count: int = 3000) -> Cloud:
    random = np.random.default_rng(5)
    shape = random.integers(0, OTHER + 1, count).astype(np.uint8)
    pixel = (random.integers(0, 2**24, count) | 0xFF000000).astype(np.uint32)
    return Cloud(random.normal(size=(count, 2)).astype(np.float32), shape, pixel, random.random(count) < 0.3)


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_a_moved_picture_is_the_one_drawn_anew(qtbot: QtBot, ratio: float) -> None:
    cloud, other = random_cloud(), random_cloud()
    size = QSizeF(300, 200)
    camera = Camera.over(cloud.place, size)
    cloud.picture(camera, size, ratio, 0xFFFFFFFF, 3)
    for right, down in ((7, 3), (-20, 0), (0, -9), (-4, 60)):
        camera = camera.moved(right, down)
        moved = cloud.picture(camera, size, ratio, 0xFFFFFFFF, 3).copy()
        other._key = ()
        anew = other.picture(camera, size, ratio, 0xFFFFFFFF, 3)
        assert (pixels(moved) != pixels(anew)).any(axis=2).mean() < 0.005  # points on the edge between two pixels


def test_a_lasso_holds_what_a_point_in_polygon_test_holds(qtbot: QtBot) -> None:
    cloud, size = random_cloud(), QSizeF(400, 300)
    camera = Camera.over(cloud.place, size)
    outline = QPolygonF([QPointF(60, 40), QPointF(330, 90), QPointF(200, 160), QPointF(300, 270), QPointF(90, 220)])
    found = set(cloud.within(camera, size, outline).tolist())
    right, down = camera.onto(cloud.place, size)
    spots = [QPointF(float(x), float(y)) for x, y in zip(right, down, strict=True)]
    exact = {row for row, at in enumerate(spots) if outline.containsPoint(at, Qt.FillRule.WindingFill)}
    assert len(exact) > 500
    assert len(found ^ exact) < 0.02 * len(exact)  # all but those on the very edge


def test_colours_name_the_ten_most_frequent_and_a_scale_goes_by_order() -> None:
    rows = [[f"c{n}"] for n in range(12) for _ in range(12 - n)] + [[]]
    found = colouring(categories("kind", rows), len(rows))
    assert [entry.name for entry in found.entries] == [f"c{n}" for n in range(10)] + [""]
    assert [entry.count for entry in found.entries] == [*range(12, 2, -1), 4]
    scale = colouring(numbers("price", [5.0, None, 1.0, 100.0, 5.0]), 5)
    assert scale.level is not None
    assert scale.level[[0, 2, 3, 4]].tolist() == pytest.approx([0.5, 0.0, 1.0, 0.5])
    assert np.isnan(scale.level[1])
    assert scale.ticks[0] == 1.0


def test_every_category_has_a_shape_of_its_own() -> None:
    steps = np.linspace(-1, 1, 15)
    u, v = np.meshgrid(steps, steps)
    shapes = [inside(code, u, v) for code in range(OTHER + 1)]
    for one in range(len(shapes)):
        for other in range(one):
            assert (shapes[one] ^ shapes[other]).mean() > 0.05
