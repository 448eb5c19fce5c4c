"""What is measured against: a sandbox of its own, a console of its own, each in a process of its own."""

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
LOOK_SECONDS, MEGABYTE = 0.1, 2**20
DISTANCE_SECONDS = 0.02  # a system in a data centre, from a shop with a good line
KEYS = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}


@contextmanager
def sandbox(articles: int, orders: int = 60) -> Iterator[dict[str, str]]:
    """Both systems in a process of their own."""
    size = ["--articles", str(articles), "--orders", str(orders)]
    command = [sys.executable, "-m", "integration.sandbox", *size]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield json.loads(process.stdout.readline() if process.stdout else "{}")
        finally:
            process.terminate()


def reaching(accountview: str, mplus: str) -> dict[str, str]:
    """Return the environment of a console that reaches both systems, at whatever pace it can."""
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
    """Sync once, or only read, in a process of its own; return what it measured."""
    return measured(["benchmarks.work", folder, work], {**reaching(accountview, mplus), **more})


def measured(program: Sequence[str], more: Mapping[str, str]) -> dict[str, Any]:
    """Run a module of ours; return what it printed, and what it and its children took: `whole` and `tree_mb`.

    `whole` is in seconds of a processor, from its start to its end; memory is looked at ten times a second.
    """
    begun = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", *program]
    with (
        subprocess.Popen(
            command, env={**os.environ, **more}, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process,
        watched(process.pid) as seen,
    ):
        told, trouble = process.communicate()
    if process.returncode:
        sys.exit(trouble[-4000:])
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime
    return {**json.loads(told.splitlines()[-1]), "whole": whole, "tree_mb": max(seen, default=0) / MEGABYTE}


@contextmanager
def watched(number: int) -> Iterator[list[int]]:
    """Look at a process and its children for the block; give the bytes they held together, look by look."""
    seen: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            with suppress(psutil.NoSuchProcess):  # a child that ended between two questions
                top = psutil.Process(number)
                seen.append(sum(one.memory_info().rss for one in (top, *top.children(recursive=True))))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def fresh_token(accountview: str) -> dict[str, str]:
    """Log in at a fresh sandbox; return the header that carries the token."""
    grant = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh", **KEYS}
    token = httpx.post(f"{accountview}/token", data=grant, trust_env=False).json()["access_token"]
    return {"authorization": f"Bearer {token}"}


def far_away(control: str, seconds: float) -> None:
    """Let both systems answer later, as they do when they are not on this machine."""
    for system in ("accountview", "mplus") if seconds else ():
        switch(control, fault="delay", system=system, times=None, seconds=seconds)


def switch(control: str, **how: Any) -> None:
    """Arm a switch of the sandbox."""
    httpx.post(f"{control}switches", json=how, trust_env=False).raise_for_status()


def asked(control: str, what: str) -> Any:
    """Return what the sandbox tells of itself: its calls, the counts of them, the state of a table."""
    return httpx.get(f"{control}{what}", trust_env=False, timeout=60).raise_for_status().json()
