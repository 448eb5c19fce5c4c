import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.core.errors import PlanStaleError, RunActiveError
from integration.core.flow import Unique
from integration.core.issues import Issue, Skip
from integration.core.plan import Action, Approval, Brake, Change, fingerprint, retire
from integration.core.position import START, Position, Task
from integration.core.records import Kind
from integration.core.run import Counts, Mode, Outcome, Progress, RunState, Step
from integration.store.cursors import Cursors
from integration.store.database import Database, open_database
from integration.store.events import Events
from integration.store.issues import Issues
from integration.store.ledger import Ledger
from integration.store.links import Links
from integration.store.plans import Plans
from integration.store.previews import Previews
from integration.store.runs import Runs
from tests.store.conftest import Clock
from tests.store.samples import (
    FLOW,
    a_commit,
    a_create,
    a_line,
    a_link,
    a_park,
    a_plan,
    a_preview,
    a_product,
    a_skip,
    a_staged,
    prove,
)

KEYS = st.text(min_size=1).filter(lambda key: "\0" not in key)


def told(database: Database, clock: Clock) -> list[str]:
    """Return the events that wait, by name."""
    return [str(event["event"]) for event in Events(database, clock).waiting(10_000)]


# ---- beginning ------------------------------------------------------------------------------------------------------


def test_a_run_comes_back_as_it_was_begun(runs: Runs, clock: Clock) -> None:
    run = runs.begin(FLOW, Mode.CHANGES, "anna", 4)
    assert run == runs.get(run.id)
    assert (run.flow, run.mode, run.by, run.mapping_version) == (FLOW, Mode.CHANGES, "anna", 4)
    assert (run.state, run.started_at, run.position) == (RunState.PREVIEWING, clock(), START)


def test_a_second_run_of_a_flow_is_refused_and_told_who_is_at_work(runs: Runs) -> None:
    first = runs.begin(FLOW, Mode.CHANGES, "anna", 4)
    with pytest.raises(RunActiveError) as caught:
        runs.begin(FLOW, Mode.CHANGES, "ben", 4)
    assert (caught.value.facts["by"], caught.value.facts["run"]) == ("anna", first.id)
    assert runs.count() == 1


def test_it_is_refused_through_another_connection_too(runs: Runs, url: str, clock: Clock) -> None:
    runs.begin(FLOW, Mode.CHANGES, "anna", 4)
    other = open_database(url)
    with pytest.raises(RunActiveError):
        Runs(other, clock).begin(FLOW, Mode.CHANGES, "ben", 4)
    other.close()


def test_runs_of_different_flows_are_at_work_side_by_side(runs: Runs) -> None:
    runs.begin("products", Mode.CHANGES, "anna", 4)
    runs.begin("stock", Mode.CHANGES, "anna", 4)
    assert runs.count(states=[RunState.PREVIEWING]) == 2


def test_a_plan_that_waits_does_not_hold_up_the_next_preview(runs: Runs) -> None:
    a_plan(runs, a_create(1))
    runs.begin(FLOW, Mode.CHANGES, "anna", 4)


def test_a_waiting_plan_cannot_be_committed_while_another_run_is_at_work(runs: Runs) -> None:
    waiting = a_plan(runs, a_create(1))
    runs.begin(FLOW, Mode.CHANGES, "anna", 4)
    with pytest.raises(RunActiveError):
        runs.approve(waiting, Approval("fingerprint", "ben"))
    assert runs.get(waiting).state is RunState.READY


def test_an_unknown_run_is_named(runs: Runs, previews: Previews) -> None:
    with pytest.raises(KeyError, match="there is no run nowhere"):
        runs.get("nowhere")
    with pytest.raises(KeyError, match="there is no run nowhere"):
        previews.keep_page("nowhere", [], [], 0, START)


def test_runs_are_listed_newest_first_by_flow_and_state(runs: Runs, clock: Clock) -> None:
    first = a_plan(runs, a_create(1))
    clock.advance(60)
    second = a_plan(runs, a_create(1))
    assert [run.id for run in runs.latest()] == [second, first]
    assert [run.id for run in runs.latest(offset=1, limit=1)] == [first]
    assert runs.latest("stock") == []
    waiting = runs.waiting(FLOW)
    assert waiting is not None
    assert waiting.id == second
    assert runs.last_done(FLOW) is None


