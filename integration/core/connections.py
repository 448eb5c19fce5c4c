"""Connections: findings of a connection check, tokens of a connection with log-in, and the parsing of addresses."""

import ipaddress
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class EntryField:
    """One setting of a system that a person enters in the set-up. The value of a secret is never shown again."""

    name: str
    secret: bool
    required: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a connection check. Each missing field has its own finding.

    `ok` is None if the check stopped before this point. `cause` is a code of the catalogue, `facts` fill its
    sentences.
    """

    name: str  # host, certificate, credentials, company, rights, fields, version, prices
    ok: bool | None
    cause: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    about: str = ""  # detail of a good finding: a version, a company's name, or a word that has a text


# Receives all findings so far, each time the check adds one.
FindingsCallback = Callable[[Sequence[Finding]], None]


def ignore_progress(_findings: Sequence[Finding]) -> None:
    """Discard the progress of a check; only its result is used."""


# ---- tokens of a connection with log-in: an access token for calls, and a refresh token for the next pair


@dataclass(frozen=True, slots=True)
class Token:
    """An access token with its expiry (UTC) and the refresh token for the next pair. `repr` shows neither."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime


class TokenStore(Protocol):
    """Stores a connection's tokens between calls, processes and restarts."""

    def load(self) -> Token | None:
        """Return the stored pair, or None before the first log-in."""

    def save(self, token: Token) -> None:
        """Store a new pair. Called before the pair is used."""

    def refresh_lock(self) -> AbstractContextManager[None]:
        """Hold the exclusive right to refresh this connection's tokens, across all processes."""


# ---- addresses: which are loopback, and which are valid


LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LONGEST = 2_000  # characters
USUAL_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*\.?|[0-9a-f:.]*:[0-9a-f:.]*")


def is_loopback(host: str) -> bool:
    """Return True if a host name or IP address is reachable only from this machine."""
    try:
        return host in LOOPBACK or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Address:
    """Parts of an http or https address."""

    scheme: str
    host: str
    port: int | None
    path: str
    bare: bool  # whether it has no name of a user, no query and no fragment

    @property
    def is_safe(self) -> bool:
        """True if a secret may be sent to this address: it uses https or is on this machine."""
        return self.scheme == "https" or self.host in LOOPBACK

    @property
    def place(self) -> str:
        """Scheme and host, without the port."""
        return f"{self.scheme}://[{self.host}]" if ":" in self.host else f"{self.scheme}://{self.host}"

    @property
    def origin(self) -> str:
        """The origin as a browser sends it: without the port if it is the scheme's default."""
        return self.place if self.port in (None, USUAL_PORTS[self.scheme]) else f"{self.place}:{self.port}"

    @property
    def canonical_address(self) -> str:
        """Normalized address with port and path; equal for all spellings of the address of one system."""
        return f"{self.place}:{self.port or USUAL_PORTS[self.scheme]}{self.path.rstrip('/')}"

    def __str__(self) -> str:
        return f"{self.place}{'' if self.port is None else f':{self.port}'}{self.path}"


def parse_address(url: object) -> Address | None:
    """Return the parts of an address, or None if its scheme, host or port is invalid."""
    text = str(url).strip()
    if len(text) > LONGEST or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        port, host = parts.port, (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or port == 0:
        return None
    bare = not (parts.username or parts.password or parts.query or parts.fragment)
    return Address(parts.scheme, host, port, parts.path, bare)
