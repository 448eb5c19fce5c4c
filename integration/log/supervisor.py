"""Starts the log process, sends it calls, kills it if it does not respond, and restarts it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog

from integration.core import errors
from integration.log.process import AnswerPart, LogFileSettings, LogProcess, ProcessEnded
from integration.log.sql_allowlist import QueryError

log = structlog.get_logger(__name__)

ENDED_AFTER = 1.0  # seconds beyond the time limit of a user query before the process is killed
OPEN_SECONDS = 600.0  # an older file is first filled with its derived tables
ATTEMPTS = 3
SHORT_PAUSE, FIRST_PAUSE, LONGEST_PAUSE = 1.0, 0.1, 60.0
SETTLED_SECONDS = 30.0  # the end of a process of this age does not count as a failed start


class Supervisor:
    """Supervises the log process of one file. Starts it on first use and restarts it after it ended."""

    def __init__(self, book: LogFileSettings, patience: float) -> None:
        """`patience` is the number of seconds to wait for another process that holds the file but is about to end."""
        self._book = book
        self._patience = patience
        self._lock = threading.RLock()
        self._user_query_lock = threading.Lock()
        self._process: LogProcess | None = None
        self._failures = 0
        self._restart_time = 0.0

    @property
    def is_away(self) -> bool:
        """Return True if the process failed and waits for its restart."""
        return self._process is None and self._failures > 0

    @property
    def process(self) -> int | None:
        """The id of the process, or None if it does not run."""
        return self._process.number if self._process is not None else None

    def open(self) -> None:
        """Start the process and open the file.

        Raises UnavailableError `log_away` if the process does not start, and the errors of opening the file.
        """
        self._running_process()

    def call(self, request: Mapping[str, Any], seconds: float) -> AnswerPart:
        """Return the response to a request that is safe to repeat. Retries it if the process ends for another reason.

        Raises UnavailableError `log_away` if the request itself ends the process, or after several attempts.
        """
        for _ in range(ATTEMPTS):
            try:
                return list(self._running_process().call(request, seconds))[-1]
            except ProcessEnded as ended:
                self._handle_end()
                if ended.is_to_blame:
                    break
        raise errors.UnavailableError("log_away")

    def parts(self, request: Mapping[str, Any], seconds: float) -> Iterator[AnswerPart]:
        """Yield the parts of a response. Raises ProcessEnded if the process ends meanwhile."""
        try:
            yield from self._running_process().call(request, seconds)
        except ProcessEnded:
            self._handle_end()
            raise

    def user_query(self, request: Mapping[str, Any], seconds: float) -> AnswerPart:
        """Return the response to a user query. Raises QueryError `query_stopped`.

        A user query that ended the process is not repeated. If several were running, each is repeated alone, to find
        out which one ended it.
        """
        limit = seconds + ENDED_AFTER
        try:
            return list(self._running_process().call(request, limit, is_user_query=True))[-1]
        except ProcessEnded as ended:
            self._handle_end()
            may_retry = not ended.is_to_blame
        if may_retry:
            with self._user_query_lock:
                for _ in range(ATTEMPTS - 1):
                    try:
                        return list(self._running_process().call(request, limit, is_user_query=True))[-1]
                    except ProcessEnded as ended:
                        self._handle_end()
                        if ended.is_to_blame:
                            break
        raise QueryError("query_stopped", seconds=f"{seconds:g}")

    def close(self) -> None:
        """End the process. The next call starts another one."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                process.end()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """End the process and prevent a restart during the block."""
        with self._lock:
            self.close()
            yield

    def abandon(self) -> None:
        """Release the process in a forked copy of this process."""
        self._lock = threading.RLock()
        self._user_query_lock = threading.Lock()
        process, self._process = self._process, None
        if process is not None:
            process.abandon()

    def _running_process(self) -> LogProcess:
        with self._lock:
            self._handle_end()
            if self._process is None:
                self._process = self._start_process()
            if not self._process.is_open:
                self._open_file(self._process)
            return self._process

    def _start_process(self) -> LogProcess:
        pause = self._restart_time - time.monotonic()
        if pause > SHORT_PAUSE:
            raise errors.UnavailableError("log_away")
        time.sleep(max(0.0, pause))
        try:
            return LogProcess(self._book)
        except OSError:
            self._delay_restart()
            log.warning("the log process could not be started", exc_info=True)
            raise errors.UnavailableError("log_away") from None

    def _open_file(self, process: LogProcess) -> None:
        until = time.monotonic() + self._patience
        while True:
            try:
                list(process.call({"do": "open"}, OPEN_SECONDS))
            except ProcessEnded:
                self._handle_end()
                raise errors.UnavailableError("log_away") from None
            except errors.ConfigurationError as error:
                if error.code != "log_owned_elsewhere" or time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                process.is_open = True
                return

    def _handle_end(self) -> None:
        """Handle the end of the process. Delays the restart if no user query caused the end."""
        with self._lock:
            process = self._process
            if process is None or not process.is_over():
                return
            process.bury()
            self._process = None
            if process.ended_for_a_user_query or time.monotonic() - process.begun > SETTLED_SECONDS:
                self._failures = 0
                self._restart_time = 0.0
            else:
                self._delay_restart()
            log.warning("the log process has ended and is restarted", process=process.number)

    def _delay_restart(self) -> None:
        self._failures += 1
        self._restart_time = time.monotonic() + min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
