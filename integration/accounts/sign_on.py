"""How somebody proves who they are other than by an account here: at a provider, or to a proxy before the console."""

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from integration.accounts.identity_provider import IdentityProvider, LogInBegun, SigningKeys, SigningProxy, unproven
from integration.accounts.people import SESSION, Identity
from integration.connectors.limits import NetworkRoute
from integration.core.errors import IntegrationError
from integration.settings import Settings

BEGUN_SECONDS = 600.0  # for so long somebody may take to log in elsewhere
MOST_BEGUN = 1_000
MOST_PROOFS = 1_000
IN_FRONT = "in_front"  # the issuer of whom a proxy names that nobody else can pass
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class LoginCallback:
    """Who came back from a provider, and where they wanted to go."""

    identity: Identity
    onward: str
    invitation: str
    token: str = field(repr=False)  # what proved it


@dataclass(frozen=True, slots=True)
class _Begun:
    asked: LogInBegun
    browser: str  # the hash of what the browser keeps that began it
    redirect_uri: str
    onward: str
    invitation: str
    at: float = field(default_factory=time.monotonic)


class ProviderLogIn:
    """Log-ins at a provider: begun in a browser, and ended in that one alone, once."""

    def __init__(self, provider: IdentityProvider) -> None:
        self._provider = provider
        self._begun: dict[str, _Begun] = {}
        self._proofs: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self.host = provider.host

    def begin(self, redirect_uri: str, onward: str, invitation: str = "") -> tuple[str, str]:
        """Return where a browser logs in, and what it keeps meanwhile."""
        asked, browser = LogInBegun(), secrets.token_urlsafe(32)
        address = self._provider.address(redirect_uri, asked)
        begun = _Begun(asked, _hashed(browser), redirect_uri, onward, invitation)
        with self._lock:
            late = time.monotonic() - BEGUN_SECONDS
            held = [(state, one) for state, one in self._begun.items() if one.at > late]
            self._begun = dict(held[-MOST_BEGUN + 1 :]) | {asked.state: begun}
        return address, browser

    def end(self, state: str, browser: str, code: str) -> LoginCallback:
        """Return who came back. Raises NotAllowedError `identity_unproven` for what was not begun in this browser."""
        with self._lock:
            begun = self._begun.pop(state, None)
        is_own = begun is not None and hmac.compare_digest(begun.browser, _hashed(browser))
        if begun is None or not is_own or not code or time.monotonic() - begun.at > BEGUN_SECONDS:
            raise unproven(self.host)
        *proof, token = self._provider.proven(begun.redirect_uri, code, begun.asked)
        return LoginCallback(Identity(*proof), begun.onward, begun.invitation, token)

    def remember(self, key: str, token: str) -> None:
        """Keep what proved a log-in as long as its session can last, in memory alone: by it the provider ends it."""
        with self._lock:
            late = time.monotonic() - SESSION.total_seconds()
            held = [(name, one) for name, one in self._proofs.items() if one[1] > late]
            self._proofs = dict(held[-MOST_PROOFS + 1 :]) | {_hashed(key): (token, time.monotonic())}

    def way_out(self, key: str, back: str) -> str:
        """Return where the browser with this key of a session logs out at the provider; empty where it cannot.

        A provider that does not answer, or names no such place, goes on with the log-in until that ends by itself.
        """
        with self._lock:
            token, _ = self._proofs.pop(_hashed(key), ("", 0.0))
        try:
            return self._provider.way_out(token, back)
        except IntegrationError:
            return ""


class SignedHeaderProxy:
    """A proxy before the console that signs for whom it asks."""

    only_by_socket = False

    def __init__(self, proxy: SigningProxy) -> None:
        self._proxy = proxy
        self.header = proxy.header.lower()

    def identity(self, tokens: list[str]) -> Identity:
        """Return for whom the proxy asks, by the header it sends once. Raises NotAllowedError `identity_unproven`."""
        if len(tokens) != 1:
            raise unproven(self._proxy.issuer)
        return Identity(*self._proxy.proven(tokens[0].removeprefix("Bearer ")))


class TrustedHeaderProxy:
    """A proxy before the console that alone can open its socket, and names for whom it asks."""

    only_by_socket = True

    def __init__(self, header: str) -> None:
        self.header = header.lower()

    def identity(self, names: list[str]) -> Identity:
        """Return for whom the proxy asks, by the header it sends once. Raises NotAllowedError `identity_unproven`."""
        name = names[0] if len(names) == 1 else ""
        if not name or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
            raise unproven(self.header)
        return Identity(IN_FRONT, name)


ProxyBefore = SignedHeaderProxy | TrustedHeaderProxy


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def sign_on_methods(settings: Settings) -> tuple[ProviderLogIn | None, ProxyBefore | None]:
    """Return the provider and the proxy that prove who somebody is, as far as the settings name one."""

    def route(url: str) -> NetworkRoute:
        return NetworkRoute(**settings.route(url))

    return _provider(settings, route), _proxy(settings, route)


def _provider(settings: Settings, route: Callable[[str], NetworkRoute]) -> ProviderLogIn | None:
    asked = settings.provider
    if settings.log_in != "provider":
        return None
    return ProviderLogIn(IdentityProvider(asked.issuer, asked.client_id, asked.client_secret.get_secret_value(), route))


def _proxy(settings: Settings, route: Callable[[str], NetworkRoute]) -> ProxyBefore | None:
    asked = settings.in_front
    if settings.log_in != "in_front" or not (asked.issuer or asked.socket):
        return None
    if not asked.issuer:
        return TrustedHeaderProxy(asked.header)
    return SignedHeaderProxy(SigningProxy(asked.issuer, asked.audience, asked.header, SigningKeys(asked.keys, route)))
