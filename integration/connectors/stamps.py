"""Timestamps of a time authority (RFC 3161): independent proof that some bytes existed at a moment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from integration.connectors.limits import NetworkRoute, RateLimits
from integration.core.errors import ConfigurationError, MalformedAnswerError

if TYPE_CHECKING:  # imported where a timestamp is made or verified: most consoles have no time authority
    from cryptography.x509 import Certificate
    from rfc3161_client import VerifierBuilder

LIMITS = RateLimits(1, 1.0, connect_seconds=5, read_seconds=10, attempts=2, patience_seconds=20, answer_bytes=100_000)
SYSTEM = "time authority"
REQUEST_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
OK = 200


@dataclass(frozen=True, slots=True)
class TimeAuthority:
    """A time authority: its address, and the certificates that its timestamps must trace back to."""

    address: str
    certificates: Path
    route: Callable[[str], NetworkRoute]

    @property
    def host(self) -> str:
        """Host name of the authority."""
        return urlsplit(self.address).hostname or ""

    def stamp(self, content: bytes) -> bytes:
        """Return a verified timestamp of these bytes. The authority receives their hash and nothing else.

        Raises UnavailableError, or MalformedAnswerError if the answer is not a timestamp of these bytes.
        """
        from rfc3161_client import (  # noqa: PLC0415 - as said at the top
            HashAlgorithm,
            TimestampRequestBuilder,
            VerificationError,
            VerifierBuilder,
            decode_timestamp_response,
        )

        from integration.connectors.http import Gateway  # noqa: PLC0415 - httpx is imported for the first call

        roots = self._roots()
        request = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()
        with Gateway(system=SYSTEM, host_shown=self.host, limits=LIMITS, route=self.route(self.address)) as gateway:
            answer = gateway.send(
                "POST",
                self.address,
                operation="stamp",
                repeatable=True,
                headers=REQUEST_HEADERS,
                content=request.as_bytes(),
            )
        if answer.status != OK:
            raise MalformedAnswerError("answer_unreadable", system=SYSTEM, operation="stamp")
        try:
            verifier = _with_roots(VerifierBuilder.from_request(request), roots)
            verifier.build().verify_message(decode_timestamp_response(answer.body), content)
        except (ValueError, VerificationError):
            raise MalformedAnswerError("answer_unreadable", system=SYSTEM, operation="stamp") from None
        return answer.body

    def stamped_at(self, stamp: bytes, content: bytes) -> datetime | None:
        """Return the moment of a timestamp, or None if it is not a timestamp of this authority for these bytes."""
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response  # noqa: PLC0415 - as said at the top

        try:
            response = decode_timestamp_response(stamp)
            _with_roots(VerifierBuilder(), self._roots()).build().verify_message(response, content)
        except (ValueError, VerificationError):
            return None
        return response.tst_info.gen_time

    def _roots(self) -> list["Certificate"]:
        from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - as said at the top

        try:
            return load_pem_x509_certificates(self.certificates.read_bytes())
        except (OSError, ValueError):
            setting = "CONSOLE_TIMESTAMPS__CERTIFICATES"
            raise ConfigurationError(
                "setting_invalid", setting=setting, expected="expected_console_timestamps__certificates"
            ) from None


def _with_roots(builder: "VerifierBuilder", roots: list["Certificate"]) -> "VerifierBuilder":
    for root in roots:
        builder = builder.add_root_certificate(root)
    return builder
