"""Payments booked with their document are on the accounts of their methods; unpaid amounts stay open."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from integration.core.links import Link
from integration.core.plan import Change, diff
from integration.core.records import Kind, Record
from integration.core.totals.categories import Purpose
from integration.flows.orders.credits import credit
from integration.flows.orders.logic import OrdersLogic
from integration.flows.orders.payments import digest_of
from integration.flows.orders.spec import ORDERS
from integration.services.runs.exceptions import missing_row
from tests.flows.orders import oracle
from tests.flows.orders.test_balances import TABLES, euros, sale_of, till_without_card_links
from tests.flows.orders.tills import PAPERS, TOLD, Questions, booking, lines_of, orders, parked_issue

METHODS = {**oracle.METHODS, oracle.ON_ACCOUNT: "1300"}
PAID = {**TABLES, "method_accounts": METHODS}
LEDGERS = replace(TOLD, collective={"1300"})
REPAIR = oracle.Sold("50", "1", 5450, 5000)
WITH: dict[str, Any] = {"becomes": "posting", "payments_of_orders": "document", "context": LEDGERS, "tables": PAID}


def paying(*lines: oracle.Sold, **methods: int) -> Record:
    """Return a document of which the till reports only the list of payments."""
    record = sale_of(*lines, **methods)
    values = {name: value for name, value in record.values.items() if name != "paid"}
    parts = tuple(
        _of_type(part, "deposit") if part.values.get("method") == "DEPOSIT" else part for part in record.parts
    )
    return replace(record, values=values, parts=parts)


def _of_type(part: Record, type_: str) -> Record:
    return replace(part, values={**part.values, "type": type_})


def telling(record: Record, **values: Any) -> Record:
    return replace(record, values={**record.values, **values})


def account_totals(document: Record) -> dict[str, Decimal]:
    """Return the totals by account of page lines without VAT code; all other lines are under an empty account."""
    totals: dict[str, Decimal] = {}
    for line in lines_of(document):
        values = line.values
        account = "" if values.get("vat_code") else str(values["account"])
        amount, vat = values["amount"], values["vat"]
        assert isinstance(amount, Decimal)
        assert isinstance(vat, Decimal)
        totals[account] = totals.get(account, Decimal(0)) + amount + (0 if document.values["gross"] else vat)
    return totals


def debtor_amount(document: Record) -> Decimal:
    """Return the amount that a page leaves on its debtor: the sum of all its lines."""
    return sum(account_totals(document).values(), Decimal(0))


def test_payments_stand_on_the_accounts_of_their_methods_and_leave_nothing_open() -> None:
    document = booking(paying(REPAIR, PIN=3000, CASH=2450), **WITH)
    assert account_totals(document) == {"": Decimal("54.50"), "1010": Decimal("-30.00"), "1000": Decimal("-24.50")}
    assert debtor_amount(document) == document.values["open"] == 0
    assert document.values["paid"] == Decimal("54.50")
    assert document.values["booked_incl"] == document.values["sold_incl"] == Decimal("54.50")
    assert [line.values["text"] for line in lines_of(document)][1:] == ["2026.1 PIN", "2026.1 CASH"]


def test_each_payment_of_a_method_has_a_line_of_its_own() -> None:
    record = paying(REPAIR, PIN=3000)
    second_payment = replace(
        record.parts[-1], key="payment:2", values={**record.parts[-1].values, "amount": euros(1000)}
    )
    document = booking(replace(record, parts=(*record.parts, second_payment)), **WITH)
    assert [line.values["amount"] for line in lines_of(document)] == [euros(5000), euros(-3000), euros(-1000)]


@pytest.mark.parametrize(("paid", "rest"), [({}, 5450), ({"PIN": 2000}, 3450), ({"CASH": 6000}, -550)])
def test_what_is_not_paid_stays_open_and_what_is_paid_too_much_as_well(paid: dict[str, int], rest: int) -> None:
    document = booking(paying(REPAIR, **paid), **WITH)
    assert debtor_amount(document) == document.values["open"] == euros(rest)


def test_change_is_a_payment_as_the_till_tells_it() -> None:
    record = paying(REPAIR, CASH=6000)
    change = replace(record.parts[-1], key="payment:2", values={**record.parts[-1].values, "amount": euros(-550)})
    document = booking(replace(record, parts=(*record.parts, change)), **WITH)
    assert account_totals(document)["1000"] == euros(-5450)
    assert debtor_amount(document) == 0


def test_what_is_sold_on_account_is_no_payment() -> None:
    document = booking(paying(REPAIR, PIN=2000, INVOICE=3450), **WITH)
    assert "1300" not in account_totals(document)
    assert debtor_amount(document) == document.values["open"] == Decimal("34.50")


def test_a_gift_card_lowers_what_its_sale_raised() -> None:
    card = oracle.Sold("80", "4", 2500, 2500)
    document = booking(paying(REPAIR, card, GIFTCARD=3000, PIN=4950), **WITH)
    assert account_totals(document)["1560"] == euros(2500 - 3000)
    other = {**PAID, "balance_accounts": {**TABLES["balance_accounts"], "80": "1561"}}
    assert account_totals(booking(paying(REPAIR, GIFTCARD=5450), **{**WITH, "tables": other}))["1561"] == euros(-5450)


def test_a_card_that_a_person_calls_multi_purpose_goes_to_the_only_account_of_cards() -> None:
    options = {**WITH, **till_without_card_links(), "gift_cards": {"BON": Purpose.MULTI}}
    options["context"] = replace(options["context"], collective={"1300"})
    assert account_totals(booking(paying(REPAIR, BON=5450), **options))["1560"] == euros(-5450)


def test_a_single_purpose_voucher_stands_on_the_page_once_and_with_its_vat() -> None:
    document = booking(paying(REPAIR, VOUCHER=2725, PIN=2725), **WITH)
    assert account_totals(document) == {"": Decimal("27.25"), "1010": Decimal("-27.25")}
    assert debtor_amount(document) == 0
    assert document.values["redeemed"] == Decimal("27.25")


def test_the_rounding_of_cash_goes_to_its_account() -> None:
    record = paying(oracle.Sold("50", "1", 5452, 5002), CASH=5450, ROUNDING=2)
    document = booking(record, rounding_account="4411", **WITH)
    assert account_totals(document) == {"": Decimal("54.52"), "1000": Decimal("-54.50"), "4411": Decimal("-0.02")}
    assert account_totals(booking(record, **WITH))["4410"] == Decimal(
        "-0.02"
    )  # the row of the method, where none is set


def test_a_down_payment_is_taken_off_when_it_is_used() -> None:
    document = booking(paying(REPAIR, DEPOSIT=2000, PIN=3450), **WITH)
    assert account_totals(document)["1575"] == Decimal("-20.00")
    assert debtor_amount(document) == 0
    bare = {**PAID, "method_accounts": {"PIN": "1010"}, "balance_accounts": {"down_payment": "1576"}}
    document = booking(paying(REPAIR, DEPOSIT=2000, PIN=3450), **{**WITH, "tables": bare})
    assert account_totals(document)["1576"] == Decimal("-20.00")


def test_a_method_without_an_account_waits_with_the_row_to_add() -> None:
    bare = {**WITH, "tables": {**PAID, "method_accounts": {"CASH": "1000"}}}
    issue = parked_issue(paying(REPAIR, PIN=5450), **bare)
    assert (issue.cause, issue.facts["method"]) == ("method_account_missing", "PIN")
    row = missing_row(ORDERS, issue.cause, issue.facts)
    assert row is not None
    assert (row.table.name, row.code) == ("method_accounts", "PIN")
    assert parked_issue(paying(REPAIR, BPE=5450), **bare).facts["method"] == "BPE"


@pytest.mark.parametrize(
    ("till_fields", "paid"),
    [
        ({"paid": True}, {"PIN": 2000}),
        ({"paid": True}, {}),
        ({"paid_amount": euros(5450)}, {"PIN": 2000}),
        ({"paid": True, "paid_amount": euros(5450)}, {"CASH": 5455, "ROUNDING": 5}),
    ],
)
def test_a_till_that_lists_less_than_it_says_is_paid_leaves_nothing_open_by_mistake(
    till_fields: dict[str, Any], paid: dict[str, int]
) -> None:
    issue = parked_issue(telling(paying(REPAIR, **paid), **till_fields), **WITH)
    assert (issue.cause, issue.facts["said"]) == ("payments_incomplete", "54.50")


@pytest.mark.parametrize(
    ("till_fields", "paid"),
    [
        ({"paid": True, "paid_amount": euros(5450)}, {"PIN": 5450}),
        ({"paid": True, "paid_amount": euros(5455)}, {"CASH": 5455, "ROUNDING": -5}),
        ({"paid": True, "paid_amount": euros(5450)}, {"CASH": 5455, "ROUNDING": -5}),
        ({"paid": True}, {"CASH": 6000}),
        ({"paid": False, "paid_amount": euros(2000)}, {"PIN": 2000}),
        ({"paid": True}, {"INVOICE": 5450}),
    ],
)
def test_a_till_that_lists_what_it_says_is_believed(till_fields: dict[str, Any], paid: dict[str, int]) -> None:
    assert booking(telling(paying(REPAIR, **paid), **till_fields), **WITH)


@pytest.mark.parametrize("options", [{"payments_of_orders": "day"}, {"payments_of_orders": "not"}])
def test_payments_that_are_not_booked_with_a_document_leave_it_as_it_was(options: dict[str, str]) -> None:
    document = booking(paying(REPAIR, PIN=5450), **{**WITH, **options})
    assert account_totals(document) == {"": Decimal("54.50")}
    assert document.values["digest"] == "digest of order-1"
    assert {"with_payments", "paid", "open"}.isdisjoint(document.values)


@pytest.mark.parametrize("becomes", ["order", "invoice"])
def test_sales_orders_and_trade_invoices_take_no_payments(becomes: str) -> None:
    document = booking(paying(REPAIR, PIN=5450), **{**WITH, "becomes": becomes})
    assert len(lines_of(document)) == 1
    assert "with_payments" not in document.values


@pytest.mark.parametrize("basis", ["till", "incl", "excl"])
def test_amounts_are_the_same_on_a_page_with_vat_inside(basis: str) -> None:
    document = booking(paying(REPAIR, PIN=2000, GIFTCARD=1000), price_basis=basis, **WITH)
    assert debtor_amount(document) == Decimal("24.50")


# ---- what changes later


def questions_after(document: Record) -> Questions:
    """Return the answers to the logic's queries after a document was booked as planned."""
    return _BookedQuestions(document)


