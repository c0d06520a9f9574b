"""How far a job is, on the terminal's error stream: a bar, or milestones in a log. Answers can then be piped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.jobs import Job, Progress, finish


class _Milestones:
    """Progress for a log: a line when a stage begins and at each quarter of it, instead of a bar."""

    def __init__(self, console: Any, say_epoch: Callable[[Progress], bool]) -> None:
        self._console, self._say_epoch = console, say_epoch
        self._said: tuple[str, int] = ("", -1)

    def __call__(self, progress: Progress) -> None:
        if progress.message:
            self._console.print(progress.message, highlight=False)
        if self._say_epoch(progress) or progress.stage in ("Training", "Validating"):
            return
        mark = (progress.stage, 4 * progress.done // progress.total if progress.total else 0)
        if mark != self._said:
            self._said = mark
            figures = f" {progress.done:,} of {progress.total:,}" if progress.total else ""
            self._console.print(f"{progress.stage}{figures}", highlight=False)


def run_job(job: Job, quiet: bool) -> Any:
    """Run a job with a progress bar on the terminal's error stream, so that answers can be piped."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True, quiet=quiet)

    def say_epoch(progress: Progress) -> bool:
        row = progress.data
        if "ndcg@10" not in row:
            return False
        console.print(
            f"epoch {int(row['epoch']):3d}  loss {row['loss']:.4f}  validation NDCG@10 {row['ndcg@10']:.4f}"
            f"  Recall@10 {row['recall@10']:.4f}  {row['seconds']:.1f} s",
            highlight=False,
        )
        return True

    if quiet or not console.is_terminal:
        return finish(job, _Milestones(console, say_epoch))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        shown: dict[str, Any] = {}

        def watch(progress: Progress) -> None:
            stage = progress.stage
            if progress.message:
                console.print(progress.message, highlight=False)
            if say_epoch(progress):
                return
            if stage not in shown:
                for task in shown.values():
                    bars.remove_task(task)
                shown.clear()
                shown[stage] = bars.add_task(stage, total=progress.total or None)
            rate = progress.data.get("per second")
            label = f"{stage} ({rate:.0f}/s)" if rate else stage
            bars.update(shown[stage], completed=progress.done, total=progress.total or None, description=label)

        return finish(job, watch)
