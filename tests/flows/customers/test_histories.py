"""Random histories of customers: each record stays that of its person, and no flow creates a second one."""

from pathlib import Path

import pytest

from tests.consoles import Console, open_application
from tests.flows.customers.histories import CustomerHistory

ROUNDS = 6


@pytest.mark.long
@pytest.mark.seeds(1, 2, 3)
def test_each_record_stays_that_of_its_person(tmp_path: Path, seed: int) -> None:
    with open_application(tmp_path, sandbox=True) as application:
        history = CustomerHistory(Console(application), seed)
        history.live(ROUNDS)
        assert list(history.faults()) == [], history.steps
