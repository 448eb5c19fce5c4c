"""The console on a platform without POSIX, as far as this machine can play one: see `tests/windows_emulation.py`.

No Unix sockets, no fork, no modes of files, no `fcntl` and `resource`, no signal but those of Windows; names of open
files are held; what a text file is written in nobody says by default, and pipes are of Windows-1252.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from integration.alerts.transport.post import ChannelRoute, Message, Post
from integration.application.stores import stores_of
from integration.core.clocks import now
from integration.process.child_environment import network_environment
from integration.store.database import open_database
from integration.store.keys import write_keys
from tests.alerts.transport.receivers import web_server
from tests.programs import CommandResult, environment
from tests.servers import ROOT, serve_console
from tests.timeouts import LONGEST, SECONDS, wait_until
from tests.visitor import Person

pytestmark = [pytest.mark.processes, pytest.mark.long, pytest.mark.timeout(LONGEST)]

PLATFORM = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONIOENCODING": "cp1252"}
SANDBOX = {"SANDBOX": "true", "SANDBOX_ARTICLES": "50"}
SIGNS = "Čaj, ✓ 1 € – łódź"  # some of which Windows-1252 has not


@dataclass(frozen=True)
class WindowsEmulation:
    """An emulation of Windows, with a data folder."""

    folder: Path
    python: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "python", self.folder / "python")
        start = (
            f'#!/bin/sh\nexec "{sys.executable}" -X warn_default_encoding "{ROOT}/tests/windows_emulation.py" "$@"\n'
        )
        self.python.write_text(start, encoding="utf-8")
        self.python.chmod(0o755)

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables of the emulation."""
        return {**PLATFORM, "PYTHON_EMULATED": str(self.python)}

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a program in the emulation."""
        return {**environment(**{"DATA": str(self.data), **settings}), **self.variables, "COLUMNS": "100"}

    def __call__(self, *arguments: str, **settings: str) -> CommandResult:
        """Run a command to its end."""
        process = subprocess.run(
            [str(self.python), "-m", "integration", *arguments], cwd=ROOT, capture_output=True, check=False,
            env=self.environment(settings), timeout=LONGEST,
        )  # fmt: skip
        return CommandResult(process.returncode, process.stdout.decode(), process.stderr.decode("utf-8", "replace"))

    def runs(self, code: str) -> None:
        """Run lines of Python in the emulation, and require that they succeed."""
        subprocess.run([str(self.python), "-c", code], cwd=ROOT, check=True, env=self.environment({}), timeout=SECONDS)


@pytest.fixture(scope="module")
def emulation(tmp_path_factory: pytest.TempPathFactory) -> WindowsEmulation:
    """A console in the emulation in which a flow has run."""
    new_emulation = WindowsEmulation(tmp_path_factory.mktemp("emulation"))
    result = new_emulation("run", "products", "--json", **SANDBOX)
    assert result.status == 0, result.err
    return new_emulation


def test_the_platform_has_nothing_of_posix(emulation: WindowsEmulation) -> None:
    emulation.runs(
        "import os, signal, socket, subprocess, sys\n"
        "from pathlib import Path\n"
        "assert not [one for one in ('fork', 'getppid', 'pidfd_open', 'getuid') if hasattr(os, one)]\n"
        "assert not hasattr(socket, 'AF_UNIX') and not hasattr(signal, 'SIGKILL') and not hasattr(signal, 'SIGHUP')\n"
        "for name in ('fcntl', 'resource', 'pwd'):\n"
        "    try: __import__(name)\n"
        "    except ImportError: continue\n"
        "    raise AssertionError(name)\n"
        "assert open(os.devnull).encoding != 'utf-8' and sys.stdout.encoding == 'cp1252'\n"
        f"kept = Path({str(emulation.folder)!r}, 'kept')\n"
        "with kept.open('w', encoding='ascii'):\n"
        "    try: kept.unlink()\n"
        "    except PermissionError: pass\n"
        "    else: raise AssertionError('unlinked')\n"
        "assert kept.stat().st_mode & 0o777 == 0o666\n"
        "try: kept.rename(kept.with_name('12:30'))\n"
        "except OSError: pass\n"
        "else: raise AssertionError('renamed')\n"
        "sleeps = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "sleeps.terminate()\n"
        "assert sleeps.wait() == 1\n"
    )


def test_a_flow_is_previewed_committed_and_in_the_log(emulation: WindowsEmulation) -> None:
    (run,) = (row for row in emulation("runs", "--json").json if row["flow"] == "products")
    assert (run["state"], run["proven"] > 20) == ("done", True)
    answer = emulation("log", "SELECT count(*) AS proven FROM events WHERE event = 'proven'", "--json")
    assert answer.status == 0, answer.err
    assert answer.json["rows"][0][0] >= run["proven"]  # groups of articles have no weight


def test_everything_adds_up_on_all_flows(emulation: WindowsEmulation) -> None:
    result = emulation("demo", "--articles", "50")
    assert result.status == 0, result.err
    assert "✓" in result.out


def test_what_a_command_says_and_writes_is_utf8_whatever_the_platform_thinks(emulation: WindowsEmulation) -> None:
    file = emulation.folder / "arranged.json"
    file.write_text(json.dumps({"sluis": 1, "tables": {"payment_methods": {SIGNS: "1600"}}}), encoding="utf-8")
    assert emulation("settings", "import", str(file)).status == 0
    assert SIGNS in emulation("settings", "export", "-").out
    assert emulation("settings", "export", str(emulation.folder / "again.json")).status == 0
    assert SIGNS in (emulation.folder / "again.json").read_text(encoding="utf-8")
    file.write_text("{", encoding="utf-8")
    assert emulation("settings", "import", str(file), "--json").json["error"] == "configuration_invalid"


def test_a_backup_is_made_verified_and_restored(emulation: WindowsEmulation) -> None:
    file, restored_folder = emulation.folder / "backup.zip", emulation.folder / "restored"
    for command in (("backup", str(file)), ("verify", str(file))):
        result = emulation(*command)
        assert result.status == 0, result.err
    result = emulation("restore", str(file), DATA=str(restored_folder))
    assert result.status == 0, result.err
    run_lists = [emulation("runs", "--json", DATA=str(folder)).json for folder in (emulation.data, restored_folder)]
    assert [row["run"] for row in run_lists[0]] == [row["run"] for row in run_lists[1]]


def test_keys_are_changed_and_what_is_old_is_let_go(emulation: WindowsEmulation) -> None:
    for command in (("key", "change"), ("retention",), ("audit", "verify"), ("doctor", "--offline")):
        result = emulation(*command)
        assert "Traceback" not in result.err, result.err
        assert result.status == (1 if command[0] == "doctor" else 0), result.out  # it is told that others may read
    assert emulation("check", "--json", **SANDBOX).status == 0


def test_a_log_that_others_hold_is_reported_and_not_broken(emulation: WindowsEmulation) -> None:
    with closing(duckdb.connect(str(emulation.data / "log.duckdb"))):
        result = emulation("log", "SELECT 1", "--json")
    assert (result.status, result.json["error"]) == (5, "log_owned_elsewhere")
    assert emulation("log", "SELECT 1", "--json").status == 0


def test_a_console_serves_its_pages_with_a_worker_beside_it_that_ends_when_it_is_asked_to(
    emulation: WindowsEmulation,
) -> None:
    settings = {f"CONSOLE_{name}": value for name, value in SANDBOX.items()} | emulation.variables
    with serve_console(emulation.data, settings=settings, program=str(emulation.python)) as server:
        ann = Person(server, "")
        assert "MplusKASSA" in ann.open_page("overview")
        assert "products" in ann.open_page("logs").lower()
        ann.close()
        worker = subprocess.Popen(
            [str(emulation.python), "-m", "integration", "worker", "--json"], cwd=ROOT, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=emulation.environment(SANDBOX), text=True, encoding="utf-8",
        )  # fmt: skip
        try:
            assert worker.stdout is not None
            assert "worker-1" in worker.stdout.readline()
            worker.send_signal(signal.SIGINT)  # as Ctrl+C does, and a service of Windows that is stopped
            assert worker.wait(SECONDS) == 0
        finally:
            worker.kill()
            worker.communicate()
        with closing(open_database(f"sqlite:///{emulation.data / 'console.sqlite'}")) as database:
            wait_until(
                lambda: not stores_of(database, now).heartbeats.dead_processes(), "that the worker is not missed"
            )
    assert not (emulation.data / "server.json").exists()


def test_the_process_of_the_log_ends_with_a_console_that_is_ended_at_once(emulation: WindowsEmulation) -> None:
    settings = {f"CONSOLE_{name}": value for name, value in SANDBOX.items()} | emulation.variables
    with serve_console(emulation.data, settings=settings, program=str(emulation.python)) as server:
        Person(server, "").open_page("logs")
        children = [entry for entry in processes() if entry[1] == server.process.pid and "integration.log" in entry[2]]
        assert len(children) == 1
        server.process.kill()
        wait_until(
            lambda: children[0][0] not in {entry[0] for entry in processes()}, "the end of the process of the log"
        )
    assert emulation("log", "SELECT 1", "--json").status == 0  # nobody holds it


def processes() -> list[tuple[int, int, str]]:
    """Return the processes of this machine with their parents and their commands."""
    entries = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                command = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            if stat[0] != "Z":
                entries.append((int(folder.name), int(stat[1]), command))
    return entries


def test_a_message_goes_out_in_all_its_signs(emulation: WindowsEmulation) -> None:
    with web_server() as hook:
        code = (
            "from integration.alerts.transport.post import Message, Post, ChannelRoute\n"
            "from integration.process.child_environment import network_environment\n"
            f"message = Message({hook.address!r}, {SIGNS!a}, {SIGNS!a})\n"
            "(sent,) = Post(ChannelRoute(network_environment())).send([message])\n"
            "assert sent.ok, sent\n"
        )
        emulation.runs(code)
        assert hook.titles == [SIGNS]
        assert Post(ChannelRoute(network_environment())).send([Message(hook.address, SIGNS, SIGNS)])[0].ok


def test_a_key_is_written_whole_by_who_comes_first(emulation: WindowsEmulation) -> None:
    file = emulation.folder / "some.key"
    write_keys(file, [b"first"], anew=False)
    code = (
        "from pathlib import Path\n"
        "from integration.store.keys import write_keys\n"
        f"file = Path({str(file)!r})\n"
        "write_keys(file, [b'second'], anew=False)\n"
        "assert file.read_bytes() == b'first'\n"
        "write_keys(file, [b'second', b'first'])\n"
    )
    emulation.runs(code)
    assert file.read_bytes() == b"second\nfirst"
    assert sorted(path.name for path in file.parent.glob("some.key*")) == ["some.key"]
