"""What AccountView's texts mean."""

import pytest

from integration.connectors.accountview.answers import cause_of


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Debiteur 10042 is geblokkeerd voor orders.", "debtor_blocked"),
        ("Grootboekrekening 8000 is geblokkeerd.", "ledger_account_unusable"),
        ("Dagboek 700 bestaat niet.", "ledger_account_unusable"),
        ("Artikel TS-1 bestaat niet.", "article_missing"),
        ("De periode 3 is gesloten.", "period_closed"),
        ("Boekjaar 2024 is afgesloten.", "period_closed"),
        ("Artikel TS-1 is geblokkeerd.", "accountview_rejected"),
        ("Er is iets anders.", "accountview_rejected"),
    ],
)
def test_a_dutch_text_is_a_cause_where_it_can_be_told_apart(said: str, code: str) -> None:
    assert cause_of(said)[0] == code
