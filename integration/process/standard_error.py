"""Standard error of a process: one line per message, secrets masked, all characters visible."""

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


class ErrorIgnoringStream(TextIOBase):
    """Stream that ignores write errors: text that cannot be written, for example on a full disk, is lost."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text. Errors are ignored."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream. Errors are ignored."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def set_up_log(level: str) -> None:
    """Write log lines of this level and above to the standard error, one line each.

    A traceback shows lines of code but no values, which may be secrets. Messages of libraries, and exceptions that
    end the program or a thread, are masked in the same way.
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
        logger_factory=lambda *_: structlog.PrintLogger(cast("TextIO", ErrorIgnoringStream(sys.stderr))),
    )
    logging.setLogRecordFactory(_OneLineRecord)
    if sys.excepthook is sys.__excepthook__:  # hooks of others have their own format
        sys.excepthook = _report_crash
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda lost: _report_crash(lost.exc_type, lost.exc_value, lost.exc_traceback)
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda lost: _report_crash(lost.exc_type, lost.exc_value, lost.exc_traceback)


class _OneLineRecord(logging.LogRecord):
    """Log record of a library, in one line. Its traceback is indented, so that it cannot pass for log lines."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if self.exc_info and self.exc_info[0] is not None:
            self.exc_text = _trace(*self.exc_info).rstrip("\n")

    def getMessage(self) -> str:  # noqa: N802 - the name that logging gives it
        """Return the whole message with all characters visible."""
        return visible(masked_text(super().getMessage()))


def _report_crash(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error or kind(), trace)
        return
    ErrorIgnoringStream(sys.stderr).write(_trace(kind, error, trace))


def _trace(kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> str:
    """Return an indented traceback, so that an error's text cannot pass for log lines."""
    return indented(masked_text("".join(traceback.format_exception(kind, error, trace))))


def _in_one_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Make all values visible in one line, without control characters for a terminal."""
    return {
        name: value if name == "exc_info" else visible(value if isinstance(value, str) else repr(value))
        for name, value in event.items()
    }


def _indented_trace(out: TextIO, trace: ExcInfo) -> None:
    buffer = io.StringIO()
    structlog.dev.plain_traceback(buffer, trace)
    out.write(indented(buffer.getvalue()).rstrip("\n"))


def _without_retries(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Drop messages about retries of a call, which are of no interest before the last attempt."""
    if event.get("event") == "stamina.retry_scheduled":
        raise structlog.DropEvent
    return event
