"""Metrics of a console for Prometheus.

Counters start at zero with the process, as Prometheus expects; gauges are read on request. Source:
https://prometheus.io/docs/practices/naming/
"""

import threading
from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from integration.alerts.health import Health, HealthCheck
from integration.alerts.store.deliveries import DeliveryStore
from integration.alerts.store.incidents import IncidentStore
from integration.connectors.call_counters import calls
from integration.core.authorization import requires
from integration.core.causes import Severity
from integration.core.people import Right
from integration.core.run import Run
from integration.core.states import RunState
from integration.services.runs.flows import Flows, FlowStatus
from integration.store.database import Clock
from integration.store.runs import RunStore

SECONDS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
OUTCOMES = ("proven", "accepted", "unchanged", "skipped", "parked", "in_doubt")
ENDED = (RunState.DONE, RunState.FAILED, RunState.DISCARDED)
AT_ONCE = 500  # runs that may have ended since the last request


class Metrics:
    """Metrics of one process and of the database that it shares."""

    def __init__(
        self,
        runs: RunStore,
        incidents: IncidentStore,
        deliveries: DeliveryStore,
        clock: Clock,
        flows: Flows,
        health: HealthCheck,
    ) -> None:
        self._deliveries = deliveries
        self._incidents = incidents
        self._runs = runs
        self._lock = threading.Lock()
        self._since = clock()
        self._counted_runs: set[str] = set()
        self._registry = CollectorRegistry()
        registry = self._registry
        self._ended_runs = Counter("console_runs_ended", "Runs that ended.", ["flow", "state"], registry=registry)
        about = "Duration of runs, without the time they waited for a person or a system."
        self._durations = Histogram("console_run_seconds", about, ["flow"], buckets=SECONDS, registry=registry)
        about = "Records of runs that ended, by outcome."
        self._records = Counter("console_records", about, ["flow", "outcome"], registry=registry)
        self._registry.register(_GaugeCollector(deliveries, incidents, runs, clock, flows, health))

    @requires(Right.SEE)
    def text(self) -> str:
        """Return all metrics in the Prometheus text format. Raises IntegrationError if the database cannot be read."""
        with self._lock:
            self._count()
            return generate_latest(self._registry).decode()

    def _count(self) -> None:
        ended = [run for run in self._runs.latest(states=ENDED, limit=AT_ONCE) if _ended_at(run) >= self._since]
        for run in ended:
            if run.id not in self._counted_runs:
                self._observe(run)
        self._since = max((_ended_at(run) for run in ended), default=self._since)
        self._counted_runs = {run.id for run in ended if _ended_at(run) == self._since}

    def _observe(self, run: Run) -> None:
        self._ended_runs.labels(run.flow, run.state).inc()
        for took in self._runs.working_time([run]).values():
            self._durations.labels(run.flow).observe(max(0.0, took.total_seconds()))
        for outcome in OUTCOMES:
            if number := getattr(run.counts, outcome):
                self._records.labels(run.flow, outcome).inc(number)


def _ended_at(run: Run) -> datetime:
    return run.ended_at or run.started_at


class _GaugeCollector(Collector):
    """Collector of gauges, and of counters kept elsewhere, that are read on request."""

    def __init__(
        self,
        deliveries: DeliveryStore,
        incidents: IncidentStore,
        runs: RunStore,
        clock: Clock,
        flows: Flows,
        health: HealthCheck,
    ) -> None:
        self._deliveries = deliveries
        self._incidents = incidents
        self._runs = runs
        self._clock = clock
        self._flows = flows
        self._health = health

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registration reads no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all gauges, and the counters of calls and incidents."""
        statuses = self._flows.statuses()
        yield from self._flow_metrics(statuses)
        yield from self._process_metrics(self._health.read())
        yield from self._alert_metrics()
        call_counter = CounterMetricFamily(
            "console_calls", "Calls of this process, by result.", labels=["system", "result"]
        )
        for (system, result), number in sorted(calls().items()):
            call_counter.add_metric([system, result], number)
        yield call_counter

    def _flow_metrics(self, statuses: list[FlowStatus]) -> Iterator[Metric]:
        runs = GaugeMetricFamily("console_runs", "Stored runs, by state.", labels=["flow", "state"])
        parked = GaugeMetricFamily("console_parked", "Records that need attention.", labels=["flow"])
        on = GaugeMetricFamily("console_flow_on", "Whether a flow runs by itself.", labels=["flow"])
        proof = GaugeMetricFamily(
            "console_last_proof_age_seconds", "Time since a run proved something.", labels=["flow"]
        )
        for status in statuses:
            name = status.flow.name
            for state in RunState:
                runs.add_metric([name, str(state)], self._runs.count(name, [state]))
            parked.add_metric([name], status.parked)
            on.add_metric([name], int(status.on))
            if status.last_proof:
                proof.add_metric([name], (self._clock() - status.last_proof).total_seconds())
        yield from (runs, parked, on, proof)

    def _process_metrics(self, health: Health) -> Iterator[Metric]:
        levels = {
            "events_waiting": ("Events that are not in the log yet.", health.events_waiting),
            "oldest_event_age_seconds": (
                "Age of the oldest of these events.",
                health.oldest_event_age_seconds or 0,
            ),
            "heartbeat_age_seconds": ("Time since the last heartbeat of the engine.", health.heartbeat_age_seconds),
            "free_bytes": ("Free space on the disk of the data folder.", health.free_bytes),
        }
        for name, (about, value) in levels.items():
            if value is not None:
                yield GaugeMetricFamily(f"console_{name}", about, value=value)

    def _alert_metrics(self) -> Iterator[Metric]:
        open_incidents = [incident.problem.severity for incident in self._incidents.open_incidents()]
        now = GaugeMetricFamily("console_incidents_open", "Open incidents.", labels=["severity"])
        for severity in Severity:
            now.add_metric([str(severity)], open_incidents.count(severity))
        yield now
        begun = CounterMetricFamily("console_incidents", "Incidents, by type of problem.", labels=["type"])
        for problem_type, number in sorted(self._incidents.counts().items()):
            begun.add_metric([problem_type], number)
        yield begun
        messages = GaugeMetricFamily("console_messages", "Stored messages.", labels=["channel", "state"])
        for (channel, state), number in sorted(self._deliveries.counts().items()):
            messages.add_metric([channel, state], number)
        yield messages
