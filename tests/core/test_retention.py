"""Retention classes and their lengths."""

from datetime import UTC, datetime

import pytest

from integration.core.retention import BOOKS, CLASSES, LOG, PLANS, VOUCHERS, Country, Law, Retention, Unit, cutoff

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("unit", "length", "now", "before"),
    [
        (Unit.DAYS, 7, NOW, datetime(2026, 11, 19, 3, 0, tzinfo=UTC)),
        (Unit.MONTHS, 13, NOW, datetime(2025, 10, 26, 3, 0, tzinfo=UTC)),
        (Unit.MONTHS, 6, datetime(2026, 8, 31, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)),
        (Unit.MONTHS, 11, NOW, datetime(2025, 12, 26, 3, 0, tzinfo=UTC)),
        # All of 2019 is kept seven years from its end, which is the last of December 2026 as the shop's clock shows it.
        (Unit.YEARS, 7, NOW, datetime(2018, 12, 31, 23, 0, tzinfo=UTC)),
        (Unit.YEARS, 7, datetime(2026, 12, 31, 23, 30, tzinfo=UTC), datetime(2019, 12, 31, 23, 0, tzinfo=UTC)),
    ],
)
def test_the_cutoff_of_a_retention_period(unit: Unit, length: int, now: datetime, before: datetime) -> None:
    assert cutoff(unit, length, now) == before


@pytest.mark.parametrize(
    ("country", "oss", "vouchers", "books"),
    [
        (Country.NL, False, Law("nl", 7), Law("nl", 7)),
        (Country.NL, True, Law("oss", 10), Law("oss", 10)),
        (Country.DE, False, Law("de_vouchers", 8), Law("de_books", 10)),
        (Country.DE, True, Law("oss", 10), Law("de_books", 10)),
        (Country.OTHER, False, Law("none"), Law("none")),
        (Country.OTHER, True, Law("oss", 10), Law("oss", 10)),
    ],
)
def test_the_law_of_a_country_is_behind_the_evidence_of_postings(
    country: Country, oss: bool, vouchers: Law, books: Law
) -> None:
    retention = Retention(country, oss)
    assert (retention.law(VOUCHERS.name), retention.law(BOOKS.name)) == (vouchers, books)
    assert retention.length(VOUCHERS.name) == max(7, vouchers.least)
    assert retention.too_short() == []
    assert retention.law(LOG.name) == Law("gdpr")


def test_what_a_person_set_counts_and_is_reported_where_the_law_asks_for_longer() -> None:
    retention = Retention(Country.DE, False, {"books": 9, "plans": 3})
    assert (retention.length("books"), retention.length("plans")) == (9, 3)
    assert retention.too_short() == ["books"]
    assert retention.removal_cutoff("plans", NOW) == datetime(2026, 8, 26, 3, 0, tzinfo=UTC)


def test_a_length_is_one_that_can_be_chosen() -> None:
    assert Retention(lengths={"plans": PLANS.minimum, "log": LOG.most}).out_of_bounds() == []
    assert Retention(lengths={"plans": 0, "log": 121, "nothing": 3}).out_of_bounds() == ["plans", "log", "nothing"]


def test_the_usual_lengths_can_be_chosen() -> None:
    assert all(
        retention_class.minimum <= retention_class.default <= retention_class.most for retention_class in CLASSES
    )
