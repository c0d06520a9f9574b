"""The course of a training as TensorBoard reads it (or Weights & Biases, offline): curves, and what is attended to.

Event files are written record by record, without threads or sockets, into RUN/tensorboard, and name no
machine. A resumed run writes a further file, which tells TensorBoard to drop what the stopped one wrote beyond.
"""

from __future__ import annotations

import io
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import HeedmapError
from engine.files import disk_errors, make_folder
from engine.jobs import Job, Progress

Pictures = Callable[[], dict[str, NDArray[np.uint8]]]
_FIGURES = {"loss": "loss", "ndcg@10": "validation/NDCG@10", "recall@10": "validation/Recall@10", "seconds": "seconds"}


class Tracker(Protocol):
    """Where a training's course goes. A step is one of the optimiser's."""

    def begin(self, step: int) -> None:
        """What was written before for this step and later ones counts no more."""

    def scalars(self, values: dict[str, float], step: int) -> None: ...

    def image(self, name: str, pixels: NDArray[np.uint8], step: int) -> None:
        """pixels: uint8[rows, columns, 3]."""

    def close(self) -> None: ...


class EventFile:
    """A TensorBoard event file of this process."""

    def __init__(self, folder: Path) -> None:
        from tensorboardX.record_writer import RecordWriter

        make_folder(folder)
        names = (folder / f"events.out.tfevents.{int(time.time())}.{place}.heedmap" for place in itertools.count())
        self._path = next(path for path in names if not path.exists())
        with disk_errors(self._path):
            self._writer: Any = RecordWriter(str(self._path))
        self._write(file_version="brain.Event:2")

    def _write(self, **content: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        with disk_errors(self._path):
            self._writer.write(Event(wall_time=time.time(), **content).SerializeToString())

    def begin(self, step: int) -> None:
        from tensorboardX.proto.event_pb2 import SessionLog

        self._write(step=step, session_log=SessionLog(status=SessionLog.START))

    def scalars(self, values: dict[str, float], step: int) -> None:
        from tensorboardX.proto.summary_pb2 import Summary

        kept = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(step=step, summary=Summary(value=kept))

    def image(self, name: str, pixels: NDArray[np.uint8], step: int) -> None:
        from tensorboardX.proto.summary_pb2 import Summary

        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "PNG")
        height, width = pixels.shape[:2]
        picture = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=encoded.getvalue())
        self._write(step=step, summary=Summary(value=[Summary.Value(tag=name, image=picture)]))
        with disk_errors(self._path):
            self._writer.flush()

    def close(self) -> None:
        with disk_errors(self._path):
            self._writer.close()


class OfflineWandb:
    """A Weights & Biases run that stays on this disk, in RUN/wandb, for the user to do with as they like."""

    def __init__(self, folder: Path) -> None:
        try:
            import wandb
        except ImportError as error:
            raise HeedmapError(
                "track=wandb needs the package wandb, which is not installed.", "Use track=tensorboard, or install it."
            ) from error
        os.environ["WANDB_MODE"] = "offline"
        self._wandb = wandb
        self._run = wandb.init(dir=str(folder), project="heedmap", name=folder.name, mode="offline", reinit=True)

    def begin(self, step: int) -> None:
        """Weights & Biases keeps what was written; steps only go up."""

    def scalars(self, values: dict[str, float], step: int) -> None:
        self._run.log(values, step=step)

    def image(self, name: str, pixels: NDArray[np.uint8], step: int) -> None:
        self._run.log({name: self._wandb.Image(pixels)}, step=step)

    def close(self) -> None:
        self._run.finish()


class Untracked:
    """Nothing is written."""

    def begin(self, step: int) -> None: ...

    def scalars(self, values: dict[str, float], step: int) -> None: ...

    def image(self, name: str, pixels: NDArray[np.uint8], step: int) -> None: ...

    def close(self) -> None: ...


TRACKERS: dict[str, Callable[[Path], Tracker]] = {
    "tensorboard": lambda run: EventFile(run / "tensorboard"),
    "wandb": OfflineWandb,
    "none": lambda run: Untracked(),
}


def tracked(job: Job, tracker: Tracker, pictures: Pictures | None = None) -> Job:
    """The same job, its steps' and epochs' figures written to a tracker on the way.

    A step's number follows from its epoch, so that a resumed training goes on where it was. pictures: images by name,
    asked for after each epoch.
    """
    step = -1
    try:
        while True:
            try:
                progress: Progress = next(job)
            except StopIteration as end:
                return end.value
            data = progress.data
            if "ndcg@10" in data:
                tracker.scalars({name: data[key] for key, name in _epoch_figures(data)}, max(step, 0))
                for name, pixels in (pictures() if pictures is not None else {}).items():
                    tracker.image(name, pixels, max(step, 0))
            elif "loss" in data and "epoch" in data:
                now = int((data["epoch"] - 1) * progress.total + progress.done)
                if step < 0:
                    tracker.begin(now)
                step = max(now, step + 1)
                rate = {"learning rate": data["rate"]} if "rate" in data else {}
                tracker.scalars({"step/loss": data["loss"], **rate}, step)
            yield progress
    finally:
        job.close()


def _epoch_figures(data: dict[str, float]) -> list[tuple[str, str]]:
    return [(key, f"epoch/{name}" if "/" not in name else name) for key, name in _FIGURES.items() if key in data]
