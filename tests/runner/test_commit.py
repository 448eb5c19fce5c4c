"""Commits: which lines of an approved plan are written, and how a commit ends if a write fails."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Literal

import pytest
from pydantic import SecretStr

from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.settings import MplusSettings
from integration.connectors.protocol import References
from integration.core.errors import PlanStaleError, PlanUnsafeError, UnavailableError
from integration.core.plan import Approval, Change
from integration.core.records import CurrentRecord, Kind, Record, WriteResult
from integration.core.run import Mode, PreviewRequest
from integration.core.states import RunState, Step
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox
from integration.store.database import Database
from integration.store.row_mapping import change_to_json
from integration.store.tables import lines as plan_lines
from tests.fakes import LateConnector, MemoryConnector
from tests.flow_harness import FlowHarness, articles, edit_record
from tests.people import make_actor

UNHEARD_OF = Record(Kind.stored("unheard_of"), "1", {})
FIVE = ("1001", "1002", "1003", "1004", "1005")
HIGHER = {"price": Decimal("18.0000")}


def test_a_committed_plan_leaves_nothing_to_do(harness: FlowHarness, target: MemoryConnector) -> None:
    run = harness.run()
    assert run.state is RunState.DONE
    assert run.counts.proven == run.counts.read_count == 5
    assert sorted(target.writes) == [*FIVE, "KLED"]
    second_run = harness.preview(Mode.COMPLETE)
    assert second_run.state is RunState.DONE
    assert second_run.counts.unchanged == second_run.counts.read_count == 5


def test_groups_are_written_before_the_products_in_them(harness: FlowHarness, target: MemoryConnector) -> None:
    harness.run()
    assert target.writes[0] == "KLED"


def test_nothing_is_written_for_a_kind_of_record_that_is_not_known(
    harness: FlowHarness, target: MemoryConnector, database: Database
) -> None:
    run = harness.preview()
    change = harness.changes(run)["1004"].change
    assert change is not None
    shape = change_to_json(replace(change, desired=replace(change.desired, parts=(UNHEARD_OF,))))
    with database.write() as connection:
        connection.execute(plan_lines.update().where(plan_lines.c.key == "1003").values(kind="unheard_of"))
        connection.execute(plan_lines.update().where(plan_lines.c.key == "1004").values(change=shape))
    final_run = harness.commit(run)
    assert (final_run.state, final_run.counts.proven, final_run.counts.parked) == (RunState.DONE, 3, 2)
    assert harness.causes(run) == dict.fromkeys(("1003", "1004"), "kind_unknown")
    assert sorted(target.writes) == ["1001", "1002", "1005", "KLED"]


def test_what_was_sent_of_a_kind_that_is_not_known_is_a_question(
    harness: FlowHarness, target: MemoryConnector, database: Database
) -> None:
    run = harness.preview()
    harness.approve(run)
    strange = {"1003": {"kind": "unheard_of"}, "1004": {"kind": "unheard_of", "stage": "unheard_of"}}
    with database.write() as connection:
        for key, values in strange.items():
            connection.execute(plan_lines.update().where(plan_lines.c.key == key).values(values))
    seqs = [harness.changes(run)[key].seq for key in strange]
    harness.ledger.mark_sent(run.id, seqs)
    final_run = harness.carry_out(run)
    assert (final_run.state, final_run.counts.proven, final_run.counts.parked) == (RunState.DONE, 3, 2)
    assert harness.causes(run) == dict.fromkeys(strange, "never_answered")
    second_run = harness.run(Mode.COMPLETE)
    assert harness.causes(second_run) == dict.fromkeys(strange, "never_answered")
    assert sorted(target.writes) == ["1001", "1002", "1005", "KLED"]
    assert harness.ledger.answer_doubts("products", "1003", None) == 1
    assert harness.run(Mode.COMPLETE).counts.proven == 1
    assert target.writes[-1] == "1003"


def test_nothing_is_written_of_a_stage_that_is_not_known(
    harness: FlowHarness, target: MemoryConnector, database: Database
) -> None:
    run = harness.preview()
    with database.write() as connection:
        connection.execute(plan_lines.update().where(plan_lines.c.key == "1003").values(stage="unheard_of"))
    final_run = harness.commit(run)
    assert (final_run.state, final_run.counts.proven, final_run.counts.parked) == (RunState.DONE, 4, 1)
    assert harness.causes(run) == {"1003": "kind_unknown"}
    assert sorted(target.writes) == ["1001", "1002", "1004", "1005", "KLED"]


# ---- a yes is to one plan


def test_a_yes_to_another_plan_is_no_yes(harness: FlowHarness, target: MemoryConnector) -> None:
    run = harness.preview()
    with pytest.raises(PlanStaleError) as refusal:
        harness.keep_approval(run.id, Approval("another", by="test"))
    assert (refusal.value.code, refusal.value.facts["run"]) == ("fingerprint_differs", run.id)
    assert target.writes == []


def test_a_mapping_published_since_makes_the_plan_stale(harness: FlowHarness) -> None:
    run = harness.preview()
    harness.mapping_version = 2
    with pytest.raises(PlanStaleError) as refusal:
        harness.approve(run)
    assert refusal.value.code == "mapping_published_since"


@pytest.mark.parametrize(
    ("undoes", "changed_basis"), [(False, "names,settings"), (True, "names")], ids=["plan", "undo"]
)
def test_a_plan_is_stale_while_what_decided_it_is_otherwise(
    harness: FlowHarness, target: MemoryConnector, changed_basis: str, *, undoes: bool
) -> None:
    run = harness.undo(harness.run()) if undoes else harness.preview()
    writes_before = list(target.writes)
    harness.names, harness.decides = "another field for the price", {"settings": "changed"}
    with pytest.raises(PlanStaleError) as refusal:
        harness.approve(run)
    error = refusal.value
    assert (error.code, error.facts["changed"], target.writes) == ("basis_changed_since", changed_basis, writes_before)
    harness.names, harness.decides = "as AccountView has them", {"settings": "as they are"}
    assert harness.commit(run).state is RunState.DONE


@pytest.mark.parametrize("now", [{}, {"1001": "another"}, {"1001": "typed", "1002": "typed"}])
def test_a_plan_is_stale_once_what_a_person_corrected_of_its_records_is_otherwise(
    harness: FlowHarness, target: MemoryConnector, now: dict[str, str]
) -> None:
    harness.corrections = {"1001": "typed", "elsewhere": "typed"}
    run = harness.preview()
    harness.corrections = now
    with pytest.raises(PlanStaleError) as refusal:
        harness.approve(run)
    assert (refusal.value.facts["changed"], target.writes) == ("corrections", [])
    assert harness.commit(harness.leave(run, "1001", "1002")).state is RunState.DONE


def test_what_is_corrected_of_other_records_leaves_a_plan_alone_and_an_undo_is_decided_already(
    harness: FlowHarness,
) -> None:
    harness.corrections = {"1001": "typed", "elsewhere": "typed"}
    run = harness.preview()
    harness.corrections = {"1001": "typed", "parked": "typed since"}
    assert harness.commit(run).state is RunState.DONE
    undoing = harness.undo(run)
    harness.corrections = {"1001": "another"}
    assert harness.commit(undoing).state is RunState.DONE


def test_what_is_corrected_while_a_preview_reads_is_corrected_since(harness: FlowHarness) -> None:
    for before, after in (({}, {"1001": "typed"}), ({"1001": "typed"}, {})):
        harness.corrections = before
        run = harness.runner.preview.begin(PreviewRequest("products", make_actor("test"), Mode.CHOSEN, ("1001",)))
        harness.corrections = after
        with pytest.raises(PlanStaleError):
            harness.approve(harness.finish_preview(run))
        harness.runs.discard(run.id, "test", "")


def test_a_plan_made_with_the_notes_of_another_has_corrections_of_its_own(harness: FlowHarness) -> None:
    harness.corrections = {"1001": "typed"}
    before = harness.preview(Mode.CHOSEN, ["1001"])
    harness.corrections = {}
    request = PreviewRequest("products", make_actor("test"), Mode.CHOSEN, ("1001",), before.notes)
    run = harness.finish_preview(harness.runner.preview.begin(request))
    assert harness.commit(run).state is RunState.DONE


def test_an_interrupted_run_does_not_go_on_once_what_decided_it_is_otherwise(
    harness: FlowHarness, target: MemoryConnector
) -> None:
    run = harness.preview()
    harness.approve(run)
    harness.runs.interrupt(run.id, "cancelled", {})
    harness.decides = {"settings": "changed"}
    with pytest.raises(PlanStaleError, match="basis_changed_since"):
        harness.approve(harness.runs.get(run.id))
    assert target.writes == []


def test_a_yes_is_to_the_fields_as_they_are_read_then_and_another_process_reads_them_before_it_writes(
    harness: FlowHarness, target: MemoryConnector
) -> None:
    harness.decides["fields"] = "as read once"
    run = harness.preview()
    harness.read_fields = lambda _: harness.decides.update(fields="shorter")
    with pytest.raises(PlanStaleError) as refusal:
        harness.approve(run)
    assert (refusal.value.code, refusal.value.facts["changed"], target.writes) == ("basis_changed_since", "fields", [])
    anew = harness.preview()
    harness.approve(anew)
    reads: list[tuple[str, int]] = []
    harness.read_fields = lambda flow: reads.append((flow, len(target.writes)))
    harness.restart()
    assert harness.carry_out(anew).state is RunState.DONE
    assert reads == [("products", 0)]


def test_no_yes_is_kept_while_the_fields_cannot_be_read(harness: FlowHarness, target: MemoryConnector) -> None:
    def raise_unavailable(_: str) -> None:
        raise UnavailableError("service_unavailable", system="accountview")

    run, harness.read_fields = harness.preview(), raise_unavailable
    with pytest.raises(UnavailableError):
        harness.approve(run)
    assert (harness.runs.get(run.id).state, harness.runs.get(run.id).approval, target.writes) == (
        RunState.READY, None, [],
    )  # fmt: skip


def test_a_newer_plan_puts_the_older_aside(harness: FlowHarness) -> None:
    older = harness.preview()
    newer = harness.preview()
    with pytest.raises(PlanStaleError) as refusal:
        harness.approve(older)
    assert (refusal.value.code, refusal.value.facts["run"]) == ("plan_replaced", newer.id)
    assert harness.commit(newer).state is RunState.DONE


def test_a_preview_that_found_nothing_to_change_has_nothing_to_commit(harness: FlowHarness) -> None:
    harness.run()
    with pytest.raises(PlanStaleError, match="nothing_to_commit"):
        harness.approve(harness.preview(Mode.COMPLETE))


@pytest.mark.parametrize("typed", [None, {}, {"brake_price": 2}])
def test_a_brake_needs_its_number_typed(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector, typed: dict[str, int] | None
) -> None:
    harness.run()
    edit_record(source, "1001", {"price": Decimal("99.0000")})
    run = harness.preview()
    assert [(brake.code, brake.count) for brake in run.brakes] == [("brake_price", 1)]
    writes_before = len(target.writes)
    with pytest.raises(PlanUnsafeError) as refusal:
        harness.approve(run, confirmed=typed)
    assert refusal.value.code == "brake_price"
    assert len(target.writes) == writes_before
    assert harness.commit(run, confirmed={"brake_price": 1}).counts.proven == 1


def test_what_was_left_out_comes_back_next_time(harness: FlowHarness, source: MemoryConnector) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    edit_record(source, "1002", HIGHER)
    run = harness.preview()
    run = harness.commit(harness.leave(run, "1001"))
    assert harness.steps(run) == {"1001": Step.LEFT, "1002": Step.PROVEN}
    assert list(harness.changes(harness.preview())) == ["1001"]


# ---- the target is not as it was


def test_what_was_edited_at_the_till_after_the_preview_is_parked_and_the_rest_proven(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    edit_record(source, "1002", HIGHER)
    run = harness.preview()
    edit_record(target, "1001", {"1001/price_incl": Decimal("1.00")}, Kind.PRODUCT)
    run = harness.commit(run)
    assert harness.steps(run) == {"1001": Step.PARKED, "1002": Step.PROVEN}
    assert harness.causes(run) == {"1001": "target_changed_since_plan"}
    assert target.records_of(Kind.PRODUCT)["1001"].flat()["1001/price_incl"] == Decimal("1.00")
    assert harness.planned_values(harness.preview()) == {"1001": {"1001/price_incl": Decimal("21.78")}}


def test_an_edit_of_another_field_does_not_hold_a_change_up(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    run = harness.preview()
    edit_record(target, "1001", {"1001/receipt_text": "Bonnetje"}, Kind.PRODUCT)
    assert harness.steps(harness.commit(run)) == {"1001": Step.PROVEN}
    product = target.records_of(Kind.PRODUCT)["1001"].flat()
    assert (product["1001/price_incl"], product["1001/receipt_text"]) == (Decimal("21.78"), "Bonnetje")


def test_what_somebody_removed_after_the_preview_is_not_made_again(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    run = harness.preview()
    target.remove(Kind.PRODUCT, "1001")
    writes_before = len(target.writes)
    assert harness.steps(harness.commit(run)) == {"1001": Step.PARKED}
    assert len(target.writes) == writes_before


def test_what_appeared_at_the_till_after_the_preview_is_parked(harness: FlowHarness, target: MemoryConnector) -> None:
    run = harness.preview()
    target.put(Record(Kind.PRODUCT, "1001", {"name": "Van iemand anders"}))
    run = harness.commit(run)
    assert harness.causes(run) == {"1001": "target_changed_since_plan"}
    assert run.counts.proven == 4
    assert target.records_of(Kind.PRODUCT)["1001"].values == {"name": "Van iemand anders"}


# ---- refused, lost, late, wrong


def test_a_refused_record_is_parked_alone_and_goes_through_when_it_is_tried_again(
    harness: FlowHarness, target: MemoryConnector
) -> None:
    target.refuse("1003", "te lang")
    run = harness.run()
    assert harness.causes(run) == {"1003": "request_refused"}
    assert run.counts.proven == 4
    target.accept("1003")
    retry_run = harness.run(Mode.CHOSEN, ["1003"])
    assert harness.steps(retry_run) == {"1003": Step.PROVEN}
    assert sorted(target.records_of(Kind.PRODUCT)) == list(FIVE)


@pytest.mark.parametrize("after", [False, True], ids=["before_acceptance", "after_acceptance"])
def test_a_lost_answer_is_settled_by_looking(harness: FlowHarness, target: MemoryConnector, after: bool) -> None:
    target.lose_answer("1003", after=after)
    run = harness.run()
    assert run.counts.proven == 5
    assert sorted(target.writes) == [*FIVE, "KLED"]


@pytest.mark.parametrize("after", [False, True], ids=["before_acceptance", "after_acceptance"])
def test_a_lost_answer_to_an_update_is_settled_by_looking(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector, after: bool
) -> None:
    harness.run()
    edit_record(source, "1003", HIGHER)
    target.lose_answer("1003", after=after)
    run = harness.run()
    assert harness.steps(run) == {"1003": Step.PROVEN}
    assert target.writes.count("1003") == 2


def test_what_was_never_seen_to_arrive_is_given_up_after_some_attempts(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1003", HIGHER)
    run = harness.preview()
    harness.approve(run)
    target.lose_answer("1003", after=False)
    while pause := harness.runner.commit.page(run.id):
        target.lose_answer("1003", after=False)
        harness.clock.advance(pause.seconds)
    run = harness.checked_run(run)
    assert harness.causes(run) == {"1003": "read_back_missing"}
    assert harness.changes(run)["1003"].attempts == 4


def test_what_shows_late_is_waited_for_and_not_sent_again(database: Database, source: MemoryConnector) -> None:
    target = LateConnector(system="mplus")
    harness = FlowHarness(database, source, target)
    run = harness.preview()
    target.looks = 5
    run = harness.commit(run)
    assert run.counts.proven == 5
    assert sorted(target.writes) == [*FIVE, "KLED"]


class Leisurely(LateConnector):
    """A till that takes its time over every write, and then some to show it."""

    spent: Callable[[float], None]

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        self.spent(4)
        self.looks = 3
        return super().write(change, current, references, token)


def test_patience_begins_when_a_write_is_over_and_not_when_it_was_marked_with_others(
    database: Database, source: MemoryConnector
) -> None:
    target = Leisurely(system="mplus", in_flight=1)  # five articles take twenty seconds, patience is ten
    harness = FlowHarness(database, source, target)
    target.spent = harness.clock.advance
    run = harness.run()
    assert run.counts.proven == 5
    assert {row.attempts for row in harness.changes(run).values()} == {1}


class Deadly(LateConnector):
    """A till at whose first article our process dies."""

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        result = super().write(change, current, references, token)
        if self.writes == ["1001"]:
            raise SystemExit
        return result


def test_what_a_dead_process_sent_gets_all_our_patience_however_long_it_was_dead(
    database: Database, source: MemoryConnector
) -> None:
    target = Deadly(system="mplus", in_flight=1)
    harness = FlowHarness(database, source, target, groups=False)
    run = harness.preview()
    harness.approve(run)
    with pytest.raises(SystemExit):
        harness.carry_out(run)
    harness.restart()
    harness.clock.advance(600)
    target.looks = 3
    assert harness.carry_out(run).counts.proven == 5
    assert harness.changes(run)["1001"].attempts == 1


class InterruptedTill(MemoryConnector):
    """A till at which our process dies between the calls of one change, once."""

    is_deadly = False

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        if not self.is_deadly:
            return super().write(change, current, references, token)
        self.is_deadly = False
        parts = tuple(replace(part, values={}) for part in change.desired.parts)
        super().write(replace(change, desired=replace(change.desired, parts=parts)), current, references, "half")
        raise SystemExit


class InPart(MemoryConnector):
    """A till that needs two calls for a change, and shows the second one only after some lookups."""

    looks = 0
    visible_record: Record | None = None

    def calls(self, change: Change) -> int:
        return 2 * super().calls(change)

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        current = super().lookup(records, references)
        if self.looks <= 0 or self.visible_record is None or "1003" not in current or len(self.writes) < len(FIVE) + 1:
            return current
        self.looks -= 1
        now = current["1003"]
        return current | {"1003": replace(now, record=replace(now.record, parts=self.visible_record.parts))}


def test_what_shows_in_part_is_waited_for(database: Database, source: MemoryConnector) -> None:
    target = InPart(system="mplus", in_flight=1)
    harness = FlowHarness(database, source, target, groups=False)
    harness.run()
    target.visible_record = target.records_of(Kind.PRODUCT)["1003"]
    edit_record(source, "1003", {"name": "Een andere naam", **HIGHER})
    run = harness.preview()
    target.looks = 3
    assert harness.commit(run).counts.proven == 1
    assert (harness.changes(run)["1003"].attempts, target.looks) == (1, 0)


def test_what_a_dead_process_wrote_in_part_is_finished(database: Database, source: MemoryConnector) -> None:
    target = InterruptedTill(system="mplus", in_flight=1)
    harness = FlowHarness(database, source, target, groups=False)
    harness.run()
    edit_record(source, "1003", {"name": "Een andere naam", **HIGHER})
    run = harness.preview()
    harness.approve(run)
    target.is_deadly = True
    with pytest.raises(SystemExit):
        harness.carry_out(run)
    harness.restart()
    assert harness.carry_out(run).counts.proven == 1
    assert harness.changes(run)["1003"].attempts == 2


class WrongPriceTill(MemoryConnector):
    """A till that accepts a price and stores a wrong one."""

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        bad = tuple(replace(part, values={**part.values, "price_incl": Decimal(1)}) for part in change.desired.parts)
        return super().write(replace(change, desired=replace(change.desired, parts=bad)), current, references, token)


def test_what_is_stored_wrongly_is_never_proven(database: Database, source: MemoryConnector) -> None:
    harness = FlowHarness(database, source, WrongPriceTill(system="mplus"))
    run = harness.run()
    assert run.counts.proven == 0
    assert harness.causes(run) == dict.fromkeys(FIVE, "read_back_differs")
    (row, *_) = harness.plans.rows(run.id, "parked")
    assert (row.facts["planned_value"], row.facts["target_value"]) == ("20.00", "1")


# ---- the till goes away, the run is stopped


class VanishingTill(MemoryConnector):
    """A till that goes away after some writes."""

    stays_for = -1

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        if self.stays_for == 0:
            raise UnavailableError("connection_refused", system=self.system, host="memory")
        self.stays_for -= 1
        return super().write(change, current, references, token)


def test_a_till_that_does_not_take_up_the_first_record_ever_leaves_no_question(database: Database) -> None:
    target = VanishingTill(system="mplus")
    target.stays_for = 0
    harness = FlowHarness(database, MemoryConnector(articles("2001", "2002"), system="accountview"), target)
    run = harness.preview()
    harness.approve(run)
    with pytest.raises(UnavailableError):
        harness.carry_out(run)
    assert set(harness.steps(run).values()) == {Step.PLANNED}
    target.stays_for = -1
    assert harness.carry_out(run).counts.proven == 2


def test_a_till_that_goes_away_in_the_middle_leaves_the_rest_planned(database: Database) -> None:
    many = [str(number) for number in range(2001, 2031)]
    target = VanishingTill(system="mplus", in_flight=1)
    harness = FlowHarness(database, MemoryConnector(articles(*many), system="accountview"), target)
    run = harness.preview()
    harness.approve(run)
    harness.runner.commit.page(run.id)  # the group
    target.stays_for = 7
    with pytest.raises(UnavailableError):
        harness.carry_out(run)
    steps = list(harness.steps(run).values())
    assert (steps.count(Step.PROVEN), steps.count(Step.PLANNED)) == (8, 23)
    assert harness.runs.get(run.id).state is RunState.COMMITTING
    target.stays_for = -1
    harness.restart()
    assert harness.carry_out(run).counts.proven == 30
    assert len(target.writes) == len(set(target.writes)) == 31


def test_a_cancelled_run_stops_at_the_page_and_can_be_resumed(harness: FlowHarness, target: MemoryConnector) -> None:
    run = harness.preview()
    harness.approve(run)
    harness.runner.commit.page(run.id)  # the group
    harness.runs.request_cancel(run.id, "test")
    run = harness.carry_out(run)
    assert (run.state, run.error) == (RunState.INTERRUPTED, "cancelled")
    assert run.counts.planned == 5
    assert target.writes == ["KLED"]
    assert harness.commit(run).counts.proven == 5


def test_a_restart_between_any_two_pages_changes_nothing(harness: FlowHarness, target: MemoryConnector) -> None:
    target.lose_answer("1003")
    run = harness.preview()
    harness.approve(run)
    harness.restart()
    while pause := harness.runner.commit.page(run.id):
        harness.clock.advance(pause.seconds)
        harness.restart()
    assert harness.checked_run(run).counts.proven == 5
    assert sorted(target.writes) == [*FIVE, "KLED"]


# ---- the till sandbox


def a_till(sandbox: Sandbox, membership: Literal["product", "calls"]) -> Mplus:
    """Return a connection to the sandbox's till."""
    secret = SecretStr("sandbox-secret")
    return Mplus(
        MplusSettings(
            url=sandbox.mplus_url, ident="sandbox", secret=secret, per_second=10_000, membership=membership
        )
    )  # fmt: skip


