"""What runs cost that find little or nothing to do, in a small and in a large shop: `make bench PART=idle`."""

import statistics
import tempfile
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import httpx

from benchmarks.ground import asked, console, sandbox

SMALL, LARGE, EDITED = 1_000, 100_000, 100
PRICES = (12.5, 13.5, 14.5, 15.5)


def idle() -> Iterator[str]:
    """Yield a line for each size of shop, and one that compares them."""
    small, large = (yield from _of(SMALL)), (yield from _of(LARGE))
    seconds, processor = (large[name] / small[name] for name in ("seconds", "processor"))
    between = f"{EDITED} changes in {LARGE} articles to {EDITED} in {SMALL}"
    yield f"{between}: seconds {seconds:.2f}, processor {processor:.2f} (aim: at most 1.1)"


def _of(articles: int) -> Generator[str, None, dict[str, Any]]:
    """Sync a shop, let it rest, edit a few articles; yield what each run took, and return the middle of the last ones.

    The first time they are edited what the shop began with is read once more, of which a part bears one stamp.
    """
    with sandbox(articles) as at, tempfile.TemporaryDirectory() as folder:

        def work(name: str) -> dict[str, Any]:
            return console(folder, at["accountview_url"], at["mplus_url"], name)

        yield _told(f"first sync of {articles} articles", work("sync"))
        yield _told("  first run of changes after it", work("changes"))
        yield _told("  the next one", work("changes"))
        edited, keys = [], _spread(at["control_url"])
        for price in PRICES:
            _edit(at["control_url"], keys, price)
            edited.append(work("changes"))
            yield _told(f"  run of changes after {EDITED} articles were edited", edited[-1])
        yield _told("  stock, first run", work("first_stock"))
        yield _told("  stock, the next run, which reads what was written", work("stock"))
        yield _told("  stock, nothing to do", work("stock"))
        yield _told("  stock, nothing to do, everything compared", work("all_stock"))
    return {name: statistics.median(one[name] for one in edited[1:]) for name in ("seconds", "processor")}


def _told(what: str, took: dict[str, Any]) -> str:
    done = ", ".join(f"{took[name]} {name}" for name in ("read", "proven", "unchanged", "parked"))
    return (
        f"{what}: {took['seconds']:.2f} s, processor {took['processor']:.2f} s, peak {took['peak_mb']:.0f} MB ({done})"
    )


def _spread(control: str) -> list[str]:
    """Return the codes of some articles, spread over all of them."""
    rows = asked(control, "state?table=ARTICLE&system=accountview")
    return [row["ART_CODE"] for row in rows[:: len(rows) // EDITED][:EDITED]]


def _edit(control: str, keys: Sequence[str], price: float) -> None:
    """Give articles in the books another price."""
    with httpx.Client(trust_env=False) as client:
        for key in keys:
            told = {"system": "accountview", "table": "ARTICLE", "key": key, "values": {"PX_SELL": price}}
            client.post(f"{control}edit", json=told).raise_for_status()
