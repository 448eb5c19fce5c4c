"""Each part of `make bench` runs on a small shop."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.__main__ import first_sync, orders, second_run
from benchmarks.pages import addresses, build

pytestmark = [pytest.mark.long, pytest.mark.processes]
FEW = 60


@pytest.mark.parametrize(
    "measure",
    [lambda: first_sync(articles=FEW), lambda: second_run(articles=FEW), lambda: orders(0.001, number=FEW)],
    ids=["first-sync", "second-run", "orders"],
)
def test_a_part_of_the_benchmark_is_measured_against_its_own_requests(measure: Callable[[], str]) -> None:
    line = measure()
    assert "requests bare" in line
    assert "processor time" in line


def test_the_pages_that_are_measured_have_their_records(tmp_path: Path) -> None:
    build(tmp_path, articles=FEW, events=10_000)
    assert addresses(tmp_path)["Preview, parked"].startswith("preview?plan=")
