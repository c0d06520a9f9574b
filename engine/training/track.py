"""The course of a training as TensorBoard reads it (or Weights & Biases, offline): curves, and what is attended to.

Event files are written record by record, without threads or sockets, into RUN/tensorboard, and name no
machine. A resumed run writes a further file, which tells TensorBoard to drop what the stopped one wrote beyond.
"""

from __future__ import annotations

import io
import itertools
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import HeedmapError
from engine.files import disk_errors, make_folder
from engine.jobs import Job, Progress, retold

# Without the first, a telemetry client is set up, whose HTTP library opens a socket when it is imported.
_OFFLINE = {"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false"}
_SILENT: dict[str, Any] = {
    "reinit": "create_new",
    "silent": True,
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "x_disable_machine_info": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}
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
    """A Weights & Biases run that stays on this disk, in RUN/wandb, for the user to do with as they like.

    Its library has a helper process write, to which it talks by a Unix socket. Nothing goes to a network; nothing of
    this machine or of the code is recorded; nothing is printed.
    """

    def __init__(self, folder: Path) -> None:
        if not hasattr(socket, "AF_UNIX"):
            raise HeedmapError(
                "Weights & Biases would open a network socket on this system, and Heedmap opens none.",
                "Use track=tensorboard.",
            )
        os.environ.update(_OFFLINE)  # read when the library starts, and by its helper
        try:
            import wandb
        except ImportError as error:
            raise HeedmapError(
                "track=wandb needs the package wandb, which is not installed.",
                "Install it with `pip install heedmap[wandb]`, or use track=tensorboard.",
            ) from error
        make_folder(folder)
        self._wandb = wandb
        self._run = wandb.init(
            dir=str(folder), project="heedmap", name=folder.name, mode="offline", settings=wandb.Settings(**_SILENT)
        )

    def begin(self, step: int) -> None:
        """Weights & Biases keeps what was written; steps only go up."""

    def scalars(self, values: dict[str, float], step: int) -> None:
        self._run.log(values, step=step)

    def image(self, name: str, pixels: NDArray[np.uint8], step: int) -> None:
        self._run.log({name: self._wandb.Image(pixels)}, step=step)

    def close(self) -> None:
        self._run.finish()
        self._wandb.teardown()  # ends its helper process


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


class Course:
    """A training's course, which may be several jobs one after the other, written to a tracker."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker, self._step = tracker, -1

    def follow(self, job: Job, pictures: Pictures) -> Job:
        """The same job, its steps' and epochs' figures written on the way.

        A step's number follows from its epoch, so that a resumed training goes on where it was. pictures: images by
        name, asked for after each epoch.
        """

        def written(progress: Progress) -> Progress:
            self._write(progress, pictures)
            return progress

        return retold(job, written)

    def _write(self, progress: Progress, pictures: Pictures) -> None:
        data = progress.data
        if "ndcg@10" in data:
            at = max(self._step, 0)
            self._tracker.scalars({name: data[key] for key, name in _epoch_figures(data)}, at)
            for name, pixels in pictures().items():
                self._tracker.image(name, pixels, at)
        elif "loss" in data and "epoch" in data:
            now = int((data["epoch"] - 1) * progress.total + progress.done)
            if self._step < 0:
                self._tracker.begin(now)
            # Fine-tuning may have fewer steps to an epoch; its first comes after training's last all the same.
            self._step = max(now, self._step + 1)
            rate = {"learning rate": data["rate"]} if "rate" in data else {}
            self._tracker.scalars({"step/loss": data["loss"], **rate}, self._step)


def _epoch_figures(data: dict[str, float]) -> list[tuple[str, str]]:
    return [(key, f"epoch/{name}" if "/" not in name else name) for key, name in _FIGURES.items() if key in data]
