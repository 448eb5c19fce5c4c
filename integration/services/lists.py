"""Answers that a page can do without: kept, and asked for again in the background."""

import threading
import time
from collections.abc import Callable, Hashable

import structlog

from integration.core.errors import IntegrationError

log = structlog.get_logger(__name__)

FIRST_SECONDS = 0.5  # how long somebody waits for an answer that was never given before
LAST_SECONDS = 10.0

Captions = dict[str, str]


class Remembered:
    """Codes and captions by what was asked. Safe to use from several threads; a question is asked once at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: dict[Hashable, tuple[float, Captions]] = {}
        self._asking: dict[Hashable, threading.Event] = {}
        self._askers: list[threading.Thread] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Wait for what is being asked, because what it is asked of goes away."""
        for asker in self._askers:
            asker.join(LAST_SECONDS)

    def get(self, question: Hashable, ask: Callable[[], Captions]) -> Captions:
        """Return the last answer, at once where there is one; nothing while the system does not answer."""
        with self._lock:
            at, known = self._kept.get(question, (None, {}))
            if at is not None and time.monotonic() - at < self._seconds:
                return known
            answered = self._asking.get(question)
            if answered is None:
                answered = self._asking[question] = threading.Event()
                asker = threading.Thread(target=self._ask, args=(question, ask, answered), name="captions", daemon=True)
                self._askers = [one for one in self._askers if one.is_alive()] + [asker]
                asker.start()
        if at is None:
            answered.wait(FIRST_SECONDS)
            with self._lock:
                known = self._kept.get(question, (0.0, {}))[1]
        return known

    def _ask(self, question: Hashable, ask: Callable[[], Captions], answered: threading.Event) -> None:
        found: Captions | None = None
        try:
            found = ask()
        except IntegrationError as error:
            log.info("captions are not known", question=str(question), cause=error.code)
        finally:
            with self._lock:
                last = self._kept.get(question, (0.0, {}))[1]
                self._kept[question] = (time.monotonic(), last if found is None else found)
                del self._asking[question]
            answered.set()