@pytest.fixture
def till(sandbox: Sandbox) -> Iterator[Mplus]:
    """A connection to the sandbox's till, as it comes."""
    connection = a_till(sandbox, "product")
    yield connection
    connection.close()


@pytest.fixture
def till_with_steps(sandbox: Sandbox) -> Iterator[Mplus]:
    """A connection to the sandbox's till that puts a product into its groups by further calls."""
    connection = a_till(sandbox, "calls")
    yield connection
    connection.close()


NewHarness = Callable[..., FlowHarness]


@pytest.fixture
def new_harness(database: Database, till: Mplus) -> NewHarness:
    """A harness whose target is the sandbox's till, with articles under numbers nobody used before."""

    def make_harness(*keys: str) -> FlowHarness:
        return FlowHarness(
            database, MemoryConnector(articles(*keys, group="BOX"), system="accountview"), till, groups=False
        )

    return make_harness


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
def test_a_product_that_did_not_get_into_its_group_is_finished(
    database: Database, till_with_steps: Mplus, sandbox: Sandbox, fault: Fault
) -> None:
    code = f"7{list(Fault).index(fault):02d}"
    harness = FlowHarness(database, MemoryConnector(articles(code), system="accountview"), till_with_steps)
    sandbox.switches.arm(fault, system="mplus", operation="addProductsToArticleGroup")
    run = harness.run()
    assert any(call.note == fault for call in sandbox.ledger.writes())
    assert harness.steps(run)[code] is Step.PROVEN
    assert sum(call.operation == "createProduct" for call in sandbox.ledger.writes()) == 1
    assert harness.preview(Mode.COMPLETE).state is RunState.DONE


