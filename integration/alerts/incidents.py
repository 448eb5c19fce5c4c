"""Alerts: what is wrong now, the episode it belongs to from its beginning to its end, and who is told of it when."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum

from integration.core.causes import Severity, cause
from integration.core.opening_hours import IsClosed, never_closed

CALM = timedelta(seconds=60)  # for so long a symptom has to be away before its episode is over
MOST_QUIET_DAYS = 60  # that follow on each other; more is a mistake, and no reason to be silent for ever


class ProblemType(StrEnum):
    """What a symptom is one of."""

    RECORDS = "records"
    DIFFERENCE = "difference"  # between till and books
    RUN = "run"
    CONNECTION = "connection"
    SILENCE = "silence"  # something that should have happened did not
    LOG = "log"
    DISK = "disk"
    STORE = "store"  # the console's own database
    CHANNEL = "channel"  # whoever should be told cannot be
    AUDIT = "audit"  # what was done is not what is written of it


# Causes that are about a connection, whichever run met them.
OF_CONNECTIONS = frozenset(
    {
        "host_unknown", "connection_refused", "certificate_invalid", "proxy_unreachable", "proxy_refused",
        "proxy_login_needed", "address_not_api", "timeout_before_sending", "timeout_after_sending_read",
        "timeout_after_sending_write", "connection_cut", "access_expired", "too_many_requests", "service_unavailable",
        "server_error", "accountview_login_needed", "accountview_client_rejected", "company_not_available",
        "mplus_credentials_rejected", "not_connected",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at this moment: one cause, however many records it is met at.

    `of` is what it is about where that is no flow: a system, a process, a channel. `at_stake` is the sum of what waits,
    in euros, as far as the documents tell.
    """

    sort: ProblemType
    cause: str
    flow: str = ""
    of: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    count: int = 0
    at_stake: Decimal | None = None

    @property
    def identity(self) -> str:
        """What is the same episode tomorrow. A connection has one, whatever it fails with."""
        about = self.of if self.sort is ProblemType.CONNECTION else f"{self.cause}:{self.of}"
        return f"{self.sort}:{self.flow}:{about}"

    @property
    def severity(self) -> Severity:
        """How grave it is, as the catalogue of causes has it."""
        return cause(self.cause).severity


@dataclass(frozen=True, slots=True)
class Incident:
    """A symptom from its beginning to its end. It is over once `over_at` is filled."""

    id: int
    symptom: Problem
    begun_at: datetime
    seen_at: datetime
    over_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a look changes: what begins, what is still there as it is now, and what is over."""

    begun: tuple[Problem, ...] = ()
    still: tuple[tuple[Incident, Problem], ...] = ()
    over: tuple[Incident, ...] = ()


def incident_changes(
    going_on: Collection[Incident], found: Sequence[Problem], now: datetime, calm: timedelta = CALM
) -> Changes:
    """Return what a look at everything that is wrong now means for the episodes that go on."""
    known = {one.symptom.identity: one for one in going_on}
    seen = {one.identity: one for one in found}
    return Changes(
        tuple(one for identity, one in seen.items() if identity not in known),
        tuple((known[identity], one) for identity, one in seen.items() if identity in known),
        tuple(one for identity, one in known.items() if identity not in seen and now - one.seen_at >= calm),
    )


# ---- channels

STALE_DIGEST = timedelta(hours=6)  # after which the digest of a day tells nobody what its morning was like


@dataclass(frozen=True, slots=True)
class Channel:
    """Who is told what: of which sorts and causes, all where none is named, from which severity on, and when not.

    Between `quiet_from` and `quiet_until`, and on closed days where `rests`, only what is critical is sent, and that
    only where it `wakes`; the rest waits, for the digest where there is one.
    """

    id: str
    name: str
    on: bool = True
    language: str = "en"
    least: Severity = Severity.WARNING
    sorts: frozenset[ProblemType] = frozenset()
    causes: frozenset[str] = frozenset()
    quiet_from: time | None = None
    quiet_until: time | None = None
    rests: bool = False
    wakes: bool = True
    digest: time | None = None
    remind_hours: int = 24

    def reminders(self, episode: Incident, told: int, now: datetime) -> tuple[str, ...]:
        """Return the reasons to tell of an episode once more, each by a key that stays the same.

        `told` is the number that the first message had: each tenfold of it is a reason, and so is the time.
        """
        grown = len(str(episode.symptom.count // told)) - 1 if told else 0
        lasts = self.remind_hours > 0 and now - episode.begun_at >= timedelta(hours=self.remind_hours)
        return (*([f"grown-{grown}"] if grown > 0 else []), *(["lasting"] if lasts else []))

    def wants(self, symptom: Problem) -> bool:
        """Tell whether it is told of a symptom; never that it cannot be reached itself."""
        if not self.on or (symptom.sort is ProblemType.CHANNEL and symptom.of == self.id):
            return False
        if self.sorts and symptom.sort not in self.sorts:
            return False
        if self.causes and symptom.cause not in self.causes:
            return False
        return symptom.severity.reaches(self.least)

    def speaks_at(
        self, severity: Severity, now: datetime, zone: tzinfo, is_closed: IsClosed = never_closed
    ) -> datetime:
        """Return when it may be told of something so grave: now, or at the end of its quiet time."""
        if severity is Severity.CRITICAL and self.wakes:
            return now
        at = now.astimezone(zone)
        for _ in range(MOST_QUIET_DAYS):
            later = self._after_quiet(at, zone, is_closed)
            if later == at:
                break
            at = later
        return max(now, at)

    def _after_quiet(self, at: datetime, zone: tzinfo, is_closed: IsClosed) -> datetime:
        tomorrow = at.date() + timedelta(days=1)
        if self.rests and is_closed(at.date()):
            return datetime.combine(tomorrow, time(), zone)
        if self.quiet_from is None or self.quiet_until is None or self.quiet_from == self.quiet_until:
            return at
        begin, end, clock = self.quiet_from, self.quiet_until, at.time()
        if begin < end:
            return datetime.combine(at.date(), end, zone) if begin <= clock < end else at
        if clock >= begin:
            return datetime.combine(tomorrow, end, zone)
        return datetime.combine(at.date(), end, zone) if clock < end else at

    def digest_due(self, now: datetime, zone: tzinfo, is_closed: IsClosed = never_closed) -> date | None:
        """Return the day whose digest may be sent now, None where there is none, or not yet, or it is past."""
        here = now.astimezone(zone)
        if not self.on or self.digest is None:
            return None
        if not timedelta() <= here - datetime.combine(here.date(), self.digest, zone) < STALE_DIGEST:
            return None
        return None if self.rests and is_closed(here.date()) else here.date()


PAUSES = (1, 2, 5, 15, 30, 60)  # minutes before a message that was not taken is tried again


def again_after(attempts: int) -> timedelta:
    """Return how long a message waits that was tried so often; it is never given up."""
    return timedelta(minutes=PAUSES[min(attempts, len(PAUSES)) - 1])
