"""Keeps the process of the log: begins it, asks it, ends it where it does not answer, and begins it anew."""

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
from integration.log.allowed import QuestionError

log = structlog.get_logger(__name__)

PROGRAM = Path(__file__).parents[2]
ENDED_AFTER = 1.0  # seconds beyond its limit that a question has to end by itself
LOOK_SECONDS = 3.0  # after which a silent process is asked whether it is there, and in which it has to say so
START_SECONDS = 30.0
OPEN_SECONDS = 600.0  # a file without its list of records is filled first
PART_SECONDS = 60.0  # an answer that has begun comes
END_SECONDS = 10.0
ATTEMPTS = 3
SHORT_PAUSE, FIRST_PAUSE, LONGEST_PAUSE = 1.0, 0.1, 60.0
SETTLED_SECONDS = 30.0  # a process that came to this age was no failure


class ProcessEnded(Exception):  # noqa: N818 - no error of the caller
    """The process ended before it answered; `is_to_blame` where that is because of what was asked."""

    def __init__(self, *, is_to_blame: bool) -> None:
        super().__init__("the process of the log ended")
        self.is_to_blame = is_to_blame


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what was answered: plain values, and a table as an Arrow stream where there is one."""

    told: Mapping[str, Any]
    table: bytearray | None


@dataclass(frozen=True, slots=True)
class Book:
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


class _Process:
    """One process, from its beginning to its end. Safe to use from several threads."""

    def __init__(self, book: Book) -> None:
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
                cwd=PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
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
            self._popen.stdin.write(wire.line_of(given))
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

    def call(self, asked: Mapping[str, Any], seconds: float, *, question: bool = False) -> Iterator[Part]:
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
                    told = wire.received(lent.line)
                    table = wire.received_bytes(lent.line) if told.get("table") else None
                    more = bool(told.get("more"))
                    if "error" in told:
                        lent.is_done = True
                        raise _error(told)
                    yield Part(told, table)
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
                return wire.received(line) == {}
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


class Keeper:
    """The process of one file: begun when it is first needed, and anew whenever it has ended."""

    def __init__(self, book: Book, patience: float) -> None:
        """`patience` is for how many seconds another process may still hold the file, since it is about to end."""
        self._book = book
        self._patience = patience
        self._lock = threading.RLock()
        self._one_by_one = threading.Lock()
        self._process: _Process | None = None
        self._failures = 0
        self._not_before = 0.0

    @property
    def is_away(self) -> bool:
        """Tell whether the process ended or could not be begun, and waits to be begun anew."""
        return self._process is None and self._failures > 0

    @property
    def process(self) -> int | None:
        """The number of the process, or None while there is none."""
        return self._process.number if self._process is not None else None

    def open(self) -> None:
        """Have the process at work, with its file open.

        Raises UnavailableError `log_away` where it does not begin, and what the file is in the way of.
        """
        self._running()

    def call(self, asked: Mapping[str, Any], seconds: float) -> Part:
        """Return what is answered to something that may be asked again, whichever question ended the process."""
        for _ in range(ATTEMPTS):
            try:
                return list(self._running().call(asked, seconds))[-1]
            except ProcessEnded as ended:
                self._ended()
                if ended.is_to_blame:
                    break
        raise errors.UnavailableError("log_away")

    def parts(self, asked: Mapping[str, Any], seconds: float) -> Iterator[Part]:
        """Yield what is answered in parts. Raises ProcessEnded where the process ends meanwhile."""
        try:
            yield from self._running().call(asked, seconds)
        except ProcessEnded:
            self._ended()
            raise

    def question(self, asked: Mapping[str, Any], seconds: float) -> Part:
        """Return what is answered to a person's question. Raises QuestionError `question_stopped`.

        One that ended the process is not asked again. Where several were asked when it ended, each is asked again by
        itself, which tells them apart.
        """
        limit = seconds + ENDED_AFTER
        try:
            return list(self._running().call(asked, limit, question=True))[-1]
        except ProcessEnded as ended:
            self._ended()
            again = not ended.is_to_blame
        if again:
            with self._one_by_one:
                for _ in range(ATTEMPTS - 1):
                    try:
                        return list(self._running().call(asked, limit, question=True))[-1]
                    except ProcessEnded as ended:
                        self._ended()
                        if ended.is_to_blame:
                            break
        raise QuestionError("question_stopped", seconds=f"{seconds:g}")

    def close(self) -> None:
        """End the process, if there is one; the next call begins another one."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                process.end()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Keep the process from being begun for the block."""
        with self._lock:
            self.close()
            yield

    def abandon(self) -> None:
        """Let go of the process in a copy of this one."""
        self._lock = threading.RLock()
        self._one_by_one = threading.Lock()
        process, self._process = self._process, None
        if process is not None:
            process.abandon()

    def _running(self) -> _Process:
        with self._lock:
            self._ended()
            if self._process is None:
                self._process = self._begun()
            if not self._process.is_open:
                self._open(self._process)
            return self._process

    def _begun(self) -> _Process:
        pause = self._not_before - time.monotonic()
        if pause > SHORT_PAUSE:
            raise errors.UnavailableError("log_away")
        time.sleep(max(0.0, pause))
        try:
            return _Process(self._book)
        except OSError:
            self._failed()
            log.warning("the process of the log could not be begun", exc_info=True)
            raise errors.UnavailableError("log_away") from None

    def _open(self, process: _Process) -> None:
        until = time.monotonic() + self._patience
        while True:
            try:
                list(process.call({"do": "open"}, OPEN_SECONDS))
            except ProcessEnded:
                self._ended()
                raise errors.UnavailableError("log_away") from None
            except errors.ConfigurationError as error:
                if error.code != "log_owned_elsewhere" or time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                process.is_open = True
                return

    def _ended(self) -> None:
        """Take note of a process that has ended; the next one waits a while where that was nobody's question."""
        with self._lock:
            process = self._process
            if process is None or not process.is_over():
                return
            process.bury()
            self._process = None
            if process.ended_for_a_question or time.monotonic() - process.begun > SETTLED_SECONDS:
                self._failures = 0
                self._not_before = 0.0
            else:
                self._failed()
            log.warning("the process of the log has ended and is begun anew", process=process.number)

    def _failed(self) -> None:
        self._failures += 1
        self._not_before = time.monotonic() + min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
