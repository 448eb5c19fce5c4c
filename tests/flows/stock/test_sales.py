"""A stock run never makes an article available again that the till sold and the books have not booked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.connectors.mplus.connector import Mplus
from integration.core.movements import NO_MOMENT, Movement, MovementType
from integration.core.records import Kind, Unreadable
from integration.core.reverted_values import VALUE_REVERTED
from integration.core.run import Mode, PreviewRequest
from integration.core.states import RunState
from integration.flows.orders.credits import CREDIT
from integration.flows.orders.latest_booking import booking_key, booking_of, document_of
from integration.flows.registry import FLOWS
from integration.flows.stock.settings import StockSettings
from integration.sandbox.server import Sandbox, running
from tests.builders import an_article
from tests.connectors.mplus.tills import settings_of
from tests.consoles import open_application
from tests.flows.stock.harness import BRANCHES, Shop, shop
from tests.people import make_actor
from tests.recording_server import altering_proxy


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A till sandbox without sales of its own."""
    with running(articles=20, trades=False) as sample_sandbox:
        yield sample_sandbox


@pytest.fixture
def open_shop(tmp_path: Path, sandbox: Sandbox) -> Iterator[Shop]:
    """A shop whose books learn of sales by sales orders, in agreement with its till."""
    with shop(tmp_path, sandbox) as opened_shop:
        opened_shop.sync()
        assert opened_shop.levels() == {"1": 20, "2": 20}
        yield opened_shop


def test_a_sale_that_the_books_do_not_know_is_not_put_back_on_sale(open_shop: Shop) -> None:
    open_shop.sell("1", 3)
    open_shop.sell("2", 5)
    open_shop.sell("2", -2)
    open_shop.sync()
    assert open_shop.levels() == {"1": 17, "2": 17}, "what is taken back is for sale again at once"
    open_shop.sell("1", 1)
    open_shop.fill({"1": Decimal(5)})
    open_shop.sync()
    assert open_shop.level("1") == 21, "what was delivered in the books comes on top of what is left"


def test_a_shop_that_does_not_count_sales_keeps_what_it_had(tmp_path: Path, sandbox: Sandbox) -> None:
    with shop(tmp_path, sandbox, sales="off") as opened_shop:
        opened_shop.sync()
        opened_shop.sell("1", 3)
        opened_shop.sync()
        assert opened_shop.level("1") == 20


def test_once_everything_is_in_the_books_both_sides_are_equal(open_shop: Shop) -> None:
    sold = open_shop.sell("1", 3)
    open_shop.sync()
    open_shop.book(sold, "1", Decimal(3))
    run = open_shop.sync()
    assert run.counts.unchanged == 1, "the sale moved from the till's history into the books' figure"
    assert open_shop.level("1") == 17 == open_shop.in_books["1"]


def test_what_the_books_take_back_of_a_sale_is_not_on_sale_again_though_their_figure_rises(open_shop: Shop) -> None:
    sold = open_shop.sell("1", 3)
    open_shop.book(sold, "1", Decimal(3))
    open_shop.sync()
    open_shop.credit(sold, "1", Decimal(3))
    open_shop.sync()
    assert open_shop.level("1") == 17, "the books have 20 again, and the three are gone all the same"
    open_shop.book(f"{sold}#2", "1", Decimal(3))
    open_shop.sync()
    assert open_shop.level("1") == 17 == open_shop.in_books["1"], "booked again, they are out of the figure"


def test_what_the_books_take_back_while_their_figures_are_read_is_not_on_sale_for_a_moment(open_shop: Shop) -> None:
    sold, back = open_shop.sell("1", 3), open_shop.sell("2", -3)
    open_shop.book(sold, "1", Decimal(3))
    open_shop.book(back, "2", Decimal(-3))
    open_shop.sync()
    assert open_shop.levels() == {"1": 17, "2": 23}

    def credit_both() -> None:
        open_shop.credit(sold, "1", Decimal(3))
        open_shop.credit(back, "2", Decimal(-3))

    open_shop.books.before = credit_both
    open_shop.sync()
    assert open_shop.levels() == {"1": 17, "2": 20}, "the return may be out of a figure that was read before"
    open_shop.sync()
    assert open_shop.levels() == {"1": 17, "2": 23}


def test_a_sale_whose_document_somebody_changes_in_the_books_is_not_on_sale_again(open_shop: Shop) -> None:
    sold, other = open_shop.sell("1", 3), open_shop.sell("2", 2)
    open_shop.book(sold, "1", Decimal(3))
    open_shop.book(other, "2", Decimal(2))
    open_shop.sync()
    open_shop.lose(sold, "1", Decimal(1), "line, quantity")
    open_shop.sync()
    assert open_shop.level("1") == 15, "nobody knows how much of it is in the figure still"
    open_shop.lose(other, "2", Decimal(0), "description, total_incl")
    open_shop.sync()
    assert open_shop.level("2") == 18, "its goods are what they were"
    open_shop.fill({"1": Decimal(-1)})
    open_shop.look(sold)
    open_shop.sync()
    assert open_shop.level("1") == 17 == open_shop.in_books["1"], "it is there again"


