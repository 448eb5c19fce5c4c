"""A day of the till from its record, and records that are no day."""

from dataclasses import replace
from decimal import Decimal

import pytest

from integration.core.days.till import DayRefusedError, day_revenue, till_day
from integration.core.records import Kind, Unreadable
from tests.core.days.example import day_record, euros


def test_a_day_tells_its_own_sums_and_its_documents() -> None:
    day = till_day(day_record())
    assert (day.key, day.branch, day.branch_name, day.closed) == ("2026-10-17/1", "1", "De Ketting Utrecht", True)
    assert (len(day.journal), len(day.financial), len(day.payments), len(day.vat)) == (12, 13, 6, 5)
    assert (len(day.counts), len(day.documents)) == (2, 16)
    assert day.sources == ("receipt", "invoice")
    assert day.counts[0].difference == euros("-0.35")


def test_a_till_that_does_not_tell_whether_it_is_closed_is_distinguished_from_one_that_is_open() -> None:
    record = day_record()
    without_closed = {name: value for name, value in record.values.items() if name != "closed"}
    assert till_day(replace(record, values=without_closed)).closed is None
    assert till_day(day_record(closed=False)).closed is False


def test_a_document_that_cannot_be_read_parks_its_day() -> None:
    record = day_record()
    broken = Unreadable(Kind.RECEIPT, "id-1", {}, field="totalInclAmount", raw_value="1.5")
    with pytest.raises(DayRefusedError) as caught:
        till_day(replace(record, parts=(*record.parts, broken)))
    assert (caught.value.cause, caught.value.facts["document"]) == ("day_document_unreadable", "id-1")


def test_a_day_without_a_date_is_none() -> None:
    record = day_record()
    with pytest.raises(DayRefusedError) as caught:
        till_day(replace(record, values={**record.values, "date": None}))
    assert caught.value.cause == "required_field_empty"


def test_the_revenue_of_a_day_is_what_its_journal_has_with_vat() -> None:
    record = day_record()
    sold = (turnover.incl for turnover in till_day(record).journal if turnover.type == "turnover")
    assert day_revenue(record) == sum(sold, Decimal(0)) > 0
    assert day_revenue(replace(record, parts=())) == 0
