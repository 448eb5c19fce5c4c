"""Work of people in the AccountView sandbox."""

import httpx
import pytest

from integration.sandbox.server import Sandbox
from tests.sandbox.office_client import Office


class TestByHand:
    def test_an_edit_by_hand_shows_in_the_stamp_and_not_in_the_ledger(self, sandbox: Sandbox, office: Office) -> None:
        calls = sandbox.ledger.counts()
        before = sandbox.state("ARTICLE")
        control = httpx.post(
            f"{sandbox.control_url}edit",
            json={"table": "ARTICLE", "key": "10001", "values": {"PX_SELL": 12.5}},
        )
        assert control.status_code == 200
        assert sandbox.ledger.counts() == calls
        assert sandbox.state("ARTICLE") != before
        assert office.rows_where("AK1", "ARTICLE", "ART_CODE", "10001")[0]["PX_SELL"] == 12.5

    def test_articles_come_and_go(self, sandbox: Sandbox, office: Office) -> None:
        sandbox.accountview.add("ARTICLE", {"ART_CODE": "777", "ART_DESC1": "Nieuw", "AG_CODE": "ACCES"})
        assert office.rows_where("AK1", "ARTICLE", "ART_CODE", "777")[0]["CNG_NR"] == 1
        sandbox.accountview.remove("ARTICLE", "777")
        assert office.rows_where("AK1", "ARTICLE", "ART_CODE", "777") == []
        with pytest.raises(LookupError):
            sandbox.accountview.edit("ARTICLE", "777", {"ART_DESC1": "x"})

    def test_an_indexed_field_is_found_under_its_new_value(self, sandbox: Sandbox, office: Office) -> None:
        assert office.rows_where("AR1", "CONTACT", "MAIL_BUS", "new@x.example") == []
        sandbox.accountview.edit("CONTACT", "20001", {"MAIL_BUS": "new@x.example"})
        assert [row["SUB_NR"] for row in office.rows_where("AR1", "CONTACT", "MAIL_BUS", "new@x.example")] == ["20001"]

    def test_a_day_moves_prices_and_stocks(self, sandbox: Sandbox) -> None:
        before = {row["ART_CODE"]: row for row in sandbox.state("ARTICLE")}
        sandbox.advance_day()
        changed = [row for row in sandbox.state("ARTICLE") if before.get(row["ART_CODE"]) != row]
        assert len(changed) == 15
        assert sum(row["ART_CODE"] not in before for row in changed) == 1

    def test_stock_per_branch_adds_up(self, reading: Office) -> None:
        document_sets = reading.rows_where("K9V", "K9_STOCK", "ART_CODE", "10001")
        article = reading.rows_where("AK1", "ARTICLE", "ART_CODE", "10001")[0]
        assert [row["K9_BRANCH"] for row in document_sets] == ["1", "2", "3"]
        assert sum(row["K9_QTY"] for row in document_sets) == article["QTY_TECH"]
