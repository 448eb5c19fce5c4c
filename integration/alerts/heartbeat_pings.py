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
OF_LATE = 20  # runs of a flow that may have begun since the last check
STALE = timedelta(hours=1)  # a later heartbeat has no value
FAILED, STOPPED = 1, 5  # exit statuses, the same as those of the terminal
LIMITS = RateLimits(1, 20.0, connect_seconds=5, read_seconds=10, attempts=1, patience_seconds=12)
NAMESPACE = uuid.UUID("6f1b6f3c-6a4e-4d5c-9c56-0d8a4a3f7f10")


@dataclass(frozen=True, slots=True)
class _Sign:
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
        found = self._stored_settings.settings_with_prefix(PREFIX)
        return {name.removeprefix(PREFIX): datetime.fromisoformat(one["since"]) for name, one in found.items()}

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
        given = parse_address(address.strip())
        if given is None or not given.is_safe:
            raise ConfigurationError("setting_invalid", setting="ping_address", expected="expected_https")
        self._sealed.put(name, {"address": address.strip()}, by.ref)
        self._stored_settings.put(name, {"since": self._clock().isoformat()}, by.ref)

    # ---- planning

    def plan(self, going_on: list[Incident]) -> None:
        """Queue each due heartbeat once, whichever process comes first. Heartbeats older than `STALE` are left out."""
        oldest = self._clock() - STALE
        for flow, since in self.start_times().items():
            happened = self._of_whole(going_on) if flow == WHOLE else self._of_flow(flow)
            known = {one.key for one in self._deliveries.of_channel(f"{PREFIX}{flow}")}
            for at, sign in happened:
                if at >= max(since, oldest) and sign.key not in known:
                    facts = {"path": sign.path, **sign.facts}
                    self._deliveries.add(DueDelivery(f"{PREFIX}{flow}", sign.key, "ping", self._clock(), facts=facts))

    def _of_flow(self, flow: str) -> Iterator[tuple[datetime, _Sign]]:
        for run in reversed(self._runs.latest(flow, limit=OF_LATE)):
            yield run.started_at, _Sign(f"start:{run.id}", "/start", _rid(run))
            at = run.ended_at or self._clock()
            if run.is_proof:
                yield at, _Sign(f"end:{run.id}", "", _rid(run))
            elif run.state in (RunState.FAILED, RunState.INTERRUPTED) and run.error:
                yield at, _Sign(f"end:{run.id}:{run.approvals}", _ended(run), {**_rid(run), "cause": run.error})

    def _of_whole(self, going_on: list[Incident]) -> Iterator[tuple[datetime, _Sign]]:
        grave = [one for one in going_on if one.symptom.severity is Severity.CRITICAL]
        for one in grave:
            yield one.started_at, _Sign(f"fail:{one.id}", "/fail", {"cause": one.symptom.cause})
        for run in reversed(self._runs.latest(limit=OF_LATE)):
            if run.approval is not None:  # a commit ends with a proof; a preview may find nothing to prove
                yield run.ended_at or self._clock(), _Sign(f"start:{run.id}", "/start", _rid(run))
        done = self._runs.latest(states=[RunState.DONE], limit=OF_LATE)
        newest = next((run for run in done if run.is_proof), None)
        if not grave and newest is not None and newest.ended_at:
            yield newest.ended_at, _Sign(f"end:{newest.id}", "", _rid(newest))

    # ---- sending

    def send(self, one: Delivery) -> None:
        """Send one heartbeat within a limited time. A failed one is sent again later, and dropped when it is stale.

        Raises IntegrationError if our own database cannot store the result.
        """
        kept = self._sealed.get(one.channel)
        if kept is None or self._clock() - one.created_at > STALE:
            self._deliveries.drop(one)
            return
        why = self._called(str(kept["address"]), one.facts)
        if why:
            self._deliveries.failed(one, why)
        else:
            self._deliveries.mark_sent(one)
            self._deliveries.hurry(one.channel)

    def _called(self, address: str, facts: Mapping[str, str]) -> str:
        """Call an address; return the error, or an empty text if the call succeeded."""
        from integration.connectors.http import Gateway  # noqa: PLC0415 - httpx is imported for the first call

        parts = urlsplit(address)
        secret = [one for one in parts.path.split("/") if one]
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


def _rid(run: Run) -> dict[str, str]:
    """Return the run id parameter that lets the monitor match a start with its end."""
    return {"rid": str(uuid.uuid5(NAMESPACE, run.id))}


def _ended(run: Run) -> str:
    who = cause(run.error).who
    if who is Responsible.DEVELOPER:
        return "/fail"
    return f"/{STOPPED if who is Responsible.ADMINISTRATOR else FAILED}"
