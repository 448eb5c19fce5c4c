"""Operator settings, one series at a time, and complete reports."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integration.core.errors import RunActiveError
from integration.lab.program import SILENT_SECONDS, is_running, operator_settings, running_series
from integration.lab.report import REPORT, Harm, OperatorSettings, Report, Series, Violation, keep_report, kept_report
from tests.consoles import open_application
from tests.people import make_actor

SERIES = Series(("orders",), trials=2, seed=7)


def test_a_report_is_read_back_as_it_was_stored(tmp_path: Path) -> None:
    wrong = Violation(
        7, "orders", "sqlite", ("kill",), Harm(doubled=1), ("doubled: an order",), "python -m integration"
    )
    report = Report(SERIES, datetime.now(UTC), "done", 2, 1.5, violations=(wrong,), idle=("stock",))

    keep_report(report, tmp_path)

    assert kept_report(tmp_path) == report
    assert report.total == Harm(doubled=1)
    assert not report.total.is_none
    assert Harm(parked=3).is_none


def test_no_secret_of_a_database_is_stored() -> None:
    series = Series(("orders",), databases=("sqlite", "postgresql://lab:p@ss@somewhere:5432/postgres"))

    assert series.without_secrets().databases == ("sqlite", "postgresql://somewhere:5432/postgres")


def test_nothing_is_reported_where_nothing_can_be_read(tmp_path: Path) -> None:
    assert kept_report(tmp_path) is None
    (tmp_path / REPORT).write_text(json.dumps({"of": "another version"}), encoding="utf-8")
    assert kept_report(tmp_path) is None


def test_a_second_series_waits_for_the_first(tmp_path: Path) -> None:
    keep_report(Report(SERIES, datetime.now(UTC)), tmp_path)

    assert is_running(tmp_path)
    with pytest.raises(RunActiveError, match="lab_at_work"), running_series(tmp_path, SERIES, OperatorSettings()):
        pass


def test_a_series_whose_process_is_long_silent_is_over(tmp_path: Path) -> None:
    keep_report(Report(SERIES, datetime.now(UTC)), tmp_path)
    before = (tmp_path / REPORT).stat().st_mtime - SILENT_SECONDS - 1
    os.utime(tmp_path / REPORT, (before, before))

    assert not is_running(tmp_path)


def test_what_is_the_operator_s_own_goes_along(tmp_path: Path) -> None:
    with open_application(tmp_path, sandbox=True) as application:
        application.flows.change("orders", {"default_country": "BE"}, make_actor("test"))
        application.rules.set_table("payment_methods", {"CASH": "10"}, "test")

        own_settings = operator_settings(application.settings)

        assert own_settings.settings["orders"]["default_country"] == "BE"
        assert own_settings.tables["payment_methods"] == {"CASH": "10"}
        assert set(own_settings.mappings) == set(application.flows)


def test_codes_of_real_systems_stay_at_home(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.rules.set_table("payment_methods", {"CASH": "10"}, "test")

        own_settings = operator_settings(application.settings)

        assert (own_settings.tables, set(map(len, own_settings.settings.values()))) == ({}, {0})