# ---- reading --------------------------------------------------------------------------------------------------------


def test_staged_records_come_back_by_parent_whole_and_in_order(runs: Runs, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    one, two = a_staged(1, parent="TS"), a_staged(2, parent="TS")
    issue = a_staged(3, record=None, issue=Issue("price_missing", "A3", "price_excl", {"key": "A3"}))
    skip = a_staged(4, record=None, skip=Skip("filtered", "A4", {"rule": "blocked"}))
    previews.stage_page(run, 1, [skip, two], Position(after="1"))
    previews.stage_page(run, 1, [one, issue], Position(after="2"))
    assert previews.staged_groups(run, 1, None, 10) == [[issue], [skip], [one, two]]
    assert previews.staged_groups(run, 1, None, 1) == [[issue]]
    assert previews.staged_groups(run, 1, "P3", 2) == [[skip], [one, two]]
    assert previews.staged_groups(run, 1, "TS", 2) == []
    assert previews.staged_groups(run, 0, None, 2) == []
    assert runs.get(run).position == Position(after="2")


def test_a_page_that_is_read_again_is_kept_once(runs: Runs, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, 1, [a_staged(1), a_staged(1, title="old")], START)
    previews.stage_page(run, 1, [a_staged(1, title="new")], START)
    assert [[one.title for one in group] for group in previews.staged_groups(run, 1, None, 10)] == [["new"]]


def test_texts_no_database_can_keep_do_not_hold_up_their_page(runs: Runs, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, 1, [a_staged(1, title="a\0b\ud800"), a_staged(2)], START)
    assert [group[0].title for group in previews.staged_groups(run, 1, None, 10)] == ["a�b?", "Thee 2"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.sets(st.text(min_size=1).filter(lambda key: "\0" not in key), min_size=1, max_size=30),
    page=st.integers(1, 5),
)
def test_paging_by_parent_misses_nothing_whatever_the_keys(
    runs: Runs, keys: set[str], page: int, previews: Previews
) -> None:
    if active := runs.latest(states=[RunState.PREVIEWING]):
        runs.fail(active[0].id, "unexpected_error", {})
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, 0, [a_staged(1, key=key, parent=key) for key in keys], START)
    seen: list[str] = []
    while groups := previews.staged_groups(run, 0, seen[-1] if seen else None, page):
        seen += [group[0].parent for group in groups]
    assert sorted(seen) == sorted(keys)


def test_shared_numbers_and_marks_are_found_among_what_takes_part(runs: Runs, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    staged = [
        a_staged(1, number="815", mark=""),
        a_staged(2, number="815", mark="87"),
        a_staged(3, number="", mark="87"),
        a_staged(4, number="", mark=""),
        a_staged(5, number="9", mark="", record=None, skip=Skip("filtered", "A5")),
        a_staged(6, number="9", mark=""),
    ]
    previews.stage_page(run, 1, staged, START)
    found = previews.duplicates(run, 1, tuple(Unique))
    assert found.numbers == {"815": ("A1", "A2")}
    assert found.marks == {"87": ("A2", "A3")}


def test_what_need_not_be_unique_may_be_shared(runs: Runs, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, 1, [a_staged(1, number="815", mark="87"), a_staged(2, number="815", mark="87")], START)
    found = previews.duplicates(run, 1, (Unique.NUMBER,))
    assert (found.numbers, found.marks) == ({"815": ("A1", "A2")}, {})


def test_what_was_not_read_yet_is_told_in_the_order_asked(runs: Runs, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.CHANGES, "anna", 4).id
    previews.stage_page(run, 1, [a_staged(2)], START)
    assert previews.not_staged(run, 1, ["A3", "A2", "A1", "A3"]) == ["A3", "A1"]


def test_links_whose_key_was_not_read_have_vanished(runs: Runs, links: Links, previews: Previews) -> None:
    links.keep(FLOW, [a_link(number) for number in (1, 2, 3, 4)])
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, 0, [a_staged(4)], START)
    previews.stage_page(run, 1, [a_staged(2)], START)
    assert [link.key for link in previews.vanished(run, FLOW, Kind.ARTICLE, 1, None, 10)] == ["A1", "A3", "A4"]
    assert [link.key for link in previews.vanished(run, FLOW, Kind.ARTICLE, 1, "A1", 1)] == ["A3"]
    assert [link.key for link in previews.vanished(run, FLOW, Kind.ARTICLE, 0, None, 10)] == ["A1", "A2", "A3"]


