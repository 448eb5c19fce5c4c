"""Agreed records are recognized by their hashes: plans are the same with and without hashes."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from integration.connectors.protocol import HashedTarget
from integration.core.plan_lines import PlanRow
from integration.core.records import Correction, Kind, Record
from integration.core.run import Mode, Run
from integration.store.tables import links
from tests.consoles import WHO, Console, open_application
from tests.people import make_actor
from tests.postgres import postgres_server, postgres_url
from tests.stores import stores_in

__all__ = ["postgres_server", "postgres_url"]

BOTH = pytest.mark.parametrize(
    "shop", ["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.long])], indirect=True
)
SEEDS = (1, 2, 3)
ROUNDS, EDITS = 9, 5  # of one shop, and of one round
Shop = Console


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose levels both systems agree on, known by their hashes."""
    settings = {"database_url": request.getfixturevalue("postgres_url")} if request.param == "postgres" else {}
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True, **settings) as application:
        console = Console(application)
        console.run("products")
        answers = {"branches": {"1": "formula", "2": "stock_technical"}, "reservations": "field", "reserved": "K9_RSRV"}
        application.flows.change("stock", answers, make_actor(WHO))
        console.run("stock")
        console.run("stock")
        yield console


def preview_stock(shop: Shop, mode: Mode) -> tuple[Run, set[tuple[object, ...]]]:
    """Preview the stock; return the run with the comparable content of its lines and counts."""
    run = shop.preview("stock", mode=mode)
    rows = shop.application.plans.rows(run.id, limit=10_000)
    counts = (run.counts.read_count, run.counts.unchanged, run.fingerprint, str(run.brakes))
    return run, {("counts", *counts), *map(row_content, rows)}


def row_content(row: PlanRow) -> tuple[object, ...]:
    """Return the complete content of a line in a form that can be compared."""
    values = (
        row.action,
        row.kind,
        row.key,
        row.title,
        row.group,
        row.weight,
        row.cause,
        row.cause_field,
        row.reference,
    )
    return (*values, str(sorted(row.facts.items())), str(row.change))


def stored_hashes(shop: Shop) -> dict[str, tuple[str, str]]:
    """Return the hashes of every link that has any, by its key."""
    query = sa.select(links).where(links.c.flow == "stock", links.c.source_hash != "")
    rows = stores_in(shop.application).database.rows(query)
    return {row.key: (row.source_hash, row.target_hash) for row in rows}


def keep(shop: Shop, key: str, **hashes: str) -> None:
    """Store false hashes with a link."""
    with stores_in(shop.application).database.write() as connection:
        connection.execute(links.update().where(links.c.flow == "stock", links.c.key == key).values(**hashes))


def till_record(shop: Shop, key: str) -> Record:
    """Return the record by which a level is looked up."""
    number = stores_in(shop.application).links.get("stock", Kind.STOCK, [key])[key].reference
    parts = tuple(Record(Kind.LEVEL, branch, {}) for branch in ("1", "2"))
    return Record(Kind.STOCK, key, {"number": number}, parts)


def recount(shop: Shop, key: str, amount: int, branch: int = 1) -> None:
    """Enter a new count of an article at the till by hand."""
    number = str(till_record(shop, key).values["number"])
    shop.sandbox.till.edit("stock", f"{branch}/{number}", {"amount": str(amount)})


def sell(shop: Shop, key: str, quantity: int) -> None:
    """Sell an article over the counter."""
    data = {"quantity": quantity, "price": 1000, "vatCode": 2, "turnoverGroup": 40}
    line = {"articleNumber": int(str(till_record(shop, key).values["number"])), "text": "Bel", "data": data}
    paid = {"payment": [{"method": "PIN", "amount": 1000 * quantity}]}
    shop.sandbox.till.add("receipts", {"lineList": [line], "paymentList": paid})


def counts_sales(shop: Shop) -> None:
    """Count unbooked sales of the till from now on, and book them."""
    application = shop.application
    application.setup.choose({"orders": 4, "stock": 5}, make_actor(WHO))
    application.setup.accept(make_actor(WHO))
    application.flows.change("orders", {"default_debtor": "forced", "debtor_number": "20001"}, make_actor(WHO))
    since = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)  # the till tells whole seconds
    counts = {"sales": "documents", "sales_since": since.isoformat(), "branches": {"1": "formula"}}
    application.flows.change("stock", counts, make_actor(WHO))
    shop.run("stock")


