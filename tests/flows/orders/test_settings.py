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
        ({"documents": "quotation"}, "documents"),
        ({"default_debtor": "forced"}, "debtor_number"),
        ({"becomes": "posting", "daybook": ""}, "daybook"),
        ({"default_country": "Nederland"}, "default_country"),
        ({"most": 0}, "most"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(given_settings: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        OrderSettings(**given_settings)
    assert (refused.value.facts["flow"], refused.value.facts["setting"]) == ("orders", setting)


def test_settings_survive_the_way_to_disk() -> None:
    kept = OrderSettings(date_from=date(2026, 1, 1), paid="only", rounding_limit=Decimal("0.02"), types=("X",))
    assert OrderSettings(**kept.model_dump(mode="json", exclude_defaults=True)) == kept
