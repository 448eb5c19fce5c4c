"""The pair of tokens of a connection with log-in: one to call with, one to get the next pair."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


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
