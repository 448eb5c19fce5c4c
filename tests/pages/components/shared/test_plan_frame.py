"""Columns of a document in the table of a plan."""

from datetime import date
from decimal import Decimal

from integration.core.plan import Action
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind, Record, Value
from pages.components.shared.documents import code_and_name
from pages.components.shared.plan_frame import document_columns, short_branch_names
from tests.builders import a_create

DAY = date(2026, 11, 24)


def line(kind: Kind, group: str = "", **values: Value) -> PlanRow:
    record = Record(kind, "k1", values)
    return PlanRow(1, "articles", Action.CREATE, kind, "k1", "2026.10", group, change=a_create(record))


def test_a_document_shows_total_day_and_branch_and_what_is_none_leaves_them_empty() -> None:
    rows = [
        line(Kind.DEBTOR, "1", name="Anna", date=DAY),
        line(Kind.SALES_ORDER, "1", sold_incl=Decimal("433.80"), date=DAY),
        line(Kind.DAY_PAGE, "2", sold_incl=Decimal("12.10"), date=DAY),
        line(Kind.SETTLEMENT, amount=Decimal("121.00"), paid_on=DAY, customer="Anna", debtor_number="10042"),
    ]

    sums = dict(document_columns(rows, {"1": "Utrecht", "2": "Zeist"}).columns())

    assert str(sums["total"]) == "[None, 433.8, 12.1, 121.0]"
    assert sums["date"] == [None, DAY, DAY, DAY]
    assert sums["branch"] == ["", "Utrecht", "Zeist", ""]
    assert code_and_name(rows[3]) == ("2026.10", "Anna")


def test_a_branch_that_is_the_same_for_all_has_no_column() -> None:
    rows = [line(Kind.SALES_ORDER, "1", sold_incl=Decimal(1), date=DAY)] * 2

    assert list(dict(document_columns(rows, {}).columns())) == ["total", "date"]


def test_branches_are_distinguished_without_the_words_they_share() -> None:
    assert short_branch_names({"1": "De Ketting Utrecht", "2": "De Ketting Zeist"}) == {"1": "Utrecht", "2": "Zeist"}
    assert short_branch_names({"1": "De Ketting", "2": "De Ketting Zeist"}) == {
        "1": "De Ketting",
        "2": "De Ketting Zeist",
    }
    assert short_branch_names({"1": "Zeist"}) == {"1": "Zeist"}
    assert short_branch_names({"1": "", "2": "Zeist"}) == {"1": "", "2": "Zeist"}
