"""Access to the sandbox: users and their rights, authorization codes, access tokens, and rotating refresh tokens."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Final
from urllib.parse import urlencode, urlsplit

from integration.sandbox.faults import FaultAnswer

CLIENT_ID: Final = "sandbox-client"
CLIENT_SECRET: Final = "sandbox-secret"  # noqa: S105  # the sandbox has no secrets
REFRESH_TOKEN: Final = "sandbox-refresh"  # noqa: S105  # likewise
LIMITED_REFRESH_TOKEN: Final = "sandbox-limited"  # noqa: S105  # likewise
SCOPES: Final = ("readaccountviewdata", "updateaccountviewdata", "deleteaccountviewdata")
CHALLENGE: Final = ("code_challenge", "code_challenge_method")
_CODE_LIFE: Final = timedelta(minutes=10)
_CODES_KEPT: Final = 1000


@dataclass(frozen=True)
class User:
    """A user of AccountView, with withheld rights by object code."""

    name: str
    cannot_read: frozenset[str] = frozenset()
    cannot_insert: frozenset[str] = frozenset()
    cannot_update: frozenset[str] = frozenset()


USERS: Final[Mapping[str, User]] = {
    user.name: user
    for user in (
        User("BEHEER"),
        User(
            "BEPERKT",
            cannot_read=frozenset({"AK1"}),
            cannot_insert=frozenset({"AR1"}),
            cannot_update=frozenset({"AR1"}),
        ),
    )
}


@dataclass(frozen=True)
class Pass:
    """Rights of an access token."""

    user: User
    until: datetime
    scope: frozenset[str]

    @property
    def writes(self) -> bool:
        """True if the person granted write access."""
        return SCOPES[1] in self.scope


@dataclass(frozen=True)
class Grant:
    """Data of a new pair of tokens: the user, the refresh token that it uses up, and the scope."""

    user: str
    spent: str
    scope: str


@dataclass(frozen=True)
class _AuthorizationCode:
    redirect_uri: str
    scope: str
    until: datetime
    challenge: str = ""  # code challenge of RFC 7636


class AccessError(Exception):
    """An OAuth error; its text is the error code."""


class AccessGrants:
    """All tokens of one server. The caller holds the lock of the server."""

    def __init__(self, token_seconds: int, *, challenges: bool = True) -> None:
        """With `challenges`, a code that was requested with a challenge requires its verifier."""
        self._token_lifetime = timedelta(seconds=token_seconds)
        self._challenges = challenges
        self._passes: dict[str, Pass] = {}
        self._refresh_tokens: dict[str, Grant] = {}
        self._codes: dict[str, _AuthorizationCode] = {}
        self.renew()

    def renew(self) -> None:
        """Make the first refresh tokens valid for one use, as after every start."""
        self._refresh_tokens[REFRESH_TOKEN] = Grant("BEHEER", "", " ".join(SCOPES))
        self._refresh_tokens[LIMITED_REFRESH_TOKEN] = Grant("BEPERKT", "", " ".join(SCOPES))

    def grant_token(self, form: Mapping[str, str], now: datetime) -> Grant:
        """Return the grant of a token request. Raises AccessError if there is none."""
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
            raise AccessError("invalid_client")
        match form.get("grant_type"):
            case "refresh_token":
                return self._grant_for_refresh_token(form.get("refresh_token", ""))
            case "authorization_code":
                return self._grant_for_code(form, now)
            case _:
                raise AccessError("unsupported_grant_type")

    def give(self, grant: Grant, number: int, at: datetime) -> dict[str, object]:
        """Return the token answer; the same for the same number and time."""
        self._refresh_tokens.pop(grant.spent, None)
        access, refresh = (_token(kind, number, at) for kind in ("at", "rt"))
        scope = frozenset(grant.scope.split())
        self._passes = {token: old for token, old in self._passes.items() if old.until > at}
        self._passes[access] = Pass(USERS[grant.user], at + self._token_lifetime, scope)
        self._refresh_tokens[refresh] = Grant(grant.user, "", grant.scope)
        return {
            "access_token": access,
            "token_type": "bearer",
            "expires_in": int(self._token_lifetime.total_seconds()),
            "refresh_token": refresh,
            "scope": grant.scope,
        }

    def admitted(self, authorization: str, now: datetime) -> Pass | None:
        """Return the rights of the token in this header, or None if the token is not valid."""
        kind, _, token = authorization.partition(" ")
        access_pass = self._passes.get(token.strip()) if kind.lower() == "bearer" else None
        return access_pass if access_pass and access_pass.until > now else None

    def expire(self, authorization: str) -> None:
        """Invalidate a token before its expiry."""
        self._passes.pop(authorization.partition(" ")[2].strip(), None)

    def page(self, parameters: Mapping[str, str]) -> FaultAnswer:
        """Return the consent page."""
        problem = self._problem(parameters)
        if problem:
            return _html(400, f"<h1>Aanvraag onvolledig</h1><p>{escape(problem)}</p>")
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(parameters.get(name, ""), quote=True)}">'
            for name in ("response_type", "client_id", "redirect_uri", "scope", "state", *CHALLENGE)
        )
        return _html(
            200,
            "<h1>AccountView.Net (sandbox)</h1>"
            "<p>Een toepassing vraagt toegang tot de gegevens van AccountView.</p>"
            f'<form method="post">{hidden}'
            '<button name="answer" value="allow">Toestaan</button> '
            '<button name="answer" value="deny">Weigeren</button></form>',
        )

    def answered(self, form: Mapping[str, str], now: datetime) -> FaultAnswer:
        """Redirect the browser to the application, with a code or with the refusal."""
        problem = self._problem(form)
        if problem:
            return _html(400, f"<h1>Aanvraag onvolledig</h1><p>{escape(problem)}</p>")
        query = {"state": form["state"]} if form.get("state") else {}
        if form.get("answer") == "allow":
            query = {"code": self._new_code(form, now), **query}
        else:
            query = {"error": "access_denied", **query}
        uri = form["redirect_uri"]
        return FaultAnswer(
            302, b"", "text/html", (("location", f"{uri}{'&' if '?' in uri else '?'}{urlencode(query)}"),)
        )

    def _new_code(self, form: Mapping[str, str], now: datetime) -> str:
        self._codes = {code: pending for code, pending in self._codes.items() if pending.until > now}
        if len(self._codes) >= _CODES_KEPT:
            self._codes.clear()
        code = secrets.token_urlsafe(16)
        wished = [scope for scope in form.get("scope", "").split() if scope in SCOPES]
        challenge = form.get(CHALLENGE[0], "") if self._challenges else ""
        self._codes[code] = _AuthorizationCode(
            form["redirect_uri"], " ".join(wished or SCOPES), now + _CODE_LIFE, challenge
        )
        return code

    def _grant_for_refresh_token(self, token: str) -> Grant:
        grant = self._refresh_tokens.get(token)
        if grant is None:
            raise AccessError("invalid_grant")
        return Grant(grant.user, token, grant.scope)

    def _grant_for_code(self, form: Mapping[str, str], now: datetime) -> Grant:
        pending = self._codes.pop(form.get("code", ""), None)
        if pending is None or pending.until <= now or pending.redirect_uri != form.get("redirect_uri", ""):
            raise AccessError("invalid_grant")
        if self._challenges and _challenge_of(form.get("code_verifier", "")) != pending.challenge:
            raise AccessError("invalid_grant")
        return Grant("BEHEER", "", pending.scope)

    def _problem(self, parameters: Mapping[str, str]) -> str:
        if parameters.get("response_type") != "code":
            return "response_type moet code zijn."
        if parameters.get("client_id") != CLIENT_ID:
            return "De API-sleutel is onbekend."
        if urlsplit(parameters.get("redirect_uri", "")).scheme not in {"http", "https"}:
            return "De redirect_uri ontbreekt of is geen webadres."
        challenge, method = (parameters.get(name, "") for name in CHALLENGE)
        if self._challenges and (challenge or method) and not (challenge and method == "S256"):
            return "code_challenge_method moet S256 zijn."
        return ""


def _challenge_of(verifier: str) -> str:
    """Return the code challenge of a verifier; empty without a verifier, as for a log-in without a challenge."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=") if verifier else ""


def _html(status: int, inside: str) -> FaultAnswer:
    head = '<!DOCTYPE html>\n<html lang="nl"><head><meta charset="utf-8"><title>AccountView.Net</title></head>'
    text = f"{head}<body>{inside}</body></html>"
    return FaultAnswer(status, text.encode(), "text/html; charset=utf-8")


def _token(kind: str, number: int, at: datetime) -> str:
    return f"{kind}-{hashlib.sha256(f'{kind} {number} {at.isoformat()}'.encode()).hexdigest()[:32]}"
