"""Documents beside orders: proposals of the shop, on the whole application and both systems."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from integration.application.application import Application
from integration.core.errors import ConfigurationError
from integration.core.plan import Action
from integration.core.plan_lines import PlanRow
from integration.core.records import Correction, Kind
from integration.core.run import Mode, Run
from integration.core.states import RunState, Step
from integration.flows.deciding import DecisionSubject
from integration.flows.deciding import decision_text as written_decision
from integration.sandbox.faults import Fault
from tests.consoles import WHO, Console, causes, open_application
from tests.people import make_actor
from tests.stores import stores_in

CENTS = Decimal("0.01")
QUOTATIONS = {
    "objects.quotations.code": "K9Q", "objects.quotations.table": "K9_QUO", "objects.quotations.detail": "K9_QUOL",
    "quotation.reference": "K9_REF",
}  # fmt: skip


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose articles are at the till, and whose books have an object for quotations that a person named."""
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        console = Console(application)
        assert console.run("products").counts.proven > 20
        application.names.put(QUOTATIONS, make_actor(WHO))
        yield console


@pytest.fixture(scope="module")
def article(console: Console) -> dict[str, Any]:
    """An article at the full rate that both systems have."""
    return next(
        row for row in console.sandbox.state("articles", "mplus")
        if row.get("extArticleId") and row["vatCode"] == 2 and row["priceIncl"] > 1000
    )  # fmt: skip


@contextmanager
def proposing(console: Console, **more: Any) -> Iterator[None]:
    """Inside the block, proposals become quotations and orders follow their settings."""
    settings_store = stores_in(console.application).settings
    before = settings_store.get("flow:orders") or {}
    console.application.flows.change("orders", {"proposals": "quotation", **more}, make_actor(WHO))
    try:
        yield
    finally:
        settings_store.put("flow:orders", before, WHO)


def total_of(proposal: dict[str, Any]) -> Decimal:
    return Decimal(proposal["totalInclAmount"]) / 100


def line_of(article: dict[str, Any], quantity: int = 1) -> dict[str, Any]:
    data = {"quantity": quantity, "price": article["priceIncl"], "vatCode": 2, "turnoverGroup": 40}
    return {"articleNumber": article["articleNumber"], "text": article["description"], "data": data}


def enter_proposal(console: Console, article: dict[str, Any], quantity: int = 1, **values: Any) -> dict[str, Any]:
    """Enter a proposal at the till, and return it."""
    fields = {"relationNumber": 1003, "lineList": {"line": [line_of(article, quantity)]}, **values}
    console.sandbox.till.add("proposals", fields)
    return console.sandbox.state("proposals", "mplus")[-1]


def find_quotations(console: Console, proposal: dict[str, Any], ending: str = "") -> list[dict[str, Any]]:
    """Return the quotations of the books with our reference of a proposal."""
    number = proposal["proposalNumber"]
    return console.rows("K9_QUO", K9_REF=f"MP-{number['year']}.{number['number']}{ending}")


def quotation_amount(console: Console, row: dict[str, Any]) -> Decimal:
    """Return the amount of a quotation; its prices include VAT."""
    assert row["GROSS_FLG"] is True
    lines = console.rows("K9_QUOL", QT_NR=row["QT_NR"])
    return sum(
        (Decimal(quotation_line["ART_QTY"]) * Decimal(quotation_line["ART_PX"]) for quotation_line in lines), Decimal(0)
    ).quantize(CENTS)


def line(console: Console, run: Run, key: str) -> PlanRow:
    return console.lines(run)[key]


def test_proposals_become_quotations_once(console: Console, article: dict[str, Any]) -> None:
    proposals = [enter_proposal(console, article, quantity) for quantity in (1, 3)]
    keys = [proposal["proposalId"] for proposal in proposals]
    with proposing(console):
        run = console.run("orders", *keys)
        writes = console.writes()
        second_run = console.run("orders", *keys)
    rows = [find_quotations(console, proposal) for proposal in proposals]

    assert [line(console, run, key).step for key in keys] == [Step.PROVEN] * 2
    assert [len(matches) for matches in rows] == [1, 1]
    assert [quotation_amount(console, quotation) for (quotation,) in rows] == [
        Decimal(proposal["totalInclAmount"]) / 100 for proposal in proposals
    ]
    assert {quotation["RPL_INV"] for (quotation,) in rows} == {"20003"}
    assert (second_run.counts.proven, second_run.counts.unchanged, console.writes()) == (0, 2, writes)


