"""The process of the log as the console holds it: begun, asked over its lines, looked after, ended."""

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
from integration.log.sql_allowlist import QuestionError
from integration.process.child_environment import bare
from integration.shipped import PROGRAM

log = structlog.get_logger(__name__)

LOOK_SECONDS = 3.0  # after which a silent process is asked whether it is there, and in which it has to say so
START_SECONDS = 30.0
PART_SECONDS = 60.0  # an answer that has begun comes
END_SECONDS = 10.0


class ProcessEnded(Exception):  # noqa: N818 - no error of the caller
    """The process ended before it answered; `is_to_blame` where that is because of what was asked."""

    def __init__(self, *, is_to_blame: bool) -> None:
        super().__init__("the process of the log ended")
        self.is_to_blame = is_to_blame


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """A part of what was answered: plain values, and a table as an Arrow stream where there is one."""

    told: Mapping[str, Any]
    table: bytearray | None


@dataclass(frozen=True, slots=True)
class LogFileSettings:
    """The file that a process keeps, and what it may take; `unix` allows a Unix socket where there are any."""

    path: Path
    memory: str
    threads: int
    unix: bool = True


@dataclass(slots=True)
class _Lent:
    """A line to the process that one call has for itself until it `is_done`."""

    line: socket.socket
    is_done: bool = False


