"""Conventions of the books that no public source settles can be switched."""

import pytest

from integration.sandbox.accountview.conventions import Conventions, EmptyAnswerForm
from integration.sandbox.server import running
from tests.sandbox.office_client import Office, refusal_text


class TestConventions:
    @pytest.mark.parametrize(
        ("conventions", "status", "body"),
        [
            (Conventions(no_hit="absent"), 200, {}),
            (Conventions(no_hit="not_found"), 404, None),
            (Conventions(no_hit="not_found_bare"), 404, b""),
            (Conventions(no_hit="no_body"), 200, b""),
            (Conventions(no_hit="no_content"), 204, b""),
        ],
    )
    def test_no_hit_can_look_otherwise(self, conventions: Conventions, status: int, body: object) -> None:
        with running(articles=60, trades=False, conventions=conventions) as sandbox, Office(sandbox) as office:
            answer = office.get("AK1", FilterControlSource1="ART_CODE", FilterValue1="none")
            assert answer.status_code == status
            assert body is None or (answer.content if isinstance(body, bytes) else answer.json()) == body

    @pytest.mark.parametrize("how", ["empty", "absent", "no_body", "no_content", "not_found", "not_found_bare"])
    def test_an_object_can_answer_every_read_as_if_it_were_empty(self, how: EmptyAnswerForm) -> None:
        with (
            running(articles=60, trades=False, conventions=Conventions(unreadable={"AK1": how})) as sandbox,
            Office(sandbox) as office,
        ):
            answer = office.get("AK1")
            assert answer.status_code in {200, 204, 404}
            assert b"ART_CODE" not in answer.content
            assert office.rows("VA1", "VAT")

    def test_filters_of_an_object_can_be_ignored_or_refused(self) -> None:
        conventions = Conventions(filters={"AK1": "ignored", "VA1": "refused"})
        with running(articles=60, trades=False, conventions=conventions) as sandbox, Office(sandbox) as office:
            assert office.rows("AK1", "ARTICLE", FilterControlSource1="ART_CODE", FilterValue1="none")
            refusal_text(office.get("VA1", FilterControlSource1="VAT_CODE", FilterValue1="1"))

    def test_rows_of_the_dictionary_need_have_no_key(self) -> None:
        parameters = {"FilterControlSource1": "DBF_NAME", "FilterValue1": "ARTICLE "}
        for carried in (True, False):
            conventions = Conventions(dictionary_keys=carried)
            with running(articles=60, trades=False, conventions=conventions) as sandbox, Office(sandbox) as office:
                assert ("EXT_KEY" in office.rows("FLD", "DCT_FLD", **parameters)[0]) is carried
                assert "EXT_KEY" in office.rows("AK1", "ARTICLE")[0]

    def test_text_can_be_padded_and_one_row_an_object(self) -> None:
        conventions = Conventions(padded_text=True, one_row_as_object=True, errors_as_ok=True, equal_is_prefix=True)
        with running(articles=60, trades=False, conventions=conventions) as sandbox, Office(sandbox) as office:
            row = office.get("VA1", FilterControlSource1="VAT_CODE", FilterValue1="1").json()["VAT"]
            assert row["VAT_NAME"] == "BTW hoog".ljust(40)
            assert len(office.rows("AK1", "ARTICLE", FilterControlSource1="ART_CODE", FilterValue1="960")) == 4
            refusal_text(office.get("AK1", Fields="NOPE"), 200)