@BOTH
def test_a_planted_hash_is_believed_by_day_and_found_when_everything_is_read(shop: Shop) -> None:
    """By day a run trusts the hashes, and at night a complete run reads every record."""
    before = stored_hashes(shop)
    key = min(before)
    assert len(before) > 30
    recount(shop, key, 4711)
    till = shop.application.access.connector("mplus")
    assert isinstance(till, HashedTarget)
    keep(shop, key, target_hash=till.hashes([till_record(shop, key)])[key])
    by_day, lines = preview_stock(shop, Mode.CHANGES)
    assert (len(lines), by_day.counts.unchanged) == (1 + by_day.counts.skipped + by_day.counts.parked, len(before))

    at_night, lines = preview_stock(shop, Mode.COMPLETE)
    (line,) = [row for row in shop.application.plans.rows(at_night.id, limit=10_000) if row.change]
    assert line.key == key
    assert at_night.counts.unchanged == len(before) - 1
    shop.application.log.catch_up()
    (event,) = shop.application.log.ask("SELECT key, flow FROM events WHERE event = 'hash_wrong'").itertuples(
        index=False
    )
    assert tuple(event) == (key, "stock")
    assert key not in stored_hashes(shop)
    shop.application.runs.discard(at_night.id, by=WHO)
    assert preview_stock(shop, Mode.CHANGES)[1] == lines
    assert stored_hashes(shop) == {other: hashes for other, hashes in before.items() if other != key}


@pytest.mark.long
@BOTH
def test_a_link_of_before_is_compared_once_and_then_known(shop: Shop) -> None:
    before = stored_hashes(shop)
    with stores_in(shop.application).database.write() as connection:
        connection.execute(links.update().values(source_hash="", target_hash=""))
    _, lines = preview_stock(shop, Mode.CHANGES)
    assert stored_hashes(shop) == before
    assert preview_stock(shop, Mode.CHANGES)[1] == lines


@BOTH
@pytest.mark.long
def test_what_the_books_have_by_now_is_compared_though_neither_side_shows_it(shop: Shop) -> None:
    key = min(stored_hashes(shop))
    counts_sales(shop)
    sell(shop, key, 2)
    for _ in range(2):
        shop.run("stock", mode=Mode.CHANGES)
    movements = stores_in(shop.application).movements
    assert key in stored_hashes(shop)
    assert preview_stock(shop, Mode.CHANGES)[0].fingerprint == preview_stock(shop, Mode.COMPLETE)[0].fingerprint
    movements.settle("stock", list(movements.unbooked("stock")), [])
    run, lines = preview_stock(shop, Mode.CHANGES)
    assert key in {row.key for row in shop.application.plans.rows(run.id, limit=10_000) if row.change}
    assert preview_stock(shop, Mode.COMPLETE)[1] == lines


@BOTH
@pytest.mark.long
def test_a_record_known_again_is_compared_with_another_one_of_its_number(shop: Shop) -> None:
    at_both = stores_in(shop.application).links.get("products", Kind.ARTICLE, list(stored_hashes(shop)))
    key, other = sorted(at_both)[:2]
    number = at_both[key].reference
    with stores_in(shop.application).database.write() as connection:
        condition = (links.c.flow == "products", links.c.kind == Kind.ARTICLE, links.c.key == other)
        connection.execute(links.update().where(*condition).values(reference=number))
    run, lines = preview_stock(shop, Mode.CHANGES)
    parked = {row.key for row in shop.application.plans.rows(run.id, limit=10_000) if row.cause == "sku_duplicate"}
    assert parked == {key, other}
    assert preview_stock(shop, Mode.COMPLETE)[1] == lines


# ---- whatever happens in between


Edit = Callable[[Shop, random.Random], object]


def _articles(shop: Shop) -> list[str]:
    return sorted(link.key for link in stores_in(shop.application).links.newest_links("stock", Kind.STOCK, 1_000))


def edit_article(shop: Shop, chance: random.Random) -> None:
    name, value = chance.choice(
        [("QTY_AVAIL", chance.randint(-3, 40)), ("QTY_TECH", chance.randint(0, 40)), ("K9_RSRV", chance.randint(0, 3)),
         ("ART_DESC1", f"Band {chance.randint(1, 9)}"), ("REC_BLK", chance.random() < 0.5)]
    )  # fmt: skip
    shop.sandbox.accountview.edit("ARTICLE", chance.choice(_articles(shop)), {name: value})


def at_the_counter(shop: Shop, chance: random.Random) -> None:
    recount(shop, chance.choice(_articles(shop)), chance.randint(0, 40), chance.choice((1, 2)))