def test_a_return_is_for_sale_again_only_once_its_credit_is_invoiced(tmp_path: Path, sandbox: Sandbox) -> None:
    with shop(tmp_path, sandbox, orders_leave="invoiced") as opened_shop:
        opened_shop.sync()
        back, sold = opened_shop.sell("1", -3), opened_shop.sell("2", 4)
        opened_shop.sync()
        assert opened_shop.level("1") == 23
        opened_shop.book(back, "1", Decimal(-3))
        opened_shop.book(sold, "2", Decimal(4))
        opened_shop.sync()
        assert opened_shop.level("1") == 20, "it may be in their figure by the time that is read"
        opened_shop.invoice(back)
        opened_shop.invoice(sold)
        opened_shop.sync()
        assert opened_shop.levels() == {"1": 23, "2": 16}
        opened_shop.credit(back, "1", Decimal(-3), is_open=True)
        opened_shop.credit(sold, "2", Decimal(4), is_open=True)
        opened_shop.book(f"{sold}#2", "2", Decimal(4))
        opened_shop.sync()
        assert opened_shop.in_books == {"1": 23, "2": 16}
        assert opened_shop.levels() == {"1": 23, "2": 16}
        opened_shop.invoice(back + CREDIT)
        opened_shop.invoice(sold + CREDIT)
        opened_shop.sync()
        assert opened_shop.in_books == {"1": 20, "2": 20}
        assert opened_shop.levels() == {"1": 23, "2": 16}, "what is booked anew is not invoiced yet"


def test_somebody_who_dismisses_a_deleted_document_says_that_the_books_are_right(open_shop: Shop) -> None:
    sold = open_shop.sell("1", 3)
    open_shop.book(sold, "1", Decimal(3))
    open_shop.sync()
    open_shop.books.before = lambda: open_shop.lose(sold, "1", Decimal(3))
    levels = []
    for _ in range(2):
        open_shop.sync()
        levels.append(open_shop.level("1"))
        open_shop.issues.dismiss(open_shop.issues.of_key("orders", sold)[0].id, "typed anew", "test")
    open_shop.sync()
    assert [*levels, open_shop.level("1")] == [17, 20, 20]


def test_what_a_credit_took_back_is_in_the_figure_again_once_somebody_sets_the_changed_credit_aside(
    open_shop: Shop,
) -> None:
    sold, back = open_shop.sell("1", 3), open_shop.sell("2", -3)
    for document, branch, quantity in ((sold, "1", Decimal(3)), (back, "2", Decimal(-3))):
        open_shop.book(document, branch, quantity)
        open_shop.credit(document, branch, quantity)
        open_shop.lose(document + CREDIT, branch, -quantity, "line, quantity")
    levels = [open_shop.levels() for _ in (open_shop.sync(),)]
    for document in (sold, back):
        (lost,) = open_shop.issues.of_key("orders", document + CREDIT)
        open_shop.issues.dismiss(lost.id, "deleted on purpose", "test")
    for _ in range(2):
        open_shop.sync()
        levels.append(open_shop.levels())
    assert open_shop.in_books == {"1": 17, "2": 23}
    assert levels == [{"1": 14, "2": 23}, {"1": 17, "2": 23}, {"1": 17, "2": 23}]


def test_a_posting_moves_no_stock_in_the_books_so_its_sale_still_counts(open_shop: Shop) -> None:
    sold = open_shop.sell("1", 3)
    open_shop.book(sold, "1", Decimal(3), Kind.POSTING)
    open_shop.sync()
    open_shop.sync()
    assert open_shop.level("1") == 17


@pytest.mark.parametrize(("sales", "level"), [("sales_orders", 14), ("trade_invoices", 17)])
def test_only_documents_by_which_the_books_learn_of_sales_are_in_their_figures(
    tmp_path: Path, sandbox: Sandbox, sales: str, level: int
) -> None:
    with shop(tmp_path, sandbox, sales=sales) as opened_shop:
        opened_shop.book(opened_shop.sell("1", 3), "1", Decimal(3), as_invoice=True)
        opened_shop.sync()
        assert opened_shop.level("1") == level


