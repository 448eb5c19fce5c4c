"""Deliveries: one process claims each, retries wait longer each time, and a channel that is down loses none."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from integration.alerts.store.deliveries import CLAIM, DeliveryStore, DueDelivery
from integration.store.database import Database
from tests.clocks import Clock


@pytest.fixture
def deliveries(database: Database, clock: Clock) -> DeliveryStore:
    """The deliveries in the database."""
    return DeliveryStore(database, clock)


def test_what_is_due_is_claimed_by_one_process_and_by_another_where_that_one_died(
    deliveries: DeliveryStore, clock: Clock
) -> None:
    for number in range(5):
        assert deliveries.add(DueDelivery("c1", f"digest:{number}", "digest", clock()))
    assert not deliveries.add(DueDelivery("c1", "digest:1", "digest", clock()))
    with ThreadPoolExecutor(4) as pool:
        claimed = [delivery.key for batch in pool.map(lambda _: deliveries.claim(), range(4)) for delivery in batch]
    assert sorted(claimed) == [f"digest:{number}" for number in range(5)]
    clock.advance(CLAIM.total_seconds() + 1)
    assert len(deliveries.claim()) == 5


def test_what_was_not_taken_waits_ever_longer_and_is_hurried_once_the_channel_works(
    deliveries: DeliveryStore, clock: Clock
) -> None:
    deliveries.add(DueDelivery("c1", "a", "begun", clock()))
    for minutes in (1, 2, 5):
        (delivery,) = deliveries.claim()
        deliveries.record_failure(delivery, "HTTP 503")
        assert deliveries.failing()["c1"].error == "HTTP 503"
        assert deliveries.claim() == []
        clock.advance(minutes * 60)
    (delivery,) = deliveries.claim()
    deliveries.record_failure(delivery, "HTTP 503")
    deliveries.make_due("c1")
    (delivery,) = deliveries.claim()
    deliveries.mark_sent(delivery)
    assert deliveries.failing() == {}
    assert deliveries.counts() == {("c1", "sent"): 1}


def test_a_digest_tells_of_what_was_held_for_it(deliveries: DeliveryStore, clock: Clock) -> None:
    deliveries.add(DueDelivery("c1", "a", "begun", clock() + timedelta(hours=1), "digest"))
    deliveries.add(DueDelivery("c2", "a", "begun", clock() + timedelta(hours=1), "digest"))
    assert deliveries.add_digest(DueDelivery("c1", "digest:1", "digest", clock()))
    assert not deliveries.add_digest(DueDelivery("c1", "digest:1", "digest", clock()))
    assert deliveries.last_created("c1", "digest") == clock.now
    assert deliveries.counts() == {("c1", "sent"): 1, ("c1", "waiting"): 1, ("c2", "waiting"): 1}
    clock.advance(7200)
    assert [delivery.key for delivery in deliveries.claim()] == ["digest:1"]


def test_a_channel_that_is_taken_away_is_told_nothing_more(deliveries: DeliveryStore, clock: Clock) -> None:
    deliveries.add(DueDelivery("c1", "a", "begun", clock()))
    deliveries.record_test("c1")
    deliveries.forget_channel("c1")
    assert deliveries.claim() == []
    assert [delivery.message_type for delivery in deliveries.latest()] == ["test"]
