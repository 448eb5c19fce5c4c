"""Contents of the till sandbox, edited by hand at its control address."""

import json
from typing import Any

import pytest

from integration.sandbox.server import Sandbox
from tests.sandbox.mplus.calls import create, read
from tests.sandbox.soap_client import RawClient

TRADES = True


class TestTheControlAddress:
    def control(self, till: RawClient, edit: dict[str, Any]) -> int:
        return till.request("POST", "/_sandbox/edit", json.dumps(edit)).status

    def test_an_edit_by_hand_raises_the_marker_and_is_no_call(self, sandbox: Sandbox, till: RawClient) -> None:
        create(till)
        before = (read(till, 500001).text("product/syncMarker"), len(sandbox.ledger.writes()))
        assert self.control(till, {"table": "articles", "key": "500001", "values": {"priceIncl": 500}}) == 200
        reply = read(till, 500001)
        assert (reply.text("priceIncl"), reply.text("priceExcl")) == ("500", "413")
        assert int(reply.text("product/syncMarker")) > int(before[0])
        assert len(sandbox.ledger.writes()) == before[1]

    @pytest.mark.parametrize(
        ("table", "key", "values", "field"),
        [
            ("relations", "1001", {"city": "Delft"}, "city"),
            ("products", "1", {"description": "Delft"}, "description"),
            ("orders", "WEB-00002", {"reference": "Delft"}, "reference"),
        ],
    )
    def test_other_objects_can_be_edited_too(
        self, sandbox: Sandbox, till: RawClient, table: str, key: str, values: dict[str, str], field: str
    ) -> None:
        assert self.control(till, {"table": table, "key": key, "values": values}) == 200
        assert "Delft" in [row.get(field) for row in sandbox.state(table, "mplus")]

    def test_stock_can_be_edited(self, sandbox: Sandbox, till: RawClient) -> None:
        assert self.control(till, {"table": "stock", "key": "1/9900005", "values": {"amount": "12.5"}}) == 200
        assert "12.5" in [row["amountFree"] for row in sandbox.state("stock", "mplus")]

    def test_a_convention_can_be_changed(self, till: RawClient) -> None:
        choice = {"value": "strict"}
        assert till.ask("getProducts").status == 200
        assert self.control(till, {"table": "conventions", "key": "required", "values": choice}) == 200
        assert till.ask("getProducts").status == 500
        assert self.control(till, {"table": "conventions", "key": "weather", "values": choice}) != 200

    def test_what_is_missing_cannot_be_edited(self, till: RawClient) -> None:
        assert self.control(till, {"table": "articles", "key": "5", "values": {}}) != 200
