"""A picture of the window, drawn without a screen: the real window, with the engine on a thread beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import HeedmapError
from engine.files import atomic

if TYPE_CHECKING:
    from app.session import Session

MOST_SECONDS = 600
ROUNDS = 4  # what is drawn asks for photos, photos ask to be drawn


def shot(
    run: Path,
    out: Path,
    *,
    theme: str = "light",
    language: str = "en",
    user: str = "",
    item: str = "",
    method: str = "contribution",
    size: tuple[int, int] = (1600, 1000),
    view: str = "explore",
) -> None:
    """Open `run`, choose a shopper and a product (the first of each when not given), save the window as a PNG file.

    HeedmapError when the run cannot be opened or has no such shopper, product or method.
    """
    if not (run / "run.json").is_file():
        raise HeedmapError(f"There is no run at {run}.", "Give the folder of a trained run.")
    if not (200 <= size[0] <= 8000 and 200 <= size[1] <= 8000):
        raise HeedmapError(f"A picture of {size[0]} x {size[1]} pixels cannot be drawn.", "Choose 200 to 8000 each.")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from app.settings import Settings
    from app.start import make_application, make_window

    make_application()
    settings = Settings(theme=theme, language=language)
    window = make_window(settings, run.parent.parent, str(run), in_process=True)
    window.setMinimumSize(1, 1)
    window.resize(*size)
    window.show()
    try:
        _choose(window.session, user, item, method)
        window.show_view(view)
        if window.current != view:
            raise HeedmapError(f"There is no view {view!r}.", f"Choose from {', '.join(window.names)}.")
        wait(lambda: window.session.idle and not (window.view is not None and window.view.busy))
        settle(window)
        with atomic(out) as temporary:
            if not window.grab().save(str(temporary), "PNG"):
                raise HeedmapError(f"The picture could not be written to {out}.", "Check the path and the free space.")
    finally:
        window.close()
        window.deleteLater()
        settle_events()


def _choose(session: Session, user: str, item: str, method: str) -> None:
    faults: list[HeedmapError] = []
    session.failed.connect(lambda message, hint: faults.append(HeedmapError(message, hint)))

    def until(condition: Callable[[], bool]) -> None:
        wait(lambda: bool(faults) or condition())
        if faults:
            raise faults[0]

    until(lambda: session.run is not None)
    run = session.run
    assert run is not None
    if user and user not in run.shoppers.user:
        raise HeedmapError(f"There is no shopper {user!r} in {run.folder}.", "Choose one that the run knows.")
    if item and item not in run.items.item:
        raise HeedmapError(f"There is no product {item!r} in {run.folder}.", "Choose one of its catalogue.")
    if method not in run.methods:
        raise HeedmapError(f"There is no method {method!r}.", f"Choose from {', '.join(run.methods)}.")
    if user:
        session.choose_user(user)
    until(lambda: session.idle)
    if item:
        session.choose_item(item)
    session.choose_method(method)
    until(lambda: session.idle)


def settle(window: object) -> None:
    """Draw until every photo that is in sight has been read."""
    from PySide6.QtCore import QThreadPool
    from PySide6.QtWidgets import QWidget

    from app.photo_loader import decoding

    assert isinstance(window, QWidget)
    for _ in range(ROUNDS):
        window.grab()
        wait(lambda: not decoding() and QThreadPool.globalInstance().activeThreadCount() == 0)
        settle_events()


def settle_events() -> None:
    from PySide6.QtCore import QCoreApplication, QEvent

    for _ in range(3):
        QCoreApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def wait(condition: Callable[[], bool]) -> None:
    """Run the event loop until `condition` holds; it is looked at every few milliseconds."""
    from PySide6.QtCore import QEventLoop, QTimer

    if condition():
        return
    loop = QEventLoop()
    look = QTimer(interval=10)
    look.timeout.connect(lambda: loop.quit() if condition() else None)
    look.start()
    end = QTimer(singleShot=True, interval=MOST_SECONDS * 1000)
    end.timeout.connect(lambda: loop.exit(1))
    end.start()
    if loop.exec() == 1:
        raise HeedmapError("The engine did not answer in ten minutes.", "Try again on an idle machine.")
