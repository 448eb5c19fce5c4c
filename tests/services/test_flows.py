"""Flows as people arrange them."""

from pathlib import Path

import pytest

from integration.core.errors import ConfigurationError
from tests.consoles import opened


def test_flow_settings_that_cannot_be_used_are_refused_by_name(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application, pytest.raises(ConfigurationError) as caught:
        application.flows.change("products", {"schedule_minutes": "often"}, "test")

    assert caught.value.facts["setting"].endswith("schedule_minutes")
