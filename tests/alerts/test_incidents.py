"""Incidents: which problems begin one, who is notified, and when."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from integration.alerts.incidents import (
    CONNECTION_CAUSES,
    Channel,
    Incident,
    Problem,
    ProblemType,
    incident_changes,
    retry_delay,
)
from integration.alerts.messages import Messages
from integration.core.causes import CAUSES, Severity

ZONE = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)  # a Wednesday, 10:00 on the wall
ORDERS = Problem(ProblemType.RECORDS, "vat_code_unmapped", "orders", count=3, waiting_amount=Decimal("10.50"))
DISK = Problem(ProblemType.DISK, "disk_full", subject="server-1")


def incident(problem: Problem, seen_at: datetime = NOW) -> Incident:
    """An incident that was seen last at a moment."""
    return Incident(1, problem, NOW, seen_at)


def local_time(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment on the wall, in November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


def test_an_incident_begins_once_goes_on_and_is_over_when_its_symptom_was_away_for_a_while() -> None:
    assert incident_changes([], [ORDERS, ORDERS], NOW).new == (ORDERS,)
    more = Problem(ProblemType.RECORDS, "vat_code_unmapped", "orders", count=300)
    open_incident = incident(ORDERS)
    assert incident_changes([open_incident], [more], NOW).continuing == ((open_incident, more),)
    soon = incident_changes([open_incident], [], NOW + timedelta(seconds=59))
    assert (soon.new, soon.continuing, soon.ended) == ((), (), ())
    assert incident_changes([open_incident], [], NOW + timedelta(seconds=60)).ended == (open_incident,)


def test_a_connection_is_one_incident_whatever_it_fails_with_and_records_are_one_per_flow_and_cause() -> None:
    refused, slow = (
        Problem(ProblemType.CONNECTION, cause, subject="mplus") for cause in ("connection_refused", "server_error")
    )
    assert refused.identity == slow.identity
    assert ORDERS.identity != Problem(ProblemType.RECORDS, "vat_code_unmapped", "days").identity
    assert ORDERS.identity != Problem(ProblemType.RECORDS, "article_missing", "orders").identity


def test_a_problem_is_as_severe_as_its_cause() -> None:
    assert CAUSES.keys() >= CONNECTION_CAUSES
    assert DISK.severity is Severity.CRITICAL


# ---- channels


@pytest.mark.parametrize(
    ("channel", "problem", "expected"),
    [
        (Channel("a", "A"), ORDERS, True),
        (Channel("a", "A", on=False), ORDERS, False),
        (Channel("a", "A", least=Severity.CRITICAL), ORDERS, False),
        (Channel("a", "A", problem_types=frozenset({ProblemType.DISK})), ORDERS, False),
        (Channel("a", "A", problem_types=frozenset({ProblemType.DISK})), DISK, True),
        (Channel("a", "A", causes=frozenset({"article_missing"})), ORDERS, False),
        (Channel("a", "A", causes=frozenset({"vat_code_unmapped"})), ORDERS, True),
        (Channel("a", "A"), Problem(ProblemType.CHANNEL, "alert_not_delivered", subject="a"), False),
        (Channel("a", "A"), Problem(ProblemType.CHANNEL, "alert_not_delivered", subject="b"), True),
    ],
)
def test_a_channel_is_told_what_it_is_set_for(channel: Channel, problem: Problem, expected: bool) -> None:
    assert channel.wants(problem) is expected


NIGHT = Channel("a", "A", quiet_from=time(22), quiet_until=time(7), wakes=False)
NOON = Channel("a", "A", quiet_from=time(12), quiet_until=time(13), wakes=False)


@pytest.mark.parametrize(
    ("channel", "now", "at"),
    [
        (Channel("a", "A"), local_time(25, 3), local_time(25, 3)),
        (Channel("a", "A", quiet_from=time(8), quiet_until=time(8)), local_time(25, 8), local_time(25, 8)),
        (NIGHT, local_time(25, 10), local_time(25, 10)),
        (NIGHT, local_time(25, 23), local_time(26, 7)),
        (NIGHT, local_time(25, 3), local_time(25, 7)),
        (NOON, local_time(25, 12, 30), local_time(25, 13)),
        (NOON, local_time(25, 13), local_time(25, 13)),
        (Channel("a", "A", rests=True), local_time(26, 10), local_time(27, 0)),
        (
            Channel("a", "A", rests=True, quiet_from=time(22), quiet_until=time(7)),
            local_time(25, 23),
            local_time(27, 7),
        ),
    ],
)
def test_a_channel_speaks_when_it_is_not_quiet(channel: Channel, now: datetime, at: datetime) -> None:
    assert channel.next_send_time(Severity.WARNING, now, ZONE, lambda day: day == date(2026, 11, 26)) == at


def test_what_is_critical_wakes_whoever_wants_to_be_woken() -> None:
    waking = Channel("a", "A", quiet_from=time(22), quiet_until=time(7))
    assert waking.next_send_time(Severity.CRITICAL, local_time(25, 23), ZONE) == local_time(25, 23)
    assert NIGHT.next_send_time(Severity.CRITICAL, local_time(25, 23), ZONE) == local_time(26, 7)


def test_a_shop_that_is_always_closed_is_not_silent_for_ever() -> None:
    always = Channel("a", "A", rests=True, wakes=False)
    assert always.next_send_time(Severity.CRITICAL, local_time(1, 10), ZONE, lambda _: True) < local_time(
        1, 10
    ) + timedelta(days=61)


@pytest.mark.parametrize(
    ("channel", "now", "day"),
    [
        (Channel("a", "A", digest=time(7, 30)), local_time(25, 7, 29), None),
        (Channel("a", "A", digest=time(7, 30)), local_time(25, 7, 30), date(2026, 11, 25)),
        (Channel("a", "A", digest=time(7, 30)), local_time(25, 13, 30), None),
        (Channel("a", "A"), local_time(25, 8), None),
        (Channel("a", "A", on=False, digest=time(7, 30)), local_time(25, 8), None),
        (Channel("a", "A", digest=time(7, 30)), local_time(26, 8), date(2026, 11, 26)),
        (Channel("a", "A", digest=time(7, 30), rests=True), local_time(26, 8), None),
    ],
)
def test_a_digest_comes_in_the_morning(channel: Channel, now: datetime, day: date | None) -> None:
    assert channel.digest_due(now, ZONE, lambda candidate: candidate == date(2026, 11, 26)) == day


def test_a_message_that_was_not_taken_is_tried_ever_later_and_never_given_up() -> None:
    assert [retry_delay(attempts) // timedelta(minutes=1) for attempts in (1, 2, 3, 6, 60)] == [1, 2, 5, 60, 60]


@pytest.mark.parametrize(
    ("hours", "told_count", "count", "reasons"),
    [
        (23, 3, 29, ()),
        (1, 3, 30, ("grown-1",)),
        (1, 3, 300, ("grown-2",)),
        (1, 300, 3_300, ("grown-1",)),
        (24, 3, 3, ("lasting",)),
        (24, 3, 31, ("grown-1", "lasting")),
        (1, 0, 31, ()),
    ],
)
def test_what_grows_tenfold_or_lasts_is_reported_once_more(
    hours: int, told_count: int, count: int, reasons: tuple[str, ...]
) -> None:
    grown = incident(replace(ORDERS, count=count))
    assert Channel("a", "A").reminders(grown, told_count, NOW + timedelta(hours=hours)) == reasons


def test_a_channel_that_wants_no_reminder_of_time_gets_none() -> None:
    assert Channel("a", "A", remind_hours=0).reminders(incident(ORDERS), 3, NOW + timedelta(days=90)) == ()


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("en", "4 records · at stake: €1,250.00 · the oldest waits 12 days"),
        ("nl", "4 records · het gaat om € 1.250,00 · de oudste wacht 12 dagen"),
        ("de", "4 Datensätze · es geht um 1.250,00 € · der älteste wartet 12 Tage"),
    ],
)
def test_the_digest_says_in_one_line_what_waits_with_its_euros_and_days(language: str, message: str) -> None:
    problem = Problem(ProblemType.RECORDS, "value_unmapped", "orders", count=4, waiting_amount=Decimal(1250))
    waits = {problem.identity: NOW - timedelta(days=12, hours=3)}
    _, text = Messages("").digest([Incident(1, problem, NOW, NOW)], [], {}, language, NOW, oldest=waits)
    (line,) = [line.replace("\xa0", " ") for line in text.splitlines() if "4 " in line]
    assert message in line
