"""Amounts that are no revenue have their own account and their VAT, to the cent; otherwise the document waits."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integration.core.records import Kind, Record, Value
from integration.core.totals.categories import Purpose
from integration.flows.orders.balances import Turnover
from integration.flows.orders.bookings import BookingContext
from integration.flows.orders.spec import ORDERS
from integration.services.runs.exceptions import missing_row
from tests.flows.orders import oracle
from tests.flows.orders.tills import (
    TOLD,
    TURNOVER,
    a_line,
    an_order,
    booking,
    lines_of,
    parked_issue,
    staged_skip,
    with_tables,
)

ACCOUNTS = {**oracle.BALANCES}
TABLES = with_tables(balance_accounts=ACCOUNTS, revenue_accounts=oracle.REVENUE)
Sums = dict[tuple[str, str], tuple[int, int]]


def euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def payments_by(**methods: int) -> tuple[Record, ...]:
    types = {"PIN": "eft", "CASH": "payment"}
    return tuple(
        Record(Kind.PAYMENT, name, {"method": name, "type": types.get(name, "suspense"), "amount": euros(amount)})
        for name, amount in methods.items()
    )


def sale_of(*lines: oracle.Sold, **methods: int) -> Record:
    """Return a document of the till with these lines."""
    parts = [
        a_line(
            f"{place}", turnover_group=line.group, vat_code=line.code, vat_percent=Decimal(oracle.RATES[line.code]),
            amount_incl=euros(line.incl), amount_excl=euros(line.excl),
            price_incl=euros(line.incl), price_excl=euros(line.excl),
        )
        for place, line in enumerate(lines, start=1)
    ]  # fmt: skip
    return an_order(lines=tuple(parts), others=payments_by(**methods))


def posted_sums(record: Record, **options: Any) -> Sums:
    """Return the sums of the lines of a booking, by account and VAT code, in cents."""
    totals: Sums = {}
    for line in lines_of(booking(record, becomes="posting", tables=TABLES, **options)):
        values = line.values
        excl, vat = (int(Decimal(str(values[name])) * 100) for name in ("amount", "vat"))
        where = str(values["account"]), str(values.get("vat_code", ""))
        before = totals.get(where, (0, 0))
        totals[where] = before[0] + excl, before[1] + vat
        assert values.get("vat_base") == (values["amount"] if where[1] else None)
        assert where[1] or not vat  # no VAT without a VAT code
    return {where: sums for where, sums in totals.items() if sums != (0, 0)}


GROUPS = st.sampled_from(["10", "50", "80", "85", "90", "91", "92", "95", "97", ""])
BASKETS = st.lists(
    st.tuples(GROUPS, st.sampled_from(list(oracle.RATES)), st.integers(-20_000, 20_000)), min_size=1, max_size=7
)


@settings(max_examples=100)
@given(BASKETS, st.integers(0, 100))
@example([("85", "1", 100)], 100)  # a voucher that pays for a voucher
def test_every_basket_stands_to_the_cent_on_the_accounts_a_bookkeeper_would_take(
    basket: list[tuple[str, str, int]], share: int
) -> None:
    lines = [line for line in oracle.sold_lines(basket) if line.incl or line.excl]
    whole = sum(line.incl for line in lines if line.code == "1")
    methods = {"VOUCHER": whole * share // 100} if whole * share // 100 and whole > 0 else {}
    record = sale_of(*lines, **methods)
    if not lines:
        return
    if not (expected := oracle.booked_sums(lines, methods)):
        assert staged_skip(record, becomes="posting", tables=TABLES).reason == "document_empty"
        return
    assert posted_sums(record) == expected
    document = booking(record, becomes="posting", tables=TABLES)
    assert document.values["booked_incl"] == document.values["sold_incl"]
    assert document.values.get("redeemed", 0) == euros(sum(methods.values()))


@settings(max_examples=40)
@given(BASKETS, st.sampled_from([-1, 1]))
def test_cents_that_lines_miss_never_change_what_is_owed(basket: list[tuple[str, str, int]], off: int) -> None:
    lines = [line for line in oracle.sold_lines([*basket, ("10", "2", 12_100)]) if line.incl or line.excl]
    record = sale_of(*lines)
    parts = tuple(
        replace(
            part, values={**part.values, "excl": _add_cents(part, "excl", off), "vat": _add_cents(part, "vat", -off)}
        )
        if part.kind is Kind.VAT and part.values["code"] == "2"
        else part
        for part in record.parts
    )
    odd = replace(record, parts=parts, values={**record.values, "total_incl": None, "total_excl": None})
    expected = oracle.booked_sums(lines, {})
    totals = posted_sums(odd)
    balance_accounts = set(oracle.BALANCES.values())
    assert {where: sums for where, sums in totals.items() if where[0] in balance_accounts} == {
        where: sums for where, sums in expected.items() if where[0] in balance_accounts
    }
    for place, gap in ((0, off), (1, -off)):
        assert sum(sums[place] for sums in totals.values()) == sum(sums[place] for sums in expected.values()) + gap


def _add_cents(part: Record, name: str, cents: int) -> Value:
    amount = part.values[name]
    assert isinstance(amount, Decimal)
    return amount + euros(cents)


# ---- what is no revenue


CARD = a_line("2", "25.00", "25.00", vat_code="4", vat_percent=Decimal(0), turnover_group="80", text="Cadeaubon")


@pytest.mark.parametrize("about", [{"price_type": "gift-card"}, {"turnover_type": "balance-upgrade"}, {}])
def test_the_list_of_turnover_groups_says_what_is_no_revenue_where_a_line_does_not(about: dict[str, str]) -> None:
    order = an_order(lines=(a_line("1"), replace(CARD, values={**CARD.values, **about})))
    issue = parked_issue(order, becomes="posting")
    assert (issue.cause, issue.facts["kind"], issue.facts["group"]) == ("deposit_account_missing", "Cadeaubon", "80")
    document = booking(order, becomes="posting", tables=with_tables(balance_accounts={"80": "1560"}))
    assert {"account": "1560", "amount": Decimal("25.00")}.items() <= lines_of(document)[1].values.items()
    assert "vat_code" not in lines_of(document)[1].values


def test_a_word_for_no_revenue_counts_wherever_it_stands() -> None:
    card = replace(CARD, values={**CARD.values, "turnover_type": "turnover"})
    assert parked_issue(an_order(lines=(card,)), becomes="posting").cause == "deposit_account_missing"
    tip = a_line("1", "2.50", "2.50", vat_code="4", turnover_group="10", turnover_type="cash-inflow")
    assert parked_issue(an_order(lines=(tip,)), becomes="posting").cause == "deposit_account_missing"


@pytest.mark.parametrize("group", ["77", "99"])
def test_a_group_of_which_nobody_knows_what_it_is_for_is_never_revenue(group: str) -> None:
    line = a_line("1", "12.10", "10.00", turnover_group=group)
    issue = parked_issue(an_order(lines=(line,)), becomes="posting")
    assert (issue.cause, issue.facts["group"]) == ("turnover_group_unknown", group)
    document = booking(an_order(lines=(line,)), becomes="posting", tables=with_tables(balance_accounts={group: "8090"}))
    assert {"account": "8090", "vat_code": "1"}.items() <= lines_of(document)[0].values.items()


def test_the_row_for_all_is_for_what_is_known_to_be_no_revenue() -> None:
    tables = with_tables(balance_accounts={"*": "1560", "90": "1570"})
    document = booking(an_order(lines=(CARD,)), becomes="posting", tables=tables)
    assert lines_of(document)[0].values["account"] == "1560"
    unknown = an_order(lines=(a_line("1", turnover_group="77"),))
    assert parked_issue(unknown, becomes="posting", tables=tables).cause == "turnover_group_unknown"


def test_a_person_may_say_of_a_group_of_turnover_that_it_is_none() -> None:
    document = booking(an_order(lines=(a_line("1", turnover_group="40"),)), becomes="posting",
                  tables=with_tables(balance_accounts={"40": "1590"}))  # fmt: skip
    assert {"account": "1590", "vat_code": "1"}.items() <= lines_of(document)[0].values.items()
    nobody = with_tables(balance_accounts={"40": ""})
    assert parked_issue(an_order(lines=(a_line("1", turnover_group="40"),)), becomes="posting", tables=nobody)


def test_a_gift_card_in_a_group_of_turnover_wants_a_row_for_gift_cards_and_none_for_the_group() -> None:
    card = replace(CARD, values={**CARD.values, "turnover_group": "40", "price_type": "gift-card"})
    order = an_order(lines=(a_line("1"), card))
    issue = parked_issue(order, becomes="posting")
    assert (issue.cause, issue.facts["group"], issue.facts["type"]) == ("deposit_account_missing", "", "gift_card")
    row = missing_row(ORDERS, issue.cause, issue.facts)
    assert row is not None
    assert (row.table.name, row.code) == ("balance_accounts", "gift_card")
    document = booking(order, becomes="posting", tables=with_tables(balance_accounts={row.code: "1560"}))
    assert [line.values["account"] for line in lines_of(document)] == ["8000", "1560"]


@pytest.mark.parametrize("group", ["", "0"])
def test_a_line_without_a_group_is_revenue(group: str) -> None:
    document = booking(an_order(lines=(a_line("1", turnover_group=group),)), becomes="posting")
    assert lines_of(document)[0].values["account"] == "8000"


@pytest.mark.parametrize(("group", "cause"), [("80", "deposit_account_missing"), ("77", "turnover_group_unknown")])
def test_the_exception_leads_to_the_row_that_is_missing(group: str, cause: str) -> None:
    issue = parked_issue(an_order(lines=(a_line("1", turnover_group=group),)), becomes="posting")
    row = missing_row(ORDERS, issue.cause, issue.facts)
    assert issue.cause == cause
    assert row is not None
    assert (row.table.name, row.code) == ("balance_accounts", group)


def test_a_taxed_deposit_of_less_than_a_cent_of_vat_keeps_its_code() -> None:
    tiny = a_line("1", "0.02", "0.02", turnover_group="91")
    document = booking(an_order(lines=(tiny,)), becomes="posting", tables=TABLES)
    assert {"account": "1571", "vat_code": "1", "vat": Decimal("0.00")}.items() <= lines_of(document)[0].values.items()


@pytest.mark.parametrize("method", ["shifted", "none"])
@pytest.mark.parametrize(
    ("group", "code", "vat_code"),
    [
        ("90", "3", None),  # Dutch statiegeld
        ("90", "5", None),
        ("91", "5", "5"),  # Pfand, and a down payment
        ("91", "2", "5"),  # of a till that puts no other code
        ("92", "5", "5"),
        ("97", "3", None),
    ],
)
def test_what_is_no_revenue_keeps_its_code_without_vat_only_where_vat_would_have_been_charged(
    method: str, group: str, code: str, vat_code: str | None
) -> None:
    line = a_line("1", "3.90", "3.90", vat_code=code, vat_percent=Decimal(0), turnover_group=group)
    order = an_order(lines=(line,), vat_method=method)
    tables = {**TABLES, "vat_codes_sales": {**TABLES["vat_codes_sales"], "2": "5"}}
    (booked_line,) = lines_of(booking(order, becomes="posting", tables=tables))
    assert (booked_line.values["account"], booked_line.values.get("vat_code")) == (oracle.BALANCES[group], vat_code)


@pytest.mark.parametrize("method", ["shifted", "none"])
def test_a_deposit_without_vat_of_which_nobody_tells_whether_it_is_taxed_at_home_waits(method: str) -> None:
    context = BookingContext(Turnover(TURNOVER.types, {}, TURNOVER.cards), line_fields={"vat_base"})
    line = a_line("1", "3.90", "3.90", vat_code="3", vat_percent=Decimal(0), turnover_group="90")
    issue = parked_issue(an_order(lines=(line,), vat_method=method), becomes="posting", tables=TABLES, context=context)
    assert (issue.cause, issue.facts["group"]) == ("deposit_vat_unclear", "90")
    assert booking(an_order(lines=(line,)), becomes="posting", tables=TABLES, context=context)


def test_a_line_whose_totals_are_not_reported_is_taxed_as_its_code_is() -> None:
    line = a_line("1", turnover_group="91", amount_incl=None, amount_excl=None)
    order = an_order(lines=(line,), total_incl=None, total_excl=None)
    vat = Record(Kind.VAT, "vat:1", {"code": "2", "excl": Decimal("10.00"), "vat": Decimal("2.10")})
    document = booking(replace(order, parts=(*order.parts, vat)), becomes="posting", tables=TABLES)
    assert {"account": "1571", "vat_code": "1", "vat": Decimal("2.10")}.items() <= lines_of(document)[0].values.items()


def test_a_line_of_which_nobody_tells_whether_it_was_taxed_waits() -> None:
    line = a_line("1", turnover_group="91", amount_incl=None, amount_excl=None, vat_percent=None, vat_code="77")
    order = an_order(lines=(line,), total_incl=None, total_excl=None)
    assert parked_issue(order, becomes="posting", tables=TABLES).cause == "vat_rate_unknown"


# ---- gift cards that pay


REPAIR = oracle.Sold("50", "1", 5450, 5000)


def test_what_a_single_purpose_voucher_pays_for_is_not_taxed_again() -> None:
    lines = oracle.sold_lines([("50", "1", 5450), ("10", "2", 1295)])
    totals = posted_sums(sale_of(*lines, VOUCHER=5450, PIN=1295))
    assert totals["8100", "2"] == (5000, 450)
    assert totals["1565", "2"] == (-5000, -450)


def test_what_a_multi_purpose_gift_card_pays_for_is_taxed() -> None:
    assert posted_sums(sale_of(REPAIR, GIFTCARD=5450)) == {("8100", "2"): (5000, 450)}


def test_a_sales_order_that_a_single_purpose_voucher_paid_for_waits_for_the_books_would_tax_it_again() -> None:
    record = sale_of(REPAIR, VOUCHER=2725, PIN=2725)
    issue = parked_issue(record, becomes="order")
    assert (issue.cause, issue.facts["method"], issue.facts["amount"]) == ("voucher_on_order", "VOUCHER", "27.25")
    assert (
        parked_issue(sale_of(REPAIR, BON=5450), becomes="order", **till_without_card_links()).cause
        == "gift_card_unclear"
    )
    assert booking(sale_of(REPAIR, GIFTCARD=5450), becomes="order")


def test_the_return_of_what_a_voucher_paid_for_gives_the_voucher_back() -> None:
    back = oracle.Sold("50", "1", -5450, -5000)
    assert posted_sums(sale_of(back, VOUCHER=-5450))["1565", "2"] == (5000, 450)


@pytest.mark.parametrize("amount", [5451, -100])
def test_a_voucher_that_paid_for_more_than_was_sold_under_its_code_waits(amount: int) -> None:
    issue = parked_issue(
        sale_of(REPAIR, oracle.Sold("10", "2", 1210, 1000), VOUCHER=amount), becomes="posting", tables=TABLES
    )
    assert (issue.cause, issue.facts["amount"], issue.facts["there"]) == (
        "voucher_too_large", str(euros(amount)), "54.50",
    )  # fmt: skip


def test_several_vouchers_together_pay_for_no_more_than_was_sold() -> None:
    twice = (*payments_by(VOUCHER=3000), *(replace(payment, key="payment:2") for payment in payments_by(VOUCHER=3000)))
    record = sale_of(REPAIR)
    issue = parked_issue(replace(record, parts=(*record.parts, *twice)), becomes="posting", tables=TABLES)
    assert issue.cause == "voucher_too_large"


def till_without_card_links(**cards: str) -> dict[str, Any]:
    """Return a till that sells vouchers with VAT and reports the cards of these payment methods only."""
    return {"context": BookingContext(Turnover(TURNOVER.types, TURNOVER.vat_codes, cards), line_fields={"vat_base"})}


def test_a_method_that_may_take_vouchers_is_asked_about() -> None:
    record = sale_of(REPAIR, BON=5450)
    issue = parked_issue(record, becomes="posting", tables=TABLES, **till_without_card_links())
    assert (issue.cause, issue.facts["method"]) == ("gift_card_unclear", "BON")
    for purpose, on_account in ((Purpose.SINGLE, (-5000, -450)), (Purpose.MULTI, None), (Purpose.NONE, None)):
        totals = posted_sums(record, gift_cards={"BON": purpose}, **till_without_card_links())
        assert totals.get(("1565", "2")) == on_account
    assert posted_sums(sale_of(REPAIR, PIN=5450), **till_without_card_links()) == {("8100", "2"): (5000, 450)}


def test_a_payment_with_the_number_of_a_card_is_one_by_card() -> None:
    record = sale_of(REPAIR)
    card = Record(Kind.PAYMENT, "payment:1", {"method": "PIN", "type": "eft", "amount": euros(5450)})
    numbered = replace(card, values={**card.values, "giftcardNumber": "GC-7781"})
    assert parked_issue(replace(record, parts=(*record.parts, numbered)), becomes="posting", tables=TABLES).cause == (
        "gift_card_unclear"
    )
    assert booking(replace(record, parts=(*record.parts, card)), becomes="posting", tables=TABLES)


def test_without_vouchers_that_are_taxed_no_method_is_asked_about() -> None:
    plain = Turnover({**TURNOVER.types, "85": "turnover"}, TURNOVER.vat_codes)
    assert posted_sums(sale_of(REPAIR, BON=5450), context=BookingContext(plain, line_fields={"vat_base"}))


def test_the_rounding_of_cash_is_no_gift_card() -> None:
    record = sale_of(oracle.Sold("50", "1", 5452, 5002), CASH=5450, ROUNDING=2)
    assert posted_sums(record, **till_without_card_links()) == {("8100", "2"): (5002, 450)}


def test_books_without_a_field_for_the_taxable_amount_are_not_sent_it() -> None:
    bare = replace(TOLD, line_fields=())
    assert (
        "vat_base" not in lines_of(booking(sale_of(REPAIR), becomes="posting", tables=TABLES, context=bare))[0].values
    )


@pytest.mark.parametrize(("day", "period"), [("2026-11-20", 5), ("2026-06-30", 12), ("2027-07-02", 7)])
def test_the_period_is_that_of_the_books_where_they_tell_it(day: str, period: int) -> None:
    months = [date(2025 + (6 + place) // 12, (6 + place) % 12 + 1, 1) for place in range(25)]
    periods = {month.isoformat(): str(place % 12 + 1) for place, month in enumerate(months)}
    context = replace(TOLD, periods=periods)
    document = booking(an_order(date=date.fromisoformat(day)), becomes="posting", context=context)
    assert document.values["period"] == Decimal(period)