def test_what_is_sold_stays_off_sale_while_its_order_leaves_the_figure_as_it_was(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    with shop(tmp_path, sandbox, orders_leave="invoiced") as opened_shop:
        opened_shop.sync()
        receipt, order = opened_shop.sell("1", 3), opened_shop.order("1", 4)
        levels = []
        for happens in (
            lambda: None,
            lambda: opened_shop.book(receipt, "1", Decimal(3)),
            lambda: opened_shop.book(order, "1", Decimal(4)),
            lambda: opened_shop.deliver(order),
            lambda: opened_shop.invoice(receipt),
            lambda: opened_shop.invoice(order),
        ):
            happens()
            opened_shop.sync()
            levels.append(opened_shop.level("1"))
        assert levels == [13] * 6
        assert opened_shop.in_books["1"] == 13
        assert opened_shop.movements.open("stock", [opened_shop.number]) == []


def test_an_order_that_cannot_be_read_holds_back_the_articles_it_sold_and_nothing_else(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    with shop(tmp_path, sandbox, orders_leave="invoiced") as opened_shop:
        opened_shop.sync()
        receipt = opened_shop.sell("1", 3)
        opened_shop.book(receipt, "1", Decimal(3))
        opened_shop.books.unclear[receipt] = Unreadable(
            Kind.SALES_ORDER, receipt, {}, field="ORD_NR", raw_value="", raw="{}"
        )
        opened_shop.fill({"1": Decimal(5), "2": Decimal(5)})
        run = opened_shop.sync()
        assert opened_shop.levels() == {"1": 17, "2": 20}, "both branches are of one article"
        assert run.counts.parked == 1
        opened_shop.books.unclear.clear()
        opened_shop.sync()
        assert opened_shop.levels() == {"1": 22, "2": 25}


@pytest.mark.parametrize(
    ("settings", "reserved_is_named", "leaves"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"reservations": "none"}, True, False),
        ({"reservations": "deducted"}, False, True),
        ({"reservations": "field", "reserved": "RSRV"}, False, True),
        ({"formula": "free"}, False, True),
        ({"formula": "available"}, False, False),
        ({"formula": "technical"}, False, False),
        ({"formula": "technical", "orders_leave": "booked"}, False, True),
        ({"formula": "free", "orders_leave": "invoiced"}, False, False),
    ],
)
def test_whether_a_booked_order_is_out_of_a_figure_is_reported_by_the_formula_unless_somebody_says_so(
    settings: dict[str, Any], reserved_is_named: bool, leaves: bool
) -> None:
    stock_settings = StockSettings(sales="documents", sales_since="2000-01-01", **settings)
    assert stock_settings.leaves_when_booked("formula", reserved_is_named=reserved_is_named) is leaves
    assert stock_settings.waits_for_invoices is not stock_settings.leaves_when_booked("formula")
    if stock_settings.orders_leave == "auto":
        assert not stock_settings.leaves_when_booked("warehouse:1"), (
            "what is reserved is taken out of no field by itself"
        )


def test_what_comes_into_the_books_while_their_figures_are_read_is_never_on_sale_too_early(open_shop: Shop) -> None:
    sold, back = open_shop.sell("1", 3), open_shop.sell("2", -3)

    def book_both() -> None:
        open_shop.book(sold, "1", Decimal(3))
        open_shop.book(back, "2", Decimal(-3))

    open_shop.books.before = book_both
    open_shop.sync()
    assert open_shop.levels() == {"1": 14, "2": 23}, "a sale counts twice and never not at all, a return once"
    open_shop.sync()
    assert open_shop.level("1") == 17


def test_a_sale_between_the_plan_and_the_write_is_no_edit_of_somebody(open_shop: Shop) -> None:
    open_shop.fill({"1": Decimal(10)})
    run = open_shop.preview(Mode.COMPLETE)
    open_shop.sell("1", 4)
    run = open_shop.commit(run)
    assert (run.counts.proven, run.counts.parked) == (1, 0)
    assert open_shop.level("1") == 26


def test_a_sale_between_the_look_and_the_write_is_put_back_in_the_same_run(open_shop: Shop) -> None:
    open_shop.fill({"1": Decimal(10)})
    open_shop.sandbox.till.run_before_next_call("setStock", lambda: open_shop.sell("1", 4))
    run = open_shop.sync()
    assert (run.counts.proven, run.counts.parked, run.counts.in_doubt) == (1, 0, 0)
    assert open_shop.level("1") == 26
    assert open_shop.sync().counts.unchanged == 1


def test_a_level_counted_by_hand_at_the_till_is_an_edit_as_ever(open_shop: Shop) -> None:
    open_shop.fill({"1": Decimal(10)})
    run = open_shop.preview(Mode.COMPLETE)
    open_shop.sandbox.till.edit("stock", f"1/{open_shop.number}", {"amount": "3"})
    run = open_shop.commit(run)
    assert run.counts.parked == 1
    assert open_shop.level("1") == 3


