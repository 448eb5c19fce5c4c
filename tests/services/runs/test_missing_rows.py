"""All missing rows of value tables for parked records: one table, and one confirmation."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from integration.application.application import Application
from integration.core.errors import ConfigurationError
from integration.core.issues import Issue, IssueOccurrence
from integration.core.missing_codes import MISSING_CODES, MissingCode, missing_codes_fact
from integration.core.plan_sums import PlanSums
from integration.services.runs.missing_rows import RowToAdd
from tests.consoles import WHO, Console, open_application, wait_for_run
from tests.people import make_actor
from tests.stores import stores_in

ELSEWHERE = {"country": "BE", "vat_number": "no"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with open_application(tmp_path_factory.mktemp("rows"), sandbox=True) as application:
        application.connections.join_sandbox()
        yield Console(application)


def test_every_row_of_all_closed_days_is_added_at_once_and_one_preview_books_them(shop: Console) -> None:
    app = shop.application
    since = shop.sandbox.shop.today - timedelta(days=20)
    app.flows.change("days", {"date_from": since}, make_actor(WHO))
    first = shop.preview("days")
    (group,) = app.missing_rows.groups("days")
    rows = app.missing_rows.rows("days")
    assert (group.cause, group.count) == ("day_rows_missing", first.counts.parked)
    assert group.sold is not None
    assert group.sold > 0
    assert {row.table.name for row in rows} >= {"day_accounts", "method_accounts"}
    assert len({row.row_key for row in rows}) == len(rows)
    assert [row.amount for row in rows] == sorted((row.amount for row in rows), reverse=True)
    assert all(0 < row.records <= group.count for row in rows)
    assert all(row.proposal for row in rows if row.table.name == "day_accounts")  # the till's own accounts
    assert app.exceptions.unmapped("days", "method_accounts").keys() == {
        row.key for row in rows if row.table.name == "method_accounts"
    }

    wrong = {**chosen_values(rows), rows[0].row_key: "0815"}
    with pytest.raises(ConfigurationError) as refused:
        app.missing_rows.add("days", wrong, make_actor(WHO))
    assert refused.value.code == "row_impossible"
    assert app.tables.rows("method_accounts") == app.tables.rows("day_accounts") == {}  # all of them, or none

    app.missing_rows.add("days", chosen_values(rows), make_actor(WHO))
    result = app.bulk.try_again([group], make_actor(WHO))
    assert result.records == group.count
    counts = wait_for_run(app, result.runs[0]).counts
    assert counts.planned > counts.parked
    assert app.missing_rows.rows("days") == []
    still_parked = sum((group.sold or Decimal(0) for group in app.exceptions.groups()), Decimal(0))
    assert app.plans.sums(result.runs[0]) == PlanSums({"day_page": counts.planned}, group.sold - still_parked)


def chosen_values(rows: list[RowToAdd]) -> dict[tuple[str, str], str]:
    return {row.row_key: row.proposal or "1000" for row in rows}


def test_the_rows_of_documents_are_reported_together_with_their_euros(shop: Console) -> None:
    app = shop.application
    park(app, Issue("payment_method_unmapped", "a", "x", {"method": "PIN", "sold": "10.00", "table": "payment_terms"}))
    park(app, Issue("payment_method_unmapped", "b", "x", {"method": "PIN", "sold": "2.50", "table": "payment_terms"}))
    park(app, Issue("vat_code_unmapped", "c", "x", {"code": "3", "sold": "4.00", **ELSEWHERE}))
    park(app, Issue("vat_code_unmapped", "d", "x", {"code": "3", "sold": "1.00", **ELSEWHERE, "country": "NL"}))
    park(app, Issue("value_unmapped", "e", "branch", {"table": "cost_centres", "value": "2", "sold": "8.00"}))
    totals = {row.row_key: (row.amount, row.records) for row in app.missing_rows.rows("orders")}
    assert totals == {
        ("payment_terms", "PIN"): (Decimal("12.50"), 2),
        ("vat_codes_sales", "BE:3"): (Decimal("4.00"), 1),  # a row for all countries was not asked for
        ("vat_codes_sales", "3"): (Decimal("1.00"), 1),
        ("cost_centres", "2"): (Decimal("8.00"), 1),  # a branch
    }


def park(app: Application, issue: Issue) -> None:
    stores_in(app).issues.open("orders", "", [IssueOccurrence(issue)])


def test_the_rows_of_a_posting_are_proposed_and_one_follows_the_other(shop: Console) -> None:
    app = shop.application
    facts = {"code": "5", "country": "NL", "vat_number": "yes", "vat_method": "shifted"}
    codes = [
        MissingCode("vat_code_unmapped", facts, Decimal("30.00")),
        MissingCode("revenue_account_unmapped", facts, Decimal("20.00"), "vat_code_unmapped"),
        MissingCode("revenue_account_unmapped", {**facts, "group": "10"}, Decimal("10.00"), "vat_code_unmapped"),
    ]
    issue_facts = {"document": "2026.9", MISSING_CODES: missing_codes_fact(codes)}
    park(app, Issue("document_rows_missing", "posting", "", issue_facts))

    proposed = proposals(app, {})
    assert proposed["vat_codes_sales", "5:shifted"] == "5"  # the only code of the books for reverse charge
    assert proposed["revenue_accounts", "5"] == ""  # the account for that code; nothing names one
    assert proposed["turnover_accounts_sales", "10"] == "8000"  # the account that the till has for the group
    changed = proposals(app, {("vat_codes_sales", "5:shifted"): "3"})
    assert ("revenue_accounts", "3") in changed
    assert ("revenue_accounts", "5") not in changed
    app.tables.add("revenue_accounts", "5", "8200", make_actor(WHO))
    assert ("revenue_accounts", "5") not in proposals(app, {})


def proposals(app: Application, chosen: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    return {row.row_key: row.proposal for row in app.missing_rows.rows("orders", chosen)}


def test_the_account_of_down_payments_is_proposed_and_not_set(shop: Console) -> None:
    app = shop.application
    assert app.exceptions.proposed_code("days", "down_payments_account") == "1575"
    assert app.exceptions.proposed_code("days", "collective_debtor") == ""
    assert app.flows.settings("days").model_dump()["down_payments_account"] == ""
