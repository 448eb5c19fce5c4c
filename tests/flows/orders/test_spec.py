"""Computed fields of the flow are offered to the rules."""

from integration.flows.orders.spec import COMPUTED
from tests.flows.orders.tills import BODY


def test_what_rules_can_read_beside_the_till_is_offered() -> None:
    sources = {rule["source"] for rule in BODY["rules"] if rule["target"].startswith("line.")}
    assert sources - {"code"} <= {field.name for field in COMPUTED}