# ---- keeping a plan -------------------------------------------------------------------------------------------------


def test_lines_are_numbered_in_order_over_the_pages_and_come_back_whole(
    runs: Runs, plans: Plans, previews: Previews
) -> None:
    run = a_preview(runs, a_create(1), a_skip(2))
    previews.keep_page(run, [a_park(3)], [], 0, Position(Task.FINISH))
    first, second, third = plans.rows(run)
    assert [line.seq for line in (first, second, third)] == [1, 2, 3]
    assert first.change == a_create(1).change
    assert (first.step, second.step, third.step) == (Step.PLANNED, Step.LEFT, Step.PARKED)
    assert (second.cause, second.facts) == ("filtered", {"rule": "blocked"})
    assert (third.cause, third.cause_field, third.facts) == ("price_missing", "price_excl", {"key": "A3"})
    assert plans.row(run, 3) == third
    assert runs.get(run).position == Position(Task.FINISH)
    with pytest.raises(KeyError):
        plans.row(run, 4)


def test_what_is_unchanged_leaves_its_links(runs: Runs, links: Links) -> None:
    a_preview(runs, unchanged=1)
    assert links.get(FLOW, Kind.PRODUCT, ["P900"])["P900"] == a_link(900)
    article = links.get(FLOW, Kind.ARTICLE, ["A900"])["A900"]
    assert (article.reference, article.mark) == ("200900", "8710000000900")


def test_a_page_that_fails_half_way_keeps_nothing(
    runs: Runs, database: Database, clock: Clock, plans: Plans, previews: Previews
) -> None:
    run = a_preview(runs, a_create(1))
    before = (runs.get(run), told(database, clock))
    broken = a_link(2)
    object.__setattr__(broken, "reference", None)
    with pytest.raises(Exception, match=r"(?i)not.null"):
        previews.keep_page(run, [a_create(2), a_park(3)], [broken], 1, Position(Task.FINISH))
    assert (runs.get(run), told(database, clock)) == before
    assert plans.row_count(run) == 1


def test_the_fingerprint_of_a_plan_is_that_of_its_changes(runs: Runs, previews: Previews) -> None:
    run = a_preview(runs, a_create(1), a_skip(2), a_create(3))
    assert list(previews.digests(run)) == [a_create(1).digest, a_create(3).digest]
    assert fingerprint(FLOW, 4, previews.digests(run)) == fingerprint(FLOW, 4, [a_create(3).digest, a_create(1).digest])


def test_a_finished_preview_waits_with_its_brakes_and_has_forgotten_what_it_read(
    runs: Runs, previews: Previews
) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, 1, [a_staged(1)], START)
    previews.keep_page(run, [a_create(1)], [], 0, START)
    previews.finish(run, "mark", (Brake("brake_changes", 1, "0"),), RunState.READY, 1)
    ready = runs.get(run)
    assert (ready.state, ready.fingerprint, ready.ended_at) == (RunState.READY, "mark", None)
    assert ready.brakes == (Brake("brake_changes", 1, "0"),)
    assert previews.staged_groups(run, 1, None, 10) == []


def test_a_preview_with_nothing_to_do_is_done_and_moves_the_cursors(
    runs: Runs, database: Database, clock: Clock, previews: Previews
) -> None:
    run = a_preview(runs, unchanged=2)
    clock.advance(3)
    previews.finish(run, "mark", (), RunState.DONE, 2, cursors={"source:article": "20261125"})
    done = runs.get(run)
    assert (done.state, done.ended_at) == (RunState.DONE, clock())
    assert done.counts == Counts(read=2, unchanged=2)
    assert Cursors(database, clock).get(FLOW, "source:article") == "20261125"


