"""Incidents: begun and ended once, by whichever process sees them, with their messages in the same transaction."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest

from integration.alerts.incidents import Problem, ProblemType
from integration.alerts.store.deliveries import DeliveryStore, DueDelivery
from integration.alerts.store.incidents import IncidentStore
from integration.retention.store.rows import RetentionStore
from integration.store.database import Database
from tests.clocks import Clock

SYMPTOM = Problem(
    ProblemType.RECORDS, "vat_code_unmapped", "orders", facts={"code": "7"}, count=3, waiting_amount=Decimal("10.50")
)


@pytest.fixture
def incidents(database: Database, clock: Clock) -> IncidentStore:
    """The incidents of the database."""
    return IncidentStore(database, clock)


def due_deliveries(clock: Clock, message_type: str = "begun") -> list[DueDelivery]:
    """Return a delivery that is due at once through a channel."""
    return [DueDelivery("c1", f"{message_type}:{{incident}}", message_type, clock())]


def test_of_many_that_see_it_one_begins_an_incident_and_one_ends_it(
    incidents: IncidentStore, database: Database, clock: Clock
) -> None:
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: incidents.begin(SYMPTOM, due_deliveries(clock)), range(8)))
        assert begun.count(True) == 1
        (incident,) = incidents.open_incidents()
        assert (incident.problem, incident.ended_at) == (SYMPTOM, None)
        ended = list(pool.map(lambda _: incidents.end(incident, due_deliveries(clock, "over")), range(8)))
        assert ended.count(True) == 1
    assert incidents.open_incidents() == []
    incident_deliveries = DeliveryStore(database, clock).of_incident(incident.id)
    assert sorted(delivery.key for delivery in incident_deliveries) == [f"begun:{incident.id}", f"over:{incident.id}"]


def test_what_is_over_may_begin_again_as_another_incident(incidents: IncidentStore, clock: Clock) -> None:
    assert incidents.begin(SYMPTOM, [])
    assert not incidents.begin(SYMPTOM, [])
    first = incidents.open_incidents()[0]
    clock.advance(60)
    incidents.end(first, [])
    assert incidents.begin(SYMPTOM, [])
    assert incidents.open_incidents()[0].id != first.id
    assert incidents.counts() == {"records": 2}
    over = incidents.get(first.id)
    assert over is not None
    assert over.ended_at == clock.now


def test_an_incident_is_kept_as_it_was_seen_last(incidents: IncidentStore, clock: Clock) -> None:
    incidents.begin(SYMPTOM, [])
    more = Problem(ProblemType.RECORDS, "vat_code_unmapped", "orders", count=300)
    clock.advance(30)
    incidents.update([(incidents.open_incidents()[0], more)])
    (incident,) = incidents.open_incidents()
    assert (incident.problem, incident.seen_at) == (more, clock.now)


def test_what_a_silence_held_back_is_not_sent_once_it_is_over(
    incidents: IncidentStore, database: Database, clock: Clock
) -> None:
    incidents.begin(SYMPTOM, [DueDelivery("c1", "begun:{incident}", "begun", clock() + timedelta(hours=1), "silenced")])
    (incident,) = incidents.open_incidents()
    incidents.end(incident, [])
    assert DeliveryStore(database, clock).of_incident(incident.id) == []


def test_what_is_long_over_goes_with_what_was_sent(incidents: IncidentStore, database: Database, clock: Clock) -> None:
    deliveries = DeliveryStore(database, clock)
    incidents.begin(SYMPTOM, due_deliveries(clock))
    (delivery,) = deliveries.claim()
    deliveries.mark_sent(delivery)
    incidents.end(incidents.open_incidents()[0], [])
    clock.advance(60)
    incidents.begin(SYMPTOM, [])
    retained = RetentionStore(database, clock)
    while retained.prune("exceptions", clock.now - timedelta(seconds=30)):
        pass
    assert len(incidents.latest()) == 1
    assert deliveries.latest() == []
