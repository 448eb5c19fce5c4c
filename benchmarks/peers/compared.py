"""The same first sync by the product and by two peers: what each takes, and what each makes of trouble.

The peers are a bare script (`bare.py`) and dlt with a custom destination (`loaded.py`). Each has a sandbox of its own.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.ground import DISTANCE_SECONDS, asked, console, far_away, fresh_token, measured, sandbox, switch

ARTICLES, FEW = 5_000, 1_000
LOST, WRONG = 9, 10  # and one answer to a new group
FIRST = 10_001  # the articles below are there to be difficult
QUIET = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}  # it calls nobody

Trouble = Callable[[str, Sequence[str]], None]
Sync = Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Held:
    """What a till holds: each article by its number, with its name and price, and how often each path of groups."""

    articles: Mapping[str, tuple[str, int]]
    groups: Counter[str]

    def against(self, calm: "Held") -> str:
        """Return how this differs from what the same program left when nothing went wrong."""
        lost = len(calm.articles.keys() - self.articles.keys()) + sum((calm.groups - self.groups).values())
        doubled = sum((self.groups - calm.groups).values())
        wrong = sum(self.articles[key] != value for key, value in calm.articles.items() if key in self.articles)
        return f"{lost} lost, {doubled} doubled, {wrong} wrong"


def held(control: str) -> Held:
    """Return what the till holds now."""
    products = asked(control, "state?system=mplus&table=products")
    articles = [one for product in products for one in product["articleList"]]
    groups = {one["groupNumber"]: one for one in asked(control, "state?system=mplus&table=groups")}

    def path(number: int) -> str:
        return f"{path(groups[number]['parentGroupNumber'])}/{groups[number]['name']}" if number else ""

    return Held(
        {str(one["articleNumber"]): (one["description"], one["priceIncl"]) for one in articles},
        Counter(path(number) for number in groups),
    )


@contextmanager
def programs(at: Mapping[str, str], name: str) -> Iterator[Sync]:
    """Give how this program syncs once at these systems; what it remembers is gone after the block."""
    with tempfile.TemporaryDirectory() as folder:
        if name == "Sluis":
            yield lambda: console(folder, at["accountview_url"], at["mplus_url"])
            return
        token = fresh_token(at["accountview_url"])["authorization"].removeprefix("Bearer ")
        program = [PEERS[name], at["accountview_url"], token, at["mplus_url"], folder]
        yield lambda: measured(program, QUIET)


PEERS = {"bare script": "benchmarks.peers.bare", "dlt": "benchmarks.peers.loaded"}
ALL = ("Sluis", *PEERS)


def said(done: Mapping[str, Any]) -> str:
    """Return what a program says of its own work."""
    if "proven" in done:
        return f"{done['proven']} proven, {done['in_doubt']} in doubt, {done['parked']} parked"
    return f"{done['written']} products written, {len(done['errors'])} errors"


def cost(name: str, articles: int, distance: float) -> str:
    """Return the row about what a first sync takes."""
    with sandbox(articles) as at, programs(at, name) as sync:
        far_away(at["control_url"], distance)
        before = asked(at["control_url"], "counts")
        done = sync()
        after = asked(at["control_url"], "counts")
    where = f"{distance * 1000:.0f} ms away" if distance else "loopback"
    calls = f"{after['writes'] - before['writes']} | {after['reads'] - before['reads']}"
    took = f"{done['seconds']:.1f} | {done['processor']:.2f} | {done['whole']:.2f} | {done['tree_mb']:.0f}"
    return f"| {name}, {where} | {took} | {calls} | {said(done)} |"


def lost_answers(control: str, keys: Sequence[str]) -> None:
    """Have the till do what it is told, and the answer not come: for one group, and for one article after another."""
    switch(control, fault="cut_after", system="mplus", operation="newArticleGroup")
    for key in spread(keys, LOST):
        switch(control, fault="cut_after", system="mplus", operation="createProduct", key=key)


def wrong_writes(control: str, keys: Sequence[str]) -> None:
    """Have the till say that all is well, and keep another price."""
    for key in spread(keys, WRONG):
        switch(control, fault="wrong", system="mplus", operation="createProduct", key=key)


TROUBLES: Mapping[str, Trouble] = {"ten lost answers": lost_answers, "ten wrong writes": wrong_writes}


def spread(keys: Sequence[str], number: int) -> Sequence[str]:
    """Return as many keys, evenly from the whole."""
    return keys[:: max(1, len(keys) // number)][:number]


def simple(control: str) -> list[str]:
    """Return the articles of the books that are products by themselves, and not at the till yet."""
    known = held(control).articles
    rows = asked(control, "state?system=accountview&table=ARTICLE")
    codes = [row["ART_CODE"] for row in rows if not row.get("K9_PARENT") and row.get("K9_EAN")]
    return sorted(
        code for code in codes if code.isdecimal() and code[0] != "0" and int(code) >= FIRST and code not in known
    )


def writes(control: str) -> int:
    """Return how many calls that write the sandbox has had."""
    return int(asked(control, "counts")["writes"])


def in_trouble(name: str, articles: int) -> Iterator[str]:
    """Give the rows about what a program makes of trouble: after that run, and after one more without any."""
    with sandbox(articles) as at, programs(at, name) as sync:
        sync()
        calm = held(at["control_url"])
    for trouble, arm in TROUBLES.items():
        with sandbox(articles) as at, programs(at, name) as sync:
            control = at["control_url"]
            arm(control, simple(control))
            done = sync()
            missed = sum(one["times"] for one in asked(control, "switches"))
            first = held(control).against(calm)
            before = writes(control)
            again = sync()
            row = f"{name}, {trouble}{f' less {missed}' if missed else ''} | {first} | {said(done)}"
            sent = f"{writes(control) - before} calls that write"
            yield f"| {row} | {held(control).against(calm)} | {said(again)}; {sent} |"


def peers(articles: int = ARTICLES, few: int = FEW) -> Iterator[str]:
    """Give two tables by their lines: what a first sync takes of each, and what each leaves of trouble."""
    yield f"A first sync of {articles} articles"
    yield "| By | Seconds | Processor, the work | Processor, start to end | Peak, MB | Writes | Reads | It says |"
    yield "|---|---|---|---|---|---|---|---|"
    for distance in (0.0, DISTANCE_SECONDS):
        yield from (cost(name, articles, distance) for name in ALL)
    yield f"A first sync of {few} articles in trouble"
    yield "| By | At the till | It says | At the till after one more run | It says |"
    yield "|---|---|---|---|---|"
    for name in ALL:
        yield from in_trouble(name, few)
