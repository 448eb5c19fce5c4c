"""The settings of the flow name what is wrong with them, and survive the way to disk."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from integration.core.errors import ConfigurationError
from integration.flows.orders.settings import OrderSettings


@pytest.mark.parametrize(
    ("given_settings", "setting"),
    [
        ({"documents": "quotation"}, "orders documents"),
        ({"default_debtor": "forced"}, "orders debtor_number"),
        ({"becomes": "posting", "daybook": ""}, "orders daybook"),
        ({"default_country": "Nederland"}, "orders default_country"),
        ({"most": 0}, "orders most"),
        ({"colour": "red"}, "orders colour"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(given_settings: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        OrderSettings(**given_settings)
    assert refused.value.facts["setting"] == setting


def test_settings_survive_the_way_to_disk() -> None:
    kept = OrderSettings(date_from=date(2026, 1, 1), paid="only", rounding_limit=Decimal("0.02"), types=("X",))
    assert OrderSettings(**kept.model_dump(mode="json", exclude_defaults=True)) == kept
