"""Previews: the content of a plan, and that a preview writes nothing."""

from decimal import Decimal

import pytest

from integration.core.errors import PlanStaleError, RejectedError, RunActiveError, UnavailableError
from integration.core.plan import Approval, Brake, Change
from integration.core.records import Kind
from integration.core.run import Mode, PreviewRequest
from integration.core.states import RunState
from integration.store.database import Database
from tests.builders import a_group, an_article
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, articles, edit_record
from tests.people import make_actor


def test_a_preview_writes_nothing(harness: FlowHarness, source: MemoryConnector, target: MemoryConnector) -> None:
    run = harness.preview()
    assert run.state is RunState.READY
    assert run.counts.planned == run.counts.read_count == 5
    assert source.calls_made["write"] == target.calls_made["write"] == 0
    assert target.records_of(Kind.PRODUCT) == target.records_of(Kind.GROUP) == {}


def test_a_second_run_has_to_wait_for_the_first(harness: FlowHarness) -> None:
    first = harness.runner.preview.begin(PreviewRequest("products", make_actor("somebody")))
    with pytest.raises(RunActiveError) as refusal:
        harness.runner.preview.begin(PreviewRequest("products", make_actor("test")))
    assert refusal.value.facts["run"] == first.id
    assert refusal.value.facts["by"] == "somebody"


