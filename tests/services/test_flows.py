"""Flows as people arrange them, and their numbers as a monitor reads them."""

from dataclasses import replace
from pathlib import Path

import pytest

from integration.core.errors import ConfigurationError
from integration.core.plan import Approval
from integration.core.run import Mode
from integration.services.flows import Gauge, exposition
from tests.consoles import opened
from tests.stores import stores_in

APPROVED = Approval("f", by="schedule")


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


def test_a_flow_that_is_off_neither_begins_nor_approves_by_itself(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application, opened(tmp_path, start=False) as other:
        flows = application.flows
        run = replace(stores_in(application).runs.begin("stock", Mode.COMPLETE, "schedule", 1), fingerprint="f")
        told = []
        for on in (True, False, True):
            other.flows.change("stock", {"on": on, "auto_approve": True}, "test")  # in another process
            told.append((flows.is_on("stock"), flows.may_begin("stock", run.mode), flows.may_approve(run)))
    assert told == [(True, True, APPROVED), (False, False, None), (True, True, APPROVED)]


@pytest.mark.parametrize("mode", list(Mode))
def test_a_flow_begins_by_itself_only_as_it_is_scheduled(tmp_path: Path, mode: Mode) -> None:
    with opened(tmp_path, start=False) as application:
        flows = application.flows
        flows.change("products", {"on": True, "nightly_complete": False}, "test")
        scheduled = {one.mode for one in flows.schedules() if one.flow == "products"}
        assert flows.may_begin("products", mode) is (mode in scheduled)
        assert mode is not Mode.COMPLETE or not flows.may_begin("products", mode)


def test_a_flow_that_is_no_more_is_off(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        assert not application.flows.is_on("laundry")


def test_a_flow_whose_documents_nobody_can_read_back_says_so(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        assert not application.flows.is_unproven("orders")
        application.flows.change("orders", {"unproven": True}, "test")
        assert application.flows.is_unproven("orders")
        assert not application.flows.is_unproven("products")
