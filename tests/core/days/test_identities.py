"""Each failed identity of a day is reported with its number, both figures and the document that explains it."""

from dataclasses import replace
from decimal import Decimal

from integration.core.days.documents import documents_of, sums_of_journals
from integration.core.days.identities import FailedCheck, failed_checks, with_cash_signs
from integration.core.days.till import till_day
from integration.core.records import Kind, Record
from tests.core.days.example import COUNTS, DOCUMENTS, FINANCIAL, JOURNAL, PAYMENTS, VAT, day_record, document, euros
from tests.core.days.test_page import with_parts


def find_failed_checks(record: Record) -> list[FailedCheck]:
    """Return the checks that a day fails."""
    day = with_cash_signs(till_day(record))
    return list(failed_checks(day, sums_of_journals(day), documents_of(day), {"CASH"}))


def receipts(**groups: tuple[int, int]) -> dict[str, dict[str, tuple[int, int]]]:
    """The journal with other sums of some groups of receipts."""
    return {**JOURNAL, "receipt": {**JOURNAL["receipt"], **{key[1:]: amounts for key, amounts in groups.items()}}}


def test_the_day_as_it_is_adds_up() -> None:
    assert find_failed_checks(day_record()) == []


def test_what_was_sold_is_what_was_paid() -> None:
    other = {**PAYMENTS, "receipt": {**PAYMENTS["receipt"], "PIN": 126947}}
    first = find_failed_checks(with_parts(payments=other))[0]
    assert (first.identity, first.about) == (1, "receipt")
    assert (first.expected, first.actual) == (euros("1787.14"), euros("1787.15"))


def test_a_receipt_that_the_journal_lacks_is_named() -> None:
    practised = document("1.2.2026.2206", "10/2 999.00", "2 825.62 173.38", "PIN 999.00")
    every = find_failed_checks(with_parts(documents=(*DOCUMENTS, practised)))
    assert {gap.identity for gap in every} == {2}
    assert {gap.documents for gap in every} == {("1.2.2026.2206",)}
    of_group = next(gap for gap in every if gap.about == "receipt 10")
    assert of_group.expected - of_group.actual == euros("999.00")


def test_a_cancelled_receipt_counts_nowhere() -> None:
    receipt = document("1.2.2026.2206", "10/2 999.00", "2 825.62 173.38", "PIN 999.00")
    cancelled = replace(receipt, values={**receipt.values, "cancelled": True})
    assert find_failed_checks(with_parts(documents=(*DOCUMENTS, cancelled))) == []


def test_both_journals_say_the_same_of_a_group() -> None:
    rows = tuple(row.replace("70/1 4858 4457 401", "70/1 4868 4466 402") for row in FINANCIAL)
    every = find_failed_checks(with_parts(financial=rows))
    assert any(gap.identity == 2 and gap.about == "getFinancialJournal receipt 70" for gap in every)


def test_vat_may_be_a_cent_off_for_each_document_and_no_more() -> None:
    off = {**VAT, "receipt": {**VAT["receipt"], "1": (27387, 2465)}}  # as a till that computes over the day has it
    assert find_failed_checks(with_parts(vat=off)) == []
    far = {**VAT, "receipt": {**VAT["receipt"], "1": (27357, 2495)}}
    assert [(gap.identity, gap.about) for gap in find_failed_checks(with_parts(vat=far))] == [(2, "receipt 1")]


def test_the_cash_of_the_journals_is_what_the_drawers_got() -> None:
    rows = (COUNTS[0], ("2", "2026.312", "1", 10000, 405, 10405, 0, 0, 10405))
    (gap,) = find_failed_checks(with_parts(counts=rows))
    assert (gap.identity, gap.about, gap.expected, gap.actual) == (3, "CASH", euros("202.95"), euros("203.95"))


