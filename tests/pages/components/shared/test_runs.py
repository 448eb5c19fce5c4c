"""Pieces about runs: which ones were today's."""

from pathlib import Path

from integration.core.run import Mode
from pages.components.shared.runs import AT_ONCE, today
from tests.consoles import opened
from tests.stores import stores_in


def test_however_many_runs_there_were_today_all_of_them_are_counted(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        runs = stores_in(application).runs
        for _ in range(AT_ONCE + 1):
            runs.fail(runs.begin("stock", Mode.CHANGES, "test", 1).id, "worker_lost", {})
        runs.discard(runs.begin("stock", Mode.CHANGES, "test", 1).id, "test")
        found = today(application)
    assert len({run.id for run in found}) == len(found) == AT_ONCE + 1
