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
    key_request_count: int = 0  # how often for its keys
    asks: bool = False  # a person logs in with a form, and stays so in their browser until they log out
    ends: bool = True  # it says how to log out
    ended: list[dict[str, str]] = field(default_factory=list)  # what it was told at each log-out
    session_marks: set[str] = field(default_factory=set)  # by what browsers keep, who is logged in

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
            return f"{_token_part({'alg': 'none'})}.{_token_part(whole)}."
        if self.forges == "public":
            key = OctKey.import_key(json.dumps(self.shows[0].as_dict(private=False)))
            return jwt.encode({"alg": "HS256", "kid": self.shows[0].kid}, whole, key)
        return jwt.encode({"alg": "RS256", "kid": self.signs_with.kid}, whole, self.signs_with)


def _token_part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class _RefusedError(Exception):
    """A request that the provider refuses."""


def _discovery_document(provider: OpenIdProvider) -> dict[str, Any]:
    names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
    names |= {"end_session_endpoint": "end"} if provider.ends else {}
    endpoints = {name: f"{provider.issuer}/{path}" for name, path in names.items()}
    return {"issuer": provider.issuer, **endpoints, **provider.says}


def _token_answer(provider: OpenIdProvider, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return the token for a code, according to RFC 6749 and RFC 7636."""
    request = provider.codes.pop(parameters.get("code", ""), None)
    challenge = hashlib.sha256(parameters.get("code_verifier", "").encode()).digest()
    fits = request is not None and (
        (parameters.get("client_id"), parameters.get("client_secret")) == (CLIENT, SECRET)
        and request["redirect_uri"] == parameters.get("redirect_uri")
        and request["code_challenge"] == base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
    )
    if not fits or request is None:
        raise _RefusedError
    return {"access_token": "x", "token_type": "Bearer", "id_token": provider.token(nonce=request["nonce"])}


class _Handler(BaseHTTPRequestHandler):
    """Answers as a provider does."""

    provider: OpenIdProvider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parameters = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if url.path == "/authorize" and self.provider.asks and not self._session_marks() & self.provider.session_marks:
            fields = "".join(f'<input type="hidden" name="{n}" value="{escape(v)}">' for n, v in parameters.items())
            self._send_page(f'<form action="/enter">{fields}<button>Log in there</button></form>')
        elif url.path == "/enter":
            mark = secrets.token_hex(8)
            self.provider.session_marks.add(mark)
            self._redirect(f"/authorize?{url.query}", f"there={mark}; HttpOnly")
        elif url.path == "/end":
            jwt.decode(parameters["id_token_hint"], self.provider.signs_with)
            self.provider.ended.append(parameters)
            self.provider.session_marks -= self._session_marks()
            self._redirect(parameters["post_logout_redirect_uri"], "there=; Max-Age=0")
        elif url.path == "/authorize":
            code = secrets.token_hex(8)
            self.provider.codes[code] = parameters
            self._redirect(f"{parameters['redirect_uri']}?{urlencode({'code': code, 'state': parameters['state']})}")
        elif url.path == "/keys":
            self.provider.key_request_count += 1
            self._send_json(KeySet(list(self.provider.shows)).as_dict(private=False))
        else:
            self._send_json(_discovery_document(self.provider))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            self._send_json(_token_answer(self.provider, {name: values[-1] for name, values in parse_qs(body).items()}))
        except _RefusedError:
            self._send_json({"error": "invalid_grant"}, 400)

    def _session_marks(self) -> set[str]:
        return set(re.findall(r"there=(\w+)", self.headers.get("Cookie", "")))

    def _redirect(self, to: str, keep: str = "") -> None:
        self.send_response(302)
        self.send_header("Location", to)
        if keep:
            self.send_header("Set-Cookie", keep)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_page(self, page: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page.encode())

    def _send_json(self, content: Mapping[str, Any], status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def open_id_provider() -> Iterator[OpenIdProvider]:
    """Run a provider until the block ends."""
    provider = OpenIdProvider()

    handler = type("Handler", (_Handler,), {"provider": provider})
    with listening(handler) as port:
        provider.issuer = f"http://127.0.0.1:{port}"
        yield provider
