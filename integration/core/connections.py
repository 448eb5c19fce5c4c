"""Connections: what a check of one found, the tokens of one with log-in, and what can be an address at all."""

import ipaddress
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a connection check: what was looked at, and how it was found; each field missing has a line.

    `ok` is None when the check stopped before it. `cause` is a code of the catalogue, `facts` fill its sentences.
    """

    name: str  # host, certificate, credentials, company, rights, fields, version, prices
    ok: bool | None
    cause: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    about: str = ""  # what was found when it is well: a version, a company's name, a word that has a text


# Hears the lines of a check as they stand, each time one more is found.
Tell = Callable[[Sequence[Finding]], None]


def ignore_progress(_findings: Sequence[Finding]) -> None:
    """Hear a check in silence: only its end counts."""


# ---- the pair of tokens of a connection with log-in: one to call with, one to get the next pair


@dataclass(frozen=True, slots=True)
class Token:
    """An access token with its end (UTC) and the refresh token that follows it. Both are kept out of `repr`."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime


class TokenKeeper(Protocol):
    """Where a connection's tokens are kept between calls, processes and restarts."""

    def load(self) -> Token | None:
        """Return the pair kept last, or None before the first log-in."""

    def save(self, token: Token) -> None:
        """Keep a new pair; called before the pair is used."""

    def alone(self) -> AbstractContextManager[None]:
        """Hold the right to refresh: one at a time per connection, across all processes."""


# ---- addresses: which of them are this machine's own, and what can be one at all


LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LONGEST = 2_000  # characters
USUAL_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*\.?|[0-9a-f:.]*:[0-9a-f:.]*")


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches what listens at this name or number."""
    try:
        return host in LOOPBACK or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address of the web that can be asked."""

    scheme: str
    host: str
    port: int | None
    path: str
    bare: bool  # whether it has no name of a user, no query and no fragment

    @property
    def is_safe(self) -> bool:
        """Whether a secret may go there: encrypted, or on this machine."""
        return self.scheme == "https" or self.host in LOOPBACK

    @property
    def place(self) -> str:
        """Scheme and host, without the port."""
        return f"{self.scheme}://[{self.host}]" if ":" in self.host else f"{self.scheme}://{self.host}"

    @property
    def origin(self) -> str:
        """As a browser names where a page comes from: without the port that its scheme has anyway."""
        return self.place if self.port in (None, USUAL_PORTS[self.scheme]) else f"{self.place}:{self.port}"

    @property
    def spot(self) -> str:
        """What tells one system from every other, however its address is written."""
        return f"{self.place}:{self.port or USUAL_PORTS[self.scheme]}{self.path.rstrip('/')}"

    def __str__(self) -> str:
        return f"{self.place}{'' if self.port is None else f':{self.port}'}{self.path}"


def parse_address(url: object) -> Address | None:
    """Return the parts of an address, or None for what is none: of another scheme, host or port than there can be."""
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
