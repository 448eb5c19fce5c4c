"""Log-ins at AccountView: begun in one browser tab, answered in another, and in force once they have worked."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from integration.core.errors import AccessDeniedError, IntegrationError
from integration.flows.settings import BOOKS
from integration.services.systems.connection_settings import KEPT_TOKENS, ConnectorFactory, mark_of_text
from integration.store.database import Clock

BEGUN = "accountview-logins"
ENTERED = "accountview-entered"  # the keys of a log-in that has been answered and is not in force yet
TOKENS = "accountview-entered-tokens"  # and the tokens it brought
LOGIN_KEPT = timedelta(minutes=15)


class LogIns:
    """The log-ins under way, shared by all processes. The access before stays in force until a new one has worked."""

    def __init__(self, access: ConnectorFactory, clock: Clock) -> None:
        self._access = access
        self._stored = access.connected
        self._clock = clock

    def begin(self, entered: Mapping[str, Any], redirect_uri: str, by: str) -> str:
        """Keep what was entered for a quarter of an hour, and return where the operator logs in with it."""
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        until = (self._clock() + LOGIN_KEPT).isoformat()
        begun = {"redirect": redirect_uri, "until": until, "verifier": verifier, "entered": dict(entered), "by": by}
        self._stored.renew(BEGUN, {**self._begun(), mark_of_text(state): begun})
        if not self.waiting():
            self._stored.drop(ENTERED, TOKENS)
        with self._access.client(entered, TOKENS) as client:
            return client.login.authorize_address(state, redirect_uri, verifier)

    def answered(self, code: str, state: str) -> None:
        """Exchange the code that came back for the first pair of tokens, which waits until a company is chosen.

        Where the one in use is among the companies of who has logged in, nobody has to choose. Raises AccessDeniedError
        for an answer to a log-in that was not begun here, or was answered before.
        """
        begun = self._begun()
        one = begun.pop(mark_of_text(state), None)
        if one is None:
            raise AccessDeniedError("accountview_login_unasked")
        self._stored.renew(BEGUN, begun)
        if not code:
            raise AccessDeniedError("accountview_login_refused")
        entered = one["entered"]
        with self._access.client(entered, TOKENS) as client:
            client.login.exchange(code, one["redirect"], one["verifier"])
            self._stored.renew(ENTERED, {"entered": entered, "until": (self._clock() + LOGIN_KEPT).isoformat()})
            company = self._access.of(BOOKS).get("company", "")
            if company and self.waiting() and self._access.is_same(BOOKS, entered):
                with suppress(IntegrationError):  # whoever chooses the company is told then
                    if any(each.id == company for each in client.companies()):
                        self.take({}, one["by"])

    def waiting(self) -> dict[str, Any]:
        """Return the keys of a log-in that was answered lately and is not in force yet; nothing where there is none."""
        found = self._stored.get(ENTERED)
        if found is None or self._access.sandboxed or datetime.fromisoformat(found["until"]) <= self._clock():
            return {}
        return dict(found["entered"])

    def take(self, values: Mapping[str, Any], by: str) -> None:
        """Put what has been entered in force, with these values and with the tokens of the log-in that waits."""
        entered = self.waiting()
        with self._access.tokens().alone():  # a renewal under way would bring the tokens before it back
            moved = {TOKENS: self._access.name(KEPT_TOKENS), ENTERED: ""} if entered else {}
            self._access.keep(BOOKS, {**entered, **values}, by, moved=moved)

    def are_begun(self) -> bool:
        """Tell whether somebody is logging in, or has logged in and not chosen a company yet."""
        return not self._access.sandboxed and bool(self._begun() or self.waiting())

    def _begun(self) -> dict[str, Any]:
        """Return the log-ins under way by the mark of their state."""
        known: Mapping[str, Any] = self._stored.get(BEGUN) or {}
        return {
            state: one
            for state, one in known.items()
            if datetime.fromisoformat(one["until"]) > self._clock() and "verifier" in one
        }
