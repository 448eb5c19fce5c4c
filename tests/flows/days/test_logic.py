"""Days in plans: when they wait, how they are booked, and the result of a later change."""

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from integration.core.booking_state import BookingStage, BookingState
from integration.core.days.books import SeparateBooking
from integration.core.days.corrections import page_lines
from integration.core.days.entries import LedgerEntry
from integration.core.days.till import day_revenue
from integration.core.errors import ConfigurationError
from integration.core.flow import Ownership
from integration.core.issues import Issue, Skip
from integration.core.ledgers import LedgerRules
from integration.core.links import Link
from integration.core.plan import Action, Change
from integration.core.records import CurrentRecord, Kind, Record, Unreadable, WrongValueError, unreadable
from integration.core.search_keys import document_total
from integration.core.staged_records import StagedRecord
from integration.flows.days.logic import DaysLogic, ShopIdentity, SystemFacts, Tables
from integration.flows.days.manual_entries import LedgerRow
from integration.flows.days.pages import opposite_page
from integration.flows.days.queries import DayQueries
from integration.flows.days.separate_documents import AskBooked, AskMadeAlone
from integration.flows.days.settings import FLOW, DaySettings
from integration.flows.days.spec import DAYS
from integration.flows.orders.balances import Turnover
from tests.core.days.example import BOOKS, LEDGERS, RATES, cost, day_record, document, euros
from tests.core.days.test_corrections import later_day
from tests.core.days.test_costs import with_costs
from tests.core.days.test_page import with_parts
from tests.parts import part

AskTyped = Callable[[Collection[date]], Sequence[LedgerRow]]

STAGE = FLOW.counted_stage
SUNDAY = datetime(2026, 10, 18, 20, tzinfo=UTC)
BODY = tomllib.loads(DAYS.mapping.read_text())
TABLES = Tables({"30/3": "8300"}, {}, {"2": "1", "1": "2", "3": "3", "4": "4"}, {}, {})
EVEN = (("1", "2026.311", "1", 15000, 0, 15000, 0, 0, 15000),)
NO_TURNOVER = Turnover()
PREFIX = "MP-"
NOBODY: Mapping[str, Link] = {}


def days(
    links: Mapping[str, Link] = NOBODY,
    *,
    now: datetime = SUNDAY,
    body: Mapping[str, Any] = BODY,
    item: Callable[[Record], str] = BOOKS.item,
    unbooked: Callable[[Collection[str]], Collection[str]] = lambda _: (),
    turnover: Turnover = NO_TURNOVER,
    alone: AskBooked = lambda _: {},
    made_alone: AskMadeAlone = lambda _: {},
    typed: AskTyped = lambda _: (),
    beyond: Callable[[Record], Sequence[Issue]] = lambda _: (),
    documents: Callable[[Kind, Collection[str]], Sequence[Record]] = lambda *_: (),
    prefix: str = PREFIX,
    **settings: Any,
) -> DaysLogic:
    """The logic with the accounts of the example."""
    chosen = {"daybook": "600", "till_accounts": True, "collective_account": "1300", **settings}

    def find_links(keys: Collection[str]) -> dict[str, Link]:
        return {key: links[key] for key in keys if key in links}

    return DaysLogic(
        DaySettings(**chosen),
        body,
        1,
        TABLES,
        SystemFacts(
            rates={"1": Decimal(21), "2": Decimal(9), "3": Decimal(0), "4": Decimal(0)},
            till_rates=RATES,
            ledgers={account: account for account in LEDGERS},
            ledger_rules={"1300": LedgerRules(is_collective=True)},
            periods={"2026-09-28": "10", "2026-10-26": "11"},
            vat_accounts={"1": "1500", "2": "1510"},
            line_fields=("vat_base",),
            turnover=turnover,
        ),
        part(
            DayQueries, links=find_links, debtors=lambda relations: dict.fromkeys(relations, "10007"), item=item,
            unbooked=unbooked, booked_alone=alone, separate_booking_states=made_alone, booked_payments=lambda _: {},
            foreign_ledger_rows=typed,
            beyond_orders=beyond, documents=documents,
        ),
        ShopIdentity(prefix),
        lambda: now,
    )  # fmt: skip


def stage_record(logic: DaysLogic, record: Record) -> StagedRecord:
    """Stage one day."""
    (result,) = logic.stage(STAGE, [record])
    return result


def page(logic: DaysLogic, record: Record) -> Record:
    """Return the page of a day."""
    result = stage_record(logic, record)
    assert result.record is not None, result.issue or result.skip
    return result.record


def parked_issue(logic: DaysLogic, record: Record) -> Issue:
    """Why a day waits for a person."""
    result = stage_record(logic, record)
    assert result.issue is not None, result.record or result.skip
    return result.issue


def staged_skip(logic: DaysLogic, record: Record) -> Skip:
    """Why a day takes no part."""
    result = stage_record(logic, record)
    assert result.skip is not None, result.record or result.issue
    return result.skip


def with_answer(record: Record, issue: Issue, option: str) -> Record:
    """A day with the answer of a person, stored in the field of the question."""
    return replace(record, values={**record.values, issue.field: f"{option} {issue.facts['mark']}"})


