"""Sends messages through a separate process with a time limit, on the network route of the settings."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import certifi

from integration.core.masking import masked_text

PROGRAM = Path(__file__).parents[3]
SECONDS = 30.0  # time limit for all messages of one call
MAX_ERROR_LENGTH = 300
THIS_MACHINE = "localhost,127.0.0.1,::1"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to an address; the address is a secret."""

    address: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class PostResult:
    """Result of sending. If `ok` is False, `error` is a key of the texts or the channel's error, without secrets."""

    ok: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class ChannelRoute:
    """Network route to channels: environment, proxy, and additional certificate authorities.

    `networks` is a comma-separated list of our own networks that channels may reach.
    """

    environment: Mapping[str, str]
    proxy: str = ""
    certificates: Path | None = None
    networks: str = ""


class Post:
    """Sends messages within a time limit."""

    def __init__(self, way: ChannelRoute, seconds: float = SECONDS) -> None:
        self._route = way
        self._seconds = seconds

    def check_address(self, address: str) -> PostResult:
        """Return whether messages may be sent to an address, without sending one."""
        return self._hand_over([{"address": address}])[0]

    def send(self, messages: Sequence[Message]) -> list[PostResult]:
        """Send messages one after the other and return the result of each."""
        return self._hand_over(
            [{"address": message.address, "title": message.title, "body": message.body} for message in messages]
        )

    def _hand_over(self, requests: Sequence[Mapping[str, str]]) -> list[PostResult]:
        lines = "".join(json.dumps({**request, "networks": self._route.networks}) + "\n" for request in requests)
        with self._environment() as environment:
            answered = self._exchange(lines, environment)
        secrets = {part for request in requests for part in secrets_of(request["address"])}
        results = [_result(line, secrets) for line in answered.splitlines()]
        return [*results, *[PostResult(ok=False, error="reason_channel_silent")] * (len(requests) - len(results))]

    def _exchange(self, lines: str, environment: Mapping[str, str]) -> str:
        """Return what the sending process answers to these lines within the time limit."""
        process = subprocess.Popen(
            [sys.executable, "-m", "integration.alerts.transport"], cwd=PROGRAM, env=environment, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            answered, _ = process.communicate(lines, timeout=self._seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            answered, _ = process.communicate()
        return answered

    @contextmanager
    def _environment(self) -> Iterator[dict[str, str]]:
        """Yield the environment of the sending process; loopback addresses bypass every proxy."""
        environment = dict(self._route.environment)
        spared = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
        environment |= dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, (spared, THIS_MACHINE))))
        if self._route.proxy:
            names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")
            environment |= dict.fromkeys(names, self._route.proxy)
        if self._route.certificates is None:
            yield environment
            return
        handle, name = tempfile.mkstemp(suffix=".pem")
        try:
            with os.fdopen(handle, "w", encoding="ascii", errors="ignore") as bundle:
                bundle.write(
                    certifi.contents() + "\n" + self._route.certificates.read_text(encoding="ascii", errors="ignore")
                )
            yield {**environment, "REQUESTS_CA_BUNDLE": name, "SSL_CERT_FILE": name}
        finally:
            with suppress(OSError):
                Path(name).unlink()


def _result(line: str, secrets: set[str]) -> PostResult:
    answer = json.loads(line)
    return PostResult(bool(answer["ok"]), masked_text(str(answer["why"])[:MAX_ERROR_LENGTH], secrets, quoted=True))


SHORTEST_SECRET = 4  # characters; shorter parts of an address are not masked


def secrets_of(address: str) -> frozenset[str]:
    """Return the parts of a channel address that may be credentials: all except scheme and host."""
    parts = urlsplit(address)
    behind = [*parts.path.split("/"), *(pair.partition("=")[2] for pair in parts.query.split("&"))]
    user, _, _ = parts.netloc.rpartition("@")
    candidates = {address, *user.split(":"), *behind, parts.fragment}
    return frozenset(form for part in candidates for form in (part, unquote(part)) if len(form) >= SHORTEST_SECRET)
