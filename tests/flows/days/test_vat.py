"""A day books each document under the VAT code that its own posting has: by country, VAT number and VAT method."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.core.missing_codes import missing_codes_in
from integration.core.records import Kind, Record, Value
from integration.flows.days.logic import DaysLogic, ShopIdentity, SystemFacts, Tables
from integration.flows.days.queries import DayQueries
from integration.flows.days.settings import DaySettings
from integration.flows.orders.bookings import BookingContext
from integration.flows.orders.logic import OrdersLogic
from integration.flows.orders.settings import OrderSettings
from tests.flows.days.test_logic import BODY, SUNDAY, page, parked_issue
from tests.flows.orders.tills import BODY as RULES
from tests.flows.orders.tills import TURNOVER, Questions, booking, booking_settings, lines_of, with_tables
from tests.parts import part

DAY = date(2026, 10, 17)
RATES = {"1": 9, "2": 21, "3": 0}  # percent, by the till's VAT code
VAT_ROWS = {
    "1": "2", "2": "1", "3": "3", "BE:1": "7", "BE:2": "6", "1:none": "3", "2:none": "3", "NL:2:yes": "8",
    "DE:2:no": "9",
}  # fmt: skip
OF_BOOKS = {"1": 21, "2": 9, "3": 0, "6": 21, "7": 9, "8": 21, "9": 21}
PERCENTAGES = (
    {code: Decimal(rate) for code, rate in OF_BOOKS.items()}, {code: Decimal(rate) for code, rate in RATES.items()},
)  # fmt: skip
ACCOUNTS = {"10": "8000", "20": "8010", "": "8020"}  # by turnover group; the last is what has none
NUMBERS = {"NL": "NL004495445B01", "BE": "BE0428759497", "DE": "DE136695976", "US": "12-3456789"}


class Sold(NamedTuple):
    """A document in whole cents: its lines are turnover group, VAT code and amount with VAT."""

    number: int
    lines: tuple[tuple[str, str, int], ...]
    country: str = ""
    has_number: bool = False
    method: str = "inclusive"
    kind: Kind = Kind.RECEIPT


# ---- the second opinion, which uses no code of the product


def expected_code(document: Sold, code: str) -> str:
    """The VAT code that a bookkeeper reads from the rows above."""
    if document.method == "none":
        return "3"
    country = document.country or "NL"
    if country == "BE":
        return {"1": "7", "2": "6", "3": "3"}[code]
    if code == "2" and country == "NL" and document.has_number:
        return "8"
    if code == "2" and country == "DE" and not document.has_number:
        return "9"
    return {"1": "2", "2": "1", "3": "3"}[code]


def vat_cents(document: Sold, code: str, cents: int) -> int:
    """The VAT in an amount, in cents, halves away from zero."""
    rate = 0 if document.method == "none" else RATES[code]
    return (2 * abs(cents) * rate + 100 + rate) // (2 * (100 + rate)) * (1 if cents >= 0 else -1)


def expected_vat(documents: Sequence[Sold]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return base and VAT in cents on each account under each VAT code."""
    totals: dict[tuple[str, str], tuple[int, int]] = {}
    for document in documents:
        for group, code, cents in document.lines:
            where, vat = (ACCOUNTS[group], expected_code(document, code)), vat_cents(document, code, cents)
            base, tax = totals.get(where, (0, 0))
            totals[where] = base + cents - vat, tax + vat
    return {where: sums for where, sums in totals.items() if sums != (0, 0)}


# ---- the same as the till tells it, and what the flows make of it


def euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def record_of(document: Sold) -> Record:
    parts: list[Record] = []
    split: dict[str, tuple[int, int]] = {}
    total = 0
    for place, (group, code, cents) in enumerate(document.lines, start=1):
        vat = vat_cents(document, code, cents)
        values: dict[str, Value] = {
            "turnover_group": group, "vat_code": code, "amount_incl": euros(cents), "amount_excl": euros(cents - vat),
            "quantity": Decimal(1), "price_incl": euros(cents), "price_excl": euros(cents - vat), "text": "Iets",
            "article": "1001", "code": "1001",
        }  # fmt: skip
        parts.append(Record(Kind.LINE, str(place), values))
        base, tax = split.get(code, (0, 0))
        split[code] = base + cents - vat, tax + vat
        total += cents
    parts += [
        Record(Kind.VAT, f"vat:{code}", {"code": code, "excl": euros(base), "vat": euros(tax)})
        for code, (base, tax) in split.items()
    ]
    parts.append(Record(Kind.PAYMENT, "1", {"method": "PIN", "type": "eft", "amount": euros(total), "date": DAY}))
    if document.country or document.has_number:
        number = NUMBERS.get(document.country or "NL", "") if document.has_number else ""
        customer: dict[str, Value] = {"name": "Klant", "country": document.country, "vat_number": number}
        parts.append(Record(Kind.RELATION, "customer", customer))
    fields: dict[str, Value] = {
        "number": f"1.1.2026.{document.number}", "type": str(document.kind).upper(), "date": DAY, "branch": "1",
        "entered": datetime(2026, 10, 17, 9, tzinfo=UTC), "vat_method": document.method, "country": document.country,
        "relation": str(document.number) if document.country or document.has_number else "", "total_incl": euros(total),
        "total_excl": euros(sum(base for base, _ in split.values())), "digest": f"d{document.number}", "state": "paid",
    }  # fmt: skip
    return Record(document.kind, f"id-{document.number}", fields, tuple(parts))


def day_of(documents: Sequence[Sold], records: Sequence[Record] = ()) -> Record:
    """The day of these documents, with the till's own sums of them."""
    groups: dict[tuple[str, str, str], tuple[int, int]] = {}
    for document in documents:
        for group, code, cents in document.lines:
            incl, vat = groups.get((str(document.kind), group, code), (0, 0))
            groups[str(document.kind), group, code] = incl + cents, vat + vat_cents(document, code, cents)
    parts = [*_answers(groups), *(records or map(record_of, documents))]
    values: dict[str, Value] = {"date": DAY, "branch": "1", "branch_name": "Utrecht", "closed": True, "digest": "d1"}
    return Record(Kind.DAY, "2026-10-17/1", values, tuple(parts))


def _answers(groups: dict[tuple[str, str, str], tuple[int, int]]) -> Iterator[Record]:
    for source, group in dict.fromkeys((source, group) for source, group, _ in groups):
        own = {key: pair for key, pair in groups.items() if key[:2] == (source, group)}
        incl, vat = (sum(pair[place] for pair in own.values()) for place in (0, 1))
        about: dict[str, Value] = {
            "source": source, "group": group, "name": f"Groep {group}", "type": "turnover" if group else "unknown",
        }  # fmt: skip
        excl = {"incl": euros(incl), "excl": euros(incl - vat)}
        yield Record(Kind.TURNOVER, f"journal:{source}:{group}", {**about, "book": "journal", **excl})
        for (_, _, code), (gross, tax) in own.items():
            rated: dict[str, Value] = {"vat_code": code, "vat_percent": Decimal(RATES[code]), "vat": euros(tax)}
            amounts = {"incl": euros(gross), "excl": euros(gross - tax)}
            key = f"financial:{source}:{group}:{code}"
            yield Record(Kind.TURNOVER, key, {**about, "book": "financial", **rated, **amounts})
    for source in dict.fromkeys(source for source, _, _ in groups):
        for code in dict.fromkeys(code for own, _, code in groups if own == source):
            own = {key: pair for key, pair in groups.items() if (key[0], key[2]) == (source, code)}
            incl, vat = (sum(pair[place] for pair in own.values()) for place in (0, 1))
            vat_values: dict[str, Value] = {"source": source, "code": code, "percent": Decimal(RATES[code])}
            amounts = {"excl": euros(incl - vat), "vat": euros(vat)}
            yield Record(Kind.VAT, f"{source}:{code}", {**vat_values, **amounts})
        paid = sum(incl for (own, _, _), (incl, _) in groups.items() if own == source)
        values: dict[str, Value] = {
            "source": source,
            "method": "PIN",
            "type": "eft",
            "name": "Pin",
            "amount": euros(paid),
        }
        yield Record(Kind.PAYMENT, f"{source}:PIN", values)


