"""Log-ins at AccountView: begun in one browser tab, answered in another, and in force once they have worked."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from integration.core.errors import AccessDeniedError, IntegrationError
from integration.flows.settings import BOOKS
from integration.services.systems.connection_settings import ISSUED_TOKENS, ConnectorFactory, text_hash
from integration.store.database import Clock

PENDING_LOGINS = "accountview-logins"
ANSWERED_LOGINS = "accountview-entered"  # the keys of an answered log-in that is not in force yet
TOKENS = "accountview-entered-tokens"  # the tokens of that log-in
LOGIN_TIMEOUT = timedelta(minutes=15)


class LogIns:
    """The log-ins in progress, shared by all processes.

    Previous access data stay in force until a new log-in has worked.
    """

    def __init__(self, access: ConnectorFactory, clock: Clock) -> None:
        self._access = access
        self._stored_connections = access.connected
        self._clock = clock

    def begin(self, entered: Mapping[str, Any], redirect_uri: str, by: str) -> str:
        """Store the entered data for 15 minutes, and return the address at which the operator logs in."""
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        until = (self._clock() + LOGIN_TIMEOUT).isoformat()
        login = {"redirect": redirect_uri, "until": until, "verifier": verifier, "entered": dict(entered), "by": by}
        self._stored_connections.renew(PENDING_LOGINS, {**self._pending_logins(), text_hash(state): login})
        if not self.waiting():
            self._stored_connections.drop(ANSWERED_LOGINS, TOKENS)
        with self._access.client(entered, TOKENS) as client:
            return client.login.authorize_address(state, redirect_uri, verifier)

    def answered(self, code: str, state: str) -> None:
        """Exchange the authorization code for the first pair of tokens, which wait until a company is chosen.

        If the new user may use the company in force, nobody has to choose. Raises AccessDeniedError for an answer to a
        log-in that did not begin here, or that was already answered.
        """
        logins = self._pending_logins()
        login = logins.pop(text_hash(state), None)
        if login is None:
            raise AccessDeniedError("accountview_login_unasked")
        self._stored_connections.renew(PENDING_LOGINS, logins)
        if not code:
            raise AccessDeniedError("accountview_login_refused")
        entered = login["entered"]
        with self._access.client(entered, TOKENS) as client:
            client.login.exchange(code, login["redirect"], login["verifier"])
            self._stored_connections.renew(
                ANSWERED_LOGINS, {"entered": entered, "until": (self._clock() + LOGIN_TIMEOUT).isoformat()}
            )
            company = self._access.access_data(BOOKS.system).get("company", "")
            if company and self.waiting() and self._access.is_same(BOOKS.system, entered):
                with suppress(IntegrationError):  # the choice of a company reports it
                    if any(usable_company.id == company for usable_company in client.companies()):
                        self.take({}, login["by"])

    def waiting(self) -> dict[str, Any]:
        """Return the keys of an answered log-in that is not in force yet, or nothing if there is none or it expired."""
        record = self._stored_connections.get(ANSWERED_LOGINS)
        if record is None or self._access.sandboxed or datetime.fromisoformat(record["until"]) <= self._clock():
            return {}
        return dict(record["entered"])

    def take(self, values: Mapping[str, Any], by: str) -> None:
        """Put the entered data in force, with these values and the tokens of the waiting log-in."""
        entered = self.waiting()
        with self._access.tokens().refresh_lock():  # a concurrent renewal would restore the previous tokens
            moved = {TOKENS: self._access.name(ISSUED_TOKENS), ANSWERED_LOGINS: ""} if entered else {}
            self._access.keep(BOOKS.system, {**entered, **values}, by, moved=moved)

    def are_begun(self) -> bool:
        """Return True if a log-in is in progress or waits for a company."""
        return not self._access.sandboxed and bool(self._pending_logins() or self.waiting())

    def _pending_logins(self) -> dict[str, Any]:
        """Return the log-ins in progress by the hash of their state."""
        logins: Mapping[str, Any] = self._stored_connections.get(PENDING_LOGINS) or {}
        return {
            state: login
            for state, login in logins.items()
            if datetime.fromisoformat(login["until"]) > self._clock() and "verifier" in login
        }
