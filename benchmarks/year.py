"""Measures the disk space of a console after months of four busy flows: `python -m benchmarks.year`.

Moves the clock of the console one day at a time. Calls the store as runs do, fills the log, and deletes expired data as
each night does, all in real files. The engine takes no part: it keeps two weeks at most.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from integration.application.application import Application
from integration.application.bootstrap import build
from integration.application.stores import Stores, stores_of
from integration.core.issues import Issue, IssueOccurrence
from integration.core.plan import Action, Approval, Change
from integration.core.plan_lines import PlanRow
from integration.core.position import Position, Task
from integration.core.records import Kind, Record, Value
from integration.core.run import Mode, Outcome
from integration.core.states import RunState, Step
from integration.flows.registry import FLOWS, mirrors_of
from integration.settings import load_settings
from integration.store.database import open_database

BY = "schedule"
ARTICLES, CUSTOMERS = 2_000, 800  # updated again and again
PARKED = 10  # records a day, repaired on the next day
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class FlowLoad:
    """One flow on a busy day: number of runs, number of runs that write, and records per write."""

    flow: str
    kind: Kind
    rounds: int
    writing: int
    records: int


DAY = (
    FlowLoad("products", Kind.PRODUCT, 96, 6, 20),
    FlowLoad("stock", Kind.STOCK, 96, 24, 15),
    FlowLoad("customers", Kind.RELATION, 96, 4, 5),
    FlowLoad("orders", Kind.POSTING, 96, 32, 6),
)
"""Four flows that run every 15 minutes: 692 records a day are written, 192 of them new documents."""


def scale_day(share: float) -> tuple[FlowLoad, ...]:
    """Return a day with a share of that load, with at least one writing run of each flow."""
    return tuple(
        FlowLoad(
            load.flow, load.kind, max(1, round(load.rounds * share)), max(1, round(load.writing * share)), load.records
        )
        for load in DAY
    )


class ShiftedClock:
    """The clock of this machine, moved forward by `ahead`."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """Return the moved time."""
        return datetime.now(UTC) + self.ahead


class ShopSimulation:
    """Writes the data of four flows, day by day."""

    def __init__(self, stores: Stores, day: tuple[FlowLoad, ...]) -> None:
        self._stores = stores
        self._day = day
        self._number = 0

    def simulate_day(self, today: int) -> None:
        """Write the data of one day."""
        for load in self._day:
            for turn in range(load.rounds):
                if turn < load.writing:
                    self._write_run(load, today)
                else:
                    runs = self._stores.runs
                    runs.discard(runs.begin(load.flow, Mode.CHANGES, BY, 1).id, BY)
        self._park_records(today)

    def _write_run(self, load: FlowLoad, today: int) -> None:
        runs, previews, ledger = self._stores.runs, self._stores.previews, self._stores.ledger
        lines = [self._line(load, today) for _ in range(load.records)]
        run = runs.begin(load.flow, Mode.CHANGES, BY, 1).id
        previews.keep_page(run, lines, [], load.records, Position(Task.COMPARE))
        previews.finish(run, f"{run}-{today}", (), RunState.READY, 2 * load.records)
        runs.approve(run, Approval(runs.get(run).mark, BY))
        while planned := ledger.next_planned(run, FLOWS[load.flow].flow.order, 100):
            ledger.mark_sent(run, [line.seq for line in planned])
            ledger.settle(run, [Outcome(line.seq, Step.PROVEN, f"7{line.key}", str(today)) for line in planned])
        ledger.finish(run)

    def _line(self, load: FlowLoad, today: int) -> PlanRow:
        self._number += 1
        number = self._number if load.kind is Kind.POSTING else self._number * 7 % self._record_count(load.kind)
        record = _record(load.kind, number, today)
        before = None if load.kind is Kind.POSTING else _record(load.kind, number, today - 1)
        action = Action.CREATE if before is None else Action.UPDATE
        change = Change(
            action=action, kind=load.kind, key=record.key, title=f"{load.flow} {number}", group="Dranken",
            sources=(record.key,), desired=record, before=before, agreed=record,
        )  # fmt: skip
        return PlanRow(
            0, FLOWS[load.flow].flow.counted_stage.name, action, load.kind, change.key, change.title, change.group, 1,
            change, change.digest(),
        )  # fmt: skip

    def _record_count(self, kind: Kind) -> int:
        return CUSTOMERS if kind is Kind.RELATION else ARTICLES

    def _park_records(self, today: int) -> None:
        issues = self._stores.issues
        for issue in issues.list("orders", "vat_code_unmapped", limit=1_000):
            issues.close(issue.id, BY)
        facts = {"code": "7", "sold": "10.50"}
        keys = [f"ORD-{today}-{number}" for number in range(PARKED)]
        issues.open("orders", "", [IssueOccurrence(Issue("vat_code_unmapped", key, facts=facts)) for key in keys])


def _record(kind: Kind, number: int, today: int) -> Record:
    """Return a record of realistic size."""
    price = Decimal(1_000 + (number + today) % 500) / 100
    match kind:
        case Kind.PRODUCT:
            article = Record(
                Kind.ARTICLE, str(200_000 + number),
                {"price_incl": price, "price_excl": price, "ean": str(8_710_000_000_000 + number), "active": True,
                 "vat_code": "2", "group": "12", "unit": "stuk", "note": f"Week {today // 7}"}, source=f"A{number}",
            )  # fmt: skip
            return Record(Kind.PRODUCT, f"P{number}", {"name": f"Groene thee {number}"}, (article,), f"A{number}")
        case Kind.STOCK:
            return Record(Kind.STOCK, f"A{number}@1", {"article": f"A{number}", "quantity": Decimal(today % 40)})
        case Kind.RELATION:
            values = {
                "name": f"Klant {number}", "number": str(number), "city": "Utrecht", "street": f"Straat {today}",
                "postcode": "3511 AB", "country": "NL", "email": f"k{number}@shop.example", "vat": "",
            }  # fmt: skip
            return Record(Kind.RELATION, str(number), values)
        case _:
            lines = tuple(
                Record(Kind.LINE, f"{number}-{position}", {"account": "8000", "amount": price, "vat": "2"})
                for position in range(3)
            )
            posted: dict[str, Value] = {
                "reference": f"K{number}",
                "number": str(number),
                "total": 3 * price,
                "debtor": "1000",
            }
            return Record(Kind.POSTING, f"K{number}", posted, lines)


def run_night(application: Application) -> None:
    """Movement waiting events into the log and delete expired data, page by page."""
    application.log.catch_up()
    position = application.retention.page("")
    while position:
        position = application.retention.page(position)


@dataclass(frozen=True, slots=True)
class StorageSizes:
    """Disk space of a console on a day: its files, and rows and bytes of each retention class."""

    day: int
    files: dict[str, int]
    rows: dict[str, int | None]
    bytes: dict[str, int | None]


def simulate(
    data: Path,
    days: int,
    day: tuple[FlowLoad, ...],
    is_measured: Callable[[int], bool] = lambda day: day % 30 == 0,
    *,
    step: int = 1,
) -> Iterator[StorageSizes]:
    """Simulate a number of days in a folder; yield the sizes after the days that `is_measured` accepts.

    One simulated day stands for `step` days.
    """
    clock = ShiftedClock()
    settings = load_settings(data=data)
    application = build(settings, machine=clock)
    with closing(application), closing(open_database(settings.operational_url())) as database:
        mirrors = mirrors_of(FLOWS.values())
        shop = ShopSimulation(stores_of(database, clock, mirrors=mirrors), day)
        for today in range(step, days + 1, step):
            clock.ahead += timedelta(days=step)
            shop.simulate_day(today)
            run_night(application)
            if is_measured(today) or today == days:
                statuses = application.retention.class_statuses()
                files = {file.name: file.size for file in application.retention.files()}
                rows = {status.name: status.rows for status in statuses}
                sizes = {status.name: status.size for status in statuses}
                yield StorageSizes(today, files, rows, sizes)


def main() -> None:
    """Print a line of JSON a month."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=2 * 365)
    parser.add_argument("--share", type=float, default=1.0, help="share of the load of a busy day")
    parser.add_argument("--folder", type=Path, help="a new folder; otherwise one that is removed afterwards")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary_folder:
        folder = arguments.folder or Path(temporary_folder)
        for sizes in simulate(folder, arguments.days, scale_day(arguments.share)):
            sys.stdout.write(
                json.dumps({"day": sizes.day, "files": sizes.files, "rows": sizes.rows, "bytes": sizes.bytes}) + "\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
