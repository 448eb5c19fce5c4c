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
KEPT_SECONDS = 300.0  # keys are fetched again after this time
LEAST_SECONDS = 10.0  # shortest time between two fetches
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
    _known: "KeySet | None" = None
    _asked_at: float = 0.0
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def verify(self, token: str, *, issuer: str, audience: str, nonce: str = "") -> Proof:
        """Return issuer and subject of a verified token.

        Raises NotAllowedError `identity_unproven`, and UnavailableError.
        """
        from joserfc.errors import JoseError  # noqa: PLC0415 - as said at the top

        host = urlsplit(self.address).hostname or ""
        for again in (False, True):
            keys = self._keys(again=again)
            try:
                return _subject(token, keys, issuer, audience, nonce)
            except (JoseError, ValueError, KeyError, TypeError):
                if again or not self._may_ask():
                    raise unproven_identity_error(host) from None
        raise unproven_identity_error(host)

    def _may_ask(self) -> bool:
        return self.now() - self._asked_at >= LEAST_SECONDS

    def _keys(self, *, again: bool) -> "KeySet":
        with self._asking:
            age = self.now() - self._asked_at
            if self._known is None or age > KEPT_SECONDS or (again and age >= LEAST_SECONDS):
                self._known = _key_set(fetch_json(self.address, self.route))
                self._asked_at = self.now()
            return self._known


def _key_set(told: Mapping[str, Any]) -> "KeySet":
    """Return the public signing keys of a key set, without shared secrets and keys of other use."""
    from joserfc.errors import JoseError  # noqa: PLC0415 - as said at the top
    from joserfc.jwk import KeySet  # noqa: PLC0415 - likewise

    known = [one for one in told.get("keys", ()) if isinstance(one, dict) and one.get("kty") in ("RSA", "EC", "OKP")]
    try:
        return KeySet.import_key_set({"keys": [one for one in known if one.get("use", "sig") == "sig"]})
    except (JoseError, ValueError, KeyError, TypeError):
        raise MalformedAnswerError("answer_unreadable", system="OIDC", operation="keys") from None


def _subject(token: str, keys: "KeySet", issuer: str, audience: str, nonce: str) -> Proof:
    """Return issuer and subject of a token.

    The token must be signed by one of the keys, come from the issuer, be meant for us, be valid now and, if a nonce is
    given, contain it.
    """
    from joserfc import jwt  # noqa: PLC0415 - as said at the top

    claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    wanted: dict[str, Any] = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": audience},
        "sub": {"essential": True},
        "exp": {"essential": True},
        **({"nonce": {"essential": True, "value": nonce}} if nonce else {}),
    }
    jwt.JWTClaimsRegistry(leeway=LEEWAY, **wanted).validate(claims)
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if nonce and claims.get("azp", "" if several else audience) != audience:
        raise ValueError("azp")
    if not isinstance(claims["sub"], str):
        raise TypeError("sub")
    return issuer, claims["sub"]


def fetch_json(address: str, route: Callable[[str], NetworkRoute]) -> dict[str, Any]:
    """Return the JSON object at an address. Raises UnavailableError or MalformedAnswerError."""
    return _asked("GET", address, route)


def _asked(method: str, address: str, route: Callable[[str], NetworkRoute], **more: Any) -> dict[str, Any]:
    from integration.connectors.http import Gateway  # noqa: PLC0415 - httpx is imported for the first call

    host = urlsplit(address).hostname or ""
    hidden = [one for one in more.get("data", {}).values() if one]
    with Gateway(system="OIDC", host_shown=host, limits=LIMITS, secrets=hidden, route=route(address)) as gateway:
        answer = gateway.send(method, address, operation="log-in", repeatable=method == "GET", **more)
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    if answer.status != OK or not isinstance(told, dict):
        if method == "POST":  # the provider refused the code or our client credentials
            raise unproven_identity_error(host)
        raise MalformedAnswerError("answer_unreadable", system="OIDC", operation="log-in")
    return told


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

    def address(self, redirect_uri: str, asked: LoginRequest) -> str:
        """Return the address at which a browser logs in."""
        told = {
            "response_type": "code", "scope": "openid", "client_id": self.client_id, "redirect_uri": redirect_uri,
            "state": asked.state, "nonce": asked.nonce, "code_challenge": asked.challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        (there,) = self._described("authorization_endpoint")
        return _asking(there, told)

    def exchange_code(self, redirect_uri: str, code: str, asked: LoginRequest) -> tuple[str, str, str]:
        """Return issuer, subject and ID token for the authorization code that the provider sent back.

        Raises NotAllowedError `identity_unproven`.
        """
        data = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
            "client_id": self.client_id, "code_verifier": asked.verifier,
            **({"client_secret": self.client_secret} if self.client_secret else {}),
        }  # fmt: skip
        tokens, signed = self._described("token_endpoint", "jwks_uri")
        answer = _asked("POST", tokens, self.route, data=data)
        keys = SigningKeys(signed, self.route)
        token = str(answer.get("id_token", ""))
        return *keys.verify(token, issuer=self.issuer, audience=self.client_id, nonce=asked.nonce), token

    def logout_url(self, token: str, back: str) -> str:
        """Return the address at which a browser logs out at the provider, or an empty text if the provider has none.

        The provider then redirects the browser to `back`. `token` is the ID token of the log-in, or empty if it is
        unknown.
        """
        there = self._description().get("end_session_endpoint")
        if not isinstance(there, str) or urlsplit(there).scheme not in ("https", "http"):
            return ""
        told = {"client_id": self.client_id, "post_logout_redirect_uri": back}
        told |= {"id_token_hint": token} if token else {}
        return _asking(there, told)

    def _described(self, *names: str) -> list[str]:
        """Return addresses from the description of the provider. Raises NotAllowedError if one is missing."""
        told = self._description()
        there = [one for name in names if isinstance(one := told.get(name), str)]
        if len(there) != len(names):
            raise unproven_identity_error(self.host)
        return there

    def _description(self) -> dict[str, Any]:
        """Return the provider's description of itself. Raises NotAllowedError if it names another issuer."""
        told = fetch_json(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", self.route)
        if str(told.get("issuer", "")) != self.issuer:
            raise unproven_identity_error(self.host)
        return told


def _asking(address: str, told: Mapping[str, str]) -> str:
    """Return an address with more query parameters. The address of a provider may already have some."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(told)}"


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
