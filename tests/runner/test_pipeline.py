"""Lookup, write and read-back in parallel have the result of a sequential run, wherever they are interrupted."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from integration.connectors.protocol import References
from integration.core.errors import IntegrationError, UnavailableError
from integration.core.plan import Change
from integration.core.plan_lines import PlanRow
from integration.core.records import CurrentRecord, Record, WriteResult
from integration.core.run import Mode, Run
from integration.core.states import RunState, Step
from integration.engine.engine import Engine
from integration.flows.spec import FlowLogic
from integration.runner import pipeline
from integration.runner.pipeline import WINDOW
from integration.services.runs.flows import Flows
from integration.store.database import Database
from integration.store.fencing_tokens import FencingTokens
from integration.store.heartbeats import Heartbeats
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, articles
from tests.parts import part

PATIENCE = 30.0
NUMBERS = tuple(str(number) for number in range(2001, 2211))  # two pages and a tenth of one
LOOKS = 6  # ahead and behind, of each page of those
SEVENTH = 7  # write, after which what is marked as sent is counted


class RecordingTill(MemoryConnector):
    """A till of which a test is_reliable each look and each write before it is done."""

    def __init__(self) -> None:
        super().__init__(system="mplus", in_flight=4)
        self.looks: list[list[str]] = []
        self.begun: list[str] = []
        self.blind = False
        self.on_look: Callable[[int], None] = lambda _: None
        self.on_write: Callable[[str], None] = lambda _: None
        self._watch_lock = threading.Lock()

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        with self._watch_lock:
            self.looks.append([record.key for record in records])
            number = len(self.looks)
        self.on_look(number)
        return {} if self.blind else super().lookup(records, references)

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        with self._watch_lock:
            self.begun.append(change.key)
        self.on_write(change.key)
        return super().write(change, current, references, token)


@pytest.fixture
def till() -> RecordingTill:
    return RecordingTill()


@pytest.fixture
def harness(database: Database, till: RecordingTill) -> FlowHarness:
    return FlowHarness(database, MemoryConnector(articles(*NUMBERS), system="accountview"), till)


def approve_and_begin(harness: FlowHarness, till: RecordingTill) -> Run:
    """Return an approved plan with the group and one article written, so that later lookups find both."""
    run = harness.preview()
    harness.approve(run)
    harness.runner.commit.page(run.id)
    harness.runner.commit.page(run.id)
    assert sorted(till.writes) == [NUMBERS[0], "KLED"]
    till.looks.clear()
    return run


def lines(harness: FlowHarness, run: Run, *steps: Step) -> list[PlanRow]:
    return [row for row in harness.plans.rows(run.id, limit=1000) if row.step in steps]


def check_written_once(harness: FlowHarness, till: RecordingTill, run: Run) -> None:
    """Expect every article in the till by one write that took effect, and proven."""
    final_run = harness.carry_out(run)
    assert (final_run.state, final_run.counts.proven) == (RunState.DONE, len(NUMBERS))
    assert sorted(till.writes) == sorted([*NUMBERS, "KLED"])


# ---- at the same time


def test_the_next_page_is_looked_at_while_one_is_written(harness: FlowHarness, till: RecordingTill) -> None:
    run, second_look = approve_and_begin(harness, till), threading.Event()

    def until_second_look(key: str) -> None:
        if key == NUMBERS[90]:
            assert second_look.wait(PATIENCE)

    till.on_look = lambda _: second_look.set() if len(till.looks) > 1 and NUMBERS[110] in till.looks[-1] else None
    till.on_write = until_second_look
    check_written_once(harness, till, run)
    assert second_look.is_set()


def test_a_page_is_read_back_while_the_next_is_written(harness: FlowHarness, till: RecordingTill) -> None:
    run, next_write = approve_and_begin(harness, till), threading.Event()

    def until_next_page(_: int) -> None:
        if till.looks[-1][:1] == [NUMBERS[1]] and len(till.looks) > 1:
            assert next_write.wait(PATIENCE)

    till.on_look = until_next_page
    till.on_write = lambda key: next_write.set() if key == NUMBERS[120] else None
    check_written_once(harness, till, run)


class Keyless(FlowHarness):
    """Articles of which a second one could be written: the till has no key of ours that it refuses."""

    def make_logic(self) -> FlowLogic:
        logic = super().make_logic()
        logic.flow = replace(logic.flow, stages=tuple(replace(stage, own_key=False) for stage in logic.flow.stages))
        return logic


@pytest.mark.parametrize(("harness_of", "bound"), [(Keyless, 4), (FlowHarness, WINDOW + 4)], ids=["alone", "window"])
def test_no_more_is_marked_as_sent_than_calls_are_under_way_or_in_the_window(
    database: Database, till: RecordingTill, harness_of: type[FlowHarness], bound: int
) -> None:
    harness = harness_of(database, MemoryConnector(articles(*NUMBERS), system="accountview"), till)
    run, doubtful_counts = approve_and_begin(harness, till), [0]

    def count(_: str) -> None:
        if len(till.begun) % SEVENTH:
            return  # each look reads every line
        sent_keys = {row.key for row in lines(harness, run, Step.SENT)}
        with suppress(ValueError):
            doubtful_counts.append(len(sent_keys - set(till.begun)))

    till.on_write = count
    check_written_once(harness, till, run)
    assert max(doubtful_counts) < bound


# ---- whatever ends it


def kill_before_write(harness: FlowHarness, till: RecordingTill, run: Run, number: str) -> set[str]:
    """Kill the process before the call for a record; return the records marked as sent without a call."""

    def die(key: str) -> None:
        if key == number:
            raise SystemExit

    till.begun.clear()
    till.on_write = die
    with pytest.raises(SystemExit):
        harness.carry_out(run)
    till.on_write = lambda _: None
    harness.restart()
    return {row.key for row in lines(harness, run, Step.SENT)} - set(till.begun)


def test_a_window_of_which_only_a_part_was_called_is_done_again_and_never_a_question(
    harness: FlowHarness, till: RecordingTill
) -> None:
    run = approve_and_begin(harness, till)
    uncalled = [kill_before_write(harness, till, run, NUMBERS[20]) for _ in range(3)]
    assert NUMBERS[30] in set.intersection(*uncalled)
    check_written_once(harness, till, run)
    assert lines(harness, run, Step.PARKED) == []


def test_a_window_that_no_look_shows_after_a_kill_is_one_question_at_most(
    harness: FlowHarness, till: RecordingTill
) -> None:
    run = approve_and_begin(harness, till)
    assert len(kill_before_write(harness, till, run, NUMBERS[20])) > 1
    till.blind = True
    with pytest.raises(IntegrationError, match="look_unproven"):
        harness.carry_out(run)
    assert len(lines(harness, run, Step.PARKED)) <= 1


def test_a_window_of_a_run_that_was_given_up_is_no_question_of_the_next_plan(
    harness: FlowHarness, till: RecordingTill
) -> None:
    run = approve_and_begin(harness, till)
    assert kill_before_write(harness, till, run, NUMBERS[20])
    harness.runs.request_cancel(run.id, "test")
    assert harness.carry_out(run).state is RunState.INTERRUPTED
    harness.runs.discard(run.id, "test")
    next_run = harness.preview(Mode.COMPLETE)
    assert next_run.counts.parked == 0
    assert harness.commit(next_run).counts.parked == 0
    assert sorted(till.writes) == sorted([*NUMBERS, "KLED"])


def unavailable() -> Exception:
    return UnavailableError("connection_refused", system="mplus", host="memory")


def points(*quick: int) -> list[object]:
    return [pytest.param(point, marks=() if point in quick else pytest.mark.long) for point in range(1, LOOKS + 1)]


@pytest.mark.parametrize(
    "make_error", [unavailable, pytest.param(ZeroDivisionError, marks=pytest.mark.long)], ids=["away", "bug"]
)
@pytest.mark.parametrize("point", points(2, 3))
def test_trouble_in_a_look_loses_and_doubles_nothing(
    harness: FlowHarness, till: RecordingTill, point: int, make_error: Callable[[], Exception]
) -> None:
    run = approve_and_begin(harness, till)

    def fail(number: int) -> None:
        if number == point:
            raise make_error()

    till.on_look = fail
    with pytest.raises(type(make_error())):
        harness.carry_out(run)
    assert lines(harness, run, Step.IN_DOUBT) == []
    assert {row.key for row in lines(harness, run, Step.SENT)} <= set(till.begun)
    till.on_look = lambda _: None
    harness.restart()
    check_written_once(harness, till, run)


@pytest.mark.parametrize("write_count", [*(pytest.param(count, marks=pytest.mark.long) for count in (1, 99)), 101])
def test_a_till_that_goes_away_leaves_the_rest_planned(
    harness: FlowHarness, till: RecordingTill, write_count: int
) -> None:
    run = approve_and_begin(harness, till)

    def leave(key: str) -> None:
        if key >= NUMBERS[write_count]:
            raise unavailable()

    till.on_write = leave
    with pytest.raises(UnavailableError):
        harness.carry_out(run)
    assert lines(harness, run, Step.SENT, Step.IN_DOUBT) == []
    till.on_write = lambda _: None
    check_written_once(harness, till, run)


@pytest.mark.parametrize("point", points(3))
def test_another_process_that_takes_over_ends_it_in_a_look(
    harness: FlowHarness, till: RecordingTill, database: Database, point: int
) -> None:
    run, tokens = approve_and_begin(harness, till), FencingTokens(database, harness.clock)

    def take_over(number: int) -> None:
        if number == point:
            tokens.take(run.id, "another")

    till.on_look = take_over
    engine = Engine(
        url="", executor="test", runner=harness.runner, runs=harness.runs, fencing_tokens=tokens,
        heartbeats=Heartbeats(database, harness.clock), schedules=part(Flows),
    )  # fmt: skip
    while engine.page(run.id, harness.runner.commit.page) != {"wait": engine.pulse.apart}:
        assert harness.runs.get(run.id).state is RunState.COMMITTING
    assert lines(harness, run, Step.IN_DOUBT) == []
    till.on_look = lambda _: None
    harness.restart()
    check_written_once(harness, till, run)


def test_nothing_more_is_looked_at_once_this_process_ends(harness: FlowHarness, till: RecordingTill) -> None:
    run = approve_and_begin(harness, till)
    till.on_write = lambda key: harness.runner.commit.ending.set() if key == NUMBERS[50] else None
    assert harness.runner.commit.page(run.id) is not None
    assert len(lines(harness, run, Step.PROVEN)) == 102
    assert lines(harness, run, Step.SENT, Step.IN_DOUBT) == []
    check_written_once(harness, till, run)


def test_a_cancelled_run_sends_no_more_than_is_under_way(
    harness: FlowHarness, till: RecordingTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "CANCEL_SECONDS", 0)
    run, under_way = approve_and_begin(harness, till), list[set[str]]()

    def cancel(key: str) -> None:
        if key == NUMBERS[5]:
            harness.runs.request_cancel(run.id, "test")
            under_way.append(set(till.begun))

    till.on_write = cancel
    stopped = harness.carry_out(run)
    assert (stopped.state, stopped.error) == (RunState.INTERRUPTED, "cancelled")
    assert len(set(till.begun) - under_way[0]) < till.in_flight  # those that began while it was asked
    assert stopped.counts.planned == len(NUMBERS) + 1 - len(till.writes)
    assert lines(harness, run, Step.SENT, Step.IN_DOUBT) == []
    harness.approve(run)
    check_written_once(harness, till, run)


def test_what_is_in_doubt_is_looked_for_before_another_page_is_sent(harness: FlowHarness, till: RecordingTill) -> None:
    run, begun = approve_and_begin(harness, till), list[int]()

    def count(_: int) -> None:
        if till.looks[-1][:1] == [NUMBERS[10]]:
            begun.append(len(till.begun))

    till.on_look = count
    till.lose_answer(NUMBERS[10])
    check_written_once(harness, till, run)
    assert begun[0] == 102
