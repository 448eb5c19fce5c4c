"""Holds all writes if the data may be a copy, until a person confirms that no other copy runs."""

from dataclasses import dataclass

from integration.core.authorization import requires
from integration.core.errors import ConfigurationError, PlanStaleError
from integration.core.installation import InstallationPlace
from integration.core.people import Actor, Right
from integration.services.connections.sandbox_host import SandboxHost
from integration.store.installation import InstallationStore

BY_SETTING = "CONSOLE_CONFIRMED_PLACE"


@dataclass(frozen=True, slots=True)
class InstallationStatus:
    """State of the write hold, the changed parts of the place, and the code that a confirmation must name."""

    is_held: bool
    changed: tuple[str, ...]
    code: str


class Installation:
    """Compares the place where this console runs with the place to which its database is bound.

    Writes to the built-in systems are not held: a copy of the data folder includes a copy of them.
    """

    def __init__(self, store: InstallationStore, place: InstallationPlace, sandbox: SandboxHost) -> None:
        self._store = store
        self._place = place
        self._sandbox = sandbox
        self._is_bound = False  # to this place; no other process can change that

    def begin(self, confirmed_code: str) -> None:
        """Bind a new installation to its place.

        If `confirmed_code` is the code of a changed place, bind to that place.
        """
        self._store.bind_first(self._place)
        if confirmed_code == self._place.code and self.status().changed:
            self._store.bind(self._place, BY_SETTING)

    @requires(Right.SEE)
    def status(self) -> InstallationStatus:
        """Return whether the installation may write from this place."""
        changed = () if self._is_bound else self._changed_parts()
        self._is_bound = not changed
        is_sandboxed = changed and (self._sandbox.is_connected or self._sandbox.is_asked_for())
        return InstallationStatus(bool(changed) and not is_sandboxed, changed, self._place.code)

    def _changed_parts(self) -> tuple[str, ...]:
        bound = self._store.bound_place()
        return self._place.changed_parts(bound) if bound else ()

    def hold_reason(self, flow: str) -> PlanStaleError | None:
        """Return why the flow may not write for now, or None."""
        status = self.status()
        if not status.is_held:
            return None
        return PlanStaleError("installation_moved", flow=flow, code=status.code)

    @requires(Right.ADMINISTER)
    def confirm(self, code: str, by: Actor) -> None:
        """Bind the installation to its current place.

        The person confirms that no other copy of its data runs or will run.

        `code` must be the one that the person saw in the status. Raises ConfigurationError `installation_differs` for
        another code: it was shown on another machine, or before the data moved again.
        """
        if code != self._place.code:
            raise ConfigurationError("installation_differs", code=self._place.code)
        self._store.bind(self._place, by.ref)
