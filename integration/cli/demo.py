"""Demo: runs every flow on a fresh sandbox, again after a day of sales, and a third time with nothing to write.

Then compares all figures of the booked days with the books, and asks the till for prices of customers.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from integration.application.application import Application
from integration.cli import prices_demo
from integration.cli.arguments import Json
from integration.cli.exit_status import FAILED
from integration.cli.output import out, print_json, table_of
from integration.cli.terminal import ENDED, PREVIEWED, command_application, follow, show_causes
from integration.connectors.accountview.settings import AccountViewAccess
from integration.connectors.mplus.settings import MplusAccess
from integration.core.days.period import date_range
from integration.core.days.report import DayState
from integration.core.days.till import total
from integration.core.people import DEMO
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest
from integration.core.states import RunState
from integration.core.totals.sold import NOTHING
from integration.flows.registry import FLOWS
from integration.services.setup import PointSeverity
from integration.settings import load_settings

commands = typer.Typer()

ROUNDS = (1, 2, 3)
AFTER_A_DAY, UNCHANGED, PRICED = 2, 3, 4
EVERY_MINUTES = 5
MONTH = 30  # days whose VAT is shown
COMPARED_DAYS = 75  # all days of the sample shop
MIN_TO_SELL, MAX_SOLD = 2, 25
DEMO_FIELDS = (
    "flow", "round", "read_count", "proven", "unchanged", "skipped", "parked", "in_doubt", "preview_writes", "writes",
)  # fmt: skip


def _run_round(application: Application, flow: str, number: int, *, quiet: bool) -> dict[str, Any]:
    """Preview and commit one flow on the sandbox; return its counts, with the calls from the sandbox's ledger."""
    if application.sandbox.running is None:
        raise RuntimeError("the demo runs on the sandbox")
    ledger = application.sandbox.running.ledger
    before = ledger.counts()["writes"]
    run_id = application.runs.preview(PreviewRequest(flow, by=DEMO, mode=Mode.COMPLETE))
    demo_run = follow(application, run_id, PREVIEWED, quiet=quiet, wait=60)
    planned = ledger.counts()["writes"]
    if demo_run.state is RunState.READY:
        confirmed = {brake.code: brake.count for brake in demo_run.brakes}
        application.runs.commit(run_id, Approval(demo_run.mark, DEMO.ref, confirmed=confirmed))
        demo_run = follow(application, run_id, ENDED, quiet=quiet, wait=60)
    counts = asdict(demo_run.counts)
    return {
        "flow": flow, "round": number, **counts, "difference": demo_run.counts.difference, "state": demo_run.state,
        "preview_writes": planned - before, "writes": ledger.counts()["writes"] - planned,
    }  # fmt: skip


def _is_consistent(line: Mapping[str, Any]) -> bool:
    whole = line["difference"] == 0 and line["in_doubt"] == 0 and line["state"] == RunState.DONE
    return bool(whole and line["preview_writes"] == 0 and (line["round"] != UNCHANGED or line["writes"] == 0))


def _show_demo(application: Application, lines: list[dict[str, Any]]) -> None:
    names = ("round", "read_count", "proven", "unchanged", "skipped", "parked", "preview_writes", "writes")
    short = {
        "unchanged": "un-\nchanged",
        "read_count": "read",
        "preview_writes": "preview\nwrites",
        "writes": "commit\nwrites",
    }
    table = table_of("flow", *names, "sum", numbers=names, short=short)
    for line in lines:
        numbers = [line[name] for name in names]
        table.add_row(line["flow"], *(str(number) for number in numbers), "✓" if _is_consistent(line) else "×")
    out.print(table)
    show_causes(application, application.issues.causes())


def _day_of_sales(application: Application, *, quiet: bool) -> tuple[int, int]:
    """Sell articles, then run the stock flow. Return the number of reduced levels, and how many of them it raised."""
    sandbox = application.sandbox.running
    if sandbox is None:
        raise RuntimeError("the demo runs on the sandbox")

    def levels() -> dict[tuple[int, int], Decimal]:
        rows = sandbox.state("stock", "mplus")
        return {(row["branchNumber"], row["articleNumber"]): Decimal(row["amountFree"]) for row in rows}

    sold_from = [place for place, amount in levels().items() if amount >= MIN_TO_SELL][:MAX_SOLD]
    for branch, article in sold_from:
        line = {"articleNumber": article, "data": {"quantity": 1, "price": 0, "totalInclAmount": 0}}
        place = {"financialBranchNumber": branch, "workplaceNumber": 1}
        sandbox.till.add("receipts", {**place, "lineList": {"line": [line]}})
    before = levels()
    _run_round(application, application.stock.flow, UNCHANGED + 1, quiet=quiet)
    after = levels()
    return len(sold_from), sum(after[place] > before[place] for place in sold_from)