def test_a_proposal_that_is_changed_after_it_was_written_is_a_question(
    console: Console, article: dict[str, Any]
) -> None:
    proposal = enter_proposal(console, article)
    key = proposal["proposalId"]
    with proposing(console):
        console.run("orders", key)
        edits = {"lineList": {"line": [line_of(article, 2)]}, "totalInclAmount": 2 * proposal["totalInclAmount"]}
        console.sandbox.till.edit("proposals", key, edits)
        changed = line(console, console.run("orders", key), key)

    assert changed.cause == "quotation_changed"
    assert Decimal(changed.facts["after"]) - Decimal(changed.facts["before"]) == total_of(proposal)
    assert len(find_quotations(console, proposal)) == 1


def test_a_quotation_that_the_books_made_an_order_of_is_not_written_again(
    console: Console, article: dict[str, Any]
) -> None:
    proposal = enter_proposal(console, article)
    with proposing(console):
        console.run("orders", proposal["proposalId"])
        (quotation,) = find_quotations(console, proposal)
        console.sandbox.accountview.remove("K9_QUO", quotation["QT_NR"])
        writes = console.writes()
        second_run = console.run("orders", proposal["proposalId"])

    assert (second_run.counts.proven, console.writes()) == (0, writes)
    assert find_quotations(console, proposal) == []


def test_a_quotation_whose_answer_is_lost_is_found_and_not_made_again(
    console: Console, article: dict[str, Any]
) -> None:
    proposal = enter_proposal(console, article)
    lost = console.sandbox.switches.armed(Fault.CUT_AFTER, system="accountview", operation="K9Q POST", times=1)
    with proposing(console), lost:
        run = console.run("orders", proposal["proposalId"])

    assert line(console, run, proposal["proposalId"]).step is Step.PROVEN
    assert len(find_quotations(console, proposal)) == 1


def test_an_undo_says_that_a_quotation_stays_and_writes_none_of_a_negative_amount(
    console: Console, article: dict[str, Any]
) -> None:
    proposal = enter_proposal(console, article, 2)
    key = proposal["proposalId"]
    with proposing(console):
        run, writes = console.run("orders", key), console.writes()
        (quotation,) = find_quotations(console, proposal)
        plan = console.undo(run)
        second_run = console.run("orders", key)

    assert (plan.state, plan.counts.skipped, plan.counts.difference) == (RunState.DONE, 1, 0)
    plan_line = line(console, plan, key)
    assert (plan_line.action, plan_line.cause, plan_line.facts["reference"]) == (
        Action.SKIP,
        "quotation_stays",
        quotation["K9_REF"],
    )
    assert (console.writes(), second_run.counts.unchanged) == (writes, 1)
    assert not [row for row in console.rows("K9_QUO") if row["K9_REF"].endswith("-C")]
    assert quotation_amount(console, quotation) == Decimal(proposal["totalInclAmount"]) / 100


@pytest.mark.parametrize("option", ["credit", pytest.param("again", marks=pytest.mark.long)])
def test_a_changed_proposal_is_never_credited_and_entered_anew_where_somebody_says_so(
    console: Console, article: dict[str, Any], option: str
) -> None:
    proposal = enter_proposal(console, article)
    key = proposal["proposalId"]
    with proposing(console):
        console.run("orders", key)
        of_three = enter_proposal(console, article, 3)
        edits = {name: of_three[name] for name in ("totalInclAmount", "totalExclAmount", "vatGroupList", "lineList")}
        console.sandbox.till.edit("proposals", key, edits)
        writes = console.writes()
        changed = line(console, console.run("orders", key), key)
        asks = stores_in(console.application).issues.list("orders", "quotation_changed", limit=100)
        issues = [open_issue for open_issue in asks if open_issue.issue.key == key]
        with pytest.raises(KeyError):
            console.application.exceptions.decide("orders", issues, option, make_actor(WHO))
        decision = written_decision(option, issues[0].issue.facts["mark"], "")  # as an earlier version could be told
        of_before = Correction(Kind.PROPOSAL, key, DecisionSubject.CHANGE, None, decision)
        stores_in(console.application).corrections.keep("orders", [of_before], WHO)
        forced = line(console, console.run("orders", key), key)
        assert console.writes() == writes
        console.application.exceptions.decide("orders", issues, "anew", make_actor(WHO))
        with console.sandbox.switches.armed(Fault.CUT_AFTER, system="accountview", operation="K9Q POST", times=1):
            anew = line(console, console.run("orders", key), f"{key}#2")
        same = console.run("orders", key)

    assert (changed.cause, forced.cause, anew.step) == ("quotation_changed", "quotation_changed", Step.PROVEN)
    assert (same.counts.proven, same.counts.unchanged) == (0, 1)
    (first,), (second,) = find_quotations(console, proposal), find_quotations(console, proposal, "-2")
    assert (quotation_amount(console, first), quotation_amount(console, second)) == (
        total_of(proposal),
        3 * total_of(proposal),
    )


