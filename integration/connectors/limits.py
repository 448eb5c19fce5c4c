"""How hard a system may be asked."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

PerSecond = Annotated[float, Field(ge=0.01, le=100_000, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How hard a system may be asked: calls at once, calls per second, and how long we wait and try again.

    `patience_seconds` limits all attempts of one call together, and the time one answer may take to arrive.
    """

    in_flight: int
    per_second: float
    connect_seconds: float = 10
    read_seconds: float = 60
    attempts: int = 5
    patience_seconds: float = 120