def test_a_complete_run_closes_the_issues_it_no_longer_met(runs: Runs, issues: Issues) -> None:
    a_plan(runs, a_create(1), a_park(2), a_park(3))
    a_plan(runs, a_create(1), a_park(3))
    assert [one.issue.key for one in issues.list(FLOW, "price_missing")] == ["A3"]


def test_an_incremental_run_closes_only_issues_of_records_it_read(
    runs: Runs, issues: Issues, previews: Previews
) -> None:
    a_plan(runs, a_create(1), a_park(2), a_park(3))
    run = runs.begin(FLOW, Mode.CHANGES, "anna", 4).id
    previews.stage_page(run, 1, [a_staged(2)], START)
    previews.finish(run, "mark", (), RunState.DONE, 1)
    assert [one.issue.key for one in issues.list(FLOW, "price_missing")] == ["A3"]


def test_a_failed_run_says_what_stopped_it_and_makes_room(runs: Runs, clock: Clock) -> None:
    run = a_preview(runs, a_create(1))
    runs.fail(run, "right_missing", {"system": "MplusKASSA"})
    failed = runs.get(run)
    assert (failed.state, failed.error, failed.facts) == (RunState.FAILED, "right_missing", {"system": "MplusKASSA"})
    assert failed.ended_at == clock()
    runs.begin(FLOW, Mode.CHANGES, "anna", 4)


def test_what_a_run_waits_for_is_gone_when_it_goes_on(runs: Runs, previews: Previews) -> None:
    run = a_preview(runs)
    runs.waiting_for(run, "service_unavailable", {"system": "MplusKASSA"})
    assert runs.get(run).error == "service_unavailable"
    previews.keep_page(run, [], [], 0, START, Progress("plan", 3, 10))
    going = runs.get(run)
    assert (going.error, going.phase, going.progress_done, going.progress_total) == ("", "plan", 3, 10)


# ---- committing -----------------------------------------------------------------------------------------------------


def test_an_approval_is_kept_and_starts_the_commit(runs: Runs, plans: Plans) -> None:
    run = a_commit(runs, a_create(1), a_create(2), left_out=frozenset({2}))
    committing = runs.get(run)
    assert committing.state is RunState.COMMITTING
    assert committing.approval == Approval("fingerprint", "anna", frozenset({2}))
    assert (committing.phase, committing.progress_total) == ("write", 1)
    assert [line.step for line in plans.rows(run)] == [Step.PLANNED, Step.LEFT]
    assert committing.counts == Counts(read=2, planned=1, skipped=1)


def test_a_plan_is_committed_once(runs: Runs) -> None:
    run = a_commit(runs, a_create(1))
    with pytest.raises(PlanStaleError) as caught:
        runs.approve(run, Approval("fingerprint", "ben"))
    assert (caught.value.code, caught.value.facts["person"]) == ("plan_already_committed", "anna")


def test_a_run_that_failed_before_it_had_a_plan_cannot_be_committed(runs: Runs) -> None:
    run = a_preview(runs, a_create(1))
    runs.fail(run, "right_missing", {})
    with pytest.raises(PlanStaleError):
        runs.approve(run, Approval("", "ben"))


def test_a_discarded_plan_cannot_be_committed(runs: Runs) -> None:
    run = a_plan(runs, a_create(1))
    runs.discard(run, "anna")
    assert runs.get(run).state is RunState.DISCARDED
    with pytest.raises(PlanStaleError):
        runs.approve(run, Approval("fingerprint", "ben"))


def test_a_state_that_may_not_follow_is_refused(runs: Runs) -> None:
    run = a_plan(runs, a_create(1))
    with pytest.raises(ValueError, match="cannot go from ready to interrupted"):
        runs.interrupt(run, "cancelled", {})


