"""An issue names all rows of value tables that a document lacks, so that one repair adds them all."""

from decimal import Decimal

from integration.core.issues import Issue
from integration.core.missing_codes import MissingCode, missing_codes_in
from tests.flows.orders.tills import a_line, an_order, parked_issue, with_tables

LOW_LINE = a_line("2", "5.45", "5.00", vat_code="1", vat_percent=Decimal(9), turnover_group="50")
HIGH_LINE = a_line("1", "12.10", "10.00", turnover_group="10")


def codes_of(issue: Issue) -> dict[tuple[str, str, str], Decimal]:
    """Return amounts by cause, code and turnover group, for rows that do not depend on another missing row."""
    return {
        _code_key(missing_code): missing_code.amount
        for missing_code in missing_codes_in(issue.facts)
        if not missing_code.counterpart_of
    }


def _code_key(missing_code: MissingCode) -> tuple[str, str, str]:
    return missing_code.cause, missing_code.facts["code"], missing_code.facts.get("group", "")


def test_an_order_names_every_vat_code_without_a_row() -> None:
    order = an_order(lines=(HIGH_LINE, LOW_LINE))
    issue = parked_issue(order, tables=with_tables(vat_codes_sales={}))
    assert (issue.cause, issue.facts["codes"]) == ("document_rows_missing", "2, 1")
    assert codes_of(issue) == {
        ("vat_code_unmapped", "2", ""): Decimal("12.10"),
        ("vat_code_unmapped", "1", ""): Decimal("5.45"),
    }


def test_a_posting_names_its_accounts_by_turnover_group() -> None:
    issue = parked_issue(
        an_order(lines=(HIGH_LINE, LOW_LINE)), becomes="posting", tables=with_tables(revenue_accounts={})
    )
    assert issue.cause == "document_rows_missing"
    assert codes_of(issue) == {
        ("revenue_account_unmapped", "1", "10"): Decimal("12.10"),
        ("revenue_account_unmapped", "2", "50"): Decimal("5.45"),
    }


def test_one_row_for_two_turnover_groups_keeps_its_own_cause() -> None:
    other = a_line("2", "24.20", "20.00", turnover_group="20")
    issue = parked_issue(an_order(lines=(HIGH_LINE, other)), becomes="posting", tables=with_tables(revenue_accounts={}))
    assert issue.cause == "revenue_account_unmapped"
    assert len(codes_of(issue)) == 2


def test_the_account_of_a_vat_code_without_a_row_follows_its_counterpart() -> None:
    issue = parked_issue(an_order(lines=(HIGH_LINE,)), becomes="posting", tables=with_tables(vat_codes_sales={}))
    assert issue.cause == "vat_code_unmapped"
    following = [missing_code for missing_code in missing_codes_in(issue.facts) if missing_code.counterpart_of]
    assert [
        (missing_code.cause, missing_code.counterpart_of, missing_code.facts["code"]) for missing_code in following
    ] == [("revenue_account_unmapped", "vat_code_unmapped", "2")]


def test_a_posting_with_accounts_by_turnover_group_needs_no_account_by_vat_code() -> None:
    tables = with_tables(vat_codes_sales={}, turnover_accounts_sales={"10": "8000"})
    issue = parked_issue(an_order(lines=(HIGH_LINE,)), becomes="posting", tables=tables)
    assert [missing_code.cause for missing_code in missing_codes_in(issue.facts)] == ["vat_code_unmapped"]
