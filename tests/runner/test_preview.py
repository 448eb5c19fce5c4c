"""What a plan says, and that making it writes nothing."""

from decimal import Decimal

import pytest

from integration.core.errors import PlanStaleError, RunActiveError, UnavailableError
from integration.core.plan import Approval
from integration.core.records import Kind
from integration.core.run import Mode, PreviewRequest, RunState
from tests.bench import Bench, edited
from tests.fakes import MemoryConnector
from tests.people import somebody


def test_a_preview_writes_nothing(bench: Bench, source: MemoryConnector, target: MemoryConnector) -> None:
    run = bench.preview()
    assert run.state is RunState.READY
    assert run.counts.planned == run.counts.read == 5
    assert source.calls_made["write"] == target.calls_made["write"] == 0
    assert target.held(Kind.PRODUCT) == target.held(Kind.GROUP) == {}


def test_a_second_run_has_to_wait_for_the_first(bench: Bench) -> None:
    first = bench.runner.preview.begin(PreviewRequest("products", somebody("somebody")))
    with pytest.raises(RunActiveError) as refusal:
        bench.runner.preview.begin(PreviewRequest("products", somebody("test")))
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
    run = bench.runner.preview.begin(PreviewRequest("products", somebody("test")))
    bench.restart()
    while bench.runner.preview.page(run.id):
        bench.restart()
    run = bench.rested(run)
    assert (run.fingerprint, run.counts) == (whole.fingerprint, whole.counts)


def test_a_preview_goes_on_where_an_unavailable_system_stopped_it(bench: Bench, source: MemoryConnector) -> None:
    run = bench.runner.preview.begin(PreviewRequest("products", somebody("test")))
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
    run = bench.runner.preview.begin(PreviewRequest("products", somebody("somebody")))
    bench.runner.preview.page(run.id)
    read = source.calls_made.total()
    bench.runs.request_cancel(run.id, "test")
    stopped = bench.previewed(run)
    assert (stopped.state, stopped.error, stopped.ended_at) == (RunState.DISCARDED, "preview_cancelled", bench.clock())
    assert source.calls_made.total() == read
    assert target.calls_made["write"] == 0
    assert bench.preview().state is RunState.READY


def test_a_preview_that_was_cancelled_in_the_middle_of_its_plan_accounts_for_what_it_compared(bench: Bench) -> None:
    run = bench.runner.preview.begin(PreviewRequest("products", somebody("somebody")))
    while not bench.plans.count(run.id):
        bench.runner.preview.page(run.id)
    bench.runs.request_cancel(run.id, "test")
    counts = bench.previewed(run).counts
    assert (counts.difference, counts.read) == (0, counts.planned)


def test_a_cancelled_preview_cannot_be_committed(bench: Bench) -> None:
    run = bench.runner.preview.begin(PreviewRequest("products", somebody("somebody")))
    bench.runs.request_cancel(run.id, "test")
    bench.previewed(run)
    with pytest.raises(PlanStaleError):
        bench.runner.commit.approve(run.id, Approval("", "test"))


# ---- what the logic is made of


def test_what_is_new_of_the_mapping_makes_the_next_run_read_everything_and_says_so(bench: Bench) -> None:
    bench.fed = {"mapping": "1", "settings": "a"}
    bench.run()
    assert bench.run().mode is Mode.CHANGES
    bench.fed = {"mapping": "2", "settings": "b"}
    again = bench.run()
    assert (again.mode, again.notes["all_for"]) == (Mode.COMPLETE, "mapping,settings")
    last = bench.run()
    assert last.mode is Mode.CHANGES
    assert "all_for" not in last.notes


def test_what_was_never_told_before_is_nothing_new(bench: Bench) -> None:
    bench.run()  # of an earlier version
    bench.fed = {"mapping": "1"}
    assert bench.run().mode is Mode.CHANGES
    bench.fed = {"mapping": "2"}
    assert bench.run().mode is Mode.COMPLETE


def test_a_plan_that_waits_with_everything_read_is_not_read_for_again(bench: Bench, source: MemoryConnector) -> None:
    bench.fed = {"mapping": "1"}
    bench.run()
    bench.fed = {"mapping": "2"}
    edited(source, "1001", {"price": Decimal("20.0000")})
    waits = bench.preview()
    assert (waits.mode, waits.state) == (Mode.COMPLETE, RunState.READY)
    assert bench.preview().mode is Mode.CHANGES
    bench.commit(bench.runs.get(waits.id))
    assert bench.preview().mode is Mode.CHANGES


def test_a_plan_of_before_does_not_count_for_what_is_new_since(bench: Bench, source: MemoryConnector) -> None:
    bench.fed = {"mapping": "1"}
    bench.run()
    edited(source, "1001", {"price": Decimal("20.0000")})
    waits = bench.preview()
    bench.fed = {"mapping": "2"}
    bench.commit(waits)
    assert bench.preview().mode is Mode.COMPLETE
