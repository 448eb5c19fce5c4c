"""Lists of codes for the set-up."""

from contextlib import closing
from decimal import Decimal

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.errors import MalformedAnswerError
from integration.core.ledgers import NO_RULES, LedgerRules
from integration.core.records import Kind
from integration.sandbox.server import Sandbox
from tests.connectors.accountview.conversation import Connect, an_accountview, answer_of
from tests.connectors.accountview.samples import connect_accountview


def test_choices_come_from_the_administration(accountview: AccountView) -> None:
    assert accountview.choices("vat_rates")["1"] == "21.00"
    assert accountview.choices("vat_codes")["1"] == "BTW hoog (21 %)"
    assert accountview.choices("ledgers")["1300"]
    assert accountview.choices("companies")["7f3c"] == "Fietsenwinkel De Ketting B.V. (KETTING)"
    assert accountview.choices("article_fields")["K9_EAN"] == "EAN-barcode"
    assert accountview.choices("branches") == {}


@pytest.mark.parametrize(
    ("percentage", "label"),
    [
        ("21,00", "? % 21,00"),
        (None, "? %"),
        ("", "? %"),
        (True, "? %"),
        (-21, "? % -21"),
        (2100, "? % 2100"),
        ([], "? %"),
    ],
)
def test_a_percentage_that_cannot_be_read_is_no_percentage(percentage: object, label: str) -> None:
    rows = [{"VAT_CODE": "1", "VAT_PCT": percentage}, {"VAT_CODE": "2"}, {"VAT_CODE": "3", "VAT_PCT": 0}]
    with closing(an_accountview(answer_of(VAT=rows))) as books:
        assert books.choices("vat_rates") == {"3": "0.00"}
        assert books.choices("vat_codes") == {"1": f"1 ({label})", "2": "2 (? %)", "3": "3 (0 %)"}


def test_choices_for_the_flows_come_from_the_administration(books: AccountView) -> None:
    assert books.choices("daybooks")["700"]
    assert books.choices("collective_accounts")["1300"] == "Debiteuren"
    assert "8000" in books.choices("revenue_accounts")
    assert "1300" not in books.choices("revenue_accounts")
    assert books.choices("payment_conditions") == {"14": "14"}
    assert isinstance(books.choices("cost_centres"), dict)


def ledger_rules(books: AccountView) -> dict[str, LedgerRules]:
    return {account: LedgerRules.from_text(text) for account, text in books.choices("ledger_rules").items()}


def test_what_accounts_and_daybooks_take_is_reported(sandbox: Sandbox) -> None:
    marked = {"VAT_MAND": True, "COST_MAND": True, "QTY_MAND": 1, "PART_MAND": 2, "REC_BLK": True, "CLT_BLK": True}
    sandbox.accountview.edit("LEDGER", "8030", marked)
    sandbox.accountview.edit("LEDGER", "1010", {"CUR_CODE": "USD"})
    sandbox.accountview.edit("LEDGER", "1020", {"CUR_CODE": "EUR"})
    sandbox.accountview.edit("DAILY", "600", {"CLT_BLK": True})
    with connect_accountview(sandbox) as books:
        rules, types = ledger_rules(books), books.choices("daybook_types")
        assert rules.keys() == books.choices("ledgers").keys()

    assert rules["8030"] == LedgerRules(("vat", "cost", "quantity", "part"), is_blocked=True)
    assert (rules["1010"], rules["1020"], rules["8000"]) == (LedgerRules(currency="USD"), NO_RULES, NO_RULES)
    assert rules["1300"] == LedgerRules(is_collective=True)
    assert types == {"100": "cash", "200": "bank", "500": "purchase", "600": "memorial blocked", "700": "sales"}


def test_an_account_with_a_flag_that_says_neither_names_it_and_the_others_go_on() -> None:
    rows = [{"ACCT_NR": "8000", "REC_BLK": "misschien wel"}, {"ACCT_NR": "8010", "ACCT_LINK": "x"}, {"ACCT_NR": "8020"}]
    books = an_accountview(answer_of(LEDGER=rows))
    unclear = {account: rules.unclear for account, rules in ledger_rules(books).items()}
    assert unclear == {"8000": ("REC_BLK", "misschien wel"), "8010": ("ACCT_LINK", "x"), "8020": None}