class _BookedQuestions(Questions):
    def __init__(self, document: Record) -> None:
        super().__init__()
        self._link = Link(Kind.POSTING, document.key, "700/2600001", document)

    def find_links(self, ids: Any) -> dict[str, Link]:
        return {self._link.key: self._link} if self._link.key in ids else {}


def cause_again(record: Record, document: Record, **options: Any) -> str:
    """Return the cause with which a document comes that was booked as `one`; nothing where it is as it was."""
    logic: OrdersLogic = orders(questions=questions_after(document), **{**WITH, **options})
    (now,) = logic.stage(PAPERS, [record])
    assert now.record is not None
    issue = logic.objection(PAPERS, now.record, None, Link(Kind.POSTING, document.key, "700/2600001", document))
    return issue.cause if issue else ""


def test_a_payment_that_comes_later_changes_what_was_booked_with_its_payments() -> None:
    first, later = paying(REPAIR, PIN=2000), paying(REPAIR, PIN=2000, CASH=3450)
    document = booking(first, **WITH)
    assert cause_again(first, document) == ""
    assert cause_again(later, document) == "document_changed_after_booking"
    assert (
        cause_again(later, document, payments_of_orders="not") == "document_changed_after_booking"
    )  # as it was booked, not as set
    identity = orders(questions=questions_after(document), **WITH).stage(PAPERS, [later])[0].record
    assert identity is not None
    assert (document.values["paid"], identity.values["paid"]) == (euros(2000), euros(5450))


