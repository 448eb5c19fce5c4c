"""The numbers a monitor watches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integration.core.run import RunState
from integration.services.flows import Flows
from integration.store.database import Clock
from integration.store.stores import Stores


@dataclass(frozen=True, slots=True)
class Gauge:
    """One number for a monitor, in each of its forms: the labels of a form as text, then the number."""

    name: str
    about: str
    values: Mapping[str, float]


class Metrics:
    """What this console tells a monitor."""

    def __init__(self, flows: Flows, stores: Stores, clock: Clock) -> None:
        self._flows = flows
        self._stores = stores
        self._clock = clock

    def text(self) -> str:
        """Return the numbers in the text format of Prometheus."""
        statuses, now = self._flows.statuses(), self._clock()
        runs = {
            f'flow="{flow}",state="{state}"': self._stores.runs.count(flow, [state])
            for flow in self._flows
            for state in RunState
        }
        parked = {f'flow="{one.flow.name}"': one.parked for one in statuses}
        ages = {f'flow="{one.flow.name}"': (now - one.last_proof).total_seconds() for one in statuses if one.last_proof}
        return exposition(
            [
                Gauge("console_runs", "Runs by flow and state.", runs),
                Gauge("console_parked", "Records that wait for a person.", parked),
                Gauge("console_events_waiting", "Events not in the log yet.", {"": self._stores.events.count()}),
                Gauge("console_last_proof_age_seconds", "Time since a run of the flow ended well.", ages),
            ]
        )


def exposition(gauges: Sequence[Gauge]) -> str:
    """Return gauges as Prometheus reads them.

    Source: text format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    lines = []
    for gauge in gauges:
        lines += [f"# HELP {gauge.name} {gauge.about}", f"# TYPE {gauge.name} gauge"]
        lines += [
            f"{gauge.name}{f'{{{labels}}}' if labels else ''} {value:g}" for labels, value in gauge.values.items()
        ]
    return "\n".join([*lines, ""])
