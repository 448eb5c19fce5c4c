"""The AccountView sandbox, asked the way real clients ask."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from integration.sandbox.accountview.access import CLIENT_ID, CLIENT_SECRET, LIMITED_REFRESH_TOKEN, REFRESH_TOKEN
from integration.sandbox.accountview.app import EMPTY_COMPANY
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.accountview.dictionary import definitions
from integration.sandbox.server import Sandbox, running
from tests.sandbox.office_client import MOMENT, Office, debtor, document, order, page, refused, table

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "accountview-fields"
DUMPS = ("contact", "ledger", "vat", "dj_page", "dj_line", "daily", "cost", "adm_list", "comp_hdr", "transact")


class TestAccess:
    def test_a_refresh_token_is_good_for_one_use(self, office: Office) -> None:
        again = office.refresh(REFRESH_TOKEN)
        assert again.status_code == 400
        assert again.json()["error"] == "invalid_grant"
        assert office.refresh(office.tokens["refresh_token"]).status_code == 200

    def test_a_wrong_secret_gets_no_token(self, reading: Office) -> None:
        assert reading.refresh("any", client_secret="wrong").json() == {"error": "invalid_client"}

    def test_a_token_expires(self) -> None:
        with running(token_seconds=0) as sandbox, Office(sandbox) as office:
            assert office.tokens["expires_in"] == 0
            refused(office.get("VA1"), 401)

    def test_no_token_is_a_401(self, reading: Office) -> None:
        refused(httpx.get(f"{reading.base}/companies"), 401)

    def test_a_person_allows_the_link_in_a_browser(self, office: Office) -> None:
        asked = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": "http://localhost:8501/back?page=set-up",
            "scope": "readaccountviewdata updateaccountviewdata",
            "state": "s<1>",
        }
        consent = office.base.replace("/api/v3", "/ams/Authorize.aspx")
        shown = office.http.get(consent, params=asked)
        assert "Toestaan" in shown.text
        assert "s&lt;1&gt;" in shown.text
        back = office.http.post(consent, data=asked | {"answer": "allow"})
        assert back.status_code == 302
        told = parse_qs(urlsplit(back.headers["location"]).query)
        assert told["state"] == ["s<1>"]
        form = {
            "grant_type": "authorization_code",
            "code": told["code"][0],
            "redirect_uri": asked["redirect_uri"],
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        assert office.http.post(f"{office.base}/token", data=form).json()["token_type"] == "bearer"
        assert office.http.post(f"{office.base}/token", data=form).json()["error"] == "invalid_grant"

    def test_a_person_can_say_no(self, reading: Office) -> None:
        form = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": "http://localhost/", "answer": "deny"}
        back = reading.http.post(reading.base.replace("/api/v3", "/ams/authorize.aspx"), data=form)
        assert back.headers["location"] == "http://localhost/?error=access_denied"

    def test_an_unknown_application_is_not_asked_about(self, reading: Office) -> None:
        shown = reading.http.get(
            reading.base.replace("/api/v3", "/ams/authorize.aspx"),
            params={"response_type": "code", "client_id": "other", "redirect_uri": "http://localhost/"},
        )
        assert shown.status_code == 400

    def test_companies_are_a_plain_list(self, reading: Office) -> None:
        assert reading.call("Companies").json()[0] == {
            "Id": "7f3c",
            "Description": "Fietsenwinkel De Ketting B.V.",
            "Code": "KETTING",
        }

    @pytest.mark.parametrize(("company", "status"), [("", 400), ("KETTING", 403)])
    def test_a_company_is_chosen_by_its_id(self, reading: Office, company: str, status: int) -> None:
        headers = reading.headers | {"X-Company": company}
        refused(
            reading.http.get(f"{reading.base}/accountviewdata?BusinessObject=VA1", headers=headers),
            status,
        )

    def test_the_second_company_is_empty(self, sandbox: Sandbox) -> None:
        with Office(sandbox, company=EMPTY_COMPANY) as office:
            assert office.rows("AK1", "ARTICLE") == []
            assert office.rows("AR1", "CONTACT") == []
            assert office.rows("GL1", "LEDGER")

    def test_the_rights_are_those_of_the_user(self, sandbox: Sandbox) -> None:
        with Office(sandbox, refresh_token=LIMITED_REFRESH_TOKEN) as office:
            assert "geen rechten" in refused(office.get("AK1"), 403)
            assert "geen rechten" in refused(office.post(debtor()), 403)
            allowed = {each["Code"]: each for each in office.call("accountviewsystembusinessobjects").json()}
            assert not allowed["AR1"]["InsertAllowed"]
            assert allowed["SO1"]["InsertAllowed"]
            assert office.post(order()).status_code == 200


class TestReading:
    def test_pages_by_number_and_by_last_key_hold_the_same_rows(self, reading: Office) -> None:
        whole = reading.rows("AK1", "ARTICLE", PageSize=1000, SortFields="ART_CODE")
        numbered = [
            row
            for number in range(1, 6)
            for row in reading.rows("AK1", "ARTICLE", PageSize=100, PageNumber=number, SortFields="ART_CODE")
        ]
        after: list[dict[str, Any]] = []
        while more := reading.rows("AK1", "ARTICLE", PageSize=90, lastKey=after[-1]["ART_CODE"] if after else ""):
            after += more
        assert len(whole) == 400
        assert whole == numbered == after

    def test_a_page_that_is_too_big_is_refused(self, reading: Office) -> None:
        assert "1000" in refused(reading.get("AK1", PageSize=1001))

    def test_letter_case_does_not_matter_in_the_address(self, reading: Office) -> None:
        answer = reading.call("AccountViewData/", businessobject="va1", PAGESIZE=2, fields="vat.vat_code, Vat_Pct")
        assert answer.json() == {
            "VAT": [
                {"VAT_CODE": "1", "VAT_PCT": 21, "EXT_KEY": answer.json()["VAT"][0]["EXT_KEY"]},
                {"VAT_CODE": "2", "VAT_PCT": 9, "EXT_KEY": answer.json()["VAT"][1]["EXT_KEY"]},
            ],
        }

    def test_lines_stand_beside_their_headers(self, reading: Office) -> None:
        told = reading.get("SO1", PageSize=3, PageNumber=2).json()
        assert [row["SO_HDR_Id"] for row in told["SO_HDR"]] == [0, 1, 2]
        for line in told["SO_LINE"]:
            assert line["ORD_NR"] == told["SO_HDR"][line["SO_HDR_Id"]]["ORD_NR"]

    def test_named_fields_of_lines_bring_the_lines(self, reading: Office) -> None:
        assert "SO_LINE" not in reading.get("SO1", Fields="ORD_NR").json()
        told = reading.get("SO1", PageSize=1, Fields="ORD_NR,SO_LINE.ART_CODE").json()
        assert set(told["SO_HDR"][0]) == {"ORD_NR", "EXT_KEY", "SO_HDR_Id"}
        assert set(told["SO_LINE"][0]) == {"ART_CODE", "EXT_KEY", "SO_HDR_Id"}

    def test_sorting_goes_both_ways(self, reading: Office) -> None:
        up = [row["AG_DESC"] for row in reading.rows("AG1", "ART_GRP", SortFields="AG_DESC", SortOrder="ascending")]
        down = [row["AG_DESC"] for row in reading.rows("AG1", "ART_GRP", SortFields="AG_DESC", SortOrder="DESCENDING")]
        assert up == sorted(up, key=str.upper)
        assert down == up[::-1]

    @pytest.mark.parametrize(
        ("operator", "type_", "field", "value", "expected"),
        [
            ("Equal", "C", "ART_CODE", "helm-kids", {"HELM-KIDS"}),
            ("equal", "N", "PX_SELL", "0.00", {"9002"}),
            ("Contains", "C", "ART_DESC1", "kettingolie", {"9603", "9604"}),
            ("Equal", "L", "REC_BLK", "true", {"9701", "9702", "9703"}),
        ],
    )
    def test_filters(
        self, reading: Office, operator: str, type_: str, field: str, value: str, expected: set[str]
    ) -> None:
        rows = reading.rows(
            "AK1",
            "ARTICLE",
            FilterControlSource1=field,
            FilterOperator1=operator,
            FilterValueType1=type_,
            FilterValue1=value,
            FilterIsListOfValues1="false",
        )
        assert {row["ART_CODE"] for row in rows} == expected

    def test_not_equal_leaves_the_others(self, reading: Office) -> None:
        rows = reading.rows(
            "VA1",
            "VAT",
            FilterControlSource1="VAT_PCT",
            FilterOperator1="NotEqual",
            FilterValueType1="N",
            FilterValue1="0",
        )
        assert [row["VAT_CODE"] for row in rows] == ["1", "2"]

    @pytest.mark.parametrize(("after", "until"), [("DateOnOrAfterDate", "DateOnOrBeforeDate"), ("42", "43")])
    def test_a_moment_splits_the_rows_in_two(self, reading: Office, after: str, until: str) -> None:
        def named(operator: str, literal: str) -> set[str]:
            rows = reading.rows(
                "AK1",
                "ARTICLE",
                PageSize=1000,
                FilterControlSource1="CNG_DATE",
                FilterOperator1=operator,
                FilterValueType1="T",
                FilterValue1=literal,
            )
            return {row["ART_CODE"] for row in rows}

        newer, older = named(after, "{^2026-09-01 00:00:00}"), named(until, "{^2026-08-31}")
        assert newer
        assert older
        assert not newer & older
        assert len(newer | older) == 400

    def test_filters_are_joined_by_and_or_by_or(self, reading: Office) -> None:
        both = {
            "FilterControlSource1": "K9_COLOUR",
            "FilterValue1": "Rood",
            "FilterControlSource2": "K9_SIZE",
            "FilterValue2": "M",
            "PageSize": 1000,
        }
        narrow = reading.rows("AK1", "ARTICLE", **both)
        wide = reading.rows("AK1", "ARTICLE", MatchAnyFilter="true", **both)
        assert all(row["K9_COLOUR"] == "Rood" and row["K9_SIZE"] == "M" for row in narrow)
        assert all(row["K9_COLOUR"] == "Rood" or row["K9_SIZE"] == "M" for row in wide)
        assert 0 < len(narrow) < len(wide)

    def test_a_list_of_codes_is_one_filter(self, reading: Office) -> None:
        rows = reading.where("AK1", "ARTICLE", "ART_CODE", "10001,9001,none", FilterIsListOfValues1="true")
        assert [row["ART_CODE"] for row in rows] == ["10001", "9001"]

    def test_history_is_found_by_the_fields_of_its_header(self, reading: Office) -> None:
        rows = reading.rows(
            "ALH",
            "HST_AL",
            FilterControlSource1="hst_ah.hdr_type",
            FilterValueType1="N",
            FilterValue1="1",
            Fields="ART_CODE,hst_ah.dc_name",
        )
        assert set(rows[0]) == {"ART_CODE", "HST_AH_DC_NAME", "EXT_KEY"}

    def test_no_hit_is_an_empty_array(self, reading: Office) -> None:
        assert reading.get("AR1", FilterControlSource1="MAIL_BUS", FilterValue1="nobody@x.example").json() == {
            "CONTACT": [],
            "USR_LINK": [],
        }

    @pytest.mark.parametrize(
        "parameters",
        [
            {"BusinessObject": "XX9"},
            {"Fields": "ART_CODE,EAN"},
            {"SortFields": "NOPE"},
            {"SortOrder": "sideways"},
            {"FilterControlSource1": "BARCODE", "FilterValue1": "1"},
            {"FilterControlSource1": "PX_SELL", "FilterOperator1": "GreaterThan", "FilterValueType1": "N"},
            {"FilterControlSource1": "PX_SELL", "FilterValueType1": "C", "FilterValue1": "1"},
            {"FilterControlSource1": "CNG_DATE", "FilterOperator1": "42", "FilterValueType1": "T", "FilterValue1": "x"},
            {"PageSize": "-1"},
            {"BookDate": "1998-01-01"},
            {"BookDate": "tomorrow"},
            {"Filter": "ART_CODE = '1'"},
        ],
    )
    def test_what_it_does_not_know_it_refuses(self, reading: Office, parameters: Mapping[str, str]) -> None:
        refused(reading.call("accountviewdata", **({"BusinessObject": "AK1"} | dict(parameters))))

    def test_no_address_but_the_documented_ones(self, reading: Office) -> None:
        refused(reading.call("orders"), 404)
        refused(reading.http.delete(f"{reading.base}/accountviewdata", headers=reading.headers), 405)


class TestDictionary:
    def test_short_table_names_are_told_apart_by_their_padding(self, reading: Office) -> None:
        def tables(value: str) -> set[str]:
            answer = reading.call(
                "accountviewsystemdata",
                BusinessObject="FLD",
                PageSize=1000,
                FilterControlSource1="DBF_NAME",
                FilterOperator1="Contains",
                FilterValue1=value,
                FilterValueType1="C",
                Fields="dct_fld.FIELD_NAME, dct_fld.DBF_NAME",
            )
            return {row["DBF_NAME"] for row in answer.json()["DCT_FLD"]}

        assert tables("VAT     ") == {"VAT"}
        assert tables("DJ_") == {"DJ_PAGE", "DJ_LINE"}

    def test_its_rows_carry_their_id_unasked_so_that_clients_can_page_by_it(self, reading: Office) -> None:
        asked = {"BusinessObject": "FLD", "PageSize": 2, "Fields": "dct_fld.FIELD_NAME"}
        first = reading.call("accountviewsystemdata", **asked).json()
        second = reading.call("accountviewsystemdata", lastKey=first["DCT_FLD"][-1]["DCT_FLD_Id"], **asked).json()
        assert len({row["DCT_FLD_Id"] for row in first["DCT_FLD"] + second["DCT_FLD"]}) == 4
        assert (first["DCT_FILE"], first["DCT_TAG"]) == ([], [])

    def test_it_tells_what_a_field_demands(self, reading: Office) -> None:
        rows = reading.call(
            "accountviewsystemdata",
            BusinessObject="fld",
            FilterControlSource1="FIELD_NAME",
            FilterValue1="K9_EAN",
        ).json()["DCT_FLD"]
        assert rows[0]["FLD_DESC"] == "EAN-barcode"
        assert rows[0]["REC_CUST"] is True

    @pytest.mark.skipif(not REFERENCE.exists(), reason="the reference is not here")
    @pytest.mark.parametrize("name", DUMPS)
    def test_it_knows_every_published_field(self, name: str) -> None:
        known = definitions(Conventions())[name.upper()].fields
        with (REFERENCE / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            for line in csv.DictReader(lines):
                field = known[line["name"]]
                assert (field.type, str(field.length), field.caption) == (line["type"], line["length"], line["caption"])
                assert field.upper == (line["uppercase"] == "yes")

    @pytest.mark.skipif(not REFERENCE.exists(), reason="the reference is not here")
    def test_it_knows_the_fields_that_were_seen_in_use(self) -> None:
        tables = definitions(Conventions())
        mine = {"ARTICLE", "ART_GRP", "SO_HDR", "SO_LINE", "DEL_ADDR", "HST_AL"}
        pseudo = {"RowId", "HeaderId", "A8_INV_NR", "IMG_M_DATA"}
        with (REFERENCE / "observed-fields.csv").open(encoding="utf-8", newline="") as lines:
            for line in csv.DictReader(lines):
                if line["table"] in mine and line["name"] not in pseudo:
                    assert tables[line["table"]].find(line["name"]), line

    def test_invented_names_can_be_others(self) -> None:
        renamed = {"K9_EAN": "BARCODE", "SO_HDR.COMMENT1": "REFERENTIE"}
        with running(renamed=renamed) as sandbox, Office(sandbox) as office:
            assert office.rows("AK1", "ARTICLE", Fields="BARCODE", lastKey="10000")[0]["BARCODE"].startswith("871")
            refused(office.get("AK1", Fields="K9_EAN"))
            body = json.loads(json.dumps(order("R-1")).replace("COMMENT1", "REFERENTIE"))
            assert office.post(body).json()["SO_HDR"][0]["REFERENTIE"] == "R-1"
            sandbox.accountview.edit("ARTICLE", "10001", {"K9_EAN": "1"})
            assert office.where("AK1", "ARTICLE", "ART_CODE", "10001")[0]["BARCODE"] == "1"


class TestDebtors:
    def test_a_new_debtor_gets_a_number_and_capitals(self, office: Office) -> None:
        made = office.post(debtor()).json()["CONTACT"][0]
        assert made["SUB_NR"] == "20121"
        assert made["SRC_CODE"] == "DEBOER"
        assert made["POST_CODE"] == "3511 AB"
        assert made["BOX_CITY"] == "Utrecht"
        assert office.where("AR1", "CONTACT", "MAIL_BUS", "ANNA@voorbeeld.example") == [made]

    def test_a_number_of_its_own_is_kept_and_not_given_twice(self, office: Office) -> None:
        assert office.post(debtor(SUB_NR="w1")).json()["CONTACT"][0]["SUB_NR"] == "W1"
        assert "bestaat al" in refused(office.post(debtor(SUB_NR="W1")))

    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"ACCT_NAME": ""}, "verplicht"),
            ({"ACCT_NAME": None}, "verplicht"),
            ({"SRC_CODE": "DE BOER UTRECHT"}, "te lang"),
            ({"ACCT_NAME": "Anna 🚲"}, "teken"),
            ({"ACCT_NR": "9999"}, "Rekening 9999 bestaat niet"),
            ({"NICK_NAME": "An"}, "bestaat niet in tabel CONTACT"),
        ],
    )
    def test_what_the_dictionary_forbids_is_refused_in_dutch(
        self,
        office: Office,
        changed: Mapping[str, Any],
        sentence: str,
    ) -> None:
        assert sentence in refused(office.post(debtor(**changed)))
        assert office.where("AR1", "CONTACT", "MAIL_BUS", "anna@voorbeeld.example") == []

    def test_an_update_changes_what_it_names_and_the_stamp(self, office: Office) -> None:
        before = office.where("AR1", "CONTACT", "SUB_NR", "20050")[0]
        stamps = []
        for phone in ("0612345678", "0687654321"):
            body = table("AR1", "CONTACT", {"RowId": "1", "SUB_NR": "20050", "TEL_MOB": phone})
            changed = office.put(body).json()["CONTACT"][0]
            assert changed["TEL_MOB"] == phone
            assert changed["MAIL_BUS"] == before["MAIL_BUS"]
            stamps.append((changed["CNG_DATE"], changed["CNG_NR"]))
        assert before["CNG_DATE"] < stamps[0][0] < stamps[1][0]
        assert [number for _, number in stamps] == [2, 3]

    def test_only_what_exists_and_may_change_is_updated(self, office: Office) -> None:
        refused(office.put(table("AR1", "CONTACT", {"SUB_NR": "99999", "TEL_MOB": "1"})), 404)
        refused(office.put(table("AR1", "CONTACT", {"TEL_MOB": "1"})))
        refused(office.put(table("AR1", "CONTACT", {"SUB_NR": "20001", "CNG_DATE": MOMENT}, CNG_DATE="T")))
        refused(office.put(table("AR1", "CONTACT", {"SUB_NR": "20001", "ACCT_NAME": ""})))

    def test_a_delivery_address_gets_a_key_and_belongs_to_a_debtor(self, office: Office) -> None:
        values = {"RowId": "1", "SUB_NR": "20001", "DEL_NAME": "Loods", "ADDRESS1": "Kade 1", "CITY": "Utrecht"}
        key = office.post(table("ADDR", "DEL_ADDR", values)).json()["DEL_ADDR"][0]["REC_ID"]
        assert office.where("ADDR", "DEL_ADDR", "SUB_NR", "20001")[-1]["REC_ID"] == key
        assert office.post(order("A-1", DEL_CODE=key)).status_code == 200
        assert "hoort niet bij" in refused(office.post(order("A-2", DEL_CODE=key, RPL_INV="20002")))


class TestDocuments:
    def test_an_order_comes_back_whole_and_is_found_by_its_reference(self, office: Office) -> None:
        made = office.post(order("MPLUS-20261125-1")).json()
        header, lines = made["SO_HDR"][0], made["SO_LINE"]
        assert header["COMMENT1"] == "MPLUS-20261125-1"
        assert [line["ART_PX"] for line in lines] == [19.99, 4.95]
        assert {line["ORD_NR"] for line in lines} == {header["ORD_NR"]}
        assert office.where("SO1", "SO_HDR", "COMMENT1", "mplus-20261125-1") == [header]

    def test_nothing_keeps_the_same_order_from_being_made_twice(self, office: Office) -> None:
        for _ in range(2):
            assert office.post(order("TWICE")).status_code == 200
        assert len(office.where("SO1", "SO_HDR", "COMMENT1", "TWICE")) == 2

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
        assert sentence in refused(
            office.post(order("BAD") | {}) if not changed else office.post(order("BAD", **changed))
        )
        assert office.where("SO1", "SO_HDR", "COMMENT1", "BAD") == []

    def test_all_articles_must_exist_and_be_open(self, office: Office) -> None:
        for code, sentence in (("TSHIRT-RED-X", "Artikel TSHIRT-RED-X bestaat niet."), ("9701", "geblokkeerd")):
            body = order("GONE")
            body["TableData"]["DetailData"][0]["Rows"][1]["Values"][2] = code
            assert sentence in refused(office.post(body))

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
        refused(office.post(body))

    def test_no_json_at_all_is_refused(self, office: Office) -> None:
        for raw in (b"{", b"[]", b"\xff"):
            answer = office.http.post(f"{office.base}/accountviewdata", content=raw, headers=office.headers)
            refused(answer)

    def test_an_order_cannot_be_changed_unless_the_convention_says_so(self, office: Office) -> None:
        made = office.post(order("FIXED")).json()["SO_HDR"][0]
        change = table("SO1", "SO_HDR", {"ORD_NR": made["ORD_NR"], "COMMENT2": "Bel eerst"})
        refused(office.put(change))
        with running(conventions=Conventions(order_update=True)) as other, Office(other) as open_office:
            assert open_office.put(table("SO1", "SO_HDR", {"ORD_NR": "26000001", "COMMENT2": "x"})).status_code == 200

    def test_an_invoiced_order_is_found_in_the_history(self, sandbox: Sandbox, office: Office) -> None:
        made = office.post(order("OLD-1")).json()["SO_HDR"][0]
        sandbox.accountview.invoice(made["ORD_NR"])
        assert office.where("SO1", "SO_HDR", "COMMENT1", "OLD-1") == []
        assert len(office.where("ALH", "HST_AL", "hst_ah.comment1", "OLD-1")) == 2

    def test_a_posting_is_numbered_totalled_and_final(self, office: Office) -> None:
        made = office.post(page()).json()["DJ_PAGE"][0]
        assert made["INV_NR"] == "MP2611251"
        assert made["PERIOD"] == 11
        assert made["PAGE_AMT"] == 39.98
        assert made["PAGE_NR"]
        lines = office.get("DJ2", FilterControlSource1="INV_NR", FilterValue1="MP2611251").json()["DJ_LINE"]
        assert lines[0]["TRN_DATE"] == "2026-11-25T00:00:00"
        refused(office.put(table("DJ2", "DJ_PAGE", {"PAGE_NR": made["PAGE_NR"], "HDR_DESC": "x"})))

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
        told = office.post(body | {"BookDate": ""}).json()
        assert len({each["REC_ID"] for each in told["DJ_LINE"]}) == 2
        assert {each["DJ_PAGE_Id"] for each in told["DJ_LINE"]} == {0}


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
        assert office.where("AK1", "ARTICLE", "ART_CODE", "10001")[0]["PX_SELL"] == 12.5

    def test_articles_come_and_go(self, sandbox: Sandbox, office: Office) -> None:
        sandbox.accountview.add("ARTICLE", {"ART_CODE": "777", "ART_DESC1": "Nieuw", "AG_CODE": "ACCES"})
        assert office.where("AK1", "ARTICLE", "ART_CODE", "777")[0]["CNG_NR"] == 1
        sandbox.accountview.remove("ARTICLE", "777")
        assert office.where("AK1", "ARTICLE", "ART_CODE", "777") == []
        with pytest.raises(LookupError):
            sandbox.accountview.edit("ARTICLE", "777", {"ART_DESC1": "x"})

    def test_an_indexed_field_is_found_under_its_new_value(self, sandbox: Sandbox, office: Office) -> None:
        assert office.where("AR1", "CONTACT", "MAIL_BUS", "new@x.example") == []
        sandbox.accountview.edit("CONTACT", "20001", {"MAIL_BUS": "new@x.example"})
        assert [row["SUB_NR"] for row in office.where("AR1", "CONTACT", "MAIL_BUS", "new@x.example")] == ["20001"]

    def test_a_day_moves_prices_and_stocks(self, sandbox: Sandbox) -> None:
        before = {row["ART_CODE"]: row for row in sandbox.state("ARTICLE")}
        sandbox.advance_day()
        changed = [row for row in sandbox.state("ARTICLE") if before.get(row["ART_CODE"]) != row]
        assert len(changed) == 15
        assert sum(row["ART_CODE"] not in before for row in changed) == 1

    def test_stock_per_branch_adds_up(self, reading: Office) -> None:
        shelves = reading.where("K9V", "K9_STOCK", "ART_CODE", "10001")
        article = reading.where("AK1", "ARTICLE", "ART_CODE", "10001")[0]
        assert [row["K9_BRANCH"] for row in shelves] == ["1", "2", "3"]
        assert sum(row["K9_QTY"] for row in shelves) == article["QTY_TECH"]


class TestConventions:
    @pytest.mark.parametrize(
        ("conventions", "status", "body"),
        [
            (Conventions(no_hit="absent"), 200, {}),
            (Conventions(no_hit="not_found"), 404, None),
        ],
    )
    def test_no_hit_can_look_otherwise(self, conventions: Conventions, status: int, body: object) -> None:
        with running(conventions=conventions) as sandbox, Office(sandbox) as office:
            answer = office.get("AK1", FilterControlSource1="ART_CODE", FilterValue1="none")
            assert answer.status_code == status
            assert body is None or answer.json() == body

    def test_text_can_be_padded_and_one_row_an_object(self) -> None:
        conventions = Conventions(padded_text=True, one_row_as_object=True, errors_as_ok=True, equal_is_prefix=True)
        with running(conventions=conventions) as sandbox, Office(sandbox) as office:
            row = office.get("VA1", FilterControlSource1="VAT_CODE", FilterValue1="1").json()["VAT"]
            assert row["VAT_NAME"] == "BTW hoog".ljust(40)
            assert len(office.rows("AK1", "ARTICLE", FilterControlSource1="ART_CODE", FilterValue1="960")) == 4
            refused(office.get("AK1", Fields="NOPE"), 200)
