"""The settings of the flow report their errors by name, and are the same after they were stored."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from integration.core.errors import ConfigurationError
from integration.flows.forms import SetupContext
from integration.flows.orders.questions import QUESTIONS
from integration.flows.orders.settings import OrderSettings


@pytest.mark.parametrize(
    ("given_settings", "setting"),
    [
        ({"proposals": "order"}, "proposals"),
        ({"orders": "nothing"}, "orders"),
        ({"default_debtor": "forced"}, "debtor_number"),
        ({"receipts": "posting", "daybook": ""}, "daybook"),
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
    settings = OrderSettings(date_from=date(2026, 1, 1), paid="only", rounding_limit=Decimal("0.02"), types=("X",))
    assert OrderSettings(**settings.model_dump(mode="json", exclude_defaults=True)) == settings


@pytest.mark.parametrize("name", ["invoices", "receipts"])
def test_what_is_part_of_a_day_lacks_the_flow_of_days_where_that_is_not_chosen(name: str) -> None:
    (documents_,) = (question for question in QUESTIONS if question.name == "documents")
    settings = OrderSettings(**{name: "day"}).model_dump()
    lack = documents_.find_missing(SetupContext(settings, flows=("orders",)))
    assert lack is not None
    assert (lack.reason.code, lack.stops) == ("lack_days_off", False)
    assert documents_.find_missing(SetupContext(settings, flows=("orders", "days"))) is None
    assert documents_.find_missing(SetupContext(OrderSettings().model_dump())) is None