def link(record: Record, number: str = "600/2600412") -> Link:
    """Return the link of a booked page."""
    return Link(Kind.DAY_PAGE, record.key, number, record)


# ---- the page


def test_a_closed_day_is_one_page_with_its_reference_period_and_text() -> None:
    day_page = page(days(), day_record())
    assert day_page.key == "2026-10-17/1"
    assert day_page.sources == ("2026-10-17/1",)
    header = {
        name: day_page.values[name] for name in ("reference", "daybook", "date", "period", "text", "currency", "gross")
    }
    assert header == {
        "reference": "MZ6101700100", "daybook": "600", "date": date(2026, 10, 17), "period": Decimal(10),
        "text": "Kassa 2026-10-17 De Ketting Utrecht", "currency": "EUR", "gross": False,
    }  # fmt: skip
    assert day_page.values["till_reference"] == "run-1"
    assert len(day_page.parts) == 23
    first = day_page.parts[0].values
    assert (first["account"], first["amount"], first["vat"], first["vat_base"]) == (
        "8000", euros("-557.10"), euros("-117.00"), euros("-557.10"),
    )  # fmt: skip
    assert first["documents"] == ("1.1.2026.4102",)


def test_only_what_the_mapping_and_the_flow_write_is_written() -> None:
    owned = days().policy
    assert owned["day_page.reference"] is owned["line.amount"] is Ownership.ON_CREATE
    assert not {"day_page.digest", "day_page.documents", "line.documents"} & owned.keys()


def test_credits_are_positive_where_the_books_want_them_so() -> None:
    day_page = page(days(sign="credit_positive"), day_record())
    assert day_page.parts[0].values["amount"] == euros("557.10")
    assert day_page.parts[0].values["vat"] == euros("117.00")
    logic = days({day_page.key: link(day_page)}, sign="credit_positive")
    assert page(logic, day_record()).values["reference"] == "MZ6101700100"  # nothing has changed


def test_a_day_keeps_the_costs_that_it_was_booked_with_or_without() -> None:
    first, more = with_costs(cost("receipt 10/2 40010")), with_costs(cost("receipt 10/2 40020"))
    without, costed_page = page(days(), first), page(days(cost_of_sales=True), first)
    assert (without, without.values.get("digest")) == (page(days(), day_record()), "d1")
    goods = [(line.values["account"], line.values["amount"]) for line in costed_page.parts if line not in without.parts]
    assert {("7000", euros("400.10")), ("3000", euros("-400.10"))} <= set(goods)
    assert {line.about for line in page_lines(costed_page)} == {
        "cost",
        "stock",
        "",
    }  # known when the day is typed in the books
    assert stage_record(days({without.key: link(without)}, cost_of_sales=True), first).record == replace(
        without, source=without.key
    )
    assert (
        page(days({costed_page.key: link(costed_page)}), first).values["reference"] == "MZ6101700100"
    )  # nothing has changed
    assert page(days({without.key: link(without)}), more).values["reference"] == "MZ6101700100"
    changed = parked_issue(days({costed_page.key: link(costed_page)}), more)
    assert (changed.cause, changed.facts["difference"]) == ("day_changed_after_booking", "3000 -0.10, 7000 0.10")
    decision = f"difference {changed.facts['mark']}"
    booked = page(
        days({costed_page.key: link(costed_page)}), replace(more, values={**more.values, "decision": decision})
    )
    assert [line.values["amount"] for line in booked.parts] == [euros("-0.10"), euros("0.10")]
    assert booked.values["costs"] is True


def test_a_day_that_was_reversed_is_booked_again_as_it_is_set_now() -> None:
    record = with_costs(cost("receipt 10/2 40010"))
    without, costed_page = page(days(), record), page(days(cost_of_sales=True), record)
    for before, after, now in ((costed_page, without, False), (without, costed_page, True)):
        opposite = replace(opposite_page(before, f"{before.key}/01", {}), source=before.source)
        links = {before.key: link(before), opposite.key: link(opposite, "600/2600413")}
        issue = parked_issue(days(links, cost_of_sales=now), record)
        decided = replace(record, values={**record.values, "decision": f"difference {issue.facts['mark']}"})
        rebooked = page(days(links, cost_of_sales=now), decided)
        accounts = [{line.values["account"] for line in booking.parts} for booking in (rebooked, after)]
        assert accounts[0] == accounts[1] != {line.values["account"] for line in before.parts}
        booked = days({**links, rebooked.key: link(rebooked, "600/2600414")}, cost_of_sales=not now)
        assert stage_record(booked, record).issue is None  # booked so, and stays so


def test_a_mapping_that_makes_other_amounts_parks_the_day() -> None:
    body = {**BODY, "rules": [dict(rule) for rule in BODY["rules"]]}
    for rule in body["rules"]:
        if rule["target"] == "line.amount":
            rule.update(source="", expression="page_amount + 1")
            del rule["source"]
    assert parked_issue(days(body=body), day_record()).cause == "day_mapping_differs"


def test_without_a_daybook_nothing_is_planned() -> None:
    with pytest.raises(ConfigurationError):
        days(daybook="").stage(STAGE, [day_record()])


def test_a_branch_that_has_no_room_in_the_reference_parks() -> None:
    record = day_record(branch="1000")
    moved = tuple(
        replace(part, values={**part.values, "branch": "1000"}) if "branch" in part.values else part
        for part in record.parts
    )
    assert parked_issue(days(), replace(record, parts=moved)).cause == "day_reference_full"


