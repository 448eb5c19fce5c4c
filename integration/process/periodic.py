"""Periodic work in the background of a process, which continues after errors; and a check whether a process runs."""

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger(__name__)


def run_periodically(work: Callable[[], object], *, every: float, until: threading.Event) -> None:
    """Call `work` every so many seconds until an event is set. Exceptions are logged, and the calls continue."""
    while not until.wait(every):
        try:
            work()
        except Exception:
            log.warning("work in the background failed", work=getattr(work, "__qualname__", ""), exc_info=True)


def is_dead(process: int) -> bool:
    """Return True if no process of this machine has this id, and False if that is unknown."""
    if sys.platform == "win32":
        return _is_dead_on_windows(process)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OverflowError:  # not a valid process id
        return True
    except PermissionError:
        return False
    return False


def _is_dead_on_windows(process: int) -> bool:
    """Query Windows, where signal 0 would end the process."""
    import ctypes  # noqa: PLC0415 - for Windows alone

    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    query, invalid, still_active = 0x1000, 87, 259  # PROCESS_QUERY_LIMITED_INFORMATION, ERROR_INVALID_PARAMETER
    handle = kernel.OpenProcess(query, False, process)
    if not handle:
        return bool(ctypes.get_last_error() == invalid)  # type: ignore[attr-defined,unused-ignore]
    status = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(status))
    kernel.CloseHandle(handle)
    return status.value != still_active
