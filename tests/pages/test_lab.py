"""The page of the fault lab: only with the built-in systems, begun by a button, and told fault by fault."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from shutil import rmtree

import pytest

from integration.services import Application
from integration.services.lab import HAZARDS, Harm, Line, Report, Series, Violation, keep
from pages.components.shared.wording import text
from tests.pages.conftest import Open, press, texts
from tests.patience import until

SERIES = Series(("products",), trials=2, seed=3)


@pytest.fixture
def lab(connected: Application) -> Iterator[Application]:
    """A console whose fault lab has never been at work."""
    connected.lab.folder.mkdir(exist_ok=True)
    yield connected
    connected.lab.stop()
    rmtree(connected.lab.folder)


def told(lab: Application, **more: object) -> None:
    """Put a report on file."""
    lines = (Line("kill", 1, 1, Harm(parked=2)), Line("full_disk", unable="lab_no_disk_of_its_own"))
    keep(Report(SERIES, datetime.now(UTC), done=2, lines=lines, **more), lab.lab.folder)  # type: ignore[arg-type]


def test_there_is_no_such_page_without_the_built_in_systems(fresh: Application, open_page: Open) -> None:
    assert not fresh.sandbox.is_connected
    frame = open_page()
    with pytest.raises(ValueError, match="Could not find"):
        frame.switch_page("pages/lab.py").run()


def test_before_the_first_trial_it_says_how_long_they_take(lab: Application, open_page: Open) -> None:
    assert lab.lab.report() is None
    assert text("lab_none") in texts(open_page("lab"))


def test_a_good_end_is_told_with_its_table(lab: Application, open_page: Open) -> None:
    told(lab, state="done")

    test = open_page("lab")

    assert text("lab_good") in texts(test)
    table = test.dataframe[0].value
    assert list(table["bit"]) == [1, 0]
    assert list(table["parked"]) == [2, 0]
    assert table["note"][1].startswith("cannot be done here")


def test_what_went_wrong_is_told_with_the_command_that_repeats_it(lab: Application, open_page: Open) -> None:
    harm = Harm(doubled=1, cents=Decimal("1.21"))
    command = "python -m integration lab --trials 1 --seed 3"
    told(
        lab,
        state="done",
        violations=(Violation(3, "orders", "sqlite", ("kill",), harm, ("doubled: an order",), command),),
    )

    test = open_page("lab")

    assert text("lab_good") not in texts(test)
    assert text("lab_bad", bad="1", done="2") in texts(test)
    assert "doubled: an order" in texts(test)
    assert test.code[0].value == command


def test_a_failure_of_its_own_is_told_in_sentences(lab: Application, open_page: Open) -> None:
    told(lab, state="stopped", error="lab_nothing_to_write")

    assert "nothing to write" in texts(open_page("lab"))


@pytest.mark.parametrize("hazard", HAZARDS)
def test_every_fault_has_its_words(hazard: str) -> None:
    assert text(f"hazard_{hazard}")


@pytest.mark.long
@pytest.mark.processes
def test_a_series_is_begun_goes_on_without_the_page_and_can_be_stopped(lab: Application, open_page: Open) -> None:
    test = press(open_page("lab"), "lab-begin")

    assert lab.lab.is_at_work()
    until(lambda: bool((report := lab.lab.report()) and report.lines), "the first sign of life")
    assert text("lab_calm") in texts(open_page("lab")) or lab.lab.report().done  # type: ignore[union-attr]
    press(open_page("lab"), "lab-stop")
    assert not lab.lab.is_at_work()
    assert text("lab_stopped") in texts(open_page("lab"))
    assert not test.exception
