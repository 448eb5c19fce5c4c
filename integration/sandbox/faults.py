"""Fault injection for a sandbox: switches that make it misbehave, and a ledger of every call that it answered.

A switch is chosen before a call is carried out; `deliver` then sends, changes or withholds the answer. A call that is
refused, or cut before it is accepted, changes nothing. A call that is cut after it was accepted, or whose answer is
incomplete or garbage, was carried out; only its answer is lost.
"""

import asyncio
import itertools
import math
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LEDGER_LIMIT: Final = 1_000_000
ARMED_LIMIT: Final = 10_000


class Fault(StrEnum):
    """Faults of a call."""

    DELAY = "delay"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    TOO_MANY = "too_many"
    TOO_MANY_WAIT = "too_many_wait"
    UNAVAILABLE = "unavailable"
    GARBAGE = "garbage"
    HALF = "half"
    HTML = "html"
    FAULT = "fault"
    EXPIRED = "expired"
    LATE = "late"
    WRONG = "wrong"
    NOT_FOUND = "not_found"
    NOT_FOUND_BARE = "not_found_bare"
    NO_BODY = "no_body"
    NO_CONTENT = "no_content"
    ABSENT = "absent"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"

    @property
    def accepts(self) -> bool:
        """True if a call with this fault is carried out."""
        return self in _ACCEPTING


_ACCEPTING: Final = frozenset(
    {Fault.DELAY, Fault.CUT_AFTER, Fault.GARBAGE, Fault.HALF, Fault.LATE, Fault.WRONG, Fault.ERROR_AFTER},
)
# Answers from something in front of the system, with a success status or in the system's own form.
_BEFORE_THE_SYSTEM: Final = frozenset(
    {
        Fault.CUT_BEFORE,
        Fault.HTML,
        Fault.NOT_FOUND,
        Fault.NOT_FOUND_BARE,
        Fault.NO_BODY,
        Fault.NO_CONTENT,
        Fault.ABSENT,
        Fault.ERROR_BEFORE,
    }
)


class ErrorAnswer(StrEnum):
    """Error answers that leave open whether a call was carried out.

    A server or a proxy may send them before or after the work.
    """

    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"
    REDIRECT = "redirect"
    HTML = "html"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Armed:
    """A switch that is on: which calls it affects, how often, and for how long.

    `answer` is the answer of `ERROR_BEFORE` and `ERROR_AFTER`. After `ERROR_AFTER`, a write becomes visible `seconds`
    later.
    """

    id: str
    fault: Fault
    system: str = "*"
    operation: str = "*"
    key: str = "*"
    times: int | None = 1
    seconds: float = 0.0
    answer: ErrorAnswer = ErrorAnswer.UNAVAILABLE

    @property
    def seconds_hidden(self) -> float:
        """Seconds until reads show what the call wrote."""
        return self.seconds if self.fault in {Fault.LATE, Fault.ERROR_AFTER} else 0.0

    @property
    def note(self) -> str:
        """Name of the fault in the ledger of calls."""
        is_error = self.fault in {Fault.ERROR_BEFORE, Fault.ERROR_AFTER}
        return f"{self.fault} {self.answer}" if is_error else str(self.fault)

    def meets(self, system: str, operation: str, keys: Iterable[str]) -> bool:
        """Return True if this switch affects the call."""
        return (
            _matches(system, self.system)
            and _matches(operation, self.operation)
            and (self.key == "*" or any(_matches(key, self.key) for key in keys))
        )


@dataclass(frozen=True, slots=True)
class Call:
    """One call; `write` marks writes. Status 0 means that the system neither carried the call out nor answered."""

    number: int
    at: datetime
    system: str
    operation: str
    write: bool
    keys: tuple[str, ...]
    status: int
    note: str = ""

    @property
    def accepted(self) -> bool:
        """True if the call was carried out, answered or not."""
        return 200 <= self.status < 300  # noqa: PLR2004  # the range of HTTP successes

    def as_json(self) -> dict[str, object]:
        """Return the call as the control address shows it."""
        return {**asdict(self), "at": self.at.isoformat(), "keys": list(self.keys)}


