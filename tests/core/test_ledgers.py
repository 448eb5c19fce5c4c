"""A number of a till means a ledger where one alone fits."""

import pytest

from integration.core.ledgers import only_ledger


@pytest.mark.parametrize(
    ("number", "ledgers", "meant"),
    [
        ("800", ("0800", "8000"), "0800"),
        ("800", ("800", "8000"), "800"),
        ("800", ("0800", "800"), ""),  # either of them arrives as 800
        ("800", ("8000", "80", "800A"), ""),
        ("0", ("0000", "0"), ""),  # not set
        ("", ("0000", ""), ""),
    ],
)
def test_a_number_means_the_only_ledger_that_it_can_be(number: str, ledgers: tuple[str, ...], meant: str) -> None:
    assert only_ledger(number, ledgers) == meant
