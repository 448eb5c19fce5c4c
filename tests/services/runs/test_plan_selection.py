"""Changes excluded from a plan exclude those that cannot be written without them."""

from integration.core.run import Mode
from tests.consoles import Console, console

__all__ = ["console"]


def test_orders_go_out_of_a_plan_with_their_new_debtor_and_bring_it_back(console: Console) -> None:
    app, run = console.application, console.preview("orders", mode=Mode.COMPLETE)
    rows = list(console.lines(run).values())
    debtor = next(row for row in rows if row.kind == "debtor" and row.action == "create")
    needing = {row.seq for row in rows if row.change and row.change.desired.values.get("debtor") == debtor.key}
    assert needing

    assert app.choices.leave(run.id, {debtor.seq}, "anna") == needing | {debtor.seq}
    assert set(app.runs.get(run.id).excluded) == needing | {debtor.seq}

    order = max(needing)
    assert {order, debtor.seq} <= app.choices.take(run.id, {order}, "anna")
    assert debtor.seq not in app.runs.get(run.id).excluded

    app.choices.take(run.id, needing, "anna")
    assert app.choices.leave(run.id, {order}, "anna") == {order}  # the debtor is there for others
