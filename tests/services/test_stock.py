"""Questions about stock, and how long the answers are cached."""

from datetime import timedelta
from decimal import Decimal

import pandas as pd
import pytest

from integration.flows.stock.settings import StockSettings
from integration.log.logbook import Logbook
from integration.services.log.log import Log
from integration.services.runs.exceptions import Exceptions
from integration.services.runs.flows import Flows
from integration.services.stock import (
    LevelDifference,
    LevelReason,
    Stock,
    StockScope,
    largest_lines,
    level_reason,
    unproven_since,
)
from integration.store.database import Database
from integration.store.events import Event
from integration.store.issues import Issues
from integration.store.outbox_reader import OutboxReader
from tests.clocks import Clock
from tests.log.conftest import NOW
from tests.parts import part


@pytest.fixture
def stock(logbook: Logbook, events: OutboxReader, database: Database) -> Stock:
    """The questions about stock, with books that answer nothing."""
    log = Log(logbook, events, is_drained=True)
    return Stock(
        logbook,
        log,
        Issues(database, lambda: NOW),
        part(Exceptions, article=lambda _: None),
        part(Flows, is_on=lambda _: False, settings=lambda _: StockSettings()),
        flow="stock",
        products="products",
    )


def test_levels_are_reported_by_article_and_branch_whatever_the_flow_that_wrote_them_is_called(
    events: OutboxReader, logbook: Logbook, stock: Stock
) -> None:
    planned_levels = {"1/amount": "5", "2/amount": "0.5", "managed": "yes"}
    events.record(
        Event(event="planned", run="r1", flow="levels", kind="stock", key="1001", title="Bel", after=planned_levels)
    )
    events.record(Event(event="planned", run="r1", flow="levels", kind="stock", key="1002", after={"1/amount": "7"}))
    events.record(Event(event="proven", run="r1", flow="levels", kind="stock", key="1001"))
    logbook.drain(events)
    levels = stock.charted(StockScope(article="1001"))
    assert levels[["branch", "amount"]].astype(str).to_numpy().tolist() == [["1", "5.0"], ["2", "0.5"]]
    assert stock.charted(StockScope(article="1002")).empty, "what was not proven is no level"
    assert stock.branches() == ["1", "2"]


def test_answers_are_kept_until_levels_come_in(events: OutboxReader, logbook: Logbook, stock: Stock) -> None:
    def level(article: str, amount: str) -> None:
        planned = Event(event="planned", run="r1", flow="stock", kind="stock", key=article, after={"1/amount": amount})
        events.record(planned, Event(event="proven", run="r1", flow="stock", kind="stock", key=article))
        logbook.drain(events)

    def total_levels() -> list[float]:
        return [float(amount) for amount in stock.charted(StockScope())["amount"]]

    level("1001", "3")
    chart = stock.charted(StockScope())
    chart["amount"] = 0  # what one page does to its answer is no other's business
    assert total_levels() == [3]
    level("1002", "4")
    assert total_levels() == [7]


def test_what_is_counted_in_other_units_is_never_added_up(events: OutboxReader, logbook: Logbook, stock: Stock) -> None:
    now = NOW
    levels = {"1001": ("3", "STUK"), "1002": ("4", "STUK"), "1003": ("2.5", "KILO"), "1004": ("7", "")}
    for article, (amount, unit) in levels.items():
        planned = Event(
            event="planned", run="r1", flow="stock", kind="stock", key=article, after={"1/amount": amount},
            facts={"unit": unit} if unit else {},
        )  # fmt: skip
        events.record(planned, Event(event="proven", run="r1", flow="stock", kind="stock", key=article))
    logbook.drain(events)

    totals = {total.unit: total.amount for total in stock.sums(StockScope(), now).totals}
    assert totals == {"STUK": 7, "KILO": Decimal("2.5"), "": 7}
    charted = {unit: list(stock.charted(StockScope(summed_unit=unit))["amount"]) for unit in totals}
    assert charted == {unit: [float(amount)] for unit, amount in totals.items()}


