"""A counterpart is proposed only if both systems leave one answer."""

from collections.abc import Mapping

import pytest

from integration.flows.proposals import account_by_types, account_of_till, vat_code_of_books
from integration.flows.settings import CodeList, ListReader, books_list, till_list

GROUPS, METHODS, LEDGERS = till_list("turnover_accounts"), till_list("payment_accounts"), books_list("ledgers")
VAT, TYPES = till_list("vat_codes"), till_list("payment_types")
BOOKS_VAT = books_list("vat_codes")


def reader(lists: Mapping[CodeList, Mapping[str, str]]) -> ListReader:
    return lambda code_list: lists.get(code_list, {})


def test_the_account_of_the_till_is_proposed_if_the_books_have_exactly_one() -> None:
    propose = account_of_till(GROUPS, LEDGERS, "group")
    lists = {GROUPS: {"10": "800", "20": "900", "30": "801"}, LEDGERS: {"0800": "", "801": "", "0801": ""}}
    assert [propose({"group": group}, reader(lists)) for group in ("10", "20", "30", "")] == ["0800", "", "", ""]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"code": "2"}, "1"),
        ({"code": "3"}, ""),  # two codes of the books have no VAT
        ({"code": "5", "vat_method": "shifted"}, "5"),
        ({"code": "9"}, ""),
    ],
)
def test_the_vat_code_of_the_same_percentage_is_proposed(facts: dict[str, str], expected: str) -> None:
    lists = {
        till_list("vat_rates"): {"2": "21.00", "3": "0.00", "5": "0.00"},
        books_list("vat_rates"): {"1": "21.00", "3": "0.00", "4": "0.00", "5": "0.00"},
        BOOKS_VAT: {"1": "BTW hoog", "3": "BTW nul", "4": "Vrijgesteld", "5": "BTW verlegd (0%)"},
    }
    assert vat_code_of_books(VAT, BOOKS_VAT)(facts, reader(lists)) == expected


def test_the_account_of_all_codes_of_a_type_is_proposed_if_it_is_one() -> None:
    propose = account_by_types(LEDGERS, (TYPES, METHODS, ["deposit"]))
    types = {"DEPOSIT": "deposit", "ONLINE": "deposit", "PIN": "eft"}
    ledgers = {"1575": "", "1010": ""}
    lists = {TYPES: types, METHODS: {"DEPOSIT": "1575", "ONLINE": "1575", "PIN": "1010"}, LEDGERS: ledgers}
    assert propose(reader(lists)) == "1575"
    assert propose(reader({**lists, METHODS: {"DEPOSIT": "1575", "ONLINE": "1010"}})) == ""
