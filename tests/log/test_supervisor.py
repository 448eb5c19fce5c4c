"""The log process: however it ends or stops, queries are answered or cancelled, and no event is lost."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.log import fill_log
from integration.core.errors import UnavailableError
from integration.log import wire
from integration.log.logbook import Logbook
from integration.log.sql_allowlist import QueryError
from integration.store.events import Event
from integration.store.outbox_reader import OutboxReader
from tests.log.conftest import NOW
from tests.timeouts import SECONDS, wait_until

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parent.parent.parent
LONG = "SELECT count(*) FROM range(10000000000) a, range(1000) b WHERE a.range * b.range % 7 = 3"
COUNT = "SELECT count(*) AS n FROM events"
ASKED = 100
OWN = """
import sys, time
from pathlib import Path
from integration.log.logbook import Logbook
logbook = Logbook(Path(sys.argv[1]), memory="128MB", threads=1)
logbook.open()
print(logbook.process, flush=True)
time.sleep(600)
"""


def process_of(logbook: Logbook) -> int:
    """Return the number of the process that keeps a log."""
    logbook.open()
    assert logbook.process is not None
    return logbook.process


def is_there(process: int) -> bool:
    """Return True if a process exists and is no zombie."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@contextmanager
def owner(path: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Give another console that has a log open, and the process that keeps it."""
    with subprocess.Popen([sys.executable, "-c", OWN, str(path)], stdout=subprocess.PIPE, text=True) as console:
        assert console.stdout is not None
        try:
            yield console, int(console.stdout.readline())
        finally:
            console.kill()


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        *(pytest.param(signal_number, marks=pytest.mark.long) for signal_number in (signal.SIGSEGV, signal.SIGABRT)),
    ],
)
def test_a_process_that_was_killed_is_begun_anew_and_nothing_is_lost(
    logbook_of_run: Logbook, events: OutboxReader, number: signal.Signals
) -> None:
    before = process_of(logbook_of_run)
    os.kill(before, number)
    events.record(Event(event="checked"))
    assert logbook_of_run.drain(events) == 1
    assert logbook_of_run.ask(COUNT)["n"][0] == 8
    assert logbook_of_run.process != before
    assert not logbook_of_run.is_away


def test_a_process_of_the_log_knows_no_secret_of_its_console(
    shared_logbook: Logbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_logbook.close()
    for name in ("CONSOLE_KEY", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "a secret of somebody")
    environment = Path(f"/proc/{process_of(shared_logbook)}/environ").read_text(encoding="utf-8")
    assert "PATH=" in environment
    assert "a secret of somebody" not in environment


def test_signals_to_the_whole_group_leave_the_process_to_its_console(shared_logbook: Logbook) -> None:
    before = process_of(shared_logbook)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(before, number)
    assert shared_logbook.ask(COUNT)["n"][0] == 7
    assert shared_logbook.process == before


@pytest.mark.long
def test_a_suspended_process_is_ended_and_whoever_waits_is_answered(
    logbook_of_run: Logbook, events: OutboxReader
) -> None:
    before = process_of(logbook_of_run)
    os.kill(before, signal.SIGSTOP)
    events.record(Event(event="checked"))
    assert logbook_of_run.drain(events) == 1
    assert logbook_of_run.process != before
    os.kill(process_of(logbook_of_run), signal.SIGSTOP)
    assert logbook_of_run.ask(COUNT)["n"][0] == 8, "a user query is not taken for the culprit"
    assert not is_there(before)


def test_what_others_asked_is_answered_when_a_question_ends_the_process(shared_logbook: Logbook) -> None:
    """A user query is killed from outside while ten other queries and queries of pages are running."""
    results: list[int] = []

    def ask(work: Callable[[], int]) -> None:
        results.append(work())

    works: list[Callable[[], int]] = [
        lambda: int(shared_logbook.ask(COUNT, seconds=SECONDS)["n"][0]) for _ in range(10)
    ]
    works += [lambda: len(shared_logbook.answer("run_events", run="r1")) for _ in range(10)]
    process = process_of(shared_logbook)
    os.kill(process, signal.SIGSTOP)  # so that all of them are under way
    threads = [threading.Thread(target=ask, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    os.kill(process, signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert sorted(results) == [3] * 10 + [7] * 10


@pytest.mark.long
def test_a_question_that_ends_the_process_each_time_is_stopped_and_the_others_are_not(logbook_of_run: Logbook) -> None:
    answers: dict[str, object] = {}

    def ask(name: str, sql: str) -> None:
        try:
            answers[name] = int(logbook_of_run.ask(sql, seconds=2)["n"][0])
        except QueryError as error:
            answers[name] = error.code

    others = [threading.Thread(target=ask, args=(f"other-{number}", COUNT)) for number in range(4)]
    killer = threading.Thread(target=ask, args=("killer", LONG.replace("count(*)", "count(*) AS n")))
    killer.start()
    for thread in others:
        thread.start()
    for thread in (killer, *others):
        thread.join()
    assert answers.pop("killer") in ("query_slow", "query_stopped")
    assert set(answers.values()) == {7}


@pytest.mark.long
def test_a_console_that_ends_while_its_log_is_read_leaves_no_trace(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fill_log(tmp_path / "log.duckdb", 150_000, NOW)  # of which the second part is read while the first is taken
    logbook = Logbook(tmp_path / "log.duckdb")
    next(logbook._supervisor.parts({"do": "export"}, SECONDS))
    logbook.close()
    assert capfd.readouterr().err == ""


def test_a_console_that_is_killed_takes_its_process_along_and_the_next_one_has_the_file(tmp_path: Path) -> None:
    path = tmp_path / "log.duckdb"
    with owner(path) as (console, process):
        console.kill()
        console.wait()
        begun = time.monotonic()
        next_one = Logbook(path, patience=SECONDS)
        assert next_one.ask(COUNT)["n"][0] == 0
        next_one.close()
        assert time.monotonic() - begun < SECONDS
        wait_until(lambda: not is_there(process), "the end of the process")


def test_a_process_ends_with_its_console_although_a_copy_of_that_holds_its_input(tmp_path: Path) -> None:
    """A child that a library forked keeps every file of the console open."""
    code = OWN.replace(
        "print(logbook",
        "import ctypes, os\nif ctypes.CDLL(None).fork() == 0:\n    time.sleep(20)\n    os._exit(0)\nprint(logbook",
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "log.duckdb")], stdout=subprocess.PIPE, text=True
    ) as console:
        assert console.stdout is not None
        process = int(console.stdout.readline())
        console.kill()
        wait_until(lambda: not is_there(process), "the end of the process", seconds=15)


def test_two_consoles_on_one_folder_are_distinguished(tmp_path: Path) -> None:
    path = tmp_path / "log.duckdb"
    with owner(path) as (console, process):
        begun = time.monotonic()
        with pytest.raises(Exception, match="log_owned_elsewhere") as caught:
            Logbook(path, patience=0.2).open()
        assert time.monotonic() - begun < SECONDS
        assert str(console.pid) in str(caught.value), "the console is told, not the process that it would begin anew"
        assert is_there(process)


def test_a_copy_of_the_console_neither_ends_nor_disturbs_the_process(shared_logbook: Logbook) -> None:
    process = process_of(shared_logbook)
    copy = os.fork()
    if copy == 0:
        try:
            shared_logbook.close()
            os._exit(0 if shared_logbook.process is None else 1)
        finally:
            os._exit(2)
    assert os.waitpid(copy, 0)[1] == 0
    assert shared_logbook.ask(COUNT)["n"][0] == 7
    assert shared_logbook.process == process


def test_a_process_that_never_begins_is_tried_after_longer_and_longer_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: OutboxReader
) -> None:
    path, begun, program = tmp_path / "log.duckdb", tmp_path / "begun", tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho >>'{begun}'\nexit 1\n", encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    logbook = Logbook(path)
    logbook.start(events)
    try:
        events.record(Event(event="checked"))
        wait_until(lambda: logbook.is_away, "the news that it is away")
        for _ in range(ASKED):
            with pytest.raises(UnavailableError, match="log_away"):
                logbook.answer("span")
        assert len(begun.read_text(encoding="utf-8").splitlines()) < ASKED / 5, "who asks waits for another beginning"
        assert events.count() == 1
    finally:
        monkeypatch.undo()
        wait_until(lambda: not logbook.is_away and not events.count(), "the log, and the event in it")
        assert logbook.ask(COUNT)["n"][0] == 1
        logbook.stop()


@pytest.mark.parametrize("input_state", ["nothing", "everything", "everything, and took the folder"])
def test_a_process_whose_console_ended_while_it_began_says_nothing(tmp_path: Path, input_state: str) -> None:
    """As a command of the terminal does that is refused right after it began."""
    folder = tmp_path / "lines"
    folder.mkdir()
    message = {
        "path": str(tmp_path / "log.duckdb"), "memory": "128MB", "threads": 1, "unix": True,
        "folder": str(folder), "token": "token", "console": os.getpid(),
    }  # fmt: skip
    theirs, ours = os.pipe()
    with os.fdopen(theirs, "rb") as its_input, os.fdopen(ours, "wb") as console:
        if input_state != "nothing":
            console.write(wire.message_line(message))
            console.flush()
        if input_state == "everything, and took the folder":
            folder.rmdir()
        else:
            console.close()
        process = subprocess.run(
            [sys.executable, "-m", "integration.log"],
            cwd=ROOT, stdin=its_input, capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    assert (process.returncode, process.stdout, process.stderr) == (0, b"", b"")


def test_an_idle_process_takes_next_to_nothing(logbook_of_run: Logbook, events: OutboxReader) -> None:
    logbook_of_run.start(events)
    process = process_of(logbook_of_run)

    def cpu_seconds() -> float:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    time.sleep(1)
    before = cpu_seconds()
    time.sleep(4)
    assert cpu_seconds() - before <= 0.04
    logbook_of_run.stop()


def test_it_is_spoken_to_on_a_port_where_there_are_no_unix_sockets(tmp_path: Path, events: OutboxReader) -> None:
    logbook = Logbook(tmp_path / "log.duckdb", unix=False)
    events.record(Event(event="checked"))
    assert logbook.drain(events) == 1
    assert logbook.ask(COUNT)["n"][0] == 1
    logbook.close()


def folders() -> set[Path]:
    """Return the folders in which processes of logs are spoken to."""
    return set(Path(tempfile.gettempdir()).glob("console-log-*"))


def test_whoever_has_no_token_is_not_answered(tmp_path: Path) -> None:
    before = folders()
    logbook = Logbook(tmp_path / "log.duckdb")
    logbook.open()
    (folder,) = {path for path in folders() - before if str(path) in _unix_sockets(logbook)}
    assert folder.stat().st_mode & 0o077 == 0
    with wire.connect(folder, "guess", 5) as guessed:
        assert _is_refused(guessed)
    with socket.socket(socket.AF_UNIX) as without:
        without.connect(str(folder / "socket"))
        assert _is_refused(without)
    logbook.close()
    assert not folder.exists()


def _is_refused(line: socket.socket) -> bool:
    """Return True if the server closed the connection, before or after it received the user query."""
    try:
        wire.send(line, {"do": "ping"})
        return not wire.receive(line)
    except (EOFError, OSError):
        return True


def _unix_sockets(logbook: Logbook) -> str:
    """Return the Unix sockets that the process of a log has."""
    numbers = {str(descriptor.readlink()) for descriptor in Path(f"/proc/{logbook.process}/fd").iterdir()}
    lines = Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if len(parts := line.split()) > 7 and f"socket:[{parts[6]}]" in numbers)


def test_an_export_begins_again_when_the_process_ends_meanwhile(shared_logbook: Logbook, tmp_path: Path) -> None:
    os.kill(process_of(shared_logbook), signal.SIGKILL)
    assert shared_logbook.export(tmp_path / "log.parquet") == 7