def test_what_an_order_keeps_aside_counts_once(open_shop: Shop) -> None:
    order = open_shop.order("1", 4)
    assert open_shop.level("1") == 16
    open_shop.sync()
    assert open_shop.level("1") == 16, "the books do not know of it yet"
    open_shop.book(order, "1", Decimal(4))
    open_shop.sync()
    assert open_shop.level("1") == 16, "the books keep it aside too"
    open_shop.deliver(order)
    open_shop.sync()
    assert open_shop.level("1") == 16
    other = open_shop.order("2", 4)
    open_shop.book(other, "2", Decimal(4))
    open_shop.sync()
    open_shop.books.before = lambda: open_shop.credit(other, "2", Decimal(4))
    for _ in range(2):
        open_shop.sync()
        assert open_shop.level("2") == 16, "it is kept aside when the books take it back"


def test_what_is_cancelled_of_an_order_is_for_sale_though_the_rest_of_it_is_kept_aside(open_shop: Shop) -> None:
    open_shop.order("1", 5, cancelledQuantity=20, cancelledDecimalPlaces=1)
    open_shop.order("2", 5, deliveredQuantity=3, cancelledQuantity=2)
    open_shop.fill({"1": Decimal(1), "2": Decimal(1)})
    open_shop.sync()
    assert open_shop.levels() == {"1": 18, "2": 21}


def test_an_order_taken_between_the_look_and_the_write_stays_kept_aside(open_shop: Shop) -> None:
    open_shop.fill({"1": Decimal(10)})
    open_shop.sandbox.till.run_before_next_call("setStock", lambda: open_shop.order("1", 4))
    open_shop.sync()
    assert open_shop.level("1") == 26
    open_shop.sync()
    assert open_shop.level("1") == 26


def test_where_the_till_tells_no_level_nothing_is_taken_for_equal_and_an_undo_leaves_what_was_set(
    tmp_path: Path,
) -> None:
    with running(articles=20, trades=False) as sandbox:
        sandbox.till.edit("conventions", "stock_rows", {"value": "booked"})
        with shop(tmp_path, sandbox, brakes={"zero_percent": None}) as opened_shop:
            opened_shop.fill({"2": Decimal(-20)})
            first = opened_shop.sync()
            assert (first.counts.proven, first.counts.unchanged) == (1, 0)
            assert opened_shop.planned_values(first) == {
                opened_shop.number: {"1/amount": Decimal(20), "2/amount": Decimal(0)}
            }
            assert opened_shop.sync().counts.unchanged == 1, "both are told by now"
            assert opened_shop.reasons(opened_shop.undo(first)) == {opened_shop.number: "undo_keeps_filled"}


def test_what_setting_a_level_sets_is_kept_for_the_next_process(tmp_path: Path) -> None:
    with running(articles=20, trades=False) as sandbox, shop(tmp_path, sandbox) as opened_shop:
        sandbox.till.edit("conventions", "set_stock", {"value": "physical"})
        opened_shop.sync()
        opened_shop.order("1", 4)
        for times in (2, 1):
            with open_application(tmp_path / "data", start=False) as application:
                application.connections.connect(
                    "mplus",
                    {"url": sandbox.mplus_url, "ident": "sandbox", "secret": "sandbox-secret"},
                    make_actor("test"),
                )
                opened_shop.connectors["mplus"] = application.access.connector("mplus")
                sandbox.ledger.clear()
                opened_shop.fill({"1": Decimal(10)})
                opened_shop.sync()
                assert [call.operation for call in sandbox.ledger.writes()] == ["setStock"] * times
        assert opened_shop.level("1") == 36


@pytest.mark.parametrize(
    ("since", "stamp", "level"),
    [
        ("2000-01-01", "", 17),
        ("2999-01-01", "", 20),
        ("2000-01-01", "2999-01-01", 20),
    ],
)
def test_books_that_never_learn_of_sales_have_them_up_to_a_moment_which_an_article_may_have_of_its_own(
    tmp_path: Path, sandbox: Sandbox, since: str, stamp: str, level: int
) -> None:
    with shop(tmp_path, sandbox, sales="dated", sales_since=since, sales_stamp="COUNTED") as opened_shop:
        opened_shop.stamp = stamp
        opened_shop.fill({})
        opened_shop.sell("1", 3)
        opened_shop.sync()
        assert opened_shop.level("1") == level


def test_branches_that_sell_of_one_figure_share_what_is_sold_of_it(tmp_path: Path, sandbox: Sandbox) -> None:
    with shop(tmp_path, sandbox, branches={"1": "formula", "2": "formula"}, formula="available") as opened_shop:
        opened_shop.sync()
        opened_shop.sell("1", 3)
        opened_shop.sync()
        assert opened_shop.levels() == {"1": 37, "2": 37}


def test_an_article_says_what_its_level_is_made_of(open_shop: Shop) -> None:
    open_shop.sell("1", 3)
    open_shop.sell("1", -1)
    open_shop.order("1", 2)
    open_shop.sync()
    first, _ = open_shop.make_logic().trace(
        FLOWS["stock"].flow.counted_stage, open_shop.source.records_of(Kind.ARTICLE)[open_shop.number]
    )
    steps = {step.operation: str(step.value) for step in first.steps}
    assert steps["sold_not_booked"].startswith("-3 (1.1.")
    assert steps["returned_not_booked"].startswith("+1 (1.1.")
    assert steps["reserved_not_booked"].startswith("-2 (")
    assert first.value == 16


