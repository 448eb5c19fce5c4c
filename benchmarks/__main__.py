"""How much the product costs over the bare requests, in time and memory: `make bench`, or `make bench PART=orders`."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.ground import DISTANCE_SECONDS, MEGABYTE, console, far_away, fresh_token, sandbox
from benchmarks.idle import idle
from benchmarks.peers.compared import peers
from benchmarks.recording import Sent, Spent, recorded, replay
from benchmarks.workers import workers

SMALL, LARGE = 5_000, 50_000
MANY, MILLION = 100_000, 1_000_000
ARTICLES, ORDERS, MANY_ORDERS = 400, 1_000, 20_000
WRITES = ("POST", "PUT")
TILL_IN_FLIGHT, OFFICE_IN_FLIGHT = 4, 1


def bare(accountview: str, mplus: str, office: list[Sent], till: list[Sent], headers: dict[str, str]) -> Spent:
    """Send recorded requests without the product; return what it took."""
    asked = [one for one in office if not one.path.endswith("/token")]
    spent = replay(accountview, asked, in_flight=OFFICE_IN_FLIGHT, headers=headers)
    return spent + replay(mplus, till, in_flight=TILL_IN_FLIGHT, headers={})


def processor(measured: dict[str, Any], other: float) -> str:
    """Return what of a processor a run and what it is compared with took: a busy machine hardly changes that."""
    worked = measured["processor"]
    return (
        f"; processor time {worked:.2f} s to {other:.2f} s, ratio {worked / other:.2f}; "
        f"from start to end, with the process of the log, {measured['whole']:.2f} s"
    )


@contextmanager
def on_record(at: Mapping[str, str]) -> Iterator[tuple[str, str, str, list[Sent], list[Sent]]]:
    """Give a folder for a console, the addresses of both systems that it is to use, and what is sent to each.

    A console has one address of each system for as long as it lives: a log-in stays with the address it was given for.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        recorded(at["accountview_url"]) as (office_url, office),
        recorded(at["mplus_url"]) as (till_url, till),
    ):
        yield folder, office_url, till_url, office, till


def where(distance: float) -> str:
    """Return how far both systems are, where they are not on this machine."""
    return f", each answer {distance * 1000:.0f} ms away" if distance else ""


def first_sync(distance: float = 0.0, articles: int = SMALL) -> str:
    """Return the line about a first sync: its time against that of its own requests."""
    with sandbox(articles) as at, tempfile.TemporaryDirectory() as folder:
        far_away(at["control_url"], distance)
        measured = console(folder, at["accountview_url"], at["mplus_url"])
    with sandbox(articles) as at, on_record(at) as (folder, office_url, till_url, office, till):
        console(folder, office_url, till_url)
    with sandbox(articles) as at:
        far_away(at["control_url"], distance)
        spent = bare(at["accountview_url"], at["mplus_url"], office, till, fresh_token(at["accountview_url"]))
    return (
        f"first sync of {articles} articles ({measured['proven']} proven){where(distance)}: "
        f"{measured['seconds']:.1f} s; the same {len(office) + len(till)} requests bare: {spent.seconds:.1f} s; "
        f"ratio {measured['seconds'] / spent.seconds:.2f} (aim: at most 1.5)" + processor(measured, spent.processor)
    )


def first_sync_far_away() -> str:
    """Return the same of systems that are not on this machine."""
    return first_sync(DISTANCE_SECONDS)


