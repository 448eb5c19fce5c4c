"""Prefetched pages give the same plan by the same calls, wherever the run is interrupted."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.connectors.protocol import References
from integration.connectors.reference import current_run, new_reference
from integration.core.errors import UnavailableError
from integration.core.plan import Change
from integration.core.records import Batch, CurrentRecord, Kind, Record
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState
from integration.flows.spec import FlowLogic
from integration.runner.prefetch import Prefetch
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox, running
from integration.store.database import Database, FencingTokenLost
from integration.store.fencing_tokens import FencingTokens
from tests.builders import accountview_settings
from tests.fakes import MemoryConnector, MemoryTokenStore
from tests.flow_harness import FlowHarness, articles
from tests.people import make_actor
from tests.runner.processes import CommandedConsole, looking_at
from tests.timeouts import SECONDS, wait_until

NUMBERS = tuple(str(number) for number in range(2001, 2301))  # three pages of the books, two looks at the till
EXTRACTS, LOOKS = 1 + 3, 1 + 2  # those of the one group first
ARTICLES = 1100  # two pages of the books as they are asked by a console


class Books(MemoryConnector):
    """Books that record each requested page, and can pause the mapping meanwhile."""

    def __init__(self) -> None:
        super().__init__(articles(*NUMBERS), system="accountview")
        self.begun: list[int | None] = []  # how many records each page may have
        self.on_extract: Callable[[int], None] = lambda _: None
        self.on_about: Callable[[], None] = lambda: None

    def extract(
        self, kind: Kind, since: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Batch:
        self.begun.append(limit)
        self.on_extract(len(self.begun))
        return super().extract(kind, since, after, limit)

    def estimate_count(self, kind: Kind) -> int:
        del kind
        self.on_about()
        return len(NUMBERS)


class Till(MemoryConnector):
    """A till that records each lookup, and can pause the planning meanwhile."""

    def __init__(self) -> None:
        super().__init__(system="mplus")
        self.looks = 0
        self.on_look: Callable[[int], None] = lambda _: None
        self.on_plan: Callable[[str], None] = lambda _: None

    def lookup(self, records: Sequence[Record], references: References) -> dict[str, CurrentRecord]:
        self.looks += 1
        self.on_look(self.looks)
        return super().lookup(records, references)

    def calls(self, change: Change) -> int:
        self.on_plan(change.key)
        return super().calls(change)


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def harness(database: Database, books: Books, till: Till) -> FlowHarness:
    return FlowHarness(database, books, till)


def begin_preview(harness: FlowHarness, mode: Mode = Mode.COMPLETE) -> Run:
    return harness.runner.preview.begin(PreviewRequest("products", make_actor("test"), mode))


def to_the_first_page_of(harness: FlowHarness, run: Run, task: str) -> None:
    """Go on until the first page of articles is read or compared, and the next one is asked for next."""
    while (
        (position := harness.runs.get(run.id).position).task != task
        or position.stage in ("", "groups")
        or position.after is None
    ):
        assert harness.runner.preview.page(run.id)


def check_plan_of_all_articles(harness: FlowHarness, run: Run) -> None:
    """Expect the plan of all articles."""
    final_run = harness.finish_preview(run)
    assert (final_run.state, final_run.counts.read_count, final_run.counts.planned) == (
        RunState.READY,
        len(NUMBERS),
        len(NUMBERS),
    )
    assert sorted(harness.changes(final_run)) == sorted([*NUMBERS, "KLED"])


# ---- at the same time


def test_the_next_page_is_read_while_one_is_mapped(harness: FlowHarness, books: Books) -> None:
    second = threading.Event()
    books.on_extract = lambda number: second.set() if number == 3 else None

    def wait() -> None:
        assert second.wait(SECONDS)

    books.on_about = wait
    check_plan_of_all_articles(harness, begin_preview(harness))
    assert second.is_set()
    assert len(books.begun) == EXTRACTS


def test_the_till_is_looked_up_for_the_next_page_while_one_is_planned(harness: FlowHarness, till: Till) -> None:
    second = threading.Event()
    till.on_look = lambda number: second.set() if number == LOOKS else None

    def wait(key: str) -> None:
        if key == NUMBERS[10]:
            assert second.wait(SECONDS)

    till.on_plan = wait
    check_plan_of_all_articles(harness, begin_preview(harness))
    assert second.is_set()
    assert till.looks == LOOKS


@pytest.mark.long
def test_a_look_waits_for_links_that_are_kept_before_and_as_much_is_asked(
    harness: FlowHarness, books: Books, till: Till
) -> None:
    for row in harness.changes(harness.finish_preview(begin_preview(harness))).values():
        assert row.change is not None
        till.put(row.change.desired)  # it has everything, and nobody has linked it
    linked: list[int] = []
    till.on_look = lambda _: linked.append(len(harness.links.get("products", Kind.PRODUCT, NUMBERS)))
    for _ in ("linked by it", "known"):
        books.begun, till.looks = [], 0
        assert harness.preview(Mode.COMPLETE).counts.unchanged == len(NUMBERS)
        assert (len(books.begun), till.looks) == (EXTRACTS, LOOKS)
    assert linked == [0, 0, 250, 300, 300, 300]


# ---- what is not needed


class Few(FlowHarness):
    """Products of which a run reads a page and a half."""

    def make_logic(self) -> FlowLogic:
        logic = super().make_logic()
        logic.max_records = 150
        return logic


def test_no_page_is_read_beyond_what_a_run_may_read(database: Database, books: Books, till: Till) -> None:
    harness = Few(database, books, till)
    assert harness.finish_preview(begin_preview(harness, Mode.CHANGES)).counts.read_count == 150
    assert books.begun == [150, 150, 50]


def test_what_was_read_ahead_is_for_whoever_asks_for_just_that() -> None:
    prefetch, names = Prefetch(), list[str]()

    def read(name: str) -> str:
        names.append(name)
        return name

    prefetch.begin("one", read, "a")
    prefetch.begin("other", read, "b")
    assert prefetch.page("one", read, "c") == "c"
    assert prefetch.page("one", read, "a") == "a"
    assert prefetch.page("other", read, "b") == "b"
    assert sorted(names) == ["a", "a", "b", "c"]


def test_what_was_read_before_a_page_went_wrong_is_read_again(harness: FlowHarness, books: Books) -> None:
    run = begin_preview(harness)

    def fail_page() -> None:
        wait_until(lambda: len(books.begun) == 3, "the page ahead")
        raise unavailable()

    books.on_about = fail_page
    assert harness.runner.preview.page(run.id)
    with pytest.raises(UnavailableError):
        harness.runner.preview.page(run.id)
    books.on_about = lambda: None
    check_plan_of_all_articles(harness, run)
    assert len(books.begun) == EXTRACTS + 2


# ---- whatever ends it


def unavailable() -> Exception:
    return UnavailableError("connection_refused", system="mplus", host="memory")


def test_trouble_with_a_page_read_ahead_is_met_where_it_is_asked_for(
    harness: FlowHarness, books: Books, till: Till
) -> None:
    run = begin_preview(harness)

    def fail(number: int) -> None:
        if number == 3:
            raise unavailable()

    books.on_extract = till.on_look = fail
    for task in ("extract", "compare"):
        to_the_first_page_of(harness, run, task)
        before = harness.runs.get(run.id).position
        with pytest.raises(UnavailableError):
            harness.runner.preview.page(run.id)
        assert harness.runs.get(run.id).position == before
    check_plan_of_all_articles(harness, run)


@pytest.mark.long
def test_another_process_goes_on_at_every_page_with_what_is_on_disk(
    harness: FlowHarness, books: Books, till: Till
) -> None:
    run = begin_preview(harness)
    while harness.runner.preview.page(run.id):
        harness.restart()
    check_plan_of_all_articles(harness, run)
    books.on_extract = till.on_look = lambda _: None


@pytest.mark.parametrize("task", ["extract", pytest.param("compare", marks=pytest.mark.long)])
def test_a_run_that_is_cancelled_reads_no_further(harness: FlowHarness, books: Books, till: Till, task: str) -> None:
    run = begin_preview(harness)
    to_the_first_page_of(harness, run, task)
    harness.runs.request_cancel(run.id, "test")
    assert not harness.runner.preview.page(run.id)
    assert harness.runs.get(run.id).error == "preview_cancelled"
    calls_before = len(books.begun), till.looks
    assert calls_before <= ((3, 0) if task == "extract" else (EXTRACTS, LOOKS))
    next_run = begin_preview(harness)
    check_plan_of_all_articles(harness, next_run)


def test_a_page_of_a_run_that_another_process_took_over_is_let_go_of(
    harness: FlowHarness, books: Books, database: Database
) -> None:
    run, tokens = begin_preview(harness), FencingTokens(database, harness.clock)

    def take_over() -> None:
        tokens.take(run.id, "another")

    books.on_about = take_over
    with tokens.hold(run.id, "test"):
        assert harness.runner.preview.page(run.id)
        with pytest.raises(FencingTokenLost):
            harness.runner.preview.page(run.id)
    books.on_about = lambda: None
    harness.restart()
    with tokens.hold(run.id, "another"):
        check_plan_of_all_articles(harness, run)


def test_what_is_read_ahead_is_read_for_its_run_and_has_no_part_in_the_claim_of_a_page(
    harness: FlowHarness, database: Database
) -> None:
    run, tokens, prefetch = begin_preview(harness), FencingTokens(database, harness.clock), Prefetch()
    next_page = threading.Event()

    def read() -> str:
        assert next_page.wait(SECONDS)
        harness.links.allocate_number("products", "article", "A-1")  # like a log-in that is renewed on the way
        return new_reference()

    with tokens.hold(run.id, "test"), current_run(run.id):
        prefetch.begin(run.id, read)
    with tokens.hold(run.id, "test"):
        next_page.set()
        assert prefetch.page(run.id, read).startswith(run.id)


# ---- with real systems


@pytest.fixture(scope="module")
def keeper() -> MemoryTokenStore:
    """The log-in at the shared sandbox; a refresh token is worth one pair only."""
    return MemoryTokenStore()


@pytest.fixture
def office(sandbox: Sandbox, keeper: MemoryTokenStore) -> Iterator[AccountView]:
    accountview = AccountView(accountview_settings(sandbox, page_size=10), keeper)
    yield accountview
    accountview.close()


def calls_to(sandbox: Sandbox, system: str = "accountview") -> int:
    return len(sandbox.ledger.calls(system))


def test_no_call_is_made_any_more_beyond_the_one_under_way(sandbox: Sandbox, office: AccountView) -> None:
    prefetch = Prefetch()
    office.check()

    def read() -> list[object]:
        return [office.client.companies() for _ in range(5)]

    with sandbox.switches.armed(Fault.DELAY, system="accountview", times=None, seconds=0.2):
        before = calls_to(sandbox)
        prefetch.begin("run", read)
        time.sleep(0.1)
        prefetch.drop("run")
        time.sleep(0.6)
        assert calls_to(sandbox) == before + 1


def test_a_cancelled_run_calls_real_books_once_more_at_most(
    sandbox: Sandbox, database: Database, office: AccountView
) -> None:
    harness = FlowHarness(database, MemoryConnector(), MemoryConnector(system="mplus"))
    harness.connectors["accountview"] = office
    run = begin_preview(harness)
    with sandbox.switches.armed(Fault.DELAY, system="accountview", times=None, seconds=0.05):
        to_the_first_page_of(harness, run, "extract")
        harness.runs.request_cancel(run.id, "test")
        assert not harness.runner.preview.page(run.id)
        calls_before = calls_to(sandbox)
        time.sleep(0.3)
        assert calls_to(sandbox) <= calls_before + 1


def is_reading(sandbox: Sandbox, _: Run) -> bool:
    """Return True if the second page of the articles has been requested."""
    return sum(call.operation == "AK1 GET" for call in sandbox.ledger.calls("accountview")) > 4


def is_looking(_: Sandbox, run: Run) -> bool:
    """Return True if a page of articles was compared and the next page is being looked up."""
    return run.position.task == "compare" and run.position.after is not None


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.parametrize("how", ["killed", "stopped"])
@pytest.mark.parametrize("amid", [is_reading, is_looking])
def test_a_process_that_ends_with_a_page_on_its_way_is_followed_by_one_that_goes_on(
    tmp_path: Path, how: str, amid: Callable[[Sandbox, Run], bool]
) -> None:
    with running(articles=ARTICLES) as sandbox:
        console = CommandedConsole(sandbox, tmp_path)
        for operation in ("AK1 GET", "getProducts"):
            sandbox.switches.arm(Fault.DELAY, operation=operation, times=None, seconds=0.4)
        console.start()
        run_id = console.ask("runs.preview", PreviewRequest("products", make_actor("test"), Mode.COMPLETE))
        with looking_at(console) as ledger:
            wait_until(
                lambda: (run := ledger.run()) is not None and amid(sandbox, run), "a page on its way", pause=0.02
            )
        console.kill() if how == "killed" else console.stop()
        sandbox.switches.disarm()
        console.start()
        run = console.rests(run_id)
        assert (run.state, run.counts.difference) == (RunState.READY, 0)
        assert run.counts.read_count >= ARTICLES
        console.stop()
