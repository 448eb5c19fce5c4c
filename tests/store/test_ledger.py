"""The ledger of a commit: sent changes, and the outcome of each."""

import pytest
import sqlalchemy as sa

from integration.core.issues import Issue
from integration.core.plan import Action, Change, retire
from integration.core.records import Kind
from integration.core.run import Outcome
from integration.core.states import RunState, Step
from integration.store.cursors import Cursors
from integration.store.database import Database
from integration.store.issues import Issues
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.outbox_reader import OutboxReader
from integration.store.plan_lines import in_doubt_question
from integration.store.plans import PlanStore
from integration.store.runs import RunStore
from integration.store.tables import lines
from tests.clocks import Clock
from tests.store.samples import (
    FLOW,
    STAGES,
    a_commit,
    a_create,
    a_line,
    a_link,
    a_product,
    prove,
)


def test_groups_are_settled_before_anything_of_the_next_stage_is_sent(runs: RunStore, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1), a_create(2, stage="groups"))
    assert [line.key for line in ledger.next_planned(run, STAGES, 10)] == ["P2"]
    ledger.mark_sent(run, [2])
    assert ledger.next_planned(run, STAGES, 10) == []
    ledger.settle(run, [Outcome(2, Step.IN_DOUBT)])
    assert ledger.next_planned(run, STAGES, 10) == []
    ledger.settle(run, [Outcome(2, Step.PROVEN, "72")])
    assert [line.key for line in ledger.next_planned(run, STAGES, 10)] == ["P1"]


