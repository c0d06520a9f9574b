"""Photos decoded beside the Qt thread: scaled, the newest wish first, never before what a user waits for."""

from __future__ import annotations

import os
import sys
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock, Thread

import numpy as np
from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QImageReader, QPainter

_WAITING = 300  # photos asked for and not yet begun: older wishes are scrolled past, and dropped
_WORKERS = min(2, max(1, (os.cpu_count() or 1) // 2))  # on two cores the second is the engine's
_NICE = 5  # decoding gives way to the window and to the explanation that it waits for
_NAME = "photos"


@dataclass(frozen=True)
class Photo:
    """A decoded photo, no larger than was asked for; `image` is None when the file cannot be read.

    `ground` is the colour that its edges share, so that a tile of another shape continues it, or None.
    """

    image: QImage | None
    ground: QColor | None = None


def read_photo(file: Path, side: int) -> Photo:
    """Decode `file` scaled so that its longer side is at most `side` pixels. A broken one is an answer."""
    reader = QImageReader(str(file))
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid() and max(size.width(), size.height()) > side:
        reader.setScaledSize(size.scaled(QSize(side, side), Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    if image.isNull():
        return Photo(None)
    flat = QImage(image.size(), QImage.Format.Format_RGB32)
    flat.fill(Qt.GlobalColor.white)  # a cut-out product is meant to stand on white
    painter = QPainter(flat)
    painter.drawImage(0, 0, image)
    painter.end()
    return Photo(flat, _ground(flat))


def pixels(image: QImage) -> np.ndarray:
    """The colours of an RGB32 image, uint8[height, width, 3] in the order blue, green, red; a copy."""
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 4].reshape(image.height(), image.width(), 4)[:, :, :3].copy()


def _ground(image: QImage) -> QColor | None:
    colours = pixels(image).astype(np.float32)
    edges = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    middle = np.sort(edges, axis=0)[len(edges) // 2]  # numpy's own median brings in masked arrays, at the first photo
    if np.mean(np.abs(edges - middle).max(axis=1) < 12) < 0.8:
        return None
    blue, green, red = (round(float(value)) for value in middle)
    return QColor(red, green, blue)


def decoding() -> bool:
    """Whether any loader of this process still has photos to decode."""
    return any(thread.name == _NAME for thread in threading.enumerate())


class _Mailbox(QObject):
    """Carries photos to the window's thread."""

    arrived = Signal(str, int, object)  # file, side, Photo


@cache
def _mailbox() -> _Mailbox:
    """One for the process: it must end neither with a window while photos come in, nor on a thread that decodes."""
    return _Mailbox()


class PhotoLoader:
    """Decodes photos on threads that are there only while there is something to decode.

    `arrived` brings each: file, side, Photo; those that another loader was asked for too.
    """

    def __init__(self) -> None:
        self.arrived = _mailbox().arrived
        self._lock = Lock()
        self._wanted: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._begun: set[tuple[str, int]] = set()  # and not taken yet
        self._workers = 0

    def want(self, file: str, side: int) -> None:
        with self._lock:
            if (file, side) in self._begun:
                return
            self._wanted[file, side] = None
            self._wanted.move_to_end((file, side))
            while len(self._wanted) > _WAITING:
                self._wanted.popitem(last=False)
            start = self._workers < _WORKERS
            self._workers += start
        if start:
            Thread(target=self._work, name=_NAME).start()

    def take(self, file: str, side: int) -> None:
        """The photo has arrived: asked for again, it is decoded again."""
        with self._lock:
            self._begun.discard((file, side))

    def stop(self, *_: object) -> None:
        with self._lock:
            self._wanted.clear()

    def _work(self) -> None:
        if sys.platform == "linux":  # elsewhere the call is not for one thread
            with suppress(OSError):  # a system that withholds it
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _NICE)
        while True:
            with self._lock:
                if not self._wanted or not threading.main_thread().is_alive():  # nobody waits where the program ends
                    self._workers -= 1
                    return
                (file, side), _ = self._wanted.popitem()
                self._begun.add((file, side))
            self.arrived.emit(file, side, read_photo(Path(file), side))