def test_what_does_not_add_up_is_reported_with_the_document() -> None:
    practised = document("1.2.2026.2206", "10/2 999.00", "2 825.62 173.38", "PIN 999.00")
    issue = parked_issue(days(), replace(day_record(), parts=(*day_record().parts, practised)))
    assert (issue.cause, issue.facts["identity"], issue.facts["behind"]) == ("day_gap", "2", "1.2.2026.2206")


def test_an_invoice_that_the_day_leaves_to_itself_has_to_be_in_the_books_first() -> None:
    issue = parked_issue(days(contents="receipts", unbooked=lambda keys: keys), day_record())
    assert (issue.cause, issue.facts["behind"]) == ("day_document_apart", "2026.731")
    assert page(days(contents="receipts"), day_record()).values["reference"] == "MZ6101700100"


def test_a_method_that_may_take_vouchers_taxed_at_their_sale_waits_until_somebody_says_so() -> None:
    sold = Turnover({"85": "balance-upgrade"}, {"85": "1"})
    issue = parked_issue(days(turnover=sold), day_record())
    assert (issue.cause, issue.facts["method"]) == ("gift_card_unclear", "GIFTCARD")
    assert page(days(turnover=sold, gift_cards={"GIFTCARD": "multi"}), day_record())


# ---- when a day is closed


def test_a_day_of_today_is_open_and_one_that_stays_open_becomes_a_question() -> None:
    record = day_record(closed=False)
    assert staged_skip(days(now=datetime(2026, 10, 17, 20, tzinfo=UTC)), record).reason == "day_open"
    assert staged_skip(days(now=datetime(2026, 10, 19, 8, tzinfo=UTC)), record).reason == "day_waits"
    issue = parked_issue(days(now=datetime(2026, 10, 22, 8, tzinfo=UTC)), record)
    assert (issue.cause, issue.field, issue.facts["days"]) == ("day_not_closed", "closed", "5")
    corrected = replace(record, values={**record.values, "closed": True})  # a person says so
    assert page(days(), corrected)


def test_a_till_that_does_not_say_so_is_never_taken_to_have_closed() -> None:
    unclosed_day = day_record()
    unclosed_day = replace(
        unclosed_day, values={name: value for name, value in unclosed_day.values.items() if name != "closed"}
    )
    assert staged_skip(days(), unclosed_day).reason == "day_waits"
    assert page(days(closed_by="counts"), unclosed_day)
    early, past = datetime(2026, 10, 18, 10, tzinfo=UTC), datetime(2026, 10, 18, 23, tzinfo=UTC)
    assert staged_skip(days(closed_by="hours", hours_after=24, now=early), unclosed_day).reason == "day_waits"
    assert page(days(closed_by="hours", hours_after=24, now=past), unclosed_day)


def test_hours_after_the_end_of_a_day_are_hours_while_the_clocks_change() -> None:
    unclosed_day = day_record(date=date(2026, 3, 28))
    unclosed_day = replace(
        unclosed_day, values={name: value for name, value in unclosed_day.values.items() if name != "closed"}
    )
    early, past = datetime(2026, 3, 29, 22, 30, tzinfo=UTC), datetime(2026, 3, 29, 23, tzinfo=UTC)
    assert staged_skip(days(closed_by="hours", hours_after=24, now=early), unclosed_day).reason == "day_waits"
    assert not stage_record(days(closed_by="hours", hours_after=24, now=past), unclosed_day).skip


def test_cash_that_nobody_counted_waits_unless_counts_are_not_needed() -> None:
    uncounted = with_parts(counts=())
    assert staged_skip(days(), uncounted).reason == "day_waits"
    assert parked_issue(days(now=datetime(2026, 10, 30, tzinfo=UTC)), uncounted).cause == "day_not_counted"
    assert page(days(counts="when_there"), uncounted)
    counts = [part for part in day_record().parts if part.kind is Kind.COUNT]
    other = [replace(part, values={**part.values, "method": "VOUCHER"}) for part in counts]
    assert staged_skip(days(), replace(uncounted, parts=(*uncounted.parts, *other))).reason == "day_waits"


@pytest.mark.parametrize("closed_by", ["flag", "counts", "hours"])
@pytest.mark.parametrize("counts", ["needed", "when_there"])
def test_the_last_count_alone_being_a_concept_makes_the_day_wait(closed_by: str, counts: str) -> None:
    logic = days(now=datetime(2026, 10, 20, tzinfo=UTC), closed_by=closed_by, counts=counts)
    assert page(logic, day_record())
    assert staged_skip(logic, with_last_count(finalized=False)).reason == "day_waits"


def test_a_count_of_which_nobody_says_that_it_is_final_is_booked_only_where_none_is_needed() -> None:
    unclosed_day = with_last_count(finalized=None)
    assert staged_skip(days(), unclosed_day).reason == "day_waits"
    assert page(days(counts="when_there"), unclosed_day)


def with_last_count(*, finalized: bool | None) -> Record:
    """The day with another word on the last of its counts."""
    record = day_record()
    last = [part for part in record.parts if part.kind is Kind.COUNT][-1]
    changed_count = replace(last, values={**last.values, "finalized": finalized})
    return replace(record, parts=tuple(changed_count if part is last else part for part in record.parts))


