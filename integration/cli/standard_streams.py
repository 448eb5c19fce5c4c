"""Standard streams of a command: their encoding, and the traceback of a defect."""

import io
import sys
import traceback
from types import TracebackType

from integration.core.untrusted_text import indented


def set_encoding() -> None:
    """Write UTF-8 to files and pipes on every platform; a terminal may show question marks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def show_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print the traceback of a defect, indented because it may contain any text."""
    sys.stderr.write(indented("".join(traceback.format_exception(kind, error, trace))))
