"""The fault lab itself: a fixed dozen of trials that leaves nothing wrong, and the harm without each safeguard.

`make lab` runs many more, on both databases.
"""

from pathlib import Path

import pytest

from integration.lab.schedule import Hazard
from integration.lab.trials import Bench
from integration.services.lab import Mine, Report, Series, kept

pytestmark = pytest.mark.processes

FLOWS = ("products", "stock", "customers", "orders")
DOZEN = range(12)
SEEDS = {"fencing": (0, 1), "look": (0, 1), "ledger": (459, 2)}  # the first one, and how many


def gone_through(folder: Path, series: Series) -> Report:
    """Return what came of a series, as it is on file."""
    Bench(folder, series, Mine()).go()
    report = kept(folder)
    assert report is not None
    assert (report.state, report.done, report.idle) == ("done", series.trials, ())
    return report


def test_a_dozen_trials_leave_nothing_wrong_and_every_fault_bites(tmp_path: Path) -> None:
    report = gone_through(tmp_path, Series(FLOWS, len(DOZEN), DOZEN.start, mapping="shipped"))

    assert report.violations == ()
    assert {line.hazard for line in report.lines} == {str(one) for one in Hazard}
    assert [line.hazard for line in report.lines if not (line.bit or line.unable)] == []


@pytest.mark.parametrize(
    ("safeguard", "hazards"),
    [("fencing", ("suspend",)), ("look", ("cut_after", "late")), ("ledger", ("kill",))],
)
def test_without_a_safeguard_the_lab_sees_harm(tmp_path: Path, safeguard: str, hazards: tuple[str, ...]) -> None:
    seed, trials = SEEDS[safeguard]
    series = Series(("orders",), trials, seed, "shipped", without=(safeguard,), hazards=hazards)

    report = gone_through(tmp_path, series)

    assert report.total.doubled > 0, report
    assert f"--without {safeguard}" in report.violations[0].command
