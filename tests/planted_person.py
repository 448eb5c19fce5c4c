"""A person planted in both systems, the search for their data, and an erasure that is killed."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import sql

from integration.application.application import Application
from integration.core.records import Correction, Kind
from integration.core.states import RunState
from tests.canary_secrets import contents, forms
from tests.clocks import ShiftedClock
from tests.consoles import WHO, Console, open_application
from tests.people import make_actor
from tests.store.key_changing import TOUCHES
from tests.stores import stores_in

PLANTED = (
    "Zwiebelquast", "zwq@planted.example", "Xylofonstraat", "9876 ZX", "Ködderitz", "0612345987", "31415926",
    "Ypsilonlaan", "Wummenberg", "Qwikzalver",
)  # fmt: skip
DEBTOR = {
    "SUB_NR": "39001", "ACCT_NAME": "Zwiebelquast Ödön", "ACCT_NR": "1300", "MAIL_BUS": "zwq@planted.example",
    "ADDRESS1": "Xylofonstraat 77", "POST_CODE": "9876 ZX", "CITY": "Ködderitz", "TEL_BUS": "0612345987",
    "COC_CODE": "31415926", "MAIN_CONT": "Qwikzalver Ö.", "CNT_CODE": "NL",
}  # fmt: skip
ADDRESS = {
    "name": "Qwikzalver Ö.",
    "address": "Ypsilonlaan 5",
    "zipcode": "9876 ZX",
    "city": "Wummenberg",
    "country": "NL",
}
ARTICLE = "10001"
ME = make_actor(WHO)
MONTHS, MONTH_DAYS = 13, 28
NUMBER = "39001"  # of the person, as a debtor


def hits(folder: Path) -> dict[str, list[str]]:
    """Return the planted words in each file. The journal is left out, because it belongs to the sandbox systems."""
    words_by_file: dict[str, list[str]] = {}
    for name, content in contents(folder):
        small = content.lower()
        words = [word for word in PLANTED if any(form.lower() in small for form in forms(word) | forms(word.lower()))]
        if words and name != "sandbox.journal":
            words_by_file[name] = words
    return words_by_file


RUNS = 3  # of orders, in which one is booked


@dataclass
class Shop:
    """A shop with one planted person: a debtor of the books who ordered at the till."""

    console: Console
    data: Path
    whole: bool  # whether runs read everything, and every flow ran
    url: str = ""  # of its PostgreSQL database

    def run(self, flow: str, *keys: str) -> Mapping[str, str]:
        """Run a flow, only for these records unless the shop is `whole`; return the cause of each line."""
        run = self.console.run(flow, *(() if self.whole else keys))
        return {row.key: row.cause for row in self.console.lines(run).values()}

    @property
    def application(self) -> Application:
        return self.console.application

    def plant(self) -> None:
        console = self.console
        console.sandbox.accountview.add("CONTACT", DEBTOR)
        self.run("customers", "39001")
        self.relation = next(
            str(row["relationNumber"]) for row in console.sandbox.state("relations", "mplus")
            if row.get("extRelationId") == "39001"
        )  # fmt: skip
        self.order = console.till_client.order(ARTICLE, relation=self.relation, deliveryAddress=ADDRESS)
        self._book_order()
        run_id = self.application.runs.latest("orders", limit=1)[0].id
        self.application.notes.add(run_id, "Zwiebelquast Ödön calls about it", WHO)
        self.application.saved_filters.keep("exceptions", "Zwiebelquast Ödön", {"find": "Zwiebelquast Ödön"}, ME)
        other = self.console.preview("stock", ARTICLE).id
        if self.application.runs.get(other).state is RunState.READY:
            self.application.runs.discard(other, WHO, "Xylofonstraat 77 first")
        console.sandbox.accountview.edit("CONTACT", "39001", {"ADDRESS1": "Xylofonstraat 778", "VAT_NR": "NL1"})
        self.run("customers", "39001")
        for flow in ("payments", "days", "stock") if self.whole else ():
            self.run(flow)
        correction = Correction(Kind.DEBTOR, "39001", "city", "Ködderitz", "Wummenberg", "Zwiebelquast Ödön", WHO)
        self.application.corrections.keep("customers", [correction], WHO)
        self.application.log.catch_up()

    def _book_order(self) -> None:
        """Run orders until the order is booked; a busy machine may need more than one run."""
        runs = [self.run("orders", self.order)]
        links = stores_in(self.application).links
        while not links.get("orders", Kind.SALES_ORDER, [self.order]):
            assert len(runs) < RUNS, runs
            runs.append(self.run("orders", self.order))

    def simulate_year(self, clock: ShiftedClock) -> None:
        """Simulate thirteen months: each month the person moves, changes the telephone number, and orders."""
        for month in range(MONTHS):
            clock.pass_days(MONTH_DAYS)
            moved = {"ADDRESS1": f"Xylofonstraat {100 + month}", "TEL_BUS": f"0612345987{month}"}
            moved["VAT_NR"] = "" if month < MONTHS - 1 else "NL1"  # which is none, and is parked
            self.console.sandbox.accountview.edit("CONTACT", NUMBER, moved)
            order = self.console.till_client.order(ARTICLE, relation=self.relation, deliveryAddress=ADDRESS)
            self.run("customers", NUMBER)
            self.run("orders", order)
            self.application.log.catch_up()
        self.application.retention.prune()

    def hits(self, data: Path | None = None, url: str = "") -> dict[str, list[str]]:
        """Return the planted words by file, and in the rows of a PostgreSQL database."""
        words_by_file = hits(data or self.data)
        rows = hits_in(url or self.url) if self.url else []
        return {**words_by_file, "rows": rows} if rows else words_by_file

    def sums(self) -> Mapping[str, object]:
        """Return the counts and states of runs, which an erasure must not change."""
        runs = self.application.runs.latest(limit=100)
        return {run.id: (run.counts, run.state) for run in runs if run.state is not RunState.DISCARDED}


def hits_in(url: str) -> list[str]:
    """Return the planted words in the rows of a PostgreSQL database of the console or of the engine."""
    query = "SELECT schemaname, relname FROM pg_stat_user_tables"
    words: set[str] = set()
    with psycopg.connect(url) as connection:
        for schema, table in connection.execute(query).fetchall():
            rows_of_table = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(schema, table))
            for (row,) in connection.execute(rows_of_table).fetchall():
                small = row.lower().encode()
                words |= {word for word in PLANTED if any(form.lower() in small for form in forms(word))}
    return sorted(words)


# ---- a killed erasure


@contextmanager
def at_rest_on(folder: Path) -> Iterator[Application]:
    """Open the console of a folder without its systems and engine."""
    with open_application(folder, start=False, sandbox=True, sandbox_articles=50) as application:
        yield application


def erase_until(folder: Path, moment: int, count_file: Path, stage: str = "", seconds: float = 0.0) -> None:
    """Erase the person and kill this process at a number of touches, or some seconds after a stage began.

    A touch is a write to a file or the database. If the process survives, it writes the number of touches to a file.
    """
    touches = _Touches(moment, folder)
    with at_rest_on(folder) as application:
        customer = application.data_subjects.customer(debtor=NUMBER)

        def stop_at(name: str) -> None:
            if name == stage:
                threading.Timer(seconds, _die).start()

        touches.count = 0  # those of the opening are no part of it
        application.data_subjects.erase(customer, NUMBER, ME, stop_at)
        count_file.write_text(str(touches.count), encoding="utf-8")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Touches:
    """Counts accesses to databases and files of a folder, and kills the process at one of them."""

    def __init__(self, moment: int, folder: Path) -> None:
        self.count = -sys.maxsize
        self._moment = moment
        self._folder = str(folder)
        for event in ("begin", "commit", "before_cursor_execute", "after_cursor_execute"):
            sa.event.listen(sa.Engine, event, self._count_touch)
        sys.addaudithook(self._audit_hook)

    def _count_touch(self, *_: object) -> None:
        self.count += 1
        if self.count == self._moment:
            _die()

    def _audit_hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in TOUCHES and str(arguments[0]).startswith(self._folder):
            self._count_touch()
