"""How a system may be asked: where, how hard, and by which network route."""

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
    """Return an address as it is called and shown: one that secrets may go to, without any in it."""
    address = parse_address(url)
    if address is None or not address.bare or not address.is_safe:
        raise PydanticCustomError("expected_https", "expected_https")
    return str(address)


Address = Annotated[str, AfterValidator(safe_address)]
AddressIfAny = Annotated[str, AfterValidator(lambda url: safe_address(url) if url else "")]


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How hard a system may be asked: calls at once, calls per second, and how long we wait and try again.

    `patience_seconds` limits all attempts of one call together, and the time one answer may take to arrive;
    `answer_bytes` how much of it is unpacked.
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
    """What lies between us and a system: a proxy, and who vouches for certificates beside those everybody trusts."""

    proxy: str = field(default="", repr=False)  # its address, with user and password where it wants them
    certificates: Path | None = None

    @property
    def shown(self) -> str:
        """Host and port of the proxy, as people may see them."""
        return urlsplit(self.proxy).netloc.rpartition("@")[2]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return every text that must not be shown."""
        parts = urlsplit(self.proxy)
        given = [text for text in (parts.username, parts.password) if text]
        return (*given, *(unquote(text) for text in given))


DIRECT = NetworkRoute()
