"""How much the product costs over the bare requests, in time and memory: `make bench`."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.recording import Sent, Spent, recorded, replay

ROOT = Path(__file__).parent.parent
SMALL, LARGE = 5_000, 50_000
ARTICLES, ORDERS, MANY_ORDERS = 400, 1_000, 20_000
WRITES = ("POST", "PUT")
TILL_IN_FLIGHT, OFFICE_IN_FLIGHT = 4, 1
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


def console(folder: str, accountview: str, mplus: str, work: str = "sync") -> dict[str, Any]:
    """Sync once, or only read, in a process of its own; return what it measured."""
    environment = {
        **os.environ,
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
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.work", folder, work],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr[-4000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def bare(accountview: str, mplus: str, office: list[Sent], till: list[Sent], headers: dict[str, str]) -> Spent:
    """Send recorded requests without the product; return what it took."""
    asked = [one for one in office if not one.path.endswith("/token")]
    spent = replay(accountview, asked, in_flight=OFFICE_IN_FLIGHT, headers=headers)
    return spent + replay(mplus, till, in_flight=TILL_IN_FLIGHT, headers={})


def fresh_token(accountview: str) -> dict[str, str]:
    """Log in at a fresh sandbox; return the header that carries the token."""
    grant = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh", **KEYS}
    token = httpx.post(f"{accountview}/token", data=grant, trust_env=False).json()["access_token"]
    return {"authorization": f"Bearer {token}"}


def processor(measured: dict[str, Any], other: float) -> str:
    """Return what of a processor a run and what it is compared with took: a busy machine hardly changes that."""
    worked = measured["processor"]
    return f"; processor time {worked:.2f} s to {other:.2f} s, ratio {worked / other:.2f}"


def far_away(control: str, seconds: float) -> None:
    """Let both systems answer later, as they do when they are not on this machine."""
    for system in ("accountview", "mplus") if seconds else ():
        switch = {"fault": "delay", "system": system, "times": None, "seconds": seconds}
        httpx.post(f"{control}switches", json=switch, trust_env=False).raise_for_status()


def first_sync(distance: float = 0.0) -> str:
    """Return the line about a first sync: its time against that of its own requests."""
    with sandbox(SMALL) as at, tempfile.TemporaryDirectory() as folder:
        far_away(at["control_url"], distance)
        measured = console(folder, at["accountview_url"], at["mplus_url"])
    with (
        sandbox(SMALL) as at,
        tempfile.TemporaryDirectory() as folder,
        recorded(at["accountview_url"]) as (office_url, office),
        recorded(at["mplus_url"]) as (till_url, till),
    ):
        console(folder, office_url, till_url)
    with sandbox(SMALL) as at:
        far_away(at["control_url"], distance)
        spent = bare(at["accountview_url"], at["mplus_url"], office, till, fresh_token(at["accountview_url"]))
    where = f", each answer {distance * 1000:.0f} ms away" if distance else ""
    return (
        f"first sync of {SMALL} articles ({measured['proven']} proven){where}: {measured['seconds']:.1f} s; "
        f"the same {len(office) + len(till)} requests bare: {spent.seconds:.1f} s; "
        f"ratio {measured['seconds'] / spent.seconds:.2f} (aim: at most 1.5)" + processor(measured, spent.processor)
    )


def first_sync_far_away() -> str:
    """Return the same of systems that are not on this machine."""
    return first_sync(DISTANCE_SECONDS)


def second_run() -> str:
    """Return the line about a run that compares everything and finds nothing to do."""
    with sandbox(SMALL) as at, tempfile.TemporaryDirectory() as folder:
        console(folder, at["accountview_url"], at["mplus_url"])
        measured = console(folder, at["accountview_url"], at["mplus_url"])
        reading = console(folder, at["accountview_url"], at["mplus_url"], "read")
        with recorded(at["accountview_url"]) as (office_url, office), recorded(at["mplus_url"]) as (till_url, till):
            console(folder, office_url, till_url)
        spent = bare(at["accountview_url"], at["mplus_url"], office, till, {})
    seconds = measured["seconds"]
    return (
        f"second run of {SMALL} articles, nothing to do: {seconds:.2f} s; reading both sides into records: "
        f"{reading['seconds']:.2f} s, ratio {seconds / reading['seconds']:.2f} (aim: at most 1.5); "
        f"its {len(office) + len(till)} requests bare, answers thrown away: {spent.seconds:.2f} s, "
        f"ratio {seconds / spent.seconds:.1f}" + processor(measured, reading["processor"])
    )


def memory() -> str:
    """Return the line about the peak of memory of a first sync, for ten times the articles."""
    peaks = []
    for articles in (SMALL, LARGE):
        with sandbox(articles) as at, tempfile.TemporaryDirectory() as folder:
            peaks.append(console(folder, at["accountview_url"], at["mplus_url"])["peak_mb"])
    return (
        f"peak memory of a first sync: {peaks[0]:.0f} MB for {SMALL} articles, {peaks[1]:.0f} MB for {LARGE}; "
        f"ratio {peaks[1] / peaks[0]:.2f} (aim: under 1.5)"
    )


def orders() -> str:
    """Return the line about orders from the till to the books: against their own requests, and how many those are."""
    with sandbox(ARTICLES, ORDERS) as at, tempfile.TemporaryDirectory() as folder:
        console(folder, at["accountview_url"], at["mplus_url"])  # the till learns the books' article codes
        measured = console(folder, at["accountview_url"], at["mplus_url"], "orders")
    with sandbox(ARTICLES, ORDERS) as at, tempfile.TemporaryDirectory() as folder:
        console(folder, at["accountview_url"], at["mplus_url"])
        with recorded(at["accountview_url"]) as (office_url, office), recorded(at["mplus_url"]) as (till_url, till):
            console(folder, office_url, till_url, "orders")
    with sandbox(ARTICLES, ORDERS) as at:
        spent = bare(at["accountview_url"], at["mplus_url"], office, till, fresh_token(at["accountview_url"]))
    seconds, proven = measured["seconds"], measured["proven"]
    written = sum(one.method in WRITES and not one.path.endswith("/token") for one in office)
    return (
        f"{ORDERS} orders ({proven} proven): {seconds:.1f} s, {proven / seconds:.0f} a second; "
        f"the same {len(office) + len(till)} requests bare: {spent.seconds:.1f} s; "
        f"ratio {seconds / spent.seconds:.2f} (aim: at most 1.5); "
        f"requests for each order proven: {written / proven:.2f} writing, "
        f"{(len(office) - written + len(till)) / proven:.2f} reading" + processor(measured, spent.processor)
    )


def memory_of_orders() -> str:
    """Return the line about the peak of memory for twenty times the orders."""
    peaks = []
    for number in (ORDERS, MANY_ORDERS):
        with sandbox(ARTICLES, number) as at, tempfile.TemporaryDirectory() as folder:
            console(folder, at["accountview_url"], at["mplus_url"])
            peaks.append(console(folder, at["accountview_url"], at["mplus_url"], "orders")["peak_mb"])
    return (
        f"peak memory of a run of orders: {peaks[0]:.0f} MB for {ORDERS}, {peaks[1]:.0f} MB for {MANY_ORDERS}; "
        f"ratio {peaks[1] / peaks[0]:.2f}"
    )


MEASUREMENTS = (first_sync, first_sync_far_away, second_run, memory, orders, memory_of_orders)


def main() -> None:
    """Print each measurement as it is done: all, or those named."""
    for measure in [one for one in MEASUREMENTS if one.__name__ in sys.argv[1:] or not sys.argv[1:]]:
        sys.stdout.write(measure() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
