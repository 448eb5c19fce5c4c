"""Holds all writes where the data of a console may be a copy, until a person confirms that no other copy runs."""

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
    """Whether writes are held, which parts of the place changed, and the code that a confirmation names."""

    is_held: bool
    changed: tuple[str, ...]
    code: str


class Installation:
    """Compares where this console runs with the place its database is bound to.

    The built-in systems are not held: a copy of the data folder has a copy of them.
    """

    def __init__(self, store: InstallationStore, place: InstallationPlace, sandbox: SandboxHost) -> None:
        self._store = store
        self._place = place
        self._sandbox = sandbox
        self._is_bound = False  # to this place, which no other process can change

    def begin(self, confirmed_code: str) -> None:
        """Bind a new installation to where it runs; a code that the settings confirm binds it anew."""
        self._store.bind_first(self._place)
        if confirmed_code == self._place.code and self.status().changed:
            self._store.bind(self._place, BY_SETTING)

    @requires(Right.SEE)
    def status(self) -> InstallationStatus:
        """Return whether the installation may write from here."""
        changed = () if self._is_bound else self._changed_parts()
        self._is_bound = not changed
        is_sandboxed = changed and (self._sandbox.is_connected or self._sandbox.is_asked_for())
        return InstallationStatus(bool(changed) and not is_sandboxed, changed, self._place.code)

    def _changed_parts(self) -> tuple[str, ...]:
        bound = self._store.bound_place()
        return self._place.changed_parts(bound) if bound else ()

    def held(self, flow: str) -> PlanStaleError | None:
        """Return why a flow may write nothing for now, or None."""
        status = self.status()
        if not status.is_held:
            return None
        return PlanStaleError("installation_moved", flow=flow, code=status.code)

    @requires(Right.ADMINISTER)
    def confirm(self, code: str, by: Actor) -> None:
        """Bind the installation to where it runs now: no other copy of its data runs, and none will.

        `code` is the one of the status that the person was shown. Raises ConfigurationError `installation_differs` for
        another one: it was shown on another machine, or before the data moved again.
        """
        if code != self._place.code:
            raise ConfigurationError("installation_differs", code=self._place.code)
        self._store.bind(self._place, by.ref)
