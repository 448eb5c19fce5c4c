"""Measures different flows on one PostgreSQL with one and with several processes: `make bench PART=workers`."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.processes import ROOT, console, console_environment, sandbox
from tests.postgres import new_database_on, private_server

ARTICLES, ORDERS = 2_000, 1_500
TIMES = 3  # alternating
FEW, SEVERAL = 1, 4  # processes


def workers() -> Iterator[str]:
    """Yield a line for each repetition, and one that compares the medians."""
    seconds_by_count: dict[int, list[float]] = {FEW: [], SEVERAL: []}
    with private_server() as server:
        for _ in range(TIMES):
            for processes, seconds in seconds_by_count.items():
                result = _run_flows(processes, server)
                seconds.append(result["seconds"])
                yield f"  four flows side by side, {processes} processes on PostgreSQL: {result['seconds']:.1f} s"
    single_seconds, several_seconds = (statistics.median(seconds_by_count[processes]) for processes in (FEW, SEVERAL))
    proven = ", ".join(f"{result[flow]} {flow}" for flow in ("stock", "customers", "orders"))
    yield (
        f"four flows side by side ({proven} proven), {FEW} process: {single_seconds:.1f} s; "
        f"{SEVERAL} processes: {several_seconds:.1f} s; "
        f"ratio {single_seconds / several_seconds:.2f} (aim: at least 1.3)"
    )


def _run_flows(processes: int, server: str) -> dict[str, Any]:
    """Sync the products of a shop, then run four flows in parallel in several processes; return the measurements."""
    with sandbox(ARTICLES, ORDERS) as at, tempfile.TemporaryDirectory() as folder, new_database_on(server) as url:
        systems, database = (at["accountview_url"], at["mplus_url"]), {"CONSOLE_DATABASE_URL": url}
        console(folder, *systems, "sync", **database)
        with ExitStack() as stack:
            for _ in range(processes - 1):
                stack.enter_context(_worker({**console_environment(*systems), **database, "CONSOLE_DATA": folder}))
            return console(folder, *systems, "all_flows", **database)


@contextmanager
def _worker(environment: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-m", "integration", "worker", "--json"]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            if process.stdout:
                process.stdout.readline()  # its first line says that it is running
            yield
        finally:
            process.terminate()
