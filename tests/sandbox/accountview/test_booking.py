"""Writing documents: carried out whole, or refused."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.sandbox.office_client import Office, document, order, page, refusal_text, table


class TestDocuments:
    def test_an_order_comes_back_whole_and_is_found_by_its_reference(self, office: Office) -> None:
        answer = office.post(order("MPLUS-20261125-1")).json()
        header, lines = answer["SO_HDR"][0], answer["SO_LINE"]
        assert header["COMMENT1"] == "MPLUS-20261125-1"
        assert [line["ART_PX"] for line in lines] == [19.99, 4.95]
        assert {line["ORD_NR"] for line in lines} == {header["ORD_NR"]}
        assert office.rows_where("SO1", "SO_HDR", "COMMENT1", "mplus-20261125-1") == [header]

    def test_nothing_keeps_the_same_order_from_being_made_twice(self, office: Office) -> None:
        for _ in range(2):
            assert office.post(order("TWICE")).status_code == 200
        assert len(office.rows_where("SO1", "SO_HDR", "COMMENT1", "TWICE")) == 2

    def test_letter_case_and_numbers_for_ids_do_not_matter(self, office: Office) -> None:
        body = json.loads(json.dumps(order("CASE")).replace('"Name"', '"name"').replace("RPL_INV", "rpl_inv"))
        body["TableData"]["Data"]["Rows"][0]["Values"][0] = 1
        for row in body["TableData"]["DetailData"][0]["Rows"]:
            row["Values"][1] = 1
        assert office.post(body).status_code == 200

    def test_a_single_header_needs_no_row_id(self, office: Office) -> None:
        body = order("NO-ID")
        del body["Table"]["Definition"]["Fields"][0]
        del body["TableData"]["Data"]["Rows"][0]["Values"][0]
        assert len(office.post(body).json()["SO_LINE"]) == 2

    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"RPL_INV": "404"}, "Debiteur 404 bestaat niet"),
            ({"COMMENT1": "x" * 41}, "te lang"),
            ({"ORD_DATE": "2026-11-25"}, "datum"),
            ({"DEL_CODE": "A9999999"}, "Afleveradres A9999999 bestaat niet"),
        ],
    )
    def test_an_order_with_a_fault_is_refused(self, office: Office, changed: Mapping[str, Any], sentence: str) -> None:
        assert sentence in refusal_text(
            office.post(order("BAD") | {}) if not changed else office.post(order("BAD", **changed))
        )
        assert office.rows_where("SO1", "SO_HDR", "COMMENT1", "BAD") == []

    def test_all_articles_must_exist_and_be_open(self, office: Office) -> None:
        for code, sentence in (("TSHIRT-RED-X", "Artikel TSHIRT-RED-X bestaat niet."), ("9701", "geblokkeerd")):
            body = order("GONE")
            body["TableData"]["DetailData"][0]["Rows"][1]["Values"][2] = code
            assert sentence in refusal_text(office.post(body))

    @pytest.mark.parametrize("spoil", ["values", "header", "type", "table", "lines"])
    def test_the_form_of_a_body_is_checked(self, office: Office, spoil: str) -> None:
        body = order("FORM")
        match spoil:
            case "values":
                body["TableData"]["Data"]["Rows"][0]["Values"].pop()
            case "header":
                body["TableData"]["DetailData"][0]["Rows"][0]["Values"][1] = "7"
            case "type":
                body["Table"]["Definition"]["Fields"][1]["FieldType"] = "Y"
            case "table":
                body["Table"]["Definition"]["Name"] = "CONTACT"
            case _:
                body["TableData"]["DetailData"] = body["Table"]["DetailDefinitions"] = None
        refusal_text(office.post(body))

    def test_no_json_at_all_is_refused(self, office: Office) -> None:
        for raw in (b"{", b"[]", b"\xff"):
            answer = office.http.post(f"{office.base}/accountviewdata", content=raw, headers=office.headers)
            refusal_text(answer)

    def test_an_order_cannot_be_changed_unless_the_convention_says_so(self, office: Office) -> None:
        header = office.post(order("FIXED")).json()["SO_HDR"][0]
        change = table("SO1", "SO_HDR", {"ORD_NR": header["ORD_NR"], "COMMENT2": "Bel eerst"})
        refusal_text(office.put(change))
        with (
            running(articles=60, trades=False, conventions=Conventions(order_update=True)) as other,
            Office(other) as open_office,
        ):
            assert open_office.put(table("SO1", "SO_HDR", {"ORD_NR": "26000001", "COMMENT2": "x"})).status_code == 200

    def test_an_invoiced_order_is_found_in_the_history(self, sandbox: Sandbox, office: Office) -> None:
        header = office.post(order("OLD-1")).json()["SO_HDR"][0]
        sandbox.accountview.invoice(header["ORD_NR"])
        assert office.rows_where("SO1", "SO_HDR", "COMMENT1", "OLD-1") == []
        assert len(office.rows_where("ALH", "HST_AL", "hst_ah.comment1", "OLD-1")) == 2

    def test_a_posting_is_numbered_totalled_and_final(self, office: Office) -> None:
        posted_page = office.post(page()).json()["DJ_PAGE"][0]
        assert posted_page["INV_NR"] == "MP2611251"
        assert posted_page["PERIOD"] == 11
        assert posted_page["PAGE_AMT"] == 39.98
        assert posted_page["PAGE_NR"]
        lines = office.get("DJ2", FilterControlSource1="INV_NR", FilterValue1="MP2611251").json()["DJ_LINE"]
        assert lines[0]["TRN_DATE"] == "2026-11-25T00:00:00"
        refusal_text(office.put(table("DJ2", "DJ_PAGE", {"PAGE_NR": posted_page["PAGE_NR"], "HDR_DESC": "x"})))

    def test_a_posting_of_the_go_client_is_understood(self, office: Office) -> None:
        header = {
            "PAGE_NR": "",
            "DJ_CODE": "700",
            "PERIOD": 4,
            "SUB_NR": None,
            "INV_NR": None,
            "CUR_CODE": "EUR",
            "HDR_DESC": "TEST",
            "INP_DATE": "0001-01-01T00:00:00Z",
            "TRN_DATE": "2026-04-12T00:00:00Z",
            "RowId": "1",
        }
        line = {"ACCT_NR": "8000", "AMOUNT": 12.1, "REC_ID": "REC_ID", "TRN_QTY": 1, "RowId": "1", "HeaderId": "1"}
        types = {"PERIOD": "N", "INP_DATE": "T", "TRN_DATE": "T", "AMOUNT": "N", "TRN_QTY": "N"}
        body = document("DJ2", ("DJ_PAGE", header), ("DJ_LINE", [line, line | {"RowId": "2"}]), **types)
        answer = office.post(body | {"BookDate": ""}).json()
        assert len({posted_line["REC_ID"] for posted_line in answer["DJ_LINE"]}) == 2
        assert {posted_line["DJ_PAGE_Id"] for posted_line in answer["DJ_LINE"]} == {0}
