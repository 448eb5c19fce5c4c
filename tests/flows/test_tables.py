"""The keys of value tables, which rows are possible, and which of them a run uses."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from integration.flows.days.questions import ACCOUNTS_TABLE, COST_CENTRES_TABLE
from integration.flows.orders.codes import REVENUE_TABLE, VAT_TABLE
from integration.flows.registry import FLOWS
from integration.flows.settings import COUNTRY_CODES, CodeList, ValueTable, books_list, till_list
from integration.flows.tables import row_fault, row_faults, rowless_codes, rows_with_different_rates, usable_rows

LISTS: Mapping[CodeList, Mapping[str, str]] = {
    till_list("vat_codes"): {"1": "9 %", "2": "21 %", "3": "0 %"},
    books_list("vat_codes"): {"1": "Hoog", "2": "Laag", "5": "Verlegd"},
    books_list("revenue_accounts"): {"8000": "Omzet"},
    till_list("turnover_groups"): {"30": "Fietsen"},
    till_list("branches"): {"1": "Utrecht"},
    books_list("cost_centres"): {"100": "Winkel"},
    books_list("ledgers"): {"8000": "Omzet"},
}
RATES = {"mplus": {"1": Decimal(9), "2": Decimal(21)}, "accountview": {"1": Decimal(21), "2": Decimal(9)}}


@pytest.mark.parametrize(
    ("table", "key", "parts"),
    [
        (VAT_TABLE, "2", {"code": "2"}),
        (VAT_TABLE, "2:shifted", {"code": "2", "vat_method": "shifted"}),
        (VAT_TABLE, "2:yes", {"code": "2", "vat_number": "yes"}),
        (VAT_TABLE, "BE:2", {"country": "BE", "code": "2"}),
        (
            VAT_TABLE,
            "BE:2:no:shifted",
            {"country": "BE", "code": "2", "vat_number": "no", "vat_method": "shifted"},
        ),
        (REVENUE_TABLE, "BE:*", {"country": "BE", "code": "*"}),
        (REVENUE_TABLE, "*", {"code": "*"}),
        (ACCOUNTS_TABLE, "30/3", {"group": "30", "vat_code": "3"}),
        (COST_CENTRES_TABLE, "@1", {"group": "@1"}),
    ],
)
def test_a_key_is_read_and_written_in_one_place(table: ValueTable, key: str, parts: dict[str, str]) -> None:
    assert table.read(key) == parts
    assert table.key(parts) == key


@pytest.mark.parametrize("key", ["", ":2", "NL:2:maybe", "NL:BE:2", "NL::yes"])
def test_what_is_no_key_is_read_as_none(key: str) -> None:
    assert VAT_TABLE.read(key) is None


def test_every_table_of_every_flow_reads_the_keys_it_writes() -> None:
    for table in (value_table for spec in FLOWS.values() for value_table in spec.tables):
        whole = {part.name: (part.options or ("7",))[-1] for part in table.parts}
        assert table.read(table.key(whole)) == whole


def test_the_more_particular_row_counts() -> None:
    rows = {"2": "a", "2:yes": "b", "BE:2": "c", "BE:2:yes": "d", "2:shifted": "e", "*": "f"}

    def row(country: str = "NL", vat_number: str = "no", vat_method: str = "", code: str = "2") -> str:
        facts = {"country": country, "vat_number": vat_number, "vat_method": vat_method, "code": code}
        return rows[VAT_TABLE.row(rows, home="NL", **facts)]

    assert [row(), row(vat_number="yes"), row("BE"), row("BE", "yes")] == ["a", "b", "c", "d"]
    assert [row(vat_method="shifted"), row("BE", "yes", "shifted"), row(code="9")] == ["e", "e", "f"]


@pytest.mark.parametrize(
    ("table", "key", "other", "why"),
    [
        (VAT_TABLE, "USA:3", "1", "reason_row_country"),
        (VAT_TABLE, "be:3", "1", "reason_row_country"),
        (VAT_TABLE, "BE:9", "1", "reason_row_code"),
        (VAT_TABLE, "BE:3", "9", "reason_row_code"),
        (VAT_TABLE, "BE:3:perhaps", "1", "reason_row_key"),
        (COST_CENTRES_TABLE, "@9", "100", "reason_row_code"),
        (ACCOUNTS_TABLE, "30/8", "8000", "reason_row_code"),
        (FLOWS["orders"].table("countries"), "Neverland", "XX", "reason_row_country"),
    ],
)
def test_an_impossible_row_is_known_with_its_reason(table: ValueTable, key: str, other: str, why: str) -> None:
    fault = row_fault(table, key, other, LISTS.get)
    assert fault is not None
    assert fault.code == why


def test_possible_rows_pass_and_a_list_nobody_can_read_speaks_against_none() -> None:
    assert row_faults(VAT_TABLE, [("BE:3:yes", "5"), ("*", "1"), ("2:shifted", "5")], LISTS.get) == {}
    assert row_faults(VAT_TABLE, [("9", "9")], lambda _: None) == {}
    assert row_fault(COST_CENTRES_TABLE, "@1", "100", LISTS.get) is None
    assert row_fault(ValueTable("any", theirs=COUNTRY_CODES), "Holland", "NL", LISTS.get) is None


def test_a_second_row_for_the_same_is_impossible() -> None:
    faults = row_faults(VAT_TABLE, [("2", "1"), ("2", "2")], LISTS.get)
    assert [why.code for why in faults.values()] == ["reason_row_twice"]


def test_percentages_that_differ_are_reported_but_not_under_reverse_charge() -> None:
    rows = {"1": "1", "2": "1", "BE:1": "2", "1:shifted": "1"}
    assert rows_with_different_rates(VAT_TABLE, rows, lambda codes: RATES[codes.system]) == ["1"]
    assert rows_with_different_rates(REVENUE_TABLE, {"1": "8000"}, lambda codes: RATES[codes.system]) == []


def test_a_run_never_guesses_with_a_row_for_more_what_an_impossible_one_was_meant_for() -> None:
    rows = usable_rows(VAT_TABLE, {"3": "1", "USA:3": "2", "Atlantis:2": "2", "2": "1"}, LISTS.get)

    def row(country: str, code: str) -> str:
        return VAT_TABLE.row(rows, home="NL", country=country, code=code, vat_number="no")

    assert [row("US", "3"), row("BE", "3"), row("NL", "3")] == ["", "3", "3"]
    assert [row("BE", "2"), row("NL", "2")] == ["", "2"]


def test_readiness_finds_the_rows_that_a_run_finds() -> None:
    def missing_codes(rows: Mapping[str, str], home: str = "NL") -> list[str]:
        return rowless_codes(VAT_TABLE, usable_rows(VAT_TABLE, rows, LISTS.get), ["1", "2"], home, lambda _: ())

    assert missing_codes({"*": "1"}) == []
    assert missing_codes({"NL:1": "1", "2": "1"}) == []
    assert missing_codes({"BE:1": "1", "2": "1"}) == ["1"]
    assert missing_codes({"NL:1:yes": "1", "2": "1"}) == ["1"]
    assert missing_codes({"NL:1:yes": "1", "NL:1:no": "1", "2": "1"}) == []
    assert missing_codes({"1": "9", "2": "1"}) == ["1"]


def test_a_code_that_is_not_in_use_yet_is_as_good_as_one_that_is() -> None:
    tables = {value_table.name: value_table for spec in FLOWS.values() for value_table in spec.tables}
    lists = {books_list("shipping_methods"): {"POST": "POST"}, till_list("delivery_methods"): {"1": "Bezorgen"}}
    table = tables["shipping_methods"]

    assert row_fault(table, "1", "KOERIER", lists.get) is None
    assert row_fault(table, "2", "POST", lists.get) is not None  # the till lists all that it has
    for name in ("salespersons", "price_lists", "price_groups", "articles"):
        assert tables[name].theirs is not None
