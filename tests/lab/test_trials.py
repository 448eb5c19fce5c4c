"""The fault lab itself: fixed trials that leave nothing wrong, a dozen when long.

`make lab` runs many more, on both databases.
"""

import subprocess
from functools import partial
from pathlib import Path

import pytest

from integration.core.errors import IntegrationError
from integration.lab.console_operator import CHANGES
from integration.lab.report import FOLDER, OperatorSettings, Report, Series, kept_report
from integration.lab.schedule import TURNS, Hazard
from integration.lab.trials import SeriesRunner

pytestmark = pytest.mark.processes

FLOWS = ("products", "stock", "customers", "orders", "days", "payments")
DOZEN = range(12)
SET_BACK = 16  # the first whose clock is set back at documents that changed since
FULL_AT_FIRST = 4106  # one whose disk is full before its first run


def run_series(folder: Path, series: Series) -> Report:
    """Return the stored report of a series."""
    SeriesRunner(folder, series, OperatorSettings()).run()
    report = kept_report(folder)
    assert report is not None
    assert (report.state, report.done_count, report.idle) == ("done", series.trials, ())
    return report


@pytest.mark.parametrize(("flows", "trials"), [(FLOWS[:1], 1), pytest.param(FLOWS, len(DOZEN), marks=pytest.mark.long)])
def test_trials_leave_nothing_wrong_and_every_fault_bites(tmp_path: Path, flows: tuple[str, ...], trials: int) -> None:
    report = run_series(tmp_path, Series(flows, trials, DOZEN.start, mapping="shipped"))
    tried = {str(hazard) for hazard in list(Hazard)[:trials]}  # they take turns

    assert report.violations == ()
    assert {line.hazard for line in report.lines} == {str(hazard) for hazard in Hazard}
    assert [line.hazard for line in report.lines if line.hazard in tried and not (line.hits or line.unable)] == []


def test_a_series_in_which_nothing_was_tried_has_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(IntegrationError, match="lab_nothing_to_write"):
        SeriesRunner(tmp_path, Series(("products",), 0, 0, "shipped"), OperatorSettings()).run()
    report = kept_report(tmp_path)
    assert report is not None
    assert (report.state, report.done_count) == ("running", 0)  # never done: it is shown as stopped


def test_what_trials_leave_in_a_checkout_is_nothing_that_git_keeps() -> None:
    git = partial(subprocess.run, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert git(["git", "ls-files", "data/lab"]).stdout == ""
    assert git(["git", "check-ignore", f"data/{FOLDER}/trials/trial-1/data/console.sqlite"]).stdout


@pytest.mark.long
@pytest.mark.seeds(1)
def test_trials_of_any_seed_leave_nothing_wrong(tmp_path: Path, seed: int) -> None:
    report = run_series(tmp_path, Series(FLOWS, len(FLOWS), seed * len(FLOWS), mapping="shipped"))
    assert report.violations == ()


@pytest.mark.long
def test_a_lost_answer_of_a_write_that_shows_late_leaves_nothing_wrong(tmp_path: Path) -> None:
    report = run_series(tmp_path, Series(("orders",), 1, 0, mapping="shipped", hazards=("cut_after", "late")))
    assert report.violations == ()


@pytest.mark.long
def test_a_console_whose_clock_was_set_back_is_seen_to_the_end(tmp_path: Path) -> None:
    report = run_series(tmp_path, Series(("orders",), 1, SET_BACK, mapping="shipped", hazards=("clock",)))
    assert report.violations == ()


@pytest.mark.long
def test_a_console_whose_disk_is_full_before_its_first_run_is_asked_until_it_begins_one(tmp_path: Path) -> None:
    report = run_series(tmp_path, Series(FLOWS, 1, FULL_AT_FIRST, mapping="shipped"))
    assert report.violations == ()


@pytest.mark.long
def test_a_calm_run_of_documents_takes_back_what_changed_and_books_it_again_and_others_with_their_payments(
    tmp_path: Path,
) -> None:
    series = Series(("orders",), 1, 1, "shipped")
    baseline = SeriesRunner(tmp_path, series, OperatorSettings()).baseline("orders", 0)

    assert baseline is not None
    booked = [name for name in baseline.outcome.records if name.startswith("SO_HDR ")]
    for ending in ("-C", "-2"):
        assert sum(name.endswith(ending) for name in booked) == CHANGES
    assert not [name for name in baseline.outcome.records if name.startswith(("K9_INV ", "K9_QUO "))]
    clearing = [row for name, rows in baseline.outcome.records.items() if name.startswith("DJ_PAGE MI") for row in rows]
    assert [row for row in clearing if '\\"ACCT_NR\\": \\"10' in row]


OTHERWISE = TURNS * len(Hazard)  # the seed from which on documents are tried in the other way


@pytest.mark.long
def test_trade_invoices_and_quotations_are_tried_too_and_reversed_and_booked_again(tmp_path: Path) -> None:
    baseline = SeriesRunner(tmp_path, Series(("orders",), 1, 1, "shipped"), OperatorSettings()).baseline(
        "orders", 0, way=1
    )

    assert baseline is not None
    invoices = [name for name in baseline.outcome.records if name.startswith("K9_INV ")]
    for ending in ("-C", "-2"):
        assert sum(name.endswith(ending) for name in invoices) == CHANGES
    assert [name for name in baseline.outcome.records if name.startswith("K9_QUO ")]


@pytest.mark.long
def test_trials_with_trade_invoices_and_quotations_leave_nothing_wrong(tmp_path: Path) -> None:
    report = run_series(tmp_path, Series(("orders",), len(DOZEN) // 2, OTHERWISE, mapping="shipped"))

    assert report.violations == ()
    assert (report.total.doubled, report.total.lost) == (0, 0)
