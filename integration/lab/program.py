"""Runs a series of trials in a separate process, which never changes the operator's data."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from integration.core.clocks import now
from integration.core.errors import RunActiveError
from integration.flows.registry import FLOWS
from integration.lab.report import (
    REPORT,
    SERIES_INPUT,
    OperatorSettings,
    Report,
    Series,
    SeriesInput,
    keep_report,
    kept_report,
)
from integration.process.child_environment import base_environment
from integration.settings import Settings
from integration.shipped import PROGRAM
from integration.store.database import open_database
from integration.store.rules import MappingStore
from integration.store.settings import StoredSettings

SILENT_SECONDS = 30.0  # without an update of the report, the process counts as dead
STOP_SECONDS = 20.0


@contextmanager
def running_series(
    folder: Path, series: Series, own_settings: OperatorSettings
) -> Iterator[Callable[[], Report | None]]:
    """Run a series within the block; yields a function that returns its report. Finished trials stay in the report.

    The function returns None if the stored report cannot be read. Raises RunActiveError `lab_at_work` while another
    series runs in this folder.
    """
    if is_running(folder):
        raise RunActiveError("lab_at_work")
    folder.mkdir(parents=True, exist_ok=True)
    keep_report(Report(series.without_secrets(), datetime.now(UTC)), folder)
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "integration.lab", str(folder)],
        cwd=PROGRAM, env=base_environment(), stdin=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip

    def report() -> Report | None:
        has_ended = process.poll() is not None
        latest = kept_report(folder)
        return replace(latest, state="stopped") if latest and latest.state == "running" and has_ended else latest

    try:
        if process.stdin is not None:
            with suppress(BrokenPipeError), process.stdin as pipe:  # if the process ended early, its report says why
                pipe.write(SERIES_INPUT.dump_json(SeriesInput(series, own_settings)))
        yield report
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_running(folder: Path) -> bool:
    """Return True if a series runs in this folder, whoever started it."""
    report = kept_report(folder)
    if report is None or report.state != "running":
        return False
    return time.time() - (folder / REPORT).stat().st_mtime < SILENT_SECONDS


def operator_settings(settings: Settings) -> OperatorSettings:
    """Return the operator's settings, mappings and value tables that apply to the built-in systems.

    Codes of real systems have no meaning there, so only values that were set for the built-in systems are used.
    """
    with closing(open_database(settings.operational_url())) as database:
        stored_settings, rules = StoredSettings(database, now), MappingStore(database, now)
        is_sandbox = (stored_settings.get("tables") or {"of": "real"})["of"] == "sandbox"
        names = {flow: f"flow:{flow}" if is_sandbox else f"flow:{flow}:sandbox" for flow in FLOWS}
        tables = rules.tables() if is_sandbox else stored_settings.get("tables:sandbox") or {}
        published = {flow: rules.published(flow) for flow in FLOWS}
        return OperatorSettings(
            {flow: stored_settings.get(name) or {} for flow, name in names.items()},
            {flow: mapping[1] for flow, mapping in published.items() if mapping},
            tables,
        )
