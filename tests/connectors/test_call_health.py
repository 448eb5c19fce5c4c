"""Call health: the record of the calls of one connection."""

from datetime import UTC, datetime, timedelta

from integration.connectors.call_health import CallHealth, HealthSnapshot

BEGIN = datetime(2026, 11, 27, 9, tzinfo=UTC)


def test_a_system_answers_until_a_call_is_not_answered_and_again_from_the_next_that_is() -> None:
    moments = iter(BEGIN + timedelta(minutes=at) for at in range(6))
    answering = CallHealth(lambda: next(moments))
    assert answering.snapshot() == HealthSnapshot()

    answering.answered(0.0124)
    answering.answered(0.02)
    assert answering.snapshot() == HealthSnapshot(
        BEGIN, BEGIN + timedelta(minutes=1), 20, called_at=BEGIN + timedelta(minutes=1)
    )

    for code in ("connection_refused", "connection_cut"):
        answering.failed(code, {"host": "till"})
    snapshot = answering.snapshot()
    assert (snapshot.since, snapshot.answered_at) == (BEGIN + timedelta(minutes=2), BEGIN + timedelta(minutes=1))
    assert (snapshot.cause, snapshot.facts) == ("connection_cut", {"host": "till"})

    answering.answered(0.005)
    snapshot = answering.snapshot()
    assert (snapshot.since, snapshot.cause, snapshot.milliseconds) == (BEGIN + timedelta(minutes=4), "", 5)
