"""What the till offers to choose from."""

from integration.connectors.mplus.connector import Mplus


def test_choices_come_with_captions(connector: Mplus) -> None:
    assert connector.choices("vat_codes").keys() == connector.choices("vat_rates").keys()
    assert "21.00" in connector.choices("vat_rates").values()
    assert "21 %" in connector.choices("vat_codes").values()
    for name in ("branches", "turnover_groups", "payment_methods", "employees", "custom_fields"):
        assert connector.choices(name)
    assert connector.choices("nothing of the kind") == {}
