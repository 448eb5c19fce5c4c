"""The dictionary of the AccountView sandbox, as clients read it."""

import csv
import json
from pathlib import Path

import pytest

from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.accountview.dictionary import definitions
from integration.sandbox.server import running
from tests.sandbox.office_client import Office, order, refusal_text

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "accountview-fields"


DUMPS = ("contact", "ledger", "vat", "dj_page", "dj_line", "daily", "cost", "adm_list", "comp_hdr", "transact")


class TestDictionary:
    def test_short_table_names_are_distinguished_by_their_padding(self, reading: Office) -> None:
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
        parameters = {"BusinessObject": "FLD", "PageSize": 2, "Fields": "dct_fld.FIELD_NAME"}
        first = reading.call("accountviewsystemdata", **parameters).json()
        second = reading.call("accountviewsystemdata", lastKey=first["DCT_FLD"][-1]["DCT_FLD_Id"], **parameters).json()
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
        fields = definitions(Conventions())[name.upper()].fields
        with (REFERENCE / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
            for line in csv.DictReader(lines):
                field = fields[line["name"]]
                assert (field.type, str(field.length), field.caption) == (line["type"], line["length"], line["caption"])
                assert field.upper == (line["uppercase"] == "yes")

    @pytest.mark.skipif(not REFERENCE.exists(), reason="the reference is not here")
    def test_it_knows_the_fields_that_were_seen_in_use(self) -> None:
        tables = definitions(Conventions())
        observed_tables = {"ARTICLE", "ART_GRP", "SO_HDR", "SO_LINE", "DEL_ADDR", "HST_AL"}
        pseudo = {"RowId", "HeaderId", "A8_INV_NR", "IMG_M_DATA"}
        with (REFERENCE / "observed-fields.csv").open(encoding="utf-8", newline="") as lines:
            for line in csv.DictReader(lines):
                if line["table"] in observed_tables and line["name"] not in pseudo:
                    assert tables[line["table"]].find(line["name"]), line

    def test_invented_names_can_be_others(self) -> None:
        renamed = {"K9_EAN": "BARCODE", "SO_HDR.COMMENT1": "REFERENTIE"}
        with running(articles=60, trades=False, renamed=renamed) as sandbox, Office(sandbox) as office:
            assert office.rows("AK1", "ARTICLE", Fields="BARCODE", lastKey="10000")[0]["BARCODE"].startswith("871")
            refusal_text(office.get("AK1", Fields="K9_EAN"))
            body = json.loads(json.dumps(order("R-1")).replace("COMMENT1", "REFERENTIE"))
            assert office.post(body).json()["SO_HDR"][0]["REFERENTIE"] == "R-1"
            sandbox.accountview.edit("ARTICLE", "10001", {"K9_EAN": "1"})
            assert office.rows_where("AK1", "ARTICLE", "ART_CODE", "10001")[0]["BARCODE"] == "1"
