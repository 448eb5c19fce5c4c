"""When the phases of runs began, and how fast they go."""

from integration.core.plan import Approval
from integration.core.run import START, Outcome, Progress, Step, speed
from integration.store.ledger import Ledger
from integration.store.previews import Previews
from integration.store.runs import Runs
from tests.clocks import Clock
from tests.store.samples import a_commit, a_create, a_plan, prove


def test_a_run_tells_its_phases_and_how_long_each_took(
    runs: Runs, clock: Clock, ledger: Ledger, previews: Previews
) -> None:
    run = a_plan(runs, a_create(1), a_create(2))
    clock.advance(600)
    runs.approve(run, Approval("fingerprint", "anna"))
    clock.advance(5)
    runs.waiting_for(run, "host_unknown", {})
    clock.advance(60)
    previews.keep_page(run, [], [], 0, START, Progress("write", 0, 2))
    prove(runs, run)
    clock.advance(10)
    ledger.finish(run)
    told = [(one.name, (one.ended_at - one.began_at).total_seconds()) for one in runs.phases(run) if one.ended_at]
    assert told == [("extract", 0), ("approve", 600), ("write", 5), ("hold", 60), ("write", 10)]


def test_a_phase_that_goes_on_is_told_once(runs: Runs, clock: Clock, previews: Previews) -> None:
    run = runs.begin("products", runs.get(a_plan(runs)).mode, "anna", 4).id
    for done in (10, 20, 30):
        clock.advance(1)
        previews.keep_page(run, [], [], 0, START, Progress("plan", done, 100))
    assert [(one.name, one.done_before) for one in runs.phases(run)] == [("extract", 0), ("plan", 10)]
    assert runs.phases(run)[-1].ended_at is None


def test_whoever_asks_is_told_the_same_speed(runs: Runs, clock: Clock, ledger: Ledger) -> None:
    run = a_commit(runs, *(a_create(number) for number in range(40)))
    clock.advance(1)
    assert speed(runs.get(run), runs.phases(run)[-1], clock()).per_second == 0
    clock.advance(9)
    seqs = list(range(1, 11))
    ledger.mark_sent(run, seqs)
    ledger.settle(run, [Outcome(seq, Step.PROVEN, str(seq), "1") for seq in seqs])
    going = runs.get(run)
    assert (going.progress_done, going.progress_total) == (10, 40)
    found = speed(going, runs.phases(run)[-1], clock())
    assert (found.per_second, found.seconds_left) == (1.0, 30.0)


def test_a_run_that_stands_still_has_no_speed(runs: Runs, clock: Clock, ledger: Ledger) -> None:
    run = a_commit(runs, *(a_create(number) for number in range(4)))
    clock.advance(10)
    ledger.mark_sent(run, [1])
    ledger.settle(run, [Outcome(1, Step.PROVEN, "1", "1")])
    runs.interrupt(run, "cancelled", {})
    assert speed(runs.get(run), runs.phases(run)[-1], clock()).per_second == 0
    clock.advance(3600)
    runs.approve(run, Approval("fingerprint", "ben"))
    clock.advance(4)
    ledger.mark_sent(run, [2])
    ledger.settle(run, [Outcome(2, Step.PROVEN, "2", "1")])
    found = speed(runs.get(run), runs.phases(run)[-1], clock())
    assert (found.per_second, found.seconds_left) == (0.25, 8.0)