def test_what_is_sent_is_on_disk_with_time_and_attempt(runs: RunStore, clock: Clock, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    (line,) = ledger.unsettled(run)
    assert (line.step, line.attempts, line.sent_at) == (Step.SENT, 1, clock())
    ledger.settle(run, [Outcome(1, Step.IN_DOUBT)])
    ledger.settle(run, [Outcome(1, Step.PLANNED)])
    clock.advance(5)
    ledger.mark_sent(run, [1])
    (line,) = ledger.unsettled(run)
    assert (line.attempts, line.sent_at) == (2, clock())


def test_what_was_not_delivered_was_not_tried(runs: RunStore, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    ledger.settle(run, [Outcome(1, Step.PLANNED)])
    (line,) = ledger.next_planned(run, STAGES, 1)
    assert line.attempts == 0


def test_what_the_target_said_yes_to_is_kept_with_what_is_sent_next(runs: RunStore, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1), a_create(2))
    ledger.mark_sent(run, [1])
    ledger.mark_sent(run, [2], accepted={1: "4711"})
    first, second = ledger.unsettled(run)
    assert (first.accepted, first.reference) == (True, "4711")
    assert (second.accepted, second.reference) == (False, "")


def test_what_is_in_doubt_may_have_been_on_its_way_until_then(runs: RunStore, clock: Clock, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    clock.advance(5)
    ledger.settle(run, [Outcome(1, Step.IN_DOUBT)])
    (line,) = ledger.unsettled(run)
    assert (line.step, line.attempts, line.sent_at) == (Step.IN_DOUBT, 1, clock())


def test_what_is_in_doubt_of_some_records_is_not_looked_for_among_all_that_was_ever_sent(database: Database) -> None:
    if database.engine.dialect.name != "sqlite":
        pytest.skip("another server says in another way how it looks")
    query = in_doubt_question(FLOW, Kind.PRODUCT, by_keys=True).where(lines.c.key.in_(["P1"]))
    with database.read() as connection:
        text = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        ways = [str(row.detail) for row in connection.execute(sa.text(f"EXPLAIN QUERY PLAN {text}"))]
    assert any("ix_plan_lines_key" in way for way in ways), ways


def test_a_create_that_was_sent_is_ours_until_it_is_proven(runs: RunStore, ledger: Ledger) -> None:
    run = a_commit(runs, *(a_create(number) for number in range(1, 6)))
    ledger.mark_sent(run, [1, 2, 3, 4])
    in_doubt = [Outcome(number, Step.IN_DOUBT) for number in (1, 2, 3)]
    ledger.settle(run, [*in_doubt, Outcome(4, Step.PROVEN, "4")])
    differs = Outcome(2, Step.PARKED, issue=Issue("read_back_differs", "P2"))
    ledger.settle(run, [Outcome(1, Step.PLANNED), differs])
    assert [row.key for row in ledger.unproven_creates(FLOW, Kind.PRODUCT)] == ["P1", "P2", "P3"]
    assert ledger.unproven_creates(FLOW, Kind.ARTICLE) == ledger.unproven_creates("orders", Kind.PRODUCT) == []


def test_what_was_sent_cannot_be_sent_again(runs: RunStore, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    with pytest.raises(ValueError, match="cannot go from sent to sent"):
        ledger.mark_sent(run, [1])


def test_a_forbidden_step_is_refused_and_nothing_of_its_page_is_stored(
    runs: RunStore, links: Links, plans: PlanStore, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1), a_create(2))
    ledger.mark_sent(run, [1])
    with pytest.raises(ValueError, match="cannot go from planned to proven"):
        ledger.settle(run, [Outcome(1, Step.PROVEN, "71"), Outcome(2, Step.PROVEN, "72")])
    assert [line.step for line in plans.rows(run)] == [Step.SENT, Step.PLANNED]
    assert links.count(FLOW, Kind.PRODUCT) == 0


def test_a_proven_change_leaves_the_links_of_the_product_and_its_articles(
    runs: RunStore, links: Links, plans: PlanStore, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    ledger.settle(run, [Outcome(1, Step.PROVEN, "7001", "44")])
    product = links.get(FLOW, Kind.PRODUCT, ["P1"])["P1"]
    assert (product.reference, product.marker, product.agreed) == ("7001", "44", a_product(1))
    article = links.by_reference(FLOW, Kind.ARTICLE, ["200001"])["200001"]
    assert (article.key, article.mark, article.retired) == ("A1", "8710000000001", False)
    assert [link.key for link in links.owners_of_parts(FLOW, Kind.PRODUCT, Kind.ARTICLE, ["A1"])] == ["P1"]
    assert plans.row(run, 1).reference == "7001"


def test_a_proven_retirement_marks_the_article_and_what_holds_it(runs: RunStore, links: Links) -> None:
    links.keep(FLOW, [a_link(1)])
    run = a_commit(runs, a_line(retire(a_product(1), frozenset({"A1"}), a_product(1), title="Thee 1")))
    prove(runs, run)
    assert links.get(FLOW, Kind.ARTICLE, ["A1"])["A1"].retired
    product = links.get(FLOW, Kind.PRODUCT, ["P1"])["P1"]
    assert product.retired
    assert product.reference == "7001"
    assert product.agreed is not None
    assert product.agreed.parts[0].values["active"] is False


def test_an_article_that_came_back_is_in_use_again(runs: RunStore, links: Links, ledger: Ledger) -> None:
    links.keep(FLOW, [a_link(1)])
    prove(
        runs, retired := a_commit(runs, a_line(retire(a_product(1), frozenset({"A1"}), a_product(1), title="Thee 1")))
    )
    ledger.finish(retired)
    back = Change(
        action=Action.UPDATE, kind=Kind.PRODUCT, key="P1", title="Thee 1", sources=("A1",), desired=a_product(1),
        before=a_product(1, active=False), agreed=a_product(1),
    )  # fmt: skip
    prove(runs, a_commit(runs, a_line(back)))
    assert not links.get(FLOW, Kind.ARTICLE, ["A1"])["A1"].retired
    assert not links.get(FLOW, Kind.PRODUCT, ["P1"])["P1"].retired


def test_a_refused_change_is_parked_with_its_issue(
    runs: RunStore, issues: Issues, plans: PlanStore, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    ledger.settle(run, [Outcome(1, Step.PARKED, issue=Issue("mplus_rejected", "P1", "name", {"text": "too long"}))])
    line = plans.row(run, 1)
    assert (line.step, line.cause, line.cause_field, line.facts) == (
        Step.PARKED, "mplus_rejected", "name", {"text": "too long"},
    )  # fmt: skip
    (issue,) = issues.list(FLOW, "mplus_rejected")
    assert (issue.issue.key, issue.title, issue.run) == ("P1", "Thee 1", run)


def test_a_commit_with_something_unsettled_cannot_be_finished(runs: RunStore, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1))
    with pytest.raises(ValueError, match="not settled"):
        ledger.finish(run)
    assert runs.get(run).state is RunState.COMMITTING


def test_a_finished_commit_moves_the_cursors_and_makes_room(
    runs: RunStore, database: Database, clock: Clock, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1))
    prove(runs, run)
    clock.advance(7)
    ledger.finish(run, cursors={"source:article": "5"})
    assert (runs.get(run).state, runs.get(run).ended_at) == (RunState.DONE, clock())
    assert Cursors(database, clock).get(FLOW, "source:article") == "5"
    assert [done_run.id for done_run in runs.latest(FLOW, [RunState.DONE])] == [run]


@pytest.mark.parametrize("is_known", [True, False])
def test_changes_the_caller_knows_end_as_if_they_had_been_read(
    runs: RunStore, links: Links, database: Database, clock: Clock, is_known: bool, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1), a_create(2))
    planned = (
        {line.seq: line.change for line in ledger.next_planned(run, STAGES, 10) if line.change} if is_known else {}
    )
    ledger.mark_sent(run, [1, 2], planned)
    ledger.settle(run, [Outcome(1, Step.PROVEN, "71", "5"), Outcome(2, Step.IN_DOUBT)], planned, page_ends=True)
    of_first = [event for event in OutboxReader(database, clock).waiting(100) if event["key"] == "P1"]
    assert [(event["event"], event["sources"]) for event in of_first] == [
        ("planned", ["A1"]), ("sent", ["A1"]), ("proven", ["A1"]),
    ]  # fmt: skip
    assert links.get(FLOW, Kind.PRODUCT, ["P1"])["P1"].agreed == a_product(1)
    now = runs.get(run)
    assert (now.phase, now.progress_done, now.progress_total) == ("write", 1, 2)
