"""Every value of every plan line has an explanation in full sentences of each language."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from integration import words
from integration.core.records import is_same_value
from integration.core.run import Run
from integration.core.traces import WhyAnswer
from tests.bookkeeping_shop import bookkeeping_shop
from tests.consoles import WHO, Console, open_application
from tests.people import make_actor
from tests.test_settlement_stories import book_invoice, book_receipt, invoice

pytestmark = pytest.mark.long  # it looks at thousands of values
BESIDE = {"target", "value", "found", "source", "system"}  # what a page knows of every value

BY_BRANCH = {
    "orders": "posting", "receipts": "posting", "invoices": "posting", "default_debtor": "fallback",
    "default_debtors_by_branch": {"2": "20001"}, "default_debtors_by_country": {"BE": "20003"},
    "debtor_number": "20002", "payments_of_receipts": "document", "daybook": "700", "collective_account": "1300",
}  # fmt: skip


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop with all settings: documents become postings, days are booked, and payments are reported."""
    with bookkeeping_shop(tmp_path_factory.mktemp("data")) as console:
        console.run("products")
        yield console


@contextmanager
def with_settings(console: Console, flow: str, values: dict[str, Any]) -> Iterator[None]:
    before = {name: getattr(console.application.flows.settings(flow), name) for name in values}
    console.application.flows.change(flow, values, make_actor(WHO))
    yield
    console.application.flows.change(flow, before, make_actor(WHO))


def every_answer(console: Console, run: Run) -> Iterator[WhyAnswer]:
    """Yield the explanation of each value in each line with a change."""
    rows = [row for row in console.application.plans.rows(run.id, limit=5_000) if row.change]
    assert rows, (run.flow, run.state, run.error, run.facts)
    for row in rows:
        answers = console.application.plans.explain_line(run.id, row.seq)
        assert row.change
        values = [(field, value) for _, field, value in row.change.desired.fields()]
        assert [(answer.field, answer.value) for answer in answers] == values
        yield from answers


def require_reasons(console: Console, run: Run) -> set[str]:
    """Require that each value has a reason with its sentences, and that the reason leads to the value."""
    codes = set()
    for answer in every_answer(console, run):
        assert answer.reason is not None, answer
        assert answer.trace is not None
        assert not answer.has_moved, answer
        assert is_same_value(answer.value, answer.trace.value) or answer.reason.code == "because_together", answer
        for language in words.LANGUAGES:
            assert words.term(
                answer.reason.code, language, **{**dict.fromkeys(BESIDE, "x"), **answer.reason.facts}
            ).endswith(".")
        codes.add(answer.reason.code)
    return codes


def test_values_of_products(tmp_path: Path) -> None:
    with open_application(tmp_path, sandbox=True) as application:
        console = Console(application)
        codes = require_reasons(console, console.preview("products"))

    assert codes >= {"because_table", "because_price_add_vat", "because_source", "because_together"}


@pytest.mark.parametrize("flow", ["stock", "customers", "orders"])
def test_values_of_a_flow_as_it_comes(console: Console, flow: str) -> None:
    assert "because_source" in require_reasons(console, console.preview(flow))


def test_values_of_orders_in_another_manner(console: Console) -> None:
    chosen = {
        "default_debtor": "forced", "debtor_number": "20002", "price_basis": "excl",
        "addresses": "always", "debtor_accounts": True, "debtor_vat_codes": {"NL": "1"}, "collective_article": "10011",
        "rounding_article": "10011",
    }  # fmt: skip
    with with_settings(console, "orders", chosen):
        codes = require_reasons(console, console.preview("orders"))

    assert codes >= {"because_debtor_forced_all", "because_setting", "because_price"}


def test_values_of_postings(console: Console) -> None:
    with with_settings(console, "orders", BY_BRANCH):
        codes = require_reasons(console, console.preview("orders"))

    assert codes >= {"because_debtor_branch", "because_debtor_all", "because_customer", "because_row", "because_sold"}
    assert codes >= {"because_reference_packed", "because_split", "because_paid", "because_period"}


@pytest.mark.parametrize("mode", ["line", "separate", "gross"])
def test_values_of_days(console: Console, mode: str) -> None:
    with with_settings(console, "days", {"mode": mode}):
        codes = require_reasons(console, console.preview("days"))

    assert codes >= {"because_row", "because_day_turnover", "because_day_payment", "because_day_reference"}


def test_values_of_payments(console: Console) -> None:
    chosen = {"orders": "nothing", "invoices": "posting", "payments_of_invoices": "document", "daybook": "700"}
    with with_settings(console, "orders", {**chosen, "collective_account": "1300"}):
        console.application.flows.change("payments", {"method": "IDEAL"}, make_actor(WHO))
        book_receipt(console, book_invoice(console, invoice(console)), 12100)
        codes = require_reasons(console, console.preview("payments"))

    assert codes == {"because_source", "because_setting"}


def test_values_of_a_plan_that_takes_back(console: Console) -> None:
    run = console.run("customers")
    assert require_reasons(console, console.undo(run)) == {"because_undone"}
