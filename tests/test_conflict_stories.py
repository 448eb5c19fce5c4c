"""A field that both systems changed waits alone: the article goes on, and a person says whose value counts.

The stories tell of one shop whose articles have been brought to the till once, each of an article of its own.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from integration.core.conflicts import SOURCE, TARGET
from integration.core.issues import OpenIssue
from integration.core.records import Kind
from integration.core.run import Mode, Run
from tests.consoles import WHO, Console, open_application
from tests.people import make_actor
from tests.stores import stores_in

FLOW = "products"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        console = Console(application)
        console.run(FLOW)
        yield console


@pytest.fixture(scope="module")
def codes(console: Console) -> Iterator[str]:
    """Yield codes of articles that are a product by themselves."""
    till_codes = {str(row.get("extArticleId")) for row in console.sandbox.state("articles", "mplus")}
    rows = console.sandbox.state("ARTICLE")
    return iter([row["ART_CODE"] for row in rows if not row.get("K9_PARENT") and row["ART_CODE"] in till_codes])


@pytest.fixture
def article(console: Console, codes: Iterator[str]) -> str:
    """An article whose name was changed in both systems, and whose price was changed in the books."""
    code = next(codes)
    console.sandbox.till.edit("products", number(console, code), {"description": f"Kassa {code}"})
    console.sandbox.accountview.edit("ARTICLE", code, {"ART_DESC1": f"Boek {code}", "PX_SELL": 41})
    return code


def number(console: Console, code: str) -> str:
    return next(
        str(product["productNumber"])
        for product in console.sandbox.state("products", "mplus")
        for entry in product["articleList"]
        if entry.get("extArticleId") == code
    )


def product(console: Console, code: str) -> dict[str, Any]:
    rows = console.sandbox.state("products", "mplus")
    return next(row for row in rows if code in {entry.get("extArticleId") for entry in row["articleList"]})


def product_state(console: Console, code: str) -> tuple[str, int]:
    """Return the name and the price of a product of the till."""
    row = product(console, code)
    return str(row["description"]), int(row["articleList"][0]["priceIncl"])


def waiting(console: Console, code: str) -> OpenIssue:
    (issue,) = [issue for issue in stores_in(console.application).issues.of_key(FLOW, code) if issue.state == "open"]
    return issue


def decide(console: Console, code: str, side: str) -> None:
    console.application.exceptions.decide(FLOW, [waiting(console, code)], side, make_actor(WHO))


def run_again(console: Console, code: str) -> Run:
    return console.run(FLOW, code)


def agreed_name(console: Console, code: str) -> object:
    (link,) = stores_in(console.application).links.owners_of_parts(FLOW, Kind.PRODUCT, Kind.ARTICLE, [code])
    assert link.agreed is not None
    return link.agreed.values["name"]


def test_a_name_that_both_changed_stops_no_price_and_waits_alone(console: Console, article: str) -> None:
    was, before = agreed_name(console, article), product_state(console, article)[1]
    run = console.run(FLOW, mode=Mode.CHANGES)

    name, price = product_state(console, article)
    assert name == f"Kassa {article}"
    assert price != before
    assert agreed_name(console, article) == was
    issue = waiting(console, article)
    assert (issue.issue.cause, issue.issue.field) == ("field_conflict", "name")
    facts = issue.issue.facts
    assert (facts["agreed_value"], facts["source_value"], facts["target_value"]) == (
        was, f"Boek {article}", f"Kassa {article}",
    )  # fmt: skip
    rows = console.application.plans.rows(run.id, limit=10_000)
    weights = {(row.action, row.cause): row.weight for row in rows if row.key in (article, issue.issue.key)}
    assert weights == {("update", ""): 1, ("park", "field_conflict"): 0}  # it counts once: with what was written of it
    complete = console.run(FLOW)
    assert (complete.counts.difference, complete.counts.proven) == (0, 0)
    assert waiting(console, article).id == issue.id


def test_the_tills_name_is_kept_until_the_books_change_it_again(console: Console, article: str) -> None:
    console.run(FLOW, mode=Mode.CHANGES)
    decide(console, article, TARGET)
    assert run_again(console, article).counts.planned == 0
    assert product_state(console, article)[0] == f"Kassa {article}"
    assert [
        issue for issue in stores_in(console.application).issues.of_key(FLOW, article) if issue.state == "open"
    ] == []

    console.sandbox.accountview.edit("ARTICLE", article, {"ART_DESC1": f"Derde {article}"})
    run_again(console, article)
    assert product_state(console, article)[0] == f"Kassa {article}"
    assert waiting(console, article).issue.facts["source_value"] == f"Derde {article}"


def test_a_choice_made_while_a_plan_of_the_price_waits_outlives_its_commit(console: Console, article: str) -> None:
    plan = console.preview(FLOW, article)
    decide(console, article, TARGET)
    console.commit(plan)

    assert product_state(console, article)[0] == f"Kassa {article}"
    assert run_again(console, article).counts.planned == 0
    assert [
        issue for issue in stores_in(console.application).issues.of_key(FLOW, article) if issue.state == "open"
    ] == []


def test_a_choice_of_the_books_name_is_applied_and_a_choice_about_changed_values_is_not_stored(
    console: Console, article: str
) -> None:
    console.run(FLOW, mode=Mode.CHANGES)
    old_issue = waiting(console, article)
    decide(console, article, SOURCE)
    console.application.exceptions.decide(
        FLOW, [old_issue], TARGET, make_actor(WHO)
    )  # from a page that was not drawn anew
    run_again(console, article)
    assert product_state(console, article)[0] == f"Boek {article}" == agreed_name(console, article)
    assert [
        issue for issue in stores_in(console.application).issues.of_key(FLOW, article) if issue.state == "open"
    ] == []


def test_undoing_the_price_leaves_the_conflict_as_it_was(console: Console, article: str) -> None:
    was, before = agreed_name(console, article), product_state(console, article)[1]
    run = console.run(FLOW, article)
    console.commit(console.undo(run))
    assert product_state(console, article) == (f"Kassa {article}", before)
    assert agreed_name(console, article) == was
