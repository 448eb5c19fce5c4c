"""The nightly drift check on both sandboxes: reported once it is certain, and not before."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from integration import words
from integration.core.clocks import now
from integration.core.drift import DriftCheckResult, DriftedRecord, Edit
from integration.core.issues import IssueState
from integration.core.records import Kind, kinds
from integration.core.run import Mode
from integration.flows.orders.settings import documents
from integration.sandbox.faults import Fault
from integration.services.mappings.code_lists import CodeLists
from integration.services.runs.drift import Drift, DriftProgress, drift_issue
from integration.services.runs.flows import Flows
from integration.services.write_holds.post_restore_check import PostRestoreCheck
from integration.store.copies import RESTORED
from tests.consoles import WHO, Console, open_application
from tests.parts import part
from tests.people import make_actor
from tests.stores import stores_in

CHANGED, GONE = "document_changed_in_target", "record_gone_in_target"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose articles are at the till."""
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        console = Console(application)
        console.run("products")
        yield console


@pytest.fixture
def lines(console: Console) -> list[dict[str, Any]]:
    """The lines of an order that was just booked."""
    article = next(
        str(row["articleNumber"]) for row in console.sandbox.state("articles", "mplus")
        if row.get("extArticleId") and row["vatCode"] == 2 and row["priceIncl"] > 1000
    )  # fmt: skip
    order = console.till_client.order(
        article, relation=console.till_client.customer("Klant", f"k{len(kinds())}@nieuw.example")
    )
    assert console.run("orders", order).counts.proven == 1
    reference = f"MP-{console.till_client.number(order)}"
    (header,) = console.rows("SO_HDR", COMMENT1=reference)
    return [{**line, "order": order} for line in console.rows("SO_LINE", ORD_NR=str(header["ORD_NR"]))]


def drift(console: Console, rates: Callable[[str], Mapping[str, str]] = lambda _: {}) -> Drift:
    """The drift check of a console with the flow of orders on and without timetables."""
    app = console.application
    deps, stores = app._runner.preview.deps, stores_in(app)
    restore_check = PostRestoreCheck(stores.drifts, stores.links, stores.settings, app.logics)
    return Drift(
        tuple(app.flows),
        restore_check,
        deps,
        stores.drifts,
        stores.erasure_register,
        stores.issues,
        stores.links,
        now,
        part(Flows, is_on=lambda flow: flow == "orders"),
        part(CodeLists, captions=lambda system, _: rates(system)),
    )


def check_drift(console: Console, kind: Kind = Kind.SALES_ORDER) -> DriftCheckResult:
    """Run the drift check now, and return its result for one kind of record."""
    return next(result for result in drift(console).check_all() if result.kind is kind)


def state_of(console: Console, order: str) -> list[tuple[str, IssueState]]:
    return [(issue.issue.cause, issue.state) for issue in stores_in(console.application).issues.of_key("orders", order)]


def test_an_order_line_edited_in_the_books_is_reported_at_the_next_look_and_closes_when_it_is_equal_again(
    console: Console, lines: list[dict[str, Any]]
) -> None:
    order, line = str(lines[0]["order"]), str(lines[0]["REC_ID"])
    before = check_drift(console)
    assert (before.counts.different, before.error) == (0, "")
    assert before.counts.equal == before.counts.compared - before.counts.missing > 0
    was = lines[0]["ORD_QTY"]
    console.sandbox.accountview.edit("SO_LINE", line, {"ORD_QTY": float(was) + 2})
    assert console.run("orders", order).counts.unchanged == 1  # nothing at the till says so
    assert state_of(console, order) == []

    write_count = console.writes()
    result = check_drift(console)

    assert result.counts == replace(before.counts, equal=before.counts.equal - 1, different=1)
    (sample,) = (candidate for candidate in result.samples if candidate.edits)
    (edit,) = sample.edits
    assert (sample.key, edit.field, edit.current) == (order, "line.quantity", Decimal(str(was)) + 2)
    assert state_of(console, order) == [(CHANGED, IssueState.OPEN)]
    assert console.writes() == write_count
    console.run("orders", mode=Mode.COMPLETE)  # a run that meets nothing does not say that it is gone
    assert state_of(console, order) == [(CHANGED, IssueState.OPEN)]

    console.sandbox.accountview.edit("SO_LINE", line, {"ORD_QTY": was})
    assert check_drift(console).counts.different == 0
    assert state_of(console, order) == [(CHANGED, IssueState.CLOSED)]