def _runnable_flows(application: Application) -> list[str]:
    """Return the flows in demo order, without those that need the decision of a person."""
    stopped = {
        line.question.flow
        for line in application.setup.readiness()
        if line.question and line.weight is PointSeverity.STOPS
    }
    return sorted(FLOWS.keys() - stopped, key=lambda name: FLOWS[name].demo_order)


@commands.command()
def demo(
    articles: Annotated[int, typer.Option(min=50, help="Number of articles of the sample shop.")] = 400,
    as_json: Json = False,
) -> None:
    """Run every flow on a new sandbox, again after a day of sales, and check that all totals match.

    In the third round nothing has changed in the shop, so nothing must be written.
    """
    raise typer.Exit(0 if show(articles, as_json=as_json) else FAILED)


def show(articles: int, *, as_json: bool) -> bool:
    """Run every flow three times on a fresh sandbox and show the results; return whether everything adds up."""
    lines = []
    with tempfile.TemporaryDirectory(prefix="integration-demo-") as folder:
        settings = load_settings(
            data=Path(folder), sandbox=True, sandbox_articles=articles, database_url="",
            accountview=AccountViewAccess(), mplus=MplusAccess(),
        )  # fmt: skip
        with command_application(settings, by=DEMO) as application:
            application.setup.choose(dict.fromkeys(FLOWS, EVERY_MINUTES), by=DEMO)
            application.setup.accept(by=DEMO)  # as a person who accepts all proposals
            for number in ROUNDS:
                if number == AFTER_A_DAY and application.sandbox.running:
                    application.sandbox.running.advance_day()
                for flow in _runnable_flows(application):
                    lines.append(_run_round(application, flow, number, quiet=as_json))
                    if as_json:
                        print_json({name: lines[-1][name] for name in DEMO_FIELDS})
            sold, rose = _day_of_sales(application, quiet=as_json)
            if not as_json:
                _show_demo(application, lines)
                out.print(f"levels with sales between two runs of stock: {sold}, of which rose: {rose}")
            are_equal = _days_are_equal(application, quiet=as_json)
            are_equal = _vat_is_equal(application, quiet=as_json) and are_equal
            are_priced = _prices_of_customers(application, quiet=as_json)
    return bool(sold) and not rose and are_equal and are_priced and all(_is_consistent(line) for line in lines)


def _days_are_equal(application: Application, *, quiet: bool) -> bool:
    """Compare every booked day with the ledger of the books; return whether all figures are equal."""
    today = application.days.today()
    reports = application.days.check_span(today - timedelta(days=COMPARED_DAYS), today)
    booked = [report for report in reports if report.pages]
    figures = [row for report in booked for row in report.rows]
    equal = sum(report.state is DayState.EQUAL for report in booked)
    off = max((abs(row.difference) for row in figures), default=NOTHING)
    if quiet:
        print_json({"days_booked": len(booked), "days_equal": equal, "figures": len(figures), "off": f"{off:.2f}"})
    else:
        out.print(f"booked days: {len(booked)}, equal on both sides: {equal}")
        out.print(f"largest difference of {len(figures)} figures, by VAT code, account and method: {off:.2f}")
    return bool(booked) and equal == len(booked) and not off


def _vat_is_equal(application: Application, *, quiet: bool) -> bool:
    """Show the VAT of the last days of the shop on both sides; return whether it is equal."""
    today = application.days.today()
    report = application.periods.report(date_range(today - timedelta(days=MONTH), today))
    figures = [figure for figure in report.vat if figure.about == "vat"]
    till, books = total(figure.till for figure in figures), total(figure.books or NOTHING for figure in figures)
    if quiet:
        print_json({"vat_till": f"{till:.2f}", "vat_books": f"{books:.2f}"})
    else:
        sides = f"till {till:.2f}, books {books:.2f}, difference {books - till:.2f}"
        out.print(f"VAT of the closed days of the last {MONTH} days: {sides}")
    return bool(figures) and till == books


def _prices_of_customers(application: Application, *, quiet: bool) -> bool:
    """Send customer prices, ask the till for each, and return whether all are equal to the books."""
    prices_demo.have_prices(application)
    lines = [_run_round(application, flow, PRICED, quiet=quiet) for flow in prices_demo.FLOWS]
    outcome = prices_demo.proven(application)
    if quiet:
        print_json({"prices_asked": outcome.price_count, "prices_same": outcome.same})
    else:
        out.print(f"prices of customers: checked {outcome.price_count}, equal {outcome.same}")
        for price_proof in outcome.different:
            customer = price_proof.customer.title if price_proof.customer else "–"
            amounts = (
                f"{prices_demo.amount_cell(price_proof.paid.total)}, {prices_demo.amount_cell(price_proof.charged)}"
            )
            out.print(f"  {customer}: {price_proof.quantity:f} x {price_proof.article.key}: {amounts}", markup=False)
    return (
        outcome.price_count > 0 and outcome.price_count == outcome.same and all(_is_consistent(line) for line in lines)
    )
