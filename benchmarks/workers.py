"""What more processes do for different flows on one PostgreSQL: `make bench PART=workers`."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.ground import ROOT, console, reaching, sandbox
from tests.postgres import new_database_on, private_server

ARTICLES, ORDERS = 2_000, 1_500
TIMES = 3  # in turn
FEW, SEVERAL = 1, 4  # processes


def workers() -> Iterator[str]:
    """Yield a line for each time, and one that compares."""
    took: dict[int, list[float]] = {FEW: [], SEVERAL: []}
    with private_server() as server:
        for _ in range(TIMES):
            for processes, seconds in took.items():
                done = _with(processes, server)
                seconds.append(done["seconds"])
                yield f"  four flows side by side, {processes} processes on PostgreSQL: {done['seconds']:.1f} s"
    one, several = (statistics.median(took[processes]) for processes in (FEW, SEVERAL))
    proven = ", ".join(f"{done[flow]} {flow}" for flow in ("stock", "customers", "orders"))
    yield (
        f"four flows side by side ({proven} proven), {FEW} process: {one:.1f} s; {SEVERAL} processes: {several:.1f} s; "
        f"ratio {one / several:.2f} (aim: at least 1.3)"
    )


def _with(processes: int, server: str) -> dict[str, Any]:
    """Sync the products of a shop, then run four flows at once with so many processes; return what that took."""
    with sandbox(ARTICLES, ORDERS) as at, tempfile.TemporaryDirectory() as folder, new_database_on(server) as url:
        systems, database = (at["accountview_url"], at["mplus_url"]), {"CONSOLE_DATABASE_URL": url}
        console(folder, *systems, "sync", **database)
        with ExitStack() as beside:
            for _ in range(processes - 1):
                beside.enter_context(_worker({**reaching(*systems), **database, "CONSOLE_DATA": folder}))
            return console(folder, *systems, "beside", **database)


@contextmanager
def _worker(environment: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-m", "integration", "worker", "--json"]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            if process.stdout:
                process.stdout.readline()  # it says when it is at work
            yield
        finally:
            process.terminate()
