"""Behaviour of the till sandbox where the interface leaves it open."""

from typing import Any

import pytest

from integration.sandbox.faults import CallLedger, Switches
from integration.sandbox.mplus.app import Till
from integration.sandbox.mplus.context import TillConventions
from integration.sandbox.mplus.contract import RefusedError
from integration.sandbox.shop.shop import make_shop
from tests.sandbox.mplus.calls import ask_till
from tests.sandbox.soap_client import tags


class TestConventions:
    def till(self, **choices: Any) -> Till:
        return Till(make_shop(40), Switches(), CallLedger(), conventions=TillConventions(**choices))

    def test_percentages_can_be_plain(self) -> None:
        rates = ask_till(self.till(percentages_in_hundredths=False), "<getVatGroupList></getVatGroupList>").texts(
            "vatPercentage"
        )
        assert set(rates) == {"21", "9", "0"}

    def test_wrappers_and_the_id_of_a_new_order_may_be_absent(self) -> None:
        till = self.till()
        line = "<lineList><line><articleNumber>5</articleNumber></line></lineList>"
        assert len(ask_till(till, "<getOrders><request></request></getOrders>").texts("order/orderId")) == 60
        assert (
            ask_till(till, f"<createOrder><order>{line}</order></createOrder>").text("result")
            == "CREATE-ORDER-RESULT-OK"
        )
        request = tags(request=f"<idempotencyKey>a</idempotencyKey><order>{line}</order>")
        assert ask_till(till, tags(createOrderV3=request)).text("result") == "CREATE-ORDER-RESULT-OK"

    def test_fields_can_come_in_any_order(self) -> None:
        line = "<line><data><price>100</price><quantity>1</quantity></data><articleNumber>5</articleNumber></line>"
        ask = f"<createOrder><order><lineList>{line}</lineList><extOrderId>any-1</extOrderId></order></createOrder>"
        with pytest.raises(RefusedError):
            ask_till(self.till(), ask)
        assert ask_till(self.till(element_order="any"), ask).text("result") == "CREATE-ORDER-RESULT-OK"

    def test_absent_wrappers_can_be_refused(self) -> None:
        with pytest.raises(RefusedError, match="request"):
            ask_till(self.till(required="strict"), tags(getOrders=tags(request="")))

    def test_a_public_client_pages_from_a_marker_before_the_first(self) -> None:
        ask = tags(getOrders=tags(request="<syncMarker>-1</syncMarker><syncMarkerLimit>100</syncMarkerLimit>"))
        assert len(ask_till(self.till(), ask).texts("order/orderId")) == 60

    def test_answers_can_be_in_order(self) -> None:
        ask = tags(getOrders=tags(request=tags(articlePluNumbers="", articleBarcodes="")))
        markers = [
            int(text) for text in ask_till(self.till(order_within_answer="by marker"), ask).texts("order/syncMarker")
        ]
        assert markers == sorted(markers)
