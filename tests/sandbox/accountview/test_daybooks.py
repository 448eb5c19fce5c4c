"""Pages and their postings in the AccountView sandbox, and the changes that people make to pages."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest

from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.sandbox.office_client import MOMENT, Office, document, page, refusal_text


def memorial(*lines: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    """A page of the memorial."""
    header = {
        "RowId": "1", "DJ_CODE": "600", "INV_NR": "MZ6112500100", "TRN_DATE": MOMENT, "HDR_DESC": "Kassa",
        "CUR_CODE": "EUR", "GROSS_FLG": False, "COMMENT1": "run-1", "NO_POST": False,
    } | changed  # fmt: skip
    empty = {"RowId": "", "HeaderId": "1", "ACCT_NR": "", "AMOUNT": 0, "VAT_CODE": None, "VAT_AMT": None,
             "SUB_NR": None, "INV_NR": None}  # fmt: skip
    rows = [empty | {"RowId": str(place)} | dict(line) for place, line in enumerate(lines, start=1)]
    types = {"TRN_DATE": "T", "AMOUNT": "N", "VAT_AMT": "N", "GROSS_FLG": "L", "NO_POST": "L"}
    return document("DJ2", ("DJ_PAGE", header), ("DJ_LINE", rows), **types)


SALE = (
    {"ACCT_NR": "8000", "AMOUNT": -100, "VAT_CODE": "1", "VAT_AMT": -21},
    {"ACCT_NR": "1010", "AMOUNT": 121},
)
ON_THE_LEDGER = {"8000": Decimal(-100), "1500": Decimal(-21), "1010": Decimal(121)}


def ledger(sandbox: Sandbox, number: str) -> dict[str, Decimal]:
    """Return the amounts that a page posted, by account."""
    balances: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows(sandbox, number):
        balances[str(row["ACCT_NR"])] += Decimal(str(row["AMOUNT"]))
    return dict(balances)


def rows(sandbox: Sandbox, number: str) -> list[dict[str, object]]:
    return [row for row in sandbox.state("TRANSACT") if row["PAGE_NR"] == number]


def number_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["DJ_PAGE"][0]["PAGE_NR"])


def header_of(sandbox: Sandbox, number: str) -> dict[str, object]:
    return next(row for row in sandbox.state("DJ_PAGE") if row["PAGE_NR"] == number)


class TestLedger:
    def test_every_page_of_the_first_morning_is_on_the_ledger_and_comes_to_nothing(self, reading: Office) -> None:
        of_pages: dict[object, Decimal] = defaultdict(Decimal)
        for row in reading.rows("GJ1", "TRANSACT", PageSize=1000):
            of_pages[row["PAGE_NR"]] += Decimal(str(row["AMOUNT"]))
        assert len(of_pages) == 15
        assert set(of_pages.values()) == {Decimal(0)}

    def test_a_sale_is_in_credit_and_its_debtor_in_debit(self, sandbox: Sandbox, office: Office) -> None:
        number = number_of(office.post(page()))
        assert ledger(sandbox, number) == {
            "8010": Decimal("-33.04"), "1500": Decimal("-6.94"), "1300": Decimal("39.98"),
        }  # fmt: skip
        (debtor,) = (row for row in rows(sandbox, number) if row["ACCT_NR"] == "1300")
        assert (debtor["SUB_NR"], debtor["INV_NR"]) == ("20001", "MP2611251")

    def test_a_line_keeps_its_debtor_and_its_open_item(self, sandbox: Sandbox, office: Office) -> None:
        lines = (SALE[0], {"ACCT_NR": "1300", "AMOUNT": 121, "SUB_NR": "20007", "INV_NR": "MP12262202"})
        (row,) = (row for row in rows(sandbox, number_of(office.post(memorial(*lines)))) if row["ACCT_NR"] == "1300")
        assert (row["SUB_NR"], row["INV_NR"], row["AMOUNT"]) == ("20007", "MP12262202", "121")

    @pytest.mark.parametrize("daybook", ["100", "200"])
    def test_what_a_page_of_a_drawer_or_a_bank_comes_to_is_on_its_own_account(
        self, daybook: str, sandbox: Sandbox, office: Office
    ) -> None:
        lines = ({"ACCT_NR": "8000", "AMOUNT": 100, "VAT_CODE": "1", "VAT_AMT": 21}, {"ACCT_NR": "1090", "AMOUNT": -50})
        reply = office.post(memorial(*lines, DJ_CODE=daybook))
        own = {"100": "1000", "200": "1100"}[daybook]
        assert reply.json()["DJ_PAGE"][0]["PAGE_AMT"] == 71
        assert ledger(sandbox, number_of(reply)) == {
            "8000": Decimal(-100), "1500": Decimal(-21), "1090": Decimal(50), own: Decimal(71),
        }  # fmt: skip

    def test_a_purchase_is_in_debit_and_owed_to_somebody(self, sandbox: Sandbox, office: Office) -> None:
        lines = ({"ACCT_NR": "4510", "AMOUNT": 10}, {"ACCT_NR": "3000", "AMOUNT": 90})
        number = number_of(office.post(memorial(*lines, DJ_CODE="500")))
        assert ledger(sandbox, number) == {"4510": Decimal(10), "3000": Decimal(90), "1400": Decimal(-100)}

    def test_a_gross_page_has_its_vat_within_its_amounts(self, sandbox: Sandbox, office: Office) -> None:
        lines = (SALE[0] | {"AMOUNT": -121}, SALE[1])
        reply = office.post(memorial(*lines, GROSS_FLG=True))
        assert reply.json()["DJ_PAGE"][0]["PAGE_AMT"] == 0
        assert reply.json()["DJ_PAGE"][0]["PAGE_VAT"] == -21
        assert ledger(sandbox, number_of(reply)) == ON_THE_LEDGER

    @pytest.mark.parametrize(("gross", "amount"), [(False, 121.01), (True, 120.99)])
    def test_a_page_of_the_memorial_has_to_add_up(self, gross: bool, amount: float, office: Office) -> None:
        sale = SALE[0] | ({"AMOUNT": -121} if gross else {})
        lines = (sale, SALE[1] | {"AMOUNT": amount})
        assert "niet in evenwicht" in refusal_text(office.post(memorial(*lines, GROSS_FLG=gross)))
        assert office.rows_where("DJ2", "DJ_PAGE", "INV_NR", "MZ6112500100") == []

    def test_the_sign_of_a_memorial_can_be_the_other_way_round(self) -> None:
        with (
            running(articles=60, trades=False, conventions=Conventions(memorial_sign="credit")) as other,
            Office(other) as office,
        ):
            number = number_of(office.post(memorial(*SALE)))
            assert ledger(other, number) == {account: -amount for account, amount in ON_THE_LEDGER.items()}

    def test_rows_of_a_page_that_is_shown_later_are_shown_later(self, sandbox: Sandbox, office: Office) -> None:
        sandbox.switches.arm("late", system="accountview", operation="DJ2 POST", seconds=600)
        number = number_of(office.post(memorial(*SALE)))
        assert office.rows_where("GJ1", "TRANSACT", "PAGE_NR", number) == []
        assert ledger(sandbox, number) == ON_THE_LEDGER


class TestPosting:
    def test_pages_wait_until_somebody_posts_them(self, sandbox: Sandbox, office: Office) -> None:
        sandbox.accountview.edit("conventions", "posting", {"value": "by hand"})
        first, second = (number_of(office.post(memorial(*SALE))) for _ in range(2))
        assert ledger(sandbox, first) == ledger(sandbox, second) == {}
        assert office.rows_where("DJ2", "DJ_PAGE", "PAGE_NR", first)
        reply = httpx.post(f"{sandbox.control_url}post", json={"key": first})
        assert reply.status_code == 200
        assert (ledger(sandbox, first), ledger(sandbox, second)) == (ON_THE_LEDGER, {})
        sandbox.accountview.post()
        assert ledger(sandbox, first) == ledger(sandbox, second) == ON_THE_LEDGER

    def test_a_concept_is_posted_only_by_its_number(self, sandbox: Sandbox, office: Office) -> None:
        number = number_of(office.post(memorial(*SALE, NO_POST=True)))
        sandbox.accountview.post()
        assert ledger(sandbox, number) == {}
        sandbox.accountview.post(number)
        assert ledger(sandbox, number) == ON_THE_LEDGER
        with pytest.raises(LookupError):
            sandbox.accountview.post("404")


class TestByHand:
    def test_a_page_that_is_deleted_takes_its_lines_and_rows_along(self, sandbox: Sandbox, office: Office) -> None:
        number = number_of(office.post(memorial(*SALE)))
        sandbox.accountview.remove("DJ_PAGE", number)
        assert ledger(sandbox, number) == {}
        assert not [row for row in sandbox.state("DJ_LINE") if row["PAGE_NR"] == number]
        assert office.rows_where("DJ2", "DJ_PAGE", "PAGE_NR", number) == []

    def test_a_changed_line_changes_the_ledger_and_says_who_it_was(self, sandbox: Sandbox, office: Office) -> None:
        number = number_of(office.post(memorial(*SALE)))
        before = header_of(sandbox, number)
        line = next(str(row["REC_ID"]) for row in sandbox.state("DJ_LINE") if row["PAGE_NR"] == number)
        sandbox.accountview.edit("DJ_LINE", line, {"ACCT_NR": "8010"}, by="ANJA")
        after = header_of(sandbox, number)
        assert ledger(sandbox, number) == {"8010": Decimal(-100), "1500": Decimal(-21), "1010": Decimal(121)}
        assert (after["CNG_USR"], after["CNG_NR"]) == ("ANJA", "2")
        assert str(after["CNG_DATE"]) > str(before["CNG_DATE"])
        sandbox.accountview.edit("DJ_LINE", line, {"AMOUNT": -90})
        assert (header_of(sandbox, number)["PAGE_AMT"], header_of(sandbox, number)["CNG_USR"]) == ("10", "BALIE")

    def test_a_changed_header_is_one_change(self, sandbox: Sandbox, office: Office) -> None:
        number = number_of(office.post(memorial(*SALE)))
        sandbox.accountview.edit("DJ_PAGE", number, {"PERIOD": 12}, by="ANJA")
        assert (header_of(sandbox, number)["CNG_USR"], header_of(sandbox, number)["CNG_NR"]) == ("ANJA", "2")
        assert {row["PERIOD"] for row in rows(sandbox, number)} == {"12"}

    def test_lines_come_and_go(self, sandbox: Sandbox, office: Office) -> None:
        number = number_of(office.post(memorial(*SALE)))
        added = {"REC_ID": "77", "DJ_CODE": "600", "PAGE_NR": number, "ACCT_NR": "4510", "AMOUNT": 5}
        sandbox.accountview.add("DJ_LINE", added)
        assert ledger(sandbox, number) == ON_THE_LEDGER | {"4510": Decimal(5)}
        sandbox.accountview.remove("DJ_LINE", "77")
        assert ledger(sandbox, number) == ON_THE_LEDGER

    def test_a_page_is_typed_over_the_control_address(self, sandbox: Sandbox) -> None:
        body = {
            "page": {"DJ_CODE": "600", "HDR_DESC": "bon 4102", "TRN_DATE": MOMENT},
            "lines": [dict(line) for line in SALE],
            "by": "PIET",
        }
        assert httpx.post(f"{sandbox.control_url}book", json=body).status_code == 200
        (header,) = (row for row in sandbox.state("DJ_PAGE") if row["HDR_DESC"] == "bon 4102")
        assert (header["CNG_USR"], header["PERIOD"], header["PAGE_AMT"]) == ("PIET", "11", "0")
        assert ledger(sandbox, str(header["PAGE_NR"])) == ON_THE_LEDGER
        for spoiled in ({"DJ_CODE": "999"}, {"NICK_NAME": "x"}):
            wrong = body | {"page": {"DJ_CODE": "600", **spoiled}}
            assert httpx.post(f"{sandbox.control_url}book", json=wrong).status_code == 404
