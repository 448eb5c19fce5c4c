"""Connections: what a check of one found, the tokens of one with log-in, and addresses of this machine."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a connection check: what was looked at, and how it was found; each field missing has a line.

    `ok` is None when the check stopped before it. `cause` is a code of the catalogue, `facts` fill its sentences.
    """

    name: str  # host, certificate, credentials, company, rights, fields, version
    ok: bool | None
    cause: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    about: str = ""  # what was found when it is well: a version, a company's name


# Hears the lines of a check as they stand, each time one more is found.
Tell = Callable[[Sequence[Finding]], None]


def unheard(_findings: Sequence[Finding]) -> None:
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


# ---- addresses of this machine, which nobody outside can be reached by


LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
