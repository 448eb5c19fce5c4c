"""What a person looks at who keeps watch: what is wrong now, what was sent where, and whether each flow is on time."""

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
    """One flow as a watcher sees it: `state` is on, off, or the cause of its silence."""

    flow: str
    state: str
    began: datetime | None
    proof: datetime | None
    next_run: datetime | None


@dataclass(frozen=True, slots=True)
class Notification:
    """One message that was sent, or is to be, with the episode it tells of."""

    delivery: Delivery
    channel: str  # what it is called
    episode: Incident | None


class Monitoring:
    """Everything on that one page."""

    def __init__(
        self,
        deliveries: DeliveryStore,
        episodes: IncidentStore,
        heartbeats: Heartbeats,
        clock: Clock,
        flow_service: Flows,
        channels: Channels,
        pings: Pings,
    ) -> None:
        self._deliveries = deliveries
        self._episodes = episodes
        self._heartbeats = heartbeats
        self._clock = clock
        self._flow_service = flow_service
        self._channels = channels
        self._pings = pings

    @requires(Right.SEE)
    def going_on(self) -> list[Incident]:
        """Return the episodes that are not over, the gravest first, then the oldest."""
        order = tuple(Severity)
        return sorted(
            self._episodes.going_on(), key=lambda one: (-order.index(one.symptom.severity), one.begun_at, one.id)
        )

    @requires(Right.SEE)
    def past(self, limit: int = 20) -> list[Incident]:
        """Return the episodes that are over, the newest first."""
        return [one for one in self._episodes.latest(10 * limit) if one.over_at is not None][:limit]

    @requires(Right.SEE)
    def flows(self) -> list[FlowHealth]:
        """Return every flow with whether it is on time."""
        silent: dict[str, str] = {}
        for one in self._episodes.going_on():
            if one.symptom.sort is ProblemType.SILENCE and one.symptom.flow and silent.get(one.symptom.flow) != LATE[1]:
                silent[one.symptom.flow] = one.symptom.cause
        return [self._flow(one, silent) for one in self._flow_service.statuses()]

    def _flow(self, status: FlowStatus, silent: dict[str, str]) -> FlowHealth:
        name = status.flow.name
        newest, state = status.newest, silent.get(name, "on") if status.on else "off"
        return FlowHealth(name, state, newest.started_at if newest else None, status.last_proof, status.next_run)

    @requires(Right.SEE)
    def sent(self, limit: int = 50) -> list[Notification]:
        """Return what was sent where, and what waits, without pings; the newest first."""
        known: dict[int, Incident | None] = {}
        found = []
        for one in self._deliveries.latest(limit):
            if one.episode is not None and one.episode not in known:
                known[one.episode] = self._episodes.get(one.episode)
            found.append(Notification(one, self.channel_name(one.channel), known.get(one.episode or 0)))
        return found

    @requires(Right.SEE)
    def failing(self) -> dict[str, Delivery]:
        """Return for each channel that takes nothing, by its id, the oldest thing it did not take."""
        return self._deliveries.failing()

    @requires(Right.SEE)
    def last_sent(self, channel: Channel) -> datetime | None:
        """Return when a channel took something last."""
        sent = (one.sent_at for one in self._deliveries.of_channel(channel.id) if one.sent_at and not one.held)
        return max(sent, default=None)

    @requires(Right.SEE)
    def last_ping(self, flow: str) -> Delivery | None:
        """Return the newest sign of life of a flow, or of the whole."""
        return next(iter(self._deliveries.of_channel(f"{PREFIX}{flow}", limit=1)), None)

    @requires(Right.SEE)
    def channel_name(self, channel: str) -> str:
        """Return what a channel is called; the way of a sign of life by what it is of."""
        if channel.startswith(PREFIX):
            return channel
        return next((one.name for one in self._channels.every() if one.id == channel), channel)

    @requires(Right.ADMINISTER)
    def gone_for_good(self, executor: str) -> None:
        """Say that a process will not be begun again."""
        self._heartbeats.forget(executor)
