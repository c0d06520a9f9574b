"""Jobs within jobs."""

from __future__ import annotations

from dataclasses import replace

from engine.jobs import Job, Progress, finish, retold


def test_a_job_is_retold_with_its_result_and_ends_with_the_one_around_it() -> None:
    ended: list[str] = []

    def work() -> Job:
        try:
            yield Progress("Working", 1, 2)
            yield Progress("Working", 2, 2)
            return "done"
        finally:
            ended.append("work")

    heard: list[Progress] = []
    assert finish(retold(work(), lambda step: replace(step, stage="Told")), heard.append) == "done"
    assert heard == [Progress("Told", 1, 2), Progress("Told", 2, 2)]
    cancelled = retold(work(), lambda step: step)
    next(cancelled)
    cancelled.close()
    assert ended == ["work", "work"]
