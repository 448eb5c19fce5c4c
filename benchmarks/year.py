"""What a console takes on disk after months of four busy flows: `python -m benchmarks.year`.

The clock of the console is moved, a day at a time. What runs leave behind is left by the calls of the store that runs
make, into the real files; the log is filled, and what is no longer kept let go, as in each night. The engine has no
part in it: of that only the last two weeks are ever kept, which are measured as they are by `--engine`.
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
ARTICLES, CUSTOMERS = 2_000, 800  # which the same updates meet again and again
PARKED = 10  # records a day that a person settles the day after
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Busy:
    """One flow on a busy day: how often it looks, in how many of these it writes, and how many records each time."""

    flow: str
    kind: Kind
    rounds: int
    writing: int
    records: int


DAY = (
    Busy("products", Kind.PRODUCT, 96, 6, 20),
    Busy("stock", Kind.STOCK, 96, 24, 15),
    Busy("customers", Kind.RELATION, 96, 4, 5),
    Busy("orders", Kind.POSTING, 96, 32, 6),
)
"""Four flows that look every quarter of an hour: 692 records a day are written, 192 of which are new documents."""


def scaled(share: float) -> tuple[Busy, ...]:
    """Return a day with a share of all that; at least one writing round of each flow."""
    return tuple(
        Busy(one.flow, one.kind, max(1, round(one.rounds * share)), max(1, round(one.writing * share)), one.records)
        for one in DAY
    )


class Later:
    """The clock of this machine, some time ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """Return the moment it is there."""
        return datetime.now(UTC) + self.ahead


class Shop:
    """What four flows leave behind, day by day."""

    def __init__(self, stores: Stores, day: tuple[Busy, ...]) -> None:
        self._stores = stores
        self._day = day
        self._number = 0

    def live(self, today: int) -> None:
        """Leave behind what a day does."""
        for one in self._day:
            for turn in range(one.rounds):
                if turn < one.writing:
                    self._written(one, today)
                else:
                    runs = self._stores.runs
                    runs.discard(runs.begin(one.flow, Mode.CHANGES, BY, 1).id, BY)
        self._exceptions(today)

    def _written(self, one: Busy, today: int) -> None:
        runs, previews, ledger = self._stores.runs, self._stores.previews, self._stores.ledger
        lines = [self._line(one, today) for _ in range(one.records)]
        run = runs.begin(one.flow, Mode.CHANGES, BY, 1).id
        previews.keep_page(run, lines, [], one.records, Position(Task.COMPARE))
        previews.finish(run, f"{run}-{today}", (), RunState.READY, 2 * one.records)
        runs.approve(run, Approval(runs.get(run).mark, BY))
        while planned := ledger.next_planned(run, FLOWS[one.flow].flow.order, 100):
            ledger.mark_sent(run, [line.seq for line in planned])
            ledger.settle(run, [Outcome(line.seq, Step.PROVEN, f"7{line.key}", str(today)) for line in planned])
        ledger.finish(run)

    def _line(self, one: Busy, today: int) -> PlanRow:
        self._number += 1
        number = self._number if one.kind is Kind.POSTING else self._number * 7 % self._known(one.kind)
        wanted = _record(one.kind, number, today)
        before = None if one.kind is Kind.POSTING else _record(one.kind, number, today - 1)
        action = Action.CREATE if before is None else Action.UPDATE
        change = Change(
            action=action, kind=one.kind, key=wanted.key, title=f"{one.flow} {number}", group="Dranken",
            sources=(wanted.key,), desired=wanted, before=before, agreed=wanted,
        )  # fmt: skip
        return PlanRow(
            0, FLOWS[one.flow].flow.counted_stage.name, action, one.kind, change.key, change.title, change.group, 1,
            change, change.digest(),
        )  # fmt: skip

    def _known(self, kind: Kind) -> int:
        return CUSTOMERS if kind is Kind.RELATION else ARTICLES

    def _exceptions(self, today: int) -> None:
        issues = self._stores.issues
        for open_one in issues.list("orders", "vat_code_unmapped", limit=1_000):
            issues.close(open_one.id, BY)
        facts = {"code": "7", "sold": "10.50"}
        met = [IssueOccurrence(Issue("vat_code_unmapped", f"ORD-{today}-{one}", facts=facts)) for one in range(PARKED)]
        issues.open("orders", "", met)


def _record(kind: Kind, number: int, today: int) -> Record:
    """Return a record of the size that real ones have."""
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
                Record(Kind.LINE, f"{number}-{one}", {"account": "8000", "amount": price, "vat": "2"})
                for one in range(3)
            )
            posted: dict[str, Value] = {
                "reference": f"K{number}",
                "number": str(number),
                "total": 3 * price,
                "debtor": "1000",
            }
            return Record(Kind.POSTING, f"K{number}", posted, lines)


def night(application: Application) -> None:
    """Bring what waits into the log, and let go what is no longer kept, page by page."""
    application.log.catch_up()
    position = application.retention.page("")
    while position:
        position = application.retention.page(position)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a console takes after so many days: its files, and the rows of each class that is kept."""

    day: int
    files: dict[str, int]
    rows: dict[str, int | None]
    bytes: dict[str, int | None]


def lived(
    data: Path,
    days: int,
    day: tuple[Busy, ...],
    told: Callable[[int], bool] = lambda day: day % 30 == 0,
    *,
    step: int = 1,
) -> Iterator[Sizes]:
    """Live for so many days on a folder, each `step` of them one, and yield what is kept after the nights `told`."""
    clock = Later()
    settings = load_settings(data=data)
    application = build(settings, machine=clock)
    with closing(application), closing(open_database(settings.operational_url())) as database:
        mirrors = mirrors_of(FLOWS.values())
        shop = Shop(stores_of(database, clock, mirrors=mirrors), day)
        for today in range(step, days + 1, step):
            clock.ahead += timedelta(days=step)
            shop.live(today)
            night(application)
            if told(today) or today == days:
                kept = application.retention.class_statuses()
                files = {one.name: one.size for one in application.retention.files()}
                rows, sizes = {one.name: one.rows for one in kept}, {one.name: one.size for one in kept}
                yield Sizes(today, files, rows, sizes)


def main() -> None:
    """Print a line of JSON a month."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--days", type=int, default=2 * 365)
    asked.add_argument("--share", type=float, default=1.0, help="of what a busy day has")
    asked.add_argument("--folder", type=Path, help="a new folder; otherwise one that is removed afterwards")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        for one in lived(given.folder or Path(spare), given.days, scaled(given.share)):
            sys.stdout.write(
                json.dumps({"day": one.day, "files": one.files, "rows": one.rows, "bytes": one.bytes}) + "\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
