"""The log process as the console's side sees it: start, calls, liveness check and end."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from integration.core import errors
from integration.log import wire
from integration.log.sql_allowlist import QueryError
from integration.process.child_environment import base_environment
from integration.shipped import PROGRAM

log = structlog.get_logger(__name__)

POLL_SECONDS = 3.0  # a silent process is checked after this time, and must respond within it
START_SECONDS = 30.0
PART_SECONDS = 60.0  # for the rest of a response that has begun
END_SECONDS = 10.0


class ProcessEnded(Exception):  # noqa: N818 - not an error of the caller
    """Raised if the process ended before it responded. `is_to_blame` says whether this call caused the end."""

    def __init__(self, *, is_to_blame: bool) -> None:
        super().__init__("the log process ended")
        self.is_to_blame = is_to_blame


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """A part of a response: plain values, and an optional table as an Arrow stream."""

    content: Mapping[str, Any]
    table: bytearray | None


@dataclass(frozen=True, slots=True)
class LogFileSettings:
    """The file of a log process and its limits. `unix` permits a Unix socket where the platform has them."""

    path: Path
    memory: str
    threads: int
    unix: bool = True


@dataclass(slots=True)
class _CallConnection:
    """A connection that one call uses exclusively until it `is_done`."""

    line: socket.socket
    is_done: bool = False


class LogProcess:
    """A running log process. Thread-safe."""

    def __init__(self, book: LogFileSettings) -> None:
        """Start the process. Raises OSError if it does not start or does not listen in time."""
        self.is_open = False
        self.begun = time.monotonic()
        self._lock = threading.Lock()
        self._idle_connections: list[socket.socket] = []
        self._open_user_queries: set[object] = set()
        self._culprits: set[object] | None = None  # calls that caused the end; None while it runs
        self._token = secrets.token_urlsafe(32)
        self._folder = Path(tempfile.mkdtemp(prefix="console-log-"))
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "integration.log"],
                cwd=PROGRAM,
                env=base_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        start_settings = {
            "path": str(book.path.absolute()), "memory": book.memory, "threads": book.threads, "unix": book.unix,
            "folder": str(self._folder), "token": self._token, "console": os.getpid(),
        }  # fmt: skip
        try:
            self._write_stdin(start_settings)
            import pyarrow  # noqa: F401, ICN001, PLC0415 - needed for its answers; imported while it starts

            self._idle_connections.append(self._first_line())
        except BaseException:
            self.bury()
            raise

    def _write_stdin(self, start_settings: Mapping[str, object]) -> None:
        if self._popen.stdin is not None:
            self._popen.stdin.write(wire.message_line(start_settings))
            self._popen.stdin.flush()

    def _first_line(self) -> socket.socket:
        until = self.begun + START_SECONDS
        while True:
            try:
                return wire.connect(self._folder, self._token, POLL_SECONDS)
            except OSError:  # not listening yet
                if self._popen.poll() is not None or time.monotonic() > until:
                    raise
            time.sleep(0.005)

    @property
    def number(self) -> int:
        return self._popen.pid

    def is_over(self) -> bool:
        return self._popen.poll() is not None

    @property
    def ended_for_a_user_query(self) -> bool:
        return bool(self._culprits)

    def call(self, request: Mapping[str, Any], seconds: float, *, is_user_query: bool = False) -> Iterator[AnswerPart]:
        """Yield the parts of a response. Raises the error that the process reports, or ProcessEnded."""
        call = object()
        if is_user_query:
            with self._lock:
                self._open_user_queries.add(call)
        try:
            with self._call_connection() as connection:
                connection.line.settimeout(PART_SECONDS)
                wire.send(connection.line, request)
                more = True
                while more:
                    self._wait(connection.line, call, seconds, is_user_query=is_user_query)
                    answer = wire.receive(connection.line)
                    table = wire.received_bytes(connection.line) if answer.get("table") else None
                    more = bool(answer.get("more"))
                    if "error" in answer:
                        connection.is_done = True
                        if answer.get("spoilt"):
                            self.kill(call if is_user_query else None)
                        raise _error(answer)
                    yield AnswerPart(answer, table)
                connection.is_done = True
        except (OSError, EOFError):
            raise ProcessEnded(is_to_blame=self.ended_for(call)) from None
        finally:
            with self._lock:
                self._open_user_queries.discard(call)

    def _wait(self, line: socket.socket, call: object, seconds: float, *, is_user_query: bool) -> None:
        """Wait for the start of a response. Kill the process if it is late or does not react."""
        until = time.monotonic() + seconds
        while True:
            remaining = until - time.monotonic()
            line.settimeout(max(0.001, remaining if is_user_query else min(remaining, POLL_SECONDS)))
            try:
                line.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                is_late, is_there = time.monotonic() >= until, self._is_responsive()
                if is_late or not is_there:
                    self.kill(call if is_there else None)
                    raise
            else:
                line.settimeout(PART_SECONDS)
                return

    def _is_responsive(self) -> bool:
        """Return True if the process responds to a ping. A suspended process does not."""
        try:
            with wire.connect(self._folder, self._token, POLL_SECONDS) as line:
                wire.send(line, {"do": "ping"})
                return wire.receive(line) == {}
        except (OSError, EOFError):
            return False

    @contextmanager
    def _call_connection(self) -> Iterator[_CallConnection]:
        """Yield a connection for one call, and keep it for later calls if the call completed."""
        with self._lock:
            line = self._idle_connections.pop() if self._idle_connections else None
        connection = _CallConnection(line or wire.connect(self._folder, self._token, POLL_SECONDS))
        try:
            yield connection
        finally:
            with self._lock:
                is_kept = connection.is_done and self._culprits is None
                if is_kept:
                    self._idle_connections.append(connection.line)
            if not is_kept:
                connection.line.close()

    def kill(self, culprit: object | None) -> None:
        """Kill the process, because of the call `culprit` or of none."""
        with self._lock:
            if self._culprits is None:
                self._culprits = {culprit} - {None}
        self._popen.kill()

    def ended_for(self, call: object) -> bool:
        """Return True if a call caused the end of the process: the one it was killed for, or the only open user query.

        If the process was killed from outside, for example by the OOM killer, the user query is not blamed.
        """
        with suppress(subprocess.TimeoutExpired):  # the process is about to end
            self._popen.wait(1.0)
        was_killed = self._popen.poll() == -signal.SIGKILL if hasattr(signal, "SIGKILL") else False
        with self._lock:
            if self._culprits is None:
                alone = len(self._open_user_queries) == 1 and not was_killed
                self._culprits = set(self._open_user_queries) if alone else set()
            blamed = call in self._culprits
        self.bury()
        return blamed

    def end(self) -> None:
        """Ask the process to close its file and end. Kill it if it does not."""
        with suppress(ProcessEnded, errors.IntegrationError):
            list(self.call({"do": "close"}, END_SECONDS))
        self.bury(END_SECONDS)

    def bury(self, seconds: float = 0.0) -> None:
        """Wait up to `seconds` for the end of the process, then kill it. Releases all its resources."""
        if self._popen.stdin is not None:
            with suppress(OSError):
                self._popen.stdin.close()
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        with self._lock:
            if self._culprits is None:
                self._culprits = set()
        self._close_lines()
        shutil.rmtree(self._folder, ignore_errors=True)

    def abandon(self) -> None:
        """Release the process in a forked copy of this process, without ending it."""
        if self._popen.stdin is not None:
            with suppress(OSError):
                os.close(self._popen.stdin.fileno())
        self._popen.returncode = 0  # otherwise the copy would wait for it
        self._lock = threading.Lock()
        self._close_lines()

    def _close_lines(self) -> None:
        with self._lock:
            lines, self._idle_connections = self._idle_connections, []
        for line in lines:
            line.close()


def _error(answer: Mapping[str, Any]) -> errors.IntegrationError:
    """Return the error that the process reported as the exception it was."""
    if answer["kind"] == "QueryError":
        return QueryError(answer["error"], **answer["facts"])
    kind = getattr(errors, answer["kind"], errors.IntegrationError)
    return kind(answer["error"], **answer["facts"])