def test_a_payment_that_comes_later_is_nothing_to_a_document_booked_without_payments() -> None:
    first, later = paying(REPAIR), paying(REPAIR, PIN=5450)
    document = booking(first, **{**WITH, "payments_of_orders": "not"})
    assert cause_again(later, document) == ""
    assert cause_again(later, document, payments_of_orders="document") == ""


def test_the_order_of_payments_says_nothing() -> None:
    record = paying(REPAIR, PIN=2000, CASH=3450)
    turned = replace(record, parts=tuple(reversed(record.parts)))
    assert digest_of(record, with_payments=True) == digest_of(turned, with_payments=True)
    assert digest_of(record, with_payments=False) == "digest of order-1"


def test_the_credit_of_a_document_gives_its_payments_back() -> None:
    logic = orders(**WITH)
    document = booking(paying(REPAIR, PIN=2000), logic)
    change = diff(document, None, None, logic.policy, title="1")
    assert isinstance(change, Change)
    back = credit(replace(change, agreed=document), {})  # as the runner keeps it
    assert back is not None
    assert debtor_amount(replace(back.desired, values={**back.desired.values, "gross": False})) == -debtor_amount(
        document
    )
    assert back.agreed.values["open"] == Decimal("-34.50")


# ---- revenue by turnover group


def test_revenue_of_a_group_with_a_row_goes_there_before_any_vat_code() -> None:
    tables = {**TABLES, "turnover_accounts_sales": {"10": "8000", "50": "8040", "50/2": "8041"}}
    lines = oracle.sold_lines([("10", "2", 1210), ("50", "1", 5450), ("50", "2", 2420), ("30", "2", 605)])
    document = booking(paying(*lines), becomes="posting", tables=tables)
    amounts = {str(line.values["account"]): line.values["amount"] for line in lines_of(document)}
    split = {line.group + line.code: euros(line.excl) for line in lines}
    assert amounts == {
        "8000": split["102"] + split["302"], "8040": split["501"], "8041": split["502"],
    }  # fmt: skip


def test_a_row_of_the_balance_accounts_comes_before_one_for_revenue() -> None:
    tables = {**TABLES, "turnover_accounts_sales": {"80": "8000"}}
    card = oracle.Sold("80", "4", 2500, 2500)
    assert lines_of(booking(paying(card), becomes="posting", tables=tables))[0].values["account"] == "1560"
