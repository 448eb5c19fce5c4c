"""The VAT code of the books is decided per document, and the charged VAT must match its rate."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.days.books import DayBooks, DecidedVat, Voucher
from integration.core.days.documents import DayDocument
from integration.core.records import Kind, Record
from integration.core.totals.categories import Purpose
from tests.core.days.example import BOOKS, document, euros, missing
from tests.core.days.test_page import page_for, refusal_of, with_parts

ABROAD = {("BE", "2"): "6", ("DE", "2"): "7"}


def decide(document: DayDocument | None, code: str) -> DecidedVat:
    """By country and VAT method, as a table of VAT codes with rows for BE:2, DE:2 and 2:none decides."""
    if document is None:
        return DecidedVat(BOOKS.vat_codes.get(code, ""))
    country = str(document.record.values.get("country") or "NL")
    if country == "??":
        return DecidedVat("", {"country": country})
    if document.method == "none" and code == "2":
        return DecidedVat("3")
    return DecidedVat(ABROAD.get((country, code)) or BOOKS.vat_codes.get(code, ""), {"country": country})


DECIDED = replace(
    BOOKS, decide_vat=decide, rates={**BOOKS.rates, "6": Decimal(21), "7": Decimal(19)},
    vat_accounts={**BOOKS.vat_accounts, "6": "1500", "7": "1500"}, systems=("mplus", "accountview"),
)  # fmt: skip


def one_line_receipt(
    number: str, incl: str, vat: str, country: str = "NL", group: str = "20", paid: str = "PIN"
) -> Record:
    """A receipt of one line under the till's code 2, with the VAT that was charged."""
    net = euros(incl) - euros(vat)
    method = "inclusive" if euros(vat) else "none"
    receipt = document(number, f"{group}/2 {incl}", f"2 {net} {vat}", f"{paid} {incl}", method=method)
    parts = tuple(
        replace(part, values={**part.values, "amount_excl": net}) if part.kind is Kind.LINE else part
        for part in receipt.parts
    )
    return replace(receipt, values={**receipt.values, "country": country}, parts=parts)


def day(*documents: Record, vat: str = "", **financial: str) -> Record:
    """The day of these receipts under the till's code 2; `vat` replaces the amount in its list."""
    groups: dict[str, tuple[int, int]] = {}
    methods: dict[str, int] = {}
    for record in documents:
        for part in record.parts:
            if part.kind is Kind.LINE:
                group = str(part.values["turnover_group"])
                before = groups.get(group, (0, 0))
                incl, excl = (int(Decimal(str(part.values[name])) * 100) for name in ("amount_incl", "amount_excl"))
                groups[group] = before[0] + incl, before[1] + excl
            elif part.kind is Kind.PAYMENT:
                method = str(part.values["method"])
                methods[method] = methods.get(method, 0) + int(Decimal(str(part.values["amount"])) * 100)
    rows = [f"receipt {key}/2 {incl} {excl} {incl - excl}" for key, (incl, excl) in groups.items()]
    every = sum(incl for incl, _ in groups.values())
    vat_cents = int(Decimal(vat) * 100) if vat else sum(incl - excl for incl, excl in groups.values())
    return with_parts(
        journal={"receipt": groups}, financial=tuple(financial.get(row.split("/")[0][8:], row) for row in rows),
        payments={"receipt": methods}, vat={"receipt": {"2": (every - vat_cents, vat_cents)}}, counts=(),
        documents=documents,
    )  # fmt: skip


def turnover_lines(record: Record, books: DayBooks = DECIDED) -> list[tuple[str, str, Decimal, Decimal, Sequence[str]]]:
    """Account, VAT code, base and VAT of the turnover on the page of a day, with the documents."""
    lines = (line for line in page_for(record, books).lines if line.about == "turnover")
    return [(line.account, line.vat_code, -line.amount, -line.vat, line.documents) for line in lines]


