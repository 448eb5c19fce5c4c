"""Writes of debtors: required fields of the dictionary, and refusals."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.sandbox.office_client import MOMENT, Office, debtor, order, refusal_text, table


class TestDebtors:
    def test_a_new_debtor_gets_a_number_and_capitals(self, office: Office) -> None:
        contact = office.post(debtor()).json()["CONTACT"][0]
        assert contact["SUB_NR"] == "20121"
        assert contact["SRC_CODE"] == "DEBOER"
        assert contact["POST_CODE"] == "3511 AB"
        assert contact["BOX_CITY"] == "Utrecht"
        assert office.rows_where("AR1", "CONTACT", "MAIL_BUS", "ANNA@voorbeeld.example") == [contact]

    def test_a_number_of_its_own_is_kept_and_not_given_twice(self, office: Office) -> None:
        assert office.post(debtor(SUB_NR="w1")).json()["CONTACT"][0]["SUB_NR"] == "W1"
        assert "bestaat al" in refusal_text(office.post(debtor(SUB_NR="W1")))

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
        assert sentence in refusal_text(office.post(debtor(**changed)))
        assert office.rows_where("AR1", "CONTACT", "MAIL_BUS", "anna@voorbeeld.example") == []

    def test_an_update_changes_what_it_names_and_the_stamp(self, office: Office) -> None:
        before = office.rows_where("AR1", "CONTACT", "SUB_NR", "20050")[0]
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
        refusal_text(office.put(table("AR1", "CONTACT", {"SUB_NR": "99999", "TEL_MOB": "1"})), 404)
        refusal_text(office.put(table("AR1", "CONTACT", {"TEL_MOB": "1"})))
        refusal_text(office.put(table("AR1", "CONTACT", {"SUB_NR": "20001", "CNG_DATE": MOMENT}, CNG_DATE="T")))
        refusal_text(office.put(table("AR1", "CONTACT", {"SUB_NR": "20001", "ACCT_NAME": ""})))

    def test_a_delivery_address_gets_a_key_and_belongs_to_a_debtor(self, office: Office) -> None:
        values = {"RowId": "1", "SUB_NR": "20001", "DEL_NAME": "Loods", "ADDRESS1": "Kade 1", "CITY": "Utrecht"}
        key = office.post(table("ADDR", "DEL_ADDR", values)).json()["DEL_ADDR"][0]["REC_ID"]
        assert office.rows_where("ADDR", "DEL_ADDR", "SUB_NR", "20001")[-1]["REC_ID"] == key
        assert office.post(order("A-1", DEL_CODE=key)).status_code == 200
        assert "hoort niet bij" in refusal_text(office.post(order("A-2", DEL_CODE=key, RPL_INV="20002")))