class Switches:
    """Thread-safe switches of one sandbox."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed_faults: dict[str, Armed] = {}
        self._numbers = itertools.count(1)

    def arm(
        self,
        fault: Fault | str,
        *,
        system: str = "*",
        operation: str = "*",
        key: str = "*",
        times: int | None = 1,
        seconds: float = 0.0,
        answer: ErrorAnswer | str = ErrorAnswer.UNAVAILABLE,
    ) -> str:
        """Turn a switch on and return its id. Patterns are shell patterns that ignore letter case."""
        if len(self._armed_faults) >= ARMED_LIMIT:
            raise ValueError("too many switches are on")
        id_ = f"s{next(self._numbers)}"
        armed = Armed(id_, Fault(fault), system, operation, key, times, seconds, ErrorAnswer(answer))
        with self._lock:
            self._armed_faults[armed.id] = armed
        return armed.id

    def disarm(self, id: str | None = None) -> None:  # noqa: A002  # the word the control address uses
        """Turn one switch off, or all of them."""
        with self._lock:
            if id is None:
                self._armed_faults.clear()
            else:
                self._armed_faults.pop(id, None)

    @contextmanager
    def armed(
        self,
        fault: Fault | str,
        *,
        system: str = "*",
        operation: str = "*",
        key: str = "*",
        times: int | None = 1,
        seconds: float = 0.0,
        answer: ErrorAnswer | str = ErrorAnswer.UNAVAILABLE,
    ) -> Iterator[str]:
        """Turn a switch on within the block, and provide its id."""
        id_ = self.arm(fault, system=system, operation=operation, key=key, times=times, seconds=seconds, answer=answer)
        try:
            yield id_
        finally:
            self.disarm(id_)

    def take(self, system: str, operation: str, keys: Iterable[str] = ()) -> Armed | None:
        """Return the first switch that affects this call, and use it once; None if there is none."""
        if not self._armed_faults:
            return None
        keys = tuple(keys)
        with self._lock:
            for id_, armed in self._armed_faults.items():
                if armed.meets(system, operation, keys):
                    self._use(id_, armed)
                    return armed
        return None

    def active_switches(self) -> list[Armed]:
        """Return the switches that are on, oldest first."""
        with self._lock:
            return list(self._armed_faults.values())

    def _use(self, id_: str, armed: Armed) -> None:
        if armed.times is None:
            return
        if armed.times <= 1:
            del self._armed_faults[id_]
        else:
            self._armed_faults[id_] = replace(armed, times=armed.times - 1)


class CallLedger:
    """Calls of one sandbox, in order. The oldest calls are dropped beyond the limit; the counts include them."""

    def __init__(self, limit: int = LEDGER_LIMIT) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=limit)
        self._counts = {"reads": 0, "writes": 0}
        self._number = 0

    def record(
        self,
        *,
        system: str,
        operation: str,
        write: bool,
        keys: Iterable[str] = (),
        status: int,
        note: str = "",
    ) -> Call:
        with self._lock:
            self._number += 1
            call = Call(self._number, datetime.now(UTC), system, operation, write, tuple(keys), status, note)
            self._calls.append(call)
            self._counts["writes" if write else "reads"] += 1
        return call

    def calls(self, system: str | None = None, write: bool | None = None, since: int = 0) -> list[Call]:
        """Return the calls after number `since`, filtered by system and by reads or writes."""
        with self._lock:
            return [
                call
                for call in self._calls
                if call.number > since
                and (system is None or call.system == system)
                and (write is None or call.write == write)
            ]

    def counts(self) -> dict[str, int]:
        """Return the number of reads and writes."""
        with self._lock:
            return dict(self._counts)

    def writes(self) -> list[Call]:
        """Return the calls of write operations."""
        return self.calls(write=True)

    def clear(self) -> None:
        """Delete all calls and reset the counts; the numbering continues."""
        with self._lock:
            self._calls.clear()
            self._counts = {"reads": 0, "writes": 0}


@dataclass(frozen=True)
class FaultAnswer:
    """Answer of a sandbox, before a switch changes it."""

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


class Cuttable(H11Protocol):
    """uvicorn's HTTP/1.1 protocol that gives the application access to the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Store the transport in the state of every request, and switch the access log off."""
        self.access_log = False
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


