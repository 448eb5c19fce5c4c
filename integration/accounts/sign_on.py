"""Sign-on methods besides local accounts: an OpenID Connect provider, or a proxy in front of the console."""

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from integration.accounts.identity_provider import (
    IdentityProvider,
    LoginRequest,
    SigningKeys,
    SigningProxy,
    unproven_identity_error,
)
from integration.accounts.people import SESSION, Identity
from integration.connectors.limits import NetworkRoute
from integration.core.errors import IntegrationError
from integration.settings import Settings

BEGUN_SECONDS = 600.0  # time limit for a log-in at the provider
MAX_PENDING_LOGINS = 1_000
MAX_PROOFS = 1_000
PROXY_ISSUER = "proxy"  # the issuer of names that a trusted proxy sends
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class LoginCallback:
    """The verified identity of a provider log-in, and the page that the person asked for."""

    identity: Identity
    target_page: str
    invitation: str
    token: str = field(repr=False)  # the ID token


@dataclass(frozen=True, slots=True)
class _LoginAttempt:
    request: LoginRequest
    browser: str  # hash of the secret in the browser that began the log-in
    redirect_uri: str
    target_page: str
    invitation: str
    at: float = field(default_factory=time.monotonic)


class ProviderLogIn:
    """Log-ins at a provider. A log-in ends once, and only in the browser that began it."""

    def __init__(self, provider: IdentityProvider) -> None:
        self._provider = provider
        self._login_attempts: dict[str, _LoginAttempt] = {}
        self._proofs: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self.host = provider.host

    def begin(self, redirect_uri: str, target_page: str, invitation: str = "") -> tuple[str, str]:
        """Return the address at which a browser logs in, and a secret that the browser stores meanwhile."""
        login_request, browser = LoginRequest(), secrets.token_urlsafe(32)
        address = self._provider.address(redirect_uri, login_request)
        begun = _LoginAttempt(login_request, _token_hash(browser), redirect_uri, target_page, invitation)
        with self._lock:
            late = time.monotonic() - BEGUN_SECONDS
            unexpired = [(state, entry) for state, entry in self._login_attempts.items() if entry.at > late]
            self._login_attempts = dict(unexpired[-MAX_PENDING_LOGINS + 1 :]) | {login_request.state: begun}
        return address, browser

    def end(self, state: str, browser: str, code: str) -> LoginCallback:
        """Return the verified log-in.

        Raises NotAllowedError `identity_unproven` for one that this browser did not begin.
        """
        with self._lock:
            begun = self._login_attempts.pop(state, None)
        is_own = begun is not None and hmac.compare_digest(begun.browser, _token_hash(browser))
        if begun is None or not is_own or not code or time.monotonic() - begun.at > BEGUN_SECONDS:
            raise unproven_identity_error(self.host)
        *proof, token = self._provider.exchange_code(begun.redirect_uri, code, begun.request)
        return LoginCallback(Identity(*proof), begun.target_page, begun.invitation, token)

    def store_token(self, key: str, token: str) -> None:
        """Store the ID token of a session for the log-out at the provider, in memory only and for 12 hours at most."""
        with self._lock:
            late = time.monotonic() - SESSION.total_seconds()
            unexpired = [(name, entry) for name, entry in self._proofs.items() if entry[1] > late]
            self._proofs = dict(unexpired[-MAX_PROOFS + 1 :]) | {_token_hash(key): (token, time.monotonic())}

    def logout_url(self, key: str, back: str) -> str:
        """Return the address at which the browser with this session key logs out at the provider, or an empty text.

        The text is empty if the provider does not answer or has no such address. The provider's session then ends by
        itself.
        """
        with self._lock:
            token, _ = self._proofs.pop(_token_hash(key), ("", 0.0))
        try:
            return self._provider.logout_url(token, back)
        except IntegrationError:
            return ""


class SignedHeaderProxy:
    """A proxy in front of the console that sends the person's identity in a signed header."""

    only_by_socket = False

    def __init__(self, proxy: SigningProxy) -> None:
        self._proxy = proxy
        self.header = proxy.header.lower()

    def identity(self, tokens: list[str]) -> Identity:
        """Return the person of a request.

        Raises NotAllowedError `identity_unproven`, also if the header is missing or occurs more than once.
        """
        if len(tokens) != 1:
            raise unproven_identity_error(self._proxy.issuer)
        return Identity(*self._proxy.verify(tokens[0].removeprefix("Bearer ")))


class TrustedHeaderProxy:
    """A proxy that sends the person's name in a header. Only this proxy can open the socket of the console."""

    only_by_socket = True

    def __init__(self, header: str) -> None:
        self.header = header.lower()

    def identity(self, names: list[str]) -> Identity:
        """Return the person of a request.

        Raises NotAllowedError `identity_unproven`, also if the header is missing or occurs more than once.
        """
        name = names[0] if len(names) == 1 else ""
        if not name or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
            raise unproven_identity_error(self.header)
        return Identity(PROXY_ISSUER, name)


LoginProxy = SignedHeaderProxy | TrustedHeaderProxy


def _token_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def sign_on_methods(settings: Settings) -> tuple[ProviderLogIn | None, LoginProxy | None]:
    """Return the provider and the proxy that the settings configure, or None for each that they do not."""

    def route(url: str) -> NetworkRoute:
        return NetworkRoute(**settings.route(url))

    return _provider(settings, route), _proxy(settings, route)


def _provider(settings: Settings, route: Callable[[str], NetworkRoute]) -> ProviderLogIn | None:
    provider = settings.provider
    if settings.log_in != "provider":
        return None
    return ProviderLogIn(
        IdentityProvider(provider.issuer, provider.client_id, provider.client_secret.get_secret_value(), route)
    )


def _proxy(settings: Settings, route: Callable[[str], NetworkRoute]) -> LoginProxy | None:
    proxy = settings.login_proxy
    if settings.log_in != "proxy" or not (proxy.issuer or proxy.socket):
        return None
    if not proxy.issuer:
        return TrustedHeaderProxy(proxy.header)
    return SignedHeaderProxy(SigningProxy(proxy.issuer, proxy.audience, proxy.header, SigningKeys(proxy.keys, route)))