@pytest.mark.parametrize(("sales", "level"), [("trade_invoices", 20), ("dated", 25)])
def test_what_is_received_or_sent_at_the_till_counts_where_figures_are_dated_and_is_reported_elsewhere(
    tmp_path: Path, sandbox: Sandbox, sales: str, level: int
) -> None:
    with shop(tmp_path, sandbox, sales=sales) as opened_shop:
        opened_shop.sync()
        upto, begin, _ = opened_shop.movements.read_upto("stock")
        assert begin is not None
        movements = [
            Movement(10**6 + 1, "1", opened_shop.number, Decimal(8), MovementType.DELIVERY, datetime.now(UTC)),
            Movement(10**6 + 2, "1", opened_shop.number, Decimal(-3), MovementType.INTERNAL, datetime.now(UTC)),
        ]
        opened_shop.movements.keep("stock", movements, upto, begin)
        first, _ = opened_shop.make_logic().trace(
            FLOWS["stock"].flow.counted_stage, opened_shop.source.records_of(Kind.ARTICLE)[opened_shop.number]
        )
        assert first.value == level
        assert [step.value for step in first.steps if step.operation == "moved_not_counted"] == ["+5"] * (level == 20)


@pytest.mark.parametrize(
    ("branches", "level", "expected_steps"),
    [
        ({"1": "warehouse:1", "2": "warehouse:2"}, 17, {"sent_not_booked": "-3", "moved_not_counted": "+1"}),
        ({"1": "formula", "2": "formula"}, 40, {"moved_not_counted": "+3"}),  # of one figure nothing has left
    ],
)
def test_what_was_sent_to_another_branch_is_not_for_sale_until_a_person_says_that_the_books_have_it(
    tmp_path: Path, sandbox: Sandbox, branches: dict[str, str], level: int, expected_steps: dict[str, str]
) -> None:
    early, late = datetime.now(UTC) - timedelta(days=2), datetime.now(UTC)
    with shop(
        tmp_path, sandbox, branches=branches, transfers_since=(late - timedelta(days=1)).isoformat()
    ) as opened_shop:
        opened_shop.sync()
        upto, begin, _ = opened_shop.movements.read_upto("stock")
        assert begin is not None
        moved = [
            Movement(10**6 + place, branch, opened_shop.number, Decimal(amount), MovementType.INTERNAL, at)
            for place, (branch, amount, at) in enumerate(
                [("1", -4, early), ("2", 4, early), ("1", -3, late), ("2", 1, late), ("1", 5, late)]
            )
        ]
        opened_shop.movements.keep("stock", moved, upto, begin)
        first, second = opened_shop.make_logic().trace(
            FLOWS["stock"].flow.counted_stage, opened_shop.source.records_of(Kind.ARTICLE)[opened_shop.number]
        )
        assert first.value == level
        assert {
            step.operation: step.value for step in first.steps if step.operation in expected_steps
        } == expected_steps
        assert second.value == (20 if level == 17 else 40), "what was received waits for the books"