def test_of_codes_that_come_twice_with_other_values_none_is_known() -> None:
    vat = [{"VAT_CODE": "1", "VAT_PCT": 21}, {"VAT_CODE": "1", "VAT_PCT": 9}, *[{"VAT_CODE": "2", "VAT_PCT": 9}] * 2]
    with closing(an_accountview(answer_of(VAT=vat))) as books:
        assert books.choices("vat_rates") == {"2": "9.00"}
        assert books.choices("vat_codes") == {"1": "1 (? % 21, 9)", "2": "2 (9 %)"}
    flags = [{"REC_BLK": False}, {"REC_BLK": True}]
    ledgers = [{"ACCT_NR": "8000", "CUR_CODE": "EUR", **flag} for flag in flags]
    ledgers += [{"ACCT_NR": "8010", "CUR_CODE": currency, "REC_BLK": False} for currency in ("EUR", "USD")]
    rules = ledger_rules(an_accountview(answer_of(LEDGER=ledgers)))
    assert [rules[account].unclear for account in ("8000", "8010")] == [
        ("REC_BLK", "[False, True]"), ("CUR_CODE", "['EUR', 'USD']"),
    ]  # fmt: skip


def test_a_list_of_codes_with_a_row_that_is_no_object_names_it() -> None:
    books = an_accountview(answer_of(DAILY=[{"DJ_CODE": "100"}, None]))
    with pytest.raises(MalformedAnswerError, match="list_row_unreadable") as caught:
        books.choices("daybook_types")
    assert caught.value.facts == {"system": "AccountView", "object": "DJ1", "row": "2"}


@pytest.mark.parametrize("link", [2, "2", True, "T"])
def test_a_collective_account_is_reported_by_a_number_or_a_flag(link: object) -> None:
    books = an_accountview(answer_of(LEDGER=[{"ACCT_NR": "1350", "ACCT_LINK": link}]))
    assert ledger_rules(books)["1350"].is_collective


def test_accounts_of_vat_and_fields_of_lines_come_from_the_administration(books: AccountView) -> None:
    assert books.choices("vat_accounts") == {"1": "1500", "2": "1510", "3": "1520", "4": "1520", "5": "1530"}
    fields = books.choices("day_line_fields")
    assert (fields["vat_base"], fields["debtor"], fields["item"]) == ("BASE_AMT", "SUB_NR", "INV_NR")
    assert "number" not in fields


def test_what_has_no_list_of_its_own_is_what_debtors_have(sandbox: Sandbox) -> None:
    debtor = str(sandbox.state("CONTACT")[0]["SUB_NR"])
    sandbox.accountview.edit("CONTACT", debtor, {"SHIP_MTH": "POST", "EMP_NR": "JAN", "APX_LIST": "A1"})
    with connect_accountview(sandbox) as books:
        lists = [books.choices(name) for name in ("shipping_methods", "salespersons", "price_lists")]
        articles = books.choices("article_codes")

    assert [list(codes) for codes in lists[:2]] == [["POST"], ["JAN"]]
    assert "A1" in lists[2]
    names = {row["ART_CODE"]: row["ART_DESC1"] for row in sandbox.state("ARTICLE")}
    assert articles
    assert articles == {code: names[code] for code in articles}


def test_what_may_be_reserved_is_found_by_its_caption_until_the_field_of_reservations_has_a_name(
    connect: Connect,
) -> None:
    assert connect().choices("reservations") == {"K9_RSRV": "Aantal gereserveerd (K9_RSRV)"}
    assert "stock_reserved" not in connect().propose_fields()[Kind.ARTICLE], "nothing is named by itself"
    accountview = connect(article={"stock_reserved": "QTY_FREE2"})
    assert accountview.choices("reservations") == {"stock_reserved": "QTY_FREE2"}


def test_article_groups_are_reported_with_those_above_them_where_these_have_a_name(books: AccountView) -> None:
    groups = books.choices("article_groups")
    assert groups["ONDER"] == "Onderdelen"
    assert books.choices("article_group_parents") == dict.fromkeys(groups, "")


def test_articles_with_most_of_a_field_come_first(connect: Connect) -> None:
    records = connect().highest_records("K9_RSRV", 3)
    amounts = [amount for record in records if isinstance(amount := record.values["K9_RSRV"], Decimal)]
    assert len(amounts) == 3
    assert amounts == sorted(amounts, reverse=True)
    assert amounts[0] > 0
    (highest_record, *_) = connect(article={"stock_reserved": "K9_RSRV"}).highest_records("stock_reserved", 1)
    assert highest_record.values["stock_reserved"] == amounts[0]