def switch_stock_keeping(shop: Shop, chance: random.Random) -> None:
    number = str(till_record(shop, chance.choice(_articles(shop))).values["number"])
    shop.sandbox.till.edit("articles", number, {"stockArticle": chance.random() < 0.5})


def change_settings(shop: Shop, chance: random.Random) -> None:
    answers: dict[str, Any] = chance.choice(
        [{"negative": "zero"}, {"negative": "park"}, {"managed": "on"}, {"managed": "leave"}, {"formula": "available"},
         {"formula": "technical"}, {"branches": {"1": "formula"}},
         {"branches": {"1": "formula", "2": "stock_technical"}}]
    )  # fmt: skip
    shop.application.flows.change("stock", answers, make_actor(WHO))


def publish_rule(shop: Shop, chance: random.Random) -> None:
    expression = chance.choice(["quantity", "quantity - 1", "min(quantity, 12)", "lookup(branch, 'kept_back')"])
    rule = {"target": "level.amount", "expression": expression, "ownership": "keep_equal"}
    shop.application.rules.publish("stock", {"version": 1, "rules": [rule]}, WHO, "otherwise")


def another_table(shop: Shop, chance: random.Random) -> None:
    rows = {"1": str(chance.randint(1, 5)), "2": str(chance.randint(1, 5))}
    stores_in(shop.application).rules.set_table("kept_back", rows, WHO)


def correct_stock(shop: Shop, chance: random.Random) -> None:
    key = chance.choice(_articles(shop))
    (row,) = shop.rows("ARTICLE", ART_CODE=key)
    correction = Correction(Kind.ARTICLE, key, "stock", Decimal(str(row["QTY_AVAIL"])), Decimal(chance.randint(0, 40)))
    if chance.random() < 0.7:
        shop.application.corrections.keep("stock", [correction], WHO)
    else:
        shop.application.corrections.remove("stock", [correction], WHO)


def enter_order(shop: Shop, chance: random.Random) -> None:
    key = chance.choice(_articles(shop))
    order = shop.till_client.order(str(till_record(shop, key).values["number"]), quantity=chance.randint(1, 3))
    if chance.random() < 0.3:
        shop.till_client.cancel(order)


def sell_article(shop: Shop, chance: random.Random) -> None:
    """Sell something, or take it back."""
    sell(shop, chance.choice(_articles(shop)), chance.choice((1, 2, -1)))


def run_orders(shop: Shop, _: random.Random) -> None:
    """Book the sales in the books."""
    shop.run("orders", mode=Mode.CHANGES)


EDITS_OF: tuple[Edit, ...] = (
    *(edit_article, at_the_counter) * 3, switch_stock_keeping, change_settings, publish_rule, another_table,
    correct_stock,
)  # fmt: skip
SALES_OF: tuple[Edit, ...] = (
    edit_article,
    at_the_counter,
    enter_order,
    enter_order,
    sell_article,
    sell_article,
    run_orders,
    correct_stock,
)


@BOTH
@pytest.mark.long
@pytest.mark.seeds(*SEEDS)
def test_a_plan_made_with_hashes_is_the_one_made_without(shop: Shop, seed: int) -> None:
    """Change either system, settings, mapping, value tables and corrections at random."""
    same_plans(shop, seed, EDITS_OF)


@BOTH
@pytest.mark.long
@pytest.mark.seeds(*SEEDS)
def test_so_is_one_that_counts_what_the_books_have_not_booked(shop: Shop, seed: int) -> None:
    """Sell, order, take back, cancel and book at random meanwhile."""
    counts_sales(shop)
    same_plans(shop, seed, SALES_OF)


def same_plans(shop: Shop, seed: int, edits: Sequence[Edit]) -> None:
    """Change records at random, compare the plans with and without hashes, and commit some of them."""
    chance = random.Random(seed)  # noqa: S311 - what is drawn is to be drawn again
    unchanged = 0
    for _ in range(ROUNDS):
        for edit in chance.sample(edits, chance.randint(0, EDITS)):
            edit(shop, chance)
        before = stored_hashes(shop)
        with_hashes, lines = preview_stock(shop, Mode.CHANGES)
        unchanged += sum(stored_hashes(shop).get(key) == hashes for key, hashes in before.items())
        without, same = preview_stock(shop, Mode.COMPLETE)
        assert lines == same, seed
        assert with_hashes.counts.difference == without.counts.difference == 0
        if chance.random() < 0.5:
            shop.run("stock", mode=Mode.CHANGES)
    assert unchanged > ROUNDS
    shop.application.log.catch_up()
    assert shop.application.log.ask("SELECT key FROM events WHERE event = 'hash_wrong'").empty