def days(countries: dict[str, str] | None = None, rows: dict[str, str] | None = None, home: str = "NL") -> DaysLogic:
    accounts = {group or "0": account for group, account in ACCOUNTS.items()}
    return DaysLogic(
        DaySettings(daybook="600", collective_account="1300", counts="when_there"), BODY, 1,
        Tables(accounts, {"PIN": "1010"}, VAT_ROWS if rows is None else rows, {}, {}, countries=countries or {}),
        SystemFacts(line_fields=("vat_base",), rates=PERCENTAGES[0], till_rates=PERCENTAGES[1]),
        part(
            DayQueries, links=lambda _: {}, debtors=lambda _: {"1": "10001"}, item=lambda record: record.key,
            unbooked=lambda _: (), booked_alone=lambda _: {}, separate_booking_states=lambda _: {},
            booked_payments=lambda _: {},
            foreign_ledger_rows=lambda _: (), beyond_orders=lambda _: (), documents=lambda *_: (),
        ),
        ShopIdentity("MP-", home), lambda: SUNDAY,
    )  # fmt: skip


def posting(document: Sold) -> Record:
    """The document as a posting of its own."""
    tables = with_tables(
        vat_codes_sales=VAT_ROWS, revenue_accounts={"*": ACCOUNTS[""]},
        turnover_accounts_sales={group: account for group, account in ACCOUNTS.items() if group},
    )  # fmt: skip
    questions, kind = Questions(), str(document.kind)
    chosen = OrderSettings(
        collective_account="1300", daybook="700", default_debtor="fallback", debtor_number="10000",
        **booking_settings(kind, "posting"),
    )  # fmt: skip
    return booking(
        record_of(document),
        OrdersLogic(
            chosen,
            RULES,
            1,
            tables,
            *PERCENTAGES,
            questions.existing_articles,
            questions.find_links,
            BookingContext(TURNOVER),
        ),
    )