HOME, BELGIAN, GERMAN = (
    one_line_receipt("1", "121.00", "21.00"),
    one_line_receipt("2", "60.50", "10.50", "BE"),
    one_line_receipt("3", "119.00", "19.00", "DE"),
)
UNTAXED = one_line_receipt("4", "100.00", "0.00")


def test_each_document_stands_under_the_code_of_its_country_and_method() -> None:
    assert turnover_lines(day(HOME, BELGIAN, GERMAN, UNTAXED)) == [
        ("8010", "1", euros(100), euros(21), ("1",)),
        ("8010", "3", euros(100), euros(0), ("4",)),
        ("8010", "6", euros(50), euros("10.50"), ("2",)),
        ("8010", "7", euros(100), euros(19), ("3",)),
    ]
    assert turnover_lines(day(BELGIAN)) == [
        ("8010", "6", euros(50), euros("10.50"), ("2",))
    ]  # with no other one on the day


def test_a_free_line_decides_no_code() -> None:
    free = one_line_receipt("0", "0.00", "0.00", "BE")
    assert turnover_lines(day(free, HOME)) == [("8010", "1", euros(100), euros(21), ("0", "1"))]


def composed_receipt(number: str, country: str, vat: str = "2 100.00 21.00 1 100.00 9.00") -> Record:
    """A receipt of one composed article with two VAT codes, so that its line has none."""
    receipt = document(number, "20/2 230.00", vat, "PIN 230.00")
    parts = tuple(
        replace(part, values={**part.values, "vat_code": ""}) if part.kind is Kind.LINE else part
        for part in receipt.parts
    )
    return replace(receipt, values={**receipt.values, "country": country}, parts=parts)


def day_with(composed: Record, *others: Record, high: tuple[int, int] = (10000, 2100)) -> Record:
    """The day of a composed receipt and receipts of 121.00."""
    count = len(others)
    base, vat = high[0] + count * 10000, high[1] + count * 2100
    every = base + vat + 10900
    return with_parts(
        journal={"receipt": {"20": (every, base + 10000)}},
        financial=(f"receipt 20/2 {base + vat} {base} {vat}", "receipt 20/1 10900 10000 900"),
        payments={"receipt": {"PIN": every}}, vat={"receipt": {"2": (base, vat), "1": (10000, 900)}}, counts=(),
        documents=(*others, composed),
    )  # fmt: skip


def test_a_composed_article_without_a_code_stands_under_the_codes_of_its_document() -> None:
    foreign, home = composed_receipt("5", "BE"), composed_receipt("5", "NL")
    low = ("8010", "2", euros(100), euros(9), ("5",))
    assert turnover_lines(day_with(foreign)) == [low, ("8010", "6", euros(100), euros(21), ("5",))]
    assert turnover_lines(day_with(home, HOME)) == [("8010", "1", euros(200), euros(42), ("1", "5")), low]
    error = refusal_of(day_with(foreign, HOME), DECIDED)
    assert (error.cause, error.facts["behind"]) == ("day_vat_undivided", "5")
    belgian = one_line_receipt("2", "121.00", "21.00", "BE")
    assert refusal_of(day_with(home, belgian), DECIDED).cause == "day_vat_undivided"


def test_a_composed_article_at_another_rate_parks_the_day_and_names_the_document() -> None:
    wrong = composed_receipt("5", "NL", vat="2 110.00 11.00 1 100.00 9.00")
    error = refusal_of(day_with(wrong, HOME, high=(11000, 1100)), DECIDED)
    assert (error.cause, error.facts["document"], error.facts["expected"]) == ("day_vat_implausible", "5", "23.10")


def test_groups_are_divided_each_by_itself() -> None:
    bike = one_line_receipt("5", "12.10", "2.10", "BE", group="10")
    assert turnover_lines(day(HOME, BELGIAN, bike)) == [
        ("8000", "6", euros(10), euros("2.10"), ("5",)),
        ("8010", "1", euros(100), euros(21), ("1",)),
        ("8010", "6", euros(50), euros("10.50"), ("2",)),
    ]


