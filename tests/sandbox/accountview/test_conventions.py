"""What no public source settles of the books can be otherwise."""

import pytest

from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import running
from tests.sandbox.office_client import Office, refused


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