def test_a_day_booked_without_its_count_is_asked_about_when_the_count_comes() -> None:
    uncounted = with_parts(counts=())
    first = page(days(counts="when_there"), uncounted)
    assert not {"4400", "1090"} & {part.values["account"] for part in first.parts}
    logic = days({first.key: link(first)}, counts="when_there")
    issue = parked_issue(logic, day_record())
    assert issue.cause == "day_changed_after_booking"
    counted_day = replace(day_record(), values={**day_record().values, "decision": f"difference {issue.facts['mark']}"})
    assert {str(part.values["account"]): part.values["amount"] for part in page(logic, counted_day).parts} == {
        "4400": euros("0.35"), "1090": euros("200.00"), "1000": euros("-200.35"),
    }  # fmt: skip


def test_a_day_without_turnover_has_no_page_unless_one_is_wanted() -> None:
    empty = replace(day_record(), parts=())
    assert staged_skip(days(), empty).reason == "day_empty"
    counted_day = with_parts(journal={}, financial=(), payments={}, vat={}, counts=EVEN, documents=())
    (zero,) = page(days(empty_days="page"), counted_day).parts
    assert (zero.values["account"], zero.values["amount"]) == ("1000", 0)


def test_a_sale_that_was_reversed_the_same_day_leaves_nothing_to_book() -> None:
    sold = document("1.1.2026.1", "20/2 49.95", "2 41.28 8.67", "PIN 49.95")
    back = document("1.1.2026.2", "20/2 -49.95", "2 -41.28 -8.67", "PIN -49.95")
    record = with_parts(
        journal={"receipt": {"20": (0, 0)}}, financial=("receipt 20/2 0 0 0",), payments={"receipt": {"PIN": 0}},
        vat={"receipt": {"2": (0, 0)}}, counts=(), documents=(sold, back),
    )  # fmt: skip
    assert staged_skip(days(), record).reason == "day_empty"


def test_a_day_of_which_nothing_stands_on_its_page_has_none() -> None:
    exact = with_parts(counts=(("1", "2026.311", "1", 15000, 20295, 35295, 0, 0, 35295),))
    assert staged_skip(days(contents="counts"), exact).reason == "day_empty"
    assert [part.values["amount"] for part in page(days(contents="counts", empty_days="page"), exact).parts] == [0]


def test_branches_of_another_company_and_days_of_before_take_no_part() -> None:
    assert staged_skip(days(branches_left_out=("1",)), day_record()).reason == "filtered_out"
    assert staged_skip(days(date_from=date(2026, 11, 1)), day_record()).reason == "filtered_out"


# ---- what changes after it was booked


def test_a_day_that_did_not_change_stays_as_it_is_booked() -> None:
    first = page(days(), day_record())
    assert page(days({first.key: link(first)}), day_record()) == replace(first, source=first.key)


def test_a_late_receipt_of_an_order_or_invoice_is_named_with_it() -> None:
    first, record = page(days(), day_record()), later_day()
    of = {"orders": ("id-24", "id-gone"), "invoices": ("id-731",)}
    parts = tuple(
        replace(record_part, values={**record_part.values, **of})
        if record_part.values.get("number") == "1.2.2026.2207"
        else record_part
        for record_part in record.parts
    )
    requests: list[tuple[Kind, Collection[str]]] = []

    def fetch_records(kind: Kind, keys: Collection[str]) -> list[Record]:
        requests.append((kind, keys))
        return [Record(kind, key, {"number": f"2026.{key[3:]}"}) for key in keys if key != "id-gone"]

    issue = parked_issue(days({first.key: link(first)}, documents=fetch_records), replace(record, parts=parts))
    assert issue.facts["behind"] == "1.2.2026.2207 (2026.731, 2026.24)"
    assert requests == [(Kind.INVOICE, ["id-731"]), (Kind.ORDER, ["id-24", "id-gone"])]
    assert parked_issue(days({first.key: link(first)}), record).facts["behind"] == "1.2.2026.2207"


def test_a_late_receipt_is_a_question_with_its_difference_by_account() -> None:
    first = page(days(), day_record())
    issue = parked_issue(days({first.key: link(first)}), later_day())
    assert issue.cause == "day_changed_after_booking"
    assert issue.facts["difference"] == "8030 -18.15, 1010 18.15, 1000 0.35, 4400 -0.35"
    assert issue.facts["behind"] == "1.2.2026.2207"
    assert (issue.facts["reference"], issue.facts["mark"]) == ("MZ6101700100", "d1")


def test_a_change_of_vat_after_its_return_was_filed_says_so() -> None:
    first = page(days(), day_record())
    links = {first.key: link(first)}
    filed = [days(links, vat_filed_through=date(2026, 10, day), late="first_open") for day in (16, 17)]
    assert [parked_issue(logic, later_day()).cause for logic in filed] == [
        "day_changed_after_booking",
        "day_changed_after_filing",
    ]


def _day_with_decision(decision: str, mark: str = "d1") -> Record:
    record = later_day()
    return replace(record, values={**record.values, "decision": f"{decision} {mark}"})