def test_what_the_till_stores_wrongly_is_never_proven(new_harness: NewHarness, sandbox: Sandbox) -> None:
    harness = new_harness("801", "802", "803")
    sandbox.switches.arm(Fault.WRONG, system="mplus", operation="createProduct", key="802")
    run = harness.run()
    assert harness.steps(run) == {"801": Step.PROVEN, "802": Step.PARKED, "803": Step.PROVEN}
    assert harness.causes(run) == {"802": "read_back_differs"}


def test_what_the_till_shows_late_is_waited_for(new_harness: NewHarness, sandbox: Sandbox) -> None:
    harness = new_harness("811", "812", "813")
    sandbox.switches.arm(Fault.LATE, system="mplus", operation="createProduct", key="812", seconds=0.3)
    run = harness.preview()
    harness.approve(run)
    while pause := harness.runner.commit.page(run.id):
        time.sleep(0.1 if pause.seconds else 0)
    assert harness.checked_run(run).counts.proven == 3
    assert sum(call.operation == "createProduct" for call in sandbox.ledger.writes()) == 3


# ---- what a person chose


def test_another_choice_than_was_shown_is_refused_and_nothing_is_written(
    harness: FlowHarness, source: MemoryConnector, target: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    edit_record(source, "1002", HIGHER)
    run, writes_before = harness.preview(), len(target.writes)
    harness.leave(run, "1001", by="somebody else")
    with pytest.raises(PlanStaleError) as refusal:
        harness.approve(run)
    assert (refusal.value.code, len(target.writes)) == ("choice_changed", writes_before)
    assert harness.steps(harness.commit(harness.runs.get(run.id))) == {"1001": Step.LEFT, "1002": Step.PROVEN}


def test_what_is_left_out_stays_so_when_an_interrupted_commit_goes_on(
    harness: FlowHarness, source: MemoryConnector
) -> None:
    harness.run()
    edit_record(source, "1001", HIGHER)
    edit_record(source, "1002", HIGHER)
    run = harness.leave(harness.preview(), "1001")
    harness.approve(run)
    harness.runs.interrupt(run.id, "cancelled", {})
    run = harness.runs.get(run.id)
    assert run.approval is not None
    harness.keep_approval(run.id, run.approval)
    assert harness.steps(harness.carry_out(run)) == {"1001": Step.LEFT, "1002": Step.PROVEN}
    assert list(harness.changes(harness.preview())) == ["1001"]