def test_what_was_paid_in_cash_for_orders_may_be_in_the_drawers_or_not() -> None:
    order = document("2026.50", "10/2 500.00", "", "CASH 100.00", kind=Kind.ORDER)
    more = {"payments": {**PAYMENTS, "order": {"CASH": 10000}}, "documents": (*DOCUMENTS, order)}
    for added, off in ((305, []), (10305, []), (5305, [3])):
        counted_cents = 10000 + added
        rows = (COUNTS[0], ("2", "2026.312", "1", 10000, added, counted_cents, 0, 0, counted_cents))
        assert [gap.identity for gap in find_failed_checks(with_parts(counts=rows, **more))] == off


def test_a_count_follows_from_its_own_figures() -> None:
    wrong = ("1", "2026.311", "1", 15000, 19990, 34955, 20000, -30, 14955)
    assert [gap.identity for gap in find_failed_checks(with_parts(counts=(wrong, COUNTS[1])))] == [4]
    wrong = ("1", "2026.311", "1", 15000, 19990, 34955, 20000, -35, 15055)
    assert [gap.identity for gap in find_failed_checks(with_parts(counts=(wrong, COUNTS[1])))] == [4]


def test_a_count_starts_with_what_the_one_before_left() -> None:
    record = day_record()
    parts = tuple(
        replace(part, values={**part.values, "before": euros("149.90")})
        if part.values.get("number") == "2026.311"
        else part
        for part in record.parts
    )
    (gap,) = find_failed_checks(replace(record, parts=parts))
    assert (gap.identity, gap.expected, gap.actual) == (5, euros("149.90"), euros("150.00"))


def test_the_vat_list_covers_all_groups_or_those_of_turnover() -> None:
    revenue = {**VAT, "receipt": {"1": (27388, 2464), "2": (105009, 22054), "3": (5500, 0)}}
    assert find_failed_checks(with_parts(vat=revenue)) == []
    short = {**VAT, "receipt": {"1": (27388, 2464), "2": (105009, 22054), "3": (4500, 0)}}
    assert [gap.identity for gap in find_failed_checks(with_parts(vat=short))] == [6]


def test_a_document_whose_vat_is_under_another_code_than_its_lines_is_named() -> None:
    receipt = document("9", "10/1 121.00", "2 100.00 21.00", "PIN 121.00")
    day = with_parts(
        journal={"receipt": {"10": (12100, 11101)}}, financial=("receipt 10/1 12100 11101 999",),
        payments={"receipt": {"PIN": 12100}}, vat={"receipt": {"2": (10000, 2100)}}, counts=(), documents=(receipt,),
    )  # fmt: skip
    gaps = [(gap.identity, gap.about, gap.documents) for gap in find_failed_checks(day)]
    assert gaps == [(6, "receipt 2", ("9",)), (6, "receipt 1", ("9",))]


def test_both_journals_say_the_same_of_a_vat_code() -> None:
    rows = tuple(row.replace("30/2 23394 19333 4061", "30/3 23394 23394 0") for row in FINANCIAL)
    gaps = [(gap.identity, gap.about, gap.documents) for gap in find_failed_checks(with_parts(financial=rows))]
    assert gaps == [(6, "receipt 2", ()), (6, "receipt 3", ())]


def test_a_refusal_names_identity_figures_and_document() -> None:
    refusal = FailedCheck(2, "receipt 10", euros("10"), euros("9"), ("1.1.2026.1",)).refusal
    assert refusal.cause == "day_gap"
    assert dict(refusal.facts) == {
        "identity": "2", "about": "receipt 10", "expected": "10.00", "found": "9.00", "difference": "-1.00",
        "behind": "1.1.2026.1",
    }  # fmt: skip
    assert Decimal(refusal.facts["difference"]) == -1


def test_sums_of_another_group_are_reported() -> None:
    every = find_failed_checks(with_parts(journal=receipts(g10=(67510, 55793))))
    assert {gap.identity for gap in every} >= {1, 2}
