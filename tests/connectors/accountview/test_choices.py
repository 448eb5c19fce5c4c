"""Lists of codes for the set-up."""

from integration.connectors.accountview.connector import AccountView


def test_choices_come_from_the_administration(accountview: AccountView) -> None:
    assert accountview.choices("vat_rates")["1"] == "21.00"
    assert accountview.choices("vat_codes")["1"] == "BTW hoog (21 %)"
    assert accountview.choices("ledgers")["1300"]
    assert accountview.choices("companies")["7f3c"] == "Fietsenwinkel De Ketting B.V. (KETTING)"
    assert accountview.choices("article_fields")["K9_EAN"] == "EAN-barcode"
    assert accountview.choices("branches") == {}


def test_choices_for_the_flows_come_from_the_administration(books: AccountView) -> None:
    assert books.choices("daybooks")["700"]
    assert books.choices("collective_accounts")["1300"] == "Debiteuren"
    assert "8000" in books.choices("revenue_accounts")
    assert "1300" not in books.choices("revenue_accounts")
    assert books.choices("payment_conditions") == {"14": "14"}
    assert isinstance(books.choices("cost_centres"), dict)
