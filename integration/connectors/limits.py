"""Rate limits and network route of a system."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from integration.core.connections import parse_address

PerSecond = Annotated[float, Field(ge=0.01, le=100_000, allow_inf_nan=False)]
Megabytes = Annotated[float, Field(ge=0.01, le=4_096, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)]

MEGABYTE = 1_000_000


def safe_address(url: str) -> str:
    """Return the normalized address of a system. Refuses one that is not safe for secrets, or contains any."""
    address = parse_address(url)
    if address is None or not address.bare or not address.is_safe:
        raise PydanticCustomError("expected_https", "expected_https")
    return str(address)


Address = Annotated[str, AfterValidator(safe_address)]
AddressIfAny = Annotated[str, AfterValidator(lambda url: safe_address(url) if url else "")]


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Limits for calls to a system: parallel calls, calls per second, timeouts and retries.

    `patience_seconds` limits all attempts of one call together, and the time until one answer is complete.
    `answer_bytes` limits the decompressed size of an answer.
    """

    in_flight: int
    per_second: float
    connect_seconds: float = 10
    read_seconds: float = 60
    attempts: int = 5
    patience_seconds: float = 120
    answer_bytes: int = 64 * MEGABYTE


@dataclass(frozen=True, slots=True)
class NetworkRoute:
    """Network route to a system: an optional proxy, and certificate authorities beside the default ones."""

    proxy: str = field(default="", repr=False)  # its address, with user and password where it needs them
    certificates: Path | None = None

    @property
    def display_host(self) -> str:
        """Host and port of the proxy, safe to show."""
        return urlsplit(self.proxy).netloc.rpartition("@")[2]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return every text that must not be shown."""
        parts = urlsplit(self.proxy)
        credentials = [text for text in (parts.username, parts.password) if text]
        return (*credentials, *(unquote(text) for text in credentials))


DIRECT = NetworkRoute()