def test_a_vat_code_that_was_edited_is_reported_with_what_it_charges() -> None:
    flow = documents({Kind.INVOICE: Kind.POSTING})
    edits = (Edit("1/vat_code", "line.vat_code", "2", "1"), Edit("1/amount", "line.amount", Decimal(1), Decimal(2)))
    drifted = DriftedRecord("invoice-1", "2026.1", "600", edits)
    facts = drift_issue(flow, flow.stage("invoices"), drifted, {"2": "21"}).facts
    other = drift_issue(flow, flow.stage("invoices"), replace(drifted, edits=edits[1:]), {"2": "21"}).facts

    assert "van 2 · 21% · AccountView naar 1 · AccountView" in words.say(CHANGED, facts, "nl").problem
    assert "van 1 naar 2" in words.say(CHANGED, other, "nl").problem


def test_a_page_is_looked_at_anew_where_somebody_was_erased_meanwhile(
    console: Console, lines: list[dict[str, Any]]
) -> None:
    order, line = str(lines[0]["order"]), str(lines[0]["REC_ID"])
    console.sandbox.accountview.edit("SO_LINE", line, {"ORD_QTY": 55})
    calls: list[object] = []
    erased = stores_in(console.application).erasure_register

    def rates(_: str) -> dict[str, str]:  # asked for once a page was read, before it is told of
        calls.append(len(calls) or erased.begin([("debtor", "99999")], WHO))
        return {}

    result = next(candidate for candidate in drift(console, rates).check_all() if candidate.kind is Kind.SALES_ORDER)
    assert order in [sample.key for sample in result.samples]
    assert len(calls) == 2
    assert state_of(console, order) == [(CHANGED, IssueState.OPEN)]
    console.sandbox.accountview.edit("SO_LINE", line, {"ORD_QTY": lines[0]["ORD_QTY"]})


def test_an_order_deleted_in_the_books_is_gone(console: Console, lines: list[dict[str, Any]]) -> None:
    order = str(lines[0]["order"])
    for line in lines:
        console.sandbox.accountview.remove("SO_LINE", str(line["REC_ID"]))
    console.sandbox.accountview.remove("SO_HDR", str(lines[0]["ORD_NR"]))
    result = check_drift(console)
    assert (result.counts.missing, result.counts.different) == (1, 0)
    assert result.samples == (DriftedRecord(order, console.till_client.number(order), str(lines[0]["ORD_NR"])),)
    assert state_of(console, order) == [(GONE, IssueState.OPEN)]


@pytest.mark.long
def test_a_system_that_is_away_is_no_difference(console: Console, lines: list[dict[str, Any]]) -> None:
    order = str(lines[0]["order"])
    with console.sandbox.switches.armed(Fault.UNAVAILABLE, system="accountview", times=None):
        result = check_drift(console)
    assert result.error
    assert (result.counts.different, result.counts.missing) == (0, 0)
    assert state_of(console, order) == []


def test_what_was_booked_before_is_looked_at_whatever_is_booked_by_now(
    console: Console, lines: list[dict[str, Any]]
) -> None:
    order = str(lines[0]["order"])
    console.sandbox.accountview.edit("SO_LINE", str(lines[0]["REC_ID"]), {"ORD_QTY": 77})
    before = stores_in(console.application).settings.get("flow:orders") or {}
    console.application.flows.change("orders", {"orders": "posting", "daybook": "700"}, make_actor(WHO))
    try:
        result = check_drift(console)
    finally:
        stores_in(console.application).settings.put("flow:orders", before, WHO)
        console.sandbox.accountview.edit("SO_LINE", str(lines[0]["REC_ID"]), {"ORD_QTY": lines[0]["ORD_QTY"]})
    assert order in [sample.key for sample in result.samples]
    assert state_of(console, order) == [(CHANGED, IssueState.OPEN)]


def test_only_flows_that_are_on_are_looked_at_and_each_page_is_reported(
    console: Console, lines: list[dict[str, Any]]
) -> None:
    del lines
    progress: list[DriftProgress] = []
    begun = now()
    results = [
        entry for entry in drift(console).check_all(progress.append) if entry.started_at >= begun
    ]  # not of flows that were on
    assert {entry.flow for entry in results} == {entry.flow for entry in progress} == {"orders"}


def test_after_a_restore_a_flow_writes_nothing_before_all_it_wrote_was_looked_at(console: Console) -> None:
    app, stores = console.application, stores_in(console.application)
    stores.settings.put(RESTORED, {"at": now().isoformat()}, "")
    try:
        reason = app.drift.hold_reason("products")
        assert reason is not None
        assert (reason.code, app.drift.hold_reason("stock"), app.drift.hold_reason("days")) == (
            "restored_not_compared",
            None,
            None,
        )
        with console.sandbox.switches.armed(Fault.UNAVAILABLE, system="mplus", times=None):
            app.drift.check_all()
        assert app.drift.hold_reason("products") is not None  # that look came to nothing

        looks = app.drift.check_all()  # also of flows that are off

        assert {result.flow for result in looks if not result.error} >= {"products"}
        assert app.drift.hold_reason("products") is None
    finally:
        stores.settings.forget(RESTORED, "")