def refusal(armed: Armed | None) -> FaultAnswer | None:
    """Return the answer of a server or proxy that does not carry the call out, or None if the fault is another one."""
    match armed.fault if armed else None:
        case Fault.ERROR_BEFORE | Fault.TOO_MANY | Fault.UNAVAILABLE | Fault.HTML | Fault.NO_BODY if armed:
            return _error_answer(_ANSWERS.get(armed.fault, armed.answer))
        case Fault.TOO_MANY_WAIT:
            seconds = math.ceil(armed.seconds) if armed else 0
            return FaultAnswer(429, b"Too many requests", "text/plain", (("retry-after", str(seconds)),))
        case Fault.NOT_FOUND:
            return FaultAnswer(404, b'{"Message": "No HTTP resource was found."}')
        case Fault.NOT_FOUND_BARE:
            return FaultAnswer(404, b"")
        case Fault.NO_CONTENT:
            return FaultAnswer(204, b"")
        case Fault.ABSENT:
            return FaultAnswer(200, b"{}")
        case _:
            return None


_ANSWERS: Final = {
    Fault.TOO_MANY: ErrorAnswer.TOO_MANY_REQUESTS,
    Fault.UNAVAILABLE: ErrorAnswer.UNAVAILABLE,
    Fault.HTML: ErrorAnswer.HTML,
    Fault.NO_BODY: ErrorAnswer.EMPTY,
}


def _error_answer(kind: ErrorAnswer) -> FaultAnswer:
    match kind:
        case ErrorAnswer.REDIRECT:
            return FaultAnswer(302, b"", "text/html; charset=utf-8", (("location", "/maintenance"),))
        case ErrorAnswer.HTML:
            return FaultAnswer(200, _PAGE.encode(), "text/html; charset=utf-8")
        case ErrorAnswer.EMPTY:
            return FaultAnswer(200, b"")
        case _:
            return FaultAnswer(int(kind), b"The server cannot answer", "text/plain")


def noted_status(answer: FaultAnswer | None, armed: Armed | None) -> int:
    """Return the status for the ledger: that of the system itself, even if the answer is then lost or changed."""
    if answer is None or (armed and armed.fault in _BEFORE_THE_SYSTEM):
        return 0
    return answer.status


async def pause(armed: Armed | None) -> None:
    """Wait for the time of a delay."""
    if armed and armed.fault is Fault.DELAY:
        await asyncio.sleep(armed.seconds)


async def deliver(answer: FaultAnswer | None, armed: Armed | None, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the answer as changed by the switch. Without an answer, cut the connection."""
    fault = armed.fault if armed else None
    if answer is None or fault in {Fault.CUT_BEFORE, Fault.CUT_AFTER}:
        await cut(scope, receive)
    elif fault is Fault.HALF:
        await _start(answer, send)
        await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
        await cut(scope, receive, after_sending=True)
    else:
        if fault is Fault.GARBAGE:
            answer = replace(answer, body=_GARBAGE)
        if armed and fault is Fault.ERROR_AFTER:
            answer = _error_answer(armed.answer)
        await _start(answer, send)
        await send({"type": "http.response.body", "body": answer.body})


async def cut(scope: Scope, receive: Receive, *, after_sending: bool = False) -> None:
    """Close the connection without completing the answer. Requires a server with the `Cuttable` protocol."""
    transport: asyncio.Transport = scope["state"]["transport"]
    if after_sending:
        transport.close()
    else:
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(answer: FaultAnswer, send: Send) -> None:
    headers = [("content-type", answer.content_type), ("content-length", str(len(answer.body))), *answer.headers]
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        },
    )


def _matches(text: str, pattern: str) -> bool:
    return fnmatchcase(text.casefold(), pattern.casefold())


_GARBAGE: Final = b"\x00\x9f\x8f{<]\xff not an answer \xfe" * 4
_PAGE: Final = "<!DOCTYPE html>\n<html><head><title>Onderhoud</title></head><body><h1>Even geduld</h1></body></html>\n"
