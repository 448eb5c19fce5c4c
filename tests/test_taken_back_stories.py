"""An undo lasts, on both real protocols: for people and for schedules."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from integration.core.plan_lines import PlanRow
from integration.core.reverted_values import VALUE_REVERTED
from integration.core.run import Run
from integration.core.states import RunState
from tests.consoles import WHO, Console, open_application
from tests.people import make_actor

BY_ITSELF = {"on": True, "auto_approve": True}
ARTICLE = "10026"


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
