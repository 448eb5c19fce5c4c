"""Seeds as a person names them, and the report of a failure with the command that repeats it."""

from datetime import date

import pytest

from tests.histories import Result, Trial, main
from tests.seeds import fresh_seeds, parse_seeds


def test_seeds_are_numbers_and_ranges() -> None:
    assert parse_seeds("7,1000-1002") == [7, 1000, 1001, 1002]
    assert fresh_seeds(date(2026, 12, 7)) == [2612070, 2612071, 2612072]


def test_a_failure_names_its_tests_and_the_command_that_repeats_it() -> None:
    output = "FAILED tests/flows/days/test_property.py::test_of_hundreds_of_days_too[72] - AssertionError\n"
    assert Result(Trial("days", 72), passed=False, seconds=3.4, output=output).report().splitlines() == [
        "days 72 FAILED 3 s",
        "  tests/flows/days/test_property.py::test_of_hundreds_of_days_too[72]",
        "  again: make histories GROUP=days SEEDS=72",
    ]


@pytest.mark.parametrize("arguments", [["nothing"], ["days", "x"], ["days", "1", "2"]])
def test_wrong_use_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: python -m tests.histories [payments|days|")
