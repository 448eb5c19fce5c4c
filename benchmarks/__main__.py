"""Measures time and memory of the product against its bare requests: `make bench`, or `make bench PART=orders`."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.idle import idle
from benchmarks.peers.comparison import peers
from benchmarks.processes import DELAY_SECONDS, MEGABYTE, console, fresh_token, sandbox, set_delay
from benchmarks.recording import Cost, RecordedRequest, record_requests, replay
from benchmarks.start import start
from benchmarks.workers import workers

SMALL, LARGE = 5_000, 50_000
MANY, MILLION = 100_000, 1_000_000
ARTICLES, ORDERS, MANY_ORDERS = 400, 1_000, 20_000
WRITES = ("POST", "PUT")
TILL_IN_FLIGHT, OFFICE_IN_FLIGHT = 4, 1
SYNC_AIM, ORDERS_AIM, FAR_AIM = 1.6, 1.8, 1.05  # times the plain requests


def replay_requests(
    accountview: str, mplus: str, office: list[RecordedRequest], till: list[RecordedRequest], headers: dict[str, str]
) -> Cost:
    """Send recorded requests without the product; return their cost."""
    requests = [request for request in office if not request.path.endswith("/token")]
    cost = replay(accountview, requests, in_flight=OFFICE_IN_FLIGHT, headers=headers)
    return cost + replay(mplus, till, in_flight=TILL_IN_FLIGHT, headers={})


def processor_text(measured: dict[str, Any], other: float) -> str:
    """Return the processor time of a run and of its comparison; other load on the machine hardly changes it."""
    seconds = measured["processor"]
    return (
        f"; processor time {seconds:.2f} s to {other:.2f} s, ratio {seconds / other:.2f}; "
        f"from start to end, with the process of the log, {measured['whole']:.2f} s"
    )


@contextmanager
def recorded_systems(
    at: Mapping[str, str],
) -> Iterator[tuple[str, str, str, list[RecordedRequest], list[RecordedRequest]]]:
    """Yield a folder for a console, the addresses of both proxies, and the requests recorded by each.

    A console keeps one address per system, because a log-in belongs to its address.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        record_requests(at["accountview_url"]) as (office_url, office),
        record_requests(at["mplus_url"]) as (till_url, till),
    ):
        yield folder, office_url, till_url, office, till


def delay_text(delay: float) -> str:
    """Return the delay of answers as text, or nothing without a delay."""
    return f", each answer {delay * 1000:.0f} ms away" if delay else ""


def first_sync(delay: float = 0.0, articles: int = SMALL) -> str:
    """Return the line about a first sync: its time against its own requests."""
    with sandbox(articles) as at, tempfile.TemporaryDirectory() as folder:
        set_delay(at["control_url"], delay)
        measured = console(folder, at["accountview_url"], at["mplus_url"])
    with sandbox(articles) as at, recorded_systems(at) as (folder, office_url, till_url, office, till):
        console(folder, office_url, till_url)
    with sandbox(articles) as at:
        set_delay(at["control_url"], delay)
        bare_cost = replay_requests(
            at["accountview_url"], at["mplus_url"], office, till, fresh_token(at["accountview_url"])
        )
    return (
        f"first sync of {articles} articles ({measured['proven']} proven){delay_text(delay)}: "
        f"{measured['seconds']:.1f} s; the same {len(office) + len(till)} requests bare: {bare_cost.seconds:.1f} s; "
        f"ratio {measured['seconds'] / bare_cost.seconds:.2f} (aim: at most {FAR_AIM if delay else SYNC_AIM})"
        + processor_text(measured, bare_cost.processor)
    )


def first_sync_far_away() -> str:
    """Return the same line for systems with a delay."""
    return first_sync(DELAY_SECONDS)