def test_the_difference_is_booked_as_a_page_of_its_own_once() -> None:
    first = page(days(), day_record())
    second = page(days({first.key: link(first)}), _day_with_decision("difference"))
    assert (second.key, second.values["reference"]) == ("2026-10-17/1/01", "MZ6101700101")
    assert second.values["text"] == "Correctie kassa 2026-10-17 De Ketting Ut"
    assert {str(line.values["account"]): line.values["amount"] for line in second.parts} == {
        "8030": euros("-15.00"), "1010": euros("18.15"), "1000": euros("0.35"), "4400": euros("-0.35"),
    }  # fmt: skip
    links = {first.key: link(first), second.key: link(second, "600/2600413")}
    assert page(days(links), _day_with_decision("difference")).key == first.key  # nothing is left to book


@pytest.mark.parametrize("decision", ["difference", "again"])
def test_a_decision_that_was_carried_out_and_undone_is_asked_for_once_more(decision: str) -> None:
    first = page(days(), day_record())
    links = {first.key: link(first)}
    second = page(days(links), _day_with_decision(decision))
    links[second.key] = link(second, "600/2")
    change = Change(
        action=Action.CREATE, kind=second.kind, key=second.key, title="day", sources=(first.key,), desired=second,
        before=None, agreed=second,
    )  # fmt: skip
    back = days(links).withdraw(STAGE, change)
    assert isinstance(back, Change)
    links[back.key] = link(back.agreed, "600/3")
    issue = parked_issue(days(links), _day_with_decision(decision))
    assert (issue.cause, issue.facts["mark"]) == ("day_changed_after_booking", "d1.02")
    assert page(days(links), _day_with_decision(decision, issue.facts["mark"])).key == "2026-10-17/1/03"
    assert staged_skip(days(links), _day_with_decision("keep", issue.facts["mark"])).reason == "day_kept"


@pytest.mark.parametrize("mode", ["line", "gross", "separate", "cash"])
def test_a_page_has_the_revenue_of_its_day_and_its_reversal_the_opposite(mode: str) -> None:
    logic = days(mode=mode, drawer_account="1000")
    revenue = day_revenue(day_record())
    booked = page(logic, day_record())

    assert document_total(booked) == revenue > 0
    assert document_total(opposite_page(booked, "", {})) == -revenue


def test_a_recount_of_the_day_before_is_no_question_of_a_day_that_is_booked() -> None:
    first = page(days(), day_record())
    counts_ = [
        replace(record_part, values={**record_part.values, "before": euros("149.00")})
        if record_part.kind is Kind.COUNT
        else record_part
        for record_part in day_record().parts
    ]
    recounted = replace(day_record(), parts=tuple(counts_))
    assert parked_issue(days(), recounted).facts["identity"] == "5"
    assert page(days({first.key: link(first)}), recounted).key == first.key
    back = replace(
        first, key=f"{first.key}/01", parts=tuple(_reversed_line(record_part) for record_part in first.parts)
    )
    reversed_links = {first.key: link(first), back.key: link(back, "600/2")}
    assert parked_issue(days(reversed_links), recounted).facts["identity"] == "5"


def _reversed_line(part: Record) -> Record:
    signs = {name: -value for name, value in part.values.items() if isinstance(value, Decimal)}
    return replace(part, values={**part.values, **signs})


def test_a_decision_holds_for_the_change_it_was_taken_about_alone() -> None:
    first = page(days(), day_record())
    assert (
        parked_issue(days({first.key: link(first)}), _day_with_decision("difference", "d0")).cause
        == "day_changed_after_booking"
    )


def test_a_day_can_be_reversed_and_booked_again_on_one_page() -> None:
    first = page(days(), day_record())
    second = page(days({first.key: link(first)}), _day_with_decision("again"))
    sums: dict[str, Decimal] = {}
    for line in (*first.parts, *second.parts):
        account, amount = str(line.values["account"]), line.values["amount"]
        assert isinstance(amount, Decimal)
        sums[account] = sums.get(account, Decimal(0)) + amount
    assert sums["8030"] == euros("-190.70")
    assert sums["1010"] == euros("1832.13")


def test_a_change_can_be_left_as_it_is() -> None:
    first = page(days(), day_record())
    assert staged_skip(days({first.key: link(first)}), _day_with_decision("keep")).reason == "day_kept"


def test_nothing_is_booked_into_what_is_closed() -> None:
    through = date(2026, 10, 31)
    assert parked_issue(days(books_closed_through=through), day_record()).cause == "day_period_closed"
    assert parked_issue(days(vat_filed_through=through), day_record()).cause == "day_period_closed"
    day_page = page(days(books_closed_through=through, late="first_open"), day_record())
    assert (day_page.values["date"], day_page.values["period"]) == (date(2026, 11, 1), Decimal(11))
    assert day_page.values["reference"] == "MZ6101700100"
    assert "2026-10-17" in str(day_page.values["text"])


# ---- what somebody typed in the books before


def manual_page(on: date, reference: str = "", *amounts: str) -> AskTyped:
    """A foreign page with the sales of bikes and the card payments, as the books report it."""
    pairs = zip(("8000", "1010"), amounts or ("-1007.10", "1813.98"), strict=True)
    rows = [LedgerEntry(on, account, euros(amount), "601/7", reference, by="KARIN") for account, amount in pairs]
    return lambda dates: [row for row in rows if row.date in dates]


