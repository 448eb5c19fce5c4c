"""Holds all writes if a system may be another one, or an older state, until a person decides."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog

from integration.connectors.protocol import Connector, Identifiable
from integration.core.authorization import requires
from integration.core.errors import ConfigurationError, ConnectorError, PlanStaleError
from integration.core.people import Actor, Right
from integration.core.system_identity import IdentityVerdict, SystemIdentity
from integration.core.system_roles import assigned_systems
from integration.services.systems.connection_settings import ConnectorFactory
from integration.services.write_holds.former_codes import FormerCodes
from integration.store.cursors import Cursors
from integration.store.database import Clock, Database
from integration.store.environments import switch_environment
from integration.store.settings import StoredSettings

log = structlog.get_logger(__name__)

SYSTEM_RESTORED = "system_restored"  # the setting with the time at which a connected system was restored
CHECKED_SECONDS = 60.0
MANY, SHARE = 5, 0.25  # minimum number and share of contradicting records in one run that put the system in question
RECORDS = "records"  # the changed fact in that case


class SystemAnswer(StrEnum):
    """A person's answer about a system whose identity changed."""

    RESTORED = "restored"  # the same system, restored to an earlier state or renamed
    ANOTHER = "another"  # another system: the existing links belong to the previous one


@dataclass(frozen=True, slots=True)
class SystemQuestion:
    """A system whose identity changed, and the names of the facts that changed."""

    system: str
    changed: tuple[str, ...]


class SystemIdentities:
    """Compares each connected system with its stored identity. The built-in systems are not compared."""

    def __init__(
        self,
        database: Database,
        cursors: Cursors,
        stored_settings: StoredSettings,
        access: ConnectorFactory,
        former_codes: FormerCodes,
        clock: Clock,
    ) -> None:
        self._database = database
        self._cursors = cursors
        self._stored_settings = stored_settings
        self._access = access
        self._former_codes = former_codes
        self._clock = clock
        self._lock = threading.Lock()
        self._check_times: dict[str, float] = {}

    def check(self) -> None:
        """Compare both systems with their stored identity, at most once a minute in this process.

        A system that does not answer is compared at the next check: a write to it would fail as well.
        """
        for system in [] if self._access.sandboxed else assigned_systems():
            with self._lock:
                if time.monotonic() - self._check_times.get(system, -CHECKED_SECONDS) < CHECKED_SECONDS:
                    continue
                try:
                    self._compare(system, self._access.connector(system))
                except (ConnectorError, ConfigurationError) as error:
                    log.info("a system cannot be compared", system=system, cause=error.code)
                else:
                    self._check_times[system] = time.monotonic()

    def _compare(self, system: str, connector: Connector) -> None:
        if not isinstance(connector, Identifiable):
            return
        identity, record = connector.identity(), self._record(system)
        known_identity = SystemIdentity.from_json(record["identity"]) if "identity" in record else SystemIdentity()
        if identity.compared_with(known_identity) is not IdentityVerdict.SAME:
            self._keep(system, record | {"changed": list(identity.changed_names(known_identity))})
        elif not record.get("changed") and identity.merged_with(known_identity) != known_identity:
            self._keep(system, record | {"identity": identity.merged_with(known_identity).to_json()})

    def forget(self) -> None:
        """Delete the stored identity of both systems. The next check stores the new one and holds nothing."""
        for system in assigned_systems():
            self._keep(system, {})

    def suspect(self, system: str, contradicting: int, compared: int) -> None:
        """Put a system in question if many records of a run contradict their links.

        After the answer RESTORED the first ones are no news: a person decides about each of them.
        """
        record = self._record(system)
        if record.get("changed") or self._access.sandboxed:
            return
        if record.get("answer") == SystemAnswer.RESTORED and "contradicting" not in record:
            self._keep(system, record | {"contradicting": contradicting})
        elif contradicting - record.get("contradicting", 0) >= max(MANY, SHARE * compared):
            self._keep(system, record | {"changed": [RECORDS], "contradicting": contradicting})

    @requires(Right.SEE)
    def questions(self) -> list[SystemQuestion]:
        return list(self._questions())

    def _questions(self) -> Iterator[SystemQuestion]:
        for system in [] if self._access.sandboxed else assigned_systems():
            if changed := self._record(system).get("changed"):
                yield SystemQuestion(system, tuple(changed))

    def hold_reason(self, flow: str) -> PlanStaleError | None:
        """Return why the flow may not write for now, or None.

        One system in question holds every flow, since each uses both.
        """
        self.check()
        question = next(self._questions(), None)
        return None if question is None else PlanStaleError("system_in_question", system=question.system, flow=flow)

    @requires(Right.CONNECT)
    def answer(self, system: str, answer: SystemAnswer, by: Actor) -> None:
        """Store a person's answer about a system in question, and allow writes again.

        After the answer RESTORED, every record written to that system must first be compared with it. After the answer
        ANOTHER, the environment starts without links: the previous links are set aside, waiting plans are discarded,
        and the codes of the former system in value tables and settings are in question. Raises RunActiveError while a
        run is active, ConfigurationError `not_in_question`, and IntegrationError if the system is unreachable.
        """
        record = self._record(system)
        if not record.get("changed"):
            raise ConfigurationError("not_in_question", system=system)
        connector = self._access.connector(system)
        identity = connector.identity() if isinstance(connector, Identifiable) else SystemIdentity()
        now = self._clock()
        if answer is SystemAnswer.ANOTHER:
            before = f"{system} until {now.strftime('%Y-%m-%d %H.%M.%S')}"
            switch_environment(
                self._database, self._clock, leaving=before, entering="", by=by.ref,
                remembered=self._former_codes.setting_of_codes(system),
            )  # fmt: skip
        else:
            self._cursors.forget_all()
            self._stored_settings.put(SYSTEM_RESTORED, {"at": now.isoformat(), "system": system}, by.ref)
        value = {"identity": identity.to_json(), "answer": str(answer)}
        if answer is SystemAnswer.RESTORED and "contradicting" in record:
            value["contradicting"] = record["contradicting"]
        self._stored_settings.put(self._name(system), value, by.ref)

    def _record(self, system: str) -> dict[str, Any]:
        return self._stored_settings.get(self._name(system)) or {}

    def _keep(self, system: str, value: dict[str, Any]) -> None:
        self._stored_settings.remember(self._name(system), value)

    def _name(self, system: str) -> str:
        return self._access.name(f"identity:{system}")
