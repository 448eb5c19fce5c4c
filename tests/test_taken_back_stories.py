"""An undo lasts, on both real protocols: in each flow that can be undone, by people and by schedules."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from integration.core.plan_lines import PlanRow
from integration.core.reverted_values import VALUE_REVERTED
from integration.core.run import Mode, Run
from integration.core.states import RunState, Step
from tests.consoles import WHO, Console, open_application
from tests.people import make_actor

BY_ITSELF = {"on": True, "auto_approve": True}
ARTICLE, OTHER = "10026", "10006"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose articles are at the till, with stock in one branch."""
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        console = Console(application)
        application.flows.change("stock", {"branches": {"1": "formula"}}, make_actor(WHO))
        for flow in ("products", "stock"):
            console.run(flow)
        yield console


def marked_rows(console: Console, run: Run) -> list[PlanRow]:
    return [
        row for row in console.application.plans.rows(run.id, "changes", limit=10_000) if row.cause == VALUE_REVERTED
    ]


def price(console: Console, number: str) -> int:
    rows = console.sandbox.state("articles", "mplus")
    return int(next(row["priceIncl"] for row in rows if str(row["articleNumber"]) == number))


def include_all(console: Console, run: Run) -> Run:
    """Take everything into a plan."""
    console.application.choices.take(run.id, list(run.excluded), WHO)
    return console.application.runs.get(run.id)


def require_excluded_reverts(console: Console, flow: str, undone: Run) -> Run:
    """Require that a complete run marks reverted values and excludes them, and that no schedule sends them."""
    plan = console.preview(flow)
    rows = marked_rows(console, plan)
    assert plan.state is RunState.READY
    assert {(row.facts["run"], row.facts["by"]) for row in rows} == {(undone.id, WHO)}
    assert {row.seq for row in rows} == set(plan.excluded)
    assert len(rows) == console.application.plans.count(plan.id, "changes")
    console.application.flows.change(flow, BY_ITSELF, make_actor(WHO))
    assert console.application.flows.may_approve(plan) is None
    console.application.flows.change(flow, {"on": False}, make_actor(WHO))
    return plan


@pytest.mark.long
def test_prices_that_were_reversed_stay_so_until_somebody_or_the_source_says_otherwise(console: Console) -> None:
    before = price(console, ARTICLE)
    for code in (ARTICLE, OTHER):
        console.sandbox.accountview.edit("ARTICLE", code, {"PX_SELL": 50})
    undone = console.commit(console.undo(console.run("products", mode=Mode.CHANGES)))
    plan = require_excluded_reverts(console, "products", undone)

    gentle = (Decimal(price(console, OTHER)) / 121 * Decimal("1.1")).quantize(Decimal("0.01"))  # no brake
    console.sandbox.accountview.edit("ARTICLE", OTHER, {"PX_SELL": float(gentle)})
    later = console.preview("products", mode=Mode.CHANGES)  # takes over the plan that waits
    assert console.application.runs.get(plan.id).state is RunState.DISCARDED
    (row,) = marked_rows(console, later)
    assert row.change is not None
    assert ARTICLE in row.change.sources
    console.application.flows.change("products", BY_ITSELF, make_actor(WHO))
    approval = console.application.flows.may_approve(later)
    console.application.flows.change("products", {"on": False}, make_actor(WHO))
    assert approval is not None
    run = console.commit(later)
    assert console.application.plans.row(run.id, row.seq).step is Step.LEFT
    assert (price(console, OTHER), price(console, ARTICLE)) == (round(gentle * 121), before)

    console.commit(include_all(console, console.preview("products")))
    assert price(console, ARTICLE) == 6050
    assert console.preview("products").state is RunState.DONE


def level(console: Console, article: str) -> Decimal:
    rows = console.sandbox.state("stock", "mplus")
    return next(
        Decimal(str(row["amountFree"]))
        for row in rows
        if (str(row["articleNumber"]), str(row["branchNumber"])) == (article, "1")
    )


def restock(console: Console, article: str, quantity: int) -> None:
    values = {"QTY_AVAIL": quantity, "QTY_FREE2": quantity, "QTY_TECH": quantity, "K9_RSRV": 0}
    console.sandbox.accountview.edit("ARTICLE", article, values)


def test_a_level_that_was_reversed_stays_so_until_the_books_say_another(console: Console) -> None:
    before = level(console, ARTICLE)
    restock(console, ARTICLE, 77)
    undone = console.commit(console.undo(console.run("stock")))
    require_excluded_reverts(console, "stock", undone)
    assert level(console, ARTICLE) == before

    restock(console, ARTICLE, 78)
    plan = console.preview("stock")
    assert marked_rows(console, plan) == []
    console.commit(plan)
    assert level(console, ARTICLE) == 78


@pytest.mark.long
def test_a_customer_created_by_mistake_stays_inactive_until_somebody_takes_it_in(console: Console) -> None:
    console.run("customers")
    values = {"ACCT_NR": "1300", "CNT_CODE": "NL", "COUNTRY": "Nederland", "CUR_CODE": "EUR", "SUB_NR": "29001"}
    console.sandbox.accountview.add("CONTACT", {**values, "ACCT_NAME": "Vergissing B.V.", "SRC_CODE": "VERGISSING"})
    undone = console.commit(console.undo(console.run("customers", "29001")))
    plan = console.preview("customers")
    (row,) = marked_rows(console, plan)
    assert (row.key, row.facts["run"], set(plan.excluded)) == ("29001", undone.id, {row.seq})
    assert row.change is not None
    assert row.change.desired.flat() == {"active": True}
    console.commit(include_all(console, plan))
    assert console.preview("customers").state is RunState.DONE
