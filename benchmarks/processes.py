"""Starts a sandbox and a console as separate processes, and measures their time and memory."""

import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parent.parent
POLL_SECONDS, MEGABYTE = 0.1, 2**20
DELAY_SECONDS = 0.02  # a system in a data centre, from a shop with a good line
KEYS = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}


@contextmanager
def sandbox(articles: int, orders: int = 60) -> Iterator[dict[str, str]]:
    """Run both sandbox systems in a separate process; yield their addresses."""
    size = ["--articles", str(articles), "--orders", str(orders)]
    command = [sys.executable, "-m", "integration.sandbox", *size]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield json.loads(process.stdout.readline() if process.stdout else "{}")
        finally:
            process.terminate()


def console_environment(accountview: str, mplus: str) -> dict[str, str]:
    """Return the environment of a console that is connected to both systems, without a limit of calls per second."""
    return {
        "CONSOLE_ACCOUNTVIEW__URL": accountview,
        "CONSOLE_ACCOUNTVIEW__CLIENT_ID": KEYS["client_id"],
        "CONSOLE_ACCOUNTVIEW__CLIENT_SECRET": KEYS["client_secret"],
        "CONSOLE_ACCOUNTVIEW__REFRESH_TOKEN": "sandbox-refresh",
        "CONSOLE_ACCOUNTVIEW__COMPANY": "7f3c",
        "CONSOLE_ACCOUNTVIEW__PER_SECOND": "100000",
        "CONSOLE_MPLUS__URL": mplus,
        "CONSOLE_MPLUS__IDENT": "sandbox",
        "CONSOLE_MPLUS__SECRET": "sandbox-secret",
        "CONSOLE_MPLUS__PER_SECOND": "100000",
    }


def console(folder: str, accountview: str, mplus: str, work: str = "sync", **more: str) -> dict[str, Any]:
    """Run one function of `benchmarks.work` in a separate process and return its measurements."""
    return measure_module(["benchmarks.work", folder, work], {**console_environment(accountview, mplus), **more})


def measure_module(program: Sequence[str], more: Mapping[str, str]) -> dict[str, Any]:
    """Run a module and return the JSON that it printed, with `whole` and `tree_mb` of it and its children.

    `whole` is processor time in seconds from start to end. `tree_mb` is the peak of memory, polled ten times a second.
    """
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", *program]
    with (
        subprocess.Popen(
            command, env={**os.environ, **more}, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process,
        watch_memory(process.pid) as totals,
    ):
        output, errors = process.communicate()
    if process.returncode:
        sys.exit(errors[-4000:])
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime
    return {**json.loads(output.splitlines()[-1]), "whole": whole, "tree_mb": max(totals, default=0) / MEGABYTE}


@contextmanager
def watch_memory(number: int) -> Iterator[list[int]]:
    """Poll the memory of a process and its children during the block; yield the list of totals in bytes."""
    totals: list[int] = []
    stop = threading.Event()

    def poll() -> None:
        while not stop.wait(POLL_SECONDS):
            with suppress(psutil.NoSuchProcess):  # a child that ended between two calls
                parent = psutil.Process(number)
                processes = (parent, *parent.children(recursive=True))
                totals.append(sum(process.memory_info().rss for process in processes))

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield totals
    finally:
        stop.set()
        thread.join()


def fresh_token(accountview: str) -> dict[str, str]:
    """Log in at a fresh sandbox; return the header that carries the token."""
    grant = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh", **KEYS}
    token = httpx.post(f"{accountview}/token", data=grant, trust_env=False).json()["access_token"]
    return {"authorization": f"Bearer {token}"}


def set_delay(control: str, seconds: float) -> None:
    """Delay every answer of both systems, as if they were not on this machine."""
    for system in ("accountview", "mplus") if seconds else ():
        arm_switch(control, fault="delay", system=system, times=None, seconds=seconds)


def arm_switch(control: str, **options: Any) -> None:
    """Arm a switch of the sandbox."""
    httpx.post(f"{control}switches", json=options, trust_env=False).raise_for_status()


def sandbox_state(control: str, path: str) -> Any:
    """Return a part of the state of the sandbox: its calls, their counts, or the rows of a table."""
    return httpx.get(f"{control}{path}", trust_env=False, timeout=60).raise_for_status().json()
