"""Documents of a till, and their results in the logic of the flow."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tomllib import loads
from typing import Any

from integration.core.flow import Stage
from integration.core.issues import Issue, Skip
from integration.core.links import Link
from integration.core.records import Kind, Record, Value, record_from_json, record_to_json
from integration.core.staged_records import StagedRecord
from integration.core.totals.sold import VatSum
from integration.flows.orders.balances import Turnover
from integration.flows.orders.bookings import BookingContext
from integration.flows.orders.chains import NO_CHAIN_QUERIES, ChainQueries
from integration.flows.orders.logic import OrdersLogic
from integration.flows.orders.settings import OrderSettings
from integration.flows.orders.spec import FLOW
from integration.flows.spec import TargetRecord

BODY = loads((Path(__file__).parents[3] / "data" / "mappings" / "orders.toml").read_text(encoding="utf-8"))
TABLES: Mapping[str, Mapping[str, str]] = {
    "vat_codes_sales": {"1": "2", "2": "1", "3": "3", "4": "4", "5": "5"},
    "revenue_accounts": {"1": "8000", "2": "8100", "BE:1": "8200"},
}
BOOKS = {"1": Decimal(21), "2": Decimal(9), "3": Decimal(0), "4": Decimal(0), "5": Decimal(0)}
TILL = {"1": Decimal(9), "2": Decimal(21), "3": Decimal(0), "4": Decimal(0), "5": Decimal(0)}
TURNOVER = Turnover(
    types={
        **dict.fromkeys(("10", "20", "30", "40", "50", "60", "70", "8000", "8010", "8020"), "turnover"),
        "80": "balance-upgrade", "85": "balance-upgrade", "90": "refundable-deposit", "91": "refundable-deposit",
        "92": "suspense", "95": "cash-inflow", "96": "cash-inflow", "97": "cash-outflow", "99": "unknown",
    },
    vat_codes={"80": "4", "85": "1", "90": "3", "91": "2", "92": "2", "95": "4", "97": "4"},
    cards={"GIFTCARD": "80", "VOUCHER": "85"},
)  # fmt: skip
TOLD = BookingContext(TURNOVER, line_fields={"vat_base"})
DEBTORS, ADDRESSES, PAPERS = FLOW.stages[:3]
VAT_NUMBER = "NL004495445B01"


class Questions:
    """The queries of the logic, and their answers."""

    def __init__(self, articles: Collection[str] | None = None, linked: Mapping[str, str] | None = None) -> None:
        self.articles = articles
        self.booked = linked or {}
        self.asked: list[set[str]] = []

    def existing_articles(self, codes: Collection[str]) -> set[str]:
        self.asked.append(set(codes))
        return set(codes) if self.articles is None else {code for code in codes if code in self.articles}

    def find_links(self, ids: Collection[str]) -> Mapping[str, Link]:
        return {key: Link(Kind.POSTING, key, self.booked[key]) for key in ids if key in self.booked}


def booking_settings(documents: str = "order", becomes: str = "order", **more: Any) -> dict[str, Any]:
    """Return settings that book one kind of document in one form and read no other kind."""
    return {"orders": "nothing", f"{documents}s": becomes, **more}


def orders(
    body: Mapping[str, Any] = BODY,
    tables: Mapping[str, Mapping[str, str]] = TABLES,
    questions: Questions | None = None,
    context: BookingContext = TOLD,
    asks: ChainQueries = NO_CHAIN_QUERIES,
    **options: Any,
) -> OrdersLogic:
    """Return the logic with the shipped mapping; postings have their daybook."""
    book_questions = questions or Questions()
    chosen = {"collective_account": "1300", "daybook": "700", **booking_settings(**options)}
    return OrdersLogic(
        OrderSettings(**chosen),
        body,
        7,
        tables,
        BOOKS,
        TILL,
        book_questions.existing_articles,
        book_questions.find_links,
        context,
        asks,
    )


def with_rules(*rules: Mapping[str, object], without: Collection[str] = ()) -> dict[str, object]:
    """Return the shipped mapping with some rules put in the place of those for the same field."""
    targets = {rule["target"] for rule in rules} | set(without)
    return {"version": 1, "rules": [*(rule for rule in BODY["rules"] if rule["target"] not in targets), *rules]}


def with_tables(**more: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    return {**TABLES, **more}


def a_line(key: str = "1", incl: str = "12.10", excl: str = "10.00", /, **values: Value) -> Record:
    """Return one piece of an article at 21 %; further values override."""
    complete: dict[str, Value] = {
        "article": "1001", "code": "1001", "text": "Fietsbel", "quantity": Decimal(1),
        "price_incl": Decimal(incl), "price_excl": Decimal(excl), "amount_incl": Decimal(incl),
        "amount_excl": Decimal(excl), "vat_code": "2", "vat_percent": Decimal(21), "turnover_group": "40",
    }  # fmt: skip
    return Record(Kind.LINE, key, complete | values)


def a_customer(**values: Value) -> Record:
    complete: dict[str, Value] = {
        "name": "Els de Wit", "street": "Kerklaan 1", "postcode": "3511ab", "city": "Utrecht", "country": "NL",
        "email": "els@dewit.example", "phone": "030-1234567",
    }  # fmt: skip
    return Record(Kind.RELATION, "customer", complete | values)


def a_delivery(**values: Value) -> Record:
    complete: dict[str, Value] = {
        "name": "Els de Wit", "street": "Molenweg 7", "postcode": "3701 EF", "city": "Zeist", "country": "NL",
    }  # fmt: skip
    return Record(Kind.ADDRESS, "delivery", complete | values)


def an_order(
    key: str = "order-1",
    lines: tuple[Record, ...] | None = None,
    customer: Record | None = None,
    others: tuple[Record, ...] = (),
    **values: Value,
) -> Record:
    """Return an order of one customer; its split is the sum of its lines."""
    goods = (a_line(),) if lines is None else lines
    split: dict[str, VatSum] = {}
    for line in goods:
        code = str(line.values["vat_code"])
        incl, excl = line.values.get("amount_incl"), line.values.get("amount_excl")
        if isinstance(incl, Decimal) and isinstance(excl, Decimal):
            split[code] = split.get(code, VatSum()) + VatSum(excl, incl - excl)
    complete: dict[str, Value] = {
        "number": f"2026.{key.rpartition('-')[2]}", "type": "SALES-ORDER", "date": date(2026, 11, 20),
        "entered": datetime(2026, 11, 20, 9, tzinfo=UTC), "branch": "1", "workplace": "1", "employee": "101",
        "country": "NL", "vat_method": "inclusive", "relation": "1001", "cancelled": False, "paid": True,
        "total_incl": sum((vat_sum.incl for vat_sum in split.values()), Decimal(0)),
        "total_excl": sum((vat_sum.excl for vat_sum in split.values()), Decimal(0)),
        "delivery_state": "nothing", "cancel_state": "nothing", "complete_state": "nothing", "category": "1",
        "reference": "Bestelling 1", "digest": f"digest of {key}",
    }  # fmt: skip
    parts = [*goods]
    parts += [
        Record(Kind.VAT, f"vat:{place}", {"code": code, "excl": vat_sum.excl, "vat": vat_sum.vat})
        for place, (code, vat_sum) in enumerate(split.items(), start=1)
    ]
    parts.append(customer or a_customer())
    return Record(Kind.ORDER, key, complete | values, (*parts, *others))


def anonymous() -> Record:
    """Return an order without a customer."""
    order = an_order()
    parts = tuple(part for part in order.parts if part.kind is not Kind.RELATION)
    return replace(order, values={**order.values, "relation": ""}, parts=parts)


def without_values(record: Record, *names: str) -> Record:
    return replace(record, values={name: value for name, value in record.values.items() if name not in names})


def stage_record(
    record: Record, logic: OrdersLogic | None = None, stage: Stage = PAPERS, **options: Any
) -> StagedRecord:
    (result,) = (logic or orders(**options)).stage(stage, [record])
    return result


def booking(record: Record, logic: OrdersLogic | None = None, **options: Any) -> Record:
    result = stage_record(record, logic, **options)
    assert result.record is not None, result.issue or result.skip
    assert record_from_json(record_to_json(result.record)) == result.record
    return result.record


def parked_issue(record: Record, logic: OrdersLogic | None = None, stage: Stage = PAPERS, **options: Any) -> Issue:
    result = stage_record(record, logic, stage, **options)
    assert result.issue is not None, result.record or result.skip
    assert (result.record, result.skip) == (None, None)
    return result.issue


def staged_skip(record: Record, logic: OrdersLogic | None = None, **options: Any) -> Skip:
    result = stage_record(record, logic, **options)
    assert result.skip is not None, result.record or result.issue
    return result.skip


def debtor(record: Record, logic: OrdersLogic | None = None, **options: Any) -> Record:
    result = stage_record(record, logic, DEBTORS, **options)
    assert result.record is not None, result.issue
    return result.record


def lines_of(document: Record) -> tuple[Record, ...]:
    return tuple(part for part in document.parts if part.kind is Kind.LINE)


def line_of(record: Record, **options: Any) -> Mapping[str, Value]:
    (line,) = lines_of(booking(record, **options))
    return line.values


def shape_of(records: list[Record], stage: Stage, logic: OrdersLogic | None = None) -> TargetRecord:
    logic = logic or orders()
    return logic.shape(stage, logic.stage(stage, records), {}, {})


HAGGLED = a_line("1", "30.25", "25.00", quantity=Decimal(3), price_incl=Decimal("10.10"), price_excl=Decimal("8.35"))


def a_refund(key: str = "order-2", of: str = "order-1") -> Record:
    line = a_line(
        "1", "-12.10", "-10.00", quantity=Decimal(-1), price_incl=Decimal("12.10"), price_excl=Decimal("10.00")
    )
    return an_order(key, lines=(line,), credit_of=of)
