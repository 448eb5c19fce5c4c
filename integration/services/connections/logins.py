"""Log-ins at AccountView: begun in one browser tab, answered in another, and in force once they have worked."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from integration.core.errors import AccessDeniedError, IntegrationError
from integration.flows.settings import BOOKS
from integration.services.systems.connection_settings import KEPT_TOKENS, ConnectorFactory, text_hash
from integration.store.database import Clock

BEGUN = "accountview-logins"
ENTERED = "accountview-entered"  # the keys of an answered log-in that is not in force yet
TOKENS = "accountview-entered-tokens"  # the tokens of that log-in
LOGIN_KEPT = timedelta(minutes=15)


class LogIns:
    """The log-ins in progress, shared by all processes.

    Previous access data stay in force until a new log-in has worked.
    """

    def __init__(self, access: ConnectorFactory, clock: Clock) -> None:
        self._access = access
        self._stored = access.connected
        self._clock = clock

    def begin(self, entered: Mapping[str, Any], redirect_uri: str, by: str) -> str:
        """Store the entered data for 15 minutes, and return the address at which the operator logs in."""
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        until = (self._clock() + LOGIN_KEPT).isoformat()
        begun = {"redirect": redirect_uri, "until": until, "verifier": verifier, "entered": dict(entered), "by": by}
        self._stored.renew(BEGUN, {**self._begun(), text_hash(state): begun})
        if not self.waiting():
            self._stored.drop(ENTERED, TOKENS)
        with self._access.client(entered, TOKENS) as client:
            return client.login.authorize_address(state, redirect_uri, verifier)

    def answered(self, code: str, state: str) -> None:
        """Exchange the authorization code for the first pair of tokens, which wait until a company is chosen.

        If the new user may use the company in force, nobody has to choose. Raises AccessDeniedError for an answer to a
        log-in that did not begin here, or that was already answered.
        """
        begun = self._begun()
        one = begun.pop(text_hash(state), None)
        if one is None:
            raise AccessDeniedError("accountview_login_unasked")
        self._stored.renew(BEGUN, begun)
        if not code:
            raise AccessDeniedError("accountview_login_refused")
        entered = one["entered"]
        with self._access.client(entered, TOKENS) as client:
            client.login.exchange(code, one["redirect"], one["verifier"])
            self._stored.renew(ENTERED, {"entered": entered, "until": (self._clock() + LOGIN_KEPT).isoformat()})
            company = self._access.access_data(BOOKS.system).get("company", "")
            if company and self.waiting() and self._access.is_same(BOOKS.system, entered):
                with suppress(IntegrationError):  # the choice of a company reports it
                    if any(each.id == company for each in client.companies()):
                        self.take({}, one["by"])

    def waiting(self) -> dict[str, Any]:
        """Return the keys of an answered log-in that is not in force yet, or nothing if there is none or it expired."""
        found = self._stored.get(ENTERED)
        if found is None or self._access.sandboxed or datetime.fromisoformat(found["until"]) <= self._clock():
            return {}
        return dict(found["entered"])

    def take(self, values: Mapping[str, Any], by: str) -> None:
        """Put the entered data in force, with these values and the tokens of the waiting log-in."""
        entered = self.waiting()
        with self._access.tokens().refresh_lock():  # a concurrent renewal would restore the previous tokens
            moved = {TOKENS: self._access.name(KEPT_TOKENS), ENTERED: ""} if entered else {}
            self._access.keep(BOOKS.system, {**entered, **values}, by, moved=moved)

    def are_begun(self) -> bool:
        """Return True if a log-in is in progress or waits for a company."""
        return not self._access.sandboxed and bool(self._begun() or self.waiting())

    def _begun(self) -> dict[str, Any]:
        """Return the log-ins in progress by the hash of their state."""
        known: Mapping[str, Any] = self._stored.get(BEGUN) or {}
        return {
            state: one
            for state, one in known.items()
            if datetime.fromisoformat(one["until"]) > self._clock() and "verifier" in one
        }
