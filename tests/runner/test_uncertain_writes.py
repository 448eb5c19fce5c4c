"""No create is sent twice: neither if the target hides an accepted record, nor in a later run."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from integration.connectors.protocol import References
from integration.core.errors import InDoubtError, IntegrationError, UnavailableError
from integration.core.plan import Change
from integration.core.records import CurrentRecord, Kind, Record, WriteResult
from integration.core.run import Mode, Run
from integration.core.states import RunState, Step
from integration.store.database import Database
from tests.builders import a_group, an_article
from tests.fakes import LateConnector, MemoryConnector
from tests.flow_harness import FlowHarness, articles
from tests.runner.test_rebooking import OrdersHarness, sale_of


class HidingTill(LateConnector):
    """A till that accepts a write and does not show the record."""

    looks = 1_000_000


class OverloadedSystem(LateConnector):
    """A system that carries out the first writes, answers that it is not available, and shows them later."""

    answers = 1

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        result = super().write(change, current, references, token)
        if self.answers:
            self.answers -= 1
            raise InDoubtError("service_unavailable", system=self.system, key=change.key)
        return result


class UnreachableTill(MemoryConnector):
    """A till that never receives the write of one record, and reports nothing about it."""

    key = "1003"
    write_attempts = 0

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        if change.key == self.key:
            self.write_attempts += 1
            raise InDoubtError(system=self.system, key=change.key)
        return super().write(change, current, references, token)


def a_harness(database: Database, target: MemoryConnector, *codes: str) -> FlowHarness:
    """Return a harness whose books have these articles, in no group."""
    return FlowHarness(database, MemoryConnector(articles(*codes), system="accountview"), target, groups=False)


def stop_cause(harness: FlowHarness, run: Run) -> str:
    """Carry a plan out until it stops, as the engine does it, and return the cause."""
    harness.approve(run)
    with pytest.raises(IntegrationError) as refusal:
        harness.carry_out(run)
    harness.runs.interrupt(run.id, refusal.value.code, refusal.value.facts)
    return refusal.value.code


def test_a_target_that_shows_nothing_gets_one_record_and_a_question(database: Database) -> None:
    target = HidingTill(system="mplus")
    harness = a_harness(database, target, "1001", "1002", "1003")
    run = harness.preview()
    assert stop_cause(harness, run) == "look_unproven"
    assert target.writes == ["1001"]
    assert harness.steps(run) == {"1001": Step.PARKED, "1002": Step.PLANNED, "1003": Step.PLANNED}
    assert harness.causes(run) == {"1001": "read_back_missing"}

    for _ in range(2):
        second_run = harness.preview(Mode.COMPLETE)
        assert harness.causes(second_run) == {"1001": "read_back_missing"}
        assert stop_cause(harness, second_run) == "look_unproven"
    assert target.writes == ["1001"]


def test_what_shows_later_than_we_wait_is_proven_where_it_was_a_question(database: Database) -> None:
    target = HidingTill(system="mplus")
    harness = a_harness(database, target, "1001")
    run = harness.run()
    assert harness.causes(run) == {"1001": "read_back_missing"}
    target.looks = 0
    second_run = harness.preview(Mode.COMPLETE)
    assert (second_run.state, second_run.counts.unchanged) == (RunState.DONE, 1)
    assert harness.steps(run) == {"1001": Step.PROVEN}
    assert harness.checked_run(run).counts.proven == 1
    assert target.writes == ["1001"]


def test_the_question_tells_the_number_that_was_reported(database: Database) -> None:
    harness = a_harness(database, HidingTill(system="mplus"), "1001")
    (line,) = harness.changes(harness.run()).values()
    assert line.facts["number"] == line.reference != ""


def test_what_was_never_answered_is_sent_once_more_and_then_a_question(database: Database) -> None:
    target = UnreachableTill(system="mplus")
    harness = a_harness(database, target, "1001", "1002", "1003", "1004")
    run = harness.run()
    assert harness.causes(run) == {"1003": "never_answered"}
    assert run.counts.proven == 3
    assert target.write_attempts == 2
    second_run = harness.preview(Mode.COMPLETE)
    assert harness.causes(second_run) == {"1003": "never_answered"}
    assert target.write_attempts == 2


def test_a_group_that_was_never_answered_is_a_question_and_new_articles_wait_for_it(database: Database) -> None:
    target = UnreachableTill(system="mplus")
    target.key = "KLED"
    source = MemoryConnector([a_group("ANDER", name="Anders"), *articles("1001")], system="accountview")
    harness = FlowHarness(database, source, target)
    assert harness.causes(harness.run())["KLED"] == "never_answered"
    assert target.write_attempts == 1
    source.put(an_article("1002"))
    second_run = harness.preview(Mode.COMPLETE)
    assert harness.causes(second_run) == {"KLED": "never_answered", "1002": "needed_record_parked"}


def test_a_document_that_was_carried_out_and_answered_with_an_error_is_booked_once(database: Database) -> None:
    first = sale_of("12.10", "10.00")
    second = replace(first, key="order-2", values={**first.values, "number": "2026.2"})
    till = MemoryConnector([first, second], system="mplus")
    books = OverloadedSystem(system="accountview", evidence=("reference",), in_flight=1)
    harness = OrdersHarness(database, books, till)
    run = harness.preview(Mode.COMPLETE)
    harness.approve(run)
    books.looks = 2
    with pytest.raises(UnavailableError, match="service_unavailable"):
        harness.carry_out(run)
    assert harness.steps(run) == {"order-1": Step.IN_DOUBT, "order-2": Step.PLANNED}
    assert harness.carry_out(run).counts.proven == 2
    assert books.writes == ["order-1", "order-2"]


@pytest.mark.parametrize(("resends", "send_count"), [(False, 1), (True, 2)], ids=["as it is", "as somebody set it"])
def test_a_document_that_was_never_answered_is_sent_again_by_itself_only_where_somebody_said_so(
    database: Database, *, resends: bool, send_count: int
) -> None:
    first = sale_of("12.10", "10.00")
    till = MemoryConnector(
        [first, replace(first, key="order-2", values={**first.values, "number": "2026.2"})], system="mplus"
    )
    books = UnreachableTill(system="accountview", evidence=("reference",))
    books.key = "order-2"
    harness = OrdersHarness(database, books, till, resends=resends)
    assert harness.causes(harness.run(Mode.COMPLETE)) == {"order-2": "never_answered"}
    assert (books.write_attempts, books.writes) == (send_count, ["order-1"])


def test_the_first_record_ever_waits_for_the_next_to_show_whether_looks_see(database: Database) -> None:
    target = MemoryConnector([Record(Kind.PRODUCT, "9001", {"name": "Of somebody else"})], system="mplus")
    harness = a_harness(database, target, "1001", "1002")
    target.lose_answer("1001", after=False)
    run = harness.run()
    assert run.counts.proven == 2
    assert target.writes == ["1002", "1001"]


def test_no_second_record_is_sent_where_nothing_at_all_is_shown(database: Database) -> None:
    target = MemoryConnector(system="mplus")
    harness = a_harness(database, target, "1001", "1002")
    target.lose_answer("1001", after=False)
    run = harness.preview()
    assert stop_cause(harness, run) == "look_unproven"
    assert harness.causes(run) == {"1001": "never_answered"}
    assert target.writes == []


def test_the_first_record_ever_is_a_question_where_nothing_can_show_it(database: Database) -> None:
    target = MemoryConnector(system="mplus")
    harness = a_harness(database, target, "1001")
    target.lose_answer("1001", after=False)
    run = harness.run()
    assert harness.causes(run) == {"1001": "never_answered"}
    assert target.writes == []


def test_what_an_interrupted_run_sent_is_not_planned_again(database: Database) -> None:
    target = HidingTill(system="mplus")
    harness = a_harness(database, target, "1001", "1002")
    run = harness.preview()
    harness.approve(run)
    harness.runner.commit.page(run.id)
    harness.runs.interrupt(run.id, "cancelled", {})
    second_run = harness.preview(Mode.COMPLETE)
    assert harness.causes(second_run) == {"1001": "read_back_missing"}
    assert target.writes == ["1001"]


# ---- a person says what became of it


def test_what_a_person_found_is_linked_and_never_sent_again(database: Database) -> None:
    target = HidingTill(system="mplus")
    harness = a_harness(database, target, "1001")
    run = harness.run()
    assert harness.ledger.answer_doubts("products", "1001", "77") == 1
    assert harness.steps(run) == {"1001": Step.ACCEPTED}
    counts = harness.checked_run(run).counts
    assert (counts.accepted, counts.proven, counts.parked) == (1, 0, 0)
    link = harness.links.get("products", Kind.PRODUCT, ["1001"])["1001"]
    assert (link.reference, link.unproven) == ("77", True)
    harness.preview(Mode.COMPLETE)
    assert target.writes == ["1001"]


def test_of_several_who_say_at_once_what_became_of_it_one_is_believed(database: Database) -> None:
    harness = a_harness(database, HidingTill(system="mplus"), "1001")
    run = harness.run()
    with ThreadPoolExecutor(4) as people:
        futures = [people.submit(harness.ledger.answer_doubts, "products", "1001", f"7{n}") for n in "1234"]
    assert sum(future.result() for future in futures) == 1
    assert harness.steps(run) == {"1001": Step.ACCEPTED}


def test_what_a_person_did_not_find_is_sent_once_more(database: Database) -> None:
    target = UnreachableTill(system="mplus")
    harness = a_harness(database, target, "1001", "1003")
    harness.run()
    target.key = ""
    assert harness.ledger.answer_doubts("products", "1003", None) == 1
    assert harness.steps(harness.run(Mode.CHOSEN, ["1003"])) == {"1003": Step.PROVEN}
    assert sorted(target.writes) == ["1001", "1003"]


def test_a_record_in_doubt_stays_a_question_when_it_is_planned_no_longer(database: Database) -> None:
    target = HidingTill(system="mplus")
    harness = a_harness(database, target, "1001", "1002")
    assert stop_cause(harness, harness.preview()) == "look_unproven"
    harness.source.remove(Kind.ARTICLE, "1001")
    second_run = harness.preview(Mode.COMPLETE)
    (question,) = harness.issues.list("products", "read_back_missing", limit=10)
    assert (question.issue.key, harness.steps(second_run)) == ("1001", {"1002": Step.PLANNED})

    assert harness.ledger.answer_doubts("products", "1001", None) == 1
    target.looks = 0
    harness.preview(Mode.COMPLETE)
    assert harness.issues.list("products", "read_back_missing", limit=10) == []
    assert harness.steps(harness.run(Mode.COMPLETE)) == {"1002": Step.PROVEN}


def test_a_record_that_a_killed_run_sent_is_asked_for_though_it_is_planned_no_longer(database: Database) -> None:
    target = HidingTill(system="mplus")
    harness = a_harness(database, target, "1001", "1002")
    run = harness.preview()
    harness.approve(run)
    harness.runner.commit.page(run.id)
    harness.runs.interrupt(run.id, "cancelled", {})
    harness.runs.discard(run.id, "anna")
    harness.source.remove(Kind.ARTICLE, "1001")
    harness.preview(Mode.COMPLETE)
    (question,) = harness.issues.list("products", "read_back_missing", limit=10)
    assert question.issue.key == "1001"

    target.looks = 0  # it shows after all: nobody has to answer
    harness.preview(Mode.COMPLETE)
    assert harness.steps(run)["1001"] is Step.PROVEN
    harness.preview(Mode.COMPLETE)
    assert harness.issues.list("products", "read_back_missing", limit=10) == []


def test_where_all_known_records_are_gone_one_record_is_sent_and_looked_for_first(database: Database) -> None:
    target = MemoryConnector(system="mplus")
    harness = a_harness(database, target, "1001", "1002")
    assert harness.run().counts.proven == 2
    for code in ("1001", "1002"):
        target.remove(Kind.PRODUCT, code)  # the till was restored
        harness.source.remove(Kind.ARTICLE, code)
    for code in ("1003", "1004", "1005"):
        harness.source.put(articles(code)[0])
    assert harness.run(Mode.CHANGES).counts.proven == 3
    assert target.writes[2:] == ["1003", "1004", "1005"]


def test_where_all_booked_documents_were_deleted_one_is_sent_and_looked_for_first(database: Database) -> None:
    sale = sale_of("12.10", "10.00")
    orders = [
        replace(sale, key=f"order-{place}", values={**sale.values, "number": f"2026.{place}"}) for place in range(1, 5)
    ]
    till = MemoryConnector(orders[:1], system="mplus")
    books = UnreachableTill(system="accountview", evidence=("reference",))
    books.key = "order-2"
    harness = OrdersHarness(database, books, till)
    assert harness.run(Mode.COMPLETE).counts.proven == 1
    books.remove(Kind.POSTING, "order-1")
    till.remove(Kind.ORDER, "order-1")
    till.put(orders[1])
    assert harness.causes(harness.run(Mode.COMPLETE)) == {"order-2": "never_answered"}

    for order in orders[2:]:
        till.put(order)
    assert stop_cause(harness, harness.preview(Mode.COMPLETE)) == "look_unproven"
    (question,) = harness.issues.list("orders", "never_answered", limit=10)
    assert harness.ledger.answer_doubts("orders", question.issue.key, None) == 1
    books.key = ""
    assert harness.run(Mode.COMPLETE).counts.proven == 3
    assert sorted(books.writes) == ["order-1", "order-2", "order-3", "order-4"]
