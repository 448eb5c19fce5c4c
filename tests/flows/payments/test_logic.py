"""Payments for the till follow from the item in the books and from the open amount at the till."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from integration.core.booking_state import BookingStage, BookingState
from integration.core.errors import ConfigurationError, Reason
from integration.core.issues import Issue, Skip
from integration.core.links import Link
from integration.core.plan import diff
from integration.core.records import CurrentRecord, Kind, Record, Unreadable, Value
from integration.core.staged_records import StagedRecord
from integration.flows.payments.items import PAGE, REVERSAL_DAYS, PaymentQueries
from integration.flows.payments.logic import PaymentsLogic
from integration.flows.payments.settings import FLOW, PaymentSettings
from tests.flow_harness import shipped_mapping

INVOICE, ITEM, DAY = "8f3c", "MI6010101000", date(2026, 10, 17)
KEY = f"{DAY}/{ITEM}/{INVOICE}"
STAGE = FLOW.counted_stage
BOOKED: dict[str, Value] = {"reference": ITEM, "date": DAY, "sold_incl": Decimal("121.00"), "debtor_number": "20005"}


def booking_state(key: str = INVOICE, **changed: Any) -> BookingState:
    values = {**BOOKED, **changed.pop("values", {})}
    fields = {"title": "2026.1000", "reference": ITEM, "kind": Kind.POSTING, "values": values}
    return BookingState(key, BookingStage.BOOKED, **{**fields, **changed})


def item(**values: Value) -> Record:
    nothing = {name: Decimal(0) for name in ("sold", "paid", "other", "besides")}
    sold: dict[str, Value] = {"item": ITEM, "debtor": "20005", "sold": Decimal("121.00"), "paid_on": DAY}
    return Record(Kind.ITEM, KEY, {**nothing, **sold, **values})


def till_invoice(total: str = "121.00", paid: str = "0") -> Record:
    return Record(Kind.INVOICE, INVOICE, {"total_incl": Decimal(total), "paid_amount": Decimal(paid)})


def payments(
    states: Sequence[BookingState] = (booking_state(),), invoices: Sequence[Record] = (), paid: Collection[str] = (),
    method: str = "BANK", bookings: Sequence[str] = (INVOICE,),
    today: date = DAY + timedelta(days=REVERSAL_DAYS + 1), items: Sequence[Record] | None = None,
    planned_on: date | None = None,
) -> PaymentsLogic:  # fmt: skip
    states_by_key = {state.key: state for state in states}
    asks = PaymentQueries(
        bookings=lambda after, limit: [Link(Kind.POSTING, key, "700/1") for key in bookings if key > after][:limit],
        booking_states=lambda keys: {key: states_by_key[key] for key in keys if key in states_by_key},
        paid=lambda keys: {
            key: Link(
                Kind.SETTLEMENT, key, key, Record(Kind.SETTLEMENT, key, {"paid_on": DAY, "planned_on": planned_on})
            )
            for key in keys
            if key in paid
        },
        debtors=lambda keys: {"1003": "20005"} if "1003" in keys else {},
        items=lambda keys: [
            open_item
            for open_item in ([item(paid=Decimal("121.00"))] if items is None else items)
            if open_item.key in keys
        ],
        invoices=lambda keys: [invoice for invoice in invoices if invoice.key in keys],
        today=lambda: today,
    )
    return PaymentsLogic(PaymentSettings(method=method), shipped_mapping("payments"), 1, {}, asks)


def stage_record(record: Record, **options: Any) -> StagedRecord:
    (result,) = payments(**options).stage(STAGE, [record])
    return result


def desired_record(**options: Any) -> Record:
    record = stage_record(item(paid=Decimal("121.00")), **options).record
    assert record is not None
    return record


def test_a_payment_keeps_who_pays_and_where_it_was_sold() -> None:
    fields: dict[str, Value] = {"customer": "Els de Wit", "branch": "1"}
    values = desired_record(states=[booking_state(values=fields)]).values
    assert (values["debtor_number"], values["customer"], values["branch"]) == ("20005", "Els de Wit", "1")
    assert "branch" not in desired_record().values, "a booking that does not say it"


# ---- which items are asked for


def test_it_asks_for_the_item_of_each_invoice_that_was_booked_and_is_not_paid() -> None:
    assert payments().read_key_page(STAGE, None).keys == (KEY,)
    assert payments(paid=[INVOICE]).read_key_page(STAGE, None).keys == ()
    assert payments(states=[]).read_key_page(STAGE, None).keys == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"values": {"sold_incl": Decimal("-121.00")}},  # a credit
        {"values": {"open": Decimal(0)}},  # paid on its page
        {"values": {"date": None}},
        {"reference": "MO6010101000"},  # an order
        {"kind": Kind.SALES_ORDER},
    ],
)
def test_it_asks_for_nothing_that_no_payment_of_an_invoice_can_settle(changed: dict[str, Any]) -> None:
    assert payments(states=[booking_state(**changed)]).read_key_page(STAGE, None).keys == ()


def test_what_was_reversed_owes_nothing_and_what_was_booked_again_is_due_under_its_new_number() -> None:
    credit = booking_state(f"{INVOICE}#credit")
    second_booking = booking_state(f"{INVOICE}#2", reference="MA6010101000")

    assert payments(states=[booking_state(), credit]).read_key_page(STAGE, None).keys == ()
    assert payments(states=[booking_state(), credit, second_booking]).read_key_page(STAGE, None).keys == (
        f"{DAY}/MA6010101000/{INVOICE}",
    )


def test_it_asks_page_by_page() -> None:
    several = [f"{number:04}" for number in range(PAGE + 1)]
    logic = payments(states=[booking_state(key) for key in several], bookings=several)
    first = logic.read_key_page(STAGE, None)
    second = logic.read_key_page(STAGE, first.after)

    assert (len(first.keys), first.after) == (PAGE, several[PAGE - 1])
    assert ([key.rpartition("/")[2] for key in second.keys], second.after) == ([several[-1]], None)


def test_without_a_method_nothing_is_read() -> None:
    with pytest.raises(ConfigurationError, match="flow_setting_invalid"):
        payments(method="").read_key_page(STAGE, None)


# ---- what an item comes to


def test_what_came_in_whole_is_paid_by_the_method_that_is_set() -> None:
    result = stage_record(item(paid=Decimal("121.00")))
    assert result.record is not None
    change = diff(result.record, None, None, payments().policy, title=result.title)

    assert (result.key, result.record.key, result.title) == (KEY, INVOICE, "2026.1000")
    assert change.desired.values == {"amount": Decimal("121.00"), "method": "BANK"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "item_open"),
        ({"paid": Decimal("21.00")}, "item_open"),
        ({"sold": Decimal(0)}, "item_not_posted"),
        ({"other": Decimal("-21.00"), "besides": Decimal(1)}, "item_open"),
    ],
)
def test_what_is_not_paid_in_full_waits(values: dict[str, Value], reason: str) -> None:
    skip = stage_record(item(**values)).skip
    assert skip is not None
    assert skip.reason == reason


@pytest.mark.parametrize(
    "values",
    [
        {"paid": Decimal("121.01")},
        {"paid": Decimal("-1.00")},
        {"other": Decimal("-121.00"), "besides": Decimal(1)},  # written off
        {"paid": Decimal("121.00"), "other": Decimal("121.00"), "besides": Decimal(1)},
        {"paid": Decimal("121.00"), "besides": Decimal(2)},  # there and back again
        {"paid": Decimal("100.00"), "sold": Decimal("100.00")},  # another sum than was booked
        {"paid": Decimal("121.00"), "debtor": "20001, 20005"},
    ],
)
def test_rows_that_do_not_add_up_are_a_question(values: dict[str, Value]) -> None:
    issue = stage_record(item(**values)).issue
    assert issue is not None
    assert (issue.cause, issue.key) == ("item_unclear", KEY)


def test_whose_item_it_is_counts_where_the_debtor_is_known() -> None:
    relation = booking_state(values={"debtor_number": "", "debtor": "1003"})
    stranger = booking_state(values={"debtor_number": "", "debtor": "1999"})

    assert stage_record(item(paid=Decimal("121.00")), states=[relation]).record is not None
    assert stage_record(item(paid=Decimal("121.00"), debtor="20009"), states=[relation]).issue is not None
    assert stage_record(item(paid=Decimal("121.00"), debtor="20009"), states=[stranger]).record is not None


def test_an_item_that_is_not_due_any_more_takes_no_part() -> None:
    skip = stage_record(item(paid=Decimal("121.00")), states=[]).skip
    assert skip is not None
    assert (skip.reason, skip.key) == ("item_not_due", KEY)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"paid": Decimal("121.00")}, "already_in_target"),
        ({"paid": Decimal("130.00")}, "already_in_target"),  # the customer paid too much; the till is right
        ({"other": Decimal("-121.00"), "besides": Decimal(1)}, "already_in_target"),
        ({"paid": Decimal("21.00")}, "item_open_again"),
        ({}, "item_open_again"),
    ],
)
def test_an_item_that_is_open_again_after_its_payment_at_the_till_is_a_question(
    values: dict[str, Value], expected: str
) -> None:
    lately: dict[str, Any] = {"paid": [INVOICE], "today": DAY + timedelta(days=REVERSAL_DAYS)}
    result = stage_record(item(**values), **lately)

    assert payments(**lately).read_key_page(STAGE, None).keys == (KEY,)
    assert result.record is None
    assert (result.issue.cause if result.issue else result.skip and result.skip.reason) == expected


def test_the_days_in_which_a_reversal_is_noticed_begin_with_the_payment_at_the_till() -> None:
    """A bank page may be entered months after its date."""
    late = DAY + timedelta(days=REVERSAL_DAYS + 20)
    assert payments(paid=[INVOICE], today=late, planned_on=late).read_key_page(STAGE, None).keys == (KEY,)
    assert payments(paid=[INVOICE], today=late).read_key_page(STAGE, None).keys == ()
    assert desired_record(today=late).values["planned_on"] == late


# ---- what the till has


@pytest.mark.parametrize(
    ("invoices", "expected"),
    [
        ([till_invoice()], None),
        ([], "invoice_not_at_the_till"),
        ([till_invoice(paid="121.00")], "invoice_paid_at_the_till"),
        ([till_invoice(paid="21.00")], "payment_differs"),
        ([till_invoice(total="150.00")], "invoice_of_another"),
        ([till_invoice(total="150.00", paid="29.00")], "invoice_of_another"),
        ([Unreadable(Kind.INVOICE, INVOICE, {}, field="paidAmount", raw_value="x", raw="{}")], "record_unreadable"),
        ([Record(Kind.INVOICE, INVOICE, {})], "record_unreadable"),
        ([Record(Kind.INVOICE, INVOICE, {"total_incl": Decimal("121.00")})], "record_unreadable"),
        ([Record(Kind.INVOICE, INVOICE, {"total_incl": Decimal("121.00"), "state": "outstanding"})], None),
    ],
)
def test_only_an_invoice_that_is_open_by_exactly_that_much_is_paid(
    invoices: list[Record], expected: str | None
) -> None:
    conflict = payments(invoices=invoices).conflicts_between(STAGE, [desired_record()], sending=True).get(INVOICE)

    assert (conflict and (conflict.cause if isinstance(conflict, Issue) else conflict.reason)) == expected


def an_invoice(customer: str = "Els de Wit", **values: Value) -> Record:
    fields = {"number": "2026.1000", "date": DAY, "relation": "1003", **till_invoice().values, **values}
    part = Record(Kind.RELATION, "customer", {"name": customer})
    return Record(Kind.INVOICE, INVOICE, fields, (part,) if customer else ())


@pytest.mark.parametrize(
    ("invoice", "is_another"),
    [
        (an_invoice(), False),
        (an_invoice(number="2026.1001"), True),
        (an_invoice(date=date(2026, 10, 16)), False),  # of the sale; it is booked on the first open day
        (an_invoice(date=date(2025, 10, 17)), True),
        (an_invoice(total_incl=Decimal("131.00"), paid_amount=Decimal("10.00")), True),
        (an_invoice("Jan Bakker"), False),  # renamed at the till
        (an_invoice("Jan Bakker", relation="1004"), True),
        (an_invoice("E. de Wit", relation="1004"), False),
        (an_invoice("", relation="", number="", date=None), False),
    ],
)
def test_an_invoice_that_is_not_the_one_that_was_booked_is_a_question_and_is_not_paid(
    invoice: Record, is_another: bool
) -> None:
    fields: dict[str, Value] = {
        "number": "2026.1000", "sold_on": "2026-10-16/1", "customer": "Els de Wit", "debtor": "1003"
    }  # fmt: skip
    states = [booking_state(values=fields)]
    conflict = (
        payments(states=states, invoices=[invoice])
        .conflicts_between(STAGE, [desired_record(states=states)], sending=True)
        .get(INVOICE)
    )

    assert (isinstance(conflict, Issue) and conflict.cause == "invoice_of_another") is is_another
    if isinstance(conflict, Issue):
        assert conflict.facts["was"] == "2026.1000, 2026-10-16, 121.00, Els de Wit"
        assert conflict.facts["now"].startswith(str(invoice.values["number"]))


@pytest.mark.parametrize("states", [[], [booking_state(reference="MA6010101000")]])
def test_what_was_reversed_since_the_plan_is_not_paid(states: list[BookingState]) -> None:
    conflict = payments(states=states, invoices=[till_invoice()]).conflicts_between(
        STAGE, [desired_record()], sending=True
    )[INVOICE]

    assert isinstance(conflict, Skip)
    assert conflict.reason == "item_not_due"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([item(paid=Decimal("121.00"))], None),
        ([item()], "item_open"),  # deleted
        ([item(paid=Decimal("21.00"))], "item_open"),
        ([item(paid=Decimal("130.00"))], "item_unclear"),
        ([Unreadable(Kind.ITEM, KEY, {}, field="AMOUNT", raw_value="x", raw="{}")], "record_unreadable"),
        ([], "item_not_posted"),
    ],
)
def test_a_payment_that_the_books_took_back_since_the_plan_is_not_made(
    items: list[Record], expected: str | None
) -> None:
    logic, desired = payments(invoices=[till_invoice()], items=items), [desired_record()]
    conflict = logic.conflicts_between(STAGE, desired, sending=True).get(INVOICE)

    assert (conflict and (conflict.cause if isinstance(conflict, Issue) else conflict.reason)) == expected
    assert logic.conflicts_between(STAGE, desired) == {}, "the plan has just read the item"


def test_a_payment_that_exists_is_not_made_again() -> None:
    logic, desired = payments(), desired_record()
    same = CurrentRecord(Record(Kind.SETTLEMENT, INVOICE, {"amount": Decimal(121)}), INVOICE)

    assert isinstance(logic.writable_part(STAGE, desired, same), Skip)
    assert logic.writable_part(STAGE, desired, None) is desired


@pytest.mark.parametrize("values", [{"paid": Decimal("130.00")}, {"other": Decimal("-121.00"), "besides": Decimal(1)}])
def test_an_unclear_item_is_no_question_once_the_invoice_is_paid_at_the_till(values: dict[str, Value]) -> None:
    record = stage_record(item(**values), invoices=[till_invoice(paid="121.00")]).record

    assert record is not None
    assert record.values["amount"] == Decimal("121.00")  # as booked
    for invoice in (till_invoice(paid="100.00"), till_invoice("150.00", "150.00")):  # in part; another invoice
        assert stage_record(item(**values), invoices=[invoice]).issue is not None


def test_how_the_amount_came_about_is_reported() -> None:
    trace, method = payments().trace(STAGE, item(paid=Decimal("121.00")))

    assert (trace.target, trace.value) == ("settlement.amount", Decimal("121.00"))
    assert (method.target, method.reason) == ("settlement.method", Reason("because_setting", {"setting": "method"}))
