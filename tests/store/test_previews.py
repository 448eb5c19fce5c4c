"""The store of previews: staged records, and the plan as it grows, page by page."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.core.flow import Unique
from integration.core.issues import Issue, Skip
from integration.core.plan import Brake, fingerprint
from integration.core.position import START, Position, Task
from integration.core.records import Kind
from integration.core.run import Counts, Mode
from integration.core.states import RunState, Step
from integration.store.cursors import Cursors
from integration.store.database import Database
from integration.store.issues import Issues
from integration.store.links import Links
from integration.store.plans import PlanStore
from integration.store.previews import Previews
from integration.store.runs import RunStore
from tests.clocks import Clock
from tests.store.samples import (
    FLOW,
    STAGE,
    a_create,
    a_link,
    a_park,
    a_plan,
    a_preview,
    a_skip,
    a_staged,
    waiting_events,
)


def test_staged_records_come_back_by_parent_whole_and_in_order(runs: RunStore, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    first, two = a_staged(1, parent="TS"), a_staged(2, parent="TS")
    issue = a_staged(3, record=None, issue=Issue("price_missing", "A3", "price_excl", {"key": "A3"}))
    skip = a_staged(4, record=None, skip=Skip("filtered", "A4", {"rule": "blocked"}))
    previews.stage_page(run, STAGE, [skip, two], Position(after="1"))
    previews.stage_page(run, STAGE, [first, issue], Position(after="2"))
    assert previews.staged_groups(run, STAGE, None, 10) == [[issue], [skip], [first, two]]
    assert previews.staged_groups(run, STAGE, None, 1) == [[issue]]
    assert previews.staged_groups(run, STAGE, "P3", 2) == [[skip], [first, two]]
    assert previews.staged_groups(run, STAGE, "TS", 2) == []
    assert previews.staged_groups(run, "groups", None, 2) == []
    assert runs.get(run).position == Position(after="2")


def test_a_page_that_is_read_again_is_kept_once(runs: RunStore, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, STAGE, [a_staged(1), a_staged(1, title="old")], START)
    previews.stage_page(run, STAGE, [a_staged(1, title="new")], START)
    assert [[staged.title for staged in group] for group in previews.staged_groups(run, STAGE, None, 10)] == [["new"]]


def test_texts_no_database_can_keep_do_not_hold_up_their_page(runs: RunStore, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, STAGE, [a_staged(1, title="a\0b\ud800"), a_staged(2)], START)
    assert [group[0].title for group in previews.staged_groups(run, STAGE, None, 10)] == ["a�b?", "Thee 2"]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.sets(st.text(min_size=1).filter(lambda key: "\0" not in key), min_size=1, max_size=30),
    page=st.integers(1, 5),
)
def test_paging_by_parent_misses_nothing_whatever_the_keys(
    runs: RunStore, keys: set[str], page: int, previews: Previews
) -> None:
    if active := runs.latest(states=[RunState.PREVIEWING]):
        runs.fail(active[0].id, "unexpected_error", {})
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, "groups", [a_staged(1, key=key, parent=key) for key in keys], START)
    parents: list[str] = []
    while groups := previews.staged_groups(run, "groups", parents[-1] if parents else None, page):
        parents += [group[0].parent for group in groups]
    assert sorted(parents) == sorted(keys)


def test_shared_numbers_and_marks_are_found_among_what_takes_part(runs: RunStore, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    staged = [
        a_staged(1, number="815", mark=""),
        a_staged(2, number="815", mark="87"),
        a_staged(3, number="", mark="87"),
        a_staged(4, number="", mark=""),
        a_staged(5, number="9", mark="", record=None, skip=Skip("filtered", "A5")),
        a_staged(6, number="9", mark=""),
    ]
    previews.stage_page(run, STAGE, staged, START)
    duplicates = previews.duplicates(run, STAGE, tuple(Unique))
    assert duplicates.numbers == {"815": ("A1", "A2")}
    assert duplicates.marks == {"87": ("A2", "A3")}


def test_what_need_not_be_unique_may_be_shared(runs: RunStore, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, STAGE, [a_staged(1, number="815", mark="87"), a_staged(2, number="815", mark="87")], START)
    duplicates = previews.duplicates(run, STAGE, (Unique.NUMBER,))
    assert (duplicates.numbers, duplicates.marks) == ({"815": ("A1", "A2")}, {})


def test_what_was_not_read_yet_is_reported_in_the_order_asked(runs: RunStore, previews: Previews) -> None:
    run = runs.begin(FLOW, Mode.CHANGES, "anna", 4).id
    previews.stage_page(run, STAGE, [a_staged(2)], START)
    assert previews.not_staged(run, STAGE, ["A3", "A2", "A1", "A3"]) == ["A3", "A1"]


def test_links_whose_key_was_not_read_have_vanished(runs: RunStore, links: Links, previews: Previews) -> None:
    links.keep(FLOW, [a_link(number) for number in (1, 2, 3, 4)])
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, "groups", [a_staged(4)], START)
    previews.stage_page(run, STAGE, [a_staged(2)], START)
    assert [link.key for link in previews.links_not_staged(run, FLOW, Kind.ARTICLE, STAGE, None, 10)] == [
        "A1",
        "A3",
        "A4",
    ]
    assert [link.key for link in previews.links_not_staged(run, FLOW, Kind.ARTICLE, STAGE, "A1", 1)] == ["A3"]
    assert [link.key for link in previews.links_not_staged(run, FLOW, Kind.ARTICLE, "groups", None, 10)] == [
        "A1",
        "A2",
        "A3",
    ]


def test_lines_are_numbered_in_order_over_the_pages_and_come_back_whole(
    runs: RunStore, plans: PlanStore, previews: Previews
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


def test_what_is_unchanged_leaves_its_links(runs: RunStore, links: Links) -> None:
    a_preview(runs, unchanged=1)
    assert links.get(FLOW, Kind.PRODUCT, ["P900"])["P900"] == a_link(900)
    article = links.get(FLOW, Kind.ARTICLE, ["A900"])["A900"]
    assert (article.reference, article.mark) == ("200900", "8710000000900")


def test_a_page_that_fails_half_way_keeps_nothing(
    runs: RunStore, database: Database, clock: Clock, plans: PlanStore, previews: Previews
) -> None:
    run = a_preview(runs, a_create(1))
    before = (runs.get(run), waiting_events(database, clock))
    broken = a_link(2)
    object.__setattr__(broken, "reference", None)
    with pytest.raises(Exception, match=r"(?i)not.null"):
        previews.keep_page(run, [a_create(2), a_park(3)], [broken], 1, Position(Task.FINISH))
    assert (runs.get(run), waiting_events(database, clock)) == before
    assert plans.count(run) == 1


def test_the_fingerprint_of_a_plan_is_that_of_its_changes(runs: RunStore, previews: Previews) -> None:
    run = a_preview(runs, a_create(1), a_skip(2), a_create(3))
    assert list(previews.digests(run)) == [a_create(1).digest, a_create(3).digest]
    assert fingerprint(FLOW, 4, previews.digests(run)) == fingerprint(FLOW, 4, [a_create(3).digest, a_create(1).digest])


def test_a_finished_preview_waits_with_its_brakes_and_has_forgotten_what_it_read(
    runs: RunStore, previews: Previews
) -> None:
    run = runs.begin(FLOW, Mode.COMPLETE, "anna", 4).id
    previews.stage_page(run, STAGE, [a_staged(1)], START)
    previews.keep_page(run, [a_create(1)], [], 0, START)
    previews.finish(run, "mark", (Brake("brake_changes", 1, "0"),), RunState.READY, 1)
    ready = runs.get(run)
    assert (ready.state, ready.fingerprint, ready.ended_at) == (RunState.READY, "mark", None)
    assert ready.brakes == (Brake("brake_changes", 1, "0"),)
    assert previews.staged_groups(run, STAGE, None, 10) == []


def test_a_preview_with_nothing_to_do_is_done_and_moves_the_cursors(
    runs: RunStore, database: Database, clock: Clock, previews: Previews
) -> None:
    run = a_preview(runs, unchanged=2)
    clock.advance(3)
    previews.finish(run, "mark", (), RunState.DONE, 2, cursors={"source:article": "20261125"})
    finished_run = runs.get(run)
    assert (finished_run.state, finished_run.ended_at) == (RunState.DONE, clock())
    assert finished_run.counts == Counts(read_count=2, unchanged=2)
    assert Cursors(database, clock).get(FLOW, "source:article") == "20261125"


def test_a_complete_run_closes_the_issues_it_no_longer_met(runs: RunStore, issues: Issues) -> None:
    a_plan(runs, a_create(1), a_park(2), a_park(3))
    a_plan(runs, a_create(1), a_park(3))
    assert [issue.issue.key for issue in issues.list(FLOW, "price_missing")] == ["A3"]


def test_an_incremental_run_closes_only_issues_of_records_it_read(
    runs: RunStore, issues: Issues, previews: Previews
) -> None:
    a_plan(runs, a_create(1), a_park(2), a_park(3))
    run = runs.begin(FLOW, Mode.CHANGES, "anna", 4).id
    previews.stage_page(run, STAGE, [a_staged(2)], START)
    previews.finish(run, "mark", (), RunState.DONE, 1)
    assert [issue.issue.key for issue in issues.list(FLOW, "price_missing")] == ["A3"]


def test_a_page_of_ten_times_as_many_lines_takes_hardly_more_for_each(runs: RunStore, previews: Previews) -> None:
    run = a_preview(runs)

    def time_page(first: int, many: int) -> float:
        lines = [a_create(first + number) for number in range(many)]
        started = time.process_time()
        previews.keep_page(run, lines, [], 0, START)
        return time.process_time() - started

    time_page(0, 100)
    few, many = (
        time_page(100, 300),
        min(time_page(400, 3_000), time_page(3_400, 3_000)),
    )  # of one the collector takes its share
    assert many < 30 * few  # with the square of them it would be a hundred times as much
