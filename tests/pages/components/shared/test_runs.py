"""Pieces about runs: which ones were today's."""

from pathlib import Path

from integration.core.run import Mode
from pages.components.shared.runs import AT_ONCE, kind_read, run_frame, runs_of_today
from pages.components.shared.timeline import entry
from tests.consoles import open_application
from tests.stores import stores_in


def test_however_many_runs_there_were_today_all_of_them_are_counted(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        runs = stores_in(application).runs
        for _ in range(AT_ONCE + 1):
            runs.fail(runs.begin("stock", Mode.CHANGES, "test", 1).id, "no_heartbeat", {})
        runs.discard(runs.begin("stock", Mode.CHANGES, "test", 1).id, "test")
        runs_today = runs_of_today(application)
    assert len({run.id for run in runs_today}) == len(runs_today) == AT_ONCE + 1


def test_what_was_read_is_called_by_what_it_is(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        runs = stores_in(application).runs
        run = runs.begin("orders", Mode.CHANGES, "test", 1)
        assert list(run_frame(application, [run])["of"]) == ["Orders"]
        assert kind_read(application.flows.configured_flow("products")) == "article"
    event = {"flow": "products", "event": "read", "happened_at": "2026-11-29", "code": ""}
    groups, articles = (
        entry({**event, "facts": {"records": "25", "stage": stage}}) for stage in ("groups", "articles")
    )
    assert (list(groups.lines), list(articles.lines)) == (["25 article groups"], ["25 articles"])
