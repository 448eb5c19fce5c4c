"""Issues: which troubles are one repair, when a parked record was changed, and why an article waits elsewhere."""

import pytest

from integration.core.flow import Flow
from integration.core.issues import TELLING, elsewhere, source_mark, telling
from integration.core.records import Place
from integration.flows.products.settings import FLOW as PRODUCTS
from integration.flows.stock.settings import FLOW as STOCK
from integration.words import say
from tests.builders import a_part, an_article


def test_the_same_trouble_is_told_by_the_facts_that_its_repair_needs() -> None:
    one = telling("revenue_account_unmapped", {"country": "NL", "code": "2", "key": "1001"})
    assert one == telling("revenue_account_unmapped", {"country": "NL", "code": "2", "key": "1002"}) == "NL · 2"
    assert one != telling("revenue_account_unmapped", {"country": "BE", "code": "2"})


def test_a_fact_that_is_missing_is_told_as_nothing() -> None:
    assert telling("value_unmapped", {"value": "9"}) == " · 9"


def test_a_cause_whose_troubles_are_all_alike_tells_nothing() -> None:
    assert "ean_check_digit" not in TELLING
    assert telling("ean_check_digit", {"value": "871"}) == ""


def test_a_change_of_the_record_gives_it_another_mark() -> None:
    assert source_mark(an_article()) == source_mark(an_article())
    assert source_mark(an_article()) != source_mark(an_article(name="Anders"))


@pytest.mark.parametrize("passing", [{"stock": "3"}, {"warehouse:1": "3"}])
def test_what_is_in_stock_marks_a_record_for_the_flow_of_stock_alone(passing: dict[str, str]) -> None:
    moved = an_article(**passing)
    assert source_mark(moved, PRODUCTS.passing) == source_mark(an_article(), PRODUCTS.passing)
    assert source_mark(moved, STOCK.passing) != source_mark(an_article(), STOCK.passing)


@pytest.mark.parametrize("flow", [PRODUCTS, STOCK])
def test_a_stamp_alone_is_no_change(flow: Flow) -> None:
    stamped = an_article(changed="2026-11-25", marker="9")
    assert source_mark(stamped, flow.passing) == source_mark(an_article(), flow.passing)


@pytest.mark.parametrize(
    ("place", "cause"),
    [
        (Place("5001", "Trui Noord", "2"), "article_number_changed"),
        (Place("5001", "Trui Noord", "1"), "article_in_other_product"),
        (Place("5001", "Trui Noord", "1", other="ANDERS"), "article_number_taken"),
    ],
)
def test_an_article_that_is_elsewhere_waits_under_its_own_code_with_all_the_facts(place: Place, cause: str) -> None:
    issue = elsewhere(a_part("1"), "TRUI", place)
    said = say(issue.cause, issue.facts)
    assert (issue.cause, issue.key) == (cause, "1")
    assert "–" not in f"{said.what} {said.data} {said.do}"


def test_a_product_of_the_till_is_named_by_its_number_and_its_name_where_it_has_one() -> None:
    named, bare = (elsewhere(a_part("1"), "TRUI", Place("5001", name, "1")) for name in ("Trui Noord", ""))
    assert (named.facts["product"], bare.facts["product"]) == ("5001 (Trui Noord)", "5001")