def test_a_branch_has_no_line_before_its_first_known_level(database: Database, logbook: Logbook, stock: Stock) -> None:
    clock = Clock()
    begun = clock.now = clock.now.replace(minute=37)
    events = OutboxReader(database, clock)
    for branch in ("1", "2"):
        after = {f"{branch}/amount": "5"}
        planned = Event(event="planned", run=f"r{branch}", flow="stock", kind="stock", key="1001", after=after)
        events.record(planned, Event(event="proven", run=f"r{branch}", flow="stock", kind="stock", key="1001"))
        clock.now += timedelta(days=1)
    logbook.drain(events)

    levels = stock.levels(StockScope(), "branch", clock.now).astype(object)

    assert levels.where(levels.notna(), None).to_numpy().tolist() == [[5.0, None], [5.0, 5.0], [5.0, 5.0]]
    assert levels.index[0] == pd.Timestamp(
        begun.replace(tzinfo=None)
    )  # when it was known, and not the begin of its hour


def test_how_long_stock_lasts_is_reported_alike_for_an_hour_and_anew_once_levels_come_in(
    database: Database, logbook: Logbook, stock: Stock
) -> None:
    clock = Clock()
    events = OutboxReader(database, clock)

    def level(run: str, earlier_amount: str, amount: str) -> None:
        plan = Event(
            event="planned", run=run, flow="stock", kind="stock", key="1001", before={"1/amount": earlier_amount},
            after={"1/amount": amount},
        )  # fmt: skip
        events.record(plan, Event(event="proven", run=run, flow="stock", kind="stock", key="1001"))
        clock.advance(60)
        logbook.drain(events)

    scope, hour = StockScope(), clock().replace(minute=0)
    early, late = hour + timedelta(minutes=1), hour + timedelta(minutes=59)
    level("r1", "0", "40")
    assert stock.sums(scope, early) == stock.sums(scope, late)
    level("r2", "30", "20")
    (line,) = stock.forecast(scope, early).to_dict("records")
    assert (line["amount"], line["fell_a_day"], line["days_left"]) == (20, 20, 1)
    assert stock.forecast(scope, late).equals(stock.forecast(scope, early))
    assert stock.sums(scope, late).running_out_count == 1


def test_why_a_level_differs_is_distinguished_from_the_one_that_was_written_last() -> None:
    difference = LevelDifference(1, "10", "Ten", "1", source=Decimal(12), target=Decimal(9))

    assert level_reason(difference, Decimal(12), NOW) == LevelReason(NOW, target=Decimal(-3), source=Decimal(0))
    assert level_reason(difference, Decimal(9), NOW) == LevelReason(NOW, target=Decimal(0), source=Decimal(3))
    assert level_reason(difference, None, None).since is None


def test_levels_count_as_proven_for_some_turns_of_the_schedule() -> None:
    soon, long_ago = NOW - timedelta(minutes=10), NOW - timedelta(hours=3)
    assert unproven_since(None, soon, NOW) is None
    assert unproven_since(NOW - timedelta(minutes=50), soon, NOW) is None
    assert unproven_since(NOW - timedelta(minutes=70), soon, NOW) == NOW - timedelta(minutes=70)
    assert unproven_since(NOW - timedelta(hours=2), long_ago, NOW) is None
    assert unproven_since(NOW - timedelta(hours=4), long_ago, NOW) == NOW - timedelta(hours=4)
    assert unproven_since(NOW - timedelta(hours=20), None, NOW) is None
    assert unproven_since(NOW - timedelta(days=2), None, NOW) == NOW - timedelta(days=2)


def test_of_too_many_lines_the_largest_are_drawn_and_the_rest_as_one() -> None:
    nothing = float("nan")
    levels = pd.DataFrame([[nothing, 9.0, nothing, 9.0], [1.0, 5.0, 2.0, 4.0]], columns=["a", "b", "c", "d"])
    drawn = largest_lines(levels, 3, "rest")
    assert drawn.iloc[1].to_dict() == {"b": 5, "d": 4, "rest": 3}
    assert drawn["rest"].isna().tolist() == [True, False], "before the first level is known there is no line"
    assert list(largest_lines(levels, 4, "rest")) == ["a", "b", "c", "d"]
