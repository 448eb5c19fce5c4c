"""Flows as people arrange them, and their numbers as a monitor reads them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.application.application import Application
from integration.core.errors import ConfigurationError
from integration.core.plan import Approval
from integration.core.run import Mode
from integration.services.runs.flows import SettingsChange
from tests.clocks import now
from tests.consoles import open_application
from tests.people import make_actor
from tests.stores import stores_in

ABSENT = "987654"
APPROVED = Approval("f", by="schedule")


def test_flow_settings_that_cannot_be_used_are_refused_by_name(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application, pytest.raises(ConfigurationError) as caught:
        application.flows.change("products", {"schedule_minutes": "often"}, make_actor("test"))

    assert caught.value.facts["setting"].endswith("schedule_minutes")


def test_a_flow_that_is_off_neither_begins_nor_approves_by_itself(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application, open_application(tmp_path, start=False) as other:
        flows = application.flows
        run = replace(stores_in(application).runs.begin("stock", Mode.COMPLETE, "schedule", 1), fingerprint="f")
        permissions = []
        for on in (True, False, True):
            other.flows.change("stock", {"on": on, "auto_approve": True}, make_actor("test"))  # in another process
            permissions.append((flows.is_on("stock"), flows.may_begin("stock", run.mode), flows.may_approve(run)))
    assert permissions == [(True, True, APPROVED), (False, False, None), (True, True, APPROVED)]


@pytest.mark.parametrize("mode", list(Mode))
def test_a_flow_begins_by_itself_only_as_it_is_scheduled(tmp_path: Path, mode: Mode) -> None:
    with open_application(tmp_path, start=False) as application:
        flows = application.flows
        flows.change("products", {"on": True, "nightly_complete": False}, make_actor("test"))
        scheduled = {schedule.mode for schedule in flows.schedules() if schedule.flow == "products"}
        assert flows.may_begin("products", mode) is (mode in scheduled)
        assert mode is not Mode.COMPLETE or not flows.may_begin("products", mode)


def test_what_was_woken_by_hand_begins_and_a_round_that_is_none_does_not(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        flows = application.flows
        flows.change("products", {"on": True, "schedule_minutes": 59}, make_actor("test"))
        due, none = (datetime(2026, 11, 25, hour, tzinfo=UTC) for hour in (23, 0))  # midnight and one o'clock there
        by_hand = none + timedelta(seconds=27, microseconds=276_308)
        assert [flows.may_begin("products", Mode.CHANGES, at) for at in (due, none, by_hand)] == [True, False, True]


@pytest.mark.parametrize(
    ("every", "rounds", "waits", "is_reported"),
    [(15, 1, True, False), (15, 2, False, False), (120, 1, True, True), (120, 2, False, True)],
)
def test_a_run_waits_for_one_at_work_until_it_is_due_again_and_one_that_is_missed_is_reported(
    tmp_path: Path, every: int, rounds: int, *, waits: bool, is_reported: bool
) -> None:
    with open_application(tmp_path, start=False) as application:
        flows = application.flows
        flows.change("products", {"on": True, "schedule_minutes": every}, make_actor("test"))
        due = flows.round_before("products", rounds, now())
        assert due is not None
        assert flows.may_wait("products", Mode.CHANGES, due) is waits
        flows.report_missed_run("products", Mode.CHANGES, due)
        assert ("round_missed" in _event_names(application)) is is_reported


@pytest.mark.parametrize(("minutes", "waits"), [(298, True), (301, False)])
def test_the_run_of_the_night_waits_into_the_morning(tmp_path: Path, minutes: int, *, waits: bool) -> None:
    with open_application(tmp_path, start=False) as application:
        due = now() - timedelta(minutes=minutes)
        assert application.flows.may_wait("products", Mode.COMPLETE, due) is waits
        application.flows.report_missed_run("products", Mode.COMPLETE, due)
        assert "round_missed" in _event_names(application)


def _event_names(application: Application) -> set[object]:
    return {event["event"] for event in stores_in(application).events.waiting(100)}


def test_a_flow_that_is_no_more_is_off(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        assert not application.flows.is_on("laundry")


def test_a_flow_whose_documents_nobody_can_read_back_says_so(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        assert not application.flows.is_unproven("orders")
        application.flows.change("orders", {"unproven": True}, make_actor("test"))
        assert application.flows.is_unproven("orders")
        assert not application.flows.is_unproven("products")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        yield application


@pytest.mark.parametrize(
    ("flow", "setting", "more"),
    [
        ("orders", "debtor_number", {"default_debtor": "fallback"}),
        ("orders", "default_debtors_by_branch", {"default_debtor": "fallback"}),
        ("orders", "collective_article", {}),
        ("orders", "collective_account", {}),
        ("orders", "daybook", {"receipts": "posting"}),
        ("orders", "branches", {}),
        ("orders", "debtor_vat_codes", {}),
        ("days", "collective_debtor", {}),
        ("days", "difference_account", {}),
        ("customers", "by_country", {}),
        ("payments", "method", {}),
    ],
)
def test_a_setting_with_a_code_that_the_system_lacks_is_never_stored(
    app: Application, flow: str, setting: str, more: Mapping[str, Any]
) -> None:
    values = {
        "default_debtors_by_branch": {"1": ABSENT},
        "branches": ["1", ABSENT],
        "debtor_vat_codes": {"BE": ABSENT},
        "by_country": {"BE": {"price_group": ABSENT}},
    }
    before = app.flows.settings(flow)

    with pytest.raises(ConfigurationError) as refused:
        app.flows.change(flow, {setting: values.get(setting, ABSENT), **more}, make_actor("test"))

    assert (refused.value.facts["setting"], refused.value.facts["number"]) == (setting, ABSENT)
    assert app.flows.settings(flow) == before


def test_a_configuration_file_with_a_code_that_the_system_lacks_is_never_stored(app: Application) -> None:
    before = app.configuration_file.text()
    configuration = json.loads(before)
    configuration["flows"].setdefault("days", {})["collective_debtor"] = ABSENT

    with pytest.raises(ConfigurationError) as refused:
        app.configuration_file.read(json.dumps(configuration))

    assert "flows.days" in str(refused.value.facts)
    assert app.configuration_file.text() == before


def test_what_nobody_can_look_up_now_is_kept_and_reported(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        changes = {"default_debtor": "fallback", "debtor_number": ABSENT, "default_branch": "77"}
        change = application.flows.change("orders", changes, make_actor("test"))
        assert change == SettingsChange(unchecked=("debtor_number", "default_branch"))
        assert application.flows.change("orders", {"most": 20}, make_actor("test")).unchecked == ()  # said once
