"""The log process: the only process that opens the log file. It serves the console that started it and ends with it."""

import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from integration.core.errors import IntegrationError
from integration.log import wire

if TYPE_CHECKING:
    import pyarrow as pa

    from integration.core.erasure import DataSubject
    from integration.log.file import LogFile

MORE_ADDRESSES = 3_000_000_000  # bytes of address space beyond the libraries, whose need grows with the cores
CPU_SECONDS = 600  # per request, for a process that its console can no longer stop
POLL_SECONDS = 2.0
CONSOLE_ENDED = threading.Event()  # set when the console ends


class ImportBlocker:
    """Prevents Arrow from importing pandas and NumPy, which are not needed and take longer than all other imports."""

    def find_spec(self, name: str, *_: object) -> None:
        """Raise ModuleNotFoundError for pandas and NumPy."""
        if name in {"pandas", "numpy"}:
            raise ModuleNotFoundError(name, name=name)


def detach() -> None:
    """Ignore signals to the process group, since the console ends this process, and disable core dumps."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - Windows has none

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_memory() -> None:
    """Limit the memory of this process, if the system reports its current size."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - Windows has none

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        address_limit = pages * resource.getpagesize() + MORE_ADDRESSES
        resource.setrlimit(resource.RLIMIT_AS, (address_limit, address_limit))


def allow_more_work() -> None:
    """Extend the CPU time limit of this process, counted from now."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - Windows has none

        until = int(time.process_time()) + CPU_SECONDS
        _, hard_limit = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (until if hard_limit < 0 else min(until, hard_limit), hard_limit))


def exit_with_parent(console: int, folder: Path) -> None:
    """End this process when the console ends: when stdin closes, or, if a forked copy keeps it open, by process id."""

    def end() -> NoReturn:
        CONSOLE_ENDED.set()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    def read() -> None:
        with suppress(OSError):
            while os.read(0, 1):
                pass
        end()

    def watch_parent() -> None:
        try:
            parent_handle = os.pidfd_open(console)
        except (AttributeError, OSError):
            while os.getppid() == console:
                time.sleep(POLL_SECONDS)
        else:
            import select  # noqa: PLC0415 - not everywhere

            watched = select.poll()
            watched.register(parent_handle, select.POLLIN)
            if os.getppid() == console:
                watched.poll()
        end()

    threading.Thread(target=read, daemon=True).start()
    if hasattr(os, "getppid") and sys.platform != "win32":
        threading.Thread(target=watch_parent, daemon=True).start()


def serve(line: socket.socket, token: str, book: "LogFile") -> None:
    """Serve requests on one connection until it is closed."""
    with line, suppress(EOFError, OSError):
        if wire.receive(line).get("token") != token:
            return
        while True:
            request = wire.receive(line)
            allow_more_work()
            try:
                for answer, table in _response_parts(request, book):
                    _send_part(line, answer, table)
            except IntegrationError as error:
                _send_error(line, book, error.code, error.facts, type(error).__name__)
            except (EOFError, ConnectionError):
                return
            except Exception as error:  # noqa: BLE001 - reported to the client; the next request is served
                if not CONSOLE_ENDED.is_set():  # errors during shutdown are of no interest
                    traceback.print_exc()
                _send_error(line, book, "unexpected_error", {"reason": type(error).__name__}, "")


def _send_error(line: socket.socket, book: "LogFile", code: str, facts: Mapping[str, object], kind: str) -> None:
    """Send an error, and whether DuckDB can continue after it."""
    wire.send(line, {"error": code, "facts": dict(facts), "kind": kind, "spoilt": book.has_fatal_error()})


def _response_parts(request: Mapping[str, Any], book: "LogFile") -> Iterator[tuple[dict[str, Any], "pa.Table | None"]]:
    match request["do"]:
        case "answer":
            yield {}, book.answer(request["query"], request["where"], _decode_parameters(request["parameters"]))
        case "ask":
            result, cut = book.ask(request["sql"], request["seconds"], request["rows"])
            yield {"cut": cut}, result
        case "export":
            for part in book.export():
                yield {"more": True}, part
            yield {}, None
        case "copy" | "prune" | "erase":
            for answer in _run_counting(request, book):
                allow_more_work()
                yield {"more": True, "events": answer}, None
            yield {}, None
        case "events_about":
            yield {}, book.events_about(_person(request))
        case _:
            yield _run_short(request, book), None


def _run_counting(request: Mapping[str, Any], book: "LogFile") -> Iterator[int]:
    """Perform a long request. Yields an event count from time to time as a sign of progress."""
    if request["do"] == "copy":
        return book.copy(Path(request["path"]), request["instance"], request["until"], request["waiting"])
    if request["do"] == "prune":
        return book.prune(datetime.fromisoformat(request["before"]), request["share"])
    return book.erase(_person(request))


def _person(request: Mapping[str, Any]) -> "DataSubject":
    from integration.core.erasure import person_from_json  # noqa: PLC0415 - a slow import for a rare request

    return person_from_json(request["person"])


def _run_short(request: Mapping[str, Any], book: "LogFile") -> dict[str, Any]:
    """Perform a short request, and return the values of its response."""
    match request["do"]:
        case "open":
            book.open()
        case "close":
            CONSOLE_ENDED.set()
            book.close()
        case "take":
            book.take(request["instance"], request["events"])
        case "due":
            return {"events": book.count_events_before(datetime.fromisoformat(request["before"]))}
        case "name":
            return {"all": book.index_search_keys()}
        case "taken":
            return {"ids": book.stored_event_ids(request["instance"])}
        case "settle":
            book.settle(request["instance"])
    return {}


def _decode_parameters(parameters: Mapping[str, Any]) -> dict[str, object]:
    """Return query parameters from JSON values. Times are sent as `{"moment": ...}`."""
    return {
        name: datetime.fromisoformat(value["moment"]) if isinstance(value, dict) else value
        for name, value in parameters.items()
    }


def _send_part(line: socket.socket, answer: Mapping[str, Any], table: "pa.Table | None") -> None:
    if table is None:
        wire.send(line, answer)
        return
    import pyarrow as pa  # noqa: PLC0415 - the console waits for this process to listen

    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    wire.send(line, {**answer, "table": True}, memoryview(stream.getvalue()))


def main() -> None:
    """Serve the log file named in the first line of stdin. Returns at once if stdin is closed before that line."""
    with open(0, "rb", buffering=0, closefd=False) as given_here:
        first = given_here.readline()
    if not first:
        return
    start_settings = json.loads(first)
    detach()
    folder = Path(start_settings["folder"])
    exit_with_parent(start_settings["console"], folder)
    try:
        server = wire.listen(folder, unix=start_settings["unix"])
    except OSError:
        if (
            CONSOLE_ENDED.is_set() or not folder.is_dir()
        ):  # the folder may be gone before the end of the console is noticed
            return
        raise

    sys.meta_path.insert(0, ImportBlocker())
    from integration.log.file import LogFile  # noqa: PLC0415 - the console waits for the socket

    limit_memory()
    book = LogFile(Path(start_settings["path"]), memory=start_settings["memory"], threads=start_settings["threads"])
    while True:
        line, _ = server.accept()
        try:
            threading.Thread(target=serve, args=(line, start_settings["token"], book), daemon=True).start()
        except RuntimeError:  # no thread could be started: the client sees the closed connection and restarts it
            line.close()


if __name__ == "__main__":
    os.umask(0o077)
    main()