def test_a_day_that_cannot_be_divided_to_the_cent_names_what_needs_another_code() -> None:
    off = day(HOME, BELGIAN, vat="31.51")
    error = refusal_of(off, DECIDED)
    assert (error.cause, error.facts["behind"]) == ("day_vat_undivided", "2")
    assert (error.facts["expected"], error.facts["found"]) == ("31.50", "31.51")
    assert turnover_lines(day(HOME, vat="21.01")) == [
        ("8010", "1", euros("99.99"), euros("21.01"), ("1",))
    ]  # none needs another


def test_a_deposit_without_vat_stays_without_a_code_where_its_day_is_divided() -> None:
    plain = one_line_receipt("6", "5.00", "0.00", group="90")
    taxed, foreign = (
        one_line_receipt("7", "12.10", "2.10", group="90"),
        one_line_receipt("8", "24.20", "4.20", "BE", group="90"),
    )
    lines = page_for(day(HOME, plain, taxed, foreign), DECIDED).lines
    rows = [(line.vat_code, line.amount, line.vat) for line in lines if line.account == "1570"]
    assert rows == [
        ("", euros(-5), euros(0)), ("1", euros(-10), euros("-2.10")), ("6", euros(-20), euros("-4.20")),
    ]  # fmt: skip


def test_a_document_without_a_code_is_named_with_what_its_row_is_for() -> None:
    (missing_code,) = missing(refusal_of(day(HOME, one_line_receipt("9", "12.10", "2.10", "??")), DECIDED))
    assert (missing_code.cause, missing_code.facts["document"], missing_code.facts["country"]) == (
        "vat_code_unmapped",
        "9",
        "??",
    )


def test_a_row_that_cannot_be_used_is_named() -> None:
    books = replace(
        DECIDED, decide_vat=lambda day_document, _: DecidedVat("", {}, "BE:2") if day_document else DecidedVat("1")
    )
    error = refusal_of(day(HOME), books)
    assert (error.cause, error.facts["row"], error.facts["system"]) == ("vat_row_impossible", "BE:2", "accountview")


def test_what_a_voucher_paid_stands_under_the_code_of_its_document() -> None:
    books = replace(
        DECIDED, vouchers={"VOUCHER": Voucher(Purpose.SINGLE, "2")},
        method_accounts={**DECIDED.method_accounts, "VOUCHER": "1565"},
    )  # fmt: skip
    receipt, other = (
        one_line_receipt("1", "121.00", "21.00", paid="VOUCHER"),
        one_line_receipt("2", "60.50", "10.50", "BE", paid="VOUCHER"),
    )
    lines = [line for line in page_for(day(receipt, other), books).lines if line.about == "payment"]
    assert [(line.vat_code, line.amount, line.vat, line.documents) for line in lines] == [
        ("1", euros(100), euros(21), ("1",)), ("6", euros(50), euros("10.50"), ("2",)),
    ]  # fmt: skip


# ---- whether VAT is what its rate makes


@pytest.mark.parametrize(
    ("wrong", "books", "expected", "vat"),
    [
        (UNTAXED, BOOKS, "21.00", " 21 2"),  # without VAT, and no row for that
        (one_line_receipt("4", "109.00", "9.00"), DECIDED, "21.00", "mplus 21 2"),  # at another rate
        (one_line_receipt("4", "121.00", "21.00", "DE"), DECIDED, "19.00", "accountview 19 7"),
        (replace(UNTAXED, values={**UNTAXED.values, "country": "DE", "vat_method": "inclusive"}), DECIDED, "19.00",
         "accountview 19 7"),
        (one_line_receipt("4", "100.03", "17.34"), DECIDED, "17.36", "mplus 21 2"),  # two cents on one line
    ],
)  # fmt: skip
def test_vat_that_its_rate_does_not_make_parks_the_day_and_names_the_document(
    wrong: Record, books: DayBooks, expected: str, vat: str
) -> None:
    error = refusal_of(day(HOME, wrong), books)
    assert (error.cause, error.facts["document"], error.facts["vat"]) == ("day_vat_implausible", "4", vat)
    assert Decimal(error.facts["expected"]) == Decimal(expected)


