"""Emulates Windows on this machine: runs a program of the console without POSIX calls.

It replaces the Python executable and takes its arguments: `-m integration run orders`. Child processes that start with
`sys.executable` are emulated too. `sys.platform` stays unchanged, because libraries choose their imports by it.
"""

import asyncio  # noqa: F401 - with the next, what decides by `sys.platform` alone
import builtins
import errno
import io
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs  # noqa: F401

MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline", "crypt", "spwd")
CALLS = (
    "fork", "forkpty", "getppid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "setsid", "getsid", "getpgid",
    "killpg", "pidfd_open", "register_at_fork", "mkfifo", "mknod", "nice", "getloadavg", "sched_getaffinity",
    "fchmod", "chown", "fchown", "lchown", "O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "O_NONBLOCK",
)  # fmt: skip
SIGNALS = (
    "SIGKILL", "SIGHUP", "SIGSTOP", "SIGCONT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGPIPE", "SIGQUIT", "SIGTSTP",
    "pthread_kill", "pthread_sigmask", "sigwait", "setitimer",
)  # fmt: skip
NO_NAME = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)', re.IGNORECASE)
SHARED, KILLED = 32, 1  # ERROR_SHARING_VIOLATION, and how a process ends that is ended
ROOT = Path(__file__).parent.parent


def remove_posix() -> None:
    """Remove modules, calls and signals that Windows does not have."""
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in CALLS:
        if hasattr(os, name):
            delattr(os, name)
    for name in SIGNALS:
        if hasattr(signal, name):
            delattr(signal, name)
    pair, unix = socket.socketpair, socket.AF_UNIX
    socket.socketpair = lambda *_: pair(unix)  # which Windows makes of two other sockets
    del socket.AF_UNIX


def end_at_once() -> None:
    """End processes as Windows does: at once, and without a signal handler."""
    kill, popen = os.kill, subprocess.Popen

    def end_process(process: "subprocess.Popen[Any]") -> None:
        if process.poll() is None:
            kill(process.pid, 9)

    def note_status(process: "subprocess.Popen[Any]", status: int, *more: Any) -> None:
        original(process, status, *more)
        if process.returncode is not None and process.returncode < 0:
            process.returncode = KILLED

    original = popen._handle_exitstatus  # type: ignore[attr-defined]
    popen._handle_exitstatus = note_status  # type: ignore[attr-defined]
    popen.kill = popen.terminate = end_process  # type: ignore[method-assign,assignment]


def ignore_modes() -> None:
    """Ignore file modes, except that a file may be read-only."""
    original_open, original_mkdir, original_chmod = os.open, os.mkdir, os.chmod

    def chmod(path: Any, mode: int, *more: Any, **keywords: Any) -> None:
        original_chmod(path, 0o777 if Path(path).is_dir() else 0o666 if mode & 0o200 else 0o444, *more, **keywords)

    os.umask(0)
    os.umask = lambda _: 0
    os.chmod = chmod
    os.open = lambda path, flags, mode=0o777, **keywords: original_open(
        check_file_name(path), flags, mode | 0o666, **keywords
    )
    os.mkdir = lambda path, mode=0o777, **keywords: original_mkdir(check_file_name(path), mode | 0o777, **keywords)


def check_file_name(path: Any) -> Any:
    """Return a path unchanged. Raises OSError for a file name that Windows does not allow."""
    if isinstance(path, (str, Path)) and not str(path).startswith("/proc/") and NO_NAME.search(Path(path).name):
        raise OSError(errno.EINVAL, "no name of a file there", str(path))
    return path


def refuse_open_files() -> None:
    """Refuse to remove or rename a file that is open."""

    def refuse_if_open(call: Callable[..., Any], *, both: bool) -> Callable[..., Any]:
        def calls(source: Any, *more: Any, **keywords: Any) -> Any:
            for path in (source, *(more[:1] if both else ())):
                if "dir_fd" not in keywords and isinstance(path, (str, Path)) and is_open(Path(path)):
                    raise PermissionError(errno.EACCES, f"[WinError {SHARED}] somebody has it open", str(path))
            if both and more:
                check_file_name(more[0])
            return call(source, *more, **keywords)

        return calls

    os.unlink, os.remove = refuse_if_open(os.unlink, both=False), refuse_if_open(os.remove, both=False)
    os.rename, os.replace = refuse_if_open(os.rename, both=True), refuse_if_open(os.replace, both=True)
    shutil._use_fd_functions = False  # type: ignore[attr-defined]


def is_open(path: Path) -> bool:
    """Return True if a process that can be inspected has the file open."""
    target = str(path.absolute())
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if any(str(descriptor.readlink()) == target for descriptor in (process / "fd").iterdir()):
                    return True
            except OSError:
                continue
    return False


def require_encodings() -> None:
    """Raise an error if a module of the product opens a text file without an encoding."""
    opened = io.open

    def open_(file: Any, *more: Any, **keywords: Any) -> Any:
        mode = more[0] if more else keywords.get("mode", "r")
        if any(sign in mode for sign in "wxa"):
            check_file_name(file)
        return opened(file, *more, **keywords)

    builtins.open = io.open = open_
    warnings.filterwarnings("error", category=EncodingWarning, module=r"integration(\.|$)")


def main() -> None:
    """Run Python with these arguments."""
    sys.executable = os.environ["PYTHON_EMULATED"]
    arguments = [argument for argument in sys.argv[1:] if argument != "-P"]
    for change in (remove_posix, end_at_once, ignore_modes, refuse_open_files, require_encodings):
        change()
    sys.path[0] = str(Path.cwd())
    match arguments:
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["-c", code, *rest]:
            sys.argv = ["-c", *rest]
            exec(code, {"__name__": "__main__"})  # noqa: S102 - as Python does
        case _:
            raise SystemExit(f"not understood: {arguments}")


if __name__ == "__main__":
    main()
