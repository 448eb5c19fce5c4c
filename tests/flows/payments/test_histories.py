"""Random histories of payments end as the rows of both systems say: none doubled, none lost, no endless question."""

from pathlib import Path

import pytest

from tests.flows.payments.histories import SETTINGS, shop

pytestmark = [pytest.mark.long, pytest.mark.processes]

SALES = 8


@pytest.mark.parametrize("mode", SETTINGS)
@pytest.mark.parametrize("seed", [3, 11])
def test_no_payment_is_doubled_lost_or_booked_otherwise(tmp_path: Path, mode: str, seed: int) -> None:
    with shop(tmp_path, seed) as histories:
        sales = histories.live(mode, seed * 100, SALES)

        assert histories.faults_of(sales, mode) == []