class Process:
    """One process, from its beginning to its end. Safe to use from several threads."""

    def __init__(self, book: LogFileSettings) -> None:
        """Begin it. Raises OSError where it cannot be begun, or does not listen in time."""
        self.is_open = False
        self.begun = time.monotonic()
        self._lock = threading.Lock()
        self._free: list[socket.socket] = []
        self._questions: set[object] = set()
        self._blamed: set[object] | None = None  # what it ended for, once it ended
        self._token = secrets.token_urlsafe(32)
        self._folder = Path(tempfile.mkdtemp(prefix="console-log-"))
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "integration.log"],
                cwd=PROGRAM, env=bare(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        except OSError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        given = {
            "path": str(book.path.absolute()), "memory": book.memory, "threads": book.threads, "unix": book.unix,
            "folder": str(self._folder), "token": self._token, "console": os.getpid(),
        }  # fmt: skip
        try:
            self._give(given)
            import pyarrow  # noqa: F401, ICN001, PLC0415 - what its answers are read with, while it begins

            self._free.append(self._first_line())
        except BaseException:
            self.bury()
            raise

    def _give(self, given: Mapping[str, object]) -> None:
        if self._popen.stdin is not None:
            self._popen.stdin.write(wire.message_line(given))
            self._popen.stdin.flush()

    def _first_line(self) -> socket.socket:
        until = self.begun + START_SECONDS
        while True:
            try:
                return wire.connect(self._folder, self._token, LOOK_SECONDS)
            except OSError:  # it does not listen yet
                if self._popen.poll() is not None or time.monotonic() > until:
                    raise
            time.sleep(0.005)

    @property
    def number(self) -> int:
        return self._popen.pid

    def is_over(self) -> bool:
        return self._popen.poll() is not None

    @property
    def ended_for_a_question(self) -> bool:
        return bool(self._blamed)

    def call(self, asked: Mapping[str, Any], seconds: float, *, question: bool = False) -> Iterator[AnswerPart]:
        """Yield what is answered. Raises one of our errors as the process tells it, or ProcessEnded."""
        call = object()
        if question:
            with self._lock:
                self._questions.add(call)
        try:
            with self._lent() as lent:
                lent.line.settimeout(PART_SECONDS)
                wire.send(lent.line, asked)
                more = True
                while more:
                    self._wait(lent.line, call, seconds, question=question)
                    told = wire.receive(lent.line)
                    table = wire.received_bytes(lent.line) if told.get("table") else None
                    more = bool(told.get("more"))
                    if "error" in told:
                        lent.is_done = True
                        if told.get("spoilt"):
                            self.kill(call if question else None)
                        raise _error(told)
                    yield AnswerPart(told, table)
                lent.is_done = True
        except (OSError, EOFError):
            raise ProcessEnded(is_to_blame=self.ended_for(call)) from None
        finally:
            with self._lock:
                self._questions.discard(call)

    def _wait(self, line: socket.socket, call: object, seconds: float, *, question: bool) -> None:
        """Wait for the beginning of an answer; end the process where none comes in time, or where it does nothing."""
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            line.settimeout(max(0.001, left if question else min(left, LOOK_SECONDS)))
            try:
                line.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                is_late, is_there = time.monotonic() >= until, self._is_there()
                if is_late or not is_there:
                    self.kill(call if is_there else None)
                    raise
            else:
                line.settimeout(PART_SECONDS)
                return

    def _is_there(self) -> bool:
        """Tell whether the process says at all that it is there; one that is suspended does not."""
        try:
            with wire.connect(self._folder, self._token, LOOK_SECONDS) as line:
                wire.send(line, {"do": "ping"})
                return wire.receive(line) == {}
        except (OSError, EOFError):
            return False

    @contextmanager
    def _lent(self) -> Iterator[_Lent]:
        """Give a line for one call, and keep it for the next one if the call came to its end."""
        with self._lock:
            line = self._free.pop() if self._free else None
        lent = _Lent(line or wire.connect(self._folder, self._token, LOOK_SECONDS))
        try:
            yield lent
        finally:
            with self._lock:
                is_kept = lent.is_done and self._blamed is None
                if is_kept:
                    self._free.append(lent.line)
            if not is_kept:
                lent.line.close()

    def kill(self, culprit: object | None) -> None:
        """End it at once, because of one call or of none."""
        with self._lock:
            if self._blamed is None:
                self._blamed = {culprit} - {None}
        self._popen.kill()

    def ended_for(self, call: object) -> bool:
        """Tell whether it ended because of a call: the one it was ended for, or the only question it was at.

        Whoever kills it from outside, as a system without memory does, is not taken for the question.
        """
        with suppress(subprocess.TimeoutExpired):  # what broke its line is on its way out
            self._popen.wait(1.0)
        was_killed = self._popen.poll() == -signal.SIGKILL if hasattr(signal, "SIGKILL") else False
        with self._lock:
            if self._blamed is None:
                alone = len(self._questions) == 1 and not was_killed
                self._blamed = set(self._questions) if alone else set()
            blamed = call in self._blamed
        self.bury()
        return blamed

    def end(self) -> None:
        """Let it close its file and end; at once where it does not."""
        with suppress(ProcessEnded, errors.IntegrationError):
            list(self.call({"do": "close"}, END_SECONDS))
        self.bury(END_SECONDS)

    def bury(self, seconds: float = 0.0) -> None:
        """See to it that it has ended, with all it had; it has so long to do so by itself."""
        if self._popen.stdin is not None:
            with suppress(OSError):
                self._popen.stdin.close()
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        with self._lock:
            if self._blamed is None:
                self._blamed = set()
        self._close_lines()
        shutil.rmtree(self._folder, ignore_errors=True)

    def abandon(self) -> None:
        """Let go of it in a copy of this process, which it does not belong to."""
        if self._popen.stdin is not None:
            with suppress(OSError):
                os.close(self._popen.stdin.fileno())
        self._popen.returncode = 0  # else the copy would wait for it
        self._lock = threading.Lock()
        self._close_lines()

    def _close_lines(self) -> None:
        with self._lock:
            lines, self._free = self._free, []
        for line in lines:
            line.close()


def _error(told: Mapping[str, Any]) -> errors.IntegrationError:
    """Return an error of ours as it was raised in the process."""
    if told["kind"] == "QuestionError":
        return QuestionError(told["error"], **told["facts"])
    kind = getattr(errors, told["kind"], errors.IntegrationError)
    return kind(told["error"], **told["facts"])