def second_run(articles: int = SMALL) -> str:
    """Return the line about a run that compares everything and finds nothing to do."""
    with sandbox(articles) as at, tempfile.TemporaryDirectory() as folder:
        console(folder, at["accountview_url"], at["mplus_url"])
        measured = console(folder, at["accountview_url"], at["mplus_url"])
        changes = console(folder, at["accountview_url"], at["mplus_url"], "changes")
        reading = console(folder, at["accountview_url"], at["mplus_url"], "read")
    with sandbox(articles) as at:
        with recorded_systems(at) as (folder, office_url, till_url, office, till):
            console(folder, office_url, till_url)
            office.clear()
            till.clear()
            console(folder, office_url, till_url)
        bare_cost = replay_requests(at["accountview_url"], at["mplus_url"], office, till, {})
    seconds = measured["seconds"]
    return (
        f"second run of {articles} articles, nothing to do: {seconds:.2f} s; reading both sides into records: "
        f"{reading['seconds']:.2f} s, ratio {seconds / reading['seconds']:.2f} (aim: at most 1.2); one that reads what "
        f"changed: {changes['seconds']:.2f} s, ratio {changes['seconds'] / reading['seconds']:.2f} (aim: at most 0.7); "
        f"its {len(office) + len(till)} requests bare, answers thrown away: {bare_cost.seconds:.2f} s, "
        f"ratio {seconds / bare_cost.seconds:.1f}" + processor_text(measured, reading["processor"])
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


def million() -> Iterator[str]:
    """Yield a line about memory and disk of a first sync in a large shop, and in one of a million articles."""
    peaks = []
    for articles in (MANY, MILLION):
        with sandbox(articles) as at, tempfile.TemporaryDirectory() as folder:
            result = console(folder, at["accountview_url"], at["mplus_url"])
            disk_bytes = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        peaks.append(result["tree_mb"])
        yield (
            f"first sync of {articles} articles ({result['proven']} proven): {result['seconds']:.0f} s, "
            f"processor {result['processor']:.0f} s, peak {result['peak_mb']:.0f} MB, with the process of the log "
            f"{result['tree_mb']:.0f} MB; on disk {disk_bytes / MEGABYTE:.0f} MB, "
            f"{disk_bytes / articles:.0f} bytes an article"
        )
    yield f"peak memory of {MILLION} articles to that of {MANY}: {peaks[1] / peaks[0]:.2f} (aim: at most 1.2)"


def orders(delay: float = 0.0, number: int = ORDERS) -> str:
    """Return the line about orders from the till to the books: time and number of requests, against bare requests."""
    with sandbox(ARTICLES, number) as at, tempfile.TemporaryDirectory() as folder:
        console(folder, at["accountview_url"], at["mplus_url"])  # the till learns the books' article codes
        set_delay(at["control_url"], delay)
        measured = console(folder, at["accountview_url"], at["mplus_url"], "orders")
    with sandbox(ARTICLES, number) as at, recorded_systems(at) as (folder, office_url, till_url, office, till):
        console(folder, office_url, till_url)
        office.clear()
        till.clear()
        console(folder, office_url, till_url, "orders")
    with sandbox(ARTICLES, number) as at:
        set_delay(at["control_url"], delay)
        bare_cost = replay_requests(
            at["accountview_url"], at["mplus_url"], office, till, fresh_token(at["accountview_url"])
        )
    seconds, proven = measured["seconds"], measured["proven"]
    write_count = sum(request.method in WRITES and not request.path.endswith("/token") for request in office)
    return (
        f"{number} orders ({proven} proven){delay_text(delay)}: {seconds:.1f} s, {proven / seconds:.0f} a second; "
        f"the same {len(office) + len(till)} requests bare: {bare_cost.seconds:.1f} s; "
        f"ratio {seconds / bare_cost.seconds:.2f} (aim: at most {FAR_AIM if delay else ORDERS_AIM}); "
        f"requests for each order proven: {write_count / proven:.2f} writing, "
        f"{(len(office) - write_count + len(till)) / proven:.2f} reading"
        + processor_text(measured, bare_cost.processor)
    )


def orders_far_away() -> str:
    """Return the same line for systems with a delay."""
    return orders(DELAY_SECONDS)


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


Part = Callable[[], str | Iterator[str]]
MEASUREMENTS: Sequence[Part] = (
    first_sync,
    first_sync_far_away,
    second_run,
    memory,
    orders,
    orders_far_away,
    memory_of_orders,
    idle,
    workers,
    peers,
    start,
)
LONG_MEASUREMENTS: Sequence[Part] = (million,)
"""Measurements of an hour or more, which run only by name."""


def main() -> None:
    """Print each measurement: the named ones, or all but the long ones."""
    by_name = {part.__name__: part for part in (*MEASUREMENTS, *LONG_MEASUREMENTS)}
    if unknown := [name for name in sys.argv[1:] if name not in by_name]:
        sys.exit(f"nothing is measured under {', '.join(unknown)}; parts are {', '.join(by_name)}")
    for name in sys.argv[1:] or [part.__name__ for part in MEASUREMENTS]:
        result = by_name[name]()
        for line in [result] if isinstance(result, str) else result:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
