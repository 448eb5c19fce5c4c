"""A real console on a free port, and a record of its calls to other machines."""

import os
import runpy
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import psutil

from tests import command as forked_command
from tests.forks import start_process
from tests.timeouts import SECONDS

ROOT = Path(__file__).parent.parent
COMMAND = ("-m", "integration", "console", "--port", "{port}")
DIRECTLY = ("-m", "streamlit", "run", "app.py", "--server.port", "{port}", "--server.headless", "true")

WATCH = """
import os, sys
said = open(os.environ["WATCHED"], "a", buffering=1)
def watch(event, given, said=said):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto"):
        asked = given[0] if event in ("socket.getaddrinfo", "socket.gethostbyname") else given[-1]
        host = asked[0] if isinstance(asked, tuple) else asked
        host = host.decode() if isinstance(host, bytes) else host
        ours = ("localhost", "::1", "", "0.0.0.0")
        if isinstance(host, str) and not host.startswith(("127.", "/")) and host not in ours:
            said.write(f"{event} {host}\\n")
sys.addaudithook(watch)
"""
"""Runs first in every Python process of this environment. An audit hook cannot be removed and sees every call."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running console."""

    port: int
    data: Path
    process: psutil.Process

    @property
    def address(self) -> str:
        """Its address on this machine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def outside(self) -> list[str]:
        """Other machines that it looked up or connected to."""
        return outside_connections(self.data)


def outside_connections(folder: Path) -> list[str]:
    """Return the other machines that programs in a watched folder looked up or connected to."""
    file = folder / "watched"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def watching(folder: Path) -> dict[str, str]:
    """Return the environment in which every Python process records its calls to other machines."""
    (folder / "watch").mkdir(exist_ok=True)
    (folder / "watch" / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    return {"PYTHONPATH": str(folder / "watch"), "WATCHED": str(folder / "watched")}


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serve_console(
    data: Path,
    *arguments: str,
    settings: Mapping[str, str],
    command: Sequence[str] = (),
    program: str = "",
    at: Path = ROOT,
) -> Iterator[Server]:
    """Run a console on a folder, with settings by their names in the environment.

    It is forked, which saves most of a start. With a command or a program, it is a new process from the folder `at`.
    """
    port = free_port()
    variables = environment(data, settings)
    if command or program:
        with (data / "server.log").open("a", encoding="utf-8") as log:
            words = [program or sys.executable, *(part.format(port=port) for part in command or COMMAND), *arguments]
            process: psutil.Process = psutil.Popen(words, cwd=at, env=variables, stdout=log, stderr=log)
    else:
        words = ["console", "--port", str(port), *arguments]
        forked_process = start_process(_watch_and_run, words, variables, data)
        process = psutil.Process(forked_process.pid)
    try:
        server = Server(port, data, process)
        _wait_until_well(server)
        yield server
    finally:
        with suppress(psutil.NoSuchProcess):  # a test may have killed it
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _watch_and_run(arguments: Sequence[str], environment: Mapping[str, str], data: Path) -> None:
    """Run a command in a forked process and watch it, as Python does where it starts a new one."""
    os.environ.update(environment)
    runpy.run_path(str(data / "watch" / "sitecustomize.py"))
    forked_command.run(arguments, environment, data / "server.log", data / "server.log")


def environment(data: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with only these settings of the console, by their full names."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("CONSOLE_", "STREAMLIT_"))}
    ours = {"CONSOLE_DATA": str(data), "CONSOLE_SANDBOX": "false", **settings}
    return {**others, **watching(data), "PYTHONUNBUFFERED": "1", **ours}


def _wait_until_well(server: Server) -> None:
    log = server.data / "server.log"
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        assert _is_alive(server.process), log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{server.address}/healthz", timeout=SECONDS) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8"))


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
