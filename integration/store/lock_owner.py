"""Finds a suspended process that holds the write lock of a SQLite file. Works on Linux only."""

import os
from pathlib import Path

LOCKS = Path("/proc/locks")
WRITE_LOCK = 120  # the byte of the `-shm` file that a writer locks (sqlite.org/walformat.html)
STOPPED = ("T", "t")  # stopped by a signal or by a debugger


def suspended_holder(file: Path) -> int | None:
    """Return the id of the process that holds the write lock of a database file while it is suspended.

    Returns None if no process holds the lock, if its holder is running, or if the operating system does not report
    locks.
    """
    try:
        shared = Path(f"{file}-shm").stat()
        locks = [line.split() for line in LOCKS.read_text(encoding="utf-8").splitlines()]
        holders = [
            int(lock[-4]) for lock in locks if "POSIX" in lock and "WRITE" in lock and _is_write_lock(lock, shared)
        ]
        return next((process for process in holders if _is_stopped(process)), None)
    except (OSError, ValueError, IndexError):
        return None


def _is_write_lock(lock: list[str], file: os.stat_result) -> bool:
    """Return True if a line `1: POSIX ADVISORY WRITE 4711 fd:01:1234 120 120` is about the write lock of a file."""
    major, minor, inode = lock[-3].split(":")
    first, last = int(lock[-2]), lock[-1]
    device = os.makedev(int(major, 16), int(minor, 16))
    covers = first <= WRITE_LOCK and (last == "EOF" or int(last) >= WRITE_LOCK)
    return covers and int(inode) == file.st_ino and device == file.st_dev


def _is_stopped(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    return stat.rpartition(")")[2].split()[0] in STOPPED
