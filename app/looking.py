"""The self-test's look at the window: opened on a run in a process of its own, as a user opens it, and looked at.

Nothing of Qt is imported before `look` is called.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import HeedmapError
from engine.selftest.found import Found

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from app.main_window import MainWindow

SIZE = (1280, 800)
FEWEST = 500  # colours of a picture with photos and text in it
MOST = 0.97  # share of one colour, above which a picture counts as empty
CHINESE = "推荐解释"  # letters that a font must have
_REINSTALL = "Install Heedmap again; its own files are not whole."
_FONTS = "Install a font with Chinese letters (Debian: fonts-noto-cjk), or Heedmap again."


def look(run: str, folder: str, began: float) -> tuple[Found, list[str]]:
    """Open the window on `run`, wait for its first explanation, draw it in both languages, close it.

    On the display where there is one, else off-screen; pictures go into `folder`. began: when the process was asked
    for (`time.time()`). Returns what was found, and what this process did on the network. HeedmapError where a picture
    is empty or Chinese has no letters.
    """
    from engine.selftest.desk import watch_sockets

    sockets = watch_sockets()
    place = Path(folder)
    os.environ["HEEDMAP_CONFIG"] = str(place / "config")  # nothing of the user's own is read or written
    os.environ["HEEDMAP_LOG"] = str(place / "log")
    if not has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from app.shot import settle_events, wait

    window, times = _open(Path(run), began)
    try:
        wait(lambda: window.session.explanation is not None)
        times["explained"] = time.time() - began
        values: dict[str, Any] = {**times, "platform": _platform()}
        pictures = {}
        for language in ("en", "zh_CN"):
            window.choose_language(language)
            pictures[language] = _grab(window, place / f"window-{language}.png")
        values["width"], values["height"] = pictures["en"].width(), pictures["en"].height()
        values["colours"] = min(colours(one) for one in pictures.values())
        if pictures["en"] == pictures["zh_CN"]:
            raise HeedmapError("The window looks the same in English and in Chinese.", _REINSTALL)
        values["font"] = chinese_font()
    finally:
        window.close()
        window.deleteLater()
        settle_events()
    said = (
        "first paint {paint:.2f} s, first explanation {explained:.1f} s, {width} x {height} with {colours:,} colours"
        " ({platform}), Chinese in {font}"
    )
    return Found(said, values), sockets


def look_off_screen(run: str, folder: str, began: float) -> tuple[Found, list[str]]:
    """The same without a second window on the user's screen."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return look(run, folder, began)


def has_display() -> bool:
    """Whether a window could be seen; on other systems than Linux there always is a desktop."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(run: Path, began: float) -> tuple[MainWindow, dict[str, float]]:
    """The window as `app.start` opens it, and when it was first painted."""
    from app.ahead import start_engine

    engine = start_engine()
    from PySide6.QtCore import QEvent, QObject, Qt

    from app.settings import Settings
    from app.start import make_application, make_window

    times: dict[str, float] = {}

    class FirstPaint(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                times.setdefault("paint", time.time() - began)
            return False

    make_application()
    window = make_window(Settings(theme="light", language="en"), run.parent.parent, str(run), engine=engine)
    window.installEventFilter(FirstPaint(window))
    window.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
    window.resize(*SIZE)
    window.show()
    from app.shot import wait

    wait(lambda: "paint" in times)
    return window, times


def _grab(window: MainWindow, out: Path) -> QImage:
    """The window as it stands when all is drawn, also written to `out`. HeedmapError where it is empty."""
    from app.shot import settle, wait

    wait(lambda: window.session.idle and not (window.view is not None and window.view.busy))
    settle(window)
    picture = window.grab().toImage()
    if not picture.save(str(out)):
        raise HeedmapError(f"The picture {out.name} could not be written.", "Free some space on the disk.")
    found = colours(picture)
    if found < FEWEST:
        raise HeedmapError(f"The window is empty: its picture has {found} colours.", "Update the graphics driver.")
    return picture


def colours(picture: QImage) -> int:
    """How many colours a picture has; 1 where nearly all of it is of one."""
    import numpy as np
    from PySide6.QtGui import QImage

    plain = picture.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(plain.constBits(), dtype=np.uint32)
    _, counts = np.unique(pixels, return_counts=True)
    return 1 if counts.max() > MOST * pixels.size else len(counts)


def chinese_font() -> str:
    """The font in which Chinese is shown. HeedmapError where none has its letters."""
    from PySide6.QtGui import QFont, QFontDatabase, QFontMetrics

    from app.theme import ui_font

    found = QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese)
    chosen = [name for name in ui_font().families() if name in found]
    for name in [*chosen, *found]:
        if all(QFontMetrics(QFont(name)).inFont(letter) for letter in CHINESE):
            return name
    raise HeedmapError("Chinese cannot be shown: no font has its letters.", _FONTS)


def _platform() -> str:
    from PySide6.QtGui import QGuiApplication

    return QGuiApplication.platformName()
