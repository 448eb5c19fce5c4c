"""Small plans and records for tests of the store."""

from dataclasses import replace
from decimal import Decimal

from integration.core.links import Link
from integration.core.plan import Action, Approval, Change
from integration.core.plan_lines import PlanRow
from integration.core.position import Position, Task
from integration.core.records import Kind, Record
from integration.core.run import Mode, Outcome
from integration.core.staged_records import StagedRecord
from integration.core.states import RunState, Step
from integration.store.choices import ChoiceStore
from integration.store.database import Database
from integration.store.ledger import Ledger
from integration.store.outbox_reader import OutboxReader
from integration.store.previews import Previews
from integration.store.runs import RunStore
from tests.clocks import Clock

FLOW = "products"
STAGE = "articles"
STAGES = ("groups", STAGE)


def a_product(number: int, *, price: str = "12.10", active: bool = True) -> Record:
    """A product of one article: P1, with article number 200001 from the code A1."""
    article = Record(
        Kind.ARTICLE,
        str(200_000 + number),
        {"price_incl": Decimal(price), "ean": str(8_710_000_000_000 + number), "active": active},
        source=f"A{number}",
    )
    return Record(Kind.PRODUCT, f"P{number}", {"name": f"Thee {number}"}, (article,), f"P{number}")


def a_staged(place: int, *, parent: str = "", **values: object) -> StagedRecord:
    """An article as read."""
    staged = StagedRecord(
        f"A{place}", parent or f"P{place}", f"Thee {place}", str(200_000 + place), record=a_product(place)
    )
    return replace(staged, **values)  # type: ignore[arg-type]


def a_create(number: int, *, stage: str = STAGE) -> PlanRow:
    """A line that creates a product."""
    product = a_product(number)
    change = Change(
        action=Action.CREATE, kind=Kind.PRODUCT, key=product.key, title=f"Thee {number}", group="Dranken",
        sources=(f"A{number}",), desired=product, before=None, agreed=product,
    )  # fmt: skip
    return a_line(change, stage=stage)


def a_line(change: Change, *, stage: str = STAGE) -> PlanRow:
    """A line of a plan that holds a change."""
    return PlanRow(
        0, stage, change.action, change.kind, change.key, change.title, change.group, len(change.sources), change,
        change.digest(),
    )  # fmt: skip


def a_skip(number: int) -> PlanRow:
    """A line of a record that takes no part."""
    return PlanRow(
        0, STAGE, Action.SKIP, Kind.PRODUCT, f"A{number}", f"Thee {number}", cause="filtered", facts={"rule": "blocked"}
    )


def a_park(number: int, cause: str = "price_missing", field: str = "price_excl") -> PlanRow:
    """A line of a record that waits for a person."""
    return PlanRow(
        0, STAGE, Action.PARK, Kind.PRODUCT, f"A{number}", f"Thee {number}", cause=cause, cause_field=field,
        facts={"key": f"A{number}"},
    )  # fmt: skip


def a_link(number: int) -> Link:
    """The link of a product both sides agree on."""
    return Link(Kind.PRODUCT, f"P{number}", str(7000 + number), a_product(number), "3")


def a_preview(runs: RunStore, *lines: PlanRow, unchanged: int = 0, mode: Mode = Mode.COMPLETE) -> str:
    """Return a run that was just begun and holds these lines."""
    run = runs.begin(FLOW, mode, "anna", 4)
    links = [a_link(900 + number) for number in range(unchanged)]
    Previews(runs.database, runs.clock).keep_page(run.id, lines, links, unchanged, Position(Task.COMPARE))
    return run.id


def a_plan(runs: RunStore, *lines: PlanRow, unchanged: int = 0) -> str:
    """Return a run whose plan waits for a person."""
    run = a_preview(runs, *lines, unchanged=unchanged)
    read_count = sum(line.weight for line in lines) + unchanged
    Previews(runs.database, runs.clock).finish(run, "fingerprint", (), RunState.READY, read_count)
    return run


def a_commit(runs: RunStore, *lines: PlanRow, unchanged: int = 0, left_out: frozenset[int] = frozenset()) -> str:
    """Return a run whose plan was approved."""
    run = a_plan(runs, *lines, unchanged=unchanged)
    ChoiceStore(runs.database, runs.clock).exclude(run, left_out, "anna")
    runs.approve(run, Approval(runs.get(run).mark, "anna"))
    return run


def prove(runs: RunStore, run: str) -> None:
    """Send and prove everything that is planned."""
    ledger = Ledger(runs.database, runs.clock)
    while lines := ledger.next_planned(run, STAGES, 100):
        ledger.mark_sent(run, [line.seq for line in lines])
        ledger.settle(run, [Outcome(line.seq, Step.PROVEN, f"7{line.key[1:]}", "1") for line in lines])


def waiting_events(database: Database, clock: Clock) -> list[str]:
    """Return the events that wait, by name."""
    return [str(event["event"]) for event in OutboxReader(database, clock).waiting(10_000)]
