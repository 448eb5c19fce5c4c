"""Months at a console that lets go each week what is no longer kept: sizes, and what must not change.

Lengths are two months here, so that everything has been let go once after a third of the time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.year import scale_day, simulate
from integration.application.application import Application
from integration.application.bootstrap import build
from integration.connectors.accountview.settings import AccountViewAccess
from integration.connectors.mplus.settings import MplusAccess
from integration.core.plan import Approval
from integration.core.position import Position, Task
from integration.core.records import Kind
from integration.core.retention import Retention
from integration.core.run import Mode, PreviewRequest
from integration.core.states import RunState
from integration.settings import load_settings
from integration.store import tables
from tests.clocks import ShiftedClock
from tests.consoles import ARTICLES, FAST, WHO, wait_for_run
from tests.people import make_actor
from tests.store.samples import a_create, a_skip, prove
from tests.stores import stores_in

FLOWS = ("products", "stock", "customers", "orders")
WEEKS, CHANGES, IDLE = 36, 60, 3
PLATEAU = 18  # after so many weeks everything has been let go once


@contextmanager
def at_work(data: Path, clock: ShiftedClock, *, start: bool, **settings: Any) -> Iterator[Application]:
    """An application whose clock is moved."""
    values = {"accountview": AccountViewAccess(per_second=FAST), "mplus": MplusAccess(), "sandbox_articles": ARTICLES}
    application = build(load_settings(data=data, **values, **settings), machine=clock)
    try:
        yield application.start() if start else application
    finally:
        application.close()


def night(application: Application) -> None:
    """Run all pages of the nightly retention for all classes."""
    position = application.retention.page("")
    while position:
        position = application.retention.page(position)


def a_week(application: Application, flow: str, week: int) -> str:
    """A run of a flow that writes, and many that find nothing."""
    stores = stores_in(application)
    runs, previews = stores.runs, stores.previews
    for _ in range(IDLE):
        runs.discard(runs.begin(flow, Mode.CHANGES, "schedule", 1).id, "schedule")
    lines = [*(a_create(number + 100 * (week % 4)) for number in range(CHANGES)), a_skip(9_000)]
    run = runs.begin(flow, Mode.CHANGES, "schedule", 1).id
    previews.keep_page(run, lines, [], 0, Position(Task.COMPARE))
    previews.finish(run, "fingerprint", (), RunState.READY, len(lines))
    runs.approve(run, Approval(runs.get(run).mark, "anna"))
    prove(runs, run)
    stores.ledger.finish(run)
    return run


@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_the_size_of_everything_stays_bounded(tmp_path: Path) -> None:
    clock = ShiftedClock()
    sizes: list[dict[str, int]] = []
    with at_work(tmp_path, clock, start=False) as application:
        application.retention.change(
            Retention(lengths={"log": 2, "runs": 2, "plans": 2, "exceptions": 2}), make_actor("anna")
        )
        for week in range(WEEKS):
            clock.ahead += timedelta(days=7)
            for flow in FLOWS:
                a_week(application, flow, week)
            application.log.catch_up()
            night(application)
            sizes.append({file.name: file.size for file in application.retention.files()})
        stores = stores_in(application)
        assert all(run.counts == stores.runs.counts(run.id) for run in stores.runs.latest(limit=200))
        links = stores.links.get("orders", Kind.PRODUCT, ["P1", "P101"])
        assert {link.key for link in links.values() if link.agreed} == {"P1", "P101"}
        assert {status.rows for status in application.retention.class_statuses() if status.name == "log"} != {0}
    for name in ("console.sqlite", "log.duckdb"):
        middle, last = (max(size[name] for size in window) for window in (sizes[PLATEAU - 6 : PLATEAU], sizes[-6:]))
        assert last < 1.15 * middle, (name, middle, last)


@pytest.mark.long
def test_a_run_after_a_year_reads_nothing_anew_and_is_the_same(tmp_path: Path) -> None:
    clock = ShiftedClock()
    with at_work(tmp_path, clock, start=True, sandbox=True) as application:
        first = wait_for_run(
            application, application.runs.preview(PreviewRequest("products", make_actor(WHO), Mode.COMPLETE))
        )
        confirmed = {brake.code: brake.count for brake in first.brakes}
        application.runs.commit(first.id, Approval(first.mark, WHO, confirmed=confirmed))
        run = wait_for_run(application, first.id)
        same = wait_for_run(
            application, application.runs.preview(PreviewRequest("products", make_actor(WHO), Mode.COMPLETE))
        )
        changed = wait_for_run(
            application, application.runs.preview(PreviewRequest("products", make_actor(WHO), Mode.CHANGES))
        )
        clock.ahead = timedelta(days=430)
        night(application)
        assert application.runs.get(run.id).counts == replace(run.counts) == application.runs.counts(run.id)
        assert application.runs.get(run.id).pruned_at is None  # the newest that wrote can still be undone
        second_run = wait_for_run(
            application, application.runs.preview(PreviewRequest("products", make_actor(WHO), Mode.CHANGES))
        )
        whole = wait_for_run(
            application, application.runs.preview(PreviewRequest("products", make_actor(WHO), Mode.COMPLETE))
        )
        assert (second_run.counts.read_count, second_run.counts.planned) == (changed.counts.read_count, 0)
        assert (whole.counts.unchanged, whole.counts.planned) == (same.counts.unchanged, same.counts.planned)
        assert stores_in(application).database.first(sa.select(tables.links)) is not None


SHARE = 0.02  # of what `benchmarks.year` calls a busy day
A_WEEK = 7  # one day of each week is simulated; `benchmarks.year` simulates each day
PER_DAY = 40_000  # bytes of links, evidence and audit that a day of this size leaves for good, with their indexes
MONTHS = (364, 427, 728)  # a year; a little more than the longest that anything is kept by age; and two years


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_in_the_second_year_of_four_busy_flows_only_what_is_kept_for_good_grows(tmp_path: Path) -> None:
    year, full, two = simulate(tmp_path, MONTHS[-1], scale_day(SHARE), MONTHS.__contains__, step=A_WEEK)
    for name in ("plans", "runs", "log", "exceptions"):
        before, after = full.rows[name] or 0, two.rows[name] or 0
        assert before > 0
        assert after <= 1.03 * before, (name, before, after)
    for name in ("plans", "exceptions"):  # kept for less than a year, or settled soon
        assert (two.rows[name] or 0) <= 1.1 * (year.rows[name] or 0), name
    assert two.files["log.duckdb"] <= 1.3 * full.files["log.duckdb"]  # its file is written anew now and then
    grown = {name: (two.bytes[name] or 0) - (full.bytes[name] or 0) for name in two.bytes}
    documents = two.rows["vouchers"] or 0
    assert documents > (full.rows["vouchers"] or 0)  # what the law keeps for years goes on
    assert grown["vouchers"] <= 1_000 * documents
    assert two.files["console.sqlite"] - full.files["console.sqlite"] <= PER_DAY * (MONTHS[2] - MONTHS[1]) // A_WEEK
