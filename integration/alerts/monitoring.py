"""Data of the monitoring page: current problems, messages sent, and whether each flow is on time."""

from dataclasses import dataclass
from datetime import datetime

from integration.alerts.channels import Channels
from integration.alerts.heartbeat_pings import PREFIX, Pings
from integration.alerts.incidents import Channel, Incident, ProblemType
from integration.alerts.store.deliveries import Delivery, DeliveryStore
from integration.alerts.store.incidents import IncidentStore
from integration.core.authorization import requires
from integration.core.causes import Severity
from integration.core.people import Right
from integration.services.runs.flows import Flows, FlowStatus
from integration.store.database import Clock
from integration.store.heartbeats import Heartbeats

LATE = ("no_proof", "flow_late")


@dataclass(frozen=True, slots=True)
class FlowHealth:
    """Status of one flow: `state` is on, off, or the cause of its silence."""

    flow: str
    state: str
    began: datetime | None
    proof: datetime | None
    next_run: datetime | None


@dataclass(frozen=True, slots=True)
class Notification:
    """A message that was sent or is to be sent, with its incident."""

    delivery: Delivery
    channel: str  # display name
    incident: Incident | None


class Monitoring:
    """Reads the data of the monitoring page."""

    def __init__(
        self,
        deliveries: DeliveryStore,
        incidents: IncidentStore,
        heartbeats: Heartbeats,
        clock: Clock,
        flow_service: Flows,
        channels: Channels,
        pings: Pings,
    ) -> None:
        self._deliveries = deliveries
        self._incidents = incidents
        self._heartbeats = heartbeats
        self._clock = clock
        self._flow_service = flow_service
        self._channels = channels
        self._pings = pings

    @requires(Right.SEE)
    def open_incidents(self) -> list[Incident]:
        """Return the open incidents: highest severity first, then oldest first."""
        order = tuple(Severity)
        return sorted(
            self._incidents.open_incidents(),
            key=lambda incident: (-order.index(incident.problem.severity), incident.started_at, incident.id),
        )

    @requires(Right.SEE)
    def past_incidents(self, limit: int = 20) -> list[Incident]:
        """Return ended incidents, newest first."""
        return [incident for incident in self._incidents.latest(10 * limit) if incident.ended_at is not None][:limit]

    @requires(Right.SEE)
    def flows(self) -> list[FlowHealth]:
        """Return the status of every flow."""
        silent: dict[str, str] = {}
        for incident in self._incidents.open_incidents():
            if (
                incident.problem.type is ProblemType.SILENCE
                and incident.problem.flow
                and silent.get(incident.problem.flow) != LATE[1]
            ):
                silent[incident.problem.flow] = incident.problem.cause
        return [self._flow(status, silent) for status in self._flow_service.statuses()]

    def _flow(self, status: FlowStatus, silent: dict[str, str]) -> FlowHealth:
        name = status.flow.name
        newest, state = status.newest_run, silent.get(name, "on") if status.on else "off"
        return FlowHealth(name, state, newest.started_at if newest else None, status.last_proof, status.next_run)

    @requires(Right.SEE)
    def list_notifications(self, limit: int = 50) -> list[Notification]:
        """Return sent and waiting messages without heartbeats, newest first."""
        incidents: dict[int, Incident | None] = {}
        notifications = []
        for delivery in self._deliveries.latest(limit):
            if delivery.incident is not None and delivery.incident not in incidents:
                incidents[delivery.incident] = self._incidents.get(delivery.incident)
            notifications.append(
                Notification(delivery, self.channel_name(delivery.channel), incidents.get(delivery.incident or 0))
            )
        return notifications

    @requires(Right.SEE)
    def failing(self) -> dict[str, Delivery]:
        """Return the oldest failed message of each failing channel, by channel id."""
        return self._deliveries.failing()

    @requires(Right.SEE)
    def last_delivery(self, channel: Channel) -> datetime | None:
        """Return when a channel last accepted a message."""
        sent_times = (
            delivery.sent_at
            for delivery in self._deliveries.of_channel(channel.id)
            if delivery.sent_at and not delivery.wait_reason
        )
        return max(sent_times, default=None)

    @requires(Right.SEE)
    def last_ping(self, flow: str) -> Delivery | None:
        """Return the latest heartbeat of a flow, or of the whole console."""
        return next(iter(self._deliveries.of_channel(f"{PREFIX}{flow}", limit=1)), None)

    @requires(Right.SEE)
    def channel_name(self, channel: str) -> str:
        """Return the name of a channel; the key itself for a heartbeat."""
        if channel.startswith(PREFIX):
            return channel
        return next(
            (candidate.name for candidate in self._channels.list_channels() if candidate.id == channel), channel
        )

    @requires(Right.ADMINISTER)
    def forget_process(self, executor: str) -> None:
        """Record that a process will not be started again."""
        self._heartbeats.forget(executor)