def line_totals(record: Record, sign: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Return turnover under each VAT code, in cents; `sign` is that of turnover."""
    totals: dict[tuple[str, str], tuple[int, int]] = {}
    for line in lines_of(record):
        if line.values["account"] in ACCOUNTS.values():
            where = str(line.values["account"]), str(line.values.get("vat_code", ""))
            base, tax = totals.get(where, (0, 0))
            amount, vat = (int(Decimal(str(line.values.get(name, 0))) * 100) * sign for name in ("amount", "vat"))
            totals[where] = base + amount, tax + vat
    return {where: sums for where, sums in totals.items() if sums != (0, 0)}


CASES = st.builds(
    Sold,
    st.just(0),
    st.lists(
        st.tuples(st.sampled_from(list(ACCOUNTS)), st.sampled_from(list(RATES)), st.integers(-9_999, 30_000)),
        min_size=1, max_size=4,
    ).map(tuple),
    st.sampled_from(["", "NL", "BE", "DE", "US"]),
    st.booleans(),
    st.sampled_from(["inclusive", "inclusive", "none"]),
    st.sampled_from([Kind.RECEIPT, Kind.INVOICE]),
)  # fmt: skip


def is_abroad(document: Sold) -> bool:
    """Return True for a document of a company with a VAT number of another country, which a day leaves out."""
    return document.has_number and document.country not in ("", "NL")


@settings(max_examples=25, deadline=None)
@given(st.lists(CASES, min_size=1, max_size=7))
def test_a_day_is_what_its_documents_are_as_postings(documents: list[Sold]) -> None:
    documents = [
        document._replace(number=place) for place, document in enumerate(documents, start=1) if not is_abroad(document)
    ]
    if not any(cents for document in documents for _, _, cents in document.lines):
        return
    expected_totals = expected_vat(documents)
    assert line_totals(page(days(), day_of(documents)), -1) == expected_totals
    together: dict[tuple[str, str], tuple[int, int]] = {}
    for document in documents:
        if any(cents for _, _, cents in document.lines):
            for where, (base, vat) in line_totals(posting(document), 1).items():
                before = together.get(where, (0, 0))
                together[where] = before[0] + base, before[1] + vat
    assert {where: sums for where, sums in together.items() if sums != (0, 0)} == expected_totals


# ---- what nobody can decide


def with_customer(document: Sold, **customer: str) -> Record:
    """The document with other values of its customer."""
    record = record_of(document)
    parts = tuple(
        replace(part, values={**part.values, **customer}) if part.kind is Kind.RELATION else part
        for part in record.parts
    )
    return replace(record, values={**record.values, "country": customer.get("country", "")}, parts=parts)


HOME = Sold(1, (("10", "2", 12_100),))


def test_a_country_that_cannot_be_read_asks_for_its_row_where_a_vat_code_goes_by_country() -> None:
    document = Sold(2, (("10", "2", 12_100),), "BE")
    day = day_of([HOME, document], [record_of(HOME), with_customer(document, country="Belgenland")])
    issue = parked_issue(days(), day)
    assert (issue.cause, issue.facts["table"], issue.facts["value"]) == ("value_unmapped", "countries", "Belgenland")
    assert issue.facts["document"] == "1.1.2026.2"
    row = {("8000", "1"): (10_000, 2_100), ("8000", "6"): (10_000, 2_100)}
    assert line_totals(page(days({"Belgenland": "BE"}), day), -1) == row
    at_home = {("8000", "1"): (20_000, 4_200)}
    assert line_totals(page(days(rows={"2": "1"}), day), -1) == at_home  # no row is for a country


def test_a_sale_without_vat_waits_for_its_row_in_the_day_and_as_a_posting() -> None:
    document = Sold(2, (("10", "2", 10_000),), method="none")
    issue = parked_issue(days(rows={"2": "1"}), day_of([HOME, document]))
    assert (issue.cause, issue.facts["document"]) == ("day_vat_implausible", "1.1.2026.2")
    assert line_totals(page(days(), day_of([HOME, document])), -1)["8000", "3"] == (10_000, 0)


@pytest.mark.parametrize("customer", [
    {"country": "BE", "vat_number": "BE0428759497"},
    {"country": "BE", "vat_number": "0428.759.497"},
    {"country": "Belgie", "vat_number": "0428759497"},
    {"country": "Griekenland", "vat_number": "094259216"},
])  # fmt: skip
@pytest.mark.parametrize("code", ["2", "3"])
def test_a_receipt_without_vat_for_a_company_abroad_parks_the_day(customer: dict[str, str], code: str) -> None:
    document = Sold(2, (("10", code, 10_000),), "BE", has_number=True, method="none")
    issue = parked_issue(days(), day_of([HOME, document], [record_of(HOME), with_customer(document, **customer)]))
    assert (issue.cause, issue.facts["document"]) == ("day_sale_abroad_untaxed", "1.1.2026.2")


def test_a_company_in_the_country_of_the_shop_is_none_abroad() -> None:
    document = Sold(2, (("10", "2", 10_000),), "BE", has_number=True, method="none")
    day_page = page(days(home="BE"), day_of([HOME, document]))
    assert line_totals(day_page, -1)["8000", "3"] == (10_000, 0)


def test_a_code_without_a_row_is_asked_for_with_the_country_of_its_document() -> None:
    document = Sold(2, (("10", "1", 10_900),), "DE")
    issue = parked_issue(days(rows={"2": "1", "NL:1": "2"}), day_of([HOME, document]))
    (code,) = missing_codes_in(issue.facts)
    assert (code.cause, code.facts["document"], code.facts["country"]) == ("vat_code_unmapped", "1.1.2026.2", "DE")
    day_page = page(days(rows={"NL:2": "1"}), day_of([HOME]))
    assert line_totals(day_page, -1) == {("8000", "1"): (10_000, 2_100)}  # a row for the country of the shop is one


def test_a_row_with_a_code_that_the_books_lack_is_named() -> None:
    document = Sold(2, (("10", "2", 12_100),), "BE")
    issue = parked_issue(days(rows={"2": "1", "BE:2": ""}), day_of([HOME, document]))
    assert (issue.cause, issue.facts["row"], issue.facts["document"]) == ("vat_row_impossible", "BE:2", "1.1.2026.2")
