"""Measures runs with few or no changes, in a small and in a large shop: `make bench PART=idle`."""

import statistics
import tempfile
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import httpx

from benchmarks.processes import console, sandbox, sandbox_state

SMALL, LARGE, EDITED = 1_000, 100_000, 100
PRICES = (12.5, 13.5, 14.5, 15.5)


def idle() -> Iterator[str]:
    """Yield a line for each size of shop, and one that compares them."""
    small, large = (yield from _measure(SMALL)), (yield from _measure(LARGE))
    seconds, processor = (large[name] / small[name] for name in ("seconds", "processor"))
    between = f"{EDITED} changes in {LARGE} articles to {EDITED} in {SMALL}"
    yield f"{between}: seconds {seconds:.2f}, processor {processor:.2f} (aim: at most 1.1)"


def _measure(articles: int) -> Generator[str, None, dict[str, Any]]:
    """Sync a shop and edit a few articles several times; yield each cost, and return the median of the last ones.

    The first run after an edit reads some unedited articles again, because they share one change date.
    """
    with sandbox(articles) as at, tempfile.TemporaryDirectory() as folder:

        def work(name: str) -> dict[str, Any]:
            return console(folder, at["accountview_url"], at["mplus_url"], name)

        yield _line(f"first sync of {articles} articles", work("sync"))
        yield _line("  first run of changes after it", work("changes"))
        yield _line("  the next one", work("changes"))
        results, keys = [], _spread_codes(at["control_url"])
        for price in PRICES:
            _edit(at["control_url"], keys, price)
            results.append(work("changes"))
            yield _line(f"  run of changes after {EDITED} articles were edited", results[-1])
        yield _line("  stock, first run", work("first_stock"))
        yield _line("  stock, the next run, which reads what was written", work("stock"))
        yield _line("  stock, nothing to do", work("stock"))
        yield _line("  stock, nothing to do, again in the same process", work("stock_again"))
        yield _line("  stock, nothing to do, everything compared", work("all_stock"))
    return {name: statistics.median(result[name] for result in results[1:]) for name in ("seconds", "processor")}


def _line(title: str, result: dict[str, Any]) -> str:
    counts = ", ".join(f"{result[name]} {name}" for name in ("read_count", "proven", "unchanged", "parked"))
    cost = f"{result['seconds']:.2f} s, processor {result['processor']:.2f} s, peak {result['peak_mb']:.0f} MB"
    return f"{title}: {cost} ({counts})"


def _spread_codes(control: str) -> list[str]:
    """Return the codes of articles at regular distances."""
    rows = sandbox_state(control, "state?table=ARTICLE&system=accountview")
    return [row["ART_CODE"] for row in rows[:: len(rows) // EDITED][:EDITED]]


def _edit(control: str, keys: Sequence[str], price: float) -> None:
    """Give articles in the books another price."""
    with httpx.Client(trust_env=False) as client:
        for key in keys:
            edit = {"system": "accountview", "table": "ARTICLE", "key": key, "values": {"PX_SELL": price}}
            client.post(f"{control}edit", json=edit).raise_for_status()