def test_an_order_of_a_proposal_leaves_its_quotation_as_it_is(console: Console, article: dict[str, Any]) -> None:
    proposal = enter_proposal(console, article)
    key = proposal["proposalId"]
    with proposing(console):
        console.run("orders", key)
        console.sandbox.till.add("orders", {"proposalId": key})
        order = console.sandbox.state("orders", "mplus")[-1]["orderId"]
        run = console.run("orders", key, order)

    assert line(console, run, order).step is Step.PROVEN, line(console, run, order)
    assert run.counts.unchanged == 1
    assert len(find_quotations(console, proposal)) == 1


def test_every_proposal_of_the_shop_is_accounted_for(console: Console) -> None:
    with proposing(console, orders="nothing", collective_article="9001"):
        run = console.run("orders")
        links = stores_in(console.application).links
        proposals = console.sandbox.state("proposals", "mplus")
        quotation_links = links.get("orders", Kind.QUOTATION, [proposal["proposalId"] for proposal in proposals])

    counts = run.counts
    assert counts.read_count == len(proposals)
    assert counts.read_count == counts.proven + counts.unchanged + counts.skipped + counts.parked
    cancelled = [proposal["proposalId"] for proposal in proposals if proposal["state"] == "PROPOSAL-STATE-CANCELLED"]
    assert not set(cancelled) & quotation_links.keys()
    assert len(quotation_links) + len(cancelled) == len(
        proposals
    )  # the one that was changed meanwhile waits, and has its link


@pytest.mark.long
def test_a_run_takes_in_so_many_new_documents_of_all_kinds_and_the_next_goes_on_behind_them(
    console: Console,
) -> None:
    tables = {"orders": "orderId", "invoices": "invoiceId"}
    open_keys = {str(row[key]) for table, key in tables.items() for row in console.sandbox.state(table, "mplus")}
    links = stores_in(console.application).links
    open_keys -= {key for kind in (Kind.SALES_ORDER, Kind.POSTING) for key in links.get("orders", kind, open_keys)}
    planned_keys, fresh = set[str](), list[int]()
    for limit in (5, 5, 500, 500):
        with proposing(console, proposals="nothing", orders="order", invoices="order", most=limit):
            run = console.preview("orders", mode=Mode.CHANGES)
            keys = documents_of(console, run) & open_keys
            fresh.append(len(keys - planned_keys))
            planned_keys |= keys
            console.commit(run)
    assert fresh == [5, 5, len(open_keys) - 10, 0]


def documents_of(console: Console, run: Run) -> set[str]:
    """Return the documents of the till that a plan has lines about."""
    kinds = (Kind.SALES_ORDER, Kind.POSTING, Kind.QUOTATION)
    return {row.key for row in console.application.plans.rows(run.id, limit=10_000) if row.kind in kinds}


def test_without_an_object_nothing_can_become_a_quotation(tmp_path: Any) -> None:
    with open_application(tmp_path, start=False, sandbox=True) as application:
        application.connections.join_sandbox()
        with pytest.raises(ConfigurationError) as caught:
            application.flows.change("orders", {"proposals": "quotation"}, make_actor(WHO))
        assert caught.value.facts["setting"] == "proposals"
        assert caught.value.facts["expected"] == "expected_quotations"
        name_quotations(application)


def name_quotations(application: Application) -> None:
    """Name the object of quotations, and then the field for our reference, in the order of the set-up."""
    application.names.put(
        {path: name for path, name in QUOTATIONS.items() if path.startswith("objects.")}, make_actor(WHO)
    )
    application.flows.change("orders", {"proposals": "quotation"}, make_actor(WHO))
    (lacking,) = [finding for finding in application.connections.check("accountview") if finding.name == "flow_orders"]
    assert (lacking.cause, lacking.facts["field"]) == ("flow_field_unknown", "quotation.reference")
    application.names.put(QUOTATIONS, make_actor(WHO))
    assert causes(application.connections.check("accountview")) == []
