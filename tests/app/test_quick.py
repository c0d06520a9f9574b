"""What keeps Explore quick, and readable in a small window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.session import Session
from app.theme import ThemeSource
from app.thumbnails import Thumbnails
from app.views.panel import Panel
from app.views.ranked import RankedView
from app.views.text_blocks import Block
from app.views.words import WordsView
from tests.app import made_up
from tests.app.conftest import FakeEngine


class Counted(WordsView):
    laid = 0

    def _lay_out_block(self, block: Block, top: float, width: int) -> float:
        self.laid += 1
        return super()._lay_out_block(block, top, width)


def test_texts_are_laid_out_once_for_each_width(qtbot: QtBot, engine: FakeEngine) -> None:
    session, themes = Session(engine), ThemeSource("light")
    words = Counted(session, themes, "Reviews")
    qtbot.addWidget(words)
    words.fill(None, [Block("title", "A coat for rain"), Block("review:1", "warm and dry " * 200)])
    widths = (460, 470, 440)
    heights = [words.heightForWidth(width) for width in widths]
    before = words.laid
    assert [words.heightForWidth(width) for width in widths * 3] == heights * 3
    assert words.laid == before
    assert all(words.least_height(width) <= height for width, height in zip(widths, heights, strict=True))
    words.fill(None, [Block("title", "Another coat")])
    assert words.heightForWidth(460) < heights[0]


def test_photos_that_come_in_together_are_announced_together(qtbot: QtBot, tmp_path: Path) -> None:
    for name in ("red", "blue"):
        image = QImage(40, 40, QImage.Format.Format_RGB32)
        image.fill(QColor(name))
        image.save(str(tmp_path / f"{name}.png"))
    thumbnails = Thumbnails(ThemeSource("light"))
    thumbnails.open(str(tmp_path))
    told: list[str] = []
    thumbnails.arrived.connect(told.append)

    def tile(name: str) -> int:
        return thumbnails.tile(f"{name}.png", name, QSize(44, 44), 1.0).cacheKey()

    assert tile("red") == tile("blue")  # blank, both of them
    qtbot.waitUntil(lambda: set(told) == {"red.png", "blue.png"})
    assert tile("red") != tile("blue")
    assert tile("red") == tile("red")


def test_a_note_gives_way_to_its_heading(qtbot: QtBot) -> None:
    panel = Panel(ThemeSource("light"))
    qtbot.addWidget(panel)
    panel.heading.say("What shopper 1 heeded")
    panel.note.setText("the latest 50 of 230 past choices · newest first · bars: part of the score")
    panel.resize(480, 100)
    panel.show()
    QApplication.processEvents()
    assert panel.heading.text() == panel.heading.whole()
    assert panel.note.width() < panel.note.sizeHint().width()
    assert panel.note.geometry().right() <= panel.width()
    panel.resize(1200, 100)
    QApplication.processEvents()
    assert panel.note.width() >= panel.note.sizeHint().width()


def test_a_low_list_shows_rows_in_place_of_its_legend(qtbot: QtBot, engine: FakeEngine, tmp_path: Path) -> None:
    session, themes = Session(engine), ThemeSource("light")
    run = made_up.run_summary(tmp_path)
    session.ranking = made_up.ranking(run, run.shoppers.user[0])
    view = RankedView(session, themes, Thumbnails(themes))
    qtbot.addWidget(view)
    view.resize(300, 500)
    view.show()
    assert not view.legend.isHidden()
    view.resize(300, 250)
    QApplication.processEvents()
    assert view.legend.isHidden()
    view.resize(300, 500)
    QApplication.processEvents()
    assert not view.legend.isHidden()
