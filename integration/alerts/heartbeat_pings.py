"""Sends heartbeats to an external monitor, which alerts people when they stop. A heartbeat follows each proven run.

An address accepts what healthchecks.io calls a ping: the address itself for success, followed by `/start`, `/fail` or
an exit status otherwise. Source: https://healthchecks.io/docs/http_api/
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from integration.alerts.incidents import Incident
from integration.alerts.store.deliveries import Delivery, DeliveryStore, DueDelivery
from integration.connectors.limits import NetworkRoute, RateLimits
from integration.core.authorization import requires
from integration.core.causes import Responsible, Severity, cause
from integration.core.connections import parse_address
from integration.core.errors import ConfigurationError, IntegrationError
from integration.core.masking import register_secrets
from integration.core.people import Actor, Right
from integration.core.run import Run
from integration.core.states import RunState
from integration.settings import Settings
from integration.store.database import Clock
from integration.store.runs import RunStore
from integration.store.secrets import ConnectionStore
from integration.store.settings import StoredSettings

WHOLE = "all"
PREFIX = "ping:"
RECENT_RUNS = 20  # runs of a flow that may have begun since the last check
STALE = timedelta(hours=1)  # a later heartbeat has no value
FAILED, STOPPED = 1, 5  # exit statuses, the same as those of the terminal
LIMITS = RateLimits(1, 20.0, connect_seconds=5, read_seconds=10, attempts=1, patience_seconds=12)
NAMESPACE = uuid.UUID("6f1b6f3c-6a4e-4d5c-9c56-0d8a4a3f7f10")


@dataclass(frozen=True, slots=True)
class _Ping:
    """Heartbeat to send: its unique key, and the path that follows the address."""

    key: str
    path: str
    facts: Mapping[str, str]


class Pings:
    """Stores the addresses for heartbeats, of each flow and of the whole console, and sends the heartbeats."""

    def __init__(
        self,
        deliveries: DeliveryStore,
        runs: RunStore,
        stored_settings: StoredSettings,
        sealed: ConnectionStore,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._deliveries = deliveries
        self._runs = runs
        self._stored_settings = stored_settings
        self._sealed = sealed
        self._clock = clock
        self._settings = settings

    @requires(Right.SEE)
    def start_times(self) -> dict[str, datetime]:
        """Return when heartbeats were switched on, by flow or `all`."""
        stored_settings = self._stored_settings.settings_with_prefix(PREFIX)
        return {
            name.removeprefix(PREFIX): datetime.fromisoformat(setting["since"])
            for name, setting in stored_settings.items()
        }

    @requires(Right.ADMINISTER)
    def change(self, flow: str, address: str, by: Actor) -> None:
        """Send heartbeats of a flow, or of the whole console, to an address from now on; an empty address stops them.

        Raises ConfigurationError if the address is not valid or not safe.
        """
        name = f"{PREFIX}{flow}"
        if not address.strip():
            self._stored_settings.forget(name, by.ref)
            self._sealed.forget(name, by.ref)
            self._deliveries.forget_channel(name)
            return
        parsed = parse_address(address.strip())
        if parsed is None or not parsed.is_safe:
            raise ConfigurationError("setting_invalid", setting="ping_address", expected="expected_https")
        self._sealed.put(name, {"address": address.strip()}, by.ref)
        self._stored_settings.put(name, {"since": self._clock().isoformat()}, by.ref)

    # ---- planning

    def plan(self, open_incidents: list[Incident]) -> None:
        """Queue each due heartbeat once, whichever process comes first. Heartbeats older than `STALE` are left out."""
        oldest = self._clock() - STALE
        for flow, since in self.start_times().items():
            happened = self._console_pings(open_incidents) if flow == WHOLE else self._flow_pings(flow)
            known_keys = {delivery.key for delivery in self._deliveries.of_channel(f"{PREFIX}{flow}")}
            for at, sign in happened:
                if at >= max(since, oldest) and sign.key not in known_keys:
                    facts = {"path": sign.path, **sign.facts}
                    self._deliveries.add(DueDelivery(f"{PREFIX}{flow}", sign.key, "ping", self._clock(), facts=facts))

    def _flow_pings(self, flow: str) -> Iterator[tuple[datetime, _Ping]]:
        for run in reversed(self._runs.latest(flow, limit=RECENT_RUNS)):
            yield run.started_at, _Ping(f"start:{run.id}", "/start", _run_parameter(run))
            at = run.ended_at or self._clock()
            if run.is_proof:
                yield at, _Ping(f"end:{run.id}", "", _run_parameter(run))
            elif run.state in (RunState.FAILED, RunState.INTERRUPTED) and run.error:
                yield (
                    at,
                    _Ping(f"end:{run.id}:{run.approvals}", _end_path(run), {**_run_parameter(run), "cause": run.error}),
                )

    def _console_pings(self, open_incidents: list[Incident]) -> Iterator[tuple[datetime, _Ping]]:
        grave = [incident for incident in open_incidents if incident.problem.severity is Severity.CRITICAL]
        for incident in grave:
            yield incident.started_at, _Ping(f"fail:{incident.id}", "/fail", {"cause": incident.problem.cause})
        for run in reversed(self._runs.latest(limit=RECENT_RUNS)):
            if run.approval is not None:  # a commit ends with a proof; a preview may find nothing to prove
                yield run.ended_at or self._clock(), _Ping(f"start:{run.id}", "/start", _run_parameter(run))
        finished_runs = self._runs.latest(states=[RunState.DONE], limit=RECENT_RUNS)
        newest = next((run for run in finished_runs if run.is_proof), None)
        if not grave and newest is not None and newest.ended_at:
            yield newest.ended_at, _Ping(f"end:{newest.id}", "", _run_parameter(newest))

    # ---- sending

    def send(self, delivery: Delivery) -> None:
        """Send one heartbeat within a limited time. A failed one is sent again later, and dropped when it is stale.

        Raises IntegrationError if our own database cannot store the result.
        """
        stored_values = self._sealed.get(delivery.channel)
        if stored_values is None or self._clock() - delivery.created_at > STALE:
            self._deliveries.drop(delivery)
            return
        why = self._call(str(stored_values["address"]), delivery.facts)
        if why:
            self._deliveries.record_failure(delivery, why)
        else:
            self._deliveries.mark_sent(delivery)
            self._deliveries.make_due(delivery.channel)

    def _call(self, address: str, facts: Mapping[str, str]) -> str:
        """Call an address; return the error, or an empty text if the call succeeded."""
        from integration.connectors.http import Gateway  # noqa: PLC0415 - httpx is imported for the first call

        parts = urlsplit(address)
        secret = [segment for segment in parts.path.split("/") if segment]
        register_secrets(*secret)
        url = parts._replace(path=parts.path.rstrip("/") + facts["path"]).geturl()
        params = {"rid": facts["rid"]} if facts.get("rid") else None
        with Gateway(
            system="monitor",
            host_shown=parts.hostname or "",
            limits=LIMITS,
            secrets=secret,
            route=NetworkRoute(**self._settings.route(address)),
        ) as gateway:
            try:
                body = facts.get("cause", "").encode()
                answer = gateway.send("POST", url, operation="ping", repeatable=True, params=params, content=body)
            except IntegrationError as error:
                return error.code.replace("_", " ")
        return "" if answer.status // 100 == 2 else f"HTTP {answer.status}"  # noqa: PLR2004 - a class of HTTP


def _run_parameter(run: Run) -> dict[str, str]:
    """Return the run id parameter that lets the monitor match a start with its end."""
    return {"rid": str(uuid.uuid5(NAMESPACE, run.id))}


def _end_path(run: Run) -> str:
    who = cause(run.error).who
    if who is Responsible.DEVELOPER:
        return "/fail"
    return f"/{STOPPED if who is Responsible.ADMINISTRATOR else FAILED}"
