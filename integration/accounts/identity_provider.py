"""Verifies identities: from an OpenID Connect provider, or from a proxy that signs a header.

The console uses only the subject under which the issuer knows a person, and no name, address or group. joserfc, the
JOSE library of Authlib, verifies the tokens. Authlib's own client is not used: it has its own HTTP client, without our
proxy, certificates and limits on answers.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from integration.connectors.limits import NetworkRoute, RateLimits
from integration.core.errors import MalformedAnswerError, NotAllowedError

if TYPE_CHECKING:  # imported where a token is verified: most consoles have no provider
    from joserfc.jwk import KeySet

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that need a private key. The algorithm `none` and those with a shared secret prove nothing."""
LIMITS = RateLimits(
    4, 50.0, connect_seconds=5, read_seconds=10, attempts=2, patience_seconds=15, answer_bytes=1_000_000
)
LEEWAY = 60  # tolerated clock difference in seconds
CACHE_SECONDS = 300.0  # keys are fetched again after this time
MIN_SECONDS = 10.0  # shortest time between two fetches
OK = 200

Proof = tuple[str, str]  # the issuer, and the subject under which it knows a person
Now = Callable[[], float]


def unproven_identity_error(host: str) -> NotAllowedError:
    """Return the error for an identity without proof. It names no detail; only the log of the other side has that."""
    return NotAllowedError("identity_unproven", host=host)


@dataclass(slots=True)
class SigningKeys:
    """The public keys of an issuer, fetched from their address, and fetched again if a token needs an unknown key."""

    address: str
    route: Callable[[str], NetworkRoute]
    now: Now = time.monotonic
    _cached_keys: "KeySet | None" = None
    _fetched_at: float = 0.0
    _fetch_lock: threading.Lock = field(default_factory=threading.Lock)

    def verify(self, token: str, *, issuer: str, audience: str, nonce: str = "") -> Proof:
        """Return issuer and subject of a verified token.

        Raises NotAllowedError `identity_unproven`, and UnavailableError.
        """
        from joserfc.errors import JoseError  # noqa: PLC0415 - as said at the top

        host = urlsplit(self.address).hostname or ""
        for refresh in (False, True):
            keys = self._keys(refresh=refresh)
            try:
                return _subject(token, keys, issuer, audience, nonce)
            except (JoseError, ValueError, KeyError, TypeError):
                if refresh or not self._may_ask():
                    raise unproven_identity_error(host) from None
        raise unproven_identity_error(host)

    def _may_ask(self) -> bool:
        return self.now() - self._fetched_at >= MIN_SECONDS

    def _keys(self, *, refresh: bool) -> "KeySet":
        with self._fetch_lock:
            age = self.now() - self._fetched_at
            if self._cached_keys is None or age > CACHE_SECONDS or (refresh and age >= MIN_SECONDS):
                self._cached_keys = _key_set(fetch_json(self.address, self.route))
                self._fetched_at = self.now()
            return self._cached_keys


def _key_set(content: Mapping[str, Any]) -> "KeySet":
    """Return the public signing keys of a key set, without shared secrets and keys of other use."""
    from joserfc.errors import JoseError  # noqa: PLC0415 - as said at the top
    from joserfc.jwk import KeySet  # noqa: PLC0415 - likewise

    public_keys = [
        key for key in content.get("keys", ()) if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP")
    ]
    try:
        return KeySet.import_key_set({"keys": [key for key in public_keys if key.get("use", "sig") == "sig"]})
    except (JoseError, ValueError, KeyError, TypeError):
        raise MalformedAnswerError("answer_unreadable", system="OIDC", operation="keys") from None


def _subject(token: str, keys: "KeySet", issuer: str, audience: str, nonce: str) -> Proof:
    """Return issuer and subject of a token.

    The token must be signed by one of the keys, come from the issuer, be meant for us, be valid now and, if a nonce is
    given, contain it.
    """
    from joserfc import jwt  # noqa: PLC0415 - as said at the top

    claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    claim_options: dict[str, Any] = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": audience},
        "sub": {"essential": True},
        "exp": {"essential": True},
        **({"nonce": {"essential": True, "value": nonce}} if nonce else {}),
    }
    jwt.JWTClaimsRegistry(leeway=LEEWAY, **claim_options).validate(claims)
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if nonce and claims.get("azp", "" if several else audience) != audience:
        raise ValueError("azp")
    if not isinstance(claims["sub"], str):
        raise TypeError("sub")
    return issuer, claims["sub"]


