"""Two shops with a till and a console each on one administration: the books have the sales of both tills."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from integration.core.days.report import DayState
from integration.core.errors import PlanStaleError
from integration.core.foreign_documents import ForeignDocuments
from integration.core.records import Kind, Record
from integration.core.run import Mode
from integration.core.states import RunState
from tests.core.days.example import DAY
from tests.core.days.test_corrections import later_day
from tests.fakes import MemoryConnector
from tests.flows.orders.tills import TOLD, a_line, an_order, anonymous
from tests.runner.test_another_sale import Books
from tests.runner.test_rebooking import OrdersHarness
from tests.services.day_harness import Books as Ledger
from tests.services.day_harness import DayHarness
from tests.stores import new_database

Sums = dict[str, tuple[Decimal, Decimal]]
CODES = {"1": "2", "2": "1"}  # of the till to those of the books


def shop_order(number: int, shop: str, *lines: tuple[str, str, str]) -> Record:
    """Return an order of a shop: VAT code, total with and without VAT of each line. All shops count alike."""
    rates = {"1": Decimal(9), "2": Decimal(21)}
    order_lines = tuple(
        a_line(str(place), incl, excl, vat_code=code, vat_percent=rates[code])
        for place, (code, incl, excl) in enumerate(lines, start=1)
    )
    order, nobody = an_order(f"order-{number}", lines=order_lines), anonymous()
    parts = tuple(part for part in order.parts if part.kind is not Kind.RELATION)
    values = {**order.values, "relation": nobody.values["relation"]}
    return replace(order, key=f"{shop}-{number}", values=values, parts=parts)


HERE = [
    shop_order(1, "here", ("2", "12.10", "10.00")),
    shop_order(2, "here", ("2", "100.85", "83.35"), ("1", "3.27", "3.00")),
    shop_order(3, "here", ("1", "0.05", "0.05")),
]
THERE = [
    shop_order(1, "there", ("2", "484.75", "400.62")),
    shop_order(2, "there", ("1", "21.80", "20.00"), ("2", "-1.00", "-0.83")),
    shop_order(4, "there", ("2", "7.77", "6.42")),
]
AGAIN = shop_order(2, "here-again", ("2", "484.75", "400.62"))  # a number that the till uses once more


def of_tills(*orders: Record) -> Sums:
    """Return base and VAT of orders by VAT code of the books, as the tills report them."""
    totals: Sums = {}
    for order in orders:
        for line in (part.values for part in order.parts if part.kind is Kind.LINE):
            incl, excl = line["amount_incl"], line["amount_excl"]
            assert isinstance(incl, Decimal)
            assert isinstance(excl, Decimal)
            base, vat = totals.get(CODES[str(line["vat_code"])], (Decimal(0), Decimal(0)))
            totals[CODES[str(line["vat_code"])]] = base + excl, vat + incl - excl
    return totals


def of_ledger(books: Books) -> Sums:
    """Return base and VAT by VAT code, as the books hold them."""
    totals: Sums = {}
    for page in books.records_of(Kind.POSTING).values():
        for line in (part.values for part in page.parts if part.kind is Kind.LINE and part.values.get("vat_code")):
            amount, vat_here = (Decimal(str(line.get(name) or 0)) for name in ("amount", "vat"))
            base, vat = totals.get(str(line["vat_code"]), (Decimal(0), Decimal(0)))
            totals[str(line["vat_code"])] = base + amount, vat + vat_here
    return totals


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def shops(tmp_path: Path, books: Books) -> Iterator[Sequence[OrdersHarness]]:
    databases = [new_database(tmp_path / f"{shop}.sqlite") for shop in ("here", "there")]
    yield [
        OrdersHarness(database, books, MemoryConnector(orders, system="mplus"))
        for database, orders in zip(databases, (HERE, THERE), strict=True)
    ]
    for database in databases:
        database.close()


def test_the_ledger_of_two_shops_is_what_both_tills_sold_to_the_cent(
    books: Books, shops: Sequence[OrdersHarness]
) -> None:
    first_shop, second_shop = shops
    assert first_shop.run(Mode.COMPLETE).counts.proven == len(HERE)

    run = second_shop.run(Mode.COMPLETE)
    assert second_shop.causes(run) == dict.fromkeys(("there-1", "there-2"), "reference_of_another")
    assert run.counts.proven == 1  # of whose number the first shop has none
    assert of_ledger(books) == of_tills(*HERE, THERE[2])

    second_shop.settings["reference_prefix"] = "KP-"
    plan = second_shop.preview(Mode.COMPLETE)
    second_shop.decides = {"settings": "another prefix once more"}
    with pytest.raises(PlanStaleError):
        second_shop.approve(plan)
    assert of_ledger(books) == of_tills(*HERE, THERE[2])

    assert second_shop.run(Mode.COMPLETE).counts.proven == 2
    assert of_ledger(books) == of_tills(*HERE, *THERE)

    till = first_shop.connectors["mplus"]
    assert isinstance(till, MemoryConnector)
    till.put(AGAIN)
    run = first_shop.run(Mode.COMPLETE)
    assert (first_shop.causes(run), run.counts.unchanged) == ({AGAIN.key: "reference_of_another"}, len(HERE))
    assert of_ledger(books) == of_tills(*HERE, *THERE)


def test_a_sale_of_the_same_number_and_content_is_known_by_the_id_of_the_till(
    books: Books, shops: Sequence[OrdersHarness]
) -> None:
    first_shop, second_shop = shops
    for shop in shops:
        shop.settings["context"] = replace(TOLD, till_ids=("posting",))
    till = second_shop.connectors["mplus"]
    assert isinstance(till, MemoryConnector)
    till.put(shop_order(1, "there", ("2", "12.10", "10.00")))
    first_shop.run(Mode.COMPLETE)

    run = second_shop.run(Mode.COMPLETE)
    assert second_shop.causes(run) == dict.fromkeys(("there-1", "there-2"), "reference_of_another")
    assert of_ledger(books) == of_tills(*HERE, THERE[2])


# ---- closed days


class SharedLedger(Ledger):
    """Books of two consoles: they know no keys, and find a page by its link or by its reference."""

    def _keep(self, record: Record):  # type: ignore[no-untyped-def]  # noqa: ANN202
        return super()._keep(replace(record, key=str(record.values["reference"])))

    def account_total(self, account: str) -> Decimal:
        """Return the total of an account over all pages of the day."""
        rows = (entry.values for entry in self.fetch(Kind.ENTRY, [DAY.isoformat()]))
        return sum((Decimal(str(row["amount"])) for row in rows if row["account"] == account), Decimal(0))


@pytest.fixture
def ledger() -> SharedLedger:
    return SharedLedger(system="accountview", evidence=("reference",))


@pytest.fixture
def consoles(tmp_path: Path, ledger: SharedLedger) -> Iterator[Sequence[DayHarness]]:
    databases = [new_database(tmp_path / f"{shop}.sqlite") for shop in ("here", "there")]
    yield [DayHarness(database, ledger, prefix) for database, prefix in zip(databases, ("MP-", "KP-"), strict=True)]
    for database in databases:
        database.close()


def test_both_shops_book_a_day_of_the_same_date_branch_and_amounts_and_know_their_own_alone(
    ledger: SharedLedger, consoles: Sequence[DayHarness]
) -> None:
    first_console, second_console = consoles
    assert first_console.run(Mode.COMPLETE).counts.proven == 1
    once = ledger.account_total("1010")

    assert second_console.run(Mode.COMPLETE).counts.proven == 1
    assert {*ledger.records_of(Kind.DAY_PAGE)} == {"MZ6101700100", "KZ6101700100"}
    assert ledger.account_total("1010") == 2 * once != 0

    for shop, reference in ((first_console, "MZ6101700100"), (second_console, "KZ6101700100")):
        assert shop.run(Mode.COMPLETE).counts.unchanged == 1
        report = shop.days.check(DAY, "1")
        assert (report.state, report.findings, report.difference) == (DayState.EQUAL, (), Decimal(0))
        assert [page.reference for page in report.pages] == [reference]
    assert len(ledger.writes) == 2

    second_console.till.put(later_day())
    assert [*second_console.causes(second_console.preview(Mode.COMPLETE)).values()] == ["day_changed_after_booking"]
    assert first_console.run(Mode.COMPLETE).counts.unchanged == 1
    assert first_console.days.check(DAY, "1").state is DayState.EQUAL


def test_a_day_beside_those_of_another_console_with_the_same_prefix_waits_until_their_number_was_typed(
    consoles: Sequence[DayHarness],
) -> None:
    console, _ = consoles
    console.foreign_documents = lambda: ForeignDocuments(("MZ6101600100",), "MP-", "AP-")
    plan = console.preview(Mode.COMPLETE)
    assert [(brake.code, brake.count) for brake in plan.brakes] == [("brake_foreign_documents", 1)]
    assert console.commit(plan).state is RunState.DONE
    assert console.accepted == {"mz6101600100"}
