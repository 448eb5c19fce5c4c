"""Debtors that are renumbered, merged or deleted in the books leave one active relation for each e-mail address."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from integration.core.run import Mode
from integration.core.states import RunState
from tests.consoles import WHO, Console, open_application
from tests.people import make_actor
from tests.stores import stores_in

GIVEN = ("REC_ID", "CNG_NR", "CNG_DATE", "EXT_KEY", "INP_DATE")  # what the books give a row themselves


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose customers are at the till."""
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        console = Console(application)
        console.run("customers")
        yield console


def active(console: Console) -> list[dict[str, Any]]:
    """Return the relations that a cashier finds."""
    return [row for row in console.sandbox.state("relations", "mplus") if row.get("active") is not False]


def relations_with_email(console: Console, email: str) -> list[dict[str, Any]]:
    """Return the active relations with an e-mail address."""
    return [row for row in active(console) if str(row.get("email")).casefold() == email.casefold()]


def single_debtors(console: Console, many: int) -> list[dict[str, Any]]:
    """Return debtors that have an e-mail address of their own and one active relation."""
    rows = [row for row in console.sandbox.state("CONTACT") if row.get("MAIL_BUS")]
    times = Counter(str(row["MAIL_BUS"]).casefold() for row in rows)
    relations = active(console)
    linked = {str(row.get("extRelationId")) for row in relations}
    of_email = Counter(str(row.get("email")).casefold() for row in relations)
    addresses = [(row, str(row["MAIL_BUS"]).casefold()) for row in rows if str(row["SUB_NR"]) in linked]
    return [row for row, address in addresses if times[address] == of_email[address] == 1][:many]


@pytest.mark.parametrize("first", [Mode.CHANGES, pytest.param(Mode.COMPLETE, marks=pytest.mark.long)])
def test_who_was_renumbered_merged_or_deleted_is_once_at_the_till(console: Console, first: Mode) -> None:
    new_number = "29001" if first is Mode.CHANGES else "29003"
    renumbered, stays, merged, deleted = single_debtors(console, 4)
    books = console.sandbox.accountview
    values = {name: value for name, value in renumbered.items() if name not in GIVEN}
    books.remove("CONTACT", renumbered["SUB_NR"])
    books.add("CONTACT", {**values, "SUB_NR": new_number})
    books.edit("CONTACT", stays["SUB_NR"], {"MAIL_BUS": merged["MAIL_BUS"]})
    books.remove("CONTACT", merged["SUB_NR"])
    books.remove("CONTACT", deleted["SUB_NR"])

    for mode in (first, Mode.COMPLETE, Mode.COMPLETE):
        console.run("customers", mode=mode)
    matches = [relations_with_email(console, row["MAIL_BUS"]) for row in (renumbered, merged, stays, deleted)]
    assert [[str(row["extRelationId"]) for row in rows] for rows in matches] == [
        [new_number],
        [stays["SUB_NR"]],
        [],
        [],
    ]
    assert console.preview("customers").state is RunState.DONE


def test_who_was_renumbered_is_a_question_where_a_second_relation_has_the_same_address(console: Console) -> None:
    (renumbered,) = single_debtors(console, 1)
    (linked,) = relations_with_email(console, renumbered["MAIL_BUS"])
    console.sandbox.till.add("relations", {"name": "Tweede", "email": renumbered["MAIL_BUS"]})
    (second,) = [row for row in relations_with_email(console, renumbered["MAIL_BUS"]) if row != linked]
    books = console.sandbox.accountview
    books.remove("CONTACT", renumbered["SUB_NR"])
    books.add(
        "CONTACT", {name: value for name, value in {**renumbered, "SUB_NR": "29002"}.items() if name not in GIVEN}
    )

    console.run("customers", mode=Mode.CHANGES)
    exceptions = console.application.exceptions
    open_issues = stores_in(console.application).issues.list("customers", "customer_ambiguous")
    (issue,) = [open_issue for open_issue in open_issues if open_issue.issue.key == "29002"]
    numbers = {str(row["relationNumber"]): row for row in (linked, second)}
    candidates = {candidate.reference: candidate for candidate in exceptions.candidates("customers", issue)}
    assert candidates.keys() == numbers.keys()
    exceptions.choose(issue, candidates[str(linked["relationNumber"])], make_actor(WHO))

    for _ in range(2):
        console.run("customers", mode=Mode.COMPLETE)
    rows = relations_with_email(console, renumbered["MAIL_BUS"])
    assert {str(row["relationNumber"]) for row in rows} == numbers.keys()
