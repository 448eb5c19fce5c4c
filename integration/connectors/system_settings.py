"""Connection settings that every system has: rate limits and network route."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from integration.connectors.limits import MEGABYTE, Megabytes, NetworkRoute, PerSecond, RateLimits, Seconds


class SystemSettings(BaseModel):
    """Base of the settings of a system. A connector declares its own defaults where the vendor names a limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    in_flight: int = Field(1, ge=1)  # parallel calls
    per_second: PerSecond = 10
    connect_seconds: Seconds = 10
    read_seconds: Seconds = 60
    attempts: int = Field(5, ge=1)
    patience_seconds: Seconds = 120
    answer_megabytes: Megabytes = 64
    proxy: SecretStr = SecretStr("")  # address of a proxy, with user and password where it needs them
    certificates: Path | None = None  # PEM file of certificate authorities to trust beside the default ones

    @property
    def route(self) -> NetworkRoute:
        """Return the proxy and the certificate authorities of this connection."""
        return NetworkRoute(self.proxy.get_secret_value(), self.certificates)

    @property
    def limits(self) -> RateLimits:
        """Return the rate limits and timeouts of this connection."""
        return RateLimits(
            in_flight=self.in_flight,
            per_second=self.per_second,
            connect_seconds=self.connect_seconds,
            read_seconds=self.read_seconds,
            attempts=self.attempts,
            patience_seconds=self.patience_seconds,
            answer_bytes=int(self.answer_megabytes * MEGABYTE),
        )
