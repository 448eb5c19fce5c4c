"""Keeps the process of the log: begins it, asks it, ends it where it does not answer, and begins it anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog

from integration.core import errors
from integration.log.process import AnswerPart, LogFileSettings, Process, ProcessEnded
from integration.log.sql_allowlist import QuestionError

log = structlog.get_logger(__name__)

ENDED_AFTER = 1.0  # seconds beyond its limit that a question has to end by itself
OPEN_SECONDS = 600.0  # a file without its list of records is filled first
ATTEMPTS = 3
SHORT_PAUSE, FIRST_PAUSE, LONGEST_PAUSE = 1.0, 0.1, 60.0
SETTLED_SECONDS = 30.0  # a process that came to this age was no failure


class Supervisor:
    """The process of one file: begun when it is first needed, and anew whenever it has ended."""

    def __init__(self, book: LogFileSettings, patience: float) -> None:
        """`patience` is for how many seconds another process may still hold the file, since it is about to end."""
        self._book = book
        self._patience = patience
        self._lock = threading.RLock()
        self._one_by_one = threading.Lock()
        self._process: Process | None = None
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

    def call(self, asked: Mapping[str, Any], seconds: float) -> AnswerPart:
        """Return what is answered to something that may be asked again, whichever question ended the process."""
        for _ in range(ATTEMPTS):
            try:
                return list(self._running().call(asked, seconds))[-1]
            except ProcessEnded as ended:
                self._ended()
                if ended.is_to_blame:
                    break
        raise errors.UnavailableError("log_away")

    def parts(self, asked: Mapping[str, Any], seconds: float) -> Iterator[AnswerPart]:
        """Yield what is answered in parts. Raises ProcessEnded where the process ends meanwhile."""
        try:
            yield from self._running().call(asked, seconds)
        except ProcessEnded:
            self._ended()
            raise

    def question(self, asked: Mapping[str, Any], seconds: float) -> AnswerPart:
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

    def _running(self) -> Process:
        with self._lock:
            self._ended()
            if self._process is None:
                self._process = self._begun()
            if not self._process.is_open:
                self._open(self._process)
            return self._process

    def _begun(self) -> Process:
        pause = self._not_before - time.monotonic()
        if pause > SHORT_PAUSE:
            raise errors.UnavailableError("log_away")
        time.sleep(max(0.0, pause))
        try:
            return Process(self._book)
        except OSError:
            self._failed()
            log.warning("the process of the log could not be begun", exc_info=True)
            raise errors.UnavailableError("log_away") from None

    def _open(self, process: Process) -> None:
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
