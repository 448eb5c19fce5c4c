"""What a process says on its standard error: one line for each thing, without secrets, with every sign to be seen."""

import io
import logging
import sys
import threading
import traceback
from contextlib import suppress
from io import TextIOBase
from types import TracebackType
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, ExcInfo

from integration.core.masking import masked_text
from integration.core.untrusted_text import indented, visible


class Steady(TextIOBase):
    """A stream whose troubles stop nobody: what cannot be written, on a full disk for example, is lost."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Let go of what can be let go of."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def set_up_log(level: str) -> None:
    """Write log lines from this level on to the standard error, one line each.

    A trace shows lines of code and never the values in them: among those may be a secret. What libraries say of their
    own, and what ends a program or a thread, passes the same mask.
    """
    structlog.configure(
        processors=[
            *([] if level in ("debug", "info") else [_without_retries]),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _in_one_line,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=_indented_trace
            ),
            lambda _logger, _method, line: masked_text(str(line)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.PrintLogger(cast("TextIO", Steady(sys.stderr))),
    )
    logging.setLogRecordFactory(_Said)
    if sys.excepthook is sys.__excepthook__:  # somebody else's shows less, or knows better
        sys.excepthook = _died
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda lost: _died(lost.exc_type, lost.exc_value, lost.exc_traceback)
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda lost: _died(lost.exc_type, lost.exc_value, lost.exc_traceback)


class _Said(logging.LogRecord):
    """What a library logs, in one line whatever it speaks of; nobody takes its trace for lines of the log."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        if self.exc_info and self.exc_info[0] is not None:
            self.exc_text = _trace(*self.exc_info).rstrip("\n")

    def getMessage(self) -> str:  # noqa: N802 - the name that logging gives it
        """Return the whole message with every sign to be seen."""
        return visible(masked_text(super().getMessage()))


def _died(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error or kind(), trace)
        return
    Steady(sys.stderr).write(_trace(kind, error, trace))


def _trace(kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> str:
    """Return a trace that nobody takes for lines of the log, whatever the error says."""
    return indented(masked_text("".join(traceback.format_exception(kind, error, trace))))


def _in_one_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Let nothing that is spoken of make lines of its own, or do anything to a terminal."""
    return {
        name: value if name == "exc_info" else visible(value if isinstance(value, str) else repr(value))
        for name, value in event.items()
    }


def _indented_trace(out: TextIO, trace: ExcInfo) -> None:
    said = io.StringIO()
    structlog.dev.plain_traceback(said, trace)
    out.write(indented(said.getvalue()).rstrip("\n"))


def _without_retries(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A call that is tried again is no news before the last attempt, whatever the library thinks."""
    if event.get("event") == "stamina.retry_scheduled":
        raise structlog.DropEvent
    return event
