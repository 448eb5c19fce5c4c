"""OAuth log-in at AccountView: a person logs in once, then the token pair is renewed automatically.

A refresh invalidates the previous pair, so renewals are serialized across processes, and a pair is stored before use.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote, urlencode

from integration.connectors.accountview.answers import (
    BooksAnswers,
    json_of,
    parse_json,
    server_failure,
    unreadable_answer,
)
from integration.connectors.accountview.settings import SYSTEM, AccountViewSettings
from integration.connectors.answer import HttpAnswer
from integration.connectors.http import Gateway
from integration.core.connections import Token, TokenStore
from integration.core.errors import AccessDeniedError, InDoubtError, UnavailableError
from integration.core.masking import register_secrets

SCOPE = "readaccountviewdata updateaccountviewdata"
REFRESH_EARLY = timedelta(seconds=60)
ASSUMED_LIFE_SECONDS = 600  # used when the answer has no life time
LONGEST_LIFE_SECONDS = 10 * 365 * 24 * 3600  # a larger value is a timestamp or invalid
OPERATION = "log in"


def login_needed() -> AccessDeniedError:
    """Return the error that asks a person to log in again."""
    return AccessDeniedError("accountview_login_needed", system=SYSTEM)


def client_rejected() -> AccessDeniedError:
    """Return the error for a wrong client id or secret, which a new log-in would not fix."""
    return AccessDeniedError("accountview_client_rejected", system=SYSTEM)


class LogIn:
    """Obtains and renews the tokens for AccountView; safe to share between threads.

    Every method that calls AccountView may raise UnavailableError, AccessDeniedError (a person must log in again) or
    MalformedAnswerError.
    """

    def __init__(
        self,
        settings: AccountViewSettings,
        keeper: TokenStore,
        *,
        gateway: Gateway,
        answers: BooksAnswers,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._keeper = keeper
        self._gateway = gateway
        self._answers = answers
        self._now = now
        self._token: Token | None = None
        register_secrets(*self.secrets())

    def secrets(self) -> list[str]:
        """Return every text that must not be shown: the client secret and the tokens in use."""
        secrets = [self._settings.client_secret, self._settings.refresh_token]
        texts = [secret.get_secret_value() for secret in secrets if secret is not None]
        token = self._token
        return [*texts, token.access, token.refresh] if token else texts

    def authorize_address(self, state: str, redirect_uri: str, verifier: str) -> str:
        """Return the address of AccountView's log-in page, which sends a code and `state` to `redirect_uri`.

        The code alone is useless: `exchange` also needs the `verifier`, which the browser never sees (RFC 7636). A
        server without PKCE ignores both.
        """
        digest = hashlib.sha256(verifier.encode()).digest()
        parameters = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return f"{self._settings.authorize_url}?{urlencode(parameters, quote_via=quote)}"

    def exchange(self, code: str, redirect_uri: str, verifier: str) -> None:
        """Exchange the code of a log-in for a token pair, and store the pair."""
        register_secrets(code, verifier)
        with self._keeper.refresh_lock():
            grant = {"code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
            self._save_token(self._request_token({"grant_type": "authorization_code", **grant}, refresh=""))

    def token(self) -> Token:
        """Return a valid token pair, renewed if necessary."""
        token = self._token
        if token is None or self._ends_soon(token):
            token = self.renewed(token)
        return token

    def renewed(self, stale: Token | None) -> Token:
        """Return another pair than `stale`: one that another process has stored meanwhile, or a renewed one."""
        with self._keeper.refresh_lock():
            stored_token = self._keeper.load()
            if (
                stored_token is not None
                and (stale is None or stored_token.access != stale.access)
                and not self._ends_soon(stored_token)
            ):
                return self._use_token(stored_token)
            return self._save_token(self._refresh(stored_token))

    def _ends_soon(self, token: Token) -> bool:
        return token.expires_at - REFRESH_EARLY <= self._now()

    def _save_token(self, token: Token) -> Token:
        self._keeper.save(token)  # before use: the previous pair may be invalid by now
        return self._use_token(token)

    def _use_token(self, token: Token) -> Token:
        self._token = token
        register_secrets(token.access, token.refresh)
        return token

    def _refresh(self, stored_token: Token | None) -> Token:
        """Return a new pair for the stored refresh token, or for the configured one if that is refused or missing."""
        configured = self._settings.refresh_token
        refreshes = [stored_token.refresh] if stored_token else []
        if configured is not None and configured.get_secret_value() not in refreshes:
            refreshes.append(configured.get_secret_value())
        refusal = login_needed()
        register_secrets(*refreshes)
        for refresh in refreshes:
            try:
                return self._request_token({"grant_type": "refresh_token", "refresh_token": refresh}, refresh=refresh)
            except AccessDeniedError as error:
                if error.code != refusal.code:
                    raise
        raise refusal

    def _request_token(self, grant: Mapping[str, str], refresh: str) -> Token:
        secret = self._settings.client_secret.get_secret_value()
        form = {**grant, "client_id": self._settings.client_id, "client_secret": secret}
        url = f"{self._settings.url.rstrip('/')}/token"
        try:
            answer = self._gateway.send("POST", url, operation=OPERATION, data=form, repeatable=False)
        except InDoubtError as lost:
            failure = lost.unavailable() or self._lost_answer_error(
                lost.facts.get("reason") or lost.facts.get("message", "")
            )
        else:
            return self._token_pair(answer, refresh)
        raise failure

    def _lost_answer_error(self, reason: str) -> UnavailableError:
        """Return the error for a lost answer: it is not in doubt, because no record was touched."""
        facts = {"system": SYSTEM, "operation": OPERATION}
        if reason == "connection_cut":
            return UnavailableError("connection_cut", host=self._gateway.host_shown, **facts)
        if reason:
            return UnavailableError("server_error", message=reason, **facts)
        return UnavailableError("timeout_after_sending_read", duration=f"{self._settings.read_seconds:g} s", **facts)

    def _token_pair(self, answer: HttpAnswer, refresh: str) -> Token:
        if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise client_rejected() if _names_the_client(answer) else login_needed()
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise server_failure(answer, OPERATION)
        self._answers.require_interface(answer)
        shape = json_of(answer, OPERATION)
        if not isinstance(shape, dict):
            raise unreadable_answer(OPERATION)
        if not shape.get("access_token"):
            if _names_the_client(answer):
                raise client_rejected()
            raise login_needed() if shape.get("error") else unreadable_answer(OPERATION)
        register_secrets(str(shape["access_token"]), str(shape.get("refresh_token") or ""))
        life = timedelta(seconds=_life_seconds(shape.get("expires_in")))
        return Token(str(shape["access_token"]), str(shape.get("refresh_token") or refresh), self._now() + life)


def _names_the_client(answer: HttpAnswer) -> bool:
    """Return True if the server refuses the client id or secret (RFC 6749, 5.2), and not the log-in."""
    try:
        shape = parse_json(answer.body)
    except ValueError:
        return False
    return isinstance(shape, dict) and shape.get("error") in {"invalid_client", "unauthorized_client"}


def _life_seconds(value: object) -> int:
    """Return the life time of a pair in seconds; an implausible value counts as absent."""
    try:
        seconds = int(str(value))
    except ValueError:
        return ASSUMED_LIFE_SECONDS
    return seconds if 0 < seconds <= LONGEST_LIFE_SECONDS else ASSUMED_LIFE_SECONDS
