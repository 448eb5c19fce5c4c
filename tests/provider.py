"""A provider of log-ins (OpenID Connect) on loopback. It signs with real keys and can send wrong data."""

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from tests.recording_server import listening

CLIENT, SECRET = "sluis", "a secret of the console"


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})


@dataclass
class OpenIdProvider:
    """A provider: the next person to log in, and the faults of its tokens."""

    issuer: str = ""
    subject: str = "00u1"
    claims: dict[str, Any] = field(default_factory=dict)  # in the place of those of a token; None leaves one out
    says: dict[str, Any] = field(default_factory=dict)  # likewise in the description of itself
    signs_with: RSAKey = field(default_factory=new_key)
    shows: list[RSAKey] = field(default_factory=list)  # its public keys
    forges: str = ""  # none: without a signature; public: an HMAC with what is public
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: int = 0  # how often for its keys
    asks: bool = False  # a person logs in with a form, and stays so in their browser until they log out
    ends: bool = True  # it says how to log out
    ended: list[dict[str, str]] = field(default_factory=list)  # what it was told at each log-out
    known: set[str] = field(default_factory=set)  # by what browsers keep, who is logged in

    def __post_init__(self) -> None:
        self.shows = [self.signs_with]

    def rotate(self) -> None:
        """Publish a new key, but sign with the old one."""
        self.shows = [new_key()]

    def token(self, audience: str = CLIENT, **more: Any) -> str:
        """Return a token of the next person to log in."""
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": self.subject, "aud": audience, "iat": now, "exp": now + 300, **more}
        claims |= {"groups": ["administrators"], "roles": ["administrator"], "email": "admin@example.com"}
        whole = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        if self.forges == "none":
            return f"{_part({'alg': 'none'})}.{_part(whole)}."
        if self.forges == "public":
            key = OctKey.import_key(json.dumps(self.shows[0].as_dict(private=False)))
            return jwt.encode({"alg": "HS256", "kid": self.shows[0].kid}, whole, key)
        return jwt.encode({"alg": "RS256", "kid": self.signs_with.kid}, whole, self.signs_with)


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class _RefusedError(Exception):
    """A request that the provider refuses."""


def _described(provider: OpenIdProvider) -> dict[str, Any]:
    names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
    names |= {"end_session_endpoint": "end"} if provider.ends else {}
    there = {name: f"{provider.issuer}/{path}" for name, path in names.items()}
    return {"issuer": provider.issuer, **there, **provider.says}


def _answer(provider: OpenIdProvider, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the token for a code, according to RFC 6749 and RFC 7636."""
    held = provider.codes.pop(given.get("code", ""), None)
    challenge = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
    fits = held is not None and (
        (given.get("client_id"), given.get("client_secret")) == (CLIENT, SECRET)
        and held["redirect_uri"] == given.get("redirect_uri")
        and held["code_challenge"] == base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    )
    if not fits or held is None:
        raise _RefusedError
    return {"access_token": "x", "token_type": "Bearer", "id_token": provider.token(nonce=held["nonce"])}


class _Handler(BaseHTTPRequestHandler):
    """Answers as a provider does."""

    provider: OpenIdProvider

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        given = {name: values[-1] for name, values in parse_qs(asked.query).items()}
        if asked.path == "/authorize" and self.provider.asks and not self._kept() & self.provider.known:
            fields = "".join(f'<input type="hidden" name="{n}" value="{escape(v)}">' for n, v in given.items())
            self._show(f'<form action="/enter">{fields}<button>Log in there</button></form>')
        elif asked.path == "/enter":
            mark = secrets.token_hex(8)
            self.provider.known.add(mark)
            self._onward(f"/authorize?{asked.query}", f"there={mark}; HttpOnly")
        elif asked.path == "/end":
            jwt.decode(given["id_token_hint"], self.provider.signs_with)
            self.provider.ended.append(given)
            self.provider.known -= self._kept()
            self._onward(given["post_logout_redirect_uri"], "there=; Max-Age=0")
        elif asked.path == "/authorize":
            code = secrets.token_hex(8)
            self.provider.codes[code] = given
            self._onward(f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given['state']})}")
        elif asked.path == "/keys":
            self.provider.asked += 1
            self._tell(KeySet(list(self.provider.shows)).as_dict(private=False))
        else:
            self._tell(_described(self.provider))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            self._tell(_answer(self.provider, {name: values[-1] for name, values in parse_qs(body).items()}))
        except _RefusedError:
            self._tell({"error": "invalid_grant"}, 400)

    def _kept(self) -> set[str]:
        return set(re.findall(r"there=(\w+)", self.headers.get("Cookie", "")))

    def _onward(self, to: str, keep: str = "") -> None:
        self.send_response(302)
        self.send_header("Location", to)
        if keep:
            self.send_header("Set-Cookie", keep)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _show(self, page: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page.encode())

    def _tell(self, told: Mapping[str, Any], status: int = 200) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def open_id_provider() -> Iterator[OpenIdProvider]:
    """Run a provider until the block ends."""
    provider = OpenIdProvider()

    handler = type("Handler", (_Handler,), {"provider": provider})
    with listening(handler) as port:
        provider.issuer = f"http://127.0.0.1:{port}"
        yield provider
