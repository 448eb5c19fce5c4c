"""What a plan says, and that making it writes nothing."""

from decimal import Decimal

import pytest

from integration.core.errors import PlanStaleError, RunActiveError, UnavailableError
from integration.core.plan import Approval
from integration.core.records import Kind
from integration.core.run import PreviewRequest, RunState
from tests.bench import Bench, edited
from tests.fakes import MemoryConnector


def test_a_preview_writes_nothing(bench: Bench, source: MemoryConnector, target: MemoryConnector) -> None:
    run = bench.preview()
    assert run.state is RunState.READY
    assert run.counts.planned == run.counts.read == 5
    assert source.calls_made["write"] == target.calls_made["write"] == 0
    assert target.held(Kind.PRODUCT) == target.held(Kind.GROUP) == {}


def test_a_second_run_has_to_wait_for_the_first(bench: Bench) -> None:
    first = bench.runner.preview.begin(PreviewRequest("products", "somebody"))
    with pytest.raises(RunActiveError) as refusal:
        bench.runner.preview.begin(PreviewRequest("products", "test"))
    assert refusal.value.facts["run"] == first.id
    assert refusal.value.facts["by"] == "somebody"


def test_a_changed_price_plans_exactly_that_write(bench: Bench, source: MemoryConnector) -> None:
    bench.run()
    edited(source, "1002", {"price": Decimal("20.0000")})
    run = bench.preview()
    assert bench.wanted(run) == {"1002": {"1002/price_incl": Decimal("24.20")}}
    (row,) = bench.changes(run).values()
    assert row.change is not None
    assert row.change.before is not None
    assert row.change.before.flat() == {"1002/price_incl": Decimal("20.00")}


def test_a_preview_goes_on_after_a_restart_with_the_same_plan(bench: Bench) -> None:
    whole = bench.preview()
    bench.runs.discard(whole.id, by="test")
    run = bench.runner.preview.begin(PreviewRequest("products", "test"))
    bench.restart()
    while bench.runner.preview.page(run.id):
        bench.restart()
    run = bench.rested(run)
    assert (run.fingerprint, run.counts) == (whole.fingerprint, whole.counts)


def test_a_preview_goes_on_where_an_unavailable_system_stopped_it(bench: Bench, source: MemoryConnector) -> None:
    run = bench.runner.preview.begin(PreviewRequest("products", "test"))
    bench.runner.preview.page(run.id)
    source.go_away()
    with pytest.raises(UnavailableError):
        bench.runner.preview.page(run.id)
    while bench.runner.preview.page(run.id):
        pass
    assert bench.rested(run).counts.read == 5


def test_a_cancelled_preview_stops_at_the_page_and_the_next_begins_at_once(
    bench: Bench, source: MemoryConnector, target: MemoryConnector
) -> None:
    run = bench.runner.preview.begin(PreviewRequest("products", "somebody"))
    bench.runner.preview.page(run.id)
    read = source.calls_made.total()
    bench.runs.request_cancel(run.id, "test")
    stopped = bench.previewed(run)
    assert (stopped.state, stopped.error, stopped.ended_at) == (RunState.DISCARDED, "preview_cancelled", bench.clock())
    assert source.calls_made.total() == read
    assert target.calls_made["write"] == 0
    assert bench.preview().state is RunState.READY


def test_a_preview_that_was_cancelled_in_the_middle_of_its_plan_accounts_for_what_it_compared(bench: Bench) -> None:
    run = bench.runner.preview.begin(PreviewRequest("products", "somebody"))
    while not bench.plans.count(run.id):
        bench.runner.preview.page(run.id)
    bench.runs.request_cancel(run.id, "test")
    counts = bench.previewed(run).counts
    assert (counts.difference, counts.read) == (0, counts.planned)


def test_a_cancelled_preview_cannot_be_committed(bench: Bench) -> None:
    run = bench.runner.preview.begin(PreviewRequest("products", "somebody"))
    bench.runs.request_cancel(run.id, "test")
    bench.previewed(run)
    with pytest.raises(PlanStaleError):
        bench.runner.commit.approve(run.id, Approval("", "test"))