def second_run(articles: int = SMALL) -> str:
    """Return the line about a run that compares everything and finds nothing to do."""
    with sandbox(articles) as at, tempfile.TemporaryDirectory() as folder:
        console(folder, at["accountview_url"], at["mplus_url"])
        measured = console(folder, at["accountview_url"], at["mplus_url"])
        changes = console(folder, at["accountview_url"], at["mplus_url"], "changes")
        reading = console(folder, at["accountview_url"], at["mplus_url"], "read")
    with sandbox(articles) as at:
        with on_record(at) as (folder, office_url, till_url, office, till):
            console(folder, office_url, till_url)
            office.clear()
            till.clear()
            console(folder, office_url, till_url)
        spent = bare(at["accountview_url"], at["mplus_url"], office, till, {})
    seconds = measured["seconds"]
    return (
        f"second run of {articles} articles, nothing to do: {seconds:.2f} s; reading both sides into records: "
        f"{reading['seconds']:.2f} s, ratio {seconds / reading['seconds']:.2f} (aim: at most 1.5); one that reads what "
        f"changed: {changes['seconds']:.2f} s, ratio {changes['seconds'] / reading['seconds']:.2f} (aim: at most 0.7); "
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


def million() -> Iterator[str]:
    """Yield what a first sync holds in memory and on disk in a large shop, and in one of a million articles."""
    peaks = []
    for articles in (MANY, MILLION):
        with sandbox(articles) as at, tempfile.TemporaryDirectory() as folder:
            took = console(folder, at["accountview_url"], at["mplus_url"])
            kept = sum(one.stat().st_size for one in Path(folder).rglob("*") if one.is_file())
        peaks.append(took["tree_mb"])
        yield (
            f"first sync of {articles} articles ({took['proven']} proven): {took['seconds']:.0f} s, "
            f"processor {took['processor']:.0f} s, peak {took['peak_mb']:.0f} MB, with the process of the log "
            f"{took['tree_mb']:.0f} MB; on disk {kept / MEGABYTE:.0f} MB, {kept / articles:.0f} bytes an article"
        )
    yield f"peak memory of {MILLION} articles to that of {MANY}: {peaks[1] / peaks[0]:.2f} (aim: at most 1.2)"


def orders(distance: float = 0.0, number: int = ORDERS) -> str:
    """Return the line about orders from the till to the books: against their own requests, and how many those are."""
    with sandbox(ARTICLES, number) as at, tempfile.TemporaryDirectory() as folder:
        console(folder, at["accountview_url"], at["mplus_url"])  # the till learns the books' article codes
        far_away(at["control_url"], distance)
        measured = console(folder, at["accountview_url"], at["mplus_url"], "orders")
    with sandbox(ARTICLES, number) as at, on_record(at) as (folder, office_url, till_url, office, till):
        console(folder, office_url, till_url)
        office.clear()
        till.clear()
        console(folder, office_url, till_url, "orders")
    with sandbox(ARTICLES, number) as at:
        far_away(at["control_url"], distance)
        spent = bare(at["accountview_url"], at["mplus_url"], office, till, fresh_token(at["accountview_url"]))
    seconds, proven = measured["seconds"], measured["proven"]
    written = sum(one.method in WRITES and not one.path.endswith("/token") for one in office)
    return (
        f"{number} orders ({proven} proven){where(distance)}: {seconds:.1f} s, {proven / seconds:.0f} a second; "
        f"the same {len(office) + len(till)} requests bare: {spent.seconds:.1f} s; "
        f"ratio {seconds / spent.seconds:.2f} (aim: at most 1.5); "
        f"requests for each order proven: {written / proven:.2f} writing, "
        f"{(len(office) - written + len(till)) / proven:.2f} reading" + processor(measured, spent.processor)
    )


def orders_far_away() -> str:
    """Return the same of systems that are not on this machine."""
    return orders(DISTANCE_SECONDS)


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
)
ALONE: Sequence[Part] = (million,)
"""What takes an hour, and is measured only where it is asked for."""


def main() -> None:
    """Print each measurement as it is done: those named, or all but what is measured alone."""
    named = {one.__name__: one for one in (*MEASUREMENTS, *ALONE)}
    if unknown := [one for one in sys.argv[1:] if one not in named]:
        sys.exit(f"nothing is measured under {', '.join(unknown)}; parts are {', '.join(named)}")
    for name in sys.argv[1:] or [one.__name__ for one in MEASUREMENTS]:
        told = named[name]()
        for line in [told] if isinstance(told, str) else told:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
