"""Own writes are not read again, and writes of others beside them always are, at a till on loopback."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

import pytest
import sqlalchemy as sa

from integration.connectors.mplus.connector import Mplus
from integration.connectors.protocol import References
from integration.core.links import Link
from integration.core.markers import UNKNOWN, ChangeRanges
from integration.core.plan import Change
from integration.core.records import Batch, CurrentRecord, Kind, WriteResult
from integration.core.run import Mode
from integration.sandbox.server import Sandbox, running
from integration.store.database import Database
from tests.builders import a_part, a_product
from tests.connectors.mplus.tills import settings_of
from tests.fakes import MemoryConnector
from tests.flow_harness import FlowHarness, articles, edit_record

CODES = [str(number) for number in range(900_001, 900_061)]
PAGE = 10  # articles of one answer
HIGHER = {"price": Decimal("18.0000")}


def do_nothing() -> None:
    """Leave the till alone."""


class Crowded(Mplus):
    """A till at which another person makes changes directly before and after our writes."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(settings_of(sandbox, page_articles=PAGE, in_flight=1))
        self.before: dict[str, Callable[[], None]] = {}  # by what is written
        self.after: dict[str, Callable[[], None]] = {}  # by what is written
        self.told: Counter[str] = Counter()

    def write(self, change: Change, current: CurrentRecord | None, references: References, token: str) -> WriteResult:
        """Write one change, with the changes of other people before and after."""
        self.before.pop(change.key, do_nothing)()
        result = super().write(change, current, references, token)
        self.after.pop(change.key, do_nothing)()
        return result

    def read_changes(
        self, kind: Kind, since: str, after: str | None = None, known_ranges: ChangeRanges = UNKNOWN
    ) -> Batch:
        """Return a page of changes, and count its records."""
        batch = super().read_changes(kind, since, after, known_ranges)
        if since:
            self.told.update(pages=1, records=len(batch.records))
        return batch


@pytest.fixture
def shop() -> Iterator[Sandbox]:
    """A till that has a few articles of its own."""
    with running(articles=5, trades=False) as sandbox:
        yield sandbox


@pytest.fixture
def till(shop: Sandbox) -> Iterator[Crowded]:
    """A connection to it."""
    till = Crowded(shop)
    yield till
    till.close()


@pytest.fixture
def books() -> MemoryConnector:
    """The books, with more articles than fit in an answer of the till."""
    return MemoryConnector(articles(*CODES), system="accountview", page_size=25)


@pytest.fixture
def harness(database: Database, books: MemoryConnector, till: Crowded) -> FlowHarness:
    """The flow between them, whose articles are at the till."""
    return FlowHarness(database, books, till, retire=False)


def till_value(shop: Sandbox, code: str, name: str) -> object:
    """Return a value of an article at the till."""
    return next(row[name] for row in shop.state("articles", "mplus") if str(row["articleNumber"]) == code)


def test_the_run_after_a_sync_is_reported_nothing(harness: FlowHarness, till: Crowded) -> None:
    assert harness.run().counts.proven == len(CODES)
    run = harness.run()
    assert run.counts.read_count == 0
    assert till.told == {"pages": 1, "records": 0}


def test_a_cursor_passes_only_what_is_known_to_be_ours(harness: FlowHarness, shop: Sandbox, till: Crowded) -> None:
    harness.run()
    till.after[CODES[15]] = partial(shop.till.edit, "articles", CODES[7], {"priceIncl": 1})
    for code in CODES[10:30]:
        edit_record(harness.source, code, HIGHER)
    harness.run()
    till.told.clear()
    run = harness.preview()
    assert harness.planned_values(run) == {CODES[7]: {f"{CODES[7]}/price_incl": Decimal("20.00")}}
    assert till.told["records"] <= PAGE, "of what we wrote after it nothing more than fits in one answer"


@pytest.mark.parametrize("moment", [pytest.param("before", marks=pytest.mark.long), "after"])
def test_what_somebody_changes_beside_our_write_of_the_same_record_is_seen(
    harness: FlowHarness, shop: Sandbox, till: Crowded, moment: str
) -> None:
    """A write proves only its own fields: another person may have changed another field of the record."""
    harness.run()
    code = CODES[3]
    edit_record(harness.source, code, {"name": "Anders"})
    edit_record(harness.source, CODES[0], {"name": "Later"})  # whose stamp is where the next run starts
    plan = harness.preview()
    assert set(harness.changes(plan)) == {CODES[0], code}
    change = partial(shop.till.edit, "articles", code, {"priceIncl": 1})
    if moment == "before":
        change()
    else:
        till.after[code] = change
    assert harness.commit(plan).counts.proven == 2
    assert till_value(shop, code, "priceIncl") == 1
    harness.run()
    assert till_value(shop, code, "priceIncl") == 2000
    assert harness.run().counts.read_count == 1, "the article whose stamp is where we start"


def test_what_somebody_changes_elsewhere_while_we_write_is_seen(
    harness: FlowHarness, shop: Sandbox, till: Crowded
) -> None:
    harness.run()
    edit_record(harness.source, CODES[3], HIGHER)
    till.before[CODES[3]] = partial(shop.till.edit, "articles", CODES[8], {"priceIncl": 1})
    till.after[CODES[3]] = partial(shop.till.edit, "articles", CODES[9], {"priceIncl": 1})
    harness.run()
    harness.run()
    assert [till_value(shop, code, "priceIncl") for code in CODES[8:10]] == [2000, 2000]


def test_what_somebody_changes_after_the_proof_is_seen(harness: FlowHarness, shop: Sandbox, till: Crowded) -> None:
    harness.run()
    shop.till.edit("articles", CODES[3], {"priceIncl": 1})
    assert set(harness.changes(harness.run())) == {CODES[3]}
    assert till_value(shop, CODES[3], "priceIncl") == 2000
    till.told.clear()
    assert harness.run(Mode.CHANGES).counts.read_count == 0
    assert till.told["records"] == 0


STEP = 100  # instructions of the database between two counts


@pytest.fixture
def database_steps(database: Database) -> Counter[str]:
    """Counter of the work of the database in hundreds of its instructions, which rise with every row it touches."""
    steps: Counter[str] = Counter()

    def count(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_progress_handler(lambda: steps.update(steps=1), STEP)

    database.engine.dispose()
    sa.event.listen(database.engine, "connect", count)
    return steps


@pytest.mark.long
def test_what_a_few_edits_cost_does_not_grow_with_what_there_is(
    harness: FlowHarness, books: MemoryConnector, till: Crowded, database_steps: Counter[str]
) -> None:
    """Costs are counted in database operations and calls, because seconds vary while many tests run."""
    costs, price = [], 17
    for more in (0, 6_000):
        others = [a_product(f"{number}", (a_part(f"{number}"),)) for number in range(910_000, 910_000 + more)]
        harness.links.keep(
            harness.flow, [Link(article.kind, article.key, article.key, article, "1") for article in others]
        )
        harness.run()
        price += 1
        for code in CODES[:10]:
            edit_record(books, code, {"price": Decimal(price)})
        database_steps.clear()
        till.told.clear()
        assert harness.run().counts.proven == len(CODES[:10])
        assert till.told == {"pages": 1, "records": 0}
        costs.append(database_steps["steps"])
    assert costs[1] <= 1.1 * costs[0]
