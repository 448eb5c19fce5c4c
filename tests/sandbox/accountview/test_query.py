"""Queries on the AccountView sandbox: pages, filters, sorting, and refusals."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.sandbox.office_client import Office, refusal_text


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
        assert "1000" in refusal_text(reading.get("AK1", PageSize=1001))

    def test_letter_case_does_not_matter_in_the_address(self, reading: Office) -> None:
        answer = reading.call("AccountViewData/", businessobject="va1", PAGESIZE=2, fields="vat.vat_code, Vat_Pct")
        assert answer.json() == {
            "VAT": [
                {"VAT_CODE": "1", "VAT_PCT": 21, "EXT_KEY": answer.json()["VAT"][0]["EXT_KEY"]},
                {"VAT_CODE": "2", "VAT_PCT": 9, "EXT_KEY": answer.json()["VAT"][1]["EXT_KEY"]},
            ],
        }

    def test_lines_stand_beside_their_headers(self, reading: Office) -> None:
        answer = reading.get("SO1", PageSize=3, PageNumber=2).json()
        assert [row["SO_HDR_Id"] for row in answer["SO_HDR"]] == [0, 1, 2]
        for line in answer["SO_LINE"]:
            assert line["ORD_NR"] == answer["SO_HDR"][line["SO_HDR_Id"]]["ORD_NR"]

    def test_named_fields_of_lines_bring_the_lines(self, reading: Office) -> None:
        assert "SO_LINE" not in reading.get("SO1", Fields="ORD_NR").json()
        answer = reading.get("SO1", PageSize=1, Fields="ORD_NR,SO_LINE.ART_CODE").json()
        assert set(answer["SO_HDR"][0]) == {"ORD_NR", "EXT_KEY", "SO_HDR_Id"}
        assert set(answer["SO_LINE"][0]) == {"ART_CODE", "EXT_KEY", "SO_HDR_Id"}

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
        def find_codes(operator: str, literal: str) -> set[str]:
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

        newer, older = find_codes(after, "{^2026-09-01 00:00:00}"), find_codes(until, "{^2026-08-31}")
        assert newer
        assert older
        assert not newer & older
        assert len(newer | older) == 400

    def test_filters_are_joined_by_and_or_by_or(self, reading: Office) -> None:
        filters = {
            "FilterControlSource1": "K9_COLOUR",
            "FilterValue1": "Rood",
            "FilterControlSource2": "K9_SIZE",
            "FilterValue2": "M",
            "PageSize": 1000,
        }
        narrow = reading.rows("AK1", "ARTICLE", **filters)
        wide = reading.rows("AK1", "ARTICLE", MatchAnyFilter="true", **filters)
        assert all(row["K9_COLOUR"] == "Rood" and row["K9_SIZE"] == "M" for row in narrow)
        assert all(row["K9_COLOUR"] == "Rood" or row["K9_SIZE"] == "M" for row in wide)
        assert 0 < len(narrow) < len(wide)

    def test_a_list_of_codes_is_one_filter(self, reading: Office) -> None:
        rows = reading.rows_where("AK1", "ARTICLE", "ART_CODE", "10001,9001,none", FilterIsListOfValues1="true")
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
        refusal_text(reading.call("accountviewdata", **({"BusinessObject": "AK1"} | dict(parameters))))

    def test_no_address_but_the_documented_ones(self, reading: Office) -> None:
        refusal_text(reading.call("orders"), 404)
        refusal_text(reading.http.delete(f"{reading.base}/accountviewdata", headers=reading.headers), 405)