def test_a_day_that_somebody_typed_is_a_question_before_it_is_booked() -> None:
    logic = days(typed=manual_page(date(2026, 10, 17)))
    issue = parked_issue(logic, day_record())
    facts = {name: issue.facts[name] for name in ("page", "amount", "document")}
    assert issue.cause == "day_booked_by_hand"
    assert facts == {"page": "601/7", "amount": "1813.98", "document": "2026-10-17 De Ketting Utrecht"}
    keep, book = (with_answer(day_record(), issue, option) for option in ("keep", "book"))
    assert staged_skip(logic, keep).reason == "day_kept_by_hand"
    assert page(logic, book).values["reference"] == "MZ6101700100"
    another = days(typed=manual_page(date(2026, 10, 17), "", "-714.05", "714.05"), sign="credit_positive")
    assert parked_issue(another, day_record()).facts["amount"] == "714.05"  # one receipt of it


@pytest.mark.parametrize(
    ("on", "around", "is_asked"),
    [(18, 0, False), (18, 1, True), (16, 1, True), (19, 1, False), (24, 7, True), (25, 7, False)],
)
def test_a_page_typed_on_another_day_is_found_as_far_around_as_is_set(on: int, around: int, is_asked: bool) -> None:
    result = stage_record(days(typed=manual_page(date(2026, 10, on)), days_around=around), day_record())
    assert (result.issue is not None) == is_asked


def test_a_day_booked_on_the_first_open_one_is_looked_for_there_too() -> None:
    logic = days(typed=manual_page(date(2026, 11, 1)), books_closed_through=date(2026, 10, 31), late="first_open")
    assert parked_issue(logic, day_record()).cause == "day_booked_by_hand"


def test_a_page_under_our_own_reference_is_none_that_somebody_typed() -> None:
    assert stage_record(days(typed=manual_page(date(2026, 10, 17), "MZ6101700100")), day_record()).record is not None


@pytest.mark.parametrize(
    ("reference", "is_asked"),
    [
        ("KZ6101700100", False),  # the same branch and day of another console, with equal amounts
        ("kz6101700100 ", False),
        ("KZ6101800100", False),
        ("MZ6101700200", False),  # another branch of ours
        ("MZ6101800100", True),  # ours would be on its own date
        ("D26101700100", True),
        ("KZ6101700", True),
    ],
)
def test_a_day_of_another_console_is_none_that_somebody_typed(reference: str, is_asked: bool) -> None:
    logic = days(typed=manual_page(date(2026, 10, 17), reference))
    assert (stage_record(logic, day_record()).issue is not None) == is_asked
    assert (sending_issue(logic, page(days(), day_record())) is not None) == is_asked


def test_the_reference_of_a_page_and_of_all_that_corrects_it_begins_as_the_prefix_says() -> None:
    first = page(days(prefix="KP-"), day_record())
    assert first.values["reference"] == "KZ6101700100"
    booked = days({first.key: link(first)}, prefix="KP-")
    issue = parked_issue(booked, later_day())
    assert page(booked, with_answer(later_day(), issue, "difference")).values["reference"] == "KZ6101700101"
    change = Change(
        action=Action.CREATE, kind=first.kind, key=first.key, title="day", sources=(first.key,), desired=first,
        before=None, agreed=first,
    )  # fmt: skip
    back = booked.withdraw(STAGE, change)
    assert isinstance(back, Change)
    assert back.desired.values["reference"] == "KZ6101700101"


def test_a_day_that_is_booked_keeps_its_reference_under_another_prefix() -> None:
    first = page(days(prefix="KP-"), day_record())
    after = days({first.key: link(first)}, prefix="MP-")
    assert page(after, day_record()).values["reference"] == "KZ6101700100"
    for logic in (days(prefix="KP-"), after):
        traces = {trace.target: trace.value for trace in logic.trace(STAGE, day_record())}
        assert traces["day_page.reference"] == "KZ6101700100"
    issue = parked_issue(after, later_day())
    assert issue.facts["reference"] == "KZ6101700100"
    assert page(after, with_answer(later_day(), issue, "difference")).values["reference"] == "MZ6101700101"


def test_the_page_of_a_document_that_is_booked_by_itself_is_none_of_the_day() -> None:
    receipt = next(
        record_part for record_part in day_record().parts if record_part.values.get("number") == "1.1.2026.4102"
    )
    typed, booked = manual_page(date(2026, 10, 17), "", "-714.05", "714.05"), SeparateBooking(with_payments=True)
    assert parked_issue(days(typed=typed), day_record()).cause == "day_booked_by_hand"
    assert page(days(typed=typed, alone=lambda _: {receipt.key: booked}), day_record()).key == "2026-10-17/1"


