"""Metrics for a monitor: counters, gauges, and escaped labels."""

from datetime import datetime
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families as families

from integration.alerts.health import Health, HealthCheck
from integration.alerts.incidents import Problem, ProblemType
from integration.alerts.metrics import Metrics
from integration.application.stores import stores_of
from integration.connectors.call_counters import count_call
from integration.core.plan_lines import PlanRow
from integration.core.run import Mode
from integration.core.states import RunState
from integration.services.runs.flows import Flows, FlowStatus
from integration.store.database import Database
from integration.store.ledger import Ledger
from tests.alerts.test_service import status_of
from tests.clocks import Clock
from tests.parts import part
from tests.store.samples import a_commit, a_create, a_park, a_preview, prove


def numbers(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Return every number by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families(metrics.text())
        for sample in family.samples
    }


def test_runs_records_calls_ages_and_incidents_are_reported(database: Database, tmp_path: Path) -> None:
    del tmp_path
    clock = Clock()
    stores = stores_of(database, clock)

    def statuses() -> list[FlowStatus]:
        return [status_of(stores, "products", on=True)]

    metrics = Metrics(
        stores.runs,
        stores.incidents,
        stores.deliveries,
        clock,
        part(Flows, statuses=statuses),
        part(HealthCheck, read=lambda: Health(10**9, 1.5, 3, 12.0, 0.5)),
    )
    assert ("console_runs_ended_total", "products", "done") not in numbers(metrics)
    run = a_preview(stores.runs, unchanged=2)
    clock.advance(20)
    stores.previews.finish(run, "print", [], RunState.DONE, 2)
    failed = stores.runs.begin("products", Mode.CHANGES, "schedule", 1)
    stores.runs.fail(failed.id, "source_empty", {})
    stores.incidents.begin(Problem(ProblemType.DISK, "disk_full", subject="server-1"), [])
    count_call("mplus", "2xx")
    clock.advance(60)

    for _ in range(2):  # asked twice, counted once
        samples = numbers(metrics)
    assert samples["console_runs_ended_total", "products", "done"] == 1
    assert samples["console_runs_ended_total", "products", "failed"] == 1
    assert samples["console_run_seconds_bucket", "products", "30.0"] == 2
    assert samples["console_run_seconds_bucket", "products", "10.0"] == 1
    assert samples["console_records_total", "products", "unchanged"] == 2
    assert samples["console_last_proof_age_seconds", "products"] == 60
    assert samples["console_heartbeat_age_seconds",] == 1.5
    assert samples["console_oldest_event_age_seconds",] == 12
    assert samples["console_incidents_open", "critical"] == 1
    assert samples["console_incidents_total", "disk"] == 1
    assert samples["console_calls_total", "2xx", "mplus"] >= 1


def test_a_run_that_parks_everything_is_no_proof_and_is_missed(database: Database) -> None:
    clock = Clock()
    stores = stores_of(database, clock)

    def end_run(*lines: PlanRow, unchanged: int = 0, lost: int = 0) -> datetime:
        """Move the clock by an hour, end a run with these lines, and return the time; `lost` have no outcome."""
        clock.advance(3600)
        run = a_preview(stores.runs, *lines, unchanged=unchanged)
        stores.previews.finish(run, "print", [], RunState.DONE, len(lines) + unchanged + lost)
        return clock.now

    begun = end_run(a_park(1))
    end_run(a_park(1), a_park(2))
    status = status_of(stores, "products", on=True)
    assert (status.last_proof, status.unproven_since) == (None, begun)
    assert status.last_completed_run is not None
    assert status.last_completed_run.had_no_effect
    proven = end_run(a_park(1), unchanged=1)
    assert status_of(stores, "products", on=True).last_proof == proven
    end_run(unchanged=1, lost=1)
    assert status_of(stores, "products", on=True).last_proof == proven
    empty = end_run()  # a flow of which nothing changes misses no proof
    status = status_of(stores, "products", on=True)
    assert (status.last_proof, status.unproven_since) == (proven, empty)
    end_run(a_park(1))
    end_run()
    status = status_of(stores, "products", on=True)
    assert (status.last_proof, status.unproven_since) == (proven, proven)
    run = a_commit(stores.runs, a_create(1))
    clock.advance(3600)
    prove(stores.runs, run)
    Ledger(database, clock).finish(run)
    end_run()
    status = status_of(stores, "products", on=True)
    assert status.last_proof is not None
    assert status.last_proof > proven
