"""Compares a first sync of the product and of two peers: cost, and behaviour under faults.

The peers are a bare script (`script.py`) and dlt with a custom destination (`dlt_pipeline.py`). Each has its own
sandbox.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.processes import (
    DELAY_SECONDS,
    arm_switch,
    console,
    fresh_token,
    measure_module,
    sandbox,
    sandbox_state,
    set_delay,
)

ARTICLES, FEW = 5_000, 1_000
LOST, WRONG = 9, 10  # and one answer for a new group
FIRST = 10_001  # the articles below are special cases
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}  # no calls to other hosts

ArmFaults = Callable[[str, Sequence[str]], None]
Sync = Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TillContents:
    """Contents of a till: name and price of each article by number, and the number of groups by path."""

    articles: Mapping[str, tuple[str, int]]
    groups: Counter[str]

    def differences(self, expected: "TillContents") -> str:
        """Return the differences from the contents after a run without faults, as text."""
        lost = len(expected.articles.keys() - self.articles.keys()) + sum((expected.groups - self.groups).values())
        doubled = sum((self.groups - expected.groups).values())
        wrong = sum(self.articles[key] != value for key, value in expected.articles.items() if key in self.articles)
        return f"{lost} lost, {doubled} doubled, {wrong} wrong"


def till_contents(control: str) -> TillContents:
    """Return the present contents of the till."""
    products = sandbox_state(control, "state?system=mplus&table=products")
    articles = [article for product in products for article in product["articleList"]]
    groups = {group["groupNumber"]: group for group in sandbox_state(control, "state?system=mplus&table=groups")}

    def path(number: int) -> str:
        return f"{path(groups[number]['parentGroupNumber'])}/{groups[number]['name']}" if number else ""

    return TillContents(
        {str(article["articleNumber"]): (article["description"], article["priceIncl"]) for article in articles},
        Counter(path(number) for number in groups),
    )


@contextmanager
def sync_function(at: Mapping[str, str], name: str) -> Iterator[Sync]:
    """Yield a function that syncs once with this program; its folder is removed after the block."""
    with tempfile.TemporaryDirectory() as folder:
        if name == "Sluis":
            yield lambda: console(folder, at["accountview_url"], at["mplus_url"])
            return
        token = fresh_token(at["accountview_url"])["authorization"].removeprefix("Bearer ")
        program = [PEERS[name], at["accountview_url"], token, at["mplus_url"], folder]
        yield lambda: measure_module(program, QUIET)


PEERS = {"bare script": "benchmarks.peers.script", "dlt": "benchmarks.peers.dlt_pipeline"}
ALL = ("Sluis", *PEERS)


def result_text(result: Mapping[str, Any]) -> str:
    """Return the result of a program as text."""
    if "proven" in result:
        return f"{result['proven']} proven, {result['in_doubt']} in doubt, {result['parked']} parked"
    return f"{result['written']} products written, {len(result['errors'])} errors"


def cost_row(name: str, articles: int, delay: float) -> str:
    """Return the row about the cost of a first sync."""
    with sandbox(articles) as at, sync_function(at, name) as sync:
        set_delay(at["control_url"], delay)
        before = sandbox_state(at["control_url"], "counts")
        result = sync()
        after = sandbox_state(at["control_url"], "counts")
    place = f"{delay * 1000:.0f} ms away" if delay else "loopback"
    calls = f"{after['writes'] - before['writes']} | {after['reads'] - before['reads']}"
    cost = f"{result['seconds']:.1f} | {result['processor']:.2f} | {result['whole']:.2f} | {result['tree_mb']:.0f}"
    return f"| {name}, {place} | {cost} | {calls} | {result_text(result)} |"


def lost_answers(control: str, keys: Sequence[str]) -> None:
    """Let the till execute calls without an answer: for one group, and for several articles."""
    arm_switch(control, fault="cut_after", system="mplus", operation="newArticleGroup")
    for key in spread_keys(keys, LOST):
        arm_switch(control, fault="cut_after", system="mplus", operation="createProduct", key=key)


def wrong_writes(control: str, keys: Sequence[str]) -> None:
    """Let the till confirm a write and store another price."""
    for key in spread_keys(keys, WRONG):
        arm_switch(control, fault="wrong", system="mplus", operation="createProduct", key=key)


FAULTS: Mapping[str, ArmFaults] = {"ten lost answers": lost_answers, "ten wrong writes": wrong_writes}


def spread_keys(keys: Sequence[str], number: int) -> Sequence[str]:
    """Return a number of keys at regular distances."""
    return keys[:: max(1, len(keys) // number)][:number]


def simple_articles(control: str) -> list[str]:
    """Return articles of the books without variants that are not at the till yet."""
    known_codes = till_contents(control).articles
    rows = sandbox_state(control, "state?system=accountview&table=ARTICLE")
    codes = [row["ART_CODE"] for row in rows if not row.get("K9_PARENT") and row.get("K9_EAN")]
    return sorted(
        code for code in codes if code.isdecimal() and code[0] != "0" and int(code) >= FIRST and code not in known_codes
    )


def write_count(control: str) -> int:
    """Return the number of write calls to the sandbox."""
    return int(sandbox_state(control, "counts")["writes"])


def fault_rows(name: str, articles: int) -> Iterator[str]:
    """Yield a row per fault: the till after a run with faults, and after one more run without."""
    with sandbox(articles) as at, sync_function(at, name) as sync:
        sync()
        expected = till_contents(at["control_url"])
    for fault, arm_faults in FAULTS.items():
        with sandbox(articles) as at, sync_function(at, name) as sync:
            control = at["control_url"]
            arm_faults(control, simple_articles(control))
            result = sync()
            unused = sum(switch["times"] for switch in sandbox_state(control, "switches"))
            first = till_contents(control).differences(expected)
            before = write_count(control)
            second_result = sync()
            row = f"{name}, {fault}{f' less {unused}' if unused else ''} | {first} | {result_text(result)}"
            writes = f"{write_count(control) - before} calls that write"
            yield f"| {row} | {till_contents(control).differences(expected)} | {result_text(second_result)}; {writes} |"


def peers(articles: int = ARTICLES, few: int = FEW) -> Iterator[str]:
    """Yield the lines of two tables: the cost of a first sync, and the result of a first sync with faults."""
    yield f"A first sync of {articles} articles"
    yield "| By | Seconds | Processor, the work | Processor, start to end | Peak, MB | Writes | Reads | It says |"
    yield "|---|---|---|---|---|---|---|---|"
    for delay in (0.0, DELAY_SECONDS):
        yield from (cost_row(name, articles, delay) for name in ALL)
    yield f"A first sync of {few} articles with faults"
    yield "| By | At the till | It says | At the till after one more run | It says |"
    yield "|---|---|---|---|---|"
    for name in ALL:
        yield from fault_rows(name, few)