def test_an_invoice_whose_receipt_is_booked_by_itself_is_none_of_the_day() -> None:
    total, day = Decimal("544.50"), day_record()
    (invoice,) = (record_part for record_part in day.parts if record_part.kind is Kind.INVOICE)
    whole = replace(invoice, values={**invoice.values, "total_incl": total})
    day = replace(day, parts=tuple(whole if record_part is invoice else record_part for record_part in day.parts))

    def logic_beside(sold: Decimal) -> DaysLogic:
        receipt = BookingState("receipt", BookingStage.BOOKED, "1.1.2026.9", "MR6010100009", sold, Kind.POSTING)
        return days(
            alone=lambda keys: {"receipt": SeparateBooking()} if "receipt" in keys else {},
            made_alone=lambda keys: {invoice.key: [receipt]} if invoice.key in keys else {},
        )

    planned = page(days(), day)
    for sold, is_inside in ((total, False), (-total, True)):  # a refund of it is another sale
        inside = page(logic_beside(sold), day).values["sold"]
        assert isinstance(inside, tuple)
        assert (invoice.key in inside) is is_inside
        issue = sending_issue(logic_beside(sold), planned)
        assert (issue and issue.cause) == (None if is_inside else "day_document_booked")


def test_a_page_typed_after_a_day_was_booked_does_not_hold_its_day() -> None:
    day_page = page(days(), day_record())
    logic = days({day_page.key: link(day_page)}, typed=manual_page(date(2026, 10, 17)))
    assert page(logic, day_record()).key == day_page.key


def sending_issue(logic: DaysLogic, planned: Record) -> Issue | None:
    """Why a page is not sent that was planned."""
    conflict = logic.conflicts_between(STAGE, [planned], sending=True).get(planned.key)
    assert not isinstance(conflict, Skip)
    return conflict


def test_a_day_that_somebody_typed_after_the_plan_was_made_is_asked_about_and_not_sent() -> None:
    planned, whole = page(days(), day_record()), days(typed=manual_page(date(2026, 10, 17)))
    receipt = days(typed=manual_page(date(2026, 10, 17), "", "-714.05", "714.05"))
    assert sending_issue(days(), planned) is None
    assert sending_issue(whole, planned) == parked_issue(whole, day_record())  # one question, whenever it is met
    assert sending_issue(receipt, planned) == parked_issue(receipt, day_record())
    another_branch = manual_page(date(2026, 10, 17), "MZ6101700200")  # of the same run, and on its way
    assert sending_issue(days(typed=another_branch), planned) is None


def test_a_page_that_is_something_else_by_a_persons_word_does_not_hold_its_day_when_it_is_sent() -> None:
    logic = days(typed=manual_page(date(2026, 10, 17)))
    planned = page(logic, with_answer(day_record(), parked_issue(logic, day_record()), "book"))
    assert sending_issue(logic, planned) is None
    correction = replace(page(days(), day_record()), key="2026-10-17/1/01")
    assert sending_issue(logic, correction) is None  # a person said so


def unreadable_row(key: str) -> Unreadable:
    return unreadable(Kind.ENTRY, key, WrongValueError("AMOUNT", "12,x"), "{}")


@pytest.mark.parametrize(("key", "is_asked"), [("2026-10-17/7", True), ("None/7", True), ("2026-10-18/7", False)])
def test_a_row_of_the_books_that_cannot_be_read_is_asked_about_on_the_days_that_it_may_be_of(
    key: str, is_asked: bool
) -> None:
    row = unreadable_row(key)
    logic = days(typed=lambda _: [row])
    result = stage_record(logic, day_record())
    assert (result.issue is not None) == is_asked
    if result.issue is not None:
        facts = result.issue.facts
        assert (result.issue.cause, facts["field"], facts["value"]) == ("day_ledger_unreadable", "AMOUNT", "12,x")
        assert sending_issue(logic, page(logic, with_answer(day_record(), result.issue, "book"))) is None


# ---- what the books hold


def sales_beyond_orders(*others: str) -> Callable[[Record], Sequence[Issue]]:
    """Return questions whether a sale of the day equals these separately booked documents."""
    facts = [{"document": "1.1.2026.4102", "other": other, "mark": f".{other}"} for other in others]
    return lambda _: [Issue("sale_beyond_order", "receipt-1", "decision_beside", issue_facts) for issue_facts in facts]


def test_a_day_with_a_sale_that_may_be_booked_by_itself_waits_for_a_person_and_is_held_to_what_was_said() -> None:
    issue = parked_issue(days(beyond=sales_beyond_orders("2026.7")), day_record())
    assert (issue.cause, issue.facts["behind"], issue.facts["other"]) == (
        "day_sale_elsewhere", "1.1.2026.4102", "2026.7",
    )  # fmt: skip
    answered_day = with_answer(day_record(), issue, "beside")
    day_page = page(days(beyond=sales_beyond_orders("2026.7")), answered_day)
    assert days(beyond=sales_beyond_orders("2026.7")).conflicts_between(STAGE, [day_page], sending=True) == {}
    for now in (sales_beyond_orders("2026.7", "2026.8"), sales_beyond_orders("2026.9")):
        assert parked_issue(days(beyond=now), answered_day).cause == "day_sale_elsewhere"
        assert days(beyond=now).conflicts_between(STAGE, [day_page], sending=True).keys() == {day_page.key}
    assert (
        page(days({day_page.key: link(day_page)}, beyond=sales_beyond_orders("2026.9")), day_record()).key
        == day_page.key
    )  # it is booked