def test_groups_are_settled_before_anything_of_the_next_stage_is_sent(runs: Runs, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1), a_create(2, stage=0))
    assert [line.key for line in ledger.next_planned(run, 10)] == ["P2"]
    ledger.mark_sent(run, [2])
    assert ledger.next_planned(run, 10) == []
    ledger.settle(run, [Outcome(2, Step.IN_DOUBT)])
    assert ledger.next_planned(run, 10) == []
    ledger.settle(run, [Outcome(2, Step.PROVEN, "72")])
    assert [line.key for line in ledger.next_planned(run, 10)] == ["P1"]


def test_what_is_sent_is_on_disk_with_time_and_attempt(runs: Runs, clock: Clock, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    (line,) = ledger.unsettled(run)
    assert (line.step, line.attempts, line.sent_at) == (Step.SENT, 1, clock())
    ledger.settle(run, [Outcome(1, Step.PLANNED)])
    clock.advance(5)
    ledger.mark_sent(run, [1])
    (line,) = ledger.unsettled(run)
    assert (line.attempts, line.sent_at) == (2, clock())


def test_what_is_in_doubt_may_have_been_on_its_way_until_then(runs: Runs, clock: Clock, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    clock.advance(5)
    ledger.settle(run, [Outcome(1, Step.IN_DOUBT)])
    (line,) = ledger.unsettled(run)
    assert (line.step, line.attempts, line.sent_at) == (Step.IN_DOUBT, 1, clock())


def test_what_was_sent_cannot_be_sent_again(runs: Runs, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    with pytest.raises(ValueError, match="cannot go from sent to sent"):
        ledger.mark_sent(run, [1])


def test_a_step_that_may_not_follow_is_refused_and_nothing_of_its_page_is_kept(
    runs: Runs, links: Links, plans: Plans, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1), a_create(2))
    ledger.mark_sent(run, [1])
    with pytest.raises(ValueError, match="cannot go from planned to proven"):
        ledger.settle(run, [Outcome(1, Step.PROVEN, "71"), Outcome(2, Step.PROVEN, "72")])
    assert [line.step for line in plans.rows(run)] == [Step.SENT, Step.PLANNED]
    assert links.count(FLOW, Kind.PRODUCT) == 0


def test_a_proven_change_leaves_the_links_of_the_product_and_its_articles(
    runs: Runs, links: Links, plans: Plans, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    ledger.settle(run, [Outcome(1, Step.PROVEN, "7001", "44")])
    product = links.get(FLOW, Kind.PRODUCT, ["P1"])["P1"]
    assert (product.reference, product.marker, product.agreed) == ("7001", "44", a_product(1))
    article = links.by_reference(FLOW, Kind.ARTICLE, ["200001"])["200001"]
    assert (article.key, article.mark, article.retired) == ("A1", "8710000000001", False)
    assert [link.key for link in links.owning(FLOW, Kind.PRODUCT, ["A1"])] == ["P1"]
    assert plans.row(run, 1).reference == "7001"


def test_a_proven_retirement_marks_the_article_and_what_holds_it(runs: Runs, links: Links) -> None:
    links.keep(FLOW, [a_link(1)])
    run = a_commit(runs, a_line(retire(a_product(1), frozenset({"A1"}), title="Thee 1")))
    prove(runs, run)
    assert links.get(FLOW, Kind.ARTICLE, ["A1"])["A1"].retired
    product = links.get(FLOW, Kind.PRODUCT, ["P1"])["P1"]
    assert product.retired
    assert product.reference == "7001"
    assert product.agreed is not None
    assert product.agreed.parts[0].values["active"] is False


def test_an_article_that_came_back_is_in_use_again(runs: Runs, links: Links, ledger: Ledger) -> None:
    links.keep(FLOW, [a_link(1)])
    prove(runs, retired := a_commit(runs, a_line(retire(a_product(1), frozenset({"A1"}), title="Thee 1"))))
    ledger.finish(retired)
    back = Change(
        action=Action.UPDATE, kind=Kind.PRODUCT, key="P1", title="Thee 1", sources=("A1",), wanted=a_product(1),
        before=a_product(1, active=False), agreed=a_product(1),
    )  # fmt: skip
    prove(runs, a_commit(runs, a_line(back)))
    assert not links.get(FLOW, Kind.ARTICLE, ["A1"])["A1"].retired
    assert not links.get(FLOW, Kind.PRODUCT, ["P1"])["P1"].retired


def test_a_refused_change_is_parked_with_its_issue(runs: Runs, issues: Issues, plans: Plans, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1))
    ledger.mark_sent(run, [1])
    ledger.settle(run, [Outcome(1, Step.PARKED, issue=Issue("mplus_rejected", "P1", "name", {"text": "too long"}))])
    line = plans.row(run, 1)
    assert (line.step, line.cause, line.cause_field, line.facts) == (
        Step.PARKED, "mplus_rejected", "name", {"text": "too long"},
    )  # fmt: skip
    (found,) = issues.list(FLOW, "mplus_rejected")
    assert (found.issue.key, found.title, found.run) == ("P1", "Thee 1", run)


def test_a_commit_with_something_unsettled_cannot_be_finished(runs: Runs, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1))
    with pytest.raises(ValueError, match="not settled"):
        ledger.finish(run)
    assert runs.get(run).state is RunState.COMMITTING


def test_a_finished_commit_moves_the_cursors_and_makes_room(
    runs: Runs, database: Database, clock: Clock, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1))
    prove(runs, run)
    clock.advance(7)
    ledger.finish(run, cursors={"source:article": "5"})
    assert (runs.get(run).state, runs.get(run).ended_at) == (RunState.DONE, clock())
    assert Cursors(database, clock).get(FLOW, "source:article") == "5"
    last = runs.last_done(FLOW)
    assert last is not None
    assert last.id == run


