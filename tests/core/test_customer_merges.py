"""Customers that may be one person, and those that may be merged."""

from datetime import UTC, datetime

import pytest

from integration.core.customer_merges import (
    MAX_SHARING,
    CustomerNumbers,
    DismissedPair,
    KnownCustomer,
    MergeCandidate,
    can_merge,
    is_merged_key,
    joined_numbers,
    merge_candidates,
    merged_key,
    merged_numbers,
    without_dismissed,
)

ONE, OTHER = CustomerNumbers("1", "11"), CustomerNumbers("2", "12")


@pytest.mark.parametrize(
    ("in_books", "at_till", "shared"),
    [
        ({"email": "Els@example.com"}, {"email": "els@EXAMPLE.com "}, ("email",)),
        ({"vat_number": "NL 0012.34.567.B01"}, {"vat_number": "NL001234567B01"}, ("vat_number",)),
        ({"name": "Els de Wit", "postcode": "3700 AB"}, {"name": "els  de wit", "postcode": "3700ab"}, ("name",)),
        ({"name": "Els de Wit"}, {"name": "Els de Wit"}, None),
        ({"postcode": "3700 AB"}, {"postcode": "3700 AB"}, None),
        ({"email": ""}, {"email": ""}, None),
    ],
)
def test_customers_with_the_same_evidence_are_candidates(
    in_books: dict[str, str], at_till: dict[str, str], shared: tuple[str, ...] | None
) -> None:
    candidates = merge_candidates([KnownCustomer(ONE, in_books), KnownCustomer(OTHER, till=at_till)])
    assert [(candidate.customers, candidate.shared) for candidate in candidates] == (
        [((ONE, OTHER), shared)] if shared else []
    )


def test_a_value_of_many_customers_suggests_nothing() -> None:
    many = [KnownCustomer(CustomerNumbers(str(n), str(n)), {"email": "info@x.nl"}) for n in range(MAX_SHARING + 1)]
    assert merge_candidates(many) == []
    assert merge_candidates(many[1:])


def test_two_numbers_of_one_customer_are_no_candidates() -> None:
    half = CustomerNumbers("1")
    assert merge_candidates([KnownCustomer(ONE, {"email": "a@b.nl"}), KnownCustomer(half, {"email": "a@b.nl"})]) == []


@pytest.mark.parametrize(
    ("pair", "is_left"),
    [
        ((OTHER, ONE), False),
        ((CustomerNumbers("1"), CustomerNumbers("2")), False),
        ((CustomerNumbers("1", "18"), CustomerNumbers("2", "12")), False),  # the first has another relation now
        ((CustomerNumbers("", "12"), CustomerNumbers("", "11")), False),
        ((ONE, CustomerNumbers("3", "13")), True),
        ((CustomerNumbers("1", "12"), CustomerNumbers("1", "13")), True),
    ],
)
def test_two_persons_are_no_candidates_whatever_their_other_number(
    pair: tuple[CustomerNumbers, CustomerNumbers], is_left: bool
) -> None:
    dismissed = DismissedPair((ONE, OTHER), "els", datetime(2026, 12, 1, tzinfo=UTC))
    assert bool(without_dismissed([MergeCandidate(pair)], [dismissed])) is is_left


def test_a_merge_keeps_the_only_number_of_a_system() -> None:
    stays, goes = CustomerNumbers("1"), CustomerNumbers("2", "12")
    assert (joined_numbers(stays, goes), merged_numbers(stays, goes)) == (
        CustomerNumbers("1", "12"),
        CustomerNumbers("2"),
    )
    assert not can_merge(CustomerNumbers("1"), CustomerNumbers(relation="12"))
    assert not can_merge(ONE, ONE)


def test_the_key_of_a_merged_relation_is_recognised() -> None:
    assert is_merged_key(merged_key("12"))
    assert not is_merged_key("12")
