"""Alerts: one message when an incident begins and one when it ends, to each channel at the times set for it.

An incident that grows tenfold or lasts long is reported once more in between.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from integration.alerts.channels import Channels
from integration.alerts.heartbeat_pings import PREFIX, Pings
from integration.alerts.incidents import Channel, Incident, Problem, ProblemType, incident_changes
from integration.alerts.messages import Messages
from integration.alerts.problem_detection import LOCAL, ProblemDetection
from integration.alerts.store.deliveries import Delivery, DeliveryStore, DueDelivery, with_number
from integration.alerts.store.incidents import IncidentStore
from integration.alerts.transport.post import Message, Post
from integration.core.authorization import requires
from integration.core.errors import IntegrationError
from integration.core.people import Actor, Right
from integration.core.states import RunState
from integration.process.periodic import run_periodically
from integration.services.audit import Audit
from integration.services.engine_lifecycle import EngineHandle
from integration.services.log.log_access import LogAccess
from integration.services.opening_hours import ZONE, OpeningHoursSettings
from integration.store.database import Clock
from integration.store.erasure_register import ErasureRegister, SoFar
from integration.store.heartbeats import Heartbeats
from integration.store.runs import RunStore
from integration.store.settings import StoredSettings

log = structlog.get_logger(__name__)

POLL_SECONDS = 15.0
SILENCES, EVERYTHING = "alert_silences", "*"
STORE_FAILS = Problem(ProblemType.STORE, "database_unreachable")
MAX_RUNS = 500  # runs whose proven records a digest counts


class Silences:
    """Stores silences: until when one incident, or everything, is not reported."""

    def __init__(self, settings: StoredSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    @requires(Right.SEE)
    def active_silences(self) -> dict[str, datetime]:
        """Return the active silences: the end of each by incident identity."""
        stored_values = self._settings.get(SILENCES) or {}
        ends = {identity: datetime.fromisoformat(until) for identity, until in stored_values.items()}
        return {identity: until for identity, until in ends.items() if until > self._clock()}

    @requires(Right.ADMINISTER)
    def keep(self, identity: str, until: datetime, by: Actor) -> None:
        """Silence an incident, or everything, until the given time."""
        self._put({**self.active_silences(), identity: until}, by)

    @requires(Right.ADMINISTER)
    def lift(self, identity: str, by: Actor) -> None:
        """End a silence."""
        self._put({key: until for key, until in self.active_silences().items() if key != identity}, by)

    def _put(self, silences: Mapping[str, datetime], by: Actor) -> None:
        self._settings.put(SILENCES, {identity: until.isoformat() for identity, until in silences.items()}, by.ref)

    @requires(Right.SEE)
    def silence_end(self, identity: str) -> datetime | None:
        """Return until when an incident is silenced, or None if it is not."""
        silences = self.active_silences()
        return max((silences[key] for key in (identity, EVERYTHING) if key in silences), default=None)


@dataclass(slots=True)
class _UnstoredIncident:
    """Incident of our own database, which cannot store it, with the channels that were alerted."""

    incident: Incident
    recipients: tuple[tuple[Channel, str], ...]


class Alerts:
    """Detects problems and sends due messages, both in the background of a process."""

    def __init__(
        self,
        deliveries: DeliveryStore,
        incidents: IncidentStore,
        erased: ErasureRegister,
        heartbeats: Heartbeats,
        runs: RunStore,
        stored_settings: StoredSettings,
        clock: Clock,
        *,
        problem_detection: ProblemDetection,
        channels: Channels,
        openings: OpeningHoursSettings,
        pings: Pings,
        post: Post,
        log_access: LogAccess,
        work: EngineHandle,
        audit: Audit,
    ) -> None:
        self._deliveries = deliveries
        self._incidents = incidents
        self._erased = erased
        self._heartbeats = heartbeats
        self._runs = runs
        self._clock = clock
        self._problem_detection = problem_detection
        self._channels = channels
        self._openings = openings
        self._pings = pings
        self._post = post
        self._log_access = log_access
        self._work = work
        self._audit = audit
        self.silences = Silences(stored_settings, clock)
        self._last_channels: tuple[tuple[Channel, str], ...] = ()  # as last read, for the time when the database fails
        self._unstored: _UnstoredIncident | None = None
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start detecting and sending in the background."""
        for work in (self.detect, self.send):
            pace = {"every": POLL_SECONDS, "until": self._stop}
            thread = threading.Thread(target=run_periodically, args=(work,), kwargs=pace, name="alerts", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop detecting and sending; unsent messages stay stored."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=5)

    # ---- detecting

    def detect(self) -> None:
        """Detect problems once: begin and end incidents, and queue their messages.

        If our own database fails, this process alerts the known channels at once.
        """
        try:
            self._erased.retry_if_erased(self._check_problems)
        except IntegrationError as error:
            self._tell_without_store(error)
            return
        self._tell_of_store_again()

    def _check_problems(self, so_far: SoFar) -> None:
        now = self._clock()
        channels = self._channels.list_channels()
        self._last_channels = tuple((channel, self._channels.address(channel.id)) for channel in channels if channel.on)
        problems = self._problem_detection.detect_problems()
        known_incidents = [incident for incident in self._incidents.open_incidents() if self._is_seen_here(incident)]
        changed = incident_changes(known_incidents, problems, now)
        for problem in changed.new:
            self._incidents.begin(problem, self._due_at_begin(problem, channels), so_far)
        if changed.continuing:
            self._incidents.update(changed.continuing, so_far)
            self._remind([replace(incident, problem=problem) for incident, problem in changed.continuing], channels)
        for incident in changed.ended:
            self._incidents.end(incident, self._due_at_end(incident, channels))
        self._add_digests(channels)
        self._pings.plan(self._incidents.open_incidents())

    def _is_seen_here(self, incident: Incident) -> bool:
        """Return True if this process can tell that an incident is over.

        A process cannot check local problems of another live process.
        """
        problem = incident.problem
        if problem.type not in LOCAL or problem.subject in ("", self._work.executor):
            return True
        return self._heartbeats.last_beat(problem.subject) is None

    def _due_at_begin(self, problem: Problem, channels: list[Channel]) -> list[DueDelivery]:
        until = self.silences.silence_end(problem.identity)
        due = []
        for channel in channels:
            if channel.wants(problem):
                at, hold_reason = self._due_time(channel, problem)
                if until is not None and until > at:
                    at, hold_reason = until, "silenced"
                due.append(
                    DueDelivery(
                        channel.id, "begun:{incident}", "begun", at, hold_reason, with_number({}, problem.count)
                    )
                )
        return due

    def _remind(self, incidents: list[Incident], channels: list[Channel]) -> None:
        """Queue reminders for incidents that have grown much since their first message, or continue for long."""
        channels_by_id = {channel.id: channel for channel in channels}
        for incident in incidents:
            deliveries = self._deliveries.of_incident(incident.id)
            keys = {(delivery.channel, delivery.key) for delivery in deliveries}
            for first in deliveries:
                channel = channels_by_id.get(first.channel)
                if channel is None or first.message_type != "begun" or first.sent_at is None:
                    continue
                reasons = channel.reminders(incident, int(first.facts.get("count", 0)), self._clock())
                due = [self._reminder(channel, incident, reason) for reason in reasons]
                for due_delivery in due:
                    if (due_delivery.channel, due_delivery.key) not in keys and channel.wants(incident.problem):
                        self._deliveries.add(due_delivery, incident.id)

    def _reminder(self, channel: Channel, incident: Incident, reason: str) -> DueDelivery:
        at, hold_reason = self._due_time(channel, incident.problem)
        until = self.silences.silence_end(incident.problem.identity)
        if until is not None and until > at:
            at, hold_reason = until, "silenced"
        facts = with_number({}, incident.problem.count)
        return DueDelivery(channel.id, f"{reason}:{incident.id}", "reminder", at, hold_reason, facts)

    def _due_at_end(self, incident: Incident, channels: list[Channel]) -> list[DueDelivery]:
        channels_by_id = {channel.id: channel for channel in channels}
        until = self.silences.silence_end(incident.problem.identity)
        due = []
        for delivery in self._deliveries.of_incident(incident.id):
            channel = channels_by_id.get(delivery.channel)
            if (
                channel is None
                or delivery.message_type != "begun"
                or (delivery.sent_at is None and delivery.wait_reason == "silenced")
            ):
                continue
            at, hold_reason = self._due_time(channel, incident.problem)
            if until is not None and until > at:
                at, hold_reason = until, "quiet"
            if delivery.sent_at is None and delivery.wait_reason == "digest":
                hold_reason = "digest"
            due.append(DueDelivery(channel.id, "over:{incident}", "over", max(at, delivery.due_at), hold_reason))
        return due

    def _due_time(self, channel: Channel, problem: Problem) -> tuple[datetime, str]:
        now = self._clock()
        at = channel.next_send_time(problem.severity, now, ZONE, self._openings.current_hours().is_closed)
        return at, "" if at <= now else "digest" if channel.digest else "quiet"

    def _add_digests(self, channels: list[Channel]) -> None:
        now = self._clock()
        for channel in channels:
            day = channel.digest_due(now, ZONE, self._openings.current_hours().is_closed)
            if day is None:
                continue
            last = self._deliveries.last_created(channel.id, "digest")
            if last is not None and last.astimezone(ZONE).date() >= day:
                continue
            since = last or now - timedelta(days=1)
            facts = {"since": since.isoformat(), "until": now.isoformat()}
            self._deliveries.add_digest(DueDelivery(channel.id, f"digest:{day}", "digest", now, facts=facts))

    # ---- sending

    def send(self) -> None:
        """Send due messages and record the results. Raises IntegrationError if a result cannot be stored."""
        channels = {channel.id: channel for channel in self._channels.list_channels()}
        for delivery in self._deliveries.claim():
            if delivery.channel.startswith(PREFIX):
                self._pings.send(delivery)
            else:
                self._send(delivery, channels.get(delivery.channel))

    def _send(self, delivery: Delivery, channel: Channel | None) -> None:
        if channel is None or not channel.on:
            self._deliveries.drop(delivery)
            return
        if delivery.message_type == "over" and (before := self._unsent_begin(delivery)) is not None:
            self._deliveries.postpone(delivery, before.due_at + timedelta(seconds=1))
            return
        message = self._message(delivery, channel)
        if message is None:
            self._deliveries.drop(delivery)
            return
        incident = self._incidents.get(delivery.incident) if delivery.incident else None
        result = self._channels.send(channel, *message)
        if result.ok:
            self._deliveries.mark_sent(delivery, incident.problem.count if incident else 0)
            self._deliveries.make_due(channel.id)
        else:
            log.warning("a message was not accepted", channel=channel.id, why=result.error)
            self._deliveries.record_failure(delivery, result.error)

    def _unsent_begin(self, end: Delivery) -> Delivery | None:
        """Return the unsent message about the beginning of an incident, which must precede the one about its end."""
        deliveries = self._deliveries.of_incident(end.incident or 0)
        begun = (
            delivery
            for delivery in deliveries
            if delivery.channel == end.channel and delivery.message_type == "begun" and delivery.sent_at is None
        )
        return next(begun, None)

    def _message(self, delivery: Delivery, channel: Channel) -> tuple[str, str] | None:
        now, write = self._clock(), Messages(self._log_access.place)
        if delivery.message_type == "digest":
            since, until = (datetime.fromisoformat(delivery.facts[name]) for name in ("since", "until"))
            open_incidents = [
                incident for incident in self._incidents.open_incidents() if channel.wants(incident.problem)
            ]
            changed = [
                incident for incident in self._incidents.in_period(since, until) if channel.wants(incident.problem)
            ]
            return write.digest(
                open_incidents, changed, self._proven_counts(since), channel.language, now,
                audit=self._audit.newest_anchor(), oldest=self._problem_detection.oldest_records(),
            )  # fmt: skip
        incident = self._incidents.get(delivery.incident or 0)
        if incident is None or (delivery.message_type == "reminder" and incident.ended_at is not None):
            return None
        writers = {"begun": write.begin_message, "reminder": write.reminder, "over": write.end_message}
        return writers[delivery.message_type](incident, channel.language, now)

    def _proven_counts(self, since: datetime) -> dict[str, int]:
        """Return how many records were proven since the given time, by flow."""
        counts: dict[str, int] = {}
        for run in self._runs.latest(states=[RunState.DONE], limit=MAX_RUNS):
            if run.ended_at and run.ended_at > since:
                counts[run.flow] = counts.get(run.flow, 0) + run.counts.proven
        return counts

    @requires(Right.ADMINISTER)
    def test(self, channel: Channel) -> None:
        """Send a test message. Raises IntegrationError `alert_not_delivered` with the channel's error."""
        self._channels.test(channel, *Messages(self._log_access.place).test(channel.name, channel.language))

    # ---- if our own database fails: messages are sent without being stored

    def _tell_without_store(self, error: IntegrationError) -> None:
        log.warning("alerts cannot be stored", cause=error.code)
        if self._unstored is not None:
            return
        problem = replace(STORE_FAILS, cause=error.code, subject=self._work.executor, facts=error.facts)
        now = datetime.now(ZONE)
        recipients = tuple((channel, address) for channel, address in self._last_channels if channel.wants(problem))
        self._unstored = _UnstoredIncident(Incident(0, problem, now, now), recipients)
        self._tell(Messages(self._log_access.place).begin_message)

    def _tell_of_store_again(self) -> None:
        if self._unstored is not None:
            self._unstored.incident = replace(self._unstored.incident, ended_at=datetime.now(ZONE))
            self._tell(Messages(self._log_access.place).end_message)
            self._unstored = None

    def _tell(self, write: Callable[[Incident, str, datetime], tuple[str, str]]) -> None:
        if self._unstored is not None:
            incident = self._unstored.incident
            for channel, address in self._unstored.recipients:
                self._post.send([Message(address, *write(incident, channel.language, datetime.now(ZONE)))])
