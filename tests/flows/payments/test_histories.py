"""Random histories of payments end as the rows of both systems say: none doubled, none lost, no endless question."""

from pathlib import Path

import pytest

from tests.flows.payments.histories import SETTINGS, shop

pytestmark = [pytest.mark.long, pytest.mark.processes]

SALES = 8


@pytest.mark.parametrize("mode", SETTINGS)
@pytest.mark.seeds(3, 11)
def test_no_payment_is_doubled_lost_or_booked_otherwise(tmp_path: Path, mode: str, seed: int) -> None:
    with shop(tmp_path, seed) as histories:
        sales = histories.live(mode, seed * 100, SALES)

        assert histories.faults_of(sales, mode) == []


@pytest.mark.parametrize("mode", ["document", "day"])
@pytest.mark.seeds(4)
def test_settings_that_change_and_wrong_answers_do_no_harm(tmp_path: Path, mode: str, seed: int) -> None:
    with shop(tmp_path, seed, with_people=True) as histories:
        sales = histories.live(mode, seed * 100, SALES)

        assert histories.faults_of(sales, mode) == []


@pytest.mark.parametrize(
    ("mode", "seed"),
    [
        ("day", 908),  # the first payment ever is in doubt, and its sale is not planned again
        ("document", 924),  # a receipt in two parts, while the payment of another sale is in doubt
        ("document", 903),  # a cashier pays by the method of a payment in doubt
        ("document", 918),  # a cashier pays in three parts, and the receipt of the bank moves to another year
    ],
)
def test_a_history_that_went_wrong_before_ends_well(tmp_path: Path, mode: str, seed: int) -> None:
    with shop(tmp_path, seed) as histories:
        sales = histories.live(mode, seed, 10)

        assert histories.faults_of(sales, mode) == []