def test_an_interrupted_commit_is_taken_up_where_it_stopped(runs: Runs, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1), a_create(2), a_create(3))
    ledger.mark_sent(run, [1])
    ledger.settle(run, [Outcome(1, Step.PROVEN, "71")])
    runs.request_cancel(run, "ben")
    assert runs.cancel_requested(run)
    runs.interrupt(run, "cancelled", {"flow": FLOW})
    runs.approve(run, Approval("fingerprint", "ben"))
    again = runs.get(run)
    assert (again.progress_done, again.progress_total, again.error) == (1, 3, "")
    assert not runs.cancel_requested(run)
    assert [line.seq for line in ledger.next_planned(run, 10)] == [2, 3]


# ---- what it adds up to ---------------------------------------------------------------------------------------------


def test_every_record_read_is_accounted_for_at_every_moment(runs: Runs, ledger: Ledger) -> None:
    lines = [a_create(number) for number in range(1, 6)]
    run = a_commit(runs, *lines, a_skip(6), a_park(7), unchanged=3, left_out=frozenset({5}))
    ledger.mark_sent(run, [1, 2, 3])
    ledger.settle(
        run,
        [
            Outcome(1, Step.PROVEN, "71"),
            Outcome(2, Step.PARKED, issue=Issue("mplus_rejected", "P2")),
            Outcome(3, Step.IN_DOUBT),
        ],
    )
    expected = Counts(read=10, proven=1, unchanged=3, skipped=2, parked=2, in_doubt=1, planned=1)
    assert runs.counts(run) == expected
    assert runs.get(run).counts == expected
    assert expected.difference == 0


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.integers(1, 6), st.sampled_from(list(Step))), max_size=40))
def test_the_running_counts_are_those_of_the_lines_whatever_happens(
    runs: Runs, moves: list[tuple[int, Step]], ledger: Ledger
) -> None:
    if active := runs.latest(states=[RunState.COMMITTING]):
        runs.fail(active[0].id, "unexpected_error", {})
    run = a_commit(runs, *[a_create(number) for number in range(1, 7)], a_skip(8))
    for seq, step in moves:
        try:
            if step is Step.SENT:
                ledger.mark_sent(run, [seq])
            else:
                ledger.settle(run, [Outcome(seq, step, "7")])
        except ValueError:
            continue
    assert runs.get(run).counts == runs.counts(run)
    assert runs.counts(run).difference == 0


