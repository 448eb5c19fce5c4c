"""Ledger accounts: the one that a number of a till means, and the requirements of each."""

import pytest

from integration.core.ledgers import NO_RULES, LedgerRules, matching_account


@pytest.mark.parametrize(
    ("number", "ledgers", "expected"),
    [
        ("800", ("0800", "8000"), "0800"),
        ("800", ("800", "8000"), "800"),
        ("800", ("0800", "800"), ""),  # either of them arrives as 800
        ("800", ("8000", "80", "800A"), ""),
        ("0", ("0000", "0"), ""),  # not set
        ("", ("0000", ""), ""),
    ],
)
def test_a_number_means_the_only_ledger_that_it_can_be(number: str, ledgers: tuple[str, ...], expected: str) -> None:
    assert matching_account(number, ledgers) == expected


@pytest.mark.parametrize(
    "rules",
    [NO_RULES, LedgerRules(("vat", "part"), is_blocked=True, is_collective=True, currency="USD", unclear=("A", "b c"))],
)
def test_rules_of_a_ledger_are_the_same_after_they_were_written_as_text(rules: LedgerRules) -> None:
    assert LedgerRules.from_text(rules.as_text()) == rules