def test_a_changed_price_plans_exactly_that_write(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.run()
    edit_record(source, "1002", {"price": Decimal("20.0000")})
    run = harness.preview()
    assert harness.planned_values(run) == {"1002": {"1002/price_incl": Decimal("24.20")}}
    (row,) = harness.changes(run).values()
    assert row.change is not None
    assert row.change.before is not None
    assert row.change.before.flat() == {"1002/price_incl": Decimal("20.00")}


def test_a_preview_goes_on_after_a_restart_with_the_same_plan(harness: FlowHarness) -> None:
    whole = harness.preview()
    harness.runs.discard(whole.id, by="test")
    run = harness.runner.preview.begin(PreviewRequest("products", make_actor("test")))
    harness.restart()
    while harness.runner.preview.page(run.id):
        harness.restart()
    run = harness.checked_run(run)
    assert (run.fingerprint, run.counts) == (whole.fingerprint, whole.counts)


def test_a_preview_goes_on_where_an_unavailable_system_stopped_it(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    run = harness.runner.preview.begin(PreviewRequest("products", make_actor("test")))
    harness.runner.preview.page(run.id)
    source.go_away()
    with pytest.raises(UnavailableError):
        harness.runner.preview.page(run.id)
    while harness.runner.preview.page(run.id):
        pass
    assert harness.checked_run(run).counts.read_count == 5


def test_a_cancelled_preview_stops_at_the_page_and_the_next_begins_at_once(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    run = harness.runner.preview.begin(PreviewRequest("products", make_actor("somebody")))
    harness.runner.preview.page(run.id)
    calls_before = source.calls_made.total()
    harness.runs.request_cancel(run.id, "test")
    stopped = harness.finish_preview(run)
    assert (stopped.state, stopped.error, stopped.ended_at) == (
        RunState.DISCARDED,
        "preview_cancelled",
        harness.clock(),
    )
    assert source.calls_made.total() == calls_before
    assert target.calls_made["write"] == 0
    assert harness.preview().state is RunState.READY


def test_a_preview_that_was_cancelled_in_the_middle_of_its_plan_accounts_for_what_it_compared(
    harness: FlowHarness,
) -> None:
    run = harness.runner.preview.begin(PreviewRequest("products", make_actor("somebody")))
    while not harness.plans.count(run.id):
        harness.runner.preview.page(run.id)
    harness.runs.request_cancel(run.id, "test")
    counts = harness.finish_preview(run).counts
    assert (counts.difference, counts.read_count) == (0, counts.planned)


def test_a_cancelled_preview_cannot_be_committed(harness: FlowHarness) -> None:
    run = harness.runner.preview.begin(PreviewRequest("products", make_actor("somebody")))
    harness.runs.request_cancel(run.id, "test")
    harness.finish_preview(run)
    with pytest.raises(PlanStaleError):
        harness.keep_approval(run.id, Approval("", "test"))


# ---- what the logic is made of


def test_what_is_new_of_the_mapping_makes_the_next_run_read_everything_and_says_so(harness: FlowHarness) -> None:
    harness.input_fingerprints = {"mapping": "1", "settings": "a"}
    harness.run()
    assert harness.run().mode is Mode.CHANGES
    harness.input_fingerprints = {"mapping": "2", "settings": "b"}
    second_run = harness.run()
    assert (second_run.mode, second_run.notes["all_for"]) == (Mode.COMPLETE, "mapping,settings")
    last = harness.run()
    assert last.mode is Mode.CHANGES
    assert "all_for" not in last.notes


def test_what_was_never_told_before_is_nothing_new(harness: FlowHarness) -> None:
    harness.run()  # of an earlier version
    harness.input_fingerprints = {"mapping": "1"}
    assert harness.run().mode is Mode.CHANGES
    harness.input_fingerprints = {"mapping": "2"}
    assert harness.run().mode is Mode.COMPLETE


def test_a_plan_that_waits_with_everything_read_is_not_read_for_again(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    harness.input_fingerprints = {"mapping": "1"}
    harness.run()
    harness.input_fingerprints = {"mapping": "2"}
    edit_record(source, "1001", {"price": Decimal("20.0000")})
    waits = harness.preview()
    assert (waits.mode, waits.state) == (Mode.COMPLETE, RunState.READY)
    assert harness.preview().mode is Mode.CHANGES
    harness.commit(harness.runs.get(waits.id))
    assert harness.preview().mode is Mode.CHANGES


def test_a_plan_of_before_does_not_count_for_what_is_new_since(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.input_fingerprints = {"mapping": "1"}
    harness.run()
    edit_record(source, "1001", {"price": Decimal("20.0000")})
    waits = harness.preview()
    harness.input_fingerprints = {"mapping": "2"}
    harness.commit(waits)
    assert harness.preview().mode is Mode.COMPLETE


def test_different_names_that_one_name_would_replace_hold_the_plan(database: Database, target: MemoryConnector) -> None:
    codes = [str(number) for number in range(30, 51)]
    source = MemoryConnector([a_group(), *(an_article(code) for code in codes)], system="accountview")
    harness = FlowHarness(database, source, target)
    harness.run()
    for code in codes:
        edit_record(source, code, {"name": "X"})
    fields = "article.display_text, article.invoice_text, article.name, article.receipt_text, product.name"
    facts = {"field": fields, "value": "X"}
    assert harness.preview().brakes == (Brake("brake_equalized", 5 * len(codes), "20", facts),)
    harness.settings = {"brakes": {"equalized": None}}
    without_brake = harness.preview()
    assert (without_brake.brakes, without_brake.position.watched["equalized"]) == ((), len(codes))  # for second limits


def test_an_article_of_a_group_that_nobody_creates_is_parked_before_anything_is_written(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    source.put(an_article("1006", group="ELDERS"))
    source.put(a_group("LEEG", name=""))
    source.put(an_article("1007", group="LEEG"))
    run = harness.preview()
    assert harness.causes(run).items() >= {"1006": "needed_record_missing", "1007": "needed_record_parked"}.items()
    assert {row.facts["key"] for row in harness.plans.rows(run.id, "parked") if row.key == "1006"} == {"ELDERS"}
    assert harness.commit(run).counts.proven == 5


class LimitedTill(MemoryConnector):
    """A till that knows that it cannot store one record."""

    def require_storable(self, change: Change) -> None:
        if change.key == "1003":
            raise RejectedError("field_too_long", system=self.system, field="name")


def test_a_value_that_the_target_cannot_store_is_parked_before_anything_is_written(database: Database) -> None:
    harness = FlowHarness(database, MemoryConnector(articles("1002", "1003"), system="accountview"), LimitedTill())
    run = harness.preview()
    assert harness.causes(run) == {"1003": "field_too_long"}
    assert set(harness.changes(run)) == {"1002", "KLED"}


def test_a_parked_group_that_the_target_has_does_not_hold_the_prices_of_its_articles(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "KLED", {"name": ""}, Kind.GROUP)
    edit_record(source, "1002", {"price": Decimal("20.0000")})
    run = harness.preview()
    assert set(harness.causes(run)) == {"KLED"}
    assert harness.planned_values(run) == {"1002": {"1002/price_incl": Decimal("24.20")}}