def test_a_cent_for_each_line_is_rounding() -> None:
    assert turnover_lines(day(one_line_receipt("1", "100.03", "17.37")), DECIDED) == [
        ("8010", "1", euros("82.66"), euros("17.37"), ("1",))
    ]


def test_the_rounding_of_many_small_lines_may_stand_on_the_large_group_of_their_document() -> None:
    receipt = document("9", "10/2 1000.00" + 30 * " 20/2 0.25", "2 832.64 174.86", "PIN 1007.50")
    record = with_parts(
        journal={"receipt": {"10": (100000, 82634), "20": (750, 630)}},
        financial=("receipt 10/2 100000 82634 17366", "receipt 20/2 750 630 120"),
        payments={"receipt": {"PIN": 100750}}, vat={"receipt": {"2": (83264, 17486)}}, counts=(), documents=(receipt,),
    )  # fmt: skip
    assert [(account, vat) for account, _, _, vat, _ in turnover_lines(record)] == [
        ("8000", euros("173.66")), ("8010", euros("1.20")),
    ]  # fmt: skip


def test_nothing_under_a_code_without_vat_has_vat() -> None:
    books = replace(DECIDED, rates={**DECIDED.rates, "6": Decimal(0)})
    assert refusal_of(day(one_line_receipt("4", "100.01", "0.01", "BE")), books).cause == "day_vat_implausible"


def test_a_code_of_which_nobody_tells_the_rate_parks_the_day() -> None:
    rates = {code: rate for code, rate in DECIDED.rates.items() if code != "6"}
    error = refusal_of(day(BELGIAN), replace(DECIDED, rates=rates))
    assert (error.cause, error.facts["code"], error.facts["system"]) == ("vat_rate_unknown", "6", "accountview")


def test_vat_that_the_till_puts_into_another_group_parks_the_day() -> None:
    receipt, other = one_line_receipt("1", "121.00", "21.00"), one_line_receipt("2", "121.00", "21.00", group="10")
    moved = {"20": "receipt 20/2 12100 12100 0", "10": "receipt 10/2 12100 7900 4200"}
    error = refusal_of(day(receipt, other, **moved), DECIDED)
    assert (error.cause, error.facts["document"]) == ("day_vat_implausible", "1")


@pytest.mark.parametrize(
    ("incl", "home", "country", "number", "is_for_the_list"),
    [
        ("100.00", "NL", "", "BE0428759497", True),
        ("0.02", "NL", "", "BE0428759497", False),
        ("100.00", "NL", "BE", "0428759497", True),  # the customer has no country, the document has one
        ("100.00", "BE", "", "BE0428759497", False),
        ("100.00", "BE", "", "NL004495445B01", True),
        ("100.00", "GR", "GR", "094259216", False),
    ],
)
def test_a_receipt_without_vat_for_a_vat_number_abroad_is_for_the_sales_list_under_any_code(
    incl: str, home: str, country: str, number: str, is_for_the_list: bool
) -> None:
    receipt = one_line_receipt("4", incl, "0.00", country)
    customer = Record(Kind.RELATION, "customer", {"number": "7", "name": "Fietsen", "vat_number": number})
    record, books = day(replace(receipt, parts=(*receipt.parts, customer))), replace(DECIDED, home=home)
    if is_for_the_list:
        assert refusal_of(record, books).cause == "day_sale_abroad_untaxed"
    else:
        assert page_for(record, books).lines
