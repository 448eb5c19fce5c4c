"""HTTP access to a system with rate limits, retries of reads, a deadline and masked secrets."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from types import TracebackType
from typing import NoReturn, Self

import httpcore
import httpx
import stamina

from integration.connectors.answer import HttpAnswer, PackingError, TooLargeError, unpack
from integration.connectors.call_counters import count_call
from integration.connectors.call_health import CallHealth
from integration.connectors.cancellation import require_not_cancelled
from integration.connectors.connection_pool import (
    LIBRARY_ERRORS,
    ConnectionPool,
    HttpCall,
    header_values,
    open_pool,
    request_of,
)
from integration.connectors.deadline import TooSlowError, within_seconds
from integration.connectors.limits import DIRECT, MEGABYTE, NetworkRoute, RateLimits
from integration.connectors.throttle import Throttle, requested_pause
from integration.core.errors import (
    InDoubtError,
    IntegrationError,
    MalformedAnswerError,
    RejectedError,
    UnavailableError,
)
from integration.core.masking import masked_text

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 15.0
MAX_TEXT_LENGTH = 20_000  # characters of a system's text that are processed
PROXY_LOGIN = "407"
TOO_MANY_REQUESTS = 429
UNAVAILABLE_STATUSES = frozenset({502, 503, 504})
TIMED_OUT = frozenset({408, 425})  # a server or a proxy gave up on a request; another server may have carried it out

Secrets = Collection[str] | Callable[[], Collection[str]]
Parameters = Mapping[str, str]
RetryDecision = Callable[
    [HttpAnswer], bool | str
]  # True or an error text: retry the answered read; False: accept the answer


class _RetryableError(Exception):
    """An attempt failed in a way that may be retried; `pause` is the wait the system asked for, in seconds."""

    def __init__(self, error: IntegrationError, pause: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.pause = pause


_LIBRARY_ERRORS = (*LIBRARY_ERRORS, PackingError, MemoryError)


class Gateway:
    """HTTP gateway to one system; safe to share between threads, closed with `close()`.

    `host_shown` is the host for people: errors name it instead of the address that is called. `secrets` are the texts
    that `masked` removes; a function is called each time, because tokens change. `route` is the proxy and its
    certificates.
    """

    def __init__(
        self,
        *,
        system: str,
        host_shown: str,
        limits: RateLimits,
        secrets: Secrets = (),
        route: NetworkRoute = DIRECT,
        transport: ConnectionPool | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.system = system
        self.host_shown = host_shown
        self.limits = limits
        self.answering = CallHealth()
        self._secrets = secrets
        self._route = route
        self._clock = clock
        self._throttle = Throttle(limits.per_second, clock, sleep)
        self._slots = threading.BoundedSemaphore(limits.in_flight)
        self._pool = transport or open_pool(limits, route)
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. A later call is a bug of ours and raises RuntimeError."""
        self._closed = True
        self._pool.close()

    def masked(self, text: str) -> str:
        """Return a text of the system without our secrets, safe to show and to store."""
        secrets = self._secrets() if callable(self._secrets) else self._secrets
        return masked_text(text[:MAX_TEXT_LENGTH], [*secrets, *self._route.secrets], quoted=True)

    def send(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        repeatable: bool,
        params: Parameters | None = None,
        headers: Parameters | None = None,
        content: bytes | None = None,
        data: Parameters | None = None,
        should_retry: RetryDecision | None = None,
    ) -> HttpAnswer:
        """Return the system's answer, whatever its status except 408, 425, 429, 502, 503 and 504.

        A call that was not delivered is retried. A `repeatable` call (a read) is also retried after a lost answer,
        after these statuses, and while `should_retry` asks for it. A write, which is not repeatable, is sent once.
        A lost answer to it, or one of these statuses, is an InDoubtError: a server or a proxy may answer so after the
        work was carried out. Its code is `service_unavailable` or `too_many_requests` where the status asks to wait,
        and `Retry-After` then delays the next calls.

        Raises UnavailableError once the attempts or `patience_seconds` are used up, InDoubtError, or
        MalformedAnswerError.
        """
        call, begun = HttpCall(method, url, operation, repeatable, params, headers, content, data), self._clock()
        try:
            return self._send_once(call, should_retry)
        except _RetryableError as waiting:
            failed = waiting
        try:  # only now: nearly all calls succeed at once, and preparing retries takes as long as some calls
            return self._retry(call, should_retry, failed, begun)
        except _RetryableError as waiting:
            failure = waiting.error
        raise failure  # here and not above: an error raised in the handler would keep the handled one as its context

    def _retry(
        self, call: HttpCall, should_retry: RetryDecision | None, failed: _RetryableError, begun: float
    ) -> HttpAnswer:
        """Return the answer to a retry after the first attempt failed with `failed`."""
        first: _RetryableError | None = failed
        for attempt in self._attempts(begun):
            with attempt:
                if first is not None:
                    failed, first = first, None
                    raise failed
                return self._send_once(call, should_retry)
        raise failed

    def _attempts(self, begun: float) -> Iterator[stamina.Attempt]:
        deadline = begun + self.limits.patience_seconds

        def worth_waiting(error: Exception) -> bool | float:
            if not isinstance(error, _RetryableError):
                return False
            if error.pause is None:
                return self._clock() < deadline
            if self._clock() + error.pause > deadline:
                return False
            self._throttle.hold(error.pause)  # all calls wait, not only this call
            return 0.0

        return iter(
            stamina.retry_context(
                on=worth_waiting,
                attempts=self.limits.attempts,
                timeout=max(deadline - self._clock(), FIRST_PAUSE_SECONDS),
                wait_initial=FIRST_PAUSE_SECONDS,
                wait_max=LONGEST_PAUSE_SECONDS,
                wait_jitter=FIRST_PAUSE_SECONDS,
            )
        )

    def _send_once(self, call: HttpCall, should_retry: RetryDecision | None) -> HttpAnswer:
        with self._slots:
            self._throttle.wait_turn()
            require_not_cancelled()
            answer = self._attempt(call)
        if answer.status == TOO_MANY_REQUESTS:
            self._ask_to_wait(answer, call, "too_many_requests")
        if answer.status in UNAVAILABLE_STATUSES:
            self._ask_to_wait(answer, call, "service_unavailable")
        if answer.status in TIMED_OUT:
            self._ask_to_wait(answer, call, "server_error")
        if call.repeatable and should_retry is not None and (why := should_retry(answer)):
            message = why if isinstance(why, str) else f"HTTP {answer.status}"
            raise _RetryableError(self._unavailable("server_error", call, message=message))
        return answer

    def _attempt(self, call: HttpCall) -> HttpAnswer:
        """Return the answer to one attempt, and record in the call health whether the system answered."""
        begun = self._clock()
        try:
            answer = self._deliver(call)
        except _RetryableError as waiting:
            self.answering.failed(waiting.error.code, waiting.error.facts)
            raise
        except IntegrationError as error:
            self.answering.failed(error.code, error.facts)
            raise
        if answer.status in UNAVAILABLE_STATUSES:
            away = self._unavailable("service_unavailable", call, duration="")
            self.answering.failed(away.code, away.facts)
        else:
            self.answering.answered(self._clock() - begun)
        return answer

    def _ask_to_wait(self, answer: HttpAnswer, call: HttpCall, code: str) -> NoReturn:
        """Raise the error for a status that asks to wait: a read is retried, a write is in doubt."""
        pause = requested_pause(answer)
        duration = "" if pause is None else f"{pause:.0f} s"
        error = self._unavailable(code, call, duration=duration, message=f"HTTP {answer.status}")
        if call.repeatable:
            raise _RetryableError(error, pause)
        if pause is not None and pause <= self.limits.patience_seconds:
            self._throttle.hold(pause)
        raise InDoubtError(error.code, **error.facts)

    def _deliver(self, call: HttpCall) -> HttpAnswer:
        request = self._build_request(call)
        if self._closed:
            raise RuntimeError(f"{call!r} after the last one")
        try:
            with within_seconds(self.limits.patience_seconds):
                response = self._pool.handle_request(request)
                try:
                    headers = header_values(response)
                    encoding = headers.get("content-encoding", "")
                    body = b"".join(unpack(response.iter_stream(), encoding, self.limits.answer_bytes))
                finally:
                    response.close()
            count_call(self.system, f"{response.status // 100}xx")
            return HttpAnswer(response.status, headers, body)
        except _LIBRARY_ERRORS as error:
            failure = self._network_error(error, call)
        finally:
            if self._closed:  # closed during the call: the connection would otherwise stay open for the next call
                self._pool.close()
        count_call(self.system, failure.error.code if isinstance(failure, _RetryableError) else failure.code)
        raise failure

    def _build_request(self, call: HttpCall) -> httpcore.Request:
        try:
            return request_of(call, self.limits)
        except httpx.InvalidURL:
            failure: IntegrationError = self._unavailable("host_unknown", call)
        except UnicodeError:  # a header with characters that are not allowed; the error itself would quote it
            failure = RejectedError("request_refused", system=self.system, operation=call.operation)
        raise failure

    def _network_error(self, error: Exception, call: HttpCall) -> IntegrationError | _RetryableError:
        """Return the error of this call for a network failure; it depends on whether the request was delivered."""
        connect, read_timeout = f"{self.limits.connect_seconds:g} s", f"{self.limits.read_seconds:g} s"
        match error:
            case httpx.InvalidURL() | httpcore.UnsupportedProtocol() | UnicodeError():  # also a host DNS cannot encode
                return self._unavailable("host_unknown", call)
            case httpcore.ConnectTimeout() | httpcore.PoolTimeout():
                return _RetryableError(self._unavailable("timeout_before_sending", call, duration=connect))
            case httpcore.ProxyError():
                return self._proxy_refusal(str(error), call)
            case httpcore.ConnectError():
                return self._connection_error(error, call)
            case _ if not call.repeatable:
                cut = isinstance(error, httpcore.NetworkError | httpcore.RemoteProtocolError)
                return self._in_doubt_error(call, "connection_cut" if cut else "")
            case TooSlowError():
                patience = f"{self.limits.patience_seconds:g} s"
                return _RetryableError(self._unavailable("timeout_after_sending_read", call, duration=patience))
            case httpcore.TimeoutException():
                return _RetryableError(self._unavailable("timeout_after_sending_read", call, duration=read_timeout))
            case httpcore.NetworkError() | httpcore.RemoteProtocolError():
                return _RetryableError(self._unavailable("connection_cut", call))
            case TooLargeError() | MemoryError():
                return self._too_large_error(call)
            case _:
                return MalformedAnswerError("answer_unreadable", system=self.system, operation=call.operation)

    def _proxy_refusal(self, message: str, call: HttpCall) -> IntegrationError | _RetryableError:
        """Return the error for a proxy that refused the tunnel to the system: nothing was delivered."""
        status = message.strip()[:3]
        if status == PROXY_LOGIN:
            return self._unavailable("proxy_login_needed", call, proxy=self._route.display_host)
        if not status.isdigit():  # its text may quote the address
            return _RetryableError(self._unavailable("proxy_unreachable", call, proxy=self._route.display_host))
        refused = self._unavailable("proxy_refused", call, proxy=self._route.display_host, answer=f"HTTP {status}")
        return _RetryableError(refused)

    def _connection_error(self, error: Exception, call: HttpCall) -> IntegrationError | _RetryableError:
        for reason in _reasons(error):
            match reason:
                case OSError() if self._route.proxy and not isinstance(reason, ssl.SSLError):
                    return _RetryableError(self._unavailable("proxy_unreachable", call, proxy=self._route.display_host))
                case socket.gaierror():
                    return _RetryableError(self._unavailable("host_unknown", call))
                case ssl.SSLCertVerificationError():
                    return self._unavailable("certificate_invalid", call)
                case ssl.SSLError():  # the server does not speak TLS
                    return self._unavailable("address_not_api", call)
                case _:
                    continue
        return _RetryableError(self._unavailable("connection_refused", call))

    def _unavailable(self, code: str, call: HttpCall, **facts: str) -> UnavailableError:
        return UnavailableError(code, system=self.system, host=self.host_shown, operation=call.operation, **facts)

    def _in_doubt_error(self, call: HttpCall, reason: str) -> InDoubtError:
        facts = {"system": self.system, "operation": call.operation, **({"reason": reason} if reason else {})}
        return InDoubtError("timeout_after_sending_write", **facts)

    def _too_large_error(self, call: HttpCall) -> MalformedAnswerError:
        limit = f"{self.limits.answer_bytes / MEGABYTE:g} MB"
        return MalformedAnswerError("answer_too_large", system=self.system, operation=call.operation, limit=limit)


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes; httpcore wraps the original errors."""
    reason: BaseException | None = error
    while reason is not None:
        yield reason
        reason = reason.__cause__ or reason.__context__


for _name in ("httpcore.connection", "httpcore.http11", "httpcore.proxy"):  # they log addresses, secrets included
    logging.getLogger(_name).addFilter(lambda record: record.levelno >= logging.WARNING)
