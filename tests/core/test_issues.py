"""Issues: which problems are one repair, when a parked record was changed, and why an article waits elsewhere."""

from datetime import UTC, datetime

import pytest

from integration.core.flow import Flow
from integration.core.issues import (
    CauseGroup,
    IssueGroupKey,
    article_elsewhere_issue,
    source_mark,
    unreadable_record_issue,
)
from integration.core.records import Kind, Location, WrongValueError, unreadable
from integration.flows.products.settings import FLOW as PRODUCTS
from integration.flows.stock.settings import FLOW as STOCK
from integration.words import say
from tests.builders import a_part, an_article


def test_a_change_of_the_record_gives_it_another_mark() -> None:
    assert source_mark(an_article()) == source_mark(an_article())
    assert source_mark(an_article()) != source_mark(an_article(name="Anders"))


@pytest.mark.parametrize("passing", [{"stock": "3"}, {"warehouse:1": "3"}])
def test_what_is_in_stock_marks_a_record_for_the_flow_of_stock_alone(passing: dict[str, str]) -> None:
    moved = an_article(**passing)
    assert source_mark(moved, PRODUCTS.volatile_prefixes) == source_mark(an_article(), PRODUCTS.volatile_prefixes)
    assert source_mark(moved, STOCK.volatile_prefixes) != source_mark(an_article(), STOCK.volatile_prefixes)


@pytest.mark.parametrize("flow", [PRODUCTS, STOCK])
def test_a_stamp_alone_is_no_change(flow: Flow) -> None:
    stamped = an_article(changed="2026-11-25", marker="9")
    assert source_mark(stamped, flow.volatile_prefixes) == source_mark(an_article(), flow.volatile_prefixes)


@pytest.mark.parametrize(
    ("location", "cause"),
    [
        (Location("5001", "Trui Noord", "2"), "article_number_changed"),
        (Location("5001", "Trui Noord", "1"), "article_in_other_product"),
        (Location("5001", "Trui Noord", "1", other="ANDERS"), "article_number_taken"),
    ],
)
def test_an_article_that_is_elsewhere_waits_under_its_own_code_with_all_the_facts(
    location: Location, cause: str
) -> None:
    issue = article_elsewhere_issue(a_part("1"), "TRUI", location)
    message = say(issue.cause, issue.facts)
    assert (issue.cause, issue.key) == (cause, "1")
    assert "–" not in f"{message.problem} {message.data} {message.do}"


def test_a_product_of_the_till_is_named_by_its_number_and_its_name_where_it_has_one() -> None:
    with_name, bare = (
        article_elsewhere_issue(a_part("1"), "TRUI", Location("5001", name, "1")) for name in ("Trui Noord", "")
    )
    assert (with_name.facts["product"], bare.facts["product"]) == ("5001 (Trui Noord)", "5001")


def test_a_group_is_known_by_what_its_issues_have_in_common() -> None:
    seen_at = datetime(2026, 11, 25, 9, tzinfo=UTC)
    group = CauseGroup("orders", "vat_code_unmapped", "line.vat_code", 3, seen_at, seen_at, {"code": "7"}, detail="7")

    assert group.group_key == IssueGroupKey("orders", "vat_code_unmapped", "line.vat_code", "7")


def test_what_cannot_be_read_is_an_issue_with_all_of_it_and_marked_by_it() -> None:
    record, other = (unreadable(Kind.ORDER, "7", WrongValueError("price", value), value) for value in ("veel", ""))
    assert unreadable_record_issue(record, "mplus").facts == {
        "key": "7", "field": "price", "value": "veel", "system": "mplus", "raw": "veel"
    }  # fmt: skip
    assert unreadable_record_issue(other, "mplus").facts["value"] == ""
    assert source_mark(record) != source_mark(other)
    nameless = unreadable(Kind.ORDER, "", WrongValueError("orderId", ""), "<order/>")
    assert (unreadable_record_issue(record, "mplus").cause, unreadable_record_issue(nameless, "mplus").cause) == (
        "record_unreadable", "key_unreadable"
    )  # fmt: skip