def test_goods_from_a_supplier_are_for_sale_in_a_branch_until_a_person_says_that_the_books_have_them(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    early, late = datetime.now(UTC) - timedelta(days=2), datetime.now(UTC)
    branches = {"1": "warehouse:1", "2": "warehouse:2"}
    since = {"1": (late - timedelta(days=1)).isoformat()}
    with shop(tmp_path, sandbox, branches=branches, deliveries_since=since) as opened_shop:
        opened_shop.sync()
        upto, begin, _ = opened_shop.movements.read_upto("stock")
        assert begin is not None
        received = [("1", 4, early), ("1", 6, late), ("1", -1, late), ("2", 3, late)]
        moved = [
            Movement(10**6 + place, branch, opened_shop.number, Decimal(amount), MovementType.DELIVERY, at)
            for place, (branch, amount, at) in enumerate(received)
        ]
        opened_shop.movements.keep("stock", moved, upto, begin)
        first, second = opened_shop.make_logic().trace(
            FLOWS["stock"].flow.counted_stage, opened_shop.source.records_of(Kind.ARTICLE)[opened_shop.number]
        )
        assert (first.value, second.value) == (25, 20)
        assert {step.operation: step.value for step in first.steps if "_not_" in step.operation} == {
            "received_not_booked": "+5", "moved_not_counted": "+4",
        }  # fmt: skip
        assert {step.operation: step.value for step in second.steps if "_not_" in step.operation} == {
            "moved_not_counted": "+3"
        }


def test_a_run_that_is_killed_neither_loses_nor_doubles_a_sale(open_shop: Shop) -> None:
    open_shop.sell("1", 3)
    run = open_shop.runner.preview.begin(PreviewRequest("stock", make_actor("test"), Mode.COMPLETE))
    open_shop.runner.preview.page(run.id)
    open_shop.sell("1", 2)
    open_shop.restart()
    open_shop.runner.preview.page(run.id)
    run = open_shop.finish_preview(run)
    if run.state is RunState.READY:
        open_shop.commit(run)
    open_shop.sync()
    assert open_shop.level("1") == 15


def test_a_movement_that_cannot_be_read_parks_its_article_alone_until_it_can_be(open_shop: Shop) -> None:
    open_shop.sell("1", 3)
    wrong = Movement(
        open_shop.till.newest_movement(),
        "1",
        open_shop.number,
        Decimal(0),
        MovementType.UNREADABLE,
        NO_MOMENT,
        unread="type",
    )
    _, begin, _ = open_shop.movements.read_upto("stock")
    assert begin is not None
    open_shop.movements.keep("stock", [wrong], wrong.number, begin)
    stage = FLOWS["stock"].flow.counted_stage
    (record,) = open_shop.source.records_of(Kind.ARTICLE).values()
    logic = open_shop.make_logic()
    (parked,), other = logic.stage(stage, [record]), logic.stage(stage, [replace(record, key="7", source="7")])
    assert parked.issue is not None
    facts = parked.issue.facts
    assert (parked.issue.cause, facts["system"], facts["field"]) == ("record_unreadable", "mplus", "type")
    assert other[0].issue is None
    run = open_shop.sync()
    assert run.counts.parked == 0, "the till tells it again, and tells it well"
    assert open_shop.level("1") == 17


@dataclass
class Spoilt:
    """A line to the till on which one field of a movement cannot be read, until it is mended."""

    shop: Shop
    field: str = ""
    number: int = 0

    def spoils(self, field: str) -> None:
        """Spoil a field of the movement that is the newest one now."""
        self.field, self.number = field, self.shop.till.newest_movement()

    def spoil(self, body: bytes) -> bytes:
        """Return an answer as it comes along this line."""
        if not self.field or b"articleStockHistory" not in body:
            return body
        newest = f"stockId>{self.number}<".encode()
        rows = re.split(rb"(?=<[^<>/]*articleStockHistory>)", body)
        return b"".join(
            re.sub(f"({self.field}>)[0-9]+<".encode(), rb"\1?<", row) if re.search(newest, row) else row for row in rows
        )


@pytest.fixture
def spoilt_line(open_shop: Shop) -> Iterator[Spoilt]:
    """A shop that reaches its till through a connection that damages answers."""
    line = Spoilt(open_shop)
    with altering_proxy(open_shop.sandbox.mplus_url, line.spoil) as url:
        straight = open_shop.connectors["mplus"]
        open_shop.connectors["mplus"] = spoilt = Mplus(settings_of(open_shop.sandbox, url=url))
        yield line
        open_shop.connectors["mplus"] = straight
        spoilt.close()


@pytest.mark.parametrize("field", ["branchNumber", "stockId"])
def test_a_movement_whose_branch_or_number_cannot_be_read_parks_its_article_alone_until_it_can(
    spoilt_line: Spoilt, field: str
) -> None:
    shop = spoilt_line.shop
    shop.source.put(an_article("7", **{f"warehouse:{branch}": Decimal(1) for branch in BRANCHES}))
    shop.sell("1", 3)
    spoilt_line.spoils(field)
    run = shop.sync()
    assert shop.causes(run) == {shop.number: "record_unreadable"}
    assert shop.reasons(run) == {"7": "not_at_the_till"}, "the others go on"
    assert shop.level("1") == 17
    spoilt_line.field = ""
    run = shop.sync()
    assert shop.causes(run) == {}
    assert shop.movements.numberless("stock") == (None, [])
    assert shop.level("1") == 17


def test_a_movement_of_which_nobody_knows_the_article_is_reported_and_the_rest_goes_on(spoilt_line: Spoilt) -> None:
    shop = spoilt_line.shop
    sold = shop.sell("1", 3)
    spoilt_line.spoils("articleNumber")
    shop.fill({"2": Decimal(5)})
    run = shop.sync()
    assert run.counts.proven == 1
    assert shop.level("2") == 25
    assert (run.counts.read_count, run.counts.difference) == (1, 0), "what is told beside the articles counts for none"
    (open_issue,) = shop.issues.list("stock", "movement_unreadable")
    assert open_issue.issue.facts["movement"].startswith(f"stockId {spoilt_line.number} · branchNumber 1 · timestamp ")
    shop.book(sold, "1", Decimal(3))
    shop.sync()
    assert shop.issues.list("stock", "movement_unreadable") == [], "the books have its sale by now"
    assert shop.level("1") == 17


def test_however_many_pages_a_run_has_the_history_is_read_once(tmp_path: Path) -> None:
    with running(articles=20, trades=False) as sandbox, shop(tmp_path, sandbox) as opened_shop:
        opened_shop.books.page_size = 2
        for code in range(1, 9):
            opened_shop.source.put(an_article(str(code), stock=Decimal(1)))
        opened_shop.sell("1", 1)
        sandbox.ledger.clear()
        opened_shop.preview(Mode.COMPLETE)
        calls = sandbox.ledger.calls()
        reads = [call.operation for call in calls]
        assert reads.count("getCurrentSyncMarkersV2") > 4, "whether something moved is asked at each page"
        assert reads.count("getStockHistoryV2") <= 4
        assert reads.count("getOrders") <= 1


def test_a_till_that_was_set_back_is_read_from_the_beginning(open_shop: Shop) -> None:
    open_shop.sell("1", 3)
    open_shop.sync()
    _, begin, _ = open_shop.movements.read_upto("stock")
    assert begin is not None
    open_shop.movements.keep("stock", (), 10**9, begin)
    open_shop.sync()
    assert open_shop.movements.read_upto("stock")[0] < 10**9
    assert open_shop.level("1") == 17


def test_an_undo_puts_back_the_old_level_less_what_was_sold_since_and_no_sale_counts_twice(open_shop: Shop) -> None:
    before = open_shop.sell("1", 3)
    open_shop.fill({"1": Decimal(5)})
    run = open_shop.sync()
    assert open_shop.level("1") == 22
    since = open_shop.sell("1", 2)
    open_shop.commit(open_shop.undo(run))
    assert open_shop.level("1") == 15, "17 before the run, less the two"
    open_shop.sync()
    assert open_shop.level("1") == 20
    for sold, quantity in ((before, 3), (since, 2)):
        open_shop.book(sold, "1", Decimal(quantity))
        assert open_shop.sync().counts.unchanged == 1
    assert open_shop.level("1") == 20 == open_shop.in_books["1"]


def test_a_level_that_was_undone_stays_and_its_line_says_so_until_something_else_is_wanted(open_shop: Shop) -> None:
    open_shop.fill({"1": Decimal(5)})
    open_shop.commit(open_shop.undo(open_shop.sync()))
    for _ in range(2):
        plan = open_shop.preview(Mode.COMPLETE)
        (line,) = open_shop.plans.rows(plan.id, "changes", limit=10)
        assert (line.cause, line.seq in plan.excluded) == (VALUE_REVERTED, True)
        open_shop.commit(plan)
        assert open_shop.level("1") == 20
    open_shop.sell("1", 1)
    assert open_shop.level("1") == 19
    open_shop.sync()
    assert open_shop.level("1") == 24


def test_a_level_that_was_undone_is_written_where_the_books_make_the_same_of_other_figures(open_shop: Shop) -> None:
    open_shop.fill({"1": Decimal(5)})
    open_shop.commit(open_shop.undo(open_shop.sync()))
    open_shop.sell("1", 1)
    assert open_shop.level("1") == 19
    open_shop.fill({"1": Decimal(1)})
    open_shop.sync()
    assert open_shop.level("1") == 25, "26 less the one sold, which is not the 25 that was taken back"


# ---- whatever happens in whatever order

QUICK, MANY = 2, 60  # cases

QUANTITIES = st.integers(1, 4)
PLACES = st.sampled_from(BRANCHES)
AT_THE_COUNTER = st.one_of(
    st.tuples(st.just("sell"), PLACES, QUANTITIES),
    st.tuples(st.just("take back"), PLACES, QUANTITIES),
    st.tuples(st.just("order"), PLACES, QUANTITIES),
)
IN_THE_OFFICE = st.one_of(
    st.tuples(st.just("book"), st.integers(0, 9), st.booleans()),  # as a trade invoice, or as a sales order
    st.tuples(st.just("invoice"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("credit"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("deleted by hand"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("received in the books"), PLACES, QUANTITIES),
    st.tuples(st.just("corrected in the books"), PLACES, QUANTITIES),
)
HAPPENINGS = st.lists(
    st.one_of(
        AT_THE_COUNTER,
        IN_THE_OFFICE,
        st.tuples(st.just("deliver"), st.integers(0, 9), st.just(0)),
        st.tuples(st.just("run"), st.none(), st.none()),
        st.tuples(st.just("run with this in between"), AT_THE_COUNTER, st.none()),
        st.tuples(st.just("run while this is done in the office"), IN_THE_OFFICE, st.none()),
    ),
    min_size=3,
    max_size=10,
)


class Day:
    """A day in a shop, with the shelves of each branch counted independently of our code."""

    def __init__(self, open_shop: Shop) -> None:
        self.shop = open_shop
        self.shelf = dict.fromkeys(BRANCHES, 20)
        self.unbooked: list[tuple[str, str, int]] = []
        self.orders: list[tuple[str, str, int]] = []
        self.booked: list[tuple[str, str, int]] = []
        self.lost: list[tuple[str, str, int]] = []
        self.credited: list[tuple[str, str, int]] = []

    def at_the_counter(self, event: str, branch: str, quantity: int) -> None:
        """Sell, take back or reserve goods at the till, and count them on the shelf."""
        change = -quantity if event == "take back" else quantity
        self.shelf[branch] -= change
        document = self.shop.order(branch, quantity) if event == "order" else self.shop.sell(branch, change)
        self.unbooked.append((document, branch, change))
        if event == "order":
            self.orders.append((document, branch, change))

    def _removable_bookings(self, how: str) -> list[tuple[str, str, int]]:
        """Return the bookings that can be credited or deleted; deletion also includes credits and credited ones."""
        settled = [booking for booking in self.booked if booking[0] not in self.shop.books.open]
        return settled if how == "credit" else [*settled, *self.credited]

    def leaves_the_books(self, how: str, booked: tuple[str, str, int]) -> None:
        """Credit a booking so that it is booked again, or delete it by hand."""
        document, branch, sold = booked
        (self.credited if booked in self.credited else self.booked).remove(booked)
        if how == "credit":
            self.shop.credit(document, branch, Decimal(sold))
            next_key = booking_key(document_of(document), booking_of(document) + 1)
            self.unbooked.append((next_key, branch, sold))
            self.credited += [booked, (document + CREDIT, branch, -sold)]
        else:
            self.shop.lose(document, branch, Decimal(sold))
            self.lost.append(booked)

    def happens(self, event: str, where: Any, quantity: Any) -> None:
        """Apply one event; at the end of a run no branch may offer more than it has."""
        match event:
            case "book" if self.unbooked:
                document, branch, sold = self.unbooked.pop(where % len(self.unbooked))
                self.shop.book(document, branch, Decimal(sold), as_invoice=quantity)
                self.booked.append((document, branch, sold))
            case "credit" | "deleted by hand" if candidates := self._removable_bookings(event):
                self.leaves_the_books(event, candidates[where % len(candidates)])
            case "invoice" if self.shop.books.open:
                self.shop.invoice(sorted(self.shop.books.open)[where % len(self.shop.books.open)])
            case "deliver" if self.orders:
                self.shop.deliver(self.orders.pop(where % len(self.orders))[0])
            case "received in the books" | "corrected in the books":
                change = quantity if event.startswith("received") else -quantity
                self.shelf[where] += change
                self.shop.fill({where: Decimal(change)})
            case "run":
                self.run()
            case "run with this in between":
                self.shop.sandbox.till.run_before_next_call("setStock", lambda: self.at_the_counter(*where))
                self.run()
            case "run while this is done in the office":
                self.shop.books.before = lambda: self.happens(*where)
                self.run()
            case "sell" | "take back" | "order":
                self.at_the_counter(event, where, quantity)

    def run(self) -> None:
        """Run the flow, and require that no branch offers more than its shelf has."""
        self.shop.sync()
        self.shop.sandbox.till.forget_pending_actions()
        offered = self.shop.levels()
        assert all(offered[branch] <= self.shelf[branch] for branch in BRANCHES), (offered, self.shelf)

    def ends(self) -> None:
        """Book, invoice and return all remaining sales, and require that both systems equal the shelves."""
        for document, branch, sold in self.unbooked:
            self.shop.book(document, branch, Decimal(sold))
        self.unbooked.clear()
        for document, branch, sold in self.lost:
            self.shop.look(document)
            self.shop.fill({branch: Decimal(-sold)})
        self.run()
        for order in list(self.shop.books.open):
            self.shop.invoice(order)
        self.run()
        assert self.shop.levels() == {branch: int(self.shop.in_books[branch]) for branch in BRANCHES} == self.shelf


def a_day(happenings: Sequence[tuple[Any, ...]], leave: str, folder: Path, sandbox: Sandbox) -> None:
    with shop(folder, sandbox, negative="send", sales="documents", orders_leave=leave) as opened_shop:
        opened_shop.sync()
        day = Day(opened_shop)
        for happening in happenings:
            day.happens(*happening)
        day.ends()


def every_day(cases: int, folder: Path, sandbox: Sandbox) -> None:
    """Test this number of days, each with its own article."""

    @settings(max_examples=cases, deadline=None, database=None)
    @given(happenings=HAPPENINGS, leave=st.sampled_from(["booked", "invoiced"]))
    def check_day(happenings: list[tuple[Any, ...]], leave: str) -> None:
        a_day(happenings, leave, folder, sandbox)

    check_day()


def test_in_whatever_order_nothing_is_offered_that_is_gone(tmp_path: Path, sandbox: Sandbox) -> None:
    every_day(QUICK, tmp_path, sandbox)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_in_any_of_many_orders_nothing_is_offered_that_is_gone(tmp_path: Path, sandbox: Sandbox) -> None:
    every_day(MANY, tmp_path, sandbox)
