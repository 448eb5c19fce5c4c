"""The tasks of the first week: when each task counts as done."""

from typing import cast

import pytest

from integration.alerts.channels import Channels
from integration.application.first_week import FirstWeek
from integration.backup.service import Backups
from integration.flows.registry import FLOWS
from integration.services.connections.connections import Connections
from integration.services.runs.flows import Flows
from integration.store.issues import Issues
from integration.store.links import Links
from integration.store.runs import RunStore
from integration.store.settings import StoredSettings
from tests.parts import part


@pytest.mark.parametrize(
    ("parked", "has_written", "is_repaired"),
    [({}, True, True), ({"orders": 15}, True, False), ({"products": 3}, True, True), ({}, False, False)],
)
def test_parked_orders_are_repaired_once_orders_are_written_and_none_is_parked(
    parked: dict[str, int], has_written: bool, is_repaired: bool
) -> None:
    week = FirstWeek(
        FLOWS,
        part(Issues, counts=lambda: parked),
        part(Links, any=lambda *_: has_written),
        part(RunStore, has_committed=lambda _: has_written),
        cast("StoredSettings", None),
        part(Channels, list_channels=list),
        part(Backups, last_backup=lambda: None),
        part(Connections, statuses=list),
        part(Flows, is_on=lambda _: False),
    )
    assert next(task.is_done for task in week.tasks() if task.name == "repair") is is_repaired