@pytest.mark.parametrize("first", ["typed", "beyond"])
def test_a_day_that_is_asked_about_for_two_reasons_keeps_both_answers_whichever_was_given_first(first: str) -> None:
    reasons: dict[str, Any] = {"typed": manual_page(date(2026, 10, 17)), "beyond": sales_beyond_orders("2026.7")}
    whole = days(**reasons)
    issue = parked_issue(days(**{first: reasons[first]}), day_record())
    options = {"day_booked_by_hand": "book", "day_sale_elsewhere": "beside"}
    record = with_answer(day_record(), issue, options[issue.cause])
    remaining = parked_issue(whole, record)
    assert {issue.cause, remaining.cause} == {*options}
    record = with_answer(record, remaining, options[remaining.cause])
    planned = page(whole, record)
    assert sending_issue(whole, planned) is None

    for reason in reasons.items():  # it is another day: each answer has lapsed
        parked_issue(days(**dict([reason])), replace(record, values={**record.values, "digest": "d2"}))
    logic = days(typed=reasons["typed"], beyond=sales_beyond_orders("2026.8"))
    assert parked_issue(logic, record).cause == "day_sale_elsewhere"  # the other answer holds
    rows = [replace(row, page="601/9") for row in reasons["typed"]([date(2026, 10, 17)])]
    assert parked_issue(days(typed=lambda _: rows, beyond=reasons["beyond"]), record).cause == "day_booked_by_hand"
    unreadable_too = [*reasons["typed"]([date(2026, 10, 17)]), unreadable_row("2026-10-17/7")]
    issue = parked_issue(days(typed=lambda _: unreadable_too, beyond=reasons["beyond"]), record)
    assert issue.cause == "day_ledger_unreadable"  # what was said of the page says nothing of the row
    assert page(days(typed=lambda _: unreadable_too, beyond=reasons["beyond"]), with_answer(record, issue, "book"))


def test_a_day_that_is_in_the_books_by_a_persons_word_is_not_asked_about_for_another_reason() -> None:
    reasons: dict[str, Any] = {"typed": manual_page(date(2026, 10, 17)), "beyond": sales_beyond_orders("2026.7")}
    issue = parked_issue(days(typed=reasons["typed"]), day_record())
    elsewhere = with_answer(day_record(), parked_issue(days(beyond=reasons["beyond"]), day_record()), "beside")
    for record in (day_record(), elsewhere):
        assert staged_skip(days(**reasons), with_answer(record, issue, "keep")).reason == "day_kept_by_hand"


def test_two_pages_with_one_reference_are_a_question() -> None:
    day_page = page(days(), day_record())
    current = CurrentRecord(day_page, "600/1", other_references=("600/2",))
    issue = days().objection(STAGE, day_page, current, None)
    assert issue is not None
    assert issue.cause == "reference_found_twice"
    doubled = days().objection(STAGE, day_page, current, link(day_page))
    assert doubled is not None
    assert doubled.cause == "document_doubled"


def test_a_page_that_was_there_before_us_is_ours_only_when_it_says_the_same() -> None:
    day_page = page(days(), day_record())
    assert days().objection(STAGE, day_page, CurrentRecord(day_page, "600/1"), None) is None
    other = replace(day_page, parts=day_page.parts[1:])
    issue = days().objection(STAGE, day_page, CurrentRecord(other, "600/1"), None)
    assert issue is not None
    assert issue.cause == "day_page_differs"


def test_what_is_undone_is_a_correction_of_the_day() -> None:
    day_page = page(days(), day_record())
    change = Change(
        action=Action.CREATE,
        kind=day_page.kind,
        key=day_page.key,
        title="day",
        sources=(day_page.key,),
        desired=day_page,
        before=None,
        agreed=day_page,
    )
    back = days({day_page.key: link(day_page)}).withdraw(STAGE, change)
    assert isinstance(back, Change)
    assert (back.key, back.desired.values["reference"]) == ("2026-10-17/1/01", "MZ6101700101")
    assert back.desired.parts[0].values["amount"] == euros("557.10")
    links = {day_page.key: link(day_page), back.key: link(back.agreed, "600/2")}
    assert parked_issue(days(links), day_record()).cause == "day_changed_after_booking"  # never booked again by itself


@pytest.mark.parametrize("late", ["park", "first_open"])
def test_a_day_that_is_closed_by_now_is_undone_on_the_first_open_one(late: str) -> None:
    day_page = page(days(), day_record())
    change = Change(
        action=Action.CREATE,
        kind=day_page.kind,
        key=day_page.key,
        title="day",
        sources=(day_page.key,),
        desired=day_page,
        before=None,
        agreed=day_page,
    )
    booked, through = {day_page.key: link(day_page)}, date(2026, 10, 31)
    back = days(booked, books_closed_through=through, late=late).withdraw(STAGE, change)
    assert isinstance(back, Change)
    for correction in (back.desired, back.agreed):
        assert (correction.values["date"], correction.values["period"]) == (date(2026, 11, 1), Decimal(11))
        assert (correction.values["day"], correction.values["reference"]) == (date(2026, 10, 17), "MZ6101700101")


def test_every_value_tells_where_it_comes_from() -> None:
    traces = days().trace(STAGE, day_record())
    first = next(trace for trace in traces if trace.target == "line.amount")
    assert [step.operation for step in first.steps][:2] == ["line 1", "documents"]
    assert first.value == euros("-557.10")
