"""A link that a person chose is a question once the number at the till means another one, and nothing is written."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from integration.core.issues import OpenIssue
from integration.core.link_evidence import CUSTOMER_CHANGED
from integration.core.states import Step
from integration.services.mappings import code_lists
from tests.consoles import WHO, Console, article, console
from tests.people import make_actor
from tests.stores import stores_in

__all__ = ["article", "console"]

DEBTOR = {"ACCT_NR": "1300", "CNT_CODE": "NL", "COUNTRY": "Nederland", "CUR_CODE": "EUR"}
EVA: Mapping[str, Any] = {"address": "Kerklaan 1", "zipcode": "3511 AB", "city": "Utrecht"}
BRAM: Mapping[str, Any] = {
    "name": "Bram Jansen", "email": "bram@jansen.example", "address": "Molenweg 7", "zipcode": "3701 EF",
    "city": "Zeist",
}  # fmt: skip


def find_issue(console: Console, cause: str, key: str) -> OpenIssue:
    """Return the open issue of a record."""
    (issue,) = [
        open_issue
        for open_issue in stores_in(console.application).issues.list("orders", cause)
        if open_issue.issue.key == key
    ]
    return issue


def debtors(console: Console) -> list[dict[str, Any]]:
    return console.rows("CONTACT")


def ambiguous(console: Console, article: str, name: str) -> tuple[str, str]:
    """Return a customer of the till whose e-mail address two debtors have, and its order."""
    email = f"{name.replace(' ', '.').lower()}@gedeeld.example"
    for _ in range(2):
        number = max(int(row["SUB_NR"]) for row in debtors(console)) + 1
        row = {"SUB_NR": str(number), "ACCT_NAME": name, "SRC_CODE": name[:8].upper(), "MAIL_BUS": email}
        console.sandbox.accountview.add("CONTACT", {**DEBTOR, **row})
    relation = console.till_client.customer(name, email, **EVA)
    order = console.till_client.order(article, relation=relation)
    assert console.lines(console.run("orders", order))[relation].cause == "customer_ambiguous"
    return relation, order


def test_a_debtor_that_a_person_chose_is_not_written_once_the_relation_is_somebody_else(
    console: Console, article: str
) -> None:
    relation, order = ambiguous(console, article, "Eva Smit")
    issue, exceptions = find_issue(console, "customer_ambiguous", relation), console.application.exceptions
    exceptions.choose(issue, exceptions.candidates("orders", issue)[0], make_actor(WHO))
    console.sandbox.till.edit("relations", relation, BRAM)  # the till was replaced before the next run
    before = debtors(console)
    late = console.till_client.order(article, relation=relation)
    lines = console.lines(console.run("orders", order, late))

    assert lines[relation].cause == CUSTOMER_CHANGED
    assert lines[late].cause == "needed_record_parked"
    assert debtors(console) == before
    facts = find_issue(console, CUSTOMER_CHANGED, relation).issue.facts
    assert ("Eva Smit" in facts["was"], "Bram Jansen" in facts["now"]) == (True, True)


def test_a_stand_in_article_is_a_question_once_its_number_is_another_article_of_the_till(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_lists, "CHOICES_CACHED_FOR", timedelta())
    tables, till = console.application.tables, console.sandbox.till
    own = next(
        row for row in console.sandbox.state("articles", "mplus") if not row.get("extArticleId") and row["vatCode"] < 3
    )
    number, name = str(own["articleNumber"]), str(own["description"])
    codes = [str(row["ART_CODE"]) for row in console.rows("ARTICLE")[:2]]
    tables.add("articles", number, codes[0], make_actor(WHO))
    relation = console.till_client.customer("Noor Blom", "noor@blom.example", **EVA)
    first, second, third = (console.till_client.order(number, relation=relation) for _ in "abc")
    line = console.lines(console.run("orders", first))[first]
    assert line.step is Step.PROVEN, (line.cause, line.facts)
    till.edit("articles", number, {"description": f"{name} XL"})
    assert console.lines(console.run("orders", second))[second].step is Step.PROVEN, "renamed"
    till.edit("articles", number, {"description": "Zonnebril"})
    line = console.lines(console.run("orders", third))[third]

    assert (line.cause, line.facts["was"], line.facts["now"]) == ("row_article_changed", name, "Zonnebril")
    rows = tables.rows("articles")
    tables.save("articles", {**rows, "999999": codes[1]}, make_actor(WHO))  # another row confirms nothing
    assert console.lines(console.run("orders", third))[third].cause == "row_article_changed"
    tables.add("articles", number, codes[1], make_actor(WHO))
    assert console.lines(console.retry("orders", "row_article_changed"))[third].step is Step.PROVEN


def test_a_debtor_that_a_person_chose_is_used_while_the_relation_is_the_same(console: Console, article: str) -> None:
    relation, order = ambiguous(console, article, "Iris Vos")
    issue, exceptions = find_issue(console, "customer_ambiguous", relation), console.application.exceptions
    exceptions.choose(issue, exceptions.candidates("orders", issue)[1], make_actor(WHO))

    assert console.lines(console.run("orders", order))[order].step is Step.PROVEN
