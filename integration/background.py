"""What goes on in the background of a process, and never dies of one bad moment."""

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


def again_and_again(work: Callable[[], object], *, every: float, until: threading.Event) -> None:
    """Do some work every so many seconds until an event is set. Trouble is logged, and the work tried again."""
    while not until.wait(every):
        try:
            work()
        except Exception:
            log.warning("work in the background failed", work=getattr(work, "__qualname__", ""), exc_info=True)
