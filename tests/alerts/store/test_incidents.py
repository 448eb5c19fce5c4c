"""Episodes: begun and ended once, whoever sees them, with what is to be sent of them in the same transaction."""

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
    ProblemType.RECORDS, "vat_code_unmapped", "orders", facts={"code": "7"}, count=3, at_stake=Decimal("10.50")
)


@pytest.fixture
def episodes(database: Database, clock: Clock) -> IncidentStore:
    """The episodes of the database."""
    return IncidentStore(database, clock)


def due(clock: Clock, what: str = "begun") -> list[DueDelivery]:
    """What is to be sent at once through a channel."""
    return [DueDelivery("c1", f"{what}:{{episode}}", what, clock())]


def test_of_many_that_see_it_one_begins_an_episode_and_one_ends_it(
    episodes: IncidentStore, database: Database, clock: Clock
) -> None:
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: episodes.begin(SYMPTOM, due(clock)), range(8)))
        assert begun.count(True) == 1
        (episode,) = episodes.open_incidents()
        assert (episode.symptom, episode.over_at) == (SYMPTOM, None)
        ended = list(pool.map(lambda _: episodes.end(episode, due(clock, "over")), range(8)))
        assert ended.count(True) == 1
    assert episodes.open_incidents() == []
    told = DeliveryStore(database, clock).of_incident(episode.id)
    assert sorted(one.key for one in told) == [f"begun:{episode.id}", f"over:{episode.id}"]


def test_what_is_over_may_begin_again_as_another_episode(episodes: IncidentStore, clock: Clock) -> None:
    assert episodes.begin(SYMPTOM, [])
    assert not episodes.begin(SYMPTOM, [])
    first = episodes.open_incidents()[0]
    clock.advance(60)
    episodes.end(first, [])
    assert episodes.begin(SYMPTOM, [])
    assert episodes.open_incidents()[0].id != first.id
    assert episodes.counts() == {"records": 2}
    over = episodes.get(first.id)
    assert over is not None
    assert over.over_at == clock.now


def test_an_episode_is_kept_as_it_was_seen_last(episodes: IncidentStore, clock: Clock) -> None:
    episodes.begin(SYMPTOM, [])
    more = Problem(ProblemType.RECORDS, "vat_code_unmapped", "orders", count=300)
    clock.advance(30)
    episodes.saw([(episodes.open_incidents()[0], more)])
    (episode,) = episodes.open_incidents()
    assert (episode.symptom, episode.seen_at) == (more, clock.now)


def test_what_a_silence_held_back_is_not_sent_once_it_is_over(
    episodes: IncidentStore, database: Database, clock: Clock
) -> None:
    episodes.begin(SYMPTOM, [DueDelivery("c1", "begun:{episode}", "begun", clock() + timedelta(hours=1), "silenced")])
    (episode,) = episodes.open_incidents()
    episodes.end(episode, [])
    assert DeliveryStore(database, clock).of_incident(episode.id) == []


def test_what_is_long_over_goes_with_what_was_sent(episodes: IncidentStore, database: Database, clock: Clock) -> None:
    deliveries = DeliveryStore(database, clock)
    episodes.begin(SYMPTOM, due(clock))
    (one,) = deliveries.claim()
    deliveries.mark_sent(one)
    episodes.end(episodes.open_incidents()[0], [])
    clock.advance(60)
    episodes.begin(SYMPTOM, [])
    retained = RetentionStore(database, clock)
    while retained.prune("exceptions", clock.now - timedelta(seconds=30)):
        pass
    assert len(episodes.latest()) == 1
    assert deliveries.latest() == []