def fetch_json(address: str, route: Callable[[str], NetworkRoute]) -> dict[str, Any]:
    """Return the JSON object at an address. Raises UnavailableError or MalformedAnswerError."""
    return _request_json("GET", address, route)


def _request_json(method: str, address: str, route: Callable[[str], NetworkRoute], **more: Any) -> dict[str, Any]:
    from integration.connectors.http import Gateway  # noqa: PLC0415 - httpx is imported for the first call

    host = urlsplit(address).hostname or ""
    hidden = [value for value in more.get("data", {}).values() if value]
    with Gateway(system="OIDC", host_shown=host, limits=LIMITS, secrets=hidden, route=route(address)) as gateway:
        answer = gateway.send(method, address, operation="log-in", repeatable=method == "GET", **more)
    try:
        content = json.loads(answer.body)
    except ValueError:
        content = None
    if answer.status != OK or not isinstance(content, dict):
        if method == "POST":  # the provider refused the code or our client credentials
            raise unproven_identity_error(host)
        raise MalformedAnswerError("answer_unreadable", system="OIDC", operation="log-in")
    return content


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """The random values of a log-in request, against which the answer is verified."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        """The hash of the verifier, sent with the first request (PKCE)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """An OpenID Connect provider, described by its issuer: authorization code flow with PKCE and a nonce."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    route: Callable[[str], NetworkRoute] = field(repr=False)

    @property
    def host(self) -> str:
        """The host name of the issuer."""
        return urlsplit(self.issuer).hostname or ""

    def address(self, redirect_uri: str, login_request: LoginRequest) -> str:
        """Return the address at which a browser logs in."""
        parameters = {
            "response_type": "code", "scope": "openid", "client_id": self.client_id, "redirect_uri": redirect_uri,
            "state": login_request.state, "nonce": login_request.nonce, "code_challenge": login_request.challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        (endpoint,) = self._described_addresses("authorization_endpoint")
        return _with_query(endpoint, parameters)

    def exchange_code(self, redirect_uri: str, code: str, login_request: LoginRequest) -> tuple[str, str, str]:
        """Return issuer, subject and ID token for the authorization code that the provider sent back.

        Raises NotAllowedError `identity_unproven`.
        """
        data = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
            "client_id": self.client_id, "code_verifier": login_request.verifier,
            **({"client_secret": self.client_secret} if self.client_secret else {}),
        }  # fmt: skip
        tokens, signed = self._described_addresses("token_endpoint", "jwks_uri")
        answer = _request_json("POST", tokens, self.route, data=data)
        keys = SigningKeys(signed, self.route)
        token = str(answer.get("id_token", ""))
        return *keys.verify(token, issuer=self.issuer, audience=self.client_id, nonce=login_request.nonce), token

    def logout_url(self, token: str, back: str) -> str:
        """Return the address at which a browser logs out at the provider, or an empty text if the provider has none.

        The provider then redirects the browser to `back`. `token` is the ID token of the log-in, or empty if it is
        unknown.
        """
        endpoint = self._description().get("end_session_endpoint")
        if not isinstance(endpoint, str) or urlsplit(endpoint).scheme not in ("https", "http"):
            return ""
        parameters = {"client_id": self.client_id, "post_logout_redirect_uri": back}
        parameters |= {"id_token_hint": token} if token else {}
        return _with_query(endpoint, parameters)

    def _described_addresses(self, *names: str) -> list[str]:
        """Return addresses from the description of the provider. Raises NotAllowedError if one is missing."""
        description = self._description()
        addresses = [address for name in names if isinstance(address := description.get(name), str)]
        if len(addresses) != len(names):
            raise unproven_identity_error(self.host)
        return addresses

    def _description(self) -> dict[str, Any]:
        """Return the provider's description of itself. Raises NotAllowedError if it names another issuer."""
        description = fetch_json(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", self.route)
        if str(description.get("issuer", "")) != self.issuer:
            raise unproven_identity_error(self.host)
        return description


def _with_query(address: str, parameters: Mapping[str, str]) -> str:
    """Return an address with more query parameters. The address of a provider may already have some."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}"


@dataclass(frozen=True, slots=True)
class SigningProxy:
    """A proxy in front of the console that names the person in a signed header."""

    issuer: str
    audience: str
    header: str
    keys: SigningKeys = field(repr=False)

    def verify(self, token: str) -> Proof:
        """Return issuer and subject of the person for whom the proxy asks.

        Raises NotAllowedError `identity_unproven`.
        """
        return self.keys.verify(token, issuer=self.issuer, audience=self.audience)
