"""Problems, the incidents they form from beginning to end, and the rules that decide who is alerted and when."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum

from integration.core.causes import Severity, cause
from integration.core.opening_hours import IsClosed, never_closed

CALM = timedelta(seconds=60)  # an incident ends when its problem is absent for this long
MAX_QUIET_DAYS = 60  # consecutive quiet days; more is a mistake and must not silence alerts for ever


class ProblemType(StrEnum):
    """Types of problems."""

    RECORDS = "records"
    DIFFERENCE = "difference"  # between till and books
    RUN = "run"
    CONNECTION = "connection"
    SILENCE = "silence"  # an expected event did not happen
    LOG = "log"
    DISK = "disk"
    STORE = "store"  # the console's own database
    CHANNEL = "channel"  # a channel does not accept messages
    AUDIT = "audit"  # the audit log was changed


# Causes that concern a connection, whichever run reported them.
CONNECTION_CAUSES = frozenset(
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
    """A current problem: one cause, however many records it concerns.

    `subject` is what the problem is about if that is not a flow: a system, a process, a channel. `waiting_amount` is
    the sum of the waiting documents in euros, as far as known.
    """

    type: ProblemType
    cause: str
    flow: str = ""
    subject: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    count: int = 0
    waiting_amount: Decimal | None = None

    @property
    def identity(self) -> str:
        """Key of the incident. A connection has one key, whatever its cause."""
        about = self.subject if self.type is ProblemType.CONNECTION else f"{self.cause}:{self.subject}"
        return f"{self.type}:{self.flow}:{about}"

    @property
    def severity(self) -> Severity:
        """Severity of the cause, from the catalogue of causes."""
        return cause(self.cause).severity


@dataclass(frozen=True, slots=True)
class Incident:
    """A problem from its beginning to its end. It is over once `ended_at` is set."""

    id: int
    problem: Problem
    started_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentChanges:
    """Changes of incidents after a check: new problems, continuing incidents, and ended incidents."""

    new: tuple[Problem, ...] = ()
    continuing: tuple[tuple[Incident, Problem], ...] = ()
    ended: tuple[Incident, ...] = ()


def incident_changes(
    open_incidents: Collection[Incident], problems: Sequence[Problem], now: datetime
) -> IncidentChanges:
    """Return how the current problems change the open incidents.

    An incident ends once its problem has not been seen for the time `CALM`.
    """
    incidents = {incident.problem.identity: incident for incident in open_incidents}
    current_problems = {problem.identity: problem for problem in problems}
    return IncidentChanges(
        tuple(problem for identity, problem in current_problems.items() if identity not in incidents),
        tuple(
            (incidents[identity], problem) for identity, problem in current_problems.items() if identity in incidents
        ),
        tuple(
            incident
            for identity, incident in incidents.items()
            if identity not in current_problems and now - incident.seen_at >= CALM
        ),
    )


# ---- channels

STALE_DIGEST = timedelta(hours=6)  # a digest that is later than this is not sent


@dataclass(frozen=True, slots=True)
class Channel:
    """Settings of a channel: which problem types and causes it reports, from which severity, and its quiet times.

    Empty `problem_types` or `causes` mean all. Between `quiet_from` and `quiet_until`, and on closed days with `rests`,
    only critical alerts are sent, and only if `wakes` is set. Other alerts wait, for the digest if there is one.
    """

    id: str
    name: str
    on: bool = True
    language: str = "en"
    least: Severity = Severity.WARNING
    problem_types: frozenset[ProblemType] = frozenset()
    causes: frozenset[str] = frozenset()
    quiet_from: time | None = None
    quiet_until: time | None = None
    rests: bool = False
    wakes: bool = True
    digest: time | None = None
    remind_hours: int = 24

    def reminders(self, incident: Incident, reported_count: int, now: datetime) -> tuple[str, ...]:
        """Return the reasons to report an incident once more, each as a stable key.

        `reported_count` is the count in the first message. Each tenfold increase of it is a reason, and so is the time
        limit `remind_hours`.
        """
        grown = len(str(incident.problem.count // reported_count)) - 1 if reported_count else 0
        lasts = self.remind_hours > 0 and now - incident.started_at >= timedelta(hours=self.remind_hours)
        return (*([f"grown-{grown}"] if grown > 0 else []), *(["lasting"] if lasts else []))

    def wants(self, problem: Problem) -> bool:
        """Return True if the channel reports this problem. A channel never reports its own failure."""
        if not self.on or (problem.type is ProblemType.CHANNEL and problem.subject == self.id):
            return False
        if self.problem_types and problem.type not in self.problem_types:
            return False
        if self.causes and problem.cause not in self.causes:
            return False
        return problem.severity.reaches(self.least)

    def next_send_time(
        self, severity: Severity, now: datetime, zone: tzinfo, is_closed: IsClosed = never_closed
    ) -> datetime:
        """Return when the channel may report a problem of this severity: now, or at the end of its quiet time."""
        if severity is Severity.CRITICAL and self.wakes:
            return now
        at = now.astimezone(zone)
        for _ in range(MAX_QUIET_DAYS):
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
        """Return the day whose digest may be sent now, or None if there is none, or it is too early or too late."""
        local_now = now.astimezone(zone)
        if not self.on or self.digest is None:
            return None
        if not timedelta() <= local_now - datetime.combine(local_now.date(), self.digest, zone) < STALE_DIGEST:
            return None
        return None if self.rests and is_closed(local_now.date()) else local_now.date()


PAUSES = (1, 2, 5, 15, 30, 60)  # minutes before a failed message is sent again


def retry_delay(attempts: int) -> timedelta:
    """Return how long a message waits after this number of attempts. Attempts never end."""
    return timedelta(minutes=PAUSES[min(attempts, len(PAUSES)) - 1])
