"""Flows as people arrange them, and their numbers as a monitor reads them."""

from pathlib import Path

import pytest

from integration.core.errors import ConfigurationError
from integration.services.flows import Gauge, exposition
from tests.consoles import opened


def test_flow_settings_that_cannot_be_used_are_refused_by_name(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application, pytest.raises(ConfigurationError) as caught:
        application.flows.change("products", {"schedule_minutes": "often"}, "test")

    assert caught.value.facts["setting"].endswith("schedule_minutes")


def test_gauges_are_told_with_what_they_mean_and_their_labels() -> None:
    told = exposition(
        [Gauge("parked", "Records that wait.", {'flow="products"': 21}), Gauge("waiting", "Events.", {"": 0})]
    )

    assert told == (
        '# HELP parked Records that wait.\n# TYPE parked gauge\nparked{flow="products"} 21\n'
        "# HELP waiting Events.\n# TYPE waiting gauge\nwaiting 0\n"
    )