def test_tallies_say_what_the_plan_adds_up_to(runs: Runs, plans: Plans, ledger: Ledger) -> None:
    run = a_commit(runs, a_create(1), a_create(2), a_skip(3), a_park(4), unchanged=2, left_out=frozenset({2}))
    ledger.mark_sent(run, [1])
    tallies = plans.tallies(run)
    assert {name: number for name, number in tallies.items() if number} == {
        "read": 6, "unchanged": 2, "create": 2, "skip": 1, "park": 1, "sent": 1, "in_doubt": 1, "left": 1,
        "parked": 1, "changes": 2, "total": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("show", "find", "keys"),
    [
        ("all", "", ["P1", "P2", "A3", "A4"]),
        ("changes", "", ["P1", "P2"]),
        ("create", "", ["P1", "P2"]),
        ("update", "", []),
        ("skip", "", ["A3"]),
        ("park", "", ["A4"]),
        ("parked", "", ["A4"]),
        ("planned", "", ["P2"]),
        ("in_doubt", "", ["P1"]),
        ("left", "", []),
        ("all", "THEE 2", ["P2"]),
        ("all", "a1", ["P1"]),
        ("all", "dranken", ["P1", "P2"]),
        ("create", "thee", ["P1", "P2"]),
        ("all", "%", []),
        ("all", "_", []),
    ],
)
def test_lines_are_filtered_and_found(
    runs: Runs, show: str, find: str, keys: list[str], plans: Plans, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1), a_create(2), a_skip(3), a_park(4))
    ledger.mark_sent(run, [1])
    assert [line.key for line in plans.rows(run, show, find)] == keys
    assert plans.row_count(run, show, find) == len(keys)


def test_lines_are_paged(runs: Runs, plans: Plans) -> None:
    run = a_plan(runs, *[a_create(number) for number in range(1, 8)])
    assert [line.seq for line in plans.rows(run, offset=2, limit=3)] == [3, 4, 5]


def test_what_cannot_be_shown_is_refused(plans: Plans) -> None:
    with pytest.raises(ValueError, match="nothing is shown as"):
        plans.rows("any", "everything")


def test_each_step_of_a_record_is_told_and_a_quiet_run_says_little(
    runs: Runs, database: Database, clock: Clock, previews: Previews, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1), a_park(2))
    prove(runs, run)
    ledger.finish(run)
    assert told(database, clock) == [
        "run_started", "parked", "planned", "plan_ready", "approved", "sent", "proven", "run_done",
    ]  # fmt: skip
    quiet = a_preview(runs, unchanged=1_000)
    previews.finish(quiet, "mark", (), RunState.DONE, 1_000)
    assert told(database, clock)[8:] == ["run_started", "unchanged", "issue_closed", "run_done"]


def test_a_page_of_five_thousand_lines_takes_well_under_two_seconds(runs: Runs, previews: Previews) -> None:
    lines = [a_create(number) for number in range(5_000)]
    run = a_preview(runs)
    started = time.process_time()
    previews.keep_page(run, lines, [], 0, START)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("known", [True, False])
def test_changes_the_caller_knows_end_as_if_they_had_been_read(
    runs: Runs, links: Links, database: Database, clock: Clock, known: bool, ledger: Ledger
) -> None:
    run = a_commit(runs, a_create(1), a_create(2))
    planned = {line.seq: line.change for line in ledger.next_planned(run, 10) if line.change} if known else {}
    ledger.mark_sent(run, [1, 2], planned)
    ledger.settle(run, [Outcome(1, Step.PROVEN, "71", "5"), Outcome(2, Step.IN_DOUBT)], planned, page_ends=True)
    of_first = [event for event in Events(database, clock).waiting(100) if event["key"] == "P1"]
    assert [(event["event"], event["sources"]) for event in of_first] == [
        ("planned", ["A1"]), ("sent", ["A1"]), ("proven", ["A1"]),
    ]  # fmt: skip
    assert links.get(FLOW, Kind.PRODUCT, ["P1"])["P1"].agreed == a_product(1)
    now = runs.get(run)
    assert (now.phase, now.progress_done, now.progress_total) == ("write", 1, 2)
